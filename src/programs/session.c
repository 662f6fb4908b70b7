/*
 * session.c: what Stripe tells of the payment of a program: a checkout's session or a payment
 * intent settles it, a refund or a lost dispute gives it back.
 *
 * Invariants: what was paid is what the checkout asked for, in sum and currency: whoever
 * attached the reference may have attached another payment's. What the test mode paid counts
 * for testers alone. A payment of a program is given back in full and once: a part leaves the
 * program, until the parts are the whole. Each refund and dispute counts by its last word,
 * whatever came first; when what stands is the whole no longer, the program comes back.
 *
 * Locks: those of apply_payment_event() and refund_transaction(). Rights: as the caller,
 * take_notification(), which runs its statements with those of the tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "billing/environment.h"
#include "core/owner.h"
#include "core/plan.h"
#include "notifications/session.h"
#include "programs/payment.h"
#include "programs/session.h"

/* By the session ($1), intent ($2) or charge ($3), whichever attach_payment_reference() named,
 * or what was learned of it since. */
static KeptPlan find_charge = {
	.sql = "SELECT t.user_id, t.organization_id, t.provider_reference, "
		   "t.amount_in_cents::pg_catalog.int8, t.currency::pg_catalog.text, t.id"
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
/*
 * What the provider says of each refund, dispute and sum, by its id; its last word counts. $1
 * charge, $2 id, $3 kind, $4 amount, $5 time, $6 whether it was reversed then
 */
static KeptPlan write_word = {
	.sql =
		"UPDATE coursebase.payment_transactions t SET provider_refunds ="
		" coalesce(t.provider_refunds, '{}') || pg_catalog.jsonb_build_object(coalesce($2, ''),"
		"  pg_catalog.jsonb_build_object('kind', $3, 'amount', $4, 'at', $5,"
		"   'is_reversed', $6)) WHERE t.id = $1"
		" AND NOT coalesce((t.provider_refunds -> coalesce($2, '') ->> 'at')::timestamptz"
		"  > $5, false)"
		/*
		 * of two words at one time the reversal wins: a refund fails after it was made, and
		 * never before
		 */
		" AND ($6 OR NOT coalesce((t.provider_refunds -> coalesce($2, '') ->> 'is_reversed')"
		"  ::boolean AND (t.provider_refunds -> coalesce($2, '') ->> 'at')::timestamptz = $5,"
		"  false))",
	.nargs = 6,
	.types = {UUIDOID, TEXTOID, TEXTOID, INT8OID, TIMESTAMPTZOID, BOOLOID},
};
/*
 * The sum that is given back of the payment. The provider tells refunds one by one, as the
 * charge's sum so far, or both: the greater of the two counts, less the refunds that failed
 * after a sum was told. Disputes stand beside: their money is added.
 */
static KeptPlan read_sum = {
	.sql = "WITH w AS (SELECT e.value ->> 'kind' AS kind, (e.value ->> 'amount')::int8 AS"
		   "  amount, (e.value ->> 'at')::timestamptz AS at,"
		   "  (e.value ->> 'is_reversed')::boolean AS is_reversed"
		   "  FROM coursebase.payment_transactions t,"
		   "  pg_catalog.jsonb_each(t.provider_refunds) e WHERE t.id = $1)"
		   " SELECT (greatest((SELECT sum(w.amount) FROM w"
		   "   WHERE w.kind = 'refund' AND NOT w.is_reversed),"
		   "  (SELECT max(w.amount - coalesce((SELECT sum(f.amount) FROM w f"
		   "    WHERE f.kind = 'refund' AND f.is_reversed AND f.at >= w.at), 0)) FROM w"
		   "   WHERE w.kind = 'total'), 0)"
		   " + coalesce((SELECT sum(w.amount) FROM w"
		   "   WHERE w.kind = 'dispute' AND NOT w.is_reversed), 0))::int8",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan answer_reversal = {
	.sql = "SELECT pg_catalog.json_build_object('transaction_id', t.id, 'status', t.status,"
		   " 'entitlement', e.status)::pg_catalog.text FROM coursebase.payment_transactions t"
		   " LEFT JOIN coursebase.course_entitlements e ON e.user_id = t.user_id"
		   " AND e.program_id = t.program_id WHERE t.id = $1",
	.nargs = 1,
	.types = {UUIDOID},
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
static void return_count(PaymentReturn *given_back, const Payment *payment, int64 whole);
static void refund_apply(PaymentReturn *given_back, const Payment *payment);
static void reversal_apply(PaymentReturn *given_back, const Payment *payment, bool is_back,
						   bool gives);
static bool word_write(const PaymentReturn *given_back, const Payment *payment);
static int64 sum_read(const Payment *payment);
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

static bool
return_take(PaymentReturn *given_back)
{
	Payment payment;
	pg_uuid_t id;
	int64 whole;

	if (!charge_find(NULL, given_back->payment_intent, given_back->charge))
		return false;
	given_back->user = plan_uuid(0, CHARGE_USER);
	id = plan_uuid(0, CHARGE_ID);
	whole = plan_int64(0, CHARGE_AMOUNT);
	if (given_back->review)
		return true;
	if (!environment_counts(given_back->environment, &given_back->user))
		given_back->note = "what a sandbox sold gives nothing here";
	else
	{
		/* of two parts at once the second counts the first */
		payment_require(&id, &payment);
		payment_lock(&payment);
		return_count(given_back, &payment, whole);
	}
	return true;
}

/*
 * Records the provider's word, and acts when the sum of all words passes the whole payment in
 * either direction. A part changes nothing of a program.
 */
static void
return_count(PaymentReturn *given_back, const Payment *payment, int64 whole)
{
	bool is_back = strcmp(payment->status, "refunded") == 0;
	bool was_whole = sum_read(payment) >= whole;
	bool is_whole;

	if (!word_write(given_back, payment))
	{
		given_back->note = "it was decided otherwise since";
		return;
	}
	is_whole = sum_read(payment) >= whole;
	if (given_back->reversed)
		reversal_apply(given_back, payment, is_back, was_whole && !is_whole);
	else if (is_whole || is_back)
		refund_apply(given_back, payment);
	else
		given_back->note = "a part of a program's payment leaves the program until the parts "
						   "are the whole";
}

/*
 * By refund_transaction(), so that one rule takes a program back; for a payment that was
 * refunded before it answers the first refund.
 */
static void
refund_apply(PaymentReturn *given_back, const Payment *payment)
{
	PlanValues values = {0};

	plan_bind_uuid(&values, &payment->id);
	plan_bind_time(&values, given_back->at);
	owner_execute(&refund_charge, values.datums, values.nulls, false);
	given_back->answer = plan_text_required(0, 1);
}

/*
 * Reverses the refund only if the provider's words had made it whole and do so no more (gives).
 * A payment that an operator refunded by hand stays refunded, whatever the provider says of
 * another refund.
 */
static void
reversal_apply(PaymentReturn *given_back, const Payment *payment, bool is_back, bool gives)
{
	Datum charge = UUIDPGetDatum(&payment->id);

	if (!is_back)
		given_back->note = "nothing of the payment was given back";
	else if (!gives)
		given_back->refusal = "KBA24: the payment of a program was given back otherwise, and "
							  "that is not reversed: decide whether the person has the program";
	else
	{
		payment_refund_reverse(payment);
		owner_execute(&answer_reversal, &charge, NULL, false);
		given_back->answer = plan_text_required(0, 1);
	}
}

/* False, and nothing is written, if the provider's last word of it is another. */
static bool
word_write(const PaymentReturn *given_back, const Payment *payment)
{
	PlanValues values = {0};

	plan_bind_uuid(&values, &payment->id);
	plan_bind_text(&values, given_back->ref);
	plan_bind_text(&values, given_back->kind);
	plan_bind_int64(&values, given_back->amount);
	plan_bind_time(&values, given_back->at);
	plan_bind_bool(&values, given_back->reversed);
	return owner_execute(&write_word, values.datums, values.nulls, false) > 0;
}

/* How much of the payment is given back by what the provider told. */
static int64
sum_read(const Payment *payment)
{
	Datum charge = UUIDPGetDatum(&payment->id);

	owner_execute(&read_sum, &charge, NULL, false);
	return plan_int64(0, 1);
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

/*
 * Whether the session was paid with the sum that was asked for. Reads the row that find_charge
 * gave last.
 */
static bool
sum_is_asked(const PaidSession *session)
{
	return session->amount == plan_int64(0, CHARGE_AMOUNT) && session->currency != NULL &&
		   pg_strcasecmp(session->currency, plan_text_required(0, CHARGE_CURRENCY)) == 0;
}
