/*
 * key.c: keys and references of our tables, as they are and as a release makes them.
 *
 * Somebody may drop a key and make another one of its name. What the catalogue has of it is
 * numbers and letters, and is compared as such.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "install/key.h"

static char kind_of(ConstrType kind);
static bool tuple_differs(HeapTuple tuple, const Constraint *constraint);
static bool reference_differs(HeapTuple tuple, const Constraint *constraint);
static bool columns_differ(HeapTuple tuple, AttrNumber place, Oid table, List *names);
static bool nulls_differ(Oid index, bool not_distinct);

bool
key_differs(Oid table, const Constraint *constraint)
{
	Oid there = get_relation_constraint_oid(table, constraint->conname, true);
	HeapTuple tuple;
	bool differs;

	if (kind_of(constraint->contype) == '\0' || !OidIsValid(there))
		return false;
	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(there));
	if (!HeapTupleIsValid(tuple))
		return false;
	differs = tuple_differs(tuple, constraint);
	ReleaseSysCache(tuple);
	return differs;
}

/* As pg_constraint has the kind; zero for what has no name of ours. */
static char
kind_of(ConstrType kind)
{
	switch (kind)
	{
		case CONSTR_CHECK:
			return CONSTRAINT_CHECK;
		case CONSTR_PRIMARY:
			return CONSTRAINT_PRIMARY;
		case CONSTR_UNIQUE:
			return CONSTRAINT_UNIQUE;
		case CONSTR_FOREIGN:
			return CONSTRAINT_FOREIGN;
		default:
			return '\0';
	}
}

/* The expression of a CHECK is not compared here: it is a tree (replaced.c). */
static bool
tuple_differs(HeapTuple tuple, const Constraint *constraint)
{
	Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);

	if (form->contype != kind_of(constraint->contype))
		return true;
	if (form->contype == CONSTRAINT_CHECK)
		return false;
	if (form->condeferrable != constraint->deferrable ||
		form->condeferred != constraint->initdeferred)
		return true;
	if (form->contype == CONSTRAINT_FOREIGN)
		return reference_differs(tuple, constraint);
	/* of a table that is partitioned by time a key has the time as well (partition.c) */
	if (get_rel_relkind(form->conrelid) == RELKIND_PARTITIONED_TABLE)
		return false;
	return columns_differ(tuple, Anum_pg_constraint_conkey, form->conrelid, constraint->keys) ||
		   nulls_differ(form->conindid, constraint->nulls_not_distinct);
}

/* Other actions or columns would keep rows that we delete, or delete rows that we keep. */
static bool
reference_differs(HeapTuple tuple, const Constraint *constraint)
{
	Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);

	return form->confrelid != RangeVarGetRelid(constraint->pktable, NoLock, true) ||
		   form->confupdtype != constraint->fk_upd_action ||
		   form->confdeltype != constraint->fk_del_action ||
		   form->confmatchtype != constraint->fk_matchtype ||
		   columns_differ(tuple, Anum_pg_constraint_confdelsetcols, form->conrelid,
						  constraint->fk_del_set_cols) ||
		   columns_differ(tuple, Anum_pg_constraint_conkey, form->conrelid,
						  constraint->fk_attrs) ||
		   columns_differ(tuple, Anum_pg_constraint_confkey, form->confrelid,
						  constraint->pk_attrs);
}

/* The order counts: an index serves those who ask for the first column. */
static bool
columns_differ(HeapTuple tuple, AttrNumber place, Oid table, List *names)
{
	bool null;
	Datum value = SysCacheGetAttr(CONSTROID, tuple, place, &null);
	Datum *columns;
	int count;
	int i = 0;
	ListCell *cell;

	if (null)
		return names != NIL;
	deconstruct_array(DatumGetArrayTypeP(value), INT2OID, sizeof(int16), true, TYPALIGN_SHORT,
					  &columns, NULL, &count);
	if (count != list_length(names))
		return true;
	foreach (cell, names)
		if (DatumGetInt16(columns[i++]) != get_attnum(table, strVal(lfirst(cell))))
			return true;
	return false;
}

/* Whether two NULLs count as the same value is told by the index, not by the constraint. */
static bool
nulls_differ(Oid index, bool not_distinct)
{
	HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	bool stored;

	if (!HeapTupleIsValid(tuple))
		return false;
	stored = ((Form_pg_index) GETSTRUCT(tuple))->indnullsnotdistinct;
	ReleaseSysCache(tuple);
	return stored != not_distinct;
}

/* The guard keeps a primary key, by which rows cannot come twice. */
char *
key_removal(const char *table, const Constraint *constraint)
{
	bool is_primary = constraint->contype == CONSTR_PRIMARY;
	bool is_key = is_primary || constraint->contype == CONSTR_UNIQUE;

	return psprintf("%sALTER TABLE coursebase.%s DROP CONSTRAINT %s%s",
					is_primary ? "SET coursebase.allow_drop = on; " : "",
					quote_identifier(table), quote_identifier(constraint->conname),
					is_key ? " CASCADE" : "");
}
