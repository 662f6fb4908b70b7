/*
 * record.h: what a phone reports of itself, kept as far as it is new.
 */
#ifndef COURSEBASE_SYNC_RECORD_H
#define COURSEBASE_SYNC_RECORD_H

#include "datatype/timestamp.h"
#include "utils/uuid.h"

#include "sync/request.h"

/* Whether everything that the request reports is kept already. Needs no SPI_connect(). */
extern bool handshake_is_recorded(const HandshakeRequest *request, const pg_uuid_t *user,
								  TimestampTz at);

/* Keeps what the request reports. Needs SPI_connect() and the rights of the tables' owner. */
extern void handshake_record(const HandshakeRequest *request, const pg_uuid_t *user,
							 TimestampTz at);

#endif
