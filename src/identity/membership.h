/*
 * membership.h: the roles that the user who asks has in organisations.
 *
 * The functions see what the active snapshot sees, need no right of the caller, and may be
 * called with and without SPI_connect().
 */
#ifndef COURSEBASE_IDENTITY_MEMBERSHIP_H
#define COURSEBASE_IDENTITY_MEMBERSHIP_H

#include "postgres.h"

#include "utils/uuid.h"

/* The roles from most to least rights, so that "at least this role" is <=; all but members are
 * staff. The labels of membership_role in the same order. */
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
 * Whether the user who asks has at least that role in the organisation. An administrator of the
 * installation has no role in an organisation by that alone.
 */
extern bool membership_holds(const pg_uuid_t *organization, MembershipRole least);

/* All organisations of which membership_holds() is true: a uuid[] in the current context. */
extern Datum membership_organizations(MembershipRole least);

/*
 * For functions that staff call for their own organisation, and the server for any: raises
 * 42501 unless the user who asks has at least that role, or the role is the server's
 * (BYPASSRLS) or the tables' owner. The error reads the same whether the organisation exists or
 * not. organization is NULL if the caller found none: the server passes, and the caller then
 * reports what is missing.
 */
extern void membership_require(const pg_uuid_t *organization, MembershipRole least);

#endif
