/*
 * merge_steps.h: the statements with which one account's rows become another's.
 */
#ifndef COURSEBASE_ACCOUNT_MERGE_STEPS_H
#define COURSEBASE_ACCOUNT_MERGE_STEPS_H

#include "postgres.h"

#include "core/plan.h"

/* clang-format off */
/*
 * Codes of which the one who goes keeps the entry and its uses: both hold or have used them, or
 * an order is of both. The code is a column of no k or g, which the subqueries would take for
 * their own.
 */
#define CODE_STAYS(code) \
	"(EXISTS (SELECT FROM coursebase.user_discounts k, coursebase.user_discounts g" \
	"  WHERE k.user_id = $1 AND g.user_id = $2" \
	"  AND k.discount_code_id = " code " AND g.discount_code_id = " code \
	"  AND k.status <> 'assigned' AND g.status <> 'assigned')" \
	" OR EXISTS (SELECT FROM coursebase.discount_redemptions k," \
	"  coursebase.discount_redemptions g WHERE k.user_id = $1 AND g.user_id = $2" \
	"  AND k.order_ref = g.order_ref AND g.discount_code_id = " code "))"
/* clang-format on */

/*
 * Runs them in order: $1 is who keeps, $2 who goes, $3 when; of guests (identity/guest.h) those
 * that are about organisations, and the account itself. The caller has locked both and has
 * triggers off. Needs SPI; overwrites SPI_tuptable. Runs with the rights of the tables' owner
 * and sees what is committed by now.
 */
extern void merge_steps_take(PlanValues *values, bool guests);

#endif
