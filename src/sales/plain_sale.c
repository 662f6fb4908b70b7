/*
 * plain_sale.c: sales and refunds that plain SQL writes are those that the functions make.
 *
 * Invariants: a purchase holds grants of the courses that its product had at the sale, whoever
 * inserted it, until the end that the product had at the sale. A purchase with refunded_at is
 * refunded in full, and one that is refunded in full has refunded_at, whichever of the two a
 * statement wrote. refunded_at back to NULL reverses the refund: the sum is again what had been
 * paid back before it. Every change of the sum is audited.
 *
 * A program that inserts the purchase and the access of its courses in one transaction, in
 * either order, means one sale: the access is bound to the purchase, so that the refund takes
 * it. One that inserts the access in a later transaction means the same, and finds it there.
 *
 * Locks: the person before the purchase is inserted (tg_any__lock_user), then the product FOR
 * SHARE, as complete_purchase() does. An UPDATE of plain SQL locks the purchase before the
 * person, and then waits as core/lock_behind.h says.
 *
 * Rights: the triggers run as who writes, and lock, read and write with those of the tables'
 * owner. All stand back while a dump is restored: the rows come with it.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/restore.h"
#include "core/row_trigger.h"
#include "core/statement_mark.h"
#include "identity/asking.h"
#include "identity/audit.h"
#include "json/json_write.h"
#include "sales/derive.h"
#include "sales/sale.h"

/* SHARE: sales exclude changes of the product's courses, but not each other. Ordered against
 * deadlocks. */
static KeptPlan lock_products = {
	.sql = "SELECT p.access_days IS NOT NULL OR p.access_until IS NOT NULL"
		   " FROM coursebase.products p WHERE p.id IN (SELECT m.product_id FROM made m)"
		   " ORDER BY p.id FOR SHARE",
};
/* The terms of the products, for purchases that were inserted without terms of their own. */
static KeptPlan write_terms = {
	.sql = "UPDATE coursebase.purchases s"
		   " SET access_days = p.access_days, access_until = p.access_until"
		   " FROM made m JOIN coursebase.products p ON p.id = m.product_id"
		   " WHERE s.id = m.id AND num_nonnulls(m.access_days, m.access_until) = 0"
		   " AND num_nonnulls(p.access_days, p.access_until) > 0",
};
/* Ordered, so that sales lock the rows of people and courses in one order. The end is that of
 * the purchase as if the buyer had no access before. */
#define END_OF_PURCHASE                                                                        \
	"least(p.created_at + p.access_days * interval '24 hours', p.access_until)"
static KeptPlan write_grants = {
	.sql = "INSERT INTO coursebase.course_grants (user_id, course_id, purchase_id, expires_at)"
		   " SELECT m.user_id, l.course_id, m.id, " END_OF_PURCHASE " FROM made m"
		   " JOIN coursebase.purchases p ON p.id = m.id"
		   " JOIN coursebase.course_products l ON l.product_id = m.product_id"
		   " ORDER BY m.user_id, l.course_id"
		   " ON CONFLICT (user_id, course_id, purchase_id) DO NOTHING",
};
/*
 * Direct grants of this transaction (created_at is its start) for courses that the purchase
 * gives: the program that inserted them meant the sale. Deleted after the purchase's own grants
 * are there, so that the access stays.
 */
static KeptPlan bind_grants = {
	.sql = "DELETE FROM coursebase.course_grants g USING made m, coursebase.course_grants b"
		   " WHERE b.purchase_id = m.id AND g.user_id = b.user_id AND g.course_id = b.course_id"
		   " AND g.purchase_id IS NULL AND g.created_at = now()",
};
/*
 * Whether a purchase of this transaction has given already what plain SQL is about to insert
 * (created_at is the transaction's start). $1 person, $2 course, $3 purchase or NULL for any,
 * $4 whether a grant is inserted. For an access ($4 false) the answer is yes only if the row of
 * user_course_access is there, or if no grant for ever explains it: otherwise the row that is
 * inserted is the one that the trigger of grants derives. The second column is the end of the
 * purchase $3, as if the buyer had no access before.
 */
