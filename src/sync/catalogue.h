/*
 * catalogue.h: the documents that everybody of a cohort gets, and the names that phones never
 * delete.
 */
#ifndef COURSEBASE_SYNC_CATALOGUE_H
#define COURSEBASE_SYNC_CATALOGUE_H

#include "sync/entries.h"
#include "sync/versions.h"

typedef struct HandshakeCatalogue
{
	HandshakeEntry *entries; /* by name, each once */
	int nentries;
	JsonSlice *protected;
	int nprotected;
} HandshakeCatalogue;

/*
 * The catalogue of these versions; admin: with every course; has_written: the transaction wrote
 * something before the handshake. The result lives as long as the current context, however the
 * session's kept catalogues change meanwhile. Needs SPI_connect() and the rights of the tables'
 * owner.
 */
extern const HandshakeCatalogue *handshake_catalogue_get(const HandshakeVersions *versions,
														 bool admin, bool has_written);

#endif
