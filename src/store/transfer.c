/*
 * transfer.c: what the stores sold to one person goes to another: by order of the operator, or
 * because the account that had it is closed and the next one brings the same receipt.
 *
 * Invariants: a receipt moves with what it gave; a course that the receiver has already becomes
 * a duplicate, and a duplicate that the giver has takes the place of the one that went. Of a
 * pack of credits goes what is unspent (credit_pack.h). The use of a discount stays the
 * buyer's. The receipts of a line's payments go wherever the line goes: a refund finds the line
 * by them. A link to the form of a custom course opens nothing after the move, for the giver
 * has it. Each move is audited.
 *
 * Locks: the rows of users, in the order of uuids, then as in receipt.c.
 *
 * Rights: the server's alone; the statements run with the rights of the tables' owner. Nobody
 * else moves a receipt: tg_any__person_stays.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

#include "allowance/credit_pack.h"
#include "billing/transfer.h"
#include "core/args.h"
#include "core/compat.h"
#include "core/datum.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/restore.h"
#include "core/row_trigger.h"
#include "core/schema.h"
#include "core/setting.h"
#include "core/statement_mark.h"
#include "identity/anchor.h"
#include "identity/asking.h"
#include "identity/audit.h"
#include "json/object_write.h"
#include "store/delivery.h"
#include "store/purchase_key.h"
#include "store/purchase_lock.h"
#include "store/transfer.h"

/*
 * Who has the receipt, its line or another payment of the line and is not the one who brings
 * it, and whether all these accounts are closed.
 */
static KeptPlan find_others = {
	.sql = "SELECT bool_and(u.deleted_at IS NOT NULL) FROM coursebase.users u "
		   "WHERE u.id <> $4 AND u.id IN ("
		   "SELECT r.user_id FROM coursebase.store_receipts r WHERE r.source = $1 "
		   "AND r.environment = $2 AND r.purchase_id = $3 "
		   "UNION ALL "
		   "SELECT l.user_id FROM coursebase.subscription_lines l WHERE l.store = $1 "
		   "AND l.original_transaction_id = $5 UNION ALL "
		   "SELECT r.user_id FROM coursebase.store_receipts r WHERE r.source = $1 "
		   "AND r.kind = 'subscription' AND r.original_transaction_id = $5) "
		   "HAVING count(*) > 0",
	.nargs = 5,
	.types = {TEXTOID, TEXTOID, TEXTOID, UUIDOID, TEXTOID},
};
/*
 * Duplicates last: the receiver must not lose the place of the purchase that gave to one. A
 * payment of somebody else's line is that person's to give.
 */
