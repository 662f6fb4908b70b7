/*
 * use.c: a discount code is assigned to a person, reserved and used for an order, and given
 * back.
 *
 * Invariants: an order uses one code, and its first result is its result for ever; a person has
 * one entry for a code, and the code's counter counts the entries that are reserved or
 * redeemed; the use keeps the terms of the code, whatever becomes of the code, and so does a
 * reservation while it lives: what it showed is what its order redeems.
 *
 * Locks: the person's row of users first, then as in discount.h; every decision is read after
 * the locks. A row that an older snapshot (REPEATABLE READ) cannot see stops the write at a
 * unique key, or ends it as a serialization failure.
 *
 * Rights: only the server calls the functions; the statements run with the rights of the
 * tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/uuid.h"

#include "core/args.h"
#include "core/compat.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/schema.h"
#include "discounts/discount.h"
#include "identity/anchor.h"

/* FOR KEY SHARE waits for nothing but split_counter(), which locks the code FOR UPDATE. */
static KeptPlan lock_code = {
	.sql = "SELECT FROM coursebase.discount_codes"
		   " WHERE " DISCOUNT_CODE_IS("code", "$1") " FOR KEY SHARE",
	.nargs = 1,
	.types = {TEXTOID},
};
static KeptPlan lock_code_by_id = {
	.sql = "SELECT FROM coursebase.discount_codes WHERE id = $1 FOR KEY SHARE",
	.nargs = 1,
	.types = {UUIDOID},
};
/* Whether a row is of the code that was given: by the name that it has now or, of what was
 * quoted or redeemed, by the one that it had then. */
/* The longest that a reservation may hold: ten thousand years. */
#define TTL_MONTHS (10000 * MONTHS_PER_YEAR)
#define TTL_DAYS   (10000 * 366)

#define ENTRY_CODE_IS DISCOUNT_CODE_IS("c.code", "$2")
#define QUOTED_CODE_IS(code)                                                                   \
	"(" DISCOUNT_CODE_IS("c.code", code) " OR coalesce(" DISCOUNT_CODE_IS(                     \
		"d.quote -> 'terms' ->> 'code'", code) ", false))"
#define REDEEMED_CODE_IS                                                                       \
	"(" DISCOUNT_CODE_IS("terms ->> 'code'",                                                   \
						 "$3") " OR EXISTS (SELECT FROM "                                      \
							   "coursebase.discount_codes c WHERE c.id = discount_code_id "    \
							   "AND " DISCOUNT_CODE_IS("c.code", "$3") "))"

static KeptPlan lock_entry = {
	.sql = "SELECT FROM coursebase.user_discounts d JOIN coursebase.discount_codes c"
		   " ON c.id = d.discount_code_id AND " ENTRY_CODE_IS
		   " WHERE d.user_id = $1 FOR NO KEY UPDATE OF d",
	.nargs = 2,
	.types = {UUIDOID, TEXTOID},
};
static KeptPlan lock_entry_by_id = {
	.sql = "SELECT FROM coursebase.user_discounts"
		   " WHERE user_id = $1 AND discount_code_id = $2 FOR NO KEY UPDATE",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};
static KeptPlan read_redemption = {
	.sql = "SELECT id, discount_in_cents, final_in_cents, redeemed_at, reversed_at,"
		   " base_in_cents = $4 AND currency = upper(translate(btrim($5), 'i', 'I'))"
		   " AND " REDEEMED_CODE_IS " AND terms ->> 'ordered_type' = $6"
		   " AND terms ->> 'ordered_item' IS NOT DISTINCT FROM $7"
		   " FROM coursebase.discount_redemptions WHERE user_id = $1 AND order_ref = $2",
	.nargs = 7,
	.types = {UUIDOID, TEXTOID, TEXTOID, INT4OID, TEXTOID, TEXTOID, TEXTOID},
};
/* The WHERE is judged on the row as it is after the lock, whatever the snapshot shows. */
static KeptPlan write_entry = {
	.sql = "INSERT INTO coursebase.user_discounts AS d"
		   " (user_id, discount_code_id, assigned_at, status, reserved_until, order_ref)"
		   " VALUES ($1, $2, $3, $4, $5, $6)"
		   " ON CONFLICT (user_id, discount_code_id) DO UPDATE SET status = excluded.status,"
		   " reserved_until = excluded.reserved_until, order_ref = excluded.order_ref,"
		   " quote = NULL WHERE d.status <> 'redeemed'",
	.nargs = 6,
	.types = {UUIDOID, UUIDOID, TIMESTAMPTZOID, TEXTOID, TIMESTAMPTZOID, TEXTOID},
};
/* The terms of the code c, which the buyer reads: not whose code it is. ordered_type and
 * ordered_item are of the order. */
