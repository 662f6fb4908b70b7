/*
 * pack.h: simple greedy compressors into the two forms that unpack.c decodes, to test it with.
 *
 * They look for the latest earlier place with the same four bytes and take as long a match as
 * the form allows. Output that a real compressor would never choose (a match of the shortest
 * length, one of the longest, the farthest distance) comes from texts made for it.
 */
#ifndef COURSEBASE_TEST_PACK_H
#define COURSEBASE_TEST_PACK_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PACK_SLOTS 4096

typedef struct Pack
{
	const unsigned char *raw;
	size_t raw_size;
	unsigned char *out;
	size_t size;
	size_t *slots; /* one more than the place where such bytes were seen last; 0: never */
} Pack;

/* Enough for either form of any text. */
static inline size_t
pack_bound(size_t raw_size)
{
	return raw_size + raw_size / 4 + 64;
}

static inline size_t
pack_find(Pack *p, size_t at, size_t farthest, size_t longest, size_t *distance)
{
	uint32_t word;
	size_t *slot;
	size_t n = 0;

	if (p->raw_size - at < 4)
		return 0;
	memcpy(&word, p->raw + at, 4);
	slot = &p->slots[(word * 2654435761u) >> 20];
	*distance = at + 1 - *slot;
	if (*slot > 0 && *distance <= farthest)
		while (n < longest && at + n < p->raw_size && p->raw[at + n] == p->raw[*slot - 1 + n])
			n++;
	*slot = at + 1;
	return n;
}

static inline size_t
pack_pglz(const unsigned char *raw, size_t raw_size, unsigned char *out)
{
	Pack p = {raw, raw_size, out, 0, calloc(PACK_SLOTS, sizeof(size_t))};
	size_t control = 0;
	int item = 8;

	for (size_t at = 0; at < raw_size;)
	{
		size_t distance = 0;
		size_t n = pack_find(&p, at, 4095, 18 + 255, &distance);

		if (item == 8)
		{
			item = 0;
			control = p.size++;
			out[control] = 0;
		}
		if (n >= 3)
		{
			out[control] |= (unsigned char) (1 << item);
			out[p.size++] = (unsigned char) ((distance >> 4 & 0xf0) | (n > 17 ? 15 : n - 3));
			out[p.size++] = (unsigned char) distance;
			if (n > 17)
				out[p.size++] = (unsigned char) (n - 18);
		}
		else
		{
			out[p.size++] = raw[at];
			n = 1;
		}
		at += n;
		item++;
	}
	free(p.slots);
	return p.size;
}

static inline void
pack_lz4_length(Pack *p, size_t n)
{
	if (n < 15)
		return;
	for (n -= 15; n >= 255; n -= 255)
		p->out[p->size++] = 255;
	p->out[p->size++] = (unsigned char) n;
}

/* A run of literals, and a match after it unless n is 0. */
static inline void
pack_lz4_sequence(Pack *p, size_t from, size_t literals, size_t distance, size_t n)
{
	size_t length = n > 0 ? n - 4 : 0;

	p->out[p->size++] =
		(unsigned char) ((literals < 15 ? literals : 15) << 4 | (length < 15 ? length : 15));
	pack_lz4_length(p, literals);
	memcpy(p->out + p->size, p->raw + from, literals);
	p->size += literals;
	if (n == 0)
		return;
	p->out[p->size++] = (unsigned char) distance;
	p->out[p->size++] = (unsigned char) (distance >> 8);
	pack_lz4_length(p, length);
}

static inline size_t
pack_lz4(const unsigned char *raw, size_t raw_size, unsigned char *out)
{
	Pack p = {raw, raw_size, out, 0, calloc(PACK_SLOTS, sizeof(size_t))};
	size_t from = 0;

	for (size_t at = 0; at < raw_size;)
	{
		size_t distance = 0;
		/* The block ends in five literals at least. */
		size_t longest = raw_size - at > 5 ? raw_size - at - 5 : 0;
		size_t n = pack_find(&p, at, 65535, longest, &distance);

		if (n < 4)
		{
			at++;
			continue;
		}
		pack_lz4_sequence(&p, from, at - from, distance, n);
		at += n;
		from = at;
	}
	pack_lz4_sequence(&p, from, raw_size - from, 0, 0);
	free(p.slots);
	return p.size;
}

#endif