static KeptPlan list_receipts = {
	.sql = "SELECT r.source, r.environment, r.purchase_id, r.kind "
		   "FROM coursebase.store_receipts r WHERE r.user_id = $1 "
		   "AND (r.kind IS DISTINCT FROM 'subscription' OR NOT EXISTS ("
		   "SELECT FROM coursebase.subscription_lines l WHERE l.store = r.source "
		   "AND l.original_transaction_id = r.original_transaction_id "
		   "AND l.user_id <> r.user_id)) "
		   "ORDER BY r.status = 'duplicate', r.source, r.environment, r.purchase_id",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan list_lines = {
	.sql = "SELECT l.store, l.original_transaction_id FROM coursebase.subscription_lines l "
		   "WHERE l.user_id = $1 AND l.store NOT IN ('manual', 'promotional') "
		   "AND l.original_transaction_id <> l.user_id::text ORDER BY 1, 2",
	.nargs = 1,
	.types = {UUIDOID},
};
/* The use of its discount stays the buyer's, and the receipt says which one it is. */
static KeptPlan move_receipt = {
	.sql = "UPDATE coursebase.store_receipts x SET user_id = $4, "
		   "discount_redemption_id = coalesce(x.discount_redemption_id, ("
		   "SELECT d.id FROM coursebase.discount_redemptions d "
		   "WHERE d.user_id = x.user_id AND d.order_ref = x.discount_order_ref)) "
		   "WHERE " PURCHASE_KEY " AND x.user_id = $5",
	.nargs = 5,
	.types = {TEXTOID, TEXTOID, TEXTOID, UUIDOID, UUIDOID},
};
/* While it is valid here, a duplicate of the giver may wait behind it. */
static KeptPlan find_valid_course = {
	.sql = "SELECT x.course_id, x.voice FROM coursebase.course_purchases x "
		   "WHERE " PURCHASE_KEY " AND x.user_id = $4 AND x.status = 'valid'",
	.nargs = 4,
	.types = {TEXTOID, TEXTOID, TEXTOID, UUIDOID},
};
/*
 * What gives way to a purchase that was paid, as where a receipt is recorded (course.c): a
 * purchase that waits for its payment, and one of a sandbox.
 */
static KeptPlan displace_course = {
	.sql = "WITH displaced AS (UPDATE coursebase.course_purchases o SET status = 'invalid' "
		   "FROM coursebase.course_purchases x WHERE " PURCHASE_KEY " AND x.user_id = $5 "
		   "AND x.status = 'valid' AND o.user_id = $4 AND o.course_id = x.course_id "
		   "AND o.voice IS NOT DISTINCT FROM x.voice AND o.source <> 'premium_slot' "
		   "AND (o.status = 'pending' OR (o.status = 'valid' AND o.environment = 'sandbox' "
		   "AND x.environment = 'production')) "
		   "RETURNING o.source, o.environment, o.purchase_id) "
		   "UPDATE coursebase.store_receipts r SET status = 'duplicate' FROM displaced d "
		   "WHERE r.source = d.source AND r.environment = d.environment "
		   "AND r.purchase_id = d.purchase_id AND r.status = 'valid'",
	.nargs = 5,
	.types = {TEXTOID, TEXTOID, TEXTOID, UUIDOID, UUIDOID},
};
/* What the receiver has already stands: the purchase that comes becomes a duplicate. One that
 * was a duplicate gives where nothing else does. */
static KeptPlan move_course = {
	.sql = "WITH moved AS (UPDATE coursebase.course_purchases x SET user_id = $4, "
		   "status = CASE WHEN x.status = 'valid' OR (x.status = 'invalid' "
		   "AND x.environment = 'production' AND EXISTS (SELECT FROM "
		   "coursebase.store_receipts r WHERE r.source = x.source "
		   "AND r.environment = x.environment AND r.purchase_id = x.purchase_id "
		   "AND r.status = 'duplicate')) THEN CASE WHEN EXISTS (SELECT FROM "
		   "coursebase.course_purchases o WHERE o.user_id = $4 AND o.course_id = x.course_id "
		   "AND o.voice IS NOT DISTINCT FROM x.voice AND o.status IN ('valid', 'pending') "
		   "AND o.source <> 'premium_slot') THEN 'invalid' ELSE 'valid' END "
		   "ELSE x.status END WHERE " PURCHASE_KEY " AND x.user_id = $5 RETURNING x.status) "
		   "UPDATE coursebase.store_receipts x SET status = "
		   "CASE m.status WHEN 'valid' THEN 'valid' ELSE 'duplicate' END FROM moved m "
		   "WHERE " PURCHASE_KEY " AND (m.status, x.status) IN "
		   "(('valid', 'duplicate'), ('invalid', 'valid'))",
	.nargs = 5,
	.types = {TEXTOID, TEXTOID, TEXTOID, UUIDOID, UUIDOID},
};
/*
 * The giver knows the link to the form, so the receiver gets another one. What the closing of
 * an account took, of which it leaves link_issued_at infinite, the receiver has again: an empty
 * course and its form.
 */
static KeptPlan move_custom_course = {
	.sql = "WITH moved AS (UPDATE coursebase.custom_courses c SET user_id = $4 "
		   "FROM coursebase.custom_course_purchases x WHERE " PURCHASE_KEY
		   " AND c.id = x.course_id AND c.user_id = $5 RETURNING x.id) "
		   "UPDATE coursebase.custom_course_purchases p SET link_token = gen_random_uuid(), "
		   "link_issued_at = CASE WHEN p.link_issued_at = '-infinity' THEN now() "
		   "ELSE p.link_issued_at END, "
		   "is_submitted = p.is_submitted AND p.link_issued_at <> '-infinity', "
		   "status = CASE WHEN p.status = 'revoked' AND p.link_issued_at = '-infinity' "
		   "THEN 'active' ELSE p.status END FROM moved m WHERE p.id = m.id",
	.nargs = 5,
	.types = {TEXTOID, TEXTOID, TEXTOID, UUIDOID, UUIDOID},
};

/* What was bought once: a period goes with its line. */
static KeptPlan find_person = {
	.sql = "SELECT x.user_id FROM coursebase.store_receipts x WHERE " PURCHASE_KEY
		   " AND x.user_id <> $4 AND x.kind <> 'subscription'",
	.nargs = 4,
	.types = {TEXTOID, TEXTOID, TEXTOID, UUIDOID},
};

/* The receipts of a line's payments that are to be with it, unless it went to somebody else. */
static KeptPlan list_payments = {
	.sql = "SELECT r.source, r.environment, r.purchase_id, r.user_id "
		   "FROM coursebase.store_receipts r WHERE r.source = $1 AND r.kind = 'subscription' "
		   "AND r.original_transaction_id = $2 AND r.user_id <> $3 AND NOT EXISTS ("
		   "SELECT FROM coursebase.subscription_lines l WHERE l.store = $1 "
		   "AND l.original_transaction_id = $2 AND l.user_id <> $3) "
		   "ORDER BY r.environment, r.purchase_id",
	.nargs = 3,
	.types = {TEXTOID, TEXTOID, UUIDOID},
};

/*
 * Marks the statements of rows_move(): tg_any__person_stays() lets those change the person of a
 * receipt, and no other.
 */
static StatementMark transfer_writes;

static void receipts_move(FunctionCallInfo fcinfo, const pg_uuid_t *from, const pg_uuid_t *to,
						  TimestampTz at);
static void lines_move(FunctionCallInfo fcinfo, const pg_uuid_t *from, const pg_uuid_t *to);
static bool receipt_move_alone(const PurchaseKey *key, const pg_uuid_t *from,
							   const pg_uuid_t *to, TimestampTz at);
static bool receipt_move(const PurchaseKey *key, const pg_uuid_t *from, const pg_uuid_t *to,
						 TimestampTz at);
static bool rows_move(PlanValues *values);
static void move_audit(const PurchaseKey *key, const pg_uuid_t *from, const pg_uuid_t *to);
static LineTransfer line_call(FunctionCallInfo fcinfo);
static LineTransfer line_move(const char *store, const char *line, const pg_uuid_t *to);
static bool restore_is_allowed(PlanValues *values);
static void move_return(FunctionCallInfo fcinfo, const char *kind, const char *source,
						const char *id);

PG_FUNCTION_INFO_V1(coursebase_transfer_purchases);
PG_FUNCTION_INFO_V1(coursebase_transfer_line);
PG_FUNCTION_INFO_V1(coursebase_transfer_subscription);
PG_FUNCTION_INFO_V1(coursebase_transfer_receipt);
PG_FUNCTION_INFO_V1(coursebase_tg_any__person_stays);

/*
 * SQL function: transfer_purchases(from_user uuid, to_user uuid, at timestamptz) returns table
 * (kind text, source text, purchase_id text)
 */
PGDLLEXPORT Datum
coursebase_transfer_purchases(PG_FUNCTION_ARGS)
{
	pg_uuid_t *from, *to;
	OwnerRights rights;
	TimestampTz at;

	args_require_all(fcinfo);
	from = PG_GETARG_UUID_P(0);
	to = PG_GETARG_UUID_P(1);
	at = args_time(fcinfo, 2);
	if (uuid_equal(from, to))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("from_user and to_user are the same person")));
	schema_require_current();
	compat_materialize(fcinfo);
	SPI_connect();
	rights = owner_enter();
	anchor_transfer_require(from, to);
	receipts_move(fcinfo, from, to, at);
	lines_move(fcinfo, from, to);
	owner_leave(rights);
	SPI_finish();
	return (Datum) 0;
}

