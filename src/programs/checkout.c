/*
 * checkout.c: a course is bought: begun, tied to what the provider calls it, or given
 * up.
 *
 * Invariants: a person has one row for a program, however often they buy it, and one pending
 * charge; only what is on the storefront is sold; what is free is active at once.
 *
 * Locks: see programs/payment.h. Rights: the server's alone; the statements run with the
 * owner's rights.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
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
#include "programs/payment.h"
#include "programs/program.h"

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
static KeptPlan write_entitlement = {
	.sql = "INSERT INTO coursebase.course_entitlements"
		   " (user_id, program_id, organization_id, membership_id, status, created_at)"
		   " VALUES ($1, $2, $3, $4, 'pending', $5)"
		   " ON CONFLICT (user_id, program_id) DO NOTHING",
	.nargs = 5,
	.types = {UUIDOID, UUIDOID, UUIDOID, UUIDOID, TIMESTAMPTZOID},
};
static KeptPlan lock_entitlement = {
	.sql = "SELECT id, status = 'active' FROM coursebase.course_entitlements"
		   " WHERE user_id = $1 AND program_id = $2 FOR NO KEY UPDATE",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};
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
	.types = {UUIDOID, UUIDOID, UUIDOID, UUIDOID, INT8OID, TEXTOID, TIMESTAMPTZOID},
};
static KeptPlan take_up = {
	.sql = "UPDATE coursebase.course_entitlements SET membership_id = $2,"
		   " access_revoked_at = NULL, source_payment_transaction_id ="
		   "  CASE WHEN $3 THEN NULL ELSE source_payment_transaction_id END,"
		   " status = CASE WHEN $3 THEN 'active' ELSE 'pending' END"
		   "  ::coursebase.course_entitlement_status WHERE id = $1",
	.nargs = 3,
	.types = {UUIDOID, UUIDOID, BOOLOID},
};
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
	int64 price;
	char *currency;
} Offer;

static void buyer_require(const pg_uuid_t *user);
static bool entitlement_find(Datum *values, pg_uuid_t *id, bool *active);
static void offer_read(const pg_uuid_t *program, Offer *offer);
static void entitlement_open(Datum *key, const Offer *offer, Datum at, pg_uuid_t *id);
static void charge_write(Datum user, const Offer *offer, Datum at, pg_uuid_t *id);
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
	static const char *const names[] = {"user_id", "program_id"};
	Datum key[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	const char *status = "already_owned";
	pg_uuid_t entitlement;
	pg_uuid_t charge;
	Datum values[3] = {UUIDPGetDatum(&entitlement), UUIDPGetDatum(&charge)};
	bool nulls[3] = {false, true, false};
	bool active = false;
	Offer offer;

	for (int i = 0; i < lengthof(names); i++)
		program_argument_require(fcinfo, i, names[i]);
	program_time_require(fcinfo, 2);
	schema_require_current();
	compat_materialize(fcinfo);
	SPI_connect();
	buyer_require(DatumGetUUIDP(key[0]));
	offer.is_member = payment_membership_share(DatumGetUUIDP(key[0]), NULL,
											   DatumGetUUIDP(key[1]), &offer.membership);
	payment_program_share(DatumGetUUIDP(key[1]));
	entitlement_find(key, &entitlement, &active);
	if (!active)
	{
		offer_read(DatumGetUUIDP(key[1]), &offer);
		entitlement_open(key, &offer, PG_GETARG_DATUM(2), &entitlement);
		owner_execute(&cancel_older, key, NULL, false);
		nulls[1] = offer.price == 0;
		if (offer.price > 0)
			charge_write(key[0], &offer, PG_GETARG_DATUM(2), &charge);
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
 * The same again changes nothing.
 */
PGDLLEXPORT Datum
coursebase_attach_payment_reference(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"transaction_id", "provider", "provider_reference"};
	Datum values[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1), PG_GETARG_DATUM(2)};
	Payment payment;
	char *status;

	for (int i = 0; i < lengthof(names); i++)
		program_argument_require(fcinfo, i, names[i]);
	schema_require_current();
	SPI_connect();
	payment_require(values[0], &payment);
	payment_lock(&payment);
	if (owner_execute_latest(&find_reference, values, NULL) > 0)
		reference_raise("The organisation has another charge with that reference.");
	if (owner_execute(&attach, values, NULL, false) != 1)
		reference_raise("The transaction has another reference, or is a refund.");
	status = payment.status;
	SPI_finish();
	PG_RETURN_TEXT_P(cstring_to_text(status));
}

