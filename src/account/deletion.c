/*
 * deletion.c: a person leaves, and everything personal goes with them.
 *
 * Invariants: a closed account is nobody's, holds nothing that tells who it was, and its
 * external id is free for a new person; what accounting needs stays: purchases, receipts,
 * payments, events of subscriptions, logs of credits, redemptions, each under the bare id. An
 * organisation keeps an owner. Calling again closes nothing anew and removes what a late writer
 * has left since; check_account() says where that is needed.
 *
 * What stays because it is never changed: events of subscriptions as the store told them, and
 * the audit trail, which names people by id alone. Open reservations of credits stay too: the
 * call that made them ends them, and they are nobody else's.
 *
 * Lock order: the row of users, FOR UPDATE because its external id changes (who inserts a row
 * about the person waits for that, or is waited for); then organisations, programs and counters
 * of codes, each by id; then what is the person's.
 *
 * Rights: the server's alone; the statements run with the owner's rights.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/schema.h"
#include "identity/audit.h"

static KeptPlan lock_user = {
	.sql = "SELECT u.deleted_at FROM coursebase.users u WHERE u.id = $1 FOR UPDATE",
	.nargs = 1,
	.types = {UUIDOID},
};

/*
 * Before the person: take_notification() locks the row of the inbox first. One that comes
 * meanwhile is of a closed account, and check_account() tells when it left something.
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

/* In the order of locks. Rows that are as they must be are left alone. */
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
	/* a null code asks for a new one */
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
	/* Consumers hear of the closed account alone. Their claims are locked as
	 * acknowledge_events() locks them, and gone before their events are. */
	STEP("SELECT FROM coursebase.event_claims c WHERE c.user_id = $1"
		 " ORDER BY c.event_id FOR UPDATE"),
	STEP("DELETE FROM coursebase.event_claims c WHERE c.user_id = $1"
		 " AND EXISTS (SELECT FROM coursebase.access_events e WHERE e.xid = c.xid"
		 "  AND e.id = c.event_id AND e.kind <> 'account_closed')"),
	STEP("DELETE FROM coursebase.access_events e WHERE e.user_id = $1"
		 " AND e.kind <> 'account_closed'"),
	STEP("UPDATE coursebase.app_logs SET user_id = NULL, message = 'removed',"
		 " origin = 'removed', context = NULL WHERE user_id = $1"),
	STEP("UPDATE coursebase.server_logs SET user_id = NULL, message = 'removed',"
		 " context = NULL WHERE user_id = $1"),
	/* by chance, so that nobody can take a name that is to be given */
	STEP("UPDATE coursebase.users SET name = '', email = '', image_url = NULL, role = 'user',"
		 " deleted_at = coalesce(deleted_at, $2), clerk_user_id = CASE"
		 " WHEN clerk_user_id ~ '^deleted:[-0-9a-f]{36}$' THEN clerk_user_id"
		 " ELSE 'deleted:' || gen_random_uuid() END"
		 " WHERE id = $1 AND (deleted_at IS NULL OR image_url IS NOT NULL"
		 " OR (name, email, role) <> ('', '', 'user')"
		 " OR clerk_user_id !~ '^deleted:[-0-9a-f]{36}$')"),
};

static void arguments_require(FunctionCallInfo fcinfo);
static bool user_lock(Datum user, TimestampTz *closed_at);

PG_FUNCTION_INFO_V1(coursebase_delete_user);

/* SQL function: delete_user(user_id uuid, at timestamptz) returns timestamptz */
PGDLLEXPORT Datum
coursebase_delete_user(PG_FUNCTION_ARGS)
{
	Datum values[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	TimestampTz closed_at;

	arguments_require(fcinfo);
	schema_require_current();
	SPI_connect();
	owner_execute(&lock_inbox, values, NULL, false);
	if (!user_lock(values[0], &closed_at))
	{
		closed_at = PG_GETARG_TIMESTAMPTZ(1);
		audit_write(
			"account_closed",
			psprintf("users/%s", DatumGetCString(DirectFunctionCall1(uuid_out, values[0]))),
			NULL, NULL);
	}
	for (int i = 0; i < lengthof(steps); i++)
		owner_execute_latest(&steps[i], values, NULL);
	SPI_finish();
	PG_RETURN_TIMESTAMPTZ(closed_at);
}

static void
arguments_require(FunctionCallInfo fcinfo)
{
	static const char *const names[] = {"user_id", "at"};

	for (int i = 0; i < lengthof(names); i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("%s must not be null", names[i])));
	if (TIMESTAMP_NOT_FINITE(PG_GETARG_TIMESTAMPTZ(1)))
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("an account is not closed at infinity"),
						errhint("Pass the time at which the person left.")));
}

/* Whether the account was closed before, and when. */
static bool
user_lock(Datum user, TimestampTz *closed_at)
{
	bool null;
	Datum value;

	if (owner_execute(&lock_user, &user, NULL, false) == 0)
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such user"),
						errdetail("None has the id %s.",
								  DatumGetCString(DirectFunctionCall1(uuid_out, user))),
						errhint("Give the id of a row of users.")));
	value = plan_value(0, 1, &null);
	*closed_at = null ? 0 : DatumGetTimestampTz(value);
	return !null;
}
