/*
 * members.c: what a notice says, as the JSON that functions take.
 *
 * A notice has slices of raw JSON; a function takes an object of strings. Everything is
 * allocated in the current context.
 */
#include "postgres.h"

#include "utils/json.h"
#include "utils/timestamp.h"

#include "json/json_load.h"
#include "notifications/fields.h"
#include "notifications/members.h"

/* A string loses its quotes and escapes, a number stays as it is written. */
char *
notice_text(JsonSlice raw)
{
	size_t size;

	if (raw.size == 0)
		return NULL;
	if (raw.bytes[0] != '"')
		return pnstrdup(raw.bytes, raw.size);
	return json_string_text(raw, &size);
}

/* As the server escapes it. */
JsonSlice
raw_string(const char *text)
{
	StringInfoData raw;

	initStringInfo(&raw);
	escape_json(&raw, text);
	return (JsonSlice){raw.data, raw.len};
}

/* The closing brace is the caller's: nobody else knows the last member. */
void
member_text(StringInfo json, const char *name, const char *value)
{
	appendStringInfo(json, "%s\"%s\": ", json->len == 0 ? "{" : ", ", name);
	escape_json(json, value);
}

/* Numbers become strings: the functions take either. */
void
member_raw(StringInfo json, const char *name, JsonSlice raw)
{
	char *text = notice_text(raw);

	if (text != NULL)
		member_text(json, name, text);
}

/*
 * In the form that receipts and events take: milliseconds since 1970. FIELD_FOR_EVER becomes
 * the last second that they know.
 */
void
member_time(StringInfo json, const char *name, int64_t time)
{
	if (time == NOTICE_NO_TIME)
		return;
	member_text(json, name,
				time == FIELD_FOR_EVER
					? "9999-12-31T23:59:59Z"
					: psprintf(INT64_FORMAT, (time / 1000) + ((int64) POSTGRES_EPOCH_JDATE -
															  UNIX_EPOCH_JDATE) *
																 SECS_PER_DAY * 1000));
}
