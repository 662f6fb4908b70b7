/*
 * stream.h: the bytes of a variable-length value in order, without the value in memory.
 */
#ifndef COURSEBASE_JSON_STREAM_H
#define COURSEBASE_JSON_STREAM_H

#include "postgres.h"

typedef void (*StreamSink)(void *arg, const char *bytes, size_t n);

/*
 * Gives the sink every byte of the value (text, json, bytea) in whichever form it is stored.
 * The sink may raise an error. Interrupts are served between pieces of at most STREAM_PIECE
 * bytes as stored, and between those that the sink gets.
 */
#define STREAM_PIECE (64 * 1024)
extern void stream_value(Datum value, StreamSink sink, void *arg);

/* How many bytes stream_value would give; reads none of them. */
extern Size stream_size(Datum value);

#endif
