/*
 * refunds.h: how much of a payment is given back, of its refunds in whatever order they are
 * told.
 *
 * A refund of a part ends no period; the refunds that make the whole of a payment do, and the
 * reversal of one of them takes that back. The functions are pure, as those of fold.h.
 */
#ifndef COURSEBASE_BILLING_REFUNDS_H
#define COURSEBASE_BILLING_REFUNDS_H

#include "billing/fold.h"

/* A refund, dispute or sum as far as the walk along the log knows it. */
typedef struct RefundTold
{
	const char *transaction;
	const char *ref;
	RefundKind kind;
	int64_t amount;
	bool reversed;
} RefundTold;

/*
 * Sets idle of each event that names a refund: whether what it tells neither makes nor unmakes
 * the whole of its payment. The events are those of one line, in the order of the fold; room is
 * for as many as name a refund.
 */
extern void refunds_mark(FoldEvent *const *events, int count, RefundTold *room);

/* False, and nothing set, for a word that is none of these. */
extern bool refund_kind_parse(const char *name, RefundKind *kind);

extern const char *const refund_kind_names[REFUND_KINDS];

#endif
