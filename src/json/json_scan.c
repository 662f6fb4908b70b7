/*
 * json_scan.c: finds and walks values in a text; see json.h.
 *
 * Every walk goes forward once, and jumps over what is not asked for: a container is skipped
 * by json_blocks.c without a look at what it holds. A text that is no JSON ends the walk and
 * leaves `broken` set; no answer after that means anything.
 *
 * Places are never behind text->size. `text->bytes[value.end - 1]` of a container is its
 * closing bracket.
 */
#include "json/json_skip.h"

static JsonSpan text_trimmed(JsonText *text);
static void found_set(JsonText *text, JsonSpan value, JsonFound *found);
static bool step_into(JsonText *text, const JsonFound *found, JsonSlice step, JsonSpan *value);

void
json_text_init(JsonText *text, const char *bytes, size_t size, JsonPulse pulse, void *arg)
{
	text->bytes = bytes;
	text->size = size;
	text->pulse = pulse;
	text->arg = arg;
	text->fuel = JSON_STRIDE;
	text->broken = false;
}

/* Paths */

/*
 * The value that was found last stays in *found when a step leads nowhere: it is where
 * something may be created.
 */
void
json_path_find(JsonText *text, const JsonSlice *path, size_t path_size, JsonFound *found)
{
	JsonSpan value = text_trimmed(text);

	found->steps = 0;
	found_set(text, value, found);
	while (found->steps < path_size && !text->broken)
	{
		if (!step_into(text, found, path[found->steps], &value))
		{
			found->kind = JSON_KIND_MISSING;
			return;
		}
		found->steps++;
		found_set(text, value, found);
	}
}

/*
 * The root without reading it: nothing but white space stands around the root. A root that
 * begins as a container and does not end in a closing bracket is no JSON.
 */
static JsonSpan
text_trimmed(JsonText *text)
{
	JsonSpan root = {json_space_skip(text, 0), text->size};
	JsonKind kind;

	while (root.end > root.start && json_byte_is_space(text->bytes[root.end - 1]))
	{
		root.end--;
		if (root.end % (JSON_STRIDE) == 0)
			json_text_spend(text, JSON_STRIDE);
	}
	kind = json_kind(text, root);
	if (kind == JSON_KIND_MISSING ||
		((kind == JSON_KIND_OBJECT || kind == JSON_KIND_ARRAY) &&
		 json_byte_class(text->bytes[root.end - 1]) != JSON_BYTE_CLOSE))
		json_break(text);
	return root;
}

/*
 * What is known of a value from its span. Nothing of a container is read for this: its end is
 * known, and JSON has no comma before it, so that the last byte that is no white space ends
 * the last element.
 */
static void
found_set(JsonText *text, JsonSpan value, JsonFound *found)
{
	size_t last;

	found->kind = json_kind(text, value);
	found->value = value;
	found->empty = false;
	found->insert = value.end;
	if (found->kind != JSON_KIND_OBJECT && found->kind != JSON_KIND_ARRAY)
		return;
	for (last = value.end - 1; last > value.start + 1; last--)
	{
		if (!json_byte_is_space(text->bytes[last - 1]))
			break;
		if (last % (JSON_STRIDE) == 0)
			json_text_spend(text, JSON_STRIDE);
	}
	found->insert = last;
	found->empty = last == value.start + 1;
}

/* False for what is no index: other bytes than digits, or more than any array has. */
static bool
index_read(JsonSlice step, size_t *index)
{
	size_t value = 0;

	if (step.size == 0)
		return false;
	for (size_t i = 0; i < step.size; i++)
	{
		unsigned digit = (unsigned char) step.bytes[i] - (unsigned) '0';

		if (digit > 9 || value > (SIZE_MAX - 9) / 10)
			return false;
		value = value * 10 + digit;
	}
	*index = value;
	return true;
}

/* Elements have no index in the text: those before it are skipped one by one. */
static bool
element_find(JsonText *text, JsonSpan array, size_t index, JsonSpan *value)
{
	JsonCursor cursor;

	json_walk_begin(&cursor, text, array);
	while (json_element_next(&cursor, value))
	{
		if (index-- == 0)
			return true;
	}
	return false;
}

