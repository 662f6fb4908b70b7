/*
 * datum.c: values of SQL types as C values, where the server's own macros say too much.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "core/datum.h"

char *
uuid_text(const pg_uuid_t *id)
{
	return DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(id)));
}

char *
time_text(TimestampTz time)
{
	return DatumGetCString(DirectFunctionCall1(timestamptz_out, TimestampTzGetDatum(time)));
}

char *
enum_text(Datum value)
{
	return DatumGetCString(DirectFunctionCall1(enum_out, value));
}