#define TERMS(ordered_type, ordered_item)                                                      \
	"jsonb_build_object('code', c.code, 'product_type', c.product_type,"                       \
	" 'item', c.item, 'percent_off', c.percent_off,"                                           \
	" 'amount_off_in_cents', c.amount_off_in_cents, 'currency', c.currency,"                   \
	" 'lifespan', c.lifespan, 'starts_at', c.starts_at, 'expires_at', c.expires_at,"           \
	" 'max_redemptions', c.max_redemptions,"                                                   \
	" 'first_purchase_only', c.first_purchase_only,"                                           \
	" 'minimum_in_cents', c.minimum_in_cents, 'cohort_id', c.cohort_id,"                       \
	" 'product_suffix', c.product_suffix,"                                                     \
	" 'ordered_type', " ordered_type ", 'ordered_item', " ordered_item ")"

/* The terms are read from the code in the same statement, so that they are those of the use. */
static KeptPlan write_redemption = {
	.sql =
		"INSERT INTO coursebase.discount_redemptions (user_id, discount_code_id, order_ref,"
		" base_in_cents, discount_in_cents, final_in_cents, currency, terms, redeemed_at)"
		" SELECT $1, c.id, $3, $4, $5, $4 - $5, upper(translate(btrim($6), 'i', 'I')),"
		" " TERMS(
			"$7",
			"$8") ", $9"
				  " FROM coursebase.discount_codes c WHERE c.id = $2"
				  " ON CONFLICT (user_id, order_ref) DO NOTHING"
				  " RETURNING id, discount_in_cents, final_in_cents, redeemed_at, reversed_at",
	.nargs = 9,
	.types = {UUIDOID, UUIDOID, TEXTOID, INT4OID, INT4OID, TEXTOID, TEXTOID, TEXTOID,
			  TIMESTAMPTZOID},
};
/* What the reservation showed holds while it lives, whatever becomes of the code. */
static KeptPlan write_quote = {
	.sql =
		"UPDATE coursebase.user_discounts d SET quote = jsonb_build_object("
		"'base_in_cents', $3::integer, 'discount_in_cents', $4::integer,"
		" 'currency', upper(translate(btrim($5), 'i', 'I')), 'terms', " TERMS(
			"$6", "$7") ")"
						" FROM coursebase.discount_codes c WHERE c.id = $2 AND d.user_id = $1"
						" AND d.discount_code_id = c.id",
	.nargs = 7,
	.types = {UUIDOID, UUIDOID, INT4OID, INT4OID, TEXTOID, TEXTOID, TEXTOID},
};
/* The quote of an order for what was quoted, and no other base, currency or item. One that
 * named no item is for any: a receipt names what it sold. */
#define QUOTE_IS                                                                               \
	" " QUOTED_CODE_IS(                                                                        \
		"$2") " AND d.user_id = $1 AND d.order_ref = $3 AND d.status = 'reserved'"             \
			  " AND d.reserved_until > $8 AND (d.quote ->> 'base_in_cents')::integer = $4"     \
			  " AND d.quote ->> 'currency' = upper(translate(btrim($5), 'i', 'I'))"            \
			  " AND d.quote -> 'terms' ->> 'ordered_type' = $6"                                \
			  " AND coalesce(" DISCOUNT_CODE_IS(                                               \
				  "d.quote -> 'terms' ->> 'ordered_item'",                                     \
				  "$7") ", d.quote -> 'terms' ->> 'ordered_item' IS NULL)"
#define QUOTE_ARGS                                                                             \
	.nargs = 8,                                                                                \
	.types = {UUIDOID, TEXTOID, TEXTOID, INT4OID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID}

