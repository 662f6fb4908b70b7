/*
 * fold.c: the state machine of subscriptions.
 *
 * The matrix is the table of the documentation, cell by cell (a test compares the two); the
 * functions below it are the rules of the footnotes. An event that the matrix does not allow
 * changes nothing at all: an anomaly leaves the state as it was.
 */
#include "billing/fold.h"

#include <string.h>

#define COUNT(array) ((int) (sizeof(array) / sizeof((array)[0])))

const char *const subscription_status_names[SUBSCRIPTION_STATUSES] = {
	"pending", "trialing", "active",  "in_grace", "on_hold",
	"paused",  "canceled", "expired", "revoked",
};

const char *const subscription_event_names[SUBSCRIPTION_EVENTS] = {
	"created",       "renewed",      "recovered", "canceled",        "uncanceled",
	"grace_started", "hold_started", "paused",    "resumed",         "expired",
	"revoked",       "unrevoked",    "extended",  "product_changed", "noted",
};

const char *const fold_anomaly_names[FOLD_ANOMALIES] = {
	NULL, "impossible_transition", "transaction_refunded", "earlier_payment", "line_replaced",
};

/*
 * The order of events that happened at one instant: the end of a period stands before the event
 * that begins the next period, and a refund behind the payment that it refunds.
 */
static const unsigned char event_ranks[SUBSCRIPTION_EVENTS] = {
	[EVENT_EXPIRED] = 0,   [EVENT_CREATED] = 1,        [EVENT_RENEWED] = 2,
	[EVENT_RECOVERED] = 3, [EVENT_RESUMED] = 4,        [EVENT_PRODUCT_CHANGED] = 5,
	[EVENT_EXTENDED] = 6,  [EVENT_CANCELED] = 7,       [EVENT_UNCANCELED] = 8,
	[EVENT_PAUSED] = 9,    [EVENT_GRACE_STARTED] = 10, [EVENT_HOLD_STARTED] = 11,
	[EVENT_REVOKED] = 12,  [EVENT_UNREVOKED] = 13,     [EVENT_NOTED] = 14,
};

/* clang-format off */
#define NO   FOLD_IMPOSSIBLE
#define NEW  FOLD_TRIAL_OR_ACTIVE
#define ACT  SUBSCRIPTION_ACTIVE
#define GRC  SUBSCRIPTION_IN_GRACE
#define HLD  SUBSCRIPTION_ON_HOLD
#define PAU  SUBSCRIPTION_PAUSED
#define CAN  SUBSCRIPTION_CANCELED
#define EXP  SUBSCRIPTION_EXPIRED
#define REV  SUBSCRIPTION_REVOKED
#define AGN  FOLD_ACTIVE_IF_NEW
#define PAY  FOLD_ACTIVE_IF_PAID
#define BEF  FOLD_STATE_BEFORE_REFUND

/*                           created renewed recovered canceled uncanceled
 *                           grace hold paused resumed expired revoked unrevoked */
static const unsigned char matrix[SUBSCRIPTION_STATUSES][EVENT_MATRIX_COLUMNS] = {
	[SUBSCRIPTION_PENDING]  = {NEW, ACT, PAY, NO,  NO,  NO,  NO,  NO,  NO,  EXP, REV, NO},
	[SUBSCRIPTION_TRIALING] = {NEW, ACT, ACT, CAN, ACT, GRC, HLD, PAU, NO,  EXP, REV, NO},
	[SUBSCRIPTION_ACTIVE]   = {NEW, ACT, ACT, CAN, ACT, GRC, HLD, PAU, NO,  EXP, REV, NO},
	[SUBSCRIPTION_CANCELED] = {NEW, ACT, ACT, CAN, ACT, GRC, HLD, PAU, NO,  EXP, REV, NO},
	[SUBSCRIPTION_IN_GRACE] = {ACT, ACT, ACT, CAN, GRC, GRC, HLD, NO,  NO,  EXP, REV, NO},
	[SUBSCRIPTION_ON_HOLD]  = {ACT, ACT, ACT, CAN, HLD, NO,  HLD, PAU, NO,  EXP, REV, NO},
	[SUBSCRIPTION_PAUSED]   = {ACT, ACT, ACT, CAN, PAU, NO,  HLD, PAU, ACT, EXP, REV, NO},
	[SUBSCRIPTION_EXPIRED]  = {NEW, ACT, ACT, NO,  NO,  NO,  NO,  NO,  NO,  EXP, REV, NO},
	[SUBSCRIPTION_REVOKED]  = {AGN, AGN, AGN, NO,  NO,  NO,  NO,  NO,  NO,  REV, REV, BEF},
};
/* clang-format on */

