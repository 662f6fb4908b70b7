/*
 * program.h: what the files of the feature share.
 */
#ifndef COURSEBASE_PROGRAMS_PROGRAM_H
#define COURSEBASE_PROGRAMS_PROGRAM_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/uuid.h"

/* What a program's row says, which is the anchor of all that belongs to it. */
typedef struct Program
{
	pg_uuid_t organization;
	bool is_course; /* delivery_mode */
} Program;

/*
 * Locks the row (FOR NO KEY UPDATE) with the owner's rights, within SPI_connect(); false when
 * there is none. What is read next is read with a new snapshot.
 */
extern bool program_lock(const pg_uuid_t *id, Program *program);

/*
 * For the functions that staff call: 42501 for all but the program's staff and the server,
 * KB106 when there is none; then locks it.
 */
extern void program_enter(Datum id, Program *program);

/* Raises 22004 for an argument that is null, by its name. */
extern void program_argument_require(FunctionCallInfo fcinfo, int argument, const char *name);

/* Raises for a time that is null or not finite (22008), which would be written or counted from.
 */
extern void program_time_require(FunctionCallInfo fcinfo, int argument);

#endif
