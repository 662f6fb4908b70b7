/*
 * receipt_json.c: a receipt, read from its JSON and checked.
 *
 * A member that is missing or malformed is refused by its name; nothing is guessed. Members
 * that the form does not name are kept with the receipt and not read.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "billing/environment.h"
#include "billing/notice.h"
#include "core/args.h"
#include "core/currency.h"
#include "core/datum.h"
#include "core/errors.h"
#include "json/members.h"
#include "store/receipt.h"

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
	MEMBER_LINKED_PURCHASE_TOKEN,
	MEMBER_BASE_PLAN_ID,
	MEMBER_OFFER_ID,
	MEMBER_PERIOD_END,
	MEMBER_GRACE_UNTIL,
	MEMBER_AUTO_RENEW,
	MEMBER_IS_TRIAL,
	MEMBER_STATE,
	MEMBER_QUANTITY,
	MEMBER_PRICE_IN_MILLIUNITS,
	MEMBER_PRICE_IN_MICROS,
	MEMBER_DISCOUNT,
	/* members of the object that discount is */
	MEMBER_DISCOUNT_CODE,
	MEMBER_DISCOUNT_ORDER_REF,
	MEMBER_DISCOUNT_BASE_IN_CENTS,
	MEMBER_DISCOUNT_CURRENCY,
	MEMBERS,
} ReceiptMember;

/* In messages a member of the discount is named with its object. */
static const char *const member_names[MEMBERS] = {
	[MEMBER_PRODUCT_ID] = "product_id",
	[MEMBER_SOURCE] = "source",
	[MEMBER_ENVIRONMENT] = "environment",
	[MEMBER_PURCHASE_ID] = "purchase_id",
	[MEMBER_PURCHASE_TOKEN] = "purchase_token",
	[MEMBER_TRANSACTION_DATE] = "transaction_date",
	[MEMBER_ACKNOWLEDGED] = "acknowledged",
	[MEMBER_VOICE] = "voice",
	[MEMBER_PRICE_IN_CENTS] = "price_in_cents",
	[MEMBER_CURRENCY] = "currency",
	[MEMBER_ORIGINAL_TRANSACTION_ID] = "original_transaction_id",
	[MEMBER_LINKED_PURCHASE_TOKEN] = "linked_purchase_token",
	[MEMBER_BASE_PLAN_ID] = "base_plan_id",
	[MEMBER_OFFER_ID] = "offer_id",
	[MEMBER_PERIOD_END] = "period_end",
	[MEMBER_GRACE_UNTIL] = "grace_until",
	[MEMBER_AUTO_RENEW] = "auto_renew",
	[MEMBER_IS_TRIAL] = "is_trial",
	[MEMBER_STATE] = "state",
	[MEMBER_QUANTITY] = "quantity",
	[MEMBER_PRICE_IN_MILLIUNITS] = "price_in_milliunits",
	[MEMBER_PRICE_IN_MICROS] = "price_in_micros",
	[MEMBER_DISCOUNT] = "discount",
	[MEMBER_DISCOUNT_CODE] = "discount.code",
	[MEMBER_DISCOUNT_ORDER_REF] = "discount.order_ref",
	[MEMBER_DISCOUNT_BASE_IN_CENTS] = "discount.base_in_cents",
	[MEMBER_DISCOUNT_CURRENCY] = "discount.currency",
};
/* What those names have in front that the JSON has not. */
#define DISCOUNT_PREFIX (sizeof("discount.") - 1)

/* KB801 for every fault, so that the app can tell a wrong receipt from a failure. */
static const MembersForm receipt_form = {
	.object = "the receipt",
	.code = ERRCODE_CB_RECEIPT_INVALID,
	.hint = "Correct the receipt; nothing was written.",
	.object_hint =
		"Send a JSON object with product_id, source, purchase_id, purchase_token and "
		"transaction_date.",
	.names = member_names,
	.count = MEMBERS,
};

/* Stripe's and the organisations' payments are no receipts: sales and programs take them. */
static const char *const sources[] = {"google_play", "app_store"};
static const MembersAlias source_aliases[] = {
	{"playstore", "google_play"},
	{"google", "google_play"},
	{"apple", "app_store"},
};
static const char *const voices[] = {"male", "female"};

