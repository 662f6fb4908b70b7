/*
 * world_keys.c: keys that name something in the whole world are owned by one cell.
 *
 * Invariants: a row with such a key (a store's purchase, line or event, a paid session, payment
 * or charge) is committed in a cell only after home has recorded that the cell has the key;
 * home records each key once. References of organisations' payments are home's anyway. The cell
 * that has a key is that in which its person lives, by the directory, so that nothing is to be
 * done when a person moves; where no person is known it is the cell that claimed it. A claim is
 * idempotent: what was rolled back after it is claimed again by the same cell.
 *
 * A claim is made after the row is written and before the statement ends: by then the table's
 * own key has let one session of this server through, and a report that is repeated writes no
 * row and asks nobody. On home a claim is a row of the same transaction. In a cell it is a
 * transaction of its own on home: one round trip for all keys of a row, and none for a key that
 * the same transaction has claimed.
 *
 * Locks: on home the rows of world_keys, in the order of kind and key within a call, behind all
 * that the writer of the row holds. Nobody on home who holds one waits for a cell, and a cell
 * waits for home with a limit, so that no ring is closed over two servers.
 *
 * Rights: the trigger runs as who writes, the claim with the rights of the tables' owner, or of
 * the role by which the cell reads home. A cell that lies may claim what nobody has yet, for
 * nobody or for a person of its own; not for people of others, and under its own number alone
 * where its role has the name that says it.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

#include "cells/cell.h"
#include "cells/directory.h"
#include "cells/link.h"
#include "cells/world_keys.h"
#include "core/args.h"
#include "core/compat.h"
#include "core/datum.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/restore.h"
#include "core/row_trigger.h"
#include "core/schema.h"
#include "core/session_setting.h"
#include "core/setting.h"

/* How many rows of a table are claimed by one call. */
#define BATCH 1000

/* Before the number, the name of the role of a cell, as of its slot. */
#define CELL_ROLE "coursebase_cell_"

/* How many keys a transaction remembers that it has claimed: those of one sale, and some. */
#define REMEMBERED 16

/* Arguments of claim_world_keys(). */
enum
{
	CLAIM_CELL,
	CLAIM_KINDS,
	CLAIM_KEYS,
	CLAIM_USERS,
	CLAIM_PARTLY,
};

/* The cell that has the key k: where its person lives by now. */
#define HAS                                                                                    \
	"coalesce((SELECT p.cell FROM coursebase.people p WHERE p.user_id = k.user_id), k.cell)"

/* May the cell $1 have the key k, which it wants for user a? */
#define MAY_HAVE(a) "(" HAS " = $1 OR coalesce(k.user_id = " a ".user_id, false))"

/* Is a, which a cell ($5) asks for, of a person who lives in another one? */
#define OF_ANOTHER "($5 AND p.cell IS NOT NULL AND p.cell <> $1)"

#define ASKED                                                                                  \
	"(SELECT DISTINCT ON (u.kind, u.key) u.kind, u.key, u.user_id"                             \
	" FROM unnest($2::text[], $3::text[], $4::uuid[]) AS u (kind, key, user_id)"               \
	" ORDER BY u.kind, u.key, u.user_id)"

/*
 * Writes in the order of kind and key, so that two calls with the same keys wait for each other
 * in turn and close no ring. A claim that changes nothing writes nothing: it takes the lock of
 * the row and leaves no dead version.
 */
static KeptPlan claim_keys = {
	.sql = "INSERT INTO coursebase.world_keys AS k (kind, key, user_id, cell)"
		   " SELECT a.kind, a.key, a.user_id, $1 FROM " ASKED " a"
		   " LEFT JOIN coursebase.people p ON p.user_id = a.user_id"
		   " WHERE NOT " OF_ANOTHER " ORDER BY a.kind, a.key"
		   " ON CONFLICT (kind, key) DO UPDATE"
		   "  SET user_id = coalesce(excluded.user_id, k.user_id), cell = excluded.cell"
		   "  WHERE (k.user_id, k.cell) IS DISTINCT FROM"
		   "   (coalesce(excluded.user_id, k.user_id), excluded.cell)"
		   "   AND " MAY_HAVE("excluded"),
	.nargs = 5,
	.types = {INT4OID, TEXTARRAYOID, TEXTARRAYOID, UUIDARRAYOID, BOOLOID},
};
/*
 * Runs after claim_keys with a newer snapshot: what another cell claimed while claim_keys
 * waited is seen.
 */
