/*
 * guest.c: people of organisations who live in another cell than home.
 *
 * Invariants: a guest is on home, and the directory has the person elsewhere or on the way. The
 * row is written without triggers (session_replication_role), because it is no account: it has
 * no profile, nothing is told of it, and the directory does not follow it. Everybody else who
 * writes users.is_guest is refused. When the directory forgets a person, home closes the guest
 * as delete_user() closes an account.
 *
 * Locks: none but those of the rows that are written. Rights: those of the tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"

#include "cells/cell.h"
#include "cells/directory.h"
#include "core/args.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/restore.h"
#include "core/row_trigger.h"
#include "core/schema.h"
#include "core/session_setting.h"
#include "identity/guest.h"

/* Arguments of name_guest(). */
enum
{
	NAME_USER,
	NAME_NAME,
	NAME_EMAIL,
	NAME_ARGUMENTS,
};

/* Of two calls about one person the second waits, and then writes nothing. */
static KeptPlan write_guest = {
	.sql = "INSERT INTO coursebase.users (id, clerk_user_id, name, email, is_guest)"
		   " VALUES ($1, 'guest:' || gen_random_uuid(), '', '', true)"
		   " ON CONFLICT (id) DO NOTHING",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan find_user = {
	.sql = "SELECT FROM coursebase.users u WHERE u.id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan name_guest = {
	.sql = "UPDATE coursebase.users u SET name = $2, email = coalesce($3, u.email)"
		   " WHERE u.id = $1 AND u.is_guest AND u.deleted_at IS NULL"
		   " AND (u.name, u.email) IS DISTINCT FROM ($2, coalesce($3, u.email))",
	.nargs = NAME_ARGUMENTS,
	.types = {UUIDOID, TEXTOID, TEXTOID},
};
/* The triggers of users take everything that is about the person. */
static KeptPlan close_guest = {
	.sql = "UPDATE coursebase.users u SET name = '', email = '', deleted_at = now()"
		   " WHERE u.id = $1 AND u.is_guest AND u.deleted_at IS NULL",
	.nargs = 1,
	.types = {UUIDOID},
};

PG_FUNCTION_INFO_V1(coursebase_name_guest);
PG_FUNCTION_INFO_V1(coursebase_tg_organizations__on_home);
PG_FUNCTION_INFO_V1(coursebase_tg_users__guest);
PG_FUNCTION_INFO_V1(coursebase_tg_people__guest);

/*
 * SQL function: name_guest(user_id uuid, name text, email text) returns boolean
 *
 * Writes with the rights of the tables' owner.
 */
PGDLLEXPORT Datum
coursebase_name_guest(PG_FUNCTION_ARGS)
{
	PlanValues values = {0};
	bool written;
	Cell here;

	schema_require_current();
	args_require_all_but(fcinfo, NAME_EMAIL);
	cell_require_home(&here, "name_guest()");
	for (int i = NAME_USER; i < NAME_ARGUMENTS; i++)
		args_bind(&values, fcinfo, i);
	SPI_connect();
	written = owner_execute(&name_guest, values.datums, values.nulls, false) > 0;
	SPI_finish();
	PG_RETURN_BOOL(written);
}

/* SQL function: tg_organizations__on_home() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_organizations__on_home(PG_FUNCTION_ARGS)
{
	trigger_expect_before_statement(fcinfo, "tg_organizations__on_home");
	if (!restore_under_way())
		organizations_require_home();
	return PointerGetDatum(NULL);
}

/*
 * SQL function: tg_users__guest() returns trigger
 *
 * Guests are made, and become people, while triggers are off: whatever comes here is refused.
 */
PGDLLEXPORT Datum
coursebase_tg_users__guest(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_users__guest", ROW_BEFORE_WRITE);

	if (!restore_under_way())
		ereport(ERROR, (errcode(ERRCODE_CB_SET_ONCE),
						errmsg("column \"is_guest\" of table \"users\" is not to be written"),
						errdetail("A guest lives in another cell, and is here for "
								  "organisations alone."),
						errhint("Write the row of the organisation: it makes the guest.")));
	return PointerGetDatum(trigger_written_row(data));
}

/*
 * SQL function: tg_people__guest() returns trigger
 *
 * After an UPDATE that takes the external id: whose account was closed in the person's cell.
 */
PGDLLEXPORT Datum
coursebase_tg_people__guest(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_people__guest", ROW_AFTER_UPDATE);
	Datum user = trigger_value_as(data, data->tg_newtuple, "user_id", UUIDOID);

	if (restore_under_way())
		return PointerGetDatum(NULL);
	SPI_connect();
	owner_execute(&close_guest, &user, NULL, false);
	SPI_finish();
	return PointerGetDatum(NULL);
}

void
organizations_require_home(void)
{
	Cell here;

	if (cell_here(&here) && here.number != here.home)
		cell_raise_not_home(&here, ORGANIZATIONS);
}

bool
guest_make(const pg_uuid_t *user)
{
	Datum key = UUIDPGetDatum(user);
	Residence residence;
	Cell here;
	int level;

	if (!cell_here(&here))
		return false;
	if (here.number != here.home)
		cell_raise_not_home(&here, ORGANIZATIONS);
	if (!directory_find(user, &residence) || directory_is_here(&here, &residence))
		return false;
	level = session_settings_begin();
	session_setting_set("session_replication_role", "replica");
	owner_execute(&write_guest, &key, NULL, false);
	session_settings_end(level);
	return true;
}

void
guest_make_of_row(TriggerData *data, HeapTuple row)
{
	pg_uuid_t user;
	Datum key = UUIDPGetDatum(&user);
	Cell here;

	if (restore_under_way() || !cell_here(&here) || !trigger_uuid(data, row, "user_id", &user))
		return;
	SPI_connect();
	if (here.number != here.home || owner_execute_latest(&find_user, &key, NULL) == 0)
		guest_make(&user);
	SPI_finish();
}