static bool event_is_failure(SubscriptionEvent type);
static FoldAnomaly step_status(FoldState *state, const FoldEvent *event);
static void step_enter(FoldState *state, const FoldEvent *event, SubscriptionStatus to);
static void step_revoke(FoldState *state, const FoldEvent *event);
static void step_unrevoke(FoldState *state, const FoldEvent *event);
static void step_extend(FoldState *state, const FoldEvent *event);
static void step_change_product(FoldState *state, const FoldEvent *event);
static SubscriptionStatus status_within_grace(const FoldState *state, const FoldEvent *event,
											  SubscriptionStatus to);
static bool is_told_again(const FoldState *state, const FoldEvent *event);
static SubscriptionStatus status_unless_ending(SubscriptionStatus to, const FoldEvent *event);
static bool event_pays(const FoldEvent *event);
static bool is_earlier_payment(const FoldState *state, const FoldEvent *event);
static bool is_of_earlier_failure(const FoldEvent *event, bool other, bool over);
static bool is_of_earlier_sale(const FoldState *state, const FoldEvent *event, bool other,
							   bool over);
static bool is_of_earlier_refund(const FoldEvent *event, bool other, bool over);
static int64_t paid_end(const FoldState *state);
static void take_period(FoldState *state, const FoldEvent *event, bool comes_back);
static bool changes_plan(const FoldState *state, const FoldEvent *event);
static void take_auto_renew(FoldState *state, const FoldEvent *event);
static void take_product(FoldState *state, const FoldEvent *event);
static int64_t earlier(int64_t a, int64_t b);
static int64_t later(int64_t a, int64_t b);
static int name_find(const char *const *names, int count, const char *name);

bool
subscription_status_parse(const char *name, SubscriptionStatus *status)
{
	int found = name_find(subscription_status_names, COUNT(subscription_status_names), name);

	if (found >= 0)
		*status = (SubscriptionStatus) found;
	return found >= 0;
}

bool
subscription_event_parse(const char *name, SubscriptionEvent *event)
{
	int found = name_find(subscription_event_names, COUNT(subscription_event_names), name);

	if (found >= 0)
		*event = (SubscriptionEvent) found;
	return found >= 0;
}

/*
 * Time, then rank, then the store's id: a total order, so that any order of arrival gives the
 * same state. Only an event and itself are equal.
 */
int
fold_event_compare(const FoldEvent *a, const FoldEvent *b)
{
	if (a->time != b->time)
		return a->time < b->time ? -1 : 1;
	if (event_ranks[a->type] != event_ranks[b->type])
		return event_ranks[a->type] < event_ranks[b->type] ? -1 : 1;
	return strcmp(a->id, b->id);
}

bool
fold_event_tells(SubscriptionEvent earlier, SubscriptionEvent event)
{
	return earlier != EVENT_NOTED && (!event_is_failure(earlier) || event_is_failure(event));
}

int
fold_cell(SubscriptionStatus from, SubscriptionEvent by)
{
	return matrix[from][by];
}

/* A line without an event is pending: nothing is paid. */
void
fold_begin(FoldState *state)
{
	memset(state, 0, sizeof(*state));
	state->now.expires_at = state->now.grace_until = FOLD_NEVER;
	state->before = state->now;
	state->first_premium_at = FOLD_NEVER;
}

/*
 * first_premium_at is set once, and by a payment: a referrer is paid for the first period that
 * was paid for, and a trial is none.
 */