static KeptPlan find_bound = {
	.sql = "SELECT EXISTS (SELECT FROM coursebase.course_grants g"
		   " JOIN coursebase.purchases s ON s.id = g.purchase_id AND s.refunded_at IS NULL"
		   " WHERE g.user_id = $1 AND g.course_id = $2 AND g.created_at = now()"
		   " AND ($3 IS NULL OR g.purchase_id = $3)"
		   " AND ($4 OR EXISTS (SELECT FROM coursebase.user_course_access a"
		   "   WHERE a.user_id = $1 AND a.course_id = $2)"
		   "  OR NOT EXISTS (SELECT FROM coursebase.course_grants f"
		   "   LEFT JOIN coursebase.purchases t ON t.id = f.purchase_id"
		   "   WHERE f.user_id = $1 AND f.course_id = $2 AND f.expires_at IS NULL"
		   "   AND t.refunded_at IS NULL))),"
		   " (SELECT " END_OF_PURCHASE " FROM coursebase.purchases p WHERE p.id = $3)",
	.nargs = 4,
	.types = {UUIDOID, UUIDOID, UUIDOID, BOOLOID},
};
/* Whether the access is there, and a purchase of an earlier transaction gives it. */
static KeptPlan find_sold = {
	.sql = "SELECT FROM coursebase.user_course_access a"
		   " WHERE a.user_id = $1 AND a.course_id = $2"
		   " AND EXISTS (SELECT FROM coursebase.course_grants g"
		   "  JOIN coursebase.purchases s ON s.id = g.purchase_id AND s.refunded_at IS NULL"
		   "  WHERE g.user_id = $1 AND g.course_id = $2 AND g.expires_at IS NULL)",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};
/* The refund that the same transaction recorded by the provider's id, if it was one. */
static KeptPlan find_reference = {
	.sql = "SELECT r.refund_ref FROM coursebase.purchase_refunds r"
		   " WHERE r.purchase_id = $1 AND r.amount_in_cents = $2 AND r.created_at = now()"
		   " ORDER BY r.refund_ref DESC LIMIT 1",
	.nargs = 2,
	.types = {UUIDOID, INT4OID},
};
/*
 * The references of what plain SQL gives back: the sum of those that stand never exceeds what
 * is refunded ($3). The full refund's own time ($2) and sum ($4) tell it from refunds of parts
 * that came before it, at the same time perhaps; a refund that took the place of a told sum has
 * another time.
 */
static KeptPlan reverse_references = {
	.sql = "UPDATE coursebase.purchase_refunds SET reversed_at = now() WHERE refund_ref IN ("
		   " SELECT s.refund_ref FROM (SELECT r.refund_ref, sum(r.amount_in_cents) OVER ("
		   "   ORDER BY r.refunded_at = $2, r.amount_in_cents = $4, r.created_at, r.refund_ref)"
		   "   AS stands FROM coursebase.purchase_refunds r WHERE r.purchase_id = $1"
		   "   AND r.reversed_at IS NULL AND r.amount_in_cents > 0) s WHERE s.stands > $3)",
	.nargs = 4,
	.types = {UUIDOID, TIMESTAMPTZOID, INT4OID, INT4OID},
};

/*
 * The transaction that last sold something. What no sale of the same transaction gave need not
 * be looked for: most grants are given without one, and many at once.
 */
static FullTransactionId selling;

/* The transaction that last gave a course without a sale: no other has grants for a sale to
 * bind. */
static FullTransactionId giving;

/* Marks a sale's taking of the terms of its product, which nobody need audit. */
static StatementMark taking_terms;

static bool is_of_this_transaction(FullTransactionId transaction);
static bool products_lock(void);
static void terms_write(void);
static char *terms_text(TriggerData *data, HeapTuple row);
static int32 sum_of(TriggerData *data, HeapTuple row, const char *name);
static HeapTuple refund_inserted(TriggerData *data);
static HeapTuple refund_complete(TriggerData *data, int32 before);
static HeapTuple refund_fill(TriggerData *data, HeapTuple row);
static HeapTuple refund_reverse(TriggerData *data, int32 before);
static void change_audit(TriggerData *data, bool reversed);
static bool access_is_sold(PlanValues *values);

