/*
 * deletion.c: a person leaves, and the database forgets everything personal: by delete_user(),
 * or by an UPDATE of plain SQL that sets users.deleted_at.
 *
 * Invariants: a closed account belongs to nobody, holds nothing that tells who the person was,
 * and its external id is free for a new person, once late notices about the account have come
 * (identity/closed_id.h). What accounting needs stays under the bare id:
 * purchases, receipts, payments, events of subscriptions, logs of credits, redemptions. An
 * organisation keeps an owner. Calling again keeps the first time and removes what a late
 * writer has left since; check_account() says where that is needed.
 *
 * A program that closes accounts by plain SQL writes words of its own in place of name and
 * email ("Deleted User"): such words stay, because the program shows them. An account is opened
 * again only together with the external id of somebody: what was removed is gone for good.
 *
 * With the person go the accounts that were merged into it. One of those alone gives up its
 * external id, which then leads to nobody; the person stays.
 *
 * Two tables stay because their rows are never changed: events of subscriptions, as the store
 * told them, and the audit trail, which names people by id alone. Open reservations of credits
 * stay too, because the call that made a reservation will end it.
 *
 * Lock order: the person's notifications of stores first, in the order of ids, as
 * take_notification() locks them. Then the row of users, FOR UPDATE because its external id, a
 * key, changes: a transaction that inserts a row about the person waits, or is waited for. Then
 * organisations, programs and counters of codes, each in the order of ids; then what is the
 * person's (identity/anchor.h). The UPDATE of plain SQL holds the row of users before its
 * triggers lock it FOR UPDATE and then the notifications: there it waits as
 * core/lock_behind.h says.
 *
 * Rights: delete_user() is the server's alone (EXECUTE is granted to nobody else), the UPDATE
 * is for whoever may write the row; the statements run with the rights of the tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/timestamp.h"

#include "cells/directory.h"
#include "core/args.h"
#include "core/datum.h"
#include "core/errors.h"
#include "core/lock_behind.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/restore.h"
#include "core/row_trigger.h"
#include "core/schema.h"
#include "identity/anchor.h"
#include "identity/audit.h"
#include "identity/closed_id.h"

#define ONE_USER .nargs = 1, .types = {UUIDOID}

/* FOR UPDATE and not anchor_user(): see the lock order above. Who is a guest here has the
 * account in another cell; forget_person() closes the guest. */
#define USER                                                                                   \
	" FROM coursebase.users u WHERE u.id = $1 AND (NOT u.is_guest OR u.deleted_at IS NOT "     \
	"NULL)"
#define LOCK_USER "SELECT u.deleted_at, u.clerk_user_id" USER " FOR UPDATE"
static KeptPlan lock_user = {.sql = LOCK_USER, ONE_USER};
static LockBehind lock_user_behind = {
	.wait = {.sql = LOCK_USER, ONE_USER},
	.skip = {.sql = LOCK_USER " SKIP LOCKED", ONE_USER},
	.there = {.sql = "SELECT u.tableoid, u.ctid" USER, ONE_USER},
	.mode = LockTupleExclusive,
	.single = true,
};

/*
 * Before the row of users, because take_notification() locks the notification first. One that
 * arrives meanwhile finds a closed account; check_account() tells if it left something.
 */
#define INBOX                                                                                  \
	"SELECT n.tableoid, n.ctid FROM coursebase.store_notifications n WHERE n.user_id = $1"
#define LOCK_INBOX INBOX " ORDER BY n.id FOR NO KEY UPDATE"
static KeptPlan lock_inbox = {.sql = LOCK_INBOX, ONE_USER};
static LockBehind lock_inbox_behind = {
	.wait = {.sql = LOCK_INBOX, ONE_USER},
	.skip = {.sql = LOCK_INBOX " SKIP LOCKED", ONE_USER},
	.there = {.sql = INBOX, ONE_USER},
	.mode = LockTupleNoKeyExclusive,
};

/* The external id of a closed account. Nor does a guest's lead to anybody (identity/guest.h).
 */
