/*
 * apply.c: a notice does what it means, by the functions that do it for everybody else.
 *
 * Invariants: a notification takes effect by one call of a function that is repeatable by
 * itself, so that a replay changes nothing; what cannot be decided yet waits and says for what;
 * nothing that was not proven acts for a store that is taken only verified.
 *
 * Locks: those of the functions that are called; the caller holds the row of the inbox.
 *
 * Rights: the statements run with those of the tables' owner, which lets them pass where a
 * server key alone is refused (core/signed_only.h).
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/timestamp.h"

#include "core/datum.h"
#include "core/signed_only.h"
#include "notifications/apply.h"
#include "notifications/apply_payments.h"
#include "notifications/apply_receipts.h"
#include "notifications/apply_subscriptions.h"
#include "notifications/apply_transfers.h"
#include "notifications/members.h"
#include "notifications/review.h"
#include "notifications/whose.h"

static void review_apply(const NoticeCall *call, NoticeEffect *effect);

/* Sends the notice to what does it. */
void
notice_apply(const NoticeCall *call, NoticeEffect *effect)
{
	const StoreNotice *notice = call->notice;

	memset(effect, 0, sizeof(*effect));
	/*
	 * without the document nothing is looked up: it may name another person and mean something
	 * else than the notification alone
	 */
	if (notice->needs != NULL)
	{
		effect->needs = notice->needs;
		effect_wait(effect, psprintf("details are needed: fetch %s", notice->needs));
		return;
	}
	/* RevenueCat speaks for stores, and what was stored before the setting named the provider
	 * is replayed: neither may pass for verified */
	if (!call->verified &&
		(signed_only(notice_provider_names[call->provider]) || signed_only(whose_store(call))))
	{
		effect_refuse(effect,
					  "KB822: the setting require_signature names its store, and nothing "
					  "proved it");
		return;
	}
	switch (notice->subject)
	{
		case NOTICE_SUBSCRIPTION:
			subscription_apply(call, effect);
			break;
		case NOTICE_PURCHASE:
			purchase_apply(call, effect);
			break;
		case NOTICE_CHECKOUT:
			checkout_apply(call, effect);
			break;
		case NOTICE_PAYMENT:
			payment_apply(call, effect);
			break;
		/* what Stripe sells is a sale; the app stores' things are receipts */
		case NOTICE_REFUND:
			if (call->provider == PROVIDER_STRIPE)
				payment_refund_apply(call, effect);
			else
				refund_apply(call, effect);
			break;
		case NOTICE_REVERSAL:
			if (call->provider == PROVIDER_STRIPE)
				payment_refund_apply(call, effect);
			else
				reversal_apply(call, effect);
			break;
		case NOTICE_REVIEW:
			review_apply(call, effect);
			break;
		case NOTICE_TRANSFER:
			transfer_apply(call, effect);
			break;
		default:
			effect_note(effect, "it means nothing to this database");
	}
}

/* Nothing is decided here; refunds_to_review lists it until the store's patience ends. */
static void
review_apply(const NoticeCall *call, NoticeEffect *effect)
{
	const StoreNotice *notice = call->notice;
	JsonSlice purchase = notice->transaction.size > 0 ? notice->transaction
						 : notice->token.size > 0     ? notice->token
						 : notice->charge.size > 0    ? notice->charge
													  : notice->order;
	/*
	 * how long a store waits for an answer: Apple 12 hours, Google 24; Stripe names the time
	 * (answer_until)
	 */
	int64 hours = call->provider == PROVIDER_APP_STORE ? 12 : 24;
	StoreNotice of_line = *notice;
	NoticeCall seen = *call;
	int64 until = notice->answer_until != NOTICE_NO_TIME
					  ? notice->answer_until
					  : notice->time + hours * USECS_PER_HOUR;
	StringInfoData json;

	seen.notice = &of_line;
	/* for the list alone: nobody need be known */
	if (call->provider == PROVIDER_STRIPE)
		payment_of_review(call, &of_line, effect);
	if (!effect->has_user)
		effect->has_user = whose_find(&seen, &effect->user) == WHOSE_FOUND;
	initStringInfo(&json);
	member_text(&json, "review", "true");
	member_raw(&json, "purchase_id", purchase);
	/* by it the view finds how the question ended, which may have been told before */
	member_raw(&json, "review_ref", review_ref(call->provider, notice));
	/* the view casts it, so that it is no number */
	member_text(&json, "answer_until", time_utc_text(until));
	appendStringInfoChar(&json, '}');
	effect->result = json.data;
	effect_note(effect, "the store asks about a refund; refunds_to_review lists it");
}
