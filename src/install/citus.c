/*
 * citus.c: coursebase beside Citus: it lives on the coordinator, whole, and nothing distributes
 * it.
 *
 * Citus repeats CREATE EXTENSION on every worker, where tables of ours would be empty: a
 * customer would look like nobody. So install() makes no table on a worker; it gives each
 * function another body, which refuses. A server without Citus pays nothing for that, not even
 * a test.
 *
 * Which functions: all members but those that are IMMUTABLE, which answer from their arguments,
 * and those without which the extension could not be made or updated there. ALTER EXTENSION
 * UPDATE brings the bodies back, and its install() takes them away once more.
 */
#include "postgres.h"

#include "catalog/pg_namespace.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"

#include "core/compat.h"
#include "core/errors.h"
#include "core/plan.h"
#include "core/session_setting.h"
#include "install/citus.h"
#include "install/utility.h"

/* A cluster has one such row a server; the coordinator's group is 0. */
static KeptPlan read_group = {
	.sql = "SELECT FROM pg_catalog.pg_dist_local_group WHERE groupid > 0",
};
static KeptPlan read_workers = {
	.sql = "SELECT count(*)::text FROM pg_catalog.pg_dist_node WHERE groupid > 0 AND isactive",
};

/* The columns of read_functions. */
enum
{
	FUNCTION_NAME = 1,
	FUNCTION_DDL,
};

/*
 * The server's own text of each function, up to its body, with the body that refuses: so
 * everything else about it stays. What refuses already is left out.
 */
static KeptPlan read_functions = {
	.sql = "SELECT p.proname::text, pg_catalog.concat(pg_catalog.regexp_replace("
		   "  pg_catalog.split_part(pg_catalog.pg_get_functiondef(p.oid), E'\\nAS ', 1),"
		   "  E'\\n LANGUAGE [^\\n]*', E'\\n LANGUAGE c'),"
		   "  E'\\nAS ', pg_catalog.quote_literal(b.probin), ', ''coursebase_on_worker''')"
		   " FROM pg_catalog.pg_extension e"
		   " JOIN pg_catalog.pg_depend d ON d.refobjid = e.oid AND d.deptype = 'e'"
		   "  AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass"
		   "  AND d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass"
		   " JOIN pg_catalog.pg_proc p ON p.oid = d.objid"
		   " JOIN pg_catalog.pg_proc b ON b.pronamespace = p.pronamespace AND b.proname = "
		   "'install'"
		   " WHERE e.extname = 'coursebase' AND p.provolatile <> 'i'"
		   "  AND p.proname NOT IN ('assert_schema_owner', 'install', 'guard')"
		   "  AND p.prosrc <> 'coursebase_on_worker' ORDER BY p.oid",
};
static KeptPlan read_refusing = {
	.sql = "SELECT FROM pg_catalog.pg_proc p"
		   " JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace"
		   " WHERE n.nspname = 'coursebase' AND p.prosrc = 'coursebase_on_worker' LIMIT 1",
};

static bool finds(KeptPlan *plan);

PG_FUNCTION_INFO_V1(coursebase_on_worker);

/* SQL function: on a worker, any of coursebase's */
PGDLLEXPORT Datum
coursebase_on_worker(PG_FUNCTION_ARGS)
{
	ereport(ERROR,
			(errcode(ERRCODE_CB_ON_WORKER), errmsg("coursebase lives on the coordinator"),
			 errdetail("This server is a worker of Citus, and holds nothing of it."),
			 errhint("Connect to the coordinator.")));
}

/*
 * pg_dist_local_group exists only with Citus, so that a server without it runs no statement
 * here.
 */
CitusPlace
citus_place(void)
{
	if (!OidIsValid(get_relname_relid("pg_dist_local_group", PG_CATALOG_NAMESPACE)))
		return CITUS_NONE;
	return finds(&read_group) ? CITUS_WORKER : CITUS_COORDINATOR;
}

/* The number is copied into the caller's memory before SPI_finish() frees it. */
char *
citus_workers(void)
{
	MemoryContext caller = CurrentMemoryContext;
	char *count;

	SPI_connect();
	plan_execute(&read_workers, NULL, NULL, true);
	count = MemoryContextStrdup(caller, plan_text_required(0, 1));
	SPI_finish();
	return count;
}

/* The statements are copied out first: each that runs takes the place of what SPI answered. */
void
citus_turn_away(ReturnSetInfo *report)
{
	bool nulls[] = {false, false};
	uint64 count;
	char **names;
	char **statements;

	SPI_connect();
	count = plan_execute(&read_functions, NULL, NULL, true);
	names = palloc_array(char *, count);
	statements = palloc_array(char *, count);
	for (uint64 row = 0; row < count; row++)
	{
		names[row] = plan_text_required(row, FUNCTION_NAME);
		statements[row] = plan_text_required(row, FUNCTION_DDL);
	}
	for (uint64 row = 0; row < count; row++)
	{
		Datum answer[] = {CStringGetTextDatum(psprintf("function %s", names[row])),
						  CStringGetTextDatum("refuses")};

		CHECK_FOR_INTERRUPTS();
		utility_run_text(statements[row]);
		tuplestore_putvalues(report->setResult, report->setDesc, answer, nulls);
	}
	SPI_finish();
}

/*
 * A worker whose functions refuse may later become a server of its own: the bodies are gone
 * then, and only CREATE EXTENSION brings them back.
 */
void
citus_require_answers(void)
{
	if (!finds(&read_refusing))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CB_ON_WORKER),
			 errmsg("the functions of coursebase are those of a worker of Citus"),
			 errdetail("This server is none now, and install() has not their bodies."),
			 errhint("Run DROP EXTENSION coursebase, then CREATE EXTENSION coursebase.")));
}

/*
 * Citus would repeat DDL about types, views and grants on workers, which have no tables for it.
 * Until the caller's session_settings_end().
 */
void
citus_keep_local(void)
{
	if (compat_setting("citus.enable_ddl_propagation") != NULL)
		session_setting_set("citus.enable_ddl_propagation", "off");
}

static bool
finds(KeptPlan *plan)
{
	bool found;

	SPI_connect();
	found = plan_execute(plan, NULL, NULL, true) > 0;
	SPI_finish();
	return found;
}