static KeptPlan read_quote = {
	.sql = "SELECT (d.quote ->> 'discount_in_cents')::integer, d.discount_code_id"
		   " FROM coursebase.user_discounts d"
		   " JOIN coursebase.discount_codes c ON c.id = d.discount_code_id WHERE" QUOTE_IS,
	QUOTE_ARGS,
};
/* The place is taken since the reservation. */
static KeptPlan redeem_quote = {
	.sql = "WITH used AS (UPDATE coursebase.user_discounts d SET status = 'redeemed',"
		   "  reserved_until = NULL, quote = NULL FROM coursebase.user_discounts o"
		   "  JOIN coursebase.discount_codes c ON c.id = o.discount_code_id"
		   "  WHERE o.user_id = d.user_id AND o.discount_code_id = d.discount_code_id"
		   "  AND" QUOTE_IS "  RETURNING d.user_id, d.discount_code_id, d.order_ref, o.quote)"
		   " INSERT INTO coursebase.discount_redemptions (user_id, discount_code_id, order_ref,"
		   " base_in_cents, discount_in_cents, final_in_cents, currency, terms, redeemed_at)"
		   " SELECT q.user_id, q.discount_code_id, q.order_ref, $4,"
		   " (q.quote ->> 'discount_in_cents')::integer,"
		   " $4 - (q.quote ->> 'discount_in_cents')::integer, q.quote ->> 'currency',"
		   " (q.quote -> 'terms') || jsonb_build_object('ordered_item', $7), $8 FROM used q"
		   " ON CONFLICT (user_id, order_ref) DO NOTHING"
		   " RETURNING id, discount_in_cents, final_in_cents, redeemed_at, reversed_at",
	QUOTE_ARGS,
};
/* An order may hold an ended reservation of one code and a later one of another: the latest
 * end comes first. */
static KeptPlan find_reservation = {
	.sql = "SELECT d.discount_code_id, d.reserved_until,"
		   " " QUOTED_CODE_IS(
			   "$3") " FROM coursebase.user_discounts d"
					 " JOIN coursebase.discount_codes c ON c.id = d.discount_code_id"
					 " WHERE d.user_id = $1 AND d.order_ref = $2 AND d.status = 'reserved'"
					 " ORDER BY d.reserved_until DESC",
	.nargs = 3,
	.types = {UUIDOID, TEXTOID, TEXTOID},
};
/* Names the order and the status, so that an entry which another order took over stays. */
static KeptPlan free_entry = {
	.sql = "UPDATE coursebase.user_discounts"
		   " SET status = 'assigned', reserved_until = NULL, order_ref = NULL, quote = NULL"
		   " WHERE user_id = $1 AND discount_code_id = $2 AND order_ref = $3 AND status = $4",
	.nargs = 4,
	.types = {UUIDOID, UUIDOID, TEXTOID, TEXTOID},
};
static KeptPlan reverse_redemption = {
	.sql = "UPDATE coursebase.discount_redemptions SET reversed_at = $3"
		   " WHERE user_id = $1 AND order_ref = $2 AND reversed_at IS NULL"
		   " RETURNING discount_code_id",
	.nargs = 3,
	.types = {UUIDOID, TEXTOID, TIMESTAMPTZOID},
};
/* The use that this refund gave back, and no other: its time is the refund's. */
static KeptPlan find_reversed = {
	.sql = "SELECT discount_code_id FROM coursebase.discount_redemptions"
		   " WHERE user_id = $1 AND order_ref = $2 AND reversed_at = $3",
	.nargs = 3,
	.types = {UUIDOID, TEXTOID, TIMESTAMPTZOID},
};
/* Whether the entry holds a place: of a reservation that is over, which nobody took yet. No row
 * while the person uses the code otherwise. */
static KeptPlan lock_unused = {
	.sql = "SELECT status = 'reserved' FROM coursebase.user_discounts"
		   " WHERE user_id = $1 AND discount_code_id = $2"
		   " AND (status = 'assigned' OR status = 'reserved' AND reserved_until <= $3)"
		   " FOR NO KEY UPDATE",
	.nargs = 3,
	.types = {UUIDOID, UUIDOID, TIMESTAMPTZOID},
};
static KeptPlan restore_entry = {
	.sql = "UPDATE coursebase.user_discounts SET status = 'redeemed', reserved_until = NULL,"
		   " order_ref = $3, quote = NULL WHERE user_id = $1 AND discount_code_id = $2",
	.nargs = 3,
	.types = {UUIDOID, UUIDOID, TEXTOID},
};
static KeptPlan restore_redemption = {
	.sql = "UPDATE coursebase.discount_redemptions SET reversed_at = NULL"
		   " WHERE user_id = $1 AND discount_code_id = $2 AND order_ref = $3",
	.nargs = 3,
	.types = {UUIDOID, UUIDOID, TEXTOID},
};
/* ORDER BY: two calls that insert for one person meet at the keys in one order. Months and days
 * are those of UTC: the session's time zone would give two people who are assigned a code at
 * one moment different ends. */
