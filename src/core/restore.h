/*
 * restore.h: is a dump being restored?
 */
#ifndef COURSEBASE_CORE_RESTORE_H
#define COURSEBASE_CORE_RESTORE_H

#include "postgres.h"

/*
 * Everything that pg_dump writes begins by setting check_function_bodies off in the session. A
 * dump brings both what is derived and what it was derived from: triggers that derive stand
 * aside. Only for a session that may restore: what a user of the tables sets changes nothing.
 */
extern bool restore_under_way(void);

#endif
