/*
 * referral.c: who brought whom, and what the referrer earns by it.
 *
 * Invariants: a person is brought once and by another one, without a ring (the trigger of
 * chain.c); the first premium of the person brought earns one credit, ever; a credit may be
 * spent from the end of the hold on, and is taken back only before; an order spends once, and
 * what it spent are its rows in referral_spendings.
 *
 * Locks: a call locks the person it is about, never both: the referrer's credits are written by
 * a new row, or found by the person brought, and locked one by one after the person.
 *
 * Rights: all but validate_referral_code() are the server's alone; the statements run with the
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

#include "billing/first_premium.h"
#include "core/compat.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/schema.h"
#include "core/setting.h"
#include "discounts/discount.h"
#include "discounts/referral.h"
#include "identity/anchor.h"

/* Called as SQL functions, so that the first premium and an operator who settles by hand take
 * one way. */
static KeptPlan pay_referral = {
	.sql = "SELECT coursebase.pay_referral($1, $2)",
	.nargs = 2,
	.types = {UUIDOID, TIMESTAMPTZOID},
};
static KeptPlan revoke_referral = {
	.sql = "SELECT coursebase.revoke_referral($1, $2)",
	.nargs = 2,
	.types = {UUIDOID, TIMESTAMPTZOID},
};
/* A discount code that may be used now goes before a person's own code of the same letters. */
/* Codes of discounts and codes of people are compared with what was given ($1) alike. */
#define CODE_IS_GIVEN DISCOUNT_CODE_IS("c.code", "$1")
#define GIVEN_KEY     DISCOUNT_CODE_KEY("$1")

static KeptPlan find_code = {
	.sql = "SELECT 'discount' FROM coursebase.discount_codes c"
		   " WHERE " CODE_IS_GIVEN " AND c.is_active"
		   " AND (c.starts_at IS NULL OR c.starts_at <= $2)"
		   " AND (c.expires_at IS NULL OR c.expires_at > $2)"
		   " UNION ALL"
		   " SELECT 'referral' FROM coursebase.user_profile p"
		   " JOIN coursebase.users u ON u.id = p.user_id AND u.deleted_at IS NULL"
		   " WHERE p.referral_code = " GIVEN_KEY,
	.nargs = 2,
	.types = {TEXTOID, TIMESTAMPTZOID},
};
static KeptPlan find_referrer = {
	.sql = "SELECT u.id FROM coursebase.discount_codes c"
		   " JOIN coursebase.users u ON u.id = c.referrer_id AND u.deleted_at IS NULL"
		   " WHERE " CODE_IS_GIVEN " AND c.is_active"
		   " AND (c.starts_at IS NULL OR c.starts_at <= $2)"
		   " AND (c.expires_at IS NULL OR c.expires_at > $2)"
		   " UNION ALL"
		   " SELECT u.id FROM coursebase.user_profile p"
		   " JOIN coursebase.users u ON u.id = p.user_id AND u.deleted_at IS NULL"
		   " WHERE p.referral_code = " GIVEN_KEY,
	.nargs = 2,
	.types = {TEXTOID, TIMESTAMPTZOID},
};
static KeptPlan read_referrer = {
	.sql = "SELECT referred_by FROM coursebase.user_profile WHERE user_id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan write_referrer = {
	.sql = "UPDATE coursebase.user_profile SET referred_by = $2 WHERE user_id = $1",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};
