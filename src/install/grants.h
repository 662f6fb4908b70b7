/*
 * grants.h: who may do what, granted to the roles that the installation names.
 */
#ifndef COURSEBASE_INSTALL_GRANTS_H
#define COURSEBASE_INSTALL_GRANTS_H

#include "postgres.h"

/* The parts that the GRANTs of the slices speak of. */
typedef enum GrantPart
{
	GRANT_ANONYMOUS,
	GRANT_END_USER,
	GRANT_SERVER,
} GrantPart;

#define GRANT_PARTS (GRANT_SERVER + 1)

/* roles[part] is a role's name, or NULL for a part that nobody plays. */
typedef struct GrantRoles
{
	char *role[GRANT_PARTS];
} GrantRoles;

extern const char *const grant_part_names[GRANT_PARTS];

/*
 * Takes from the roles named before, and from the new ones, whatever they hold on objects of
 * ours, grants each what its part may do, and remembers them. Runs with the caller's rights,
 * who must own the tables. Raises 42704 for a role that is not there, KB004 for a server role
 * without BYPASSRLS, and for one of end users with rights beyond row security and the grants.
 */
extern void grants_set(GrantRoles *roles);

/*
 * The same for the remembered roles; where none was ever named, for anon, authenticated and
 * service_role as far as these exist and are fit. Part of install().
 */
extern void grants_renew(void);

#endif
