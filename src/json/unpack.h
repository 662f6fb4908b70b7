/*
 * unpack.h: push decoders for the two forms in which PostgreSQL compresses a value, a pglz
 * stream and an LZ4 block.
 *
 * Compressed bytes go in in pieces cut anywhere, decoded bytes come out at a sink in large
 * runs. The memory is one buffer that the caller gives (unpack_buffer_size tells how large),
 * whatever the length of the value.
 */
#ifndef COURSEBASE_JSON_UNPACK_H
#define COURSEBASE_JSON_UNPACK_H

#include <stddef.h>

typedef enum UnpackMethod
{
	UNPACK_PGLZ,
	UNPACK_LZ4
} UnpackMethod;

typedef enum UnpackStatus
{
	UNPACK_OK,
	UNPACK_CORRUPT,   /* a match that begins before the first byte */
	UNPACK_TRUNCATED, /* the input ended within an item, or before raw_size bytes were made */
	UNPACK_TOO_LONG   /* the input goes on after, or a match would pass, raw_size bytes */
} UnpackStatus;

typedef void (*UnpackSink)(void *arg, const char *bytes, size_t n);

typedef struct Unpacker
{
	UnpackMethod method;
	UnpackStatus status; /* once it is not UNPACK_OK it stays */
	UnpackSink sink;
	void *arg;
	unsigned char *buffer;
	size_t capacity;   /* bytes of buffer to fill; the slack for wide copies lies behind them */
	size_t history;    /* how far back a match may reach */
	size_t used;       /* decoded bytes in buffer */
	size_t sunk;       /* of these, how many the sink has had */
	size_t raw_left;   /* bytes that are still to be made */
	size_t made;       /* bytes made so far */
	int state;         /* which part of an item comes next; its meaning is the method's own */
	unsigned control;  /* pglz: flags of the items to come, lowest first, under a marker bit */
	unsigned distance; /* of the match being read */
	size_t run;        /* length of the literal run or match being read */
} Unpacker;

/*
 * How many bytes of buffer a value of raw_size needs: its size and a little, at most 68 KB
 * (pglz) or 192 KB (LZ4) and a little.
 */
extern size_t unpack_buffer_size(UnpackMethod method, size_t raw_size);

extern void unpack_begin(Unpacker *unpacker, UnpackMethod method, size_t raw_size, void *buffer,
						 UnpackSink sink, void *arg);
extern UnpackStatus unpack_feed(Unpacker *unpacker, const char *bytes, size_t n);

/* Gives the sink what is left, and says whether the value is whole. */
extern UnpackStatus unpack_finish(Unpacker *unpacker);

#endif
