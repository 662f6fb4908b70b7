/*
 * access.c: which courses a user may use.
 *
 * The set form, which policies and the handshake ask. Today's sources are free courses and, for
 * an administrator, every course.
 *
 * Rights: reads with the owner's; asking about another user takes an administrator or a role
 * that bypasses row security, as the server's does.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/uuid.h"

#include "identity.h"
#include "owner.h"
#include "plan.h"

static KeptPlan read_admin = {
	.sql =
		"SELECT FROM coursebase.users WHERE id = $1 AND role = 'admin' AND deleted_at IS NULL",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan read_courses = {
	.sql = "SELECT ARRAY(SELECT id FROM coursebase.courses WHERE $1 OR is_free)",
	.nargs = 1,
	.types = {BOOLOID},
};

static bool user_is_admin(Datum user);
static void caller_require_about(Datum user);

PG_FUNCTION_INFO_V1(coursebase_accessible_course_ids);

/* SQL function: accessible_course_ids(user_id uuid, at timestamptz) returns uuid[] */
PGDLLEXPORT Datum
coursebase_accessible_course_ids(PG_FUNCTION_ARGS)
{
	bool named = !PG_ARGISNULL(0);
	Datum every;
	Datum ids;
	bool null;

	if (named)
		caller_require_about(PG_GETARG_DATUM(0));
	SPI_connect();
	every = BoolGetDatum(named ? user_is_admin(PG_GETARG_DATUM(0)) : identity_is_admin());
	owner_execute(&read_courses, &every, NULL, true);
	ids = SPI_datumTransfer(plan_value(0, 1, &null), false, -1);
	SPI_finish();
	PG_RETURN_DATUM(ids);
}

static bool
user_is_admin(Datum user)
{
	return owner_execute(&read_admin, &user, NULL, true) == 1;
}

/* The same words whether that user exists or not. */
static void
caller_require_about(Datum user)
{
	pg_uuid_t caller;

	if (has_bypassrls_privilege(GetUserId()))
		return;
	if (identity_current_user(&caller) && memcmp(&caller, DatumGetUUIDP(user), UUID_LEN) == 0)
		return;
	if (!identity_is_admin())
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("permission denied to ask about another user"),
						errhint("Leave user_id out to ask about yourself.")));
}
