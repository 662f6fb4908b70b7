/*
 * lesson_order.c: the places of sections within a course and of lessons within a section.
 *
 * Invariants: no two children of one parent have the same place (the deferrable unique keys
 * course_sections_course_id_order_key and lessons_section_id_order_key). reorder_sections() and
 * reorder_lessons() name every child exactly once and write the whole order. A plain UPDATE of
 * one place swaps: the child that still holds the place at the statement's end gets the former
 * place of the one that moved there. A plain INSERT at a place that is taken gets the next free
 * one, so that neither of two writers that chose the same place fails; where the same statement
 * moves the holder away (ON CONFLICT DO UPDATE), the new row gets the place that it asked for.
 *
 * Locks: one lock for the places of all parents, from before the statement to the end of the
 * transaction. It comes before the rows: an UPDATE holds its row before a row trigger knows the
 * parent, so that two UPDATEs that swap with each other would wait in a ring behind a lock of
 * the parent. The parent itself is never locked against its other writers, who may want this
 * lock next.
 *
 * Rights: the triggers read and write with those of the tables' owner, because row security may
 * hide siblings; reorder_sections() and reorder_lessons() run with the caller's.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/xact.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/rel.h"
#include "utils/uuid.h"

#include "core/args.h"
#include "core/column.h"
#include "core/compat.h"
#include "core/datum.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/restore.h"
#include "core/row_trigger.h"
#include "core/schema.h"
#include "identity/asking.h"

/* A new child whose place was taken when its turn came: another row of the statement may leave
 * that place. */
typedef struct Displaced
{
	pg_uuid_t id;
	pg_uuid_t parent;
	int32 asked;
} Displaced;

/* Those of one statement, in the order in which they came, in the transaction's memory. */
typedef struct DisplacedList
{
	LocalTransactionId transaction;
	Displaced *items;
	int count;
	int room;
} DisplacedList;

/* A table of children that have an order within their parent. */
typedef struct Ordered
{
	DisplacedList displaced;
	const char *parent;        /* the column that names the parent */
	const char *parent_word;   /* "course" or "section", for messages */
	const char *children_word; /* "section" or "lesson", for messages */
	KeptPlan find;             /* the parent, if the caller may change it */
	KeptPlan last;             /* the place after the last child */
	KeptPlan free;             /* a place, or the next free one after it */
	KeptPlan swap;             /* gives whoever holds a place another one, if that is free */
	KeptPlan taken;            /* whether a place has another child */
	KeptPlan holder;           /* who else holds the place of a child that an UPDATE moved */
	KeptPlan put;              /* puts one child into a place */
	KeptPlan beside;           /* the places of a parent's children, which of them are listed */
	KeptPlan put_many;         /* puts listed children into places */
	KeptPlan compare;          /* how the named ids differ from the children */
	KeptPlan write;            /* writes the places */
	KeptPlan keep;             /* gives the children that came to a parent their former order */
} Ordered;

/* The columns of compare: how many ids are left out, are of another parent, or come again. */
enum
{
	COMPARED_MISSING = 1,
	COMPARED_FOREIGN,
	COMPARED_REPEATED,
};

/* The columns of beside. */
enum
{
	BESIDE_PLACE = 1,
	BESIDE_LISTED, /* at which position of the list, from 1; NULL for a child that is not there
					*/
};

/* The columns of holder. */
enum
{
	HOLDER_ID = 1,
	HOLDER_MOVED,   /* the same statement moved the holder there */
	HOLDER_VACATED, /* a place that the statement left free, or NULL */
};

/* The object whose lock guards all places: a part of the schema that nothing else locks. */
#define PLACES_LOCK_PART 1

/*
 * A lock clause makes the policies for UPDATE count, and FOR KEY SHARE waits for nobody but who
 * deletes the parent.
 */
#define FIND_QUERY(table) "SELECT FROM coursebase." table " WHERE id = $1 FOR KEY SHARE"
#define LAST_QUERY(table, parent)                                                              \
	"SELECT coalesce(max(o.\"order\") + 1, 0) FROM coursebase." table " o WHERE o." parent     \
	" = $1"
/* A row of the same id is no sibling: ON CONFLICT (id) is about to update it. The places from
 * the taken one on are read once, in their order, up to the first gap; within a statement a
 * place may be there twice. */
