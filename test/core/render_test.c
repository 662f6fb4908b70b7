/*
 * render_test.c: the crlf4 renderer against a table, in pieces of every size, at depth and at
 * length.
 */
#include <stdlib.h>

#include "json/json.h"
#include "json/json_render.h"
#include "table.h"

typedef struct Output
{
	char *bytes;
	size_t size;
	size_t room;
	size_t calls;
} Output;

static void
output_take(void *arg, const char *bytes, size_t n)
{
	Output *output = arg;

	if (output->size + n > output->room)
	{
		output->room = (output->size + n) * 2;
		output->bytes = realloc(output->bytes, output->room);
	}
	memcpy(output->bytes + output->size, bytes, n);
	output->size += n;
	output->calls++;
}

/* Each piece stands in memory of its own, so that a sanitizer sees a step across its end. */
static Output
render(const char *bytes, size_t size, size_t piece)
{
	Output output = {NULL, 0, 0, 0};
	JsonRender r;

	json_render_init(&r, output_take, &output);
	for (size_t at = 0; at < size; at += piece)
	{
		size_t n = size - at < piece ? size - at : piece;
		char *copy = malloc(n);

		memcpy(copy, bytes + at, n);
		json_render_feed(&r, copy, n);
		free(copy);
	}
	json_render_finish(&r);
	return output;
}

static bool
output_is(const Output *output, const char *bytes, size_t size)
{
	return output->size == size && (size == 0 || memcmp(output->bytes, bytes, size) == 0);
}

static const struct
{
	const char *text;
	const char *rendered;
} cases[] = {
	{"", ""},
	{" \r\n", ""},
	{"1", "1"},
	{" -1.50e+007 ", "-1.50e+007"},
	{"\"a \\\" \\\\\"", "\"a \\\" \\\\\""},
	{"null", "null"},
	{"{}", "{}"},
	{" [ ] ", "[]"},
	{"{ \r\n\t }", "{}"},
	{"[1]", "[\r\n    1\r\n]"},
	{"[1,2]", "[\r\n    1,\r\n    2\r\n]"},
	{"{\"a\":1}", "{\r\n    \"a\": 1\r\n}"},
	{"{ \"a\" : 1 , \"a\":2}", "{\r\n    \"a\": 1,\r\n    \"a\": 2\r\n}"},
	{"[[],{}]", "[\r\n    [],\r\n    {}\r\n]"},
	{"[ [ ] , { } ]", "[\r\n    [],\r\n    {}\r\n]"},
	{"[[[]]]", "[\r\n    [\r\n        []\r\n    ]\r\n]"},
	{"{\"a\":{\"b\":[true,false]},\"c\":\"\"}",
	 "{\r\n    \"a\": {\r\n        \"b\": [\r\n            true,\r\n            false\r\n      "
	 "  ]\r\n"
	 "    },\r\n    \"c\": \"\"\r\n}"},
	{"[\"{[ ,: ]}\"]", "[\r\n    \"{[ ,: ]}\"\r\n]"},
	{"[\"\\u00e9\\/\",\"\xc3\xa9\"]", "[\r\n    \"\\u00e9\\/\",\r\n    \"\xc3\xa9\"\r\n]"},
	{"[\"0123456789abcde\\\"\",\"0123456789abcdef\\\\\",\"0123456789abc\\\\\\\\\"]",
	 "[\r\n    \"0123456789abcde\\\"\",\r\n    \"0123456789abcdef\\\\\",\r\n    "
	 "\"0123456789abc\\\\\\\\\"\r\n]"},
	{"[\"a\\nb\",\"0123456789abcdef\"]",
	 "[\r\n    \"a\\nb\",\r\n    \"0123456789abcdef\"\r\n]"},
	{"[\r\n    1,\r\n    {}\r\n]", "[\r\n    1,\r\n    {}\r\n]"},
	/* no JSON, and none afterwards */
	{"1 2", "1 2"},
	{"tr  ue", "tr ue"},
	{"[", "["},
	{"{\"a", "{\r\n    \"a"},
	{"[,]", "[\r\n    ,\r\n    \r\n]"},
	{"]", "\r\n]"},
	{"{]", "{]"},
};

