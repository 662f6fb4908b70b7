/*
 * rules.h: the rules of programs over several rows, as the triggers judge them, and the words
 * in which each is refused.
 */
#ifndef COURSEBASE_PROGRAMS_RULES_H
#define COURSEBASE_PROGRAMS_RULES_H

#include "postgres.h"

#include "commands/trigger.h"
#include "utils/uuid.h"

#include "core/compat.h"
#include "core/plan.h"

/*
 * Runs a statement that names a broken rule in its first column, or gives no row, by what is
 * committed then and what this command did, at any level of isolation; raises the rule's error.
 * Needs SPI_connect() and the lock of the program.
 */
extern void rules_require(KeptPlan *plan, Datum *values);

/* Raises the error of the rule with that name (see rules.c). */
pg_noreturn extern void rule_raise(const char *name);

/*
 * For a row of staff under row security: raises 23503 when the row names an organisation in
 * which the caller is staff and that is not the program's (NULL: there is no such program).
 */
extern void rule_require_organization(TriggerData *data, HeapTuple row,
									  const pg_uuid_t *organization);

/* The row with the program's organisation where none is named; NULL as above. A copy in the
 * current context where something changed. */
extern HeapTuple rule_set_organization(TriggerData *data, HeapTuple row,
									   const pg_uuid_t *organization);

#endif