static KeptPlan find_refused = {
	.sql = "SELECT a.kind, a.key, CASE WHEN " OF_ANOTHER " THEN p.cell ELSE " HAS " END"
		   " FROM " ASKED " a LEFT JOIN coursebase.world_keys k USING (kind, key)"
		   " LEFT JOIN coursebase.people p ON p.user_id = a.user_id"
		   " WHERE " OF_ANOTHER " OR k.key IS NOT NULL AND NOT " MAY_HAVE("a") " ORDER BY 1, 2",
	.nargs = 5,
	.types = {INT4OID, TEXTARRAYOID, TEXTARRAYOID, UUIDARRAYOID, BOOLOID},
};
static KeptPlan release_key = {
	.sql = "DELETE FROM coursebase.world_keys k WHERE k.kind = $1 AND k.key = $2",
	.nargs = 2,
	.types = {TEXTOID, TEXTOID},
};

static KeptPlan find_people = {
	.sql = "SELECT k.user_id FROM coursebase.world_keys k JOIN unnest($1, $2) AS a (kind, key)"
		   " ON a.kind = k.kind AND a.key = k.key WHERE k.user_id IS NOT NULL"
		   " ORDER BY k.kind, k.key",
	.nargs = 2,
	.types = {TEXTARRAYOID, TEXTARRAYOID},
};

/*
 * The rows with keys, from the triggers that claim them: a statement for each table and key,
 * and whether its rows name a person. What a trigger's WHEN leaves out is left out; a session
 * with quote_all_identifiers reads "new" in quotes there.
 */
static KeptPlan read_sources = {
	.sql = "SELECT format('SELECT %L, %s, %s FROM coursebase.%I x WHERE %s IS NOT NULL%s',"
		   "  s.kind, s.key, CASE WHEN s.personal THEN 'x.user_id' ELSE 'NULL::uuid' END,"
		   "  s.relname, s.key, coalesce(' AND (' || s.condition || ')', '')), s.personal"
		   " FROM (SELECT c.relname, w.words[1] AS kind,"
		   "   (SELECT string_agg(format('x.%I::text', o.name), ' || ''/'' || ' ORDER BY o.n)"
		   "    FROM unnest(w.words[2:]) WITH ORDINALITY AS o (name, n)) AS key,"
		   "   EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid"
		   "    AND a.attname = 'user_id' AND NOT a.attisdropped) AS personal,"
		   "   regexp_replace(substring(pg_get_triggerdef(t.oid)"
		   "    FROM E'WHEN \\\\((.*)\\\\) EXECUTE'), E'(\"new\"|\\\\mnew)\\\\.', 'x.', 'g') "
		   "AS condition"
		   "  FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
		   "  JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'coursebase'"
		   "  CROSS JOIN LATERAL unnest("
		   "   string_to_array(encode(t.tgargs, 'escape'), E'\\\\000')) AS g (spec)"
		   "  CROSS JOIN LATERAL (SELECT string_to_array(g.spec, ' ') AS words) w"
		   "  WHERE t.tgfoid = 'coursebase.tg_any__claim_keys'::regproc"
		   "   AND t.tgtype::integer & 4 <> 0 AND g.spec <> '') s ORDER BY s.relname, s.kind",
};

enum
{
	SOURCE_SQL = 1,
	SOURCE_IS_PERSONAL,
};
/* The columns of such a statement. */
enum
{
	STORED_KIND = 1,
	STORED_KEY,
	STORED_USER,
};
/* The columns of find_refused. */
enum
{
	REFUSED_KIND = 1,
	REFUSED_KEY,
	REFUSED_CELL,
};

/* Keys to be claimed by one call, of at most BATCH rows. */
typedef struct Keys
{
	int count;
	Datum *kinds;
	Datum *keys;
	Datum *users;
	bool *nobodys;
} Keys;

/* What the running transaction has claimed of home, the latest ones. */
typedef struct ClaimedKey
{
	char *kind;
	char *key;
	pg_uuid_t user;
	bool has_user;
} ClaimedKey;
static struct
{
	LocalTransactionId transaction;
	ClaimedKey *keys; /* REMEMBERED of them, in TopTransactionContext */
	int count;        /* that were ever written */
} claimed;

