/*
 * purchase_receipt.c: a receipt, read from its JSON and checked.
 *
 * Whatever is wrong is said with the name of the member; nothing is guessed. Members that are
 * not known are kept with the receipt and not read.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "errors.h"
#include "instant.h"
#include "json_load.h"
#include "purchase.h"

/* Ids are keys of indexes; no store's are longer. */
#define ID_SIZE    512
#define TOKEN_SIZE 4096

typedef enum ReceiptMember
{
	MEMBER_PRODUCT_ID,
	MEMBER_SOURCE,
	MEMBER_ENVIRONMENT,
	MEMBER_PURCHASE_ID,
	MEMBER_PURCHASE_TOKEN,
	MEMBER_TRANSACTION_DATE,
	MEMBER_ACKNOWLEDGED,
	MEMBER_VOICE,
	MEMBER_PRICE_IN_CENTS,
	MEMBER_CURRENCY,
	MEMBER_ORIGINAL_TRANSACTION_ID,
	MEMBER_BASE_PLAN_ID,
	MEMBER_OFFER_ID,
	MEMBER_PERIOD_END,
	MEMBER_GRACE_UNTIL,
	MEMBER_AUTO_RENEW,
	MEMBER_IS_TRIAL,
	MEMBER_DISCOUNT,
	/* of the discount */
	MEMBER_DISCOUNT_CODE,
	MEMBER_DISCOUNT_ORDER_REF,
	MEMBER_DISCOUNT_BASE_IN_CENTS,
	MEMBER_DISCOUNT_CURRENCY,
	MEMBERS,
} ReceiptMember;

static const char *const member_names[MEMBERS] = {
	"product_id",
	"source",
	"environment",
	"purchase_id",
	"purchase_token",
	"transaction_date",
	"acknowledged",
	"voice",
	"price_in_cents",
	"currency",
	"original_transaction_id",
	"base_plan_id",
	"offer_id",
	"period_end",
	"grace_until",
	"auto_renew",
	"is_trial",
	"discount",
	"discount.code",
	"discount.order_ref",
	"discount.base_in_cents",
	"discount.currency",
};
#define DISCOUNT_PREFIX (sizeof("discount.") - 1)

static const char *const sources[] = {"google_play", "app_store"};
static const char *const environments[] = {"production", "sandbox"};
static const char *const voices[] = {"male", "female"};

typedef struct ReceiptReader
{
	JsonText text;
	JsonSpan members[MEMBERS]; /* empty: absent, or null */
} ReceiptReader;

static void members_read(ReceiptReader *reader, JsonSpan object, ReceiptMember first,
						 ReceiptMember end, size_t prefix);
static void discount_read(PurchaseReceipt *receipt, ReceiptReader *reader);
static const char *word_read(ReceiptReader *reader, ReceiptMember member,
							 const char *const *words, int count);
static const char *text_require(ReceiptReader *reader, ReceiptMember member, size_t most);
static const char *text_read(ReceiptReader *reader, ReceiptMember member, size_t most);
static const char *currency_read(ReceiptReader *reader, ReceiptMember member);
static int64 amount_read(ReceiptReader *reader, ReceiptMember member);
static TimestampTz time_read(ReceiptReader *reader, ReceiptMember member);
static int flag_read(ReceiptReader *reader, ReceiptMember member);
static char *order_without_period(const char *order);
pg_noreturn static void raise_member(ReceiptMember member, const char *fault);

