/*
 * steps.c: the objects of the schema, as coursebase.steps() lists them.
 *
 * The list belongs to the extension's script and so changes with the code at ALTER EXTENSION
 * UPDATE; what must know the tables and columns (install, the drop guard, the grants) reads it
 * from there and nowhere else.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_proc.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_func.h"
#include "parser/parser.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "plan.h"
#include "steps.h"

static KeptPlan read_steps = {.sql = "SELECT object, ddl FROM coursebase.steps()"};

static Oid steps_owner(void);
static List *steps_fetch(char **version, bool (*wanted)(const char *object));
static Step *step_make(char *object, char *ddl);

List *
steps_read(char **version, bool (*wanted)(const char *object))
{
	Oid owner = steps_owner();
	Oid userid;
	int security_context;
	List *steps;

	if (!OidIsValid(owner))
		return NIL;
	GetUserIdAndSecContext(&userid, &security_context);
	SetUserIdAndSecContext(owner, security_context | SECURITY_LOCAL_USERID_CHANGE);
	steps = steps_fetch(version, wanted);
	SetUserIdAndSecContext(userid, security_context);
	return steps;
}

bool
steps_is_table(const char *object)
{
	return strncmp(object, "table ", 6) == 0;
}

bool
steps_is_grant(const char *object)
{
	return strncmp(object, "grant ", 6) == 0;
}

static Oid
steps_owner(void)
{
	List *name = list_make2(makeString("coursebase"), makeString("steps"));
	Oid function = LookupFuncName(name, 0, NULL, true);
	HeapTuple tuple;
	Oid owner;

	if (!OidIsValid(function))
		return InvalidOid;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	owner = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;
	ReleaseSysCache(tuple);
	return owner;
}

static List *
steps_fetch(char **version, bool (*wanted)(const char *object))
{
	MemoryContext caller = CurrentMemoryContext;
	List *steps = NIL;
	uint64 rows;

	SPI_connect();
	rows = plan_execute(&read_steps, NULL, NULL, false);
	for (uint64 row = 0; row < rows; row++)
	{
		char *object = plan_text(row, 1);
		char *ddl = plan_text(row, 2);
		MemoryContext procedure;

		if (strcmp(object, "version") == 0)
		{
			if (version != NULL)
				*version = ddl;
			continue;
		}
		if (wanted != NULL && !wanted(object))
			continue;
		procedure = MemoryContextSwitchTo(caller);
		steps = lappend(steps, step_make(object, ddl));
		MemoryContextSwitchTo(procedure);
	}
	SPI_finish();
	return steps;
}

static Step *
step_make(char *object, char *ddl)
{
	Step *step = palloc(sizeof(Step));
	List *parsed = raw_parser(ddl, RAW_PARSE_DEFAULT);

	if (list_length(parsed) != 1)
		elog(ERROR, "step \"%s\" is not one statement", object);
	step->object = object;
	step->ddl = ddl;
	step->statement = linitial_node(RawStmt, parsed)->stmt;
	return step;
}
