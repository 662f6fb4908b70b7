/*
 * first_premium.h: who is told that a person's first premium began, was refunded, or came back.
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
	PREMIUM_REFUNDED,
	PREMIUM_RETURNED, /* the refund was reversed */
} PremiumTurn;

/* Called between SPI_connect() and SPI_finish(), under the lock of the user's row; may raise.
 */
typedef void (*PremiumListener)(PremiumTurn turn, const pg_uuid_t *user, TimestampTz at);

/* NULL: nobody is told. Set once, by _PG_init(). */
extern PremiumListener premium_listener;

#endif
