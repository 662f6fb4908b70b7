/*
 * paid.c: the times in which a line of subscription events gives access.
 *
 * Invariants: an event takes away nothing that lies before it. A payment that is given back
 * takes its own periods and no others. paid_step() answers as paid_spans() would, or not at
 * all: both begin with change_of().
 */
#include "billing/paid.h"

#include <stdlib.h>
#include <string.h>

/* What an event does beside giving a payment back. A span is empty if until <= from. */
typedef struct PaidChange
{
	PaidSpan paid;    /* the period of a payment */
	PaidSpan extra;   /* what the status gives beyond it: grace, an extension */
	bool takes_place; /* of a period that runs when this one begins */
	int64_t cut;      /* what came before ends at this time; INT64_MAX: it does not */
} PaidChange;

static PaidChange change_of(const FoldState *before, const FoldState *after,
							const FoldEvent *event, FoldAnomaly anomaly);
static bool event_is_payment(const FoldEvent *event, FoldAnomaly anomaly);
static int64_t period_begin(const FoldState *before, const FoldEvent *event, bool stated);
static void item_add(PaidLedger *ledger, PaidSpan span, const char *transaction);
static void period_take_place(PaidLedger *ledger, const PaidChange *change,
							  FoldAnomaly anomaly);
static void return_take(PaidLedger *ledger, const FoldState *before, const FoldState *after,
						const FoldEvent *event, FoldAnomaly anomaly);
static void reversal_take(PaidLedger *ledger, const FoldState *before, const FoldState *after,
						  const FoldEvent *event);
static void return_add(PaidLedger *ledger, const FoldEvent *event);
static void cut_add(PaidLedger *ledger, int64_t at, bool unnamed);
static void cuts_apply(PaidLedger *ledger);
static int spans_of_payment(const PaidItem *items, int nitems, const PaidReturn *returns,
							int nreturns, PaidSpan *spans);
static int span_return(PaidSpan span, const PaidReturn *returns, int nreturns, int *next,
					   bool *given_back, PaidSpan *spans);
static int spans_join(PaidSpan *spans, int count);
static bool last_join(PaidSpan *last, PaidSpan span);
static bool span_is_empty(PaidSpan span);
static int names_compare(const char *a, const char *b);
static int item_compare(const void *a, const void *b);
static int return_compare(const void *a, const void *b);
static int span_compare(const void *a, const void *b);
static int64_t earlier(int64_t a, int64_t b);
static int64_t later(int64_t a, int64_t b);

/*
 * The cut comes before the new items, because it ends what lies before its place in the ledger:
 * the event never cuts what it gives itself.
 */
void
paid_take(PaidLedger *ledger, const FoldState *before, const FoldState *after,
		  const FoldEvent *event, FoldAnomaly anomaly)
{
	PaidChange change;

	/* of a part of a payment, or told again */
	if (event->idle)
		return;
	if (event->type == EVENT_REVOKED || event->type == EVENT_UNREVOKED)
	{
		return_take(ledger, before, after, event, anomaly);
		return;
	}
	change = change_of(before, after, event, anomaly);
	cut_add(ledger, change.cut, false);
	period_take_place(ledger, &change, anomaly);
	item_add(ledger, change.paid, event->transaction);
	/* days that the store adds to a payment are of it; what a status gives is of none */
	item_add(ledger, change.extra, event->type == EVENT_EXTENDED ? event->transaction : NULL);
}

void
paid_end_all(PaidLedger *ledger, int64_t at)
{
	cut_add(ledger, at, false);
}

/* Payment by payment: what is given back is taken from the periods of that payment alone. */
int
paid_spans(PaidLedger *ledger, PaidSpan *spans)
{
	int count = 0;
	int first_return = 0;

	cuts_apply(ledger);
	qsort(ledger->items, ledger->nitems, sizeof(PaidItem), item_compare);
	qsort(ledger->returns, ledger->nreturns, sizeof(PaidReturn), return_compare);
	for (int first = 0, end; first < ledger->nitems; first = end)
	{
		const char *transaction = ledger->items[first].transaction;
		int returns = 0;

		for (end = first + 1; end < ledger->nitems &&
							  names_compare(ledger->items[end].transaction, transaction) == 0;)
			end++;
		/* returns are in the order of the items; one of a payment that gave nothing is passed
		 */
		while (first_return < ledger->nreturns &&
			   names_compare(ledger->returns[first_return].transaction, transaction) < 0)
			first_return++;
		while (first_return + returns < ledger->nreturns &&
			   names_compare(ledger->returns[first_return + returns].transaction,
							 transaction) == 0)
			returns++;
		count += spans_of_payment(ledger->items + first, end - first,
								  ledger->returns + first_return, returns, spans + count);
		first_return += returns;
	}
	return spans_join(spans, count);
}

