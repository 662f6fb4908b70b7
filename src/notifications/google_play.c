/*
 * google_play.c: Google's notifications and the API's documents become a notice.
 *
 * Source: real-time developer notifications reference; purchases.subscriptionsv2,
 * purchases.productsv2, purchases.products and purchases.voidedpurchases of the Play Developer
 * API. A notification says that something happened to a token; what holds now stands in the
 * document alone. Event times are milliseconds since 1970 in a string, documents have ISO 8601.
 *
 * Invariants: a document counts only for the token that the notification names; a kind of
 * notification that is not known leaves the notice about nothing, so that it is noted and not
 * refused; numbers of one-time purchases are never read as those of subscriptions.
 */
#include "notifications/google_play.h"

#include <string.h>

#include "notifications/base64.h"

#define AT(type, member) offsetof(type, member)

/* What Pub/Sub puts around the notification. */
typedef struct Envelope
{
	JsonSpan message;
	JsonSlice id;
	JsonSlice data;
} Envelope;

/* A DeveloperNotification, the member of its kind included. */
typedef struct Event
{
	JsonSlice application;
	int64_t time;
	JsonSpan subscription;
	JsonSpan one_time;
	JsonSpan voided;
	JsonSpan review;
	JsonSpan test;
	JsonSlice type;
	JsonSlice token;
	JsonSlice product;
	JsonSlice order;
	int64_t product_type;
	int64_t refund_type;
	int64_t answer_until;
} Event;

/* purchases.subscriptionsv2: what holds now of the token. */
typedef struct Subscription
{
	JsonSpan lines;
	/* there for a tester's purchase: it is of the sandbox */
	JsonSpan test;
	JsonSpan accounts;
	JsonSlice state;
	/* of the purchase that this one took the place of */
	JsonSlice linked_token;
	JsonSlice order;
	int64_t started_at;
} Subscription;

/* A line item, with plan, offer and phase. */
typedef struct Line
{
	JsonSlice product;
	JsonSlice order;
	int64_t expires_at;
	/* one of the two says what plan it is */
	JsonSpan renewing;
	JsonSpan prepaid;
	JsonSpan offer;
	JsonSpan phase;
	JsonSpan trial;
	/* there while another item is to take its place when it ends */
	JsonSpan replaced;
	JsonSlice base_plan_id;
	JsonSlice offer_id;
	int auto_renew;
} Line;

/* Of productsv2, of products and of a phone's purchase data, which name the same things in
 * different places. */
typedef struct Purchase
{
	JsonSpan lines;
	JsonSpan state_context;
	JsonSpan test_context;
	JsonSpan offer;
	/* productsv2 has a word, the others the number in state */
	JsonSlice state_name;
	JsonSlice application;
	JsonSlice product;
	JsonSlice token;
	JsonSlice order;
	JsonSlice account;
	int64_t state;
	/* 0: a tester's; not there: paid for */
	int64_t type;
	int64_t quantity;
	int64_t purchased_at;
} Purchase;

/* An entry of purchases.voidedpurchases. */
typedef struct Voided
{
	JsonSlice token;
	JsonSlice order;
	int64_t voided_at;
	int64_t quantity;
} Voided;

