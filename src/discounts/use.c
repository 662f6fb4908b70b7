/*
 * use.c: a discount is assigned, reserved, used and given back.
 *
 * Invariants: an order uses one discount, and its first result is its result for ever; a person
 * has one entry for a code, and the entries that are reserved or redeemed are the places that
 * the code's counter counts; the terms are kept with the use, whatever becomes of the code.
 *
 * Everything about one person happens under the lock of their row of users, and is read
 * afterwards. What an older snapshot (REPEATABLE READ) could not see stops at a unique key and
 * ends as a serialization failure.
 *
 * Rights: the server's alone; the statements run with the owner's rights.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "core/args.h"
#include "core/compat.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/schema.h"
#include "discounts/discount.h"
#include "identity/anchor.h"

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
/* Whether a row is of the code that was given. */
#define ENTRY_CODE_IS    DISCOUNT_CODE_IS("c.code", "$2")
#define REDEEMED_CODE_IS DISCOUNT_CODE_IS("terms ->> 'code'", "$3")
#define RESERVED_CODE_IS DISCOUNT_CODE_IS("c.code", "$3")

static KeptPlan lock_entry = {
	.sql = "SELECT FROM coursebase.user_discounts d JOIN coursebase.discount_codes c"
		   " ON c.id = d.discount_code_id AND " ENTRY_CODE_IS
		   " WHERE d.user_id = $1 FOR NO KEY UPDATE OF d",
	.nargs = 2,
	.types = {UUIDOID, TEXTOID},
};
static KeptPlan read_redemption = {
	.sql = "SELECT id, discount_in_cents, final_in_cents, redeemed_at, reversed_at,"
		   " base_in_cents = $4 AND currency = upper(btrim($5))"
		   " AND " REDEEMED_CODE_IS " AND terms ->> 'ordered_type' = $6"
		   " AND terms ->> 'ordered_item' IS NOT DISTINCT FROM $7"
		   " FROM coursebase.discount_redemptions WHERE user_id = $1 AND order_ref = $2",
	.nargs = 7,
	.types = {UUIDOID, TEXTOID, TEXTOID, INT8OID, TEXTOID, TEXTOID, TEXTOID},
};
static KeptPlan write_entry = {
	.sql = "INSERT INTO coursebase.user_discounts AS d"
		   " (user_id, discount_code_id, assigned_at, status, reserved_until, order_ref)"
		   " VALUES ($1, $2, $3, $4, $5, $6)"
		   " ON CONFLICT (user_id, discount_code_id) DO UPDATE SET status = excluded.status,"
		   " reserved_until = excluded.reserved_until, order_ref = excluded.order_ref"
		   " WHERE d.status <> 'redeemed'",
	.nargs = 6,
	.types = {UUIDOID, UUIDOID, TIMESTAMPTZOID, TEXTOID, TIMESTAMPTZOID, TEXTOID},
};
static KeptPlan write_redemption = {
	.sql = "INSERT INTO coursebase.discount_redemptions (user_id, discount_code_id, order_ref,"
		   " base_in_cents, discount_in_cents, final_in_cents, currency, terms, redeemed_at)"
		   " SELECT $1, c.id, $3, $4, $5, $4 - $5, upper(btrim($6)),"
		   " jsonb_build_object('code', c.code, 'product_type', c.product_type,"
		   "  'item', c.item, 'percent_off', c.percent_off,"
		   "  'amount_off_in_cents', c.amount_off_in_cents, 'currency', c.currency,"
		   "  'lifespan', c.lifespan, 'starts_at', c.starts_at, 'expires_at', c.expires_at,"
		   "  'max_redemptions', c.max_redemptions,"
		   "  'first_purchase_only', c.first_purchase_only,"
		   "  'minimum_in_cents', c.minimum_in_cents, 'cohort_id', c.cohort_id,"
		   "  'referrer_id', c.referrer_id, 'product_suffix', c.product_suffix,"
		   "  'ordered_type', $7, 'ordered_item', $8), $9"
		   " FROM coursebase.discount_codes c WHERE c.id = $2"
		   " ON CONFLICT (user_id, order_ref) DO NOTHING"
		   " RETURNING id, discount_in_cents, final_in_cents, redeemed_at, reversed_at",
	.nargs = 9,
	.types = {UUIDOID, UUIDOID, TEXTOID, INT8OID, INT8OID, TEXTOID, TEXTOID, TEXTOID,
			  TIMESTAMPTZOID},
};
static KeptPlan find_reservation = {
	.sql = "SELECT d.discount_code_id, d.reserved_until,"
		   " " RESERVED_CODE_IS " FROM coursebase.user_discounts d"
		   " JOIN coursebase.discount_codes c ON c.id = d.discount_code_id"
		   " WHERE d.user_id = $1 AND d.order_ref = $2 AND d.status = 'reserved'"
		   " ORDER BY d.reserved_until DESC",
	.nargs = 3,
	.types = {UUIDOID, TEXTOID, TEXTOID},
};
static KeptPlan free_entry = {
	.sql = "UPDATE coursebase.user_discounts"
		   " SET status = 'assigned', reserved_until = NULL, order_ref = NULL"
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
static KeptPlan write_assignments = {
	.sql = "INSERT INTO coursebase.user_discounts"
		   " (user_id, discount_code_id, assigned_at, expires_at)"
		   " SELECT u.id, c.id, $2, least($2 + c.lifespan, c.expires_at)"
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

/* A use of a discount, as its row has it. */
typedef struct Redemption
{
	Datum values[5]; /* id, discount, final, redeemed_at, reversed_at */
	bool nulls[5];
	bool same; /* as the order that asks */
} Redemption;

static char *order_ref_of(FunctionCallInfo fcinfo, int argument);
static DiscountFacts facts_lock(const DiscountOrder *order);
static bool redemption_read(const DiscountOrder *order, const char *order_ref,
							Redemption *redemption);
static void redemption_keep(Redemption *redemption);
static void redemption_write(const DiscountOrder *order, const DiscountFacts *facts,
							 const char *order_ref, Redemption *redemption);
static bool reservation_repeats(const DiscountOrder *order, const char *order_ref,
								TimestampTz *until);
static TimestampTz reservation_end(TimestampTz at, Datum ttl);
static void entry_write(const DiscountOrder *order, const DiscountFacts *facts,
						const char *order_ref, const char *status, TimestampTz until);
static void place_require(const DiscountOrder *order, const DiscountFacts *facts);
static bool entry_free(const pg_uuid_t *user, Datum code, Datum order_ref, const char *status);
pg_noreturn static void refuse(const char *reason, const char *detail);
pg_noreturn static void refuse_other_content(const char *order_ref);

PG_FUNCTION_INFO_V1(coursebase_redeem_discount);
PG_FUNCTION_INFO_V1(coursebase_reserve_discount);
PG_FUNCTION_INFO_V1(coursebase_release_discount);
PG_FUNCTION_INFO_V1(coursebase_reverse_discount);
PG_FUNCTION_INFO_V1(coursebase_assign_discounts);

/*
 * SQL function: redeem_discount(user_id uuid, code text, product_type text, base_in_cents
 * bigint, currency text, order_ref text, item text, at timestamptz) returns table
 * (redemption_id uuid, discount_in_cents bigint, final_in_cents bigint, redeemed_at
 * timestamptz, reversed_at timestamptz)
 */
PGDLLEXPORT Datum
coursebase_redeem_discount(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	DiscountOrder order = discount_order(fcinfo, 6, 7);
	char *order_ref = order_ref_of(fcinfo, 5);
	Redemption redemption;

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
	{
		DiscountFacts facts = facts_lock(&order);

		entry_write(&order, &facts, order_ref, "redeemed", 0);
		redemption_write(&order, &facts, order_ref, &redemption);
		place_require(&order, &facts);
	}
	redemption.values[0] = SPI_datumTransfer(redemption.values[0], false, UUID_LEN);
	SPI_finish();
	tuplestore_putvalues(result->setResult, result->setDesc, redemption.values,
						 redemption.nulls);
	return (Datum) 0;
}

/*
 * SQL function: reserve_discount(user_id uuid, code text, product_type text, base_in_cents
 * bigint, currency text, order_ref text, item text, ttl interval, at timestamptz) returns table
 * (discount_in_cents bigint, final_in_cents bigint, reserved_until timestamptz)
 */
PGDLLEXPORT Datum
coursebase_reserve_discount(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	DiscountOrder order = discount_order(fcinfo, 6, 8);
	char *order_ref = order_ref_of(fcinfo, 5);
	TimestampTz until = reservation_end(order.at, PG_GETARG_DATUM(7));
	Redemption redemption;
	DiscountFacts facts;
	bool nulls[3] = {false};
	Datum values[3];
	int64 amount;

	schema_require_current();
	compat_materialize(fcinfo);
	SPI_connect();
	anchor_user_require(&order.user);
	if (redemption_read(&order, order_ref, &redemption))
		refuse_other_content(order_ref);
	if (reservation_repeats(&order, order_ref, &until))
		facts = discount_facts_read(&order, false);
	else
	{
		facts = facts_lock(&order);
		entry_write(&order, &facts, order_ref, "reserved", until);
		place_require(&order, &facts);
	}
	SPI_finish();
	amount = discount_amount(&order, &facts);
	values[0] = Int64GetDatum(amount);
	values[1] = Int64GetDatum(order.base - amount);
	values[2] = TimestampTzGetDatum(until);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	return (Datum) 0;
}

/* SQL function: release_discount(user_id uuid, order_ref text) returns boolean */
PGDLLEXPORT Datum
coursebase_release_discount(PG_FUNCTION_ARGS)
{
	Datum values[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1), (Datum) 0};
	bool held;
	bool null;

	args_require_all(fcinfo);
	schema_require_current();
	SPI_connect();
	anchor_user_require(PG_GETARG_UUID_P(0));
	held = owner_execute(&find_reservation, values, "  n", false) > 0;
	if (held)
		held = entry_free(PG_GETARG_UUID_P(0), plan_value(0, 1, &null), values[1], "reserved");
	SPI_finish();
	PG_RETURN_BOOL(held);
}

/* SQL function: reverse_discount(user_id uuid, order_ref text, at timestamptz) returns boolean
 */
PGDLLEXPORT Datum
coursebase_reverse_discount(PG_FUNCTION_ARGS)
{
	Datum values[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1), PG_GETARG_DATUM(2)};
	bool reversed;
	bool null;

	args_require_all(fcinfo);
	schema_require_current();
	SPI_connect();
	anchor_user_require(PG_GETARG_UUID_P(0));
	reversed = owner_execute(&reverse_redemption, values, NULL, false) > 0;
	if (reversed)
		entry_free(PG_GETARG_UUID_P(0), plan_value(0, 1, &null), values[1], "redeemed");
	SPI_finish();
	PG_RETURN_BOOL(reversed);
}

