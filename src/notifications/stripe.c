/*
 * stripe.c: Stripe's events become a notice.
 *
 * Source: Stripe, Events and the objects Checkout Session, Subscription, Invoice, Charge,
 * Refund and Dispute. Times are seconds since 1970, amounts minor units. Versions of the API
 * since 2025 have a period's end on the subscription's item and an invoice's subscription below
 * parent; both places are read. An event's pending_webhooks counts down from one delivery to
 * the next and means nothing.
 *
 * Invariants: a type outside of the families below leaves the notice about nothing; a refund is
 * known by its own id and a charge by its sum, so that neither counts twice; what was never
 * paid gives no period.
 */
#include "notifications/stripe.h"

#include <string.h>

#define AT(type, member) offsetof(type, member)

/* 24 hours in microseconds. */
#define CHARGE_WAIT_MAX (INT64_C(24) * 60 * 60 * 1000000)

/* The envelope, the same for all types. */
typedef struct Event
{
	JsonSlice id;
	JsonSlice type;
	JsonSpan data;
	/* what it is about as it now is, and what of it was otherwise before */
	JsonSpan object;
	JsonSpan previous;
	int64_t created;
	int live;
} Event;

/* One struct for the objects of all types: they share most of their members' names. */
typedef struct Object
{
	JsonSlice id;
	JsonSlice mode;
	JsonSlice status;
	JsonSlice payment_status;
	JsonSlice currency;
	/* whose: the checkout's own member, or what the team put into metadata (user) */
	JsonSlice reference;
	/* what the payment has as names: a refund or a dispute may come with any one of them */
	JsonSlice payment;
	JsonSlice charge;
	JsonSlice invoice;
	JsonSlice subscription;
	JsonSlice billing_reason;
	/* objects within, each read by a table of its own */
	JsonSpan metadata;
	JsonSpan total_details;
	JsonSpan items;
	JsonSpan lines;
	JsonSpan payments;
	JsonSpan paid_by;
	JsonSpan parent;
	JsonSpan evidence;
	JsonSpan subscription_details;
	JsonSpan price;
	JsonSpan period;
	JsonSlice user;
	JsonSlice product;
	/* what was bought, in the names that a team may have in store_products */
	JsonSlice price_product;
	JsonSlice price_key;
	JsonSlice price_id;
	/* money: of a refund or charge, of a checkout or invoice, given back of a charge in all */
	int64_t amount;
	int64_t amount_total;
	int64_t amount_refunded;
	int64_t tax;
	/* of the line of an invoice that was read last: below 0 for what is given back */
	int64_t line_amount;
	/* of a subscription, or of the line of its invoice */
	int64_t period_start;
	int64_t period_end;
	int64_t cancel_at;
	int64_t trial_end;
	/* until when a dispute may be answered */
	int64_t due_by;
	/* 0 or 1, and -1 where the object does not say */
	int cancel_at_period_end;
	JsonSpan pause;
} Object;

static const Field event_fields[] = {
	{"id", FIELD_TEXT, AT(Event, id), false},
	{"type", FIELD_TEXT, AT(Event, type), false},
	{"data", FIELD_OBJECT, AT(Event, data), false},
	{"created", FIELD_SECONDS, AT(Event, created), false},
	{"livemode", FIELD_FLAG, AT(Event, live), false},
};
/* previous_attributes comes with the types *.updated alone. */
static const Field data_fields[] = {
	{"object", FIELD_OBJECT, AT(Event, object), false},
	{"previous_attributes", FIELD_OBJECT, AT(Event, previous), false},
};
/* amount_total is a checkout's, amount_paid an invoice's, amount_received a payment intent's:
 * no object has two of them. */