void
purchase_receipt_read(PurchaseReceipt *receipt, Datum json)
{
	ReceiptReader reader = {0};
	JsonSpan root;

	json_load(&reader.text, json);
	root = json_root(&reader.text);
	if (json_kind(&reader.text, root) != JSON_KIND_OBJECT)
		ereport(ERROR,
				(errcode(ERRCODE_CB_RECEIPT_INVALID), errmsg("the receipt is not an object"),
				 errhint("Send a JSON object with product_id, source, purchase_id, "
						 "purchase_token and transaction_date.")));
	members_read(&reader, root, 0, MEMBER_DISCOUNT_CODE, 0);
	memset(receipt, 0, sizeof(*receipt));
	receipt->product_name = text_require(&reader, MEMBER_PRODUCT_ID, ID_SIZE);
	receipt->source = word_read(&reader, MEMBER_SOURCE, sources, lengthof(sources));
	if (receipt->source == NULL)
		raise_member(MEMBER_SOURCE, "is missing");
	receipt->environment =
		word_read(&reader, MEMBER_ENVIRONMENT, environments, lengthof(environments));
	if (receipt->environment == NULL)
		receipt->environment = environments[0];
	receipt->purchase_id = text_require(&reader, MEMBER_PURCHASE_ID, ID_SIZE);
	receipt->purchase_token = text_require(&reader, MEMBER_PURCHASE_TOKEN, TOKEN_SIZE);
	receipt->purchased_at = time_read(&reader, MEMBER_TRANSACTION_DATE);
	if (receipt->purchased_at == PURCHASE_NEVER)
		raise_member(MEMBER_TRANSACTION_DATE, "is missing");
	receipt->acknowledged = flag_read(&reader, MEMBER_ACKNOWLEDGED) == 1;
	receipt->voice = word_read(&reader, MEMBER_VOICE, voices, lengthof(voices));
	receipt->amount = amount_read(&reader, MEMBER_PRICE_IN_CENTS);
	receipt->currency = currency_read(&reader, MEMBER_CURRENCY);
	if ((receipt->amount == PURCHASE_NO_AMOUNT) != (receipt->currency == NULL))
		raise_member(receipt->currency == NULL ? MEMBER_CURRENCY : MEMBER_PRICE_IN_CENTS,
					 "is missing: an amount has a currency");
	receipt->original_transaction_id =
		text_read(&reader, MEMBER_ORIGINAL_TRANSACTION_ID, ID_SIZE);
	receipt->base_plan_id = text_read(&reader, MEMBER_BASE_PLAN_ID, ID_SIZE);
	receipt->offer_id = text_read(&reader, MEMBER_OFFER_ID, ID_SIZE);
	receipt->period_end = time_read(&reader, MEMBER_PERIOD_END);
	receipt->grace_until = time_read(&reader, MEMBER_GRACE_UNTIL);
	receipt->auto_renew = flag_read(&reader, MEMBER_AUTO_RENEW);
	receipt->is_trial = flag_read(&reader, MEMBER_IS_TRIAL);
	discount_read(receipt, &reader);
	if (reader.text.broken)
		json_raise_broken();
	receipt->payload = DirectFunctionCall1(
		jsonb_in, CStringGetDatum(pnstrdup(reader.text.bytes, reader.text.size)));
}

/*
 * What depends on the product: courses alone have voices. A subscription without an original
 * transaction is that of its first order: Google Play appends two dots and a number to it for
 * each period.
 */
void
purchase_receipt_complete(PurchaseReceipt *receipt, const PurchaseProduct *product)
{
	if (product->kind != PURCHASE_COURSE)
		receipt->voice = NULL;
	if (product->kind == PURCHASE_SUBSCRIPTION && receipt->period_end == PURCHASE_NEVER)
		raise_member(MEMBER_PERIOD_END, "is missing");
	if (product->kind == PURCHASE_SUBSCRIPTION && receipt->original_transaction_id == NULL)
		receipt->original_transaction_id = order_without_period(receipt->purchase_id);
	if (receipt->discount_code == NULL)
		return;
	if (receipt->discount_base == PURCHASE_NO_AMOUNT)
	{
		if (product->price == PURCHASE_NO_AMOUNT)
			raise_member(MEMBER_DISCOUNT_BASE_IN_CENTS, "is missing");
		receipt->discount_base = product->price;
		receipt->discount_currency = product->currency;
	}
	if (receipt->discount_order_ref == NULL)
		receipt->discount_order_ref =
			psprintf("%s:%s:%s", receipt->source, receipt->environment, receipt->purchase_id);
}

/* Of a member that is there twice the last one counts. */
static void
members_read(ReceiptReader *reader, JsonSpan object, ReceiptMember first, ReceiptMember end,
			 size_t prefix)
{
	JsonSpan key, value;
	JsonCursor cursor;

	json_walk_begin(&cursor, &reader->text, object);
	while (json_member_next(&cursor, &key, &value))
	{
		JsonSlice raw = json_text_slice(&reader->text, key);

		for (int member = first; member < end; member++)
			if (json_string_is(raw, member_names[member] + prefix))
			{
				bool null = json_kind(&reader->text, value) == JSON_KIND_NULL;

				reader->members[member] = null ? (JsonSpan){0, 0} : value;
				break;
			}
	}
}

static void
discount_read(PurchaseReceipt *receipt, ReceiptReader *reader)
{
	JsonSpan object = reader->members[MEMBER_DISCOUNT];

	receipt->discount_base = PURCHASE_NO_AMOUNT;
	if (object.end == object.start)
		return;
	if (json_kind(&reader->text, object) != JSON_KIND_OBJECT)
		raise_member(MEMBER_DISCOUNT, "is no object");
	members_read(reader, object, MEMBER_DISCOUNT_CODE, MEMBERS, DISCOUNT_PREFIX);
	receipt->discount_code = text_require(reader, MEMBER_DISCOUNT_CODE, ID_SIZE);
	receipt->discount_order_ref = text_read(reader, MEMBER_DISCOUNT_ORDER_REF, ID_SIZE);
	receipt->discount_base = amount_read(reader, MEMBER_DISCOUNT_BASE_IN_CENTS);
	receipt->discount_currency = currency_read(reader, MEMBER_DISCOUNT_CURRENCY);
	if ((receipt->discount_base == PURCHASE_NO_AMOUNT) != (receipt->discount_currency == NULL))
		raise_member(receipt->discount_currency == NULL ? MEMBER_DISCOUNT_CURRENCY
														: MEMBER_DISCOUNT_BASE_IN_CENTS,
					 "is missing: an amount has a currency");
}

