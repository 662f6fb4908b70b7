/*
 * object_write.h: a JSON object written into a buffer, member by member.
 *
 *	StringInfoData out;
 *
 *	object_begin(&out);
 *	object_text(&out, "status", status);
 *	object_end(&out);
 *
 * A member without a value (a text that is NULL, a time or a flag that is absent) is left out.
 * The buffer is allocated in the current context. Raises program_limit_exceeded when the buffer
 * would pass the server's limit of 1 GB.
 */
#ifndef COURSEBASE_JSON_OBJECT_WRITE_H
#define COURSEBASE_JSON_OBJECT_WRITE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"

extern void object_begin(StringInfo out);

/* A string; nothing for NULL. */
extern void object_text(StringInfo out, const char *name, const char *value);

/* true or false; nothing for MEMBERS_NO_FLAG. */
extern void object_flag(StringInfo out, const char *name, int value);

/* ISO 8601 in UTC, the same in a session of any time zone; nothing for MEMBERS_NO_TIME. */
extern void object_time(StringInfo out, const char *name, TimestampTz value);

/* A value that is JSON text already; nothing for NULL. */
extern void object_json(StringInfo out, const char *name, const char *value);

/* Closes the object, and answers its text: that of the buffer. */
extern char *object_end(StringInfo out);

#endif
