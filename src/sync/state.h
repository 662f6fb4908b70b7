/*
 * state.h: what the answer is made from beside the request, and what the cache keeps.
 *
 * Slices point into rows that SPI holds until the handshake ends, or into memory of the same
 * context.
 */
#ifndef COURSEBASE_SYNC_STATE_H
#define COURSEBASE_SYNC_STATE_H

#include "postgres.h"

#include "json/digest.h"
#include "sync/entries.h"
#include "sync/validity.h"
#include "sync/versions.h"

typedef struct HandshakeState
{
	char digest[DIGEST_HEX_SIZE]; /* of names and checksums of the entries */
	JsonSlice members;            /* of the answer, such as "discounts":[] */
	const JsonSlice *protected;   /* names that phones never delete */
	int nprotected;
	HandshakeEntry *entries; /* by name, each once; of a cached state after expanding it */
	int nentries;
	JsonSlice text;    /* of a cached state: all of it */
	Validity validity; /* of a computed state */
} HandshakeState;

/*
 * Computes the state of a user at a time with the active snapshot, and gives the versions that
 * the snapshot sees. has_written: as for handshake_catalogue_get(). Raises KB106 without an
 * open account. Needs SPI_connect() and the rights of the tables' owner.
 */
extern void handshake_state_compute(HandshakeState *state, HandshakeVersions *versions,
									const pg_uuid_t *user, TimestampTz at, bool has_written);

#endif
