/*
 * audio_call.c: the audio entries that one call of update_json() brings.
 *
 * Invariants: entries keep the order of the call; no two have one name. A name is compared as
 * the string that it spells, whatever escapes it is written with.
 *
 * Memory: what is kept of an entry points into the text of the call; the list, the hash and the
 * joined bytes are in the context of the caller, which is SPI's, and go with it. A call may
 * bring many entries, so that lists grow by doubling and lookups are hashed.
 *
 * No locks, no rights: nothing here reads a table.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"

#include "core/errors.h"
#include "json/json_load.h"
#include "media/audio_call.h"
#include "media/audio_entry.h"

/* An entry of the hash: the place of a name's item in the call. */
typedef struct AudioIndexed
{
	JsonSlice name; /* the key */
	size_t item;
} AudioIndexed;

static void list_read(AudioCall *call, JsonSpan list);
static void object_read(AudioCall *call, JsonSpan object);
static void entry_add(AudioCall *call, JsonSpan key, JsonSpan span);
static void entry_require_sound(AudioCall *call, const AudioEntry *entry, JsonSpan key,
								int64 number);
static char *entry_label(AudioCall *call, JsonSpan key, int64 number);
static void item_index(AudioCall *call, size_t item);
static uint32 name_hash(const void *key, Size size);
static int name_match(const void *left, const void *right, Size size);
static bool content_same(JsonSlice left, JsonSlice right);
static Datum content_jsonb(JsonSlice content);
pg_noreturn static void conflict_raise(AudioCall *call, const AudioItem *item,
									   bool within_call);

/*
 * Rule: audio is one entry or an array of entries (audio_files is an array), or an object keyed
 * by audio number; an object with a member url is one entry.
 */
void
audio_call_read(AudioCall *call, Datum audio)
{
	JsonSpan root, url;

	memset(call, 0, sizeof(*call));
	json_load(&call->text, audio);
	/* one buffer for every url that is unescaped: no url is longer than the text */
	call->scratch = MemoryContextAllocHuge(CurrentMemoryContext, call->text.size + 1);
	root = json_root(&call->text);
	switch (json_kind(&call->text, root))
	{
		case JSON_KIND_ARRAY:
			list_read(call, root);
			break;
		case JSON_KIND_OBJECT:
			/* an object with a url is one entry; without, its members are entries by number */
			call->keyed = !json_member_find(&call->text, root, (JsonSlice){"url", 3}, &url);
			if (call->keyed)
				object_read(call, root);
			else
				entry_add(call, (JsonSpan){0, 0}, root);
			break;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_CB_ENTRY_INVALID), errmsg("audio has no entries"),
					 errdetail("It is neither an object nor an array."),
					 errhint("%s", json_kind_hint(json_kind(&call->text, root),
												  "Give one entry, an array of entries, or an "
												  "object of entries by audio number."))));
	}
	/* the readers stop at bytes that are no JSON and leave the error to the end */
	if (call->text.broken)
		json_raise_broken();
}

/* The elements have no keys: each entry is named by its url. */
static void
list_read(AudioCall *call, JsonSpan list)
{
	JsonCursor cursor;
	JsonSpan entry;

	json_walk_begin(&cursor, &call->text, list);
	while (json_element_next(&cursor, &entry))
		entry_add(call, (JsonSpan){0, 0}, entry);
}

/* The keys are audio numbers, which name the entries; their urls may repeat. */
static void
object_read(AudioCall *call, JsonSpan object)
{
	JsonCursor cursor;
	JsonSpan key, entry;

	json_walk_begin(&cursor, &call->text, object);
	while (json_member_next(&cursor, &key, &entry))
		entry_add(call, key, entry);
}

/* An entry that comes twice counts once, so that a list which repeats itself is no error. Two
 * contents under one name raise KB102. */
