/*
 * lesson_order.c: the places of sections within a course and of lessons within a section.
 *
 * Invariants: no two children of one parent have the same place (the deferrable unique keys
 * course_sections_course_id_order_key and lessons_section_id_order_key). A new order names
 * every child exactly once, and one statement writes the whole order.
 *
 * Locks: the row of the parent (course or section) before the places of its children are read,
 * so that two sessions that append at once get different places, and that no child is added
 * while an order is checked and written.
 *
 * Rights: the triggers lock and read with those of the tables' owner, because row security may
 * hide siblings; reorder_sections() and reorder_lessons() run with the caller's.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/uuid.h"

#include "core/args.h"
#include "core/datum.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/row_trigger.h"
#include "core/schema.h"

/* A table of children that have an order within their parent. */
typedef struct Ordered
{
	const char *parent;        /* the column that names the parent */
	const char *parent_word;   /* "course" or "section", for messages */
	const char *children_word; /* "section" or "lesson", for messages */
	KeptPlan lock;             /* locks the parent, with the caller's rights */
	KeptPlan last;             /* the place after the last child */
	KeptPlan compare;          /* how the named ids differ from the children */
	KeptPlan write;            /* writes the places */
} Ordered;

/* The columns of compare: how many ids are left out, are of another parent, or come again. */
enum
{
	COMPARED_MISSING = 1,
	COMPARED_FOREIGN,
	COMPARED_REPEATED,
};

#define LOCK_QUERY(table) "SELECT FROM coursebase." table " WHERE id = $1 FOR NO KEY UPDATE"
#define LAST_QUERY(table, parent)                                                              \
	"SELECT coalesce(max(o.\"order\") + 1, 0) FROM coursebase." table " o WHERE o." parent     \
	" = $1"
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
#define ONE_KEY  .nargs = 1, .types = {UUIDOID}
#define KEY_LIST .nargs = 2, .types = {UUIDOID, UUIDARRAYOID}

static Ordered sections = {
	.parent = "course_id",
	.parent_word = "course",
	.children_word = "section",
	.lock = {.sql = LOCK_QUERY("courses"), ONE_KEY},
	.last = {.sql = LAST_QUERY("course_sections", "course_id"), ONE_KEY},
	.compare = {.sql = COMPARE_QUERY("course_sections", "course_id"), KEY_LIST},
	.write = {.sql = WRITE_QUERY("course_sections", "course_id"), KEY_LIST},
};
static Ordered lessons = {
	.parent = "section_id",
	.parent_word = "section",
	.children_word = "lesson",
	.lock = {.sql = LOCK_QUERY("course_sections"), ONE_KEY},
	.last = {.sql = LAST_QUERY("lessons", "section_id"), ONE_KEY},
	.compare = {.sql = COMPARE_QUERY("lessons", "section_id"), KEY_LIST},
	.write = {.sql = WRITE_QUERY("lessons", "section_id"), KEY_LIST},
};
/*
 * The locks that the triggers take with the rights of the tables' owner. They have plans of
 * their own: one plan that runs under two roles would be planned anew at each change of role.
 */
static KeptPlan lock_course = {.sql = LOCK_QUERY("courses"), ONE_KEY};
static KeptPlan lock_section = {.sql = LOCK_QUERY("course_sections"), ONE_KEY};

static Datum place_keep(TriggerData *data, Ordered *ordered, KeptPlan *lock);
static bool place_wanted(TriggerData *data, const Ordered *ordered, const pg_uuid_t *parent,
						 int column);
static Datum reorder(FunctionCallInfo fcinfo, Ordered *ordered);
static void children_require(Ordered *ordered, Datum *values);

PG_FUNCTION_INFO_V1(coursebase_tg_course_sections__place);
PG_FUNCTION_INFO_V1(coursebase_tg_lessons__place);
PG_FUNCTION_INFO_V1(coursebase_reorder_sections);
PG_FUNCTION_INFO_V1(coursebase_reorder_lessons);

