/*
 * revenuecat.c: RevenueCat's events become a notice.
 *
 * Source: RevenueCat, Webhooks, Event Types and Fields. event_timestamp_ms is when RevenueCat
 * made the event, and not when the store's thing happened; nothing later in the body tells that
 * better, so that it orders the events of a line.
 *
 * Invariants: the store behind an event stays the store of its line, but for a temporary grant,
 * which no store made; a transfer names two
 * people and is never an event of a line; a type that is not known is noted.
 */
#include "notifications/revenuecat.h"

#include <string.h>

#define AT(type, member) offsetof(type, member)

/* The webhook: one event, beside the version of its form. */
typedef struct Body
{
	JsonSpan event;
} Body;

/* The event's members that are read; cancel_reason and expiration_reason share a place. */
typedef struct Event
{
	JsonSlice id;
	JsonSlice type;
	JsonSlice account;
	JsonSlice original_account;
	JsonSpan aliases;
	JsonSpan from;
	JsonSpan to;
	JsonSlice application;
	JsonSlice environment;
	JsonSlice store;
	JsonSlice product;
	JsonSlice new_product;
	JsonSlice period;
	JsonSlice transaction;
	JsonSlice original;
	JsonSlice reason;
	int64_t time;
	int64_t purchased_at;
	int64_t expires_at;
	int64_t grace_until;
} Event;

static const Field body_fields[] = {
	{"event", FIELD_OBJECT, AT(Body, event), false},
};
static const Field event_fields[] = {
	{"id", FIELD_TEXT, AT(Event, id), false},
	{"type", FIELD_TEXT, AT(Event, type), false},
	{"app_user_id", FIELD_TEXT, AT(Event, account), false},
	{"original_app_user_id", FIELD_TEXT, AT(Event, original_account), false},
	{"aliases", FIELD_ARRAY, AT(Event, aliases), false},
	{"transferred_from", FIELD_ARRAY, AT(Event, from), false},
	{"transferred_to", FIELD_ARRAY, AT(Event, to), false},
	{"app_id", FIELD_TEXT, AT(Event, application), false},
	{"environment", FIELD_TEXT, AT(Event, environment), false},
	{"store", FIELD_TEXT, AT(Event, store), false},
	{"product_id", FIELD_TEXT, AT(Event, product), false},
	{"new_product_id", FIELD_TEXT, AT(Event, new_product), false},
	{"period_type", FIELD_TEXT, AT(Event, period), false},
	{"transaction_id", FIELD_NAME, AT(Event, transaction), false},
	{"original_transaction_id", FIELD_NAME, AT(Event, original), false},
	{"cancel_reason", FIELD_TEXT, AT(Event, reason), false},
	{"expiration_reason", FIELD_TEXT, AT(Event, reason), false},
	{"event_timestamp_ms", FIELD_MILLISECONDS, AT(Event, time), false},
	{"purchased_at_ms", FIELD_MILLISECONDS, AT(Event, purchased_at), false},
	{"expiration_at_ms", FIELD_MILLISECONDS, AT(Event, expires_at), true},
	{"grace_period_expiration_at_ms", FIELD_MILLISECONDS, AT(Event, grace_until), true},
};

/* 24 hours in microseconds. */
#define TEMPORARY_GRANT_MAX (INT64_C(24) * 60 * 60 * 1000000)

static void temporary_grant(StoreNotice *notice, const Event *event);
static bool event_check(const Event *event, StoreNotice *notice, FieldFault *fault);
static bool names_take(JsonText *text, const Event *event, StoreNotice *notice,
					   FieldFault *fault);
static bool list_take(JsonText *text, JsonSpan list, const char *member, JsonSlice *names,
					  int *count, FieldFault *fault);
static NoticeSubject subject_of(const Event *event);

/* Reads the one event of the body. */
bool
revenuecat_read(JsonSlice bytes, StoreNotice *notice, FieldFault *fault)
{
	Body body = {{0, 0}};
	Event event = {
		.time = NOTICE_NO_TIME,
		.purchased_at = NOTICE_NO_TIME,
		.expires_at = NOTICE_NO_TIME,
		.grace_until = NOTICE_NO_TIME,
	};
	JsonText text;

	notice_begin(notice);
	json_text_init(&text, bytes.bytes, bytes.size, NULL, NULL);
	if (!fields_read(&text, json_root(&text), FIELDS(body_fields), &body, fault))
		return false;
	if (body.event.end == 0)
		return field_fail(fault, "event", "is missing");
	if (!fields_read(&text, body.event, FIELDS(event_fields), &event, fault) ||
		!event_check(&event, notice, fault) || !names_take(&text, &event, notice, fault))
		return false;
	notice->subject = subject_of(&event);
	notice->id = event.id;
	notice->type = event.type;
	notice->subtype = event.reason;
	/* a period that does not renew itself, by whom it was given: the mapping tells it from a
	 * purchase of a thing */
	if (json_string_is(event.type, "NON_RENEWING_PURCHASE") &&
		notice->subject == NOTICE_SUBSCRIPTION)
		notice->subtype = notice_word(
			json_string_is(event.period, "PROMOTIONAL") ? "\"PROMOTIONAL\"" : "\"PERIOD\"");
	notice->time = event.time;
	notice->application = event.application;
	notice->store = event.store;
	notice->product = event.product;
	notice->transaction = event.transaction;
	/* what is sold once has no original: its own transaction is its line */
	notice->original_transaction = event.original.size > 0 ? event.original : event.transaction;
	notice->purchased_at = notice->period_start = event.purchased_at;
	notice->period_end = event.expires_at;
	notice->grace_until = event.grace_until;
	notice->trial = json_string_is(event.period, "TRIAL");
	/* a promotional grant without an end is for ever; any other without one says nothing of its
	 * end */
	if (json_string_is(event.period, "PROMOTIONAL") && event.expires_at == NOTICE_NO_TIME)
		notice->period_end = FIELD_FOR_EVER;
	if (json_string_is(event.type, "TEMPORARY_ENTITLEMENT_GRANT"))
		temporary_grant(notice, &event);
	return true;
}

