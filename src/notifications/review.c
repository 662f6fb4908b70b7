/*
 * review.c: which notification ends a store's question about a refund.
 *
 * Invariant: the question and its end name the same thing, whichever of them comes first:
 * Stripe the dispute, App Store the transaction, Google Play the order. Nothing allocates or
 * raises.
 */
#include "postgres.h"

#include "notifications/review.h"

JsonSlice
review_ref(NoticeProvider provider, const StoreNotice *notice)
{
	switch (provider)
	{
		case PROVIDER_STRIPE:
			return notice->refund_kind == NOTICE_REFUND_DISPUTE ? notice->refund
																: (JsonSlice){NULL, 0};
		case PROVIDER_APP_STORE:
			return notice->transaction;
		case PROVIDER_GOOGLE_PLAY:
			return notice->order.size > 0 ? notice->order : notice->token;
		default:
			return (JsonSlice){NULL, 0};
	}
}

/* A dispute ends lost, won, or closed as an inquiry that it only was. A refund that failed is
 * decided too: it is told by the refund's own id. */
JsonSlice
review_settled(NoticeProvider provider, const StoreNotice *notice)
{
	bool ends = false;

	switch (provider)
	{
		case PROVIDER_STRIPE:
			if (notice->subject == NOTICE_REVERSAL)
				return notice->refund;
			ends = notice->subject == NOTICE_REFUND ||
				   json_string_is(notice->type, "charge.dispute.closed");
			break;
		case PROVIDER_APP_STORE:
			ends = json_string_is(notice->type, "REFUND") ||
				   json_string_is(notice->type, "REFUND_DECLINED") ||
				   json_string_is(notice->type, "REFUND_REVERSED");
			break;
		case PROVIDER_GOOGLE_PLAY:
			/* of a thing a refund, and of a subscription an event of its line */
			ends = notice->subject == NOTICE_REFUND ||
				   json_string_is(notice->type, "voidedPurchaseNotification");
			break;
		default:
			break;
	}
	return ends ? review_ref(provider, notice) : (JsonSlice){NULL, 0};
}