static const Field object_fields[] = {
	{"id", FIELD_TEXT, AT(Object, id), false},
	{"mode", FIELD_TEXT, AT(Object, mode), false},
	{"status", FIELD_TEXT, AT(Object, status), false},
	{"payment_status", FIELD_TEXT, AT(Object, payment_status), false},
	{"currency", FIELD_TEXT, AT(Object, currency), false},
	{"client_reference_id", FIELD_TEXT, AT(Object, reference), false},
	{"payment_intent", FIELD_EXPANDABLE, AT(Object, payment), false},
	{"charge", FIELD_EXPANDABLE, AT(Object, charge), false},
	{"latest_charge", FIELD_EXPANDABLE, AT(Object, charge), false},
	{"invoice", FIELD_EXPANDABLE, AT(Object, invoice), false},
	{"subscription", FIELD_EXPANDABLE, AT(Object, subscription), false},
	{"billing_reason", FIELD_TEXT, AT(Object, billing_reason), false},
	{"metadata", FIELD_OBJECT, AT(Object, metadata), false},
	{"total_details", FIELD_OBJECT, AT(Object, total_details), false},
	{"items", FIELD_OBJECT, AT(Object, items), false},
	{"lines", FIELD_OBJECT, AT(Object, lines), false},
	{"parent", FIELD_OBJECT, AT(Object, parent), false},
	{"subscription_details", FIELD_OBJECT, AT(Object, subscription_details), false},
	{"evidence_details", FIELD_OBJECT, AT(Object, evidence), false},
	{"amount", FIELD_INTEGER, AT(Object, amount), false},
	{"amount_total", FIELD_INTEGER, AT(Object, amount_total), false},
	{"amount_paid", FIELD_INTEGER, AT(Object, amount_total), false},
	{"amount_received", FIELD_INTEGER, AT(Object, amount_total), false},
	{"amount_refunded", FIELD_INTEGER, AT(Object, amount_refunded), false},
	{"current_period_start", FIELD_SECONDS, AT(Object, period_start), false},
	{"current_period_end", FIELD_SECONDS, AT(Object, period_end), true},
	{"cancel_at", FIELD_SECONDS, AT(Object, cancel_at), true},
	{"trial_end", FIELD_SECONDS, AT(Object, trial_end), true},
	{"cancel_at_period_end", FIELD_FLAG, AT(Object, cancel_at_period_end), false},
	{"pause_collection", FIELD_OBJECT, AT(Object, pause), false},
};
/* The two keys that a team is told to set; everything else in metadata is the team's. */
static const Field metadata_fields[] = {
	{"user_id", FIELD_TEXT, AT(Object, user), false},
	{"product_id", FIELD_TEXT, AT(Object, product), false},
};
/* Tax within amount_total, which purchases keeps beside the price. */
static const Field total_fields[] = {
	{"amount_tax", FIELD_INTEGER, AT(Object, tax), false},
};
/* Since 2025 the period stands here, before it on the subscription: whichever is there. */
static const Field item_fields[] = {
	{"price", FIELD_OBJECT, AT(Object, price), false},
	{"current_period_start", FIELD_SECONDS, AT(Object, period_start), false},
	{"current_period_end", FIELD_SECONDS, AT(Object, period_end), true},
};
/* Of what was before an update: the members where the period stood before 2025, and the item.
 */
static const Field old_period_fields[] = {
	{"items", FIELD_OBJECT, AT(Object, items), false},
	{"current_period_end", FIELD_SECONDS, AT(Object, period_end), true},
};
/* Any of the three may be the product_id of store_products. */
static const Field price_fields[] = {
	{"id", FIELD_TEXT, AT(Object, price_id), false},
	{"lookup_key", FIELD_TEXT, AT(Object, price_key), false},
	{"product", FIELD_EXPANDABLE, AT(Object, price_product), false},
};
/* Since 2025 an invoice names its subscription below parent. */
static const Field parent_fields[] = {
	{"subscription_details", FIELD_OBJECT, AT(Object, subscription_details), false},
};
/* The subscription's metadata as they were when the invoice was made. */
static const Field parent_subscription_fields[] = {
	{"subscription", FIELD_EXPANDABLE, AT(Object, subscription), false},
	{"metadata", FIELD_OBJECT, AT(Object, metadata), false},
};
/* An invoice's own period is that of the month before; a line's is what it pays for. */
static const Field line_fields[] = {
	{"amount", FIELD_INTEGER, AT(Object, line_amount), false},
	{"period", FIELD_OBJECT, AT(Object, period), false},
};
/* Since 2025 an invoice lists what paid it, and each of these is an object of its own too. */
static const Field payments_fields[] = {
	{"payments", FIELD_OBJECT, AT(Object, payments), false},
	{"payment", FIELD_OBJECT, AT(Object, paid_by), false},
};
static const Field payment_fields[] = {
	{"payment", FIELD_OBJECT, AT(Object, paid_by), false},
};
static const Field paid_by_fields[] = {
	{"payment_intent", FIELD_EXPANDABLE, AT(Object, payment), false},
	{"charge", FIELD_EXPANDABLE, AT(Object, charge), false},
};
static const Field period_fields[] = {
	{"start", FIELD_SECONDS, AT(Object, period_start), false},
	{"end", FIELD_SECONDS, AT(Object, period_end), true},
};
/* For refunds_to_review: a dispute that is not answered by then is lost. */
static const Field evidence_fields[] = {
	{"due_by", FIELD_SECONDS, AT(Object, due_by), false},
};

