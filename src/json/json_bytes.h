/*
 * json_bytes.h: what the JSON cores share about bytes: their classes, and the search in string
 * bodies.
 *
 * SSE2 is part of every x86-64 processor; elsewhere, and with JSON_PORTABLE defined (so that
 * tests can run both), plain C does the same work on words of 8 bytes.
 */
#ifndef COURSEBASE_JSON_JSON_BYTES_H
#define COURSEBASE_JSON_JSON_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__) && !defined(JSON_PORTABLE)
#define JSON_SSE2 1
#include <emmintrin.h>
#endif

typedef enum JsonByteClass
{
	JSON_BYTE_WORD, /* numbers, literals, and whatever has no business outside a string */
	JSON_BYTE_SPACE,
	JSON_BYTE_QUOTE,
	JSON_BYTE_OPEN,
	JSON_BYTE_CLOSE,
	JSON_BYTE_COMMA,
	JSON_BYTE_COLON,
} JsonByteClass;

/*
 * What is not listed is a word: bytes of UTF-8 outside of a string are refused later, by
 * whoever validates.
 */
static const uint8_t json_byte_classes[256] = {
	[' '] = JSON_BYTE_SPACE,  ['\t'] = JSON_BYTE_SPACE, ['\n'] = JSON_BYTE_SPACE,
	['\r'] = JSON_BYTE_SPACE, ['"'] = JSON_BYTE_QUOTE,  ['{'] = JSON_BYTE_OPEN,
	['['] = JSON_BYTE_OPEN,   ['}'] = JSON_BYTE_CLOSE,  [']'] = JSON_BYTE_CLOSE,
	[','] = JSON_BYTE_COMMA,  [':'] = JSON_BYTE_COLON,
};

static inline JsonByteClass
json_byte_class(char c)
{
	return (JsonByteClass) json_byte_classes[(unsigned char) c];
}

static inline bool
json_byte_is_space(char c)
{
	return json_byte_class(c) == JSON_BYTE_SPACE;
}

/* One bit for each of the 16 bytes at p that is a quote or a backslash, the first byte lowest.
 */
static inline unsigned
json_string_stops(const char *p)
{
#ifdef JSON_SSE2
	__m128i bytes = _mm_loadu_si128((const __m128i *) p);
	__m128i quotes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
	__m128i slashes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));

	return (unsigned) _mm_movemask_epi8(_mm_or_si128(quotes, slashes));
#else
	const uint64_t ones = UINT64_C(0x0101010101010101);
	const uint64_t highs = UINT64_C(0x8080808080808080);
	unsigned stops = 0;

	/*
	 * a byte that is 0 after the xor is the one looked for: subtracting 1 from it sets its
	 * high bit
	 */
	for (int half = 0; half < 16; half += 8)
	{
		uint64_t word, quotes, slashes;

		memcpy(&word, p + half, 8);
		quotes = word ^ (ones * '"');
		slashes = word ^ (ones * '\\');
		if (((((quotes - ones) & ~quotes) | ((slashes - ones) & ~slashes)) & highs) == 0)
			continue;
		for (int i = half; i < half + 8; i++)
			stops |= (unsigned) (p[i] == '"' || p[i] == '\\') << i;
	}
	return stops;
#endif
}

/* As json_string_stops, with the control characters, which no string may hold. */
static inline unsigned
json_string_faults(const char *p)
{
#ifdef JSON_SSE2
	__m128i bytes = _mm_loadu_si128((const __m128i *) p);
	__m128i low = _mm_min_epu8(bytes, _mm_set1_epi8(0x1f));

	return json_string_stops(p) | (unsigned) _mm_movemask_epi8(_mm_cmpeq_epi8(low, bytes));
#else
	unsigned faults = json_string_stops(p);

	for (int i = 0; i < 16; i++)
		faults |= (unsigned) ((unsigned char) p[i] < 0x20) << i;
	return faults;
#endif
}

#endif
