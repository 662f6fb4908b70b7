/*
 * json.h: JSON text read in place: checked, searched, walked, and grown by one copy.
 *
 * Nothing here allocates, recurses or raises. Everything but json_text_validate and
 * json_claim_read expects text that json_in or json_text_validate accepted; other text sets
 * `broken`, and no byte outside of it is read. Where a key is there twice the last one counts,
 * as in the server's ->. Strings are compared by their unescaped value, byte by byte as UTF-8.
 *
 * A span is a place in a text; a slice is bytes in memory. A string's span includes its quotes.
 */
#ifndef COURSEBASE_JSON_JSON_H
#define COURSEBASE_JSON_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum JsonStatus
{
	JSON_OK,
	/* no JSON, and where: json_text_validate */
	JSON_TRUNCATED,   /* it ends where more is needed */
	JSON_UNEXPECTED,  /* a byte that cannot stand here */
	JSON_BAD_LITERAL, /* neither true nor false nor null */
	JSON_BAD_NUMBER,  /* 01, 1., .5, 1e, 12ab */
	JSON_BAD_CONTROL, /* a control character in a string */
	JSON_BAD_ESCAPE,  /* a backslash with something unknown behind it */
	JSON_TRAILING,    /* something follows the value */
	JSON_TOO_DEEP,    /* more levels than the caller has bits for */
	/* no text of the server's: json_string_unescape, json_claim_read */
	JSON_ZERO_CHARACTER, /* \u0000 */
	JSON_LONE_SURROGATE,
	JSON_NO_ROOM,
	/* no such thing: json_claim_read, json_splice_plan */
	JSON_ABSENT,
	JSON_NOT_STRING,
	JSON_NOT_CONTAINER,      /* the path leads to or through a scalar */
	JSON_NO_ELEMENT,         /* the path leads through an array to an element it lacks */
	JSON_ENTRIES_NOT_OBJECT, /* what is to be merged into an object is none */
	JSON_KEY_EXISTS,         /* a key of the entries is in the document already */
	JSON_KEY_REPEATED,       /* a key is twice in the entries */
	JSON_BROKEN,             /* a text is no JSON after all */
} JsonStatus;

typedef enum JsonKind
{
	JSON_KIND_MISSING,
	JSON_KIND_OBJECT,
	JSON_KIND_ARRAY,
	JSON_KIND_STRING,
	JSON_KIND_NUMBER,
	JSON_KIND_BOOLEAN,
	JSON_KIND_NULL,
} JsonKind;

/* Called once or twice every JSON_PULSE bytes of work; may leave by longjmp. */
typedef void (*JsonPulse)(void *arg);
#define JSON_PULSE 65536

typedef struct JsonText
{
	const char *bytes;
	size_t size;
	JsonPulse pulse; /* null: none */
	void *arg;
	size_t fuel; /* bytes until the next pulse */
	bool broken;
} JsonText;

typedef struct JsonSpan
{
	size_t start;
	size_t end; /* behind the last byte */
} JsonSpan;

typedef struct JsonSlice
{
	const char *bytes;
	size_t size;
} JsonSlice;

extern void json_text_init(JsonText *text, const char *bytes, size_t size, JsonPulse pulse,
						   void *arg);
extern const char *json_status_text(JsonStatus status);

static inline JsonSlice
json_text_slice(const JsonText *text, JsonSpan span)
{
	JsonSlice slice = {text->bytes + span.start, span.end - span.start};

	return slice;
}

/*
 * Validation: RFC 8259 as json_in reads it; whether the bytes are UTF-8 is not asked. `nest`
 * holds one bit a level; null and 0 give JSON_NEST_LEVELS levels. *where is the byte the status
 * is about.
 */
#define JSON_NEST_LEVELS 8192
extern JsonStatus json_text_validate(JsonText *text, unsigned char *nest, size_t nest_bytes,
									 size_t *where);

/* The value at the root, and what a value is by its first byte. */
extern JsonSpan json_root(JsonText *text);
extern JsonKind json_kind(const JsonText *text, JsonSpan value);

