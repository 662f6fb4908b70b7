/*
 * restored.c: rows that a fresh installation already has when a dump of rows alone is loaded
 * into it.
 *
 * install() writes the first rows of some tables, and triggers write versions while rows are
 * loaded. The dump then brings rows with the same keys, and each table says in its trigger
 * which of the two rows stays. "replace": the row of the dump, for rows that the business may
 * have changed (its settings). "keep": the row that is here, for rows that describe this
 * installation. Outside of a restore the trigger does nothing: a second row with the same key
 * is an error, as everywhere.
 *
 * Rights: the caller's, who restores and so owns the tables. The statements are not kept: each
 * session restores once.
 */
#include "postgres.h"

#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "core/restore.h"
#include "core/row_trigger.h"

/* The argument before the columns of the key. */
#define REPLACES "replace"
#define KEY_MAX  4

static bool row_replaces(TriggerData *data);
static uint64 present_execute(TriggerData *data, const char *verb);

PG_FUNCTION_INFO_V1(coursebase_tg_any__restored);

/*
 * SQL function: tg_any__restored() returns trigger
 *
 * In CREATE TRIGGER the first argument is replace or keep, the others are the columns of the
 * key.
 */
PGDLLEXPORT Datum
coursebase_tg_any__restored(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_any__restored", ROW_BEFORE_WRITE);
	bool keeps = false;

	if (TRIGGER_FIRED_BY_INSERT(data->tg_event) && data->tg_trigger->tgnargs > 1 &&
		restore_under_way())
	{
		SPI_connect();
		if (row_replaces(data))
			present_execute(data, "DELETE");
		else
			keeps = present_execute(data, "SELECT") > 0;
		SPI_finish();
	}
	return PointerGetDatum(keeps ? NULL : trigger_written_row(data));
}

static bool
row_replaces(TriggerData *data)
{
	return strcmp(data->tg_trigger->tgargs[0], REPLACES) == 0;
}

/* Reads or deletes the row of the table that has the key of the row that comes. */
static uint64
present_execute(TriggerData *data, const char *verb)
{
	TupleDesc columns = RelationGetDescr(data->tg_relation);
	int count = Min(data->tg_trigger->tgnargs - 1, KEY_MAX);
	Oid types[KEY_MAX];
	Datum values[KEY_MAX];
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(
		&sql, "%s FROM %s WHERE ", verb,
		quote_qualified_identifier(get_namespace_name(RelationGetNamespace(data->tg_relation)),
								   RelationGetRelationName(data->tg_relation)));
	for (int i = 0; i < count; i++)
	{
		const char *name = data->tg_trigger->tgargs[i + 1];

		types[i] = SPI_gettypeid(columns, SPI_fnumber(columns, name));
		values[i] = trigger_value_as(data, data->tg_trigtuple, name, types[i]);
		appendStringInfo(&sql, "%s%s = $%d", i > 0 ? " AND " : "", quote_identifier(name),
						 i + 1);
	}
	if (SPI_execute_with_args(sql.data, count, types, values, NULL, false, 0) < 0)
		elog(ERROR, "could not run: %s", sql.data);
	return SPI_processed;
}
