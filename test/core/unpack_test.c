/*
 * unpack_test.c: table tests of the decoders of pglz and LZ4.
 *
 * Every vector is decoded whole and cut in every way that its length allows, and must end in
 * the same status and bytes; nothing decoded may be longer than the size declared.
 */
#include "pack.h"
#include "table.h"
#include "json/unpack.h"

#include <stdlib.h>

typedef struct Output
{
	unsigned char *bytes;
	size_t size;
	size_t limit;
	bool passed_limit;
} Output;

static void hand_table(void);
static void server_table(void);
static void size_table(void);
static void damage_table(void);
static void memory_table(void);

int
main(void)
{
	hand_table();
	server_table();
	size_table();
	damage_table();
	memory_table();
	return table_end();
}

static void
output_take(void *arg, const char *bytes, size_t n)
{
	Output *output = arg;

	if (n > output->limit - output->size)
	{
		output->passed_limit = true;
		return;
	}
	memcpy(output->bytes + output->size, bytes, n);
	output->size += n;
}

/* The pieces: one of `first` bytes, then of `step` each. */
static UnpackStatus
unpack_cut(UnpackMethod method, const unsigned char *packed, size_t size, size_t raw_size,
		   size_t first, size_t step, Output *output)
{
	Unpacker unpacker;
	void *buffer = malloc(unpack_buffer_size(method, raw_size));
	UnpackStatus status;

	output->size = 0;
	output->limit = raw_size;
	output->passed_limit = false;
	unpack_begin(&unpacker, method, raw_size, buffer, output_take, output);
	for (size_t at = 0, n = first; at < size; at += n, n = step)
	{
		/* A copy of its own, so that a sanitizer sees a read past the piece. */
		size_t piece = n = n < size - at ? n : size - at;
		char *copy = malloc(piece > 0 ? piece : 1);

		memcpy(copy, packed + at, piece);
		unpack_feed(&unpacker, copy, piece);
		free(copy);
	}
	status = unpack_finish(&unpacker);
	free(buffer);
	return status;
}

/* True when the vector ends so, whole and in pieces, and where it ends well, in these bytes. */
static bool
unpack_holds(UnpackMethod method, const unsigned char *packed, size_t size, size_t raw_size,
			 size_t first, size_t step, UnpackStatus status, const unsigned char *raw)
{
	Output output = {.bytes = malloc(raw_size + 1)};
	bool holds =
		unpack_cut(method, packed, size, raw_size, first, step, &output) == status &&
		!output.passed_limit &&
		(status != UNPACK_OK || (output.size == raw_size &&
								 (raw == NULL || memcmp(output.bytes, raw, raw_size) == 0)));

	free(output.bytes);
	return holds;
}

static size_t
hex_bytes(const char *hex, unsigned char *bytes)
{
	size_t n = strlen(hex) / 2;

	for (size_t i = 0; i < n; i++)
	{
		unsigned value;

		sscanf(hex + 2 * i, "%2x", &value);
		bytes[i] = (unsigned char) value;
	}
	return n;
}