#define FREE_QUERY(table, parent)                                                              \
	"SELECT CASE WHEN NOT EXISTS (SELECT FROM coursebase." table " o WHERE o." parent " = $1"  \
	"  AND o.\"order\" = $2) OR EXISTS (SELECT FROM coursebase." table " o WHERE o.id = $3)"   \
	" THEN $2 ELSE (SELECT g.place + 1 FROM (SELECT o.\"order\" AS place,"                     \
	"  lead(o.\"order\") OVER (ORDER BY o.\"order\") AS following FROM coursebase." table " o" \
	"  WHERE o." parent " = $1 AND o.\"order\" >= $2) g"                                       \
	" WHERE coalesce(g.following > g.place + 1, true) ORDER BY g.place LIMIT 1) END"
#define SWAP_QUERY(table, parent)                                                              \
	"UPDATE coursebase." table " h SET \"order\" = $4 WHERE h." parent " = $2"                 \
	" AND h.\"order\" = $3 AND h.id <> $1 AND NOT EXISTS (SELECT FROM coursebase." table " o"  \
	"  WHERE o." parent " = $2 AND o.\"order\" = $4)"
#define TAKEN_QUERY(table, parent)                                                             \
	"SELECT FROM coursebase." table " h WHERE h." parent " = $2 AND h.\"order\" = $3"          \
	" AND h.id <> $1"
/* Of the places that the statement left free, the former one of the mover comes first. */
#define HOLDER_QUERY(table, parent)                                                            \
	"SELECT h.id, EXISTS (SELECT FROM changed c JOIN former f ON f.id = c.id"                  \
	"  WHERE c.id = h.id AND c." parent " = $2 AND c.\"order\" = $3"                           \
	"  AND (f." parent ", f.\"order\") <> (c." parent ", c.\"order\")),"                       \
	" (SELECT f.\"order\" FROM former f WHERE f." parent " = $2 AND NOT EXISTS ("              \
	"  SELECT FROM coursebase." table " o WHERE o." parent " = $2"                             \
	"   AND o.\"order\" = f.\"order\") ORDER BY f.id <> $1, f.\"order\" LIMIT 1)"              \
	" FROM coursebase." table " m JOIN coursebase." table " h"                                 \
	"  ON h." parent " = m." parent " AND h.\"order\" = m.\"order\" AND h.id <> m.id"          \
	" WHERE m.id = $1 AND m." parent " = $2 AND m.\"order\" = $3"
#define PUT_QUERY(table) "UPDATE coursebase." table " SET \"order\" = $2 WHERE id = $1"
#define BESIDE_QUERY(table, parent)                                                            \
	"SELECT o.\"order\", d.n::pg_catalog.int8 FROM coursebase." table " o"                     \
	" LEFT JOIN unnest($2) WITH ORDINALITY d (id, n) ON d.id = o.id WHERE o." parent " = $1"   \
	" ORDER BY o.\"order\""
#define PUT_MANY_QUERY(table)                                                                  \
	"UPDATE coursebase." table " o SET \"order\" = d.place FROM unnest($1, $2) d (id, place)"  \
	" WHERE o.id = d.id AND o.\"order\" <> d.place"
#define COMPARE_QUERY(table, parent)                                                           \
	"SELECT (SELECT count(*) FROM coursebase." table " o WHERE o." parent " = $1"              \
	"  AND o.id <> ALL ($2)),"                                                                 \
	" (SELECT count(*) FROM unnest($2) n WHERE NOT EXISTS ("                                   \
	"  SELECT FROM coursebase." table " o WHERE o.id = n AND o." parent " = $1)),"             \
	" (SELECT count(*) - count(DISTINCT n) FROM unnest($2) n)"
#define WRITE_QUERY(table, parent)                                                             \
	"UPDATE coursebase." table " o SET \"order\" = n.place - 1"                                \
	" FROM unnest($2) WITH ORDINALITY n (id, place)"                                           \
	" WHERE o." parent " = $1 AND o.id = n.id AND o.\"order\" <> n.place - 1"
/* The children that the statement moved to another parent, with the numbers from 1 in an order
 * of their own for each parent that they came to. */
