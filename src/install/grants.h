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
 * ours, grants each what its part may do, and remembers them; and calls grants_owner(). Raises
 * 42501 for a caller who does not own the tables, 42704 for a role that is not there, KB004 for
 * a server role without BYPASSRLS, and for one of end users with rights beyond row security and
 * the grants.
 */
extern void grants_set(GrantRoles *roles);

/*
 * The same for the remembered roles; where none was ever named, for anon, authenticated and
 * service_role as far as these exist and are fit. The name of a role that is not there is told
 * and stays remembered. Part of install().
 */
extern void grants_renew(void);

/*
 * Grants an owner of the tables that is no superuser what it needs, which is not among the
 * steps: the rules run with its rights and call functions of the extension, and its indexes
 * stand in the schema. Part of grants_set().
 */
extern void grants_owner(void);

/*
 * Takes from everybody but the owner what default privileges gave: EXECUTE on the functions of
 * the extension, where all of them were just made; rights on a table or view that was just
 * made, and on the sequences of its columns. What default privileges of schema coursebase say,
 * stays: that was meant. Errors are those of REVOKE.
 */
extern void grants_close_functions(void);
extern void grants_close_table(Oid relation);

/* Takes from a role that no longer owns the tables what it holds on objects of ours. */
extern void grants_take(Oid role);

#endif
