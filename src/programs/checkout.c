/*
 * checkout.c: the purchase of a program begins, is tied to the provider's reference, or is
 * given up.
 *
 * Invariants: a person has one entitlement for a program, however often the person buys it, and
 * at most one pending charge; only a program that is on offer is sold; a free one is active at
 * once.
 *
 * Locks: see payment.h. Rights: only the server calls the functions; the statements run with
 * the rights of the tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
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
#include "core/schema.h"
#include "identity/anchor.h"
#include "identity/guest.h"
#include "programs/payment.h"
#include "programs/program.h"

/* The arguments of begin_checkout(); the first two are the key of the entitlement. */
enum
{
	CHECKOUT_USER,
	CHECKOUT_PROGRAM,
	CHECKOUT_AT,
};

/* The columns of read_offer. */
enum
{
	OFFER_ORGANIZATION = 1,
	OFFER_PLAN,
	OFFER_PRICE,
	OFFER_CURRENCY,
};

/*
 * The same condition as that of the storefront (storefront.c): what is not shown there is not
 * sold.
 */
static KeptPlan read_offer = {
	.sql = "SELECT p.organization_id, l.id, l.price_in_cents, l.currency::text"
		   " FROM coursebase.programs p"
		   " JOIN coursebase.organizations o ON o.id = p.organization_id"
		   " JOIN coursebase.course_configs c ON c.program_id = p.id"
		   " JOIN coursebase.plans l ON l.program_id = p.id AND l.type = 'course'"
		   " WHERE p.id = $1 AND c.status = 'published' AND l.is_active"
		   " AND o.platform_tier <> 'lite'",
	.nargs = 1,
	.types = {UUIDOID},
};
/* The first entitlement of the person for the program; one that is there stays. */
static KeptPlan write_entitlement = {
	.sql = "INSERT INTO coursebase.course_entitlements"
		   " (user_id, program_id, organization_id, membership_id, status, created_at)"
		   " VALUES ($1, $2, $3, $4, 'pending', $5)"
		   " ON CONFLICT (user_id, program_id) DO NOTHING",
	.nargs = 5,
	.types = {UUIDOID, UUIDOID, UUIDOID, UUIDOID, TIMESTAMPTZOID},
};
/* The columns of lock_entitlement. */
enum
{
	ENTITLEMENT_ID = 1,
	ENTITLEMENT_IS_ACTIVE,
};

static KeptPlan lock_entitlement = {
	.sql = "SELECT id, status = 'active' FROM coursebase.course_entitlements"
		   " WHERE user_id = $1 AND program_id = $2 FOR NO KEY UPDATE",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};
/*
 * Runs before the new charge is written: a person has at most one pending charge for a program
 * (payment_transactions_one_pending_idx), and an older checkout that was never paid is over.
 */
static KeptPlan cancel_older = {
	.sql = "UPDATE coursebase.payment_transactions SET status = 'cancelled'"
		   " WHERE user_id = $1 AND program_id = $2 AND type = 'charge' AND status = 'pending'",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};
static KeptPlan write_charge = {
	.sql = "INSERT INTO coursebase.payment_transactions (user_id, organization_id,"
		   "  membership_id, plan_id, amount_in_cents, currency, type, created_at)"
		   " VALUES ($1, $2, $3, $4, $5, $6, 'charge', $7) RETURNING id",
	.nargs = 7,
	.types = {UUIDOID, UUIDOID, UUIDOID, UUIDOID, INT4OID, TEXTOID, TIMESTAMPTZOID},
};
/*
 * Takes an old entitlement up again, pending, or active where the program is free ($3). The day
 * on which the buyer began, and the completions, stay.
 */
static KeptPlan take_up = {
	.sql = "UPDATE coursebase.course_entitlements SET membership_id = $2,"
		   " access_revoked_at = NULL, source_payment_transaction_id ="
		   "  CASE WHEN $3 THEN NULL ELSE source_payment_transaction_id END,"
		   " status = CASE WHEN $3 THEN 'active' ELSE 'pending' END"
		   "  ::coursebase.course_entitlement_status WHERE id = $1",
	.nargs = 3,
	.types = {UUIDOID, UUIDOID, BOOLOID},
};
/* Writes nothing where the charge has another provider or reference: both are set once. */
static KeptPlan attach = {
	.sql = "UPDATE coursebase.payment_transactions"
		   " SET provider = $2, provider_reference = $3 WHERE id = $1"
		   " AND coalesce(provider, $2) = $2 AND coalesce(provider_reference, $3) = $3"
		   " AND type = 'charge'",
	.nargs = 3,
	.types = {UUIDOID, TEXTOID, TEXTOID},
};
static KeptPlan find_reference = {
	.sql = "SELECT FROM coursebase.payment_transactions t"
		   " JOIN coursebase.payment_transactions o ON o.organization_id = t.organization_id"
		   "  AND o.provider = $2 AND o.provider_reference = $3 AND o.type = 'charge'"
		   " WHERE t.id = $1 AND o.id <> t.id",
	.nargs = 3,
	.types = {UUIDOID, TEXTOID, TEXTOID},
};