static KeptPlan write_assignments = {
	.sql = "INSERT INTO coursebase.user_discounts"
		   " (user_id, discount_code_id, assigned_at, expires_at)"
		   " SELECT u.id, c.id, $2, least("
		   "  (($2 AT TIME ZONE 'UTC') + c.lifespan) AT TIME ZONE 'UTC', c.expires_at)"
		   " FROM coursebase.users u"
		   " LEFT JOIN coursebase.user_cohorts m ON m.user_id = u.id"
		   " JOIN coursebase.discount_codes c"
		   "  ON c.cohort_id IS NULL OR c.cohort_id = m.cohort_id"
		   " WHERE u.id = $1 AND u.deleted_at IS NULL AND c.is_active"
		   " AND (c.starts_at IS NULL OR c.starts_at <= $2)"
		   " AND (c.expires_at IS NULL OR c.expires_at > $2)"
		   " AND NOT EXISTS (SELECT FROM coursebase.user_discounts d"
		   "  WHERE d.user_id = u.id AND d.discount_code_id = c.id)"
		   " ORDER BY c.id"
		   " ON CONFLICT (user_id, discount_code_id) DO NOTHING",
	.nargs = 2,
	.types = {UUIDOID, TIMESTAMPTZOID},
};

/* The columns of read_redemption; write_redemption has all but the last. */
enum
{
	REDEMPTION_ID = 1,
	REDEMPTION_DISCOUNT,
	REDEMPTION_FINAL,
	REDEMPTION_AT,
	REDEMPTION_REVERSED_AT,
	REDEMPTION_IS_SAME,
};

/* The columns of find_reservation. */
enum
{
	RESERVATION_CODE = 1,
	RESERVATION_UNTIL,
	RESERVATION_IS_SAME,
};

/* The arguments after those of every order. */
enum
{
	USE_ORDER_REF = DISCOUNT_CURRENCY + 1,
	USE_ITEM,
	REDEEM_AT,
	REDEEM_PAID_AT,
	RESERVE_TTL = REDEEM_AT,
	RESERVE_AT,
};

/* The row of a use. */
typedef struct Redemption
{
	pg_uuid_t id;
	int32 discount;
	int32 final;
	TimestampTz at;
	TimestampTz reversed_at; /* DT_NOEND: the use stands */
	bool same;               /* as the order that asks; not set for a use that is new */
} Redemption;

static char *order_ref_of(FunctionCallInfo fcinfo);
static DiscountFacts facts_lock(const DiscountOrder *order);
static void use_write(const DiscountOrder *order, const char *order_ref,
					  Redemption *redemption);
static bool redemption_read(const DiscountOrder *order, const char *order_ref,
							Redemption *redemption);
static void redemption_keep(Redemption *redemption);
static void redemption_write(const DiscountOrder *order, const DiscountFacts *facts,
							 const char *order_ref, Redemption *redemption);
static bool reservation_repeats(const DiscountOrder *order, const char *order_ref,
								TimestampTz *until);
static void quote_write(const DiscountOrder *order, const DiscountFacts *facts, int32 amount);
static void quote_bind(PlanValues *values, const DiscountOrder *order, const char *order_ref);
static bool quote_read(const DiscountOrder *order, const char *order_ref, int32 *amount,
					   pg_uuid_t *code);
static bool quote_redeem(const DiscountOrder *order, const char *order_ref,
						 Redemption *redemption);
static TimestampTz reservation_end(TimestampTz at, Datum ttl);
static void entry_write(const DiscountOrder *order, const DiscountFacts *facts,
						const char *order_ref, DiscountStatus status, TimestampTz until);
static void place_require(const DiscountOrder *order, const DiscountFacts *facts);
static bool use_reverse(Datum user, Datum order_ref, TimestampTz at);
static bool entry_free(Datum user, Datum order_ref, int code_column, DiscountStatus status);
static bool use_restore(FunctionCallInfo fcinfo, const pg_uuid_t *code);
pg_noreturn static void refuse(const char *reason, const char *detail);
pg_noreturn static void refuse_other_content(const char *order_ref);

PG_FUNCTION_INFO_V1(coursebase_redeem_discount);
PG_FUNCTION_INFO_V1(coursebase_reserve_discount);
PG_FUNCTION_INFO_V1(coursebase_release_discount);
PG_FUNCTION_INFO_V1(coursebase_reverse_discount);
PG_FUNCTION_INFO_V1(coursebase_restore_discount);
PG_FUNCTION_INFO_V1(coursebase_assign_discounts);

