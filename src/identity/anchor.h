/*
 * anchor.h: the row that a decision about a person begins with, and the order of all locks.
 *
 * A decision over several rows locks one fixed row first and then reads with a new snapshot: of
 * two calls about one person the second therefore sees what the first one wrote. Every function
 * and trigger takes its locks in one order, so that calls wait for each other but never in a
 * ring:
 *
 *   1. the row of users; of two people, the one with the lesser uuid first
 *   2. what many people share: organisation, program, product, course, discount code (the code
 *      FOR KEY SHARE, for which no use of the code has to wait)
 *   3. what is the person's: profile, subscription, account of credits, entry of a code,
 *      purchases, entitlements, transactions, grants, documents
 *   4. versions that handshakes compare: the catalogue's, a cohort's, the person's
 *   5. the counter of a discount code, or one of its shards; only rows of 3 and 4 that belong
 *      to the same person may follow
 *
 * A call that must lock against this order (to end the expired reservation of another person)
 * uses SKIP LOCKED and leaves what is not free. An UPDATE or DELETE of plain SQL holds its row
 * before a trigger of ours locks anything, and an INSERT of plain SQL may bring people in any
 * order: there core/lock_behind.h waits, in no queue. Row locks are FOR NO KEY UPDATE, because
 * the inserts of rows with a foreign key to the row do not wait for that; FOR UPDATE is used
 * only where the key of a row changes.
 */
#ifndef COURSEBASE_IDENTITY_ANCHOR_H
#define COURSEBASE_IDENTITY_ANCHOR_H

#include "postgres.h"

#include "utils/uuid.h"

#include "core/compat.h"
#include "core/statement_mark.h"

typedef enum Anchored
{
	ANCHORED_NONE,   /* there is no such user */
	ANCHORED_CLOSED, /* deleted_at is set */
	ANCHORED_LIVE,
} Anchored;

/*
 * Locks the row of users until the transaction ends, with the rights of the tables' owner, and
 * says what the row is as of after the lock. Needs SPI_connect(); overwrites SPI_tuptable.
 * Raises what a wait can raise (40001 in an older snapshot, 40P01, 55P03), KB001 without
 * tables, and KBC01 for a person who lives in another cell.
 */
extern Anchored anchor_user(const pg_uuid_t *user);

/* The same for what is about organisations, whose people may live in any cell: on home it locks
 * the row of a guest, which it makes where there is none (guest.h); elsewhere it raises KBC04
 * for whoever is not here. */
extern Anchored anchor_user_anywhere(const pg_uuid_t *user);

/* The same for a trigger of a statement that holds its row already (lock_behind.h): also raises
 * KB007. */
extern Anchored anchor_user_behind(const pg_uuid_t *user);

/* The same for a trigger of an INSERT, whose rows may be of people in any order: who comes
 * against the order of uuids is locked as by anchor_user_behind(). */
extern Anchored anchor_user_of_row(const pg_uuid_t *user);

/* The same as anchor_user(); raises KB106 if there is no such user. A closed account passes. */
extern void anchor_user_require(const pg_uuid_t *user);

/* The same for a call that may name a merged account: *user becomes the person who was kept,
 * who is locked. Where the merge ended while the call waited, also raises KB007. */
extern void anchor_kept_user_require(pg_uuid_t *user);

/* As anchor_user_require(); raises KB106 also if the account is closed. */
extern void anchor_open_user_require(const pg_uuid_t *user);

/* Both people of a transfer, the lesser uuid first, so that two transfers cannot wait for each
 * other: *to must be open, *from may be closed. Raises KB106 as the two above. */
extern void anchor_transfer_require(const pg_uuid_t *from, const pg_uuid_t *to);

/* The same as anchor_open_user_require() for what is about organisations. */
extern void anchor_open_user_anywhere_require(const pg_uuid_t *user);

/* Whether this subtransaction has locked the person's row; false also where one of its parents
 * has, or where somebody else was locked since. */
extern bool anchor_holds(const pg_uuid_t *user);

/*
 * From here on, to its end, this transaction locks people as a statement does that holds its
 * row already: for a call that writes rows of a person whom it does not lock, and which others
 * may follow. anchor_goes_back() says whether that was said.
 */
extern void anchor_go_back(void);
extern bool anchor_goes_back(void);

/* Marks a statement of ours that writes rows of people whom it has locked: the trigger that
 * locks the person of a row stands back. Whoever sets it restores it, also after an error. */
extern StatementMark anchor_held;

/* Raises that KB106: for callers that read the row without a lock. */
pg_noreturn extern void anchor_raise_missing(const pg_uuid_t *user);

#endif
