/*
 * json_render.h: renders JSON text as `crlf4`, fed in pieces of any size, in constant memory.
 *
 * crlf4: 4 spaces a level, CRLF line ends, `"key": value`, nothing after the last byte. Member
 * order, escapes and the spelling of numbers stay as they are; an empty {} or [] stays on one
 * line, white space inside it gone.
 *
 * The text is expected to be JSON already. Other text is rendered too, without a crash, and
 * stays what it was: no JSON. The renderer owns nothing, so the sink may leave by longjmp (that
 * is how a long rendering is cancelled or refused: a deeply nested text of n bytes renders to
 * the order of n * n).
 */
#ifndef COURSEBASE_JSON_JSON_RENDER_H
#define COURSEBASE_JSON_JSON_RENDER_H

#include <stdbool.h>
#include <stddef.h>

/* Receives rendered bytes in order; never called with n = 0. */
typedef void (*JsonSink)(void *arg, const char *bytes, size_t n);

#define JSON_RENDER_BUFFER 8192
/* What one token may write without asking for room: two line breaks and a bracket. */
#define JSON_RENDER_SLACK 160

typedef enum JsonRenderTail
{
	JSON_TAIL_OTHER,
	JSON_TAIL_WORD,  /* the last byte belonged to a number or a literal */
	JSON_TAIL_SPACE, /* ... and white space followed it */
} JsonRenderTail;

typedef struct JsonRender
{
	JsonSink sink;
	void *arg;
	size_t depth; /* brackets that are open */
	size_t used;  /* bytes of buffer that wait for the sink */
	bool pending; /* the last token opened a container that may yet be empty */
	bool in_string;
	bool escaped;        /* the piece ended behind a backslash */
	JsonRenderTail tail; /* keeps `1 2` from becoming 12 */
	char buffer[JSON_RENDER_BUFFER + JSON_RENDER_SLACK];
} JsonRender;

extern void json_render_init(JsonRender *r, JsonSink sink, void *arg);
extern void json_render_feed(JsonRender *r, const char *bytes, size_t n);
extern void json_render_finish(JsonRender *r);

#endif
