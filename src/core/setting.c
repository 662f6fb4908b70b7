/*
 * setting.c: values of the business's settings, the rows of coursebase.settings.
 *
 * That a value is of its kind is a constraint of the table. Read straight from the index, or by
 * a statement with the owner's rights.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "core/fetch.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/setting.h"

static FetchSource setting_by_name = {
	.table = "settings",
	.index = "settings_pkey",
	.nkeys = 1,
	.keys = {{"name", TEXTOID}},
	.ncolumns = 2,
	.columns = {{"value", TEXTOID, true}, {"default_value", TEXTOID}},
};

static KeptPlan read_setting = {
	.sql = "SELECT coalesce(value, default_value) FROM coursebase.settings "
		   "WHERE name OPERATOR(pg_catalog.=) $1",
	.nargs = 1,
	.types = {TEXTOID},
};

static char *setting_fetch(Datum name);
static char *setting_query(Datum name);

char *
setting_text(const char *name)
{
	Datum key = CStringGetTextDatum(name);
	char *text = ActiveSnapshotSet() ? setting_fetch(key) : NULL;

	if (text == NULL)
		text = setting_query(key);
	if (text == NULL)
		elog(ERROR, "no setting is named \"%s\"", name);
	return text;
}

int64
setting_integer(const char *name)
{
	return DatumGetInt64(DirectFunctionCall1(int8in, CStringGetDatum(setting_text(name))));
}

bool
setting_boolean(const char *name)
{
	return strcmp(setting_text(name), "true") == 0;
}

/* NULL when there is no such row, or it cannot be read directly. */
static char *
setting_fetch(Datum name)
{
	char *found = NULL;
	bool null;
	Fetch fetch;

	if (!fetch_open(&fetch, &setting_by_name, GetActiveSnapshot()))
		return NULL;
	fetch_find(&fetch, &name);
	if (fetch_next(&fetch))
	{
		Datum value = fetch_value(&fetch, 0, &null);

		if (null)
			value = fetch_value(&fetch, 1, &null);
		found = TextDatumGetCString(value);
	}
	fetch_close(&fetch);
	return found;
}

static char *
setting_query(Datum name)
{
	char *text = NULL;

	SPI_connect();
	if (owner_execute(&read_setting, &name, NULL, true) == 1)
		text = plan_text_required(0, 1);
	SPI_finish();
	return text;
}
