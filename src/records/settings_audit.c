/*
 * settings_audit.c: records who changed the value of which setting.
 *
 * The trigger stands in this slice and not beside the table settings, which is core's, because
 * the record needs the user who asks and the table audit_events. Rights: the record is written
 * with those of the tables' owner.
 */
#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/json.h"

#include "core/restore.h"
#include "core/row_trigger.h"
#include "identity/audit.h"

static char *setting_json(TriggerData *data, HeapTuple row);

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
	char *name = trigger_text(data, trigger_written_row(data), "name");

	/* the record comes with the dump */
	if (restore_under_way())
		return PointerGetDatum(NULL);
	audit_write_change("setting_changed", psprintf("settings/%s", name),
					   setting_json(data, trigger_row_before(data)),
					   setting_json(data, trigger_row_after(data)));
	return PointerGetDatum(NULL);
}

/*
 * {"value": …} for the record, which check_records() compares with the table; null for the
 * default, and for a row that is not there.
 */
static char *
setting_json(TriggerData *data, HeapTuple row)
{
	char *value = row != NULL ? trigger_text_or_null(data, row, "value") : NULL;
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
