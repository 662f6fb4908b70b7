/*
 * stripe.h: what Stripe's webhooks send: events of checkouts, subscriptions, invoices, refunds
 * and disputes.
 *
 * Plain C. The header Stripe-Signature is read here, and checked by the caller.
 */
#ifndef COURSEBASE_NOTIFICATIONS_STRIPE_H
#define COURSEBASE_NOTIFICATIONS_STRIPE_H

#include "notifications/fields.h"
#include "notifications/notice.h"

/* Signatures of one header; Stripe sends one for each secret during a rotation. */
#define STRIPE_SIGNATURES 8

typedef struct StripeHeader
{
	JsonSlice timestamp; /* the digits, which are signed as they came */
	int64_t seconds;     /* since 1970 */
	unsigned char signatures[STRIPE_SIGNATURES][32];
	int nsignatures;
} StripeHeader;

/* False for a header that has no time, or no signature of the scheme v1; others are passed
 * over. */
extern bool stripe_header_read(JsonSlice header, StripeHeader *parts);

/* room (STRIPE_ROOM bytes) holds the subtype that is put together from what changed. */
#define STRIPE_ROOM 128
extern bool stripe_read(JsonSlice body, char *room, StoreNotice *notice, FieldFault *fault);

#endif