static const Field envelope_fields[] = {
	{"message", FIELD_OBJECT, AT(Envelope, message), false},
};
static const Field message_fields[] = {
	{"messageId", FIELD_NAME, AT(Envelope, id), false},
	{"data", FIELD_TEXT, AT(Envelope, data), false},
};
static const Field event_fields[] = {
	{"packageName", FIELD_TEXT, AT(Event, application), false},
	{"eventTimeMillis", FIELD_MILLISECONDS, AT(Event, time), false},
	{"subscriptionNotification", FIELD_OBJECT, AT(Event, subscription), false},
	{"oneTimeProductNotification", FIELD_OBJECT, AT(Event, one_time), false},
	{"voidedPurchaseNotification", FIELD_OBJECT, AT(Event, voided), false},
	{"pendingRefundReviewNotification", FIELD_OBJECT, AT(Event, review), false},
	{"testNotification", FIELD_OBJECT, AT(Event, test), false},
};
/* One table for the four: what a kind lacks stays empty. */
static const Field kind_fields[] = {
	{"notificationType", FIELD_NAME, AT(Event, type), false},
	{"purchaseToken", FIELD_TEXT, AT(Event, token), false},
	{"subscriptionId", FIELD_TEXT, AT(Event, product), false},
	{"sku", FIELD_TEXT, AT(Event, product), false},
	{"orderId", FIELD_TEXT, AT(Event, order), false},
	{"productType", FIELD_INTEGER, AT(Event, product_type), false},
	{"refundType", FIELD_INTEGER, AT(Event, refund_type), false},
};
/* The order of the tables is that in which the documents are opened, from the outside in. */
static const Field subscription_fields[] = {
	{"lineItems", FIELD_ARRAY, AT(Subscription, lines), false},
	{"testPurchase", FIELD_OBJECT, AT(Subscription, test), false},
	{"externalAccountIdentifiers", FIELD_OBJECT, AT(Subscription, accounts), false},
	{"subscriptionState", FIELD_TEXT, AT(Subscription, state), false},
	{"linkedPurchaseToken", FIELD_TEXT, AT(Subscription, linked_token), false},
	{"latestOrderId", FIELD_TEXT, AT(Subscription, order), false},
	{"startTime", FIELD_INSTANT, AT(Subscription, started_at), false},
};
static const Field line_fields[] = {
	{"productId", FIELD_TEXT, AT(Line, product), false},
	{"latestSuccessfulOrderId", FIELD_TEXT, AT(Line, order), false},
	{"expiryTime", FIELD_INSTANT, AT(Line, expires_at), true},
	{"autoRenewingPlan", FIELD_OBJECT, AT(Line, renewing), false},
	{"prepaidPlan", FIELD_OBJECT, AT(Line, prepaid), false},
	{"offerDetails", FIELD_OBJECT, AT(Line, offer), false},
	{"offerPhase", FIELD_OBJECT, AT(Line, phase), false},
	{"deferredItemReplacement", FIELD_OBJECT, AT(Line, replaced), false},
};
static const Field plan_fields[] = {
	{"autoRenewEnabled", FIELD_FLAG, AT(Line, auto_renew), false},
};
static const Field offer_fields[] = {
	{"basePlanId", FIELD_TEXT, AT(Line, base_plan_id), false},
	{"offerId", FIELD_TEXT, AT(Line, offer_id), false},
};
static const Field phase_fields[] = {
	{"freeTrial", FIELD_OBJECT, AT(Line, trial), false},
};
static const Field purchase_fields[] = {
	{"productLineItem", FIELD_ARRAY, AT(Purchase, lines), false},
	{"purchaseStateContext", FIELD_OBJECT, AT(Purchase, state_context), false},
	{"testPurchaseContext", FIELD_OBJECT, AT(Purchase, test_context), false},
	{"packageName", FIELD_TEXT, AT(Purchase, application), false},
	{"productId", FIELD_TEXT, AT(Purchase, product), false},
	{"purchaseToken", FIELD_TEXT, AT(Purchase, token), false},
	{"orderId", FIELD_TEXT, AT(Purchase, order), false},
	{"obfuscatedExternalAccountId", FIELD_TEXT, AT(Purchase, account), false},
	{"obfuscatedAccountId", FIELD_TEXT, AT(Purchase, account), false},
	{"purchaseState", FIELD_INTEGER, AT(Purchase, state), false},
	{"purchaseType", FIELD_INTEGER, AT(Purchase, type), false},
	{"quantity", FIELD_INTEGER, AT(Purchase, quantity), false},
	{"purchaseTimeMillis", FIELD_MILLISECONDS, AT(Purchase, purchased_at), false},
	{"purchaseTime", FIELD_MILLISECONDS, AT(Purchase, purchased_at), false},
	{"purchaseCompletionTime", FIELD_INSTANT, AT(Purchase, purchased_at), false},
};
/* Below productLineItem of productsv2; the older documents have these at their root. */
static const Field product_line_fields[] = {
	{"productId", FIELD_TEXT, AT(Purchase, product), false},
	{"productOfferDetails", FIELD_OBJECT, AT(Purchase, offer), false},
};
static const Field product_offer_fields[] = {
	{"quantity", FIELD_INTEGER, AT(Purchase, quantity), false},
};
static const Field state_fields[] = {
	{"purchaseState", FIELD_TEXT, AT(Purchase, state_name), false},
};
static const Field voided_fields[] = {
	{"purchaseToken", FIELD_TEXT, AT(Voided, token), false},
	{"orderId", FIELD_TEXT, AT(Voided, order), false},
	{"voidedTimeMillis", FIELD_MILLISECONDS, AT(Voided, voided_at), false},
	{"voidedQuantity", FIELD_INTEGER, AT(Voided, quantity), false},
};

