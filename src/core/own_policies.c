/*
 * own_policies.c: policies that a business adds to our tables.
 *
 * A trigger that stands back for whom our policies refuse must not stand back for whom another
 * policy lets in: the row would be written without the trigger's work. A policy is known for
 * ours by its name, as install() knows it. One that is missing in the list here counts as the
 * business's, and the triggers work for everybody.
 */
#include "postgres.h"

#include "catalog/pg_policy.h"
#include "miscadmin.h"
#include "rewrite/rowsecurity.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/rel.h"
#include "utils/rls.h"

#include "core/own_policies.h"

/* Our policies for writing, of the tables whose triggers ask: test/tools/contract compares. */
static const char *const ours[] = {
	"admin_insert_all", "admin_update_all", "admin_delete_all", "admin_update_own",
	"staff_insert_org", "staff_update_org", "staff_delete_org", "nobody_all_rows",
};

static bool lets_write(const RowSecurityPolicy *policy);
static bool is_ours(const RowSecurityPolicy *policy);
static bool is_for_caller(const RowSecurityPolicy *policy);

bool
own_policies_bind(Relation table)
{
	ListCell *cell;

	if (check_enable_rls(RelationGetRelid(table), InvalidOid, true) != RLS_ENABLED)
		return false;
	/* in place: who changes a policy needs the whole table, and waits for the statement */
	foreach (cell, table->rd_rsdesc->policies)
	{
		const RowSecurityPolicy *policy = lfirst(cell);

		if (lets_write(policy) && !is_ours(policy) && is_for_caller(policy))
			return false;
	}
	return true;
}

static bool
lets_write(const RowSecurityPolicy *policy)
{
	return policy->permissive && policy->polcmd != ACL_SELECT_CHR;
}

static bool
is_ours(const RowSecurityPolicy *policy)
{
	for (int i = 0; i < lengthof(ours); i++)
		if (strcmp(policy->policy_name, ours[i]) == 0)
			return true;
	return false;
}

static bool
is_for_caller(const RowSecurityPolicy *policy)
{
	const Oid *roles = (const Oid *) ARR_DATA_PTR(policy->roles);

	for (int i = 0; i < ARR_DIMS(policy->roles)[0]; i++)
		if (roles[i] == ACL_ID_PUBLIC || has_privs_of_role(GetUserId(), roles[i]))
			return true;
	return false;
}