static void
hand_table(void)
{
	static const struct
	{
		UnpackMethod method;
		const char *packed;
		const char *raw; /* its length is the size declared, unless raw_size says another */
		size_t raw_size;
		UnpackStatus status;
	} cases[] = {
		{UNPACK_PGLZ, "", "", 0, UNPACK_OK},
		{UNPACK_PGLZ, "", "a", 0, UNPACK_TRUNCATED},
		{UNPACK_PGLZ, "0061", "a", 0, UNPACK_OK},
		{UNPACK_PGLZ, "00", "a", 0, UNPACK_TRUNCATED},
		{UNPACK_PGLZ, "006162", "a", 0, UNPACK_TOO_LONG},
		{UNPACK_PGLZ, "00", "", 0, UNPACK_TOO_LONG},
		{UNPACK_PGLZ, "006162636465666768", "abcdefgh", 0, UNPACK_OK},
		{UNPACK_PGLZ, "00616263646566676800", "abcdefgh", 0, UNPACK_TOO_LONG},
		{UNPACK_PGLZ,
		 "006162636465666768"
		 "0069",
		 "abcdefghi", 0, UNPACK_OK},
		{UNPACK_PGLZ, "02610001", "aaaa", 0, UNPACK_OK},
		{UNPACK_PGLZ, "02610101", "aaaaa", 0, UNPACK_OK},
		{UNPACK_PGLZ, "0461620002", "ababa", 0, UNPACK_OK},
		{UNPACK_PGLZ, "0261000162", "aaaab", 0, UNPACK_OK},
		{UNPACK_PGLZ, "02610f0100", "aaaaaaaaaaaaaaaaaaa", 0, UNPACK_OK},
		{UNPACK_PGLZ, "02610f0101", "aaaaaaaaaaaaaaaaaaaa", 0, UNPACK_OK},
		{UNPACK_PGLZ, "02610f01", "aaaaaaaaaaaaaaaaaaa", 0, UNPACK_TRUNCATED},
		{UNPACK_PGLZ, "026100", "aaaa", 0, UNPACK_TRUNCATED},
		{UNPACK_PGLZ, "0261", "aaaa", 0, UNPACK_TRUNCATED},
		{UNPACK_PGLZ, "02610002", "aaaa", 0, UNPACK_CORRUPT},
		{UNPACK_PGLZ, "02610000", "aaaa", 0, UNPACK_CORRUPT},
		{UNPACK_PGLZ, "0261f0ff", "aaaa", 0, UNPACK_CORRUPT},
		{UNPACK_PGLZ, "010001", "aaa", 0, UNPACK_CORRUPT},
		{UNPACK_PGLZ, "02610001", NULL, 3, UNPACK_TOO_LONG},
		{UNPACK_PGLZ, "02610001", NULL, 5, UNPACK_TRUNCATED},
		{UNPACK_PGLZ, "02610fff01ff", NULL, 300, UNPACK_CORRUPT},
		{UNPACK_LZ4, "", "", 0, UNPACK_TRUNCATED},
		{UNPACK_LZ4, "00", "", 0, UNPACK_OK},
		{UNPACK_LZ4, "0000", "", 0, UNPACK_TOO_LONG},
		{UNPACK_LZ4, "1061", "a", 0, UNPACK_OK},
		{UNPACK_LZ4, "10", "a", 0, UNPACK_TRUNCATED},
		{UNPACK_LZ4, "1061", "aa", 0, UNPACK_TRUNCATED},
		{UNPACK_LZ4, "20616263", "ab", 0, UNPACK_TOO_LONG},
		{UNPACK_LZ4, "206162", NULL, 1, UNPACK_TOO_LONG},
		{UNPACK_LZ4, "1061010000", "aaaaa", 0, UNPACK_OK},
		{UNPACK_LZ4, "10610100", "aaaaa", 0, UNPACK_TRUNCATED},
		{UNPACK_LZ4, "106101", "aaaaa", 0, UNPACK_TRUNCATED},
		{UNPACK_LZ4, "1061010000", NULL, 4, UNPACK_TOO_LONG},
		{UNPACK_LZ4, "206162020000", "ababab", 0, UNPACK_OK},
		{UNPACK_LZ4,
		 "1f6101000010"
		 "62",
		 "aaaaaaaaaaaaaaaaaaaab", 0, UNPACK_OK},
		{UNPACK_LZ4,
		 "1f61010001"
		 "00",
		 "aaaaaaaaaaaaaaaaaaaaa", 0, UNPACK_OK},
		{UNPACK_LZ4, "1f610100", "aaaaaaaaaaaaaaaaaaaaa", 0, UNPACK_TRUNCATED},
		{UNPACK_LZ4, "1f610100ff0000", NULL, 275, UNPACK_OK},
		{UNPACK_LZ4, "1f610100ff", NULL, 275, UNPACK_TRUNCATED},
		{UNPACK_LZ4, "1f610100ffffffffff", NULL, 275, UNPACK_TOO_LONG},
		{UNPACK_LZ4,
		 "f000616263646566676869"
		 "6a6b6c6d6e6f",
		 "abcdefghijklmno", 0, UNPACK_OK},
		{UNPACK_LZ4,
		 "f001616263646566676869"
		 "6a6b6c6d6e6f70",
		 "abcdefghijklmnop", 0, UNPACK_OK},
		{UNPACK_LZ4, "f0", "abcdefghijklmno", 0, UNPACK_TRUNCATED},
		{UNPACK_LZ4, "f0ffffffff", "abcdefghijklmno", 0, UNPACK_TOO_LONG},
		{UNPACK_LZ4, "1061020000", "aaaaa", 0, UNPACK_CORRUPT},
		{UNPACK_LZ4, "1061000000", "aaaaa", 0, UNPACK_CORRUPT},
		{UNPACK_LZ4, "1061ffff00", "aaaaa", 0, UNPACK_CORRUPT},
		{UNPACK_LZ4, "00010000", "aaaa", 0, UNPACK_CORRUPT},
	};

	for (size_t i = 0; i < LENGTH(cases); i++)
	{
		unsigned char packed[64];
		size_t size = hex_bytes(cases[i].packed, packed);
		const unsigned char *raw = (const unsigned char *) cases[i].raw;
		size_t raw_size = raw == NULL ? cases[i].raw_size : strlen(cases[i].raw);
		bool whole = unpack_holds(cases[i].method, packed, size, raw_size, size, 1,
								  cases[i].status, raw);
		bool cut = true;

		for (size_t first = 0; first < size; first++)
			cut &= unpack_holds(cases[i].method, packed, size, raw_size, first, 1,
								cases[i].status, raw) &&
				   unpack_holds(cases[i].method, packed, size, raw_size, first, size,
								cases[i].status, raw);
		table_check(whole, "hand", i, "whole");
		table_check(cut, "hand", i, "in pieces");
	}
}

