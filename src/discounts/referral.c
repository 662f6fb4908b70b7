/*
 * referral.c: who brought whom, and what the referrer earns by it.
 *
 * Invariants: a person is brought once and by another person, without a ring (the trigger of
 * chain.c); the first premium of the person brought earns one credit, ever; a credit may be
 * spent from the end of the hold on, and revoked only before; what a refund revoked comes back
 * when the refund is reversed; an order spends once, and the
 * rows in referral_spendings are what an order spent.
 *
 * Locks: a call locks the row of users of the person it is about, never that of the referrer
 * too. It writes the referrer's credit as a new row, or finds it by the person brought and
 * locks it after the person.
 *
 * Rights: only the server calls the functions, validate_referral_code() excepted; the
 * statements run with the rights of the tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/uuid.h"

#include "billing/first_premium.h"
#include "cells/cell.h"
#include "cells/directory.h"
#include "core/args.h"
#include "core/compat.h"
#include "core/datum.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/schema.h"
#include "core/setting.h"
#include "discounts/delivery.h"
#include "discounts/discount.h"
#include "discounts/referral.h"
#include "identity/anchor.h"

/* Called as SQL functions, so that the first premium and an operator who settles by hand run
 * the same code. */
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
/* The code that was given ($1) as a discount code that may be used at $2, and as a person's
 * own code. Where both are there, the discount code comes first. */
#define IS_GIVEN DISCOUNT_CODE_IS("c.code", "$1")
#define OF_DISCOUNT                                                                            \
	" WHERE " IS_GIVEN " AND c.is_active"                                                      \
	" AND (c.starts_at IS NULL OR c.starts_at <= $2)"                                          \
	" AND (c.expires_at IS NULL OR c.expires_at > $2)"
#define OF_PERSON                                                                              \
	" FROM coursebase.user_profile p"                                                          \
	" JOIN coursebase.users u ON u.id = p.user_id AND u.deleted_at IS NULL"                    \
	" WHERE p.referral_code = " DISCOUNT_CODE_KEY("$1")

static KeptPlan find_code = {
	.sql = "SELECT 'discount' FROM coursebase.discount_codes c" OF_DISCOUNT
		   " UNION ALL SELECT 'referral'" OF_PERSON,
	.nargs = 2,
	.types = {TEXTOID, TIMESTAMPTZOID},
};
static KeptPlan find_referrer = {
	.sql =
		"SELECT u.id FROM coursebase.discount_codes c"
		" JOIN coursebase.users u ON u.id = c.referrer_id AND u.deleted_at IS NULL" OF_DISCOUNT
		" UNION ALL SELECT u.id" OF_PERSON,
	.nargs = 2,
	.types = {TEXTOID, TIMESTAMPTZOID},
};
static KeptPlan read_referrer = {
	.sql = "SELECT referred_by FROM coursebase.user_profile WHERE user_id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan write_referrer = {
	.sql =
		"UPDATE coursebase.user_profile SET referred_by = $2 WHERE user_id = $1"
		" AND EXISTS (SELECT FROM coursebase.users u WHERE u.id = $2 AND u.deleted_at IS NULL"
		"  AND NOT u.is_guest)",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};
