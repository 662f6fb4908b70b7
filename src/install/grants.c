/*
 * grants.c: who may do what, granted to the roles that the installation names.
 *
 * The GRANTs stand in the slices, beside the functions and tables they are about, and name
 * three parts instead of roles: anonymous, end_user, server. Here the parts get their roles. A
 * role may do exactly what the GRANTs of the current steps say: everything it held before is
 * taken away first, so that a release can take a right back.
 *
 * The tables' owner need not own the extension's functions and its schema (hand_over()). What
 * is granted on these runs with the rights of the functions' owner, and is never more than the
 * steps say; what is granted on tables runs with the caller's. So whoever has not the rights of
 * the tables' owner is refused before anything else.
 *
 * GRANTs run as utility statements outside of the extension's own privileges
 * (creating_extension is off), so that a dump carries them.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "install/grants.h"
#include "install/steps.h"
#include "install/utility.h"

const char *const grant_part_names[GRANT_PARTS] = {"anonymous", "end_user", "server"};
static const char *const usual_roles[GRANT_PARTS] = {"anon", "authenticated", "service_role"};

/* In the order of oids, so that two calls lock the tables in turn. */
static KeptPlan read_tables = {
	.sql = "SELECT oid FROM pg_catalog.pg_class WHERE relnamespace = 'coursebase'::regnamespace"
		   " AND relkind IN ('r', 'p') ORDER BY oid",
};
/* The roles in the order of GrantPart, NULL for a part that nobody plays. */
static KeptPlan read_roles = {
	.sql =
		"SELECT (SELECT role_name::text FROM coursebase.granted_roles WHERE part = p.part) "
		"FROM unnest(ARRAY['anonymous', 'end_user', 'server']) WITH ORDINALITY AS p (part, n) "
		"ORDER BY p.n",
};
static KeptPlan write_role = {
	.sql =
		"INSERT INTO coursebase.granted_roles AS g (part, role_name) VALUES ($1, $2) "
		"ON CONFLICT (part) DO UPDATE SET role_name = EXCLUDED.role_name, updated_at = now() "
		"WHERE g.role_name <> EXCLUDED.role_name",
	.nargs = 2,
	.types = {TEXTOID, TEXTOID},
};
static KeptPlan forget_role = {
	.sql = "DELETE FROM coursebase.granted_roles WHERE part = $1",
	.nargs = 1,
	.types = {TEXTOID},
};

/*
 * One REVOKE a kind of object: of the relations that the steps name, of the extension's
 * functions, of the schema. Objects that the user added keep their grants. HAVING leaves a
 * kind out that has no object, for which REVOKE would be no statement.
 */
static KeptPlan read_revokes = {
	.sql = "SELECT format('REVOKE ALL ON %s FROM %I', string_agg(c.oid::regclass::text, ', '), "
		   "$1), false "
		   "FROM pg_class c WHERE c.relnamespace = 'coursebase'::regnamespace "
		   "AND c.relname IN (SELECT split_part(object, ' ', 2) FROM coursebase.steps() "
		   "WHERE object ~ '^(table|view) ') HAVING count(*) > 0 "
		   "UNION ALL "
		   "SELECT format('REVOKE ALL ON FUNCTION %s FROM %I', "
		   "string_agg(p.oid::regprocedure::text, ', '), $1), true "
		   "FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = "
		   "'coursebase' "
		   "JOIN pg_proc p ON p.oid = d.objid "
		   "WHERE d.refclassid = 'pg_extension'::regclass AND d.classid = 'pg_proc'::regclass "
		   "AND d.deptype = 'e' HAVING count(*) > 0 "
		   "UNION ALL "
		   "SELECT format('REVOKE ALL ON SCHEMA coursebase FROM %I', $1), true",
	.nargs = 1,
	.types = {NAMEOID},
};
/* The second column, as above, is whether the statement is about the extension's own objects.
 */
