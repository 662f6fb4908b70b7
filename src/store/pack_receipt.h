/*
 * pack_receipt.h: the receipt of a pack follows the pack that refund_credit_pack() refunds.
 *
 * All but pack_receipt_init() need SPI and the rights of the tables' owner; the
 * caller holds the locks of purchase_lock().
 */
#ifndef COURSEBASE_STORE_PACK_RECEIPT_H
#define COURSEBASE_STORE_PACK_RECEIPT_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "store/purchase_key.h"

/* Registers with the slice allowance. Called once, when the library is loaded; raises nothing.
 */
extern void pack_receipt_init(void);

/* Makes the receipt, if there is one, refunded or valid, as the pack is by now; whether it was
 * something else. */
extern bool pack_receipt_settle(const PurchaseKey *key, TimestampTz at);

/* refund.c: makes a valid receipt refunded, whose pack was taken back already. */
extern void refund_of_pack(const PurchaseKey *key, TimestampTz at);

/* reversal.c: makes a refunded receipt valid, whose pack was given back already. Its refund ref
 * is reversed; NULL: its refunds until then. */
extern void reversal_of_pack(const PurchaseKey *key, const char *ref, TimestampTz at);

#endif
