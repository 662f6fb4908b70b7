/*
 * placed.c: who has an account on this server is in the directory.
 *
 * Invariants: nobody is inserted here whom the directory has in another cell, by upsert_user()
 * or plain SQL, nor anybody who is moving; on home everybody who has an account here is in the
 * directory, with the external id that the account has. Another cell only reads the directory,
 * which home's rows reach later: whom it does not know yet was placed a moment ago by whoever
 * chose the cell.
 *
 * A guest (guest.h) is no account, and is none of this.
 *
 * Where there is one server nothing is read but that (cells/cell.h).
 *
 * Locks: the statement's own rows of users come before those of people. Of two sessions that
 * place one person the second waits, and then sees what the first one wrote.
 *
 * Rights: the triggers run as who writes; the statements run with the rights of the tables'
 * owner. All stand back while a dump is restored: the directory comes with it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/uuid.h"

#include "cells/cell.h"
#include "cells/directory.h"
#include "cells/join.h"
#include "core/datum.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/restore.h"
#include "core/row_trigger.h"
#include "identity/placed.h"

/* A closed account has no external id of a provider's any more, unless it was merged and leads
 * to the person who was kept. $1 is the number of the cell. */
#define KEEPS_EXTERNAL_ID "(m.deleted_at IS NULL OR m.merged_into IS NOT NULL)"
#define PLACE_ALL_OF(source)                                                                   \
	"INSERT INTO coursebase.people (user_id, external_id, cell, created_at)"                   \
	" SELECT m.id, CASE WHEN " KEEPS_EXTERNAL_ID " THEN m.clerk_user_id END, $1, m.created_at" \
	" FROM " source " m WHERE NOT m.is_guest AND NOT EXISTS (SELECT FROM coursebase.people p"  \
	"  WHERE p.user_id = m.id) ORDER BY m.id ON CONFLICT DO NOTHING"

/* Of those rows one whom the directory has elsewhere or under another id: by the external id
 * and by the id, each with its index; and one who is moving, by the condition. */
#define MISPLACED_OF(source, moving)                                                           \
	"SELECT p.user_id, p.cell, m.id, " moving " FROM " source " m JOIN coursebase.people p"    \
	"  ON p.external_id = m.clerk_user_id"                                                     \
	"  WHERE " KEEPS_EXTERNAL_ID " AND (p.cell <> $1 OR p.user_id <> m.id OR " moving ")"      \
	" UNION ALL SELECT p.user_id, p.cell, m.id, " moving "  FROM " source                      \
	" m JOIN coursebase.people p"                                                              \
	"  ON p.user_id = m.id WHERE NOT m.is_guest AND (p.cell <> $1 OR " moving ") LIMIT 1"
/* Of rows that somebody inserts; put_person() inserts those of who moves without triggers. */
#define MOVING                                                                                 \
	"(p.moves > 0 OR EXISTS (SELECT FROM coursebase.moving_people v"                           \
	" WHERE v.user_id = p.user_id))"

static KeptPlan place_made = {.sql = PLACE_ALL_OF("made"), .nargs = 1, .types = {INT4OID}};
static KeptPlan find_misplaced = {
	.sql = MISPLACED_OF("made", MOVING), .nargs = 1, .types = {INT4OID}};
static KeptPlan place_users = {
	.sql = PLACE_ALL_OF("coursebase.users"),
	.nargs = 1,
	.types = {INT4OID},
};
static KeptPlan find_misplaced_users = {
	.sql = MISPLACED_OF("coursebase.users", "false"),
	.nargs = 1,
	.types = {INT4OID},
};
static KeptPlan delete_person = {
	.sql = "DELETE FROM coursebase.people WHERE user_id = $1 AND cell = $2",
	.nargs = 2,
	.types = {UUIDOID, INT4OID},
};
static KeptPlan follow_external_id = {
	.sql = "UPDATE coursebase.people SET external_id = $2"
		   " WHERE user_id = $1 AND external_id IS DISTINCT FROM $2",
	.nargs = 2,
	.types = {UUIDOID, TEXTOID},
};

/* Whoever has an account here, and whom home does not have in this cell ($1). Who was made
 * since this call began was placed a moment ago, perhaps behind home's snapshot. */
static KeptPlan find_displaced = {
	.sql = "SELECT count(*), min(u.id::text)::uuid FROM coursebase.users u"
		   " LEFT JOIN coursebase.people p ON p.user_id = u.id"
		   " WHERE NOT u.is_guest AND u.created_at < now() AND p.cell IS DISTINCT FROM $1",
	.nargs = 1,
	.types = {INT4OID},
};

static void people_require(const Cell *here);
static const char *external_id(TriggerData *data, HeapTuple row);
static void place_all(const Cell *here, KeptPlan *place, KeptPlan *find);
pg_noreturn static void misplaced_raise(const Cell *here);

PG_FUNCTION_INFO_V1(coursebase_tg_users__directory);
PG_FUNCTION_INFO_V1(coursebase_tg_users__directory_id);
PG_FUNCTION_INFO_V1(coursebase_tg_this_cell__directory);

