/*
 * purchases.h: the member "purchases" of the answer: which of the phone's purchases are known.
 */
#ifndef COURSEBASE_SYNC_PURCHASES_H
#define COURSEBASE_SYNC_PURCHASES_H

#include "lib/stringinfo.h"
#include "utils/uuid.h"

#include "sync/request.h"

/* Appends the member's value. Needs SPI_connect() unless the request has no purchases. */
extern void handshake_purchases_write(StringInfo out, const HandshakeRequest *request,
									  const pg_uuid_t *user);

#endif
