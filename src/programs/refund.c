/*
 * refund.c: a payment is given back.
 *
 * Invariants: a charge is given back in full and once: it has at most one refund
 * (payment_transactions_one_refund_idx), which is pending while the charge is refund_pending.
 * An active entitlement rests on a charge that is completed, or is free. A charge whose status
 * plain SQL writes is given back as by the function, at commit: the program may write the
 * refund and the entitlement itself, in any order. A refund that its provider took back is
 * none.
 *
 * Locks: see payment.h. An UPDATE of plain SQL holds the payment before its trigger locks the
 * buyer (tg_any__lock_user), and then waits as core/lock_behind.h says. Rights: only the server
 * calls the function; the statements run with the rights of the tables' owner. The trigger
 * stands back while a dump is restored: the refund comes with it.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/uuid.h"

#include "core/args.h"
#include "core/compat.h"
#include "core/datum.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/restore.h"
#include "core/row_trigger.h"
#include "core/schema.h"
#include "identity/audit.h"
#include "programs/payment.h"

/* The arguments of refund_transaction(). */
enum
{
	REFUND_PAYMENT,
	REFUND_MANUAL,
	REFUND_AT,
};

/*
 * Copies the charge, so that the refund is of the same sum, currency and provider. A charge
 * that plain SQL gave back may have a refund, of the program's own.
 */
static KeptPlan write_refund = {
	.sql =
		"INSERT INTO coursebase.payment_transactions (organization_id, user_id,"
		"  membership_id, plan_id, amount_in_cents, currency, type, status, provider,"
		"  provider_reference, refunds_transaction_id, created_at)"
		" SELECT organization_id, user_id, membership_id, plan_id, amount_in_cents, currency,"
		"  'refund', $2::coursebase.transaction_status, provider, provider_reference, id, $3"
		" FROM coursebase.payment_transactions WHERE id = $1"
		" ON CONFLICT (refunds_transaction_id) DO NOTHING",
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
/* What a transaction wrote in the end: it may have changed the status more than once. */
static KeptPlan read_status = {
	.sql = "SELECT t.status::text FROM coursebase.payment_transactions t"
		   " WHERE t.id = $1 AND t.status IN ('refunded', 'refund_pending')",
	.nargs = 1,
	.types = {UUIDOID},
};
/*
 * If the person has paid for the program twice, the entitlement rests on the other charge from
 * now on (the earliest), and is not revoked.
 */
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

/*
 * Gives back what the refund revoked, or what a checkout has made pending since. Of a program
 * that was paid for twice the last refund revoked it, of whichever charge: from now on it rests
 * on the charge whose money stands. An entitlement that was revoked before the refund stays
 * revoked: another reason revoked it.
 */
static KeptPlan restore_entitlement = {
	.sql = "UPDATE coursebase.course_entitlements e"
		   " SET status = 'active', access_revoked_at = NULL,"
		   "  source_payment_transaction_id = t.id"
		   " FROM coursebase.payment_transactions t, coursebase.payment_transactions r"
		   " WHERE t.id = $1 AND e.user_id = t.user_id AND e.program_id = t.program_id"
		   " AND r.refunds_transaction_id = e.source_payment_transaction_id"
		   " AND (e.status = 'pending'"
		   "  OR e.status = 'revoked' AND e.access_revoked_at >= r.created_at)",
	.nargs = 1,
	.types = {UUIDOID},
};
/* Of an account that is closed the charge gives nothing: it stands in transactions_to_refund,
 * as money that comes after the closing does, because no entitlement rests on it. */
static KeptPlan leave_entitlement = {
	.sql = "UPDATE coursebase.course_entitlements SET source_payment_transaction_id = NULL"
		   " WHERE source_payment_transaction_id = $1 AND status = 'revoked'",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan delete_refund = {
	.sql = "DELETE FROM coursebase.payment_transactions WHERE refunds_transaction_id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};

StatementMark payment_reverses;

static void refund_write(FunctionCallInfo fcinfo, const Payment *payment);
static void plain_refund_write(const pg_uuid_t *id, const char *status);
static void refund_audit(const pg_uuid_t *id, const char *status);

PG_FUNCTION_INFO_V1(coursebase_refund_transaction);
PG_FUNCTION_INFO_V1(coursebase_tg_payment_transactions__refund);

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
	Datum values[2] = {PG_GETARG_DATUM(REFUND_PAYMENT), 0};
	bool nulls[2] = {false};
	Payment payment;

	args_require_all(fcinfo);
	args_time(fcinfo, REFUND_AT);
	schema_require_current();
	compat_materialize(fcinfo);
	SPI_connect();
	payment_require(PG_GETARG_UUID_P(REFUND_PAYMENT), &payment);
	payment_lock(&payment);
	if (payment.is_charge && strcmp(payment.status, "completed") == 0)
		refund_write(fcinfo, &payment);
	else if (strcmp(payment.status, "refund_pending") == 0 && !PG_GETARG_BOOL(REFUND_MANUAL))
	{
		payment_status_write(&payment, "refunded");
		owner_execute(&settle_refund, values, NULL, false);
	}
	/* read whatever was done, so that every repetition answers the first refund */
	if (owner_execute(&read_refund, values, NULL, false) != 1)
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_PAID), errmsg("there is nothing to give back"),
						errdetail("It is a %s, and %s.",
								  payment.is_charge ? "charge" : "refund", payment.status),
						errhint("Give the id of a charge that is completed.")));
	values[0] = plan_transfer_as(0, 1, TupleDescAttr(result->setDesc, 0)->atttypid);
	values[1] = plan_transfer_as(0, 2, TupleDescAttr(result->setDesc, 1)->atttypid);
	SPI_finish();
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	return (Datum) 0;
}

