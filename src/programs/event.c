/*
 * event.c: what a payment provider reports of a charge.
 *
 * Invariants: a report changes something once, whoever brings it first, the webhook or the
 * return page; money that came is recorded, and gives the program or is listed as to be
 * refunded; a report in the name of another organisation changes nothing.
 *
 * Locks: see payment.h. Rights: only the server calls the function; the statements run with the
 * rights of the tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"
#include "utils/uuid.h"

#include "core/args.h"
#include "core/compat.h"
#include "core/datum.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/row_trigger.h"
#include "core/schema.h"
#include "core/signed_only.h"
#include "core/statement_mark.h"
#include "identity/guest.h"
#include "programs/payment.h"

static KeptPlan find_by_reference = {
	.sql = "SELECT id FROM coursebase.payment_transactions WHERE organization_id = $1"
		   " AND provider = $2 AND provider_reference = $3 AND type = 'charge'",
	.nargs = 3,
	.types = {UUIDOID, TEXTOID, TEXTOID},
};
/* Whether any organisation has the reference. $1 is not needed, and taken so that both
 * statements have the same parameters. */
static KeptPlan find_elsewhere = {
	.sql = "SELECT FROM coursebase.payment_transactions WHERE $1 IS NOT NULL"
		   " AND provider = $2 AND provider_reference = $3 AND type = 'charge' LIMIT 1",
	.nargs = 3,
	.types = {UUIDOID, TEXTOID, TEXTOID},
};
/* Takes up an entitlement that is pending or revoked, or makes the first one: its key is one a
 * person and program. */
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
/* The entitlement of somebody who closed the account before there was one: revoked, so that
 * transactions_to_refund has whom to pay back. */
