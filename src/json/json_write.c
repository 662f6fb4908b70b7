/*
 * json_write.c: JSON text written into a buffer of the server.
 *
 * A document that is carried as a string is mostly bytes that stand for themselves: they are
 * copied sixteen at a time, and only a block that holds a quote, a backslash or a control
 * character is walked byte by byte.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "json/json_bytes.h"
#include "json/json_write.h"

#define BLOCK 16
/* A block whose bytes all become \u00xx. */
#define BLOCK_ESCAPED (6 * BLOCK)
#define STRIDE        65536
/* Of a 64-bit integer in decimal: a sign, 19 digits and the byte that ends them. */
#define INTEGER_ROOM 21

static void write_piece(StringInfo out, const char *bytes, Size size);
static char *escape_bytes(char *to, const char *bytes, Size size);
static char *escape_byte(char *to, unsigned char byte);

/* Interrupts are served once a stride: a document carried as a string has up to a gigabyte. */
void
json_write_string(StringInfo out, const char *bytes, Size size)
{
	appendStringInfoCharMacro(out, '"');
	while (size > 0)
	{
		Size piece = Min(size, STRIDE);

		CHECK_FOR_INTERRUPTS();
		write_piece(out, bytes, piece);
		bytes += piece;
		size -= piece;
	}
	appendStringInfoCharMacro(out, '"');
}

void
json_write_integer(StringInfo out, int64 value)
{
	enlargeStringInfo(out, INTEGER_ROOM);
	out->len += pg_lltoa(value, out->data + out->len);
}

/*
 * Room is asked for ahead of each block, for the worst that a block can become, so that bytes
 * are written without a check.
 */
static void
write_piece(StringInfo out, const char *bytes, Size size)
{
	const char *end = bytes + size;
	char *to;
	char *room;

	/* Most often a seventh more is room enough; else the loop asks again. */
	enlargeStringInfo(out, (int) (size + size / 7 + BLOCK_ESCAPED));
	to = out->data + out->len;
	room = out->data + out->maxlen - BLOCK_ESCAPED;
	while (bytes < end)
	{
		Size block = Min((Size) (end - bytes), BLOCK);

		if (to >= room)
		{
			out->len = to - out->data;
			enlargeStringInfo(out, (int) (end - bytes) + 2 * BLOCK_ESCAPED);
			to = out->data + out->len;
			room = out->data + out->maxlen - BLOCK_ESCAPED;
		}
		if (block == BLOCK && json_string_faults(bytes) == 0)
		{
			memcpy(to, bytes, BLOCK);
			to += BLOCK;
		}
		else
			to = escape_bytes(to, bytes, block);
		bytes += block;
	}
	*to = '\0';
	out->len = to - out->data;
}

static char *
escape_bytes(char *to, const char *bytes, Size size)
{
	for (Size i = 0; i < size; i++)
	{
		unsigned char byte = (unsigned char) bytes[i];

		if (byte >= ' ' && byte != '"' && byte != '\\')
			*to++ = bytes[i];
		else
			to = escape_byte(to, byte);
	}
	return to;
}

/*
 * The server's to_json() writes the short escapes, and \u00xx for all other control
 * characters.
 */
static char *
escape_byte(char *to, unsigned char byte)
{
	static const char letters[] = {
		['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n',  ['\r'] = 'r',
		['\t'] = 't', ['"'] = '"',  ['\\'] = '\\',
	};
	static const char digits[] = "0123456789abcdef";

	*to++ = '\\';
	if (letters[byte] != '\0')
	{
		*to++ = letters[byte];
		return to;
	}
	memcpy(to, "u00", 3);
	to[3] = digits[byte >> 4];
	to[4] = digits[byte & 15];
	return to + 5;
}
