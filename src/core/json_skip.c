/*
 * json_skip.c: skips white space, strings and whole containers, 16 or 64 bytes a step.
 *
 * A container is skipped without looking at what is in it: of 64 bytes at a time we know which
 * are inside strings (a quote that no backslash escapes turns that on or off) and count the
 * brackets that are not. Depth is a number, so no depth is too deep. That an array is not
 * closed by a brace is the business of json_text_validate, not of this file.
 */
#include "json_skip.h"

#define BLOCK 64

/* A bit for each byte of a block, the first byte lowest. */
typedef struct BlockBits
{
	uint64_t quotes;
	uint64_t slashes;
	uint64_t opens;
	uint64_t closes;
} BlockBits;

/* What one block leaves to the next. */
typedef struct BlockCarry
{
	uint64_t in_string; /* all ones: the next block begins inside a string */
	uint64_t escaped;   /* 1: its first byte is escaped */
	size_t depth;
} BlockCarry;

void
json_text_refuel(JsonText *text)
{
	text->fuel = JSON_STRIDE;
	if (text->pulse)
		text->pulse(text->arg);
}

size_t
json_break(JsonText *text)
{
	text->broken = true;
	return text->size;
}

size_t
json_space_skip_long(JsonText *text, size_t at)
{
	while (at < text->size)
	{
		size_t start = at;
		size_t limit = json_text_limit(text, at);

		while (at < limit && json_byte_is_space(text->bytes[at]))
			at++;
		json_text_spend(text, at - start);
		if (at < limit)
			break;
	}
	return at;
}

/* at is behind the opening quote or behind any byte of the string that is not half an escape.
 */
static size_t
string_end(const char *bytes, size_t at, size_t limit, bool *closed)
{
	while (at < limit)
	{
		if (limit - at >= 16)
		{
			unsigned stops = json_string_stops(bytes + at);

			if (stops == 0)
			{
				at += 16;
				continue;
			}
			at += (size_t) __builtin_ctz(stops);
		}
		if (bytes[at] == '"')
		{
			*closed = true;
			return at + 1;
		}
		at += bytes[at] == '\\' ? 2 : 1;
	}
	return at;
}

size_t
json_string_skip(JsonText *text, size_t at)
{
	bool closed = false;

	at++;
	while (at < text->size && !closed)
	{
		size_t start = at;
		size_t limit = json_text_limit(text, at);

		at = string_end(text->bytes, at, limit, &closed);
		json_text_spend(text, at - start);
	}
	return closed ? at : json_break(text);
}

static inline BlockBits
block_bits(const char *block)
{
	BlockBits bits = {0, 0, 0, 0};
#ifdef JSON_SSE2
	for (int i = 0; i < BLOCK; i += 16)
	{
		__m128i bytes = _mm_loadu_si128((const __m128i *) (block + i));
		/* [ and { differ in one bit only, as do ] and }; nothing else falls on them. */
		__m128i folded = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
		__m128i quotes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
		__m128i slashes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
		__m128i opens = _mm_cmpeq_epi8(folded, _mm_set1_epi8('{'));
		__m128i closes = _mm_cmpeq_epi8(folded, _mm_set1_epi8('}'));

		bits.quotes |= (uint64_t) (unsigned) _mm_movemask_epi8(quotes) << i;
		bits.slashes |= (uint64_t) (unsigned) _mm_movemask_epi8(slashes) << i;
		bits.opens |= (uint64_t) (unsigned) _mm_movemask_epi8(opens) << i;
		bits.closes |= (uint64_t) (unsigned) _mm_movemask_epi8(closes) << i;
	}
#else
	for (int i = 0; i < BLOCK; i++)
	{
		char c = block[i];

		bits.quotes |= (uint64_t) (c == '"') << i;
		bits.slashes |= (uint64_t) (c == '\\') << i;
		bits.opens |= (uint64_t) (c == '{' || c == '[') << i;
		bits.closes |= (uint64_t) (c == '}' || c == ']') << i;
	}
#endif
	return bits;
}

/* Quick answer for the middle of a long string: nothing here can end it. */
static inline bool
block_has_stop(const char *block)
{
#ifdef JSON_SSE2
	const __m128i quote = _mm_set1_epi8('"');
	const __m128i slash = _mm_set1_epi8('\\');
	__m128i any = _mm_setzero_si128();

	for (int i = 0; i < BLOCK; i += 16)
	{
		__m128i bytes = _mm_loadu_si128((const __m128i *) (block + i));

		any = _mm_or_si128(any, _mm_cmpeq_epi8(bytes, quote));
		any = _mm_or_si128(any, _mm_cmpeq_epi8(bytes, slash));
	}
	return _mm_movemask_epi8(any) != 0;
#else
	unsigned stops = 0;

	for (int i = 0; i < BLOCK && stops == 0; i += 16)
		stops = json_string_stops(block + i);
	return stops != 0;
#endif
}

