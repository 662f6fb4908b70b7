/*
 * refunds.c: which refund of a payment makes it whole, and which reversal takes that back.
 *
 * Invariants: a refund counts once by its id, however often it is told, and never again once it
 * was reversed. A provider tells of each refund and besides of the sum of a charge until then:
 * the greater of both counts. A dispute stands beside the refunds of its charge. What was paid
 * for a payment is the greatest sum that is told of it until the refund; where none is, the
 * refund is of the whole. Nothing that happened later decides what a refund did: a question
 * about the past gets one answer, however long the log has become.
 */
#include "billing/refunds.h"

#include <stddef.h>
#include <string.h>

const char *const refund_kind_names[REFUND_KINDS] = {"refund", "total", "dispute"};

static bool names_refund(const FoldEvent *event);
static int64_t payment_paid(FoldEvent *const *events, int count, const FoldEvent *refund);
static bool payment_was_whole(FoldEvent *const *events, int refund);
static bool payment_is_whole(const RefundTold *told, int ntold, const char *transaction,
							 int64_t paid);
static void refund_tell(RefundTold *told, int *ntold, const FoldEvent *event);
static void totals_lessen(RefundTold *told, int ntold, const FoldEvent *event);
static int64_t sum_of(const RefundTold *told, int ntold, const char *transaction,
					  RefundKind kind);

bool
refund_kind_parse(const char *name, RefundKind *kind)
{
	for (int i = 0; i < REFUND_KINDS; i++)
		if (strcmp(refund_kind_names[i], name) == 0)
		{
			*kind = (RefundKind) i;
			return true;
		}
	return false;
}

/*
 * What was done before is asked of the marks and not computed anew: a sum that was told since
 * does not undo a refund of the whole, and its reversal must still take it back.
 */
void
refunds_mark(FoldEvent *const *events, int count, RefundTold *room)
{
	int ntold = 0;

	for (int i = 0; i < count; i++)
	{
		FoldEvent *event = events[i];
		bool before, after;

		event->idle = false;
		if (!names_refund(event))
			continue;
		before = payment_was_whole(events, i);
		refund_tell(room, &ntold, event);
		after = payment_is_whole(room, ntold, event->transaction,
								 payment_paid(events, count, event));
		event->idle = event->type == EVENT_REVOKED ? before || !after : after || !before;
	}
}

/* A refund that names no id is one of the store's whole refunds, which the matrix knows. */
static bool
names_refund(const FoldEvent *event)
{
	return event->refund != NULL && event->transaction != NULL &&
		   (event->type == EVENT_REVOKED || event->type == EVENT_UNREVOKED);
}

/* By all events of the refund's instant: the provider tells a refund and its charge at once. */
static int64_t
payment_paid(FoldEvent *const *events, int count, const FoldEvent *refund)
{
	int64_t paid = 0;

	for (int i = 0; i < count && events[i]->time <= refund->time; i++)
		if (events[i]->paid > paid && events[i]->transaction != NULL &&
			strcmp(events[i]->transaction, refund->transaction) == 0)
			paid = events[i]->paid;
	return paid;
}

/* The last refund or reversal that did something to the payment says how it left it. */
static bool
payment_was_whole(FoldEvent *const *events, int refund)
{
	const char *transaction = events[refund]->transaction;

	for (int i = refund - 1; i >= 0; i--)
		if (names_refund(events[i]) && !events[i]->idle &&
			strcmp(events[i]->transaction, transaction) == 0)
			return events[i]->type == EVENT_REVOKED;
	return false;
}

static bool
payment_is_whole(const RefundTold *told, int ntold, const char *transaction, int64_t paid)
{
	int64_t refunds = sum_of(told, ntold, transaction, REFUND_ONE);
	int64_t totals = sum_of(told, ntold, transaction, REFUND_TOTAL);
	int64_t disputes = sum_of(told, ntold, transaction, REFUND_DISPUTE);
	int64_t given = refunds > totals ? refunds : totals;

	/* a sum that is not told is 0, and a refund of nothing gives nothing back */
	if (given == 0 && disputes == 0)
		return false;
	return given >= paid || disputes >= paid - given;
}

/* A sum is as it was told last; of one refund the first telling stands. */
static void
refund_tell(RefundTold *told, int *ntold, const FoldEvent *event)
{
	bool reversal = event->type == EVENT_UNREVOKED;
	RefundTold *found = NULL;

	for (int i = 0; i < *ntold && found == NULL; i++)
		if (told[i].kind == event->refund_kind && strcmp(told[i].ref, event->refund) == 0 &&
			strcmp(told[i].transaction, event->transaction) == 0)
			found = &told[i];
	if (reversal && (found == NULL || !found->reversed))
		totals_lessen(told, *ntold, event);
	if (found == NULL)
	{
		told[(*ntold)++] = (RefundTold){event->transaction, event->refund, event->refund_kind,
										event->refunded, reversal};
		return;
	}
	if (event->refund_kind == REFUND_TOTAL)
		found->amount = event->refunded;
	found->reversed = found->reversed || reversal;
}

/* The sum of a charge holds its refunds, and is not told again when one of them fails. */
static void
totals_lessen(RefundTold *told, int ntold, const FoldEvent *event)
{
	int64_t left = event->refunded;

	if (event->refund_kind != REFUND_ONE)
		return;
	for (int i = 0; i < ntold && left > 0; i++)
	{
		int64_t part = told[i].amount < left ? told[i].amount : left;

		if (told[i].kind != REFUND_TOTAL || told[i].reversed ||
			strcmp(told[i].transaction, event->transaction) != 0)
			continue;
		told[i].amount -= part;
		left -= part;
	}
}

/* The greatest number where the sum is beyond it. */
static int64_t
sum_of(const RefundTold *told, int ntold, const char *transaction, RefundKind kind)
{
	int64_t sum = 0;

	for (int i = 0; i < ntold; i++)
		if (told[i].kind == kind && !told[i].reversed &&
			strcmp(told[i].transaction, transaction) == 0 &&
			__builtin_add_overflow(sum, told[i].amount, &sum))
			return INT64_MAX;
	return sum;
}
