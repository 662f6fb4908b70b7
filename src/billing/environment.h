/*
 * environment.h: the environments of the stores, and whether what is sold in one counts.
 *
 * What production sold counts. What a store's sandbox sold counts only while the setting
 * accept_sandbox is on. Every decision that depends on it is made with what stands here, so
 * that subscriptions, purchases, discounts and credits cannot disagree.
 */
#ifndef COURSEBASE_BILLING_ENVIRONMENT_H
#define COURSEBASE_BILLING_ENVIRONMENT_H

#include "postgres.h"

#include "utils/uuid.h"

#include "json/members.h"

typedef enum Environment
{
	ENVIRONMENT_PRODUCTION,
	ENVIRONMENT_SANDBOX,
	ENVIRONMENTS
} Environment;

/* As the columns named environment and what stores send name the environments. */
extern const char *const environment_names[ENVIRONMENTS];

/* What stores call them besides. */
#define ENVIRONMENT_ALIASES 4
extern const MembersAlias environment_aliases[ENVIRONMENT_ALIASES];

/* NULL and unknown names are no sandbox. */
extern bool environment_is_sandbox(const char *environment);

/*
 * Whether a sandbox counts for this person: the setting accept_sandbox is on, or the setting
 * sandbox_testers names the id. NULL asks for everybody: what no tester may bring about, such
 * as money for others. Errors are those of setting_boolean().
 */
extern bool environment_sandbox_counts(const pg_uuid_t *user);

/* Whether what was sold there counts for this person. The settings are read for a sandbox only.
 */
extern bool environment_counts(const char *environment, const pg_uuid_t *user);

/*
 * The same for rows within a statement: the condition on a column, with the parameter that is
 * bound to environment_sandbox_counts().
 */
#define ENVIRONMENT_COUNTS(column, parameter) "(" column " = 'production' OR " parameter ")"

#endif