/*
 * SQL function: transfer_line(store text, original_transaction_id text, to_user uuid) returns
 * boolean
 */
PGDLLEXPORT Datum
coursebase_transfer_line(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(line_call(fcinfo) == LINE_MOVED);
}

/*
 * SQL function: transfer_subscription(store text, original_transaction_id text, to_user uuid)
 * returns boolean
 */
PGDLLEXPORT Datum
coursebase_transfer_subscription(PG_FUNCTION_ARGS)
{
	LineTransfer moved = line_call(fcinfo);

	if (moved == LINE_UNKNOWN)
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such subscription"),
						errdetail("Store %s has no line \"%s\".", args_text_or_null(fcinfo, 0),
								  args_text_or_null(fcinfo, 1))));
	PG_RETURN_BOOL(moved == LINE_MOVED);
}

/* What both functions do. */
static LineTransfer
line_call(FunctionCallInfo fcinfo)
{
	OwnerRights rights;
	LineTransfer moved;

	args_require_all(fcinfo);
	schema_require_current();
	identity_require_here(PG_GETARG_UUID_P(2));
	SPI_connect();
	rights = owner_enter();
	moved = line_move(args_text_or_null(fcinfo, 0), args_text_or_null(fcinfo, 1),
					  PG_GETARG_UUID_P(2));
	owner_leave(rights);
	SPI_finish();
	return moved;
}

