/*
 * plan_growth.h: plans that are kept expect tables that grow.
 */
#ifndef COURSEBASE_CORE_PLAN_GROWTH_H
#define COURSEBASE_CORE_PLAN_GROWTH_H

/* Hangs into the planner; called once, at load. Raises nothing. */
extern void plan_growth_init(void);

#endif