/* SQL function: tg_course_sections__place() returns trigger. See place_keep(). */
PGDLLEXPORT Datum
coursebase_tg_course_sections__place(PG_FUNCTION_ARGS)
{
	return place_keep(trigger_expect(fcinfo, "tg_course_sections__place", ROW_BEFORE_WRITE),
					  &sections, &lock_course);
}

/* SQL function: tg_lessons__place() returns trigger. See place_keep(). */
PGDLLEXPORT Datum
coursebase_tg_lessons__place(PG_FUNCTION_ARGS)
{
	return place_keep(trigger_expect(fcinfo, "tg_lessons__place", ROW_BEFORE_WRITE), &lessons,
					  &lock_section);
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
 * Gives a row that has no place of its own the place after the last one of its parent. The
 * parent is locked before the last place is read, so that a second session waits and then reads
 * the place that the first one took. If the parent is missing, the lock finds no row and the
 * foreign key reports it.
 */
static Datum
place_keep(TriggerData *data, Ordered *ordered, KeptPlan *lock)
{
	TupleDesc columns = RelationGetDescr(data->tg_relation);
	HeapTuple row = trigger_written_row(data);
	int column = SPI_fnumber(columns, "order");
	pg_uuid_t parent;
	Datum key = UUIDPGetDatum(&parent);
	Datum place;
	bool null = false;

	if (column <= 0)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
						errmsg("table \"%s\" has no column \"order\"",
							   RelationGetRelationName(data->tg_relation))));
	if (!trigger_uuid(data, row, ordered->parent, &parent) ||
		!place_wanted(data, ordered, &parent, column))
		return PointerGetDatum(row);
	SPI_connect();
	owner_execute(lock, &key, NULL, false);
	owner_execute(&ordered->last, &key, NULL, false);
	place = plan_value(0, 1, NULL);
	SPI_finish();
	return PointerGetDatum(heap_modify_tuple_by_cols(row, columns, 1, &column, &place, &null));
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
	Datum place = SPI_getbinval(trigger_written_row(data), columns, column, &null);
	Datum old;

	if (!TRIGGER_FIRED_BY_UPDATE(data->tg_event))
		return null;
	if (trigger_uuid(data, data->tg_trigtuple, ordered->parent, &before) &&
		uuid_equal(&before, parent))
		return false;
	old = SPI_getbinval(data->tg_trigtuple, columns, column, &old_null);
	return null || (!old_null && DatumGetInt32(old) == DatumGetInt32(place));
}

/*
 * Puts the children of a parent into the given order and answers how many they are. The parent
 * is locked before the children are compared with the ids, so that the set of children stays
 * the same until the transaction ends. Row security decides whether the caller may lock the
 * parent: a hidden parent reads like a missing one.
 */
static Datum
reorder(FunctionCallInfo fcinfo, Ordered *ordered)
{
	ArrayType *ids = args_array(fcinfo, 1);
	Datum values[] = {PG_GETARG_DATUM(0), PointerGetDatum(ids)};

	args_require(fcinfo, 0);
	schema_require_current();
	SPI_connect();
	if (plan_execute(&ordered->lock, values, NULL, false) != 1)
		ereport(
			ERROR,
			(errcode(ERRCODE_CB_NOT_FOUND),
			 errmsg("there is no such %s, or it is not yours to change", ordered->parent_word),
			 errdetail("The id that was passed is %s.", uuid_text(PG_GETARG_UUID_P(0)))));
	children_require(ordered, values);
	plan_execute(&ordered->write, values, NULL, false);
	SPI_finish();
	PG_RETURN_INT32(ArrayGetNItems(ARR_NDIM(ids), ARR_DIMS(ids)));
}

/*
 * Raises KB905 unless the ids name every child exactly once. The caller holds the lock of the
 * parent. The three counts go into the DETAIL, so that the client can tell an outdated list
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
