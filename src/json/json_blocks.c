/*
 * json_blocks.c: three ways to look at 64 bytes, and the choice among them.
 *
 * AVX2 where the processor has it (asked at run time: the library loads on every x86-64), SSE2
 * where it has not, plain C elsewhere. AVX2 finds the place of an append two to four times as
 * fast as SSE2; test/core/json_speed measures both. JSON_PORTABLE and JSON_NO_AVX2 take the
 * better ways out, so that tests can run the others.
 *
 * Invariant: all ways give the same bits for a block, and so the same places.
 */
#include "json/json_blocks.h"

#if defined(JSON_SSE2) && defined(__x86_64__) && !defined(JSON_NO_AVX2)
#define JSON_AVX2 1
#include <immintrin.h>
#endif

/* A bit for each byte of a block, the first byte lowest. */
typedef struct BlockBits
{
	uint64_t quotes;
	uint64_t slashes;
	uint64_t opens;
	uint64_t closes;
} BlockBits;

static size_t blocks_choose(const char *bytes, size_t blocks, JsonBlockCarry *carry);

JsonBlocksSkip json_blocks_skip = blocks_choose;

/*
 * The bytes that an odd number of backslashes precedes: these are escaped. Adding the first
 * bit of each run that begins at an odd place to the run clears the run, with a carry behind
 * it; what is left are the runs that begin at an even place. Of the bytes that follow a
 * backslash every second one is escaped: those at odd places in a run that begins at an even
 * one, and the other way round, which the exclusive-or with `even` turns. A carry out of the
 * last bit escapes the first byte of the next block.
 */
static inline uint64_t
escaped_bytes(uint64_t slashes, uint64_t *escaped_first)
{
	const uint64_t even = UINT64_C(0x5555555555555555);
	uint64_t first = *escaped_first;
	uint64_t follows, odd_starts, runs;

	*escaped_first = 0;
	if (slashes == 0)
		return first;
	slashes &= ~first;
	follows = slashes << 1 | first;
	odd_starts = slashes & ~even & ~follows;
	runs = odd_starts + slashes;
	*escaped_first = runs < slashes;
	return (even ^ (runs << 1)) & follows;
}

/*
 * Follows the brackets one by one; the place behind the one that closes the container, or 0.
 * Only a block with at least as many closing brackets as levels are open needs this.
 */
static inline size_t
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

/*
 * Each bit becomes the parity of the bits up to it, itself included: with the quotes as bits,
 * the bytes from an opening quote up to the closing one.
 */
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

#ifdef JSON_SSE2
static inline BlockBits
block_bits(const char *block)
{
	BlockBits bits = {0, 0, 0, 0};

	for (int i = 0; i < JSON_BLOCK; i += 16)
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
	return bits;
}

/*
 * Whether the block holds a quote or a backslash: without either a block inside a string stays
 * inside it.
 */
static inline bool
block_stops(const char *block)
{
	const __m128i quote = _mm_set1_epi8('"');
	const __m128i slash = _mm_set1_epi8('\\');
	__m128i any = _mm_setzero_si128();

	for (int i = 0; i < JSON_BLOCK; i += 16)
	{
		__m128i bytes = _mm_loadu_si128((const __m128i *) (block + i));

		any = _mm_or_si128(any, _mm_cmpeq_epi8(bytes, quote));
		any = _mm_or_si128(any, _mm_cmpeq_epi8(bytes, slash));
	}
	return _mm_movemask_epi8(any) != 0;
}
#else
static inline BlockBits
block_bits(const char *block)
{
	BlockBits bits = {0, 0, 0, 0};

	for (int i = 0; i < JSON_BLOCK; i++)
	{
		char c = block[i];

		bits.quotes |= (uint64_t) (c == '"') << i;
		bits.slashes |= (uint64_t) (c == '\\') << i;
		bits.opens |= (uint64_t) (c == '{' || c == '[') << i;
		bits.closes |= (uint64_t) (c == '}' || c == ']') << i;
	}
	return bits;
}

