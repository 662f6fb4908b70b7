/*
 * course.c: the rows of course_purchases of courses that a store sold or an administrator gave.
 *
 * Invariants: of a person's purchases of a course in a voice, premium slots apart, one is
 * valid. Another one that was paid for is recorded as invalid, its receipt as duplicate; it
 * takes the place of the valid one when that is refunded. A purchase that is still pending, or
 * one of a sandbox, gives way to one that was paid.
 *
 * Locks: the caller holds the row of users before anything is read here, so that of two
 * receipts for one course the second sees the first.
 *
 * Rights: the caller has entered the rights of the tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "billing/environment.h"
#include "core/errors.h"
#include "core/plan.h"
#include "core/row_kept.h"
#include "store/delivery.h"

/* Locked, because what is written next rests on its status. */
static KeptPlan read_own = {
	.sql = "SELECT c.status, c.user_id = $4 AND c.course_id = $5 "
		   "FROM coursebase.course_purchases c "
		   "WHERE c.source = $1 AND c.environment = $2 AND c.purchase_id = $3 "
		   "FOR NO KEY UPDATE",
	.nargs = 5,
	.types = {TEXTOID, TEXTOID, TEXTOID, UUIDOID, UUIDOID},
};
enum
{
	OWN_STATUS = 1,
	OWN_IS_THIS_ONES,
};

/*
 * Ends what must give way: a pending purchase, or one of a sandbox if the new one is of
 * production. Never the new one's own row.
 */
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
 * Writes the valid purchase without a change: under REPEATABLE READ its refund, in a
 * transaction that has not seen the duplicate, must fail instead of ending the course for good.
 */
static KeptPlan touch_live = {
	.sql = "UPDATE coursebase.course_purchases c SET status = c.status "
		   "WHERE c.user_id = $1 AND c.course_id = $2 AND c.voice IS NOT DISTINCT FROM $3 "
		   "AND c.source <> 'premium_slot' AND c.status = 'valid'",
	.nargs = 3,
	.types = {UUIDOID, UUIDOID, TEXTOID},
};

/* The arguments of the two statements that write a purchase, in the order of insert_purchase.
 */
#define PURCHASE_VALUES                                                                        \
	.nargs = 12,                                                                               \
	.types = {UUIDOID, UUIDOID, TEXTOID,        TEXTOID, TEXTOID,        TEXTOID,              \
			  TEXTOID, TEXTOID, TIMESTAMPTZOID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID}

/*
 * ON CONFLICT, for whichever unique index: under REPEATABLE READ a row that the snapshot does
 * not see then raises 40001, which is worth a retry, and not 23505.
 */
static KeptPlan insert_purchase = {
	.sql = "INSERT INTO coursebase.course_purchases (user_id, course_id, voice, source, "
		   "environment, purchase_id, product_id, purchase_token, purchased_at, status, "
		   "validated_at, acknowledged_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, "
		   "$11, $12) ON CONFLICT DO NOTHING",
	PURCHASE_VALUES,
};

/* A purchase that was pending, or that another one displaced. The receipt knows the voice. */
static KeptPlan update_purchase = {
	.sql = "UPDATE coursebase.course_purchases c SET voice = coalesce($3, c.voice), "
		   "product_id = $7, purchase_token = $8, "
		   "purchased_at = $9, status = $10, validated_at = $11, "
		   "acknowledged_at = coalesce(c.acknowledged_at, $12) "
		   "WHERE c.user_id = $1 AND c.course_id = $2 AND c.source = $4 "
		   "AND c.environment = $5 AND c.purchase_id = $6",
	PURCHASE_VALUES,
};

static KeptPlan name_voice = {
	.sql = "UPDATE coursebase.course_purchases c SET voice = $4, status = $5 "
		   "WHERE c.source = $1 AND c.environment = $2 AND c.purchase_id = $3",
	.nargs = 5,
	.types = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID},
};

/*
 * RETURNING gives the new row, so that the status before comes from a second look at the same
 * row. A purchase that is refunded already is left: its first time stays.
 */
static KeptPlan refund_purchase = {
	.sql = "UPDATE coursebase.course_purchases c SET status = 'refunded', refunded_at = $4 "
		   "FROM coursebase.course_purchases old "
		   "WHERE c.id = old.id AND c.source = $1 AND c.environment = $2 "
		   "AND c.purchase_id = $3 AND c.status <> 'refunded' "
		   "RETURNING c.user_id, c.course_id, c.voice, old.status = 'valid'",
	.nargs = 4,
	.types = {TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID},
};
enum
{
	REFUNDED_USER_ID = 1,
	REFUNDED_COURSE_ID,
	REFUNDED_VOICE,
	REFUNDED_WAS_VALID,
};

