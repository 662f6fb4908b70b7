/*
 * fetch.c: rows of our own tables read straight from an index, without SPI.
 *
 * A source's names are looked up once, under the lock, and trusted until fetch_generation
 * moves; every read opens table and index under the locks of a query. What cannot be read this
 * way (a partitioned or inherited table, one that another engine distributes, a missing or
 * unfinished index, another type) is refused, never guessed at.
 */
#include "postgres.h"

#include "access/relscan.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "storage/lmgr.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "core/compat.h"
#include "core/fetch.h"
#include "core/owner.h"

uint64 fetch_generation = 1;

static FetchSource *sources = NULL; /* every one that was ever resolved */

static bool table_open_current(Fetch *fetch, FetchSource *source);
static bool index_open_usable(Fetch *fetch, Snapshot snapshot);
static void source_resolve(FetchSource *source, Relation *table);
static Relation table_lock(FetchSource *source);
static void source_register(FetchSource *source);
static bool source_is_distributed(void);
static bool columns_are_usable(FetchSource *source, TupleDesc columns);
static bool column_is_usable(TupleDesc columns, AttrNumber number, const FetchColumn *column);
static bool index_is_usable(FetchSource *source, TupleDesc columns);
static void on_relation_change(Datum arg, Oid relation);
static void on_schema_change(Datum arg, int cache, uint32 hash);

bool
fetch_open(Fetch *fetch, FetchSource *source, Snapshot snapshot)
{
	if (!table_open_current(fetch, source))
		return false;
	if (!index_open_usable(fetch, snapshot))
	{
		table_close(fetch->table, NoLock);
		return false;
	}
	for (int i = 0; i < source->nkeys; i++)
		ScanKeyEntryInitialize(&fetch->keys[i], 0, i + 1, BTEqualStrategyNumber, InvalidOid,
							   fetch->index->rd_indcollation[i], source->procedures[i],
							   (Datum) 0);
	fetch->source = source;
	fetch->slot = table_slot_create(fetch->table, NULL);
	fetch->scan = compat_index_beginscan(fetch->table, fetch->index, snapshot, source->nkeys);
	return true;
}

void
fetch_find(Fetch *fetch, const Datum *keys)
{
	for (int i = 0; i < fetch->source->nkeys; i++)
		fetch->keys[i].sk_argument = keys[i];
	index_rescan(fetch->scan, fetch->keys, fetch->source->nkeys, NULL, 0);
}

void
fetch_find_null(Fetch *fetch)
{
	ScanKeyData keys[FETCH_MAX_KEYS];

	for (int i = 0; i < fetch->source->nkeys; i++)
		ScanKeyEntryInitialize(&keys[i], SK_ISNULL | SK_SEARCHNULL, i + 1, InvalidStrategy,
							   InvalidOid, InvalidOid, InvalidOid, (Datum) 0);
	index_rescan(fetch->scan, keys, fetch->source->nkeys, NULL, 0);
}

bool
fetch_next(Fetch *fetch)
{
	return index_getnext_slot(fetch->scan, ForwardScanDirection, fetch->slot);
}

bool
fetch_previous(Fetch *fetch)
{
	return index_getnext_slot(fetch->scan, BackwardScanDirection, fetch->slot);
}

Datum
fetch_value(Fetch *fetch, int column, bool *null)
{
	return slot_getattr(fetch->slot, fetch->source->numbers[column], null);
}

void
fetch_close(Fetch *fetch)
{
	index_endscan(fetch->scan);
	ExecDropSingleTupleTableSlot(fetch->slot);
	index_close(fetch->index, NoLock);
	table_close(fetch->table, NoLock);
}

/* Awaiting the lock may bring news of the table, and then everything is looked up again. */
static bool
table_open_current(Fetch *fetch, FetchSource *source)
{
	fetch->source = source;
	if (source->resolved == fetch_generation)
	{
		if (!source->usable)
			return false;
		fetch->table = try_table_open(source->table_oid, AccessShareLock);
		if (fetch->table != NULL && source->resolved == fetch_generation)
			return true;
		if (fetch->table != NULL)
			table_close(fetch->table, AccessShareLock);
	}
	source_resolve(source, &fetch->table);
	return source->usable;
}

/*
 * An index that was built over broken chains of row versions serves only snapshots that are
 * younger than it, as the planner knows too.
 */
