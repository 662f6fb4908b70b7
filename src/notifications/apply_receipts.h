/*
 * apply_receipts.h: what a notice does to a purchase of an app store. As notice_apply().
 */
#ifndef COURSEBASE_NOTIFICATIONS_APPLY_RECEIPTS_H
#define COURSEBASE_NOTIFICATIONS_APPLY_RECEIPTS_H

#include "postgres.h"

#include "notifications/effect.h"

/* A purchase that was made, is pending, or was canceled. */
extern void purchase_apply(const NoticeCall *call, NoticeEffect *effect);

/* A purchase whose money went back, whole or for a part of its quantity. */
extern void refund_apply(const NoticeCall *call, NoticeEffect *effect);

/* A refund that the store took back. */
extern void reversal_apply(const NoticeCall *call, NoticeEffect *effect);

#endif
