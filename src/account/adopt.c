/*
 * adopt.c: makes what triggers would have made of rows that came while triggers were off.
 *
 * A team that comes with data loads it by COPY or INSERT under session_replication_role =
 * replica, because a million rows are not a million events. Then adopt() looks at all rows and
 * makes, in statements over whole tables, what is missing. Each slice says what that is
 * (core/adoption.h); here stands in which order, with which locks and rights.
 *
 * Invariants: what is there stays; a second call makes nothing. A row that cannot be understood
 * is never guessed at: check_integrity(), which has the last word, names it.
 *
 * Locks: SHARE ROW EXCLUSIVE on every table that a part reads or writes, taken before the first
 * row is read: others may read, and wait to write. That takes the place of the locks of rows
 * that triggers take. Every statement reads what is committed under these locks, also in a
 * transaction with an older snapshot, which would give what was refunded since.
 *
 * Rights: the owner of the tables alone, because triggers are off meanwhile, also those of
 * others. The statements run with the owner's rights.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"

#include "allowance/adopt.h"
#include "billing/adopt.h"
#include "catalog/adopt.h"
#include "core/adoption.h"
#include "core/args.h"
#include "core/compat.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/schema.h"
#include "core/session_setting.h"
#include "identity/adopt.h"
#include "media/adopt.h"
#include "programs/adopt.h"
#include "records/adopt.h"
#include "sales/adopt.h"
#include "sync/adopt.h"

/* From left to right: a part may find what those before it made. */
static const AdoptionPart *const parts[] = {
	&identity_adoption, &records_adoption,  &catalog_adoption,
	&sales_adoption,    &billing_adoption,  &allowance_adoption,
	&media_adoption,    &programs_adoption, &sync_adoption,
};

/*
 * Accounts that the rows say are closed, and that still tell of somebody. With triggers, on
 * which delete_user() relies; the last owner of an organisation, whom it would refuse, is left
 * to the check, and so is a merged account, whose external id leads to the kept person. The
 * time that came stays; an infinite one is none that delete_user() takes.
 */
static KeptPlan close_accounts = {
	.sql = "SELECT coursebase.delete_user(u.id, CASE WHEN isfinite(u.deleted_at)"
		   "  THEN u.deleted_at ELSE now() END) FROM coursebase.users u"
		   " WHERE u.deleted_at IS NOT NULL AND u.merged_into IS NULL"
		   " AND 'users ' || u.id IN ("
		   "  SELECT c.object FROM coursebase.check_account() c)"
		   " AND NOT EXISTS (SELECT FROM coursebase.memberships m"
		   "  WHERE m.user_id = u.id AND m.role = 'owner')",
};
/* One row a check that found something. */
static KeptPlan check = {
	.sql = "SELECT c.check_name, count(*), min(c.object || ': ' || c.problem)"
		   " FROM coursebase.check_integrity() c GROUP BY c.check_name ORDER BY c.check_name",
};
enum
{
	CHECK_NAME = 1,
	CHECK_COUNT,
	CHECK_EXAMPLE,
};

static void owner_require(void);
static void tables_lock(void);
static void parts_run(Adoption *adoption);
static void accounts_close(Adoption *adoption);
static void checks_run(Adoption *adoption);

PG_FUNCTION_INFO_V1(coursebase_adopt);

/*
 * SQL function: adopt(verify boolean) returns table (what text, made bigint, not_understood
 * bigint, example text)
 */
PGDLLEXPORT Datum
coursebase_adopt(PG_FUNCTION_ARGS)
{
	Adoption *adoption;
	OwnerRights rights;

	args_require_all(fcinfo);
	schema_require_current();
	owner_require();
	compat_materialize(fcinfo);
	adoption = adoption_begin();
	SPI_connect();
	rights = owner_enter();
	tables_lock();
	parts_run(adoption);
	accounts_close(adoption);
	if (PG_GETARG_BOOL(0))
		checks_run(adoption);
	owner_leave(rights);
	SPI_finish();
	adoption_return(adoption, (ReturnSetInfo *) fcinfo->resultinfo);
	return (Datum) 0;
}

static void
owner_require(void)
{
	Oid owner = owner_of_tables();

	if (!has_privs_of_role(GetUserId(), owner))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("only the owner of coursebase's tables may run adopt()"),
						errdetail("They belong to \"%s\".", GetUserNameFromId(owner, false)),
						errhint("Run it as that role, or as a member of it.")));
}

/* In one statement and in the order of the parts, so that two calls wait in turn. */
static void
tables_lock(void)
{
	StringInfoData sql;

	initStringInfo(&sql);
	for (int i = 0; i < lengthof(parts); i++)
		appendStringInfo(&sql, "%s%s", i == 0 ? "LOCK TABLE " : ", ", parts[i]->tables);
	appendStringInfoString(&sql, " IN SHARE ROW EXCLUSIVE MODE");
	plan_execute_once(sql.data);
}

/*
 * No trigger fires within, also none of a foreign key: what they would do is what the parts do.
 * Loops are off because rows that have just come have no statistics, and a plan that loops over
 * a few rows would meet a million; compiling, because a loop that cannot be avoided then counts
 * as dear. Memory is that of other work on whole tables. The settings go back at the end, and
 * after an error with the transaction.
 */
static void
parts_run(Adoption *adoption)
{
	int level = session_settings_begin();

	session_setting_set("session_replication_role", "replica");
	session_setting_set("enable_nestloop", "off");
	session_setting_set("jit", "off");
	if (maintenance_work_mem > work_mem)
		session_setting_set("work_mem", psprintf("%d", maintenance_work_mem));
	for (int i = 0; i < lengthof(parts); i++)
		parts[i]->adopt(adoption);
	session_settings_end(level);
}

/* Triggers fire here, also in the session that has loaded the rows and has not turned them on
 * again. */
static void
accounts_close(Adoption *adoption)
{
	int level = session_settings_begin();

	session_setting_set("session_replication_role", "origin");
	adoption_make(adoption, "accounts closed", &close_accounts);
	session_settings_end(level);
}

/* The checks loop where few rows are left: they need the statistics of what has come. */
static void
checks_run(Adoption *adoption)
{
	uint64 checks;

	for (int i = 0; i < lengthof(parts); i++)
		plan_execute_once(psprintf("ANALYZE %s", parts[i]->tables));
	checks = plan_execute_latest(&check, NULL, NULL);
	for (uint64 row = 0; row < checks; row++)
		adoption_doubt(adoption,
					   psprintf("check_integrity: %s", plan_text_required(row, CHECK_NAME)),
					   plan_int64(row, CHECK_COUNT), plan_text_required(row, CHECK_EXAMPLE));
}