static KeptPlan read_owner_grants = {
	.sql = "SELECT format('GRANT EXECUTE ON FUNCTION %s TO %I', "
		   "string_agg(p.oid::regprocedure::text, ', '), $1), true "
		   "FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = "
		   "'coursebase' "
		   "JOIN pg_proc p ON p.oid = d.objid "
		   "WHERE d.refclassid = 'pg_extension'::regclass AND d.classid = 'pg_proc'::regclass "
		   "AND d.deptype = 'e' HAVING count(*) > 0 "
		   "UNION ALL "
		   "SELECT format('GRANT USAGE, CREATE ON SCHEMA coursebase TO %I', $1), true",
	.nargs = 1,
	.types = {NAMEOID},
};

/* Who else may execute functions of the extension: one REVOKE a role. */
static KeptPlan read_executors = {
	.sql = "SELECT format('REVOKE ALL ON FUNCTION %s FROM %s', "
		   "string_agg(DISTINCT p.oid::regprocedure::text, ', '), "
		   "CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END) "
		   "FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = "
		   "'coursebase' "
		   "JOIN pg_proc p ON p.oid = d.objid CROSS JOIN aclexplode(p.proacl) a "
		   "WHERE d.refclassid = 'pg_extension'::regclass AND d.classid = 'pg_proc'::regclass "
		   "AND d.deptype = 'e' AND a.grantee <> p.proowner GROUP BY a.grantee",
};
/* What others may do with table or view $1, and with a sequence of its columns, because
 * somebody gave it for the whole database and not for this schema. */
static KeptPlan read_grantees = {
	.sql = "SELECT format('REVOKE %s ON %s %s FROM %s', string_agg(a.privilege_type, ', '), "
		   "CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.oid::regclass, "
		   "CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END) "
		   "FROM pg_class c CROSS JOIN aclexplode(c.relacl) a WHERE (c.oid = $1 OR c.oid IN ("
		   "SELECT d.objid FROM pg_depend d JOIN pg_class s ON s.oid = d.objid "
		   "WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass "
		   "AND d.refobjid = $1 AND d.deptype IN ('a', 'i') AND s.relkind = 'S')) "
		   "AND a.grantee <> c.relowner AND NOT EXISTS (SELECT FROM pg_default_acl o "
		   "CROSS JOIN aclexplode(o.defaclacl) g WHERE o.defaclrole = c.relowner "
		   "AND o.defaclnamespace = c.relnamespace AND g.grantee = a.grantee "
		   "AND g.privilege_type = a.privilege_type) GROUP BY c.oid, c.relkind, a.grantee",
	.nargs = 1,
	.types = {OIDOID},
};

/*
 * A role that the part's role could become or act as, though no end user may: it passes row
 * security, reads the server's log, makes roles, owns the tables, is the server, or is one of
 * PostgreSQL's own, which read or write past grants. Membership counts whether or not it is
 * inherited, for SET ROLE needs no inheritance.
 */
static KeptPlan find_stronger = {
	.sql = "SELECT s.rolname FROM pg_roles s "
		   "WHERE s.rolname <> $1 AND pg_has_role($1, s.oid, 'MEMBER') "
		   "AND (s.rolsuper OR s.rolbypassrls OR s.rolcreaterole OR s.rolreplication "
		   "OR starts_with(s.rolname, 'pg_') OR s.rolname = $2 "
		   "OR s.oid = (SELECT c.relowner FROM pg_class c "
		   "WHERE c.oid = 'coursebase.schema_version'::regclass)) "
		   "ORDER BY s.rolname LIMIT 1",
	.nargs = 2,
	.types = {NAMEOID, NAMEOID},
};

static void roles_give(GrantRoles *roles, GrantRoles *remembered);
static void owner_require(void);
static void statements_run(KeptPlan *kept, const char *role);
static void grant_run(Node *grant, const char *source, bool of_extension);
static GrantRoles roles_remembered(void);
static bool roles_empty(GrantRoles *roles);
static GrantRoles roles_usual(void);
static void role_check(const GrantRoles *roles, GrantPart part);
static bool role_exists(const char *role);
static char *role_fault(const GrantRoles *roles, GrantPart part);
static char *person_fault(const char *role, const char *server);
static char *stronger_role(const char *role, const char *server);
static void tables_lock(void);
static void role_revoke(const char *role);
static void grant_steps(GrantRoles *roles);
static void grant_step(Step *step, GrantRoles *roles);
static void role_remember(GrantPart part, const char *role);

