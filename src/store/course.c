/*
 * course.c: courses that a store sold or the operator gave.
 *
 * Invariants: of a person's purchases of a course in a voice, slots apart, one is live; another
 * that was paid for is recorded as invalid, and takes the place of the live one when that is
 * refunded. A purchase that is still pending, or a sandbox's, gives way to one that was paid.
 *
 * Locks: the person's row is locked by the caller before anything is read here.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/schema.h"
#include "core/setting.h"
#include "identity/audit.h"
#include "store/receipt.h"

static KeptPlan read_own = {
	.sql = "SELECT c.status, c.user_id = $4 AND c.course_id = $5 "
		   "FROM coursebase.course_purchases c "
		   "WHERE c.source = $1 AND c.environment = $2 AND c.purchase_id = $3 "
		   "FOR NO KEY UPDATE",
	.nargs = 5,
	.types = {TEXTOID, TEXTOID, TEXTOID, UUIDOID, UUIDOID},
};

/* In the place of another: a pending one, or a sandbox's that is in the way of a real one. */
static KeptPlan displace_live = {
	.sql = "WITH displaced AS ("
		   "UPDATE coursebase.course_purchases c SET status = 'invalid' "
		   "WHERE c.user_id = $1 AND c.course_id = $2 AND c.voice IS NOT DISTINCT FROM $3 "
		   "AND c.source <> 'premium_slot' "
		   "AND ($6::text IS NULL "
		   "OR (c.source, c.environment, c.purchase_id) IS DISTINCT FROM ($4, $5, $6)) "
		   "AND (c.status = 'pending' OR (c.status = 'valid' AND c.environment = 'sandbox' "
		   "AND $5 = 'production')) RETURNING c.source, c.environment, c.purchase_id) "
		   "UPDATE coursebase.store_receipts r SET status = 'duplicate' FROM displaced d "
		   "WHERE r.source = d.source AND r.environment = d.environment "
		   "AND r.purchase_id = d.purchase_id AND r.status = 'valid'",
	.nargs = 6,
	.types = {UUIDOID, UUIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID},
};

/*
 * The live purchase is written, though nothing of it changes: under REPEATABLE READ its refund
 * must not go on as if the duplicate had not come.
 */
static KeptPlan touch_live = {
	.sql = "UPDATE coursebase.course_purchases c SET status = c.status "
		   "WHERE c.user_id = $1 AND c.course_id = $2 AND c.voice IS NOT DISTINCT FROM $3 "
		   "AND c.source <> 'premium_slot' AND c.status = 'valid'",
	.nargs = 3,
	.types = {UUIDOID, UUIDOID, TEXTOID},
};

/* What a sandbox sold is no gift's place: it may give nothing. */
static KeptPlan find_live = {
	.sql = "SELECT c.id FROM coursebase.course_purchases c "
		   "WHERE c.user_id = $1 AND c.course_id = $2 AND c.voice IS NOT DISTINCT FROM $3 "
		   "AND c.source <> 'premium_slot' AND c.status = 'valid' "
		   "AND c.environment = 'production'",
	.nargs = 3,
	.types = {UUIDOID, UUIDOID, TEXTOID},
};

#define PURCHASE_VALUES                                                                        \
	.nargs = 12,                                                                               \
	.types = {UUIDOID, UUIDOID, TEXTOID,        TEXTOID, TEXTOID,        TEXTOID,              \
			  TEXTOID, TEXTOID, TIMESTAMPTZOID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID}

/* Without a word of which key may conflict: under REPEATABLE READ a row that is not seen is an
 * error that is worth a retry. */
static KeptPlan insert_purchase = {
	.sql = "INSERT INTO coursebase.course_purchases (user_id, course_id, voice, source, "
		   "environment, purchase_id, product_id, purchase_token, purchased_at, status, "
		   "validated_at, acknowledged_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, "
		   "$11, $12) ON CONFLICT DO NOTHING",
	PURCHASE_VALUES,
};