/* What the edge function is told to fetch, in the words of Google's documentation. */
static const char need_subscription[] = "purchases.subscriptionsv2.get of its purchaseToken";
static const char need_product[] =
	"purchases.productsv2.getproductpurchasev2 of its purchaseToken";

static const char not_one_item[] =
	"is not of one item: subscriptions with add-ons are not sold here";

static bool event_open(JsonSlice body, char *room, StoreNotice *notice, JsonText *text,
					   Event *event, FieldFault *fault);
static bool event_take(JsonText *text, Event *event, JsonSlice details, StoreNotice *notice,
					   FieldFault *fault);
static bool subscription_take(JsonSlice details, StoreNotice *notice, FieldFault *fault);
static bool line_take(JsonText *text, JsonSpan lines, Line *line, FieldFault *fault);
static bool line_is_left(const Line *line, const Line *other);
static bool line_read(JsonText *text, JsonSpan item, Line *line, FieldFault *fault);
static bool accounts_take(JsonText *text, JsonSpan accounts, StoreNotice *notice,
						  FieldFault *fault);
static bool purchase_take(JsonSlice bytes, StoreNotice *notice, FieldFault *fault);
static bool purchase_lines_read(JsonText *text, Purchase *purchase, FieldFault *fault);
static bool state_take(const Purchase *purchase, StoreNotice *notice, FieldFault *fault);
static bool voided_take(JsonSlice details, StoreNotice *notice, FieldFault *fault);
static bool token_agree(JsonSlice token, StoreNotice *notice, FieldFault *fault);
static JsonSpan first_element(JsonText *text, JsonSpan array, bool *alone);

/* A push envelope has a message; purchase data has the token at its root. */
bool
google_play_is_purchase_data(JsonSlice body)
{
	JsonText text;
	JsonSpan value;
	JsonSlice message = {"message", 7};
	JsonSlice token = {"purchaseToken", 13};

	json_text_init(&text, body.bytes, body.size, NULL, NULL);
	return !json_member_find(&text, json_root(&text), message, &value) &&
		   json_member_find(&text, json_root(&text), token, &value);
}

/* Reads the envelope and then the document, if one came: the notification says what happened,
 * and the document what holds now. */
bool
google_play_read(JsonSlice body, JsonSlice details, char *room, StoreNotice *notice,
				 FieldFault *fault)
{
	JsonText text;
	Event event;

	notice_begin(notice);
	if (google_play_is_purchase_data(body))
	{
		notice->subject = NOTICE_PURCHASE;
		if (!purchase_take(body, notice, fault))
			return false;
		/* a purchase has no id of its own as a notification: its token in the state that it
		 * tells */
		notice->id = notice->token;
		notice->time = notice->purchased_at;
		return notice->time != NOTICE_NO_TIME ||
			   field_fail(fault, "purchaseTime", "is missing");
	}
	return event_open(body, room, notice, &text, &event, fault) &&
		   event_take(&text, &event, details, notice, fault);
}

/* Opens the envelope: the notification is base64 within it. */
static bool
event_open(JsonSlice body, char *room, StoreNotice *notice, JsonText *text, Event *event,
		   FieldFault *fault)
{
	Envelope envelope = {0};
	JsonText outer;
	JsonSlice decoded;
	size_t size, where;

	json_text_init(&outer, body.bytes, body.size, NULL, NULL);
	if (!fields_read(&outer, json_root(&outer), FIELDS(envelope_fields), &envelope, fault))
		return false;
	if (envelope.message.end == 0)
		return field_fail(fault, "message", "is missing");
	if (!fields_read(&outer, envelope.message, FIELDS(message_fields), &envelope, fault))
		return false;
	/* the id is what makes a repeated delivery the same notification */
	if (envelope.id.size == 0)
		return field_fail(fault, "message.messageId", "is missing");
	if (envelope.data.size == 0)
		return field_fail(fault, "message.data", "is missing");
	if (!base64_decode(BASE64_STANDARD, envelope.data.bytes + 1, envelope.data.size - 2, room,
					   &size))
		return field_fail(fault, "message.data", "is no base64");
	/* the base64 hid it from the check of the body: it is validated before it is read */
	decoded = (JsonSlice){room, size};
	if (notice_from_utf8 != NULL)
		decoded = notice_from_utf8(decoded);
	json_text_init(text, decoded.bytes, decoded.size, NULL, NULL);
	if (json_text_validate(text, NULL, 0, &where) != JSON_OK ||
		json_kind(text, json_root(text)) != JSON_KIND_OBJECT)
		return field_fail(fault, "message.data", "is no JSON object in base64");
	memset(event, 0, sizeof(*event));
	event->time = NOTICE_NO_TIME;
	if (!fields_read(text, json_root(text), FIELDS(event_fields), event, fault))
		return false;
	if (event->time == NOTICE_NO_TIME)
		return field_fail(fault, "eventTimeMillis", "is missing");
	notice->id = envelope.id;
	notice->time = event->time;
	notice->application = event->application;
	return true;
}