/* The text whose packed forms stand below as a server stored them. */
static size_t
server_text(char *text)
{
	size_t n = 0;

	for (int i = 1; i <= 60; i++)
		n += (size_t) sprintf(text + n, "%s{\"url\": \"/a/%d.mp3\", \"n\": %d}",
							  i > 1 ? ", " : "", i * 7, i);
	memset(text + n, '=', 400);
	return n + 400;
}

static void
server_table(void)
{
	static const char pglz[] =
		"007b2275726c223a2000222f612f372e6d700033222c20226e223a2020317d2c20091d3134a5091e320c"
		"1e3231091e330d1e4a38091e340c1e3335091e35a90c1e3432091e360d1e39091e52370c1e3536091e38"
		"0c1e364a33091e390c1e37301a0e30570d1f1b2d1d2e381a2e311d2f39551a2f311d30391a30311d3131"
		"4a301a32311d3331311a3431291d3531311a36311d373132a51a38311d3931331a3a311d3b9431341a3c"
		"321d3c31341a3d9a322e6b352b6c1d3e31361a3f52321d3f31361a40321e4037551a40321e40381a4032"
		"1e4038551a40321e40391a40321d40324a301a40321d4032311a4033291d4032311a40331d403232b51a"
		"40333ead333bae3eaf331a4052331d4032341a40331d40324a351a40331d4032351a4033a91d4032361a"
		"40331e40371a40aa331e40381a40341e40381a402a341e40391a40341d403330651a40341d4033304bf0"
		"4ef131a51a40341d4033321a40341d409433321a40341d4033331a4052341d4033341a40341d40334a35"
		"1a40351d4033351a4035a91d4033361a40351e40371a40aa351e40371a40351e40386b32551e40391a40"
		"351e40391a4035291d4034301a40351d403431251a40351d4034321a4036300c7d3d0f01ff0f016c";
	static const char lz4[] =
		"f80e7b2275726c223a20222f612f372e6d7033222c20226e223a20317d2c201d002831341e001b321e00"
		"2832311e001c331e0018381e001b341e002833351e001b351e002834321e001c361e0018391e001b371e"
		"002835361e001b381e002836331e001b391e002837301e002c31301f000a2d010c2e0119382e011c312f"
		"0119392f011c313001193930011c31310129313032011c31330129313134011c31350129313136011c31"
		"370129313238011c3139012931333a011c313b012931343c011c323c012931343d011c323d012931353e"
		"011c323e012931363f011c323f0129313640011d324001193740011d324001193840011d324001193840"
		"011d324001193940011c32400129323040011c32400129323140011c33400129323140011c3340012932"
		"3240011c33400129323340011c33400129323340011c33400129323440011c33400129323540011c3340"
		"0129323540011c33400129323640011d334001193740011d334001193840011d344001193840011d3440"
		"01193940011c34400129333040011c34400129333040011c34400129333140011c34400129333240011c"
		"34400129333240011c34400129333340011c34400129333440011c34400129333540011c354001293335"
		"40011c35400129333640011d354001193740011d354001193740011d354001193840011d354001193940"
		"011d354001193940011c35400129343040011c35400129343140011c35400129343240014f36307d3d01"
		"00ff78503d3d3d3d3d";
	const struct
	{
		UnpackMethod method;
		const char *packed;
	} cases[] = {{UNPACK_PGLZ, pglz}, {UNPACK_LZ4, lz4}};
	char text[4096];
	size_t raw_size = server_text(text);
	const unsigned char *raw = (const unsigned char *) text;

	for (size_t i = 0; i < LENGTH(cases); i++)
	{
		unsigned char packed[1024];
		size_t size = hex_bytes(cases[i].packed, packed);
		bool cut = true;
		bool truncated = true;

		for (size_t n = 1; n <= size; n++)
			cut &= unpack_holds(cases[i].method, packed, size, raw_size, n, size, UNPACK_OK,
								raw) &&
				   unpack_holds(cases[i].method, packed, size, raw_size, n, n, UNPACK_OK, raw);
		for (size_t n = 0; n < size; n++)
			truncated &= unpack_holds(cases[i].method, packed, n, raw_size, n + 1, 1,
									  UNPACK_TRUNCATED, NULL);
		table_check(cut, "server", i, "in pieces of any size");
		table_check(truncated, "server", i, "without its last bytes");
		table_check(unpack_holds(cases[i].method, packed, size, raw_size - 1, size, 1,
								 UNPACK_TOO_LONG, NULL),
					"server", i, "declared one byte shorter");
		table_check(unpack_holds(cases[i].method, packed, size, raw_size + 1, size, 1,
								 UNPACK_TRUNCATED, NULL),
					"server", i, "declared one byte longer");
	}
}

