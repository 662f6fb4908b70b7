/*
 * session.c: what Stripe tells of the payment of a program: a checkout's session or a payment
 * intent settles it, a refund or a lost dispute gives it back.
 *
 * Invariants: what was paid is what the checkout asked for, in sum and currency: whoever
 * attached the reference may have attached another payment's. What the test mode paid counts
 * for testers alone. A payment of a program is given back in full and once: a part leaves the
 * program, until the sum of the charge's refunds is the whole.
 *
 * Locks: those of apply_payment_event() and refund_transaction(). Rights: as the caller,
 * take_notification(), which runs its statements with those of the tables' owner.
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

/* By the session ($1), intent ($2) or charge ($3), whichever attach_payment_reference() named,
 * or what was learned of it since. */
static KeptPlan find_charge = {
	.sql = "SELECT t.user_id, t.organization_id, t.provider_reference, "
		   "t.amount_in_cents::pg_catalog.int8,"
		   " t.currency::pg_catalog.text, t.id, t.status::pg_catalog.text"
		   " FROM coursebase.payment_transactions t"
		   " WHERE t.provider = 'stripe' AND t.type = 'charge'"
		   " AND (t.provider_reference IN ($1, $2, $3) OR t.payment_intent_id = $2"
		   "  OR t.charge_id = $3)"
		   " ORDER BY t.provider_reference = $1 DESC NULLS LAST LIMIT 1",
	.nargs = 3,
	.types = {TEXTOID, TEXTOID, TEXTOID},
};
enum
{
	CHARGE_USER = 1,
	CHARGE_ORGANIZATION,
	CHARGE_REFERENCE,
	CHARGE_AMOUNT,
	CHARGE_CURRENCY,
	CHARGE_ID,
	CHARGE_STATUS,
};
/* A refund names the intent or the charge, and not the session. */
static KeptPlan learn_names = {
	.sql = "UPDATE coursebase.payment_transactions t SET"
		   " payment_intent_id = coalesce(t.payment_intent_id, $2),"
		   " charge_id = coalesce(t.charge_id, $3) WHERE t.id = $1"
		   " AND (t.payment_intent_id IS NULL AND $2 IS NOT NULL"
		   "  OR t.charge_id IS NULL AND $3 IS NOT NULL)",
	.nargs = 3,
	.types = {UUIDOID, TEXTOID, TEXTOID},
};
/* A reversal that was told before its refund: the inbox has it. */
static KeptPlan find_reversal = {
	.sql = "SELECT FROM coursebase.store_notifications n WHERE n.provider = 'stripe'"
		   " AND n.settles_review = $1 AND n.happened_at >= $2"
		   " AND split_part(n.kind, '/', 2) IN ('failed', 'canceled', 'won') LIMIT 1",
	.nargs = 2,
	.types = {TEXTOID, TIMESTAMPTZOID},
};
static KeptPlan refund_charge = {
	.sql = "SELECT pg_catalog.row_to_json(r)::pg_catalog.text FROM"
		   " coursebase.refund_transaction($1, false, $2) r",
	.nargs = 2,
	.types = {UUIDOID, TIMESTAMPTZOID},
};
static KeptPlan report_charge = {
	.sql = "SELECT pg_catalog.row_to_json(r)::pg_catalog.text FROM"
		   " coursebase.apply_payment_event($1, 'stripe', $2, $3, $4) r",
	.nargs = 4,
	.types = {UUIDOID, TEXTOID, TEXTOID, TIMESTAMPTZOID},
};

static bool session_take(PaidSession *session);
static bool return_take(PaymentReturn *given_back);
static bool was_reversed(const PaymentReturn *given_back);
static bool charge_find(const char *session, const char *intent, const char *charge);
static bool sum_is_asked(const PaidSession *session);

void
session_init(void)
{
	session_listener = session_take;
	return_listener = return_take;
}

/* The charge is read once more under its locks by apply_payment_event(). */
static bool
session_take(PaidSession *session)
{
	PlanValues values = {0};
	PlanValues report = {0};
	pg_uuid_t organization, id;

	if (!charge_find(session->session, session->payment_intent, session->charge))
		return false;
	session->user = plan_uuid(0, CHARGE_USER);
	id = plan_uuid(0, CHARGE_ID);
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
	/* behind the outcome: a refund that waits for a name is of money that came */
	plan_bind_uuid(&values, &id);
	plan_bind_text(&values, session->payment_intent);
	plan_bind_text(&values, session->charge);
	owner_execute(&learn_names, values.datums, values.nulls, false);
	return true;
}

/* Nothing takes a refund of a program back: who paid again is sold the program again. */
static bool
return_take(PaymentReturn *given_back)
{
	PlanValues values = {0};
	pg_uuid_t id;
	const char *status;
	bool is_back;

	if (!charge_find(NULL, given_back->payment_intent, given_back->charge))
		return false;
	given_back->user = plan_uuid(0, CHARGE_USER);
	id = plan_uuid(0, CHARGE_ID);
	status = plan_text_required(0, CHARGE_STATUS);
	is_back = strcmp(status, "refunded") == 0;
	if (!environment_counts(given_back->environment, &given_back->user))
		given_back->note = "what a sandbox sold gives nothing here";
	else if (given_back->reversed && is_back)
		given_back->refusal = "KBA24: the payment of a program was given back, and that is not "
							  "reversed: decide whether the person has the program";
	else if (given_back->reversed)
		given_back->note = "nothing of the payment was given back";
	else if (!is_back && given_back->amount < plan_int64(0, CHARGE_AMOUNT))
		given_back->note = "a part of a program's payment leaves the program: charge.refunded "
						   "tells when it is the whole";
	else if (!is_back && was_reversed(given_back))
		given_back->note = "it was reversed since";
	else
	{
		plan_bind_uuid(&values, &id);
		plan_bind_time(&values, given_back->at);
		owner_execute(&refund_charge, values.datums, values.nulls, false);
		given_back->answer = plan_text_required(0, 1);
	}
	return true;
}

static bool
was_reversed(const PaymentReturn *given_back)
{
	PlanValues values = {0};

	plan_bind_text(&values, given_back->ref);
	plan_bind_time(&values, given_back->at);
	return owner_execute(&find_reversal, values.datums, values.nulls, false) > 0;
}

/* Runs find_charge; names may be NULL. */
static bool
charge_find(const char *session, const char *intent, const char *charge)
{
	PlanValues values = {0};

	plan_bind_text(&values, session);
	plan_bind_text(&values, intent);
	plan_bind_text(&values, charge);
	return owner_execute(&find_charge, values.datums, values.nulls, false) > 0;
}

/* Of the row that find_charge read last. */
static bool
sum_is_asked(const PaidSession *session)
{
	return session->amount == plan_int64(0, CHARGE_AMOUNT) && session->currency != NULL &&
		   pg_strcasecmp(session->currency, plan_text_required(0, CHARGE_CURRENCY)) == 0;
}
