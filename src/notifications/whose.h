/*
 * whose.h: the person that a notification is about.
 */
#ifndef COURSEBASE_NOTIFICATIONS_WHOSE_H
#define COURSEBASE_NOTIFICATIONS_WHOSE_H

#include "postgres.h"

#include "notifications/effect.h"

typedef enum Whose
{
	WHOSE_FOUND,
	WHOSE_NOBODY,    /* no name that came is that of a live account */
	WHOSE_AMBIGUOUS, /* the names are those of two accounts */
	WHOSE_OTHER,     /* the caller named another person than the one whose it is */
} Whose;

/* Needs SPI; reads with the owner's rights. */
extern Whose whose_find(const NoticeCall *call, pg_uuid_t *user);

/*
 * Of a notification about a payment, line or purchase of which nothing is known here, and for
 * which the caller names nobody: raises KBC21 where its person is moving, and on home, which
 * has recorded who sold it, KBC01 where another cell has. Needs SPI.
 */
extern void whose_sold_require_here(const NoticeCall *call);

/* whose_find() for what needs a person: false with the outcome set where there is none. */
extern bool whose_require(const NoticeCall *call, NoticeEffect *effect);

/*
 * The accounts that the names are those of, at most NOTICE_ACCOUNTS, in no order; closed ones
 * only where they are asked for. Answers how many.
 */
extern int whose_named(const JsonSlice *names, int nnames, bool closed_too, pg_uuid_t *people);

/*
 * Whose that is by now which was of one of the accounts at a time: follows what RevenueCat told
 * of transfers since then, in the order in which they happened and whenever they came. id: of
 * the transfer at that time behind which it looks; empty: those at that time count too. The
 * account may be closed by now. False where there is none that names an account, where the last
 * names several people, or where the bodies are purged.
 */
extern bool whose_transferred(const JsonSlice *names, int nnames, TimestampTz at,
							  const char *id, pg_uuid_t *person);

/* The store that a notification speaks of: the provider, or for RevenueCat the one behind it.
 * NULL: none that is known. */
extern const char *whose_store(const NoticeCall *call);

#endif
