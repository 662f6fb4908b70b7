/*
 * claims_holder.c: another library that defines the settings of the claims before ours is
 * loaded.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/guc.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);

static char *token = NULL;
static char *subject = NULL;

void
_PG_init(void)
{
	DefineCustomStringVariable("request.jwt.claims", "Another's.", NULL, &token, NULL,
							   PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("request.jwt.claim.sub", "Another's.", NULL, &subject, NULL,
							   PGC_USERSET, 0, NULL, NULL, NULL);
}
