/*
 * acknowledge.c: the record that a store was told that a purchase was delivered.
 *
 * Invariant: the time of the first call stays. Google Play takes a purchase back that nobody
 * acknowledges within three days: the view purchases_awaiting_acknowledgement lists those.
 *
 * Locks: the one row that is written. Nothing else is decided, so the row of users stays free.
 *
 * Rights: the server's alone; statements run with the rights of the tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"

#include "core/args.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/schema.h"
#include "identity/named.h"
#include "store/purchase_key.h"

/*
 * A purchase of each kind has its own table. Two statements and not one, because the answer is
 * true also for a purchase that was acknowledged before.
 */
#define ACKNOWLEDGE(table, condition)                                                          \
	{                                                                                          \
		.sql = "UPDATE coursebase." table " x SET acknowledged_at = $4 WHERE " PURCHASE_KEY    \
			   " AND x.acknowledged_at IS NULL AND " condition,                                \
		.nargs = 4, .types = {TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID},                      \
	}
#define ACKNOWLEDGED(table, condition)                                                         \
	{                                                                                          \
		.sql = "SELECT FROM coursebase." table " x WHERE " PURCHASE_KEY                        \
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

/* Whose the purchase is; of a receipt that is nobody's yet no row. */
static KeptPlan find_person = {
	.sql = "SELECT p.user_id FROM (SELECT x.user_id FROM coursebase.store_receipts x"
		   " WHERE " PURCHASE_KEY " UNION ALL SELECT x.user_id"
		   " FROM coursebase.course_purchases x WHERE " PURCHASE_KEY " UNION ALL"
		   " SELECT x.user_id FROM coursebase.ai_credit_purchases x WHERE " PURCHASE_KEY
		   " UNION ALL SELECT c.user_id FROM coursebase.custom_course_purchases x"
		   " JOIN coursebase.custom_courses c ON c.id = x.course_id WHERE " PURCHASE_KEY
		   ") p WHERE p.user_id IS NOT NULL LIMIT 1",
	.nargs = 3,
	.types = {TEXTOID, TEXTOID, TEXTOID},
};

PG_FUNCTION_INFO_V1(coursebase_acknowledge_purchase);

/*
 * SQL function: acknowledge_purchase(source text, environment text, purchase_id text, at
 * timestamptz, user_id uuid) returns boolean
 */
PGDLLEXPORT Datum
coursebase_acknowledge_purchase(PG_FUNCTION_ARGS)
{
	PlanValues values = {0};
	PurchaseKey key;
	NamedUser named;
	pg_uuid_t person;
	bool told = false;

	purchase_key_read(&key, fcinfo);
	purchase_key_bind(&values, &key);
	plan_bind_time(&values, args_time(fcinfo, 3));
	schema_require_current();
	named = named_user_read(fcinfo, 4);
	SPI_connect();
	if (named.given && owner_execute(&find_person, values.datums, values.nulls, false) > 0)
	{
		person = plan_uuid(0, 1);
		named_user_require(&named, &person);
	}
	/* the second statement takes the first three of the same values */
	for (int i = 0; i < lengthof(acknowledge) && !told; i++)
		told = owner_execute(&acknowledge[i], values.datums, values.nulls, false) > 0 ||
			   owner_execute(&acknowledged[i], values.datums, values.nulls, false) > 0;
	SPI_finish();
	PG_RETURN_BOOL(told);
}
