/*
 * link.h: the link of a purchase of a custom course, which leads to the form.
 *
 * A link leads to its form from its issue until 24 hours later, while the purchase is active
 * and the form is not submitted. The time is always an argument, never the clock.
 */
#ifndef COURSEBASE_MEDIA_LINK_H
#define COURSEBASE_MEDIA_LINK_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/uuid.h"

#include "core/compat.h"

/* Whether a link leads to its form, and if not the first reason why. */
typedef enum LinkState
{
	LINK_VALID,
	LINK_NOT_FOUND,
	LINK_REFUNDED, /* the purchase */
	LINK_REVOKED,  /* the purchase */
	LINK_SUBMITTED,
	LINK_EXPIRED,
} LinkState;

/* As verify_gen_link() names the states; NULL for LINK_VALID. */
extern const char *const link_reasons[];

/* A purchase with its link, and the custom course that was bought. */
typedef struct Link
{
	bool found; /* nothing else is set unless it is true */
	pg_uuid_t token;
	TimestampTz issued_at;
	bool submitted;
	char *status; /* of the purchase */
	pg_uuid_t course;
	pg_uuid_t user;
	char *course_code;
} Link;

/*
 * Reads the purchase with that link. read_only false reads with a new snapshot. Needs
 * SPI_connect(); the texts are the caller's, in the context from before SPI_connect().
 */
extern Link link_find(const pg_uuid_t *token, bool read_only);

/* The same by the key of the purchase, which is locked FOR NO KEY UPDATE before it is read, and
 * the person before it. */
extern Link link_lock(const pg_uuid_t *purchase);

extern LinkState link_state(const Link *link, TimestampTz at);

/* 24 hours after the issue. */
extern TimestampTz link_end(TimestampTz issued_at);

/* Raises KB201, KB202 or KB203 unless the link leads to its form. */
extern void link_require(const Link *link, TimestampTz at);

/* Raises KB201: the purchase is revoked or refunded. */
pg_noreturn extern void link_raise_inactive(const Link *link);

/*
 * Submits the form, once, and gives the course the form's title. Of two calls at once the
 * second raises KB203. Locks the person, then the purchase. Needs SPI_connect().
 */
extern void link_use(const Link *link, TimestampTz at, const char *title);

/* Issues a new link for the purchase, whose row is locked; the old one is found nowhere then.
 */
extern void link_renew(Link *link, const pg_uuid_t *purchase, TimestampTz at);

#endif