static bool event_read(JsonText *text, Event *event, StoreNotice *notice, FieldFault *fault);
static bool object_read(JsonText *text, JsonSpan span, Object *object, FieldFault *fault);
static bool nested_read(JsonText *text, Object *object, FieldFault *fault);
static bool items_read(JsonText *text, Object *object, FieldFault *fault);
static bool lines_read(JsonText *text, Object *object, FieldFault *fault);
static bool payments_read(JsonText *text, JsonSpan span, Object *object, FieldFault *fault);
static bool checkout_take(const Object *object, StoreNotice *notice, FieldFault *fault);
static bool intent_take(const Object *object, StoreNotice *notice, FieldFault *fault);
static void subscription_take(JsonText *text, const Event *event, const Object *object,
							  char *room, StoreNotice *notice);
static bool period_is_paid(JsonSlice status);
static void subtype_of_update(JsonText *text, JsonSpan previous, const Object *object,
							  char *room, StoreNotice *notice);
static bool trial_is_over(JsonText *text, JsonSpan previous, const Object *object);
static bool renewal_begins(JsonText *text, JsonSpan previous, const Object *object);
static void charge_await(StoreNotice *notice, const char *subtype);
static void invoice_take(const Object *object, StoreNotice *notice);
static bool payment_take(const Object *object, StoreNotice *notice, FieldFault *fault);
static bool refund_take(const Object *object, StoreNotice *notice, FieldFault *fault);
static bool charge_take(const Object *object, StoreNotice *notice, FieldFault *fault);
static bool dispute_take(const Object *object, StoreNotice *notice, FieldFault *fault);
static bool is_among(JsonText *text, JsonSpan object, const char *name);
static bool begins_with(JsonSlice raw, const char *prefix);
static void subtype_put(char *room, StoreNotice *notice, const char *what, JsonSlice raw);
static bool hex_read(JsonSlice hex, unsigned char bytes[32]);

/* Reads the event, then its object; the type decides which of the object's members count. */
bool
stripe_read(JsonSlice body, char *room, StoreNotice *notice, FieldFault *fault)
{
	Event event = {.created = NOTICE_NO_TIME, .live = -1};
	Object object = {
		.amount = NOTICE_NO_AMOUNT,
		.amount_total = NOTICE_NO_AMOUNT,
		.amount_refunded = NOTICE_NO_AMOUNT,
		.tax = NOTICE_NO_AMOUNT,
		.period_start = NOTICE_NO_TIME,
		.period_end = NOTICE_NO_TIME,
		.cancel_at = NOTICE_NO_TIME,
		.trial_end = NOTICE_NO_TIME,
		.due_by = NOTICE_NO_TIME,
		.cancel_at_period_end = -1,
	};
	JsonText text;

	notice_begin(notice);
	json_text_init(&text, body.bytes, body.size, NULL, NULL);
	if (!event_read(&text, &event, notice, fault) ||
		!object_read(&text, event.object, &object, fault))
		return false;
	if (begins_with(event.type, "invoice") &&
		!payments_read(&text, event.object, &object, fault))
		return false;
	notice_account_add(notice, object.reference);
	notice_account_add(notice, object.user);
	/* by these a refund and a dispute find the sale, whatever the type */
	notice->currency = object.currency;
	notice->payment = object.payment;
	notice->charge = object.charge;
	notice->invoice = object.invoice;
	notice->tax = object.tax;
	/* by the beginning of the type: Stripe adds types to a family without notice */
	if (begins_with(event.type, "checkout.session."))
		return checkout_take(&object, notice, fault);
	if (begins_with(event.type, "payment_intent."))
		return intent_take(&object, notice, fault);
	if (begins_with(event.type, "refund.") || begins_with(event.type, "charge.refund."))
		return refund_take(&object, notice, fault);
	if (begins_with(event.type, "charge.dispute."))
		return dispute_take(&object, notice, fault);
	if (json_string_is(event.type, "charge.refunded"))
		return charge_take(&object, notice, fault);
	if (begins_with(event.type, "invoice_payment."))
		return payment_take(&object, notice, fault);
	if (begins_with(event.type, "customer.subscription."))
		subscription_take(&text, &event, &object, room, notice);
	else if (begins_with(event.type, "invoice."))
		invoice_take(&object, notice);
	return true;
}