#define CLOSED_ID "'^(deleted|guest):[-0-9a-f]{36}$'"

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
	/* referral_code NULL: a trigger of the profile makes a new code, which tells of nobody. An
	 * account that was merged has nothing else any more, until its external id goes as well */
	STEP("UPDATE coursebase.user_profile SET first_name = NULL, last_name = NULL,"
		 " phone_number = NULL, country = NULL, lead_source = NULL, email = '',"
		 " time_zone = 'UTC', devices = '{}', role = 'user', referral_code = NULL,"
		 " is_placeholder = false WHERE user_id = $1 AND (is_placeholder OR "
		 "coalesce(first_name, last_name, phone_number, country,"
		 " lead_source) IS NOT NULL OR (email, time_zone, devices, role)"
		 " IS DISTINCT FROM ('', 'UTC', '{}', 'user') OR EXISTS (SELECT FROM coursebase.users u"
		 "  WHERE u.id = $1 AND u.merged_into IS NOT NULL AND u.clerk_user_id !~ " CLOSED_ID
		 "))"),
	STEP("DELETE FROM coursebase.user_cohorts WHERE user_id = $1"),
	STEP("UPDATE coursebase.custom_courses SET title = '', description = '',"
		 " data = '{\"audio_files\": []}' WHERE user_id = $1"
		 " AND (title, description, data::text) <> ('', '', '{\"audio_files\": []}')"),
	STEP("DELETE FROM coursebase.custom_course_versions v USING coursebase.custom_courses c"
		 " WHERE c.id = v.custom_course_id AND c.user_id = $1"),
	/* no link is issued by then: so store/transfer.c knows what the closing took; also of what
	 * is refunded, for the refund may be taken back */
	STEP("UPDATE coursebase.custom_course_purchases p SET link_issued_at = '-infinity',"
		 " status = CASE p.status WHEN 'active' THEN 'revoked' ELSE p.status END"
		 " FROM coursebase.custom_courses c WHERE c.id = p.course_id AND c.user_id = $1"
		 " AND (p.status = 'active'"
		 "  OR p.status = 'refunded' AND p.link_issued_at <> '-infinity')"),
	STEP("UPDATE coursebase.course_workout_completions k SET notes = NULL"
		 " FROM coursebase.course_entitlements e WHERE e.id = k.entitlement_id"
		 " AND e.user_id = $1 AND k.notes IS NOT NULL"),
	/* what still waited for something waits no more: there is nobody to give it to */
	STEP(
		"UPDATE coursebase.store_notifications n SET body = NULL, details = NULL,"
		" result = NULL, waits_for = NULL, detail = CASE WHEN n.outcome IN ('applied', 'noted')"
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
	STEP("DELETE FROM coursebase.app_log_counts WHERE writer_id = $1"),
	STEP("UPDATE coursebase.server_logs SET user_id = NULL, message = 'removed',"
		 " context = NULL WHERE user_id = $1"),
};

/*
 * The words that programs write in place of a name or an address. $1 and $3 are new, $2 and $4
 * what was there, of which nothing may be left in them: "deleted-ada@example.org" tells of Ada.
 */
#define WORDS      "^(deleted|redacted)"
#define NAME_OF(a) "lower(translate(split_part(" a ", '@', 1), 'I', 'i'))"
#define STAYS(a, b)                                                                            \
	"CASE WHEN " a " ~* '" WORDS "' AND " a " <> " b " AND strpos(lower(translate(" a          \
	", 'I', 'i')), coalesce(nullif(" NAME_OF(b) ", ''), ' ')) = 0 THEN " a " ELSE '' END"
static KeptPlan choose_words = {
	.sql = "SELECT " STAYS("$1", "$2") ", " STAYS("$3", "$4"),
	.nargs = 4,
	.types = {TEXTOID, TEXTOID, TEXTOID, TEXTOID},
};

/* A random external id, so that nobody can guess it and sign up under it before. */
static KeptPlan choose_id = {
	.sql = "SELECT CASE WHEN $1 ~ " CLOSED_ID " THEN $1"
		   " ELSE 'deleted:' || gen_random_uuid() END, $1 ~ " CLOSED_ID ","
		   " 'user'::coursebase.user_role",
	.nargs = 1,
	.types = {TEXTOID},
};
/* The triggers do the rest: they write the row, and take the steps. */
static KeptPlan close_user =
	STEP("UPDATE coursebase.users SET name = '', email = '', deleted_at = $2 WHERE id = $1");
/* What came into the row since it was closed. */
static KeptPlan clear_user =
	STEP("UPDATE coursebase.users SET image_url = NULL, role = 'user',"
		 " name = CASE WHEN name ~* '" WORDS "' THEN name ELSE '' END,"
		 " email = CASE WHEN email ~* '" WORDS "' THEN email ELSE '' END,"
		 " clerk_user_id = CASE WHEN clerk_user_id ~ " CLOSED_ID " THEN clerk_user_id"
		 " ELSE 'deleted:' || gen_random_uuid() END"
		 " WHERE id = $1 AND (image_url IS NOT NULL OR role <> 'user'"
		 " OR clerk_user_id !~ " CLOSED_ID " OR name !~* '^$|" WORDS "'"
		 " OR email !~* '^$|" WORDS "')");

