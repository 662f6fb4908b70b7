/*
 * triggers.c: what the tables of this slice keep true by themselves.
 *
 * Invariants: manifest_cohorts.name is the manifest's name, so that a unique key can hold: a
 * cohort has one manifest of each name. A play count never falls.
 *
 * Rights: the manifest's name is read with the rights of the tables' owner, because the writer
 * of a link need not be able to read manifests.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "core/lock_behind.h"
#include "core/plan.h"
#include "core/row_trigger.h"

/* FOR KEY SHARE, the lock that the foreign key takes: so the statement waits for a rename that
 * is under way. A rename changes rows of this table: an UPDATE that holds one waits behind. */
#define READ_NAME "SELECT m.name FROM coursebase.master_manifests m WHERE m.id = $1"
#define ONE_ID    .nargs = 1, .types = {UUIDOID}
static LockBehind read_name = {
	.wait = {.sql = READ_NAME " FOR KEY SHARE", ONE_ID},
	.skip = {.sql = READ_NAME " FOR KEY SHARE SKIP LOCKED", ONE_ID},
	.there = {.sql = "SELECT tableoid, ctid FROM coursebase.master_manifests WHERE id = $1",
			  ONE_ID},
	.mode = LockTupleKeyShare,
	.single = true,
};

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
	Datum manifest = trigger_value_or_null(data, row, "manifest_id", UUIDOID, &null);

	if (null)
		return PointerGetDatum(row);
	SPI_connect();
	if (lock_behind(&read_name, &manifest) == 1)
		name = plan_text(0, 1);
	SPI_finish();
	/* if the manifest is missing, or not visible yet, keep the name as sent: the foreign key
	 * reports it */
	if (name == NULL)
	{
		trigger_value_or_null(data, row, "name", TEXTOID, &null);
		if (!null)
			return PointerGetDatum(row);
		name = "";
	}
	return PointerGetDatum(trigger_set_as(data, trigger_written_row(data), "name", TEXTOID,
										  CStringGetTextDatum(name), false));
}

/*
 * SQL function: tg_audio_usage__keep_greatest() returns trigger
 *
 * A phone that was offline reports an old total; so does a second phone.
 */
PGDLLEXPORT Datum
coursebase_tg_audio_usage__keep_greatest(PG_FUNCTION_ARGS)
{
	TriggerData *data =
		trigger_expect(fcinfo, "tg_audio_usage__keep_greatest", ROW_BEFORE_UPDATE);
	HeapTuple row = data->tg_newtuple;
	bool old_null, new_null;
	Datum old_count =
		trigger_value_or_null(data, data->tg_trigtuple, "play_count", INT4OID, &old_null);
	Datum new_count = trigger_value_or_null(data, row, "play_count", INT4OID, &new_null);

	if (old_null || new_null || DatumGetInt32(old_count) <= DatumGetInt32(new_count))
		return PointerGetDatum(row);
	return PointerGetDatum(trigger_set_as(data, row, "play_count", INT4OID, old_count, false));
}
