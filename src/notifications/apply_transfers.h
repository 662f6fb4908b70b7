/*
 * apply_transfers.h: what a notice of RevenueCat's does to whose a purchase is. As
 * notice_apply().
 */
#ifndef COURSEBASE_NOTIFICATIONS_APPLY_TRANSFERS_H
#define COURSEBASE_NOTIFICATIONS_APPLY_TRANSFERS_H

#include "postgres.h"

#include "notifications/effect.h"

/* What was told of the givers goes to the receiver. */
extern void transfer_apply(const NoticeCall *call, NoticeEffect *effect);

/*
 * Before a purchase is applied: one that was left behind by a transfer goes after its person's
 * other ones, and the effect's person becomes the receiver. For any other notice it does
 * nothing.
 */
extern void late_transfer_apply(const NoticeCall *call, NoticeEffect *effect);

#endif
