/*
 * late_commit.c: a commit that everybody sees, and of which nobody has been told yet. While the
 * file that late_commit.file names is there, the session waits between the two.
 */
#include "postgres.h"

#include <unistd.h>

#include "access/xact.h"
#include "fmgr.h"
#include "utils/guc.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);

static char *file = NULL;

/* The server calls this once the snapshots of others show the transaction as committed, and
 * before it sends the invalidations of the transaction. */
static void
on_transaction_end(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT && file != NULL && *file != '\0')
		while (access(file, F_OK) == 0)
			pg_usleep(1000);
}

void
_PG_init(void)
{
	DefineCustomStringVariable("late_commit.file", "Holds up a commit.", NULL, &file, NULL,
							   PGC_USERSET, 0, NULL, NULL, NULL);
	RegisterXactCallback(on_transaction_end, NULL);
}