FoldAnomaly
fold_step(FoldState *state, const FoldEvent *event)
{
	FoldAnomaly anomaly = FOLD_SOUND;

	/* a part of a payment, or a refund that another one made whole already */
	if (event->idle)
		return FOLD_SOUND;
	switch (event->type)
	{
		case EVENT_NOTED:
			return FOLD_SOUND;
		case EVENT_EXTENDED:
			step_extend(state, event);
			break;
		case EVENT_PRODUCT_CHANGED:
			if (is_earlier_payment(state, event))
				return FOLD_EARLIER_PAYMENT;
			step_change_product(state, event);
			break;
		default:
			anomaly = step_status(state, event);
	}
	if (anomaly == FOLD_SOUND && state->first_premium_at == FOLD_NEVER && event_pays(event) &&
		fold_access_end(&state->now) != FOLD_NEVER)
		state->first_premium_at = event->time;
	return anomaly;
}

/*
 * The line is over, and for ever: its rest was set off against the line that stands for it, so
 * that it does not come back when that one is refunded.
 */
void
fold_replace(FoldState *state, int64_t at)
{
	if (state->now.status != SUBSCRIPTION_REVOKED)
		state->now.status = SUBSCRIPTION_EXPIRED;
	if (state->now.expires_at > at)
		state->now.expires_at = at;
	state->now.grace_until = FOLD_NEVER;
	state->now.auto_renew = false;
	state->before = (FoldTerm){SUBSCRIPTION_PENDING, FOLD_NEVER, FOLD_NEVER, false};
}

/*
 * The status says how far access goes. A failed charge never cuts what is paid: in grace access
 * lasts to the later of both ends, and on hold to the end of the paid period, which is over
 * where the hold began behind it. A canceled subscription keeps a grace period that began
 * before the cancellation, and a paused one what is paid.
 */
int64_t
fold_access_end(const FoldTerm *term)
{
	switch (term->status)
	{
		case SUBSCRIPTION_TRIALING:
		case SUBSCRIPTION_ACTIVE:
		case SUBSCRIPTION_ON_HOLD:
		case SUBSCRIPTION_PAUSED:
			return term->expires_at;
		case SUBSCRIPTION_CANCELED:
		case SUBSCRIPTION_IN_GRACE:
			return later(term->expires_at, term->grace_until);
		default:
			return FOLD_NEVER;
	}
}

/*
 * Rule: of two lines the one whose access ends last stands for the person; line_compare() asks
 * first whether a line gives access at all, and for its environment. Where neither gives
 * access, the paid period that ended later tells more.
 */
int
fold_term_compare(const FoldTerm *a, const FoldTerm *b)
{
	int64_t a_end = fold_access_end(a);
	int64_t b_end = fold_access_end(b);

	if (a_end == FOLD_NEVER && b_end == FOLD_NEVER)
	{
		a_end = a->expires_at;
		b_end = b->expires_at;
	}
	return a_end == b_end ? 0 : a_end < b_end ? -1 : 1;
}

/* A charge that failed. */
static bool
event_is_failure(SubscriptionEvent type)
{
	return type == EVENT_GRACE_STARTED || type == EVENT_HOLD_STARTED;
}

/* An event that is a column of the matrix. */
static FoldAnomaly
step_status(FoldState *state, const FoldEvent *event)
{
	int cell = fold_cell(state->now.status, event->type);

	/* before the matrix, because it is asked of another payment than the one of the state */
	if (is_earlier_payment(state, event))
		return FOLD_EARLIER_PAYMENT;
	switch (cell)
	{
		case FOLD_IMPOSSIBLE:
			return FOLD_IMPOSSIBLE_TRANSITION;
		case FOLD_STATE_BEFORE_REFUND:
			step_unrevoke(state, event);
			return FOLD_SOUND;
		case SUBSCRIPTION_REVOKED:
			if (event->type == EVENT_REVOKED)
				step_revoke(state, event);
			return FOLD_SOUND;
		case FOLD_ACTIVE_IF_NEW:
			if (event->transaction == NULL || event->transaction_seen)
				return FOLD_TRANSACTION_REFUNDED;
			step_enter(state, event, SUBSCRIPTION_ACTIVE);
			return FOLD_SOUND;
		case FOLD_ACTIVE_IF_PAID:
			if (event->period_end == FOLD_NEVER)
				return FOLD_IMPOSSIBLE_TRANSITION;
			step_enter(state, event, SUBSCRIPTION_ACTIVE);
			return FOLD_SOUND;
		case FOLD_TRIAL_OR_ACTIVE:
			step_enter(state, event,
					   event->trial == 1 ? SUBSCRIPTION_TRIALING : SUBSCRIPTION_ACTIVE);
			return FOLD_SOUND;
		default:
			step_enter(state, event,
					   status_within_grace(state, event, (SubscriptionStatus) cell));
			return FOLD_SOUND;
	}
}