typedef enum TextKind
{
	TEXT_RANDOM, /* literals alone */
	TEXT_RUN,    /* one match as long as the form allows */
	TEXT_WORDS,  /* short matches near and far */
	TEXT_FAR,    /* a block that comes again at the farthest distance of either form */
	TEXT_KINDS
} TextKind;

static void
text_make(TextKind kind, unsigned char *text, size_t n, uint64_t *random)
{
	size_t period = table_random(random) % 2 ? 4095 : 65535;

	for (size_t i = 0; i < n; i++)
	{
		uint32_t r = table_random(random);

		if (kind == TEXT_RANDOM || (kind == TEXT_FAR && i < period) || i < 32)
			text[i] = (unsigned char) r;
		else if (kind == TEXT_RUN)
			text[i] = 'r';
		else if (kind == TEXT_FAR)
			text[i] = text[i - period];
		else
			for (size_t end = i + 3 + r % 29,
						from = r % 8 > 0 && i > 40 ? i - 1 - r % 40 : r % i;
				 i < end && i < n; i++, from++)
				text[i] = end - i == 1 ? (unsigned char) (r >> 8) : text[from];
	}
}

/* Sizes around every border of the buffers: history, output, both together and many times that.
 */
static void
size_table(void)
{
	static const size_t sizes[] = {1,      7,      8,      9,      31,     32,     33,
								   64,     4095,   4096,   4097,   65535,  65536,  65537,
								   69631,  69632,  69633,  69665,  73728,  131072, 135168,
								   196607, 196608, 196609, 196640, 262144, 327681, 1000003};
	static const size_t steps[] = {1, 3, 61, 1996, 65536, 10000000};
	uint64_t random = 42;

	for (size_t i = 0; i < LENGTH(sizes) * TEXT_KINDS; i++)
	{
		size_t n = sizes[i / TEXT_KINDS];
		unsigned char *raw = malloc(n);
		unsigned char *packed = malloc(pack_bound(n));

		text_make((TextKind) (i % TEXT_KINDS), raw, n, &random);
		for (UnpackMethod method = UNPACK_PGLZ; method <= UNPACK_LZ4; method++)
		{
			size_t size =
				method == UNPACK_PGLZ ? pack_pglz(raw, n, packed) : pack_lz4(raw, n, packed);
			bool holds = true;

			for (size_t s = 0; s < LENGTH(steps); s++)
				holds &=
					unpack_holds(method, packed, size, n, steps[s], steps[s], UNPACK_OK, raw);
			table_check(holds, method == UNPACK_PGLZ ? "size, pglz" : "size, lz4", i,
						"round trip");
			table_check(
				unpack_holds(method, packed, size, n - 1, 1996, 1996, UNPACK_TOO_LONG, NULL),
				"size", i, "declared one byte shorter");
		}
		free(raw);
		free(packed);
	}
}

