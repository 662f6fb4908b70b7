/*
 * rows.c: rows of one of our tables by the leading columns of an index, or all of them, without
 * a statement where that is possible.
 *
 * A source's names are looked up once, under the lock, and trusted until rows_generation moves;
 * every read opens table and index under the locks of a query. What cannot be read straight (a
 * partitioned or inherited table, one that another engine distributes, a missing or unfinished
 * index, another type) is never guessed at: a statement reads it.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/relscan.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "nodes/primnodes.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/tuplestore.h"

#include "core/compat.h"
#include "core/datum.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/rows.h"
#include "core/schema.h"

uint64 rows_generation = 1;

/* The statements of a source: for equal keys (0), and for keys that are null (1). */
typedef struct RowsStatements
{
	KeptPlan plans[2];
} RowsStatements;

static RowsSource *sources = NULL; /* every one that was ever resolved */

/*
 * Labels of enum values, which rows have again and again: looking one up costs as much as the
 * rest of a row. Forgotten when a label changes its name.
 */
typedef struct Label
{
	Datum value; /* the label's oid; 0: none */
	NameData name;
} Label;

static Label labels[16];

/* Where a statement of ours has the source's columns. */
static const AttrNumber positions[ROWS_MAX_COLUMNS] = {1, 2,  3,  4,  5,  6,  7,  8,
													   9, 10, 11, 12, 13, 14, 15, 16};

static void statement_open(Rows *rows);
static bool lacks_column(const RowsSource *source, Oid relation);
static void statement_run(Rows *rows, bool null_keys, const Datum *keys);
static void statements_make(RowsSource *source);
static char *statement_text(const RowsSource *source, bool null_keys);
static char *type_name(Oid type);
static Snapshot active_snapshot(void);
static bool table_open_current(Rows *rows, RowsSource *source);
static bool index_open_usable(Rows *rows);
static void source_resolve(RowsSource *source, Relation *table);
static Relation table_lock(RowsSource *source);
static void source_register(RowsSource *source);
static bool source_is_distributed(void);
static bool columns_are_usable(RowsSource *source, TupleDesc columns);
static AttrNumber column_number(TupleDesc columns, const char *name);
static bool column_is_usable(TupleDesc columns, AttrNumber number, const RowsColumn *column);
static bool index_is_usable(RowsSource *source, TupleDesc columns);
static bool key_is_usable(RowsSource *source, TupleDesc columns, Relation index, int key);
static AttrNumber lower_column(Relation index, int key);
static bool index_is_whole(const RowsSource *source, Relation index);
static void on_relation_change(Datum arg, Oid relation);
static void on_schema_change(Datum arg, int cache, uint32 hash);
static void on_label_change(Datum arg, int cache, uint32 hash);

static inline int
keys_compared(const RowsSource *source)
{
	return source->nkeys - source->last_not_null;
}

/*
 * An index that cannot serve this snapshot may serve the next one, so that only this read goes
 * by a statement. Locks are kept to the end of the transaction (NoLock at every close), as a
 * query keeps them.
 */
void
rows_open(Rows *rows, RowsSource *source, Snapshot snapshot)
{
	rows->source = source;
	rows->snapshot = snapshot;
	if (snapshot == NULL || !table_open_current(rows, source))
	{
		statement_open(rows);
		return;
	}
	rows->scan = NULL;
	rows->whole = NULL;
	if (source->index == NULL)
	{
		rows->numbers = source->numbers;
		rows->slot = table_slot_create(rows->table, NULL);
		rows->whole = compat_table_beginscan(rows->table, snapshot, 0, NULL);
		return;
	}
	if (!index_open_usable(rows))
	{
		table_close(rows->table, NoLock);
		statement_open(rows);
		return;
	}
	for (int i = 0; i < source->nkeys; i++)
		ScanKeyEntryInitialize(&rows->keys[i], 0, i + 1, BTEqualStrategyNumber, InvalidOid,
							   rows->index->rd_indcollation[i], source->procedures[i],
							   (Datum) 0);
	if (source->last_not_null)
		ScanKeyEntryInitialize(&rows->keys[source->nkeys - 1], SK_ISNULL | SK_SEARCHNOTNULL,
							   source->nkeys, InvalidStrategy, InvalidOid, InvalidOid,
							   InvalidOid, (Datum) 0);
	rows->numbers = source->numbers;
	rows->slot = table_slot_create(rows->table, NULL);
	rows->scan = compat_index_beginscan(rows->table, rows->index, snapshot, source->nkeys);
}