PG_FUNCTION_INFO_V1(coursebase_tg_purchases__grant);
PG_FUNCTION_INFO_V1(coursebase_tg_purchases__refund);
PG_FUNCTION_INFO_V1(coursebase_tg_purchases__audit);
PG_FUNCTION_INFO_V1(coursebase_tg_purchases__audit_terms);
PG_FUNCTION_INFO_V1(coursebase_tg_any__bound);

/*
 * SQL function: tg_purchases__grant() returns trigger
 *
 * After each statement, with the new rows as table "made".
 */
PGDLLEXPORT Datum
coursebase_tg_purchases__grant(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect_statement(fcinfo, "tg_purchases__grant");
	bool has_terms;

	if (restore_under_way())
		return PointerGetDatum(NULL);
	selling = GetTopFullTransactionId();
	SPI_connect();
	trigger_tables_show(data);
	if (!sale_product_is_locked(&has_terms))
		has_terms = products_lock();
	if (has_terms)
		terms_write();
	derive_execute(&write_grants, NULL);
	if (is_of_this_transaction(giving))
		owner_execute_latest(&bind_grants, NULL, NULL);
	SPI_finish();
	return PointerGetDatum(NULL);
}

static bool
is_of_this_transaction(FullTransactionId transaction)
{
	return FullTransactionIdIsValid(transaction) &&
		   FullTransactionIdEquals(transaction, GetTopFullTransactionIdIfAny());
}

void
sale_follows_gift(void)
{
	giving = GetTopFullTransactionId();
}

/* Locks the products; whether one of them is sold until an end. */
static bool
products_lock(void)
{
	uint64 products = owner_execute_latest(&lock_products, NULL, NULL);
	bool end = false;

	for (uint64 i = 0; i < products; i++)
		end = end || plan_bool(i, 1);
	return end;
}

/*
 * taking_terms keeps tg_purchases__audit_terms from auditing that a sale took the terms of its
 * product; it is what it was on every way out.
 */
static void
terms_write(void)
{
	StatementMark outer = statement_mark_set(&taking_terms);

	PG_TRY();
	{
		owner_execute_latest(&write_terms, NULL, NULL);
	}
	PG_FINALLY();
	{
		taking_terms = outer;
	}
	PG_END_TRY();
}

/*
 * SQL function: tg_purchases__refund() returns trigger
 *
 * Raises KB401 for a refund that would move to another time: it is reversed first.
 */
PGDLLEXPORT Datum
coursebase_tg_purchases__refund(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_purchases__refund", ROW_BEFORE_WRITE);
	int32 before, after, paid;
	bool was_open, is_open;
	Datum was_at, is_at;

	if (restore_under_way())
		return PointerGetDatum(trigger_written_row(data));
	if (TRIGGER_FIRED_BY_INSERT(data->tg_event))
		return PointerGetDatum(refund_inserted(data));
	before = sum_of(data, data->tg_trigtuple, "refunded_in_cents");
	after = sum_of(data, data->tg_newtuple, "refunded_in_cents");
	paid = sum_of(data, data->tg_newtuple, "price_paid_in_cents");
	was_at = trigger_value_or_null(data, data->tg_trigtuple, "refunded_at", TIMESTAMPTZOID,
								   &was_open);
	is_at =
		trigger_value_or_null(data, data->tg_newtuple, "refunded_at", TIMESTAMPTZOID, &is_open);
	if (was_open && (!is_open || (after == paid && after > before)))
		return PointerGetDatum(refund_complete(data, before));
	if (!was_open && is_open)
		return PointerGetDatum(refund_reverse(data, before));
	if (!was_open && DatumGetTimestampTz(was_at) != DatumGetTimestampTz(is_at))
		ereport(ERROR, (errcode(ERRCODE_CB_SET_ONCE),
						errmsg("column \"refunded_at\" of table \"purchases\" is set already"),
						errdetail("The purchase is refunded in full."),
						errhint("Set refunded_at to NULL to reverse the refund first.")));
	/*
	 * refunded_in_part_in_cents is what a reversal goes back to: the value before the UPDATE
	 * stays, whatever the statement wrote
	 */
	return PointerGetDatum(trigger_set_as(
		data, data->tg_newtuple, "refunded_in_part_in_cents", INT4OID,
		trigger_value_as(data, data->tg_trigtuple, "refunded_in_part_in_cents", INT4OID),
		false));
}