/* Bytes flipped and cut: whatever comes of it comes in every way of cutting the input. */
static void
damage_table(void)
{
	enum
	{
		RAW = 9000,
		ROUNDS = 4000
	};
	unsigned char raw[RAW];
	unsigned char packed[2 * RAW];
	unsigned char first[RAW];
	unsigned char second[RAW];
	uint64_t random = 7;

	for (size_t i = 0; i < ROUNDS; i++)
	{
		UnpackMethod method = i % 2 ? UNPACK_PGLZ : UNPACK_LZ4;
		Output whole = {.bytes = first};
		Output pieces = {.bytes = second};
		size_t size;
		UnpackStatus status;

		text_make(TEXT_WORDS, raw, RAW, &random);
		size = method == UNPACK_PGLZ ? pack_pglz(raw, RAW, packed) : pack_lz4(raw, RAW, packed);
		for (uint32_t flips = 1 + table_random(&random) % 4; flips > 0; flips--)
			packed[table_random(&random) % size] ^=
				(unsigned char) (1 << table_random(&random) % 8);
		size -= table_random(&random) % 3;
		status = unpack_cut(method, packed, size, RAW, size, 1, &whole);
		table_check(status == unpack_cut(method, packed, size, RAW, 1,
										 1 + table_random(&random) % 100, &pieces),
					"damage", i, "same status in pieces");
		table_check(!whole.passed_limit && !pieces.passed_limit, "damage", i,
					"within its size");
		if (status == UNPACK_OK)
			table_check(memcmp(first, second, RAW) == 0, "damage", i, "same bytes in pieces");
	}
}

/* The memory that the value's size asks for, and no more than a form ever asks for. */
static void
memory_table(void)
{
	static const struct
	{
		UnpackMethod method;
		size_t raw_size;
		size_t kilobytes;
	} cases[] = {
		{UNPACK_PGLZ, 1024, 1}, {UNPACK_PGLZ, 64 * 1024, 64},  {UNPACK_PGLZ, 1 << 30, 68},
		{UNPACK_LZ4, 1024, 1},  {UNPACK_LZ4, 128 * 1024, 128}, {UNPACK_LZ4, 1 << 30, 192},
	};

	for (size_t i = 0; i < LENGTH(cases); i++)
	{
		size_t size = unpack_buffer_size(cases[i].method, cases[i].raw_size);

		table_check(size >= cases[i].kilobytes * 1024, "memory", i, "enough");
		table_check(size <= cases[i].kilobytes * 1024 + 64, "memory", i, "a little more");
	}
}