/* Takes the one member that tells the kind of the notification. A kind that is not known yet,
 * and a test, leave the notice about nothing, so that it is noted. */
static bool
event_take(JsonText *text, Event *event, JsonSlice details, StoreNotice *notice,
		   FieldFault *fault)
{
	JsonSpan kind = event->subscription.end > 0 ? event->subscription
					: event->one_time.end > 0   ? event->one_time
					: event->voided.end > 0     ? event->voided
												: event->review;

	if (kind.end == 0) /* the notice stays about nothing, and inbox.c notes it */
		return true;
	if (!fields_read(text, kind, FIELDS(kind_fields), event, fault))
		return false;
	if (event->token.size == 0)
		return field_fail(fault, "purchaseToken", "is missing");
	notice->token = event->token;
	/* a line is known by its token: Google numbers orders, and a line has many */
	notice->original_transaction = event->token;
	notice->product = event->product;
	notice->order = event->order;
	notice->type = event->type;
	if (event->subscription.end > 0)
	{
		notice->subject = NOTICE_SUBSCRIPTION;
		notice->needs = details.size == 0 ? need_subscription : NULL;
		return details.size == 0 || subscription_take(details, notice, fault);
	}
	if (event->one_time.end > 0)
	{
		notice->subject = NOTICE_PURCHASE;
		/* ONE_TIME_PRODUCT_CANCELED says all there is: before it is paid, the token is its id
		 */
		if (details.size == 0 && notice_name_same(event->type, notice_word("2")))
		{
			notice->state = PURCHASE_STATE_CANCELED;
			notice->transaction = event->token;
			return true;
		}
		notice->needs = details.size == 0 ? need_product : NULL;
		return details.size == 0 || purchase_take(details, notice, fault);
	}
	/* Google asks before it gives back; nothing is decided here */
	if (event->review.end > 0)
	{
		notice->subject = NOTICE_REVIEW;
		return true;
	}
	/* productType 1 is a subscription, whose refund the fold takes; 2 is a thing */
	notice->transaction = event->order;
	notice->subject = event->product_type == 1 ? NOTICE_SUBSCRIPTION : NOTICE_REFUND;
	notice->type =
		event->product_type == 1 ? notice_word("\"voidedPurchaseNotification\"") : notice->type;
	/* a refund of a part names its quantity in the API's list of voided purchases alone */
	if (event->refund_type == 2 && details.size == 0)
		notice->needs = "purchases.voidedpurchases.list, the entry of its purchaseToken";
	return details.size == 0 || voided_take(details, notice, fault);
}

/* Takes purchases.subscriptionsv2. The end of the line item is the end of what was paid, except
 * within a grace period. */
static bool
subscription_take(JsonSlice details, StoreNotice *notice, FieldFault *fault)
{
	Subscription subscription = {.started_at = NOTICE_NO_TIME};
	Line line = {.expires_at = NOTICE_NO_TIME, .auto_renew = -1};
	JsonText text;

	json_text_init(&text, details.bytes, details.size, NULL, NULL);
	if (!fields_read(&text, json_root(&text), FIELDS(subscription_fields), &subscription,
					 fault) ||
		!line_take(&text, subscription.lines, &line, fault) ||
		!accounts_take(&text, subscription.accounts, notice, fault))
		return false;
	notice->environment = subscription.test.end > 0 ? NOTICE_SANDBOX : NOTICE_PRODUCTION;
	notice->product = line.product;
	notice->base_plan = line.base_plan_id;
	notice->offer = line.offer_id;
	notice->transaction = line.order.size > 0 ? line.order : subscription.order;
	/* an upgrade: the new token replaces the line of the old one */
	notice->linked_token = subscription.linked_token;
	notice->period_end = line.expires_at;
	notice->purchased_at = subscription.started_at;
	notice->trial = line.trial.end > 0;
	/* a prepaid plan never renews itself; a plan without the member does not */
	notice->auto_renew = line.auto_renew >= 0                            ? line.auto_renew
						 : line.renewing.end > 0 || line.prepaid.end > 0 ? 0
																		 : -1;
	/* within grace the end in the document is that of the grace, and the period ended before */
	if (json_string_is(subscription.state, "SUBSCRIPTION_STATE_IN_GRACE_PERIOD"))
	{
		notice->grace_until = notice->period_end;
		notice->period_end = NOTICE_NO_TIME;
	}
	if (json_string_is(subscription.state, "SUBSCRIPTION_STATE_PENDING"))
		notice->state = PURCHASE_STATE_PENDING;
	return true;
}