/*
 * A step into an object is a key, even one of digits alone; into an array, an index; into a
 * scalar, nothing.
 */
static bool
step_into(JsonText *text, const JsonFound *found, JsonSlice step, JsonSpan *value)
{
	size_t index;

	if (found->kind == JSON_KIND_OBJECT)
		return json_member_find(text, found->value, step, value);
	return found->kind == JSON_KIND_ARRAY && index_read(step, &index) &&
		   element_find(text, found->value, index, value);
}

/*
 * Walks to the end even after a member was found: of two members of one name the last one
 * counts.
 */
bool
json_member_find(JsonText *text, JsonSpan object, JsonSlice name, JsonSpan *value)
{
	JsonSpan key, candidate;
	JsonCursor cursor;
	bool found = false;

	value->start = value->end = object.start;
	json_walk_begin(&cursor, text, object);
	while (json_member_next(&cursor, &key, &candidate))
	{
		if (!json_string_equals(json_text_slice(text, key), name))
			continue;
		*value = candidate;
		found = true;
	}
	return found;
}

/* Walks */

/* A span of fewer than two bytes is no container and has no elements. */
void
json_walk_begin(JsonCursor *cursor, JsonText *text, JsonSpan container)
{
	cursor->text = text;
	cursor->next = container.start + 1;
	cursor->first = true;
	cursor->done = container.end - container.start < 2;
}

static bool
walk_break(JsonCursor *cursor)
{
	cursor->next = json_break(cursor->text);
	return false;
}

/*
 * Goes to the first byte of the next element or key; false at the closing bracket. A comma is
 * asked for between elements, and not looked for before the first.
 */
static bool
walk_step(JsonCursor *cursor)
{
	JsonText *text = cursor->text;
	JsonByteClass class;

	if (cursor->done || text->broken)
		return false;
	cursor->next = json_space_skip(text, cursor->next);
	class =
		cursor->next < text->size ? json_byte_class(text->bytes[cursor->next]) : JSON_BYTE_WORD;
	if (class == JSON_BYTE_CLOSE)
	{
		cursor->done = true;
		return false;
	}
	if (!cursor->first)
	{
		if (class != JSON_BYTE_COMMA)
			return walk_break(cursor);
		cursor->next = json_space_skip(text, cursor->next + 1);
	}
	cursor->first = false;
	return true;
}

bool
json_element_next(JsonCursor *cursor, JsonSpan *element)
{
	if (!walk_step(cursor))
		return false;
	element->start = cursor->next;
	element->end = cursor->next = json_value_skip(cursor->text, cursor->next);
	return !cursor->text->broken;
}

bool
json_member_next(JsonCursor *cursor, JsonSpan *key, JsonSpan *value)
{
	JsonText *text = cursor->text;
	size_t at;

	if (!walk_step(cursor))
		return false;
	at = cursor->next;
	if (at >= text->size || text->bytes[at] != '"')
		return walk_break(cursor);
	key->start = at;
	key->end = json_string_skip(text, at);
	at = json_space_skip(text, key->end);
	if (at >= text->size || text->bytes[at] != ':')
		return walk_break(cursor);
	value->start = json_space_skip(text, at + 1);
	value->end = cursor->next = json_value_skip(text, value->start);
	return !text->broken;
}

/* Values */

/*
 * Reads the whole root, unlike json_path_find(): whoever walks it wants to know that it is
 * whole.
 */
JsonSpan
json_root(JsonText *text)
{
	JsonSpan root;

	root.start = json_space_skip(text, 0);
	root.end = json_value_skip(text, root.start);
	return root;
}

JsonKind
json_kind(const JsonText *text, JsonSpan value)
{
	if (value.start >= value.end)
		return JSON_KIND_MISSING;
	switch (text->bytes[value.start])
	{
		case '{':
			return JSON_KIND_OBJECT;
		case '[':
			return JSON_KIND_ARRAY;
		case '"':
			return JSON_KIND_STRING;
		case 't':
		case 'f':
			return JSON_KIND_BOOLEAN;
		case 'n':
			return JSON_KIND_NULL;
		default:
			return JSON_KIND_NUMBER;
	}
}
