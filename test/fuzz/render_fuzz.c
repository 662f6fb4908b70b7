/*
 * render_fuzz.c: a rendering does not depend on the pieces it was fed in, is its own rendering,
 * and is JSON when and only when the input is.
 *
 * The first byte of the input chooses the pieces.
 */
#include "fuzz.h"
#include "json/json_render.h"

#define MAX_OUTPUT ((size_t) 1 << 16)

typedef struct Output
{
	char *bytes;
	size_t size; /* goes on counting when MAX_OUTPUT is full */
} Output;

static void
output_take(void *arg, const char *bytes, size_t n)
{
	Output *output = arg;

	PROMISE(n > 0);
	if (output->size + n <= MAX_OUTPUT)
		memcpy(output->bytes + output->size, bytes, n);
	output->size += n;
}

static void
render(Output *output, const char *bytes, size_t size, unsigned pieces)
{
	uint32_t state = pieces;
	JsonRender r;

	output->size = 0;
	json_render_init(&r, output_take, output);
	for (size_t at = 0, n; at < size; at += n)
	{
		char *piece;

		state = state * 1664525 + 1013904223;
		n = pieces > 0 ? 1 + (state >> 16) % (pieces < 128 ? pieces : pieces * 16) : size;
		n = n < size - at ? n : size - at;
		piece = fuzz_copy(bytes + at, n);
		json_render_feed(&r, piece, n);
		free(piece);
	}
	json_render_finish(&r);
}

static bool
output_equal(const Output *a, const Output *b)
{
	return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char rooms[3][MAX_OUTPUT];
	Output whole = {rooms[0], 0}, pieces = {rooms[1], 0}, again = {rooms[2], 0};
	const char *text;

	if (size == 0)
		return 0;
	text = (const char *) data + 1;
	render(&whole, text, size - 1, 0);
	if (whole.size > MAX_OUTPUT)
		return 0;
	render(&pieces, text, size - 1, data[0]);
	PROMISE(output_equal(&whole, &pieces));
	render(&again, whole.bytes, whole.size, 0);
	PROMISE(output_equal(&whole, &again));
	PROMISE(fuzz_valid(text, size - 1) == fuzz_valid(whole.bytes, whole.size));
	return 0;
}