static void batch_read(Keys *keys);
static void keys_begin(Keys *keys, int most);
static void keys_add(Keys *keys, const char *kind, const char *key, const pg_uuid_t *user);
static bool row_key(TriggerData *data, HeapTuple row, const char *spec, char **kind,
					char **key);
static bool row_user(TriggerData *data, HeapTuple row, pg_uuid_t *user);
static List *keys_claim(const Cell *here, const Keys *keys, bool partly);
static List *keys_claim_here(int32 cell, const Datum *arrays, bool partly, bool for_cell);
static List *keys_claim_on_home(const Cell *here, Datum *arrays, bool partly);
static void keys_arrays(const Keys *keys, Datum *arrays);
static bool claimed_find(const char *kind, const char *key, const pg_uuid_t *user);
static void claimed_forget(const Keys *keys);
static void claimed_remember(const Keys *keys);
static List *source_claim(const Cell *here, const char *sql, const pg_uuid_t *user);
static List *refused_once(List *refused);
static int refused_compare(const ListCell *a, const ListCell *b);
static void refused_return(FunctionCallInfo fcinfo, List *refused);
pg_noreturn static void raise_refused(const RefusedKey *key, int32 cell);
static void claimer_require(FunctionCallInfo fcinfo);
static int argument_length(FunctionCallInfo fcinfo, int argument);
static void role_require(int32 cell);

PG_FUNCTION_INFO_V1(coursebase_tg_any__claim_keys);
PG_FUNCTION_INFO_V1(coursebase_claim_world_keys);
PG_FUNCTION_INFO_V1(coursebase_claim_stored_keys);
PG_FUNCTION_INFO_V1(coursebase_release_world_key);

/*
 * SQL function: tg_any__claim_keys() returns trigger
 *
 * After a row is written. Each argument is a key: its kind and the columns that make it, with
 * spaces between. A row with a null in one of them has no such key.
 */
PGDLLEXPORT Datum
coursebase_tg_any__claim_keys(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_any__claim_keys", ROW_AFTER_WRITE);
	HeapTuple row = trigger_written_row(data);
	pg_uuid_t user;
	const pg_uuid_t *person;
	Keys keys;
	Cell here;

	/*
	 * a dump brings rows whose keys were claimed when they were first written;
	 * world_keys_claim_stored() can ask for all of them at once
	 */
	if (!cell_here(&here) || here.count == 1 || restore_under_way())
		return PointerGetDatum(NULL);
	person = row_user(data, row, &user) ? &user : NULL;
	keys_begin(&keys, data->tg_trigger->tgnargs);
	for (int i = 0; i < data->tg_trigger->tgnargs; i++)
	{
		char *kind;
		char *key;

		/*
		 * on home a claim costs a row and no message, and it may be undone by a savepoint:
		 * nothing is remembered there
		 */
		if (row_key(data, row, data->tg_trigger->tgargs[i], &kind, &key) &&
			(here.number == here.home || !claimed_find(kind, key, person)))
			keys_add(&keys, kind, key, person);
	}
	if (keys.count > 0)
		keys_claim(&here, &keys, false);
	return PointerGetDatum(NULL);
}

/*
 * SQL function: claim_world_keys(cell integer, kinds text[], keys text[], user_ids uuid[],
 * partly boolean) returns table (kind text, key text, owner integer)
 *
 * Cells call it on home over link.h. It runs as a statement of its own, so that the claim is
 * committed when the answer reaches the cell.
 */
PGDLLEXPORT Datum
coursebase_claim_world_keys(PG_FUNCTION_ARGS)
{
	Datum arrays[3];
	List *refused;
	int level;

	schema_require_current();
	claimer_require(fcinfo);
	compat_materialize(fcinfo);
	/*
	 * the cell gives up after the same time: a claim must not be recorded when nobody waits for
	 * the answer any more
	 */
	level = session_settings_begin();
	session_setting_set("lock_timeout",
						psprintf(INT64_FORMAT, Max(setting_integer("home_timeout_ms"), 1)));
	arrays[0] = PG_GETARG_DATUM(CLAIM_KINDS);
	arrays[1] = PG_GETARG_DATUM(CLAIM_KEYS);
	arrays[2] = PG_GETARG_DATUM(CLAIM_USERS);
	refused = keys_claim_here(PG_GETARG_INT32(CLAIM_CELL), arrays, PG_GETARG_BOOL(CLAIM_PARTLY),
							  true);
	session_settings_end(level);
	refused_return(fcinfo, refused);
	return (Datum) 0;
}

