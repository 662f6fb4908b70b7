/*
 * partition.c: which tables an operator may partition by time, and what such a table needs.
 *
 * install() takes a partitioned table for the one that the release makes, and adds to it what
 * is missing. Only tables that grow for ever and have no key but their id may be partitioned: a
 * unique key of a partitioned table must include the time, and then holds no longer over all
 * rows.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/lsyscache.h"

#include "core/plan.h"
#include "install/partition.h"

/* Tables that grow with every act and are read by time. */
static const char *const by_time[] = {"audit_events", "app_logs", "server_logs"};

/* A row, if the table is partitioned by ranges of created_at alone and its key is the id with
 * that time. */
static KeptPlan fits = {
	.sql = "SELECT FROM pg_partitioned_table p "
		   "JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0] "
		   "AND a.attname = 'created_at' "
		   "JOIN pg_constraint k ON k.conrelid = p.partrelid AND k.contype = 'p' "
		   "AND k.conname = $2 || '_pkey' "
		   "WHERE p.partrelid = $1 AND p.partstrat = 'r' AND p.partnatts = 1 "
		   "AND (SELECT array_agg(c.attname ORDER BY u.n) "
		   "FROM unnest(k.conkey) WITH ORDINALITY AS u (attnum, n) "
		   "JOIN pg_attribute c ON c.attrelid = k.conrelid AND c.attnum = u.attnum) "
		   "= ARRAY['id', 'created_at']::name[]",
	.nargs = 2,
	.types = {OIDOID, TEXTOID},
};

static bool may_be_partitioned(const char *table);
static bool is_partitioned_well(Oid relation, const char *table);

bool
relation_is_partitioned(Oid relation)
{
	return get_rel_relkind(relation) == RELKIND_PARTITIONED_TABLE;
}

/* Called before install() adds anything, so that a table that it cannot keep right is refused
 * as it was found. */
void
partition_require(Oid relation, const char *table)
{
	if (!relation_is_partitioned(relation))
		return;
	if (!may_be_partitioned(table))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
				 errmsg("table coursebase.%s cannot be partitioned", table),
				 errdetail("Its unique keys must hold over all rows."),
				 errhint("Only audit_events, app_logs and server_logs can be partitioned.")));
	if (!is_partitioned_well(relation, table))
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
			 errmsg("table coursebase.%s is partitioned in another way than it may be", table),
			 errdetail(
				 "It needs PARTITION BY RANGE (created_at) and CONSTRAINT %s_pkey PRIMARY "
				 "KEY (id, created_at).",
				 table),
			 errhint("Make it anew so, and run coursebase.install() again.")));
}

static bool
may_be_partitioned(const char *table)
{
	for (int i = 0; i < lengthof(by_time); i++)
		if (strcmp(by_time[i], table) == 0)
			return true;
	return false;
}

static bool
is_partitioned_well(Oid relation, const char *table)
{
	PlanValues values = {0};
	bool fit;

	plan_bind(&values, ObjectIdGetDatum(relation));
	plan_bind_text(&values, table);
	SPI_connect();
	fit = plan_execute(&fits, values.datums, values.nulls, false) > 0;
	SPI_finish();
	return fit;
}