#define CAME_QUERY(columns, parent, order, joined)                                             \
	"(SELECT c." parent ", row_number() OVER (PARTITION BY c." parent " ORDER BY " order       \
	") AS n, " columns " FROM changed c JOIN former f ON f.id = c.id " joined                  \
	" WHERE f." parent " <> c." parent ")"
#define CHILDREN(parent, former) CAME_QUERY("c.id", parent, former, "")
#define THEIR_PLACES(table, parent)                                                            \
	CAME_QUERY("o.\"order\" AS place", parent, "o.\"order\"",                                  \
			   "JOIN coursebase." table " o ON o.id = c.id")
/* The places that the children took stay theirs together: the nth place is the nth child's. */
#define KEEP_QUERY(table, children, places, parent)                                            \
	"UPDATE coursebase." table " l SET \"order\" = p.place FROM " children " r JOIN " places   \
	" p USING (" parent ", n) WHERE l.id = r.id AND l.\"order\" <> p.place"
#define ONE_KEY  .nargs = 1, .types = {UUIDOID}
#define AT_PLACE .nargs = 3, .types = {UUIDOID, INT4OID, UUIDOID}
#define MOVED    .nargs = 3, .types = {UUIDOID, UUIDOID, INT4OID}
#define SWAPPED  .nargs = 4, .types = {UUIDOID, UUIDOID, INT4OID, INT4OID}
#define TO_PLACE .nargs = 2, .types = {UUIDOID, INT4OID}
#define KEY_LIST .nargs = 2, .types = {UUIDOID, UUIDARRAYOID}
#define PLACED   .nargs = 2, .types = {UUIDARRAYOID, INT4ARRAYOID}

static Ordered sections = {
	.parent = "course_id",
	.parent_word = "course",
	.children_word = "section",
	.find = {.sql = FIND_QUERY("courses"), ONE_KEY},
	.last = {.sql = LAST_QUERY("course_sections", "course_id"), ONE_KEY},
	.free = {.sql = FREE_QUERY("course_sections", "course_id"), AT_PLACE},
	.swap = {.sql = SWAP_QUERY("course_sections", "course_id"), SWAPPED},
	.taken = {.sql = TAKEN_QUERY("course_sections", "course_id"), MOVED},
	.holder = {.sql = HOLDER_QUERY("course_sections", "course_id"), MOVED},
	.put = {.sql = PUT_QUERY("course_sections"), TO_PLACE},
	.beside = {.sql = BESIDE_QUERY("course_sections", "course_id"), KEY_LIST},
	.put_many = {.sql = PUT_MANY_QUERY("course_sections"), PLACED},
	.compare = {.sql = COMPARE_QUERY("course_sections", "course_id"), KEY_LIST},
	.write = {.sql = WRITE_QUERY("course_sections", "course_id"), KEY_LIST},
	.keep = {.sql = KEEP_QUERY("course_sections",
							   CHILDREN("course_id", "f.course_id, f.\"order\""),
							   THEIR_PLACES("course_sections", "course_id"), "course_id")},
};
static Ordered lessons = {
	.parent = "section_id",
	.parent_word = "section",
	.children_word = "lesson",
	.find = {.sql = FIND_QUERY("course_sections"), ONE_KEY},
	.last = {.sql = LAST_QUERY("lessons", "section_id"), ONE_KEY},
	.free = {.sql = FREE_QUERY("lessons", "section_id"), AT_PLACE},
	.swap = {.sql = SWAP_QUERY("lessons", "section_id"), SWAPPED},
	.taken = {.sql = TAKEN_QUERY("lessons", "section_id"), MOVED},
	.holder = {.sql = HOLDER_QUERY("lessons", "section_id"), MOVED},
	.put = {.sql = PUT_QUERY("lessons"), TO_PLACE},
	.beside = {.sql = BESIDE_QUERY("lessons", "section_id"), KEY_LIST},
	.put_many = {.sql = PUT_MANY_QUERY("lessons"), PLACED},
	.compare = {.sql = COMPARE_QUERY("lessons", "section_id"), KEY_LIST},
	.write = {.sql = WRITE_QUERY("lessons", "section_id"), KEY_LIST},
	/* sections that become one follow each other as they did */
	.keep = {.sql =
				 KEEP_QUERY("lessons",
							CHILDREN("section_id",
									 "(SELECT s.\"order\" FROM coursebase.course_sections s"
									 " WHERE s.id = f.section_id), f.section_id, f.\"order\""),
							THEIR_PLACES("lessons", "section_id"), "section_id")},
};

