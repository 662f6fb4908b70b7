/*
 * refund.c: what a store took back, and what it was told.
 *
 * Invariants: a refund undoes what its purchase gave, once, and nothing that another purchase
 * gave; one that comes before its receipt is recorded, and the receipt will give nothing. A
 * purchase is acknowledged once, the first time counts.
 *
 * Lock order: as in store/receipt.c. A refund whose receipt has not come locks its own row
 * alone.
 *
 * Rights: the server's alone; the statements run with the owner's rights.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "billing/notice.h"
#include "core/compat.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/schema.h"
#include "identity/audit.h"
#include "json/json_write.h"
#include "store/receipt.h"

#define KEY "x.source = $1 AND x.environment = $2 AND x.purchase_id = $3"

/*
 * Also what was given without validate_purchase(): by a release before it, or by the functions
 * of its kind. A subscription that only its events tell of is known by its first transaction.
 */
static KeptPlan find_purchase = {
	.sql = "SELECT p.user_id, p.kind, p.product_id, p.line FROM ("
		   "SELECT 1 AS rank, x.user_id, x.kind, x.product_id, x.original_transaction_id AS "
		   "line FROM coursebase.store_receipts x WHERE " KEY " UNION ALL "
		   "SELECT 2, x.user_id, 'course', x.product_id, NULL "
		   "FROM coursebase.course_purchases x WHERE " KEY " UNION ALL "
		   "SELECT 2, c.user_id, 'custom_course', lower(c.course_code), NULL "
		   "FROM coursebase.custom_course_purchases x "
		   "JOIN coursebase.custom_courses c ON c.id = x.course_id WHERE " KEY " UNION ALL "
		   "SELECT 2, x.user_id, 'ai_credits', x.product_id, NULL "
		   "FROM coursebase.ai_credit_purchases x WHERE " KEY " UNION ALL "
		   "SELECT 3, x.user_id, 'subscription', x.product_id, x.original_transaction_id "
		   "FROM coursebase.subscription_lines x WHERE x.store = $1 AND x.environment = $2 "
		   "AND x.original_transaction_id = $3) p ORDER BY p.rank LIMIT 1",
	.nargs = 3,
	.types = {TEXTOID, TEXTOID, TEXTOID},
};
static KeptPlan read_receipt = {
	.sql = "SELECT x.status, x.refunded_at, x.refund_detail, x.discount_order_ref "
		   "FROM coursebase.store_receipts x WHERE " KEY " FOR NO KEY UPDATE",
	.nargs = 3,
	.types = {TEXTOID, TEXTOID, TEXTOID},
};
static KeptPlan record_unknown = {
	.sql = "INSERT INTO coursebase.store_receipts (source, environment, purchase_id, status, "
		   "refunded_at, refund_detail) VALUES ($1, $2, $3, 'refunded', $4, $5) "
		   "ON CONFLICT (source, environment, purchase_id) DO NOTHING",
	.nargs = 5,
	.types = {TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TEXTOID},
};
static KeptPlan write_refund = {
	.sql =
		"INSERT INTO coursebase.store_receipts (source, environment, purchase_id, status, "
		"refunded_at, refund_detail, user_id, kind, product_id, original_transaction_id) "
		"VALUES ($1, $2, $3, 'refunded', $4, $5, $6, $7, "
		"(SELECT s.product_id FROM coursebase.store_products s WHERE s.product_id = $8), $9) "
		"ON CONFLICT (source, environment, purchase_id) DO UPDATE "
		"SET status = 'refunded', refunded_at = excluded.refunded_at, "
		"refund_detail = excluded.refund_detail",
	.nargs = 9,
	.types = {TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TEXTOID, UUIDOID, TEXTOID, TEXTOID,
			  TEXTOID, TEXTOID},
};
static KeptPlan refund_custom_course = {
	.sql = "UPDATE coursebase.custom_course_purchases x SET status = 'refunded' "
		   "WHERE " KEY " AND x.status <> 'refunded'",
	.nargs = 3,
	.types = {TEXTOID, TEXTOID, TEXTOID},
};
static KeptPlan refund_credits = {
	.sql = "SELECT -r.bank_credits FROM coursebase.refund_credit_pack($1, $2, $3, $4) r",
	.nargs = 4,
	.types = {TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID},
};
static KeptPlan reverse_discount = {
	.sql = "SELECT coursebase.reverse_discount($1, $2, $3)",
	.nargs = 3,
	.types = {UUIDOID, TEXTOID, TIMESTAMPTZOID},
};

