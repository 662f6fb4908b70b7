/*
 * config.c: the configuration of a program that is delivered day by day, whatever path a write
 * takes.
 *
 * Invariants: a program goes from draft to published, archived and published again, or from
 * draft to archived; published_at and archived_at follow the status; a published program has a
 * workout that is not rest; the preview stands in the curriculum; no day lies beyond
 * duration_days; a configuration with days or buyers stays, and delivery_mode with it. A
 * restored dump is taken as it is: its tables come one after the other, so that the rules do
 * not hold in between.
 *
 * Locks: the program, before the row is written, and judged under that lock by what is
 * committed then, at any level of isolation.
 *
 * Rights: triggers run as who writes and read other rows with the rights of the tables' owner.
 * A configuration that goes together with its program passes: the program's row is gone by
 * then.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/timestamp.h"

#include "core/errors.h"
#include "core/plan.h"
#include "core/restore.h"
#include "core/row_trigger.h"
#include "programs/program.h"
#include "programs/rules.h"

/* The rules between configuration and curriculum, by name. */
static KeptPlan find_broken_config = {
	.sql = "SELECT 'day' FROM coursebase.course_configs c"
		   " JOIN coursebase.course_workouts w ON w.program_id = c.program_id"
		   "  AND w.day_offset >= c.duration_days WHERE c.program_id = $1"
		   " UNION ALL SELECT 'empty' FROM coursebase.course_configs c"
		   " WHERE c.program_id = $1 AND c.status = 'published'"
		   " AND NOT EXISTS (SELECT FROM coursebase.course_workouts w"
		   "  WHERE w.program_id = c.program_id AND NOT w.is_rest)"
		   " UNION ALL SELECT 'preview' FROM coursebase.course_configs c"
		   " WHERE c.program_id = $1 AND c.preview_workout_id IS NOT NULL"
		   " AND NOT EXISTS (SELECT FROM coursebase.course_workouts w"
		   "  WHERE w.program_id = c.program_id AND w.workout_id = c.preview_workout_id)"
		   " LIMIT 1",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan find_tier = {
	.sql = "SELECT 'tier' FROM coursebase.organizations"
		   " WHERE id = $1 AND platform_tier = 'lite'",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan find_config = {
	.sql = "SELECT 'configured' FROM coursebase.course_configs WHERE program_id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};
/* What keeps a configuration from being deleted. */
static KeptPlan find_contents = {
	.sql = "(SELECT 'curriculum' FROM coursebase.course_workouts WHERE program_id = $1 LIMIT 1)"
		   " UNION ALL"
		   " (SELECT 'sold' FROM coursebase.course_entitlements WHERE program_id = $1 LIMIT 1)",
	.nargs = 1,
	.types = {UUIDOID},
};

static HeapTuple status_moved(TriggerData *data, HeapTuple row, const char *from);
static bool newly_published(TriggerData *data);
static HeapTuple time_set(TriggerData *data, HeapTuple row, const char *name, bool now);
static bool time_read(TriggerData *data, HeapTuple row, const char *name, Datum *value);

PG_FUNCTION_INFO_V1(coursebase_tg_course_configs__guard);
PG_FUNCTION_INFO_V1(coursebase_tg_course_configs__rules);
PG_FUNCTION_INFO_V1(coursebase_tg_programs__delivery_mode);

/*
 * SQL function: tg_course_configs__guard() returns trigger
 *
 * Locks the program before the row is written, so that a publication and a change of the
 * curriculum take turns. A stranger, whom row security will refuse, locks nothing.
 */
PGDLLEXPORT Datum
coursebase_tg_course_configs__guard(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_course_configs__guard", ROW_BEFORE_WRITE);
	HeapTuple row = trigger_written_row(data);
	const char *from = "draft";
	Program program;
	pg_uuid_t id;
	bool found;

	if (restore_under_way() || !trigger_uuid(data, row, "program_id", &id))
		return PointerGetDatum(row);
	SPI_connect();
	found = program_is_strangers(data, &id, &program.organization) ||
			program_lock_behind(&id, &program);
	SPI_finish();
	if (TRIGGER_FIRED_BY_INSERT(data->tg_event))
	{
		rule_require_organization(data, row, found ? &program.organization : NULL);
		row = rule_set_organization(data, row, found ? &program.organization : NULL);
	}
	else
		from = trigger_text(data, data->tg_trigtuple, "status");
	return PointerGetDatum(status_moved(data, row, from));
}

/* SQL function: tg_course_configs__rules() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_course_configs__rules(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_course_configs__rules", ROW_AFTER_CHANGE);
	Program program;
	Datum organization = UUIDPGetDatum(&program.organization);
	Datum key;

	if (restore_under_way())
		return PointerGetDatum(NULL);
	key = trigger_value_as(data, trigger_written_row(data), "program_id", UUIDOID);
	SPI_connect();
	/* the lock is held already for a write; a deletion takes it here */
	if (program_lock_behind(DatumGetUUIDP(key), &program))
	{
		if (TRIGGER_FIRED_BY_INSERT(data->tg_event) && !program.is_course)
			rule_raise("live");
		if (newly_published(data))
			rules_require(&find_tier, &organization);
		rules_require(TRIGGER_FIRED_BY_DELETE(data->tg_event) ? &find_contents
															  : &find_broken_config,
					  &key);
	}
	SPI_finish();
	return PointerGetDatum(NULL);
}

/*
 * SQL function: tg_programs__delivery_mode() returns trigger
 *
 * The UPDATE holds the program's row, on which a new configuration waits.
 */
PGDLLEXPORT Datum
coursebase_tg_programs__delivery_mode(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_programs__delivery_mode", ROW_BEFORE_UPDATE);
	Datum id = trigger_value_as(data, data->tg_newtuple, "id", UUIDOID);

	SPI_connect();
	rules_require(&find_config, &id);
	SPI_finish();
	return PointerGetDatum(data->tg_newtuple);
}

/* The times follow the status; a time that the writer sends along with the change is taken. */
static HeapTuple
status_moved(TriggerData *data, HeapTuple row, const char *from)
{
	const char *to = trigger_text_or_null(data, row, "status");
	bool moved = to != NULL && strcmp(from, to) != 0;
	bool published = moved && strcmp(to, "published") == 0;

	if (moved && strcmp(to, "draft") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_CB_STATUS_REFUSED), errmsg("a course cannot return to draft"),
				 errdetail("The course is %s.", from),
				 errhint("Archive a course that is not to be sold.")));
	row = time_set(data, row, "published_at", published);
	if (published)
		return trigger_set_as(data, row, "archived_at", TIMESTAMPTZOID, (Datum) 0, true);
	return time_set(data, row, "archived_at", moved && strcmp(to, "archived") == 0);
}