/* A sale of the past: a sum in part, or one that contradicts the time, is left to the checks.
 */
static HeapTuple
refund_inserted(TriggerData *data)
{
	HeapTuple row = data->tg_trigtuple;
	int32 sum = sum_of(data, row, "refunded_in_cents");
	bool open;

	trigger_value_or_null(data, row, "refunded_at", TIMESTAMPTZOID, &open);
	if (sum != (open ? sum_of(data, row, "price_paid_in_cents") : 0))
		return row;
	return refund_fill(data, row);
}

/* The refund is in full: what the statement left out follows from what it wrote. */
static HeapTuple
refund_complete(TriggerData *data, int32 before)
{
	return trigger_set_as(data, refund_fill(data, data->tg_newtuple),
						  "refunded_in_part_in_cents", INT4OID, Int32GetDatum(before), false);
}

/* Gives the row of a full refund the whole sum, and a time if it has none. */
static HeapTuple
refund_fill(TriggerData *data, HeapTuple row)
{
	bool open;

	trigger_value_or_null(data, row, "refunded_at", TIMESTAMPTZOID, &open);
	if (open)
		row = trigger_set_as(data, row, "refunded_at", TIMESTAMPTZOID,
							 TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()), false);
	return trigger_set_as(data, row, "refunded_in_cents", INT4OID,
						  trigger_value_as(data, row, "price_paid_in_cents", INT4OID), false);
}

/* The sum is again what it was before the full refund, unless the statement names another one.
 */
static HeapTuple
refund_reverse(TriggerData *data, int32 before)
{
	HeapTuple row = data->tg_newtuple;

	if (sum_of(data, row, "refunded_in_cents") == before)
		row = trigger_set_as(
			data, row, "refunded_in_cents", INT4OID,
			trigger_value_as(data, data->tg_trigtuple, "refunded_in_part_in_cents", INT4OID),
			false);
	return trigger_set_as(data, row, "refunded_in_part_in_cents", INT4OID, Int32GetDatum(0),
						  false);
}

/* SQL function: tg_purchases__audit() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_purchases__audit(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_purchases__audit", ROW_AFTER_UPDATE);
	bool was_open, is_open;
	Datum was_at = trigger_value_or_null(data, data->tg_trigtuple, "refunded_at",
										 TIMESTAMPTZOID, &was_open);

	trigger_value_or_null(data, data->tg_newtuple, "refunded_at", TIMESTAMPTZOID, &is_open);
	if (restore_under_way())
		return PointerGetDatum(NULL);
	SPI_connect();
	if (!was_open && is_open)
	{
		int32 before = sum_of(data, data->tg_trigtuple, "refunded_in_cents");
		int32 in_part = sum_of(data, data->tg_trigtuple, "refunded_in_part_in_cents");
		int32 after = sum_of(data, data->tg_newtuple, "refunded_in_cents");
		Datum values[] = {trigger_value_as(data, data->tg_newtuple, "id", UUIDOID), was_at,
						  Int32GetDatum(after), Int32GetDatum(before - in_part)};

		/* a provider that tells the reversed refund again must not refund again: its row stays
		 */
		owner_execute(&reverse_references, values, NULL, false);
	}
	change_audit(data, !was_open && is_open);
	SPI_finish();
	return PointerGetDatum(NULL);
}

/*
 * The reference is that of the refund which made the difference, if one did: plain SQL that
 * writes the sum itself has none.
 */
static void
change_audit(TriggerData *data, bool reversed)
{
	int32 before = sum_of(data, data->tg_trigtuple, "refunded_in_cents");
	int32 after = sum_of(data, data->tg_newtuple, "refunded_in_cents");
	Datum values[] = {trigger_value_as(data, data->tg_newtuple, "id", UUIDOID),
					  Int32GetDatum(after - before)};
	bool open;
	StringInfoData content;

	trigger_value_or_null(data, data->tg_newtuple, "refunded_at", TIMESTAMPTZOID, &open);
	initStringInfo(&content);
	appendStringInfo(&content, "{\"refunded_in_cents\": %d, \"in_full\": %s", after,
					 open ? "false" : "true");
	if (owner_execute(&find_reference, values, NULL, false) > 0)
	{
		char *reference = plan_text_required(0, 1);

		appendStringInfoString(&content, ", \"refund_ref\": ");
		json_write_string(&content, reference, strlen(reference));
	}
	appendStringInfoChar(&content, '}');
	audit_write(reversed || after < before ? "purchase_refund_reversed" : "purchase_refunded",
				psprintf("purchases/%s", trigger_text(data, data->tg_newtuple, "id")),
				psprintf("{\"refunded_in_cents\": %d}", before), content.data);
}

