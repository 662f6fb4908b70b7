/*
 * directory.c: in which cell each person lives.
 *
 * Invariants: a person is one row of people, in one cell. Home writes the rows, every other
 * cell gets them by replication and may lag behind. Whoever is placed stays where they are:
 * placing again answers the same row. A move has a number, greater than that of every earlier
 * move of the person, and home decides once where it leads: move_person().
 *
 * In the cell that a person leaves, the person has a row in moving_people and none in users. In
 * the cell to which the person goes, people names that cell and users has no row yet. Only a
 * caller who finds nobody in users reads these tables, so that nobody else pays for a move.
 *
 * Locks: place_person() waits for another call about the same external id, move_person() locks
 * the rows of people in the order of their ids. Rights: the directory is read past row
 * security, because a call about a person who is not here must say so whoever calls; it is
 * written with the rights of the tables' owner.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

#include "cells/cell.h"
#include "cells/directory.h"
#include "core/args.h"
#include "core/compat.h"
#include "core/datum.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/row_kept.h"
#include "core/rows.h"
#include "core/schema.h"

/* Arguments of place_person(). */
enum
{
	PLACE_SUBJECT,
	PLACE_CELL,
	PLACE_ID,
};

/* Arguments of move_person(). */
enum
{
	MOVE_DOCUMENT,
	MOVE_CELL,
};

/* The columns of PEOPLE_BY, and how many of them place_person() answers. */
enum
{
	COLUMN_USER,
	COLUMN_CELL,
	PLACED_COLUMNS,
	COLUMN_MOVES = PLACED_COLUMNS,
	COLUMNS,
};

#define PEOPLE_BY(by, name, type)                                                              \
	{                                                                                          \
		.table = "people", .index = (by), .nkeys = 1, .keys = {{(name), (type)}},              \
		.ncolumns = COLUMNS,                                                                   \
		.columns = {{"user_id", UUIDOID}, {"cell", INT4OID}, {"moves", INT4OID}},              \
		.optional = true,                                                                      \
	}

static RowsSource people_by_subject =
	PEOPLE_BY("people_external_id_key", "external_id", TEXTOID);
static RowsSource people_by_id = PEOPLE_BY("people_pkey", "user_id", UUIDOID);

/* optional, as people is: while the tables are missing nobody moves */
#define ROW_BY_ID(name, by, key, column, type)                                                 \
	{                                                                                          \
		.table = (name), .index = (by), .nkeys = 1, .keys = {{(key), UUIDOID}}, .ncolumns = 1, \
		.columns = {{(column), (type)}}, .optional = true,                                     \
	}
static RowsSource moving_by_id =
	ROW_BY_ID("moving_people", "moving_people_pkey", "user_id", "user_id", UUIDOID);
static RowsSource users_by_id = ROW_BY_ID("users", "users_pkey", "id", "is_guest", BOOLOID);

/*
 * Two calls about one person meet in the unique index: the second waits for the first, and then
 * writes nothing. A hash of the external id spreads people over the cells where the caller
 * prefers none.
 */
static KeptPlan place_person = {
	.sql = "INSERT INTO coursebase.people (external_id, cell, user_id)"
		   " VALUES ($1, coalesce($2, abs(hashtextextended($1, 0) % $4)::integer),"
		   " coalesce($3, gen_random_uuid())) ON CONFLICT (external_id) DO NOTHING",
	.nargs = 4,
	.types = {TEXTOID, INT4OID, UUIDOID, INT8OID},
};
static KeptPlan read_person = {
	.sql = "SELECT p.user_id, p.cell FROM coursebase.people p WHERE p.external_id = $1",
	.nargs = 1,
	.types = {TEXTOID},
};
/*
 * The row stays without its external id: the id of the person still says which cell has what
 * belonged to the account.
 */
static KeptPlan forget_person = {
	.sql = "UPDATE coursebase.people SET external_id = NULL"
		   " WHERE user_id = $1 AND external_id IS NOT NULL",
	.nargs = 1,
	.types = {UUIDOID},
};

/*
 * Locks the accounts that a document of take_person() names, in the order of their ids, so that
 * two calls about one person wait in turn. Answers four numbers: how many accounts the document
 * has, none where the person is not one of them; how many of them are where the document says
 * that they come from, with no later move; how many this very move has already placed; and in
 * which cell.
 */