/* What is on sale, and to whom. */
typedef struct Offer
{
	pg_uuid_t organization;
	pg_uuid_t plan;
	pg_uuid_t membership;
	bool is_member;
	int32 price;
	char *currency;
} Offer;

static bool entitlement_lock(FunctionCallInfo fcinfo, pg_uuid_t *id, bool *active);
static void offer_read(const pg_uuid_t *program, Offer *offer);
static void entitlement_open(FunctionCallInfo fcinfo, const Offer *offer, pg_uuid_t *id);
static void charge_write(FunctionCallInfo fcinfo, const Offer *offer, pg_uuid_t *id);
static const pg_uuid_t *membership_of(const Offer *offer);
pg_noreturn static void reference_raise(const char *detail);

PG_FUNCTION_INFO_V1(coursebase_begin_checkout);
PG_FUNCTION_INFO_V1(coursebase_attach_payment_reference);
PG_FUNCTION_INFO_V1(coursebase_cancel_checkout);

/*
 * SQL function: begin_checkout(user_id uuid, program_id uuid, at timestamptz) returns table
 * (entitlement_id uuid, transaction_id uuid, status text)
 */
PGDLLEXPORT Datum
coursebase_begin_checkout(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum key[] = {PG_GETARG_DATUM(CHECKOUT_USER), PG_GETARG_DATUM(CHECKOUT_PROGRAM)};
	const char *status = "already_owned";
	pg_uuid_t entitlement;
	pg_uuid_t charge;
	Datum values[3] = {UUIDPGetDatum(&entitlement), UUIDPGetDatum(&charge)};
	bool nulls[3] = {false, true, false};
	bool active = false;
	pg_uuid_t *user;
	pg_uuid_t *program;
	Offer offer;

	args_require_all(fcinfo);
	args_time(fcinfo, CHECKOUT_AT);
	user = PG_GETARG_UUID_P(CHECKOUT_USER);
	program = PG_GETARG_UUID_P(CHECKOUT_PROGRAM);
	schema_require_current();
	compat_materialize(fcinfo);
	SPI_connect();
	/* the order of payment.h */
	anchor_open_user_anywhere_require(user);
	offer.is_member = payment_membership_share(user, NULL, program, &offer.membership);
	program_share(program);
	entitlement_lock(fcinfo, &entitlement, &active);
	if (!active)
	{
		offer_read(program, &offer);
		entitlement_open(fcinfo, &offer, &entitlement);
		owner_execute(&cancel_older, key, NULL, false);
		nulls[1] = offer.price == 0;
		if (offer.price > 0)
			charge_write(fcinfo, &offer, &charge);
		status = offer.price > 0 ? "pending" : "active";
	}
	SPI_finish();
	values[2] = CStringGetTextDatum(status);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	return (Datum) 0;
}

/*
 * SQL function: attach_payment_reference(transaction_id uuid, provider text, provider_reference
 * text) returns text
 *
 * The same reference again changes nothing. find_reference reads what is committed: a charge
 * with that reference whose transaction is still open stops the UPDATE at the unique key.
 */
PGDLLEXPORT Datum
coursebase_attach_payment_reference(PG_FUNCTION_ARGS)
{
	Datum values[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1), PG_GETARG_DATUM(2)};
	Payment payment;

	args_require_all(fcinfo);
	args_id(fcinfo, 1);
	args_id(fcinfo, 2);
	schema_require_current();
	SPI_connect();
	payment_require(PG_GETARG_UUID_P(0), &payment);
	payment_lock(&payment);
	if (owner_execute_latest(&find_reference, values, NULL) > 0)
		reference_raise("The organisation has another charge with that reference.");
	if (owner_execute(&attach, values, NULL, false) != 1)
		reference_raise("The transaction has another reference, or is a refund.");
	SPI_finish();
	PG_RETURN_TEXT_P(cstring_to_text(payment.status));
}

