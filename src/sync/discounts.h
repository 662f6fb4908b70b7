/*
 * discounts.h: discounts that fall due with a handshake.
 */
#ifndef COURSEBASE_SYNC_DISCOUNTS_H
#define COURSEBASE_SYNC_DISCOUNTS_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/uuid.h"

/*
 * Assigns the discounts that are due to the user at that time, and returns whether there were
 * any. Only a newer snapshot sees them. Needs SPI_connect() and the rights of the tables'
 * owner; must not be called in a read-only transaction.
 */
extern bool handshake_discounts_assign(const pg_uuid_t *user, TimestampTz at);

#endif