/* Reads the envelope of the event. A live event is of production, one of the test mode of the
 * sandbox. */
static bool
event_read(JsonText *text, Event *event, StoreNotice *notice, FieldFault *fault)
{
	if (!fields_read(text, json_root(text), FIELDS(event_fields), event, fault))
		return false;
	if (event->id.size == 0)
		return field_fail(fault, "id", "is missing");
	if (event->type.size == 0)
		return field_fail(fault, "type", "is missing");
	if (event->created == NOTICE_NO_TIME)
		return field_fail(fault, "created", "is missing");
	if (event->live < 0)
		return field_fail(fault, "livemode", "is missing");
	if (event->data.end == 0)
		return field_fail(fault, "data", "is missing");
	if (!fields_read(text, event->data, FIELDS(data_fields), event, fault))
		return false;
	if (event->object.end == 0)
		return field_fail(fault, "data.object", "is missing");
	notice->id = event->id;
	notice->type = event->type;
	notice->time = event->created;
	notice->environment = event->live == 1 ? NOTICE_PRODUCTION : NOTICE_SANDBOX;
	return true;
}

/* Reads the object with what lies below it. The order of the calls matters where two places
 * hold the same thing: the later call wins. */
static bool
object_read(JsonText *text, JsonSpan span, Object *object, FieldFault *fault)
{
	return fields_read(text, span, FIELDS(object_fields), object, fault) &&
		   nested_read(text, object, fault) && items_read(text, object, fault) &&
		   lines_read(text, object, fault);
}

/* Order matters: an invoice's parent names the subscription, and that one's metadata stand for
 * the invoice's own. */
static bool
nested_read(JsonText *text, Object *object, FieldFault *fault)
{
	if (object->parent.end > 0 &&
		!fields_read(text, object->parent, FIELDS(parent_fields), object, fault))
		return false;
	if (object->metadata.end > 0 &&
		!fields_read(text, object->metadata, FIELDS(metadata_fields), object, fault))
		return false;
	if (object->subscription_details.end > 0 &&
		(!fields_read(text, object->subscription_details, FIELDS(parent_subscription_fields),
					  object, fault) ||
		 !fields_read(text, object->metadata, FIELDS(metadata_fields), object, fault)))
		return false;
	return (object->total_details.end == 0 ||
			fields_read(text, object->total_details, FIELDS(total_fields), object, fault)) &&
		   (object->evidence.end == 0 ||
			fields_read(text, object->evidence, FIELDS(evidence_fields), object, fault));
}

/* The first item is the plan; more are add-ons of the same subscription. */
static bool
items_read(JsonText *text, Object *object, FieldFault *fault)
{
	JsonCursor cursor;
	JsonSpan list, item;
	JsonSlice name = {"data", 4};

	if (object->items.end == 0 || !json_member_find(text, object->items, name, &list) ||
		json_kind(text, list) != JSON_KIND_ARRAY)
		return true;
	json_walk_begin(&cursor, text, list);
	if (!json_element_next(&cursor, &item) || json_kind(text, item) != JSON_KIND_OBJECT)
		return true;
	return fields_read(text, item, FIELDS(item_fields), object, fault) &&
		   (object->price.end == 0 ||
			fields_read(text, object->price, FIELDS(price_fields), object, fault));
}

/*
 * An invoice's lines: prorations end early, and the period that was paid for is the one that
 * ends last. A line below 0 gives back the rest of a plan that was left, which may end later
 * than the plan that took its place.
 */