/* A rescan keeps the scan, its slot and its buffer: many keys cost one opening. */
void
rows_find(Rows *rows, const Datum *keys)
{
	if (unlikely(rows->scan == NULL))
	{
		if (rows->whole != NULL)
			table_rescan(rows->whole, NULL);
		else
			statement_run(rows, false, keys);
		return;
	}
	for (int i = 0; i < keys_compared(rows->source); i++)
		rows->keys[i].sk_argument = keys[i];
	index_rescan(rows->scan, rows->keys, rows->source->nkeys, NULL, 0);
}

void
rows_find_null(Rows *rows)
{
	ScanKeyData keys[ROWS_MAX_KEYS];

	if (unlikely(rows->scan == NULL))
	{
		statement_run(rows, true, NULL);
		return;
	}
	for (int i = 0; i < rows->source->nkeys; i++)
		ScanKeyEntryInitialize(&keys[i], SK_ISNULL | SK_SEARCHNULL, i + 1, InvalidStrategy,
							   InvalidOid, InvalidOid, InvalidOid, (Datum) 0);
	index_rescan(rows->scan, keys, rows->source->nkeys, NULL, 0);
}

BlockNumber
rows_blocks(const Rows *rows)
{
	return rows_are_of_statement(rows) ? InvalidBlockNumber
									   : RelationGetNumberOfBlocks(rows->table);
}

/* The slot goes first: it may hold a pin on a buffer that the scan has read. */
void
rows_close(Rows *rows)
{
	if (rows->slot != NULL)
		ExecDropSingleTupleTableSlot(rows->slot);
	if (unlikely(rows_are_of_statement(rows)))
	{
		if (rows->store != NULL)
			tuplestore_end(rows->store);
		return;
	}
	if (rows->whole != NULL)
		table_endscan(rows->whole);
	else
	{
		index_endscan(rows->scan);
		index_close(rows->index, NoLock);
	}
	table_close(rows->table, NoLock);
}

const char *
rows_label(Rows *rows, int column)
{
	bool null;
	Datum value = rows_value_or_null(rows, column, &null);
	Label *label = &labels[value % lengthof(labels)];

	if (null)
		return NULL;
	if (unlikely(rows_are_of_statement(rows)))
		return TextDatumGetCString(value);
	if (unlikely(label->value != value))
	{
		strlcpy(NameStr(label->name), enum_text(value), NAMEDATALEN);
		label->value = value;
	}
	return NameStr(label->name);
}

/*
 * xmin is the transaction that wrote the version of the row which the snapshot sees;
 * subtransactions of the current transaction count as the transaction.
 */
bool
rows_written_here(Rows *rows)
{
	bool null;
	Datum writer;

	if (rows_are_of_statement(rows))
		return true;
	writer = slot_getsysattr(rows->slot, MinTransactionIdAttributeNumber, &null);
	return TransactionIdIsCurrentTransactionId(DatumGetTransactionId(writer));
}

/* Reading by a statement */

/*
 * The table is looked up anew, for a source that never resolved says nothing of it: before
 * install(), or while a dump is restored, there is none. One that lacks a column may be of an
 * older release: reading says so then, as writing does.
 */
static void
statement_open(Rows *rows)
{
	Oid relation = get_relname_relid(rows->source->table, owner_schema());

	rows->missing = !OidIsValid(relation);
	if (rows->missing && !rows->source->optional)
		schema_raise_missing();
	if (!rows->missing && lacks_column(rows->source, relation))
		schema_require_current();
	rows->context = CurrentMemoryContext;
	rows->numbers = positions;
	rows->scan = NULL;
	rows->whole = NULL;
	rows->slot = NULL;
	rows->store = NULL;
}

/* Not asked of the table of the version, which is read in this way as well. */
static bool
lacks_column(const RowsSource *source, Oid relation)
{
	if (strcmp(source->table, "schema_version") == 0)
		return false;
	for (int i = 0; i < source->ncolumns; i++)
		if (get_attnum(relation, source->columns[i].name) == InvalidAttrNumber)
			return true;
	return false;
}

/*
 * Reads all rows into a tuplestore between SPI_connect() and SPI_finish(): SPI left open until
 * rows_close() would free what the caller allocates in between. With the active snapshot the
 * statement is a reading one and sees the same as the direct read; any other snapshot (a dirty
 * one, or none) becomes a new snapshot of the statement's own.
 */