static const char *
word_read(ReceiptReader *reader, ReceiptMember member, const char *const *words, int count)
{
	const char *text = text_read(reader, member, ID_SIZE);
	StringInfoData fault;

	if (text == NULL)
		return NULL;
	for (int i = 0; i < count; i++)
		if (strcmp(text, words[i]) == 0)
			return words[i];
	initStringInfo(&fault);
	appendStringInfoString(&fault, "is none of");
	for (int i = 0; i < count; i++)
		appendStringInfo(&fault, "%s %s", i == 0 ? "" : ",", words[i]);
	raise_member(member, fault.data);
}

static const char *
text_require(ReceiptReader *reader, ReceiptMember member, size_t most)
{
	const char *text = text_read(reader, member, most);

	if (text == NULL)
		raise_member(member, "is missing");
	return text;
}

/* NULL when it is absent. */
static const char *
text_read(ReceiptReader *reader, ReceiptMember member, size_t most)
{
	JsonSpan span = reader->members[member];
	const char *text;
	size_t size;

	if (span.end == span.start)
		return NULL;
	if (json_kind(&reader->text, span) != JSON_KIND_STRING)
		raise_member(member, "is no string");
	text = json_string_text(json_text_slice(&reader->text, span), &size);
	if (size == 0)
		raise_member(member, "is empty");
	if (size > most)
		raise_member(member, psprintf("has more than %zu bytes", most));
	return text;
}

static const char *
currency_read(ReceiptReader *reader, ReceiptMember member)
{
	const char *text = text_read(reader, member, ID_SIZE);

	if (text != NULL && (strlen(text) != 3 || strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3))
		raise_member(member, "is no ISO 4217 code in upper case");
	return text;
}

/* Whole minor units, in digits; PURCHASE_NO_AMOUNT when it is absent. */
static int64
amount_read(ReceiptReader *reader, ReceiptMember member)
{
	JsonSpan span = reader->members[member];
	const char *bytes = reader->text.bytes + span.start;
	size_t size = span.end - span.start;
	int64 amount = 0;

	if (size == 0)
		return PURCHASE_NO_AMOUNT;
	if (json_kind(&reader->text, span) != JSON_KIND_NUMBER)
		raise_member(member, "is no number");
	for (size_t i = 0; i < size; i++)
	{
		if (bytes[i] < '0' || bytes[i] > '9' || i >= 15)
			raise_member(member, "is no whole number from 0 to 999999999999999");
		amount = amount * 10 + (bytes[i] - '0');
	}
	return amount;
}

/* PURCHASE_NEVER when it is absent. */
static TimestampTz
time_read(ReceiptReader *reader, ReceiptMember member)
{
	JsonSpan span = reader->members[member];
	const char *bytes = reader->text.bytes + span.start;
	size_t size = span.end - span.start;
	int64_t instant;

	if (size == 0)
		return PURCHASE_NEVER;
	if (json_kind(&reader->text, span) == JSON_KIND_STRING)
		bytes = json_string_text(json_text_slice(&reader->text, span), &size);
	else if (json_kind(&reader->text, span) != JSON_KIND_NUMBER)
		raise_member(member, "is neither a string nor a number");
	if (!instant_parse(bytes, size, &instant))
		raise_member(member,
					 "is neither ISO 8601 with a zone nor milliseconds since 1970, up to 9999");
	return instant;
}

/* PURCHASE_UNKNOWN when it is absent. */
static int
flag_read(ReceiptReader *reader, ReceiptMember member)
{
	JsonSpan span = reader->members[member];

	if (span.end == span.start)
		return PURCHASE_UNKNOWN;
	if (json_kind(&reader->text, span) != JSON_KIND_BOOLEAN)
		raise_member(member, "is neither true nor false");
	return reader->text.bytes[span.start] == 't';
}

static char *
order_without_period(const char *order)
{
	size_t end = strlen(order);

	while (end > 0 && order[end - 1] >= '0' && order[end - 1] <= '9')
		end--;
	if (order[end] == '\0' || end < 3 || order[end - 1] != '.' || order[end - 2] != '.')
		return pstrdup(order);
	return pnstrdup(order, end - 2);
}

static void
raise_member(ReceiptMember member, const char *fault)
{
	ereport(ERROR, (errcode(ERRCODE_CB_RECEIPT_INVALID),
					errmsg("the receipt's member \"%s\" %s", member_names[member], fault),
					errhint("Correct the receipt; nothing was written.")));
}