static KeptPlan write_credit = {
	.sql = "INSERT INTO coursebase.referral_credits (user_id, referred_user_id,"
		   " amount_in_cents, currency, source, earned_at, available_at, expires_at)"
		   " SELECT p.referred_by, p.user_id, $3, $4, 'first_premium', $2,"
		   " $2 + make_interval(days => $5),"
		   " CASE WHEN $6 > 0 THEN $2 + make_interval(days => $5 + $6) END"
		   " FROM coursebase.user_profile p"
		   " JOIN coursebase.users r ON r.id = p.referred_by AND r.deleted_at IS NULL"
		   " WHERE p.user_id = $1"
		   " ON CONFLICT (referred_user_id) DO NOTHING",
	.nargs = 6,
	.types = {UUIDOID, TIMESTAMPTZOID, INT8OID, TEXTOID, INT4OID, INT4OID},
};
static KeptPlan revoke_credit = {
	.sql = "UPDATE coursebase.referral_credits SET revoked_at = $2"
		   " WHERE referred_user_id = $1 AND revoked_at IS NULL AND $2 < available_at",
	.nargs = 2,
	.types = {UUIDOID, TIMESTAMPTZOID},
};
static KeptPlan read_spending = {
	.sql = "SELECT sum(amount_in_cents)::bigint, min(currency) = upper(btrim($3))"
		   " FROM coursebase.referral_spendings"
		   " WHERE user_id = $1 AND order_ref = $2 HAVING count(*) > 0",
	.nargs = 3,
	.types = {UUIDOID, TEXTOID, TEXTOID},
};

#define AVAILABLE                                                                              \
	"user_id = $1 AND currency = upper(btrim($3)) AND revoked_at IS NULL"                      \
	" AND available_at <= $2 AND (expires_at IS NULL OR expires_at > $2)"                      \
	" AND spent_in_cents < amount_in_cents"

static KeptPlan lock_available = {
	.sql = "SELECT amount_in_cents - spent_in_cents FROM coursebase.referral_credits"
		   " WHERE " AVAILABLE " ORDER BY id FOR NO KEY UPDATE",
	.nargs = 3,
	.types = {UUIDOID, TIMESTAMPTZOID, TEXTOID},
};
/* Of each credit what those before it leave open. */
static KeptPlan spend_available = {
	.sql = "WITH open AS ("
		   "  SELECT id, amount_in_cents - spent_in_cents AS rest,"
		   "   sum(amount_in_cents - spent_in_cents) OVER ("
		   "    ORDER BY expires_at NULLS LAST, earned_at, id) AS upto"
		   "  FROM coursebase.referral_credits WHERE " AVAILABLE "), taken AS ("
		   "  SELECT id, least(rest, $4 - (upto - rest))::bigint AS part"
		   "  FROM open WHERE upto - rest < $4), spent AS ("
		   "  UPDATE coursebase.referral_credits c"
		   "  SET spent_in_cents = c.spent_in_cents + t.part"
		   "  FROM taken t WHERE c.id = t.id RETURNING c.id, t.part, c.currency)"
		   " INSERT INTO coursebase.referral_spendings"
		   " (user_id, order_ref, referral_credit_id, amount_in_cents, currency, spent_at)"
		   " SELECT $1, $5, id, part, currency, $2 FROM spent",
	.nargs = 5,
	.types = {UUIDOID, TIMESTAMPTZOID, TEXTOID, INT8OID, TEXTOID},
};

static void arguments_require(FunctionCallInfo fcinfo, int count);
static void time_require_finite(TimestampTz at);
static void referrer_require(bool fits, const char *detail);
static bool referrer_attach(Datum user, Datum referrer);
static bool spending_repeats(Datum user, Datum order_ref, Datum currency, int64 amount);
static void spending_write(Datum user, Datum at, Datum currency, Datum order_ref, int64 amount);

static void first_premium_settle(PremiumTurn turn, const pg_uuid_t *user, TimestampTz at);

PG_FUNCTION_INFO_V1(coursebase_validate_referral_code);
PG_FUNCTION_INFO_V1(coursebase_attach_referral);
PG_FUNCTION_INFO_V1(coursebase_pay_referral);
PG_FUNCTION_INFO_V1(coursebase_revoke_referral);
PG_FUNCTION_INFO_V1(coursebase_spend_referral_credit);

/* Called when the library is loaded. */
void
referral_init(void)
{
	premium_listener = first_premium_settle;
}

/* The rules of pay_referral() and revoke_referral() say whether there is anybody to pay, once,
 * and whether the credit is still held. */
static void
first_premium_settle(PremiumTurn turn, const pg_uuid_t *user, TimestampTz at)
{
	Datum values[] = {UUIDPGetDatum(user), TimestampTzGetDatum(at)};

	owner_execute(turn == PREMIUM_BEGAN ? &pay_referral : &revoke_referral, values, NULL,
				  false);
}

