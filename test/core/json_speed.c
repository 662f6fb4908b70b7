/*
 * json_speed.c: how fast the JSON cores are on this machine, in MB of input a second.
 *
 * Ways that are compared run in turns, and the best turn of each counts: whatever else the
 * machine does only slows a turn down. An answer is checked before it is timed. Compile with
 * -O2, as the server compiles the extension. "plain" is the search without what only newer
 * processors have (AVX2), and x beside it what these gain.
 */
#include <stdlib.h>
#include <time.h>

#include "json/json.h"
#include "json/json_blocks.h"
#include "json/json_render.h"
#include "table.h"

#define TURNS 60

typedef struct Document
{
	const char *name;
	char *bytes;
	size_t size;
} Document;

typedef void (*Way)(const Document *document, char *room);

static double
seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double) now.tv_sec + (double) now.tv_nsec * 1e-9;
}

/* The best MB/s of each way. */
static void
ways_time(const Way *ways, size_t count, const Document *document, char *room, double *speeds)
{
	size_t rounds = 8 * 1024 * 1024 / document->size + 1;

	memset(speeds, 0, count * sizeof(double));
	for (size_t turn = 0; turn < TURNS; turn++)
	{
		for (size_t way = 0; way < count; way++)
		{
			double start = seconds_now();
			double speed;

			for (size_t i = 0; i < rounds; i++)
				ways[way](document, room);
			speed = (double) document->size * (double) rounds / 1e6 / (seconds_now() - start);
			if (speed > speeds[way])
				speeds[way] = speed;
		}
	}
}

static const char entry[] =
	"{\"url\":\"https://cdn.example.org/audio/0123456789abcdef.mp3\",\"checksum\":"
	"\"d41d8cd98f00b204e9800998ecf8427e\",\"duration\":312.5,\"title\":\"Part one\"}";

/* A custom course: a text and a list of audio files. */
static Document
course_make(const char *name, size_t size, size_t text_part)
{
	Document document = {name, malloc(size + 1024), 0};
	char *out = document.bytes;
	size_t at = (size_t) sprintf(out, "{\"title\":\"A course\",\"script\":\"");

	for (uint64_t state = 1; at < text_part; at++)
		out[at] = (char) ('a' + table_random(&state) % 26);
	at += (size_t) sprintf(out + at, "\",\"audio_files\":[%s", entry);
	while (at < size)
		at += (size_t) sprintf(out + at, ",%s", entry);
	at += (size_t) sprintf(out + at, "],\"version\":3}");
	document.size = at;
	return document;
}

/* The worst case: hardly any strings. */
static Document
numbers_make(const char *name, size_t size)
{
	Document document = {name, malloc(size + 1024), 0};
	char *out = document.bytes;
	size_t at = (size_t) sprintf(out, "{\"x\":1,\"audio_files\":[[0]");

	while (at < size)
		at += (size_t) sprintf(out + at, ",{\"a\":[1,-2.5],\"b\":{\"c\":true}}");
	at += (size_t) sprintf(out + at, "]}");
	document.size = at;
	return document;
}

static void
copy_way(const Document *document, char *room)
{
	memcpy(room, document->bytes, document->size);
	__asm__ volatile("" : : "r"(room) : "memory");
}

static void
fresh_copy_way(const Document *document, char *room)
{
	char *copy = malloc(document->size + sizeof(entry));

	(void) room;
	memcpy(copy, document->bytes, document->size);
	__asm__ volatile("" : : "r"(copy) : "memory");
	free(copy);
}

static void
validate_way(const Document *document, char *room)
{
	JsonText text;

	(void) room;
	json_text_init(&text, document->bytes, document->size, NULL, NULL);
	if (json_text_validate(&text, NULL, 0, NULL) != JSON_OK)
		abort();
}

static void
find_way(const Document *document, char *room)
{
	JsonSlice path = {"audio_files", 11};
	JsonFound found;
	JsonText text;

	(void) room;
	json_text_init(&text, document->bytes, document->size, NULL, NULL);
	json_path_find(&text, &path, 1, &found);
	if (found.kind != JSON_KIND_ARRAY)
		abort();
}

/* The same without what only newer processors have. */
static void
plain_find_way(const Document *document, char *room)
{
	JsonBlocksSkip chosen = json_blocks_skip;

	json_blocks_skip = json_blocks_skip_plain;
	find_way(document, room);
	json_blocks_skip = chosen;
}

