/*
 * audio_entry.h: what an entry of a document's audio_files must be.
 */
#ifndef COURSEBASE_MEDIA_AUDIO_ENTRY_H
#define COURSEBASE_MEDIA_AUDIO_ENTRY_H

#include "json/json.h"

typedef enum AudioFault
{
	AUDIO_SOUND,
	AUDIO_NOT_OBJECT,
	AUDIO_NO_URL,
	AUDIO_BAD_URL,
	AUDIO_BAD_CHECKSUM,
	AUDIO_BAD_DURATION,
} AudioFault;

typedef struct AudioEntry
{
	JsonSpan span; /* the whole entry */
	JsonSpan url;  /* its members; empty where there is none */
	JsonSpan checksum;
	JsonSpan duration;
} AudioEntry;

/* Reads an entry's members, the last of each name; members other than these are anything. */
extern void audio_entry_read(JsonText *text, JsonSpan span, AudioEntry *entry);

/*
 * What is wrong with the entry, and where (for AUDIO_NO_URL: the entry). room holds as many
 * bytes as the entry has.
 */
extern AudioFault audio_entry_check(JsonText *text, const AudioEntry *entry, char *room,
									JsonSpan *where);

/* http:// or https://, a host, and neither white space nor control characters. */
extern bool audio_url_is_absolute(const char *url, size_t size);

#endif