/* Default privileges of whoever installs gave these: with one such role every function that is
 * the server's would be open to it. */
void
grants_close_functions(void)
{
	utility_run_answers(&read_executors, NULL);
}

void
grants_close_table(Oid relation)
{
	Datum value = ObjectIdGetDatum(relation);

	utility_run_answers(&read_grantees, &value);
}

void
grants_set(GrantRoles *roles)
{
	roles_give(roles, roles);
}

/*
 * All roles are checked before anything is taken away: a wrong name leaves the grants as they
 * were. Roles that were named before lose their grants even when they play no part any more.
 * The names that are remembered may be more than those that are there to be given something.
 */
static void
roles_give(GrantRoles *roles, GrantRoles *remembered)
{
	GrantRoles before;

	owner_require();
	grants_owner();
	before = roles_remembered();
	for (GrantPart part = 0; part < GRANT_PARTS; part++)
		role_check(roles, part);
	tables_lock();
	for (GrantPart part = 0; part < GRANT_PARTS; part++)
	{
		role_revoke(before.role[part]);
		role_revoke(roles->role[part]);
	}
	grant_steps(roles);
	for (GrantPart part = 0; part < GRANT_PARTS; part++)
		role_remember(part, remembered->role[part]);
}

static void
owner_require(void)
{
	Oid owner = owner_of_tables();

	if (OidIsValid(owner) && !has_privs_of_role(GetUserId(), owner))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("only the owner of coursebase's tables may name the roles"),
						errdetail("They belong to \"%s\".", GetUserNameFromId(owner, false))));
}

/*
 * GRANT writes a table's row of pg_class without a lock on the table. VACUUM, which
 * autovacuum runs at any time, holds the table and then waits for that row, so that a later
 * statement of this transaction about the table would wait for VACUUM, and VACUUM for it.
 */
static void
tables_lock(void)
{
	uint64 tables;

	PreventCommandIfReadOnly("coursebase.grant_roles()");
	PreventCommandDuringRecovery("coursebase.grant_roles()");
	SPI_connect();
	tables = plan_execute(&read_tables, NULL, NULL, false);
	for (uint64 i = 0; i < tables; i++)
		LockRelationOid(DatumGetObjectId(plan_value_as(i, 1, OIDOID, NULL)),
						ShareUpdateExclusiveLock);
	SPI_finish();
}

/*
 * The usual roles are those of Supabase and PostgREST: an installation there needs no
 * grant_roles() at all. They are granted only while nobody named others. A dump carries the
 * names, not the roles: a name stays until grant_roles() gives another, or else lint() would
 * not tell that the part is nobody's, and the next install() would take the usual roles.
 */
void
grants_renew(void)
{
	GrantRoles remembered = roles_remembered();
	GrantRoles here;

	if (roles_empty(&remembered))
		remembered = roles_usual();
	here = remembered;
	for (GrantPart part = 0; part < GRANT_PARTS; part++)
		if (here.role[part] != NULL && !role_exists(here.role[part]))
		{
			ereport(WARNING,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("role \"%s\" does not exist", here.role[part]),
					 errhint("Create it and run coursebase.install(), or name another one by "
							 "coursebase.grant_roles().")));
			here.role[part] = NULL;
		}
	roles_give(&here, &remembered);
}

/*
 * Reads with a new snapshot, because install() has just made the table within this command, and
 * with the rights of the tables' owner: somebody may have put a view in the table's place,
 * whose functions would run with the caller's rights otherwise. owner_execute() within, because
 * an owner who calls is not confined, and would not see the rows where somebody forces row
 * security.
 */
static GrantRoles
roles_remembered(void)
{
	GrantRoles roles;
	OwnerRights rights;

	SPI_connect();
	rights = owner_confine(owner_of_tables());
	owner_execute(&read_roles, NULL, NULL, false);
	owner_leave(rights);
	for (GrantPart part = 0; part < GRANT_PARTS; part++)
		roles.role[part] = plan_text(part, 1);
	SPI_finish();
	return roles;
}

static bool
roles_empty(GrantRoles *roles)
{
	for (GrantPart part = 0; part < GRANT_PARTS; part++)
		if (roles->role[part] != NULL)
			return false;
	return true;
}

