/*
 * row_trigger.h: what trigger functions begin with: was it called as the trigger it is for?
 */
#ifndef COURSEBASE_CORE_ROW_TRIGGER_H
#define COURSEBASE_CORE_ROW_TRIGGER_H

#include "postgres.h"

#include "commands/trigger.h"
#include "fmgr.h"
#include "utils/uuid.h"

#include "core/compat.h"

typedef enum RowTrigger
{
	ROW_BEFORE_CHANGE,
	ROW_BEFORE_WRITE, /* an insert or an update */
	ROW_BEFORE_UPDATE,
	ROW_AFTER_CHANGE,
	ROW_AFTER_WRITE,
	ROW_AFTER_UPDATE,
} RowTrigger;

/* Raises 39P01, with the name of the SQL function, for a call of any other kind. */
extern TriggerData *trigger_expect(FunctionCallInfo fcinfo, const char *name, RowTrigger kind);

/* The row as it is to be, of an insert or an update. */
extern HeapTuple trigger_written_row(TriggerData *data);

/* The row before and after the change: NULL before an insert, and after a delete. */
extern HeapTuple trigger_row_before(TriggerData *data);
extern HeapTuple trigger_row_after(TriggerData *data);

/* A column of a row; false for a null. */
extern bool trigger_uuid(TriggerData *data, HeapTuple row, const char *column,
						 pg_uuid_t *value);

/* Raises 39P01 for a trigger to which CREATE TRIGGER gave fewer arguments than so many. */
extern void trigger_require_arguments(TriggerData *data, int least);

/* Whether the trigger's arguments in CREATE TRIGGER name the column. */
extern bool trigger_names(TriggerData *data, const char *column);

/* Whether an UPDATE changes the column with that number: compared as stored, so that json needs
 * no equality operator. */
extern bool trigger_changed(TriggerData *data, int column);

/* The value of a column that may not be null: 23502, naming it, for a null. A by-reference
 * value points into the row. Raises KB001 when the column is not of the type that the caller
 * reads, and 42703 when the table lacks it. */
extern Datum trigger_value_as(TriggerData *data, HeapTuple row, const char *name, Oid type);

/* The same of a column that may be null. */
extern Datum trigger_value_or_null(TriggerData *data, HeapTuple row, const char *name, Oid type,
								   bool *null);

/* The same value as text, by the output function of its type, in the current context. */
extern char *trigger_text(TriggerData *data, HeapTuple row, const char *name);

/* The same of a column that may be null: NULL for a null, 42703 when the table lacks it. */
extern char *trigger_text_or_null(TriggerData *data, HeapTuple row, const char *name);

/* The same of a column of times, in ISO 8601 and UTC whatever the session's time zone is.
 * Raises KB001 when the column is not one. */
extern char *trigger_time(TriggerData *data, HeapTuple row, const char *name);

/* A copy of the row, in the current context, with another value in the column. type is
 * the value's: raises KB001 for a column of another, 42703 when the table lacks the column. */
extern HeapTuple trigger_set_as(TriggerData *data, HeapTuple row, const char *name, Oid type,
								Datum value, bool null);

/* Raises KB401: the column is set once, and the UPDATE would change it. */
pg_noreturn extern void trigger_raise_set_already(TriggerData *data, const char *column);

/*
 * For a trigger after each statement: raises 39P01, with the name of the SQL function, for a
 * call of any other kind.
 */
extern TriggerData *trigger_expect_statement(FunctionCallInfo fcinfo, const char *name);

/* The same for a trigger before each statement. */
extern TriggerData *trigger_expect_before_statement(FunctionCallInfo fcinfo, const char *name);

/* How many rows the statement wrote; raises 39P01 for a trigger without REFERENCING NEW TABLE.
 */
extern int64 trigger_rows_written(TriggerData *data);

/* How many trigger functions are running, each within the one before: 0 outside of them. */
extern int trigger_depth(void);

/* Shows the transition tables of the trigger to our statements, until SPI_finish(). Needs
 * SPI_connect(); raises XX000 where SPI takes none of them. */
extern void trigger_tables_show(TriggerData *data);

#endif
