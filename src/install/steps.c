/*
 * steps.c: the objects of the schema, as coursebase.steps() lists them.
 *
 * The list belongs to the extension's script and so changes with the code at ALTER EXTENSION
 * UPDATE; what must know the tables and columns (install, the drop guard, the grants) reads
 * the list from there and nowhere else. Any caller may cause the list to be read (the guard
 * runs for every DDL command), so that no right of the caller's is asked for on the way.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_proc.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "parser/parser.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#include "core/owner.h"
#include "core/plan.h"
#include "core/session_setting.h"
#include "install/steps.h"

enum
{
	STEP_OBJECT = 1,
	STEP_DDL,
};

static HeapTuple steps_function(void);
static char *steps_source(void);
static List *steps_fetch(char **version, bool (*wanted)(const char *object));
static Step *step_make(char *object, char *ddl);

List *
steps_read(char **version, bool (*wanted)(const char *object))
{
	Oid owner = steps_owner();
	Oid userid;
	int security_context;
	int settings;
	List *steps;

	if (!OidIsValid(owner))
		return NIL;
	GetUserIdAndSecContext(&userid, &security_context);
	SetUserIdAndSecContext(owner, security_context | SECURITY_LOCAL_USERID_CHANGE);
	settings = session_settings_begin();
	/* as the function has it: what its owner wrote into it names nothing of the caller's */
	session_setting_set("search_path", "pg_catalog, pg_temp");
	steps = steps_fetch(version, wanted);
	session_settings_end(settings);
	SetUserIdAndSecContext(userid, security_context);
	return steps;
}

Oid
steps_owner(void)
{
	HeapTuple function = steps_function();
	Oid owner;

	if (!HeapTupleIsValid(function))
		return InvalidOid;
	owner = ((Form_pg_proc) GETSTRUCT(function))->proowner;
	ReleaseSysCache(function);
	return owner;
}

/*
 * CREATE OR REPLACE and ALTER FUNCTION write a new version of the row: its xmin and place
 * change, its oid may not.
 */
bool
steps_key(StepsKey *key)
{
	HeapTuple function = steps_function();

	if (!HeapTupleIsValid(function))
		return false;
	key->function = ((Form_pg_proc) GETSTRUCT(function))->oid;
	key->xmin = HeapTupleHeaderGetRawXmin(function->t_data);
	key->tid = function->t_self;
	ReleaseSysCache(function);
	return true;
}

bool
steps_key_equals(StepsKey *left, StepsKey *right)
{
	return left->function == right->function && left->xmin == right->xmin &&
		   ItemPointerEquals(&left->tid, &right->tid);
}

bool
steps_is_table(const char *object)
{
	return strncmp(object, "table ", 6) == 0;
}

bool
steps_is_type(const char *object)
{
	return strncmp(object, "type ", 5) == 0;
}

bool
steps_is_grant(const char *object)
{
	return strncmp(object, "grant ", 6) == 0;
}

/* coursebase.steps() in the catalogue, to be released; NULL when there is none. */
static HeapTuple
steps_function(void)
{
	oidvector *no_arguments = buildoidvector(NULL, 0);

	return SearchSysCache3(PROCNAMEARGSNSP, CStringGetDatum("steps"),
						   PointerGetDatum(no_arguments), ObjectIdGetDatum(owner_schema()));
}

/*
 * The text of the function, which is one VALUES (sql/script.awk). A call by name fails where
 * somebody made another function of the name whose arguments have defaults, and the guard,
 * which reads the steps, would refuse to drop that one.
 */
static char *
steps_source(void)
{
	HeapTuple function = steps_function();
	bool null;
	char *source = TextDatumGetCString(
		SysCacheGetAttr(PROCNAMEARGSNSP, function, Anum_pg_proc_prosrc, &null));

	ReleaseSysCache(function);
	return source;
}

/*
 * The steps are made in the caller's context, one by one: parse trees are allocated where the
 * parser runs, and SPI's context goes at SPI_finish().
 */
static List *
steps_fetch(char **version, bool (*wanted)(const char *object))
{
	MemoryContext caller = CurrentMemoryContext;
	List *steps = NIL;
	uint64 rows;

	SPI_connect();
	rows = plan_execute_once(steps_source());
	for (uint64 row = 0; row < rows; row++)
	{
		char *object = plan_text(row, STEP_OBJECT);
		char *ddl = plan_text(row, STEP_DDL);
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

/*
 * The statement is parsed only, not analysed: it may name objects that an earlier step makes.
 */
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