/*
 * SQL function: redeem_discount(user_id uuid, code text, product_type text, base_in_cents
 * bigint, currency text, order_ref text, item text, at timestamptz, paid_at timestamptz)
 * returns table (redemption_id uuid, discount_in_cents integer, final_in_cents integer,
 * redeemed_at timestamptz, reversed_at timestamptz)
 */
PGDLLEXPORT Datum
coursebase_redeem_discount(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	DiscountOrder order = discount_order(fcinfo, USE_ITEM, REDEEM_AT);
	char *order_ref = order_ref_of(fcinfo);
	Redemption redemption;
	Datum values[5];
	bool nulls[5] = {false};

	order.order_ref = order_ref;
	if (!PG_ARGISNULL(REDEEM_PAID_AT))
		order.paid_at = args_time(fcinfo, REDEEM_PAID_AT);
	schema_require_current();
	compat_materialize(fcinfo);
	SPI_connect();
	anchor_user_require(&order.user);
	if (redemption_read(&order, order_ref, &redemption))
	{
		if (!redemption.same)
			refuse_other_content(order_ref);
	}
	else
		use_write(&order, order_ref, &redemption);
	SPI_finish();
	values[0] = UUIDPGetDatum(&redemption.id);
	values[1] = Int32GetDatum(redemption.discount);
	values[2] = Int32GetDatum(redemption.final);
	values[3] = TimestampTzGetDatum(redemption.at);
	values[4] = TimestampTzGetDatum(redemption.reversed_at);
	nulls[4] = redemption.reversed_at == DT_NOEND;
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	return (Datum) 0;
}

/*
 * SQL function: reserve_discount(user_id uuid, code text, product_type text, base_in_cents
 * bigint, currency text, order_ref text, item text, ttl interval, at timestamptz) returns table
 * (discount_in_cents integer, final_in_cents integer, reserved_until timestamptz)
 */
PGDLLEXPORT Datum
coursebase_reserve_discount(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	DiscountOrder order = discount_order(fcinfo, USE_ITEM, RESERVE_AT);
	char *order_ref = order_ref_of(fcinfo);
	TimestampTz until = reservation_end(order.at, PG_GETARG_DATUM(RESERVE_TTL));
	Redemption redemption;
	DiscountFacts facts;
	bool nulls[3] = {false};
	Datum values[3];
	int32 amount;
	pg_uuid_t code;

	order.order_ref = order_ref;
	schema_require_current();
	compat_materialize(fcinfo);
	SPI_connect();
	anchor_user_require(&order.user);
	if (redemption_read(&order, order_ref, &redemption))
		refuse_other_content(order_ref);
	/*
	 * The same order for another price or item is judged anew, and keeps the first end: an
	 * amount that no rule has judged would be shown, and refused when the order redeems it.
	 */
	if (!reservation_repeats(&order, order_ref, &until) ||
		!quote_read(&order, order_ref, &amount, &code))
	{
		facts = facts_lock(&order);
		amount = discount_amount(&order, &facts);
		entry_write(&order, &facts, order_ref, DISCOUNT_RESERVED, until);
		quote_write(&order, &facts, amount);
		place_require(&order, &facts);
	}
	SPI_finish();
	values[0] = Int32GetDatum(amount);
	values[1] = Int32GetDatum(order.base - amount);
	values[2] = TimestampTzGetDatum(until);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	return (Datum) 0;
}

/* SQL function: release_discount(user_id uuid, order_ref text) returns boolean */
PGDLLEXPORT Datum
coursebase_release_discount(PG_FUNCTION_ARGS)
{
	PlanValues values = {0};
	bool held;

	args_require_all(fcinfo);
	schema_require_current();
	args_bind(&values, fcinfo, 0);
	args_bind(&values, fcinfo, 1);
	plan_bind_null(&values); /* whatever the code is */
	SPI_connect();
	anchor_user_require(PG_GETARG_UUID_P(0));
	held =
		owner_execute(&find_reservation, values.datums, values.nulls, false) > 0 &&
		entry_free(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1), RESERVATION_CODE, DISCOUNT_RESERVED);
	SPI_finish();
	PG_RETURN_BOOL(held);
}

/* SQL function: reverse_discount(user_id uuid, order_ref text, at timestamptz) returns boolean
 */
PGDLLEXPORT Datum
coursebase_reverse_discount(PG_FUNCTION_ARGS)
{
	bool reversed;

	args_require_all(fcinfo);
	args_time(fcinfo, 2);
	schema_require_current();
	SPI_connect();
	anchor_user_require(PG_GETARG_UUID_P(0));
	reversed = use_reverse(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1), PG_GETARG_TIMESTAMPTZ(2));
	SPI_finish();
	PG_RETURN_BOOL(reversed);
}

