/*
 * purchase_lock.h: the locks that a refund or its reversal begins with, and whose the use of a
 * discount is.
 */
#ifndef COURSEBASE_STORE_PURCHASE_LOCK_H
#define COURSEBASE_STORE_PURCHASE_LOCK_H

#include "postgres.h"

#include "store/purchase_key.h"

/*
 * Joins to a row x of store_receipts the use d of the discount that the receipt redeemed: that
 * of who bought, whoever has the purchase by now.
 */
#define JOIN_DISCOUNT_USE                                                                      \
	"LEFT JOIN coursebase.discount_redemptions d ON d.id = x.discount_redemption_id "          \
	"OR x.discount_redemption_id IS NULL AND d.user_id = x.user_id "                           \
	"AND d.order_ref = x.discount_order_ref "

/*
 * Locks everybody whom the purchase concerns, then its receipt: whose it is, and who used a
 * discount for it. False, and nothing is locked, where nobody knows the purchase; true also for
 * a receipt that is nobody's.
 *
 * line, bringer: NULL, or the store's subscription that a receipt names and the person who
 * brings the receipt, who with the one who has the line are among the people.
 *
 * Needs SPI and the rights of the tables' owner; overwrites SPI_tuptable. Raises what
 * people_lock() raises.
 */
extern bool purchase_lock(const PurchaseKey *key, const char *line, const pg_uuid_t *bringer);

#endif
