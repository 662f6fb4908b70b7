/*
 * people_lock.h: locks everybody whom a decision concerns, where who that is may change until
 * they are locked.
 */
#ifndef COURSEBASE_IDENTITY_PEOPLE_LOCK_H
#define COURSEBASE_IDENTITY_PEOPLE_LOCK_H

#include "postgres.h"

#include "utils/uuid.h"

/* Everybody who was found, in the order of uuids; in the memory context of the caller of
 * people_lock(). */
typedef struct People People;

/*
 * Names with people_add() everybody whom the tables name. False if there is nothing to lock
 * for, which ends the search. Called once without locks, and then with the lock of everybody
 * who was found so far, in a subtransaction that is undone if somebody is added. Reads with a
 * snapshot of its own; may lock what comes after people in the order of anchor.h.
 */
typedef bool (*PeopleFind)(People *people, bool locked, void *argument);

/* Adds the person. Somebody who is among the people is not added again. */
extern void people_add(People *people, const pg_uuid_t *person);

/*
 * Locks the people whom find(…, argument) names, in the order of uuids, until it names nobody
 * else. False, and nothing is locked, where find() says that there is nothing to lock for.
 *
 * purchase: the id of the purchase that the people have, for the message. Needs SPI and the
 * rights of the tables' owner; overwrites SPI_tuptable. Raises what a wait can raise (40001 in
 * an older snapshot, 40P01, 55P03), KB106 for somebody who is not in users, and KB007 (40001 in
 * an older snapshot) for a purchase that goes on from person to person while it waits.
 */
extern bool people_lock(PeopleFind find, void *argument, const char *purchase);

#endif