/* One child's way from one place of its parent to another. */
typedef struct Move
{
	pg_uuid_t parent;
	int32 from;
	int32 to;
} Move;

/*
 * What place_swap() is doing: the UPDATE of the holder fires these triggers again, and there is
 * nothing left for them to give.
 */
static const Move *swapping = NULL;

static void places_lock(void);
static Datum place_keep(TriggerData *data, Ordered *ordered);
static int32 place_free(Ordered *ordered, const pg_uuid_t *parent, int32 place,
						const pg_uuid_t *child);
static void displaced_note(DisplacedList *list, const pg_uuid_t *id, const pg_uuid_t *parent,
						   int32 asked);
static void displaced_settle(Ordered *ordered);
static void displaced_place(Ordered *ordered, const pg_uuid_t *parent,
							const DisplacedList *list, Datum *places, bool *there);
static int32 place_take(int32 *taken, int *count, int32 asked);
static Datum place_give(TriggerData *data, Ordered *ordered);
static bool move_within(TriggerData *data, Ordered *ordered, Move *move);
static bool move_is_swap(const Move *move);
static bool place_swap(Ordered *ordered, const pg_uuid_t *child, const Move *move);
static void place_give_of_many(TriggerData *data, Ordered *ordered, PlanValues *values,
							   bool within);
static void place_put(Ordered *ordered, const pg_uuid_t *child, int32 place);
static Datum order_keep(TriggerData *data, Ordered *ordered);
static bool column_is_set(TriggerData *data, const char *name);
static bool place_wanted(TriggerData *data, const Ordered *ordered, const pg_uuid_t *parent,
						 int column);
static Datum reorder(FunctionCallInfo fcinfo, Ordered *ordered);
static void children_require(Ordered *ordered, Datum *values);

PG_FUNCTION_INFO_V1(coursebase_tg_any__lock_places);
PG_FUNCTION_INFO_V1(coursebase_tg_course_sections__place);
PG_FUNCTION_INFO_V1(coursebase_tg_lessons__place);
PG_FUNCTION_INFO_V1(coursebase_tg_course_sections__give_place);
PG_FUNCTION_INFO_V1(coursebase_tg_lessons__give_place);
PG_FUNCTION_INFO_V1(coursebase_tg_course_sections__keep_order);
PG_FUNCTION_INFO_V1(coursebase_tg_lessons__keep_order);
PG_FUNCTION_INFO_V1(coursebase_reorder_sections);
PG_FUNCTION_INFO_V1(coursebase_reorder_lessons);

/*
 * SQL function: tg_any__lock_places() returns trigger
 *
 * Who may write no place by row security does not get the lock, and so cannot hold it for long.
 * A policy of an operator's own may let others write: for them the triggers of the row take it.
 */
PGDLLEXPORT Datum
coursebase_tg_any__lock_places(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect_before_statement(fcinfo, "tg_any__lock_places");

	/* of what an earlier statement noted nothing can become free any more; one statement may
	 * write both tables */
	if (strcmp(RelationGetRelationName(data->tg_relation), "lessons") == 0)
		lessons.displaced.count = 0;
	else
		sections.displaced.count = 0;
	if (!restore_under_way() && identity_writes_as_admin(data->tg_relation))
		places_lock();
	return PointerGetDatum(NULL);
}

/* SQL function: tg_course_sections__place() returns trigger. See place_keep(). */
PGDLLEXPORT Datum
coursebase_tg_course_sections__place(PG_FUNCTION_ARGS)
{
	return place_keep(trigger_expect(fcinfo, "tg_course_sections__place", ROW_BEFORE_WRITE),
					  &sections);
}

/* SQL function: tg_lessons__place() returns trigger. See place_keep(). */
PGDLLEXPORT Datum
coursebase_tg_lessons__place(PG_FUNCTION_ARGS)
{
	return place_keep(trigger_expect(fcinfo, "tg_lessons__place", ROW_BEFORE_WRITE), &lessons);
}

/* SQL function: tg_course_sections__give_place() returns trigger. See place_give(). */
PGDLLEXPORT Datum
coursebase_tg_course_sections__give_place(PG_FUNCTION_ARGS)
{
	return place_give(
		trigger_expect(fcinfo, "tg_course_sections__give_place", ROW_AFTER_UPDATE), &sections);
}

