/*
 * apply.h: what a notification does.
 */
#ifndef COURSEBASE_NOTIFICATIONS_APPLY_H
#define COURSEBASE_NOTIFICATIONS_APPLY_H

#include "postgres.h"

#include "notifications/effect.h"

/*
 * Does what the notification means by calling what exists for it: subscription events,
 * receipts, sales, refunds. Needs SPI; runs with the rights of the tables' owner. Raises what
 * those raise: the caller decides which of it is an answer.
 */
extern void notice_apply(const NoticeCall *call, NoticeEffect *effect);

#endif
