/*
 * claims.h: the subject that the claims of the request name, before it is looked up in users.
 *
 * Reading a subject never raises, except for lack of memory, and needs no transaction.
 */
#ifndef COURSEBASE_IDENTITY_CLAIMS_H
#define COURSEBASE_IDENTITY_CLAIMS_H

#include "postgres.h"

/* OpenID Connect limits a subject to 255 bytes; a longer one names nobody. */
#define SUBJECT_MAX 255

typedef struct Subject
{
	uint64 serial;                     /* new for every value that a setting is given */
	int size;                          /* 0: there are claims, but they name nobody */
	char bytes[FLEXIBLE_ARRAY_MEMBER]; /* not terminated, and perhaps no valid text */
} Subject;

/* Called at load: defines the settings, so that each value is parsed only once. */
extern void claims_init(void);

/* Whom the claims name, if the hooks of the settings worked it out; otherwise NULL. */
extern const Subject *claims_known;

/* The slow way to the same: reads the settings of other libraries as well. */
extern const Subject *claims_subject_look_up(void);

/*
 * Whom the claims name; NULL if there are no claims. Points to memory of the settings, which
 * the next change of one frees. Inlined, because policies ask once a row.
 */
static inline const Subject *
claims_subject(void)
{
	return likely(claims_known != NULL) ? claims_known : claims_subject_look_up();
}

#endif
