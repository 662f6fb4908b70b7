/*
 * triggers.c: what the tables of the slice sync keep true by themselves.
 *
 * Invariants: manifest_cohorts.name is the manifest's name, so that a key can say "one of a
 * name a cohort"; a play count never falls.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "core/owner.h"
#include "core/plan.h"
#include "core/row_trigger.h"

/* Locked as the foreign key locks it, so that a rename that is under way is waited for. */
static KeptPlan read_name = {
	.sql = "SELECT m.name FROM coursebase.master_manifests m WHERE m.id = $1 FOR KEY SHARE",
	.nargs = 1,
	.types = {UUIDOID},
};

static int column_number(TriggerData *data, const char *column);
static Datum column_value(TriggerData *data, HeapTuple row, const char *column, bool *null);
static HeapTuple column_replace(TriggerData *data, const char *column, Datum value);

PG_FUNCTION_INFO_V1(coursebase_tg_manifest_cohorts__name);
PG_FUNCTION_INFO_V1(coursebase_tg_audio_usage__keep_greatest);

/* SQL function: tg_manifest_cohorts__name() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_manifest_cohorts__name(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_manifest_cohorts__name", ROW_BEFORE_WRITE);
	HeapTuple row = trigger_written_row(data);
	const char *name = NULL;
	bool null;
	Datum manifest = column_value(data, row, "manifest_id", &null);

	if (null)
		return PointerGetDatum(row);
	SPI_connect();
	if (owner_execute(&read_name, &manifest, NULL, false) == 1)
		name = plan_text(0, 1);
	SPI_finish();
	/* Of a manifest that is not to be seen (yet) the foreign key speaks, with the name as sent.
	 */
	if (name == NULL)
	{
		column_value(data, row, "name", &null);
		if (!null)
			return PointerGetDatum(row);
		name = "";
	}
	return PointerGetDatum(column_replace(data, "name", CStringGetTextDatum(name)));
}

/* SQL function: tg_audio_usage__keep_greatest() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_audio_usage__keep_greatest(PG_FUNCTION_ARGS)
{
	TriggerData *data =
		trigger_expect(fcinfo, "tg_audio_usage__keep_greatest", ROW_BEFORE_WRITE);
	bool old_null = true;
	bool new_null;
	Datum new_count = column_value(data, trigger_written_row(data), "play_count", &new_null);
	Datum old_count = (Datum) 0;

	if (TRIGGER_FIRED_BY_UPDATE(data->tg_event))
		old_count = column_value(data, data->tg_trigtuple, "play_count", &old_null);
	if (old_null || new_null || DatumGetInt32(old_count) <= DatumGetInt32(new_count))
		return PointerGetDatum(trigger_written_row(data));
	return PointerGetDatum(column_replace(data, "play_count", old_count));
}

static Datum
column_value(TriggerData *data, HeapTuple row, const char *column, bool *null)
{
	return trigger_value_or_null(data, row, column, INT4OID, null);
}

static HeapTuple
column_replace(TriggerData *data, const char *column, Datum value)
{
	int number = column_number(data, column);
	bool null = false;

	return heap_modify_tuple_by_cols(trigger_written_row(data),
									 RelationGetDescr(data->tg_relation), 1, &number, &value,
									 &null);
}

static int
column_number(TriggerData *data, const char *column)
{
	int number = SPI_fnumber(RelationGetDescr(data->tg_relation), column);

	if (number <= 0)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
						errmsg("table \"%s\" has no column \"%s\"",
							   RelationGetRelationName(data->tg_relation), column)));
	return number;
}
