/*
 * audio_entry_test.c: which entries of audio_files are sound, what is told of the others, and
 * which urls a phone can fetch.
 */
#include <stdlib.h>

#include "media/audio_entry.h"
#include "table.h"

#define HEX "00112233445566778899aAbBcCdDeEfF"
#define URL "\"url\":\"https://a/b.mp3\""

/* found: the text that where points to; NULL: the whole entry. */
static const struct
{
	const char *entry;
	AudioFault fault;
	const char *found;
} entries[] = {
	/* a url is enough; checksum and duration may be there, other members are the caller's */
	{"{" URL "}", AUDIO_SOUND, ""},
	{"{" URL ",\"checksum\":\"" HEX "\",\"duration\":12.5}", AUDIO_SOUND, "12.5"},
	{"{\"title\":[{\"url\":1}]," URL ",\"checksums\":1,\"durations\":-1}", AUDIO_SOUND, ""},
	{"{\"duration\":1e-3," URL "}", AUDIO_SOUND, "1e-3"},
	{"{\"checksum\":\"" HEX "\"," URL "}", AUDIO_SOUND, ""},
	/* an entry is an object */
	{"[" URL "]", AUDIO_NOT_OBJECT, NULL},
	{"\"https://a/b.mp3\"", AUDIO_NOT_OBJECT, NULL},
	{"null", AUDIO_NOT_OBJECT, NULL},
	/* with a url of its own, not of something within */
	{"{}", AUDIO_NO_URL, NULL},
	{"{\"file\":{" URL "}}", AUDIO_NO_URL, NULL},
	{"{\"URL\":\"https://a/b.mp3\"}", AUDIO_NO_URL, NULL},
	/* that is a string which a phone can fetch; the first fault is told */
	{"{\"url\":null,\"duration\":0}", AUDIO_BAD_URL, "null"},
	{"{\"url\":[\"https://a\"]}", AUDIO_BAD_URL, "[\"https://a\"]"},
	{"{\"url\":\"a.mp3\",\"checksum\":1}", AUDIO_BAD_URL, "\"a.mp3\""},
	{"{\"url\":\"https://a/\\u0020b\"}", AUDIO_BAD_URL, "\"https://a/\\u0020b\""},
	{"{\"url\":\"https:\\/\\/a\\/b.mp3\"}", AUDIO_SOUND, ""},
	{"{\"url\":\"\\u0068ttps://a\"}", AUDIO_SOUND, ""},
	{"{\"url\":\"https://a/\\u0000\"}", AUDIO_BAD_URL, "\"https://a/\\u0000\""},
	/* the last member of a name counts, as in jsonb */
	{"{\"url\":1," URL "}", AUDIO_SOUND, ""},
	{"{" URL ",\"url\":1}", AUDIO_BAD_URL, "1"},
	{"{\"checksum\":1,\"checksum\":\"" HEX "\"," URL "}", AUDIO_SOUND, ""},
	{"{" URL ",\"duration\":1,\"duration\":0}", AUDIO_BAD_DURATION, "0"},
	/* a checksum is an MD5 in hexadecimal */
	{"{" URL ",\"checksum\":\"\",\"duration\":0}", AUDIO_BAD_CHECKSUM, "\"\""},
	{"{" URL ",\"checksum\":null}", AUDIO_BAD_CHECKSUM, "null"},
	{"{" URL ",\"checksum\":[\"" HEX "\"]}", AUDIO_BAD_CHECKSUM, "[\"" HEX "\"]"},
	{"{" URL ",\"checksum\":\"" HEX "0\"}", AUDIO_BAD_CHECKSUM, "\"" HEX "0\""},
	{"{" URL ",\"checksum\":\"0011223344556677889900112233445\"}", AUDIO_BAD_CHECKSUM,
	 "\"0011223344556677889900112233445\""},
	{"{" URL ",\"checksum\":\"g0112233445566778899001122334455\"}", AUDIO_BAD_CHECKSUM,
	 "\"g0112233445566778899001122334455\""},
	{"{" URL ",\"checksum\":\"0011223344556677889900112233445-\"}", AUDIO_BAD_CHECKSUM,
	 "\"0011223344556677889900112233445-\""},
	{"{" URL ",\"checksum\":\"\\u00301122334455667788990011223344ff\"}", AUDIO_BAD_CHECKSUM,
	 "\"\\u00301122334455667788990011223344ff\""},
	{"{" URL ",\"checksum\":\"\\u00300112233445566778899aAbBcCdDeEfF\"}", AUDIO_SOUND, ""},
	/* a duration is a number above zero */
	{"{" URL ",\"duration\":0}", AUDIO_BAD_DURATION, "0"},
	{"{" URL ",\"duration\":-1}", AUDIO_BAD_DURATION, "-1"},
	{"{" URL ",\"duration\":\"1\"}", AUDIO_BAD_DURATION, "\"1\""},
	{"{" URL ",\"duration\":null}", AUDIO_BAD_DURATION, "null"},
};

