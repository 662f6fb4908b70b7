/*
 * purchase_lock.c: a refund and its reversal lock the people whom a purchase concerns.
 *
 * Lock order: as in receipt.c; the people by people_lock(), which tries again where a transfer
 * brought the purchase to somebody else meanwhile. Rights: the caller's, which are those of the
 * tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/uuid.h"

#include "core/plan.h"
#include "identity/people_lock.h"
#include "store/purchase_lock.h"

/* The receipt's person, who used its discount, who has what was given without a receipt, who
 * holds of a pack, and who has the line $4. */
static KeptPlan find_people = {
	.sql =
		"SELECT x.user_id FROM coursebase.store_receipts x WHERE " PURCHASE_KEY " UNION "
		"SELECT d.user_id FROM coursebase.store_receipts x " JOIN_DISCOUNT_USE
		"WHERE " PURCHASE_KEY " AND d.id IS NOT NULL UNION "
		"SELECT x.user_id FROM coursebase.course_purchases x WHERE " PURCHASE_KEY " UNION "
		"SELECT c.user_id FROM coursebase.custom_course_purchases x "
		"JOIN coursebase.custom_courses c ON c.id = x.course_id WHERE " PURCHASE_KEY " UNION "
		"SELECT x.user_id FROM coursebase.ai_credit_purchases x WHERE " PURCHASE_KEY " UNION "
		"SELECT l.user_id FROM coursebase.ai_credit_purchases x JOIN coursebase.credit_log l "
		"ON l.credit_purchase_id = x.id WHERE " PURCHASE_KEY " GROUP BY l.user_id "
		"HAVING sum(l.bank_credits) > coalesce(sum(l.credits), 0) UNION "
		"SELECT x.user_id FROM coursebase.subscription_lines x WHERE x.store = $1 "
		"AND x.environment = $2 AND x.original_transaction_id = $3 UNION "
		"SELECT x.user_id FROM coursebase.subscription_lines x WHERE x.store = $1 "
		"AND x.original_transaction_id = $4",
	.nargs = 4,
	.types = {TEXTOID, TEXTOID, TEXTOID, TEXTOID},
};
/* Behind the people: a receipt that is nobody's yet gets its person under this lock. */
static KeptPlan lock_receipt = {
	.sql = "SELECT FROM coursebase.store_receipts x WHERE " PURCHASE_KEY " FOR NO KEY UPDATE",
	.nargs = 3,
	.types = {TEXTOID, TEXTOID, TEXTOID},
};

static bool people_find(People *people, bool locked, void *argument);

typedef struct Search
{
	const PurchaseKey *key;
	const char *line;
	const pg_uuid_t *bringer;
} Search;

bool
purchase_lock(const PurchaseKey *key, const char *line, const pg_uuid_t *bringer)
{
	Search search = {.key = key, .line = line, .bringer = bringer};

	return people_lock(people_find, &search, key->purchase_id);
}

/*
 * Called by people_lock(), first without locks and then again under those that it took. If the
 * second list names somebody who is not locked, people_lock() begins anew. The receipt is
 * locked in the second round alone, because people come before receipts in the order of locks.
 */
static bool
people_find(People *people, bool locked, void *argument)
{
	const Search *search = argument;
	PlanValues values = {0};
	pg_uuid_t person;
	uint64 count;

	purchase_key_bind(&values, search->key);
	/* after its people; whose the receipt is does not change under its lock */
	if (locked)
		plan_execute(&lock_receipt, values.datums, values.nulls, false);
	plan_bind_text(&values, search->line);
	count = plan_execute(&find_people, values.datums, values.nulls, false);
	for (uint64 i = 0; i < count; i++)
		if (plan_uuid_or_null(i, 1, &person))
			people_add(people, &person);
	if (search->bringer != NULL)
		people_add(people, search->bringer);
	return count > 0;
}
