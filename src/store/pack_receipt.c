/*
 * pack_receipt.c: a server refunds a pack of credits by refund_credit_pack(), and the receipt
 * by which a store sold the pack follows.
 *
 * Invariant: the receipt is refunded exactly while all of its pack is. A refund of a part by
 * that function leaves the receipt as it is, for it names credits, and no part of the price,
 * until other refunds, of the store too, are of the rest of the pack.
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
 * Both come after every refund that the receipt has, whatever time the caller names: a refund
 * is of the rest that they left, and a reversal is of all of them, for the pack has been given
 * back. Of a pack of which a part is refunded still, it is of the refund that ended the
 * receipt.
 */
#define REFUNDS_OF_RECEIPT                                                                     \
	"FROM coursebase.store_refunds f WHERE (f.source, f.environment, f.purchase_id) "          \
	"= (x.source, x.environment, x.purchase_id) AND f.detail IS NOT NULL"
static KeptPlan read_turn = {
	.sql = "SELECT x.status = 'valid', "
		   "greatest($4, (SELECT max(f.refunded_at) " REFUNDS_OF_RECEIPT ")), "
		   "CASE WHEN p.claimed_credits > 0 THEN (SELECT f.refund_ref " REFUNDS_OF_RECEIPT
		   " AND f.status_before IS NOT NULL "
		   "ORDER BY f.created_at DESC, f.refunded_at DESC LIMIT 1) END "
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
	TURN_AT,
	TURN_REF,
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
	pack_receipt_settle(&(PurchaseKey){source, environment, purchase_id}, at);
}

bool
pack_receipt_settle(const PurchaseKey *key, TimestampTz at)
{
	PlanValues values = {0};

	purchase_key_bind(&values, key);
	plan_bind_time(&values, at);
	if (plan_execute(&read_turn, values.datums, values.nulls, false) == 0)
		return false;
	if (plan_bool(0, TURN_IS_REFUND))
		refund_of_pack(key, plan_time(0, TURN_AT));
	else
		reversal_of_pack(key, plan_text(0, TURN_REF), plan_time(0, TURN_AT));
	return true;
}
