/*
 * derive.c: statements that write what follows for people who are locked already.
 *
 * A sale, or a course that is added to a product, may write rows for a hundred thousand people
 * in one statement. Triggers for each row would look up again what the statement has decided.
 */
#include "postgres.h"

#include "core/owner.h"
#include "identity/anchor.h"
#include "sales/derive.h"

static bool under_way;

/*
 * While the statement runs, triggers for its rows see under_way and leave out what the
 * statement has decided; anchor_held says that the people are locked. Both go back to what they
 * were, after an error as well: a statement of this kind may run within another.
 */
void
derive_execute(KeptPlan *plan, Datum *values)
{
	bool outer = under_way;
	bool held = anchor_held;

	under_way = anchor_held = true;
	PG_TRY();
	{
		owner_execute_latest(plan, values, NULL);
	}
	PG_FINALLY();
	{
		under_way = outer;
		anchor_held = held;
	}
	PG_END_TRY();
}

bool
derive_under_way(void)
{
	return under_way;
}