/*
 * SQL function: cancel_checkout(transaction_id uuid, at timestamptz) returns text
 *
 * What is settled stays; the answer is what it is.
 */
PGDLLEXPORT Datum
coursebase_cancel_checkout(PG_FUNCTION_ARGS)
{
	Payment payment;
	char *status;

	program_argument_require(fcinfo, 0, "transaction_id");
	program_time_require(fcinfo, 1);
	schema_require_current();
	SPI_connect();
	payment_require(PG_GETARG_DATUM(0), &payment);
	payment_lock(&payment);
	if (payment.is_charge && strcmp(payment.status, "pending") == 0)
	{
		payment.status = "cancelled";
		payment_status_write(&payment, payment.status);
		payment_pending_end(&payment, PG_GETARG_DATUM(1));
	}
	status = payment.status;
	SPI_finish();
	PG_RETURN_TEXT_P(cstring_to_text(status));
}

static void
buyer_require(const pg_uuid_t *user)
{
	Datum key = UUIDPGetDatum(user);

	if (anchor_user(user) != ANCHORED_LIVE)
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such user"),
						errdetail("None has the id %s.",
								  DatumGetCString(DirectFunctionCall1(uuid_out, key))),
						errhint("Give the id of a row of users that is not closed.")));
}

static bool
entitlement_find(Datum *values, pg_uuid_t *id, bool *active)
{
	if (owner_execute(&lock_entitlement, values, NULL, false) != 1)
		return false;
	*active = DatumGetBool(plan_value(0, 2, NULL));
	return payment_uuid_read(0, 1, id);
}

/* A course that is not on sale and one that does not exist read alike. */
static void
offer_read(const pg_uuid_t *program, Offer *offer)
{
	Datum values[] = {UUIDPGetDatum(program)};

	if (owner_execute_latest(&read_offer, values, NULL) != 1)
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_ON_SALE), errmsg("the course is not on sale"),
						errdetail("No course with the id %s is published with an active plan.",
								  DatumGetCString(DirectFunctionCall1(uuid_out, values[0]))),
						errhint("See storefront_courses for what is.")));
	payment_uuid_read(0, 1, &offer->organization);
	payment_uuid_read(0, 2, &offer->plan);
	offer->price = DatumGetInt64(plan_value(0, 3, NULL));
	offer->currency = plan_text_required(0, 4);
}

static void
entitlement_open(Datum *key, const Offer *offer, Datum at, pg_uuid_t *id)
{
	Datum made[] = {key[0], key[1], UUIDPGetDatum(&offer->organization),
					UUIDPGetDatum(&offer->membership), at};
	Datum values[] = {UUIDPGetDatum(id), made[3], BoolGetDatum(offer->price == 0)};
	bool active;

	owner_execute(&write_entitlement, made, offer->is_member ? NULL : "   n ", false);
	if (!entitlement_find(key, id, &active))
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("the entitlement is newer than this transaction's snapshot"),
						errhint("Call again in a new transaction.")));
	owner_execute(&take_up, values, offer->is_member ? NULL : " n ", false);
}

static void
charge_write(Datum user, const Offer *offer, Datum at, pg_uuid_t *id)
{
	Datum values[] = {user,
					  UUIDPGetDatum(&offer->organization),
					  UUIDPGetDatum(&offer->membership),
					  UUIDPGetDatum(&offer->plan),
					  Int64GetDatum(offer->price),
					  CStringGetTextDatum(offer->currency),
					  at};

	owner_execute(&write_charge, values, offer->is_member ? NULL : "  n    ", false);
	payment_uuid_read(0, 1, id);
}

static void
reference_raise(const char *detail)
{
	ereport(ERROR, (errcode(ERRCODE_CB_REFERENCE_CONFLICT),
					errmsg("the payment reference cannot be attached"), errdetail("%s", detail),
					errhint("Give each charge the one reference that its provider gave it.")));
}
