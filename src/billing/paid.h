/*
 * paid.h: the times in which a line of subscription events gives access.
 *
 * The status of a line says what holds after its last event; this ledger says what held at any
 * instant. It keeps what was paid for, as periods, and what ended or gave back a part of that.
 * An event never takes away what lies before it, and a period that the store states reaches
 * back to its beginning, so a payment that is told late gives access to the past.
 *
 * The functions are pure, as those of fold.h, whose times they use.
 */
#ifndef COURSEBASE_BILLING_PAID_H
#define COURSEBASE_BILLING_PAID_H

#include "billing/fold.h"

/* [from, until); both FOLD_NEVER: no time at all. */
typedef struct PaidSpan
{
	int64_t from;
	int64_t until;
} PaidSpan;

/* A part of a period, of the payment that gave it. */
typedef struct PaidItem
{
	PaidSpan span;
	const char *transaction; /* NULL: the store named none, or it is of the line as a whole */
} PaidItem;

/* A payment was given back, or the store took that back. */
typedef struct PaidReturn
{
	const char *transaction;
	int64_t time;
	bool given_back;
	int place; /* among the returns of the ledger */
} PaidReturn;

/* What the items before a place give ends at a time. */
typedef struct PaidCut
{
	int place;
	bool unnamed; /* only the items without a transaction */
	int64_t at;
} PaidCut;

/*
 * The arrays are the caller's. One event adds at most PAID_ITEMS_AN_EVENT items, one return and
 * one cut.
 */
typedef struct PaidLedger
{
	PaidItem *items;
	PaidReturn *returns;
	PaidCut *cuts;
	int nitems;
	int nreturns;
	int ncuts;
} PaidLedger;

#define PAID_ITEMS_AN_EVENT 2

/*
 * Takes the event that led from one state to the other. Events come in the order of
 * fold_event_compare().
 */
extern void paid_take(PaidLedger *ledger, const FoldState *before, const FoldState *after,
					  const FoldEvent *event, FoldAnomaly anomaly);

/* All access ends: another line takes the place of this one. No event is taken behind it. */
extern void paid_end_all(PaidLedger *ledger, int64_t at);

/*
 * The spans of access, in their order and apart from each other. The room is one more than
 * items and returns together. The ledger is used up.
 */
extern int paid_spans(PaidLedger *ledger, PaidSpan *spans);

/*
 * What paid_spans() would have for its last span after one event more, from the last span
 * alone. False, and nothing changed, if only the whole ledger can tell: what is given back,
 * taken back or told late may reach into spans before the last one.
 */
extern bool paid_step(PaidSpan *last, const FoldState *before, const FoldState *after,
					  const FoldEvent *event, FoldAnomaly anomaly);

#endif
