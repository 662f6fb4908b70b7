/*
 * deletion.c: a person leaves, and the database forgets everything personal.
 *
 * Invariants: a closed account belongs to nobody, holds nothing that tells who the person was,
 * and its external id is free for a new person. What accounting needs stays under the bare id:
 * purchases, receipts, payments, events of subscriptions, logs of credits, redemptions. An
 * organisation keeps an owner. Calling again keeps the first time and removes what a late
 * writer has left since; check_account() says where that is needed.
 *
 * Two tables stay because their rows are never changed: events of subscriptions, as the store
 * told them, and the audit trail, which names people by id alone. Open reservations of credits
 * stay too, because the call that made a reservation will end it.
 *
 * Lock order: the person's notifications of stores first, in the order of ids, as
 * take_notification() locks them. Then the row of users, FOR UPDATE because its external id, a
 * key, changes: a transaction that inserts a row about the person waits, or is waited for. Then
 * organisations, programs and counters of codes, each in the order of ids; then what is the
 * person's (identity/anchor.h).
 *
 * Rights: the server's alone (EXECUTE is granted to nobody else); the statements run with the
 * rights of the tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/timestamp.h"

#include "core/args.h"
#include "core/datum.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/schema.h"
#include "identity/audit.h"

/* FOR UPDATE and not anchor_user(): see the lock order above. */
static KeptPlan lock_user = {
	.sql = "SELECT u.deleted_at FROM coursebase.users u WHERE u.id = $1 FOR UPDATE",
	.nargs = 1,
	.types = {UUIDOID},
};

/*
 * Before the row of users, because take_notification() locks the notification first. One that
 * arrives meanwhile finds a closed account; check_account() tells if it left something.
 */
static KeptPlan lock_inbox = {
	.sql = "SELECT FROM coursebase.store_notifications n WHERE n.user_id = $1"
		   " ORDER BY n.id FOR NO KEY UPDATE",
	.nargs = 1,
	.types = {UUIDOID},
};

/* One thing that the account gives up: $1 is the user, $2 the time. */
#define STEP(statement)                                                                        \
	{                                                                                          \
		.sql = statement, .nargs = 2, .types = { UUIDOID, TIMESTAMPTZOID }                     \
	}

/* In the order of locks. A row that is as it must be is not written, so that a second call
 * writes nothing. */
