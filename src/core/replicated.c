/*
 * replicated.c: whether a table's rows come from another server.
 *
 * The server applies the rows of a subscription with session_replication_role = replica, in
 * which only triggers that fire ALWAYS do fire. Where a subscription copies the whole schema
 * this is right: it brings what the triggers wrote on the other server as well. Where it copies
 * some tables alone, this server must write what follows from their rows.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/pg_subscription_rel.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "core/owner.h"
#include "core/replicated.h"

/*
 * A table that a copy of the whole schema contains and a copy of the catalogue does not: it
 * tells the two apart.
 */
#define WHOLE_SCHEMA "catalogue_version"

bool
replicated_without_versions(Oid relation)
{
	return replicated_here(relation) &&
		   !replicated_here(get_relname_relid(WHOLE_SCHEMA, owner_schema()));
}

/* Whatever the state of the subscription: rows may come as soon as it names the table. */
bool
replicated_here(Oid relation)
{
	Relation catalog = table_open(SubscriptionRelRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	bool found;

	ScanKeyInit(&key, Anum_pg_subscription_rel_srrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relation));
	scan =
		systable_beginscan(catalog, SubscriptionRelSrrelidSrsubidIndexId, true, NULL, 1, &key);
	found = HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return found;
}
