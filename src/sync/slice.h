/*
 * slice.h: texts of the server as slices of bytes, and back.
 *
 * Names, checksums and codes are compared and ordered as bytes, whatever the database's
 * collation: the phone orders them in the same way.
 */
#ifndef COURSEBASE_SYNC_SLICE_H
#define COURSEBASE_SYNC_SLICE_H

#include "postgres.h"

#include "json/json.h"

/* In byte order: negative, zero or positive. Of two slices of which one begins with the other,
 * the shorter one comes first. Inline, because a request has thousands of names to order. */
static inline int
slice_compare(JsonSlice a, JsonSlice b)
{
	int order = memcmp(a.bytes, b.bytes, Min(a.size, b.size));

	if (order != 0)
		return order;
	return a.size < b.size ? -1 : a.size > b.size;
}

extern bool slice_is(JsonSlice slice, const char *plain);

/* The bytes of a text value. They stand in the value, or in the current context if the value
 * had to be decompressed. */
extern JsonSlice slice_of(Datum value);

/* The same, copied into the current context. */
extern JsonSlice slice_keep(Datum value);
extern JsonSlice slice_copy(JsonSlice slice);

/* A text value in the current context. */
extern Datum slice_datum(JsonSlice slice);

#endif
