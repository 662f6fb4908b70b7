/*
 * trust.c: whose objects are taken for ours.
 *
 * Who owns a table can hang triggers on it, which run with the rights of whoever writes, the
 * tables' owner and a superuser included. Who may create in the schema can plant a table or a
 * function that code of ours would then call. So the schema and every object in it must belong
 * to the installing role or to a superuser, and nobody else may create in the schema.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/syscache.h"

#include "core/errors.h"
#include "core/owner.h"
#include "core/trust.h"

static void creators_require(Acl *acl, Oid owner);
static void object_require(const char *object, Oid owner);
static bool is_trusted(Oid role);

/*
 * The access list is copied: looking up the names of roles may drop the cache entry that holds
 * it.
 */
void
trust_require_schema(void)
{
	HeapTuple tuple = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(owner_schema()));
	Oid owner;
	Datum acl;
	bool no_acl;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "schema coursebase does not exist");
	owner = ((Form_pg_namespace) GETSTRUCT(tuple))->nspowner;
	if (!is_trusted(owner))
		ereport(ERROR,
				(errcode(ERRCODE_CB_SCHEMA_OWNER),
				 errmsg("schema coursebase belongs to another role"),
				 errdetail("Its owner \"%s\" is neither the installing role nor a superuser.",
						   GetUserNameFromId(owner, false)),
				 errhint("Rename that schema, or give it to the installing role.")));
	acl = SysCacheGetAttr(NAMESPACEOID, tuple, Anum_pg_namespace_nspacl, &no_acl);
	if (!no_acl)
		creators_require(DatumGetAclPCopy(acl), owner);
	ReleaseSysCache(tuple);
}

/*
 * The tables' owner may own indexes of the user's in the schema as well, for which it needs
 * CREATE.
 */
static void
creators_require(Acl *acl, Oid owner)
{
	for (int i = 0; i < ACL_NUM(acl); i++)
	{
		AclItem *item = &ACL_DAT(acl)[i];
		Oid role = item->ai_grantee;

		if ((ACLITEM_GET_PRIVS(*item) & ACL_CREATE) == 0 || role == owner ||
			(role != ACL_ID_PUBLIC && (is_trusted(role) || role == owner_of_tables())))
			continue;
		ereport(
			ERROR,
			(errcode(ERRCODE_CB_SCHEMA_OWNER),
			 errmsg("another role may create objects in schema coursebase"),
			 role == ACL_ID_PUBLIC
				 ? errdetail("CREATE is granted to PUBLIC.")
				 : errdetail("CREATE is granted to \"%s\".", GetUserNameFromId(role, false)),
			 errhint("REVOKE CREATE ON SCHEMA coursebase, and see what the schema holds.")));
	}
}

/* A relation that is not there needs no trust: install() will make it. */
void
trust_require_relation(const char *object, Oid relation)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));

	if (!HeapTupleIsValid(tuple))
		return;
	object_require(object, ((Form_pg_class) GETSTRUCT(tuple))->relowner);
	ReleaseSysCache(tuple);
}

void
trust_require_type(const char *object, Oid type)
{
	HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));

	if (!HeapTupleIsValid(tuple))
		return;
	object_require(object, ((Form_pg_type) GETSTRUCT(tuple))->typowner);
	ReleaseSysCache(tuple);
}

static void
object_require(const char *object, Oid owner)
{
	if (is_trusted(owner))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CB_SCHEMA_OWNER),
			 errmsg("%s of schema coursebase belongs to another role", object),
			 errdetail("Its owner \"%s\" is neither \"%s\" nor a superuser.",
					   GetUserNameFromId(owner, false), GetUserNameFromId(GetUserId(), false)),
			 errhint("Rename it, or give it to the owner of the tables.")));
}

static bool
is_trusted(Oid role)
{
	return role == GetUserId() || superuser_arg(role);
}