/*
 * SQL function: assign_discounts(user_id uuid, at timestamptz) returns integer
 *
 * Of a person who is not there, or not any more: none.
 */
PGDLLEXPORT Datum
coursebase_assign_discounts(PG_FUNCTION_ARGS)
{
	Datum values[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	uint64 assigned;

	args_require_all(fcinfo);
	schema_require_current();
	SPI_connect();
	anchor_user(PG_GETARG_UUID_P(0));
	assigned = owner_execute(&write_assignments, values, NULL, false);
	SPI_finish();
	PG_RETURN_INT32((int32) assigned);
}

static char *
order_ref_of(FunctionCallInfo fcinfo, int argument)
{
	char *order_ref = text_to_cstring(PG_GETARG_TEXT_PP(argument));

	if (order_ref[0] == '\0')
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("order_ref must not be empty")));
	return order_ref;
}

/* Locks code and entry, and raises when a rule refuses. */
static DiscountFacts
facts_lock(const DiscountOrder *order)
{
	Datum values[] = {UUIDPGetDatum(&order->user), (Datum) 0};
	const DiscountRule *failed;
	StringInfoData detail;
	DiscountFacts facts;

	if (order->code != NULL)
	{
		values[1] = CStringGetTextDatum(order->code);
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

static bool
redemption_read(const DiscountOrder *order, const char *order_ref, Redemption *redemption)
{
	Datum values[] = {UUIDPGetDatum(&order->user),
					  CStringGetTextDatum(order_ref),
					  (Datum) 0,
					  Int64GetDatum(order->base),
					  CStringGetTextDatum(order->currency),
					  CStringGetTextDatum(order->product_type),
					  (Datum) 0};
	char nulls[lengthof(values)];
	bool null;

	memset(nulls, ' ', sizeof(nulls));
	nulls[2] = order->code == NULL ? 'n' : ' ';
	nulls[6] = order->item == NULL ? 'n' : ' ';
	if (order->code != NULL)
		values[2] = CStringGetTextDatum(order->code);
	if (order->item != NULL)
		values[6] = CStringGetTextDatum(order->item);
	if (owner_execute(&read_redemption, values, nulls, false) != 1)
		return false;
	redemption_keep(redemption);
	redemption->same = DatumGetBool(plan_value(0, 6, &null)) && !null;
	return true;
}

static void
redemption_keep(Redemption *redemption)
{
	for (int i = 0; i < lengthof(redemption->values); i++)
		redemption->values[i] = plan_value(0, i + 1, &redemption->nulls[i]);
}

static void
redemption_write(const DiscountOrder *order, const DiscountFacts *facts, const char *order_ref,
				 Redemption *redemption)
{
	Datum values[] = {UUIDPGetDatum(&order->user),
					  UUIDPGetDatum(&facts->code_id),
					  CStringGetTextDatum(order_ref),
					  Int64GetDatum(order->base),
					  Int64GetDatum(discount_amount(order, facts)),
					  CStringGetTextDatum(order->currency),
					  CStringGetTextDatum(order->product_type),
					  (Datum) 0,
					  TimestampTzGetDatum(order->at)};

	if (order->item != NULL)
		values[7] = CStringGetTextDatum(order->item);
	if (owner_execute(&write_redemption, values, order->item == NULL ? "       n " : NULL,
					  false) != 1)
		refuse_other_content(order_ref);
	redemption_keep(redemption);
}

/*
 * The order holds the code already: until is when the first call said. An order that holds
 * another code raises, unless its time is over.
 */
static bool
reservation_repeats(const DiscountOrder *order, const char *order_ref, TimestampTz *until)
{
	Datum values[] = {UUIDPGetDatum(&order->user), CStringGetTextDatum(order_ref), (Datum) 0};
	TimestampTz held;
	bool null;

	if (order->code != NULL)
		values[2] = CStringGetTextDatum(order->code);
	if (owner_execute(&find_reservation, values, order->code == NULL ? "  n" : NULL, false) ==
		0)
		return false;
	held = DatumGetTimestampTz(plan_value(0, 2, &null));
	if (order->at >= held)
		return false;
	if (!DatumGetBool(plan_value(0, 3, &null)))
		refuse_other_content(order_ref);
	*until = held;
	return true;
}

static TimestampTz
reservation_end(TimestampTz at, Datum ttl)
{
	TimestampTz until = DatumGetTimestampTz(
		DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(at), ttl));

	if (until <= at || TIMESTAMP_NOT_FINITE(until))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("ttl must be a time above 0, and not without end")));
	return until;
}

