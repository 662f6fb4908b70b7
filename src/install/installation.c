/*
 * installation.c: what is installed, for those who look after it; the answer never fails for
 * want of tables, because that is one of the things to be told.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"

#include "core/compat.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/schema.h"
#include "install/citus.h"

/* Of both statements. */
enum
{
	REPORT_NAME = 1,
	REPORT_VALUE,
};

static KeptPlan read_version = {
	.sql = "SELECT 'schema version', version FROM coursebase.schema_version",
};
static KeptPlan read_parts = {
	.sql = "SELECT part, role_name::text FROM coursebase.granted_roles ORDER BY part",
};

static void report_rows(ReturnSetInfo *report, const char *table, KeptPlan *plan);
static bool owner_may_read(Oid owner);
static void report_citus(ReturnSetInfo *report);
static void report_row(ReturnSetInfo *report, char *name, char *value);

PG_FUNCTION_INFO_V1(coursebase_installation);
PG_FUNCTION_INFO_V1(coursebase_assert_schema_current);

/*
 * SQL function: installation() returns table (name text, value text)
 *
 * Reads with the owner's rights.
 */
PGDLLEXPORT Datum
coursebase_installation(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *report = (ReturnSetInfo *) fcinfo->resultinfo;

	compat_materialize(fcinfo);
	report_row(report, "library version", COURSEBASE_VERSION);
	report_rows(report, "schema_version", &read_version);
	report_rows(report, "granted_roles", &read_parts);
	report_citus(report);
	return (Datum) 0;
}

/*
 * SQL function: assert_schema_current() returns void
 *
 * For functions in SQL that write; those in C ask for themselves.
 */
PGDLLEXPORT Datum
coursebase_assert_schema_current(PG_FUNCTION_ARGS)
{
	schema_require_current();
	PG_RETURN_VOID();
}

static void
report_rows(ReturnSetInfo *report, const char *table, KeptPlan *plan)
{
	Oid owner = owner_of_tables();
	uint64 rows;

	if (!OidIsValid(owner) || !owner_may_read(owner) ||
		!OidIsValid(get_relname_relid(table, owner_schema())))
		return;
	SPI_connect();
	rows = owner_execute(plan, NULL, NULL, true);
	for (uint64 row = 0; row < rows; row++)
		report_row(report, plan_text_required(row, REPORT_NAME),
				   plan_text_required(row, REPORT_VALUE));
	SPI_finish();
}

/* An ordinary role that owns the tables has no right to the schema any more where a dump was
 * restored without its GRANTs; lint() tells it. */
static bool
owner_may_read(Oid owner)
{
	return DatumGetBool(DirectFunctionCall3(has_schema_privilege_id_id, ObjectIdGetDatum(owner),
											ObjectIdGetDatum(owner_schema()),
											CStringGetTextDatum("USAGE")));
}

/* A worker tells of itself only until install() has run there: its functions then refuse. */
static void
report_citus(ReturnSetInfo *report)
{
	CitusPlace place = citus_place();

	if (place == CITUS_NONE)
		return;
	report_row(report, "citus", place == CITUS_WORKER ? "worker" : "coordinator");
	report_row(report, "citus workers", citus_workers());
}

static void
report_row(ReturnSetInfo *report, char *name, char *value)
{
	Datum values[] = {CStringGetTextDatum(name), CStringGetTextDatum(value)};
	bool nulls[] = {false, false};

	tuplestore_putvalues(report->setResult, report->setDesc, values, nulls);
}