/* The key on referred_user_id lets one credit a person be written, whoever calls. */
static KeptPlan write_credit = {
	.sql = "INSERT INTO coursebase.referral_credits (user_id, referred_user_id,"
		   " amount_in_cents, currency, source, earned_at, available_at, expires_at)"
		   " SELECT p.referred_by, p.user_id, $3, $4, 'first_premium', $2,"
		   " $2 + $5 * interval '24 hours',"
		   " CASE WHEN $6 > 0 THEN $2 + ($5 + $6) * interval '24 hours' END"
		   " FROM coursebase.user_profile p"
		   " JOIN coursebase.users r ON r.id = p.referred_by AND r.deleted_at IS NULL"
		   " WHERE p.user_id = $1"
		   " ON CONFLICT (referred_user_id) DO NOTHING",
	.nargs = 6,
	.types = {UUIDOID, TIMESTAMPTZOID, INT4OID, TEXTOID, INT4OID, INT4OID},
};
/* Whether a credit is there that a refund may take, or took. Most people have none. */
static KeptPlan find_unsettled = {
	.sql = "SELECT FROM coursebase.referral_credits WHERE referred_user_id = $1"
		   " AND (revoked_by_refund OR revoked_at IS NULL AND $2 < available_at)"
		   " UNION ALL SELECT FROM coursebase.referral_deliveries WHERE user_id = $1"
		   " AND (revoked_by_refund OR revoked_at IS NULL)",
	.nargs = 2,
	.types = {UUIDOID, TIMESTAMPTZOID},
};
/* Once the hold is over the credit may have been spent, and stays. */
static KeptPlan revoke_credit = {
	.sql = "UPDATE coursebase.referral_credits SET revoked_at = $2"
		   " WHERE referred_user_id = $1 AND revoked_at IS NULL AND $2 < available_at",
	.nargs = 2,
	.types = {UUIDOID, TIMESTAMPTZOID},
};
/* Told apart from what somebody revoked by hand, which no reversal gives back. */
static KeptPlan mark_refunded = {
	.sql = "UPDATE coursebase.referral_credits SET revoked_by_refund = true"
		   " WHERE referred_user_id = $1 AND revoked_at = $2",
	.nargs = 2,
	.types = {UUIDOID, TIMESTAMPTZOID},
};
static KeptPlan return_credit = {
	.sql = "UPDATE coursebase.referral_credits SET revoked_at = NULL,"
		   " revoked_by_refund = false WHERE referred_user_id = $1 AND revoked_by_refund",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan read_spending = {
	.sql = "SELECT sum(amount_in_cents)::bigint, min(currency) = upper(translate(btrim($3), "
		   "'i', 'I'))"
		   " FROM coursebase.referral_spendings"
		   " WHERE user_id = $1 AND order_ref = $2 HAVING count(*) > 0",
	.nargs = 3,
	.types = {UUIDOID, TEXTOID, TEXTOID},
};

#define AVAILABLE                                                                              \
	"user_id = $1 AND currency = upper(translate(btrim($3), 'i', 'I')) AND revoked_at IS NULL" \
	" AND available_at <= $2 AND (expires_at IS NULL OR expires_at > $2)"                      \
	" AND spent_in_cents < amount_in_cents"

/* In one order, so that calls for several orders of a person that somehow met would wait in
 * turn; the person's row, locked before, already makes them. */
static KeptPlan lock_available = {
	.sql = "SELECT amount_in_cents - spent_in_cents FROM coursebase.referral_credits"
		   " WHERE " AVAILABLE " ORDER BY id FOR NO KEY UPDATE",
	.nargs = 3,
	.types = {UUIDOID, TIMESTAMPTZOID, TEXTOID},
};
/* Takes from each credit, the earliest end first, what the credits before it leave open: upto
 * is the running sum, part what this credit gives. */
static KeptPlan spend_available = {
	.sql = "WITH open AS ("
		   "  SELECT id, amount_in_cents - spent_in_cents AS rest,"
		   "   sum(amount_in_cents - spent_in_cents) OVER ("
		   "    ORDER BY expires_at NULLS LAST, earned_at, id) AS upto"
		   "  FROM coursebase.referral_credits WHERE " AVAILABLE "), taken AS ("
		   "  SELECT id, least(rest, $4 - (upto - rest))::integer AS part"
		   "  FROM open WHERE upto - rest < $4), spent AS ("
		   "  UPDATE coursebase.referral_credits c"
		   "  SET spent_in_cents = c.spent_in_cents + t.part"
		   "  FROM taken t WHERE c.id = t.id RETURNING c.id, t.part, c.currency)"
		   " INSERT INTO coursebase.referral_spendings"
		   " (user_id, order_ref, referral_credit_id, amount_in_cents, currency, spent_at)"
		   " SELECT $1, $5, id, part, currency, $2 FROM spent",
	.nargs = 5,
	.types = {UUIDOID, TIMESTAMPTZOID, TEXTOID, INT4OID, TEXTOID},
};

/*
 * A hundred years, which settings_days_range_check keeps: with more days, where that CHECK was
 * taken away, the time that they end at could be out of range, and the sale that earned the
 * credit would be refused.
 */
#define DAYS_MOST 36500

/* The arguments of spend_referral_credit(). */
enum
{
	SPEND_USER,
	SPEND_AMOUNT,
	SPEND_ORDER_REF,
	SPEND_AT,
	SPEND_CURRENCY,
};

/* The columns of read_spending. */
enum
{
	SPENT_AMOUNT = 1,
	SPENT_IN_CURRENCY,
};

static void referrer_require(bool fits, const char *detail);
static void bind_code(PlanValues *values, FunctionCallInfo fcinfo, int argument);
static bool referrer_is_new(Datum user, const pg_uuid_t *referrer);
static void referrer_write(Datum user, const pg_uuid_t *referrer);
static bool referrer_lives_elsewhere(const pg_uuid_t *referrer);
static Datum credit_currency(void);
static int32 days_of(const char *setting);
static bool spending_repeats(FunctionCallInfo fcinfo, Datum currency, int32 amount);
static void spending_write(FunctionCallInfo fcinfo, Datum currency, int32 amount);
static void first_premium_settle(PremiumTurn turn, const pg_uuid_t *user, TimestampTz at);
static void first_payment_settle(FirstPayment payment, Datum *values);

PG_FUNCTION_INFO_V1(coursebase_validate_referral_code);
PG_FUNCTION_INFO_V1(coursebase_attach_referral);
PG_FUNCTION_INFO_V1(coursebase_attach_referrer);
PG_FUNCTION_INFO_V1(coursebase_pay_referral);
PG_FUNCTION_INFO_V1(coursebase_revoke_referral);
PG_FUNCTION_INFO_V1(coursebase_spend_referral_credit);

void
referral_init(void)
{
	premium_listener = first_premium_settle;
}

/* Called by billing within the transaction that finds the turn. pay_referral() and
 * revoke_referral() decide whether there is a referrer, and whether the credit is on hold. */
static void
first_premium_settle(PremiumTurn turn, const pg_uuid_t *user, TimestampTz at)
{
	Datum values[] = {UUIDPGetDatum(user), TimestampTzGetDatum(at)};

	switch (turn)
	{
		case PREMIUM_BEGAN:
			owner_execute(&pay_referral, values, NULL, false);
			break;
		case PREMIUM_TURNED:
			if (owner_execute(&find_unsettled, values, NULL, false) > 0)
				first_payment_settle(first_payment_find(user), values);
	}
}

/*
 * Rule: the credit is for the first premium, so that only the refund of the first payment takes
 * it, whatever came later, and the end of that refund gives it back.
 */
static void
first_payment_settle(FirstPayment payment, Datum *values)
{
	switch (payment)
	{
		case FIRST_PAYMENT_GIVEN_BACK:
			owner_execute(&revoke_referral, values, NULL, false);
			if (plan_bool(0, 1))
			{
				owner_execute(&mark_refunded, values, NULL, false);
				delivery_mark_refunded(values);
			}
			break;
		case FIRST_PAYMENT_STANDS:
			owner_execute(&return_credit, values, NULL, false);
			delivery_return(values);
			break;
		case FIRST_PAYMENT_NONE:
			break;
	}
}

/*
 * SQL function: validate_referral_code(code text, at timestamptz) returns table (valid boolean,
 * kind text)
 */
PGDLLEXPORT Datum
coursebase_validate_referral_code(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	PlanValues arguments = {0};
	Datum values[2] = {0};
	bool nulls[2] = {false, true};
	char *kind = NULL;

	compat_materialize(fcinfo);
	bind_code(&arguments, fcinfo, 0);
	plan_bind_time(&arguments, args_time_or_now(fcinfo, 1));
	SPI_connect();
	if (owner_execute(&find_code, arguments.datums, arguments.nulls, true) > 0)
		kind = plan_text(0, 1);
	SPI_finish();
	values[0] = BoolGetDatum(kind != NULL);
	nulls[1] = kind == NULL;
	if (kind != NULL)
		values[1] = CStringGetTextDatum(kind);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	return (Datum) 0;
}

/* A code that somebody typed; a null one is nobody's. */
static void
bind_code(PlanValues *values, FunctionCallInfo fcinfo, int argument)
{
	plan_bind_text(values,
				   PG_ARGISNULL(argument)
					   ? NULL
					   : args_text_clipped(PG_GETARG_TEXT_PP(argument), DISCOUNT_CODE_MOST));
}

/* SQL function: attach_referral(user_id uuid, code text, at timestamptz) returns boolean */
PGDLLEXPORT Datum
coursebase_attach_referral(PG_FUNCTION_ARGS)
{
	PlanValues arguments = {0};
	Datum user = PG_GETARG_DATUM(0);
	pg_uuid_t referrer;
	bool attached;

	args_require_all(fcinfo);
	schema_require_current();
	bind_code(&arguments, fcinfo, 1);
	args_bind(&arguments, fcinfo, 2);
	SPI_connect();
	anchor_open_user_require(DatumGetUUIDP(user));
	referrer_require(owner_execute(&find_referrer, arguments.datums, arguments.nulls, false) >
						 0,
					 "Nobody has it.");
	referrer = plan_uuid(0, 1);
	referrer_require(!uuid_equal(&referrer, DatumGetUUIDP(user)), "It is the person's own.");
	attached = referrer_is_new(user, &referrer);
	if (attached)
		referrer_write(user, &referrer);
	SPI_finish();
	PG_RETURN_BOOL(attached);
}

/*
 * SQL function: attach_referrer(user_id uuid, referrer uuid) returns boolean
 *
 * For a router that found whose code it is in another cell. A referrer who lives here is
 * recorded as by attach_referral().
 */
PGDLLEXPORT Datum
coursebase_attach_referrer(PG_FUNCTION_ARGS)
{
	Datum user = PG_GETARG_DATUM(0);
	const pg_uuid_t *referrer;
	bool attached;

	args_require_all(fcinfo);
	referrer = PG_GETARG_UUID_P(1);
	schema_require_current();
	SPI_connect();
	anchor_open_user_require(DatumGetUUIDP(user));
	referrer_require(!uuid_equal(referrer, DatumGetUUIDP(user)), "It is the person's own.");
	attached = referrer_is_new(user, referrer);
	if (attached && referrer_lives_elsewhere(referrer))
		delivery_attach(user, UUIDPGetDatum(referrer));
	else if (attached)
		referrer_write(user, referrer);
	SPI_finish();
	PG_RETURN_BOOL(attached);
}

/*
 * SQL function: pay_referral(user_id uuid, at timestamptz) returns boolean
 *
 * Called in the transaction that finds a person's first premium. A merged account is the person
 * who was kept, because whoever brought both brought one person.
 */
PGDLLEXPORT Datum
coursebase_pay_referral(PG_FUNCTION_ARGS)
{
	int32 amount;
	pg_uuid_t user;
	bool paid = false;

	args_require(fcinfo, 0);
	args_time(fcinfo, 1);
	schema_require_current();
	amount = (int32) setting_integer("referral_credit_in_cents");
	user = *PG_GETARG_UUID_P(0);
	SPI_connect();
	anchor_kept_user_require(&user);
	if (amount > 0)
	{
		Datum values[] = {UUIDPGetDatum(&user),
						  PG_GETARG_DATUM(1),
						  Int32GetDatum(amount),
						  credit_currency(),
						  Int32GetDatum(days_of("referral_hold_days")),
						  Int32GetDatum(days_of("referral_credit_days"))};

		paid = owner_execute(&write_credit, values, NULL, false) > 0 || delivery_earn(values);
	}
	SPI_finish();
	PG_RETURN_BOOL(paid);
}

/* In upper case, as columns have it; the setting takes either (settings_currency_form_check).
 */
static Datum
credit_currency(void)
{
	char *currency = setting_text("referral_credit_currency");

	for (char *letter = currency; *letter != '\0'; letter++)
		*letter = pg_ascii_toupper(*letter);
	return CStringGetTextDatum(currency);
}

/* The value of a setting in days. */
static int32
days_of(const char *setting)
{
	return (int32) Min(Max(setting_integer(setting), 0), DAYS_MOST);
}

/* SQL function: revoke_referral(user_id uuid, at timestamptz) returns boolean */
PGDLLEXPORT Datum
coursebase_revoke_referral(PG_FUNCTION_ARGS)
{
	Datum values[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	bool revoked;

	args_require(fcinfo, 0);
	args_time(fcinfo, 1);
	schema_require_current();
	SPI_connect();
	anchor_user_require(PG_GETARG_UUID_P(0));
	revoked = owner_execute(&revoke_credit, values, NULL, false) > 0 || delivery_revoke(values);
	SPI_finish();
	PG_RETURN_BOOL(revoked);
}

/*
 * SQL function: spend_referral_credit(user_id uuid, amount_in_cents bigint, order_ref text, at
 * timestamptz, currency text) returns integer
 */
PGDLLEXPORT Datum
coursebase_spend_referral_credit(PG_FUNCTION_ARGS)
{
	int32 amount;
	Datum currency;

	args_require_all_but(fcinfo, SPEND_CURRENCY);
	args_time(fcinfo, SPEND_AT);
	schema_require_current();
	amount = args_money(fcinfo, SPEND_AMOUNT);
	if (amount <= 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("amount_in_cents must be above 0")));
	args_id(fcinfo, SPEND_ORDER_REF);
	currency =
		PG_ARGISNULL(SPEND_CURRENCY) ? credit_currency() : PG_GETARG_DATUM(SPEND_CURRENCY);
	SPI_connect();
	anchor_user_require(PG_GETARG_UUID_P(SPEND_USER));
	if (!spending_repeats(fcinfo, currency, amount))
		spending_write(fcinfo, currency, amount);
	SPI_finish();
	PG_RETURN_INT32(amount);
}

static void
referrer_require(bool fits, const char *detail)
{
	if (!fits)
		ereport(ERROR, (errcode(ERRCODE_CB_REFERRAL_REFUSED),
						errmsg("the referral code cannot be used"), errdetail("%s", detail),
						errhint("Give another person's code.")));
}

/* False when the same referrer is recorded already; raises KB401 for another one. */
static bool
referrer_is_new(Datum user, const pg_uuid_t *referrer)
{
	pg_uuid_t before;

	if (owner_execute(&read_referrer, &user, NULL, false) == 0)
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("the user has no profile"),
						errhint("Call upsert_user() when a person signs up.")));
	if (!plan_uuid_or_null(0, 1, &before) && !delivery_referrer(user, &before))
		return true;
	if (!uuid_equal(&before, referrer))
		ereport(ERROR, (errcode(ERRCODE_CB_SET_ONCE),
						errmsg("somebody else brought this person already"),
						errhint("A referral is recorded once and stays.")));
	return false;
}