static size_t
splice(const Document *document, JsonSplice *plan)
{
	JsonSlice path = {"audio_files", 11};
	JsonText text, entries;

	json_text_init(&text, document->bytes, document->size, NULL, NULL);
	json_text_init(&entries, entry, sizeof(entry) - 1, NULL, NULL);
	if (json_splice_plan(&text, &path, 1, &entries, JSON_CREATE_ARRAY, plan) != JSON_OK)
		abort();
	return plan->size;
}

static void
splice_way(const Document *document, char *room)
{
	JsonSplice plan;

	splice(document, &plan);
	json_splice_copy(&plan, room, NULL, NULL);
	__asm__ volatile("" : : "r"(room) : "memory");
}

static void
fresh_splice_way(const Document *document, char *room)
{
	JsonSplice plan;
	char *copy = malloc(splice(document, &plan));

	(void) room;
	json_splice_copy(&plan, copy, NULL, NULL);
	__asm__ volatile("" : : "r"(copy) : "memory");
	free(copy);
}

/* Every entry, and one member of each: what a check for doubles reads. */
static void
walk_way(const Document *document, char *room)
{
	JsonSlice path = {"audio_files", 11}, name = {"url", 3};
	JsonSpan element, value;
	JsonCursor cursor;
	JsonFound found;
	JsonText text;
	size_t seen = 0;

	(void) room;
	json_text_init(&text, document->bytes, document->size, NULL, NULL);
	json_path_find(&text, &path, 1, &found);
	json_walk_begin(&cursor, &text, found.value);
	while (json_element_next(&cursor, &element))
	{
		if (json_kind(&text, element) == JSON_KIND_OBJECT)
			seen += json_member_find(&text, element, name, &value);
	}
	__asm__ volatile("" : : "r"(seen));
}

static void
sink_take(void *arg, const char *bytes, size_t n)
{
	*(size_t *) arg += n;
	__asm__ volatile("" : : "r"(bytes) : "memory");
}

static void
render_way(const Document *document, char *room)
{
	size_t total = 0;
	JsonRender r;

	(void) room;
	json_render_init(&r, sink_take, &total);
	for (size_t at = 0; at < document->size; at += 8192)
		json_render_feed(&r, document->bytes + at,
						 document->size - at < 8192 ? document->size - at : 8192);
	json_render_finish(&r);
}

static void
document_time(const Document *document)
{
	static const Way ways[] = {copy_way,         splice_way,   fresh_copy_way,
							   fresh_splice_way, find_way,     plain_find_way,
							   walk_way,         validate_way, render_way};
	char *room = malloc(document->size + sizeof(entry));
	double speed[LENGTH(ways)];

	ways_time(ways, LENGTH(ways), document, room, speed);
	printf("%-18s %8zu %7.0f %7.0f %5.2f %7.0f %7.0f %5.2f %7.0f %7.0f %5.2f %7.0f %8.0f "
		   "%7.0f\n",
		   document->name, document->size, speed[0], speed[1], speed[1] / speed[0], speed[2],
		   speed[3], speed[3] / speed[2], speed[4], speed[5], speed[4] / speed[5], speed[6],
		   speed[7], speed[8]);
	free(room);
	free(document->bytes);
}

int
main(void)
{
	Document documents[] = {
		course_make("course, half text", 94 * 1024, 47 * 1024),
		course_make("course, half text", 1024 * 1024, 512 * 1024),
		course_make("course, entries", 94 * 1024, 0),
		course_make("course, entries", 1024 * 1024, 0),
		course_make("course, text", 1024 * 1024, 1024 * 1024),
		course_make("course, half text", 20 * 1024 * 1024, 10 * 1024 * 1024),
		numbers_make("numbers", 94 * 1024),
		numbers_make("numbers", 1024 * 1024),
	};

	printf("MB/s; x: of the copy, of plain; new: into memory that malloc gives\n");
	printf("%-18s %8s %7s %7s %5s %7s %7s %5s %7s %7s %5s %7s %8s %7s\n", "document", "bytes",
		   "copy", "splice", "x", "new", "splice", "x", "find", "plain", "x", "walk",
		   "validate", "render");
	for (size_t i = 0; i < LENGTH(documents); i++)
		document_time(&documents[i]);
	return 0;
}