/* A price in parts of the major unit, before it is counted in minor units. */
#define AMOUNT_MOST INT64CONST(999999999999999)

static void price_read(Receipt *receipt, Members *members);
static void state_read(Receipt *receipt, Members *members);
static void discount_read(Receipt *receipt, Members *members);
static int64 money_read(Members *members, int amount_member, int currency_member, int64 most,
						const char **currency);
static const char *currency_read(Members *members, int member);
static int64 amount_read(Members *members, int member, int64 most);
static char *order_without_period(const char *order);

PG_FUNCTION_INFO_V1(coursebase_known_members);

/*
 * Reads every member before anything is looked up: a receipt that is malformed is refused
 * without a lock or a statement. The order of the checks is the order of the messages that a
 * caller sees.
 */
void
receipt_read(Receipt *receipt, Datum json)
{
	Members members;

	members_load(&members, &receipt_form, json, MEMBER_DISCOUNT_CODE);
	memset(receipt, 0, sizeof(*receipt));
	receipt->product_name = members_text_require(&members, MEMBER_PRODUCT_ID, MEMBERS_ID_SIZE);
	receipt->source = members_spelled(&members, MEMBER_SOURCE, sources, lengthof(sources),
									  source_aliases, lengthof(source_aliases));
	if (receipt->source == NULL)
		members_raise(&receipt_form, MEMBER_SOURCE, "is missing");
	receipt->environment =
		members_spelled(&members, MEMBER_ENVIRONMENT, environment_names, ENVIRONMENTS,
						environment_aliases, ENVIRONMENT_ALIASES);
	/* receipts of apps that do not name it are of production */
	if (receipt->environment == NULL)
		receipt->environment = environment_names[ENVIRONMENT_PRODUCTION];
	receipt->purchase_id = members_text_require(&members, MEMBER_PURCHASE_ID, MEMBERS_ID_SIZE);
	receipt->purchase_token =
		members_text_require(&members, MEMBER_PURCHASE_TOKEN, MEMBERS_TOKEN_SIZE);
	receipt->purchased_at = members_time(&members, MEMBER_TRANSACTION_DATE);
	if (receipt->purchased_at == RECEIPT_NO_TIME)
		members_raise(&receipt_form, MEMBER_TRANSACTION_DATE, "is missing");
	receipt->acknowledged = members_flag(&members, MEMBER_ACKNOWLEDGED) == 1;
	receipt->voice = members_word(&members, MEMBER_VOICE, voices, lengthof(voices));
	price_read(receipt, &members);
	state_read(receipt, &members);
	receipt->original_transaction_id =
		members_text(&members, MEMBER_ORIGINAL_TRANSACTION_ID, MEMBERS_ID_SIZE);
	receipt->linked_token =
		members_text(&members, MEMBER_LINKED_PURCHASE_TOKEN, MEMBERS_TOKEN_SIZE);
	receipt->base_plan_id = members_text(&members, MEMBER_BASE_PLAN_ID, MEMBERS_ID_SIZE);
	receipt->offer_id = members_text(&members, MEMBER_OFFER_ID, MEMBERS_ID_SIZE);
	receipt->period_end = members_end_time(&members, MEMBER_PERIOD_END);
	receipt->grace_until = members_end_time(&members, MEMBER_GRACE_UNTIL);
	receipt->auto_renew = members_flag(&members, MEMBER_AUTO_RENEW);
	receipt->is_trial = members_flag(&members, MEMBER_IS_TRIAL);
	/* no product is looked at yet: receipt_complete() checks what depends on it */
	discount_read(receipt, &members);
	members_end(&members);
	/* the whole object as it came, so that a later release can read what this one does not */
	receipt->payload = DirectFunctionCall1(
		jsonb_in, CStringGetDatum(pnstrdup(members.text.bytes, members.text.size)));
}

/*
 * Only courses have voices. A subscription that names no original transaction is known by its
 * first order: Google Play appends two dots and a number to the order's id for each renewal. An
 * order_ref that the caller does not choose is unique as the receipt is.
 */
