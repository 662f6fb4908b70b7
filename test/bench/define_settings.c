/*
 * define_settings.c: what loading a library costs that defines as many settings as coursebase
 * does, and nothing else. Before version 16 the server sorts all its settings again for each of
 * them. Nothing of coursebase; built and thrown away by test/bench/run.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/guc.h"

PG_MODULE_MAGIC;

static const char *const names[] = {"bench.http_errors", "bench.allow_drop", "bench.claims",
									"bench.claims.sub"};
static bool values[lengthof(names)];

extern PGDLLEXPORT void _PG_init(void);

PG_FUNCTION_INFO_V1(settings_none);

void
_PG_init(void)
{
	for (int i = 0; i < lengthof(names); i++)
		DefineCustomBoolVariable(names[i], "Of the benchmark.", NULL, &values[i], false,
								 PGC_USERSET, 0, NULL, NULL, NULL);
}

/* SQL function: settings_none() returns boolean */
PGDLLEXPORT Datum
settings_none(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(false);
}
