/*
 * anchor.h: the row that a decision about a person begins with, and the order of all locks.
 *
 * A decision over several rows locks one fixed row first and then reads with a new snapshot, so
 * that of two calls about one person the second sees what the first did. Locks are taken in one
 * order everywhere, so that calls wait but never for one another in a ring:
 *
 *   1. the row of users; of two people, the one with the lesser uuid first
 *   2. what many people share: organisation, program, product, course, discount code (the last
 *      one FOR KEY SHARE, which nobody's use waits for)
 *   3. what is the person's: profile, subscription, account of credits, entry of a code,
 *      purchases, entitlements, transactions, grants, documents
 *   4. versions that handshakes compare: the catalogue's, a cohort's, the person's
 *   5. the counter of a discount code, or one of its shards; only rows of 3 and 4 that are the
 *      same person's may follow
 *
 * Who must go back in the order (a reservation of somebody else's that has run out) takes what
 * is free and skips the rest. Row locks are FOR NO KEY UPDATE, which foreign keys to the row do
 * not wait for; FOR UPDATE only where a row's identity is to change.
 */
#ifndef COURSEBASE_IDENTITY_ANCHOR_H
#define COURSEBASE_IDENTITY_ANCHOR_H

#include "postgres.h"

#include "utils/uuid.h"

typedef enum Anchored
{
	ANCHORED_NONE,   /* there is no such user */
	ANCHORED_CLOSED, /* deleted_at is set */
	ANCHORED_LIVE,
} Anchored;

/* Locks the row of users with the owner's rights; needs SPI. */
extern Anchored anchor_user(const pg_uuid_t *user);

/* The same; raises KB106 when there is no such user. */
extern void anchor_user_require(const pg_uuid_t *user);

/* The same; raises KB106 also if the account is closed. */
extern void anchor_open_user_require(const pg_uuid_t *user);

#endif