/* SQL function: tg_lessons__give_place() returns trigger. See place_give(). */
PGDLLEXPORT Datum
coursebase_tg_lessons__give_place(PG_FUNCTION_ARGS)
{
	return place_give(trigger_expect(fcinfo, "tg_lessons__give_place", ROW_AFTER_UPDATE),
					  &lessons);
}

/* SQL function: tg_course_sections__keep_order() returns trigger. See order_keep(). */
PGDLLEXPORT Datum
coursebase_tg_course_sections__keep_order(PG_FUNCTION_ARGS)
{
	return order_keep(trigger_expect_statement(fcinfo, "tg_course_sections__keep_order"),
					  &sections);
}

/* SQL function: tg_lessons__keep_order() returns trigger. See order_keep(). */
PGDLLEXPORT Datum
coursebase_tg_lessons__keep_order(PG_FUNCTION_ARGS)
{
	return order_keep(trigger_expect_statement(fcinfo, "tg_lessons__keep_order"), &lessons);
}

/* SQL function: reorder_sections(course_id uuid, ids uuid[]) returns integer. See reorder(). */
PGDLLEXPORT Datum
coursebase_reorder_sections(PG_FUNCTION_ARGS)
{
	return reorder(fcinfo, &sections);
}

/* SQL function: reorder_lessons(section_id uuid, ids uuid[]) returns integer. See reorder(). */
PGDLLEXPORT Datum
coursebase_reorder_lessons(PG_FUNCTION_ARGS)
{
	return reorder(fcinfo, &lessons);
}

/*
 * Locks the places until the transaction ends. A session that holds the lock already does not
 * wait.
 */
static void
places_lock(void)
{
	LockDatabaseObject(NamespaceRelationId, owner_schema(), PLACES_LOCK_PART, ExclusiveLock);
}

/*
 * Gives a row that has no place of its own the place after the last one of its parent, and a
 * new row whose place is taken the next free one. The places are locked before they are read,
 * so that a second session waits and then reads what the first one took. If the parent is
 * missing, the foreign key reports it. A dump brings places that are right.
 */
static Datum
place_keep(TriggerData *data, Ordered *ordered)
{
	HeapTuple row = trigger_written_row(data);
	int column = SPI_fnumber(RelationGetDescr(data->tg_relation), "order");
	pg_uuid_t parent;
	pg_uuid_t id;
	Datum key = UUIDPGetDatum(&parent);
	Datum place;
	bool wanted;

	if (column <= 0)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
						errmsg("table \"%s\" has no column \"order\"",
							   RelationGetRelationName(data->tg_relation))));
	if (!trigger_uuid(data, row, ordered->parent, &parent))
		return PointerGetDatum(row);
	wanted = place_wanted(data, ordered, &parent, column);
	if (!wanted && (TRIGGER_FIRED_BY_UPDATE(data->tg_event) || restore_under_way() ||
					!trigger_uuid(data, row, "id", &id)))
		return PointerGetDatum(row);
	places_lock();
	SPI_connect();
	if (wanted)
	{
		owner_execute_latest(&ordered->last, &key, NULL);
		place = plan_value_as(0, 1, INT4OID, NULL);
	}
	else
	{
		int32 asked = DatumGetInt32(trigger_value_as(data, row, "order", INT4OID));

		place = Int32GetDatum(place_free(ordered, &parent, asked, &id));
		if (DatumGetInt32(place) != asked)
			displaced_note(&ordered->displaced, &id, &parent, asked);
	}
	SPI_finish();
	return PointerGetDatum(trigger_set_as(data, row, "order", INT4OID, place, false));
}

/* The place if it is free for the child, NULL for one that has a place, or the next free one.
 */
static int32
place_free(Ordered *ordered, const pg_uuid_t *parent, int32 place, const pg_uuid_t *child)
{
	PlanValues values = {0};

	plan_bind_uuid(&values, parent);
	plan_bind_int32(&values, place);
	plan_bind_uuid(&values, child);
	owner_execute_latest(&ordered->free, values.datums, values.nulls);
	return plan_int32(0, 1);
}

