/*
 * changes.h: the rows that a statement changed, each as it was beside what it is.
 *
 * For triggers after a statement that have transition tables:
 *
 *	Changes changes;
 *
 *	if (changes_begin(&changes, fcinfo, "tg_purchases__tell", CHANGES_WRITE))
 *	{
 *		int user = changes_column(&changes, "user_id", UUIDOID);
 *
 *		while (changes_next(&changes))
 *			... changes.was, changes.is ...
 *		changes_end(&changes);
 *	}
 */
#ifndef COURSEBASE_EVENTS_CHANGES_H
#define COURSEBASE_EVENTS_CHANGES_H

#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/uuid.h"

/* One transition table and where the reading of it stands. */
typedef struct ChangedRows
{
	Tuplestorestate *rows; /* NULL: the statement has no such rows */
	int pointer;
	TupleTableSlot *slot;
} ChangedRows;

typedef struct Changes
{
	TupleTableSlot *was; /* NULL: the row was inserted */
	TupleTableSlot *is;  /* NULL: the row was deleted */
	TriggerData *data;
	ChangedRows old_rows;
	ChangedRows new_rows;
	MemoryContext rows; /* of the rows themselves, as long as the slots hold them */
	MemoryContext row;  /* current from changes_next() to the next one */
} Changes;

/* Instead of a column's type: any enum. */
#define CHANGES_ENUM ANYENUMOID

/* Which statements a trigger function is for. */
typedef enum ChangesKind
{
	CHANGES_INSERT, /* changes.is alone is there */
	CHANGES_UPDATE, /* changes.was and changes.is */
	CHANGES_WRITE,  /* changes.is, and after an update changes.was */
	CHANGES_ANY,    /* either or both */
} ChangesKind;

/* Whether the trigger stands before a TRUNCATE, which has no transition tables. */
extern bool changes_is_truncate(FunctionCallInfo fcinfo);

/*
 * Connects to SPI and stands before the first row. False, without doing so, when no event is
 * wanted. Raises 39P01, with the name of the SQL function, for a call that is not that of a
 * trigger after such a statement, with the transition tables of its rows.
 */
extern bool changes_begin(Changes *changes, FunctionCallInfo fcinfo, const char *name,
						  ChangesKind kind);

/* The next row, whose values live until the one after; false when there is none left. */
extern bool changes_next(Changes *changes);

/* Disconnects from SPI. */
extern void changes_end(Changes *changes);

/* The number of a column. Raises 42703 when the table has none of that name and type (int8: or
 * int4), because the owner of a table may have changed it. */
extern int changes_column(Changes *changes, const char *name, Oid type);

/* Values of a row, NULL or the last argument for a null. Texts and labels of enums are copied
 * into the row's memory. */
extern const pg_uuid_t *row_uuid(TupleTableSlot *row, int column);
extern char *row_text(TupleTableSlot *row, int column);
extern char *row_label(TupleTableSlot *row, int column);
extern int64 row_int64(TupleTableSlot *row, int column, int64 otherwise);
extern bool row_bool(TupleTableSlot *row, int column, bool otherwise);
extern TimestampTz row_time(TupleTableSlot *row, int column, TimestampTz otherwise);

/* True for two texts, or two nulls, that are the same. */
extern bool texts_equal(const char *a, const char *b);

#endif
