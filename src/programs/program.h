/*
 * program.h: a program, and who may change it.
 */
#ifndef COURSEBASE_PROGRAMS_PROGRAM_H
#define COURSEBASE_PROGRAMS_PROGRAM_H

#include "postgres.h"

#include "commands/trigger.h"
#include "fmgr.h"
#include "utils/uuid.h"

#include "core/compat.h"
#include "core/plan.h"
#include "core/statement_mark.h"

/* The row of a program, which anchors all decisions about what belongs to the program. */
typedef struct Program
{
	pg_uuid_t organization;
	bool is_course; /* delivery_mode: day by day */
} Program;

/*
 * Locks the row FOR NO KEY UPDATE with the rights of the tables' owner; false when there is
 * none. What a call decides about the program it reads after this, with a new snapshot. Needs
 * SPI_connect().
 */
extern bool program_lock(const pg_uuid_t *id, Program *program);

/* The same as program_lock() for a trigger of a statement that holds a row of the program's
 * already (lock_behind.h): also raises KB007. */
extern bool program_lock_behind(const pg_uuid_t *id, Program *program);

/* Locks the row FOR SHARE, which keeps the curriculum still and lets other buyers pass; false
 * when there is none. Needs SPI_connect(). */
extern bool program_share(const pg_uuid_t *id);

/* The organisation of a program, unlocked; false when there is no such program. Needs
 * SPI_connect(). latest false reads with the caller's snapshot. */
extern bool program_organization(const pg_uuid_t *id, bool latest, pg_uuid_t *organization);

/*
 * For triggers that lock before row security judges the row: whether it will refuse the row
 * because the caller is no staff of the organisation. Such a caller must neither lock rows of
 * the organisation nor wait for them.
 */
extern bool writer_is_stranger(TriggerData *data, const pg_uuid_t *organization);

/* The same of the organisation of a program, which it gives; false when there is no such
 * program. Needs SPI_connect(). */
extern bool program_is_strangers(TriggerData *data, const pg_uuid_t *id,
								 pg_uuid_t *organization);

/*
 * How functions for staff begin: raises 42501 for all but the program's staff and the server,
 * KB106 when there is no such program; then locks organisation and program. Needs
 * SPI_connect().
 */
extern void program_enter(const pg_uuid_t *id, Program *program);

/* Marks the UPDATE of publish_course() and archive_course(), which names the time of the
 * change: of a plain UPDATE that sends the former time nobody knows whether it was meant. */
extern StatementMark program_changes_status;

/*
 * Runs a statement that gives one row with an array of uuids, for the user where there is one
 * (NULL: the statement takes none), with the caller's snapshot. The array is the caller's, in
 * the current context.
 */
extern Datum program_ids_read(KeptPlan *plan, const pg_uuid_t *user);

/* Adds the rows of a statement to the answer of a function whose columns are the statement's,
 * in number and type. Needs SPI_connect() and compat_materialize(). */
extern void program_rows_return(FunctionCallInfo fcinfo, KeptPlan *plan, Datum *values);

/*
 * Raises 40001: a lock shows that a row is newer than the snapshot that the transaction keeps
 * (REPEATABLE READ), and no statement of the transaction can read it. Raises KB006 at READ
 * COMMITTED, where a trigger has kept the row (row_kept.h). table: whose row; what: "the
 * payment".
 */
pg_noreturn extern void program_raise_newer(const char *table, const char *what);

#endif
