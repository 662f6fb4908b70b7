/*
 * app_store.c: Apple's payloads become a notice.
 *
 * Source: App Store Server Notifications V2, responseBodyV2DecodedPayload,
 * JWSTransactionDecodedPayload and JWSRenewalInfoDecodedPayload. Times are milliseconds since
 * 1970, prices thousandths of the currency's major unit.
 *
 * Invariants: the payloads of one notification agree in app, environment and line; a
 * transaction that comes alone is an event of the time at which it was bought, or taken back.
 */
#include "notifications/app_store.h"

#include <string.h>

/* The notification itself; data, summary and external are the three forms of its content. */
typedef struct Payload
{
	JsonSlice type;
	JsonSlice subtype;
	JsonSlice id;
	int64_t signed_at;
	JsonSpan data;
	JsonSpan summary;
	JsonSpan external;
} Payload;

/* App and environment, and the two tokens within. */
typedef struct Data
{
	JsonSlice application;
	JsonSlice environment;
	JsonSlice transaction;
	JsonSlice renewal;
} Data;

/* JWSTransactionDecodedPayload. */
typedef struct Transaction
{
	JsonSlice application;
	JsonSlice environment;
	JsonSlice kind;
	JsonSlice account;
	JsonSlice id;
	JsonSlice original;
	JsonSlice product;
	JsonSlice offer;
	JsonSlice offer_kind;
	JsonSlice currency;
	JsonSlice ownership;
	JsonSlice reason;
	int64_t signed_at;
	int64_t purchased_at;
	int64_t expires_at;
	int64_t revoked_at;
	int64_t quantity;
	int64_t price;
} Transaction;

/* JWSRenewalInfoDecodedPayload. */
typedef struct Renewal
{
	JsonSlice environment;
	JsonSlice original;
	int64_t grace_until;
	int64_t renewal_at;
	int auto_renew;
} Renewal;

#define AT(type, member) offsetof(type, member)

static const Field payload_fields[] = {
	{"notificationType", FIELD_TEXT, AT(Payload, type), false},
	{"subtype", FIELD_TEXT, AT(Payload, subtype), false},
	{"notificationUUID", FIELD_TEXT, AT(Payload, id), false},
	{"signedDate", FIELD_MILLISECONDS, AT(Payload, signed_at), false},
	{"data", FIELD_OBJECT, AT(Payload, data), false},
	{"summary", FIELD_OBJECT, AT(Payload, summary), false},
	{"externalPurchaseToken", FIELD_OBJECT, AT(Payload, external), false},
};
static const Field data_fields[] = {
	{"bundleId", FIELD_TEXT, AT(Data, application), false},
	{"environment", FIELD_TEXT, AT(Data, environment), false},
	{"signedTransactionInfo", FIELD_TEXT, AT(Data, transaction), false},
	{"signedRenewalInfo", FIELD_TEXT, AT(Data, renewal), false},
};
static const Field transaction_fields[] = {
	{"bundleId", FIELD_TEXT, AT(Transaction, application), false},
	{"environment", FIELD_TEXT, AT(Transaction, environment), false},
	{"type", FIELD_TEXT, AT(Transaction, kind), false},
	{"appAccountToken", FIELD_TEXT, AT(Transaction, account), false},
	{"transactionId", FIELD_NAME, AT(Transaction, id), false},
	{"originalTransactionId", FIELD_NAME, AT(Transaction, original), false},
	{"productId", FIELD_TEXT, AT(Transaction, product), false},
	{"offerIdentifier", FIELD_TEXT, AT(Transaction, offer), false},
	{"offerDiscountType", FIELD_TEXT, AT(Transaction, offer_kind), false},
	{"currency", FIELD_TEXT, AT(Transaction, currency), false},
	{"inAppOwnershipType", FIELD_TEXT, AT(Transaction, ownership), false},
	{"transactionReason", FIELD_TEXT, AT(Transaction, reason), false},
	{"signedDate", FIELD_MILLISECONDS, AT(Transaction, signed_at), false},
	{"purchaseDate", FIELD_MILLISECONDS, AT(Transaction, purchased_at), false},
	{"expiresDate", FIELD_MILLISECONDS, AT(Transaction, expires_at), true},
	{"revocationDate", FIELD_MILLISECONDS, AT(Transaction, revoked_at), false},
	{"quantity", FIELD_INTEGER, AT(Transaction, quantity), false},
	{"price", FIELD_INTEGER, AT(Transaction, price), false},
};
static const Field renewal_fields[] = {
	{"environment", FIELD_TEXT, AT(Renewal, environment), false},
	{"originalTransactionId", FIELD_NAME, AT(Renewal, original), false},
	{"gracePeriodExpiresDate", FIELD_MILLISECONDS, AT(Renewal, grace_until), true},
	{"renewalDate", FIELD_MILLISECONDS, AT(Renewal, renewal_at), true},
	{"autoRenewStatus", FIELD_FLAG, AT(Renewal, auto_renew), false},
};

