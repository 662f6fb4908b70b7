/*
 * json_string.c: strings and numbers of a text as values: compared, hashed, unescaped.
 *
 * A raw string stands in its quotes. Without a backslash it is its own value, which is the
 * fast way of every function here; with a backslash it is read byte by byte of its UTF-8. Half
 * a surrogate pair reads as the three bytes that UTF-8 would have for it, which equal nothing
 * but another such half; what cannot be read at all ends the string.
 *
 * Invariant: the reader never passes the closing quote, whatever stands in the string.
 */
#include <string.h>

#include "json/json.h"

/* Reads the value of a raw string, byte by byte. */
typedef struct StringReader
{
	const char *at;
	const char *end; /* the closing quote */
	char pending[4]; /* of an escape, what was not given out yet */
	unsigned pending_at;
	unsigned pending_size;
	JsonStatus status;
} StringReader;

static int reader_next(StringReader *reader);

/* The string without its quotes; empty for what cannot be a string. */
static inline JsonSlice
string_body(JsonSlice raw)
{
	JsonSlice body = {raw.bytes, 0};

	if (raw.size >= 2)
	{
		body.bytes++;
		body.size = raw.size - 2;
	}
	return body;
}

static inline bool
has_escape(JsonSlice body)
{
	return body.size > 0 && memchr(body.bytes, '\\', body.size) != NULL;
}

static inline bool
bytes_equal(JsonSlice a, JsonSlice b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.bytes, b.bytes, a.size) == 0);
}

/* The body lives in the text and must outlive the reader. */
static void
reader_begin(StringReader *reader, JsonSlice body)
{
	reader->at = body.bytes;
	reader->end = body.bytes + body.size;
	reader->pending_at = reader->pending_size = 0;
	reader->status = JSON_OK;
}

/*
 * A value is never longer than what it is written as, and shorter only by escapes: most
 * strings are told apart by their size or first byte.
 */
bool
json_string_equals(JsonSlice raw, JsonSlice plain)
{
	JsonSlice body = string_body(raw);
	StringReader reader;
	size_t i;

	if (body.size < plain.size)
		return false;
	if (body.size > 0 && body.bytes[0] != '\\' &&
		(plain.size == 0 || body.bytes[0] != plain.bytes[0]))
		return false;
	if (!has_escape(body))
		return bytes_equal(body, plain);
	reader_begin(&reader, body);
	for (i = 0; i < plain.size; i++)
	{
		if (reader_next(&reader) != (unsigned char) plain.bytes[i])
			return false;
	}
	return reader_next(&reader) < 0;
}

bool
json_string_is(JsonSlice raw, const char *plain)
{
	JsonSlice slice = {plain, strlen(plain)};

	return json_string_equals(raw, slice);
}

/* Two spellings of one value are the same key for the server, so they must be for us. */
bool
json_string_same(JsonSlice raw, JsonSlice other_raw)
{
	JsonSlice body = string_body(raw);
	JsonSlice other = string_body(other_raw);
	StringReader reader, other_reader;
	int c;

	if (bytes_equal(body, other))
		return true;
	if (!has_escape(body) && !has_escape(other))
		return false;
	reader_begin(&reader, body);
	reader_begin(&other_reader, other);
	do
	{
		c = reader_next(&reader);
		if (c != reader_next(&other_reader))
			return false;
	} while (c >= 0);
	return true;
}

/*
 * FNV-1a: keys are short. Equal values have equal hashes, however they are written. The high
 * half is folded in, for tables take the low bits.
 */
uint64_t
json_string_hash(JsonSlice raw)
{
	JsonSlice body = string_body(raw);
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	StringReader reader;
	int c;

	if (!has_escape(body))
	{
		for (size_t i = 0; i < body.size; i++)
			hash = (hash ^ (unsigned char) body.bytes[i]) * UINT64_C(0x100000001b3);
	}
	else
	{
		reader_begin(&reader, body);
		while ((c = reader_next(&reader)) >= 0)
			hash = (hash ^ (unsigned) c) * UINT64_C(0x100000001b3);
	}
	return hash ^ hash >> 32;
}

/*
 * Copies runs between the escapes; the room is asked for before each. \u0000 and half a
 * surrogate pair are refused: text of the server can hold neither.
 */
JsonStatus
json_string_unescape(JsonSlice raw, char *out, size_t room, size_t *size)
{
	JsonSlice body = string_body(raw);
	StringReader reader;
	size_t used = 0;
	int c;

	*size = 0;
	if (raw.size < 2)
		return JSON_BROKEN;
	reader_begin(&reader, body);
	while (reader.at < reader.end)
	{
		size_t left = (size_t) (reader.end - reader.at);
		const char *slash = memchr(reader.at, '\\', left);
		size_t run = slash ? (size_t) (slash - reader.at) : left;

		if (run > room - used)
			return JSON_NO_ROOM;
		if (run > 0)
			memcpy(out + used, reader.at, run);
		used += run;
		reader.at += run;
		do
		{
			if (reader.at == reader.end && reader.pending_at == reader.pending_size)
				break;
			c = reader_next(&reader);
			if (c == 0 && reader.status == JSON_OK)
				reader.status = JSON_ZERO_CHARACTER;
			if (reader.status != JSON_OK)
				return reader.status;
			if (used == room)
				return JSON_NO_ROOM;
			out[used++] = (char) c;
		} while (reader.pending_at < reader.pending_size);
	}
	*size = used;
	return JSON_OK;
}