/* The store was told: now, or before. */
#define ACKNOWLEDGE(table, condition)                                                          \
	{                                                                                          \
		.sql = "UPDATE coursebase." table " x SET acknowledged_at = $4 WHERE " KEY             \
			   " AND x.acknowledged_at IS NULL AND " condition,                                \
		.nargs = 4, .types = {TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID},                      \
	}
#define ACKNOWLEDGED(table, condition)                                                         \
	{                                                                                          \
		.sql = "SELECT FROM coursebase." table " x WHERE " KEY                                 \
			   " AND x.acknowledged_at IS NOT NULL AND " condition,                            \
		.nargs = 3, .types = {TEXTOID, TEXTOID, TEXTOID},                                      \
	}
#define RECEIPT_CONDITION "x.status = 'valid' AND x.kind = 'subscription'"
#define VALID_CONDITION   "x.status = 'valid'"
#define LINK_CONDITION    "x.status = 'active'"

static KeptPlan acknowledge[] = {
	ACKNOWLEDGE("store_receipts", RECEIPT_CONDITION),
	ACKNOWLEDGE("course_purchases", VALID_CONDITION),
	ACKNOWLEDGE("ai_credit_purchases", VALID_CONDITION),
	ACKNOWLEDGE("custom_course_purchases", LINK_CONDITION),
};
static KeptPlan acknowledged[] = {
	ACKNOWLEDGED("store_receipts", RECEIPT_CONDITION),
	ACKNOWLEDGED("course_purchases", VALID_CONDITION),
	ACKNOWLEDGED("ai_credit_purchases", VALID_CONDITION),
	ACKNOWLEDGED("custom_course_purchases", LINK_CONDITION),
};

enum
{
	KEY_SOURCE,
	KEY_ENVIRONMENT,
	KEY_PURCHASE,
	KEY_COLUMNS,
};

/* A purchase to be refunded, as it is recorded. */
typedef struct Refund
{
	Datum key[KEY_COLUMNS];
	const char *names[KEY_COLUMNS];
	TimestampTz at;
	bool known; /* whose it is */
	pg_uuid_t user;
	const char *kind;
	const char *product_id;
	const char *line;      /* of a subscription, or NULL */
	const char *order_ref; /* of its discount, or NULL */
	bool ended;            /* it was refunded before */
	bool idle;             /* it gives nothing */
	TimestampTz refunded_at;
	char *detail;
} Refund;

static void key_read(FunctionCallInfo fcinfo, Refund *refund);
static bool purchase_find(Refund *refund);
static bool refund_record(Refund *refund);
static bool receipt_lock(Refund *refund);
static void refund_undo(Refund *refund);
static char *course_undo(const Refund *refund);
static char *custom_course_undo(Refund *refund);
static char *credits_undo(const Refund *refund);
static char *subscription_undo(const Refund *refund);
static void member_append(StringInfo out, const char *name, const char *value);
static void refund_write(const Refund *refund);
static void refund_audit(const Refund *refund);
static void refund_return(FunctionCallInfo fcinfo, const Refund *refund);

PG_FUNCTION_INFO_V1(coursebase_refund_store_purchase);
PG_FUNCTION_INFO_V1(coursebase_acknowledge_purchase);

/*
 * SQL function: refund_store_purchase(source text, environment text, purchase_id text, at
 * timestamptz) returns table (status text, kind text, user_id uuid, product_id text,
 * refunded_at timestamptz, detail text)
 *
 * A receipt that comes while the refund is recorded is found at the second look.
 */
PGDLLEXPORT Datum
coursebase_refund_store_purchase(PG_FUNCTION_ARGS)
{
	Refund refund = {0};
	OwnerRights rights;

	key_read(fcinfo, &refund);
	schema_require_current();
	compat_materialize(fcinfo);
	SPI_connect();
	rights = owner_enter();
	if (purchase_find(&refund) || (!refund_record(&refund) && purchase_find(&refund)))
	{
		if (refund.known)
			purchase_user_lock(&refund.user, true);
		if (!receipt_lock(&refund) || !refund.ended)
		{
			refund_undo(&refund);
			refund_write(&refund);
			refund_audit(&refund);
		}
	}
	owner_leave(rights);
	refund_return(fcinfo, &refund);
	SPI_finish();
	return (Datum) 0;
}