/*
 * SQL function: validate_referral_code(code text, at timestamptz) returns table (valid boolean,
 * kind text)
 */
PGDLLEXPORT Datum
coursebase_validate_referral_code(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum arguments[] = {PG_GETARG_DATUM(0),
						 PG_ARGISNULL(1)
							 ? TimestampTzGetDatum(GetCurrentTransactionStartTimestamp())
							 : PG_GETARG_DATUM(1)};
	Datum values[2] = {0};
	bool nulls[2] = {false, true};
	char *kind = NULL;

	compat_materialize(fcinfo);
	SPI_connect();
	if (!PG_ARGISNULL(0) && owner_execute(&find_code, arguments, NULL, true) > 0)
		kind = plan_text(0, 1);
	SPI_finish();
	values[0] = BoolGetDatum(kind != NULL);
	nulls[1] = kind == NULL;
	if (kind != NULL)
		values[1] = CStringGetTextDatum(kind);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	return (Datum) 0;
}

/* SQL function: attach_referral(user_id uuid, code text, at timestamptz) returns boolean */
PGDLLEXPORT Datum
coursebase_attach_referral(PG_FUNCTION_ARGS)
{
	Datum arguments[] = {PG_GETARG_DATUM(1), PG_GETARG_DATUM(2)};
	Datum user = PG_GETARG_DATUM(0);
	pg_uuid_t referrer;
	bool attached;
	bool null;

	arguments_require(fcinfo, 3);
	schema_require_current();
	SPI_connect();
	anchor_user_require(DatumGetUUIDP(user));
	referrer_require(owner_execute(&find_referrer, arguments, NULL, false) > 0,
					 "Nobody has it.");
	referrer = *DatumGetUUIDP(plan_value(0, 1, &null));
	referrer_require(memcmp(&referrer, DatumGetUUIDP(user), UUID_LEN) != 0,
					 "It is the person's own.");
	attached = referrer_attach(user, UUIDPGetDatum(&referrer));
	SPI_finish();
	PG_RETURN_BOOL(attached);
}

/*
 * SQL function: pay_referral(user_id uuid, at timestamptz) returns boolean
 *
 * Called in the transaction that finds a person's first premium.
 */
PGDLLEXPORT Datum
coursebase_pay_referral(PG_FUNCTION_ARGS)
{
	int64 amount;
	bool paid = false;

	arguments_require(fcinfo, 2);
	time_require_finite(PG_GETARG_TIMESTAMPTZ(1));
	schema_require_current();
	amount = setting_integer("referral_credit_in_cents");
	SPI_connect();
	anchor_user_require(PG_GETARG_UUID_P(0));
	if (amount > 0)
	{
		Datum values[] = {PG_GETARG_DATUM(0),
						  PG_GETARG_DATUM(1),
						  Int64GetDatum(amount),
						  CStringGetTextDatum(setting_text("referral_credit_currency")),
						  Int32GetDatum((int32) Max(setting_integer("referral_hold_days"), 0)),
						  Int32GetDatum((int32) setting_integer("referral_credit_days"))};

		paid = owner_execute(&write_credit, values, NULL, false) > 0;
	}
	SPI_finish();
	PG_RETURN_BOOL(paid);
}