static bool
index_open_usable(Fetch *fetch, Snapshot snapshot)
{
	Form_pg_index form;

	fetch->index = index_open(fetch->source->index_oid, AccessShareLock);
	form = fetch->index->rd_index;
	if (form->indisvalid &&
		(!form->indcheckxmin ||
		 TransactionIdPrecedes(HeapTupleHeaderGetXmin(fetch->index->rd_indextuple->t_data),
							   TransactionXmin)))
		return true;
	index_close(fetch->index, NoLock);
	return false;
}

/* Everything is looked up under the lock; where the source can be used the table stays open. */
static void
source_resolve(FetchSource *source, Relation *table)
{
	source_register(source);
	source->usable = false;
	*table = table_lock(source);
	/* nothing tells of a table that comes to be */
	source->resolved = *table != NULL ? fetch_generation : 0;
	if (*table == NULL)
		return;
	source->index_oid = get_relname_relid(source->index, RelationGetNamespace(*table));
	source->usable = !(*table)->rd_rel->relhassubclass && !source_is_distributed() &&
					 columns_are_usable(source, RelationGetDescr(*table)) &&
					 index_is_usable(source, RelationGetDescr(*table));
	if (!source->usable)
	{
		table_close(*table, NoLock);
		*table = NULL;
	}
}

/* The table that has the name once it is locked; NULL for none, or for no ordinary table. */
static Relation
table_lock(FetchSource *source)
{
	for (;;)
	{
		Oid oid = get_relname_relid(source->table, owner_schema());
		Relation table;

		source->table_oid = oid;
		if (!OidIsValid(oid) || get_rel_relkind(oid) != RELKIND_RELATION)
			return NULL;
		table = try_table_open(oid, AccessShareLock);
		if (table != NULL && oid == get_relname_relid(source->table, owner_schema()))
			return table;
		if (table != NULL)
			table_close(table, AccessShareLock);
	}
}

static void
source_register(FetchSource *source)
{
	static bool listening = false;

	if (!listening)
	{
		CacheRegisterRelcacheCallback(on_relation_change, (Datum) 0);
		CacheRegisterSyscacheCallback(NAMESPACEOID, on_schema_change, (Datum) 0);
		listening = true;
	}
	for (FetchSource *known = sources; known != NULL; known = known->next)
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

static bool
columns_are_usable(FetchSource *source, TupleDesc columns)
{
	for (int i = 0; i < source->ncolumns; i++)
	{
		source->numbers[i] = get_attnum(source->table_oid, source->columns[i].name);
		if (!column_is_usable(columns, source->numbers[i], &source->columns[i]) ||
			!(source->columns[i].nullable ||
			  TupleDescAttr(columns, source->numbers[i] - 1)->attnotnull))
			return false;
	}
	return true;
}

static bool
column_is_usable(TupleDesc columns, AttrNumber number, const FetchColumn *column)
{
	Form_pg_attribute form;

	if (number <= 0 || number > columns->natts)
		return false;
	form = TupleDescAttr(columns, number - 1);
	if (form->attisdropped || strcmp(NameStr(form->attname), column->name) != 0)
		return false;
	return column->type == FETCH_ANY_ENUM ? type_is_enum(form->atttypid)
										  : form->atttypid == column->type;
}

static bool
index_is_usable(FetchSource *source, TupleDesc columns)
{
	Relation index;
	Form_pg_index form;
	bool usable;

	if (!OidIsValid(source->index_oid) || get_rel_relkind(source->index_oid) != RELKIND_INDEX)
		return false;
	index = index_open(source->index_oid, AccessShareLock);
	form = index->rd_index;
	usable = index->rd_rel->relam == BTREE_AM_OID && form->indrelid == source->table_oid &&
			 form->indnkeyatts >= source->nkeys && RelationGetIndexPredicate(index) == NIL;
	for (int i = 0; usable && i < source->nkeys; i++)
	{
		Oid type = source->keys[i].type;
		Oid operator=
			get_opfamily_member(index->rd_opfamily[i], type, type, BTEqualStrategyNumber);

		source->procedures[i] = OidIsValid(operator) ? get_opcode(operator) : InvalidOid;
		usable = OidIsValid(source->procedures[i]) &&
				 column_is_usable(columns, form->indkey.values[i], &source->keys[i]);
	}
	index_close(index, NoLock);
	return usable;
}

static void
on_relation_change(Datum arg, Oid relation)
{
	for (FetchSource *source = sources; source != NULL; source = source->next)
		if (relation == InvalidOid || relation == source->table_oid ||
			relation == source->index_oid)
		{
			fetch_generation++;
			return;
		}
}

/* The tables' names may mean others now. */
static void
on_schema_change(Datum arg, int cache, uint32 hash)
{
	fetch_generation++;
}