void
receipt_complete(Receipt *receipt, const StoreProduct *product)
{
	if (product->kind != PRODUCT_COURSE)
		receipt->voice = NULL;
	/* what is not paid has no period yet */
	if (product->kind == PRODUCT_SUBSCRIPTION && receipt->state == RECEIPT_PAID &&
		receipt->period_end == RECEIPT_NO_TIME)
		members_raise(&receipt_form, MEMBER_PERIOD_END, "is missing");
	receipt->line_is_told = receipt->original_transaction_id != NULL;
	if (product->kind == PRODUCT_SUBSCRIPTION && !receipt->line_is_told)
		receipt->original_transaction_id = order_without_period(receipt->purchase_id);
	if (receipt->discount_code == NULL)
		return;
	if (receipt->discount_base == STORE_NO_AMOUNT)
	{
		if (product->price == STORE_NO_AMOUNT)
			members_raise(&receipt_form, MEMBER_DISCOUNT_BASE_IN_CENTS, "is missing");
		receipt->discount_base = product->price;
		receipt->discount_currency = product->currency;
	}
	if (receipt->discount_order_ref == NULL)
		receipt->discount_order_ref =
			psprintf("%s:%s:%s", receipt->source, receipt->environment, receipt->purchase_id);
}

/* The one member of three that names the price; stores count in minor units, in thousandths or
 * in millionths of the major unit. The table holds minor units as an integer. */
static void
price_read(Receipt *receipt, Members *members)
{
	static const struct
	{
		int member;
		int64 scale;
		int64 most;
	} units[] = {
		{MEMBER_PRICE_IN_CENTS, 1, PG_INT32_MAX},
		{MEMBER_PRICE_IN_MILLIUNITS, 1000, AMOUNT_MOST},
		{MEMBER_PRICE_IN_MICROS, 1000000, AMOUNT_MOST},
	};
	int unit = 0;

	for (int i = 1; i < lengthof(units); i++)
		if (members_has(members, units[i].member))
		{
			if (members_has(members, units[unit].member))
				members_raise(&receipt_form, units[i].member,
							  psprintf("is one price too many, beside \"%s\"",
									   member_names[units[unit].member]));
			unit = i;
		}
	receipt->amount = money_read(members, units[unit].member, MEMBER_CURRENCY, units[unit].most,
								 &receipt->currency);
	if (units[unit].scale > 1 && (!currency_minor_units(receipt->amount, units[unit].scale,
														receipt->currency, &receipt->amount) ||
								  receipt->amount > PG_INT32_MAX))
		members_raise(&receipt_form, units[unit].member, "is out of range");
}

/* Whether it is paid, and how often the product was bought. Google Play's own words and numbers
 * are read as well. */
static void
state_read(Receipt *receipt, Members *members)
{
	static const struct
	{
		const char *word;
		ReceiptState state;
	} words[] = {
		{"paid", RECEIPT_PAID},
		{"purchased", RECEIPT_PAID},
		{"0", RECEIPT_PAID},
		{"pending", RECEIPT_UNPAID},
		{"2", RECEIPT_UNPAID},
		{"canceled", RECEIPT_CANCELED_UNPAID},
		{"cancelled", RECEIPT_CANCELED_UNPAID},
		{"1", RECEIPT_CANCELED_UNPAID},
	};
	const char *word = members_scalar(members, MEMBER_STATE, MEMBERS_ID_SIZE);
	int64 quantity = amount_read(members, MEMBER_QUANTITY, PG_INT32_MAX);

	receipt->quantity = quantity == STORE_NO_AMOUNT ? 1 : quantity;
	if (receipt->quantity < 1 || receipt->quantity > RECEIPT_QUANTITY_MOST)
		members_raise(&receipt_form, MEMBER_QUANTITY, "is not between 1 and 1000");
	receipt->state = RECEIPT_PAID;
	if (word == NULL)
		return;
	for (int i = 0; i < lengthof(words); i++)
		if (pg_strcasecmp(word, words[i].word) == 0)
		{
			receipt->state = words[i].state;
			return;
		}
	members_raise(&receipt_form, MEMBER_STATE, "is none of paid, pending, canceled");
}

