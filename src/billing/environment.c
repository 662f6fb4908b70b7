/*
 * environment.c: the environments of the stores, and whether what is sold in one counts.
 */
#include "postgres.h"

#include "billing/environment.h"
#include "core/setting.h"

const char *const environment_names[ENVIRONMENTS] = {
	[ENVIRONMENT_PRODUCTION] = "production",
	[ENVIRONMENT_SANDBOX] = "sandbox",
};

const MembersAlias environment_aliases[ENVIRONMENT_ALIASES] = {
	{"prod", "production"},
	{"test", "sandbox"},
	{"xcode", "sandbox"},
	{"localtesting", "sandbox"},
};

bool
environment_is_sandbox(const char *environment)
{
	return environment != NULL &&
		   strcmp(environment, environment_names[ENVIRONMENT_SANDBOX]) == 0;
}

bool
environment_sandbox_counts(void)
{
	return setting_boolean("accept_sandbox");
}

bool
environment_counts(const char *environment)
{
	return !environment_is_sandbox(environment) || environment_sandbox_counts();
}
