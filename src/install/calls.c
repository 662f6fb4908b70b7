/*
 * calls.c: is it clear which functions a statement calls?
 *
 * Somebody may have made another function of the name of one of ours. A call could then be that
 * of either, and the server refuses to analyse it.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/syscache.h"

#include "core/owner.h"
#include "install/calls.h"

static bool call_look(Node *node, void *context);
static int functions_named(const char *name);

bool
call_is_unsure(Node *statement)
{
	return call_look(statement, NULL);
}

static bool
call_look(Node *node, void *context)
{
	List *name;

	if (node == NULL)
		return false;
	name = IsA(node, FuncCall) ? castNode(FuncCall, node)->funcname : NIL;
	if (list_length(name) == 2 &&
		get_namespace_oid(strVal(linitial(name)), true) == owner_schema() &&
		functions_named(strVal(lsecond(name))) != 1)
		return true;
	return raw_expression_tree_walker(node, call_look, context);
}

/* How many functions of the schema have the name. */
static int
functions_named(const char *name)
{
	CatCList *functions = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
	int count = 0;

	for (int i = 0; i < functions->n_members; i++)
	{
		HeapTuple function = &functions->members[i]->tuple;

		if (((Form_pg_proc) GETSTRUCT(function))->pronamespace == owner_schema())
			count++;
	}
	ReleaseSysCacheList(functions);
	return count;
}