/*
 * The receipt of the oldest duplicate becomes valid with its purchase; one of production stands
 * before one of a sandbox, which takes part only while the sandbox counts ($5).
 */
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

/* What a reversal may restore; locked before the place is looked at. */
static KeptPlan read_refunded = {
	.sql = "SELECT c.user_id, c.course_id, c.voice FROM coursebase.course_purchases c "
		   "WHERE c.source = $1 AND c.environment = $2 AND c.purchase_id = $3 "
		   "AND c.status = 'refunded' FOR NO KEY UPDATE",
	.nargs = 3,
	.types = {TEXTOID, TEXTOID, TEXTOID},
};
static KeptPlan restore_purchase = {
	.sql = "UPDATE coursebase.course_purchases c SET status = $4, refunded_at = NULL, "
		   "validated_at = coalesce(c.validated_at, $5) WHERE c.source = $1 "
		   "AND c.environment = $2 AND c.purchase_id = $3",
	.nargs = 5,
	.types = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID},
};

static bool own_find(const Delivery *delivery);
static bool place_is_taken(const Delivery *delivery);
static bool purchase_write(const Delivery *delivery, bool recorded, bool duplicate);

/*
 * The purchase's own row is looked at first: a repetition must not count its own row as the one
 * that takes the place. A refunded one stays refunded, whatever is validated again.
 */
ReceiptStatus
course_purchase_record(const Delivery *delivery)
{
	bool recorded = own_find(delivery);
	bool duplicate;

	if (recorded)
	{
		const char *status = plan_text_required(0, OWN_STATUS);

		if (!plan_bool(0, OWN_IS_THIS_ONES))
			ereport(ERROR,
					(errcode(ERRCODE_CB_RECEIPT_USED), errmsg("the receipt was used already"),
					 errdetail("It belongs to another user or to another product."),
					 errhint("Ask the store whose purchase it is.")));
		if (strcmp(status, "valid") == 0)
			return RECEIPT_VALID;
		if (strcmp(status, "refunded") == 0)
			return RECEIPT_REFUNDED;
	}
	duplicate = place_is_taken(delivery);
	if (!purchase_write(delivery, recorded, duplicate))
		row_kept_raise("course_purchases", "the purchase was not recorded");
	return duplicate ? RECEIPT_DUPLICATE : RECEIPT_VALID;
}

/* Its old place is free then: who bought both voices, and is known to have bought none, has a
 * duplicate that waits for it. */
ReceiptStatus
course_purchase_name_voice(const Delivery *delivery)
{
	const Receipt *receipt = &delivery->receipt;
	PlanValues values = {0};
	bool was_valid, duplicate;

	if (!own_find(delivery) || !plan_bool(0, OWN_IS_THIS_ONES))
		return delivery->status;
	was_valid = strcmp(plan_text_required(0, OWN_STATUS), "valid") == 0;
	duplicate = place_is_taken(delivery);
	plan_bind_text(&values, receipt->source);
	plan_bind_text(&values, receipt->environment);
	plan_bind_text(&values, receipt->purchase_id);
	plan_bind_text(&values, receipt->voice);
	plan_bind_text(&values, duplicate ? "invalid" : "valid");
	plan_execute(&name_voice, values.datums, values.nulls, false);
	if (was_valid)
		course_purchase_promote(&delivery->user, &delivery->product.course, NULL, delivery->at);
	return duplicate ? RECEIPT_DUPLICATE : RECEIPT_VALID;
}

/* Whether there is a row of the purchase already; a gift has none of its own. */
static bool
own_find(const Delivery *delivery)
{
	const Receipt *receipt = &delivery->receipt;
	PlanValues values = {0};

	if (receipt->purchase_id == NULL)
		return false;
	plan_bind_text(&values, receipt->source);
	plan_bind_text(&values, receipt->environment);
	plan_bind_text(&values, receipt->purchase_id);
	plan_bind_uuid(&values, &delivery->user);
	plan_bind_uuid(&values, &delivery->product.course);
	return plan_execute(&read_own, values.datums, values.nulls, false) > 0;
}

/* Whether another purchase gives the course in this voice, once what must give way has ended.
 */