static void
statement_run(Rows *rows, bool null_keys, const Datum *keys)
{
	MemoryContext caller;
	uint64 count;

	if (rows->missing)
		return;
	statements_make(rows->source);
	caller = MemoryContextSwitchTo(rows->context);
	if (rows->store == NULL)
		rows->store = tuplestore_begin_heap(false, false, work_mem);
	else
		tuplestore_clear(rows->store);
	SPI_connect();
	count =
		owner_execute(&rows->source->statements->plans[null_keys], unconstify(Datum *, keys),
					  NULL, rows->snapshot != NULL && rows->snapshot == active_snapshot());
	for (uint64 row = 0; row < count; row++)
	{
		CHECK_FOR_INTERRUPTS();
		tuplestore_puttuple(rows->store, SPI_tuptable->vals[row]);
	}
	if (rows->slot == NULL)
	{
		MemoryContextSwitchTo(rows->context);
		rows->slot = MakeSingleTupleTableSlot(CreateTupleDescCopy(SPI_tuptable->tupdesc),
											  &TTSOpsMinimalTuple);
	}
	SPI_finish();
	MemoryContextSwitchTo(caller);
}

/*
 * A direct read is not taken of a column that may hold nulls and is not nullable here. A
 * statement reads such a column, and only a null that is really there is refused.
 */
bool
rows_next_of_statement(Rows *rows)
{
	const RowsSource *source = rows->source;

	if (rows->store == NULL || !tuplestore_gettupleslot(rows->store, true, false, rows->slot))
		return false;
	for (int i = 0; i < source->ncolumns; i++)
		if (!source->columns[i].nullable && slot_attisnull(rows->slot, positions[i]))
			plan_raise_null(source->columns[i].name);
	return true;
}

/*
 * Makes the texts of both statements, in memory of the session: a plan keeps its text as long.
 * The texts are published when complete, for an error may end this half way.
 */
static void
statements_make(RowsSource *source)
{
	RowsStatements *made;
	MemoryContext caller;

	if (source->statements != NULL)
		return;
	caller = MemoryContextSwitchTo(TopMemoryContext);
	made = palloc0(sizeof(*made));
	for (int null_keys = 0; null_keys < 2; null_keys++)
		made->plans[null_keys].sql = statement_text(source, null_keys);
	made->plans[0].nargs = keys_compared(source);
	for (int i = 0; i < keys_compared(source); i++)
		made->plans[0].types[i] = source->keys[i].type;
	MemoryContextSwitchTo(caller);
	source->statements = made;
	/* tells why reading became slower, and a test which descriptions it has tried */
	ereport(DEBUG1,
			(source->index == NULL
				 ? errmsg("all rows of table \"%s\" are read by a statement", source->table)
				 : errmsg("rows of table \"%s\" by index \"%s\" are read by a statement",
						  source->table, source->index),
			 errdetail_internal("%s", made->plans[0].sql)));
}

/*
 * Each column is cast to the type that the source names, so that a value of another type is
 * never taken for one of that type. Every name is qualified, operators too: no search_path of
 * a caller's can change what is read.
 */
static char *
statement_text(const RowsSource *source, bool null_keys)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT");
	for (int i = 0; i < source->ncolumns; i++)
		appendStringInfo(&sql, "%s t.%s::%s", i == 0 ? "" : ",",
						 quote_identifier(source->columns[i].name),
						 type_name(source->columns[i].type));
	appendStringInfo(&sql, " FROM coursebase.%s t", quote_identifier(source->table));
	for (int i = 0; i < source->nkeys; i++)
	{
		appendStringInfo(&sql,
						 source->keys[i].lower
							 ? " %s pg_catalog.lower(t.%s COLLATE pg_catalog.\"C\")"
							 : " %s t.%s",
						 i == 0 ? "WHERE" : "AND", quote_identifier(source->keys[i].name));
		if (i >= keys_compared(source))
			appendStringInfoString(&sql, " IS NOT NULL");
		else if (null_keys)
			appendStringInfoString(&sql, " IS NULL");
		else
			appendStringInfo(&sql, " OPERATOR(pg_catalog.=) $%d", i + 1);
	}
	return sql.data;
}

/* With the flag of a modifier, or bpchar would be character, which is one character long. */
static char *
type_name(Oid type)
{
	return format_type_extended(type == ROWS_ENUM ? TEXTOID : type, -1,
								FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY);
}

static Snapshot
active_snapshot(void)
{
	return ActiveSnapshotSet() ? GetActiveSnapshot() : NULL;
}

/* Reading straight from the index */

/*
 * While this session waits for the lock, another one may alter the table. The server delivers
 * that as an invalidation, which moves rows_generation: then everything is looked up again.
 */
static bool
table_open_current(Rows *rows, RowsSource *source)
{
	if (source->resolved == rows_generation)
	{
		if (!source->usable)
			return false;
		rows->table = try_table_open(source->table_oid, AccessShareLock);
		if (rows->table != NULL && source->resolved == rows_generation)
			return true;
		if (rows->table != NULL)
			table_close(rows->table, AccessShareLock);
	}
	source_resolve(source, &rows->table);
	return source->usable;
}

