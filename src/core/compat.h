/*
 * compat.h: the only place where PostgreSQL 15, 16, 17 and 18 differ.
 *
 * A version test anywhere else is a mistake. Nothing here may bind to a symbol that an older
 * minor release of the same major lacks (heap_getattr does, from 15.20, 16.16, 17.12 and 18.7
 * headers on).
 */
#ifndef COURSEBASE_COMPAT_H
#define COURSEBASE_COMPAT_H

#include "postgres.h"

#include "funcapi.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"

#if PG_VERSION_NUM < 150000 || PG_VERSION_NUM >= 190000
#error "coursebase is made for PostgreSQL 15 to 18"
#endif

/* Before 18 the server has only a form that stands behind the declaration. */
#ifndef pg_noreturn
#define pg_noreturn __attribute__((noreturn))
#endif

/* The server's record of a setting, or NULL: find_option() is private in 15. */
static inline struct config_generic *
compat_setting(const char *name)
{
#if PG_VERSION_NUM >= 160000
	return find_option(name, false, true, 0);
#else
	struct config_generic **all = get_guc_variables();
	int count = GetNumConfigOptions();

	for (int i = 0; i < count; i++)
		if (pg_strcasecmp(all[i]->name, name) == 0)
			return all[i];
	return NULL;
#endif
}

/* Makes the function's result a tuplestore in fcinfo->resultinfo; 15.0 knows only the older
 * name. */
static inline void
compat_materialize(FunctionCallInfo fcinfo)
{
#if PG_VERSION_NUM >= 160000
	InitMaterializedSRF(fcinfo, 0);
#else
	SetSingleFuncCall(fcinfo, 0);
#endif
}

#endif