/*
 * SQL function: restore_discount(user_id uuid, order_ref text, reversed_at timestamptz, at
 * timestamptz) returns boolean
 */
PGDLLEXPORT Datum
coursebase_restore_discount(PG_FUNCTION_ARGS)
{
	Datum values[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1), PG_GETARG_DATUM(2)};
	bool restored = false;

	args_require_all(fcinfo);
	args_time(fcinfo, 3);
	schema_require_current();
	SPI_connect();
	anchor_user_require(PG_GETARG_UUID_P(0));
	if (owner_execute(&find_reversed, values, NULL, false) > 0)
	{
		pg_uuid_t code = plan_uuid(0, 1);

		restored = use_restore(fcinfo, &code);
	}
	SPI_finish();
	PG_RETURN_BOOL(restored);
}

/*
 * SQL function: assign_discounts(user_id uuid, at timestamptz) returns integer
 *
 * An unknown or closed account gets none and is no error: the statement finds no open user.
 */
PGDLLEXPORT Datum
coursebase_assign_discounts(PG_FUNCTION_ARGS)
{
	Datum values[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	uint64 assigned;

	args_require_all(fcinfo);
	args_time(fcinfo, 1);
	schema_require_current();
	SPI_connect();
	anchor_user(PG_GETARG_UUID_P(0));
	assigned = owner_execute(&write_assignments, values, NULL, false);
	SPI_finish();
	PG_RETURN_INT32((int32) assigned);
}

static char *
order_ref_of(FunctionCallInfo fcinfo)
{
	args_id(fcinfo, USE_ORDER_REF);
	return text_to_cstring(PG_GETARG_TEXT_PP(USE_ORDER_REF));
}

/*
 * Locks the code, then the person's entry, reads the facts with a snapshot from after the
 * locks, and raises KB601 when a rule refuses. FOR KEY SHARE on the code keeps its counter from
 * being split meanwhile and lets other uses pass.
 */
static DiscountFacts
facts_lock(const DiscountOrder *order)
{
	const DiscountRule *failed;
	StringInfoData detail;
	DiscountFacts facts;

	if (order->code != NULL)
	{
		Datum values[] = {UUIDPGetDatum(&order->user), CStringGetTextDatum(order->code)};

		owner_execute(&lock_code, &values[1], NULL, false);
		owner_execute(&lock_entry, values, NULL, false);
	}
	facts = discount_facts_read(order, false);
	initStringInfo(&detail);
	failed = discount_verdict(order, &facts, &detail);
	if (failed != NULL)
		refuse(failed->reason, detail.data);
	return facts;
}

/*
 * Redeems what the order's reservation showed, or what the rules give now. A sale that was
 * refunded before its order is told keeps no use: no later refund would give it back.
 */
static void
use_write(const DiscountOrder *order, const char *order_ref, Redemption *redemption)
{
	TimestampTz refunded_at;

	if (!quote_redeem(order, order_ref, redemption))
	{
		DiscountFacts facts = facts_lock(order);

		entry_write(order, &facts, order_ref, DISCOUNT_REDEEMED, 0);
		redemption_write(order, &facts, order_ref, redemption);
		place_require(order, &facts);
	}
	if (!discount_sale_is_refunded(&order->user, order_ref, &refunded_at))
		return;
	use_reverse(UUIDPGetDatum(&order->user), CStringGetTextDatum(order_ref), refunded_at);
	redemption->reversed_at = refunded_at;
}

/* Whether the order has used a code, and then the use. */
static bool
redemption_read(const DiscountOrder *order, const char *order_ref, Redemption *redemption)
{
	PlanValues values = {0};

	plan_bind_uuid(&values, &order->user);
	plan_bind_text(&values, order_ref);
	plan_bind_text(&values, order->code);
	plan_bind_int32(&values, order->base);
	plan_bind_text(&values, order->currency);
	plan_bind_text(&values, order->product_type);
	plan_bind_text(&values, order->item);
	if (owner_execute(&read_redemption, values.datums, values.nulls, false) != 1)
		return false;
	redemption_keep(redemption);
	redemption->same = plan_bool_or(0, REDEMPTION_IS_SAME, false);
	return true;
}

static void
redemption_keep(Redemption *redemption)
{
	redemption->id = plan_uuid(0, REDEMPTION_ID);
	redemption->discount = plan_int32(0, REDEMPTION_DISCOUNT);
	redemption->final = plan_int32(0, REDEMPTION_FINAL);
	redemption->at = plan_time(0, REDEMPTION_AT);
	redemption->reversed_at = plan_time_or(0, REDEMPTION_REVERSED_AT, DT_NOEND);
}

/* A use of this order that the snapshot does not see stops at the unique key: the statement
 * writes nothing, and the order has other content. */
static void
redemption_write(const DiscountOrder *order, const DiscountFacts *facts, const char *order_ref,
				 Redemption *redemption)
{
	PlanValues values = {0};

	plan_bind_uuid(&values, &order->user);
	plan_bind_uuid(&values, &facts->code_id);
	plan_bind_text(&values, order_ref);
	plan_bind_int32(&values, order->base);
	plan_bind_int32(&values, discount_amount(order, facts));
	plan_bind_text(&values, order->currency);
	plan_bind_text(&values, order->product_type);
	plan_bind_text(&values, order->item);
	plan_bind_time(&values, order->at);
	if (owner_execute(&write_redemption, values.datums, values.nulls, false) != 1)
		refuse_other_content(order_ref);
	redemption_keep(redemption);
}

/*
 * Whether the order holds the code already; then until becomes the end that the first call
 * gave. Raises KB602 when the order holds another code, unless that reservation has ended.
 */
static bool
reservation_repeats(const DiscountOrder *order, const char *order_ref, TimestampTz *until)
{
	PlanValues values = {0};
	TimestampTz held;

	plan_bind_uuid(&values, &order->user);
	plan_bind_text(&values, order_ref);
	plan_bind_text(&values, order->code);
	if (owner_execute(&find_reservation, values.datums, values.nulls, false) == 0)
		return false;
	held = plan_time(0, RESERVATION_UNTIL);
	if (order->at >= held)
		return false;
	if (!plan_bool_or(0, RESERVATION_IS_SAME, false))
		refuse_other_content(order_ref);
	*until = held;
	return true;
}

/* Keeps what the reservation shows. */
static void
quote_write(const DiscountOrder *order, const DiscountFacts *facts, int32 amount)
{
	PlanValues values = {0};

	plan_bind_uuid(&values, &order->user);
	plan_bind_uuid(&values, &facts->code_id);
	plan_bind_int32(&values, order->base);
	plan_bind_int32(&values, amount);
	plan_bind_text(&values, order->currency);
	plan_bind_text(&values, order->product_type);
	plan_bind_text(&values, order->item);
	owner_execute(&write_quote, values.datums, values.nulls, false);
}

/* QUOTE_ARGS. */
static void
quote_bind(PlanValues *values, const DiscountOrder *order, const char *order_ref)
{
	plan_bind_uuid(values, &order->user);
	plan_bind_text(values, order->code);
	plan_bind_text(values, order_ref);
	plan_bind_int32(values, order->base);
	plan_bind_text(values, order->currency);
	plan_bind_text(values, order->product_type);
	plan_bind_text(values, order->item);
	plan_bind_time(values, order->at);
}

/* What the order's reservation showed, and its code; false where it lives no more, or is of
 * other content. */
static bool
quote_read(const DiscountOrder *order, const char *order_ref, int32 *amount, pg_uuid_t *code)
{
	PlanValues values = {0};

	quote_bind(&values, order, order_ref);
	if (owner_execute(&read_quote, values.datums, values.nulls, false) == 0)
		return false;
	*amount = plan_int32(0, 1);
	*code = plan_uuid(0, 2);
	return true;
}

/* Redeems what the order's reservation showed; false where there is no such quote. */
static bool
quote_redeem(const DiscountOrder *order, const char *order_ref, Redemption *redemption)
{
	pg_uuid_t code;
	Datum keys[] = {UUIDPGetDatum(&order->user), UUIDPGetDatum(&code)};
	PlanValues values = {0};
	int32 amount;

	if (order->code == NULL || !quote_read(order, order_ref, &amount, &code))
		return false;
	/* the code before the entry, in the order of every use; what was read is judged anew */
	owner_execute(&lock_code_by_id, &keys[1], NULL, false);
	owner_execute(&lock_entry_by_id, keys, NULL, false);
	quote_bind(&values, order, order_ref);
	if (owner_execute(&redeem_quote, values.datums, values.nulls, false) == 0)
		return false;
	redemption_keep(redemption);
	return true;
}

/* In days of UTC, whatever the session's time zone is: a time with a zone counts from the same
 * moment as one without. */
static TimestampTz
reservation_end(TimestampTz at, Datum ttl)
{
	const Interval *span = DatumGetIntervalP(ttl);
	TimestampTz until = at;

	/* a longer time, infinity too, would lead out of what a timestamp holds */
	if (abs(span->month) <= TTL_MONTHS && abs(span->day) <= TTL_DAYS)
		until = DatumGetTimestamp(
			DirectFunctionCall2(timestamp_pl_interval, TimestampGetDatum(at), ttl));
	if (until <= at)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("ttl must be a time above 0, and not without end")));
	return until;
}