static void
table_test(void)
{
	for (size_t i = 0; i < LENGTH(cases); i++)
	{
		size_t size = strlen(cases[i].text);

		for (size_t piece = 1; piece <= size + 1; piece++)
		{
			Output output = render(cases[i].text, size, piece);
			Output again = render(output.bytes, output.size, piece);

			table_check(output_is(&output, cases[i].rendered, strlen(cases[i].rendered)),
						"render", i, cases[i].text);
			table_check(output_is(&again, output.bytes, output.size), "render, again", i,
						cases[i].text);
			free(output.bytes);
			free(again.bytes);
		}
	}
}

/* The renderer is given 40 strings of every length around the size of its buffer and of a step.
 */
static void
length_test(void)
{
	static const size_t lengths[] = {0,
									 1,
									 15,
									 16,
									 17,
									 31,
									 32,
									 33,
									 JSON_RENDER_BUFFER - 9,
									 JSON_RENDER_BUFFER,
									 JSON_RENDER_BUFFER + 1,
									 100000};
	static const size_t pieces[] = {1, 7, 16, 4096, 1 << 20};

	for (size_t i = 0; i < LENGTH(lengths); i++)
	{
		char *text = malloc(lengths[i] + 40);
		size_t size = (size_t) sprintf(text, "[\r\n    \"");

		memset(text + size, 'x', lengths[i]);
		size += lengths[i];
		size += (size_t) sprintf(text + size, "\",\r\n    0\r\n]");
		for (size_t p = 0; p < LENGTH(pieces); p++)
		{
			Output output = render(text, size, pieces[p]);

			table_check(output_is(&output, text, size), "length", lengths[i], "unchanged");
			table_check(output.calls <= 1 + size / JSON_RENDER_BUFFER, "length", lengths[i],
						"the sink is called for a full buffer, and for the rest");
			free(output.bytes);
		}
		free(text);
	}
}

/* The sum of what comes out, since at depth it does not fit into memory. */
static void
size_take(void *arg, const char *bytes, size_t n)
{
	(void) bytes;
	*(uint64_t *) arg += n;
}

static void
depth_case(size_t levels, bool inner)
{
	uint64_t total = 0, expected;
	char *text = malloc(levels * 2 + 1);
	JsonRender r;

	memset(text, '[', levels);
	text[levels] = '0';
	memset(text + levels + inner, ']', levels);
	json_render_init(&r, size_take, &total);
	json_render_feed(&r, text, levels * 2 + inner);
	json_render_finish(&r);
	/* a line break and the indentation in front of each element and each closing bracket */
	expected = 2 * levels + inner;
	for (uint64_t level = 1; level < levels + inner; level++)
		expected += (2 + 4 * level) + (2 + 4 * (level - 1));
	table_check(total == expected, "depth", levels, inner ? "with an element" : "empty");
	free(text);
}

/* A million levels would be terabytes of spaces; the brackets that open them must do no harm.
 */
static void
depth_test(void)
{
	static char text[1 << 16];
	uint64_t total = 0;
	JsonRender r;

	for (size_t levels = 1; levels <= 4096; levels *= 2)
	{
		depth_case(levels, false);
		depth_case(levels, true);
	}
	memset(text, '{', sizeof(text));
	json_render_init(&r, size_take, &total);
	json_render_feed(&r, text, 5000);
	table_check(r.depth == 5000 && r.used <= sizeof(r.buffer), "depth", 5000, "only opened");
	memset(text, ']', sizeof(text));
	json_render_init(&r, size_take, &total);
	json_render_feed(&r, text, sizeof(text));
	table_check(r.depth == 0, "depth", sizeof(text), "only closed");
}

int
main(void)
{
	table_test();
	length_test();
	depth_test();
	return table_end();
}
