/*
 * triggers.c: what the tables of this slice keep true by themselves.
 *
 * Invariants: manifest_cohorts.name is the manifest's name, so that a unique key can hold: a
 * cohort has one manifest of each name. A play count never falls. An end user writes play
 * counts up to the number that the setting audio_usage_a_person allows, and no more.
 *
 * Locks: whoever adds play counts locks the person first (identity/anchor.h), so that of two
 * sessions the second counts what the first one wrote.
 *
 * Rights: the manifest's name is read with the rights of the tables' owner, because the writer
 * of a link need not be able to read manifests; play counts are counted with them, too.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "core/errors.h"
#include "core/lock_behind.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/restore.h"
#include "core/row_trigger.h"
#include "core/setting.h"
#include "identity/anchor.h"
#include "identity/asking.h"

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

/* No more than one too many is counted. */
static KeptPlan count_plays = {
	.sql = "SELECT count(*) FROM"
		   " (SELECT FROM coursebase.audio_usage a WHERE a.user_id = $1 LIMIT $2 + 1) a",
	.nargs = 2,
	.types = {UUIDOID, INT8OID},
};

static void plays_require(const pg_uuid_t *user, int64 allowed);

PG_FUNCTION_INFO_V1(coursebase_tg_manifest_cohorts__name);
PG_FUNCTION_INFO_V1(coursebase_tg_audio_usage__at_most);
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

/*
 * SQL function: tg_audio_usage__at_most() returns trigger
 *
 * Before the statement it locks the person, after it it counts. Row security lets an end user
 * write the own rows alone; the server, a handshake's too, is not bound here.
 */
PGDLLEXPORT Datum
coursebase_tg_audio_usage__at_most(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	bool after = !CALLED_AS_TRIGGER(fcinfo) || TRIGGER_FIRED_AFTER(data->tg_event);
	pg_uuid_t user;
	int64 allowed;

	data = after ? trigger_expect_statement(fcinfo, "tg_audio_usage__at_most")
				 : trigger_expect_before_statement(fcinfo, "tg_audio_usage__at_most");
	if (identity_is_server() || restore_under_way() || !identity_current_user(&user) ||
		(allowed = setting_integer("audio_usage_a_person")) <= 0)
		return PointerGetDatum(NULL);
	SPI_connect();
	if (!after)
		anchor_user(&user);
	else if (trigger_rows_written(data) > 0)
		plays_require(&user, allowed);
	SPI_finish();
	return PointerGetDatum(NULL);
}

static void
plays_require(const pg_uuid_t *user, int64 allowed)
{
	PlanValues values = {0};

	plan_bind_uuid(&values, user);
	plan_bind_int64(&values, allowed);
	owner_execute_latest(&count_plays, values.datums, values.nulls);
	if (plan_int64(0, 1) > allowed)
		ereport(
			ERROR,
			(errcode(ERRCODE_CB_TOO_MANY_PLAYS), errmsg("there are too many play counts"),
			 errdetail("The setting audio_usage_a_person allows " INT64_FORMAT " of a person.",
					   allowed),
			 errhint("Report the audios that there are.")));
}
