/*
 * audio_call.h: the audio entries that one call of update_json() brings.
 */
#ifndef COURSEBASE_MEDIA_AUDIO_CALL_H
#define COURSEBASE_MEDIA_AUDIO_CALL_H

#include "postgres.h"

#include "utils/hsearch.h"

#include "json/json.h"

/* Up to so many entries a comparison with each is faster than a hash. */
#define AUDIO_ITEMS_COMPARED 8

/* What the document has under an entry's name. */
typedef enum AudioMatch
{
	AUDIO_NEW,
	AUDIO_THERE,    /* the same content */
	AUDIO_CONFLICT, /* other content */
} AudioMatch;

typedef struct AudioItem
{
	JsonSlice name;    /* the entry's url, or its key: a raw string */
	JsonSlice content; /* the entry */
	JsonSlice member;  /* what goes into the document: the entry, with its key if it has one */
	AudioMatch match;
} AudioItem;

typedef struct AudioCall
{
	JsonText text;
	bool keyed; /* an object by audio number, else a list */
	AudioItem *items;
	size_t size;
	size_t room;
	HTAB *index; /* by name, when there are many */
	int64 skipped;
	char *scratch; /* as large as the text */
} AudioCall;

/*
 * Reads and checks the entries of a json value: one entry, an array, or an object by audio
 * number. An entry that comes twice counts once. Raises KB103 for an entry that is invalid and
 * KB102 for two of one name with different content. What the call holds points into the value
 * and into memory of the current context.
 */
extern void audio_call_read(AudioCall *call, Datum audio);

/* The entry of that name, a raw string; NULL when the call brings none. */
extern AudioItem *audio_call_find(AudioCall *call, JsonSlice name);

/* Notes what the document has under the entry's name. */
extern void audio_item_match(AudioItem *item, JsonSlice content);

/* Leaves in the call what is to be appended. Raises KB102 for an entry that the document has
 * with other content. */
extern void audio_call_settle(AudioCall *call);

/*
 * The entries with commas between, in a container or without: what is inserted into a document.
 * The bytes are in the current context.
 */
extern JsonSlice audio_call_join(AudioCall *call, bool container);

#endif
