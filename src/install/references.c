/*
 * references.c: foreign keys, held against the data.
 *
 * The server checks a key when a row is written, and no longer when somebody turned triggers
 * off (session_replication_role, ALTER TABLE … DISABLE TRIGGER). Every key of our tables is
 * looked at, those of later slices too; a partition's key is its parent's. Keys of the
 * operator's own, between a table of ours and one that the caller may not read, are left out:
 * who may ask need not be given a look into tables that are none of ours.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "core/compat.h"
#include "core/plan.h"

enum
{
	KEY_NAME = 1,
	KEY_PARENT,
	KEY_QUESTION,
};

/* One row a key: its name, the table it points to, and the question how many rows it fails. */
static KeptPlan read_questions = {
	.sql = "SELECT k.conname, k.confrelid::regclass::text, "
		   "format('SELECT count(*) FROM %s %s c WHERE %s "
		   "AND NOT EXISTS (SELECT FROM ONLY %s p WHERE (%s) = (%s))', "
		   "CASE WHEN (SELECT t.relkind FROM pg_class t WHERE t.oid = k.conrelid) = 'p' "
		   "THEN '' ELSE 'ONLY' END, k.conrelid::regclass, string_agg(format('c.%I IS NOT "
		   "NULL', c.attname), ' AND ' "
		   "ORDER BY n), k.confrelid::regclass, "
		   "string_agg(format('p.%I', p.attname), ', ' ORDER BY n), "
		   "string_agg(format('c.%I', c.attname), ', ' ORDER BY n)) "
		   "FROM pg_constraint k "
		   "CROSS JOIN LATERAL unnest(k.conkey, k.confkey) WITH ORDINALITY AS u (child, "
		   "parent, n) "
		   "JOIN pg_attribute c ON c.attrelid = k.conrelid AND c.attnum = u.child "
		   "JOIN pg_attribute p ON p.attrelid = k.confrelid AND p.attnum = u.parent "
		   "WHERE k.contype = 'f' AND k.connamespace = 'coursebase'::regnamespace "
		   "AND k.conparentid = 0 "
		   "AND NOT EXISTS (SELECT FROM pg_class t WHERE t.oid IN (k.conrelid, k.confrelid) "
		   "AND NOT (has_schema_privilege(t.relnamespace, 'USAGE') "
		   "AND has_table_privilege(t.oid, 'SELECT'))) "
		   "GROUP BY k.oid, k.conname, k.conrelid, k.confrelid ORDER BY k.conname",
};

static int64 rows_failing(const char *question);

PG_FUNCTION_INFO_V1(coursebase_check_references);

/*
 * SQL function: check_references() returns table (check_name text, object text, problem text)
 *
 * Reads with the caller's rights.
 */
PGDLLEXPORT Datum
coursebase_check_references(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *report = (ReturnSetInfo *) fcinfo->resultinfo;
	SPITupleTable *keys;
	uint64 nkeys;

	compat_materialize(fcinfo);
	SPI_connect();
	nkeys = plan_execute(&read_questions, NULL, NULL, true);
	keys = SPI_tuptable;
	for (uint64 key = 0; key < nkeys; key++)
	{
		char *name = SPI_getvalue(keys->vals[key], keys->tupdesc, KEY_NAME);
		char *parent = SPI_getvalue(keys->vals[key], keys->tupdesc, KEY_PARENT);
		int64 rows = rows_failing(SPI_getvalue(keys->vals[key], keys->tupdesc, KEY_QUESTION));
		bool nulls[] = {false, false, false};

		if (rows > 0)
		{
			Datum values[] = {
				CStringGetTextDatum("foreign_key"),
				CStringGetTextDatum(name),
				CStringGetTextDatum(
					psprintf("rows that point to none of %s: " INT64_FORMAT, parent, rows)),
			};

			tuplestore_putvalues(report->setResult, report->setDesc, values, nulls);
		}
	}
	SPI_finish();
	return (Datum) 0;
}

/*
 * The table of this answer is freed at once: a schema has many keys, and SPI would keep all of
 * them to the end.
 */
static int64
rows_failing(const char *question)
{
	int64 rows;

	CHECK_FOR_INTERRUPTS();
	if (SPI_execute(question, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not run: %s", question);
	rows = plan_int64(0, 1);
	SPI_freetuptable(SPI_tuptable);
	return rows;
}
