/*
 * audio_entry.c: what an entry of a document's audio_files must be.
 *
 * Plain C: decides from the text alone, without allocating or raising, so that the core is
 * tested and fuzzed outside of the server. The caller turns a fault into a message.
 */
#include <string.h>

#include "media/audio_entry.h"

static AudioFault url_check(JsonText *text, JsonSpan url, char *room);
static bool checksum_is_hex(JsonText *text, JsonSpan checksum);
static size_t scheme_size(const char *url, size_t size);

/* The last member of each name counts, as in jsonb. Other members are the caller's own. */
void
audio_entry_read(JsonText *text, JsonSpan span, AudioEntry *entry)
{
	JsonCursor cursor;
	JsonSpan key, value;

	memset(entry, 0, sizeof(*entry));
	entry->span = span;
	if (json_kind(text, span) != JSON_KIND_OBJECT)
		return;
	json_walk_begin(&cursor, text, span);
	while (json_member_next(&cursor, &key, &value))
	{
		JsonSlice name = json_text_slice(text, key);

		if (json_string_is(name, "url"))
			entry->url = value;
		else if (json_string_is(name, "checksum"))
			entry->checksum = value;
		else if (json_string_is(name, "duration"))
			entry->duration = value;
	}
}

/* The faults are asked in the order of the enum, and the first one is answered. */
AudioFault
audio_entry_check(JsonText *text, const AudioEntry *entry, char *room, JsonSpan *where)
{
	/* where follows the check under way, and points to what it found wrong */
	*where = entry->span;
	if (json_kind(text, entry->span) != JSON_KIND_OBJECT)
		return AUDIO_NOT_OBJECT;
	if (entry->url.end == 0)
		return AUDIO_NO_URL;
	*where = entry->url;
	if (url_check(text, entry->url, room) != AUDIO_SOUND)
		return AUDIO_BAD_URL;
	*where = entry->checksum;
	if (entry->checksum.end > 0 && !checksum_is_hex(text, entry->checksum))
		return AUDIO_BAD_CHECKSUM;
	*where = entry->duration;
	if (entry->duration.end > 0 &&
		(json_kind(text, entry->duration) != JSON_KIND_NUMBER ||
		 !json_number_is_positive(json_text_slice(text, entry->duration))))
		return AUDIO_BAD_DURATION;
	return AUDIO_SOUND;
}

/*
 * A phone fetches the url as it stands: without a host, or with white space, it would fail
 * there and not here.
 */
bool
audio_url_is_absolute(const char *url, size_t size)
{
	size_t scheme = scheme_size(url, size);

	if (scheme == 0 || scheme == size || strchr("/?#:@", url[scheme]) != NULL)
		return false;
	for (size_t i = scheme; i < size; i++)
		if ((unsigned char) url[i] <= ' ' || url[i] == 0x7f)
			return false;
	return true;
}

/* The url is judged as the string that it spells, escapes resolved into the caller's buffer. */
static AudioFault
url_check(JsonText *text, JsonSpan url, char *room)
{
	size_t size;

	if (json_kind(text, url) != JSON_KIND_STRING)
		return AUDIO_BAD_URL;
	if (json_string_unescape(json_text_slice(text, url), room, url.end - url.start, &size) !=
		JSON_OK)
		return AUDIO_BAD_URL;
	return audio_url_is_absolute(room, size) ? AUDIO_SOUND : AUDIO_BAD_URL;
}

/* An MD5 in either case of letters; a longer string does not fit the buffer and is none. */
static bool
checksum_is_hex(JsonText *text, JsonSpan checksum)
{
	char hex[32];
	size_t size;

	if (json_kind(text, checksum) != JSON_KIND_STRING)
		return false;
	if (json_string_unescape(json_text_slice(text, checksum), hex, sizeof(hex), &size) !=
			JSON_OK ||
		size != sizeof(hex))
		return false;
	for (size_t i = 0; i < sizeof(hex); i++)
		if (hex[i] == '\0' || strchr("0123456789abcdefABCDEF", hex[i]) == NULL)
			return false;
	return true;
}

/* The length of http:// or https:// in any case of letters; 0 for every other beginning. */
static size_t
scheme_size(const char *url, size_t size)
{
	static const char *const schemes[] = {"http://", "https://"};

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
	{
		size_t n = strlen(schemes[i]);
		size_t same = 0;

		while (same < n && same < size &&
			   (url[same] == schemes[i][same] ||
				(url[same] >= 'A' && url[same] <= 'Z' && url[same] + 32 == schemes[i][same])))
			same++;
		if (same == n)
			return n;
	}
	return 0;
}