/* SQL function: claim_stored_keys(user_id uuid) returns table (kind text, key text, owner
 * integer) */
PGDLLEXPORT Datum
coursebase_claim_stored_keys(PG_FUNCTION_ARGS)
{
	const pg_uuid_t *user = args_uuid_or_null(fcinfo, 0);

	schema_require_current();
	compat_materialize(fcinfo);
	if (user != NULL)
		directory_require_here(user);
	refused_return(fcinfo, world_keys_claim_stored(user));
	return (Datum) 0;
}

/* SQL function: release_world_key(kind text, key text) returns boolean */
PGDLLEXPORT Datum
coursebase_release_world_key(PG_FUNCTION_ARGS)
{
	Datum values[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	bool released;
	Cell here;

	schema_require_current();
	args_require_all(fcinfo);
	cell_require_home(&here, "release_world_key()");
	SPI_connect();
	released = plan_execute(&release_key, values, NULL, false) > 0;
	SPI_finish();
	PG_RETURN_BOOL(released);
}

List *
world_keys_claim_stored(const pg_uuid_t *user)
{
	MemoryContext context = CurrentMemoryContext;
	List *statements = NIL;
	List *refused = NIL;
	ListCell *cell;
	uint64 count;
	Cell here;

	if (!cell_here(&here))
		return NIL;
	SPI_connect();
	count = plan_execute(&read_sources, NULL, NULL, true);
	for (uint64 i = 0; i < count; i++)
		if (user == NULL || plan_bool(i, SOURCE_IS_PERSONAL))
			statements = lappend(statements, plan_text_required(i, SOURCE_SQL));
	/* the answer must outlive SPI_finish(): it is made in the memory of the caller */
	foreach (cell, statements)
	{
		MemoryContext before = MemoryContextSwitchTo(context);

		refused = list_concat(refused, source_claim(&here, lfirst(cell), user));
		MemoryContextSwitchTo(before);
	}
	SPI_finish();
	return refused_once(refused);
}

void
world_keys_require_here(Datum kinds, Datum keys)
{
	Datum values[] = {kinds, keys};
	pg_uuid_t *people;
	uint64 count;
	Cell here;

	if (!cell_here(&here) || here.number != here.home)
		return;
	count = owner_execute(&find_people, values, NULL, false);
	people = palloc(sizeof(pg_uuid_t) * (count + 1));
	for (uint64 i = 0; i < count; i++)
		people[i] = plan_uuid(i, 1);
	for (uint64 i = 0; i < count; i++)
		directory_require_here(&people[i]);
}

/*
 * Names each refused key once: the same key stands in the table of a receipt and in that of
 * what the receipt gave.
 */
static List *
refused_once(List *refused)
{
	const RefusedKey *last = NULL;
	List *once = NIL;
	ListCell *cell;

	list_sort(refused, refused_compare);
	foreach (cell, refused)
	{
		RefusedKey *key = lfirst(cell);

		if (last == NULL || strcmp(last->kind, key->kind) != 0 ||
			strcmp(last->key, key->key) != 0)
			once = lappend(once, key);
		last = key;
	}
	return once;
}

static int
refused_compare(const ListCell *a, const ListCell *b)
{
	const RefusedKey *one = lfirst(a);
	const RefusedKey *other = lfirst(b);
	int by_kind = strcmp(one->kind, other->kind);

	return by_kind != 0 ? by_kind : strcmp(one->key, other->key);
}

/*
 * Claims the keys that a statement reads (kind, key, person), BATCH rows a call of home: a
 * large table neither fills the memory nor makes one message of all. The keys of a batch live
 * in a memory of their own; the answer is copied into the current context, which is not SPI's.
 */
static List *
source_claim(const Cell *here, const char *sql, const pg_uuid_t *user)
{
	MemoryContext batch =
		AllocSetContextCreate(CurrentMemoryContext, "keys to claim", ALLOCSET_DEFAULT_SIZES);
	MemoryContext context = CurrentMemoryContext;
	Oid types[] = {UUIDOID};
	Datum values[] = {UUIDPGetDatum(user)};
	List *refused = NIL;
	Portal portal;

	if (user != NULL)
		sql = psprintf("%s AND x.user_id = $1", sql);
	portal = SPI_cursor_open_with_args(NULL, sql, user != NULL, types, values, NULL, true, 0);
	for (;;)
	{
		ListCell *cell;
		List *these;
		Keys keys;

		CHECK_FOR_INTERRUPTS();
		SPI_cursor_fetch(portal, true, BATCH);
		if (SPI_processed == 0)
			break;
		MemoryContextReset(batch);
		MemoryContextSwitchTo(batch);
		batch_read(&keys);
		these = keys_claim(here, &keys, true);
		MemoryContextSwitchTo(context);
		foreach (cell, these)
		{
			RefusedKey *key = palloc(sizeof(RefusedKey));

			*key = *(RefusedKey *) lfirst(cell);
			key->kind = pstrdup(key->kind);
			key->key = pstrdup(key->key);
			refused = lappend(refused, key);
		}
	}
	SPI_cursor_close(portal);
	MemoryContextDelete(batch);
	return refused;
}

/* The keys of the rows that were fetched. */
static void
batch_read(Keys *keys)
{
	keys_begin(keys, (int) SPI_processed);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool nobodys;
		Datum person = plan_value_as(i, STORED_USER, UUIDOID, &nobodys);

		keys_add(keys, TextDatumGetCString(plan_value_as(i, STORED_KIND, TEXTOID, NULL)),
				 TextDatumGetCString(plan_value_as(i, STORED_KEY, TEXTOID, NULL)),
				 nobodys ? NULL : DatumGetUUIDP(person));
	}
	SPI_freetuptable(SPI_tuptable);
}

