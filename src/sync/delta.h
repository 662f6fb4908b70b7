/*
 * delta.h: a custom course that the phone has in an earlier version, told as what was appended.
 */
#ifndef COURSEBASE_SYNC_DELTA_H
#define COURSEBASE_SYNC_DELTA_H

#include "lib/stringinfo.h"

#include "sync/entries.h"

/*
 * Appends the members of an append that leads from the phone's checksum to the document; writes
 * nothing and returns false if there is none. Needs SPI_connect() and the rights of the tables'
 * owner; leaves SPI_tuptable as it was.
 */
extern bool handshake_delta_write(StringInfo out, const HandshakeEntry *entry,
								  JsonSlice client_checksum, JsonSlice document);

#endif