/* The members of the object discount, if the receipt has one. */
static void
discount_read(Receipt *receipt, Members *members)
{
	receipt->discount_base = STORE_NO_AMOUNT;
	if (!members_enter(members, MEMBER_DISCOUNT, MEMBER_DISCOUNT_CODE, MEMBERS,
					   DISCOUNT_PREFIX))
		return;
	receipt->discount_code =
		members_text_require(members, MEMBER_DISCOUNT_CODE, MEMBERS_ID_SIZE);
	receipt->discount_order_ref =
		members_text(members, MEMBER_DISCOUNT_ORDER_REF, MEMBERS_ID_SIZE);
	receipt->discount_base =
		money_read(members, MEMBER_DISCOUNT_BASE_IN_CENTS, MEMBER_DISCOUNT_CURRENCY,
				   PG_INT32_MAX, &receipt->discount_currency);
}

/* Both members, or neither: then STORE_NO_AMOUNT and NULL. */
static int64
money_read(Members *members, int amount_member, int currency_member, int64 most,
		   const char **currency)
{
	int64 amount = amount_read(members, amount_member, most);

	*currency = currency_read(members, currency_member);
	if ((amount == STORE_NO_AMOUNT) != (*currency == NULL))
		members_raise(&receipt_form, *currency == NULL ? currency_member : amount_member,
					  "is missing: an amount has a currency");
	return amount;
}

/* NULL for a member that is absent. */
static const char *
currency_read(Members *members, int member)
{
	const char *text = members_text(members, member, MEMBERS_ID_SIZE);

	if (text != NULL && (strlen(text) != 3 || strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3))
		members_raise(&receipt_form, member, "is no ISO 4217 code in upper case");
	return text;
}

/*
 * A whole number, in digits: a fraction or an exponent would be a guess at what was meant.
 * STORE_NO_AMOUNT for a member that is absent.
 */
static int64
amount_read(Members *members, int member, int64 most)
{
	JsonSpan span = members->spans[member];
	const char *bytes = members->text.bytes + span.start;
	size_t size = span.end - span.start;
	int64 amount = 0;

	if (size == 0)
		return STORE_NO_AMOUNT;
	if (json_kind(&members->text, span) != JSON_KIND_NUMBER)
		members_raise(&receipt_form, member, "is no number");
	for (size_t i = 0; i < size; i++)
	{
		amount = amount * 10 + (bytes[i] - '0');
		/* before the next digit, so that nothing overflows */
		if (bytes[i] < '0' || bytes[i] > '9' || amount > most)
			members_raise(&receipt_form, member,
						  psprintf("is no whole number from 0 to " INT64_FORMAT, most));
	}
	return amount;
}

/* GPA.1234..5 is a renewal of GPA.1234; any other id stays whole. */
static char *
order_without_period(const char *order)
{
	size_t end = strlen(order);

	/* back over the number of the period to the two dots, with something in front of them */
	while (end > 0 && order[end - 1] >= '0' && order[end - 1] <= '9')
		end--;
	if (order[end] == '\0' || end < 3 || order[end - 1] != '.' || order[end - 2] != '.')
		return pstrdup(order);
	return pnstrdup(order, end - 2);
}

/*
 * SQL function: known_members(form text) returns text[]
 *
 * Of the discount within a receipt the object is a member, and its own members are not.
 */
PGDLLEXPORT Datum
coursebase_known_members(PG_FUNCTION_ARGS)
{
	static const char *const forms[] = {"event", "receipt"};
	Datum names[MEMBER_DISCOUNT_CODE + 1];

	if (args_word(fcinfo, 0, forms, lengthof(forms)) == 0)
		return notice_known_members();
	for (int i = 0; i < MEMBER_DISCOUNT_CODE; i++)
		names[i] = CStringGetTextDatum(member_names[i]);
	names[MEMBER_DISCOUNT_CODE] = CStringGetTextDatum("payload");
	return array_of(TEXTOID, names, NULL, lengthof(names));
}