static bool payload_read(JsonSlice bytes, Payload *payload, Data *data, FieldFault *fault);
static bool object_read(JsonSlice bytes, const Field *fields, size_t nfields, void *into,
						FieldFault *fault);
static bool transaction_take(JsonSlice bytes, StoreNotice *notice, FieldFault *fault);
static bool renewal_take(JsonSlice bytes, StoreNotice *notice, FieldFault *fault);
static bool environment_take(JsonSlice raw, bool first, StoreNotice *notice, FieldFault *fault);
static bool application_take(JsonSlice raw, StoreNotice *notice, FieldFault *fault);
static bool is_known_by_original(const Transaction *transaction);
static NoticeSubject subject_of(const StoreNotice *notice, const Transaction *transaction);
static void event_of_transaction(StoreNotice *notice, const Transaction *transaction);
static bool require(JsonSlice slice, const char *member, FieldFault *fault);
static JsonSlice unquoted(JsonSlice raw);

/* Reads the notification's own payload only: the caller checks the tokens in it before their
 * payloads are read. */
bool
app_store_parts(JsonSlice notification, AppStoreParts *parts, FieldFault *fault)
{
	Payload payload;
	Data data;

	if (!payload_read(notification, &payload, &data, fault))
		return false;
	parts->transaction = unquoted(data.transaction);
	parts->renewal = unquoted(data.renewal);
	return true;
}

/* Reads what is there, from the outside in. Payloads inside of a notification must agree with
 * it, because each is a signed document of its own and could be taken from another
 * notification. */
bool
app_store_read(JsonSlice notification, JsonSlice transaction, JsonSlice renewal,
			   StoreNotice *notice, FieldFault *fault)
{
	Payload payload;
	Data data;

	notice_begin(notice);
	if (notification.size > 0)
	{
		if (!payload_read(notification, &payload, &data, fault) ||
			!require(payload.type, "notificationType", fault) ||
			!require(payload.id, "notificationUUID", fault))
			return false;
		if (payload.signed_at == NOTICE_NO_TIME)
			return field_fail(fault, "signedDate", "is missing");
		notice->id = payload.id;
		notice->type = payload.type;
		notice->subtype = payload.subtype;
		notice->time = payload.signed_at;
		if (!environment_take(data.environment, true, notice, fault) ||
			!application_take(data.application, notice, fault))
			return false;
	}
	if (transaction.size > 0 && !transaction_take(transaction, notice, fault))
		return false;
	return renewal.size == 0 || renewal_take(renewal, notice, fault);
}

/* Reads the notification's payload and, whichever of the three members it has, the app and the
 * environment in it. */
static bool
payload_read(JsonSlice bytes, Payload *payload, Data *data, FieldFault *fault)
{
	JsonText text;

	memset(payload, 0, sizeof(*payload));
	memset(data, 0, sizeof(*data));
	payload->signed_at = NOTICE_NO_TIME;
	json_text_init(&text, bytes.bytes, bytes.size, NULL, NULL);
	if (!fields_read(&text, json_root(&text), FIELDS(payload_fields), payload, fault))
		return false;
	/* a summary and an external token name app and environment as data does, and no transaction
	 */
	for (int i = 0; i < 3; i++)
	{
		JsonSpan object = i == 0   ? payload->data
						  : i == 1 ? payload->summary
								   : payload->external;

		if (object.end > 0 && !fields_read(&text, object, FIELDS(data_fields), data, fault))
			return false;
	}
	return true;
}