/* Raises KB605 for who has no open account here. */
static void
referrer_write(Datum user, const pg_uuid_t *referrer)
{
	Datum values[] = {user, UUIDPGetDatum(referrer)};

	referrer_require(owner_execute(&write_referrer, values, NULL, false) > 0, "Nobody has it.");
}

/* As the directory has it; whoever is not in it is looked for here. */
static bool
referrer_lives_elsewhere(const pg_uuid_t *referrer)
{
	Residence residence;
	Cell here;

	return cell_here(&here) && directory_find(referrer, &residence) &&
		   residence.cell != here.number;
}

/* Whether the order has spent this already; raises KB602 when it has spent something else. */
static bool
spending_repeats(FunctionCallInfo fcinfo, Datum currency, int32 amount)
{
	Datum values[] = {PG_GETARG_DATUM(SPEND_USER), PG_GETARG_DATUM(SPEND_ORDER_REF), currency};
	int64 spent;

	if (owner_execute(&read_spending, values, NULL, false) == 0)
		return false;
	spent = plan_int64(0, SPENT_AMOUNT);
	if (spent != amount || !plan_bool(0, SPENT_IN_CURRENCY))
		ereport(ERROR, (errcode(ERRCODE_CB_ORDER_CONFLICT),
						errmsg("the order has spent referral credit already"),
						errdetail("It spent " INT64_FORMAT ", not %d.", spent, amount),
						errhint("Repeat the first call as it was, or use another order_ref.")));
	return true;
}

/* Locks the credits that may be spent, adds them up, and takes the amount only when they
 * suffice: nothing is spent otherwise. */
static void
spending_write(FunctionCallInfo fcinfo, Datum currency, int32 amount)
{
	Datum values[] = {PG_GETARG_DATUM(SPEND_USER), PG_GETARG_DATUM(SPEND_AT), currency,
					  Int32GetDatum(amount), PG_GETARG_DATUM(SPEND_ORDER_REF)};
	uint64 credits = owner_execute(&lock_available, values, NULL, false);
	int64 available = 0;

	for (uint64 i = 0; i < credits; i++)
		available += plan_int32(i, 1);
	if (available < amount)
		ereport(ERROR, (errcode(ERRCODE_CB_CREDIT_SHORT),
						errmsg("there is not enough referral credit"),
						errdetail("Needed %d, available " INT64_FORMAT ".", amount, available),
						errhint("Spend what is available, or less.")));
	owner_execute(&spend_available, values, NULL, false);
}
