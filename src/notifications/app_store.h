/*
 * app_store.h: what Apple sends: notifications (App Store Server Notifications, version 2) and
 * transactions.
 *
 * Plain C. The payloads are those of tokens whose signatures the caller has checked, or decided
 * not to ask for.
 */
#ifndef COURSEBASE_NOTIFICATIONS_APP_STORE_H
#define COURSEBASE_NOTIFICATIONS_APP_STORE_H

#include "notifications/fields.h"
#include "notifications/notice.h"

/* The tokens inside of a notification's payload; empty where it has none. */
typedef struct AppStoreParts
{
	JsonSlice transaction; /* without quotes */
	JsonSlice renewal;
} AppStoreParts;

extern bool app_store_parts(JsonSlice notification, AppStoreParts *parts, FieldFault *fault);

/*
 * Reads a notification with the payloads of its tokens (empty: it has none), or with an empty
 * notification the payload of a transaction alone, as the App Store Server API and StoreKit 2
 * give it. False and *fault for a member that is not as Apple documents it, and where payloads
 * name different apps, environments or lines.
 */
extern bool app_store_read(JsonSlice notification, JsonSlice transaction, JsonSlice renewal,
						   StoreNotice *notice, FieldFault *fault);

#endif
