/*
 * rows.h: rows of one of our tables by the leading columns of an index, or all of them, without
 * a statement where that is possible.
 *
 * A RowsSource names a table, an index, the key columns and the columns to read. Its rows are
 * read straight from the index or, without an index, from the table in the order in which they
 * lie there. Where that is not possible (the index is missing, the table is partitioned,
 * inherited from or distributed, a column has another type) a statement made from the same
 * description reads them, with the rights of the tables' owner. The caller need not know which
 * way it was.
 *
 * For questions that are asked once or more a statement. Neither way checks row security or
 * grants: the caller has decided that the answer may be known. Both see what the snapshot sees,
 * as a query would.
 */
#ifndef COURSEBASE_CORE_ROWS_H
#define COURSEBASE_CORE_ROWS_H

#include "postgres.h"

#include "access/genam.h"
#include "access/skey.h"
#include "access/tableam.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"
#include "utils/tuplestore.h"

#define ROWS_MAX_KEYS    3
#define ROWS_MAX_COLUMNS 16

/* Instead of a column's type: any enum, whose label rows_label() gives. */
#define ROWS_ENUM InvalidOid

/* A null in a column that is not nullable raises 23502, however it got there. */
typedef struct RowsColumn
{
	const char *name;
	Oid type;
	bool nullable;
	bool lower; /* of a key: a text that the index has in lower case, by the rules of "C" */
} RowsColumn;

/*
 * What is read, by which index: a static variable of the feature, such as
 *
 *	static RowsSource users_by_id = {
 *		.table = "users",
 *		.index = "users_pkey",
 *		.nkeys = 1,
 *		.keys = {{"id", UUIDOID}},
 *		.ncolumns = 2,
 *		.columns = {{"clerk_user_id", TEXTOID}, {"deleted_at", TIMESTAMPTZOID, true}},
 *	};
 *
 * The keys are the leading columns of the index; without an index and keys all rows are read.
 * With last_not_null the last key is compared with nothing: rows in which it is not null are
 * found, also by an index that holds only these. What is behind `optional` is rows.c's own:
 * what was looked up, until one of the relations changes.
 */
typedef struct RowsSource
{
	const char *table; /* in schema coursebase */
	const char *index; /* NULL: all rows */
	int nkeys;
	RowsColumn keys[ROWS_MAX_KEYS];
	bool last_not_null;
	int ncolumns;
	RowsColumn columns[ROWS_MAX_COLUMNS];
	bool optional; /* a missing table has no rows; else it raises KB001 */

	uint64 resolved; /* rows_generation when the rest was looked up; 0: never */
	bool usable;     /* straight from the index */
	Oid table_oid;
	Oid index_oid;
	Oid procedures[ROWS_MAX_KEYS];
	AttrNumber numbers[ROWS_MAX_COLUMNS];
	struct RowsStatements *statements; /* NULL until first needed */
	struct RowsSource *next;
} RowsSource;

/* An open read; lives on the caller's stack. */
typedef struct Rows
{
	RowsSource *source;
	Snapshot snapshot;
	const AttrNumber *numbers; /* where the source's columns are in the slot */
	TupleTableSlot *slot;      /* the row that rows_next() gave */
	IndexScanDesc scan;        /* NULL: all rows, or by a statement */
	TableScanDesc whole;       /* NULL: by an index or by a statement */
	bool missing;              /* the table; there are no rows */
	Relation table;
	Relation index;
	ScanKeyData keys[ROWS_MAX_KEYS];
	Tuplestorestate *store; /* what the statement gave; NULL: none was run yet */
	MemoryContext context;  /* the caller's, of what a statement gave */
} Rows;

/*
 * Moves whenever a table or index of some source was altered, dropped or truncated: what was
 * computed from rows may be kept only while it stands still. Starts above 0.
 */
extern uint64 rows_generation;

/*
 * Opens a source. The snapshot is the active one, or one that outlives the read; NULL takes a
 * new one. A direct read is taken on an ordinary local table with exactly the columns (of that
 * type, and NOT NULL unless nullable) and the valid B-tree index that the source names. Locks
 * are held to the end of the transaction, as a query's are; memory comes from the current
 * context; after an error the transaction's owner cleans up.
 */
extern void rows_open(Rows *rows, RowsSource *source, Snapshot snapshot);

/*
 * Starts at the rows whose keys equal these (as many as the source compares); any number of
 * times. A statement runs here, between an SPI_connect() and SPI_finish() of its own.
 */
extern void rows_find(Rows *rows, const Datum *keys);

/* The same at the rows whose keys are null, all of them. */
extern void rows_find_null(Rows *rows);

/* How many blocks all rows are read from; InvalidBlockNumber where a statement reads them. */
extern BlockNumber rows_blocks(const Rows *rows);

/*
 * Closes the source, and frees what rows_open() made. What rows_value() answered by reference
 * is gone with it.
 */
extern void rows_close(Rows *rows);

/* The label of a column of ROWS_ENUM, until the next one is asked for; NULL for a null. */
extern const char *rows_label(Rows *rows, int column);

/* True where this transaction wrote the row, or where a statement read it, which cannot tell.
 */
extern bool rows_written_here(Rows *rows);

/* rows_next() where a statement reads the rows; only rows_next() calls it. */
extern bool rows_next_of_statement(Rows *rows);

/* Whether a statement reads the rows, for want of a way to read them straight. */
static inline bool
rows_are_of_statement(const Rows *rows)
{
	return rows->scan == NULL && rows->whole == NULL;
}

/* The next of the rows; false when there is none left. */
static inline bool
rows_next(Rows *rows)
{
	CHECK_FOR_INTERRUPTS();
	if (likely(rows->scan != NULL))
		return index_getnext_slot(rows->scan, ForwardScanDirection, rows->slot);
	if (likely(rows->whole != NULL))
		return table_scan_getnextslot(rows->whole, ForwardScanDirection, rows->slot);
	return rows_next_of_statement(rows);
}

/* Whether the rows are read straight from the index, and so in its order. */
static inline bool
rows_are_direct(const Rows *rows)
{
	return rows->scan != NULL;
}

/* The next of the rows from the last one on, where they are direct; not to be mixed with
 * rows_next(). */
static inline bool
rows_previous(Rows *rows)
{
	CHECK_FOR_INTERRUPTS();
	return index_getnext_slot(rows->scan, BackwardScanDirection, rows->slot);
}

/*
 * A column (its number among the source's, from 0) of the row that rows_next() gave. Points
 * into the row, which stays until the next rows_find(), rows_next() or rows_close(); a long
 * value may be compressed or out of line.
 */
static inline Datum
rows_value_or_null(Rows *rows, int column, bool *null)
{
	return slot_getattr(rows->slot, rows->numbers[column], null);
}

/* The same of a column that is not nullable. */
static inline Datum
rows_value(Rows *rows, int column)
{
	bool null;

	return slot_getattr(rows->slot, rows->numbers[column], &null);
}

#endif