static inline bool
block_stops(const char *block)
{
	unsigned stops = 0;

	for (int i = 0; i < JSON_BLOCK && stops == 0; i += 16)
		stops = json_string_stops(block + i);
	return stops != 0;
}
#endif

#define BLOCKS_SKIP blocks_skip_plain
#define BLOCKS_TARGET
#define BLOCKS_BITS   block_bits
#define BLOCKS_PARITY parity_prefix
#define BLOCKS_STOPS  block_stops
#include "json/json_blocks_body.h"

const JsonBlocksSkip json_blocks_skip_plain = blocks_skip_plain;

#ifdef JSON_AVX2
#define AVX2_TARGET __attribute__((target("avx2,pclmul,popcnt")))

AVX2_TARGET
static inline uint64_t
mask_avx2(__m256i low, __m256i high)
{
	return (uint32_t) _mm256_movemask_epi8(low) |
		   (uint64_t) (uint32_t) _mm256_movemask_epi8(high) << 32;
}

AVX2_TARGET
static inline BlockBits
block_bits_avx2(const char *block)
{
	const __m256i quote = _mm256_set1_epi8('"'), slash = _mm256_set1_epi8('\\');
	const __m256i open = _mm256_set1_epi8('{'), close = _mm256_set1_epi8('}');
	const __m256i fold = _mm256_set1_epi8(0x20);
	__m256i low = _mm256_loadu_si256((const __m256i *) block);
	__m256i high = _mm256_loadu_si256((const __m256i *) (block + 32));
	BlockBits bits;

	bits.quotes = mask_avx2(_mm256_cmpeq_epi8(low, quote), _mm256_cmpeq_epi8(high, quote));
	bits.slashes = mask_avx2(_mm256_cmpeq_epi8(low, slash), _mm256_cmpeq_epi8(high, slash));
	low = _mm256_or_si256(low, fold);
	high = _mm256_or_si256(high, fold);
	bits.opens = mask_avx2(_mm256_cmpeq_epi8(low, open), _mm256_cmpeq_epi8(high, open));
	bits.closes = mask_avx2(_mm256_cmpeq_epi8(low, close), _mm256_cmpeq_epi8(high, close));
	return bits;
}

/* A product without carries by all ones is the prefix of parities. */
AVX2_TARGET
static inline uint64_t
parity_prefix_avx2(uint64_t bits)
{
	__m128i factor = _mm_set_epi64x(0, (long long) bits);

	return (uint64_t) _mm_cvtsi128_si64(_mm_clmulepi64_si128(factor, _mm_set1_epi8(-1), 0));
}

AVX2_TARGET
static inline bool
block_stops_avx2(const char *block)
{
	const __m256i quote = _mm256_set1_epi8('"'), slash = _mm256_set1_epi8('\\');
	__m256i low = _mm256_loadu_si256((const __m256i *) block);
	__m256i high = _mm256_loadu_si256((const __m256i *) (block + 32));
	__m256i quotes =
		_mm256_or_si256(_mm256_cmpeq_epi8(low, quote), _mm256_cmpeq_epi8(high, quote));
	__m256i slashes =
		_mm256_or_si256(_mm256_cmpeq_epi8(low, slash), _mm256_cmpeq_epi8(high, slash));

	return _mm256_movemask_epi8(_mm256_or_si256(quotes, slashes)) != 0;
}

#define BLOCKS_SKIP   blocks_skip_avx2
#define BLOCKS_TARGET AVX2_TARGET
#define BLOCKS_BITS   block_bits_avx2
#define BLOCKS_PARITY parity_prefix_avx2
#define BLOCKS_STOPS  block_stops_avx2
#include "json/json_blocks_body.h"
#endif

/*
 * The first call replaces the pointer by the way of this processor. Two threads would write
 * the same value, and the server has one.
 */
static size_t
blocks_choose(const char *bytes, size_t blocks, JsonBlockCarry *carry)
{
	json_blocks_skip = blocks_skip_plain;
#ifdef JSON_AVX2
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("pclmul") &&
		__builtin_cpu_supports("popcnt"))
		json_blocks_skip = blocks_skip_avx2;
#endif
	return json_blocks_skip(bytes, blocks, carry);
}
