/*
 * entries.h: lists of documents, by name in byte order, each name once.
 */
#ifndef COURSEBASE_SYNC_ENTRIES_H
#define COURSEBASE_SYNC_ENTRIES_H

#include "core/plan.h"
#include "sync/handshake.h"

typedef struct HandshakeEntries
{
	HandshakeEntry *entries;
	int count;
	int room;
} HandshakeEntries;

/*
 * Adds an entry; code is a manifest's name, or a course's code, of which the name is made. The
 * slices are taken as they are.
 */
extern void entries_add(HandshakeEntries *entries, HandshakeSource source, int rank,
						const pg_uuid_t *id, JsonSlice code, JsonSlice checksum, int32 size);

/* Adds the rows of a statement: id, name or code, checksum, size; key is its argument, if any.
 */
extern void entries_query(HandshakeEntries *entries, KeptPlan *plan, Datum key,
						  HandshakeSource source, int rank);

/* Orders by name; of one name the entry of the highest rank stays. */
extern void entries_order(HandshakeEntries *entries);

/* The bytes of a text. */
extern JsonSlice entries_slice(Datum value);
/* The same, copied into the current context. */
extern JsonSlice entries_slice_keep(Datum value);

/* sync/courses.c: adds the documents of the user's courses, beside the catalogue's. */
extern void handshake_courses_add(HandshakeEntries *entries, HandshakeState *state,
								  const pg_uuid_t *user, TimestampTz at);

#endif
