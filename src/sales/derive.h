/*
 * derive.h: statements that write what follows for people who are locked already.
 */
#ifndef COURSEBASE_SALES_DERIVE_H
#define COURSEBASE_SALES_DERIVE_H

#include "postgres.h"

#include "core/plan.h"

/*
 * Runs a statement (with its values, NULL for none) that inserts grants with their ends, or the
 * access that grants give, with the rights of the tables' owner and a snapshot of this moment.
 * The triggers that would lock each person, look for a sale that is meant, or record the grant
 * of an access, stand back: the statement has seen to that for all rows at once. Needs
 * SPI_connect() and the people's locks.
 */
extern void derive_execute(KeptPlan *plan, Datum *values);

/* Whether such a statement fired the trigger that asks. */
extern bool derive_under_way(void);

#endif
