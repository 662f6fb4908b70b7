/*
 * asking.h: who is asking.
 *
 * The claims of the request (setting request.jwt.claims, else the older request.jwt.claim.sub)
 * name a subject; the subject is a row of users. Whatever is wrong on the way, the answer is
 * nobody: never an error of the claims' making, never somebody else.
 */
#ifndef COURSEBASE_IDENTITY_ASKING_H
#define COURSEBASE_IDENTITY_ASKING_H

#include "postgres.h"

#include "utils/uuid.h"

/* At load: takes the two settings over, so that claims are parsed once per value. */
extern void identity_init(void);

/*
 * The user who asks, as the active snapshot sees the row of users; false for nobody (no claims,
 * malformed ones, a user who is unknown or soft-deleted). Needs no rights of the caller. user
 * may be NULL.
 */
extern bool identity_current_user(pg_uuid_t *user);

/* Whether that user is an administrator. */
extern bool identity_is_admin(void);

/*
 * All of that, NULL for nobody. What was computed for an equal look_up from rows that the
 * active snapshot saw, while rows_generation stood still, is true of this moment's active
 * snapshot too; look_up starts above 0.
 */
typedef struct Asking
{
	pg_uuid_t user;
	bool admin;
	uint64 look_up;
} Asking;

extern const Asking *identity_asking(void);

/* Whether there is such a user, not soft-deleted, and whether it is an administrator. */
extern bool identity_user_read(const pg_uuid_t *user, bool *admin);

/* The cohort that a user is in; false for none. bounds.c. Needs no rights of the caller. */
extern bool identity_cohort(const pg_uuid_t *user, pg_uuid_t *cohort);

/*
 * Whom a reading function is about: the one who asks (named NULL; false for nobody), or whom
 * the one who asks, an administrator or the server names. Anybody else raises 42501, in the
 * same words whether that user exists or not.
 */
extern bool identity_resolve_user(const pg_uuid_t *named, pg_uuid_t *user);

#endif