/* until counts for status reserved alone. */
static void
entry_write(const DiscountOrder *order, const DiscountFacts *facts, const char *order_ref,
			const char *status, TimestampTz until)
{
	bool reserved = strcmp(status, "reserved") == 0;
	Datum values[] = {UUIDPGetDatum(&order->user),    UUIDPGetDatum(&facts->code_id),
					  TimestampTzGetDatum(order->at), CStringGetTextDatum(status),
					  TimestampTzGetDatum(until),     CStringGetTextDatum(order_ref)};

	if (owner_execute(&write_entry, values, reserved ? NULL : "    n ", false) != 1)
		refuse("already_used", "It was used meanwhile.");
}

/* The last of all, see discount.h. An entry that was reserved has its place. */
static void
place_require(const DiscountOrder *order, const DiscountFacts *facts)
{
	if (facts->status != DISCOUNT_RESERVED && !discount_place_take(&facts->code_id, order->at))
		refuse("limit_reached", "All places are taken.");
}

/* The entry is the user's again, if the order had it in that status, and its place the code's.
 */
static bool
entry_free(const pg_uuid_t *user, Datum code, Datum order_ref, const char *status)
{
	pg_uuid_t code_id = *DatumGetUUIDP(code);
	Datum values[] = {UUIDPGetDatum(user), UUIDPGetDatum(&code_id), order_ref,
					  CStringGetTextDatum(status)};

	owner_execute(&lock_code_by_id, &values[1], NULL, false);
	if (owner_execute(&free_entry, values, NULL, false) == 0)
		return false;
	discount_place_give_back(&code_id);
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