/*
 * SQL function: acknowledge_purchase(source text, environment text, purchase_id text, at
 * timestamptz) returns boolean
 */
PGDLLEXPORT Datum
coursebase_acknowledge_purchase(PG_FUNCTION_ARGS)
{
	Refund purchase = {0};
	Datum values[KEY_COLUMNS + 1];
	bool told = false;

	key_read(fcinfo, &purchase);
	memcpy(values, purchase.key, sizeof(purchase.key));
	values[KEY_COLUMNS] = TimestampTzGetDatum(purchase.at);
	schema_require_current();
	SPI_connect();
	for (int i = 0; i < lengthof(acknowledge) && !told; i++)
		told = owner_execute(&acknowledge[i], values, NULL, false) > 0 ||
			   owner_execute(&acknowledged[i], values, NULL, false) > 0;
	SPI_finish();
	PG_RETURN_BOOL(told);
}

/* The arguments of both functions. */
static void
key_read(FunctionCallInfo fcinfo, Refund *refund)
{
	static const char *const names[] = {"source", "environment", "purchase_id", "at"};

	for (int i = 0; i < lengthof(names); i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("%s must not be null", names[i])));
	for (int i = 0; i < KEY_COLUMNS; i++)
	{
		refund->key[i] = PG_GETARG_DATUM(i);
		refund->names[i] = text_to_cstring(PG_GETARG_TEXT_PP(i));
	}
	refund->at = PG_GETARG_TIMESTAMPTZ(KEY_COLUMNS);
	if (TIMESTAMP_NOT_FINITE(refund->at))
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("at must be a finite time")));
}

static bool
purchase_find(Refund *refund)
{
	Datum user;
	bool null;

	if (plan_execute(&find_purchase, refund->key, NULL, false) == 0)
		return false;
	user = plan_value(0, 1, &null);
	refund->known = !null;
	if (refund->known)
		refund->user = *DatumGetUUIDP(user);
	refund->kind = plan_text(0, 2);
	refund->product_id = plan_text(0, 3);
	refund->line = plan_text(0, 4);
	return true;
}

/* Nobody has heard of the purchase. False when somebody has meanwhile. */
static bool
refund_record(Refund *refund)
{
	Datum values[KEY_COLUMNS + 2];

	refund->detail = "No receipt has come yet; when it comes it gives nothing.";
	refund->refunded_at = refund->at;
	memcpy(values, refund->key, sizeof(refund->key));
	values[KEY_COLUMNS] = TimestampTzGetDatum(refund->at);
	values[KEY_COLUMNS + 1] = CStringGetTextDatum(refund->detail);
	return plan_execute(&record_unknown, values, NULL, false) > 0;
}

static bool
receipt_lock(Refund *refund)
{
	const char *status;
	Datum value;
	bool null;

	refund->idle = false;
	if (plan_execute(&read_receipt, refund->key, NULL, false) == 0)
		return false;
	status = plan_text_required(0, 1);
	value = plan_value(0, 2, &null);
	refund->refunded_at = null ? refund->at : DatumGetTimestampTz(value);
	refund->detail = plan_text(0, 3);
	refund->order_ref = plan_text(0, 4);
	refund->ended = strcmp(status, "refunded") == 0;
	refund->idle = strcmp(status, "sandbox") == 0;
	return true;
}

static void
refund_undo(Refund *refund)
{
	Datum values[] = {UUIDPGetDatum(&refund->user), (Datum) 0, TimestampTzGetDatum(refund->at)};

	refund->refunded_at = refund->at;
	if (refund->idle)
	{
		refund->order_ref = NULL;
		refund->detail = "It had given nothing.";
		return;
	}
	switch (purchase_kind_parse(refund->kind))
	{
		case PURCHASE_COURSE:
			refund->detail = course_undo(refund);
			break;
		case PURCHASE_SUBSCRIPTION:
			refund->detail = subscription_undo(refund);
			break;
		case PURCHASE_AI_CREDITS:
			refund->detail = credits_undo(refund);
			break;
		default:
			refund->detail = custom_course_undo(refund);
	}
	if (refund->order_ref == NULL)
		return;
	values[1] = CStringGetTextDatum(refund->order_ref);
	plan_execute(&reverse_discount, values, NULL, false);
	if (DatumGetBool(plan_value(0, 1, NULL)))
		refund->detail = psprintf("%s The use of its discount was given back.", refund->detail);
}

