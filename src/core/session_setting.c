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

/* Those by which types of the server write and read: a text may come from another session. */
void
session_settings_neutral(void)
{
	static const char *const settings[][2] = {
		{"datestyle", "ISO, YMD"}, {"intervalstyle", "postgres"}, {"timezone", "UTC"},
		{"bytea_output", "hex"},   {"extra_float_digits", "3"},   {"array_nulls", "on"},
		{"xmlbinary", "base64"},   {"xmloption", "content"},
	};

	for (int i = 0; i < lengthof(settings); i++)
		session_setting_set(settings[i][0], settings[i][1]);
}

/* true says that no error ended the stretch, as at the end of a function with SET. */
void
session_settings_end(int level)
{
	AtEOXact_GUC(true, level);
}
