/*
 * entries.c: lists of documents, by name in byte order, each name once.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "utils/builtins.h"

#include "sync/entries.h"

#define UUID_TEXT 36

static HandshakeEntry *entry_new(HandshakeEntries *entries);
static JsonSlice entry_name(HandshakeSource source, JsonSlice code, const pg_uuid_t *id);
static char *id_write(char *at, const pg_uuid_t *id);
static int entry_compare(const void *a, const void *b);

void
entries_add(HandshakeEntries *entries, HandshakeSource source, int rank, const pg_uuid_t *id,
			JsonSlice code, JsonSlice checksum, int32 size)
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

void
entries_query(HandshakeEntries *entries, KeptPlan *plan, Datum key, HandshakeSource source,
			  int rank)
{
	uint64 rows = plan_execute(plan, &key, NULL, true);

	for (uint64 row = 0; row < rows; row++)
		entries_add(entries, source, rank, DatumGetUUIDP(plan_value(row, 1, UUIDOID, NULL)),
					entries_slice(plan_value(row, 2, TEXTOID, NULL)),
					entries_slice(plan_value(row, 3, TEXTOID, NULL)),
					DatumGetInt32(plan_value(row, 4, INT4OID, NULL)));
}

void
entries_order(HandshakeEntries *entries)
{
	HandshakeEntry *all = entries->entries;
	int kept = 0;

	if (entries->count < 2)
		return;
	qsort(all, entries->count, sizeof(HandshakeEntry), entry_compare);
	for (int i = 1; i < entries->count; i++)
	{
		if (handshake_name_compare(all[kept].name, all[i].name) != 0)
			kept++;
		all[kept] = all[i];
	}
	entries->count = kept + 1;
}

JsonSlice
entries_slice(Datum value)
{
	text *bytes = DatumGetTextPP(value);

	return (JsonSlice){VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes)};
}

JsonSlice
entries_slice_keep(Datum value)
{
	JsonSlice slice = entries_slice(value);
	char *copy = palloc(slice.size + 1);

	memcpy(copy, slice.bytes, slice.size);
	return (JsonSlice){copy, slice.size};
}

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

/* A manifest has its own name; a course C14ENB.json; a custom one X14ENB_<id>.json. */
static JsonSlice
entry_name(HandshakeSource source, JsonSlice code, const pg_uuid_t *id)
{
	const char ending[] = {'.', 'j', 's', 'o', 'n'};
	char *name;
	char *at;

	if (source == HANDSHAKE_MANIFEST)
		return code;
	name = at = palloc(code.size + 1 + UUID_TEXT + sizeof(ending));
	memcpy(at, code.bytes, code.size);
	at += code.size;
	if (source == HANDSHAKE_CUSTOM_COURSE)
	{
		*at++ = '_';
		at = id_write(at, id);
	}
	memcpy(at, ending, sizeof(ending));
	return (JsonSlice){name, at + sizeof(ending) - name};
}

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

static int
entry_compare(const void *a, const void *b)
{
	const HandshakeEntry *left = a;
	const HandshakeEntry *right = b;
	int order = handshake_name_compare(left->name, right->name);

	return order != 0 ? order : left->rank - right->rank;
}
