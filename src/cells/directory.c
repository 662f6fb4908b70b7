/*
 * directory.c: in which cell each person lives.
 *
 * Invariants: a person is one row of people, in one cell. Home writes the rows, every other
 * cell gets them by replication and may lag behind. Whoever is placed stays where they are:
 * placing again answers the same row.
 *
 * No lock but those of the rows that are written. Rights: the directory is read past row
 * security, because a call about a person who is not here must say so whoever calls; it is
 * written with the rights of the tables' owner.
 */
#include "postgres.h"

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

/* The columns of PEOPLE_BY. */
enum
{
	COLUMN_USER,
	COLUMN_CELL,
	COLUMNS,
};

#define PEOPLE_BY(by, name, type)                                                              \
	{                                                                                          \
		.table = "people", .index = (by), .nkeys = 1, .keys = {{(name), (type)}},              \
		.ncolumns = COLUMNS, .columns = {{"user_id", UUIDOID}, {"cell", INT4OID}},             \
		.optional = true,                                                                      \
	}

static RowsSource people_by_subject =
	PEOPLE_BY("people_external_id_key", "external_id", TEXTOID);
static RowsSource people_by_id = PEOPLE_BY("people_pkey", "user_id", UUIDOID);

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

static void place_check(FunctionCallInfo fcinfo, const Cell *here);
static bool residence_read(RowsSource *source, Datum key, Residence *residence);

PG_FUNCTION_INFO_V1(coursebase_place_person);
PG_FUNCTION_INFO_V1(coursebase_forget_person);

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
	Datum values[COLUMNS];
	bool nulls[COLUMNS] = {false};
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

bool
directory_find_subject(const char *external_id, Residence *residence)
{
	return residence_read(&people_by_subject, CStringGetTextDatum(external_id), residence);
}

bool
directory_find(const pg_uuid_t *user, Residence *residence)
{
	return residence_read(&people_by_id, UUIDPGetDatum(user), residence);
}

bool
directory_has_elsewhere(const char *name, Size size, Cell *here, Residence *residence)
{
	pg_uuid_t user;

	return cell_here(here) &&
		   (directory_find_subject(pnstrdup(name, size), residence) ||
			(uuid_read(name, size, &user) && directory_find(&user, residence))) &&
		   residence->cell != here->number;
}

void
directory_require_here(const pg_uuid_t *user)
{
	Residence residence;
	Cell here;

	if (cell_here(&here) && directory_find(user, &residence) && residence.cell != here.number)
		directory_raise_elsewhere(&here, &residence);
}

void
directory_raise_elsewhere(const Cell *here, const Residence *residence)
{
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
	if (!PG_ARGISNULL(PLACE_CELL) &&
		(PG_GETARG_INT32(PLACE_CELL) < 0 || PG_GETARG_INT32(PLACE_CELL) >= here->count))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("there is no cell %d", PG_GETARG_INT32(PLACE_CELL)),
						errdetail("Cells are numbered from 0 to %d.", here->count - 1),
						errhint("Leave preferred_cell out, or give one of them.")));
}

static bool
residence_read(RowsSource *source, Datum key, Residence *residence)
{
	bool found;
	Rows rows;

	rows_open(&rows, source, ActiveSnapshotSet() ? GetActiveSnapshot() : NULL);
	rows_find(&rows, &key);
	found = rows_next(&rows);
	if (found)
	{
		residence->user = *DatumGetUUIDP(rows_value(&rows, COLUMN_USER));
		residence->cell = DatumGetInt32(rows_value(&rows, COLUMN_CELL));
	}
	rows_close(&rows);
	return found;
}
