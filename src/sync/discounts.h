/*
 * discounts.h: discounts that fall due with a handshake.
 */
#ifndef COURSEBASE_SYNC_DISCOUNTS_H
#define COURSEBASE_SYNC_DISCOUNTS_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/uuid.h"

typedef enum Assignment
{
	ASSIGNMENT_NONE,  /* nothing is due */
	ASSIGNMENT_MADE,  /* only a newer snapshot sees what was assigned */
	ASSIGNMENT_LATER, /* something is due, and another transaction is in the way */
} Assignment;

/*
 * Assigns the discounts that are due to the user at that time, unless that would wait for
 * another transaction: a phone's start waits for nobody, and what is still due comes with a
 * later handshake, if no state is cached until then. Needs SPI_connect() and the rights of the
 * tables' owner; must not be called in a read-only transaction. Raises 40001 where an older
 * snapshot cannot lock the person.
 */
extern Assignment handshake_discounts_assign(const pg_uuid_t *user, TimestampTz at);

#endif
