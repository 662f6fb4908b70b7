/*
 * refund_state.c: what the refunds of a purchase have taken of it by now.
 *
 * Stores tell refunds and reversals late, twice and in any order. So nothing is added up as it
 * is told: the answer is counted anew from the rows of store_refunds, in the order in which the
 * money was paid back.
 *
 * Invariants: a refund of a part takes its part of what was left then, one of the whole takes
 * all that was left. What is reversed takes nothing from then on.
 *
 * Locks: none; the caller holds the row of the receipt.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"

#include "core/plan.h"
#include "store/refund_state.h"

#define KEY_OF_RECEIPT "(x.source, x.environment, x.purchase_id)"

/* A refund that came before its receipt, or before refunds had rows. */
static KeptPlan write_implicit = {
	.sql = "INSERT INTO coursebase.store_refunds (source, environment, purchase_id, "
		   "refund_ref, refunded_at, detail) SELECT $1, $2, $3, '1', x.refunded_at, "
		   "coalesce(x.refund_detail, 'It came before its receipt.') "
		   "FROM coursebase.store_receipts x WHERE " PURCHASE_KEY " AND x.status = 'refunded' "
		   "AND NOT EXISTS (SELECT FROM coursebase.store_refunds f "
		   "WHERE (f.source, f.environment, f.purchase_id) = " KEY_OF_RECEIPT
		   " AND f.detail IS NOT NULL) ON CONFLICT DO NOTHING",
	.nargs = 3,
	.types = {TEXTOID, TEXTOID, TEXTOID},
};
/* What a subscription gave stands in its events: a receipt that was valid gave it. */
static KeptPlan read_receipt = {
	.sql = "SELECT x.quantity::bigint, x.amount_in_cents::bigint, x.status = 'refunded', "
		   "coalesce(x.kind = 'subscription' AND b.status_before IS NOT NULL "
		   "OR EXISTS (SELECT FROM coursebase.course_purchases c "
		   "WHERE (c.source, c.environment, c.purchase_id) = " KEY_OF_RECEIPT ") "
		   "OR EXISTS (SELECT FROM coursebase.ai_credit_purchases a "
		   "WHERE (a.source, a.environment, a.purchase_id) = " KEY_OF_RECEIPT ") "
		   "OR EXISTS (SELECT FROM coursebase.custom_course_purchases m "
		   "WHERE (m.source, m.environment, m.purchase_id) = " KEY_OF_RECEIPT "), false), "
		   "x.refunded_at, b.status_before "
		   "FROM coursebase.store_receipts x LEFT JOIN LATERAL ("
		   "SELECT f.status_before FROM coursebase.store_refunds f "
		   "WHERE (f.source, f.environment, f.purchase_id) = " KEY_OF_RECEIPT
		   " AND f.status_before <> 'refunded' "
		   "ORDER BY f.created_at DESC, f.refunded_at DESC LIMIT 1) b ON true "
		   "WHERE " PURCHASE_KEY,
	.nargs = 3,
	.types = {TEXTOID, TEXTOID, TEXTOID},
};
enum
{
	READ_QUANTITY = 1,
	READ_AMOUNT, /* null: nobody knows what was paid */
	READ_ENDED,
	READ_GIVEN,
	READ_REFUNDED_AT,
	READ_STATUS_BEFORE,
};
/* A reversal that names a refund that has not come has a row without a detail. */
static KeptPlan list_refunds = {
	.sql = "SELECT x.quantity::bigint, x.amount_in_cents::bigint, x.refunded_at, x.reversed_at "
		   "FROM coursebase.store_refunds x WHERE " PURCHASE_KEY " AND x.detail IS NOT NULL "
		   "ORDER BY x.refunded_at, x.quantity IS NULL AND x.amount_in_cents IS NULL, "
		   "x.refund_ref COLLATE \"C\"",
	.nargs = 3,
	.types = {TEXTOID, TEXTOID, TEXTOID},
};
enum
{
	LIST_QUANTITY = 1, /* null, as the next one: of the whole */
	LIST_AMOUNT,
	LIST_REFUNDED_AT,
	LIST_REVERSED_AT,
};
/* numeric, because credits times units may pass bigint. div() rounds toward zero. */
static KeptPlan count_credits = {
	.sql = "SELECT (div(x.credits::numeric * $5, $6) - div(x.credits::numeric * $4, $6))"
		   "::bigint FROM coursebase.ai_credit_purchases x WHERE " PURCHASE_KEY,
	.nargs = 6,
	.types = {TEXTOID, TEXTOID, TEXTOID, INT8OID, INT8OID, INT8OID},
};

