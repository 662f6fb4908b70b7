/*
 * json_blocks.h: the skip over containers, 64 bytes a step, for the cores only.
 *
 * What a container holds is not looked at: of each block it is known which bytes are inside
 * strings (a quote that no backslash escapes turns that on or off), and the brackets that are
 * not are counted. Depth is a number, so no depth is too deep. That an array is not closed by a
 * brace is the business of json_text_validate.
 */
#ifndef COURSEBASE_JSON_JSON_BLOCKS_H
#define COURSEBASE_JSON_JSON_BLOCKS_H

#include "json/json_bytes.h"

#define JSON_BLOCK 64

/* What one block leaves to the next; all zero in front of a container. */
typedef struct JsonBlockCarry
{
	uint64_t in_string; /* all ones: the next block begins inside a string */
	uint64_t escaped;   /* 1: its first byte is escaped */
	size_t depth;
} JsonBlockCarry;

/* The place behind the end of the container, counted from bytes, or 0 when it is not in there.
 */
typedef size_t (*JsonBlocksSkip)(const char *bytes, size_t blocks, JsonBlockCarry *carry);

/* Chooses by the processor at its first call. */
extern JsonBlocksSkip json_blocks_skip;

/* The way of every processor of the kind that this was compiled for: SSE2 or plain C. */
extern const JsonBlocksSkip json_blocks_skip_plain;

#endif
