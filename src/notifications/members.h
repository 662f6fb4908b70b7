/*
 * members.h: what a notice says, as the JSON that functions take. All of it is in the current
 * context.
 */
#ifndef COURSEBASE_NOTIFICATIONS_MEMBERS_H
#define COURSEBASE_NOTIFICATIONS_MEMBERS_H

#include "postgres.h"

#include "lib/stringinfo.h"

#include "notifications/notice.h"

/* The text of a raw JSON string or number, without quotes and escapes; NULL for an absent
 * member. */
extern char *notice_text(JsonSlice raw);

/* A text as a raw JSON string: the members of a notice are slices of JSON, quotes included. */
extern JsonSlice raw_string(const char *text);

/* Appends a member, and the opening brace before the first one. */
extern void member_text(StringInfo json, const char *name, const char *value);

/* The same of a raw string or number; nothing where the notice does not have it. */
extern void member_raw(StringInfo json, const char *name, JsonSlice raw);

/* A time as receipts and events take it; nothing for NOTICE_NO_TIME. */
extern void member_time(StringInfo json, const char *name, int64_t time);

#endif