static KeptPlan steps[] = {
	STEP("SELECT FROM coursebase.organizations o WHERE o.id IN (SELECT m.organization_id"
		 " FROM coursebase.memberships m WHERE m.user_id = $1 AND m.role = 'owner')"
		 " ORDER BY o.id FOR NO KEY UPDATE"),
	STEP("DELETE FROM coursebase.memberships WHERE user_id = $1"),
	STEP("SELECT coursebase.cancel_checkout(t.id, $2) FROM (SELECT p.id"
		 " FROM coursebase.payment_transactions p WHERE p.user_id = $1"
		 " AND p.status = 'pending' AND p.type = 'charge' ORDER BY p.program_id, p.id) t"),
	STEP("SELECT coursebase.release_discount($1, d.order_ref) FROM (SELECT r.order_ref"
		 " FROM coursebase.user_discounts r WHERE r.user_id = $1 AND r.status = 'reserved'"
		 " ORDER BY r.discount_code_id) d"),
	/* referral_code NULL: a trigger of the profile makes a new code, which tells of nobody */
	STEP("UPDATE coursebase.user_profile SET first_name = NULL, last_name = NULL,"
		 " phone_number = NULL, country = NULL, lead_source = NULL, email = '',"
		 " time_zone = 'UTC', devices = '{}', role = 'user', referral_code = NULL"
		 " WHERE user_id = $1 AND (coalesce(first_name, last_name, phone_number, country,"
		 " lead_source) IS NOT NULL OR (email, time_zone, devices, role)"
		 " <> ('', 'UTC', '{}', 'user'))"),
	STEP("DELETE FROM coursebase.user_cohorts WHERE user_id = $1"),
	STEP("UPDATE coursebase.custom_courses SET title = '', description = '',"
		 " data = '{\"audio_files\": []}' WHERE user_id = $1"
		 " AND (title, description, data::text) <> ('', '', '{\"audio_files\": []}')"),
	STEP("DELETE FROM coursebase.custom_course_versions v USING coursebase.custom_courses c"
		 " WHERE c.id = v.custom_course_id AND c.user_id = $1"),
	STEP("UPDATE coursebase.custom_course_purchases p SET status = 'revoked'"
		 " FROM coursebase.custom_courses c WHERE c.id = p.course_id AND c.user_id = $1"
		 " AND p.status = 'active'"),
	STEP("UPDATE coursebase.course_workout_completions k SET notes = NULL"
		 " FROM coursebase.course_entitlements e WHERE e.id = k.entitlement_id"
		 " AND e.user_id = $1 AND k.notes IS NOT NULL"),
	/* what still waited for something waits no more: there is nobody to give it to */
	STEP("UPDATE coursebase.store_notifications n SET body = NULL, details = NULL,"
		 " result = NULL, detail = CASE WHEN n.outcome IN ('applied', 'noted')"
		 " THEN n.detail ELSE 'the account was closed' END,"
		 " outcome = CASE WHEN n.outcome = 'applied' THEN 'applied' ELSE 'noted' END"
		 " WHERE n.user_id = $1 AND n.body IS NOT NULL"),
	STEP("DELETE FROM coursebase.analytics WHERE user_id = $1"),
	STEP("DELETE FROM coursebase.audio_usage WHERE user_id = $1"),
	STEP("DELETE FROM coursebase.cached_handshake_responses WHERE user_id = $1"),
	STEP("UPDATE coursebase.app_logs SET user_id = NULL, message = 'removed',"
		 " origin = 'removed', context = NULL WHERE user_id = $1"),
	STEP("UPDATE coursebase.server_logs SET user_id = NULL, message = 'removed',"
		 " context = NULL WHERE user_id = $1"),
	/* a random external id, so that nobody can guess it and sign up under it before */
	STEP("UPDATE coursebase.users SET name = '', email = '', image_url = NULL, role = 'user',"
		 " deleted_at = coalesce(deleted_at, $2), clerk_user_id = CASE"
		 " WHEN clerk_user_id ~ '^deleted:[-0-9a-f]{36}$' THEN clerk_user_id"
		 " ELSE 'deleted:' || gen_random_uuid() END"
		 " WHERE id = $1 AND (deleted_at IS NULL OR image_url IS NOT NULL"
		 " OR (name, email, role) <> ('', '', 'user')"
		 " OR clerk_user_id !~ '^deleted:[-0-9a-f]{36}$')"),
};

static bool user_lock(const pg_uuid_t *user, TimestampTz *closed_at);

PG_FUNCTION_INFO_V1(coursebase_delete_user);

/* SQL function: delete_user(user_id uuid, at timestamptz) returns timestamptz */
PGDLLEXPORT Datum
coursebase_delete_user(PG_FUNCTION_ARGS)
{
	const pg_uuid_t *user = args_uuid_or_null(fcinfo, 0);
	PlanValues values = {0};
	TimestampTz closed_at;
	TimestampTz at;

	args_require(fcinfo, 0);
	at = args_time(fcinfo, 1);
	schema_require_current();
	plan_bind_uuid(&values, user);
	plan_bind_time(&values, at);
	SPI_connect();
	/* both locks before everything else: nothing about the person is written meanwhile */
	owner_execute(&lock_inbox, values.datums, values.nulls, false);
	if (!user_lock(user, &closed_at))
	{
		closed_at = at;
		audit_write("account_closed", psprintf("users/%s", uuid_text(user)), NULL, NULL);
	}
	/* with the latest snapshot, which sees what was written while the lock was awaited */
	for (int i = 0; i < lengthof(steps); i++)
		owner_execute_latest(&steps[i], values.datums, values.nulls);
	SPI_finish();
	PG_RETURN_TIMESTAMPTZ(closed_at);
}

/* Locks the row. Whether the account was closed before, and when; raises KB106 without a row.
 */
static bool
user_lock(const pg_uuid_t *user, TimestampTz *closed_at)
{
	Datum key = UUIDPGetDatum(user);
	bool open;

	if (owner_execute(&lock_user, &key, NULL, false) == 0)
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such user"),
						errdetail("None has the id %s.", uuid_text(user)),
						errhint("Give the id of a row of users.")));
	*closed_at = plan_time_or(0, 1, 0);
	plan_value_as(0, 1, TIMESTAMPTZOID, &open);
	return !open;
}
