/*
 * restore.c: whether the session restores a dump, by the setting that every dump begins with.
 *
 * Anybody may set it, so that it counts only in a session whose role (not the rights a function
 * has for the moment) has those of the tables' owner. The server's role does not: who holds its
 * key could switch off what binds it (signatures, the audit trail).
 *
 * A session keeps the setting when its dump is loaded, and other scripts set it too (migrations
 * of Supabase and Rails do). A dump calls no function of ours, so that a row which a statement
 * of ours writes is none of a dump's.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"

#include "core/compat.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/restore.h"

bool
restore_under_way(void)
{
	struct config_generic *setting;
	Oid owner;

	if (check_function_bodies || plan_is_running())
		return false;
	setting = compat_setting("check_function_bodies");
	owner = owner_of_tables();
	return setting != NULL && setting->source == PGC_S_SESSION && OidIsValid(owner) &&
		   has_privs_of_role(GetOuterUserId(), owner);
}
