/*
 * json_skip.h: the steps of the scanner below the level of values, for the cores only.
 *
 * Each takes a place in the text and gives back the first place behind what it skipped,
 * text->size at most. What is broken off sets text->broken and ends at text->size. Each spends
 * fuel for the bytes it skipped, once, JSON_STRIDE at a time: a pulse is never more than
 * JSON_PULSE bytes away, and never less than JSON_STRIDE from the one before.
 */
#ifndef COURSEBASE_JSON_JSON_SKIP_H
#define COURSEBASE_JSON_JSON_SKIP_H

#include "json/json.h"
#include "json/json_bytes.h"

#define JSON_STRIDE (JSON_PULSE / 2)

extern void json_text_refuel(JsonText *text);
extern size_t json_break(JsonText *text);

extern size_t json_space_skip_long(JsonText *text, size_t at);
extern size_t json_string_skip_long(JsonText *text, size_t at);
extern size_t json_container_skip(JsonText *text, size_t at);
extern size_t json_value_skip(JsonText *text, size_t at);

static inline void
json_text_spend(JsonText *text, size_t bytes)
{
	if (bytes < text->fuel)
		text->fuel -= bytes;
	else
		json_text_refuel(text);
}

/* The end of the next stride. */
static inline size_t
json_text_limit(const JsonText *text, size_t at)
{
	return text->size - at < JSON_STRIDE ? text->size : at + JSON_STRIDE;
}

/* White space is rare or one byte in most texts. */
static inline size_t
json_space_skip(JsonText *text, size_t at)
{
	if (at < text->size && !json_byte_is_space(text->bytes[at]))
		return at;
	return json_space_skip_long(text, at);
}

/* Most strings are keys and other short ones: one look at 16 bytes ends them. at is the quote.
 */
static inline size_t
json_string_skip(JsonText *text, size_t at)
{
	unsigned stops;
	size_t length;

	if (text->size - at < 17)
		return json_string_skip_long(text, at);
	stops = json_string_stops(text->bytes + at + 1);
	if (stops == 0)
		return json_string_skip_long(text, at);
	length = (size_t) __builtin_ctz(stops);
	if (text->bytes[at + 1 + length] != '"')
		return json_string_skip_long(text, at);
	json_text_spend(text, length + 2);
	return at + length + 2;
}

#endif
