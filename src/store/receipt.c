/*
 * receipt.c: receipts of the stores are validated, and what was bought is given.
 *
 * Invariants: a receipt belongs to one user and one product, for ever; it gives once what it is
 * for, in the transaction that records it; a receipt whose refund came before it gives nothing.
 * A sandbox's receipt is recorded and gives nothing while the setting accept_sandbox is off;
 * validated again when it is on, it gives what it is for then.
 *
 * Lock order: the user's row, then that of the receipt, then whatever it gives.
 *
 * Rights: the server's alone; the statements run with the owner's rights.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/schema.h"
#include "core/setting.h"
#include "identity/anchor.h"
#include "identity/audit.h"
#include "json/json_write.h"
#include "store/receipt.h"

const char *const purchase_status_names[PURCHASE_STATUSES] = {
	[PURCHASE_VALID] = "valid",
	[PURCHASE_DUPLICATE] = "duplicate",
	[PURCHASE_SANDBOX] = "sandbox",
	[PURCHASE_REFUNDED] = "refunded",
};
static const char *const status_messages[PURCHASE_STATUSES] = {
	[PURCHASE_VALID] = "the purchase is valid",
	[PURCHASE_DUPLICATE] = "the course was owned already: this purchase is to be refunded",
	[PURCHASE_SANDBOX] = "what a sandbox sold gives nothing here",
	[PURCHASE_REFUNDED] = "the purchase was refunded",
};

/* How the answer calls what was bought. */
static const char *const detail_members[PURCHASE_KINDS] = {
	[PURCHASE_COURSE] = "course",
	[PURCHASE_SUBSCRIPTION] = "subscription",
	[PURCHASE_AI_CREDITS] = "ai_usage",
	[PURCHASE_CUSTOM_COURSE] = "course",
};

#define RECEIPT_VALUES                                                                         \
	.types = {TEXTOID, TEXTOID, TEXTOID, UUIDOID, TEXTOID,  TEXTOID,        TEXTOID,           \
			  TEXTOID, TEXTOID, TEXTOID, TEXTOID, JSONBOID, TIMESTAMPTZOID, TIMESTAMPTZOID},   \
	.nargs = RECEIPT_ARGUMENTS
#define RECEIPT_ARGUMENTS 14

static KeptPlan insert_receipt = {
	.sql = "INSERT INTO coursebase.store_receipts (source, environment, purchase_id, user_id, "
		   "product_id, kind, voice, purchase_token, original_transaction_id, "
		   "discount_order_ref, status, receipt, purchased_at, validated_at) VALUES ($1, $2, "
		   "$3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) "
		   "ON CONFLICT (source, environment, purchase_id) DO NOTHING RETURNING id",
	RECEIPT_VALUES,
};
/* The refund that came before its receipt learns whose it was. */
static KeptPlan adopt_receipt = {
	.sql = "UPDATE coursebase.store_receipts r SET user_id = $4, product_id = $5, kind = $6, "
		   "voice = $7, purchase_token = $8, original_transaction_id = $9, "
		   "discount_order_ref = CASE WHEN $11 = 'refunded' THEN NULL ELSE $10 END, "
		   "status = $11, receipt = $12, purchased_at = $13, validated_at = $14 "
		   "WHERE r.source = $1 AND r.environment = $2 AND r.purchase_id = $3",
	RECEIPT_VALUES,
};

/* What became of a purchase stands in the table of its kind; a subscription's is its receipt.
 */
static KeptPlan read_receipt = {
	.sql = "SELECT r.id, r.user_id IS NULL, coalesce(r.user_id = $4 "
		   "AND (r.product_id IS NULL OR r.product_id = $5) "
		   "AND ($6::text IS NULL OR r.voice IS NULL OR r.voice = $6), false), "
		   "CASE WHEN 'refunded' IN (r.status, c.status, a.status) "
		   "OR m.status IN ('refunded', 'revoked') THEN 'refunded' ELSE r.status END, "
		   "r.detail::text, coalesce(c.acknowledged_at, m.acknowledged_at, a.acknowledged_at, "
		   "r.acknowledged_at) "
		   "FROM coursebase.store_receipts r "
		   "LEFT JOIN coursebase.course_purchases c ON c.source = r.source "
		   "AND c.environment = r.environment AND c.purchase_id = r.purchase_id "
		   "LEFT JOIN coursebase.custom_course_purchases m ON m.source = r.source "
		   "AND m.environment = r.environment AND m.purchase_id = r.purchase_id "
		   "LEFT JOIN coursebase.ai_credit_purchases a ON a.source = r.source "
		   "AND a.environment = r.environment AND a.purchase_id = r.purchase_id "
		   "WHERE r.source = $1 AND r.environment = $2 AND r.purchase_id = $3 "
		   "FOR NO KEY UPDATE OF r",
	.nargs = 6,
	.types = {TEXTOID, TEXTOID, TEXTOID, UUIDOID, TEXTOID, TEXTOID},
};
static KeptPlan finish_receipt = {
	.sql = "UPDATE coursebase.store_receipts r SET status = $2, detail = $3::json, "
		   "amount_in_cents = $4, currency = $5, "
		   "acknowledged_at = CASE WHEN r.kind = 'subscription' THEN $6 END, "
		   "refunded_at = CASE WHEN $2 = 'refunded' THEN $7 END WHERE r.id = $1",
	.nargs = 7,
	.types = {UUIDOID, TEXTOID, TEXTOID, INT8OID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID},
};