/*
 * Makes the person's entry the order's: reserved until then, or redeemed. An entry that is
 * redeemed already and that the facts did not show (an older snapshot) is left alone, and the
 * use refused.
 */
static void
entry_write(const DiscountOrder *order, const DiscountFacts *facts, const char *order_ref,
			DiscountStatus status, TimestampTz until)
{
	PlanValues values = {0};

	plan_bind_uuid(&values, &order->user);
	plan_bind_uuid(&values, &facts->code_id);
	plan_bind_time(&values, order->at);
	plan_bind_text(&values, discount_status_names[status]);
	plan_bind_nullable(&values, TimestampTzGetDatum(until), status != DISCOUNT_RESERVED);
	plan_bind_text(&values, order_ref);
	if (owner_execute(&write_entry, values.datums, values.nulls, false) != 1)
		refuse("already_used", "It was used meanwhile.");
}

/* The last statement of a call, see discount.h. An entry that was reserved has its place
 * already, also when the reservation has ended and nobody took the place back. */
static void
place_require(const DiscountOrder *order, const DiscountFacts *facts)
{
	if (facts->status != DISCOUNT_RESERVED && !discount_place_take(&facts->code_id, order->at))
		refuse("limit_reached", "All places are taken.");
}

/* Gives the order's use of a code back; false when the order has none that stands. */
static bool
use_reverse(Datum user, Datum order_ref, TimestampTz at)
{
	Datum values[] = {user, order_ref, TimestampTzGetDatum(at)};

	if (owner_execute(&reverse_redemption, values, NULL, false) == 0)
		return false;
	entry_free(user, order_ref, 1, DISCOUNT_REDEEMED);
	return true;
}

