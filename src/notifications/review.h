/*
 * review.h: by which name a store asks about a refund, and tells how that ended.
 */
#ifndef COURSEBASE_NOTIFICATIONS_REVIEW_H
#define COURSEBASE_NOTIFICATIONS_REVIEW_H

#include "postgres.h"

#include "notifications/notice.h"
#include "notifications/proof.h"

/* The dispute or purchase that a question is about; raw, empty: the provider asks nothing. */
extern JsonSlice review_ref(NoticeProvider provider, const StoreNotice *notice);

/* The same of a notification that tells how it ended; empty for all others. */
extern JsonSlice review_settled(NoticeProvider provider, const StoreNotice *notice);

#endif
