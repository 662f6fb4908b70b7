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
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/trust.h"

/* A relation or function of a role that is neither the caller nor a superuser. */
static KeptPlan read_others = {
	.sql = "SELECT o.object FROM ("
		   " SELECT c.relnamespace, c.relowner, c.oid::regclass::text FROM pg_class c UNION ALL"
		   " SELECT p.pronamespace, p.proowner, p.oid::regprocedure::text FROM pg_proc p"
		   ") AS o (schema, owner, object)"
		   " JOIN pg_namespace n ON n.oid = o.schema JOIN pg_roles r ON r.oid = o.owner"
		   " WHERE n.nspname = $1 AND r.rolname <> current_user AND NOT r.rolsuper LIMIT 1",
	.nargs = 1,
	.types = {TEXTOID},
};

static void schema_require(Oid schema, const char *name);
static void creators_require(Acl *acl, Oid owner, const char *schema);
static void object_require(const char *object, Oid owner);
static bool is_trusted(Oid role);

void
trust_require_schema(void)
{
	schema_require(owner_schema(), "coursebase");
}

/* What is there of another role would be replaced, and stay that role's to change. */
void
trust_require_foreign_schema(const char *name)
{
	Datum values[] = {CStringGetTextDatum(name)};
	uint64 found;
	char *object = NULL;

	schema_require(get_namespace_oid(name, false), name);
	SPI_connect();
	found = plan_execute(&read_others, values, NULL, true);
	if (found > 0)
		object = plan_text_required(0, 1);
	if (object != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CB_SCHEMA_OWNER), errmsg("%s belongs to another role", object),
				 errhint("Drop it, or give it to the owner of the tables.")));
	SPI_finish();
}

/*
 * The access list is copied: looking up the names of roles may drop the cache entry that holds
 * it.
 */
static void
schema_require(Oid schema, const char *name)
{
	HeapTuple tuple = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(schema));
	Oid owner;
	Datum acl;
	bool no_acl;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "schema %s does not exist", name);
	owner = ((Form_pg_namespace) GETSTRUCT(tuple))->nspowner;
	if (!is_trusted(owner))
		ereport(ERROR,
				(errcode(ERRCODE_CB_SCHEMA_OWNER),
				 errmsg("schema %s belongs to another role", name),
				 errdetail("Its owner \"%s\" is neither the installing role nor a superuser.",
						   GetUserNameFromId(owner, false)),
				 errhint("Rename that schema, or give it to the installing role.")));
	acl = SysCacheGetAttr(NAMESPACEOID, tuple, Anum_pg_namespace_nspacl, &no_acl);
	if (!no_acl)
		creators_require(DatumGetAclPCopy(acl), owner, name);
	ReleaseSysCache(tuple);
}

/*
 * The tables' owner may own indexes of the user's in the schema as well, for which it needs
 * CREATE.
 */
static void
creators_require(Acl *acl, Oid owner, const char *schema)
{
	for (int i = 0; i < ACL_NUM(acl); i++)
	{
		AclItem *item = &ACL_DAT(acl)[i];
		Oid role = item->ai_grantee;

		if ((ACLITEM_GET_PRIVS(*item) & ACL_CREATE) == 0 || role == owner ||
			(role != ACL_ID_PUBLIC && (is_trusted(role) || role == owner_of_tables())))
			continue;
		ereport(ERROR, (errcode(ERRCODE_CB_SCHEMA_OWNER),
						errmsg("another role may create objects in schema %s", schema),
						role == ACL_ID_PUBLIC ? errdetail("CREATE is granted to PUBLIC.")
											  : errdetail("CREATE is granted to \"%s\".",
														  GetUserNameFromId(role, false)),
						errhint("REVOKE CREATE ON SCHEMA %s, and see what the schema holds.",
								schema)));
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
