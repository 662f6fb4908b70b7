/*
 * first_premium.h: who is told that a person's first premium began, and whether it is given
 * back.
 *
 * The slice discounts pays whoever brought the person. It stands to the right of billing, so
 * billing must not call it by name: discounts sets the listener when the library is loaded.
 */
#ifndef COURSEBASE_BILLING_FIRST_PREMIUM_H
#define COURSEBASE_BILLING_FIRST_PREMIUM_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/uuid.h"

typedef enum PremiumTurn
{
	PREMIUM_BEGAN,
	PREMIUM_TURNED, /* the first payment may be another one, given back, or no longer */
} PremiumTurn;

/* Called between SPI_connect() and SPI_finish(), under the lock of the user's row; may raise.
 */
typedef void (*PremiumListener)(PremiumTurn turn, const pg_uuid_t *user, TimestampTz at);

/* NULL: nobody is told. Set once, by _PG_init(). */
extern PremiumListener premium_listener;

typedef enum FirstPayment
{
	FIRST_PAYMENT_NONE,
	FIRST_PAYMENT_STANDS,
	FIRST_PAYMENT_GIVEN_BACK,
} FirstPayment;

/*
 * What became of the first payment of the person's lines that were paid for, by the log. A line
 * that another one took the place of goes on in that one; a gift is no payment. Needs SPI.
 */
extern FirstPayment first_payment_find(const pg_uuid_t *user);

#endif