/* Reads the members of a payload's root object into a struct. */
static bool
object_read(JsonSlice bytes, const Field *fields, size_t nfields, void *into, FieldFault *fault)
{
	JsonText text;

	json_text_init(&text, bytes.bytes, bytes.size, NULL, NULL);
	return fields_read(&text, json_root(&text), fields, nfields, into, fault);
}

/* Takes a transaction into the notice. A transaction that came alone is the whole notification:
 * then it must say when it was signed, and its kind and time become the event's. */
static bool
transaction_take(JsonSlice bytes, StoreNotice *notice, FieldFault *fault)
{
	Transaction transaction = {
		.signed_at = NOTICE_NO_TIME,
		.purchased_at = NOTICE_NO_TIME,
		.expires_at = NOTICE_NO_TIME,
		.revoked_at = NOTICE_NO_TIME,
		.quantity = 1,
		.price = NOTICE_NO_AMOUNT,
	};
	bool alone = notice->type.size == 0;

	if (!object_read(bytes, FIELDS(transaction_fields), &transaction, fault) ||
		!environment_take(transaction.environment, alone, notice, fault) ||
		!application_take(transaction.application, notice, fault) ||
		!require(transaction.id, "transactionId", fault) ||
		!require(transaction.product, "productId", fault))
		return false;
	/* with it the transaction's id becomes the id of the notification */
	if (alone && transaction.signed_at == NOTICE_NO_TIME)
		return field_fail(fault, "signedDate", "is missing");
	if (transaction.quantity < 1)
		return field_fail(fault, "quantity", "is not positive");
	if (alone)
		notice->time = notice->signed_at = transaction.signed_at;
	notice->original_transaction =
		transaction.original.size > 0 ? transaction.original : transaction.id;
	notice->transaction =
		is_known_by_original(&transaction) ? notice->original_transaction : transaction.id;
	/* Apple has no token: the transaction is what the server asks about */
	notice->token = notice->transaction;
	notice->product = transaction.product;
	notice->offer = transaction.offer;
	notice->trial = json_string_is(transaction.offer_kind, "FREE_TRIAL");
	notice->currency = transaction.currency;
	notice->amount = transaction.price;
	/* thousandths of the major unit, whatever the currency's minor unit is */
	notice->amount_scale = 1000;
	notice->quantity = transaction.quantity;
	notice->purchased_at = notice->period_start = transaction.purchased_at;
	notice->period_end = transaction.expires_at;
	notice->revoked_at = transaction.revoked_at;
	/* who shares a family's purchase has no account token of its own in it */
	notice_account_add(notice, transaction.account);
	notice->subject = subject_of(notice, &transaction);
	if (alone)
		event_of_transaction(notice, &transaction);
	return true;
}

/* Takes what only the renewal knows: whether the store will renew, and until when a grace
 * lasts. Both tokens must be of one subscription. */
static bool
renewal_take(JsonSlice bytes, StoreNotice *notice, FieldFault *fault)
{
	Renewal renewal = {
		.grace_until = NOTICE_NO_TIME, .renewal_at = NOTICE_NO_TIME, .auto_renew = -1};

	if (!object_read(bytes, FIELDS(renewal_fields), &renewal, fault) ||
		!environment_take(renewal.environment, false, notice, fault))
		return false;
	/* two genuine tokens of two lines make no genuine notification */
	if (renewal.original.size > 0 && notice->original_transaction.size > 0 &&
		!notice_name_same(renewal.original, notice->original_transaction))
		return field_fail(fault, "originalTransactionId",
						  "is another in the renewal than in the transaction");
	if (notice->original_transaction.size == 0)
		notice->original_transaction = renewal.original;
	notice->grace_until = renewal.grace_until;
	notice->auto_renew = renewal.auto_renew;
	return true;
}