/* A refund in units of the purchase. */
typedef struct RefundEntry
{
	int64 units; /* REFUND_OF_THE_REST: all that is left */
	int64 taken;
	TimestampTz at;
	TimestampTz until; /* DT_NOEND: it stands */
} RefundEntry;

#define REFUND_OF_THE_REST PG_INT64_MAX

static int64 entry_units(uint64 row, int64 quantity, int64 amount);
static int64 entries_count(RefundEntry *entries, uint64 count, int64 total);

/*
 * Counts in units: a purchase of `quantity` pieces for `amount` minor units has quantity *
 * amount of them, so that refunds of pieces and of money add up in whole numbers. Where nobody
 * knows what was paid, a piece is one unit.
 */
void
refund_state_read(const PurchaseKey *key, RefundState *state)
{
	PlanValues values = {0};
	RefundEntry *entries;
	int64 quantity, amount;
	uint64 count;

	memset(state, 0, sizeof(*state));
	purchase_key_bind(&values, key);
	plan_execute(&write_implicit, values.datums, values.nulls, false);
	if (plan_execute(&read_receipt, values.datums, values.nulls, false) != 1)
		elog(ERROR, "a receipt that is there could not be read");
	quantity = plan_int64(0, READ_QUANTITY);
	amount = plan_int64_or(0, READ_AMOUNT, -1);
	state->total = quantity * Max(amount, 1);
	state->ended = plan_bool(0, READ_ENDED);
	state->given = plan_bool(0, READ_GIVEN);
	state->refunded_at = plan_time_or(0, READ_REFUNDED_AT, DT_NOBEGIN);
	state->status_before = plan_text(0, READ_STATUS_BEFORE);
	count = plan_execute(&list_refunds, values.datums, values.nulls, false);
	entries = palloc_extended((count + 1) * sizeof(RefundEntry), MCXT_ALLOC_HUGE);
	for (uint64 row = 0; row < count; row++)
	{
		entries[row].units = entry_units(row, quantity, amount);
		entries[row].at = plan_time(row, LIST_REFUNDED_AT);
		entries[row].until = plan_time_or(row, LIST_REVERSED_AT, DT_NOEND);
	}
	state->taken = entries_count(entries, count, state->total);
}

/* amount -1: a sum of what nobody knows the price of takes nothing. */
static int64
entry_units(uint64 row, int64 quantity, int64 amount)
{
	int64 of_quantity = plan_int64_or(row, LIST_QUANTITY, 0);
	int64 of_amount = plan_int64_or(row, LIST_AMOUNT, 0);

	if (of_quantity > 0)
		return of_quantity * Max(amount, 1);
	if (of_amount > 0)
		return amount < 0 ? 0 : of_amount * quantity;
	return REFUND_OF_THE_REST;
}

/*
 * Each refund takes of what the earlier ones had left at its time; an earlier one that was
 * reversed by then had left it all. The sum counts the refunds that stand now.
 */
static int64
entries_count(RefundEntry *entries, uint64 count, int64 total)
{
	int64 taken = 0;

	for (uint64 i = 0; i < count; i++)
	{
		int64 left = total;

		CHECK_FOR_INTERRUPTS();
		for (uint64 earlier = 0; earlier < i; earlier++)
			if (entries[earlier].until > entries[i].at)
				left -= entries[earlier].taken;
		entries[i].taken = Min(entries[i].units, left);
		if (entries[i].until == DT_NOEND)
			taken += entries[i].taken;
	}
	return taken;
}

/*
 * The credits of the units from one mark to another. Both marks are rounded down and then
 * subtracted, so that the parts of a pack always add up to the whole pack.
 */
int64
refund_state_credits(const PurchaseKey *key, const RefundState *state, int64 from, int64 to)
{
	PlanValues values = {0};

	purchase_key_bind(&values, key);
	plan_bind_int64(&values, from);
	plan_bind_int64(&values, to);
	plan_bind_int64(&values, state->total);
	return plan_execute(&count_credits, values.datums, values.nulls, false) == 0
			   ? 0
			   : plan_int64(0, 1);
}