/*
 * Begins a status that is none of the refund's. Only a grace period that is still on outlasts
 * the event: cancelling a subscription in grace, or taking that back, does not end it. A charge
 * that failed pays for no period, whatever end the store names beside it.
 */
static void
step_enter(FoldState *state, const FoldEvent *event, SubscriptionStatus to)
{
	bool comes_back =
		state->now.status == SUBSCRIPTION_REVOKED || state->now.status == SUBSCRIPTION_EXPIRED;

	if (is_told_again(state, event))
		to = SUBSCRIPTION_CANCELED;
	state->now.status = status_unless_ending(to, event);
	switch (event->type)
	{
		case EVENT_CANCELED:
		case EVENT_UNCANCELED:
			break;
		case EVENT_GRACE_STARTED:
			state->now.grace_until = later(state->now.grace_until, event->grace_until);
			break;
		default:
			state->now.grace_until = FOLD_NEVER;
	}
	if (event->type != EVENT_CANCELED && to != SUBSCRIPTION_IN_GRACE &&
		to != SUBSCRIPTION_ON_HOLD)
		take_period(state, event, comes_back);
	/* a payment implies a renewal when it is made, and not when it is told again */
	if (to != SUBSCRIPTION_CANCELED || event->type == EVENT_CANCELED)
		take_auto_renew(state, event);
	take_product(state, event);
}

/*
 * A second refund in a row keeps what the first one kept: taking the refund back must lead to
 * the state before both. Access ends at the refund, unless the store names another end.
 */
static void
step_revoke(FoldState *state, const FoldEvent *event)
{
	if (state->now.status != SUBSCRIPTION_REVOKED)
		state->before = state->now;
	state->now.status = SUBSCRIPTION_REVOKED;
	if (event->period_end != FOLD_NEVER)
		state->now.expires_at = event->period_end;
	else if (state->now.expires_at == FOLD_NEVER || state->now.expires_at > event->time)
		state->now.expires_at = event->time;
	state->now.grace_until = FOLD_NEVER;
	take_auto_renew(state, event);
}

/* The store took the refund back: the term before it, with the end that the store tells. */
static void
step_unrevoke(FoldState *state, const FoldEvent *event)
{
	state->now = state->before;
	state->before = (FoldTerm){SUBSCRIPTION_PENDING, FOLD_NEVER, FOLD_NEVER, false};
	state->now.expires_at = later(state->now.expires_at, event->period_end);
	take_auto_renew(state, event);
}

/*
 * Moves the end of the paid period, never back. An extension that is given while a refund
 * stands counts for the term before the refund too, which comes back with it.
 */
static void
step_extend(FoldState *state, const FoldEvent *event)
{
	state->now.expires_at = later(state->now.expires_at, event->period_end);
	if (state->now.status == SUBSCRIPTION_REVOKED)
		state->before.expires_at = later(state->before.expires_at, event->period_end);
}

/*
 * A new product may shorten the paid period, which a renewal never does: the end is the one
 * that the event names.
 */
static void
step_change_product(FoldState *state, const FoldEvent *event)
{
	if (event->period_end != FOLD_NEVER)
	{
		state->now.expires_at = event->period_end;
		if (state->now.status == SUBSCRIPTION_REVOKED)
			state->before.expires_at = event->period_end;
	}
	if (event->transaction != NULL && !event->transaction_seen)
		state->transaction = event->transaction;
	state->now.status = status_unless_ending(state->now.status, event);
	if (event->auto_renew >= 0)
		state->now.auto_renew = event->auto_renew;
	take_product(state, event);
}

/*
 * A cancellation that is taken back leads to what it ended: a grace period that lasts beyond
 * what is paid goes on, because an active subscription has nothing beyond that. Where the store
 * names a later end, the charge was made meanwhile.
 */