static KeptPlan read_move = {
	.sql = "WITH document AS (SELECT ARRAY(SELECT p::uuid"
		   "  FROM json_array_elements_text($1->'people') p) AS people,"
		   "  ($1->>'user_id')::uuid AS user_id,"
		   "  ($1->>'move')::integer AS move, ($1->>'from')::integer AS from_cell),"
		   " locked AS (SELECT p.cell, p.moves FROM coursebase.people p"
		   "  WHERE p.user_id = ANY (SELECT unnest(d.people) FROM document d)"
		   "  ORDER BY p.user_id FOR NO KEY UPDATE)"
		   " SELECT CASE WHEN d.user_id = ANY (d.people) THEN cardinality(d.people) ELSE 0 END,"
		   "  (SELECT count(*) FROM locked l WHERE l.moves < d.move AND l.cell = d.from_cell)"
		   "   ::integer,"
		   "  (SELECT count(*) FROM locked l WHERE l.moves = d.move)::integer,"
		   "  coalesce((SELECT min(l.cell) FROM locked l WHERE l.moves = d.move), -1)"
		   " FROM document d",
	.nargs = 1,
	.types = {JSONOID},
};
/* All accounts of the document at once: two accounts of one person never live in two cells. */
static KeptPlan write_move = {
	.sql = "UPDATE coursebase.people SET cell = $2, moves = ($1->>'move')::integer"
		   " WHERE user_id IN (SELECT p::uuid FROM json_array_elements_text($1->'people') p)",
	.nargs = 2,
	.types = {JSONOID, INT4OID},
};

/* Who is leaving has no rows but in the document, where each value is a text of JSON. A text
 * that only looks like the name costs whoever asks a second call, after the move. */
static KeptPlan find_leaving = {
	.sql =
		"SELECT v.user_id FROM coursebase.moving_people v WHERE EXISTS ("
		" SELECT FROM unnest($1) n (name) WHERE strpos(v.document, to_json(n.name)::text) > 0)"
		" ORDER BY v.user_id LIMIT 1",
	.nargs = 1,
	.types = {TEXTARRAYOID},
};

/* The columns of read_move. */
enum
{
	MOVE_PEOPLE = 1,
	MOVE_BEFORE,
	MOVE_DECIDED,
	MOVE_DECIDED_CELL,
};

static void place_check(FunctionCallInfo fcinfo, const Cell *here);
static void cell_check(int32 cell, const Cell *here);
static int32 move_decide(PlanValues *values, int32 cell);
static void require_here_at(const Cell *here, const pg_uuid_t *user, Snapshot snapshot);
static bool is_here_at(const Cell *here, Residence *residence, Snapshot snapshot);
static Snapshot snapshot_of_statement(void);
static bool residence_read(RowsSource *source, Datum key, Snapshot snapshot,
						   Residence *residence);
static bool is_moving(const pg_uuid_t *user, Snapshot snapshot);
static bool has_account(const pg_uuid_t *user, Snapshot snapshot);

PG_FUNCTION_INFO_V1(coursebase_place_person);
PG_FUNCTION_INFO_V1(coursebase_forget_person);
PG_FUNCTION_INFO_V1(coursebase_move_person);

/*
 * SQL function: place_person(external_id text, preferred_cell integer, preferred_id uuid)
 * returns table (user_id uuid, cell integer)
 *
 * The insert waits for another call about the same person, so that what is read after it, with
 * a new snapshot, is the row that stands.
 */
PGDLLEXPORT Datum
coursebase_place_person(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *report = (ReturnSetInfo *) fcinfo->resultinfo;
	PlanValues place = {0};
	Datum values[PLACED_COLUMNS];
	bool nulls[PLACED_COLUMNS] = {false};
	pg_uuid_t user;
	Cell here;

	schema_require_current();
	args_require(fcinfo, PLACE_SUBJECT);
	cell_require_home(&here, "place_person()");
	place_check(fcinfo, &here);
	for (int i = PLACE_SUBJECT; i <= PLACE_ID; i++)
		args_bind(&place, fcinfo, i);
	plan_bind_int64(&place, here.count);
	compat_materialize(fcinfo);
	SPI_connect();
	owner_execute(&place_person, place.datums, place.nulls, false);
	if (owner_execute_latest(&read_person, place.datums, place.nulls) == 0)
		row_kept_raise("people", "the person was not placed");
	user = plan_uuid(0, 1);
	values[COLUMN_USER] = UUIDPGetDatum(&user);
	values[COLUMN_CELL] = Int32GetDatum(plan_int32(0, 2));
	tuplestore_putvalues(report->setResult, report->setDesc, values, nulls);
	SPI_finish();
	return (Datum) 0;
}

