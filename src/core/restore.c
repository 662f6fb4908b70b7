/*
 * restore.c: whether the session restores a dump, by the setting that every dump begins with.
 */
#include "postgres.h"

#include "utils/guc.h"
#include "utils/guc_tables.h"

#include "compat.h"
#include "restore.h"

bool
restore_under_way(void)
{
	struct config_generic *setting;

	if (check_function_bodies)
		return false;
	setting = compat_setting("check_function_bodies");
	return setting != NULL && setting->source == PGC_S_SESSION;
}
