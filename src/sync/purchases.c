/*
 * purchases.c: the member "purchases" of the answer: which of the phone's purchases are known.
 *
 * The phone learns of its own person's purchases only: a purchase of another person reads like
 * one that nobody recorded.
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "core/datum.h"
#include "core/plan.h"
#include "json/json_write.h"
#include "sync/purchases.h"
#include "sync/slice.h"

/* A row for each id of $2, in their order: whether a purchase of $1 has the id. */
static KeptPlan read_purchases = {
	.sql = "SELECT EXISTS (SELECT FROM coursebase.custom_courses c"
		   "  JOIN coursebase.custom_course_purchases p ON p.course_id = c.id"
		   "  WHERE c.user_id = $1 AND p.purchase_id = n.purchase_id)"
		   " OR EXISTS (SELECT FROM coursebase.store_receipts p"
		   "  WHERE p.user_id = $1 AND p.purchase_id = n.purchase_id)"
		   " OR EXISTS (SELECT FROM coursebase.course_purchases p"
		   "  WHERE p.user_id = $1 AND p.purchase_id = n.purchase_id)"
		   " OR EXISTS (SELECT FROM coursebase.ai_credit_purchases p"
		   "  WHERE p.user_id = $1 AND p.purchase_id = n.purchase_id)"
		   " OR EXISTS (SELECT FROM coursebase.subscription_events e WHERE e.user_id = $1"
		   "  AND n.purchase_id IN (e.transaction_id, e.original_transaction_id))"
		   " FROM unnest($2) WITH ORDINALITY AS n (purchase_id, i) ORDER BY n.i",
	.nargs = 2,
	.types = {UUIDOID, TEXTARRAYOID},
};

static void purchases_find(const HandshakeRequest *request, const pg_uuid_t *user);

/*
 * The rows of the statement stand in the order in which the phone named its purchases, one for
 * each.
 */
void
handshake_purchases_write(StringInfo out, const HandshakeRequest *request,
						  const pg_uuid_t *user)
{
	/* a request without purchases is answered without a statement */
	if (request->npurchases > 0)
		purchases_find(request, user);
	appendStringInfoChar(out, '[');
	for (int i = 0; i < request->npurchases; i++)
	{
		if (i > 0)
			appendStringInfoChar(out, ',');
		json_write_literal(out, "{\"purchase_id\":");
		json_write_string(out, request->purchases[i].bytes, request->purchases[i].size);
		if (plan_bool(i, 1))
			json_write_literal(out, ",\"status\":\"known\"}");
		else
			json_write_literal(out, ",\"status\":\"unknown\"}");
	}
	appendStringInfoChar(out, ']');
}

/* Leaves the rows of the statement in SPI_tuptable. */
static void
purchases_find(const HandshakeRequest *request, const pg_uuid_t *user)
{
	Datum *ids = palloc(request->npurchases * sizeof(Datum));
	PlanValues values = {0};

	for (int i = 0; i < request->npurchases; i++)
		ids[i] = slice_datum(request->purchases[i]);
	plan_bind_uuid(&values, user);
	plan_bind(&values, array_of(TEXTOID, ids, NULL, request->npurchases));
	plan_execute(&read_purchases, values.datums, values.nulls, true);
}