/*
 * A role that was not named by anybody is left out with a warning, where grant_roles() raises:
 * CREATE EXTENSION is not to fail for it.
 */
static GrantRoles
roles_usual(void)
{
	GrantRoles all = {{NULL}};
	GrantRoles fit = {{NULL}};

	for (GrantPart part = 0; part < GRANT_PARTS; part++)
		if (role_exists(usual_roles[part]))
			all.role[part] = pstrdup(usual_roles[part]);
	for (GrantPart part = 0; part < GRANT_PARTS; part++)
	{
		char *fault = all.role[part] != NULL ? role_fault(&all, part) : NULL;

		if (fault == NULL)
			fit.role[part] = all.role[part];
		else
			ereport(WARNING, (errcode(ERRCODE_CB_ROLE_UNFIT),
							  errmsg("role \"%s\" was granted nothing", all.role[part]),
							  errdetail("%s", fault),
							  errhint("Change the role, then run coursebase.grant_roles().")));
	}
	return fit;
}

/*
 * Every role is checked before the first is changed, so that a refusal leaves all grants as
 * they were.
 */
static void
role_check(const GrantRoles *roles, GrantPart part)
{
	const char *role = roles->role[part];
	char *fault;

	if (role == NULL)
		return;
	if (!role_exists(role))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("role \"%s\" does not exist", role),
				 errdetail("It was named for the part \"%s\".", grant_part_names[part]),
				 errhint("CREATE ROLE %s first.", quote_identifier(role))));
	fault = role_fault(roles, part);
	if (fault != NULL)
		ereport(
			ERROR,
			(errcode(ERRCODE_CB_ROLE_UNFIT),
			 errmsg("role \"%s\" cannot play the part \"%s\"", role, grant_part_names[part]),
			 errdetail("%s", fault), errhint("Change the role, or name another one.")));
}

static bool
role_exists(const char *role)
{
	return SearchSysCacheExists1(AUTHNAME, CStringGetDatum(role));
}

/*
 * Why the role, which exists, does not fit its part, as a sentence; NULL for one that fits.
 * Tables of the server are closed to everybody whom row security binds: the server must pass
 * it, and nobody else may.
 */
static char *
role_fault(const GrantRoles *roles, GrantPart part)
{
	const char *role = roles->role[part];
	Oid id = get_role_oid(role, false);

	if (part == GRANT_SERVER)
		return superuser_arg(id) || has_bypassrls_privilege(id)
				   ? NULL
				   : "It lacks BYPASSRLS, without which the server's tables show no row.";
	return person_fault(role, roles->role[GRANT_SERVER]);
}

/* Of a role that end users get: row security and grants must hold for it. */
static char *
person_fault(const char *role, const char *server)
{
	HeapTuple tuple = SearchSysCache1(AUTHNAME, CStringGetDatum(role));
	FormData_pg_authid form;
	char *stronger;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for role \"%s\"", role);
	form = *(Form_pg_authid) GETSTRUCT(tuple);
	ReleaseSysCache(tuple);
	if (form.rolsuper)
		return "It is a superuser, for whom neither row security nor grants hold.";
	if (form.rolbypassrls)
		return "It has BYPASSRLS, and row security is what keeps people apart.";
	if (form.rolcreaterole)
		return "It has CREATEROLE, and could give itself the rights of others.";
	if (form.rolreplication)
		return "It has REPLICATION, and could read every change from the server's log.";
	if (form.oid == owner_of_tables())
		return "It owns the tables, for whom row security does not hold.";
	stronger = stronger_role(role, server);
	return stronger == NULL ? NULL
							: psprintf("It is a member of role %s, whose rights it could use.",
									   quote_identifier(stronger));
}

static char *
stronger_role(const char *role, const char *server)
{
	PlanValues values = {0};
	char *stronger = NULL;

	plan_bind(&values, DirectFunctionCall1(namein, CStringGetDatum(role)));
	if (server != NULL)
		plan_bind(&values, DirectFunctionCall1(namein, CStringGetDatum(server)));
	else
		plan_bind_text(&values, NULL);
	SPI_connect();
	if (plan_execute(&find_stronger, values.datums, values.nulls, true) > 0)
		stronger = plan_text(0, 1);
	SPI_finish();
	return stronger;
}