static bool
place_is_taken(const Delivery *delivery)
{
	const Receipt *receipt = &delivery->receipt;
	PlanValues values = {0};

	plan_bind_uuid(&values, &delivery->user);
	plan_bind_uuid(&values, &delivery->product.course);
	plan_bind_text(&values, receipt->voice);
	plan_bind_text(&values, receipt->source);
	plan_bind_text(&values, receipt->environment);
	plan_bind_text(&values, receipt->purchase_id);
	/* what gives way first, so that the unique index has room for the new row */
	plan_execute(&displace_live, values.datums, values.nulls, false);
	/* the first three of the same values */
	return plan_execute(&touch_live, values.datums, values.nulls, false) > 0;
}

bool
course_purchase_refund(const char *source, const char *environment, const char *purchase_id,
					   TimestampTz at)
{
	PlanValues values = {0};
	pg_uuid_t user, course;

	plan_bind_text(&values, source);
	plan_bind_text(&values, environment);
	plan_bind_text(&values, purchase_id);
	plan_bind_time(&values, at);
	if (plan_execute(&refund_purchase, values.datums, values.nulls, false) == 0)
		return false;
	/*
	 * a duplicate or a pending one gave nothing: nobody may take a place that it did not have
	 */
	if (!plan_bool(0, REFUNDED_WAS_VALID))
		return false;
	user = plan_uuid(0, REFUNDED_USER_ID);
	course = plan_uuid(0, REFUNDED_COURSE_ID);
	course_purchase_promote(&user, &course, plan_text(0, REFUNDED_VOICE), at);
	return true;
}

/*
 * Rule: of a person's purchases of a course in a voice one is valid. The restored one is a
 * duplicate if another has its place, and then true is not answered.
 */
bool
course_purchase_restore(const char *source, const char *environment, const char *purchase_id,
						TimestampTz at)
{
	Delivery delivery = {.at = at};
	PlanValues values = {0};
	bool taken;

	delivery.receipt.source = source;
	delivery.receipt.environment = environment;
	delivery.receipt.purchase_id = purchase_id;
	plan_bind_text(&values, source);
	plan_bind_text(&values, environment);
	plan_bind_text(&values, purchase_id);
	if (plan_execute(&read_refunded, values.datums, values.nulls, false) == 0)
		return false;
	delivery.user = plan_uuid(0, 1);
	delivery.product.course = plan_uuid(0, 2);
	delivery.receipt.voice = plan_text(0, 3);
	/* while it was refunded, a duplicate may have taken its place */
	taken = place_is_taken(&delivery);
	plan_bind_text(&values, taken ? "invalid" : "valid");
	plan_bind_time(&values, at);
	plan_execute(&restore_purchase, values.datums, values.nulls, false);
	return !taken;
}

/*
 * Called when the valid purchase is gone: the person paid for a duplicate, and it gives from
 * now on.
 */
void
course_purchase_promote(const pg_uuid_t *user, const pg_uuid_t *course, const char *voice,
						TimestampTz at)
{
	PlanValues values = {0};

	plan_bind_uuid(&values, user);
	plan_bind_uuid(&values, course);
	plan_bind_text(&values, voice);
	plan_bind_time(&values, at);
	plan_bind_bool(&values, environment_sandbox_counts(user));
	plan_execute(&promote_duplicate, values.datums, values.nulls, false);
}

/* False if another row stood in the way. */
static bool
purchase_write(const Delivery *delivery, bool recorded, bool duplicate)
{
	const Receipt *receipt = &delivery->receipt;
	bool sold = receipt->purchase_id != NULL;
	PlanValues values = {0};

	plan_bind_uuid(&values, &delivery->user);
	plan_bind_uuid(&values, &delivery->product.course);
	plan_bind_text(&values, receipt->voice);
	plan_bind_text(&values, receipt->source);
	plan_bind_text(&values, receipt->environment);
	plan_bind_text(&values, receipt->purchase_id);
	plan_bind_text(&values, sold ? delivery->product.product_id : NULL);
	plan_bind_text(&values, sold ? receipt->purchase_token : NULL);
	plan_bind_time(&values, receipt->purchased_at);
	plan_bind_text(&values, duplicate ? "invalid" : "valid");
	plan_bind_time(&values, delivery->at);
	plan_bind_nullable(&values, TimestampTzGetDatum(delivery->at), !receipt->acknowledged);
	return plan_execute(recorded ? &update_purchase : &insert_purchase, values.datums,
						values.nulls, false) == 1;
}