/* SQL function: forget_person(user_id uuid) returns boolean */
PGDLLEXPORT Datum
coursebase_forget_person(PG_FUNCTION_ARGS)
{
	Datum key;
	bool known;
	Cell here;

	schema_require_current();
	args_require_all(fcinfo);
	cell_require_home(&here, "forget_person()");
	key = PG_GETARG_DATUM(0);
	SPI_connect();
	known = owner_execute(&forget_person, &key, NULL, false) > 0;
	SPI_finish();
	PG_RETURN_BOOL(known);
}

/*
 * SQL function: move_person(document json, cell integer) returns integer
 *
 * The first call for a move decides, and every later one answers the same: two programs that
 * move one person, or one that gives up and one that goes on, agree on where the person lives.
 */
PGDLLEXPORT Datum
coursebase_move_person(PG_FUNCTION_ARGS)
{
	PlanValues values = {0};
	int32 cell;
	Cell here;

	schema_require_current();
	args_require_all(fcinfo);
	cell_require_home(&here, "move_person()");
	cell_check(PG_GETARG_INT32(MOVE_CELL), &here);
	plan_bind(&values, PG_GETARG_DATUM(MOVE_DOCUMENT));
	SPI_connect();
	cell = move_decide(&values, PG_GETARG_INT32(MOVE_CELL));
	SPI_finish();
	PG_RETURN_INT32(cell);
}

/*
 * read_move locks before it counts, and reads with a snapshot of this moment: a call that
 * decided the same move while this one waited is seen, and its answer is repeated. "All
 * accounts are decided" comes before "all accounts are where they were", because after the
 * first call the second is no longer true.
 */
static int32
move_decide(PlanValues *values, int32 cell)
{
	int32 people;

	owner_execute_latest(&read_move, values->datums, values->nulls);
	people = plan_int32(0, MOVE_PEOPLE);
	if (people > 0 && plan_int32(0, MOVE_DECIDED) == people)
		return plan_int32(0, MOVE_DECIDED_CELL);
	if (people == 0 || plan_int32(0, MOVE_BEFORE) != people)
		ereport(ERROR,
				(errcode(ERRCODE_CB_MOVE_REFUSED),
				 errmsg("the document is not of the person's next move"),
				 errdetail("Of %d accounts in it the directory has %d in the cell that it is "
						   "from, with no later move.",
						   people, plan_int32(0, MOVE_BEFORE)),
				 errhint("Give the document that coursebase.take_person() answers now.")));
	plan_bind_int32(values, cell);
	owner_execute(&write_move, values->datums, values->nulls, false);
	return cell;
}

bool
directory_find_subject(const char *external_id, Residence *residence)
{
	return residence_read(&people_by_subject, CStringGetTextDatum(external_id),
						  snapshot_of_statement(), residence);
}

bool
directory_find(const pg_uuid_t *user, Residence *residence)
{
	return residence_read(&people_by_id, UUIDPGetDatum(user), snapshot_of_statement(),
						  residence);
}

/*
 * A token or a store may name a person by the external id or by the uuid; the external id is
 * asked first, because an external id may have the form of a uuid.
 */
bool
directory_has_elsewhere(const char *name, Size size, Cell *here, Residence *residence)
{
	pg_uuid_t user;

	return cell_here(here) &&
		   (directory_find_subject(pnstrdup(name, size), residence) ||
			(uuid_read(name, size, &user) && directory_find(&user, residence))) &&
		   !directory_is_here(here, residence);
}

bool
directory_is_here(const Cell *here, Residence *residence)
{
	return is_here_at(here, residence, snapshot_of_statement());
}

/*
 * Asks twice. A statement that waited for the lock of a row, and then found the row gone, has a
 * snapshot from before the wait, which says that the person is here; so the second question
 * reads what is committed by now. Parallel workers ask once: they lock nothing, and no new
 * snapshot may be taken in them.
 */
void
directory_require_here(const pg_uuid_t *user)
{
	Cell here;

	if (!cell_here(&here))
		return;
	require_here_at(&here, user, snapshot_of_statement());
	if (IsInParallelMode())
		return;
	PushActiveSnapshot(GetLatestSnapshot());
	require_here_at(&here, user, GetActiveSnapshot());
	PopActiveSnapshot();
}

