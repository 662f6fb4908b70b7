/*
 * json_splice.c: plans where entries go into a document, and writes the result in one copy.
 *
 * Invariants: what the document holds keeps every byte and its order; new bytes stand at one
 * place, behind the last element of the container they belong to; a document and entries that
 * are JSON give JSON; an object never gains a key that it has already.
 *
 * Keys are compared with hash tables of fixed size: nothing here may allocate, so that the
 * same code runs in a test without a server.
 */
#include <string.h>

#include "json/json_skip.h"

/* Keys of the entries that are looked up together; more are taken in turns. */
#define WINDOW_KEYS  512
#define WINDOW_SLOTS 1024
/* What is copied between two pulses. */
#define COPY_STRIDE ((size_t) 1 << 20)

/* Up to WINDOW_KEYS keys of the entries, in an open hash table that is at most half full. */
typedef struct KeyWindow
{
	size_t size;
	uint16_t slots[WINDOW_SLOTS]; /* place in keys + 1; 0 is free */
	uint64_t hashes[WINDOW_KEYS];
	JsonSlice keys[WINDOW_KEYS];
} KeyWindow;

static JsonStatus target_find(JsonText *document, size_t path_size, JsonCreate create,
							  JsonFound *found, JsonSplice *plan, JsonKind *target);
static JsonStatus keys_check(JsonText *document, const JsonFound *found, JsonText *entries,
							 JsonSpan object, JsonSplice *plan);
static void plan_measure(JsonSplice *plan);
static size_t key_size(JsonSlice key);
static char *key_write(JsonSlice key, char *out);

/* Decides everything before a byte is written: json_splice_copy() cannot fail. */
JsonStatus
json_splice_plan(JsonText *document, const JsonSlice *path, size_t path_size, JsonText *entries,
				 JsonCreate create, JsonSplice *plan)
{
	JsonFound found, given;
	JsonStatus status;
	JsonKind target;

	memset(plan, 0, sizeof(*plan));
	plan->document.bytes = document->bytes;
	plan->document.size = plan->size = document->size;
	json_path_find(document, path, path_size, &found);
	json_path_find(entries, NULL, 0, &given);
	if (document->broken || entries->broken)
		return JSON_BROKEN;
	plan->steps = found.steps;
	plan->keys = path_size > 0 ? path + found.steps : NULL;
	plan->keys_size = path_size - found.steps;
	status = target_find(document, path_size, create, &found, plan, &target);
	if (status != JSON_OK)
		return status;
	if (target == JSON_KIND_OBJECT && given.kind != JSON_KIND_OBJECT)
		return JSON_ENTRIES_NOT_OBJECT;
	if (target == JSON_KIND_OBJECT)
		status = keys_check(document, &found, entries, given.value, plan);
	if (status != JSON_OK)
		return status;
	if (given.kind == target)
	{
		if (given.empty)
			return JSON_OK;
		given.value.start = json_space_skip(entries, given.value.start + 1);
		given.value.end = given.insert;
	}
	plan->items = json_text_slice(entries, given.value);
	plan->offset = found.insert;
	plan->comma = !found.empty;
	plan_measure(plan);
	return JSON_OK;
}

/*
 * What the entries go into: the value that was found, or the container that is to be created
 * in the object that was found. Nothing is created in an array, where a missing index names no
 * place.
 */
static JsonStatus
target_find(JsonText *document, size_t path_size, JsonCreate create, JsonFound *found,
			JsonSplice *plan, JsonKind *target)
{
	JsonKind last = json_kind(document, found->value);

	*target = last;
	if (found->steps == path_size)
		return last == JSON_KIND_ARRAY || last == JSON_KIND_OBJECT ? JSON_OK
																   : JSON_NOT_CONTAINER;
	if (last == JSON_KIND_ARRAY)
		return JSON_NO_ELEMENT;
	if (last != JSON_KIND_OBJECT)
		return JSON_NOT_CONTAINER;
	if (create == JSON_CREATE_NOTHING)
		return JSON_ABSENT;
	*target = create == JSON_CREATE_ARRAY ? JSON_KIND_ARRAY : JSON_KIND_OBJECT;
	plan->created = *target;
	return JSON_OK;
}

/* Keys */

/* The slot that holds the key, or the free one where it belongs. */
static uint16_t *
window_slot(KeyWindow *window, JsonSlice key, uint64_t hash)
{
	size_t at = hash % WINDOW_SLOTS;

	while (window->slots[at] != 0)
	{
		size_t i = window->slots[at] - 1u;

		if (window->hashes[i] == hash && json_string_same(window->keys[i], key))
			break;
		at = (at + 1) % WINDOW_SLOTS;
	}
	return &window->slots[at];
}

/* Takes keys until the window is full; false when one comes twice. */
static bool
window_fill(KeyWindow *window, JsonCursor *cursor, JsonSplice *plan)
{
	JsonSpan key, value;

	window->size = 0;
	memset(window->slots, 0, sizeof(window->slots));
	while (window->size < WINDOW_KEYS && json_member_next(cursor, &key, &value))
	{
		JsonSlice raw = json_text_slice(cursor->text, key);
		uint64_t hash = json_string_hash(raw);
		uint16_t *slot = window_slot(window, raw, hash);

		if (*slot != 0)
		{
			plan->key = raw;
			return false;
		}
		window->keys[window->size] = raw;
		window->hashes[window->size] = hash;
		*slot = (uint16_t) ++window->size;
	}
	return true;
}