/* What was pending, or another's place. Which voice was bought the receipt knows. */
static KeptPlan update_purchase = {
	.sql = "UPDATE coursebase.course_purchases c SET voice = coalesce($3, c.voice), product_id "
		   "= $7, "
		   "purchase_token = $8, "
		   "purchased_at = $9, status = $10, validated_at = $11, "
		   "acknowledged_at = coalesce(c.acknowledged_at, $12) "
		   "WHERE c.user_id = $1 AND c.course_id = $2 AND c.source = $4 "
		   "AND c.environment = $5 AND c.purchase_id = $6",
	PURCHASE_VALUES,
};

static KeptPlan refund_purchase = {
	.sql = "UPDATE coursebase.course_purchases c SET status = 'refunded', refunded_at = $4 "
		   "FROM coursebase.course_purchases old "
		   "WHERE c.id = old.id AND c.source = $1 AND c.environment = $2 "
		   "AND c.purchase_id = $3 AND c.status <> 'refunded' "
		   "RETURNING c.user_id, c.course_id, c.voice, old.status = 'valid'",
	.nargs = 4,
	.types = {TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID},
};

static KeptPlan withdraw_gift = {
	.sql = "UPDATE coursebase.course_purchases c SET status = 'refunded', refunded_at = $4 "
		   "WHERE c.user_id = $1 AND c.course_id = $2 AND c.voice IS NOT DISTINCT FROM $3 "
		   "AND c.source = 'admin' AND c.status = 'valid'",
	.nargs = 4,
	.types = {UUIDOID, UUIDOID, TEXTOID, TIMESTAMPTZOID},
};

/* What was paid for twice gives its course when the other payment is taken back. */
static KeptPlan promote_duplicate = {
	.sql = "WITH next AS ("
		   "SELECT c.id, r.id AS receipt_id FROM coursebase.course_purchases c "
		   "JOIN coursebase.store_receipts r ON r.source = c.source "
		   "AND r.environment = c.environment AND r.purchase_id = c.purchase_id "
		   "WHERE c.user_id = $1 AND c.course_id = $2 AND c.voice IS NOT DISTINCT FROM $3 "
		   "AND c.status = 'invalid' AND r.status = 'duplicate' "
		   "AND (c.environment = 'production' OR $5) "
		   "ORDER BY c.environment, c.purchased_at, c.id LIMIT 1), receipt AS ("
		   "UPDATE coursebase.store_receipts r SET status = 'valid' "
		   "FROM next n WHERE r.id = n.receipt_id) "
		   "UPDATE coursebase.course_purchases c SET status = 'valid', validated_at = $4 "
		   "FROM next n WHERE c.id = n.id",
	.nargs = 5,
	.types = {UUIDOID, UUIDOID, TEXTOID, TIMESTAMPTZOID, BOOLOID},
};

static KeptPlan find_course = {
	.sql = "SELECT FROM coursebase.courses c WHERE c.id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};

static bool purchase_write(const Purchase *purchase, bool recorded, bool owned);
static void duplicate_promote(Datum user, Datum course, Datum voice, bool voiceless,
							  TimestampTz at);
static pg_uuid_t gift_find(Datum *values, const char *nulls, bool *found);
static void gift_audit(const char *action, FunctionCallInfo fcinfo);
static void gift_arguments(FunctionCallInfo fcinfo, Datum *values, char *nulls);

PG_FUNCTION_INFO_V1(coursebase_grant_course_purchase);
PG_FUNCTION_INFO_V1(coursebase_revoke_course_purchase);

/*
 * SQL function: grant_course_purchase(user_id uuid, course_id uuid, voice text, at timestamptz)
 * returns uuid
 */
PGDLLEXPORT Datum
coursebase_grant_course_purchase(PG_FUNCTION_ARGS)
{
	Purchase gift = {.receipt = {.source = "admin", .environment = "production"}};
	pg_uuid_t *id = palloc(sizeof(pg_uuid_t));
	Datum values[3];
	char nulls[3];
	OwnerRights rights;
	bool found;

	gift_arguments(fcinfo, values, nulls);
	gift.user = *DatumGetUUIDP(values[0]);
	gift.product.course = *DatumGetUUIDP(values[1]);
	gift.receipt.voice = PG_ARGISNULL(2) ? NULL : TextDatumGetCString(values[2]);
	gift.at = gift.receipt.purchased_at = PG_GETARG_TIMESTAMPTZ(3);
	SPI_connect();
	rights = owner_enter();
	purchase_user_lock(&gift.user, false);
	if (plan_execute(&find_course, &values[1], NULL, false) != 1)
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such course"),
						errhint("Give the id of a row of courses.")));
	*id = gift_find(values, nulls, &found);
	if (!found)
	{
		purchase_course_record(&gift);
		*id = gift_find(values, nulls, &found);
		gift_audit("course_given", fcinfo);
	}
	owner_leave(rights);
	SPI_finish();
	PG_RETURN_UUID_P(id);
}

