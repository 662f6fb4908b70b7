/*
 * entries.h: lists of documents that a phone gets, ordered by name, each name once.
 *
 * An entry describes a document without its content. Slices are taken as they are, and must
 * live as long as the list; the list itself is allocated in the current context.
 */
#ifndef COURSEBASE_SYNC_ENTRIES_H
#define COURSEBASE_SYNC_ENTRIES_H

#include "postgres.h"

#include "utils/uuid.h"

#include "json/json.h"

/* In which table a document stands. */
typedef enum HandshakeSource
{
	HANDSHAKE_MANIFEST,
	HANDSHAKE_COURSE,
	HANDSHAKE_CUSTOM_COURSE,
} HandshakeSource;

#define HANDSHAKE_SOURCES (HANDSHAKE_CUSTOM_COURSE + 1)

/* Of two entries of one name, the one of the higher rank counts. */
typedef enum HandshakeRank
{
	RANK_DEFAULT_MANIFEST,
	RANK_COHORT_MANIFEST,
	RANK_COURSE,
	RANK_CUSTOM_COURSE,
} HandshakeRank;

typedef struct HandshakeEntry
{
	JsonSlice name;
	JsonSlice checksum;
	int32 size;
	HandshakeSource source;
	pg_uuid_t id;
	int rank;
} HandshakeEntry;

typedef struct HandshakeEntries
{
	HandshakeEntry *entries;
	int count;
	int room;
} HandshakeEntries;

/* Adds an entry. code is a manifest's name, or a course's code, from which the name is made;
 * its bytes are NULL for a course without one, which is named by its id. */
extern void entries_add(HandshakeEntries *entries, HandshakeSource source, HandshakeRank rank,
						const pg_uuid_t *id, JsonSlice code, JsonSlice checksum, int32 size);

/* Orders the list by name; of one name the entry of the highest rank stays. */
extern void entries_order(HandshakeEntries *entries);

#endif
