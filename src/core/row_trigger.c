/*
 * row_trigger.c: what trigger functions for rows share: the guard, and reading a column.
 *
 * Columns are found by name at each call: a user may have added columns before ours were
 * restored, so that numbers are not the same in every database. SPI_getbinval() reads them,
 * for inlined access would bind the library to the server's newest minor release.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "core/column.h"
#include "core/datum.h"
#include "core/errors.h"
#include "core/row_trigger.h"

/* What a trigger of each kind may be fired by; an UPDATE is always among it. */
static const struct
{
	bool after;
	bool deletes; /* it may be one */
	bool inserts;
	const char *words;
} kinds[] = {
	[ROW_BEFORE_CHANGE] = {false, true, true, "before a row's change"},
	[ROW_BEFORE_WRITE] = {false, false, true, "before a row is written"},
	[ROW_BEFORE_UPDATE] = {false, false, false, "before a row's update"},
	[ROW_AFTER_CHANGE] = {true, true, true, "after a row's change"},
	[ROW_AFTER_WRITE] = {true, false, true, "after a row is written"},
	[ROW_AFTER_UPDATE] = {true, false, false, "after a row's update"},
};

static TriggerData *statement_expect(FunctionCallInfo fcinfo, const char *name, bool after);
static int column_number(TriggerData *data, const char *name);
pg_noreturn static void null_raise(TriggerData *data, const char *name);

/*
 * Anybody who owns a table can hang a trigger function of ours on it, at any event: without
 * the guard the function would read a row that is not there.
 */
TriggerData *
trigger_expect(FunctionCallInfo fcinfo, const char *name, RowTrigger kind)
{
	TriggerData *data = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_FOR_ROW(data->tg_event) ||
		!(kinds[kind].after ? TRIGGER_FIRED_AFTER(data->tg_event)
							: TRIGGER_FIRED_BEFORE(data->tg_event)) ||
		(!kinds[kind].deletes && TRIGGER_FIRED_BY_DELETE(data->tg_event)) ||
		(!kinds[kind].inserts && TRIGGER_FIRED_BY_INSERT(data->tg_event)))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("coursebase.%s() works only as a trigger %s", name,
							   kinds[kind].words)));
	return data;
}

/*
 * tg_trigtuple is the row that fired the trigger: the new one of an INSERT, the old one of an
 * UPDATE or DELETE.
 */
HeapTuple
trigger_written_row(TriggerData *data)
{
	return TRIGGER_FIRED_BY_UPDATE(data->tg_event) ? data->tg_newtuple : data->tg_trigtuple;
}

HeapTuple
trigger_row_before(TriggerData *data)
{
	return TRIGGER_FIRED_BY_INSERT(data->tg_event) ? NULL : data->tg_trigtuple;
}

HeapTuple
trigger_row_after(TriggerData *data)
{
	return TRIGGER_FIRED_BY_DELETE(data->tg_event) ? NULL : trigger_written_row(data);
}

bool
trigger_uuid(TriggerData *data, HeapTuple row, const char *column, pg_uuid_t *value)
{
	bool null;
	Datum datum = trigger_value_or_null(data, row, column, UUIDOID, &null);

	if (!null)
		*value = *DatumGetUUIDP(datum);
	return !null;
}

/* As many as the function reads of them without asking: there is nothing behind the last one.
 */
void
trigger_require_arguments(TriggerData *data, int least)
{
	if (data->tg_trigger->tgnargs < least)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger \"%s\" has too few arguments", data->tg_trigger->tgname),
				 errhint("Run SELECT coursebase.install() as the owner of the tables.")));
}

bool
trigger_names(TriggerData *data, const char *column)
{
	for (int i = 0; i < data->tg_trigger->tgnargs; i++)
		if (strcmp(data->tg_trigger->tgargs[i], column) == 0)
			return true;
	return false;
}

/*
 * The image is compared, not the value: two spellings of one json or numeric value count as a
 * change.
 */
bool
trigger_changed(TriggerData *data, int column)
{
	TupleDesc columns = RelationGetDescr(data->tg_relation);
	Form_pg_attribute attribute = TupleDescAttr(columns, column - 1);
	bool old_null;
	bool new_null;
	Datum old_value = SPI_getbinval(data->tg_trigtuple, columns, column, &old_null);
	Datum new_value = SPI_getbinval(data->tg_newtuple, columns, column, &new_null);

	if (old_null || new_null)
		return old_null != new_null;
	return !datum_image_eq(old_value, new_value, attribute->attbyval, attribute->attlen);
}