/*
 * The usual event of a subscription that runs, answered without reading the log. It works on a
 * copy of the span: where only the ledger can tell, *last stays as it was.
 */
bool
paid_step(PaidSpan *last, const FoldState *before, const FoldState *after,
		  const FoldEvent *event, FoldAnomaly anomaly)
{
	PaidSpan next = *last;
	PaidChange change;

	if (event->type == EVENT_REVOKED || event->type == EVENT_UNREVOKED ||
		event->type == EVENT_PRODUCT_CHANGED || event->type == EVENT_EXTENDED)
		return false;
	change = change_of(before, after, event, anomaly);
	if (!span_is_empty(next) && change.cut < next.until)
	{
		/* the span before it is the last one then */
		if (change.cut <= next.from)
			return false;
		next.until = change.cut;
	}
	/* a payment that was told before may have been given back since */
	if (event->transaction_seen && !span_is_empty(change.paid) &&
		(span_is_empty(next) || change.paid.from < next.from || change.paid.until > next.until))
		return false;
	if (!last_join(&next, change.paid) || !last_join(&next, change.extra))
		return false;
	*last = next;
	return true;
}

/*
 * An event that lowers the end of access ends what came before, from the event on and not
 * earlier. One that raises it gives what lies behind the old end; where there was none, from
 * the event on.
 */
static PaidChange
change_of(const FoldState *before, const FoldState *after, const FoldEvent *event,
		  FoldAnomaly anomaly)
{
	PaidChange change = {{FOLD_NEVER, FOLD_NEVER}, {FOLD_NEVER, FOLD_NEVER}, false, INT64_MAX};
	int64_t old_end = fold_access_end(&before->now);
	int64_t new_end = fold_access_end(&after->now);
	int64_t told = old_end;

	if (event_is_payment(event, anomaly))
	{
		bool stated =
			event->period_start != FOLD_NEVER && event->period_start < event->period_end;

		change.paid.from = period_begin(before, event, stated);
		change.paid.until = event->period_end;
		/* once: one that is told again may have been given back meanwhile */
		change.takes_place = stated && !event->transaction_seen;
		told = later(old_end, event->period_end);
	}
	if (anomaly != FOLD_SOUND)
		return change;
	/* the rest of what a new period takes the place of is given back, whatever becomes of it */
	if (new_end < old_end && change.takes_place)
		change.cut = later(event->time, change.paid.from);
	else if (new_end < old_end)
		change.cut = later(event->time, new_end);
	/* a payment ends the grace: what it gave beyond the paid period is over */
	else if (before->now.grace_until != FOLD_NEVER && after->now.grace_until == FOLD_NEVER)
		change.cut = later(event->time, before->now.expires_at);
	if (new_end > told)
		change.extra = (PaidSpan){later(event->time, old_end), new_end};
	return change;
}

/*
 * Whether the event tells of a payment with its period. One of an earlier period that was not
 * told before changes no status, and was paid for all the same.
 */
static bool
event_is_payment(const FoldEvent *event, FoldAnomaly anomaly)
{
	bool is_new = event->transaction != NULL && !event->transaction_seen;

	if (event->period_end == FOLD_NEVER ||
		(anomaly != FOLD_SOUND && (anomaly != FOLD_EARLIER_PAYMENT || !is_new)))
		return false;
	switch (event->type)
	{
		case EVENT_CREATED:
		case EVENT_RENEWED:
		case EVENT_RECOVERED:
		case EVENT_RESUMED:
			return true;
		case EVENT_PRODUCT_CHANGED:
			return is_new;
		default:
			return false;
	}
}