/*
 * While a store cannot confirm a purchase RevenueCat lets the person in, for a day at most.
 * That is a line of its own, which nobody sold: it moves no status of what the store confirms
 * later, and ends by itself.
 */
static void
temporary_grant(StoreNotice *notice, const Event *event)
{
	int64_t latest = event->time + TEMPORARY_GRANT_MAX;

	notice->store = notice_word("\"PROMOTIONAL\"");
	notice->transaction = notice->original_transaction = event->id;
	notice->period_start = event->time;
	/* as a trial it is no payment: not the first one either, for which a referrer is paid */
	notice->trial = true;
	if (event->expires_at == NOTICE_NO_TIME || event->expires_at > latest)
		notice->period_end = latest;
}

/* What every event has. Without it neither repetition nor order could be told. */
static bool
event_check(const Event *event, StoreNotice *notice, FieldFault *fault)
{
	if (event->id.size == 0)
		return field_fail(fault, "event.id", "is missing");
	if (event->type.size == 0)
		return field_fail(fault, "event.type", "is missing");
	if (event->time == NOTICE_NO_TIME)
		return field_fail(fault, "event.event_timestamp_ms", "is missing");
	if (event->environment.size > 0 &&
		!notice_environment_parse(event->environment, &notice->environment))
		return field_fail(fault, "event.environment", "is neither PRODUCTION nor SANDBOX");
	return true;
}

/* Takes the names that may be the person's: the id the app uses, the first id, and all aliases.
 * A transfer names two people, of which the receiving one is the notification's. */
static bool
names_take(JsonText *text, const Event *event, StoreNotice *notice, FieldFault *fault)
{
	JsonSlice aliases[NOTICE_ACCOUNTS];
	int naliases = 0;

	if (json_string_is(event->type, "TRANSFER"))
		return list_take(text, event->to, "event.transferred_to", notice->accounts,
						 &notice->naccounts, fault) &&
			   list_take(text, event->from, "event.transferred_from", notice->transferred_from,
						 &notice->ntransferred, fault);
	if (!list_take(text, event->aliases, "event.aliases", aliases, &naliases, fault))
		return false;
	/* anonymous ids are among them, and are nobody's here */
	notice_account_add(notice, event->account);
	notice_account_add(notice, event->original_account);
	for (int i = 0; i < naliases; i++)
		notice_account_add(notice, aliases[i]);
	return true;
}

/* Reads an array of names; more than NOTICE_ACCOUNTS is a fault, because a name that was left
 * out could be the person's. */
static bool
list_take(JsonText *text, JsonSpan list, const char *member, JsonSlice *names, int *count,
		  FieldFault *fault)
{
	JsonCursor cursor;
	JsonSpan element;

	if (list.end == 0)
		return true;
	json_walk_begin(&cursor, text, list);
	while (json_element_next(&cursor, &element))
	{
		if (json_kind(text, element) != JSON_KIND_STRING)
			return field_fail(fault, member, "has an element that is no string");
		if (*count == NOTICE_ACCOUNTS)
			return field_fail(fault, member, "has more than 16 elements");
		names[(*count)++] = json_text_slice(text, element);
	}
	return true;
}

/* What the event is about, which its type alone does not tell. */
static NoticeSubject
subject_of(const Event *event)
{
	if (json_string_is(event->type, "TRANSFER"))
		return NOTICE_TRANSFER;
	/* the same name for a one-time purchase, which has no end, and for a subscription that does
	 * not renew itself */
	if (json_string_is(event->type, "NON_RENEWING_PURCHASE"))
		return event->expires_at == NOTICE_NO_TIME &&
					   !json_string_is(event->period, "PROMOTIONAL")
				   ? NOTICE_PURCHASE
				   : NOTICE_SUBSCRIPTION;
	if (event->product.size == 0 && event->transaction.size == 0 && event->original.size == 0)
		return NOTICE_NOTHING;
	/* a subscription's events name the end of its period; what is without one was bought once
	 */
	if (event->expires_at == NOTICE_NO_TIME && !json_string_is(event->period, "PROMOTIONAL"))
	{
		if (json_string_is(event->type, "CANCELLATION") &&
			json_string_is(event->reason, "CUSTOMER_SUPPORT"))
			return NOTICE_REFUND;
		if (json_string_is(event->type, "REFUND_REVERSED"))
			return NOTICE_REVERSAL;
	}
	return NOTICE_SUBSCRIPTION;
}
