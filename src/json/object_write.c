/*
 * object_write.c: a JSON object written into a buffer, member by member.
 *
 * For small objects of known members, as answers and audit records are. What
 * json_build_object() would write of the same values, byte for byte.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/datetime.h"
#include "utils/json.h"
#include "utils/timestamp.h"

#include "json/json_write.h"
#include "json/members.h"
#include "json/object_write.h"

static void name_write(StringInfo out, const char *name);

void
object_begin(StringInfo out)
{
	initStringInfo(out);
	appendStringInfoChar(out, '{');
}

void
object_text(StringInfo out, const char *name, const char *value)
{
	if (value == NULL)
		return;
	name_write(out, name);
	json_write_string(out, value, strlen(value));
}

/* An int and not a bool, because a flag may be absent: as members_flag() reads it. */
void
object_flag(StringInfo out, const char *name, int value)
{
	if (value != MEMBERS_NO_FLAG)
		object_json(out, name, value == 1 ? "true" : "false");
}

void
object_time(StringInfo out, const char *name, TimestampTz value)
{
	static const int utc = 0;
	char text[MAXDATELEN + 1];

	if (value == MEMBERS_NO_TIME)
		return;
	/* the server's own writer of times in JSON, in UTC */
	JsonEncodeDateTime(text, TimestampTzGetDatum(value), TIMESTAMPTZOID, &utc);
	object_text(out, name, text);
}

/* The text is not checked: it comes from the server's own JSON functions. */
void
object_json(StringInfo out, const char *name, const char *value)
{
	if (value == NULL)
		return;
	name_write(out, name);
	appendStringInfoString(out, value);
}

char *
object_end(StringInfo out)
{
	appendStringInfoChar(out, '}');
	return out->data;
}

/* A comma stands before every member but the first; spaces as json_build_object() puts them. */
static void
name_write(StringInfo out, const char *name)
{
	if (out->len > 1)
		appendStringInfoString(out, ", ");
	json_write_string(out, name, strlen(name));
	appendStringInfoString(out, ": ");
}
