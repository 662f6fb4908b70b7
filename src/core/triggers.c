/*
 * triggers.c: the trigger functions that tables of every slice share.
 *
 * They run as the user who writes, and need no right of their own. They compare values as they
 * are stored (byte images), so that a type without an equality operator, such as json, needs
 * none.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "core/errors.h"
#include "core/owner.h"
#include "core/row_trigger.h"
#include "core/setting.h"
#include "core/zone.h"

static bool foreign_key_action(TriggerData *data);
static bool row_kept_long_enough(TriggerData *data);

PG_FUNCTION_INFO_V1(coursebase_tg_any__stamp);
PG_FUNCTION_INFO_V1(coursebase_tg_any__append_only);
PG_FUNCTION_INFO_V1(coursebase_tg_any__set_once);
PG_FUNCTION_INFO_V1(coursebase_tg_any__keep_columns);
PG_FUNCTION_INFO_V1(coursebase_tg_any__time_zone);
PG_FUNCTION_INFO_V1(coursebase_tg_settings__owner_only);

/* SQL function: tg_any__stamp() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_any__stamp(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_any__stamp", ROW_BEFORE_UPDATE);
	HeapTuple row = data->tg_newtuple;
	Datum now = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
	bool null;
	Datum sent = trigger_value_or_null(data, row, "updated_at", TIMESTAMPTZOID, &null);

	/* a row that has the right time already, by another trigger's hand, need not be copied */
	if (null || DatumGetTimestampTz(sent) != DatumGetTimestampTz(now))
		row = trigger_set_as(data, row, "updated_at", TIMESTAMPTZOID, now, false);
	return PointerGetDatum(row);
}

/* SQL function: tg_any__append_only() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_any__append_only(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;

	/* TRUNCATE has no row, so that trigger_expect() would refuse the call; it is refused below,
	 * with the words for every change */
	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BY_TRUNCATE(data->tg_event))
		data = trigger_expect(fcinfo, "tg_any__append_only", ROW_BEFORE_CHANGE);
	if (TRIGGER_FIRED_BY_UPDATE(data->tg_event) && foreign_key_action(data))
		return PointerGetDatum(data->tg_newtuple);
	if (TRIGGER_FIRED_BY_DELETE(data->tg_event) && row_kept_long_enough(data))
		return PointerGetDatum(data->tg_trigtuple);
	ereport(ERROR, (errcode(ERRCODE_CB_APPEND_ONLY),
					errmsg("rows of table \"%s\" are never changed or deleted",
						   RelationGetRelationName(data->tg_relation)),
					errhint("Write a new row that says what is true now.")));
}

/* A trigger whose second argument names a setting of days lets rows go that are older. */
static bool
row_kept_long_enough(TriggerData *data)
{
	Trigger *trigger = data->tg_trigger;

	return trigger->tgnargs >= 2 &&
		   DatumGetTimestampTz(
			   trigger_value_as(data, data->tg_trigtuple, "created_at", TIMESTAMPTZOID)) <
			   setting_kept_since(trigger->tgargs[1]);
}

/*
 * SQL function: tg_any__set_once() returns trigger
 *
 * A foreign key may still set the column to null, when the row that the column points to is
 * gone.
 */
PGDLLEXPORT Datum
coursebase_tg_any__set_once(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_any__set_once", ROW_BEFORE_UPDATE);
	TupleDesc columns = RelationGetDescr(data->tg_relation);

	for (int i = 1; i <= columns->natts; i++)
	{
		const char *name = NameStr(TupleDescAttr(columns, i - 1)->attname);
		bool null;

		if (TupleDescAttr(columns, i - 1)->attisdropped || !trigger_names(data, name))
			continue;
		SPI_getbinval(data->tg_trigtuple, columns, i, &null);
		if (null || !trigger_changed(data, i) || foreign_key_action(data))
			continue;
		trigger_raise_set_already(data, name);
	}
	return PointerGetDatum(data->tg_newtuple);
}

/* SQL function: tg_any__keep_columns() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_any__keep_columns(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_any__keep_columns", ROW_BEFORE_UPDATE);
	TupleDesc columns = RelationGetDescr(data->tg_relation);

	for (int i = 1; i <= columns->natts; i++)
	{
		const char *name = NameStr(TupleDescAttr(columns, i - 1)->attname);

		if (!TupleDescAttr(columns, i - 1)->attisdropped && trigger_names(data, name) &&
			trigger_changed(data, i))
			trigger_raise_set_already(data, name);
	}
	return PointerGetDatum(data->tg_newtuple);
}

/* SQL function: tg_any__time_zone() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_any__time_zone(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_any__time_zone", ROW_BEFORE_WRITE);
	HeapTuple row = trigger_written_row(data);
	char *given = trigger_text_or_null(data, row, "time_zone");
	const char *name;

	if (given == NULL)
		return PointerGetDatum(row);
	name = zone_name(given);
	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown time zone"),
				 errdetail("This server knows no IANA time zone named \"%s\".", given),
				 errhint("Name one of pg_timezone_names, such as Europe/Berlin or UTC.")));
	if (strcmp(name, given) == 0)
		return PointerGetDatum(row);
	return PointerGetDatum(
		trigger_set_as(data, row, "time_zone", TEXTOID, CStringGetTextDatum(name), false));
}

/*
 * SQL function: tg_settings__owner_only() returns trigger
 *
 * A privilege on columns cannot tell one row of settings from another.
 */
PGDLLEXPORT Datum
coursebase_tg_settings__owner_only(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_settings__owner_only", ROW_BEFORE_UPDATE);

	if (!has_privs_of_role(GetUserId(), owner_of_tables()))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("setting \"%s\" is changed by the owner of the tables alone",
							   trigger_text(data, data->tg_newtuple, "name")),
						errhint("Run the UPDATE as the role that installed coursebase.")));
	return PointerGetDatum(data->tg_newtuple);
}

/*
 * Whether the UPDATE is a foreign key's ON DELETE SET NULL: it runs within another trigger
 * (the key's), changes no column but those that are named, and makes these null. A trigger of
 * the user's can do the same and gains nothing by it: who owns the table could drop the rule
 * as well.
 */
static bool
foreign_key_action(TriggerData *data)
{
	TupleDesc columns = RelationGetDescr(data->tg_relation);

	if (trigger_depth() < 2)
		return false;
	for (int i = 1; i <= columns->natts; i++)
	{
		bool null;

		if (TupleDescAttr(columns, i - 1)->attisdropped || !trigger_changed(data, i))
			continue;
		if (!trigger_names(data, NameStr(TupleDescAttr(columns, i - 1)->attname)))
			return false;
		SPI_getbinval(data->tg_newtuple, columns, i, &null);
		if (!null)
			return false;
	}
	return true;
}
