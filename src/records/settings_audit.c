/*
 * settings_audit.c: records who changed the value of which setting.
 *
 * The trigger stands in this slice and not beside the table settings, which is core's, because
 * the record needs the user who asks and the table audit_events. Rights: the record is written
 * with those of the tables' owner.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/rel.h"

#include "core/row_trigger.h"
#include "identity/audit.h"

static char *setting_column(TriggerData *data, HeapTuple row, const char *column);
static bool setting_same(const char *old_value, const char *new_value);
static char *setting_json(const char *value);

PG_FUNCTION_INFO_V1(coursebase_tg_settings__audit);

/*
 * SQL function: tg_settings__audit() returns trigger
 *
 * A setting without a value of its own (value NULL) has its default. An INSERT or DELETE of
 * such a row, as install() makes it, changes no value and leaves no record.
 */
PGDLLEXPORT Datum
coursebase_tg_settings__audit(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_settings__audit", ROW_AFTER_CHANGE);
	HeapTuple before;
	HeapTuple after;
	char *old_value;
	char *new_value;

	before = TRIGGER_FIRED_BY_INSERT(data->tg_event) ? NULL : data->tg_trigtuple;
	after = TRIGGER_FIRED_BY_UPDATE(data->tg_event)   ? data->tg_newtuple
			: TRIGGER_FIRED_BY_INSERT(data->tg_event) ? data->tg_trigtuple
													  : NULL;
	old_value = setting_column(data, before, "value");
	new_value = setting_column(data, after, "value");
	if (!setting_same(old_value, new_value))
		audit_write(
			"setting_changed",
			psprintf("settings/%s", setting_column(data, after ? after : before, "name")),
			setting_json(old_value), setting_json(new_value));
	return PointerGetDatum(NULL);
}

/* A column of the row as text; NULL for a null, and for a row that is not there. */
static char *
setting_column(TriggerData *data, HeapTuple row, const char *column)
{
	TupleDesc columns = RelationGetDescr(data->tg_relation);

	return row == NULL ? NULL : SPI_getvalue(row, columns, SPI_fnumber(columns, column));
}

/* Two values that are both absent are the same. */
static bool
setting_same(const char *old_value, const char *new_value)
{
	if (old_value == NULL || new_value == NULL)
		return old_value == new_value;
	return strcmp(old_value, new_value) == 0;
}

/* {"value": …} for the record: check_records() compares it with the table. */
static char *
setting_json(const char *value)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoString(&json, "{\"value\": ");
	if (value == NULL)
		appendStringInfoString(&json, "null");
	else
		escape_json(&json, value);
	appendStringInfoChar(&json, '}');
	return json.data;
}
