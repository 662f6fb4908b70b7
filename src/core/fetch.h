/*
 * fetch.h: rows of our own tables read straight from an index, without SPI.
 *
 * For questions that are asked once or more a statement. It passes row security and grants by:
 * whoever calls has decided that the answer may be known. Sees what the snapshot sees, as a
 * query would.
 */
#ifndef COURSEBASE_CORE_FETCH_H
#define COURSEBASE_CORE_FETCH_H

#include "postgres.h"

#include "access/genam.h"
#include "access/skey.h"
#include "executor/tuptable.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

#define FETCH_MAX_KEYS    3
#define FETCH_MAX_COLUMNS 16

/* Instead of a column's type: any enum, whose datum enum_out() turns into its label. */
#define FETCH_ANY_ENUM InvalidOid

typedef struct FetchColumn
{
	const char *name;
	Oid type;
	bool nullable;
} FetchColumn;

/*
 * What to read by what: a static variable of the feature, such as
 *
 *	static FetchSource users_by_id = {
 *		.table = "users",
 *		.index = "users_pkey",
 *		.nkeys = 1,
 *		.keys = {{"id", UUIDOID}},
 *		.ncolumns = 2,
 *		.columns = {{"clerk_user_id", TEXTOID}, {"deleted_at", TIMESTAMPTZOID}},
 *	};
 *
 * The keys are the leading columns of the index. What is behind `columns` is fetch.c's own: the
 * names looked up, until one of the relations changes.
 */
typedef struct FetchSource
{
	const char *table; /* in schema coursebase */
	const char *index;
	int nkeys;
	FetchColumn keys[FETCH_MAX_KEYS];
	int ncolumns;
	FetchColumn columns[FETCH_MAX_COLUMNS];

	uint64 resolved; /* fetch_generation when the rest was looked up; 0: never */
	bool usable;
	Oid table_oid;
	Oid index_oid;
	Oid procedures[FETCH_MAX_KEYS];
	AttrNumber numbers[FETCH_MAX_COLUMNS];
	struct FetchSource *next;
} FetchSource;

/* An open read; lives on the caller's stack. */
typedef struct Fetch
{
	const FetchSource *source;
	Relation table;
	Relation index;
	IndexScanDesc scan;
	TupleTableSlot *slot;
	ScanKeyData keys[FETCH_MAX_KEYS];
} Fetch;

/*
 * Moves whenever a table or index of some source was altered, dropped or truncated: what was
 * computed from rows may be kept only while it stands still. Starts above 0.
 */
extern uint64 fetch_generation;

/*
 * Opens a source. False when it is not an ordinary local table with exactly the columns (of
 * that type, and NOT NULL unless nullable) and the valid B-tree index that the source names:
 * the question then goes through SPI. The snapshot is the active one, or one that outlives the
 * read. Locks are held to the end of the transaction, as a query's are; memory comes from the
 * current context; after an error the transaction's owner cleans up.
 */
extern bool fetch_open(Fetch *fetch, FetchSource *source, Snapshot snapshot);

/* Starts at the rows whose keys equal these (as many as the source has); any number of times.
 */
extern void fetch_find(Fetch *fetch, const Datum *keys);

/* The same at the rows whose keys are null, all of them. */
extern void fetch_find_null(Fetch *fetch);

/* The next of them, in the order of the index; false when there is none left. */
extern bool fetch_next(Fetch *fetch);

/* The same from the last one on, in the opposite order; not to be mixed with fetch_next(). */
extern bool fetch_previous(Fetch *fetch);

/*
 * A column (its number among the source's, from 0) of the row that fetch_next() gave. Points
 * into the row, which stays until the next fetch_find(), fetch_next() or fetch_close(); a long
 * value may be compressed or out of line.
 */
extern Datum fetch_value(Fetch *fetch, int column, bool *null);

extern void fetch_close(Fetch *fetch);

#endif
