/*
 * compat.h: the only place where PostgreSQL 15, 16, 17, 18 and 19 differ.
 *
 * A version test anywhere else is a mistake. Nothing here may bind to a symbol that an older
 * minor release of the same major lacks (heap_getattr does, from 15.20, 16.16, 17.12 and 18.7
 * headers on).
 */
#ifndef COURSEBASE_CORE_COMPAT_H
#define COURSEBASE_CORE_COMPAT_H

#include "postgres.h"

#include "access/genam.h"
#include "access/tableam.h"
#include "access/toast_internals.h"
#include "catalog/dependency.h"
#include "funcapi.h"
#include "optimizer/pathnode.h"
#include "optimizer/plancat.h"
#include "replication/walreceiver.h"
#include "storage/proc.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"
#include "utils/jsonb.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#if PG_VERSION_NUM < 150000 || PG_VERSION_NUM >= 200000
#error "coursebase is made for PostgreSQL 15 to 19"
#endif

/* 16 moved the macros of variable-length values out of postgres.h. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* Before 18 the server has only a form that stands behind the declaration. */
#ifndef pg_noreturn
#define pg_noreturn __attribute__((noreturn))
#endif

/* The library's mark; since 18 it says its name and version too, which pg_get_loaded_modules()
 * lists. */
#ifdef PG_MODULE_MAGIC_EXT
#define COMPAT_MODULE_MAGIC(name_, version_)                                                   \
	PG_MODULE_MAGIC_EXT(.name = (name_), .version = (version_))
#else
#define COMPAT_MODULE_MAGIC(name_, version_) PG_MODULE_MAGIC
#endif

/*
 * The mark of a setting whose value stays when the library defines it: a function with a SET of
 * its own is loaded when it first runs, which may be within a query that runs in parallel, and
 * the server changes no other setting there. Minor releases before November 2024 know no mark.
 */
#ifdef GUC_ALLOW_IN_PARALLEL
#define COMPAT_GUC_ALLOW_IN_PARALLEL GUC_ALLOW_IN_PARALLEL
#else
#define COMPAT_GUC_ALLOW_IN_PARALLEL 0
#endif

/* What the planner calls when it has read the size of a table; 19 gives it the table's entry.
 */
#if PG_VERSION_NUM >= 190000
#define compat_relation_hook build_simple_rel_hook
typedef build_simple_rel_hook_type compat_relation_hook_type;
#define COMPAT_RELATION_HOOK_ARGS  PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte
#define COMPAT_RELATION_HOOK_CALL  root, rel, rte
#define COMPAT_RELATION_HOOK_TABLE (rte->rtekind == RTE_RELATION ? rte->relid : InvalidOid)
#else
#define compat_relation_hook       get_relation_info_hook
typedef get_relation_info_hook_type compat_relation_hook_type;
#define COMPAT_RELATION_HOOK_ARGS  PlannerInfo *root, Oid relid, bool inherits, RelOptInfo *rel
#define COMPAT_RELATION_HOOK_CALL  root, relid, inherits, rel
#define COMPAT_RELATION_HOOK_TABLE (relid)
#endif

/* What the planner calls in place of itself; 19 tells it of EXPLAIN. */
#if PG_VERSION_NUM >= 190000
#define COMPAT_PLANNER_HOOK_ARGS                                                               \
	Query *parse, const char *sql, int options, ParamListInfo values, struct ExplainState *es
#define COMPAT_PLANNER_HOOK_CALL parse, sql, options, values, es
#else
#define COMPAT_PLANNER_HOOK_ARGS                                                               \
	Query *parse, const char *sql, int options, ParamListInfo values
#define COMPAT_PLANNER_HOOK_CALL parse, sql, options, values
#endif

/* What the executor calls in place of itself; 18 no longer says whether it runs once. */
#if PG_VERSION_NUM >= 180000
#define COMPAT_RUN_HOOK_ARGS QueryDesc *query, ScanDirection direction, uint64 count
#define COMPAT_RUN_HOOK_CALL query, direction, count
#else
#define COMPAT_RUN_HOOK_ARGS QueryDesc *query, ScanDirection direction, uint64 count, bool once
#define COMPAT_RUN_HOOK_CALL query, direction, count, once
#endif

/* The server's record of a setting, or NULL: find_option() is private in 15. */
static inline struct config_generic *
compat_setting(const char *name)
{
#if PG_VERSION_NUM >= 160000
	return find_option(name, false, true, 0);
#else
	struct config_generic **all = get_guc_variables();
	int count = GetNumConfigOptions();

	for (int i = 0; i < count; i++)
		if (pg_strcasecmp(all[i]->name, name) == 0)
			return all[i];
	return NULL;
#endif
}

/* Makes the function's result a tuplestore in fcinfo->resultinfo; 15.0 knows only the older
 * name. */
static inline void
compat_materialize(FunctionCallInfo fcinfo)
{
#if PG_VERSION_NUM >= 160000
	InitMaterializedSRF(fcinfo, 0);
#else
	SetSingleFuncCall(fcinfo, 0);
#endif
}