/*
 * Takes the line item that counts. A change of plan at the end of the period has two: before it
 * the one that runs, beside one to come that has no end yet; and after it the new one, beside
 * one that does not renew and ended before. Add-ons would be several items with ends of their
 * own, and no product here is sold so.
 */
static bool
line_take(JsonText *text, JsonSpan lines, Line *line, FieldFault *fault)
{
	JsonCursor cursor;
	JsonSpan item;
	Line to_come = {.auto_renew = -1};
	int count = 0;
	int ends = 0;

	if (lines.end > 0)
		json_walk_begin(&cursor, text, lines);
	while (lines.end > 0 && json_element_next(&cursor, &item))
	{
		Line read = {.expires_at = NOTICE_NO_TIME, .auto_renew = -1};

		if (json_kind(text, item) != JSON_KIND_OBJECT)
			return field_fail(fault, "lineItems", not_one_item);
		if (!line_read(text, item, &read, fault))
			return false;
		count++;
		if (read.expires_at == NOTICE_NO_TIME)
			to_come = read;
		else if (ends == 0 || line_is_left(line, &read))
		{
			*line = read;
			ends = 1;
		}
		else if (!line_is_left(&read, line))
			ends++;
	}
	/* nothing has an end while the purchase is pending */
	if (count == 1 && ends == 0)
		*line = to_come;
	/* refused loudly: the end of one item would be taken for that of all */
	else if (ends != 1 || (count > 1 && line->replaced.end == 0 && to_come.product.size > 0))
		return field_fail(fault, "lineItems", not_one_item);
	/* it ends, and the subscription goes on with what is to come */
	if (line->replaced.end > 0)
		line->auto_renew = to_come.auto_renew;
	return true;
}

/* Whether an item does not renew, and another one lasts longer: it is what was left. */
static bool
line_is_left(const Line *line, const Line *other)
{
	return line->auto_renew != 1 && line->expires_at < other->expires_at;
}

/* Reads one line item with what is below it. */
static bool
line_read(JsonText *text, JsonSpan item, Line *line, FieldFault *fault)
{
	if (!fields_read(text, item, FIELDS(line_fields), line, fault))
		return false;
	if (line->product.size == 0)
		return field_fail(fault, "lineItems.productId", "is missing");
	return (line->renewing.end == 0 ||
			fields_read(text, line->renewing, FIELDS(plan_fields), line, fault)) &&
		   (line->offer.end == 0 ||
			fields_read(text, line->offer, FIELDS(offer_fields), line, fault)) &&
		   (line->phase.end == 0 ||
			fields_read(text, line->phase, FIELDS(phase_fields), line, fault));
}

/* Takes the account ids that the app set when it sold. */
static bool
accounts_take(JsonText *text, JsonSpan accounts, StoreNotice *notice, FieldFault *fault)
{
	struct
	{
		JsonSlice obfuscated;
		JsonSlice external;
	} names = {{NULL, 0}, {NULL, 0}};
	const Field fields[] = {
		{"obfuscatedExternalAccountId", FIELD_TEXT, 0, false},
		{"externalAccountId", FIELD_TEXT, sizeof(JsonSlice), false},
	};

	if (accounts.end == 0)
		return true;
	if (!fields_read(text, accounts, FIELDS(fields), &names, fault))
		return false;
	notice_account_add(notice, names.obfuscated);
	notice_account_add(notice, names.external);
	return true;
}

