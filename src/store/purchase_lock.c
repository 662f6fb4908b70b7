/*
 * purchase_lock.c: a refund and its reversal lock the people whom a purchase concerns.
 *
 * Invariants: whose a purchase is, is known only under that person's lock, for a transfer may
 * take it away until then. No person is locked against the order of uuids: people who are found
 * later are locked in a new try, which begins with the locks of the last one given back. The
 * tries are few, because each knows everybody whom an earlier one found: of a purchase that
 * goes to and fro between two people the second succeeds.
 *
 * Lock order: as in receipt.c. Rights: the caller's, which are those of the tables' owner.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/uuid.h"

#include "core/plan.h"
#include "identity/anchor.h"
#include "store/purchase_lock.h"

/* The receipt's person, who used its discount, who has what was given without a receipt, and
 * who holds of a pack. */
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
		"AND x.environment = $2 AND x.original_transaction_id = $3",
	.nargs = 3,
	.types = {TEXTOID, TEXTOID, TEXTOID},
};
/* Behind the people: a receipt that is nobody's yet gets its person under this lock. */
static KeptPlan lock_receipt = {
	.sql = "SELECT FROM coursebase.store_receipts x WHERE " PURCHASE_KEY " FOR NO KEY UPDATE",
	.nargs = 3,
	.types = {TEXTOID, TEXTOID, TEXTOID},
};

/* Each of many people may have spent a credit of one pack. */
#define PEOPLE_MAX 1024
#define TRIES      4

/* Everybody who was found so far, in the order of uuids. */
typedef struct People
{
	int count;
	pg_uuid_t ids[PEOPLE_MAX];
} People;

static bool people_find(const PurchaseKey *key, People *people, bool *known);
static bool people_add(People *people, const pg_uuid_t *person);
static bool people_lock(const PurchaseKey *key, People *people, bool *known);
static bool people_try(const PurchaseKey *key, People *people, bool *known);
pg_noreturn static void people_raise_moving(const PurchaseKey *key);

bool
purchase_lock(const PurchaseKey *key)
{
	People people = {0};
	bool known;

	people_find(key, &people, &known);
	for (int tries = 0; known && !people_try(key, &people, &known); tries++)
		if (tries == TRIES)
			people_raise_moving(key);
	return known;
}

/* Whether the tables name somebody who was not found before. */
static bool
people_find(const PurchaseKey *key, People *people, bool *known)
{
	PlanValues values = {0};
	bool grown = false;
	pg_uuid_t person;
	uint64 count;

	purchase_key_bind(&values, key);
	count = plan_execute(&find_people, values.datums, values.nulls, false);
	*known = count > 0;
	for (uint64 i = 0; i < count; i++)
		if (plan_uuid_or_null(i, 1, &person) && people_add(people, &person))
			grown = true;
	return grown;
}

/* False for one who is among them. */
static bool
people_add(People *people, const pg_uuid_t *person)
{
	int place = 0;

	while (place < people->count && memcmp(&people->ids[place], person, UUID_LEN) < 0)
		place++;
	if (place < people->count && memcmp(&people->ids[place], person, UUID_LEN) == 0)
		return false;
	/* more than a few tries find are no purchase's any more */
	if (people->count == PEOPLE_MAX)
		elog(ERROR, "a purchase is of more than %d people", PEOPLE_MAX);
	memmove(&people->ids[place + 1], &people->ids[place],
			(people->count - place) * sizeof(pg_uuid_t));
	people->ids[place] = *person;
	people->count++;
	return true;
}

/* Takes the locks; false if somebody else is concerned by then, who is among the people now. */
static bool
people_lock(const PurchaseKey *key, People *people, bool *known)
{
	PlanValues values = {0};

	for (int i = 0; i < people->count; i++)
		anchor_user_require(&people->ids[i]);
	purchase_key_bind(&values, key);
	plan_execute(&lock_receipt, values.datums, values.nulls, false);
	return !people_find(key, people, known);
}

/* The locks of a try that found too few people are given back with its subtransaction. */
static bool
people_try(const PurchaseKey *key, People *people, bool *known)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool complete = false;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		complete = people_lock(key, people, known);
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		ReThrowError(error);
	}
	PG_END_TRY();
	if (complete)
		ReleaseCurrentSubTransaction();
	else
		RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return complete;
}

static void
people_raise_moving(const PurchaseKey *key)
{
	ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					errmsg("the purchase goes from person to person"),
					errdetail("Transfers took \"%s\" of %s away each time that the people were "
							  "locked who had it.",
							  key->purchase_id, key->source),
					errhint("Call again.")));
}
