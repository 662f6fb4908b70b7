/*
 * session_setting.c: settings of the session that have another value while some of our
 * statements run.
 */
#include "postgres.h"

#include "utils/guc.h"

#include "core/session_setting.h"

int
session_settings_begin(void)
{
	return NewGUCNestLevel();
}

/*
 * GUC_ACTION_SAVE puts the earlier value on a stack of the level, from which
 * session_settings_end() takes it. PGC_SUSET is the right of a superuser: it also changes the
 * settings that every user may change.
 */
void
session_setting_set(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_SUSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
							 false);
}

/* true says that no error ended the stretch, as at the end of a function with SET. */
void
session_settings_end(int level)
{
	AtEOXact_GUC(true, level);
}