/*
 * SQL function: tg_users__directory() returns trigger
 *
 * After each statement, with the new rows as table "made". A report of the authentication
 * provider about a known person inserts nothing.
 */
PGDLLEXPORT Datum
coursebase_tg_users__directory(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect_statement(fcinfo, "tg_users__directory");
	Cell here;

	if (restore_under_way() || trigger_rows_written(data) == 0 || !cell_here(&here))
		return PointerGetDatum(NULL);
	SPI_connect();
	trigger_tables_show(data);
	place_all(&here, &place_made, &find_misplaced);
	SPI_finish();
	return PointerGetDatum(NULL);
}

/*
 * SQL function: tg_users__directory_id() returns trigger
 *
 * Most updates leave the external id as it is, and then nothing is read.
 */
PGDLLEXPORT Datum
coursebase_tg_users__directory_id(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_users__directory_id", ROW_AFTER_CHANGE);
	HeapTuple before = trigger_row_before(data);
	HeapTuple row = trigger_row_after(data);
	PlanValues values = {0};
	pg_uuid_t user;
	Cell here;

	if ((row != NULL && strcmp(trigger_text(data, before, "clerk_user_id"),
							   trigger_text(data, row, "clerk_user_id")) == 0) ||
		restore_under_way() || !cell_here(&here) || here.number != here.home ||
		!trigger_uuid(data, row != NULL ? row : before, "id", &user))
		return PointerGetDatum(NULL);
	SPI_connect();
	plan_bind_uuid(&values, &user);
	if (row == NULL)
	{
		plan_bind_int32(&values, here.number);
		owner_execute(&delete_person, values.datums, values.nulls, false);
	}
	else
	{
		plan_bind_text(&values, external_id(data, row));
		owner_execute(&follow_external_id, values.datums, values.nulls, false);
	}
	SPI_finish();
	return PointerGetDatum(NULL);
}

/* SQL function: tg_this_cell__directory() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_this_cell__directory(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_this_cell__directory", ROW_AFTER_WRITE);
	HeapTuple row = trigger_written_row(data);
	Cell here = {
		.number = DatumGetInt32(trigger_value_as(data, row, "number", INT4OID)),
		.count = DatumGetInt32(trigger_value_as(data, row, "count", INT4OID)),
		.home = DatumGetInt32(trigger_value_as(data, row, "home", INT4OID)),
	};

	if (restore_under_way())
		return PointerGetDatum(NULL);
	SPI_connect();
	place_all(&here, &place_users, &find_misplaced_users);
	SPI_finish();
	return PointerGetDatum(NULL);
}

void
placed_init(void)
{
	join_check_set(people_require);
}

/*
 * Raises KBC05 where home's directory lacks people who live here, or has them elsewhere, as one
 * has that was restored from a backup: the router would place them anew, and they would live
 * twice.
 */
static void
people_require(const Cell *here)
{
	Datum cell = Int32GetDatum(here->number);
	pg_uuid_t first;

	owner_execute_latest(&find_displaced, &cell, NULL);
	if (!plan_uuid_or_null(0, 2, &first))
		return;
	ereport(ERROR, (errcode(ERRCODE_CB_NOT_PLACED),
					errmsg("home's directory does not have everybody who lives here"),
					errdetail("It does not know " INT64_FORMAT " people who have an account "
							  "in cell %d, such as user %s, or has them elsewhere.",
							  plan_int64(0, 1), here->number, uuid_text(&first)),
					errhint("Enter them on home first, with the same ids, or, where they have "
							"moved away since, take them out of this cell: see the guide to "
							"several servers.")));
}

/* What the directory has of a row of users, as KEEPS_EXTERNAL_ID says. */
static const char *
external_id(TriggerData *data, HeapTuple row)
{
	if (trigger_text_or_null(data, row, "deleted_at") != NULL &&
		trigger_text_or_null(data, row, "merged_into") == NULL)
		return NULL;
	return trigger_text(data, row, "clerk_user_id");
}

/* On home whoever is missing is placed first; what is found amiss afterwards, with the latest
 * snapshot, is refused in every cell. */
static void
place_all(const Cell *here, KeptPlan *place, KeptPlan *find)
{
	PlanValues values = {0};

	plan_bind_int32(&values, here->number);
	if (here->number == here->home)
		owner_execute_latest(place, values.datums, values.nulls);
	if (owner_execute_latest(find, values.datums, values.nulls) > 0)
		misplaced_raise(here);
}

/* The row that the last plan gave. */
static void
misplaced_raise(const Cell *here)
{
	Residence residence = {.user = plan_uuid(0, 1), .cell = plan_int32(0, 2)};
	pg_uuid_t id = plan_uuid(0, 3);

	residence.moving = residence.cell == here->number && plan_bool(0, 4);
	if (residence.cell != here->number || residence.moving)
		directory_raise_elsewhere(here, &residence);
	ereport(ERROR, (errcode(ERRCODE_CB_SET_ONCE), errmsg("the person has another id"),
					errdetail("The directory has the id %s, the row says %s.",
							  uuid_text(&residence.user), uuid_text(&id)),
					errhint("Insert the person with the id that the directory has.")));
}
