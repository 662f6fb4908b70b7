/*
 * setting.c: values of the business's settings, the rows of coursebase.settings.
 *
 * That a value is of its kind is a constraint of the table. A setting is read past row
 * security: everybody's answers depend on it.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "core/errors.h"
#include "core/rows.h"
#include "core/setting.h"

#define BETWEEN_WORDS " \t\r\n\v\f,"

enum
{
	COLUMN_VALUE,
	COLUMN_DEFAULT,
	COLUMNS,
};

static RowsSource setting_by_name = {
	.table = "settings",
	.index = "settings_pkey",
	.nkeys = 1,
	.keys = {{"name", TEXTOID}},
	.ncolumns = COLUMNS,
	.columns = {{"value", TEXTOID, true}, {"default_value", TEXTOID}},
};

/*
 * Without an active snapshot (a function called from C outside of a query) a statement takes
 * its own.
 */
char *
setting_text(const char *name)
{
	Datum key = CStringGetTextDatum(name);
	char *found = NULL;
	Rows rows;

	rows_open(&rows, &setting_by_name, ActiveSnapshotSet() ? GetActiveSnapshot() : NULL);
	rows_find(&rows, &key);
	if (rows_next(&rows))
	{
		bool unset;
		Datum value = rows_value_or_null(&rows, COLUMN_VALUE, &unset);

		if (unset)
			value = rows_value(&rows, COLUMN_DEFAULT);
		found = TextDatumGetCString(value);
	}
	rows_close(&rows);
	if (found == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CB_SCHEMA_BEHIND),
				 errmsg("the setting \"%s\" is missing", name),
				 errdetail("The table of settings has no row of it."),
				 errhint("Run SELECT coursebase.install(), which brings the row back.")));
	return found;
}

/* A constraint of the table keeps integers to nine digits. */
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

/* setting_text() answers a copy, into which strtok_r() writes; two words have a byte between.
 */
char **
setting_words(const char *name, int *count)
{
	char *text = setting_text(name);
	char **words = palloc((strlen(text) / 2 + 1) * sizeof(char *));
	char *rest;

	*count = 0;
	for (char *word = strtok_r(text, BETWEEN_WORDS, &rest); word != NULL;
		 word = strtok_r(NULL, BETWEEN_WORDS, &rest))
		words[(*count)++] = word;
	return words;
}

bool
setting_lists(const char *name, const char *word)
{
	int count;
	char **words = setting_words(name, &count);

	for (int i = 0; i < count; i++)
		if (pg_strcasecmp(words[i], word) == 0)
			return true;
	return false;
}

TimestampTz
setting_kept_since(const char *name)
{
	int64 days = setting_integer(name);
	TimestampTz now = GetCurrentTransactionStartTimestamp();

	if (days <= 0 || days > (now - MIN_TIMESTAMP) / USECS_PER_DAY)
		return DT_NOBEGIN;
	return now - days * USECS_PER_DAY;
}