/*
 * Where the store does not tell, a period begins with its event, or where the one that is paid
 * for ends: a renewal may be charged before it is due.
 */
static int64_t
period_begin(const FoldState *before, const FoldEvent *event, bool stated)
{
	bool runs = fold_access_end(&before->now) != FOLD_NEVER;

	if (stated)
		return event->period_start;
	return runs && before->now.expires_at < event->period_end
			   ? later(event->time, before->now.expires_at)
			   : event->time;
}

static void
item_add(PaidLedger *ledger, PaidSpan span, const char *transaction)
{
	if (!span_is_empty(span))
		ledger->items[ledger->nitems++] = (PaidItem){span, transaction};
}

/*
 * A period that the store lets begin within that of another payment takes its place: what was
 * left of the other one was set off against it, and does not come back when it is given back.
 * So is what lies behind the beginning: days that were added, a renewal that was charged ahead,
 * what a change of plan told before its payment; and a payment that was told twice is left
 * twice. The last items tell: what they begin behind is over.
 */
static void
period_take_place(PaidLedger *ledger, const PaidChange *change, FoldAnomaly anomaly)
{
	const PaidCut *cut = ledger->ncuts > 0 ? &ledger->cuts[ledger->ncuts - 1] : NULL;
	int64_t from = change->paid.from;

	if (!change->takes_place)
		return;
	for (int i = ledger->nitems - 1; i >= 0 && ledger->items[i].span.until > from; i--)
	{
		PaidSpan *span = &ledger->items[i].span;
		int64_t until = span->until;

		/* a change of plan may have ended it before the payment is told */
		if (cut != NULL && cut->place > i && !cut->unnamed)
			until = earlier(until, cut->at);
		/* a period of the past that is told late takes no place behind it */
		if (span->from > from && anomaly != FOLD_SOUND)
			break;
		/* what the new period covers: an event takes nothing of the past */
		if (until <= change->paid.until)
			span->until = later(span->from, from);
	}
}

/*
 * A refund that names a payment takes that one. If it ends the line, it takes too what is of no
 * payment; and all, if the line does not know the payment as its own: it speaks of the line as
 * it is then.
 */
static void
return_take(PaidLedger *ledger, const FoldState *before, const FoldState *after,
			const FoldEvent *event, FoldAnomaly anomaly)
{
	bool current = event->transaction != NULL && before->transaction != NULL &&
				   strcmp(event->transaction, before->transaction) == 0;

	if (event->transaction != NULL)
		return_add(ledger, event);
	if (anomaly != FOLD_SOUND)
		return;
	if (event->type == EVENT_UNREVOKED)
		reversal_take(ledger, before, after, event);
	else
		cut_add(ledger, event->time, current);
}

/* What comes back lasts from the reversal, and not from before the payment's own beginning. */
static void
reversal_take(PaidLedger *ledger, const FoldState *before, const FoldState *after,
			  const FoldEvent *event)
{
	const char *transaction =
		event->transaction != NULL ? event->transaction : before->transaction;
	int64_t begin = INT64_MAX;

	for (int i = 0; i < ledger->nitems; i++)
		if (names_compare(ledger->items[i].transaction, transaction) == 0)
			begin = earlier(begin, ledger->items[i].span.from);
	begin = begin == INT64_MAX ? event->time : later(event->time, begin);
	item_add(ledger, (PaidSpan){begin, fold_access_end(&after->now)}, transaction);
}

/*
 * The place breaks ties of time: of a refund and its reversal at one instant the later in the
 * fold counts.
 */
static void
return_add(PaidLedger *ledger, const FoldEvent *event)
{
	ledger->returns[ledger->nreturns] = (PaidReturn){
		event->transaction, event->time, event->type == EVENT_REVOKED, ledger->nreturns};
	ledger->nreturns++;
}

/* The place is the number of items so far: the cut ends these and none that come later. */
static void
cut_add(PaidLedger *ledger, int64_t at, bool unnamed)
{
	if (at != INT64_MAX)
		ledger->cuts[ledger->ncuts++] = (PaidCut){ledger->nitems, unnamed, at};
}

