/*
 * payment.c: what a payment provider reports, and what is given back.
 *
 * Invariants: a report changes something once, whoever brings it first, the webhook or the
 * return page; money that came is always recorded, and gives the course or is listed as to be
 * refunded; nothing that is said in the name of another organisation changes anything.
 *
 * Locks: see programs/payment.h. Rights: the server's alone; the statements run with the
 * owner's rights.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "core/compat.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/schema.h"
#include "identity/anchor.h"
#include "identity/audit.h"
#include "programs/payment.h"
#include "programs/program.h"

static KeptPlan find_payment = {
	.sql = "SELECT id, user_id, organization_id, program_id"
		   " FROM coursebase.payment_transactions WHERE id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan find_by_reference = {
	.sql = "SELECT id FROM coursebase.payment_transactions WHERE organization_id = $1"
		   " AND provider = $2 AND provider_reference = $3 AND type = 'charge'",
	.nargs = 3,
	.types = {UUIDOID, TEXTOID, TEXTOID},
};
static KeptPlan find_elsewhere = {
	.sql = "SELECT FROM coursebase.payment_transactions WHERE $1 IS NOT NULL"
		   " AND provider = $2 AND provider_reference = $3 AND type = 'charge' LIMIT 1",
	.nargs = 3,
	.types = {UUIDOID, TEXTOID, TEXTOID},
};
/* Of the organisation that is named, or of the one whose program is. */
static KeptPlan share_membership = {
	.sql = "SELECT m.id FROM coursebase.memberships m WHERE m.user_id = $1"
		   " AND m.organization_id = coalesce($2,"
		   "  (SELECT p.organization_id FROM coursebase.programs p WHERE p.id = $3))"
		   " FOR KEY SHARE",
	.nargs = 3,
	.types = {UUIDOID, UUIDOID, UUIDOID},
};
static KeptPlan share_program = {
	.sql = "SELECT FROM coursebase.programs WHERE id = $1 FOR SHARE",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan lock_entitlement = {
	.sql = "SELECT id, status::text, source_payment_transaction_id = $3"
		   " FROM coursebase.course_entitlements WHERE user_id = $1 AND program_id = $2"
		   " FOR NO KEY UPDATE",
	.nargs = 3,
	.types = {UUIDOID, UUIDOID, UUIDOID},
};
static KeptPlan lock_payment = {
	.sql = "SELECT status::text, type = 'charge' FROM coursebase.payment_transactions"
		   " WHERE id = $1 FOR NO KEY UPDATE",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan write_status = {
	.sql = "UPDATE coursebase.payment_transactions"
		   " SET status = $2::coursebase.transaction_status WHERE id = $1",
	.nargs = 2,
	.types = {UUIDOID, TEXTOID},
};
static KeptPlan end_pending = {
	.sql = "UPDATE coursebase.course_entitlements"
		   " SET status = 'revoked', access_revoked_at = $2"
		   " WHERE id = $1 AND status = 'pending'",
	.nargs = 2,
	.types = {UUIDOID, TIMESTAMPTZOID},
};
static KeptPlan activate = {
	.sql =
		"INSERT INTO coursebase.course_entitlements AS e (user_id, program_id,"
		"  organization_id, membership_id, status, source_payment_transaction_id, created_at)"
		" SELECT t.user_id, t.program_id, t.organization_id, t.membership_id, 'active', t.id,"
		"  $2 FROM coursebase.payment_transactions t WHERE t.id = $1"
		" ON CONFLICT (user_id, program_id) DO UPDATE SET status = 'active',"
		"  source_payment_transaction_id = excluded.source_payment_transaction_id,"
		"  access_revoked_at = NULL"
		" RETURNING e.id",
	.nargs = 2,
	.types = {UUIDOID, TIMESTAMPTZOID},
};
static KeptPlan write_log = {
	.sql = "INSERT INTO coursebase.server_logs"
		   " (function_name, level, message, context, created_at)"
		   " VALUES ('apply_payment_event', 'warning', $5, pg_catalog.jsonb_build_object("
		   "  'organization_id', $1, 'provider', $2, 'provider_reference', $3, 'outcome', $4),"
		   "  $6)",
	.nargs = 6,
	.types = {UUIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID},
};
static KeptPlan write_refund = {
	.sql =
		"INSERT INTO coursebase.payment_transactions (organization_id, user_id,"
		"  membership_id, plan_id, amount_in_cents, currency, type, status, provider,"
		"  provider_reference, refunds_transaction_id, created_at)"
		" SELECT organization_id, user_id, membership_id, plan_id, amount_in_cents, currency,"
		"  'refund', $2::coursebase.transaction_status, provider, provider_reference, id, $3"
		" FROM coursebase.payment_transactions WHERE id = $1",
	.nargs = 3,
	.types = {UUIDOID, TEXTOID, TIMESTAMPTZOID},
};
static KeptPlan settle_refund = {
	.sql = "UPDATE coursebase.payment_transactions SET status = 'completed'"
		   " WHERE refunds_transaction_id = $1 AND status = 'pending'",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan read_refund = {
	.sql = "SELECT r.id, c.status::text FROM coursebase.payment_transactions c"
		   " JOIN coursebase.payment_transactions r ON r.refunds_transaction_id = c.id"
		   " WHERE c.id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};
/* Another payment of the same course that stands takes the place of the one given back. */
static KeptPlan hand_over = {
	.sql = "UPDATE coursebase.course_entitlements e SET source_payment_transaction_id = t.id"
		   " FROM coursebase.payment_transactions t"
		   " WHERE e.source_payment_transaction_id = $1 AND e.status = 'active'"
		   " AND t.id = (SELECT o.id FROM coursebase.payment_transactions o"
		   "  WHERE o.user_id = e.user_id AND o.program_id = e.program_id AND o.id <> $1"
		   "  AND o.type = 'charge' AND o.status = 'completed'"
		   "  ORDER BY o.created_at, o.id LIMIT 1)",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan revoke_entitlement = {
	.sql = "UPDATE coursebase.course_entitlements"
		   " SET status = 'revoked', access_revoked_at = $2"
		   " WHERE source_payment_transaction_id = $1 AND status = 'active'",
	.nargs = 2,
	.types = {UUIDOID, TIMESTAMPTZOID},
};

/* The arguments of apply_payment_event(), which begin its statements' too. */
enum
{
	EVENT_ORGANIZATION,
	EVENT_PROVIDER,
	EVENT_REFERENCE,
	EVENT_OUTCOME,
	EVENT_AT,
};

static bool outcome_read(FunctionCallInfo fcinfo);
static bool event_find(FunctionCallInfo fcinfo, Payment *payment);
static const char *event_apply(FunctionCallInfo fcinfo, Payment *payment, bool completed);
static void event_log(FunctionCallInfo fcinfo, const char *message);
static void refund_write(const Payment *payment, bool manual, Datum at);
pg_noreturn static void locked_raise(void);

PG_FUNCTION_INFO_V1(coursebase_apply_payment_event);
PG_FUNCTION_INFO_V1(coursebase_refund_transaction);
PG_FUNCTION_INFO_V1(coursebase_tg_payment_transactions__status);

/*
 * SQL function: apply_payment_event(organization_id uuid, provider text, provider_reference
 * text, outcome text, at timestamptz) returns table (status text, entitlement_id uuid, reason
 * text)
 *
 * What is said in another organisation's name is logged and answered, not raised: an error
 * would undo the log.
 */
PGDLLEXPORT Datum
coursebase_apply_payment_event(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	bool completed = outcome_read(fcinfo);
	const char *reason = "wrong_organization";
	Payment payment = {.status = "rejected"};
	bool nulls[3] = {false};
	Datum values[3];

	schema_require_current();
	compat_materialize(fcinfo);
	SPI_connect();
	if (event_find(fcinfo, &payment))
	{
		payment_lock(&payment);
		reason = event_apply(fcinfo, &payment, completed);
	}
	else
		event_log(fcinfo, "the payment was reported for another organisation than it is of");
	SPI_finish();
	nulls[1] = !payment.has_entitlement;
	nulls[2] = reason == NULL;
	values[0] = CStringGetTextDatum(payment.status);
	values[1] = UUIDPGetDatum(&payment.entitlement);
	values[2] = nulls[2] ? (Datum) 0 : CStringGetTextDatum(reason);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	return (Datum) 0;
}

/*
 * SQL function: refund_transaction(transaction_id uuid, manual boolean, at timestamptz) returns
 * table (refund_id uuid, status text)
 *
 * A refund that waits to be made by hand is settled by calling again with manual false.
 */
PGDLLEXPORT Datum
coursebase_refund_transaction(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	static const char *const names[] = {"transaction_id", "manual"};
	Datum values[2] = {PG_GETARG_DATUM(0), 0};
	bool nulls[2] = {false};
	Payment payment;

	for (int i = 0; i < lengthof(names); i++)
		program_argument_require(fcinfo, i, names[i]);
	program_time_require(fcinfo, 2);
	schema_require_current();
	compat_materialize(fcinfo);
	SPI_connect();
	payment_require(values[0], &payment);
	payment_lock(&payment);
	if (payment.is_charge && strcmp(payment.status, "completed") == 0)
		refund_write(&payment, PG_GETARG_BOOL(1), PG_GETARG_DATUM(2));
	else if (strcmp(payment.status, "refund_pending") == 0 && !PG_GETARG_BOOL(1))
	{
		payment_status_write(&payment, "refunded");
		owner_execute(&settle_refund, values, NULL, false);
	}
	if (owner_execute(&read_refund, values, NULL, false) != 1)
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_PAID), errmsg("there is nothing to give back"),
						errdetail("It is a %s, and %s.",
								  payment.is_charge ? "charge" : "refund", payment.status),
						errhint("Give the id of a charge that is completed.")));
	values[0] = SPI_datumTransfer(plan_value(0, 1, NULL), false, UUID_LEN);
	values[1] = SPI_datumTransfer(plan_value(0, 2, NULL), false, -1);
	SPI_finish();
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	return (Datum) 0;
}

/* SQL function: tg_payment_transactions__status() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_payment_transactions__status(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("coursebase.tg_payment_transactions__status() works only as a "
							   "trigger")));
	ereport(ERROR, (errcode(ERRCODE_CB_PAYMENT_SETTLED),
					errmsg("a payment's life does not go that way"),
					errhint("What is settled stays; only a completed charge is refunded.")));
}

static bool
outcome_read(FunctionCallInfo fcinfo)
{
	static const char *const names[] = {"organization_id", "provider", "provider_reference",
										"outcome"};
	char *outcome;

	for (int i = 0; i < lengthof(names); i++)
		program_argument_require(fcinfo, i, names[i]);
	program_time_require(fcinfo, EVENT_AT);
	outcome = text_to_cstring(PG_GETARG_TEXT_PP(EVENT_OUTCOME));
	if (strcmp(outcome, "completed") != 0 && strcmp(outcome, "failed") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown outcome \"%s\"", outcome),
				 errhint("Use completed or failed; cancel_checkout() cancels a checkout.")));
	return outcome[0] == 'c';
}

/*
 * False for a reference that only other organisations have. One that nobody has yet is worth
 * another try: the provider may be quicker than attach_payment_reference().
 */
static bool
event_find(FunctionCallInfo fcinfo, Payment *payment)
{
	Datum values[] = {PG_GETARG_DATUM(EVENT_ORGANIZATION), PG_GETARG_DATUM(EVENT_PROVIDER),
					  PG_GETARG_DATUM(EVENT_REFERENCE)};

	if (owner_execute_latest(&find_by_reference, values, NULL) == 1)
		return payment_find(plan_value(0, 1, NULL), payment);
	if (owner_execute_latest(&find_elsewhere, values, NULL) > 0)
		return false;
	ereport(ERROR,
			(errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such payment"),
			 errdetail("No charge has the reference \"%s\" of \"%s\".",
					   TextDatumGetCString(values[2]), TextDatumGetCString(values[1])),
			 errhint("Call attach_payment_reference() first, then report the event again.")));
}

/* Says why it did less than asked, or NULL. */
static const char *
event_apply(FunctionCallInfo fcinfo, Payment *payment, bool completed)
{
	Datum values[] = {UUIDPGetDatum(&payment->id), PG_GETARG_DATUM(EVENT_AT)};
	bool cancelled = strcmp(payment->status, "cancelled") == 0;

	if (strcmp(payment->status, "pending") != 0 && !(completed && cancelled))
	{
		if (completed && strcmp(payment->status, "failed") == 0)
			event_log(fcinfo, "money was reported for a payment that had failed");
		return "settled_already";
	}
	payment->status = completed ? "completed" : "failed";
	payment_status_write(payment, payment->status);
	if (!completed)
	{
		payment_pending_end(payment, values[1]);
		return NULL;
	}
	if (payment->has_entitlement && strcmp(payment->entitlement_status, "active") == 0)
		return "already_active";
	if (memcmp(&payment->program, &(pg_uuid_t){{0}}, UUID_LEN) != 0)
	{
		owner_execute(&activate, values, NULL, false);
		payment->has_entitlement = payment_uuid_read(0, 1, &payment->entitlement);
	}
	return cancelled ? "paid_after_cancel" : NULL;
}

static void
event_log(FunctionCallInfo fcinfo, const char *message)
{
	Datum values[] = {PG_GETARG_DATUM(EVENT_ORGANIZATION), PG_GETARG_DATUM(EVENT_PROVIDER),
					  PG_GETARG_DATUM(EVENT_REFERENCE),    PG_GETARG_DATUM(EVENT_OUTCOME),
					  CStringGetTextDatum(message),        PG_GETARG_DATUM(EVENT_AT)};

	owner_execute(&write_log, values, NULL, false);
}

static void
refund_write(const Payment *payment, bool manual, Datum at)
{
	const char *status = manual ? "refund_pending" : "refunded";
	Datum values[] = {UUIDPGetDatum(&payment->id),
					  CStringGetTextDatum(manual ? "pending" : "completed"), at};
	Datum ended[] = {values[0], at};

	payment_status_write(payment, status);
	owner_execute(&write_refund, values, NULL, false);
	if (payment->is_source && owner_execute(&hand_over, values, NULL, false) == 0)
		owner_execute(&revoke_entitlement, ended, NULL, false);
	audit_write("payment_refunded",
				psprintf("payment_transactions/%s",
						 DatumGetCString(DirectFunctionCall1(uuid_out, values[0]))),
				"{\"status\": \"completed\"}", psprintf("{\"status\": \"%s\"}", status));
}

bool
payment_find(Datum id, Payment *payment)
{
	pg_uuid_t key = *DatumGetUUIDP(id);

	id = UUIDPGetDatum(&key);
	memset(payment, 0, sizeof(*payment));
	if (owner_execute_latest(&find_payment, &id, NULL) != 1)
		return false;
	payment_uuid_read(0, 1, &payment->id);
	payment_uuid_read(0, 2, &payment->user);
	payment_uuid_read(0, 3, &payment->organization);
	payment_uuid_read(0, 4, &payment->program);
	return true;
}

void
payment_require(Datum id, Payment *payment)
{
	if (!payment_find(id, payment))
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such transaction"),
						errdetail("None has the id %s.",
								  DatumGetCString(DirectFunctionCall1(uuid_out, id))),
						errhint("Give the id that begin_checkout() answered.")));
}

