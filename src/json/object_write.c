/*
 * object_write.c: a JSON object written into a buffer, member by member.
 *
 * Names and texts pass through json_write_string(): whatever they hold, the object is JSON. A
 * comma is written in front of every member but the first, which is known from the length of
 * what stands there.
 */
#include "postgres.h"

#include "core/datum.h"
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

/* In UTC, so that the same instant is the same text in a session of any time zone. */
void
object_time(StringInfo out, const char *name, TimestampTz value)
{
	if (value != MEMBERS_NO_TIME)
		object_text(out, name, time_utc_text(value));
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

/*
 * A comma stands before every member but the first, which comes right after the opening brace;
 * spaces as json_build_object() puts them.
 */
static void
name_write(StringInfo out, const char *name)
{
	if (out->len > 1)
		appendStringInfoString(out, ", ");
	json_write_string(out, name, strlen(name));
	appendStringInfoString(out, ": ");
}
