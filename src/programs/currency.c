/*
 * currency.c: the currency of an organisation and that of its plans.
 *
 * Invariant: the currency of an organisation stays once one of its plans has a price; plans
 * without a price follow it.
 *
 * Locks: the row of the organisation, which the UPDATE holds, anchors its currency.
 *
 * Rights: the trigger runs as who writes, and reads and writes plans with the owner's.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/row_trigger.h"

static KeptPlan read_priced = {
	.sql = "SELECT name FROM coursebase.plans WHERE organization_id = $1"
		   " AND price_in_cents > 0 ORDER BY id LIMIT 1",
	.nargs = 1,
	.types = {UUIDOID},
};
/* The trigger of plans copies the currency. */
static KeptPlan renew_plans = {
	.sql = "UPDATE coursebase.plans SET currency = $2 WHERE organization_id = $1",
	.nargs = 2,
	.types = {UUIDOID, TEXTOID},
};

PG_FUNCTION_INFO_V1(coursebase_tg_organizations__currency);

/* SQL function: tg_organizations__currency() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_organizations__currency(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_organizations__currency", ROW_AFTER_UPDATE);
	Datum values[2] = {trigger_value(data, data->tg_newtuple, "id"),
					   CStringGetTextDatum(SPI_getvalue(
						   data->tg_newtuple, RelationGetDescr(data->tg_relation),
						   SPI_fnumber(RelationGetDescr(data->tg_relation), "currency")))};

	SPI_connect();
	if (owner_execute_latest(&read_priced, values, NULL) > 0)
		ereport(ERROR, (errcode(ERRCODE_CB_CURRENCY_FIXED),
						errmsg("the currency of an organisation that has prices stays"),
						errdetail("Its plan \"%s\" has one.", plan_text_required(0, 1)),
						errhint("Make another organisation for another currency.")));
	owner_execute(&renew_plans, values, NULL, false);
	SPI_finish();
	return PointerGetDatum(NULL);
}