static void
keys_begin(Keys *keys, int most)
{
	keys->count = 0;
	keys->kinds = palloc(sizeof(Datum) * most);
	keys->keys = palloc(sizeof(Datum) * most);
	keys->users = palloc(sizeof(Datum) * most);
	keys->nobodys = palloc(sizeof(bool) * most);
}

static void
keys_add(Keys *keys, const char *kind, const char *key, const pg_uuid_t *user)
{
	int i = keys->count++;

	keys->kinds[i] = CStringGetTextDatum(kind);
	keys->keys[i] = CStringGetTextDatum(key);
	keys->nobodys[i] = user == NULL;
	keys->users[i] = (Datum) 0;
	if (user != NULL)
	{
		pg_uuid_t *copy = palloc(sizeof(pg_uuid_t));

		*copy = *user;
		keys->users[i] = UUIDPGetDatum(copy);
	}
}

/*
 * The key that a trigger's argument describes, in the form in which read_sources makes it: the
 * values of its columns with "/" between. False where a column is null: the row has no such
 * key, and neither has one whose trigger says nothing.
 */
static bool
row_key(TriggerData *data, HeapTuple row, const char *spec, char **kind, char **key)
{
	char *rest = pstrdup(spec);
	char *column;
	StringInfoData made;

	*kind = strtok_r(rest, " ", &rest);
	if (*kind == NULL)
		return false;
	initStringInfo(&made);
	while ((column = strtok_r(NULL, " ", &rest)) != NULL)
	{
		char *value = trigger_text_or_null(data, row, column);

		if (value == NULL)
			return false;
		appendStringInfo(&made, "%s%s", made.len > 0 ? "/" : "", value);
	}
	*key = made.data;
	return true;
}

/* The person of the row; false where it names none, or its table has no such column. */
static bool
row_user(TriggerData *data, HeapTuple row, pg_uuid_t *user)
{
	return SPI_fnumber(RelationGetDescr(data->tg_relation), "user_id") > 0 &&
		   trigger_uuid(data, row, "user_id", user);
}

/* Claims the keys for this cell. Answers those that another cell has, or raises KBC11 for the
 * first unless the others are to be claimed all the same (partly). */
static List *
keys_claim(const Cell *here, const Keys *keys, bool partly)
{
	Datum arrays[3];
	List *refused;

	keys_arrays(keys, arrays);
	if (here->number == here->home)
		return keys_claim_here(here->number, arrays, partly, false);
	/* before home is asked: it may record the claim although its answer does not arrive */
	claimed_forget(keys);
	refused = keys_claim_on_home(here, arrays, partly);
	if (!partly)
		claimed_remember(keys);
	return refused;
}