/*
 * False also for an index that is gone: DROP INDEX CONCURRENTLY waits for nobody who locked the
 * table after it began to wait. An index that was built over broken chains of row versions
 * serves only snapshots that are younger than it, as the planner knows too.
 */
static bool
index_open_usable(Rows *rows)
{
	Form_pg_index form;

	rows->index = try_relation_open(rows->source->index_oid, AccessShareLock);
	if (rows->index == NULL)
		return false;
	form = rows->index->rd_index;
	if (form->indisvalid &&
		(!form->indcheckxmin ||
		 TransactionIdPrecedes(HeapTupleHeaderGetXmin(rows->index->rd_indextuple->t_data),
							   TransactionXmin)))
		return true;
	index_close(rows->index, NoLock);
	return false;
}

/* Everything is looked up under the lock; where the source can be used the table stays open. */
static void
source_resolve(RowsSource *source, Relation *table)
{
	source_register(source);
	source->usable = false;
	*table = table_lock(source);
	/*
	 * a table that is missing has no oid by which an invalidation could name it, so that it is
	 * looked up again at each call
	 */
	source->resolved = *table != NULL ? rows_generation : 0;
	if (*table == NULL)
		return;
	source->index_oid = source->index == NULL
							? InvalidOid
							: get_relname_relid(source->index, RelationGetNamespace(*table));
	source->usable =
		!(*table)->rd_rel->relhassubclass && !source_is_distributed() &&
		columns_are_usable(source, RelationGetDescr(*table)) &&
		(source->index == NULL || index_is_usable(source, RelationGetDescr(*table)));
	if (!source->usable)
	{
		table_close(*table, NoLock);
		*table = NULL;
	}
}

/* The table that has the name once it is locked; NULL for none, or for no ordinary table. */
static Relation
table_lock(RowsSource *source)
{
	/*
	 * Between the look-up and the lock the table may be dropped or renamed: then the name is
	 * looked up again.
	 */
	for (;;)
	{
		Oid oid = get_relname_relid(source->table, owner_schema());
		Relation table;

		source->table_oid = oid;
		if (!OidIsValid(oid))
			return NULL;
		table = try_relation_open(oid, AccessShareLock);
		if (table == NULL)
			continue;
		if (oid == get_relname_relid(source->table, owner_schema()))
		{
			if (table->rd_rel->relkind == RELKIND_RELATION)
				return table;
			relation_close(table, NoLock);
			return NULL;
		}
		relation_close(table, AccessShareLock);
	}
}

static void
source_register(RowsSource *source)
{
	static bool listening = false;

	if (!listening)
	{
		CacheRegisterRelcacheCallback(on_relation_change, (Datum) 0);
		CacheRegisterSyscacheCallback(NAMESPACEOID, on_schema_change, (Datum) 0);
		CacheRegisterSyscacheCallback(ENUMOID, on_label_change, (Datum) 0);
		listening = true;
	}
	for (RowsSource *known = sources; known != NULL; known = known->next)
		if (known == source)
			return;
	source->next = sources;
	sources = source;
}

/* With Citus a table's rows may lie on other machines, and only its planner knows. */
static bool
source_is_distributed(void)
{
	return OidIsValid(get_relname_relid("pg_dist_partition", PG_CATALOG_NAMESPACE));
}

/*
 * Column numbers differ between databases: a dump is restored without dropped columns, and
 * users add columns. So every resolving looks them up by name.
 */
static bool
columns_are_usable(RowsSource *source, TupleDesc columns)
{
	for (int i = 0; i < source->ncolumns; i++)
	{
		source->numbers[i] = column_number(columns, source->columns[i].name);
		if (!column_is_usable(columns, source->numbers[i], &source->columns[i]) ||
			!(source->columns[i].nullable ||
			  TupleDescAttr(columns, source->numbers[i] - 1)->attnotnull))
			return false;
	}
	return true;
}

/*
 * The number of the column that has the name; 0 for none. The open table has all names in
 * memory: the server's cache of attributes would read each from its catalogue, and that is a
 * fifth of what the first handshake of a session costs.
 */
static AttrNumber
column_number(TupleDesc columns, const char *name)
{
	for (int i = 0; i < columns->natts; i++)
	{
		Form_pg_attribute form = TupleDescAttr(columns, i);

		if (!form->attisdropped && strcmp(NameStr(form->attname), name) == 0)
			return form->attnum;
	}
	return InvalidAttrNumber;
}

