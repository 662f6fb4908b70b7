/*
 * derive.c: statements that write what follows for people who are locked already.
 *
 * A sale, or a course that is added to a product, may write rows for a hundred thousand people
 * in one statement. Triggers for each row would look up again what the statement has decided.
 */
#include "postgres.h"

#include "core/owner.h"
#include "core/statement_mark.h"
#include "identity/anchor.h"
#include "sales/derive.h"

static StatementMark under_way;

/*
 * Triggers that the statement fires see under_way and leave out what the statement has decided;
 * anchor_held says that the people are locked. Both go back to what they were, after an error
 * as well: a statement of this kind may run within another.
 */
void
derive_execute(KeptPlan *plan, Datum *values)
{
	StatementMark outer = statement_mark_set(&under_way);
	StatementMark held = statement_mark_set(&anchor_held);

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
	return statement_mark_fires(&under_way);
}