/* The value of the four digits of an escape, or -1. */
static int32_t
hex_read(const char *digits)
{
	int32_t value = 0;

	for (int i = 0; i < 4; i++)
	{
		char c = digits[i];

		if (c >= '0' && c <= '9')
			value = value * 16 + (c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value * 16 + (c - 'a' + 10);
		else if (c >= 'A' && c <= 'F')
			value = value * 16 + (c - 'A' + 10);
		else
			return -1;
	}
	return value;
}

/*
 * Reads \uXXXX at the reader, with its second half when it is a pair; -1 when it is none. A
 * half that stands alone is noted in the status, for unescaping refuses it, and read on, for
 * json_in accepts it.
 */
static int32_t
code_point_read(StringReader *reader)
{
	int32_t high, low;

	if (reader->end - reader->at < 6 || (high = hex_read(reader->at + 2)) < 0)
		return -1;
	reader->at += 6;
	if (high < 0xD800 || high > 0xDFFF)
		return high;
	if (high <= 0xDBFF && reader->end - reader->at >= 6 && reader->at[0] == '\\' &&
		reader->at[1] == 'u')
	{
		low = hex_read(reader->at + 2);
		if (low >= 0xDC00 && low <= 0xDFFF)
		{
			reader->at += 6;
			return 0x10000 + ((high & 0x3FF) << 10 | (low & 0x3FF));
		}
	}
	reader->status = JSON_LONE_SURROGATE;
	return high;
}

/* The bytes of UTF-8, without asking whether the code is half a surrogate pair. */
static unsigned
utf8_write(int32_t code, char *out)
{
	if (code < 0x80)
	{
		out[0] = (char) code;
		return 1;
	}
	if (code < 0x800)
	{
		out[0] = (char) (0xC0 | code >> 6);
		out[1] = (char) (0x80 | (code & 0x3F));
		return 2;
	}
	if (code < 0x10000)
	{
		out[0] = (char) (0xE0 | code >> 12);
		out[1] = (char) (0x80 | (code >> 6 & 0x3F));
		out[2] = (char) (0x80 | (code & 0x3F));
		return 3;
	}
	out[0] = (char) (0xF0 | code >> 18);
	out[1] = (char) (0x80 | (code >> 12 & 0x3F));
	out[2] = (char) (0x80 | (code >> 6 & 0x3F));
	out[3] = (char) (0x80 | (code & 0x3F));
	return 4;
}

/* Takes the escape at the reader and leaves its bytes pending; false when it is none. */
static bool
escape_read(StringReader *reader)
{
	static const char names[] = "\"\\/bfnrt";
	static const char values[] = "\"\\/\b\f\n\r\t";
	const char *name;

	reader->pending_at = 0;
	if (reader->end - reader->at < 2)
		return false;
	if (reader->at[1] == 'u')
	{
		int32_t code = code_point_read(reader);

		if (code < 0)
			return false;
		reader->pending_size = utf8_write(code, reader->pending);
		return true;
	}
	name = memchr(names, reader->at[1], sizeof(names) - 1);
	if (!name)
		return false;
	reader->pending[0] = values[name - names];
	reader->pending_size = 1;
	reader->at += 2;
	return true;
}

/*
 * The next byte of the value, -1 behind the last. An escape is read whole and given out byte
 * by byte: what it is compared with may be written without one.
 */
static int
reader_next(StringReader *reader)
{
	if (reader->pending_at == reader->pending_size)
	{
		if (reader->at == reader->end)
			return -1;
		if (*reader->at != '\\')
			return (unsigned char) *reader->at++;
		if (!escape_read(reader))
		{
			reader->at = reader->end;
			reader->pending_size = 0;
			reader->status = JSON_BROKEN;
			return -1;
		}
	}
	return (unsigned char) reader->pending[reader->pending_at++];
}

/*
 * Whether a number that is JSON is above 0. Exact at any length: a number is positive when it
 * has no sign and one digit in front of its exponent that is not 0.
 */
bool
json_number_is_positive(JsonSlice raw)
{
	for (size_t i = 0; i < raw.size; i++)
	{
		char c = raw.bytes[i];

		if (c >= '1' && c <= '9')
			return true;
		if (c != '0' && c != '.')
			return false;
	}
	return false;
}