/*
 * Records the refund, and takes away what rested on the charge. The status is written first:
 * the charge then is no completed one, which hand_over would find.
 */
static void
refund_write(FunctionCallInfo fcinfo, const Payment *payment)
{
	bool manual = PG_GETARG_BOOL(REFUND_MANUAL);
	const char *status = manual ? "refund_pending" : "refunded";
	PlanValues values = {0};
	PlanValues ended = {0};

	payment_status_write(payment, status);
	plan_bind_uuid(&values, &payment->id);
	plan_bind_text(&values, manual ? "pending" : "completed");
	args_bind(&values, fcinfo, REFUND_AT);
	owner_execute(&write_refund, values.datums, NULL, false);
	plan_bind_uuid(&ended, &payment->id);
	args_bind(&ended, fcinfo, REFUND_AT);
	if (payment->is_source && owner_execute(&hand_over, values.datums, NULL, false) == 0)
		owner_execute(&revoke_entitlement, ended.datums, NULL, false);
	refund_audit(&payment->id, status);
}

/*
 * The provider took the refund back, and no money went. The charge is as if it had never been
 * refunded, and a later refund is one of its own. The audit trail tells of both.
 */
void
payment_refund_reverse(const Payment *payment)
{
	Datum charge = UUIDPGetDatum(&payment->id);
	StatementMark outer = statement_mark_set(&payment_reverses);

	PG_TRY();
	{
		payment_status_write(payment, "completed");
	}
	PG_FINALLY();
	{
		payment_reverses = outer;
	}
	PG_END_TRY();
	owner_execute(payment->is_closed ? &leave_entitlement : &restore_entitlement, &charge, NULL,
				  false);
	/*
	 * after the entitlement: restore_entitlement reads the time of the refund from the row that
	 * goes here
	 */
	owner_execute(&delete_refund, &charge, NULL, false);
	audit_write("payment_refund_reversed",
				psprintf("payment_transactions/%s", uuid_text(&payment->id)),
				"{\"status\": \"refunded\"}", "{\"status\": \"completed\"}");
}

/*
 * SQL function: tg_payment_transactions__refund() returns trigger
 *
 * At commit, for a charge that was given back. refund_transaction() has done all of it by then,
 * and nothing is left to do.
 */
PGDLLEXPORT Datum
coursebase_tg_payment_transactions__refund(PG_FUNCTION_ARGS)
{
	TriggerData *data =
		trigger_expect(fcinfo, "tg_payment_transactions__refund", ROW_AFTER_UPDATE);
	PlanValues values = {0};
	pg_uuid_t id;

	if (restore_under_way())
		return PointerGetDatum(NULL);
	trigger_uuid(data, data->tg_newtuple, "id", &id);
	plan_bind_uuid(&values, &id);
	SPI_connect();
	/* no row: a later statement of the transaction deleted the charge */
	if (owner_execute(&read_status, values.datums, NULL, false) == 1)
		plain_refund_write(&id, plan_text(0, 1));
	SPI_finish();
	return PointerGetDatum(NULL);
}

/*
 * Does what refund_transaction() does, as far as the transaction has not done it by its own
 * SQL.
 */
static void
plain_refund_write(const pg_uuid_t *id, const char *status)
{
	bool refunded = strcmp(status, "refunded") == 0;
	PlanValues refund = {0};
	PlanValues ended = {0};
	Datum now = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());

	plan_bind_uuid(&refund, id);
	plan_bind_text(&refund, refunded ? "completed" : "pending");
	plan_bind(&refund, now);
	plan_bind_uuid(&ended, id);
	plan_bind(&ended, now);
	if (owner_execute(&write_refund, refund.datums, NULL, false) == 1)
		refund_audit(id, status);
	else if (refunded)
		owner_execute(&settle_refund, refund.datums, NULL, false);
	if (owner_execute(&hand_over, refund.datums, NULL, false) == 0)
		owner_execute(&revoke_entitlement, ended.datums, NULL, false);
}

static void
refund_audit(const pg_uuid_t *id, const char *status)
{
	audit_write("payment_refunded", psprintf("payment_transactions/%s", uuid_text(id)),
				"{\"status\": \"completed\"}", psprintf("{\"status\": \"%s\"}", status));
}