/*
 * SQL function: revoke_course_purchase(user_id uuid, course_id uuid, voice text, at
 * timestamptz) returns boolean
 */
PGDLLEXPORT Datum
coursebase_revoke_course_purchase(PG_FUNCTION_ARGS)
{
	Datum values[4];
	char nulls[4] = {' ', ' ', ' ', ' '};
	OwnerRights rights;
	bool revoked;

	gift_arguments(fcinfo, values, nulls);
	values[3] = PG_GETARG_DATUM(3);
	SPI_connect();
	rights = owner_enter();
	purchase_user_lock(DatumGetUUIDP(values[0]), true);
	revoked = plan_execute(&withdraw_gift, values, nulls, false) > 0;
	if (revoked)
	{
		duplicate_promote(values[0], values[1], values[2], nulls[2] == 'n',
						  PG_GETARG_TIMESTAMPTZ(3));
		gift_audit("course_taken_back", fcinfo);
	}
	owner_leave(rights);
	SPI_finish();
	PG_RETURN_BOOL(revoked);
}

PurchaseStatus
purchase_course_record(const Purchase *purchase)
{
	const PurchaseReceipt *receipt = &purchase->receipt;
	Datum key[] = {CStringGetTextDatum(receipt->source),
				   CStringGetTextDatum(receipt->environment),
				   receipt->purchase_id ? CStringGetTextDatum(receipt->purchase_id) : (Datum) 0,
				   UUIDPGetDatum(&purchase->user), UUIDPGetDatum(&purchase->product.course)};
	Datum place[] = {
		key[3], key[4], receipt->voice ? CStringGetTextDatum(receipt->voice) : (Datum) 0,
		key[0], key[1], key[2]};
	const char nulls[] = {' ', ' ', receipt->voice ? ' ' : 'n',
						  ' ', ' ', receipt->purchase_id ? ' ' : 'n'};
	bool recorded = false;
	bool owned;

	if (receipt->purchase_id != NULL && plan_execute(&read_own, key, NULL, false) > 0)
	{
		const char *status = plan_text_required(0, 1);

		if (!DatumGetBool(plan_value(0, 2, NULL)))
			ereport(ERROR,
					(errcode(ERRCODE_CB_RECEIPT_USED), errmsg("the receipt was used already"),
					 errdetail("It belongs to another user or to another product."),
					 errhint("Ask the store whose purchase it is.")));
		if (strcmp(status, "valid") == 0)
			return PURCHASE_VALID;
		if (strcmp(status, "refunded") == 0)
			return PURCHASE_REFUNDED;
		recorded = true;
	}
	plan_execute(&displace_live, place, nulls, false);
	owned = plan_execute(&touch_live, place, nulls, false) > 0;
	if (!purchase_write(purchase, recorded, owned))
		elog(ERROR, "a purchase of a course could not be written");
	return owned ? PURCHASE_DUPLICATE : PURCHASE_VALID;
}

bool
purchase_course_refund(const char *source, const char *environment, const char *purchase_id,
					   TimestampTz at)
{
	Datum values[] = {CStringGetTextDatum(source), CStringGetTextDatum(environment),
					  CStringGetTextDatum(purchase_id), TimestampTzGetDatum(at)};
	Datum user, course, voice;
	bool voiceless, null;

	if (plan_execute(&refund_purchase, values, NULL, false) == 0)
		return false;
	user = plan_value(0, 1, NULL);
	course = plan_value(0, 2, NULL);
	voice = plan_value(0, 3, &voiceless);
	if (!DatumGetBool(plan_value(0, 4, &null)))
		return false;
	duplicate_promote(user, course, voice, voiceless, at);
	return true;
}