static void
role_revoke(const char *role)
{
	/*
	 * a part may have been given to the tables' owner: the owner's own rights are never taken
	 * away, for the rules run with them
	 */
	if (role == NULL || !role_exists(role) || get_role_oid(role, false) == owner_of_tables())
		return;
	statements_run(&read_revokes, role);
}

void
grants_owner(void)
{
	Oid owner = owner_of_tables();

	if (OidIsValid(owner) && !superuser_arg(owner))
		statements_run(&read_owner_grants, GetUserNameFromId(owner, false));
}

void
grants_take(Oid role)
{
	role_revoke(GetUserNameFromId(role, false));
}

/*
 * The statements are read before the first one runs: a REVOKE changes the catalogues that the
 * statement read.
 */
static void
statements_run(KeptPlan *kept, const char *role)
{
	Datum name = DirectFunctionCall1(namein, CStringGetDatum(role));
	List *statements = NIL;
	List *kinds = NIL;
	ListCell *cell;
	ListCell *kind;
	uint64 rows;

	SPI_connect();
	rows = plan_execute(kept, &name, NULL, false);
	for (uint64 row = 0; row < rows; row++)
	{
		statements = lappend(statements, plan_text_required(row, 1));
		kinds = lappend_int(kinds, plan_bool(row, 2));
	}
	forboth (cell, statements, kind, kinds)
		grant_run(NULL, lfirst(cell), lfirst_int(kind));
	SPI_finish();
}

/* Runs a parsed statement, or the text where none is given, of the extension or of tables. */
static void
grant_run(Node *grant, const char *source, bool of_extension)
{
	Oid userid;
	int security_context;

	GetUserIdAndSecContext(&userid, &security_context);
	if (of_extension)
		SetUserIdAndSecContext(steps_owner(), security_context | SECURITY_LOCAL_USERID_CHANGE);
	if (grant != NULL)
		utility_run(grant, source);
	else
		utility_run_text(source);
	SetUserIdAndSecContext(userid, security_context);
}

static void
grant_steps(GrantRoles *roles)
{
	ListCell *cell;

	foreach (cell, steps_read(NULL, steps_is_grant))
		grant_step(lfirst(cell), roles);
}

/* Puts the roles in the place of their parts; a GRANT to parts that nobody plays is left out.
 */
static void
grant_step(Step *step, GrantRoles *roles)
{
	GrantStmt *grant = castNode(GrantStmt, step->statement);
	List *grantees = NIL;
	ListCell *cell;

	foreach (cell, grant->grantees)
	{
		char *name = lfirst_node(RoleSpec, cell)->rolename;
		GrantPart part = 0;

		while (part < GRANT_PARTS && strcmp(name, grant_part_names[part]) != 0)
			part++;
		if (part == GRANT_PARTS)
			elog(ERROR, "step \"%s\" grants to \"%s\", which is no part", step->object, name);
		if (roles->role[part] != NULL)
		{
			RoleSpec *role = makeNode(RoleSpec);

			role->roletype = ROLESPEC_CSTRING;
			role->rolename = roles->role[part];
			role->location = -1;
			grantees = lappend(grantees, role);
		}
	}
	if (grantees == NIL)
		return;
	grant->grantees = grantees;
	grant_run((Node *) grant, step->ddl,
			  grant->objtype == OBJECT_FUNCTION || grant->objtype == OBJECT_SCHEMA);
}

/*
 * Writes only what changed, so that updated_at is the time of the change; with the rights of
 * the tables' owner, whose triggers a superuser who calls is not to run.
 */
static void
role_remember(GrantPart part, const char *role)
{
	PlanValues values = {0};
	OwnerRights rights;

	plan_bind_text(&values, grant_part_names[part]);
	if (role != NULL)
		plan_bind_text(&values, role);
	SPI_connect();
	rights = owner_confine(owner_of_tables());
	owner_execute(role != NULL ? &write_role : &forget_role, values.datums, values.nulls,
				  false);
	owner_leave(rights);
	SPI_finish();
}
