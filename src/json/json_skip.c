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

/* White space may be the whole of a text that somebody padded. */
size_t
json_space_skip_long(JsonText *text, size_t at)
{
	while (at < text->size)
	{
		size_t start = at;
		size_t limit = json_text_limit(text, at);

		while (at < limit && json_byte_is_space(text->bytes[at]))
			at++;
		json_text_spend(text, at - start);
		if (at < limit)
			break;
	}
	return at;
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
	bool closed = false;

	at++;
	while (at < text->size && !closed)
	{
		size_t start = at;
		size_t limit = json_text_limit(text, at);

		at = string_end(text->bytes, at, limit, &closed);
		json_text_spend(text, at - start);
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
	json_text_spend(text, text->size - at);
	place = json_blocks_skip(last, 1, &carry);
	return place > 0 ? at + place : json_break(text);
}

/*
 * at is the first byte of a value. What a word is (a number, a literal or neither) is not
 * asked here.
 */
size_t
json_value_skip(JsonText *text, size_t at)
{
	size_t start = at;

	if (at >= text->size)
		return json_break(text);
	switch (json_byte_class(text->bytes[at]))
	{
		case JSON_BYTE_QUOTE:
			return json_string_skip(text, at);
		case JSON_BYTE_OPEN:
			return json_container_skip(text, at);
		case JSON_BYTE_WORD:
			break;
		default:
			return json_break(text);
	}
	while (at < text->size && json_byte_class(text->bytes[at]) == JSON_BYTE_WORD)
	{
		at++;
		if ((at - start) % (JSON_STRIDE) == 0)
			json_text_spend(text, JSON_STRIDE);
	}
	json_text_spend(text, (at - start) % (JSON_STRIDE));
	return at;
}