/* On home, for its own rows or for a cell that asks. Rows of home may be of people of other
 * cells, who buy of an organisation; a cell has nobody but its own. */
static List *
keys_claim_here(int32 cell, const Datum *arrays, bool partly, bool for_cell)
{
	MemoryContext context = CurrentMemoryContext;
	Datum values[] = {Int32GetDatum(cell), arrays[0], arrays[1], arrays[2],
					  BoolGetDatum(for_cell)};
	List *refused = NIL;
	uint64 count;

	SPI_connect();
	/*
	 * claim_keys waits for a transaction that claims the same key; find_refused then reads what
	 * that one committed
	 */
	owner_execute_latest(&claim_keys, values, NULL);
	count = owner_execute_latest(&find_refused, values, NULL);
	for (uint64 i = 0; i < count; i++)
	{
		MemoryContext before = MemoryContextSwitchTo(context);
		RefusedKey *key = palloc(sizeof(RefusedKey));

		key->kind = plan_text_required(i, REFUSED_KIND);
		key->key = plan_text_required(i, REFUSED_KEY);
		key->cell = plan_int32(i, REFUSED_CELL);
		if (!partly)
			raise_refused(key, cell);
		refused = lappend(refused, key);
		MemoryContextSwitchTo(before);
	}
	SPI_finish();
	return refused;
}

/* The same from a cell, in a transaction of its own. */
static List *
keys_claim_on_home(const Cell *here, Datum *arrays, bool partly)
{
	const char *values[] = {psprintf("%d", here->number),
							OidOutputFunctionCall(F_ARRAY_OUT, arrays[0]),
							OidOutputFunctionCall(F_ARRAY_OUT, arrays[1]),
							OidOutputFunctionCall(F_ARRAY_OUT, arrays[2]), partly ? "t" : "f"};
	List *rows = link_ask("SELECT kind, key, owner FROM coursebase.claim_world_keys("
						  "$1::integer, $2::text[], $3::text[], $4::uuid[], $5::boolean)",
						  lengthof(values), values, REFUSED_CELL);
	List *refused = NIL;
	ListCell *cell;

	foreach (cell, rows)
	{
		const char **row = lfirst(cell);
		RefusedKey *key = palloc(sizeof(RefusedKey));

		key->kind = row[0];
		key->key = row[1];
		key->cell = pg_strtoint32(row[2]);
		refused = lappend(refused, key);
	}
	return refused;
}

/* kinds, keys and people, as arrays of one length. */
static void
keys_arrays(const Keys *keys, Datum *arrays)
{
	arrays[0] = array_of(TEXTOID, keys->kinds, NULL, keys->count);
	arrays[1] = array_of(TEXTOID, keys->keys, NULL, keys->count);
	arrays[2] = array_of(UUIDOID, keys->users, keys->nobodys, keys->count);
}

/*
 * Whether this transaction has claimed the key for the person, and for nobody else since; for a
 * row that names nobody any claim of the key is enough. After ROLLBACK TO SAVEPOINT the answer
 * is still right: home committed the claim in a transaction of its own.
 */
static bool
claimed_find(const char *kind, const char *key, const pg_uuid_t *user)
{
	if (claimed.transaction != compat_local_transaction())
		return false;
	for (int i = 0; i < Min(claimed.count, REMEMBERED); i++)
	{
		const ClaimedKey *one = &claimed.keys[i];

		if (strcmp(one->key, key) == 0 && strcmp(one->kind, kind) == 0 &&
			(user == NULL || (one->has_user && uuid_equal(&one->user, user))))
			return true;
	}
	return false;
}

/* Home records one person for each key, the one of the latest claim: earlier claims of the keys
 * count no more. */
static void
claimed_forget(const Keys *keys)
{
	if (claimed.transaction != compat_local_transaction())
		return;
	for (int i = 0; i < keys->count; i++)
	{
		char *kind = TextDatumGetCString(keys->kinds[i]);
		char *key = TextDatumGetCString(keys->keys[i]);

		for (int j = 0; j < Min(claimed.count, REMEMBERED); j++)
			if (strcmp(claimed.keys[j].key, key) == 0 &&
				strcmp(claimed.keys[j].kind, kind) == 0)
				claimed.keys[j].kind[0] = '\0'; /* no key has an empty kind */
	}
}

