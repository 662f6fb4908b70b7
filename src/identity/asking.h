/*
 * asking.h: the user whom the claims of the request name.
 *
 * The claims (setting request.jwt.claims, else the older request.jwt.claim.sub) name a subject;
 * the subject is looked up in users. If the claims are missing or malformed, or the user is
 * unknown or closed, the answer is nobody: claims never cause an error and never name another
 * person. One case is refused: a person, asking or asked about, who is not here and lives in
 * another cell raises KBC01. The functions need no right of the caller, lock nothing, and may
 * be called with and without SPI_connect(). Beyond that they raise only what the look-up itself
 * can raise.
 */
#ifndef COURSEBASE_IDENTITY_ASKING_H
#define COURSEBASE_IDENTITY_ASKING_H

#include "postgres.h"

#include "utils/relcache.h"
#include "utils/uuid.h"

/* Called by _PG_init(): defines the two settings, so that each value is parsed only once. */
extern void identity_init(void);

/*
 * Writes the id of the user who asks to *user, as the active snapshot sees the row of users;
 * false for nobody. user may be NULL.
 */
extern bool identity_current_user(pg_uuid_t *user);

/* Whether the user who asks has the role admin; false for nobody. */
extern bool identity_is_admin(void);

/*
 * For triggers that lock before row security judges the row: whether it lets the caller write
 * rows of that table which by our policies only administrators may write. Who will be refused
 * must neither lock another's row nor wait for it.
 */
extern bool identity_writes_as_admin(Relation table);

/*
 * The user who asks, with a number that says when the answer was read anew. If look_up and
 * rows_generation are what they were, the active snapshot sees the same rows as then, so that
 * whatever a caller computed from rows for that look_up is still true. look_up starts at 1.
 */
typedef struct Asking
{
	pg_uuid_t user;
	bool admin;
	uint64 look_up;
} Asking;

/* NULL for nobody. Points to memory of the session that the next call may overwrite. */
extern const Asking *identity_asking(void);

/*
 * The same for what is about organisations, which live on home: who asks may live in any cell,
 * and is nobody's administrator in the others. Raises KBC01 only in a cell that is neither home
 * nor that person's.
 */
extern const Asking *identity_asking_anywhere(void);

/* What became of the claims, in the order of the words that whoami() answers. */
typedef enum AskingOutcome
{
	ASKING_KNOWN,      /* an open account */
	ASKING_NO_CLAIMS,  /* neither setting has a value */
	ASKING_UNREADABLE, /* there is a value, and no subject in it */
	ASKING_UNKNOWN,    /* no row of users has the subject */
	ASKING_CLOSED,     /* the account is closed: it counts as nobody */
	ASKING_ELSEWHERE,  /* the person lives in another cell */
} AskingOutcome;

/*
 * The same as identity_asking() with the reason for nobody, and without an error for a person
 * who lives elsewhere. *user is written for an open account alone: whose a closed one was is
 * not told.
 */
extern AskingOutcome identity_explain(pg_uuid_t *user, bool *admin);

/* Whether the user exists and is open; *admin says whether that user is an administrator. */
extern bool identity_user_read(const pg_uuid_t *user, bool *admin);

/* Raises KBC01 for a person who lives in another cell: for a call that would otherwise answer
 * or refuse without having looked for the person. */
extern void identity_require_here(const pg_uuid_t *user);

/* Replaces the id of a merged account by that of the person who was kept, as the active
 * snapshot sees it; false, and nothing changed, for any other. */
extern bool identity_follow(pg_uuid_t *user);

/* Writes the cohort that the user is in to *cohort; false for none. Defined in bounds.c. */
extern bool identity_cohort(const pg_uuid_t *user, pg_uuid_t *cohort);

/*
 * Writes to *user whom a reading function is about. If named is NULL, that is the user who
 * asks, and false for nobody. Otherwise it is named, which only that user, an administrator,
 * the server (BYPASSRLS) and the tables' owner may name: everybody else gets 42501, in the same
 * words whether that user exists or not. The id of a merged account becomes that of the person
 * who was kept.
 */
extern bool identity_resolve_user(const pg_uuid_t *named, pg_uuid_t *user);

/* The same for what is about organisations: both may live in any cell. */
extern bool identity_resolve_anywhere(const pg_uuid_t *named, pg_uuid_t *user);

/*
 * Whether the statement runs as the server (a role with BYPASSRLS) or as the tables' owner.
 * Either may act for every user and in every organisation, whatever the claims say.
 */
extern bool identity_is_server(void);

#endif
