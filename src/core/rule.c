/*
 * rule.c: one row of an answer that lists rules.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "core/compat.h"
#include "core/rule.h"

void
rule_return(FunctionCallInfo fcinfo, const char *rule, bool passed, const char *reason,
			const char *detail)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	bool nulls[] = {false, false, passed, false};
	Datum values[] = {CStringGetTextDatum(rule), BoolGetDatum(passed),
					  passed ? (Datum) 0 : CStringGetTextDatum(reason),
					  CStringGetTextDatum(detail)};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}
