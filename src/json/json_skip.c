/*
 * json_skip.c: skips white space, strings and values; containers by json_blocks.c.
 *
 * Invariants: no place is ever behind text->size; fuel is spent for every byte, a stride
 * (JSON_STRIDE) at a time, so that a pulse is never more than JSON_PULSE bytes away.
 */
#include "json/json_blocks.h"
#include "json/json_skip.h"

void
json_text_refuel(JsonText *text)
{
	text->fuel = JSON_STRIDE;
	if (text->pulse)
		text->pulse(text->arg);
}

size_t
json_break(JsonText *text)
{
	text->broken = true;
	return text->size;
}

/* White space may be the whole of a text that somebody padded, and a number may be as long. */
static size_t
class_skip(JsonText *text, size_t at, JsonByteClass class)
{
	while (at < text->size)
	{
		size_t start = at;
		size_t limit = json_text_limit(text, at);

		while (at < limit && json_byte_class(text->bytes[at]) == class)
			at++;
		json_text_spend(text, at - start);
		if (at < limit)
			break;
	}
	return at;
}

size_t
json_space_skip_long(JsonText *text, size_t at)
{
	return class_skip(text, at, JSON_BYTE_SPACE);
}

/*
 * at is behind the opening quote, or behind any byte of the string that is not half an escape.
 * A stride may end within an escape: then the place is one behind the limit, and the next
 * stride begins there.
 */
static size_t
string_end(const char *bytes, size_t at, size_t limit, bool *closed)
{
	while (at < limit)
	{
		if (limit - at >= 16)
		{
			unsigned stops = json_string_stops(bytes + at);

			if (stops == 0)
			{
				at += 16;
				continue;
			}
			at += (size_t) __builtin_ctz(stops);
		}
		if (bytes[at] == '"')
		{
			*closed = true;
			return at + 1;
		}
		at += bytes[at] == '\\' ? 2 : 1;
	}
	return at;
}

size_t
json_string_skip_long(JsonText *text, size_t at)
{
	size_t paid = at++;
	bool closed = false;

	while (at < text->size && !closed)
	{
		at = string_end(text->bytes, at, json_text_limit(text, at), &closed);
		json_text_spend(text, at - paid);
		paid = at;
	}
	return closed ? at : json_break(text);
}

/*
 * at is the opening bracket. The last block of the text is copied and filled up with spaces,
 * so that a whole block can be looked at and no byte behind the text is read.
 */
size_t
json_container_skip(JsonText *text, size_t at)
{
	JsonBlockCarry carry = {0, 0, 0};
	char last[JSON_BLOCK];
	size_t place;

	while (text->size - at >= JSON_BLOCK)
	{
		size_t blocks = (json_text_limit(text, at) - at) / JSON_BLOCK;

		place = json_blocks_skip(text->bytes + at, blocks, &carry);
		if (place > 0)
		{
			json_text_spend(text, place);
			return at + place;
		}
		at += blocks * JSON_BLOCK;
		json_text_spend(text, blocks * JSON_BLOCK);
	}
	memset(last, ' ', JSON_BLOCK);
	memcpy(last, text->bytes + at, text->size - at);
	place = json_blocks_skip(last, 1, &carry);
	if (place == 0)
		return json_break(text);
	json_text_spend(text, place);
	return at + place;
}

/*
 * at is the first byte of a value. What a word is (a number, a literal or neither) is not
 * asked here.
 */
size_t
json_value_skip(JsonText *text, size_t at)
{
	if (at >= text->size)
		return json_break(text);
	switch (json_byte_class(text->bytes[at]))
	{
		case JSON_BYTE_QUOTE:
			return json_string_skip(text, at);
		case JSON_BYTE_OPEN:
			return json_container_skip(text, at);
		case JSON_BYTE_WORD:
			return class_skip(text, at, JSON_BYTE_WORD);
		default:
			return json_break(text);
	}
}
