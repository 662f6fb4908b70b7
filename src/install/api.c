/*
 * api.c: make_api() makes a schema of views and functions for gateways.
 *
 * The schema coursebase holds functions that only policies call, and what belongs to an
 * extension is hidden by PostGraphile and pg_graphql. What stands in the schema that make_api()
 * makes belongs to nobody's extension, so that a dump has it, as it has the tables.
 *
 * Invariants: views run with the rights of whoever reads them, functions with those of whoever
 * calls them, so that the schema gives nobody more than coursebase does. Nothing is made in a
 * schema in which a role that is not trusted has or may make an object.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "core/args.h"
#include "core/compat.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/schema.h"
#include "core/trust.h"

/* The columns of both statements. */
enum
{
	STEP_OBJECT = 1,
	STEP_DDL,
};

/* The schema is made first, alone: only then can be told whose it is. */
static KeptPlan read_schema = {
	.sql = "SELECT object, ddl FROM coursebase.api_steps($1, $2) WHERE object LIKE 'schema %'",
	.nargs = 2,
	.types = {NAMEOID, BOOLOID},
};
static KeptPlan read_objects = {
	.sql =
		"SELECT object, ddl FROM coursebase.api_steps($1, $2) WHERE object NOT LIKE 'schema %'",
	.nargs = 2,
	.types = {NAMEOID, BOOLOID},
};

static void require_owner(void);
static void require_name(const char *schema);
static void run_steps(KeptPlan *plan, FunctionCallInfo fcinfo);

PG_FUNCTION_INFO_V1(coursebase_make_api);

/*
 * SQL function: make_api(schema name, graphql boolean) returns table (object text, ddl text)
 *
 * Works with the rights of the caller.
 */
PGDLLEXPORT Datum
coursebase_make_api(PG_FUNCTION_ARGS)
{
	const char *schema;

	schema_require_current();
	args_require_all(fcinfo);
	schema = NameStr(*PG_GETARG_NAME(0));
	require_owner();
	require_name(schema);
	compat_materialize(fcinfo);
	run_steps(&read_schema, fcinfo);
	trust_require_foreign_schema(schema);
	run_steps(&read_objects, fcinfo);
	return (Datum) 0;
}

/* make_api() shows the tables to gateways, which is for nobody else to decide. */
static void
require_owner(void)
{
	Oid owner = owner_of_tables();

	if (!has_privs_of_role(GetUserId(), owner))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("only the owner of coursebase's tables may run make_api()"),
						errdetail("They belong to \"%s\".", GetUserNameFromId(owner, false))));
}

/* Views of coursebase in coursebase itself would take the names of its own tables; an empty
 * name is none that CREATE SCHEMA takes. */
static void
require_name(const char *schema)
{
	if (schema[0] == '\0' || strcmp(schema, "coursebase") == 0 ||
		strncmp(schema, "pg_", 3) == 0 || strcmp(schema, "information_schema") == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("schema \"%s\" cannot be made for gateways", schema),
						errhint("Name a schema of your own, such as api.")));
}

/*
 * The steps are copied out first: each that runs takes the place of what SPI answered. They are
 * read with the owner's rights, and run with the caller's.
 */
static void
run_steps(KeptPlan *plan, FunctionCallInfo fcinfo)
{
	ReturnSetInfo *report = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum values[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	OwnerRights rights;
	uint64 count;
	char **objects;
	char **statements;

	SPI_connect();
	rights = owner_confine(owner_of_tables());
	count = plan_execute(plan, values, NULL, false);
	owner_leave(rights);
	objects = palloc_array(char *, count);
	statements = palloc_array(char *, count);
	for (uint64 row = 0; row < count; row++)
	{
		objects[row] = plan_text_required(row, STEP_OBJECT);
		statements[row] = plan_text_required(row, STEP_DDL);
	}
	for (uint64 row = 0; row < count; row++)
	{
		Datum answer[] = {CStringGetTextDatum(objects[row]),
						  CStringGetTextDatum(statements[row])};
		bool nulls[] = {false, false};

		CHECK_FOR_INTERRUPTS();
		plan_execute_once(statements[row]);
		tuplestore_putvalues(report->setResult, report->setDesc, answer, nulls);
	}
	SPI_finish();
}
