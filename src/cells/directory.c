/*
 * directory.c: in which cell each person lives.
 *
 * Invariants: a person is one row of people, in one cell. Home writes the rows, every other
 * cell gets them by replication and may lag behind. Whoever is placed stays where they are:
 * placing again answers the same row. A move has a number, greater than that of every earlier
 * move of the person, and home decides once where it leads: move_person().
 *
 * Who leaves a cell stands in its moving_people and no more in users; who is to arrive, in the
 * directory and not yet in users. Only who is not found is asked about, so that nobody else
 * pays for a move.
 *
 * No lock but those of the rows that are written. Rights: the directory is read past row
 * security, because a call about a person who is not here must say so whoever calls; it is
 * written with the rights of the tables' owner.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
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

/* optional, as the directory: without tables nobody moves. */
static RowsSource moving_by_id = {
	.table = "moving_people",
	.index = "moving_people_pkey",
	.nkeys = 1,
	.keys = {{"user_id", UUIDOID}},
	.ncolumns = 1,
	.columns = {{"user_id", UUIDOID}},
	.optional = true,
};
static RowsSource users_by_id = {
	.table = "users",
	.index = "users_pkey",
	.nkeys = 1,
	.keys = {{"id", UUIDOID}},
	.ncolumns = 1,
	.columns = {{"is_guest", BOOLOID}},
	.optional = true,
};

/* Of two calls about one person the second waits, and then writes nothing. */
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
static KeptPlan forget_person = {
	.sql = "UPDATE coursebase.people SET external_id = NULL"
		   " WHERE user_id = $1 AND external_id IS NOT NULL",
	.nargs = 1,
	.types = {UUIDOID},
};

/* What a document of take_person() says of the move, and the person's accounts, locked in the
 * order of their ids: how many there are, how many stand before the move and are in the cell
 * that the document is from, how many were decided by the move, and for which cell. */
static KeptPlan read_move = {
	.sql = "WITH document AS (SELECT ARRAY(SELECT p::uuid"
		   "  FROM json_array_elements_text($1->'people') p) AS people,"
		   "  ($1->>'move')::integer AS move, ($1->>'from')::integer AS from_cell),"
		   " locked AS (SELECT p.cell, p.moves FROM coursebase.people p"
		   "  WHERE p.user_id = ANY (SELECT unnest(d.people) FROM document d)"
		   "  ORDER BY p.user_id FOR NO KEY UPDATE)"
		   " SELECT coalesce(cardinality(d.people), 0),"
		   "  (SELECT count(*) FROM locked l WHERE l.moves < d.move AND l.cell = d.from_cell)"
		   "   ::integer,"
		   "  (SELECT count(*) FROM locked l WHERE l.moves = d.move)::integer,"
		   "  coalesce((SELECT min(l.cell) FROM locked l WHERE l.moves = d.move), -1)"
		   " FROM document d",
	.nargs = 1,
	.types = {JSONOID},
};
static KeptPlan write_move = {
	.sql = "UPDATE coursebase.people SET cell = $2, moves = ($1->>'move')::integer"
		   " WHERE user_id IN (SELECT p::uuid FROM json_array_elements_text($1->'people') p)",
	.nargs = 2,
	.types = {JSONOID, INT4OID},
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

/* The rows are read again after the lock, with what a call before this one decided. */
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
 * Of whom a statement found nobody because it waited for a lock, its snapshot still says that
 * the person is here. So what is committed by now is asked as well; not by parallel workers,
 * which lock nothing and may take no snapshot.
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

static bool
is_here_at(const Cell *here, Residence *residence, Snapshot snapshot)
{
	if (residence->cell != here->number)
		return false;
	residence->moving = is_moving(&residence->user, snapshot) ||
						(residence->moves > 0 && !has_account(&residence->user, snapshot));
	return !residence->moving;
}

/* NULL, which is a new one, outside of any statement. */
static Snapshot
snapshot_of_statement(void)
{
	return ActiveSnapshotSet() ? GetActiveSnapshot() : NULL;
}

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