/*
 * SQL function: transfer_receipt(source text, environment text, purchase_id text, to_user uuid)
 * returns boolean
 */
PGDLLEXPORT Datum
coursebase_transfer_receipt(PG_FUNCTION_ARGS)
{
	PlanValues values = {0};
	PurchaseKey key;
	pg_uuid_t *to;
	pg_uuid_t from;
	OwnerRights rights;
	bool moved = false;

	args_require_all(fcinfo);
	purchase_key_read(&key, fcinfo);
	to = PG_GETARG_UUID_P(3);
	schema_require_current();
	identity_require_here(to);
	SPI_connect();
	rights = owner_enter();
	purchase_key_bind(&values, &key);
	plan_bind_uuid(&values, to);
	if (plan_execute(&find_person, values.datums, values.nulls, false) > 0)
	{
		from = plan_uuid(0, 1);
		anchor_transfer_require(&from, to);
		/* another transfer may have come first: then it is not this person's any more */
		moved = receipt_move_alone(&key, &from, to, GetCurrentTransactionStartTimestamp());
	}
	owner_leave(rights);
	SPI_finish();
	PG_RETURN_BOOL(moved);
}

/*
 * SQL function: tg_any__person_stays() returns trigger
 *
 * Fires where an UPDATE changes a user_id that is set.
 */
PGDLLEXPORT Datum
coursebase_tg_any__person_stays(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_any__person_stays", ROW_BEFORE_UPDATE);

	if (!statement_mark_fires(&transfer_writes) && !restore_under_way())
		ereport(ERROR, (errcode(ERRCODE_CB_SET_ONCE),
						errmsg("column \"user_id\" of table \"%s\" is set already",
							   RelationGetRelationName(data->tg_relation)),
						errdetail("It is set once and then stays."),
						errhint("To give what a store sold to another account call "
								"coursebase.transfer_purchases().")));
	return PointerGetDatum(data->tg_newtuple);
}