void
directory_require_not_leaving(Datum names)
{
	pg_uuid_t user;

	if (owner_execute_latest(&find_leaving, &names, NULL) == 0)
		return;
	user = plan_uuid(0, 1);
	directory_require_here(&user);
}

void
directory_raise_elsewhere(const Cell *here, const Residence *residence)
{
	if (residence->moving)
		ereport(ERROR, (errcode(ERRCODE_CB_MOVING),
						errmsg("the person is moving from one cell to another"),
						errdetail("This is cell %d, which user %s leaves or is to come to.",
								  here->number, uuid_text(&residence->user)),
						errhint("Try again, in the cell that the directory names by then.")));
	ereport(ERROR, (errcode(ERRCODE_CB_LIVES_ELSEWHERE),
					errmsg("the person lives in cell %d", residence->cell),
					errdetail("This is cell %d; the directory has user %s in cell %d.",
							  here->number, uuid_text(&residence->user), residence->cell),
					errhint("Send the call to cell %d.", residence->cell)));
}

/* Raises 22023 for what no row of people could be. */
static void
place_check(FunctionCallInfo fcinfo, const Cell *here)
{
	if (VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(PLACE_SUBJECT)) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("external_id is empty"),
				 errdetail("No token could ever name the person."),
				 errhint("Pass the subject that the authentication provider gives.")));
	if (!PG_ARGISNULL(PLACE_CELL))
		cell_check(PG_GETARG_INT32(PLACE_CELL), here);
}

/* Raises 22023 for a number that no cell has. */
static void
cell_check(int32 cell, const Cell *here)
{
	if (cell < 0 || cell >= here->count)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("there is no cell %d", cell),
				 errdetail("Cells are numbered from 0 to %d.", here->count - 1),
				 errhint("Give one of them.")));
}

static void
require_here_at(const Cell *here, const pg_uuid_t *user, Snapshot snapshot)
{
	Residence residence;

	if (residence_read(&people_by_id, UUIDPGetDatum(user), snapshot, &residence) &&
		!is_here_at(here, &residence, snapshot))
		directory_raise_elsewhere(here, &residence);
}

/*
 * Somebody with moves > 0 and no row in users is on the way to this cell. Without a move the
 * same finding only says that the account has not been made here yet: a person is placed before
 * the first sign-in.
 */
static bool
is_here_at(const Cell *here, Residence *residence, Snapshot snapshot)
{
	if (residence->cell != here->number)
		return false;
	residence->moving = is_moving(&residence->user, snapshot) ||
						(residence->moves > 0 && !has_account(&residence->user, snapshot));
	return !residence->moving;
}

/* Outside of any statement no snapshot is active: NULL lets rows_open() take a new one. */
static Snapshot
snapshot_of_statement(void)
{
	return ActiveSnapshotSet() ? GetActiveSnapshot() : NULL;
}

/* moving is left false: who asks by directory_is_here() pays for the two reads that tell. */
static bool
residence_read(RowsSource *source, Datum key, Snapshot snapshot, Residence *residence)
{
	bool found;
	Rows rows;

	rows_open(&rows, source, snapshot);
	rows_find(&rows, &key);
	found = rows_next(&rows);
	if (found)
	{
		residence->user = *DatumGetUUIDP(rows_value(&rows, COLUMN_USER));
		residence->cell = DatumGetInt32(rows_value(&rows, COLUMN_CELL));
		residence->moves = DatumGetInt32(rows_value(&rows, COLUMN_MOVES));
		residence->moving = false;
	}
	rows_close(&rows);
	return found;
}

static bool
is_moving(const pg_uuid_t *user, Snapshot snapshot)
{
	Datum key = UUIDPGetDatum(user);
	bool found;
	Rows rows;

	rows_open(&rows, &moving_by_id, snapshot);
	rows_find(&rows, &key);
	found = rows_next(&rows);
	rows_close(&rows);
	return found;
}

/* A guest lives elsewhere (identity/guest.h). */
static bool
has_account(const pg_uuid_t *user, Snapshot snapshot)
{
	Datum key = UUIDPGetDatum(user);
	bool found;
	Rows rows;

	rows_open(&rows, &users_by_id, snapshot);
	rows_find(&rows, &key);
	found = rows_next(&rows) && !DatumGetBool(rows_value(&rows, 0));
	rows_close(&rows);
	return found;
}
