/*
 * citus.h: a database whose server is part of a cluster of Citus.
 */
#ifndef COURSEBASE_INSTALL_CITUS_H
#define COURSEBASE_INSTALL_CITUS_H

#include "postgres.h"

#include "fmgr.h"

/* What this server is: alone (no Citus here), the coordinator, or a worker. */
typedef enum CitusPlace
{
	CITUS_NONE,
	CITUS_COORDINATOR,
	CITUS_WORKER,
} CitusPlace;

/* Reads Citus' own tables with the caller's rights, which anybody has. Allocates nothing. */
extern CitusPlace citus_place(void);

/* How many workers are attached, as text in the current context; for a coordinator. */
extern char *citus_workers(void);

/*
 * Makes every member function that answers from tables refuse (KBC02) from now on, and reports
 * a row for each. Runs DDL with the current user's rights: 42501 unless it owns the functions.
 * Must not be called while the server records members of an extension.
 */
extern void citus_turn_away(ReturnSetInfo *report);

/* Raises KBC02 where the functions refuse, and this server is a worker no more. */
extern void citus_require_answers(void);

/* Keeps Citus from sending DDL to workers until the settings of this level end. */
extern void citus_keep_local(void);

#endif
