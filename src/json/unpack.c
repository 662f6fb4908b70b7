/*
 * unpack.c: decodes a pglz stream or an LZ4 block piece by piece, in constant memory.
 *
 * Invariants, whatever the input:
 *
 *  - the buffer holds the last min(made, history) bytes made, so a distance that was checked
 *  against `made` never points before the buffer;
 *  - never more than raw_size bytes reach the sink: each run is checked against raw_left first;
 *  - a wide copy may write up to SLACK bytes past the place that it fills, and never past the
 *  buffer, which is SLACK bytes longer than `capacity`.
 *
 * Each method has a state machine, which takes the input byte by byte and can stop anywhere,
 * and a fast loop for whole items far from every border. The fast loop judges nothing: at
 * whatever is unusual it leaves the item untouched to the state machine.
 */
#include "json/unpack.h"

#include <stdint.h>
#include <string.h>

#define PGLZ_HISTORY  4096 /* a distance has 12 bits */
#define PGLZ_OUTPUT   65536
#define PGLZ_SHORTEST 3
#define PGLZ_EXTENDED 18 /* a match of this length has a third byte, to be added */

#define LZ4_HISTORY  65536 /* a distance has 16 bits */
#define LZ4_OUTPUT   131072
#define LZ4_SHORTEST 4
#define LZ4_EXTENDED                                                                           \
	15 /* a length of this value goes on in bytes, up to one that is not 255                   \
		*/

#define SLACK       32
#define FAST_OUTPUT 4096 /* the space that a fast loop asks for */

enum PglzState
{
	PGLZ_ITEM,
	PGLZ_TAG_FIRST,
	PGLZ_TAG_SECOND,
	PGLZ_TAG_LENGTH
};

enum Lz4State
{
	LZ4_TOKEN,
	LZ4_LITERAL_LENGTH,
	LZ4_LITERALS,
	LZ4_DISTANCE_LOW,
	LZ4_DISTANCE_HIGH,
	LZ4_MATCH_LENGTH
};

static void pglz_feed(Unpacker *u, const unsigned char *in, const unsigned char *end);
static const unsigned char *pglz_run(Unpacker *u, const unsigned char *in,
									 const unsigned char *end);
static void lz4_feed(Unpacker *u, const unsigned char *in, const unsigned char *end);
static const unsigned char *lz4_run(Unpacker *u, const unsigned char *in,
									const unsigned char *end);
static void put_literals(Unpacker *u, const unsigned char *bytes, size_t n);
static void put_match(Unpacker *u);
static inline const unsigned char *lz4_length(const unsigned char *in, const unsigned char *end,
											  size_t *length);
static size_t space_for(Unpacker *u, size_t wanted);
static void sink_made(Unpacker *u);
static inline void made(Unpacker *u, size_t n);
static inline void copy_match(unsigned char *to, size_t distance, size_t n);

static size_t
history_of(UnpackMethod method)
{
	return method == UNPACK_PGLZ ? PGLZ_HISTORY : LZ4_HISTORY;
}

/*
 * A value that is shorter than history and output together is decoded in place: nothing is
 * ever moved.
 */
static size_t
capacity_for(UnpackMethod method, size_t raw_size)
{
	size_t full = history_of(method) + (method == UNPACK_PGLZ ? PGLZ_OUTPUT : LZ4_OUTPUT);

	return raw_size < full ? raw_size : full;
}

size_t
unpack_buffer_size(UnpackMethod method, size_t raw_size)
{
	return capacity_for(method, raw_size) + SLACK;
}

/*
 * The first state of either method is 0. `control` is 1 between the groups of pglz: the marker
 * bit alone, with no item left.
 */
void
unpack_begin(Unpacker *unpacker, UnpackMethod method, size_t raw_size, void *buffer,
			 UnpackSink sink, void *arg)
{
	memset(unpacker, 0, sizeof(*unpacker));
	unpacker->method = method;
	unpacker->sink = sink;
	unpacker->arg = arg;
	unpacker->buffer = buffer;
	unpacker->capacity = capacity_for(method, raw_size);
	unpacker->history = history_of(method);
	unpacker->raw_left = raw_size;
	unpacker->control = 1;
}

/* An error is final: what comes after it is not looked at. */
UnpackStatus
unpack_feed(Unpacker *unpacker, const char *bytes, size_t n)
{
	const unsigned char *in = (const unsigned char *) bytes;

	if (unpacker->method == UNPACK_PGLZ)
		pglz_feed(unpacker, in, in + n);
	else
		lz4_feed(unpacker, in, in + n);
	return unpacker->status;
}

/* A stream that ends within an item, or before raw_size bytes were made, is truncated. */
UnpackStatus
unpack_finish(Unpacker *unpacker)
{
	/* An LZ4 block ends in literals, so what it would go on with is a distance. */
	int between = unpacker->method == UNPACK_PGLZ ? (int) PGLZ_ITEM : (int) LZ4_DISTANCE_LOW;

	if (unpacker->status != UNPACK_OK)
		return unpacker->status;
	if (unpacker->state != between || unpacker->raw_left > 0)
		return unpacker->status = UNPACK_TRUNCATED;
	sink_made(unpacker);
	return UNPACK_OK;
}