static SubscriptionStatus
status_within_grace(const FoldState *state, const FoldEvent *event, SubscriptionStatus to)
{
	const FoldTerm *now = &state->now;
	bool beyond = now->status == SUBSCRIPTION_CANCELED && now->grace_until > now->expires_at;

	return event->type == EVENT_UNCANCELED && beyond && event->period_end <= now->expires_at
			   ? SUBSCRIPTION_IN_GRACE
			   : to;
}

/*
 * Whether a sale of the payment that was canceled is told once more, as by a phone that brings
 * its receipt: a renewal is charged up to a day before its period begins, and its receipt is of
 * the beginning. Only where the store says that it will renew was the cancellation taken back.
 */
static bool
is_told_again(const FoldState *state, const FoldEvent *event)
{
	bool sold = event->type == EVENT_CREATED || event->type == EVENT_RENEWED;

	return sold && state->now.status == SUBSCRIPTION_CANCELED && event->auto_renew != 1 &&
		   event->transaction_seen && state->transaction != NULL &&
		   strcmp(event->transaction, state->transaction) == 0;
}

/*
 * A cancellation is a cancellation however the store tells it: a subscription that runs and
 * that the store says it will not renew is canceled.
 */
static SubscriptionStatus
status_unless_ending(SubscriptionStatus to, const FoldEvent *event)
{
	bool runs = to == SUBSCRIPTION_ACTIVE || to == SUBSCRIPTION_TRIALING;

	return runs && event->auto_renew == 0 ? SUBSCRIPTION_CANCELED : to;
}

/* A change of product is a payment if it has a transaction of its own. */
static bool
event_pays(const FoldEvent *event)
{
	switch (event->type)
	{
		case EVENT_CREATED:
		case EVENT_RENEWED:
		case EVENT_RECOVERED:
		case EVENT_RESUMED:
			return event->trial != 1;
		case EVENT_PRODUCT_CHANGED:
			return event->trial != 1 && event->transaction != NULL && !event->transaction_seen;
		default:
			return false;
	}
}

/*
 * Whether the event is about a payment or period that the line has left behind, or that it
 * never knew while a later one is known. Such an event ends nothing. What a person or the store
 * does to the line as a whole (canceled, paused and the like) is of no payment.
 */
static bool
is_earlier_payment(const FoldState *state, const FoldEvent *event)
{
	bool named = event->transaction != NULL && state->transaction != NULL;
	bool other = named && strcmp(event->transaction, state->transaction) != 0;
	bool over = event->period_end != FOLD_NEVER && event->period_end < paid_end(state);

	/* what names the current payment is about it, also if it says that it ends earlier */
	if (named && !other)
		return false;
	switch (event->type)
	{
		case EVENT_EXPIRED:
		case EVENT_GRACE_STARTED:
		case EVENT_HOLD_STARTED:
			return is_of_earlier_failure(event, other, over) ||
				   (event->type == EVENT_EXPIRED && other && event->period_end == FOLD_NEVER &&
					event->time < paid_end(state));
		case EVENT_CREATED:
		case EVENT_RENEWED:
		case EVENT_RECOVERED:
			return is_of_earlier_sale(state, event, other, over);
		case EVENT_REVOKED:
		case EVENT_UNREVOKED:
			return is_of_earlier_refund(event, other, over);
		/* a new plan may end sooner; of the payment that it left behind a late notice says
		 * nothing
		 */
		case EVENT_PRODUCT_CHANGED:
			return other && event->transaction_seen;
		default:
			return false;
	}
}

/*
 * The end tells best, because a store may name the order that it failed to charge: one that the
 * line does not know, or knows from the failure alone, and that is the latest all the same.
 */
static bool
is_of_earlier_failure(const FoldEvent *event, bool other, bool over)
{
	if (event->period_end != FOLD_NEVER)
		return over;
	return other && event->transaction_seen;
}

/*
 * A new payment gives what it is for, and a subscription that has ended comes back with it; but
 * a charge that is recovered late does not end the grace or the hold of a later one, and what
 * is told when its period is over already says nothing of the one that runs.
 */
