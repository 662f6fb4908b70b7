/*
 * cache.h: the state of each user as last computed, kept in a row.
 */
#ifndef COURSEBASE_SYNC_CACHE_H
#define COURSEBASE_SYNC_CACHE_H

#include "sync/request.h"
#include "sync/state.h"

/*
 * The cached state of the user; false if no row answers at that time. If the request is not
 * current, the state must be expanded before its entries are looked at. Needs no SPI_connect();
 * memory is the current context's.
 */
extern bool handshake_cache_read(HandshakeState *state, const HandshakeRequest *request,
								 const pg_uuid_t *user, TimestampTz at);

/* Makes the entries of a state that was read; false if the text is not one of ours. */
extern bool handshake_state_expand(HandshakeState *state);

/*
 * Keeps a computed state, unless that would be in another transaction's way. Needs
 * SPI_connect() and the rights of the tables' owner; does nothing in a read-only transaction.
 */
extern void handshake_cache_write(const HandshakeState *state,
								  const HandshakeVersions *versions, const pg_uuid_t *user);

#endif
