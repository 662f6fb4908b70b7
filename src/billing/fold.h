/*
 * fold.h: what a line of subscription events amounts to.
 *
 * A line is everything that one store says about one original transaction. Its state is a fold
 * of its events in order (time, rank, store's id): nothing here looks at a clock, and nothing
 * is allocated; texts stay the caller's. Times are microseconds, as the server counts them.
 */
#ifndef COURSEBASE_BILLING_FOLD_H
#define COURSEBASE_BILLING_FOLD_H

#include <stdbool.h>
#include <stdint.h>

typedef enum SubscriptionStatus
{
	SUBSCRIPTION_PENDING, /* also a line without an event */
	SUBSCRIPTION_TRIALING,
	SUBSCRIPTION_ACTIVE,
	SUBSCRIPTION_IN_GRACE,
	SUBSCRIPTION_ON_HOLD,
	SUBSCRIPTION_PAUSED,
	SUBSCRIPTION_CANCELED,
	SUBSCRIPTION_EXPIRED,
	SUBSCRIPTION_REVOKED,
	SUBSCRIPTION_STATUSES,
} SubscriptionStatus;

/* The canonical events; those that move the status come first, in the order of the matrix. */
typedef enum SubscriptionEvent
{
	EVENT_CREATED,
	EVENT_RENEWED,
	EVENT_RECOVERED,
	EVENT_CANCELED, /* renews itself no more */
	EVENT_UNCANCELED,
	EVENT_GRACE_STARTED,
	EVENT_HOLD_STARTED,
	EVENT_PAUSED,
	EVENT_RESUMED,
	EVENT_EXPIRED,
	EVENT_REVOKED,
	EVENT_UNREVOKED,
	EVENT_MATRIX_COLUMNS,
	EVENT_EXTENDED = EVENT_MATRIX_COLUMNS,
	EVENT_PRODUCT_CHANGED,
	EVENT_NOTED,
	SUBSCRIPTION_EVENTS,
} SubscriptionEvent;

typedef enum FoldAnomaly
{
	FOLD_SOUND,
	FOLD_IMPOSSIBLE_TRANSITION,
	FOLD_TRANSACTION_REFUNDED, /* a refunded line comes back only with a new transaction */
	FOLD_ANOMALIES,
} FoldAnomaly;

/* A cell of the matrix: a status, or one of these. */
enum
{
	FOLD_IMPOSSIBLE = SUBSCRIPTION_STATUSES,
	FOLD_TRIAL_OR_ACTIVE,     /* trialing when the event says so */
	FOLD_ACTIVE_IF_NEW,       /* only with a new transaction */
	FOLD_STATE_BEFORE_REFUND, /* what the refund took */
};

/* A time that is not known. */
#define FOLD_NEVER INT64_MIN

typedef struct FoldEvent
{
	SubscriptionEvent type;
	bool trial;            /* what it begins is a trial */
	bool transaction_seen; /* an earlier event of the line has the same transaction */
	int auto_renew;        /* -1: it does not say */
	int64_t time;
	int64_t period_end;
	int64_t grace_until;
	const char *id; /* the store's */
	const char *transaction;
	const char *product_id;
	const char *base_plan_id;
	const char *offer_id;
	const char *purchase_token;
} FoldEvent;

typedef struct FoldTerm
{
	SubscriptionStatus status;
	int64_t expires_at; /* end of the paid period */
	int64_t grace_until;
	bool auto_renew;
} FoldTerm;

typedef struct FoldState
{
	FoldTerm now;
	FoldTerm before;          /* the state before the refund, while revoked */
	int64_t first_premium_at; /* when it first gave access */
	const char *transaction;  /* of the current period */
	const char *product_id;
	const char *base_plan_id;
	const char *offer_id;
	const char *purchase_token;
} FoldState;

extern const char *const subscription_status_names[SUBSCRIPTION_STATUSES];
extern const char *const subscription_event_names[SUBSCRIPTION_EVENTS];
extern const char *const fold_anomaly_names[FOLD_ANOMALIES]; /* NULL for sound */

/* False for a name that is none of these. */
extern bool subscription_status_parse(const char *name, SubscriptionStatus *status);
extern bool subscription_event_parse(const char *name, SubscriptionEvent *event);

/* The order of the fold: negative, zero (the same event) or positive. */
extern int fold_event_compare(const FoldEvent *a, const FoldEvent *b);

/* A cell of the matrix: from a status, by an event before EVENT_MATRIX_COLUMNS. */
extern int fold_cell(SubscriptionStatus from, SubscriptionEvent by);

extern void fold_begin(FoldState *state);

/* Takes one event in. With an anomaly the state is what it was. */
extern FoldAnomaly fold_step(FoldState *state, const FoldEvent *event);

/* The end of the access that the state gives, FOLD_NEVER for none: premium while before it. */
extern int64_t fold_access_end(const FoldTerm *term);

/* Whether access of the first lasts longer; of two that give none, whether it ended later. */
extern int fold_term_compare(const FoldTerm *a, const FoldTerm *b);

#endif