/* The snapshot that sees TOAST chunks; 18 has one, before it is made in the caller's memory. */
static inline Snapshot
compat_toast_snapshot(SnapshotData *memory)
{
#if PG_VERSION_NUM >= 180000
	(void) memory;
	return get_toast_snapshot();
#else
	init_toast_snapshot(memory);
	return memory;
#endif
}

/* What a setting's check hook hands to its assign hook; NULL without memory. The server frees
 * it.
 */
static inline void *
compat_setting_extra(Size size)
{
#if PG_VERSION_NUM >= 160000
	return guc_malloc(LOG, size);
#else
	return malloc(size);
#endif
}

static inline void
compat_setting_extra_free(void *extra)
{
#if PG_VERSION_NUM >= 160000
	if (extra != NULL)
		guc_free(extra);
#else
	free(extra);
#endif
}

static inline IndexScanDesc
compat_index_beginscan(Relation table, Relation index, Snapshot snapshot, int nkeys)
{
#if PG_VERSION_NUM >= 190000
	return index_beginscan(table, index, snapshot, NULL, nkeys, 0, 0);
#elif PG_VERSION_NUM >= 180000
	return index_beginscan(table, index, snapshot, NULL, nkeys, 0);
#else
	return index_beginscan(table, index, snapshot, nkeys, 0);
#endif
}

static inline TableScanDesc
compat_table_beginscan(Relation table, Snapshot snapshot, int nkeys, struct ScanKeyData *keys)
{
#if PG_VERSION_NUM >= 190000
	return table_beginscan(table, snapshot, nkeys, keys, 0);
#else
	return table_beginscan(table, snapshot, nkeys, keys);
#endif
}

/* A jsonb in the making: the result of the last push is whole once the outermost value is
 * closed. Since 19 the server's own state holds it. */
#if PG_VERSION_NUM >= 190000
typedef JsonbInState CompatJsonb;
#else
typedef struct CompatJsonb
{
	JsonbParseState *state;
	JsonbValue *result;
} CompatJsonb;
#endif

static inline void
compat_jsonb_push(CompatJsonb *jsonb, JsonbIteratorToken token, JsonbValue *value)
{
#if PG_VERSION_NUM >= 190000
	pushJsonbValue(jsonb, token, value);
#else
	jsonb->result = pushJsonbValue(&jsonb->state, token, value);
#endif
}

/* Whether a column of the cache ATTNUM has SET STATISTICS 0; since 17 a column that says
 * nothing has a null. */
static inline bool
compat_without_statistics(HeapTuple column)
{
#if PG_VERSION_NUM >= 170000
	bool unsaid;
	Datum target = SysCacheGetAttr(ATTNUM, column, Anum_pg_attribute_attstattarget, &unsaid);

	return !unsaid && DatumGetInt16(target) == 0;
#else
	return ((Form_pg_attribute) GETSTRUCT(column))->attstattarget == 0;
#endif
}

/* The sequence behind an identity column; InvalidOid for none. */
static inline Oid
compat_identity_sequence(Relation table, AttrNumber column)
{
#if PG_VERSION_NUM >= 170000
	return getIdentitySequence(table, column, true);
#else
	return getIdentitySequence(RelationGetRelid(table), column, true);
#endif
}

/*
 * A connection for logical replication, by the conninfo of a subscription; NULL with *error
 * where it cannot be made. Needs the library libpqwalreceiver.
 */
static inline WalReceiverConn *
compat_walrcv_connect(const char *conninfo, bool must_use_password, const char *name,
					  char **error)
{
#if PG_VERSION_NUM >= 170000
	return walrcv_connect(conninfo, true, true, must_use_password, name, error);
#elif PG_VERSION_NUM >= 160000
	return walrcv_connect(conninfo, true, must_use_password, name, error);
#else
	(void) must_use_password;
	return walrcv_connect(conninfo, true, name, error);
#endif
}

/* A lasting slot; the transaction of the connection reads from where it begins. */
static inline void
compat_walrcv_create_slot(WalReceiverConn *connection, const char *name)
{
	XLogRecPtr position;

#if PG_VERSION_NUM >= 170000
	walrcv_create_slot(connection, name, false, false, false, CRS_USE_SNAPSHOT, &position);
#else
	walrcv_create_slot(connection, name, false, false, CRS_USE_SNAPSHOT, &position);
#endif
}

/* Whether what a subscription brings is written with the rights of the tables' owner; before 16
 * it is with those of who made the subscription, a superuser. */
#define COMPAT_SUBSCRIPTION_CONFINED (PG_VERSION_NUM >= 160000)

/* This session's number of the running transaction. */
static inline LocalTransactionId
compat_local_transaction(void)
{
#if PG_VERSION_NUM >= 170000
	return MyProc->vxid.lxid;
#else
	return MyProc->lxid;
#endif
}

#endif