static void
entry_add(AudioCall *call, JsonSpan key, JsonSpan span)
{
	AudioEntry entry;
	AudioItem item;
	AudioItem *twin;

	audio_entry_read(&call->text, span, &entry);
	entry_require_sound(call, &entry, key, call->size + call->skipped + 1);
	/* slices of the call's text, so that nothing is copied before the join */
	item.name = json_text_slice(&call->text, call->keyed ? key : entry.url);
	item.content = json_text_slice(&call->text, span);
	item.member = item.content;
	item.match = AUDIO_NEW;
	if (call->keyed) /* the key stands before the entry in the same text */
	{
		item.member.size += item.member.bytes - item.name.bytes;
		item.member.bytes = item.name.bytes;
	}
	/* found before the entry is added, so that an entry is never its own twin */
	twin = audio_call_find(call, item.name);
	if (twin != NULL && !content_same(twin->content, item.content))
		conflict_raise(call, &item, true);
	if (twin != NULL)
	{
		call->skipped++;
		return;
	}
	if (call->size == call->room)
	{
		call->room = Max(call->room * 2, AUDIO_ITEMS_COMPARED);
		call->items = call->items == NULL
						  ? palloc(call->room * sizeof(AudioItem))
						  : repalloc_huge(call->items, call->room * sizeof(AudioItem));
	}
	call->items[call->size] = item;
	item_index(call, call->size++);
}

/* number is the entry's place in the call, from 1. */
static void
entry_require_sound(AudioCall *call, const AudioEntry *entry, JsonSpan key, int64 number)
{
	static const struct
	{
		const char *fault;
		const char *hint;
	} words[] = {
		[AUDIO_NOT_OBJECT] = {"is not an object: %s", "Give each entry as an object."},
		[AUDIO_NO_URL] = {"has no member url: %s", "Give each entry its url."},
		[AUDIO_BAD_URL] = {"has the url %s",
						   "Give an absolute URL that begins with http:// or https://."},
		[AUDIO_BAD_CHECKSUM] = {"has the checksum %s",
								"Give an MD5 of 32 hex digits, or leave checksum out."},
		[AUDIO_BAD_DURATION] = {"has the duration %s",
								"Give a number above 0, or leave duration out."},
	};
	JsonSpan where;
	AudioFault fault = audio_entry_check(&call->text, entry, call->scratch, &where);
	StringInfoData detail;

	if (fault == AUDIO_SOUND)
		return;
	/* the words are formats of this file, so that none comes from the caller */
	initStringInfo(&detail);
	appendStringInfo(&detail, "%s ", entry_label(call, key, number));
	appendStringInfo(&detail, words[fault].fault,
					 json_excerpt(json_text_slice(&call->text, where)));
	ereport(ERROR, (errcode(ERRCODE_CB_ENTRY_INVALID), errmsg("invalid audio entry"),
					errdetail_internal("%s.", detail.data), errhint("%s", words[fault].hint)));
}

/* How a message names an entry: by its key, else by its place in the call, from 1. */
static char *
entry_label(AudioCall *call, JsonSpan key, int64 number)
{
	if (key.end > 0)
		return psprintf("Entry %s", json_excerpt(json_text_slice(&call->text, key)));
	return psprintf("Entry " INT64_FORMAT, number);
}

/* Few entries are compared one by one, which costs less than hashing them. */
AudioItem *
audio_call_find(AudioCall *call, JsonSlice name)
{
	AudioIndexed *indexed;

	if (call->index != NULL)
	{
		indexed = hash_search(call->index, &name, HASH_FIND, NULL);
		return indexed == NULL ? NULL : &call->items[indexed->item];
	}
	for (size_t i = 0; i < call->size; i++)
		if (json_string_same(call->items[i].name, name))
			return &call->items[i];
	return NULL;
}