/* By the setting restore_behavior. An unknown word refuses, which is the safe side. */
bool
transfer_is_allowed(bool closed)
{
	char *behavior = setting_text("restore_behavior");

	return strcmp(behavior, "transfer") == 0 ||
		   (closed && strcmp(behavior, "transfer_if_closed") == 0);
}

/*
 * Rule (setting restore_behavior): a receipt that another account has goes to the one who
 * brings it, always, or only if the other account is closed, or never; and so does the line of
 * which the receipt is a payment, whoever has that. What does not move receipt_claim() refuses
 * as another person's.
 */
void
transfer_restore(const Receipt *receipt, const pg_uuid_t *user, TimestampTz at)
{
	PurchaseKey key = {receipt->source, receipt->environment, receipt->purchase_id};
	const char *line = receipt->original_transaction_id;
	PlanValues values = {0};

	purchase_key_bind(&values, &key);
	plan_bind_uuid(&values, user);
	plan_bind_text(&values, line);
	if (!restore_is_allowed(&values))
		return;
	purchase_lock(&key, line, user);
	/* under the locks: somebody else may have come first, or an account be open again */
	if (!restore_is_allowed(&values))
		return;
	anchor_open_user_require(user);
	if (plan_execute(&find_person, values.datums, values.nulls, false) > 0)
	{
		pg_uuid_t from = plan_uuid(0, 1);

		receipt_move_alone(&key, &from, user, at);
	}
	if (line != NULL)
		line_move(receipt->source, line, user);
}

/* True if others have something of what is brought, and all of it may go. */
static bool
restore_is_allowed(PlanValues *values)
{
	return plan_execute(&find_others, values->datums, values->nulls, false) > 0 &&
		   transfer_is_allowed(plan_bool(0, 1));
}

/* The list is copied before anything moves: the next statement overwrites it. */
static void
receipts_move(FunctionCallInfo fcinfo, const pg_uuid_t *from, const pg_uuid_t *to,
			  TimestampTz at)
{
	Datum person = UUIDPGetDatum(from);
	uint64 count = plan_execute(&list_receipts, &person, NULL, false);
	PurchaseKey *keys = palloc(sizeof(PurchaseKey) * (count + 1));
	char **kinds = palloc(sizeof(char *) * (count + 1));

	for (uint64 i = 0; i < count; i++)
	{
		keys[i].source = plan_text_required(i, 1);
		keys[i].environment = plan_text_required(i, 2);
		keys[i].purchase_id = plan_text_required(i, 3);
		kinds[i] = plan_text_required(i, 4);
	}
	for (uint64 i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		receipt_move(&keys[i], from, to, at);
		move_return(fcinfo, kinds[i], keys[i].source, keys[i].purchase_id);
	}
}

/* The list is copied before anything moves: the next statement overwrites it. */
static void
lines_move(FunctionCallInfo fcinfo, const pg_uuid_t *from, const pg_uuid_t *to)
{
	Datum person = UUIDPGetDatum(from);
	uint64 count = plan_execute(&list_lines, &person, NULL, false);
	char **stores = palloc(sizeof(char *) * (count + 1));
	char **lines = palloc(sizeof(char *) * (count + 1));

	for (uint64 i = 0; i < count; i++)
	{
		stores[i] = plan_text_required(i, 1);
		lines[i] = plan_text_required(i, 2);
	}
	for (uint64 i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		line_move(stores[i], lines[i], to);
		move_return(fcinfo, "line", stores[i], lines[i]);
	}
}