static void
displaced_note(DisplacedList *list, const pg_uuid_t *id, const pg_uuid_t *parent, int32 asked)
{
	if (list->transaction != compat_local_transaction())
		*list = (DisplacedList){.transaction = compat_local_transaction()};
	if (list->count == list->room)
	{
		int room = Max(16, 2 * list->room);

		list->items = list->items == NULL
						  ? MemoryContextAlloc(TopTransactionContext, room * sizeof(Displaced))
						  : repalloc(list->items, room * sizeof(Displaced));
		list->room = room;
	}
	list->items[list->count++] = (Displaced){.id = *id, .parent = *parent, .asked = asked};
}

/*
 * Once a statement that also moved rows has written all: its new rows whose places were taken
 * get the places that they asked for, or the next free ones, as if they had come last. Who came
 * first is first.
 */
static void
displaced_settle(Ordered *ordered)
{
	DisplacedList list = ordered->displaced;
	Datum *ids;
	Datum *places;
	bool *there;
	Datum values[2];
	int count = 0;

	/* the UPDATE below fires the triggers again */
	ordered->displaced.count = 0;
	if (list.count == 0 || list.transaction != compat_local_transaction())
		return;
	ids = palloc(list.count * sizeof(Datum));
	places = palloc(list.count * sizeof(Datum));
	there = palloc0(list.count * sizeof(bool));
	for (int i = 0; i < list.count; i++)
		if (!there[i])
			displaced_place(ordered, &list.items[i].parent, &list, places, there);
	for (int i = 0; i < list.count; i++)
	{
		ids[count] = UUIDPGetDatum(&list.items[i].id);
		places[count] = places[i];
		count += there[i];
	}
	values[0] = array_of(UUIDOID, ids, NULL, count);
	values[1] = array_of(INT4OID, places, NULL, count);
	owner_execute_latest(&ordered->put_many, values, NULL);
}

/* The places of those of the list that came to one parent, and whether they came: ON CONFLICT
 * may have kept a row away. */
static void
displaced_place(Ordered *ordered, const pg_uuid_t *parent, const DisplacedList *list,
				Datum *places, bool *there)
{
	Datum *ids = palloc(list->count * sizeof(Datum));
	int *listed = palloc(list->count * sizeof(int));
	Datum values[] = {UUIDPGetDatum(parent), 0};
	int32 *taken;
	int came = 0;
	int count = 0;
	uint64 rows;

	for (int i = 0; i < list->count; i++)
		if (uuid_equal(&list->items[i].parent, parent))
		{
			ids[came] = UUIDPGetDatum(&list->items[i].id);
			listed[came++] = i;
		}
	values[1] = array_of(UUIDOID, ids, NULL, came);
	rows = owner_execute_latest(&ordered->beside, values, NULL);
	taken = palloc_extended((rows + 1) * sizeof(int32), MCXT_ALLOC_HUGE);
	for (uint64 i = 0; i < rows; i++)
	{
		bool none;
		Datum at = plan_value_as(i, BESIDE_LISTED, INT8OID, &none);

		if (none)
			taken[count++] = plan_int32(i, BESIDE_PLACE);
		else
			there[listed[DatumGetInt64(at) - 1]] = true;
	}
	for (int i = 0; i < came; i++)
		if (there[listed[i]])
			places[listed[i]] =
				Int32GetDatum(place_take(taken, &count, list->items[listed[i]].asked));
	/* a statement may write the children of many parents */
	pfree(taken);
	pfree(listed);
	pfree(ids);
}

/* The place, or the next one that is not among those taken, which it joins: they stay in order.
 */
static int32
place_take(int32 *taken, int *count, int32 asked)
{
	int at = 0;
	int32 place = asked;

	while (at < *count && taken[at] < asked)
		at++;
	for (; at < *count && taken[at] <= place; at++)
		place = taken[at] + 1;
	memmove(&taken[at + 1], &taken[at], (*count - at) * sizeof(int32));
	taken[at] = place;
	(*count)++;
	return place;
}

/*
 * After an UPDATE, for each row that it moved: whoever still holds the place, and was not moved
 * there by the same statement, gets a place that the statement left free, or the next free one.
 * Where it left none, because the row came from another parent, the row itself takes the next
 * free place. Two rows that one statement moves to one place are left to the unique key.
 */
