/*
 * fold.h: the state that a line of subscription events makes.
 *
 * A line is everything that one store says about one original transaction. Its state is the
 * fold of its events in the order of fold_event_compare(). The functions are pure: they look at
 * no clock, allocate nothing and raise nothing. Texts stay the caller's, and must live as long
 * as the state that points to them. Times are microseconds since 2000, as the server counts
 * them.
 */
#ifndef COURSEBASE_BILLING_FOLD_H
#define COURSEBASE_BILLING_FOLD_H

#include <stdbool.h>
#include <stdint.h>

typedef enum SubscriptionStatus
{
	SUBSCRIPTION_PENDING, /* nothing is paid yet; also the state of a line without an event */
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

/*
 * The canonical events. Those before EVENT_MATRIX_COLUMNS move the status: they are the columns
 * of the matrix, in its order.
 */
typedef enum SubscriptionEvent
{
	EVENT_CREATED,
	EVENT_RENEWED,
	EVENT_RECOVERED,
	EVENT_CANCELED, /* the store will not renew it; access lasts to the end of the period */
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
	EVENT_NOTED, /* kept in the log, and changes nothing */
	SUBSCRIPTION_EVENTS,
} SubscriptionEvent;

typedef enum FoldAnomaly
{
	FOLD_SOUND,
	FOLD_IMPOSSIBLE_TRANSITION,
	FOLD_TRANSACTION_REFUNDED, /* a refunded line comes back only with a new transaction */
	FOLD_EARLIER_PAYMENT,      /* the event is about a payment that the line has left behind */
	FOLD_LINE_REPLACED,        /* another line has taken the place of this one */
	FOLD_ANOMALIES,
} FoldAnomaly;

/* A cell of the matrix is the status that the event leads to, or one of these. */
enum
{
	FOLD_IMPOSSIBLE = SUBSCRIPTION_STATUSES,
	FOLD_TRIAL_OR_ACTIVE, /* trialing if the event says that it is a trial, else active */
	FOLD_ACTIVE_IF_NEW,   /* active if the event brings a new transaction, else an anomaly */
	FOLD_ACTIVE_IF_PAID,  /* active if the event names the end of what is paid, else impossible
						   */
	FOLD_STATE_BEFORE_REFUND, /* the term that the refund ended */
};

/* What a refund tells: itself, the sum of the refunds of its charge, or a dispute that was
 * lost. */
typedef enum RefundKind
{
	REFUND_ONE,
	REFUND_TOTAL,
	REFUND_DISPUTE,
	REFUND_KINDS,
} RefundKind;

/* Instead of a time that is not known, or that never comes. */
#define FOLD_NEVER INT64_MIN

typedef struct FoldEvent
{
	SubscriptionEvent type;
	bool transaction_seen; /* the line knows it: fold_event_tells() of an earlier event */
	int trial;             /* 1: what the event begins is a trial; -1: the store does not say */
	int auto_renew;        /* 1: the store will renew; -1: the store does not say */
	int64_t time;
	int64_t
		period_start; /* of what is paid; FOLD_NEVER, as an end, if the store does not say */
	int64_t period_end;
	int64_t grace_until;
	const char *id;          /* the store's; breaks ties of the order */
	const char *transaction; /* NULL, as the texts below, if the event names none */
	const char *product_id;
	const char *base_plan_id;
	const char *offer_id;
	const char *purchase_token;
	const char *refund;     /* the provider's id of the refund that is told or reversed */
	RefundKind refund_kind; /* while refund is set */
	int64_t refunded;       /* how much, in minor units */
	int64_t paid;           /* for the payment, in minor units; 0: the event does not say */
	bool idle; /* the refund makes or unmakes no whole payment: refunds_mark() says so */
	const char *linked_token; /* of the line that this one takes the place of */
} FoldEvent;

/* What a status is worth: until when, and what comes then. */
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
	FoldTerm before;          /* while the status is revoked: the term before the refund */
	int64_t first_premium_at; /* time of the first payment that gave access: not of a trial */
	const char *transaction;  /* of the current period */
	const char *product_id;
	const char *base_plan_id;
	const char *offer_id;
	const char *purchase_token;
} FoldState;

extern const char *const subscription_status_names[SUBSCRIPTION_STATUSES];
extern const char *const subscription_event_names[SUBSCRIPTION_EVENTS];
extern const char *const fold_anomaly_names[FOLD_ANOMALIES]; /* NULL for sound */

/* False, and nothing set, for a name that is none of these. */
extern bool subscription_status_parse(const char *name, SubscriptionStatus *status);
extern bool subscription_event_parse(const char *name, SubscriptionEvent *event);

/* The order of the fold: negative, zero (the same event) or positive. */
extern int fold_event_compare(const FoldEvent *a, const FoldEvent *b);

/*
 * Whether an event knows a transaction by an earlier one of that type. A note and a charge that
 * failed name what is not paid yet: the payment that follows is new. A charge that fails again
 * is known by its first failure.
 */
extern bool fold_event_tells(SubscriptionEvent earlier, SubscriptionEvent event);

/* The cell of a status and an event before EVENT_MATRIX_COLUMNS. */
extern int fold_cell(SubscriptionStatus from, SubscriptionEvent by);

/* The state of a line without an event. */
extern void fold_begin(FoldState *state);

/*
 * Applies the next event of the line. Events must come in the order of fold_event_compare(). An
 * anomaly leaves the state as it was.
 */
extern FoldAnomaly fold_step(FoldState *state, const FoldEvent *event);

/* Another line takes the place of this one at that time; no step comes behind it. */
extern void fold_replace(FoldState *state, int64_t at);

/* The term is premium at every moment before this one; FOLD_NEVER: it gives no access. */
extern int64_t fold_access_end(const FoldTerm *term);

/*
 * Positive if the access of the first term lasts longer; of two terms that give none, if its
 * paid period ended later. Zero for the same moment.
 */
extern int fold_term_compare(const FoldTerm *a, const FoldTerm *b);

#endif
