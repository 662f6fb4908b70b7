/*
 * google_play.h: what Google Play sends: real-time developer notifications in Pub/Sub's push
 * envelope, the documents that the Play Developer API answers for them, and the purchase data
 * that a phone has, signed by the app's key.
 *
 * Plain C. Signatures are the caller's to check: Pub/Sub's push token comes in a header, the
 * app's over the body.
 */
#ifndef COURSEBASE_NOTIFICATIONS_GOOGLE_PLAY_H
#define COURSEBASE_NOTIFICATIONS_GOOGLE_PLAY_H

#include "notifications/fields.h"
#include "notifications/notice.h"

/* Whether a body is INAPP_PURCHASE_DATA of a phone and no push envelope. */
extern bool google_play_is_purchase_data(JsonSlice body);

/*
 * Reads a body (room: its size) with the API's document for it, empty where there is none.
 * Where the document is needed and missing, notice->needs says which one to fetch. False and
 * *fault for a member that is not as Google documents it, and for a document of another
 * purchase.
 */
extern bool google_play_read(JsonSlice body, JsonSlice details, char *room, StoreNotice *notice,
							 FieldFault *fault);

#endif
