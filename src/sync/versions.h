/*
 * versions.h: of what a handshake's state was made: equal versions, equal state.
 *
 * Every change of what a state is made from moves one version, in the transaction that changes
 * it (version_trigger.c). A state may be used by every snapshot that sees the versions which
 * the computation of the state saw.
 */
#ifndef COURSEBASE_SYNC_VERSIONS_H
#define COURSEBASE_SYNC_VERSIONS_H

#include "postgres.h"

#include "utils/uuid.h"

typedef struct HandshakeVersions
{
	int64 catalogue;
	bool in_cohort;
	pg_uuid_t cohort_id;
	int64 cohort; /* 0 without a cohort */
	int64 user;
	bool own_change; /* this transaction moved catalogue or cohort, or may have */
} HandshakeVersions;

/*
 * Reads the versions of the catalogue, of the cohort that *versions names, and of the user, as
 * the active snapshot sees them. Needs no SPI_connect(). Errors are those of core/rows.h.
 */
extern void handshake_versions_read(HandshakeVersions *versions, const pg_uuid_t *user);

/*
 * Tells the trigger that versions were read in this transaction: the next change moves them
 * again, even if this transaction has moved them already.
 */
extern void versions_were_read(void);

#endif
