/*
 * apply_subscriptions.h: what a notice does to the line of a subscription.
 */
#ifndef COURSEBASE_NOTIFICATIONS_APPLY_SUBSCRIPTIONS_H
#define COURSEBASE_NOTIFICATIONS_APPLY_SUBSCRIPTIONS_H

#include "postgres.h"

#include "notifications/effect.h"

/* The event's id is the notification's, so that a notification applied twice is an event that
 * came twice. As notice_apply() otherwise. */
extern void subscription_apply(const NoticeCall *call, NoticeEffect *effect);

#endif