static bool
lines_read(JsonText *text, Object *object, FieldFault *fault)
{
	int64_t start = object->period_start;
	int64_t end = object->period_end;
	JsonCursor cursor;
	JsonSpan list, line;
	JsonSlice name = {"data", 4};

	if (object->lines.end == 0 || !json_member_find(text, object->lines, name, &list) ||
		json_kind(text, list) != JSON_KIND_ARRAY)
		return true;
	json_walk_begin(&cursor, text, list);
	while (json_element_next(&cursor, &line))
	{
		object->period = (JsonSpan){0, 0};
		object->period_start = object->period_end = NOTICE_NO_TIME;
		object->line_amount = 0;
		if (json_kind(text, line) != JSON_KIND_OBJECT)
			return field_fail(fault, "lines.data", "has an element that is no object");
		if (!fields_read(text, line, FIELDS(line_fields), object, fault) ||
			(object->period.end > 0 &&
			 !fields_read(text, object->period, FIELDS(period_fields), object, fault)))
			return false;
		if (object->line_amount < 0 || object->period_end <= end)
			continue;
		start = object->period_start;
		end = object->period_end;
	}
	object->period_start = start;
	object->period_end = end;
	return true;
}

/* What paid an invoice: the first of its payments, or the one that the object is. */
static bool
payments_read(JsonText *text, JsonSpan span, Object *object, FieldFault *fault)
{
	JsonCursor cursor;
	JsonSpan list, payment;
	JsonSlice name = {"data", 4};

	if (!fields_read(text, span, FIELDS(payments_fields), object, fault))
		return false;
	if (object->payments.end > 0 && json_member_find(text, object->payments, name, &list) &&
		json_kind(text, list) == JSON_KIND_ARRAY)
	{
		json_walk_begin(&cursor, text, list);
		if (json_element_next(&cursor, &payment) &&
			json_kind(text, payment) == JSON_KIND_OBJECT &&
			!fields_read(text, payment, FIELDS(payment_fields), object, fault))
			return false;
	}
	return object->paid_by.end == 0 ||
		   fields_read(text, object->paid_by, FIELDS(paid_by_fields), object, fault);
}

/* A checkout in mode subscription names the person of a line whose events name nobody: an event
 * that is noted. */
static bool
checkout_take(const Object *object, StoreNotice *notice, FieldFault *fault)
{
	if (object->id.size == 0)
		return field_fail(fault, "data.object.id", "is missing");
	/* the subscription's own events bring its periods; this one brings the person */
	if (json_string_is(object->mode, "subscription"))
	{
		notice->subject = object->subscription.size > 0 ? NOTICE_SUBSCRIPTION : NOTICE_NOTHING;
		notice->original_transaction = object->subscription;
		return true;
	}
	if (!json_string_is(object->mode, "payment"))
		return true;
	notice->subject = NOTICE_CHECKOUT;
	notice->order = object->id;
	notice->product = object->product;
	notice->amount = object->amount_total;
	notice->purchased_at = notice->time;
	/* bank debits and vouchers are paid days later, and Stripe tells of that by itself */
	if (json_string_is(notice->type, "checkout.session.async_payment_failed") ||
		json_string_is(notice->type, "checkout.session.expired"))
		notice->state = PURCHASE_STATE_CANCELED;
	else if (json_string_is(object->payment_status, "unpaid"))
		notice->state = PURCHASE_STATE_PENDING;
	else if (object->amount_total == NOTICE_NO_AMOUNT)
		return field_fail(fault, "data.object.amount_total", "is missing");
	return true;
}

/* A payment intent that no session began. One whose try failed may be tried again, so that only
 * one that is paid or canceled tells an outcome. */
static bool
intent_take(const Object *object, StoreNotice *notice, FieldFault *fault)
{
	bool canceled = json_string_is(notice->type, "payment_intent.canceled");

	if (!canceled && !json_string_is(notice->type, "payment_intent.succeeded"))
		return true;
	if (object->id.size == 0)
		return field_fail(fault, "data.object.id", "is missing");
	notice->payment = object->id;
	notice->amount = object->amount_total;
	if (!canceled && object->amount_total == NOTICE_NO_AMOUNT)
		return field_fail(fault, "data.object.amount_received", "is missing");
	notice->subject = NOTICE_CHECKOUT;
	notice->state = canceled ? PURCHASE_STATE_CANCELED : PURCHASE_STATE_PAID;
	return true;
}

