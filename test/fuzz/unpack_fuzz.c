/*
 * unpack_fuzz.c: feeds the decoders of pglz and LZ4 with anything.
 *
 * The first bytes say how: the method, whether what follows is packed bytes or a text to pack,
 * the size declared, the length of the pieces. Oracles: pieces end as the whole does, in the
 * same bytes; no more is made than was declared; a text comes back as it was.
 */
#include "../core/pack.h"
#include "fuzz.h"
#include "json/unpack.h"

typedef struct Output
{
	unsigned char *bytes;
	size_t size;
	size_t limit;
} Output;

static void
output_take(void *arg, const char *bytes, size_t n)
{
	Output *output = arg;

	PROMISE(n > 0 && n <= output->limit - output->size);
	memcpy(output->bytes + output->size, bytes, n);
	output->size += n;
}

static UnpackStatus
unpack_cut(UnpackMethod method, const uint8_t *packed, size_t size, size_t step, Output *output)
{
	Unpacker unpacker;
	void *buffer = malloc(unpack_buffer_size(method, output->limit));
	UnpackStatus status;

	unpack_begin(&unpacker, method, output->limit, buffer, output_take, output);
	for (size_t at = 0; at < size; at += step)
	{
		size_t n = step < size - at ? step : size - at;
		char *piece = fuzz_copy(packed + at, n);

		unpack_feed(&unpacker, piece, n);
		free(piece);
	}
	status = unpack_finish(&unpacker);
	free(buffer);
	return status;
}

static void
compare_cuts(UnpackMethod method, const uint8_t *packed, size_t size, size_t raw_size,
			 size_t step, const uint8_t *text)
{
	Output whole = {.bytes = malloc(raw_size + 1), .limit = raw_size};
	Output pieces = {.bytes = malloc(raw_size + 1), .limit = raw_size};
	UnpackStatus status = unpack_cut(method, packed, size, size + 1, &whole);

	PROMISE(unpack_cut(method, packed, size, step, &pieces) == status);
	if (status == UNPACK_OK)
	{
		PROMISE(whole.size == raw_size && pieces.size == raw_size);
		PROMISE(memcmp(whole.bytes, pieces.bytes, raw_size) == 0);
	}
	PROMISE(text == NULL || status == UNPACK_OK);
	PROMISE(text == NULL || memcmp(whole.bytes, text, raw_size) == 0);
	free(whole.bytes);
	free(pieces.bytes);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	UnpackMethod method;
	size_t raw_size;
	size_t step;
	uint8_t *packed;

	if (size < 5)
		return 0;
	method = data[0] & 1 ? UNPACK_LZ4 : UNPACK_PGLZ;
	/* Mostly small, now and then past the buffer. */
	raw_size = (size_t) (data[1] | data[2] << 8) << (data[0] & 4 ? 4 : 0);
	step = 1 + data[3];
	if (!(data[0] & 2))
	{
		compare_cuts(method, data + 4, size - 4, raw_size, step, NULL);
		return 0;
	}
	packed = malloc(pack_bound(size - 4));
	compare_cuts(method, packed,
				 method == UNPACK_LZ4 ? pack_lz4(data + 4, size - 4, packed)
									  : pack_pglz(data + 4, size - 4, packed),
				 size - 4, step, data + 4);
	free(packed);
	return 0;
}