static const struct
{
	const char *url;
	bool absolute;
} urls[] = {
	{"http://a", true},
	{"https://a", true},
	{"HtTpS://example.org:8443/a%20b.mp3?c=d#e", true},
	{"HTTP://A", true},
	{"https://[::1]/a", true},
	{"https://\xc3\xa4.example/a", true},
	/* no scheme of these two */
	{"", false},
	{"h", false},
	{"https", false},
	{"https:/a/b.mp3", false},
	{"httpx://a", false},
	{"ftp://example.org/a", false},
	{"//example.org/a", false},
	{"file:///a", false},
	{" https://a", false},
	{"jttp://a", false},
	{"htt0://a", false},
	{"https:\x0f/a", false},
	{"h\x54\x54p\x1a//a", false},
	/* no host */
	{"http://", false},
	{"https://", false},
	{"https:///a", false},
	{"https://?a", false},
	{"https://#a", false},
	{"https://:80/a", false},
	{"https://@a", false},
	/* white space and control characters, at each end and between */
	{"https:// a", false},
	{"https://a b", false},
	{"https://a ", false},
	{"https://a\n", false},
	{"https://a\x01/b", false},
	{"https://\x7f", false},
	{"https://a\x7f", false},
};

/* Each entry stands in memory of its own, so that a sanitizer sees a step across its end. */
static void
entries_test(void)
{
	for (size_t i = 0; i < LENGTH(entries); i++)
	{
		size_t size = strlen(entries[i].entry);
		char *copy = malloc(size), *room = malloc(size);
		JsonText text;
		JsonSpan where;
		AudioEntry entry;
		AudioFault fault;

		memcpy(copy, entries[i].entry, size);
		json_text_init(&text, copy, size, NULL, NULL);
		audio_entry_read(&text, json_root(&text), &entry);
		fault = audio_entry_check(&text, &entry, room, &where);
		if (table_check(fault == entries[i].fault, "entries", i, "the fault"))
		{
			const char *found = entries[i].found == NULL ? entries[i].entry : entries[i].found;

			table_check(where.end - where.start == strlen(found) &&
							memcmp(copy + where.start, found, strlen(found)) == 0,
						"entries", i, "where it is");
		}
		free(room);
		free(copy);
	}
}

static void
urls_test(void)
{
	for (size_t i = 0; i < LENGTH(urls); i++)
	{
		size_t size = strlen(urls[i].url);
		char *copy = malloc(size + 1);

		memcpy(copy, urls[i].url, size + 1);
		table_check(audio_url_is_absolute(copy, size) == urls[i].absolute, "urls", i,
					urls[i].url);
		/* a url ends where its size says: what follows is none of it */
		copy[size] = ' ';
		table_check(audio_url_is_absolute(copy, size) == urls[i].absolute, "urls", i,
					"with something behind it");
		free(copy);
	}
	/* a terminator within is a control character */
	table_check(!audio_url_is_absolute("https://a\0b", 11), "urls", LENGTH(urls), "a NUL");
}

int
main(void)
{
	entries_test();
	urls_test();
	return table_end();
}
