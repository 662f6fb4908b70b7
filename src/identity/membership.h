/*
 * membership.h: what the one who asks is in which organisation.
 */
#ifndef COURSEBASE_IDENTITY_MEMBERSHIP_H
#define COURSEBASE_IDENTITY_MEMBERSHIP_H

#include "postgres.h"

#include "utils/uuid.h"

/* From the most to the least; all but members are staff. */
typedef enum MembershipRole
{
	MEMBERSHIP_OWNER,
	MEMBERSHIP_ADMIN,
	MEMBERSHIP_COACH,
	MEMBERSHIP_MEMBER,
	MEMBERSHIP_ROLES
} MembershipRole;

/* As the column memberships.role and the callers of functions name the roles. */
extern const char *const membership_role_names[MEMBERSHIP_ROLES];

/*
 * Whether who asks has that role, or more, in the organisation, as the active snapshot sees it.
 * An administrator of the installation has no role in any by that. Needs no rights of the
 * caller's.
 */
extern bool membership_holds(const pg_uuid_t *organization, MembershipRole least);

/* All organisations of which that is true, as uuid[]. */
extern Datum membership_organizations(MembershipRole least);

/*
 * For functions that staff call for their own organisation, and the server for any: raises
 * 42501 for everybody else, in the same words whether there is such an organisation or not
 * (NULL: there is none; the server passes, and is told that by the caller).
 */
extern void membership_require(const pg_uuid_t *organization, MembershipRole least);

#endif
