/*
 * setting.c: values of the business's settings, the rows of coursebase.settings.
 *
 * That a value is of its kind is a constraint of the table.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"

#include "owner.h"
#include "plan.h"
#include "setting.h"

static KeptPlan read_setting = {
	.sql = "SELECT coalesce(value, default_value) FROM coursebase.settings "
		   "WHERE name OPERATOR(pg_catalog.=) $1",
	.nargs = 1,
	.types = {TEXTOID},
};

char *
setting_text(const char *name)
{
	Datum value = CStringGetTextDatum(name);
	char *text;

	SPI_connect();
	if (owner_execute(&read_setting, &value, NULL, true) != 1)
		elog(ERROR, "no setting is named \"%s\"", name);
	text = plan_text_required(0, 1);
	SPI_finish();
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
