/*
 * course_grant.h: of which statement is what triggers write.
 */
#ifndef COURSEBASE_SALES_COURSE_GRANT_H
#define COURSEBASE_SALES_COURSE_GRANT_H

#include "postgres.h"

/*
 * Whether triggers of this slice are writing what follows from a statement that wrote grants,
 * access or purchases; sets *since to the command of that statement, the outermost one. For
 * whoever compares with what was before it. Raises nothing.
 */
extern bool course_grant_derived_since(CommandId *since);

#endif