/* From the last item to the first, so that each cut is looked at once. */
static void
cuts_apply(PaidLedger *ledger)
{
	int64_t at = INT64_MAX;
	int64_t unnamed_at = INT64_MAX;
	int left = ledger->ncuts;

	for (int i = ledger->nitems - 1; i >= 0; i--)
	{
		PaidItem *item = &ledger->items[i];

		while (left > 0 && ledger->cuts[left - 1].place > i)
		{
			const PaidCut *cut = &ledger->cuts[--left];

			unnamed_at = earlier(unnamed_at, cut->at);
			if (!cut->unnamed)
				at = earlier(at, cut->at);
		}
		item->span.until =
			earlier(item->span.until, item->transaction == NULL ? unnamed_at : at);
	}
}

/*
 * The periods of one payment without the times in which it was given back. Items are in the
 * order of their beginning, and returns in that of the log. Returns the number of spans, which
 * is at most that of items and returns together.
 */
static int
spans_of_payment(const PaidItem *items, int nitems, const PaidReturn *returns, int nreturns,
				 PaidSpan *spans)
{
	int count = 0;
	int next = 0;
	bool given_back = false;

	for (int i = 0; i < nitems; i++)
	{
		PaidSpan span = items[i].span;

		/* repeated notices of a payment are one period, so that each return is looked at once
		 */
		while (i + 1 < nitems && items[i + 1].span.from <= span.until)
			span.until = later(span.until, items[++i].span.until);
		count += span_return(span, returns, nreturns, &next, &given_back, spans + count);
	}
	return count;
}

/* One span, cut by the returns from *next on that lie before its end. */
static int
span_return(PaidSpan span, const PaidReturn *returns, int nreturns, int *next, bool *given_back,
			PaidSpan *spans)
{
	int64_t from = span.from;
	int count = 0;

	for (; *next < nreturns && returns[*next].time < span.until; (*next)++)
	{
		const PaidReturn *turn = &returns[*next];

		if (turn->given_back == *given_back)
			continue;
		if (turn->given_back && turn->time > from)
			spans[count++] = (PaidSpan){from, turn->time};
		*given_back = turn->given_back;
		from = later(span.from, turn->time);
	}
	if (!*given_back && from < span.until)
		spans[count++] = (PaidSpan){from, span.until};
	return count;
}

/* Orders the spans and joins those that touch; empty ones are left out. */
static int
spans_join(PaidSpan *spans, int count)
{
	int kept = 0;

	qsort(spans, count, sizeof(PaidSpan), span_compare);
	for (int i = 0; i < count; i++)
	{
		if (span_is_empty(spans[i]))
			continue;
		if (kept > 0 && spans[i].from <= spans[kept - 1].until)
			spans[kept - 1].until = later(spans[kept - 1].until, spans[i].until);
		else
			spans[kept++] = spans[i];
	}
	return kept;
}

/* False if the span begins before the last one, and may touch what lies before that. */
static bool
last_join(PaidSpan *last, PaidSpan span)
{
	if (span_is_empty(span))
		return true;
	if (span_is_empty(*last) || span.from > last->until)
		*last = span;
	else if (span.from < last->from)
		return false;
	else
		last->until = later(last->until, span.until);
	return true;
}

static bool
span_is_empty(PaidSpan span)
{
	return span.until <= span.from;
}

/* NULL stands before every name. */
static int
names_compare(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return (a != NULL) - (b != NULL);
	return strcmp(a, b);
}

static int
item_compare(const void *a, const void *b)
{
	const PaidItem *left = a;
	const PaidItem *right = b;
	int order = names_compare(left->transaction, right->transaction);

	return order != 0 ? order : span_compare(&left->span, &right->span);
}

/* A refund and its reversal at one instant keep the order of the log. */
static int
return_compare(const void *a, const void *b)
{
	const PaidReturn *left = a;
	const PaidReturn *right = b;
	int order = names_compare(left->transaction, right->transaction);

	return order != 0 ? order : left->place - right->place;
}

static int
span_compare(const void *a, const void *b)
{
	const PaidSpan *left = a;
	const PaidSpan *right = b;

	return (left->from > right->from) - (left->from < right->from);
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
