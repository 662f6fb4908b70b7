/*
 * hand_over.c: makes another role the owner of the tables.
 *
 * The tables, views and types of coursebase change hands, together with the partitions of its
 * tables and home's publications of them, which their owner brings up to date; the schema, the
 * functions, the extension and the guard stay with whoever installed them. So the new owner
 * reads, writes and alters the tables past row security, and can neither replace a function of
 * ours, which runs for others, nor switch the guard off but by its setting.
 *
 * The caller is a superuser, and the owner before need not be one: what is read of the tables
 * or written to them is so with the owner's rights (owner_confine()).
 *
 * Locks: the extension's row first, as install() does, then each table, in the order of oids.
 */
#include "postgres.h"

#include "catalog/pg_extension.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"

#include "core/compat.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/replicated.h"
#include "core/schema.h"
#include "install/grants.h"
#include "install/utility.h"

/* A partition may stand in any schema, and have partitions of its own. */
static KeptPlan read_changes = {
	.sql = "SELECT format('ALTER %s %s OWNER TO %I', kind, name, $1) FROM ("
		   "SELECT 1 AS place, c.oid, 'TABLE' AS kind, c.oid::regclass::text AS name FROM "
		   "pg_class c "
		   "WHERE c.relkind IN ('r', 'p') AND EXISTS (SELECT FROM pg_class p "
		   "JOIN coursebase.steps() s ON s.object = 'table ' || p.relname "
		   "WHERE p.oid IN (c.oid, pg_partition_root(c.oid)) "
		   "AND p.relnamespace = 'coursebase'::regnamespace) "
		   "UNION ALL "
		   "SELECT 2, c.oid, 'VIEW', c.oid::regclass::text FROM pg_class c "
		   "JOIN coursebase.steps() s ON s.object = 'view ' || c.relname "
		   "WHERE c.relkind = 'v' AND c.relnamespace = 'coursebase'::regnamespace "
		   "UNION ALL "
		   "SELECT 3, t.oid, 'TYPE', t.oid::regtype::text FROM pg_type t "
		   "JOIN coursebase.steps() s ON s.object = 'type ' || t.typname "
		   "WHERE t.typtype = 'e' AND t.typnamespace = 'coursebase'::regnamespace "
		   "UNION ALL "
		   "SELECT 4, b.oid, 'PUBLICATION', quote_ident(b.pubname) FROM pg_publication b "
		   "WHERE b.pubname IN ('coursebase_catalogue', 'coursebase_kept')"
		   ") AS changes ORDER BY place, oid",
	.nargs = 1,
	.types = {NAMEOID},
};

static void subscription_require(Oid role);

PG_FUNCTION_INFO_V1(coursebase_hand_over);

/*
 * SQL function: hand_over(role name) returns void
 *
 * The grants are renewed at the end, which refuses an owner whose rights a role of end users
 * could use; whoever owned the tables before loses what an owner has.
 */
PGDLLEXPORT Datum
coursebase_hand_over(PG_FUNCTION_ARGS)
{
	Datum name = PG_GETARG_DATUM(0);
	Oid before = owner_of_tables();
	Oid after;
	OwnerRights rights;

	PreventCommandIfReadOnly("coursebase.hand_over()");
	if (!superuser())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("only a superuser may hand the tables over"),
				 errdetail("The schema and the functions belong to who installed them, and "
						   "stay so.")));
	rights = owner_confine(before);
	schema_require_current();
	owner_leave(rights);
	after = get_role_oid(NameStr(*DatumGetName(name)), false);
	subscription_require(after);
	LockDatabaseObject(ExtensionRelationId, get_extension_oid("coursebase", false), 0,
					   ShareUpdateExclusiveLock);
	utility_run_answers(&read_changes, &name);
	/* first: what follows reads and writes with the new owner's rights */
	grants_owner();
	if (before != after && !superuser_arg(before))
		grants_take(before);
	grants_renew();
	PG_RETURN_VOID();
}

/* What the new owner hangs on the tables runs whenever a subscription writes them. */
static void
subscription_require(Oid role)
{
	if (COMPAT_SUBSCRIPTION_CONFINED || superuser_arg(role) ||
		!replicated_here(get_relname_relid("settings", owner_schema())))
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		 errmsg("tables that a subscription writes are not handed over to an ordinary role"),
		 errdetail("PostgreSQL before 16 writes what a subscription brings with the rights of "
				   "a superuser, and runs the triggers of \"%s\" with them.",
				   GetUserNameFromId(role, false)),
		 errhint("Use PostgreSQL 16 or later.")));
}
