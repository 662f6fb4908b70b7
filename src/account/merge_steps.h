/*
 * merge_steps.h: the statements with which one account's rows become another's.
 */
#ifndef COURSEBASE_ACCOUNT_MERGE_STEPS_H
#define COURSEBASE_ACCOUNT_MERGE_STEPS_H

#include "postgres.h"

#include "core/plan.h"

/*
 * Runs them in order: $1 is who keeps, $2 who goes, $3 when; of guests (identity/guest.h) those
 * that are about organisations, and the account itself. The caller has locked both and has
 * triggers off. Needs SPI; overwrites SPI_tuptable. Runs with the rights of the tables' owner
 * and sees what is committed by now.
 */
extern void merge_steps_take(PlanValues *values, bool guests);

#endif
