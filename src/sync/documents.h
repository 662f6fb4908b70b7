/*
 * documents.h: the documents that only one user gets, beside those of the catalogue.
 *
 * Each function adds its entries, reads with the active snapshot, needs no SPI_connect(), and
 * allocates in the current context.
 */
#ifndef COURSEBASE_SYNC_DOCUMENTS_H
#define COURSEBASE_SYNC_DOCUMENTS_H

#include "sync/entries.h"
#include "sync/validity.h"

/* Courses that the user may use, but for those that the catalogue has. */
extern void handshake_courses_add(HandshakeEntries *entries, Validity *validity,
								  const pg_uuid_t *user);

/* Custom courses that were made for the user. */
extern void handshake_custom_courses_add(HandshakeEntries *entries, const pg_uuid_t *user);

#endif