/* The type must be the very one: a domain or varchar would be read by the wrong rules. */
static bool
column_is_usable(TupleDesc columns, AttrNumber number, const RowsColumn *column)
{
	Form_pg_attribute form;

	if (number <= 0 || number > columns->natts)
		return false;
	form = TupleDescAttr(columns, number - 1);
	if (form->attisdropped || strcmp(NameStr(form->attname), column->name) != 0)
		return false;
	return column->type == ROWS_ENUM ? type_is_enum(form->atttypid)
									 : form->atttypid == column->type;
}

/*
 * A partial index lacks rows, and an index of another access method cannot be asked in this
 * way. The operator is that of the index's own operator family for the two types, as the
 * planner would choose.
 */
static bool
index_is_usable(RowsSource *source, TupleDesc columns)
{
	Relation index;
	Form_pg_index form;
	bool usable;

	if (!OidIsValid(source->index_oid))
		return false;
	/* gone between the look-up and the lock, as for index_open_usable() */
	index = try_relation_open(source->index_oid, AccessShareLock);
	if (index == NULL)
		return false;
	if (index->rd_rel->relkind != RELKIND_INDEX)
	{
		relation_close(index, NoLock);
		return false;
	}
	form = index->rd_index;
	usable = index->rd_rel->relam == BTREE_AM_OID && form->indrelid == source->table_oid &&
			 form->indnkeyatts >= source->nkeys && index_is_whole(source, index);
	for (int i = 0; usable && i < source->nkeys; i++)
	{
		Oid type = source->keys[i].type;
		Oid operator=
			get_opfamily_member(index->rd_opfamily[i], type, type, BTEqualStrategyNumber);

		source->procedures[i] = OidIsValid(operator) ? get_opcode(operator) : InvalidOid;
		usable = OidIsValid(source->procedures[i]) && key_is_usable(source, columns, index, i);
	}
	index_close(index, NoLock);
	return usable;
}

/* Whether the index has the key's column there, or that column in lower case. */
static bool
key_is_usable(RowsSource *source, TupleDesc columns, Relation index, int key)
{
	AttrNumber number = index->rd_index->indkey.values[key];

	if (source->keys[key].lower)
		number = number == 0 ? lower_column(index, key) : InvalidAttrNumber;
	return column_is_usable(columns, number, &source->keys[key]);
}

/* The column of lower(column COLLATE "C"), which the index has there; 0 for another expression.
 */
static AttrNumber
lower_column(Relation index, int key)
{
	List *expressions = RelationGetIndexExpressions(index);
	int before = 0;
	FuncExpr *call;
	Node *argument;

	for (int i = 0; i < key; i++)
		before += index->rd_index->indkey.values[i] == 0;
	call = list_nth(expressions, before);
	if (!IsA(call, FuncExpr) || call->funcid != F_LOWER_TEXT ||
		call->inputcollid != C_COLLATION_OID)
		return InvalidAttrNumber;
	argument = linitial(call->args);
	if (IsA(argument, RelabelType)) /* what the planner makes of COLLATE */
		argument = (Node *) castNode(RelabelType, argument)->arg;
	return IsA(argument, Var) ? castNode(Var, argument)->varattno : InvalidAttrNumber;
}

/* Whether the index has all rows that the source finds. */
static bool
index_is_whole(const RowsSource *source, Relation index)
{
	List *predicate = RelationGetIndexPredicate(index);
	AttrNumber last = source->nkeys > 0 ? index->rd_index->indkey.values[source->nkeys - 1] : 0;
	NullTest *test;

	if (predicate == NIL)
		return true;
	if (!source->last_not_null || list_length(predicate) != 1 ||
		!IsA(linitial(predicate), NullTest))
		return false;
	test = linitial_node(NullTest, predicate);
	return test->nulltesttype == IS_NOT_NULL && IsA(test->arg, Var) &&
		   castNode(Var, test->arg)->varattno == last;
}

/*
 * Runs for every invalidation in the database. One generation for all sources is enough:
 * relations of ours change at installations and upgrades, and then all is looked up again.
 */
static void
on_relation_change(Datum arg, Oid relation)
{
	for (RowsSource *source = sources; source != NULL; source = source->next)
		if (relation == InvalidOid || relation == source->table_oid ||
			relation == source->index_oid)
		{
			rows_generation++;
			return;
		}
}

/*
 * The schema was renamed, dropped or made again: the names of our tables may lead to other
 * tables now.
 */
static void
on_schema_change(Datum arg, int cache, uint32 hash)
{
	rows_generation++;
}

static void
on_label_change(Datum arg, int cache, uint32 hash)
{
	memset(labels, 0, sizeof(labels));
}
