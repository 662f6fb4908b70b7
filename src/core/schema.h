/*
 * schema.h: is the schema of the tables the one this code was written for?
 */
#ifndef COURSEBASE_CORE_SCHEMA_H
#define COURSEBASE_CORE_SCHEMA_H

#include "postgres.h"

#include "core/compat.h"

/*
 * Every function that writes calls this first. Raises KB001, with the command that mends it,
 * when the tables are missing or of an older version than the code. A yes is remembered until
 * the table of the version changes its shape; a no never is.
 */
extern void schema_require_current(void);

/* Raises KB001 for tables that are not there. */
pg_noreturn extern void schema_raise_missing(void);

/* Compares versions such as 0.9 and 0.10 number by number: negative, zero or positive. */
extern int schema_version_compare(const char *left, const char *right);

#endif
