/*
 * notice.h: what a store said about a subscription, checked: an event that is not in the log.
 *
 * Texts belong to the caller and must live until the call ends.
 */
#ifndef COURSEBASE_BILLING_NOTICE_H
#define COURSEBASE_BILLING_NOTICE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/uuid.h"

#include "billing/fold.h"

typedef struct SubscriptionNotice
{
	FoldEvent event; /* transaction_seen is not used: the log knows it */
	const char *store;
	const char *environment;
	const char *original_transaction_id; /* NULL if the store names none */
	const char *payment_intent_id; /* by these a refund finds the payment; NULL: not told */
	const char *charge_id;
	bool manual;   /* a person entered it: refuse the event if the line does not allow it */
	Datum payload; /* jsonb: what came, what is read of it in one spelling; 0: notice_payload()
					  of the other members */
} SubscriptionNotice;

/* What the call that brought the event was answered; every repetition gets the same. */
typedef struct SubscriptionAnswer
{
	const char *status;
	int64 expires_at;    /* FOLD_NEVER: there was no paid period */
	const char *anomaly; /* NULL: the event was applied */
} SubscriptionAnswer;

/*
 * A notice that another feature makes: what happened in a store, when, and nothing else. Of a
 * zeroed one every time would be told, as the first of the year 2000.
 */
extern void notice_init(SubscriptionNotice *notice, const char *store, const char *environment,
						SubscriptionEvent type, int64 time);

/*
 * Reads an event of apply_subscription_event(). Needs SPI, for names that only
 * subscription_event_mappings knows. Texts and payload are allocated in the current context.
 * Raises KB501, with the name of the member, for one that is missing or malformed.
 */
extern void notice_read(SubscriptionNotice *notice, Datum json);

/*
 * The JSON that notice_read() would read as this notice, as jsonb in the current context: for a
 * notice that another feature makes, so that the log holds the payload of every event.
 */
extern Datum notice_payload(const SubscriptionNotice *notice);

/*
 * The members of a payload that are read, as text[] in the current context: two payloads whose
 * events and these members are equal are of one event.
 */
extern Datum notice_read_members(void);

/* All names that the form of an event knows, as text[] in the current context. */
extern Datum notice_known_members(void);

/*
 * Takes a notice into the log, once, and stores what the subscription is then
 * (subscription.c). Needs SPI and the lock of the user's row, and runs with the rights of the
 * tables' owner. The texts of the answer are constants, or copied into the context that was
 * current before SPI_connect().
 * Raises KB502 for an event that came before with other content and for a line of another
 * environment, KB503 for a line of another user, KB504 for a manual event that the line does
 * not allow; and what the premium_listener raises.
 */
extern void subscription_take(const SubscriptionNotice *notice, const pg_uuid_t *user,
							  TimestampTz at, SubscriptionAnswer *answer);

#endif