static bool receipt_claim(Purchase *purchase);
static bool receipt_insert(Purchase *purchase);
static void receipt_adopt(Purchase *purchase, PurchaseStatus status);
static void receipt_values(const Purchase *purchase, PurchaseStatus status, Datum *values,
						   char *nulls);
static void receipt_finish(const Purchase *purchase);
static PurchaseStatus status_parse(const char *name);
static Datum answer_make(const Purchase *purchase);
static void purchase_audit(const Purchase *purchase);
static Datum text_or_null(const char *text, char *null);

PG_FUNCTION_INFO_V1(coursebase_validate_purchase);

/* SQL function: validate_purchase(user_id uuid, receipt json, at timestamptz) returns json */
PGDLLEXPORT Datum
coursebase_validate_purchase(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"user_id", "receipt", "at"};
	Purchase purchase = {.acknowledged_at = PURCHASE_NEVER};
	OwnerRights rights;
	Datum answer;

	for (int i = 0; i < lengthof(names); i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("%s must not be null", names[i])));
	purchase.user = *PG_GETARG_UUID_P(0);
	purchase.at = PG_GETARG_TIMESTAMPTZ(2);
	if (TIMESTAMP_NOT_FINITE(purchase.at))
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("at must be a finite time")));
	schema_require_current();
	SPI_connect();
	rights = owner_enter();
	purchase_receipt_read(&purchase.receipt, PG_GETARG_DATUM(1));
	purchase_product_find(&purchase.product, purchase.receipt.product_name);
	purchase_receipt_complete(&purchase.receipt, &purchase.product);
	purchase_user_lock(&purchase.user, false);
	if (receipt_claim(&purchase))
	{
		purchase_grant(&purchase);
		receipt_finish(&purchase);
		purchase_audit(&purchase);
	}
	answer = SPI_datumTransfer(answer_make(&purchase), false, -1);
	owner_leave(rights);
	SPI_finish();
	PG_RETURN_DATUM(answer);
}

void
purchase_user_lock(const pg_uuid_t *user, bool closed_too)
{
	Anchored anchored = anchor_user(user);

	if (anchored == ANCHORED_NONE || (anchored == ANCHORED_CLOSED && !closed_too))
		ereport(ERROR,
				(errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such user"),
				 errdetail("None has the id %s.",
						   DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(user)))),
				 errhint("Give the id of a row of users that is not closed.")));
}

/* True for a receipt that is to give what it is for now; else status and detail say what it
 * gave. */
static bool
receipt_claim(Purchase *purchase)
{
	const PurchaseReceipt *receipt = &purchase->receipt;
	char nulls[] = "      ";
	Datum values[] = {CStringGetTextDatum(receipt->source),
					  CStringGetTextDatum(receipt->environment),
					  CStringGetTextDatum(receipt->purchase_id),
					  UUIDPGetDatum(&purchase->user),
					  CStringGetTextDatum(purchase->product.product_id),
					  text_or_null(receipt->voice, &nulls[5])};
	bool accepted =
		strcmp(receipt->environment, "sandbox") != 0 || setting_boolean("accept_sandbox");
	Datum value;
	bool null;

	purchase->status = accepted ? PURCHASE_VALID : PURCHASE_SANDBOX;
	if (receipt_insert(purchase))
		return accepted;
	if (plan_execute(&read_receipt, values, nulls, false) != 1)
		elog(ERROR, "a receipt that is there could not be read");
	purchase->id = *DatumGetUUIDP(plan_value(0, 1, NULL));
	if (DatumGetBool(plan_value(0, 2, NULL)))
	{
		purchase->status = PURCHASE_REFUNDED;
		receipt_adopt(purchase, PURCHASE_REFUNDED);
		return false;
	}
	if (!DatumGetBool(plan_value(0, 3, NULL)))
		ereport(ERROR,
				(errcode(ERRCODE_CB_RECEIPT_USED), errmsg("the receipt was used already"),
				 errdetail("It belongs to another user, product or voice."),
				 errhint("Ask the store whose purchase it is.")));
	purchase->status = status_parse(plan_text_required(0, 4));
	purchase->detail = plan_text(0, 5);
	value = plan_value(0, 6, &null);
	if (!null)
		purchase->acknowledged_at = DatumGetTimestampTz(value);
	if (purchase->status != PURCHASE_SANDBOX || !accepted)
		return false;
	receipt_adopt(purchase, PURCHASE_VALID);
	return true;
}