/* Accounts that were merged into the person's: what is left of them tells of the person. */
static KeptPlan list_merged = {
	.sql = "SELECT u.id, u.clerk_user_id FROM coursebase.users u WHERE u.merged_into = $1"
		   " ORDER BY u.id",
	.nargs = 1,
	.types = {UUIDOID},
};

static bool user_lock(const pg_uuid_t *user, TimestampTz *closed_at, char **subject);
static void steps_take(PlanValues *values);
static void merged_forget(Datum user, Datum at);
static HeapTuple row_close(TriggerData *data);
static HeapTuple text_set(TriggerData *data, HeapTuple row, const char *name, int given);
static void subject_keep(const char *subject);
static void opening_require(TriggerData *data);

PG_FUNCTION_INFO_V1(coursebase_delete_user);
PG_FUNCTION_INFO_V1(coursebase_tg_users__close);
PG_FUNCTION_INFO_V1(coursebase_tg_users__forget);

/* SQL function: delete_user(user_id uuid, at timestamptz) returns timestamptz */
PGDLLEXPORT Datum
coursebase_delete_user(PG_FUNCTION_ARGS)
{
	const pg_uuid_t *user = args_uuid_or_null(fcinfo, 0);
	PlanValues values = {0};
	TimestampTz closed_at;
	TimestampTz at;
	char *subject;
	bool closed;

	args_require(fcinfo, 0);
	at = args_time(fcinfo, 1);
	schema_require_current();
	plan_bind_uuid(&values, user);
	plan_bind_time(&values, at);
	SPI_connect();
	/* both locks before everything else: nothing about the person is written meanwhile */
	owner_execute(&lock_inbox, values.datums, values.nulls, false);
	closed = user_lock(user, &closed_at, &subject);
	if (!closed)
	{
		closed_at = at;
		owner_execute_latest(&close_user, values.datums, values.nulls);
	}
	/* without triggers, as under replication, nobody else takes the steps */
	if (closed || SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA)
	{
		steps_take(&values);
		subject_keep(subject);
		owner_execute_latest(&clear_user, values.datums, values.nulls);
		merged_forget(values.datums[0], values.datums[1]);
	}
	SPI_finish();
	PG_RETURN_TIMESTAMPTZ(closed_at);
}

/*
 * SQL function: tg_users__close() returns trigger
 *
 * Before an UPDATE that sets deleted_at, or sets it back to null: the row itself. Its external
 * id changes, for which the statement has not locked it: whoever inserts a row about the person
 * is waited for here. Before a DELETE: the notifications, which the key then changes.
 */
PGDLLEXPORT Datum
coursebase_tg_users__close(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_users__close", ROW_BEFORE_CHANGE);
	HeapTuple row = trigger_written_row(data);
	Datum id = trigger_value_as(data, data->tg_trigtuple, "id", UUIDOID);

	if (restore_under_way())
		return PointerGetDatum(row);
	SPI_connect();
	if (TRIGGER_FIRED_BY_DELETE(data->tg_event))
	{
		lock_behind(&lock_inbox_behind, &id);
		SPI_finish();
		return PointerGetDatum(row);
	}
	lock_behind(&lock_user_behind, &id);
	if (trigger_text_or_null(data, row, "deleted_at") != NULL)
		row = row_close(data);
	else
		opening_require(data);
	row = SPI_copytuple(row);
	SPI_finish();
	return PointerGetDatum(row);
}

/*
 * SQL function: tg_users__forget() returns trigger
 *
 * After an UPDATE that set deleted_at: all that other tables hold of the person.
 */
PGDLLEXPORT Datum
coursebase_tg_users__forget(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_users__forget", ROW_AFTER_UPDATE);
	PlanValues values = {0};

	if (restore_under_way())
		return PointerGetDatum(NULL);
	plan_bind(&values, trigger_value_as(data, data->tg_newtuple, "id", UUIDOID));
	plan_bind(&values, trigger_value_as(data, data->tg_newtuple, "deleted_at", TIMESTAMPTZOID));
	SPI_connect();
	audit_write("account_closed",
				psprintf("users/%s", trigger_text(data, data->tg_newtuple, "id")), NULL, NULL);
	lock_behind(&lock_inbox_behind, values.datums);
	steps_take(&values);
	merged_forget(values.datums[0], values.datums[1]);
	SPI_finish();
	return PointerGetDatum(NULL);
}

