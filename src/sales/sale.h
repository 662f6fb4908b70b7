/*
 * sale.h: what sale.c, plain_sale.c, refund.c and payment_refund.c share.
 */
#ifndef COURSEBASE_SALES_SALE_H
#define COURSEBASE_SALES_SALE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "fmgr.h"
#include "utils/uuid.h"

/*
 * Adds the first row that the last plan gave to the answer of a function that returns a table:
 * its first columns, in their order. Needs compat_materialize(), which owns what is copied, and
 * SPI, whose memory the row is in.
 */
extern void sale_row_return(FunctionCallInfo fcinfo, int columns);

/*
 * Whether complete_purchase() fired the trigger that asks: it holds the lock of the product.
 * has_terms says whether that product has terms. Raises nothing.
 */
extern bool sale_product_is_locked(bool *has_terms);

/*
 * Tells that this transaction gives courses without a sale where no trigger sees it: a sale
 * that follows looks for what it gives too. Raises nothing.
 */
extern void sale_follows_gift(void);

/*
 * Writes the arguments from first on (currency, tax_in_cents, payment_intent_id, charge_id,
 * invoice_id) into the purchase of the session that another argument names; what is there
 * stays. Needs SPI and the lock of the buyer.
 */
#define SALE_REFERENCES 5
extern void sale_references_write(FunctionCallInfo fcinfo, int session, int first);

/*
 * Counts a refund that is not told yet in the place of the sums of refunds that stand; false,
 * and nothing is written, where none stands, and for a dispute or a sum. Raises as
 * refund_purchase() does. Needs SPI, and the locks of the buyer and the purchase.
 */
extern bool sale_totals_yield(const pg_uuid_t *purchase, const char *ref, int64 amount,
							  TimestampTz at);

/* What a refund answers of a purchase s; at last the courses that it took, which nothing else
 * gives at that time. */
#define SALE_REFUND_COLUMNS(at)                                                                \
	"s.id, s.refunded_in_cents, s.refunded_at,"                                                \
	" ARRAY(SELECT g.course_id FROM coursebase.course_grants g"                                \
	"  WHERE g.purchase_id = s.id AND g.user_id = s.user_id AND s.refunded_at IS NOT NULL"     \
	"  AND NOT EXISTS (SELECT FROM coursebase.course_grants o"                                 \
	"   LEFT JOIN coursebase.purchases p ON p.id = o.purchase_id"                              \
	"   WHERE o.user_id = g.user_id AND o.course_id = g.course_id"                             \
	"   AND p.refunded_at IS NULL AND (o.expires_at IS NULL OR o.expires_at > " at "))"        \
	"  ORDER BY g.course_id)"

#endif
