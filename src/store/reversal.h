/*
 * reversal.h: what a purchase gets back when its refunds hold it no longer.
 *
 * Both functions need SPI and the rights of the tables' owner; the caller holds the rows of the
 * user and of the receipt.
 */
#ifndef COURSEBASE_STORE_REVERSAL_H
#define COURSEBASE_STORE_REVERSAL_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "store/refund_state.h"

/* Gives back what was taken before and is not taken by now; raises what reverse_store_refund()
 * does. */
extern void reversal_settle(const PurchaseKey *key, TimestampTz at, const RefundState *before);

/* Makes a refunded receipt one that is not paid yet, if no refund of the whole stands; false,
 * and nothing changed, otherwise. */
extern bool reversal_reopen(const PurchaseKey *key);

#endif