static KeptPlan write_revoked = {
	.sql = "INSERT INTO coursebase.course_entitlements AS e (user_id, program_id,"
		   "  organization_id, membership_id, status, access_revoked_at, created_at)"
		   " SELECT t.user_id, t.program_id, t.organization_id, t.membership_id, 'revoked', $2,"
		   "  $2 FROM coursebase.payment_transactions t WHERE t.id = $1 RETURNING e.id",
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

/* The arguments of apply_payment_event(). The first three are those of the statements that find
 * a charge. */
enum
{
	EVENT_ORGANIZATION,
	EVENT_PROVIDER,
	EVENT_REFERENCE,
	EVENT_OUTCOME,
	EVENT_AT,
};

typedef enum Outcome
{
	OUTCOME_COMPLETED,
	OUTCOME_FAILED,
} Outcome;

static const char *const outcome_names[] = {
	[OUTCOME_COMPLETED] = "completed",
	[OUTCOME_FAILED] = "failed",
};

static bool event_find(FunctionCallInfo fcinfo, Payment *payment);
static const char *event_apply(FunctionCallInfo fcinfo, Payment *payment, Outcome outcome);
static const char *money_apply(FunctionCallInfo fcinfo, Payment *payment, bool cancelled);
static void event_log(FunctionCallInfo fcinfo, const char *message);

PG_FUNCTION_INFO_V1(coursebase_apply_payment_event);
PG_FUNCTION_INFO_V1(coursebase_tg_payment_transactions__status);

/*
 * SQL function: apply_payment_event(organization_id uuid, provider text, provider_reference
 * text, outcome text, at timestamptz) returns table (status text, entitlement_id uuid, reason
 * text)
 *
 * A report in another organisation's name is logged and answered, not raised: an error would
 * undo the log.
 */
PGDLLEXPORT Datum
coursebase_apply_payment_event(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	const char *reason = "wrong_organization";
	Payment payment = {.status = "rejected"};
	bool nulls[3] = {false};
	Datum values[3];
	Outcome outcome;

	args_require_all(fcinfo);
	args_time(fcinfo, EVENT_AT);
	outcome = args_word(fcinfo, EVENT_OUTCOME, outcome_names, lengthof(outcome_names));
	schema_require_current();
	/* money that came gives a program; a failure gives nothing, and anybody may tell it */
	if (outcome == OUTCOME_COMPLETED)
		signed_only_require(text_to_cstring(PG_GETARG_TEXT_PP(EVENT_PROVIDER)));
	compat_materialize(fcinfo);
	SPI_connect();
	if (event_find(fcinfo, &payment))
	{
		payment_lock(&payment);
		reason = event_apply(fcinfo, &payment, outcome);
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
 * SQL function: tg_payment_transactions__status() returns trigger
 *
 * Refuses whenever it is called, but for a refund that is reversed: the condition of the
 * trigger lists what is allowed.
 */
PGDLLEXPORT Datum
coursebase_tg_payment_transactions__status(PG_FUNCTION_ARGS)
{
	TriggerData *data =
		trigger_expect(fcinfo, "tg_payment_transactions__status", ROW_BEFORE_UPDATE);

	if (statement_mark_fires(&payment_reverses))
		return PointerGetDatum(data->tg_newtuple);
	ereport(ERROR, (errcode(ERRCODE_CB_PAYMENT_SETTLED),
					errmsg("a payment that is %s cannot become %s",
						   trigger_text(data, data->tg_trigtuple, "status"),
						   trigger_text(data, data->tg_newtuple, "status")),
					errhint("What is settled stays; only a completed charge is refunded.")));
}

/*
 * Finds the charge; false for a reference that only other organisations have. Raises KB106 for
 * a reference that nobody has, so that the provider reports again: its webhook may be quicker
 * than attach_payment_reference().
 */
static bool
event_find(FunctionCallInfo fcinfo, Payment *payment)
{
	Datum values[] = {PG_GETARG_DATUM(EVENT_ORGANIZATION), PG_GETARG_DATUM(EVENT_PROVIDER),
					  PG_GETARG_DATUM(EVENT_REFERENCE)};

	if (owner_execute_latest(&find_by_reference, values, NULL) == 1)
	{
		pg_uuid_t id = plan_uuid(0, 1);

		return payment_find(&id, payment);
	}
	if (owner_execute_latest(&find_elsewhere, values, NULL) > 0)
		return false;
	organizations_require_home();
	ereport(ERROR,
			(errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such payment"),
			 errdetail("No charge has the reference \"%s\" of \"%s\".",
					   TextDatumGetCString(values[EVENT_REFERENCE]),
					   TextDatumGetCString(values[EVENT_PROVIDER])),
			 errhint("Call attach_payment_reference() first, then report the event again.")));
}

/* Applies the outcome to the charge, whose rows are locked. Answers NULL, or why less was done
 * than reported. */
static const char *
event_apply(FunctionCallInfo fcinfo, Payment *payment, Outcome outcome)
{
	bool completed = outcome == OUTCOME_COMPLETED;
	bool cancelled = strcmp(payment->status, "cancelled") == 0;

	if (strcmp(payment->status, "pending") != 0 && !(completed && cancelled))
	{
		if (completed && strcmp(payment->status, "failed") == 0)
			event_log(fcinfo, "money was reported for a payment that had failed");
		return "settled_already";
	}
	payment->status = outcome_names[outcome];
	payment_status_write(payment, payment->status);
	if (completed)
		return money_apply(fcinfo, payment, cancelled);
	payment_pending_end(payment, PG_GETARG_DATUM(EVENT_AT));
	return NULL;
}

/*
 * Money came: activates the entitlement, unless it is active by another payment, or the buyer
 * has closed the account meanwhile and can use nothing: both stand in transactions_to_refund,
 * because the entitlement does not rest on the payment. A plan without a program gives none.
 */
static const char *
money_apply(FunctionCallInfo fcinfo, Payment *payment, bool cancelled)
{
	static const pg_uuid_t no_program = {{0}};
	Datum values[] = {UUIDPGetDatum(&payment->id), PG_GETARG_DATUM(EVENT_AT)};
	KeptPlan *write = payment->is_closed ? &write_revoked : &activate;

	if (payment->has_entitlement && strcmp(payment->entitlement_status, "active") == 0)
		return "already_active";
	if (payment->is_closed && payment->has_entitlement)
		payment_pending_end(payment, PG_GETARG_DATUM(EVENT_AT));
	else if (!uuid_equal(&payment->program, &no_program))
	{
		owner_execute(write, values, NULL, false);
		payment->has_entitlement = true;
		payment->entitlement = plan_uuid(0, 1);
	}
	if (payment->is_closed && payment->has_entitlement)
		return "account_closed";
	return cancelled ? "paid_after_cancel" : NULL;
}

/* A warning for the operator, who alone can settle what the report says. */
static void
event_log(FunctionCallInfo fcinfo, const char *message)
{
	PlanValues values = {0};

	for (int i = EVENT_ORGANIZATION; i <= EVENT_OUTCOME; i++)
		args_bind(&values, fcinfo, i);
	plan_bind_text(&values, message);
	args_bind(&values, fcinfo, EVENT_AT);
	owner_execute(&write_log, values.datums, NULL, false);
}
