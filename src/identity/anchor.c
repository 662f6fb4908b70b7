/*
 * anchor.c: locks the row of users that every decision about a person begins with.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/fmgrprotos.h"

#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "identity/anchor.h"

static KeptPlan lock_user = {
	.sql = "SELECT u.deleted_at IS NULL FROM coursebase.users u WHERE u.id = $1"
		   " FOR NO KEY UPDATE",
	.nargs = 1,
	.types = {UUIDOID},
};

Anchored
anchor_user(const pg_uuid_t *user)
{
	Datum key = UUIDPGetDatum(user);
	bool null;

	if (owner_execute(&lock_user, &key, NULL, false) == 0)
		return ANCHORED_NONE;
	return DatumGetBool(plan_value(0, 1, &null)) ? ANCHORED_LIVE : ANCHORED_CLOSED;
}

void
anchor_user_require(const pg_uuid_t *user)
{
	if (anchor_user(user) == ANCHORED_NONE)
		ereport(ERROR,
				(errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such user"),
				 errdetail("None has the id %s.",
						   DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(user)))),
				 errhint("Give the id of a row of users.")));
}