/* The bytes that an odd number of backslashes precedes. */
static inline uint64_t
escaped_bytes(uint64_t slashes, uint64_t *escaped_first)
{
	const uint64_t even = UINT64_C(0x5555555555555555);
	uint64_t follows, odd_starts, runs;

	if (slashes == 0)
	{
		uint64_t first = *escaped_first;

		*escaped_first = 0;
		return first;
	}
	slashes &= ~*escaped_first;
	follows = slashes << 1 | *escaped_first;
	odd_starts = slashes & ~even & ~follows;
	runs = odd_starts + slashes;
	*escaped_first = runs < slashes;
	return (even ^ (runs << 1)) & follows;
}

/* Each bit becomes the parity of the bits up to it, itself included. */
static inline uint64_t
parity_prefix(uint64_t bits)
{
	bits ^= bits << 1;
	bits ^= bits << 2;
	bits ^= bits << 4;
	bits ^= bits << 8;
	bits ^= bits << 16;
	bits ^= bits << 32;
	return bits;
}

/* Follows the brackets one by one; the place behind the one that closes the container, or 0. */
static size_t
brackets_follow(uint64_t opens, uint64_t closes, size_t *depth)
{
	uint64_t brackets = opens | closes;

	for (; brackets != 0; brackets &= brackets - 1)
	{
		if (opens & brackets & -brackets)
			(*depth)++;
		else if (--*depth == 0)
			return (size_t) __builtin_ctzll(brackets) + 1;
	}
	return 0;
}

/* The place in the block behind the end of the container, or 0. */
static inline size_t
block_skip(const char *block, BlockCarry *carry)
{
	BlockBits bits;
	uint64_t strings;
	size_t closing;

	if (carry->in_string && !carry->escaped && !block_has_stop(block))
		return 0;
	bits = block_bits(block);
	bits.quotes &= ~escaped_bytes(bits.slashes, &carry->escaped);
	strings = parity_prefix(bits.quotes) ^ carry->in_string;
	carry->in_string = -(strings >> 63);
	bits.opens &= ~strings;
	bits.closes &= ~strings;
	if ((bits.opens | bits.closes) == 0)
		return 0;
	closing = (size_t) __builtin_popcountll(bits.closes);
	if (closing >= carry->depth)
		return brackets_follow(bits.opens, bits.closes, &carry->depth);
	carry->depth += (size_t) __builtin_popcountll(bits.opens) - closing;
	return 0;
}

/* at is the opening bracket. */
size_t
json_container_skip(JsonText *text, size_t at)
{
	BlockCarry carry = {0, 0, 0};
	char last[BLOCK];
	size_t found = 0;

	while (text->size - at >= BLOCK)
	{
		size_t blocks = (json_text_limit(text, at) - at) / BLOCK;
		size_t start = at;

		for (; blocks > 0; blocks--, at += BLOCK)
		{
			found = block_skip(text->bytes + at, &carry);
			if (found > 0)
				break;
		}
		json_text_spend(text, at + found - start);
		if (found > 0)
			return at + found;
	}
	memset(last, ' ', BLOCK);
	memcpy(last, text->bytes + at, text->size - at);
	json_text_spend(text, text->size - at);
	found = block_skip(last, &carry);
	return found > 0 ? at + found : json_break(text);
}

/* at is the first byte of a value. */
size_t
json_value_skip(JsonText *text, size_t at)
{
	size_t start = at;

	if (at >= text->size)
		return json_break(text);
	switch (json_byte_class(text->bytes[at]))
	{
		case JSON_BYTE_QUOTE:
			return json_string_skip(text, at);
		case JSON_BYTE_OPEN:
			return json_container_skip(text, at);
		case JSON_BYTE_WORD:
			break;
		default:
			return json_break(text);
	}
	while (at < text->size && json_byte_class(text->bytes[at]) == JSON_BYTE_WORD)
	{
		at++;
		if ((at - start) % (JSON_STRIDE) == 0)
			json_text_spend(text, JSON_STRIDE);
	}
	json_text_spend(text, (at - start) % (JSON_STRIDE));
	return at;
}