/*
 * Walks: begin on the span of an array or an object, then next until false. One pass, no
 * memory; a cursor may be copied to come back to a place.
 */
typedef struct JsonCursor
{
	JsonText *text;
	size_t next; /* the first byte that was not read */
	bool first;
	bool done;
} JsonCursor;

extern void json_walk_begin(JsonCursor *cursor, JsonText *text, JsonSpan container);
extern bool json_element_next(JsonCursor *cursor, JsonSpan *element);
extern bool json_member_next(JsonCursor *cursor, JsonSpan *key, JsonSpan *value);

/* The value of an object's last member of that name; false and an empty span when there is
 * none. */
extern bool json_member_find(JsonText *text, JsonSpan object, JsonSlice name, JsonSpan *value);

/* Paths: object keys, and indexes of array elements from 0 in digits. */
typedef struct JsonFound
{
	JsonKind kind;  /* of the value at the path */
	size_t steps;   /* path elements that were found */
	JsonSpan value; /* the value, or the last one that was found on the way */
	bool empty;     /* value is a container without elements */
	size_t insert;  /* value is a container: behind its last element, or its opening bracket */
} JsonFound;

extern void json_path_find(JsonText *text, const JsonSlice *path, size_t path_size,
						   JsonFound *found);

/* Strings, raw ones with their quotes and escapes, plain ones without. */
extern bool json_string_equals(JsonSlice raw, JsonSlice plain);
extern bool json_string_is(JsonSlice raw, const char *plain);
extern bool json_string_same(JsonSlice raw, JsonSlice other_raw);
extern uint64_t json_string_hash(JsonSlice raw);

/* Writes UTF-8, at most room bytes and no terminator; raw.size - 2 bytes of room always
 * suffice. */
extern JsonStatus json_string_unescape(JsonSlice raw, char *out, size_t room, size_t *size);

extern bool json_number_is_positive(JsonSlice raw);

/*
 * Growth: entries are appended to the array at the path (an array's elements, anything else as
 * one element) or merged into the object there (members at the end). Only bytes at one place
 * are new.
 *
 * json_splice_plan decides and measures, json_splice_copy writes plan->size bytes. The plan
 * points into document, path and entries. Empty entries change nothing: plan->size is the
 * document's. The copy is quick: it pulses once a megabyte.
 */
typedef enum JsonCreate
{
	JSON_CREATE_ARRAY,   /* what is missing becomes an array of the entries */
	JSON_CREATE_OBJECT,  /* ... an object of the entries */
	JSON_CREATE_NOTHING, /* ... stays missing: JSON_ABSENT */
} JsonCreate;

typedef struct JsonSplice
{
	size_t size;   /* of the result */
	size_t offset; /* bytes of the document in front of what is new */
	JsonSlice document;
	JsonSlice items;       /* bytes of the entries that go in */
	bool comma;            /* something stands in front of them in the container */
	JsonKind created;      /* the container that is created, or JSON_KIND_MISSING */
	const JsonSlice *keys; /* keys to write, one level each, when one is created */
	size_t keys_size;
	size_t steps;  /* path elements that were found */
	JsonSlice key; /* JSON_KEY_EXISTS, JSON_KEY_REPEATED: which, raw, in the entries */
} JsonSplice;

extern JsonStatus json_splice_plan(JsonText *document, const JsonSlice *path, size_t path_size,
								   JsonText *entries, JsonCreate create, JsonSplice *plan);
extern void json_splice_copy(const JsonSplice *plan, char *out, JsonPulse pulse, void *arg);

/*
 * The text of one top-level member, for places that can neither allocate nor raise: the whole
 * of bytes must be a JSON object of at most JSON_CLAIM_LEVELS levels. JSON_OK and *size, else
 * why not.
 */
#define JSON_CLAIM_LEVELS 64
extern JsonStatus json_claim_read(const char *bytes, size_t size, const char *name, char *out,
								  size_t room, size_t *out_size);

#endif
