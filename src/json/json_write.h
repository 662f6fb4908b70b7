/*
 * json_write.h: JSON text written into a buffer of the server.
 */
#ifndef COURSEBASE_JSON_JSON_WRITE_H
#define COURSEBASE_JSON_JSON_WRITE_H

#include "postgres.h"

#include "lib/stringinfo.h"

/*
 * Appends the bytes as a JSON string, in quotes, escaped as the server's to_json() does it.
 * Raises program_limit_exceeded when the buffer would pass the server's limit of 1 GB.
 */
extern void json_write_string(StringInfo out, const char *bytes, Size size);

/* Appends an integer in decimal. */
extern void json_write_integer(StringInfo out, int64 value);

/* Appends a constant. */
#define json_write_literal(out, literal)                                                       \
	appendBinaryStringInfo((out), (literal), sizeof(literal) - 1)

#endif
