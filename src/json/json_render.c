/*
 * json_render.c: the crlf4 renderer; see json_render.h for the form.
 *
 * Invariants: between two tokens `out` has JSON_RENDER_SLACK bytes of room behind it, so that
 * a token is written without asking. r->used is right only outside json_render_feed(); inside,
 * `out` says how much is in the buffer. The state never grows with depth or size: depth is a
 * number, and which bracket opened a level is not asked.
 */
#include <string.h>

#include "json/json_bytes.h"
#include "json/json_render.h"

#define SHALLOW 64 /* indentation up to here is written in one go */

static const char *structure_render(JsonRender *r, const char *in, const char *end);
static const char *string_render(JsonRender *r, const char *in, const char *end);
static char *word_render(JsonRender *r, const char **in, const char *end, char *out);
static const char *space_skip(const char *in, const char *end);

void
json_render_init(JsonRender *r, JsonSink sink, void *arg)
{
	r->sink = sink;
	r->arg = arg;
	r->depth = 0;
	r->used = 0;
	r->pending = false;
	r->in_string = false;
	r->escaped = false;
	r->tail = JSON_TAIL_OTHER;
}

/*
 * A piece may end anywhere, within a token or an escape: all that the next piece needs to know
 * is in r.
 */
void
json_render_feed(JsonRender *r, const char *bytes, size_t n)
{
	const char *end = bytes + n;

	while (bytes < end)
		bytes = r->in_string ? string_render(r, bytes, end) : structure_render(r, bytes, end);
}

void
json_render_finish(JsonRender *r)
{
	if (r->used > 0)
		r->sink(r->arg, r->buffer, r->used);
	r->used = 0;
}

/* Gives back a place with JSON_RENDER_SLACK bytes of room. */
static inline char *
room_make(JsonRender *r, char *out)
{
	if (out < r->buffer + JSON_RENDER_BUFFER)
		return out;
	r->sink(r->arg, r->buffer, (size_t) (out - r->buffer));
	return r->buffer;
}

/*
 * A deep level may have more indentation than the buffer has room: the sink takes it in parts.
 */
static char *
line_break_deep(JsonRender *r, char *out, size_t indent)
{
	while (indent > 0)
	{
		size_t n = indent < SHALLOW ? indent : SHALLOW;

		out = room_make(r, out);
		memset(out, ' ', n);
		out += n;
		indent -= n;
	}
	return room_make(r, out);
}

/*
 * SHALLOW bytes are always written and counted only as far as needed: a copy of a fixed size
 * needs no loop.
 */
static inline char *
line_break(JsonRender *r, char *out)
{
	size_t indent = r->depth * 4;

	out[0] = '\r';
	out[1] = '\n';
	out += 2;
	if (indent > SHALLOW)
		return line_break_deep(r, out, indent);
	memset(out, ' ', SHALLOW);
	return out + indent;
}

/* Before anything but a closing bracket: the container it stands in is not empty. */
static inline char *
pending_break(JsonRender *r, char *out)
{
	if (!r->pending)
		return out;
	r->pending = false;
	return line_break(r, out);
}

/* A closing bracket too many, which no JSON has, leaves the depth at 0. */
static inline char *
close_render(JsonRender *r, char bracket, char *out)
{
	if (r->depth > 0)
		r->depth--;
	if (!r->pending)
		out = line_break(r, out);
	r->pending = false;
	*out++ = bracket;
	return out;
}

/*
 * Renders up to the end or to the opening quote of a string, quote included. White space is
 * dropped; what is written between tokens follows from the tokens alone.
 */
static const char *
structure_render(JsonRender *r, const char *in, const char *end)
{
	char *out = r->buffer + r->used;

	while (in < end && !r->in_string)
	{
		JsonByteClass class = json_byte_class(*in);

		out = room_make(r, out);
		if (class == JSON_BYTE_SPACE)
		{
			if (r->tail == JSON_TAIL_WORD)
				r->tail = JSON_TAIL_SPACE;
			in = space_skip(in + 1, end);
			continue;
		}
		if (class == JSON_BYTE_WORD)
		{
			out = word_render(r, &in, end, pending_break(r, out));
			continue;
		}
		r->tail = JSON_TAIL_OTHER;
		if (class == JSON_BYTE_CLOSE)
		{
			out = close_render(r, *in++, out);
			continue;
		}
		out = pending_break(r, out);
		*out++ = *in++;
		if (class == JSON_BYTE_COMMA)
			out = line_break(r, out);
		else if (class == JSON_BYTE_COLON)
			*out++ = ' ';
		else if (class == JSON_BYTE_QUOTE)
			r->in_string = true;
		else
		{
			r->depth++;
			r->pending = true;
		}
	}
	r->used = (size_t) (out - r->buffer);
	return in;
}

/*
 * A number or a literal may be cut by the end of a piece, and goes on with the next piece
 * without a space.
 */
static char *
word_render(JsonRender *r, const char **in, const char *end, char *out)
{
	const char *p = *in;

	if (r->tail == JSON_TAIL_SPACE)
		*out++ = ' ';
	r->tail = JSON_TAIL_WORD;
	do
	{
		out = room_make(r, out);
		*out++ = *p++;
	} while (p < end && json_byte_class(*p) == JSON_BYTE_WORD);
	*in = p;
	return out;
}

/* Documents that were stored indented are a third white space. */
static const char *
space_skip(const char *in, const char *end)
{
#ifdef JSON_SSE2
	/* Nearly all white space is indentation. */
	while (end - in >= 16)
	{
		__m128i bytes = _mm_loadu_si128((const __m128i *) in);
		int spaces = _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(' ')));

		if (spaces != 0xFFFF)
			break;
		in += 16;
	}
#endif
	while (in < end && json_byte_is_space(*in))
		in++;
	return in;
}

/* Renders one byte of a string; true when it was the closing quote. */
static inline bool
string_byte(JsonRender *r, char c, char *out)
{
	*out = c;
	if (r->escaped)
		r->escaped = false;
	else if (c == '\\')
		r->escaped = true;
	else if (c == '"')
		r->in_string = false;
	return !r->in_string;
}

/*
 * Renders up to the end or behind the closing quote of the string that `in` is inside of.
 * Sixteen bytes are copied before it is known how many of them count: the rest is overwritten
 * by what follows.
 */
static const char *
string_render(JsonRender *r, const char *in, const char *end)
{
	char *out = r->buffer + r->used;

	while (in < end)
	{
		size_t run = 0;

		out = room_make(r, out);
		if (end - in >= 16 && !r->escaped)
		{
			unsigned stops = json_string_stops(in);

			memcpy(out, in, 16);
			run = stops ? (size_t) __builtin_ctz(stops) : 16;
			in += run;
			out += run;
			if (run == 16)
				continue;
		}
		if (string_byte(r, *in++, out++))
			break;
	}
	r->used = (size_t) (out - r->buffer);
	return in;
}