static Datum
place_give(TriggerData *data, Ordered *ordered)
{
	pg_uuid_t id = *DatumGetUUIDP(trigger_value_as(data, data->tg_newtuple, "id", UUIDOID));
	PlanValues values = {0};
	Move move;
	bool within;

	if (restore_under_way())
		return PointerGetDatum(NULL);
	within = move_within(data, ordered, &move);
	if (within && move_is_swap(&move))
		return PointerGetDatum(NULL);
	places_lock();
	plan_bind_uuid(&values, &id);
	plan_bind_uuid(&values, &move.parent);
	plan_bind_int32(&values, move.to);
	SPI_connect();
	displaced_settle(ordered);
	/* one row is the usual case, and needs no look at what the statement moved besides */
	if (!(within && trigger_rows_written(data) == 1 && place_swap(ordered, &id, &move)) &&
		owner_execute_latest(&ordered->taken, values.datums, values.nulls) > 0)
		place_give_of_many(data, ordered, &values, within);
	SPI_finish();
	return PointerGetDatum(NULL);
}

/* The way of the row, and whether it stayed with its parent. */
static bool
move_within(TriggerData *data, Ordered *ordered, Move *move)
{
	pg_uuid_t before =
		*DatumGetUUIDP(trigger_value_as(data, data->tg_trigtuple, ordered->parent, UUIDOID));

	move->parent =
		*DatumGetUUIDP(trigger_value_as(data, data->tg_newtuple, ordered->parent, UUIDOID));
	move->from = DatumGetInt32(trigger_value_as(data, data->tg_trigtuple, "order", INT4OID));
	move->to = DatumGetInt32(trigger_value_as(data, data->tg_newtuple, "order", INT4OID));
	return uuid_equal(&before, &move->parent);
}

static bool
move_is_swap(const Move *move)
{
	return swapping != NULL && uuid_equal(&swapping->parent, &move->parent) &&
		   swapping->from == move->to && swapping->to == move->from;
}

/* Gives whoever holds the child's place the child's former one; false if nobody does. */
static bool
place_swap(Ordered *ordered, const pg_uuid_t *child, const Move *move)
{
	const Move *outer = swapping;
	PlanValues values = {0};
	uint64 swapped;

	plan_bind_uuid(&values, child);
	plan_bind_uuid(&values, &move->parent);
	plan_bind_int32(&values, move->to);
	plan_bind_int32(&values, move->from);
	swapping = move;
	PG_TRY();
	{
		swapped = owner_execute_latest(&ordered->swap, values.datums, values.nulls);
	}
	PG_FINALLY();
	{
		swapping = outer;
	}
	PG_END_TRY();
	return swapped > 0;
}

/* The same for a row of several that the statement moved, or one of another parent. */
static void
place_give_of_many(TriggerData *data, Ordered *ordered, PlanValues *values, bool within)
{
	trigger_tables_show(data);
	if (owner_execute_latest(&ordered->holder, values->datums, values->nulls) > 0 &&
		!plan_bool(0, HOLDER_MOVED))
	{
		pg_uuid_t holder = plan_uuid(0, HOLDER_ID);
		bool none;
		Datum vacated = plan_value_as(0, HOLDER_VACATED, INT4OID, &none);
		const pg_uuid_t *id = DatumGetUUIDP(values->datums[0]);

		if (!none)
			place_put(ordered, &holder, DatumGetInt32(vacated));
		else
			place_put(ordered, within ? &holder : id,
					  place_free(ordered, DatumGetUUIDP(values->datums[1]),
								 DatumGetInt32(values->datums[2]), NULL));
	}
}

/* The UPDATE fires the triggers of the child again, which find the place free. */
static void
place_put(Ordered *ordered, const pg_uuid_t *child, int32 place)
{
	Datum values[] = {UUIDPGetDatum(child), Int32GetDatum(place)};

	owner_execute_latest(&ordered->put, values, NULL);
}

/*
 * After an UPDATE that gave many rows another parent and no places: each row got the place
 * after the last one when its turn came, and the server takes rows as they lie in the table,
 * which is the order of nothing. The places of each parent are handed out anew, in the order
 * that the rows had where they came from.
 */