/* Whether the write that the trigger comes after published the program. */
static bool
newly_published(TriggerData *data)
{
	HeapTuple before = trigger_row_before(data);
	HeapTuple after = trigger_row_after(data);

	return after != NULL && strcmp(trigger_text(data, after, "status"), "published") == 0 &&
		   (before == NULL || strcmp(trigger_text(data, before, "status"), "published") != 0);
}

/* now: the time becomes the transaction's start, unless the writer sent another time than
 * before, or publish_course() sent the same; otherwise the time before stays. */
static HeapTuple
time_set(TriggerData *data, HeapTuple row, const char *name, bool now)
{
	HeapTuple former = trigger_row_before(data);
	Datum sent;
	Datum before = 0;
	bool was_sent = time_read(data, row, name, &sent);
	bool was = former != NULL && time_read(data, former, name, &before);

	if (!now)
		return trigger_set_as(data, row, name, TIMESTAMPTZOID, before, !was);
	if (was_sent && (!was || DatumGetTimestampTz(sent) != DatumGetTimestampTz(before) ||
					 statement_mark_fires(&program_changes_status)))
		return row;
	return trigger_set_as(data, row, name, TIMESTAMPTZOID,
						  TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()), false);
}

/* False for a null. */
static bool
time_read(TriggerData *data, HeapTuple row, const char *name, Datum *value)
{
	bool null;

	*value = trigger_value_or_null(data, row, name, TIMESTAMPTZOID, &null);
	return !null;
}