/* Payloads within one notification agree. A missing environment is one that cannot be told:
 * refused where it is first to be said. */
static bool
environment_take(JsonSlice raw, bool first, StoreNotice *notice, FieldFault *fault)
{
	NoticeEnvironment environment;

	if (raw.size == 0)
		return !first || notice->type.size > 0 ||
			   field_fail(fault, "environment", "is missing");
	if (!notice_environment_parse(raw, &environment))
		return field_fail(fault, "environment", "is neither Production nor Sandbox");
	if (!first && notice->environment != environment)
		return field_fail(fault, "environment", "is another in one payload than in the other");
	notice->environment = environment;
	return true;
}

/*
 * A payload of another app, signed by Apple as well, must not pass within a notification of
 * this one.
 */
static bool
application_take(JsonSlice raw, StoreNotice *notice, FieldFault *fault)
{
	if (raw.size == 0)
		return true;
	if (notice->application.size > 0 && !json_string_same(raw, notice->application))
		return field_fail(fault, "bundleId", "is another in one payload than in the other");
	notice->application = raw;
	return true;
}

/*
 * Whether the sale is known by its original transaction. Apple gives a non-consumable another
 * transaction whenever it is restored, and a refund names the original. What a family shares is
 * a transaction of each member's own.
 */
static bool
is_known_by_original(const Transaction *transaction)
{
	return json_string_is(transaction->kind, "Non-Consumable") &&
		   !json_string_is(transaction->ownership, "FAMILY_SHARED");
}

/* What the notification is about. For a one-time purchase the type decides; a subscription's
 * types are mapped to events as data. */
static NoticeSubject
subject_of(const StoreNotice *notice, const Transaction *transaction)
{
	/* what a type does to a subscription is data; Apple's question is none of it */
	if (json_string_is(transaction->kind, "Auto-Renewable Subscription"))
		return json_string_is(notice->type, "CONSUMPTION_REQUEST") ? NOTICE_REVIEW
																   : NOTICE_SUBSCRIPTION;
	/* a transaction alone tells by its members whether it stands */
	if (notice->type.size == 0)
		return transaction->revoked_at != NOTICE_NO_TIME ? NOTICE_REFUND : NOTICE_PURCHASE;
	if (json_string_is(notice->type, "ONE_TIME_CHARGE"))
		return NOTICE_PURCHASE;
	if (json_string_is(notice->type, "REFUND") || json_string_is(notice->type, "REVOKE"))
		return NOTICE_REFUND;
	if (json_string_is(notice->type, "REFUND_REVERSED"))
		return NOTICE_REVERSAL;
	if (json_string_is(notice->type, "CONSUMPTION_REQUEST"))
		return NOTICE_REVIEW;
	return NOTICE_NOTHING;
}

/*
 * A transaction that came alone tells a state and no event: the canonical event that led to it,
 * at its own time. It is signed anew whenever a phone asks, so that the signed date orders
 * nothing.
 */
static void
event_of_transaction(StoreNotice *notice, const Transaction *transaction)
{
	if (transaction->revoked_at != NOTICE_NO_TIME)
	{
		notice->type = notice_word("\"revoked\"");
		notice->time = transaction->revoked_at;
		return;
	}
	notice->type = notice_word(json_string_is(transaction->reason, "RENEWAL") ? "\"renewed\""
																			  : "\"created\"");
	if (transaction->purchased_at != NOTICE_NO_TIME)
		notice->time = transaction->purchased_at;
}

/* Whether a member is there; names it as the fault if not. */
static bool
require(JsonSlice slice, const char *member, FieldFault *fault)
{
	return slice.size > 0 || field_fail(fault, member, "is missing");
}

/* A token's text without the quotes of its JSON string; empty for an empty one. */
static JsonSlice
unquoted(JsonSlice raw)
{
	return raw.size < 2 ? (JsonSlice){raw.bytes, 0} : (JsonSlice){raw.bytes + 1, raw.size - 2};
}