void
payment_lock(Payment *payment)
{
	Datum entitlement[] = {UUIDPGetDatum(&payment->user), UUIDPGetDatum(&payment->program),
						   UUIDPGetDatum(&payment->id)};
	bool null;

	anchor_user(&payment->user);
	payment_membership_share(&payment->user, &payment->organization, NULL, NULL);
	payment_program_share(&payment->program);
	if (owner_execute(&lock_entitlement, entitlement, NULL, false) == 1)
	{
		payment->has_entitlement = payment_uuid_read(0, 1, &payment->entitlement);
		payment->entitlement_status = plan_text_required(0, 2);
		payment->is_source = DatumGetBool(plan_value(0, 3, &null)) && !null;
	}
	if (owner_execute(&lock_payment, &entitlement[2], NULL, false) != 1)
		locked_raise();
	payment->status = plan_text_required(0, 1);
	payment->is_charge = DatumGetBool(plan_value(0, 2, NULL));
}

void
payment_status_write(const Payment *payment, const char *status)
{
	Datum values[] = {UUIDPGetDatum(&payment->id), CStringGetTextDatum(status)};

	owner_execute(&write_status, values, NULL, false);
}

void
payment_pending_end(const Payment *payment, Datum at)
{
	Datum values[] = {UUIDPGetDatum(&payment->entitlement), at};

	if (payment->has_entitlement)
		owner_execute(&end_pending, values, NULL, false);
}

bool
payment_membership_share(const pg_uuid_t *user, const pg_uuid_t *organization,
						 const pg_uuid_t *program, pg_uuid_t *membership)
{
	Datum values[] = {UUIDPGetDatum(user), UUIDPGetDatum(organization), UUIDPGetDatum(program)};
	const char nulls[] = {' ', organization == NULL ? 'n' : ' ', program == NULL ? 'n' : ' '};
	bool found = owner_execute(&share_membership, values, nulls, false) == 1;

	if (found && membership != NULL)
		payment_uuid_read(0, 1, membership);
	return found;
}

bool
payment_program_share(const pg_uuid_t *program)
{
	Datum key = UUIDPGetDatum(program);

	return owner_execute(&share_program, &key, NULL, false) == 1;
}

bool
payment_uuid_read(uint64 row, int column, pg_uuid_t *id)
{
	bool null;
	Datum value = plan_value(row, column, &null);

	if (null)
		memset(id, 0, sizeof(*id));
	else
		*id = *DatumGetUUIDP(value);
	return !null;
}

/* It was found a moment ago: the transaction's snapshot is older than the row. */
static void
locked_raise(void)
{
	ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					errmsg("the payment is newer than this transaction's snapshot"),
					errhint("Call again in a new transaction.")));
}
