/*
 * transfer.h: what a store sold to an account that is closed is restored by the next one.
 *
 * Needs SPI and the rights of the tables' owner.
 */
#ifndef COURSEBASE_STORE_TRANSFER_H
#define COURSEBASE_STORE_TRANSFER_H

#include "postgres.h"

#include "utils/uuid.h"

#include "store/receipt.h"

/*
 * Moves the receipt and its line to the person who brings it, where they are another's and the
 * setting restore_behavior allows it; else nothing changes. Locks both people: to be called
 * before anything else is locked.
 */
extern void transfer_restore(const Receipt *receipt, const pg_uuid_t *user, TimestampTz at);

/* Whether the setting allows to take over from an account; closed: it is closed. */
extern bool transfer_is_allowed(bool closed);

#endif