/* With the latest snapshot, which sees what was written while a lock was awaited. */
static void
steps_take(PlanValues *values)
{
	for (int i = 0; i < lengthof(steps); i++)
		owner_execute_latest(&steps[i], values->datums, values->nulls);
}

/* The same of accounts that were merged into it, whose external ids still led to the person. */
static void
merged_forget(Datum user, Datum at)
{
	uint64 count = owner_execute_latest(&list_merged, &user, NULL);
	SPITupleTable *rows = SPI_tuptable;

	for (uint64 row = 0; row < count; row++)
	{
		PlanValues values = {0};
		pg_uuid_t merged;
		char *subject;

		SPI_tuptable = rows; /* each statement sets its own */
		merged = plan_uuid(row, 1);
		subject = plan_text_required(row, 2);
		plan_bind_uuid(&values, &merged);
		plan_bind(&values, at);
		steps_take(&values);
		subject_keep(subject);
		owner_execute_latest(&clear_user, values.datums, values.nulls);
	}
}

/* The row of a closed account, from what the statement wrote. In SPI's memory. */
static HeapTuple
row_close(TriggerData *data)
{
	HeapTuple row = data->tg_newtuple;
	PlanValues words = {0};
	PlanValues id = {0};
	Oid role;

	plan_bind_text(&words, trigger_text(data, row, "name"));
	plan_bind_text(&words, trigger_text(data, data->tg_trigtuple, "name"));
	plan_bind_text(&words, trigger_text(data, row, "email"));
	plan_bind_text(&words, trigger_text(data, data->tg_trigtuple, "email"));
	owner_execute(&choose_words, words.datums, NULL, true);
	row = text_set(data, row, "name", 1);
	row = text_set(data, row, "email", 2);
	subject_keep(trigger_text(data, data->tg_trigtuple, "clerk_user_id"));
	plan_bind_text(&id, trigger_text(data, row, "clerk_user_id"));
	owner_execute(&choose_id, id.datums, NULL, false);
	row = text_set(data, row, "clerk_user_id", 1);
	row = trigger_set_as(data, row, "image_url", TEXTOID, (Datum) 0, true);
	role = SPI_gettypeid(SPI_tuptable->tupdesc, 3);
	return trigger_set_as(data, row, "role", role, plan_value_as(0, 3, role, NULL), false);
}

/* The row with a text that the last statement gave. */
static HeapTuple
text_set(TriggerData *data, HeapTuple row, const char *name, int given)
{
	return trigger_set_as(data, row, name, TEXTOID, plan_value_as(0, given, TEXTOID, NULL),
						  false);
}

/* Keeps the external id that the account had, unless it is one that was made for a closed one.
 */
static void
subject_keep(const char *subject)
{
	PlanValues values = {0};

	plan_bind_text(&values, subject);
	owner_execute(&choose_id, values.datums, NULL, false);
	if (!plan_bool(0, 2))
		closed_id_keep(subject);
}

/* KB401 for an account that would be open without anybody who could sign in to it. */
static void
opening_require(TriggerData *data)
{
	PlanValues id = {0};

	plan_bind_text(&id, trigger_text(data, data->tg_newtuple, "clerk_user_id"));
	owner_execute(&choose_id, id.datums, NULL, false);
	if (plan_bool(0, 2))
		ereport(ERROR,
				(errcode(ERRCODE_CB_SET_ONCE),
				 errmsg("column \"deleted_at\" of table \"users\" is set already"),
				 errdetail("The account is closed, and its external id was removed with "
						   "everything else."),
				 errhint("Write clerk_user_id, name and email of the person in the same UPDATE "
						 "to open it again.")));
}

/* Locks the row. Whether the account was closed before, and when, and its external id; raises
 * KB106 without a row. */
static bool
user_lock(const pg_uuid_t *user, TimestampTz *closed_at, char **subject)
{
	Datum key = UUIDPGetDatum(user);
	bool open;

	if ((anchor_goes_back() ? lock_behind(&lock_user_behind, &key)
							: owner_execute(&lock_user, &key, NULL, false)) == 0)
	{
		directory_require_here(user);
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such user"),
						errdetail("None has the id %s.", uuid_text(user)),
						errhint("Give the id of a row of users.")));
	}
	*closed_at = plan_time_or(0, 1, 0);
	*subject = plan_text_required(0, 2);
	plan_value_as(0, 1, TIMESTAMPTZOID, &open);
	return !open;
}
