/*
 * owner.c: the one helper through which triggers and functions read or write beyond their
 * caller's rights.
 *
 * A trigger runs as the user who writes, under that user's row security: without this helper
 * row security would hide the rows of others, and an UPDATE in a trigger would silently change
 * nothing. The rights that are entered are those of the tables' owner, whom row security does
 * not bind, not even where somebody forces it (as within the server's own foreign keys: a rule
 * that sees fewer rows than there are would be broken in silence). These rights are what the
 * rules need, and no more than the schema gives.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "core/owner.h"
#include "core/schema.h"

static Oid table_owner(Oid relation);

/*
 * SECURITY_LOCAL_USERID_CHANGE forbids SET ROLE and the like until owner_leave(), so that no
 * statement within can keep the owner's rights for itself.
 */
OwnerRights
owner_enter(void)
{
	OwnerRights rights = {0};
	Oid owner = owner_of_tables();

	if (!OidIsValid(owner))
		schema_raise_missing();
	GetUserIdAndSecContext(&rights.userid, &rights.security_context);
	SetUserIdAndSecContext(owner, rights.security_context | SECURITY_LOCAL_USERID_CHANGE |
									  SECURITY_NOFORCE_RLS);
	return rights;
}

/*
 * owner_enter() sets SECURITY_NOFORCE_RLS, and a SECURITY DEFINER function does not: one of the
 * owner's that calls a function of ours is not taken for ours.
 */
bool
owner_is_entered(void)
{
	return InNoForceRLSOperation() && GetUserId() == owner_of_tables();
}

OwnerRights
owner_confine(Oid owner)
{
	OwnerRights rights = {0};

	if (!OidIsValid(owner))
		schema_raise_missing();
	GetUserIdAndSecContext(&rights.userid, &rights.security_context);
	if (owner == rights.userid)
		return rights;
	SetUserIdAndSecContext(owner, rights.security_context | SECURITY_LOCAL_USERID_CHANGE |
									  SECURITY_NOFORCE_RLS | SECURITY_RESTRICTED_OPERATION);
	rights.settings_level = NewGUCNestLevel();
	return rights;
}

void
owner_leave(OwnerRights rights)
{
	/* false: also a SET that the confined statements ran is undone */
	if (rights.settings_level > 0)
		AtEOXact_GUC(false, rights.settings_level);
	SetUserIdAndSecContext(rights.userid, rights.security_context);
}

uint64
owner_execute(KeptPlan *kept, Datum *values, const char *nulls, bool read_only)
{
	OwnerRights rights = owner_enter();
	uint64 rows = plan_execute(kept, values, nulls, read_only);

	owner_leave(rights);
	return rows;
}

uint64
owner_execute_latest(KeptPlan *kept, Datum *values, const char *nulls)
{
	OwnerRights rights = owner_enter();
	uint64 rows = plan_execute_latest(kept, values, nulls);

	owner_leave(rights);
	return rows;
}

Oid
owner_schema(void)
{
	return get_namespace_oid("coursebase", true);
}

/*
 * The owner of schema_version stands for the owner of all tables: install() makes them as one
 * role, and lint() reports a table of another.
 */
Oid
owner_of_tables(void)
{
	Oid schema = owner_schema();
	Oid relation =
		OidIsValid(schema) ? get_relname_relid("schema_version", schema) : InvalidOid;

	return OidIsValid(relation) ? table_owner(relation) : InvalidOid;
}

static Oid
table_owner(Oid relation)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	Oid owner;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}
