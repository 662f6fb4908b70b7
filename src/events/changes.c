/*
 * changes.c: the rows that a statement changed, each as it was beside what it is.
 *
 * The transition tables are read as they stand, without a statement of SQL: these triggers run
 * after every sale, whether or not there is an event to write. The server appends the old and
 * the new row of an update to both tables in one step, so that the n-th rows of both belong
 * together.
 *
 * Memory: what a row's values need lives in Changes.row, which changes_next() empties and makes
 * the current context. Whatever must outlive the row is copied elsewhere. The rows themselves
 * are fetched in the context of changes_begin(): where the tables of a large statement are on
 * disk, each row is a copy that its slot owns and frees.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

#include "core/datum.h"
#include "events/changes.h"
#include "events/event.h"

static bool rows_are_there(TriggerData *data, ChangesKind kind);
static void rows_begin(ChangedRows *rows, Tuplestorestate *store, Relation table);
static TupleTableSlot *rows_next(ChangedRows *rows);
static void rows_end(ChangedRows *rows);

/* Checks first that the trigger is the one that the release makes: a hand-made one without
 * transition tables would tell nothing, in silence. */
bool
changes_begin(Changes *changes, FunctionCallInfo fcinfo, const char *name, ChangesKind kind)
{
	TriggerData *data = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(data->tg_event) ||
		!TRIGGER_FIRED_FOR_STATEMENT(data->tg_event) || !rows_are_there(data, kind))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("coursebase.%s() works only as a trigger after a statement that "
							   "it is for, with its transition tables",
							   name),
						errhint("Run SELECT coursebase.install(), which brings the triggers "
								"back.")));
	/* no events are wanted: the statement pays for this question and for nothing else */
	if (!events_wanted())
		return false;
	memset(changes, 0, sizeof(*changes));
	changes->data = data;
	SPI_connect();
	rows_begin(&changes->old_rows, data->tg_oldtable, data->tg_relation);
	rows_begin(&changes->new_rows, data->tg_newtable, data->tg_relation);
	changes->rows = CurrentMemoryContext;
	changes->row =
		AllocSetContextCreate(changes->rows, "coursebase changed row", ALLOCSET_SMALL_SIZES);
	return true;
}

bool
changes_is_truncate(FunctionCallInfo fcinfo)
{
	TriggerData *data = (TriggerData *) fcinfo->context;

	return CALLED_AS_TRIGGER(fcinfo) && TRIGGER_FIRED_BY_TRUNCATE(data->tg_event) &&
		   TRIGGER_FIRED_BEFORE(data->tg_event);
}

/* The memory of a row lasts until the next one, so that a statement over a million rows keeps
 * that of one. */
bool
changes_next(Changes *changes)
{
	CHECK_FOR_INTERRUPTS();
	MemoryContextSwitchTo(changes->rows);
	changes->was = rows_next(&changes->old_rows);
	changes->is = rows_next(&changes->new_rows);
	MemoryContextReset(changes->row);
	MemoryContextSwitchTo(changes->row);
	return changes->was != NULL || changes->is != NULL;
}

/*
 * SPI_finish() also frees Changes.row, and makes the memory current again that was so before
 * changes_begin().
 */
void
changes_end(Changes *changes)
{
	rows_end(&changes->old_rows);
	rows_end(&changes->new_rows);
	SPI_finish();
}

/* Asks for the type as well: a value that is read as another type is another value, or a crash.
 */
int
changes_column(Changes *changes, const char *name, Oid type)
{
	TupleDesc columns = RelationGetDescr(changes->data->tg_relation);
	int column = SPI_fnumber(columns, name);
	Oid found = column > 0 ? SPI_gettypeid(columns, column) : InvalidOid;

	if (found != type && !(type == CHANGES_ENUM && OidIsValid(found) && type_is_enum(found)) &&
		!(type == INT8OID && found == INT4OID))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("table \"%s\" has no column \"%s\" of the type that coursebase knows",
						RelationGetRelationName(changes->data->tg_relation), name),
				 errhint("Give the column its type back, or switch the setting events_out "
						 "off.")));
	return column;
}

/* The value stays in the slot: it is good until the next row. */
const pg_uuid_t *
row_uuid(TupleTableSlot *row, int column)
{
	bool null;
	Datum value = slot_getattr(row, column, &null);

	return null ? NULL : DatumGetUUIDP(value);
}

/* A copy in the memory of the row. */
char *
row_text(TupleTableSlot *row, int column)
{
	bool null;
	Datum value = slot_getattr(row, column, &null);

	return null ? NULL : TextDatumGetCString(value);
}

/* The label of an enum, copied: the value itself is an oid. */
char *
row_label(TupleTableSlot *row, int column)
{
	bool null;
	Datum value = slot_getattr(row, column, &null);

	return null ? NULL : enum_text(value);
}

/* Columns of both widths: what counts money or credits is a bigint, what counts days is not. */
int64
row_int64(TupleTableSlot *row, int column, int64 otherwise)
{
	bool null;
	Datum value = slot_getattr(row, column, &null);

	if (null)
		return otherwise;
	return TupleDescAttr(row->tts_tupleDescriptor, column - 1)->atttypid == INT4OID
			   ? DatumGetInt32(value)
			   : DatumGetInt64(value);
}

bool
row_bool(TupleTableSlot *row, int column, bool otherwise)
{
	bool null;
	Datum value = slot_getattr(row, column, &null);

	return null ? otherwise : DatumGetBool(value);
}

TimestampTz
row_time(TupleTableSlot *row, int column, TimestampTz otherwise)
{
	bool null;
	Datum value = slot_getattr(row, column, &null);

	return null ? otherwise : DatumGetTimestampTz(value);
}

/* Two nulls are equal: a change from nothing to nothing tells nothing. */
bool
texts_equal(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Whether the statement is of a kind that the caller can tell, with the rows before and after
 * that belong to it. */
static bool
rows_are_there(TriggerData *data, ChangesKind kind)
{
	if (TRIGGER_FIRED_BY_INSERT(data->tg_event))
		return data->tg_newtable != NULL && kind != CHANGES_UPDATE;
	if (TRIGGER_FIRED_BY_UPDATE(data->tg_event))
		return data->tg_newtable != NULL && data->tg_oldtable != NULL && kind != CHANGES_INSERT;
	return data->tg_oldtable != NULL && kind == CHANGES_ANY;
}

/*
 * Other triggers of the statement read the same tuplestore: each reads at a pointer of its own,
 * from the first row on.
 */
static void
rows_begin(ChangedRows *rows, Tuplestorestate *store, Relation table)
{
	if (store == NULL)
		return;
	rows->rows = store;
	rows->pointer = tuplestore_alloc_read_pointer(store, EXEC_FLAG_REWIND);
	tuplestore_select_read_pointer(store, rows->pointer);
	tuplestore_rescan(store);
	rows->slot = MakeSingleTupleTableSlot(RelationGetDescr(table), &TTSOpsMinimalTuple);
}

/*
 * Selects the pointer at each row: between two rows a statement of ours may have read the same
 * tuplestore at another pointer.
 */
static TupleTableSlot *
rows_next(ChangedRows *rows)
{
	if (rows->rows == NULL)
		return NULL;
	tuplestore_select_read_pointer(rows->rows, rows->pointer);
	return tuplestore_gettupleslot(rows->rows, true, false, rows->slot) ? rows->slot : NULL;
}

/* The rows themselves are the trigger's, and go with the statement. */
static void
rows_end(ChangedRows *rows)
{
	if (rows->rows != NULL)
		ExecDropSingleTupleTableSlot(rows->slot);
}