/*
 * pglz: a control byte says of eight items, from its lowest bit on, whether each is a literal
 * byte (0) or a match (1). A match has a length of 3 to 17 and a distance in two bytes, and
 * for a length of 18 or more a third byte that is added. The control byte carries a ninth bit
 * as a marker: the group ends when the marker alone is left.
 */
static void
pglz_feed(Unpacker *u, const unsigned char *in, const unsigned char *end)
{
	while (u->status == UNPACK_OK && in < end)
	{
		switch ((enum PglzState) u->state)
		{
			case PGLZ_ITEM:
				if (u->raw_left == 0)
				{
					u->status = UNPACK_TOO_LONG;
					return;
				}
				if (u->control == 1)
				{
					/* it leaves a byte, for it takes no group that ends the input */
					in = pglz_run(u, in, end);
					if (u->raw_left > 0)
						u->control = 0x100u | *in++;
					break;
				}
				if (u->control & 1)
					u->state = PGLZ_TAG_FIRST;
				else
					put_literals(u, in++, 1);
				u->control >>= 1;
				break;
			case PGLZ_TAG_FIRST:
				u->run = (*in & 0x0f) + PGLZ_SHORTEST;
				u->distance = (*in++ & 0xf0u) << 4;
				u->state = PGLZ_TAG_SECOND;
				break;
			case PGLZ_TAG_SECOND:
				u->distance |= *in++;
				u->state = PGLZ_TAG_LENGTH;
				if (u->run == PGLZ_EXTENDED)
					break;
				put_match(u);
				u->state = PGLZ_ITEM;
				break;
			case PGLZ_TAG_LENGTH:
				u->run += *in++;
				put_match(u);
				u->state = PGLZ_ITEM;
				break;
		}
	}
}

/*
 * Takes whole groups, a control byte and eight items each, while none can touch a border: the
 * input has room for the longest group and a wide read behind it. An item that does not fit,
 * or is wrong, leaves the whole group to the state machine: nothing of the group counts before
 * it is complete.
 */
static const unsigned char *
pglz_run(Unpacker *u, const unsigned char *in, const unsigned char *end)
{
	const size_t group = 1 + 8 * 3 + SLACK;

	while ((size_t) (end - in) >= group)
	{
		size_t space = space_for(u, FAST_OUTPUT);
		const unsigned char *from = in + 1;
		unsigned char *to = u->buffer + u->used;
		unsigned control = 0x100u | *in;
		size_t done = 0;

		do
		{
			/* A run of at most eight literals ends at the next match or at the marker bit. */
			unsigned literals = (unsigned) __builtin_ctz(control);
			size_t n;
			size_t distance;

			if (literals > space - done)
				return in;
			memcpy(to + done, from, 8);
			done += literals;
			from += literals;
			control >>= literals;
			if (control == 1)
				break;
			control >>= 1;
			n = (from[0] & 0x0f) + PGLZ_SHORTEST;
			distance = (size_t) (from[0] & 0xf0) << 4 | from[1];
			from += 2;
			if (n == PGLZ_EXTENDED)
				n += *from++;
			if (distance == 0 || distance > u->made + done || n > space - done)
				return in;
			copy_match(to + done, distance, n);
			done += n;
		} while (control != 1);
		in = from;
		made(u, done);
	}
	return in;
}

/*
 * LZ4: a token has the number of literals in its high half and the length of a match, less 4,
 * in its low half; 15 in either goes on in bytes up to one that is not 255. Behind the token
 * come the literals, then the distance in two bytes. The last sequence has literals only.
 */
static void
lz4_feed(Unpacker *u, const unsigned char *in, const unsigned char *end)
{
	while (u->status == UNPACK_OK && in < end)
	{
		size_t n;

		switch ((enum Lz4State) u->state)
		{
			case LZ4_TOKEN:
				in = lz4_run(u, in, end);
				if (in == end)
					break;
				u->run = *in >> 4;
				u->control = *in++ & 0x0f;
				if (u->run > u->raw_left)
					u->status = UNPACK_TOO_LONG;
				u->state = u->run == LZ4_EXTENDED ? LZ4_LITERAL_LENGTH
						   : u->run > 0           ? LZ4_LITERALS
												  : LZ4_DISTANCE_LOW;
				break;
			case LZ4_LITERAL_LENGTH:
				u->run += *in;
				if (u->run > u->raw_left)
					u->status = UNPACK_TOO_LONG;
				if (*in++ != 255)
					u->state = LZ4_LITERALS;
				break;
			case LZ4_LITERALS:
				n = u->run < (size_t) (end - in) ? u->run : (size_t) (end - in);
				put_literals(u, in, n);
				in += n;
				u->run -= n;
				if (u->run == 0)
					u->state = LZ4_DISTANCE_LOW;
				break;
			case LZ4_DISTANCE_LOW:
				if (u->raw_left == 0)
					u->status = UNPACK_TOO_LONG;
				u->distance = *in++;
				u->state = LZ4_DISTANCE_HIGH;
				break;
			case LZ4_DISTANCE_HIGH:
				u->distance |= (unsigned) *in++ << 8;
				u->run = u->control + LZ4_SHORTEST;
				u->state = LZ4_MATCH_LENGTH;
				if (u->control == LZ4_EXTENDED)
					break;
				put_match(u);
				u->state = LZ4_TOKEN;
				break;
			case LZ4_MATCH_LENGTH:
				u->run += *in;
				if (u->run > u->raw_left)
					u->status = UNPACK_TOO_LONG;
				if (*in++ == 255)
					break;
				put_match(u);
				u->state = LZ4_TOKEN;
				break;
		}
	}
}

