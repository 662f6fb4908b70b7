/*
 * refund_state.h: what the refunds of a purchase have taken of it by now, in whatever order
 * they and their reversals were told.
 *
 * A refund counts from when it was paid back, and no longer once it is reversed. All functions
 * need SPI and the rights of the tables' owner; the caller holds the row of the receipt.
 */
#ifndef COURSEBASE_STORE_REFUND_STATE_H
#define COURSEBASE_STORE_REFUND_STATE_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "store/purchase_key.h"

typedef struct RefundState
{
	int64 total;               /* the purchase, in units in which its parts are whole numbers */
	int64 taken;               /* of total, by the refunds that stand */
	bool ended;                /* the receipt is refunded, as it was written last */
	bool given;                /* it gave what it is for, before it was refunded */
	TimestampTz refunded_at;   /* of a receipt that is refunded */
	const char *status_before; /* of the receipt before it was refunded; NULL: never valid */
} RefundState;

/*
 * Reads the receipt and its refunds; allocates in the current context. A receipt that was
 * refunded before refunds had rows of their own gets one.
 */
extern void refund_state_read(const PurchaseKey *key, RefundState *state);

/* How many credits of the purchase's pack are between two amounts taken. */
extern int64 refund_state_credits(const PurchaseKey *key, const RefundState *state, int64 from,
								  int64 to);

/* Whether nothing of the purchase is left. */
static inline bool
refund_state_is_whole(const RefundState *state)
{
	return state->taken >= state->total;
}

#endif
