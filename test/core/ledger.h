/*
 * ledger.h: what the tests of spans of access share: a ledger with its arrays, and its answers.
 */
#ifndef COURSEBASE_TEST_LEDGER_H
#define COURSEBASE_TEST_LEDGER_H

#include <stdlib.h>

#include "billing/fold.h"
#include "billing/paid.h"
#include "table.h"

#define ROOM_EVENTS 8
#define ROOM_SPANS  (ROOM_EVENTS * (PAID_ITEMS_AN_EVENT + 1) + 1)

/* A ledger and what its arrays are. */
typedef struct Room
{
	PaidLedger ledger;
	PaidItem items[ROOM_EVENTS * PAID_ITEMS_AN_EVENT];
	PaidReturn returns[ROOM_EVENTS];
	PaidCut cuts[ROOM_EVENTS];
} Room;

static inline void
room_begin(Room *room)
{
	memset(room, 0, sizeof(*room));
	room->ledger =
		(PaidLedger){.items = room->items, .returns = room->returns, .cuts = room->cuts};
}

/* A copy that is no larger than it must be: the sanitizers watch what lies behind it. */
static inline void *
room_copy(const void *array, int count, size_t size)
{
	void *copy = malloc(count > 0 ? count * size : 1);

	memcpy(copy, array, count * size);
	return copy;
}

/*
 * The spans, of a copy: asking uses a ledger up. end: FOLD_NEVER, or when another line takes
 * the place of this one.
 */
static inline int
room_spans(const Room *room, PaidSpan *spans, int64_t end)
{
	const PaidLedger *ledger = &room->ledger;
	PaidLedger copy = *ledger;
	PaidCut cuts[ROOM_EVENTS + 1];
	int count = ledger->nitems + ledger->nreturns + 1;
	PaidSpan *found = malloc(count * sizeof(PaidSpan));

	copy.items = room_copy(ledger->items, ledger->nitems, sizeof(PaidItem));
	copy.returns = room_copy(ledger->returns, ledger->nreturns, sizeof(PaidReturn));
	memcpy(cuts, ledger->cuts, ledger->ncuts * sizeof(PaidCut));
	copy.cuts = cuts;
	if (end != FOLD_NEVER)
		paid_end_all(&copy, end);
	count = paid_spans(&copy, found);
	memcpy(spans, found, count * sizeof(PaidSpan));
	free(copy.items);
	free(copy.returns);
	free(found);
	return count;
}

static inline PaidSpan
room_last(const Room *room)
{
	PaidSpan spans[ROOM_SPANS];
	int count = room_spans(room, spans, FOLD_NEVER);

	return count == 0 ? (PaidSpan){FOLD_NEVER, FOLD_NEVER} : spans[count - 1];
}

/*
 * Takes the next event of a line. Whether the last span was answered without the ledger; then
 * it is that of the ledger, and else it is as it was.
 */
static inline bool
room_take(Room *room, FoldState *state, const FoldEvent *event, FoldAnomaly *anomaly,
		  const char *table, size_t row)
{
	FoldState before = *state;
	PaidSpan last = room_last(room), was = last, is;
	bool answered;

	*anomaly = fold_step(state, event);
	answered = paid_step(&last, &before, state, event, *anomaly);
	paid_take(&room->ledger, &before, state, event, *anomaly);
	is = answered ? room_last(room) : was;
	table_check(last.from == is.from && last.until == is.until, table, row,
				answered ? "the last span without the log" : "is left as it was");
	return answered;
}

#endif