/* Does any member from the cursor on have a key of the window? */
static bool
window_meets(KeyWindow *window, JsonCursor cursor, JsonSplice *plan)
{
	JsonSpan key, value;

	while (json_member_next(&cursor, &key, &value))
	{
		JsonSlice raw = json_text_slice(cursor.text, key);
		uint16_t slot = *window_slot(window, raw, json_string_hash(raw));

		if (slot == 0)
			continue;
		plan->key = window->keys[slot - 1];
		return true;
	}
	return false;
}

/*
 * Whether every key of the entries is new, to the object and to the entries. More than
 * WINDOW_KEYS keys are taken in windows, each held against the rest of the entries and against
 * the whole object: the time is that of keys times windows, the memory is constant.
 */
static JsonStatus
keys_check(JsonText *document, const JsonFound *found, JsonText *entries, JsonSpan object,
		   JsonSplice *plan)
{
	JsonCursor given, present;
	KeyWindow window;

	json_walk_begin(&given, entries, object);
	json_walk_begin(&present, document, found->value);
	/* an object that is yet to be created has no keys */
	present.done = plan->created != JSON_KIND_MISSING;
	do
	{
		if (!window_fill(&window, &given, plan) || window_meets(&window, given, plan))
			return JSON_KEY_REPEATED;
		if (window.size > 0 && window_meets(&window, present, plan))
			return JSON_KEY_EXISTS;
	} while (window.size == WINDOW_KEYS);
	return document->broken || entries->broken ? JSON_BROKEN : JSON_OK;
}

/* Writing */

/* A key that is created costs its colon and the two brackets of the container behind it. */
static void
plan_measure(JsonSplice *plan)
{
	plan->size = plan->document.size + plan->items.size + plan->comma;
	for (size_t i = 0; i < plan->keys_size; i++)
		plan->size += key_size(plan->keys[i]) + 3;
}

/* A pulse behind each stride: a document has up to a gigabyte. */
static char *
slice_copy(char *out, const char *bytes, size_t size, JsonPulse pulse, void *arg)
{
	while (size > 0)
	{
		size_t n = size < COPY_STRIDE ? size : COPY_STRIDE;

		memcpy(out, bytes, n);
		out += n;
		bytes += n;
		size -= n;
		if (pulse)
			pulse(arg);
	}
	return out;
}

/* One container a key: objects, and the innermost as it was to be created. */
void
json_splice_copy(const JsonSplice *plan, char *out, JsonPulse pulse, void *arg)
{
	const JsonSlice *document = &plan->document;
	size_t keys = plan->items.size > 0 ? plan->keys_size : 0;
	bool array = plan->created == JSON_KIND_ARRAY;

	out = slice_copy(out, document->bytes, plan->offset, pulse, arg);
	if (plan->comma)
		*out++ = ',';
	for (size_t i = 0; i < keys; i++)
	{
		out = key_write(plan->keys[i], out);
		*out++ = ':';
		*out++ = array && i + 1 == keys ? '[' : '{';
	}
	out = slice_copy(out, plan->items.bytes, plan->items.size, pulse, arg);
	for (size_t i = keys; i > 0; i--)
		*out++ = array && i == keys ? ']' : '}';
	slice_copy(out, document->bytes + plan->offset, document->size - plan->offset, pulse, arg);
}

/* The letter of a byte's short escape, or 0 for a byte that has none. */
static char
escape_letter(char c)
{
	static const char letters[32] = {
		['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};

	if (c == '"' || c == '\\')
		return c;
	return (unsigned char) c < 0x20 ? letters[(unsigned char) c] : 0;
}

/* Must count exactly what key_write() writes: the result is allocated by it. */
static size_t
key_size(JsonSlice key)
{
	size_t size = key.size + 2;

	for (size_t i = 0; i < key.size; i++)
	{
		if (escape_letter(key.bytes[i]))
			size++;
		else if ((unsigned char) key.bytes[i] < 0x20)
			size += 5;
	}
	return size;
}

/* A key of a path is plain text: what JSON must escape is escaped, and nothing else. */
static char *
key_write(JsonSlice key, char *out)
{
	static const char digits[] = "0123456789abcdef";

	*out++ = '"';
	for (size_t i = 0; i < key.size; i++)
	{
		unsigned char c = (unsigned char) key.bytes[i];
		char letter = escape_letter(key.bytes[i]);

		if (letter)
		{
			*out++ = '\\';
			*out++ = letter;
		}
		else if (c < 0x20)
		{
			memcpy(out, "\\u00", 4);
			out[4] = digits[c >> 4];
			out[5] = digits[c & 15];
			out += 6;
		}
		else
			*out++ = (char) c;
	}
	*out++ = '"';
	return out;
}