/* Takes a one-time purchase from whichever of the three documents it is in. */
static bool
purchase_take(JsonSlice bytes, StoreNotice *notice, FieldFault *fault)
{
	Purchase purchase = {
		.purchased_at = NOTICE_NO_TIME, .type = -1, .state = -1, .quantity = 1};
	JsonText text;

	json_text_init(&text, bytes.bytes, bytes.size, NULL, NULL);
	/* purchaseState is a word within the context of v2, and a number elsewhere */
	if (!fields_read(&text, json_root(&text), FIELDS(purchase_fields), &purchase, fault) ||
		!purchase_lines_read(&text, &purchase, fault) ||
		!token_agree(purchase.token, notice, fault) || !state_take(&purchase, notice, fault))
		return false;
	if (purchase.product.size == 0)
		return field_fail(fault, "productId", "is missing");
	if (purchase.quantity < 1)
		return field_fail(fault, "quantity", "is not positive");
	/* a licence tester's purchase costs nothing, in both versions of the document */
	notice->environment = purchase.test_context.end > 0 || purchase.type == 0
							  ? NOTICE_SANDBOX
							  : NOTICE_PRODUCTION;
	if (notice->application.size == 0)
		notice->application = purchase.application;
	notice->product = purchase.product;
	notice->order = purchase.order;
	/* a purchase that is pending has no order yet */
	notice->transaction = purchase.order.size > 0 ? purchase.order : notice->token;
	notice->quantity = purchase.quantity;
	notice->purchased_at = purchase.purchased_at;
	notice_account_add(notice, purchase.account);
	return true;
}

/* Reads what productsv2 keeps below its root: the state, and the one product with its quantity.
 */
static bool
purchase_lines_read(JsonText *text, Purchase *purchase, FieldFault *fault)
{
	bool alone;
	JsonSpan first;

	if (purchase->state_context.end > 0 &&
		!fields_read(text, purchase->state_context, FIELDS(state_fields), purchase, fault))
		return false;
	if (purchase->lines.end == 0)
		return true;
	first = first_element(text, purchase->lines, &alone);
	if (!alone)
		return field_fail(fault, "productLineItem", "is not of one item");
	return fields_read(text, first, FIELDS(product_line_fields), purchase, fault) &&
		   (purchase->offer.end == 0 ||
			fields_read(text, purchase->offer, FIELDS(product_offer_fields), purchase, fault));
}

/* Numbers: 0 purchased, 1 canceled, 2 pending; a phone's purchase data has 4 for pending. */
static bool
state_take(const Purchase *purchase, StoreNotice *notice, FieldFault *fault)
{
	JsonSlice name = purchase->state_name;

	if (name.size > 0 ? json_string_is(name, "PURCHASED") : purchase->state == 0)
		notice->state = PURCHASE_STATE_PAID;
	else if (name.size > 0 ? json_string_is(name, "PENDING")
						   : purchase->state == 2 || purchase->state == 4)
		notice->state = PURCHASE_STATE_PENDING;
	else if (name.size > 0 ? json_string_is(name, "CANCELLED") : purchase->state == 1)
		notice->state = PURCHASE_STATE_CANCELED;
	else
		return field_fail(fault, "purchaseState", "is none that is known");
	return true;
}

/* Takes an entry of the list of voided purchases: when it was voided, and for a part how many
 * of the quantity. */
static bool
voided_take(JsonSlice details, StoreNotice *notice, FieldFault *fault)
{
	Voided voided = {.voided_at = NOTICE_NO_TIME};
	JsonText text;

	json_text_init(&text, details.bytes, details.size, NULL, NULL);
	if (!fields_read(&text, json_root(&text), FIELDS(voided_fields), &voided, fault) ||
		!token_agree(voided.token, notice, fault))
		return false;
	/* cut to an int it would be another quantity, and below 0 the whole purchase */
	if (voided.quantity < 0 || voided.quantity > INT32_MAX)
		return field_fail(fault, "voidedQuantity", "is no quantity");
	notice->revoked_at = voided.voided_at;
	notice->refunded_quantity = voided.quantity;
	return true;
}

/* A document of another purchase than the notification's would give or take the wrong thing. */
static bool
token_agree(JsonSlice token, StoreNotice *notice, FieldFault *fault)
{
	if (token.size == 0)
		return true;
	if (notice->token.size > 0 && !json_string_same(token, notice->token))
		return field_fail(fault, "purchaseToken",
						  "is another in the document than in the notification");
	notice->token = token;
	return true;
}

/* The first object of an array, and whether it is the only element. */
static JsonSpan
first_element(JsonText *text, JsonSpan array, bool *alone)
{
	JsonCursor cursor;
	JsonSpan first = {0, 0};
	JsonSpan other;

	json_walk_begin(&cursor, text, array);
	*alone = json_element_next(&cursor, &first) && json_kind(text, first) == JSON_KIND_OBJECT &&
			 !json_element_next(&cursor, &other);
	return first;
}