/*
 * SQL function: cancel_checkout(transaction_id uuid, at timestamptz) returns text
 *
 * A payment that is settled stays; the answer is its status then.
 */
PGDLLEXPORT Datum
coursebase_cancel_checkout(PG_FUNCTION_ARGS)
{
	Payment payment;

	args_require(fcinfo, 0);
	args_time(fcinfo, 1);
	schema_require_current();
	SPI_connect();
	payment_require(PG_GETARG_UUID_P(0), &payment);
	payment_lock(&payment);
	if (payment.is_charge && strcmp(payment.status, "pending") == 0)
	{
		payment.status = "cancelled";
		payment_status_write(&payment, payment.status);
		payment_pending_end(&payment, PG_GETARG_DATUM(1));
	}
	SPI_finish();
	PG_RETURN_TEXT_P(cstring_to_text(payment.status));
}

/* False when the person has no entitlement for the program, or the snapshot none to see. */
static bool
entitlement_lock(FunctionCallInfo fcinfo, pg_uuid_t *id, bool *active)
{
	PlanValues values = {0};

	args_bind(&values, fcinfo, CHECKOUT_USER);
	args_bind(&values, fcinfo, CHECKOUT_PROGRAM);
	if (owner_execute(&lock_entitlement, values.datums, NULL, false) != 1)
		return false;
	*id = plan_uuid(0, ENTITLEMENT_ID);
	*active = plan_bool(0, ENTITLEMENT_IS_ACTIVE);
	return true;
}

/* Read after the program is locked. A program that is not on offer and one that does not exist
 * read alike. */
static void
offer_read(const pg_uuid_t *program, Offer *offer)
{
	Datum values[] = {UUIDPGetDatum(program)};

	if (owner_execute_latest(&read_offer, values, NULL) != 1)
	{
		organizations_require_home();
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_ON_SALE), errmsg("the course is not on sale"),
						errdetail("No course with the id %s is published with an active plan.",
								  uuid_text(program)),
						errhint("See storefront_courses for what is.")));
	}
	offer->organization = plan_uuid(0, OFFER_ORGANIZATION);
	offer->plan = plan_uuid(0, OFFER_PLAN);
	offer->price = plan_int32(0, OFFER_PRICE);
	offer->currency = plan_text_required(0, OFFER_CURRENCY);
}

/* Makes the entitlement or takes the old one up again: active when the program is free. */
static void
entitlement_open(FunctionCallInfo fcinfo, const Offer *offer, pg_uuid_t *id)
{
	PlanValues made = {0};
	PlanValues values = {0};
	bool active;

	args_bind(&made, fcinfo, CHECKOUT_USER);
	args_bind(&made, fcinfo, CHECKOUT_PROGRAM);
	plan_bind_uuid(&made, &offer->organization);
	plan_bind_uuid(&made, membership_of(offer));
	args_bind(&made, fcinfo, CHECKOUT_AT);
	owner_execute(&write_entitlement, made.datums, made.nulls, false);
	/* there is one now; an older snapshot may not see it */
	if (!entitlement_lock(fcinfo, id, &active))
		program_raise_newer("course_entitlements", "the entitlement");
	plan_bind_uuid(&values, id);
	plan_bind_uuid(&values, membership_of(offer));
	plan_bind_bool(&values, offer->price == 0);
	owner_execute(&take_up, values.datums, values.nulls, false);
}

/* The membership is that of the seller's organisation, if the buyer has one; else null. */
static void
charge_write(FunctionCallInfo fcinfo, const Offer *offer, pg_uuid_t *id)
{
	PlanValues values = {0};

	args_bind(&values, fcinfo, CHECKOUT_USER);
	plan_bind_uuid(&values, &offer->organization);
	plan_bind_uuid(&values, membership_of(offer));
	plan_bind_uuid(&values, &offer->plan);
	plan_bind_int32(&values, offer->price);
	plan_bind_text(&values, offer->currency);
	args_bind(&values, fcinfo, CHECKOUT_AT);
	owner_execute(&write_charge, values.datums, values.nulls, false);
	*id = plan_uuid(0, 1);
}

/* NULL for a buyer who is no member of the organisation. */
static const pg_uuid_t *
membership_of(const Offer *offer)
{
	return offer->is_member ? &offer->membership : NULL;
}

static void
reference_raise(const char *detail)
{
	ereport(ERROR, (errcode(ERRCODE_CB_REFERENCE_CONFLICT),
					errmsg("the payment reference cannot be attached"), errdetail("%s", detail),
					errhint("Give each charge the one reference that its provider gave it.")));
}