/*
 * A trigger before the change runs before NOT NULL is checked, and an operator may have
 * dropped NOT NULL.
 */
Datum
trigger_value_as(TriggerData *data, HeapTuple row, const char *name, Oid type)
{
	bool null;
	Datum value = trigger_value_or_null(data, row, name, type, &null);

	if (null)
		null_raise(data, name);
	return value;
}

Datum
trigger_value_or_null(TriggerData *data, HeapTuple row, const char *name, Oid type, bool *null)
{
	TupleDesc columns = RelationGetDescr(data->tg_relation);
	int column = column_number(data, name);

	column_require_type(columns, column, type);
	return SPI_getbinval(row, columns, column, null);
}

char *
trigger_text(TriggerData *data, HeapTuple row, const char *name)
{
	char *text = trigger_text_or_null(data, row, name);

	if (text == NULL)
		null_raise(data, name);
	return text;
}

char *
trigger_text_or_null(TriggerData *data, HeapTuple row, const char *name)
{
	return SPI_getvalue(row, RelationGetDescr(data->tg_relation), column_number(data, name));
}

char *
trigger_time(TriggerData *data, HeapTuple row, const char *name)
{
	bool null;
	Datum time = trigger_value_or_null(data, row, name, TIMESTAMPTZOID, &null);

	return null ? NULL : time_utc_text(DatumGetTimestampTz(time));
}

/*
 * heap_modify_tuple_by_cols() copies the row: the caller returns the copy in the place of the
 * row that it got.
 */
HeapTuple
trigger_set_as(TriggerData *data, HeapTuple row, const char *name, Oid type, Datum value,
			   bool null)
{
	TupleDesc columns = RelationGetDescr(data->tg_relation);
	int column = column_number(data, name);

	column_require_type(columns, column, type);
	return heap_modify_tuple_by_cols(row, columns, 1, &column, &value, &null);
}

TriggerData *
trigger_expect_statement(FunctionCallInfo fcinfo, const char *name)
{
	return statement_expect(fcinfo, name, true);
}

TriggerData *
trigger_expect_before_statement(FunctionCallInfo fcinfo, const char *name)
{
	return statement_expect(fcinfo, name, false);
}

/* A trigger for a statement has no row, so that trigger_expect() cannot serve it. */
static TriggerData *
statement_expect(FunctionCallInfo fcinfo, const char *name, bool after)
{
	TriggerData *data = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_FOR_STATEMENT(data->tg_event) ||
		!(after ? TRIGGER_FIRED_AFTER(data->tg_event) : TRIGGER_FIRED_BEFORE(data->tg_event)))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("coursebase.%s() works only as a trigger %s a statement", name,
							   after ? "after" : "before")));
	return data;
}

/* Most statements that derive rows write none, because what they derive is there already. */
int64
trigger_rows_written(TriggerData *data)
{
	if (data->tg_newtable == NULL)
		ereport(
			ERROR,
			(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
			 errmsg("trigger \"%s\" has no table of the new rows", data->tg_trigger->tgname),
			 errhint("Run SELECT coursebase.install() as the owner of the tables.")));
	return tuplestore_tuple_count(data->tg_newtable);
}

/* The server keeps its counter to itself; its SQL function takes no argument and reads it. */
int
trigger_depth(void)
{
	return DatumGetInt32(DirectFunctionCall1(pg_trigger_depth, (Datum) 0));
}

void
trigger_tables_show(TriggerData *data)
{
	if (SPI_register_trigger_data(data) < 0)
		elog(ERROR, "could not see what the statement wrote");
}

void
trigger_raise_set_already(TriggerData *data, const char *column)
{
	ereport(ERROR, (errcode(ERRCODE_CB_SET_ONCE),
					errmsg("column \"%s\" of table \"%s\" is set already", column,
						   RelationGetRelationName(data->tg_relation)),
					errdetail("It is set once and then stays."),
					errhint("Leave it out of the UPDATE.")));
}

/* Only a table that is not of this release, or not ours, lacks a column that code names. */
static int
column_number(TriggerData *data, const char *name)
{
	int number = SPI_fnumber(RelationGetDescr(data->tg_relation), name);

	if (number <= 0)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
						errmsg("table \"%s\" has no column \"%s\"",
							   RelationGetRelationName(data->tg_relation), name)));
	return number;
}

static void
null_raise(TriggerData *data, const char *name)
{
	ereport(ERROR, (errcode(ERRCODE_NOT_NULL_VIOLATION),
					errmsg("\"%s\" of table \"%s\" must not be null", name,
						   RelationGetRelationName(data->tg_relation))));
}
