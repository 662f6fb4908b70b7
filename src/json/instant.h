/*
 * instant.h: instants as stores write them.
 */
#ifndef COURSEBASE_JSON_INSTANT_H
#define COURSEBASE_JSON_INSTANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Microseconds since 2000: nothing was sold in an app store before 2008, and nobody who sends a
 * time after 2100 means it, but for an end.
 */
#define INSTANT_EARLIEST INT64_C(252460800000000)
#define INSTANT_LATEST   INT64_C(3155760000000000)

/*
 * Reads milliseconds since 1970 (digits) or ISO 8601 with a zone: date, T or a space, time to
 * the second or finer, Z or ±hh[[:]mm]. Gives microseconds since 2000, as the server counts;
 * digits behind the sixth are cut off. False for anything else, and for years outside of 1970
 * to 9999.
 */
extern bool instant_parse(const char *bytes, size_t size, int64_t *instant);

#endif
