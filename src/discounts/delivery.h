/*
 * delivery.h: what referral.c writes about a referrer who lives in another cell.
 *
 * Each function is called between SPI_connect() and SPI_finish(), under the lock of the row of
 * users of the person brought. Where this is the only server they do nothing and answer false.
 * They write with the rights of the tables' owner and raise what a write can.
 */
#ifndef COURSEBASE_DISCOUNTS_DELIVERY_H
#define COURSEBASE_DISCOUNTS_DELIVERY_H

#include "postgres.h"

#include "utils/uuid.h"

/* Whether the person's referrer lives elsewhere; then *referrer is who it is. */
extern bool delivery_referrer(Datum user, pg_uuid_t *referrer);

/* Records that referrer; the caller has seen that the person has none yet. */
extern void delivery_attach(Datum user, Datum referrer);

/* The credit of the person's first premium, with the arguments of write_credit: user, at,
 * amount, currency, days of the hold, days after it. False where no referrer lives elsewhere,
 * or it was earned before. */
extern bool delivery_earn(Datum *values);

/* Takes it back within the hold: user, at. False where there is nothing to take. */
extern bool delivery_revoke(Datum *values);

/* Marks what delivery_revoke() took at that time as taken by a refund, and gives that back when
 * the refund is reversed: user, at. */
extern void delivery_mark_refunded(Datum *values);
extern void delivery_return(Datum *values);

#endif