/* SQL function: tg_purchases__audit_terms() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_purchases__audit_terms(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_purchases__audit_terms", ROW_AFTER_UPDATE);

	if (!statement_mark_fires(&taking_terms) && !restore_under_way())
		audit_write("purchase_terms_changed",
					psprintf("purchases/%s", trigger_text(data, data->tg_newtuple, "id")),
					terms_text(data, data->tg_trigtuple), terms_text(data, data->tg_newtuple));
	return PointerGetDatum(NULL);
}

/* JSON by hand: numbers and times hold nothing that needs an escape. */
static char *
terms_text(TriggerData *data, HeapTuple row)
{
	char *days = trigger_text_or_null(data, row, "access_days");
	char *until = trigger_time(data, row, "access_until");

	return psprintf("{\"access_days\": %s, \"access_until\": %s}", days != NULL ? days : "null",
					until != NULL ? psprintf("\"%s\"", until) : "null");
}

/*
 * SQL function: tg_any__bound() returns trigger
 *
 * Before an INSERT into course_grants or user_course_access. A row that a purchase of the same
 * transaction gave already is not inserted again: plain SQL that gives it means the sale. The
 * same holds for an access that an earlier purchase gave. A grant of a purchase gets the
 * purchase's end at once, so that at no moment it is one for ever.
 */
PGDLLEXPORT Datum
coursebase_tg_any__bound(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_any__bound", ROW_BEFORE_WRITE);
	HeapTuple row = trigger_written_row(data);
	PlanValues values = {0};
	pg_uuid_t purchase;
	bool sold;
	bool is_grant = SPI_fnumber(RelationGetDescr(data->tg_relation), "purchase_id") > 0;
	bool bound;
	bool for_ever;
	Datum end;

	sold = is_grant && trigger_uuid(data, row, "purchase_id", &purchase);
	if (is_grant && !sold)
		sale_follows_gift();
	if (derive_under_way() || restore_under_way())
		return PointerGetDatum(row);
	plan_bind(&values, trigger_value_as(data, row, "user_id", UUIDOID));
	plan_bind(&values, trigger_value_as(data, row, "course_id", UUIDOID));
	if (sold)
		selling = GetTopFullTransactionId();
	else if (!is_of_this_transaction(selling))
		return PointerGetDatum(is_grant || !access_is_sold(&values) ? row : NULL);
	plan_bind_uuid(&values, sold ? &purchase : NULL);
	plan_bind_bool(&values, is_grant);
	SPI_connect();
	owner_execute_latest(&find_bound, values.datums, values.nulls);
	bound = plan_bool(0, 1);
	end = plan_value_as(0, 2, TIMESTAMPTZOID, &for_ever);
	SPI_finish();
	if (bound || (!is_grant && access_is_sold(&values)))
		return PointerGetDatum(NULL);
	return PointerGetDatum(
		sold ? trigger_set_as(data, row, "expires_at", TIMESTAMPTZOID, end, for_ever) : row);
}

static int32
sum_of(TriggerData *data, HeapTuple row, const char *name)
{
	return DatumGetInt32(trigger_value_as(data, row, name, INT4OID));
}

/*
 * A program that inserts the purchase and then, by itself, the access: the purchase's trigger
 * has made it already. An access that nothing but a direct grant gives stays a duplicate.
 */
static bool
access_is_sold(PlanValues *values)
{
	bool found;

	/* row security refuses the row of anybody else, who must not learn what was bought */
	if (!identity_is_server() && !identity_is_admin())
		return false;
	SPI_connect();
	found = owner_execute_latest(&find_sold, values->datums, values->nulls) > 0;
	SPI_finish();
	return found;
}
