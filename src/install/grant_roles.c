/*
 * grant_roles.c: names the roles that play the parts anonymous, end user and server; and closes
 * the functions to all others when the extension is made.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "core/schema.h"
#include "install/grants.h"

PG_FUNCTION_INFO_V1(coursebase_close_functions);
PG_FUNCTION_INFO_V1(coursebase_grant_roles);

/*
 * SQL function: close_functions() returns void
 *
 * The script of CREATE EXTENSION calls it behind the last function. An update does not: by then
 * grants are the user's own.
 */
PGDLLEXPORT Datum
coursebase_close_functions(PG_FUNCTION_ARGS)
{
	grants_close_functions();
	PG_RETURN_VOID();
}

/*
 * SQL function: grant_roles(anonymous name, end_user name, server name) returns void
 *
 * NULL leaves a part to nobody. Runs with the caller's rights: only the owner of the tables can
 * grant.
 */
PGDLLEXPORT Datum
coursebase_grant_roles(PG_FUNCTION_ARGS)
{
	GrantRoles roles = {{NULL}};

	schema_require_current();
	for (GrantPart part = 0; part < GRANT_PARTS; part++)
		if (!PG_ARGISNULL(part))
			roles.role[part] = pstrdup(NameStr(*PG_GETARG_NAME(part)));
	grants_set(&roles);
	PG_RETURN_VOID();
}
