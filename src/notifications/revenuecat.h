/*
 * revenuecat.h: what RevenueCat's webhooks send.
 *
 * Plain C. RevenueCat signs nothing: the authorization header, which the caller compares,
 * proves the sender.
 */
#ifndef COURSEBASE_NOTIFICATIONS_REVENUECAT_H
#define COURSEBASE_NOTIFICATIONS_REVENUECAT_H

#include "notifications/fields.h"
#include "notifications/notice.h"

/* False and *fault for a member that is not as RevenueCat documents it. */
extern bool revenuecat_read(JsonSlice body, StoreNotice *notice, FieldFault *fault);

#endif