static bool
purchase_write(const Purchase *purchase, bool recorded, bool owned)
{
	const PurchaseReceipt *receipt = &purchase->receipt;
	bool sold = receipt->purchase_id != NULL;
	Datum values[] = {
		UUIDPGetDatum(&purchase->user),
		UUIDPGetDatum(&purchase->product.course),
		receipt->voice ? CStringGetTextDatum(receipt->voice) : (Datum) 0,
		CStringGetTextDatum(receipt->source),
		CStringGetTextDatum(receipt->environment),
		sold ? CStringGetTextDatum(receipt->purchase_id) : (Datum) 0,
		sold ? CStringGetTextDatum(purchase->product.product_id) : (Datum) 0,
		sold ? CStringGetTextDatum(receipt->purchase_token) : (Datum) 0,
		TimestampTzGetDatum(receipt->purchased_at),
		CStringGetTextDatum(owned ? "invalid" : "valid"),
		TimestampTzGetDatum(purchase->at),
		TimestampTzGetDatum(purchase->at),
	};
	char nulls[lengthof(values)];

	memset(nulls, ' ', sizeof(nulls));
	nulls[2] = receipt->voice ? ' ' : 'n';
	nulls[5] = nulls[6] = nulls[7] = sold ? ' ' : 'n';
	nulls[11] = receipt->acknowledged ? ' ' : 'n';
	return plan_execute(recorded ? &update_purchase : &insert_purchase, values, nulls, false) ==
		   1;
}

static void
duplicate_promote(Datum user, Datum course, Datum voice, bool voiceless, TimestampTz at)
{
	Datum values[] = {user, course, voice, TimestampTzGetDatum(at),
					  BoolGetDatum(setting_boolean("accept_sandbox"))};

	plan_execute(&promote_duplicate, values, voiceless ? "  n  " : NULL, false);
}

/* values: user, course, voice. What the person has of the course is a gift's place. */
static pg_uuid_t
gift_find(Datum *values, const char *nulls, bool *found)
{
	pg_uuid_t id = {0};

	*found = plan_execute(&find_live, values, nulls, false) > 0;
	if (*found)
		id = *DatumGetUUIDP(plan_value(0, 1, NULL));
	return id;
}

static void
gift_audit(const char *action, FunctionCallInfo fcinfo)
{
	char *user = DatumGetCString(DirectFunctionCall1(uuid_out, PG_GETARG_DATUM(0)));
	char *course = DatumGetCString(DirectFunctionCall1(uuid_out, PG_GETARG_DATUM(1)));

	audit_write(action, psprintf("users/%s", user), NULL,
				psprintf("{\"course_id\": \"%s\"%s}", course,
						 PG_ARGISNULL(2) ? ""
										 : psprintf(", \"voice\": \"%s\"",
													text_to_cstring(PG_GETARG_TEXT_PP(2)))));
}

/* Voice alone may be null. */
static void
gift_arguments(FunctionCallInfo fcinfo, Datum *values, char *nulls)
{
	static const char *const names[] = {"user_id", "course_id", "voice", "at"};

	for (int i = 0; i < lengthof(names); i++)
		if (PG_ARGISNULL(i) && i != 2)
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("%s must not be null", names[i])));
	if (TIMESTAMP_NOT_FINITE(PG_GETARG_TIMESTAMPTZ(3)))
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("at must be a finite time")));
	if (!PG_ARGISNULL(2))
	{
		char *voice = text_to_cstring(PG_GETARG_TEXT_PP(2));

		if (strcmp(voice, "male") != 0 && strcmp(voice, "female") != 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unknown voice \"%s\"", voice), errhint("Use male or female.")));
	}
	schema_require_current();
	for (int i = 0; i < 3; i++)
	{
		values[i] = PG_ARGISNULL(i) ? (Datum) 0 : PG_GETARG_DATUM(i);
		nulls[i] = PG_ARGISNULL(i) ? 'n' : ' ';
	}
}