static Datum
order_keep(TriggerData *data, Ordered *ordered)
{
	if (restore_under_way() || trigger_rows_written(data) < 2 ||
		!TRIGGER_FIRED_BY_UPDATE(data->tg_event) || !column_is_set(data, ordered->parent) ||
		column_is_set(data, "order"))
		return PointerGetDatum(NULL);
	places_lock();
	SPI_connect();
	trigger_tables_show(data);
	owner_execute_latest(&ordered->keep, NULL, NULL);
	SPI_finish();
	return PointerGetDatum(NULL);
}

/* Whether the UPDATE names the column after SET. */
static bool
column_is_set(TriggerData *data, const char *name)
{
	int column = SPI_fnumber(RelationGetDescr(data->tg_relation), name);

	return bms_is_member(column - FirstLowInvalidHeapAttributeNumber, data->tg_updatedcols);
}

/*
 * Whether the row needs a place: an INSERT without one, or an UPDATE that moves the row to
 * another parent and leaves its place as it was.
 */
static bool
place_wanted(TriggerData *data, const Ordered *ordered, const pg_uuid_t *parent, int column)
{
	TupleDesc columns = RelationGetDescr(data->tg_relation);
	pg_uuid_t before;
	bool null;
	bool old_null;
	Datum place;
	Datum old;

	column_require_type(columns, column, INT4OID);
	place = SPI_getbinval(trigger_written_row(data), columns, column, &null);

	if (!TRIGGER_FIRED_BY_UPDATE(data->tg_event))
		return null;
	if (trigger_uuid(data, data->tg_trigtuple, ordered->parent, &before) &&
		uuid_equal(&before, parent))
		return false;
	old = SPI_getbinval(data->tg_trigtuple, columns, column, &old_null);
	return null || (!old_null && DatumGetInt32(old) == DatumGetInt32(place));
}

/*
 * Puts the children of a parent into the given order and answers how many they are. The places
 * are locked before the children are compared with the ids, so that no child is added until the
 * transaction ends; only for a caller who may change the parent, so that nobody else holds the
 * lock. Row security decides that: a hidden parent reads like a missing one.
 */
static Datum
reorder(FunctionCallInfo fcinfo, Ordered *ordered)
{
	ArrayType *ids = args_array(fcinfo, 1);
	Datum values[] = {PG_GETARG_DATUM(0), PointerGetDatum(ids)};

	args_require(fcinfo, 0);
	schema_require_current();
	SPI_connect();
	/* before the parent, which an UPDATE of its own place locks after the places; where nothing
	 * can be written, the statements below say so */
	if (!XactReadOnly && (identity_is_server() || identity_is_admin()))
		places_lock();
	if (plan_execute(&ordered->find, values, NULL, false) != 1)
		ereport(
			ERROR,
			(errcode(ERRCODE_CB_NOT_FOUND),
			 errmsg("there is no such %s, or it is not yours to change", ordered->parent_word),
			 errdetail("The id that was passed is %s.", uuid_text(PG_GETARG_UUID_P(0)))));
	places_lock();
	children_require(ordered, values);
	plan_execute(&ordered->write, values, NULL, false);
	SPI_finish();
	PG_RETURN_INT32(ArrayGetNItems(ARR_NDIM(ids), ARR_DIMS(ids)));
}

/*
 * Raises KB905 unless the ids name every child exactly once. The caller holds the lock of the
 * places. The three counts go into the DETAIL, so that the client can tell an outdated list
 * from a mistake.
 */
static void
children_require(Ordered *ordered, Datum *values)
{
	int64 missing, foreign, repeated;

	plan_execute(&ordered->compare, values, NULL, false);
	missing = plan_int64(0, COMPARED_MISSING);
	foreign = plan_int64(0, COMPARED_FOREIGN);
	repeated = plan_int64(0, COMPARED_REPEATED);
	if (missing > 0 || foreign > 0 || repeated > 0)
		ereport(ERROR,
				(errcode(ERRCODE_CB_ORDER_INCOMPLETE),
				 errmsg("ids must name every %s of the %s exactly once", ordered->children_word,
						ordered->parent_word),
				 errdetail("Missing: " INT64_FORMAT ", of another %s or of none: " INT64_FORMAT
						   ", named again: " INT64_FORMAT ".",
						   missing, ordered->parent_word, foreign, repeated),
				 errhint("Read the list again, and send all of it.")));
}