static bool
is_of_earlier_sale(const FoldState *state, const FoldEvent *event, bool other, bool over)
{
	if (!other)
		return false;
	if (event->transaction_seen)
		return over || event->period_end == FOLD_NEVER;
	return (event->type == EVENT_RECOVERED || event->period_end <= event->time) && over &&
		   fold_access_end(&state->now) != FOLD_NEVER;
}

/*
 * A refund takes the payment that it names. One that names none but the end of a period which
 * is over by then is of that period; an end to come is where the store ends the access.
 */
static bool
is_of_earlier_refund(const FoldEvent *event, bool other, bool over)
{
	if (!other)
		return event->type == EVENT_REVOKED && event->transaction == NULL && over &&
			   event->period_end <= event->time;
	return event->transaction_seen || over || event->period_end == FOLD_NEVER;
}

/* While a refund stands, the paid period is the one before it. */
static int64_t
paid_end(const FoldState *state)
{
	return state->now.status == SUBSCRIPTION_REVOKED
			   ? later(state->now.expires_at, state->before.expires_at)
			   : state->now.expires_at;
}

/*
 * A late notice of an earlier period moves neither the end nor the current transaction. A line
 * that gives no access comes back for what is paid for now: the end that it had was given back,
 * or was cut off. An end that is still to come was cut off for certain, and no payment of a
 * period that is over brings it back.
 */
static void
take_period(FoldState *state, const FoldEvent *event, bool comes_back)
{
	bool paid = event->type == EVENT_CREATED || event->type == EVENT_RENEWED ||
				event->type == EVENT_RECOVERED || event->type == EVENT_RESUMED;
	bool current = event->period_end == FOLD_NEVER ? !event->transaction_seen
												   : event->period_end >= state->now.expires_at;
	bool of_now = event->time < event->period_end;
	bool was_cut = event->period_end != FOLD_NEVER && event->time < state->now.expires_at;

	if (changes_plan(state, event) || (comes_back && paid && (of_now || was_cut)))
	{
		state->now.expires_at = event->period_end;
		current = true;
	}
	else if (comes_back && paid && event->period_end == FOLD_NEVER)
		state->now.expires_at = earlier(state->now.expires_at, event->time);
	else
		state->now.expires_at = later(state->now.expires_at, event->period_end);
	if (paid && event->transaction != NULL && current)
		state->transaction = event->transaction;
}

/*
 * Whether the event is a change of product that the store tells as a payment alone: a period of
 * another product that runs by then, and ends before the one that is paid for. The store gave
 * the rest of that one back.
 */
static bool
changes_plan(const FoldState *state, const FoldEvent *event)
{
	bool sold = event->type == EVENT_CREATED || event->type == EVENT_RENEWED;
	bool of_other = event->product_id != NULL && state->product_id != NULL &&
					strcmp(event->product_id, state->product_id) != 0;

	return sold && of_other && event->transaction != NULL && !event->transaction_seen &&
		   event->period_start != FOLD_NEVER && event->period_start <= event->time &&
		   event->time < event->period_end && event->period_end < state->now.expires_at;
}

/* What the store says stands before what the event implies. */
static void
take_auto_renew(FoldState *state, const FoldEvent *event)
{
	if (event->auto_renew >= 0)
	{
		state->now.auto_renew = event->auto_renew;
		return;
	}
	switch (event->type)
	{
		case EVENT_CREATED:
		case EVENT_RENEWED:
		case EVENT_RECOVERED:
		case EVENT_UNCANCELED:
		case EVENT_RESUMED:
			state->now.auto_renew = true;
			break;
		case EVENT_CANCELED:
		case EVENT_EXPIRED:
		case EVENT_REVOKED:
			state->now.auto_renew = false;
			break;
		default:
			break;
	}
}

/*
 * A product brings its own base plan and offer: an event that names a product without them
 * takes those of the old product away.
 */
static void
take_product(FoldState *state, const FoldEvent *event)
{
	if (event->product_id != NULL)
	{
		state->product_id = event->product_id;
		state->base_plan_id = event->base_plan_id;
		state->offer_id = event->offer_id;
	}
	if (event->purchase_token != NULL)
		state->purchase_token = event->purchase_token;
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t
later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int
name_find(const char *const *names, int count, const char *name)
{
	for (int i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}
