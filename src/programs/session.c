/*
 * session.c: a session of Stripe's checkout settles the payment of a program.
 *
 * Invariant: what was paid is what the checkout asked for, in sum and currency: whoever
 * attached the reference may have attached another payment's. What the test mode paid counts
 * for testers alone.
 *
 * Locks: those of apply_payment_event(). Rights: as the caller, take_notification(), which runs
 * its statements with those of the tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "billing/environment.h"
#include "core/datum.h"
#include "core/owner.h"
#include "core/plan.h"
#include "notifications/session.h"
#include "programs/session.h"

/* By the session or the intent, whichever attach_payment_reference() named. */
static KeptPlan find_charge = {
	.sql = "SELECT t.user_id, t.organization_id, t.provider_reference, "
		   "t.amount_in_cents::pg_catalog.int8,"
		   " t.currency::pg_catalog.text FROM coursebase.payment_transactions t"
		   " WHERE t.provider = 'stripe' AND t.type = 'charge'"
		   " AND t.provider_reference IN ($1, $2)"
		   " ORDER BY t.provider_reference = $1 DESC LIMIT 1",
	.nargs = 2,
	.types = {TEXTOID, TEXTOID},
};
enum
{
	CHARGE_USER = 1,
	CHARGE_ORGANIZATION,
	CHARGE_REFERENCE,
	CHARGE_AMOUNT,
	CHARGE_CURRENCY,
};
static KeptPlan report_charge = {
	.sql = "SELECT pg_catalog.row_to_json(r)::pg_catalog.text FROM"
		   " coursebase.apply_payment_event($1, 'stripe', $2, $3, $4) r",
	.nargs = 4,
	.types = {UUIDOID, TEXTOID, TEXTOID, TIMESTAMPTZOID},
};

static bool session_take(PaidSession *session);
static bool sum_is_asked(const PaidSession *session);

void
session_init(void)
{
	session_listener = session_take;
}

/* The charge is read once more under its locks by apply_payment_event(). */
static bool
session_take(PaidSession *session)
{
	PlanValues values = {0};
	PlanValues report = {0};
	pg_uuid_t organization;

	plan_bind_text(&values, session->session);
	plan_bind_text(&values, session->payment_intent);
	if (owner_execute(&find_charge, values.datums, values.nulls, false) == 0)
		return false;
	session->user = plan_uuid(0, CHARGE_USER);
	organization = plan_uuid(0, CHARGE_ORGANIZATION);
	if (!session->failed && !sum_is_asked(session))
	{
		session->refusal = "KB824: the sum or its currency is another than that of the payment";
		return true;
	}
	plan_bind_uuid(&report, &organization);
	plan_bind_text(&report, plan_text_required(0, CHARGE_REFERENCE));
	plan_bind_text(&report, session->failed ? "failed" : "completed");
	plan_bind_time(&report, session->at);
	if (!environment_counts(session->environment, &session->user))
		return true;
	owner_execute(&report_charge, report.datums, report.nulls, false);
	session->answer = plan_text_required(0, 1);
	return true;
}

/* Of the row that find_charge read last. */
static bool
sum_is_asked(const PaidSession *session)
{
	return session->amount == plan_int64(0, CHARGE_AMOUNT) && session->currency != NULL &&
		   pg_strcasecmp(session->currency, plan_text_required(0, CHARGE_CURRENCY)) == 0;
}
