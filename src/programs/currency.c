/*
 * currency.c: the currency of an organisation, of its plans and of its payments.
 *
 * Invariants: a plan has the currency of its organisation; the currency of an organisation
 * stays once one of its plans has a price, and plans without a price follow it. A payment
 * that names no currency is in the organisation's.
 *
 * Locks: the row of the organisation anchors its currency. An UPDATE of the organisation holds
 * the row; a plan locks it FOR SHARE, so that the currency cannot change before the plan is
 * committed.
 *
 * Rights: the triggers run as who writes; they lock, read and write other rows with the rights
 * of the tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/fmgrprotos.h"

#include "core/errors.h"
#include "core/lock_behind.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/row_trigger.h"
#include "programs/program.h"
#include "programs/rules.h"

#define READ_CURRENCY "SELECT currency::text FROM coursebase.organizations WHERE id = $1"
#define ONE_ID        .nargs = 1, .types = {UUIDOID}
/*
 * The statement holds the row of the plan when the trigger locks the organisation; whoever
 * changes an organisation's currency takes both in the opposite order (renew_plans). Hence
 * core/lock_behind.h.
 */
static LockBehind share_currency = {
	.wait = {.sql = READ_CURRENCY " FOR SHARE", ONE_ID},
	.skip = {.sql = READ_CURRENCY " FOR SHARE SKIP LOCKED", ONE_ID},
	.there = {.sql = "SELECT tableoid, ctid FROM coursebase.organizations WHERE id = $1",
			  ONE_ID},
	.mode = LockTupleShare,
	.single = true,
};
static KeptPlan read_currency = {.sql = READ_CURRENCY, ONE_ID};
static KeptPlan read_priced = {
	.sql = "SELECT name FROM coursebase.plans WHERE organization_id = $1"
		   " AND price_in_cents > 0 ORDER BY id LIMIT 1",
	.nargs = 1,
	.types = {UUIDOID},
};
/* The trigger of plans, which reads the organisation anew, sets the same currency. */
static KeptPlan renew_plans = {
	.sql = "UPDATE coursebase.plans SET currency = $2 WHERE organization_id = $1",
	.nargs = 2,
	.types = {UUIDOID, TEXTOID},
};

static HeapTuple currency_set(TriggerData *data, HeapTuple row, const pg_uuid_t *organization);
static void plan_require_program(TriggerData *data, HeapTuple row);

PG_FUNCTION_INFO_V1(coursebase_tg_plans__currency);
PG_FUNCTION_INFO_V1(coursebase_tg_payment_transactions__currency);
PG_FUNCTION_INFO_V1(coursebase_tg_organizations__currency);

/*
 * SQL function: tg_plans__currency() returns trigger
 *
 * Without an organisation the currency is XXX, which stands for none: the key refuses the row.
 */
PGDLLEXPORT Datum
coursebase_tg_plans__currency(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_plans__currency", ROW_BEFORE_WRITE);
	HeapTuple row = trigger_written_row(data);
	pg_uuid_t id;

	if (!trigger_uuid(data, row, "organization_id", &id))
		return PointerGetDatum(row);
	SPI_connect();
	plan_require_program(data, row);
	SPI_finish();
	return PointerGetDatum(currency_set(data, row, &id));
}

/* SQL function: tg_payment_transactions__currency() returns trigger. For a row without one. */
PGDLLEXPORT Datum
coursebase_tg_payment_transactions__currency(PG_FUNCTION_ARGS)
{
	TriggerData *data =
		trigger_expect(fcinfo, "tg_payment_transactions__currency", ROW_BEFORE_WRITE);
	HeapTuple row = trigger_written_row(data);
	pg_uuid_t id;

	if (!trigger_uuid(data, row, "organization_id", &id))
		return PointerGetDatum(row);
	return PointerGetDatum(currency_set(data, row, &id));
}

/* SQL function: tg_organizations__currency() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_organizations__currency(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_organizations__currency", ROW_AFTER_UPDATE);
	PlanValues values = {0};

	plan_bind(&values, trigger_value_as(data, data->tg_newtuple, "id", UUIDOID));
	plan_bind_text(&values, trigger_text(data, data->tg_newtuple, "currency"));
	SPI_connect();
	/* the UPDATE holds the organisation: a plan that got a price before is committed and found,
	 * one that comes later waits and finds the new currency */
	if (owner_execute_latest(&read_priced, values.datums, NULL) > 0)
		ereport(ERROR, (errcode(ERRCODE_CB_CURRENCY_FIXED),
						errmsg("the currency of an organisation that has prices stays"),
						errdetail("Its plan \"%s\" has one.", plan_text_required(0, 1)),
						errhint("Make another organisation for another currency.")));
	owner_execute(&renew_plans, values.datums, NULL, false);
	SPI_finish();
	return PointerGetDatum(NULL);
}

/* The row in the organisation's currency, a copy in the current context. */
static HeapTuple
currency_set(TriggerData *data, HeapTuple row, const pg_uuid_t *organization)
{
	const char *currency = "XXX";
	Datum key = UUIDPGetDatum(organization);
	Datum value;

	SPI_connect();
	/* row security will refuse a stranger's row, which locks nothing */
	if ((writer_is_stranger(data, organization)
			 ? owner_execute_latest(&read_currency, &key, NULL)
			 : lock_behind(&share_currency, &key)) > 0)
		currency = plan_text_required(0, 1);
	SPI_finish();
	value = DirectFunctionCall3(bpcharin, CStringGetDatum(currency),
								ObjectIdGetDatum(InvalidOid), Int32GetDatum(VARHDRSZ + 3));
	return trigger_set_as(data, row, "currency", BPCHAROID, value, false);
}

/* A plan may sell no program; one that sells a program names the program's organisation. */
static void
plan_require_program(TriggerData *data, HeapTuple row)
{
	pg_uuid_t program;
	pg_uuid_t organization;
	bool found;

	if (!trigger_uuid(data, row, "program_id", &program))
		return;
	found = program_organization(&program, true, &organization);
	rule_require_organization(data, row, found ? &organization : NULL);
}