/*
 * A ring of the latest keys, in memory of the transaction: what an earlier transaction
 * remembered went with its memory, which is why another transaction begins a new ring and frees
 * nothing.
 */
static void
claimed_remember(const Keys *keys)
{
	MemoryContext before = MemoryContextSwitchTo(TopTransactionContext);

	if (claimed.transaction != compat_local_transaction())
	{
		claimed.keys = palloc0(sizeof(ClaimedKey) * REMEMBERED);
		claimed.count = 0;
		claimed.transaction = compat_local_transaction();
	}
	for (int i = 0; i < keys->count; i++)
	{
		ClaimedKey *one = &claimed.keys[claimed.count % REMEMBERED];
		ClaimedKey made = {.kind = TextDatumGetCString(keys->kinds[i]),
						   .key = TextDatumGetCString(keys->keys[i]),
						   .has_user = !keys->nobodys[i]};

		if (made.has_user)
			made.user = *DatumGetUUIDP(keys->users[i]);
		/* there may be no memory for a text: the ring changes when both are there */
		if (claimed.count++ >= REMEMBERED)
		{
			pfree(one->kind);
			pfree(one->key);
		}
		*one = made;
	}
	MemoryContextSwitchTo(before);
}

static void
refused_return(FunctionCallInfo fcinfo, List *refused)
{
	ReturnSetInfo *report = (ReturnSetInfo *) fcinfo->resultinfo;
	ListCell *cell;

	foreach (cell, refused)
	{
		const RefusedKey *key = lfirst(cell);
		Datum values[] = {CStringGetTextDatum(key->kind), CStringGetTextDatum(key->key),
						  Int32GetDatum(key->cell)};
		bool nulls[] = {false, false, false};

		tuplestore_putvalues(report->setResult, report->setDesc, values, nulls);
	}
}

static void
raise_refused(const RefusedKey *key, int32 cell)
{
	ereport(ERROR,
			(errcode(ERRCODE_CB_KEY_ELSEWHERE), errmsg("another cell has this %s", key->kind),
			 errdetail("Cell %d has %s \"%s\", which cell %d wants.", key->cell, key->kind,
					   key->key, cell),
			 errhint("Send the call to cell %d. If nothing there is of it, the owner of the "
					 "tables releases it on home: coursebase.release_world_key().",
					 key->cell)));
}

/* Raises what claim_world_keys() says of its arguments and of where it is called. */
static void
claimer_require(FunctionCallInfo fcinfo)
{
	int32 cell;
	int keys;
	Cell here;

	args_require_all(fcinfo);
	cell_require_home(&here, "claim_world_keys()");
	cell = PG_GETARG_INT32(CLAIM_CELL);
	if (cell < 0 || cell >= here.count)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("there is no cell %d", cell),
				 errdetail("Cells are numbered from 0 to %d.", here.count - 1),
				 errhint("Give the number of the cell that claims.")));
	role_require(cell);
	args_array(fcinfo, CLAIM_KINDS);
	args_array(fcinfo, CLAIM_KEYS);
	keys = argument_length(fcinfo, CLAIM_KEYS);
	if (argument_length(fcinfo, CLAIM_KINDS) != keys)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("kinds and keys are not of one length"),
						errhint("Give the kind of each key.")));
	if (argument_length(fcinfo, CLAIM_USERS) > keys)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("user_ids has more elements than keys"),
						errhint("Give the person of each key, NULL for nobody.")));
}

static int
argument_length(FunctionCallInfo fcinfo, int argument)
{
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(argument);

	return ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
}

/*
 * Raises 42501 where a role that is one cell's claims for another: names are what a role cannot
 * change of itself. The session's role counts, whatever it set. Cells of one role in common are
 * believed.
 */
static void
role_require(int32 cell)
{
	Oid role = GetSessionUserId();
	Oid of_cell = get_role_oid(psprintf(CELL_ROLE "%d", cell), true);
	char *name = GetUserNameFromId(role, false);

	if (OidIsValid(of_cell) ? !has_privs_of_role(role, of_cell)
							: strncmp(name, CELL_ROLE, strlen(CELL_ROLE)) == 0)
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("role \"%s\" is not that of cell %d", name, cell),
						errdetail("The role of a cell has its number in its name.")));
}