/* One receipt, without the others of the giver: a duplicate that stays takes its place. */
static bool
receipt_move_alone(const PurchaseKey *key, const pg_uuid_t *from, const pg_uuid_t *to,
				   TimestampTz at)
{
	PlanValues values = {0};
	bool was_valid;
	pg_uuid_t course;
	const char *voice = NULL;

	purchase_key_bind(&values, key);
	plan_bind_uuid(&values, from);
	was_valid = plan_execute(&find_valid_course, values.datums, values.nulls, false) > 0;
	if (was_valid)
	{
		course = plan_uuid(0, 1);
		voice = plan_text(0, 2);
	}
	if (!receipt_move(key, from, to, at))
		return false;
	/*
	 * after the valid one has left: until then a unique index keeps every other purchase of the
	 * course from being valid
	 */
	if (was_valid)
		course_purchase_promote(from, &course, voice, GetCurrentTransactionStartTimestamp());
	return true;
}

/* The receipt, and what it gave; false if it is not that person's. */
static bool
receipt_move(const PurchaseKey *key, const pg_uuid_t *from, const pg_uuid_t *to, TimestampTz at)
{
	PlanValues values = {0};

	purchase_key_bind(&values, key);
	plan_bind_uuid(&values, to);
	plan_bind_uuid(&values, from);
	if (!rows_move(&values))
		return false;
	credit_pack_move(key->source, key->environment, key->purchase_id, from, to, at);
	move_audit(key, from, to);
	return true;
}

/*
 * The statements take the same values, and run behind the door that
 * tg_any__person_stays() watches. The receipt goes first: if it is not this person's any more,
 * nothing moves.
 */
static bool
rows_move(PlanValues *values)
{
	KeptPlan *const plans[] = {&displace_course, &move_course, &move_custom_course};
	StatementMark outer = statement_mark_set(&transfer_writes);
	volatile uint64 moved = 0;

	PG_TRY();
	{
		moved = plan_execute(&move_receipt, values->datums, values->nulls, false);
		for (int i = 0; moved > 0 && i < lengthof(plans); i++)
			plan_execute(plans[i], values->datums, values->nulls, false);
	}
	PG_FINALLY();
	{
		transfer_writes = outer;
	}
	PG_END_TRY();
	return moved > 0;
}

static void
move_audit(const PurchaseKey *key, const pg_uuid_t *from, const pg_uuid_t *to)
{
	StringInfoData before, after;

	object_begin(&before);
	object_text(&before, "user_id", uuid_text(from));
	object_begin(&after);
	object_text(&after, "user_id", uuid_text(to));
	audit_write(
		"purchase_transferred",
		psprintf("store_receipts/%s/%s/%s", key->source, key->environment, key->purchase_id),
		object_end(&before), object_end(&after));
}

/* The line, and then the receipts of its payments, which go wherever it goes. */
static LineTransfer
line_move(const char *store, const char *line, const pg_uuid_t *to)
{
	PlanValues values = {0};
	LineTransfer moved = subscription_transfer(store, line, to);
	uint64 count;
	PurchaseKey *keys;
	pg_uuid_t *people;

	plan_bind_text(&values, store);
	plan_bind_text(&values, line);
	plan_bind_uuid(&values, to);
	count = plan_execute(&list_payments, values.datums, values.nulls, false);
	keys = palloc(sizeof(PurchaseKey) * (count + 1));
	people = palloc(sizeof(pg_uuid_t) * (count + 1));
	for (uint64 i = 0; i < count; i++)
	{
		keys[i].source = plan_text_required(i, 1);
		keys[i].environment = plan_text_required(i, 2);
		keys[i].purchase_id = plan_text_required(i, 3);
		people[i] = plan_uuid(i, 4);
	}
	for (uint64 i = 0; i < count; i++)
	{
		/* the line may be nobody's yet, or the receiver's already: then nobody is locked */
		anchor_transfer_require(&people[i], to);
		receipt_move(&keys[i], &people[i], to, GetCurrentTransactionStartTimestamp());
	}
	return moved;
}

static void
move_return(FunctionCallInfo fcinfo, const char *kind, const char *source, const char *id)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum values[] = {CStringGetTextDatum(kind), CStringGetTextDatum(source),
					  CStringGetTextDatum(id)};
	bool nulls[lengthof(values)] = {false};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}