/* Makes the hash once there are more entries than are compared one by one. */
static void
item_index(AudioCall *call, size_t item)
{
	AudioIndexed *indexed;

	if (call->index == NULL && item < AUDIO_ITEMS_COMPARED)
		return;
	if (call->index == NULL)
	{
		HASHCTL control = {.keysize = sizeof(JsonSlice),
						   .entrysize = sizeof(AudioIndexed),
						   .hash = name_hash,
						   .match = name_match,
						   .hcxt = CurrentMemoryContext};

		call->index = hash_create("audio entries", 1024, &control,
								  HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
		/* those that were compared until now are hashed too */
		for (size_t i = 0; i < item; i++)
			item_index(call, i);
	}
	indexed = hash_search(call->index, &call->items[item].name, HASH_ENTER, NULL);
	indexed->item = item;
}

/*
 * Hash and comparison are of the string that a name spells, so that escapes make no difference.
 */
static uint32
name_hash(const void *key, Size size)
{
	return (uint32) json_string_hash(*(const JsonSlice *) key);
}

/*
 * Compares what the strings spell, and not their bytes: escapes are another spelling of one
 * name.
 */
static int
name_match(const void *left, const void *right, Size size)
{
	return json_string_same(*(const JsonSlice *) left, *(const JsonSlice *) right) ? 0 : 1;
}

/* Equal bytes are a retry; other spellings of one value are compared as jsonb. */
static bool
content_same(JsonSlice left, JsonSlice right)
{
	if (left.size == right.size && memcmp(left.bytes, right.bytes, left.size) == 0)
		return true;
	return DatumGetBool(
		DirectFunctionCall2(jsonb_eq, content_jsonb(left), content_jsonb(right)));
}

/* Raises what the server raises for bytes that are JSON but no jsonb. */
static Datum
content_jsonb(JsonSlice content)
{
	char *copy = MemoryContextAllocHuge(CurrentMemoryContext, content.size + 1);

	memcpy(copy, content.bytes, content.size);
	copy[content.size] = '\0';
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(copy));
}

/* An entry that is there already is skipped, so that a repeated call changes nothing. */
void
audio_call_settle(AudioCall *call)
{
	size_t kept = 0;

	for (size_t i = 0; i < call->size; i++)
	{
		if (call->items[i].match == AUDIO_CONFLICT)
			conflict_raise(call, &call->items[i], false);
		if (call->items[i].match == AUDIO_NEW)
			call->items[kept++] = call->items[i];
	}
	call->skipped += call->size - kept;
	call->size = kept;
}

/* within_call: two entries of the call disagree; else the call and the document. */
static void
conflict_raise(AudioCall *call, const AudioItem *item, bool within_call)
{
	ereport(ERROR,
			(errcode(ERRCODE_CB_ENTRY_CONFLICT),
			 within_call ? errmsg("an audio entry comes twice, with different content")
						 : errmsg("an audio entry is there already, with other content"),
			 errdetail("Its %s is %s.", call->keyed ? "key" : "url", json_excerpt(item->name)),
			 call->keyed ? errhint("Give what is new a key of its own.")
						 : errhint("Give what is new a url of its own.")));
}

/* The container is made here where the document has no audio_files yet. */
JsonSlice
audio_call_join(AudioCall *call, bool container)
{
	StringInfoData joined;

	initStringInfo(&joined);
	if (container)
		appendStringInfoChar(&joined, call->keyed ? '{' : '[');
	for (size_t i = 0; i < call->size; i++)
	{
		if (i > 0)
			appendStringInfoChar(&joined, ',');
		appendBinaryStringInfo(&joined, call->items[i].member.bytes,
							   call->items[i].member.size);
	}
	if (container)
		appendStringInfoChar(&joined, call->keyed ? '}' : ']');
	return (JsonSlice){joined.data, joined.len};
}

/* Equal content makes the entry one of a repeated call, other content a conflict. */
void
audio_item_match(AudioItem *item, JsonSlice content)
{
	item->match = content_same(content, item->content) ? AUDIO_THERE : AUDIO_CONFLICT;
}
