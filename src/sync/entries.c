/*
 * entries.c: lists of documents that a phone gets, ordered by name, each name once.
 *
 * The name of a file is made here alone: a manifest's own name, C14ENB.json for a course and
 * <id>.json for one without a code, and X14ENB_<id>.json for a custom course, of which a person
 * may have several with one code.
 *
 * Ordering and merging go by name alone, in byte order, which is the order that phones use.
 */
#include "postgres.h"

#include "sync/entries.h"
#include "sync/slice.h"

/* Length of a uuid as text. */
#define UUID_TEXT 36

static HandshakeEntry *entry_new(HandshakeEntries *entries);
static JsonSlice entry_name(HandshakeSource source, JsonSlice code, const pg_uuid_t *id);
static char *id_write(char *at, const pg_uuid_t *id);
static int entry_compare(const void *a, const void *b);

/* Makes the file's name at once, so that code may point into a row that is about to go. */
void
entries_add(HandshakeEntries *entries, HandshakeSource source, HandshakeRank rank,
			const pg_uuid_t *id, JsonSlice code, JsonSlice checksum, int32 size)
{
	*entry_new(entries) = (HandshakeEntry){
		.name = entry_name(source, code, id),
		.checksum = checksum,
		.size = size,
		.source = source,
		.id = *id,
		.rank = rank,
	};
}

/* Sorted by name and rank: the last one of a name is the one that counts. */
void
entries_order(HandshakeEntries *entries)
{
	HandshakeEntry *all = entries->entries;
	int kept = 0;

	/* most people have no document of their own */
	if (entries->count < 2)
		return;
	qsort(all, entries->count, sizeof(HandshakeEntry), entry_compare);
	for (int i = 1; i < entries->count; i++)
	{
		if (slice_compare(all[kept].name, all[i].name) != 0)
			kept++;
		all[kept] = all[i];
	}
	entries->count = kept + 1;
}

/* The list may be long: it grows beyond the limit of ordinary allocations. */
static HandshakeEntry *
entry_new(HandshakeEntries *entries)
{
	if (entries->count == entries->room)
	{
		Size room = entries->room == 0 ? 64 : 2 * (Size) entries->room;

		entries->entries = entries->entries == NULL
							   ? palloc(room * sizeof(HandshakeEntry))
							   : repalloc_huge(entries->entries, room * sizeof(HandshakeEntry));
		entries->room = (int) room;
	}
	return &entries->entries[entries->count++];
}

/* The file's name; a manifest's code is its name. No code is the id of another document. */
static JsonSlice
entry_name(HandshakeSource source, JsonSlice code, const pg_uuid_t *id)
{
	const char ending[] = {'.', 'j', 's', 'o', 'n'};
	char *name;
	char *at;

	if (source == HANDSHAKE_MANIFEST)
		return code;
	/* room for the longest form */
	name = at = palloc(code.size + 1 + UUID_TEXT + sizeof(ending));
	if (code.bytes != NULL)
	{
		memcpy(at, code.bytes, code.size);
		at += code.size;
	}
	if (source == HANDSHAKE_CUSTOM_COURSE)
		*at++ = '_';
	if (source == HANDSHAKE_CUSTOM_COURSE || code.bytes == NULL)
		at = id_write(at, id);
	memcpy(at, ending, sizeof(ending));
	return (JsonSlice){name, at + sizeof(ending) - name};
}

/* Writes the id as the server writes a uuid; returns the byte behind it. */
static char *
id_write(char *at, const pg_uuid_t *id)
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < UUID_LEN; i++)
	{
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*at++ = '-';
		*at++ = digits[id->data[i] >> 4];
		*at++ = digits[id->data[i] & 15];
	}
	return at;
}

/* Of one name the entry of the highest rank stands last, and is the one that stays. */
static int
entry_compare(const void *a, const void *b)
{
	const HandshakeEntry *left = a;
	const HandshakeEntry *right = b;
	int order = slice_compare(left->name, right->name);

	return order != 0 ? order : left->rank - right->rank;
}
