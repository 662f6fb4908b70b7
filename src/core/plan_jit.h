/*
 * plan_jit.h: plans that are kept are not compiled.
 */
#ifndef COURSEBASE_CORE_PLAN_JIT_H
#define COURSEBASE_CORE_PLAN_JIT_H

/* Hangs into the planner; called once, at load. Raises nothing. */
extern void plan_jit_init(void);

#endif