/*
 * Gives the person's entry for the code, which the last plan's column names, back to the person
 * and the place to the code; false when the order does not have the entry in that status. The
 * code is locked before the entry and the counter, in the order of every use.
 */
static bool
entry_free(Datum user, Datum order_ref, int code_column, DiscountStatus status)
{
	pg_uuid_t code = plan_uuid(0, code_column);
	PlanValues values = {0};

	plan_bind(&values, user);
	plan_bind_uuid(&values, &code);
	plan_bind(&values, order_ref);
	plan_bind_text(&values, discount_status_names[status]);
	owner_execute(&lock_code_by_id, &values.datums[1], NULL, false);
	if (owner_execute(&free_entry, values.datums, NULL, false) == 0)
		return false;
	discount_place_give_back(&code);
	return true;
}

/* Takes the use again unless the person or others have taken it meanwhile. Locks as every use:
 * the code, the entry, the counter. */
static bool
use_restore(FunctionCallInfo fcinfo, const pg_uuid_t *code)
{
	Datum user = PG_GETARG_DATUM(0);
	TimestampTz at = PG_GETARG_TIMESTAMPTZ(3);
	Datum entry[] = {user, UUIDPGetDatum(code), TimestampTzGetDatum(at)};
	Datum order[] = {user, UUIDPGetDatum(code), PG_GETARG_DATUM(1)};

	owner_execute(&lock_code_by_id, &entry[1], NULL, false);
	if (owner_execute(&lock_unused, entry, NULL, false) == 0)
		return false;
	if (!plan_bool(0, 1) && !discount_place_take(code, at))
		return false;
	owner_execute(&restore_entry, order, NULL, false);
	owner_execute(&restore_redemption, order, NULL, false);
	return true;
}

static void
refuse(const char *reason, const char *detail)
{
	ereport(ERROR, (errcode(ERRCODE_CB_DISCOUNT_REFUSED),
					errmsg("the discount cannot be used: %s", reason), errdetail("%s", detail),
					errhint("coursebase.explain_discount() shows every rule.")));
}

static void
refuse_other_content(const char *order_ref)
{
	ereport(ERROR, (errcode(ERRCODE_CB_ORDER_CONFLICT),
					errmsg("the order has a discount already, with other content"),
					errdetail("Its order_ref is %s.", order_ref),
					errhint("Repeat the first call as it was, or use another order_ref.")));
}
