/*
 * rule.h: one row of an answer that lists rules: (rule text, passed boolean, reason text,
 * detail text), as every explain function gives it.
 */
#ifndef COURSEBASE_CORE_RULE_H
#define COURSEBASE_CORE_RULE_H

#include "postgres.h"

#include "fmgr.h"

/*
 * Adds a row to the result that compat_materialize() made. The texts are copied; reason is NULL
 * in the row of a rule that passed.
 */
extern void rule_return(FunctionCallInfo fcinfo, const char *rule, bool passed,
						const char *reason, const char *detail);

#endif
