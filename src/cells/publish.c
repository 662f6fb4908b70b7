/*
 * publish.c: home publishes the catalogue.
 *
 * Invariant: each table that cell_tables() calls catalogue or directory is in one of two
 * publications. The one for tables to which rows of people point publishes no DELETE: a
 * deletion that reached a cell could leave rows of people there that point to nothing, for the
 * server checks no foreign key of what a subscription applies.
 *
 * Locks: those of CREATE and ALTER PUBLICATION. Rights: the caller's.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"

#include "cells/cell.h"
#include "cells/home.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/schema.h"

/*
 * One row a publication: the statements that make it or bring it up to date, and how many
 * tables it has. A table gets a list of columns only where some are each server's own: with a
 * list, a column that the business adds later would not be published.
 */
static KeptPlan read_statements = {
	.sql = "WITH published AS (SELECT p.name, p.publish, t.table_name, t.n,"
		   "  format('coursebase.%I', t.table_name) || coalesce((SELECT ' ('"
		   "   || string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) || ')'"
		   "   FROM pg_attribute a WHERE t.own_columns IS NOT NULL"
		   "   AND a.attrelid = to_regclass(format('coursebase.%I', t.table_name))"
		   "   AND a.attnum > 0 AND NOT a.attisdropped"
		   "   AND a.attname <> ALL (t.own_columns)), '') AS shown"
		   "  FROM coursebase.cell_tables() WITH ORDINALITY"
		   "   AS t (table_name, kind, is_kept, own_columns, n)"
		   "  JOIN (VALUES (false, '" CATALOGUE_PUBLICATION "', 'insert, update, delete'),"
		   "   (true, '" KEPT_PUBLICATION "', 'insert, update')) AS p (is_kept, name, publish)"
		   "   USING (is_kept) WHERE t.kind IN ('catalogue', 'directory'))"
		   " SELECT CASE WHEN EXISTS (SELECT FROM pg_publication b WHERE b.pubname = p.name)"
		   "  THEN format('ALTER PUBLICATION %1$I SET TABLE %2$s;"
		   " ALTER PUBLICATION %1$I SET (publish = %3$L)', p.name,"
		   "   string_agg(p.shown, ', ' ORDER BY p.n), p.publish)"
		   "  ELSE format('CREATE PUBLICATION %I FOR TABLE %s WITH (publish = %L)', p.name,"
		   "   string_agg(p.shown, ', ' ORDER BY p.n), p.publish) END,"
		   " count(*)::integer FROM published p GROUP BY p.name, p.publish ORDER BY p.name",
};

static void publisher_require(void);

PG_FUNCTION_INFO_V1(coursebase_publish_catalogue);

/* SQL function: publish_catalogue() returns integer */
PGDLLEXPORT Datum
coursebase_publish_catalogue(PG_FUNCTION_ARGS)
{
	char *statements[2];
	uint64 count;
	int32 tables = 0;

	schema_require_current();
	publisher_require();
	SPI_connect();
	count = plan_execute(&read_statements, NULL, NULL, false);
	Assert(count <= lengthof(statements));
	/* all texts are copied first: running a statement overwrites the rows that hold them */
	for (uint64 i = 0; i < count; i++)
	{
		statements[i] = plan_text_required(i, 1);
		tables += plan_int32(i, 2);
	}
	for (uint64 i = 0; i < count; i++)
		plan_execute_once(statements[i]);
	SPI_finish();
	PG_RETURN_INT32(tables);
}

/*
 * Raises, in this order, for a caller without the owner's rights, a server that is the only
 * one, one that is not home, and a server whose log has not what subscriptions read.
 */
static void
publisher_require(void)
{
	Cell here;

	if (!has_privs_of_role(GetUserId(), owner_of_tables()))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("only the owner of coursebase's tables may publish them")));
	if (!cell_here(&here))
		ereport(ERROR, (errcode(ERRCODE_CB_HOME_ONLY), errmsg("this server is the only one"),
						errdetail("There is no other cell that could join."),
						errhint("Call coursebase.set_cell() first.")));
	if (here.number != here.home)
		cell_raise_not_home(&here, "publish_catalogue()");
	if (wal_level < WAL_LEVEL_LOGICAL)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("wal_level is not logical"),
						errdetail("Other cells read what changes from home's log."),
						errhint("Set wal_level = logical, and restart the server.")));
}
