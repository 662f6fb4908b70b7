/*
 * slice.c: texts of the server as slices of bytes, and back.
 *
 * A slice does not end in a zero byte: its size says where it ends.
 *
 * Conversions allocate in the current context, which is that of the handshake.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "core/compat.h"
#include "sync/slice.h"

bool
slice_is(JsonSlice slice, const char *plain)
{
	return slice.size == strlen(plain) && memcmp(slice.bytes, plain, slice.size) == 0;
}

/* Detoasts the value, if it was stored compressed or out of line. */
JsonSlice
slice_of(Datum value)
{
	text *bytes = DatumGetTextPP(value);

	return (JsonSlice){VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes)};
}

/* For a value of a row that must outlive the row. */
JsonSlice
slice_keep(Datum value)
{
	return slice_copy(slice_of(value));
}

JsonSlice
slice_copy(JsonSlice slice)
{
	char *copy = palloc(slice.size + 1);

	memcpy(copy, slice.bytes, slice.size);
	return (JsonSlice){copy, slice.size};
}

Datum
slice_datum(JsonSlice slice)
{
	return PointerGetDatum(cstring_to_text_with_len(slice.bytes, (int) slice.size));
}