/* SQL function: revoke_referral(user_id uuid, at timestamptz) returns boolean */
PGDLLEXPORT Datum
coursebase_revoke_referral(PG_FUNCTION_ARGS)
{
	Datum values[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	bool revoked;

	arguments_require(fcinfo, 2);
	time_require_finite(PG_GETARG_TIMESTAMPTZ(1));
	schema_require_current();
	SPI_connect();
	anchor_user_require(PG_GETARG_UUID_P(0));
	revoked = owner_execute(&revoke_credit, values, NULL, false) > 0;
	SPI_finish();
	PG_RETURN_BOOL(revoked);
}

/*
 * SQL function: spend_referral_credit(user_id uuid, amount_in_cents bigint, order_ref text, at
 * timestamptz, currency text) returns bigint
 */
PGDLLEXPORT Datum
coursebase_spend_referral_credit(PG_FUNCTION_ARGS)
{
	int64 amount;
	Datum currency;

	arguments_require(fcinfo, 4);
	time_require_finite(PG_GETARG_TIMESTAMPTZ(3));
	schema_require_current();
	amount = PG_GETARG_INT64(1);
	if (amount <= 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("amount_in_cents must be above 0")));
	currency = PG_ARGISNULL(4) ? CStringGetTextDatum(setting_text("referral_credit_currency"))
							   : PG_GETARG_DATUM(4);
	SPI_connect();
	anchor_user_require(PG_GETARG_UUID_P(0));
	if (!spending_repeats(PG_GETARG_DATUM(0), PG_GETARG_DATUM(2), currency, amount))
		spending_write(PG_GETARG_DATUM(0), PG_GETARG_DATUM(3), currency, PG_GETARG_DATUM(2),
					   amount);
	SPI_finish();
	PG_RETURN_INT64(amount);
}

/* Of the first arguments. */
static void
arguments_require(FunctionCallInfo fcinfo, int count)
{
	for (int i = 0; i < count; i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("argument %d must not be null", i + 1)));
}

static void
time_require_finite(TimestampTz at)
{
	if (TIMESTAMP_NOT_FINITE(at))
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("at must be a finite time")));
}

static void
referrer_require(bool fits, const char *detail)
{
	if (!fits)
		ereport(ERROR, (errcode(ERRCODE_CB_REFERRAL_REFUSED),
						errmsg("the referral code cannot be used"), errdetail("%s", detail),
						errhint("Give another person's code.")));
}

/* False when that is who brought the person already; another one raises. */
static bool
referrer_attach(Datum user, Datum referrer)
{
	Datum values[] = {user, referrer};
	Datum before;
	bool null = true;

	if (owner_execute(&read_referrer, &user, NULL, false) == 0)
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("the user has no profile"),
						errhint("Call upsert_user() when a person signs up.")));
	before = plan_value(0, 1, &null);
	if (!null && memcmp(DatumGetUUIDP(before), DatumGetUUIDP(referrer), UUID_LEN) == 0)
		return false;
	if (!null)
		ereport(ERROR, (errcode(ERRCODE_CB_SET_ONCE),
						errmsg("somebody else brought this person already"),
						errhint("A referral is recorded once and stays.")));
	owner_execute(&write_referrer, values, NULL, false);
	return true;
}

/* An order that spent something else raises. */
static bool
spending_repeats(Datum user, Datum order_ref, Datum currency, int64 amount)
{
	Datum values[] = {user, order_ref, currency};
	bool null;

	if (owner_execute(&read_spending, values, NULL, false) == 0)
		return false;
	if (DatumGetInt64(plan_value(0, 1, &null)) != amount ||
		!DatumGetBool(plan_value(0, 2, &null)))
		ereport(ERROR, (errcode(ERRCODE_CB_ORDER_CONFLICT),
						errmsg("the order has spent referral credit already"),
						errdetail("It spent " INT64_FORMAT ", not " INT64_FORMAT ".",
								  DatumGetInt64(plan_value(0, 1, &null)), amount),
						errhint("Repeat the first call as it was, or use another order_ref.")));
	return true;
}

static void
spending_write(Datum user, Datum at, Datum currency, Datum order_ref, int64 amount)
{
	Datum values[] = {user, at, currency, Int64GetDatum(amount), order_ref};
	uint64 credits = owner_execute(&lock_available, values, NULL, false);
	int64 available = 0;
	bool null;

	for (uint64 i = 0; i < credits; i++)
		available += DatumGetInt64(plan_value(i, 1, &null));
	if (available < amount)
		ereport(ERROR, (errcode(ERRCODE_CB_CREDIT_SHORT),
						errmsg("there is not enough referral credit"),
						errdetail("Needed " INT64_FORMAT ", available " INT64_FORMAT ".",
								  amount, available),
						errhint("Spend what is available, or less.")));
	owner_execute(&spend_available, values, NULL, false);
}
