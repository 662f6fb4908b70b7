/*
 * pack_receipt.c: a server refunds a pack of credits by refund_credit_pack(), and the receipt
 * by which a store sold the pack follows.
 *
 * Invariant: the receipt is refunded exactly while all of its pack is. A refund of a part by
 * that function leaves the receipt as it is, for it names credits, and no part of the price.
 *
 * Locks: purchase_lock.c. Rights: the caller's, which are those of the tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "allowance/pack_receipt.h"
#include "core/plan.h"
#include "store/pack_receipt.h"
#include "store/purchase_lock.h"

/*
 * A reversal is of every refund that the receipt has, whatever time its caller names: the pack
 * has been given back.
 */
static KeptPlan read_turn = {
	.sql = "SELECT x.status = 'valid', greatest($4, (SELECT max(f.refunded_at) "
		   "FROM coursebase.store_refunds f WHERE (f.source, f.environment, f.purchase_id) "
		   "= (x.source, x.environment, x.purchase_id))) "
		   "FROM coursebase.store_receipts x JOIN coursebase.ai_credit_purchases p "
		   "ON (p.source, p.environment, p.purchase_id) "
		   "= (x.source, x.environment, x.purchase_id) WHERE " PURCHASE_KEY
		   " AND (x.status, p.status) IN (('valid', 'refunded'), ('refunded', 'valid'))",
	.nargs = 4,
	.types = {TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID},
};
enum
{
	TURN_IS_REFUND = 1,
	TURN_REVERSED_AT,
};

static void pack_lock(const char *source, const char *environment, const char *purchase_id);
static void pack_settle(const char *source, const char *environment, const char *purchase_id,
						TimestampTz at);

static const PackReceiptKeeper keeper = {.lock = pack_lock, .settle = pack_settle};

void
pack_receipt_init(void)
{
	pack_receipt_keeper = &keeper;
}

static void
pack_lock(const char *source, const char *environment, const char *purchase_id)
{
	purchase_lock(&(PurchaseKey){source, environment, purchase_id}, NULL, NULL);
}

static void
pack_settle(const char *source, const char *environment, const char *purchase_id,
			TimestampTz at)
{
	PurchaseKey key = {source, environment, purchase_id};
	PlanValues values = {0};

	purchase_key_bind(&values, &key);
	plan_bind_time(&values, at);
	if (plan_execute(&read_turn, values.datums, values.nulls, false) == 0)
		return;
	if (plan_bool(0, TURN_IS_REFUND))
		refund_of_pack(&key, at);
	else
		reversal_of_pack(&key, plan_time(0, TURN_REVERSED_AT));
}
