/*
 * json_blocks_body.h: the loop of json_blocks.c, read once for each way to look at a block.
 *
 * The way defines BLOCKS_SKIP (the name of the function), BLOCKS_TARGET (what it is compiled
 * for), BLOCKS_BITS (a block's BlockBits), BLOCKS_PARITY (the parity prefix of 64 bits) and
 * BLOCKS_STOPS (is there a quote or a backslash in the block?).
 */
BLOCKS_TARGET
static size_t
BLOCKS_SKIP(const char *bytes, size_t blocks, JsonBlockCarry *carry)
{
	uint64_t in_string = carry->in_string;
	uint64_t escaped = carry->escaped;
	size_t depth = carry->depth;
	const char *block = bytes;
	size_t place = 0;

	for (; blocks > 0 && place == 0; blocks--, block += JSON_BLOCK)
	{
		BlockBits bits = BLOCKS_BITS(block);
		uint64_t strings;
		size_t closing;

		bits.quotes &= ~escaped_bytes(bits.slashes, &escaped);
		strings = BLOCKS_PARITY(bits.quotes) ^ in_string;
		in_string = -(strings >> 63);
		bits.opens &= ~strings;
		bits.closes &= ~strings;
		closing = (size_t) __builtin_popcountll(bits.closes);
		if (closing >= depth)
			place = brackets_follow(bits.opens, bits.closes, &depth);
		else
			depth += (size_t) __builtin_popcountll(bits.opens) - closing;
		/* The middle of a long string. */
		if (strings == ~UINT64_C(0) && !escaped)
		{
			while (blocks > 1 && !BLOCKS_STOPS(block + JSON_BLOCK))
			{
				block += JSON_BLOCK;
				blocks--;
			}
		}
	}
	carry->in_string = in_string;
	carry->escaped = escaped;
	carry->depth = depth;
	return place > 0 ? (size_t) (block - bytes) - JSON_BLOCK + place : 0;
}

#undef BLOCKS_SKIP
#undef BLOCKS_TARGET
#undef BLOCKS_BITS
#undef BLOCKS_PARITY
#undef BLOCKS_STOPS
