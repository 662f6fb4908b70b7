/*
 * keep_admin.c: an installation that has an administrator keeps one.
 *
 * Invariant: no statement of somebody whom row security binds takes the last open account of an
 * administrator away: by another role, by closing or by deleting it. The server and the owner
 * of the tables may, because what they do cannot lock anybody out.
 *
 * Locks: an advisory lock to the end of the transaction, behind the rows of the statement, so
 * that of two administrators who demote each other the second sees what the first has done. It
 * comes last of all locks: a transaction that writes more about people afterwards can meet
 * another one that waits here, and one of the two ends in a deadlock error.
 *
 * Rights: reads with those of the tables' owner.
 */
#include "postgres.h"

#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/rel.h"
#include "utils/rls.h"

#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/row_trigger.h"

/* 'cbta' in hexadecimal. The inbox locks accounts under the same class, by places from 0 on. */
static KeptPlan wait_for_others = {
	.sql = "SELECT pg_catalog.pg_advisory_xact_lock(1667396705, -1)",
};
static KeptPlan read_admins = {
	.sql = "SELECT FROM coursebase.users WHERE role = 'admin' AND deleted_at IS NULL LIMIT 1",
};

PG_FUNCTION_INFO_V1(coursebase_tg_users__keep_admin);

/* SQL function: tg_users__keep_admin() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_users__keep_admin(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_users__keep_admin", ROW_AFTER_CHANGE);
	bool none_left;

	if (check_enable_rls(RelationGetRelid(data->tg_relation), InvalidOid, true) != RLS_ENABLED)
		return PointerGetDatum(NULL);
	SPI_connect();
	/* first: only then is it certain that no other administrator is leaving */
	owner_execute(&wait_for_others, NULL, NULL, false);
	none_left = owner_execute_latest(&read_admins, NULL, NULL) == 0;
	SPI_finish();
	if (none_left)
		ereport(ERROR,
				(errcode(ERRCODE_CB_LAST_OWNER), errmsg("the last administrator stays one"),
				 errhint("Make somebody else an administrator first.")));
	return PointerGetDatum(NULL);
}