static char *
course_undo(const Refund *refund)
{
	return purchase_course_refund(refund->names[KEY_SOURCE], refund->names[KEY_ENVIRONMENT],
								  refund->names[KEY_PURCHASE], refund->at)
			   ? "The course was taken back."
			   : "It had given nothing.";
}

static char *
custom_course_undo(Refund *refund)
{
	return plan_execute(&refund_custom_course, refund->key, NULL, false) > 0
			   ? "The custom course was taken back."
			   : "It had been taken back already.";
}

static char *
credits_undo(const Refund *refund)
{
	Datum values[KEY_COLUMNS + 1];

	memcpy(values, refund->key, sizeof(refund->key));
	values[KEY_COLUMNS] = TimestampTzGetDatum(refund->at);
	plan_execute(&refund_credits, values, NULL, false);
	return psprintf("Unspent credits were taken back: " INT64_FORMAT ".",
					DatumGetInt64(plan_value(0, 1, NULL)));
}

/*
 * The fold decides whether the refund ends the subscription or is one of an earlier period, and
 * tells discounts to take the referrer's credit back.
 */
static char *
subscription_undo(const Refund *refund)
{
	const char *purchase = refund->names[KEY_PURCHASE];
	SubscriptionNotice notice = {
		.store = refund->names[KEY_SOURCE],
		.environment = refund->names[KEY_ENVIRONMENT],
		.original_transaction_id = refund->line != NULL ? refund->line : purchase,
		.event =
			{
				.type = EVENT_REVOKED,
				.trial = -1,
				.auto_renew = -1,
				.time = refund->at,
				.period_end = FOLD_NEVER,
				.grace_until = FOLD_NEVER,
				.id = psprintf("refund:%s", purchase),
				.transaction = purchase,
			},
	};
	SubscriptionAnswer answer;

	subscription_take(&notice, &refund->user, refund->at, &answer);
	return psprintf("The period was revoked; the subscription is %s.", answer.status);
}

static void
member_append(StringInfo out, const char *name, const char *value)
{
	if (out->data[out->len - 1] != '{')
		appendStringInfoString(out, ", ");
	json_write_string(out, name, strlen(name));
	appendStringInfoString(out, ": ");
	json_write_string(out, value, strlen(value));
}

static void
refund_write(const Refund *refund)
{
	Datum values[] = {
		refund->key[KEY_SOURCE],
		refund->key[KEY_ENVIRONMENT],
		refund->key[KEY_PURCHASE],
		TimestampTzGetDatum(refund->refunded_at),
		CStringGetTextDatum(refund->detail),
		UUIDPGetDatum(&refund->user),
		CStringGetTextDatum(refund->kind),
		refund->product_id ? CStringGetTextDatum(refund->product_id) : (Datum) 0,
		refund->line ? CStringGetTextDatum(refund->line) : (Datum) 0,
		refund->order_ref ? CStringGetTextDatum(refund->order_ref) : (Datum) 0,
	};
	char nulls[] = "          ";

	nulls[7] = refund->product_id ? ' ' : 'n';
	nulls[8] = refund->line ? ' ' : 'n';
	nulls[9] = refund->order_ref ? ' ' : 'n';
	plan_execute(&write_refund, values, nulls, false);
}

static void
refund_audit(const Refund *refund)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	member_append(&out, "user_id",
				  DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&refund->user))));
	member_append(&out, "kind", refund->kind);
	if (refund->product_id != NULL)
		member_append(&out, "product_id", refund->product_id);
	member_append(&out, "detail", refund->detail);
	appendStringInfoChar(&out, '}');
	audit_write("purchase_refunded",
				psprintf("store_receipts/%s/%s/%s", refund->names[KEY_SOURCE],
						 refund->names[KEY_ENVIRONMENT], refund->names[KEY_PURCHASE]),
				NULL, out.data);
}

static void
refund_return(FunctionCallInfo fcinfo, const Refund *refund)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum values[] = {
		CStringGetTextDatum(refund->known ? "refunded" : "recorded"),
		refund->kind ? CStringGetTextDatum(refund->kind) : (Datum) 0,
		UUIDPGetDatum(&refund->user),
		refund->product_id ? CStringGetTextDatum(refund->product_id) : (Datum) 0,
		TimestampTzGetDatum(refund->refunded_at),
		refund->detail ? CStringGetTextDatum(refund->detail) : (Datum) 0,
	};
	bool nulls[] = {
		false, refund->kind == NULL,   !refund->known, refund->product_id == NULL,
		false, refund->detail == NULL,
	};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}
