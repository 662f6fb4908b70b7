/*
 * quota.c: the number of entries that one end user may write into app_logs on one day, so that
 * one token cannot fill the disk.
 *
 * Invariants: a writer has one counter, which begins anew with each day in UTC and never goes
 * back to an earlier one; an entry that is rolled back counts nothing. The time that an entry
 * claims for itself (created_at) plays no part. A counter instead of a count of rows: the cost
 * is the same on an empty and on a full log.
 *
 * Locks: the person who asks, then the counter (identity/anchor.h), so that of two sessions the
 * second counts what the first one wrote.
 *
 * Rights: who asks is decided with the caller's, the counter is written with those of the
 * tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/uuid.h"

#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/restore.h"
#include "core/row_trigger.h"
#include "core/setting.h"
#include "identity/anchor.h"
#include "identity/asking.h"
#include "identity/claims.h"
#include "records/quota.h"

/* The key of whose token names no open account: not the subject itself, which tells who that
 * is. */
#define HASH_OF_SUBJECT "encode(substr(sha256($3), 1, 16), 'hex')::uuid"

/* greatest(): a transaction that began before midnight must not begin the day again. */
static KeptPlan count_entry = {
	.sql = "INSERT INTO coursebase.app_log_counts AS c (writer_id, day, entries)"
		   " VALUES (coalesce($1, " HASH_OF_SUBJECT "), (now() AT TIME ZONE 'UTC')::date, 1)"
		   " ON CONFLICT (writer_id) DO UPDATE SET day = greatest(c.day, excluded.day),"
		   " entries = CASE WHEN c.day < excluded.day THEN 1 ELSE c.entries + 1 END"
		   " WHERE c.day < excluded.day OR c.entries < $2",
	.nargs = 3,
	.types = {UUIDOID, INT8OID, BYTEAOID},
};

static Datum subject_bytes(void);

PG_FUNCTION_INFO_V1(coursebase_tg_app_logs__quota);

/*
 * SQL function: tg_app_logs__quota() returns trigger
 *
 * For plain SQL. What log_app() writes comes with the rights of the tables' owner and was
 * counted by log_app() itself.
 */
PGDLLEXPORT Datum
coursebase_tg_app_logs__quota(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_app_logs__quota", ROW_BEFORE_WRITE);

	if (!identity_is_server() && !restore_under_way())
	{
		SPI_connect();
		quota_take();
		SPI_finish();
	}
	return PointerGetDatum(trigger_written_row(data));
}

void
quota_take(void)
{
	PlanValues values = {0};
	int64 allowed;
	pg_uuid_t user;
	bool known;

	if (identity_is_server() || (allowed = setting_integer("app_logs_a_day")) <= 0)
		return;
	known = identity_current_user(&user);
	if (known)
		anchor_user(&user);
	plan_bind_uuid(&values, known ? &user : NULL);
	plan_bind_int64(&values, allowed);
	plan_bind(&values, subject_bytes());
	if (owner_execute(&count_entry, values.datums, values.nulls, false) == 0)
		ereport(ERROR, (errcode(ERRCODE_CB_LOG_QUOTA), errmsg("the log of the app is full"),
						errdetail("The setting app_logs_a_day allows " INT64_FORMAT
								  " entries a person and day.",
								  allowed),
						errhint("Report again tomorrow (UTC), or let the server report.")));
}

/* No bytes where there are no claims: those who have none share a counter. */
static Datum
subject_bytes(void)
{
	const Subject *subject = claims_subject();
	int size = subject != NULL ? subject->size : 0;
	bytea *bytes = palloc(VARHDRSZ + size);

	SET_VARSIZE(bytes, VARHDRSZ + size);
	if (size > 0)
		memcpy(VARDATA(bytes), subject->bytes, size);
	return PointerGetDatum(bytes);
}