/* Takes a subscription object. The product is the name that the team gave in metadata, else the
 * price's lookup key, its product or its id: store_products may have any of them. */
static void
subscription_take(JsonText *text, const Event *event, const Object *object, char *room,
				  StoreNotice *notice)
{
	notice->subject = NOTICE_SUBSCRIPTION;
	notice->original_transaction = object->id;
	notice->product = object->product.size > 0         ? object->product
					  : object->price_key.size > 0     ? object->price_key
					  : object->price_product.size > 0 ? object->price_product
													   : object->price_id;
	/* two prices of one product are told apart by it */
	notice->base_plan = object->price_id;
	notice->trial = json_string_is(object->status, "trialing");
	if (period_is_paid(object->status))
	{
		notice->period_start = object->period_start;
		notice->period_end = object->period_end;
	}
	notice->auto_renew =
		object->cancel_at_period_end == 1 || object->cancel_at != NOTICE_NO_TIME ? 0
		: object->cancel_at_period_end == 0                                      ? 1
																				 : -1;
	/* the mapping decides by it: what was never paid gives nothing */
	if (json_string_is(event->type, "customer.subscription.created"))
		notice->subtype = object->status;
	else if (json_string_is(event->type, "customer.subscription.updated") &&
			 event->previous.end > 0)
		subtype_of_update(text, event->previous, object, room, notice);
}

/* A subscription's period is the one that was invoiced: that of one whose charge failed, or
 * that was never paid, is not paid for, whatever changes of it meanwhile. */
static bool
period_is_paid(JsonSlice status)
{
	return !begins_with(status, "incomplete") && !json_string_is(status, "past_due") &&
		   !json_string_is(status, "unpaid") && !json_string_is(status, "paused");
}

/* What changed, by its weight: of several changes in one event the one that moves access. */
static void
subtype_of_update(JsonText *text, JsonSpan previous, const Object *object, char *room,
				  StoreNotice *notice)
{
	/* previous_attributes lists the members that changed, each with its old value */
	if (is_among(text, previous, "status"))
	{
		if (trial_is_over(text, previous, object))
		{
			charge_await(notice, "\"status.active.trial_over\"");
			notice->trial = true;
		}
		else
			subtype_put(room, notice, "status.", object->status);
	}
	else if (is_among(text, previous, "pause_collection"))
		notice->subtype = notice_word(object->pause.end > 0 ? "\"pause_collection.set\""
															: "\"pause_collection.unset\"");
	else if (is_among(text, previous, "cancel_at_period_end"))
		notice->subtype =
			notice_word(notice->auto_renew == 0 ? "\"cancel_at_period_end.true\""
												: "\"cancel_at_period_end.false\"");
	else if (is_among(text, previous, "cancel_at"))
		notice->subtype =
			notice_word(notice->auto_renew == 0 ? "\"cancel_at\"" : "\"cancel_at.null\"");
	else if (renewal_begins(text, previous, object))
		charge_await(notice, "\"current_period\"");
	else if (is_among(text, previous, "items"))
		notice->subtype = notice_word("\"items\"");
	else if (is_among(text, previous, "trial_end"))
		notice->subtype = notice_word("\"trial_end\"");
}

/* Whether the status became active because a trial is over, and not because something was paid.
 */
static bool
trial_is_over(JsonText *text, JsonSpan previous, const Object *object)
{
	JsonSlice name = {"status", 6};
	JsonSpan was;

	return json_string_is(object->status, "active") &&
		   json_member_find(text, previous, name, &was) &&
		   json_string_is(json_text_slice(text, was), "trialing");
}

/*
 * Whether the next period of the same plan began. previous_attributes has the old period on the
 * item, beside all that the item was, or before 2025 on the subscription. While the collection
 * is paused nothing is charged, and the team says what that gives.
 */
