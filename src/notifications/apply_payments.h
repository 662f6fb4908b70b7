/*
 * apply_payments.h: what a notice of Stripe's does to sales and lines. As notice_apply().
 */
#ifndef COURSEBASE_NOTIFICATIONS_APPLY_PAYMENTS_H
#define COURSEBASE_NOTIFICATIONS_APPLY_PAYMENTS_H

#include "postgres.h"

#include "notifications/effect.h"

/* A session of a checkout, or a payment intent alone. */
extern void checkout_apply(const NoticeCall *call, NoticeEffect *effect);

/* A payment whose names are told. */
extern void payment_apply(const NoticeCall *call, NoticeEffect *effect);

/* A refund, a dispute that is over, or a reversal of one. */
extern void payment_refund_apply(const NoticeCall *call, NoticeEffect *effect);

/* Whose payment a question is about, without deciding anything: sets the person of the effect
 * where a sale or another slice knows it, and the names of the notice where a line does. */
extern void payment_of_review(const NoticeCall *call, StoreNotice *notice,
							  NoticeEffect *effect);

#endif
