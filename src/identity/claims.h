/*
 * claims.h: the subject that the claims of the request name, before anybody is looked up.
 */
#ifndef COURSEBASE_IDENTITY_CLAIMS_H
#define COURSEBASE_IDENTITY_CLAIMS_H

#include "postgres.h"

/* OpenID Connect allows a subject 255 bytes. */
#define SUBJECT_MAX 255

typedef struct Subject
{
	uint64 serial;                     /* another for every value that a setting is given */
	int size;                          /* 0: there are claims, and they name nobody */
	char bytes[FLEXIBLE_ARRAY_MEMBER]; /* not terminated, in no encoding for certain */
} Subject;

/* At load: takes the settings over, so that claims are parsed once per value. */
extern void claims_init(void);

/* Whom the claims name where that is known without looking; otherwise NULL. */
extern const Subject *claims_known;

extern const Subject *claims_subject_look_up(void);

/* Whom the claims name, until a setting changes; NULL when there are none. */
static inline const Subject *
claims_subject(void)
{
	return likely(claims_known != NULL) ? claims_known : claims_subject_look_up();
}

#endif
