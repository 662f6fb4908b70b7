/*
 * environment.c: the environments of the stores, and whether what is sold in one counts.
 */
#include "postgres.h"

#include "billing/environment.h"
#include "core/datum.h"
#include "core/setting.h"

/* In the order of the enum. */
const char *const environment_names[ENVIRONMENTS] = {
	[ENVIRONMENT_PRODUCTION] = "production",
	[ENVIRONMENT_SANDBOX] = "sandbox",
};

/* Xcode and LocalTesting are Apple's: receipts that were signed on a developer's own machine.
 */
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

/* App Review, and whoever else tests the app of production: a list of ids. */
bool
environment_sandbox_counts(const pg_uuid_t *user)
{
	return setting_boolean("accept_sandbox") ||
		   (user != NULL && setting_lists("sandbox_testers", uuid_text(user)));
}

/* The name comes first: production, by far the most, asks for no setting. */
bool
environment_counts(const char *environment, const pg_uuid_t *user)
{
	return !environment_is_sandbox(environment) || environment_sandbox_counts(user);
}
