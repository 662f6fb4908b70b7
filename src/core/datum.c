/*
 * datum.c: values of SQL types as C values, where the server's own macros say too much.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "core/datum.h"

char *
uuid_text(const pg_uuid_t *id)
{
	return DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(id)));
}

/* By hand, because the input function raises on what is no uuid, and takes forms that tokens
 * never have: braces, no hyphens. */
bool
uuid_read(const char *text, Size size, pg_uuid_t *id)
{
	int digits = 0;

	if (size != 36)
		return false;
	memset(id, 0, sizeof(*id));
	for (int i = 0; i < 36; i++)
	{
		char c = text[i];
		int digit;

		if (i == 8 || i == 13 || i == 18 || i == 23)
		{
			if (c != '-')
				return false;
			continue;
		}
		/* the bit 0x20 is what parts capital letters from small ones */
		if (c >= '0' && c <= '9')
			digit = c - '0';
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			digit = (c | 0x20) - 'a' + 10;
		else
			return false;
		id->data[digits / 2] |= digits % 2 ? digit : digit << 4;
		digits++;
	}
	return true;
}

/* In the zone and the style of the session, as a client would see the column. */
char *
time_text(TimestampTz time)
{
	return DatumGetCString(DirectFunctionCall1(timestamptz_out, TimestampTzGetDatum(time)));
}

char *
time_utc_text(TimestampTz time)
{
	static const int utc = 0;

	return JsonEncodeDateTime(palloc(MAXDATELEN + 1), TimestampTzGetDatum(time), TIMESTAMPTZOID,
							  &utc);
}

/* The label is looked up in the catalogue's cache: a value of an enum is an oid. */
char *
enum_text(Datum value)
{
	return DatumGetCString(DirectFunctionCall1(enum_out, value));
}

/* How values of the type are stored is looked up: written by hand beside each array, it could
 * be another type's. */
Datum
array_of(Oid type, Datum *values, bool *nulls, int count)
{
	int lower = 1;
	int16 size;
	bool by_value;
	char align;

	get_typlenbyvalalign(type, &size, &by_value, &align);
	return PointerGetDatum(
		construct_md_array(values, nulls, 1, &count, &lower, type, size, by_value, align));
}