static bool
renewal_begins(JsonText *text, JsonSpan previous, const Object *object)
{
	Object old = {.period_start = NOTICE_NO_TIME, .period_end = NOTICE_NO_TIME};
	FieldFault fault;

	if (!json_string_is(object->status, "active") || object->pause.end > 0 ||
		object->period_start == NOTICE_NO_TIME ||
		!fields_read(text, previous, FIELDS(old_period_fields), &old, &fault) ||
		!items_read(text, &old, &fault))
		return false;
	return old.period_end != NOTICE_NO_TIME && old.period_end <= object->period_start &&
		   (old.price_id.size == 0 || json_string_same(old.price_id, object->price_id));
}

/*
 * Stripe begins a period before it charges for it, an hour later. Until then what ran goes on,
 * a day at most: invoice.paid gives the period, and a charge that fails gives none.
 */
static void
charge_await(StoreNotice *notice, const char *subtype)
{
	int64_t begin =
		notice->period_start != NOTICE_NO_TIME ? notice->period_start : notice->time;

	notice->subtype = notice_word(subtype);
	if (notice->period_end == NOTICE_NO_TIME || notice->period_end > begin + CHARGE_WAIT_MAX)
		notice->period_end = begin + CHARGE_WAIT_MAX;
}

/* Takes an invoice of a subscription. Only a paid one gives a period. */
static void
invoice_take(const Object *object, StoreNotice *notice)
{
	if (object->subscription.size == 0) /* an invoice by hand */
		return;
	notice->subject = NOTICE_SUBSCRIPTION;
	notice->original_transaction = object->subscription;
	/* an invoice is one payment of its line */
	notice->transaction = notice->invoice = object->id;
	notice->subtype = object->billing_reason;
	notice->amount = object->amount_total;
	if (json_string_is(notice->type, "invoice.paid"))
	{
		notice->paid = object->amount_total;
		notice->period_start = object->period_start;
		notice->period_end = object->period_end;
		/* a first invoice of nothing is that of a trial */
		notice->trial = object->amount_total == 0 &&
						json_string_is(object->billing_reason, "subscription_create");
	}
}

/* invoice_payment.paid: which payment paid an invoice, which since 2025 the invoice itself does
 * not tell. Whose invoice it is stands in neither. */
static bool
payment_take(const Object *object, StoreNotice *notice, FieldFault *fault)
{
	if (!json_string_is(notice->type, "invoice_payment.paid"))
		return true;
	if (object->invoice.size == 0)
		return field_fail(fault, "data.object.invoice", "is missing");
	notice->subject = NOTICE_PAYMENT;
	return true;
}

/* refund.created, refund.updated, refund.failed: one refund, by its id. One that is under way
 * counts as given. */
static bool
refund_take(const Object *object, StoreNotice *notice, FieldFault *fault)
{
	bool taken_back =
		json_string_is(object->status, "failed") || json_string_is(object->status, "canceled");

	if (object->id.size == 0)
		return field_fail(fault, "data.object.id", "is missing");
	if (object->amount == NOTICE_NO_AMOUNT)
		return field_fail(fault, "data.object.amount", "is missing");
	/* what is pending counts: the money is on its way, and a failure is told */
	notice->subject = taken_back ? NOTICE_REVERSAL : NOTICE_REFUND;
	notice->refund = object->id;
	notice->refund_kind = NOTICE_REFUND_ONE;
	/* refund.updated tells of a success and of a failure: the mapping has to know which */
	if (taken_back)
		notice->subtype = object->status;
	notice->amount = object->amount;
	return true;
}

/* charge.refunded: what was given back of a charge in all; the refunds themselves come as
 * events of their own. */
static bool
charge_take(const Object *object, StoreNotice *notice, FieldFault *fault)
{
	if (object->amount_refunded == NOTICE_NO_AMOUNT)
		return field_fail(fault, "data.object.amount_refunded", "is missing");
	notice->subject = NOTICE_REFUND;
	notice->charge = object->id;
	notice->refund = object->id;
	notice->refund_kind = NOTICE_REFUND_TOTAL;
	notice->amount = object->amount_refunded;
	notice->paid = object->amount;
	return true;
}

/*
 * A dispute moves money only when it is over: a lost one is a refund, a won one its reversal,
 * and an open one is a question to be answered by due_by.
 */