/*
 * Takes whole sequences as long as none can touch a border. Sixteen literal bytes are copied
 * at once, whatever their number: the rest is overwritten by the match.
 */
static const unsigned char *
lz4_run(Unpacker *u, const unsigned char *in, const unsigned char *end)
{
	size_t space = space_for(u, FAST_OUTPUT);
	unsigned char *const to = u->buffer + u->used;
	size_t done = 0;

	while (end - in >= SLACK && space - done >= SLACK)
	{
		const unsigned char *from = in + 1;
		size_t literals = *in >> 4;
		size_t n = *in & 0x0f;
		size_t distance;

		if (literals == LZ4_EXTENDED)
		{
			from = lz4_length(from, end, &literals);
			if (from == end || literals + 2 > (size_t) (end - from) || literals > space - done)
				break;
			memcpy(to + done, from, literals);
		}
		else
			memcpy(to + done, from, 16);
		from += literals;
		distance = (size_t) from[0] | (size_t) from[1] << 8;
		from += 2;
		if (n == LZ4_EXTENDED)
		{
			from = lz4_length(from, end, &n);
			if (from == end)
				break;
		}
		n += LZ4_SHORTEST;
		if (distance == 0 || distance > u->made + done + literals ||
			n > space - done - literals)
			break;
		copy_match(to + done + literals, distance, n);
		done += literals + n;
		in = from;
	}
	made(u, done);
	return in;
}

/* Adds the bytes of an extended length; gives `end` when it may not be whole. */
static inline const unsigned char *
lz4_length(const unsigned char *in, const unsigned char *end, size_t *length)
{
	while (in < end && *in == 255)
		*length += *in++;
	if (in < end)
		*length += *in++;
	return in;
}

/* The caller has seen that n is at most raw_left. */
static void
put_literals(Unpacker *u, const unsigned char *bytes, size_t n)
{
	while (n > 0)
	{
		size_t space = space_for(u, 1);
		size_t part = n < space ? n : space;

		memcpy(u->buffer + u->used, bytes, part);
		made(u, part);
		bytes += part;
		n -= part;
	}
}

/*
 * The distance and the length are checked here for both methods; a match may be put in parts,
 * with what was made sunk in between.
 */
static void
put_match(Unpacker *u)
{
	if (u->distance == 0 || u->distance > u->made)
	{
		u->status = UNPACK_CORRUPT;
		return;
	}
	if (u->run > u->raw_left)
	{
		u->status = UNPACK_TOO_LONG;
		return;
	}
	while (u->run > 0)
	{
		size_t space = space_for(u, 1);
		size_t part = u->run < space ? u->run : space;

		copy_match(u->buffer + u->used, u->distance, part);
		made(u, part);
		u->run -= part;
	}
}

/*
 * How many bytes may be put at buffer + used, never none while some are to be made. A buffer
 * with less space than `wanted` is emptied but for its history first.
 */
static size_t
space_for(Unpacker *u, size_t wanted)
{
	size_t space = u->capacity - u->used;

	if (space >= u->raw_left)
		return u->raw_left;
	if (space < wanted)
	{
		sink_made(u);
		memmove(u->buffer, u->buffer + u->used - u->history, u->history);
		u->used = u->sunk = u->history;
		space = u->capacity - u->used;
	}
	return space < u->raw_left ? space : u->raw_left;
}

static void
sink_made(Unpacker *u)
{
	if (u->used > u->sunk)
		u->sink(u->arg, (const char *) u->buffer + u->sunk, u->used - u->sunk);
	u->sunk = u->used;
}

static inline void
made(Unpacker *u, size_t n)
{
	u->used += n;
	u->made += n;
	u->raw_left -= n;
}

/* Copies n bytes from `distance` before `to`; writes up to SLACK bytes more than n. */
static inline void
copy_match(unsigned char *to, size_t distance, size_t n)
{
	const unsigned char *from = to - distance;
	unsigned char *const end = to + n;

	if (distance >= 16)
	{
		do
		{
			memcpy(to, from, 16);
			to += 16;
			from += 16;
		} while (to < end);
		return;
	}
	/* Source and target overlap: what is there is a pattern, doubled until a word of it is
	 * whole. */
	while (distance < 8 && distance < (size_t) (end - to))
	{
		memcpy(to, from, distance);
		to += distance;
		distance *= 2;
	}
	while (to < end)
	{
		uint64_t word;

		memcpy(&word, from, 8);
		memcpy(to, &word, 8);
		to += 8;
		from += 8;
	}
}
