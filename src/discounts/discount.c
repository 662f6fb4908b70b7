/*
 * discount.c: may this person use this code on this price, and how is an amount split?
 *
 * The functions answer and change nothing; a "no" is an answer, not an error. They read with
 * the caller's snapshot and take no lock: what they answer may have changed by the time of the
 * use, which asks the same rules again under locks (use.c).
 *
 * Rights: only the server calls them, split_discount() excepted; the facts are read with the
 * rights of the tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "cells/directory.h"
#include "core/compat.h"
#include "core/datum.h"
#include "discounts/amount.h"
#include "discounts/discount.h"

/* The arguments that the two questions have after those of every order. */
enum
{
	ASK_ITEM = DISCOUNT_CURRENCY + 1,
	ASK_AT,
};

static DiscountFacts facts_ask(const DiscountOrder *order);
static void row_put(FunctionCallInfo fcinfo, const DiscountRule *rule, int passed,
					const char *detail);

PG_FUNCTION_INFO_V1(coursebase_validate_discount);
PG_FUNCTION_INFO_V1(coursebase_explain_discount);
PG_FUNCTION_INFO_V1(coursebase_split_discount);

/*
 * SQL function: validate_discount(user_id uuid, code text, product_type text, base_in_cents
 * bigint, currency text, item text, at timestamptz) returns table (valid boolean, reason text,
 * discount_in_cents integer, final_in_cents integer, expires_at timestamptz)
 */
PGDLLEXPORT Datum
coursebase_validate_discount(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	DiscountOrder order = discount_order(fcinfo, ASK_ITEM, ASK_AT);
	DiscountFacts facts;
	const DiscountRule *failed;
	StringInfoData detail;
	Datum values[5] = {0};
	bool nulls[5] = {false};
	int32 amount;
	TimestampTz end;

	initStringInfo(&detail);
	compat_materialize(fcinfo);
	facts = facts_ask(&order);
	failed = discount_verdict(&order, &facts, &detail);
	amount = failed == NULL ? discount_amount(&order, &facts) : 0;
	end = facts.found ? Min(facts.expires_at, facts.entry_expires_at) : DT_NOEND;
	values[0] = BoolGetDatum(failed == NULL);
	nulls[1] = failed == NULL;
	if (failed != NULL)
		values[1] = CStringGetTextDatum(failed->reason);
	values[2] = Int32GetDatum(amount);
	values[3] = Int32GetDatum(order.base - amount);
	values[4] = TimestampTzGetDatum(end);
	nulls[4] = end == DT_NOEND;
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	return (Datum) 0;
}

/*
 * SQL function: explain_discount(user_id uuid, code text, product_type text, base_in_cents
 * bigint, currency text, item text, at timestamptz) returns table (rule text, passed boolean,
 * reason text, detail text)
 */
PGDLLEXPORT Datum
coursebase_explain_discount(PG_FUNCTION_ARGS)
{
	DiscountOrder order = discount_order(fcinfo, ASK_ITEM, ASK_AT);
	DiscountFacts facts;
	StringInfoData detail;

	initStringInfo(&detail);
	compat_materialize(fcinfo);
	facts = facts_ask(&order);
	for (int i = 0; i < discount_nrules; i++)
	{
		int passed = -1; /* not asked: without a code there is nothing to look at */

		resetStringInfo(&detail);
		if (i == 0 || facts.found)
			passed = discount_rules[i].passes(&order, &facts, &detail);
		row_put(fcinfo, &discount_rules[i], passed, detail.data);
	}
	return (Datum) 0;
}

/*
 * SQL function: split_discount(lines bigint[], total bigint) returns bigint[]
 *
 * A strict function: neither argument is null here. The elements of lines are read in place,
 * which a bigint[] without nulls allows.
 */
PGDLLEXPORT Datum
coursebase_split_discount(PG_FUNCTION_ARGS)
{
	ArrayType *lines = PG_GETARG_ARRAYTYPE_P(0);
	int count = ArrayGetNItems(ARR_NDIM(lines), ARR_DIMS(lines));
	DiscountPart *parts;
	Datum *shares;

	if (ARR_NDIM(lines) > 1 || array_contains_nulls(lines))
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
						errmsg("lines must be an array of one dimension without nulls")));
	parts = palloc_extended((count + 1) * sizeof(DiscountPart), MCXT_ALLOC_HUGE);
	if (!discount_split((const int64_t *) ARR_DATA_PTR(lines), count, PG_GETARG_INT64(1),
						parts))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the total cannot be split over the lines"),
						errdetail("A line or the total is negative, or there is no line."),
						errhint("Give lines and a total that are not below 0.")));
	shares = palloc_extended((count + 1) * sizeof(Datum), MCXT_ALLOC_HUGE);
	for (int i = 0; i < count; i++)
		shares[i] = Int64GetDatum(parts[i].share);
	PG_RETURN_DATUM(array_of(INT8OID, shares, NULL, count));
}

/*
 * The facts for a question. A person without an open account may live in another cell: raises
 * KBC01 then, because the rules would say that there is no such person.
 */
static DiscountFacts
facts_ask(const DiscountOrder *order)
{
	DiscountFacts facts;

	SPI_connect();
	facts = discount_facts_read(order, true);
	SPI_finish();
	if (!facts.user_open)
		directory_require_here(&order->user);
	return facts;
}

/* passed below 0: the rule was not asked, and passed and detail are NULL. */
static void
row_put(FunctionCallInfo fcinfo, const DiscountRule *rule, int passed, const char *detail)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum values[] = {CStringGetTextDatum(rule->rule), BoolGetDatum(passed > 0),
					  CStringGetTextDatum(rule->reason), CStringGetTextDatum(detail)};
	bool nulls[] = {false, passed < 0, passed != 0, passed < 0};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}