static bool
receipt_insert(Purchase *purchase)
{
	Datum values[RECEIPT_ARGUMENTS];
	char nulls[RECEIPT_ARGUMENTS];

	receipt_values(purchase, purchase->status, values, nulls);
	if (plan_execute(&insert_receipt, values, nulls, false) == 0)
		return false;
	purchase->id = *DatumGetUUIDP(plan_value(0, 1, NULL));
	return true;
}

static void
receipt_adopt(Purchase *purchase, PurchaseStatus status)
{
	Datum values[RECEIPT_ARGUMENTS];
	char nulls[RECEIPT_ARGUMENTS];

	receipt_values(purchase, status, values, nulls);
	plan_execute(&adopt_receipt, values, nulls, false);
}

static void
receipt_values(const Purchase *purchase, PurchaseStatus status, Datum *values, char *nulls)
{
	const PurchaseReceipt *receipt = &purchase->receipt;

	memset(nulls, ' ', RECEIPT_ARGUMENTS);
	values[0] = CStringGetTextDatum(receipt->source);
	values[1] = CStringGetTextDatum(receipt->environment);
	values[2] = CStringGetTextDatum(receipt->purchase_id);
	values[3] = UUIDPGetDatum(&purchase->user);
	values[4] = CStringGetTextDatum(purchase->product.product_id);
	values[5] = CStringGetTextDatum(purchase_kind_names[purchase->product.kind]);
	values[6] = text_or_null(receipt->voice, &nulls[6]);
	values[7] = CStringGetTextDatum(receipt->purchase_token);
	values[8] = text_or_null(receipt->original_transaction_id, &nulls[8]);
	values[9] = text_or_null(receipt->discount_order_ref, &nulls[9]);
	values[10] = CStringGetTextDatum(purchase_status_names[status]);
	values[11] = receipt->payload;
	values[12] = TimestampTzGetDatum(receipt->purchased_at);
	values[13] = TimestampTzGetDatum(purchase->at);
}

static void
receipt_finish(const Purchase *purchase)
{
	const PurchaseReceipt *receipt = &purchase->receipt;
	char nulls[] = "       ";
	Datum values[] = {
		UUIDPGetDatum(&purchase->id),
		CStringGetTextDatum(purchase_status_names[purchase->status]),
		text_or_null(purchase->detail, &nulls[2]),
		Int64GetDatum(receipt->amount),
		text_or_null(receipt->currency, &nulls[4]),
		TimestampTzGetDatum(purchase->acknowledged_at),
		TimestampTzGetDatum(purchase->at),
	};

	nulls[3] = receipt->amount == PURCHASE_NO_AMOUNT ? 'n' : ' ';
	nulls[5] = purchase->acknowledged_at == PURCHASE_NEVER ? 'n' : ' ';
	plan_execute(&finish_receipt, values, nulls, false);
}

static PurchaseStatus
status_parse(const char *name)
{
	for (PurchaseStatus status = 0; status < PURCHASE_STATUSES; status++)
		if (strcmp(name, purchase_status_names[status]) == 0)
			return status;
	elog(ERROR, "there is no status \"%s\" of receipts", name);
}

/* A purchase that was refunded, or gives nothing, shows nothing. */
static Datum
answer_make(const Purchase *purchase)
{
	const char *message = status_messages[purchase->status];
	const char *detail = purchase->detail;
	StringInfoData out;

	if (purchase->product.kind == PURCHASE_CUSTOM_COURSE && purchase->status == PURCHASE_VALID)
		detail = purchase_link_detail(purchase);
	if (purchase->status != PURCHASE_VALID && purchase->status != PURCHASE_DUPLICATE)
		detail = NULL;
	initStringInfo(&out);
	appendStringInfo(&out, "{\"status\": \"%s\", \"message\": \"%s\", \"acknowledged\": %s",
					 purchase_status_names[purchase->status], message,
					 purchase->acknowledged_at == PURCHASE_NEVER ? "false" : "true");
	if (detail != NULL)
		appendStringInfo(&out, ", \"%s\": %s", detail_members[purchase->product.kind], detail);
	appendStringInfoChar(&out, '}');
	return PointerGetDatum(cstring_to_text_with_len(out.data, out.len));
}

static void
purchase_audit(const Purchase *purchase)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(
		&out, "{\"user_id\": \"%s\", \"product_id\": ",
		DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&purchase->user))));
	json_write_string(&out, purchase->product.product_id, strlen(purchase->product.product_id));
	appendStringInfo(&out, ", \"status\": \"%s\"}", purchase_status_names[purchase->status]);
	audit_write("purchase_validated",
				psprintf("store_receipts/%s", DatumGetCString(DirectFunctionCall1(
												  uuid_out, UUIDPGetDatum(&purchase->id)))),
				NULL, out.data);
}

static Datum
text_or_null(const char *text, char *null)
{
	*null = text == NULL ? 'n' : ' ';
	return text == NULL ? (Datum) 0 : CStringGetTextDatum(text);
}
