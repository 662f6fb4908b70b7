/*
 * schema.c: is the schema of the tables the one this code was written for?
 *
 * A dump carries the tables of the version that made the dump, and a library can be replaced
 * under a running database: either way code that writes must not meet tables it does not know.
 * Versions only grow, so a yes holds for the session; a yes is forgotten when the version's
 * table is altered, dropped or restored. A version that this transaction itself has written may
 * yet be rolled back: its yes is not kept.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "core/errors.h"
#include "core/owner.h"
#include "core/rows.h"
#include "core/schema.h"

static Oid current_relation = InvalidOid; /* whose version was found good */

/* A direct read: a statement's plan would cost the first call of a session as much as the
 * tables that the call is about. */
static RowsSource schema_version = {
	.table = "schema_version",
	.index = "schema_version_pkey",
	.nkeys = 1,
	.keys = {{"singleton", BOOLOID}},
	.ncolumns = 1,
	.columns = {{"version", TEXTOID}},
};

static void version_forget(Datum arg, Oid relation);
static char *version_read(bool *written_here);

/*
 * The look-up of the table comes first in every call: a session may live on while the
 * extension is dropped and made again.
 */
void
schema_require_current(void)
{
	static bool registered = false;
	Oid relation = get_relname_relid("schema_version", owner_schema());
	bool written_here;
	char *version;

	if (OidIsValid(current_relation) && relation == current_relation)
		return;
	if (!registered)
	{
		CacheRegisterRelcacheCallback(version_forget, (Datum) 0);
		registered = true;
	}
	if (!OidIsValid(relation))
		schema_raise_missing();
	version = version_read(&written_here);
	if (version == NULL || schema_version_compare(version, COURSEBASE_VERSION) < 0)
		ereport(ERROR, (errcode(ERRCODE_CB_SCHEMA_BEHIND),
						errmsg("the tables of coursebase are older than its code"),
						errdetail("The tables are of version %s, the library of version %s.",
								  version ? version : "unknown", COURSEBASE_VERSION),
						errhint("Run ALTER EXTENSION coursebase UPDATE, then SELECT "
								"coursebase.install().")));
	if (!written_here)
		current_relation = relation;
}

void
schema_raise_missing(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_CB_SCHEMA_BEHIND), errmsg("the tables of coursebase are missing"),
			 errdetail("The extension was created while a dump was being restored, or "
					   "its tables were dropped."),
			 errhint("Restore the tables, or run SELECT coursebase.install().")));
}

/*
 * Reads one number after the other, so that 0.10 comes after 0.9. A part that is no number is
 * compared as text, and ends the comparison.
 */
int
schema_version_compare(const char *left, const char *right)
{
	while (*left || *right)
	{
		char *left_end;
		char *right_end;
		long a = strtol(left, &left_end, 10);
		long b = strtol(right, &right_end, 10);

		if (a != b)
			return a < b ? -1 : 1;
		if (left_end == left && right_end == right)
			return strcmp(left, right);
		left = *left_end == '.' ? left_end + 1 : left_end;
		right = *right_end == '.' ? right_end + 1 : right_end;
	}
	return 0;
}

/* An invalid relation stands for all of them: the server lost track of what changed. */
static void
version_forget(Datum arg, Oid relation)
{
	if (relation == InvalidOid || relation == current_relation)
		current_relation = InvalidOid;
}

/* NULL for a table that has lost its row. */
static char *
version_read(bool *written_here)
{
	Datum key = BoolGetDatum(true);
	char *version = NULL;
	Rows rows;

	rows_open(&rows, &schema_version, ActiveSnapshotSet() ? GetActiveSnapshot() : NULL);
	rows_find(&rows, &key);
	*written_here = false;
	if (rows_next(&rows))
	{
		version = TextDatumGetCString(rows_value(&rows, 0));
		/* where a statement read the row, which cannot tell, a transaction without an id has
		 * written nothing */
		*written_here =
			TransactionIdIsValid(GetTopTransactionIdIfAny()) && rows_written_here(&rows);
	}
	rows_close(&rows);
	return version;
}