static bool
dispute_take(const Object *object, StoreNotice *notice, FieldFault *fault)
{
	if (object->id.size == 0)
		return field_fail(fault, "data.object.id", "is missing");
	/* a lost dispute is a refund by the dispute's id, which the reversal names again */
	notice->refund = object->id;
	notice->refund_kind = NOTICE_REFUND_DISPUTE;
	notice->amount = object->amount;
	notice->answer_until = object->due_by;
	if (json_string_is(object->status, "lost"))
		notice->subject = NOTICE_REFUND;
	else if (json_string_is(object->status, "won"))
		notice->subject = NOTICE_REVERSAL;
	/* an inquiry: no money moved, and none may ever */
	else if (begins_with(object->status, "warning_"))
		notice->subject = NOTICE_NOTHING;
	else
		notice->subject = NOTICE_REVIEW;
	if (notice->subject == NOTICE_REFUND || notice->subject == NOTICE_REVERSAL)
		notice->subtype = object->status;
	return notice->subject == NOTICE_NOTHING || object->amount != NOTICE_NO_AMOUNT ||
		   field_fail(fault, "data.object.amount", "is missing");
}

/* Whether the object has a member of that name, whatever its value: previous_attributes holds
 * null for what was not set before. */
static bool
is_among(JsonText *text, JsonSpan object, const char *name)
{
	JsonSlice slice = {name, strlen(name)};
	JsonSpan value;

	return json_member_find(text, object, slice, &value);
}

/* raw has quotes; what is compared holds no escapes in Stripe's own words. */
static bool
begins_with(JsonSlice raw, const char *prefix)
{
	size_t size = strlen(prefix);

	return raw.size >= size + 2 && memcmp(raw.bytes + 1, prefix, size) == 0;
}

/* A status is one of Stripe's short words; a longer one is none that the mappings know. */
static void
subtype_put(char *room, StoreNotice *notice, const char *what, JsonSlice raw)
{
	size_t size = strlen(what);

	if (raw.size < 2 || size + raw.size > STRIPE_ROOM)
		return;
	room[0] = '"';
	memcpy(room + 1, what, size);
	memcpy(room + 1 + size, raw.bytes + 1, raw.size - 1);
	notice->subtype = (JsonSlice){room, size + raw.size};
}

/* Reads t=…,v1=…,v1=… in any order. Schemes other than v1 are passed over: v0 is made for
 * tests, and a later scheme would come beside v1 first. */
bool
stripe_header_read(JsonSlice header, StripeHeader *parts)
{
	const char *from = header.bytes;
	const char *end = header.bytes + header.size;

	memset(parts, 0, sizeof(*parts));
	while (from < end)
	{
		const char *comma = memchr(from, ',', (size_t) (end - from));
		const char *stop = comma == NULL ? end : comma;
		JsonSlice value = {from + 3, stop - from > 3 ? (size_t) (stop - from - 3) : 0};

		/* the last time wins; the digits themselves are what was signed */
		if (stop - from > 2 && memcmp(from, "t=", 2) == 0)
			parts->timestamp = (JsonSlice){from + 2, (size_t) (stop - from - 2)};
		else if (stop - from > 3 && memcmp(from, "v1=", 3) == 0 &&
				 parts->nsignatures < STRIPE_SIGNATURES &&
				 hex_read(value, parts->signatures[parts->nsignatures]))
			parts->nsignatures++;
		from = comma == NULL ? end : comma + 1;
	}
	if (parts->timestamp.size == 0 || parts->timestamp.size > 15 || parts->nsignatures == 0)
		return false;
	/* fifteen digits at most, so that nothing overflows */
	for (size_t i = 0; i < parts->timestamp.size; i++)
	{
		char c = parts->timestamp.bytes[i];

		if (c < '0' || c > '9')
			return false;
		parts->seconds = parts->seconds * 10 + (c - '0');
	}
	return true;
}

/* 32 bytes from 64 lower-case hex digits; false for anything else. */
static bool
hex_read(JsonSlice hex, unsigned char bytes[32])
{
	if (hex.size != 64)
		return false;
	memset(bytes, 0, 32);
	for (size_t i = 0; i < 64; i++)
	{
		char c = hex.bytes[i];
		int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;

		if (digit < 0)
			return false;
		bytes[i / 2] = (unsigned char) (bytes[i / 2] << 4 | digit);
	}
	return true;
}
