/*
 * access.h: events that tell of access, and the words in which they do.
 */
#ifndef COURSEBASE_EVENTS_ACCESS_H
#define COURSEBASE_EVENTS_ACCESS_H

#include "postgres.h"

#include "utils/timestamp.h"
#include "utils/uuid.h"

/* The sources of access, as events and access_turns() name them. */
#define SOURCE_GRANT       "grant"
#define SOURCE_PURCHASE    "purchase"
#define SOURCE_SLOT        "premium_slot"
#define SOURCE_ENTITLEMENT "entitlement"

/* The subject of an entitlement as a whole: its name follows. */
#define SUBJECT_OF_ENTITLEMENT "entitlements/"

/*
 * An end of access is DT_NOEND for access that lasts, DT_NOBEGIN for none. The functions write
 * an event when the ends before and after differ and one of them is yet to come, need SPI, and
 * raise what event_write() does.
 *
 * access_tell() takes both ends over all sources. course_tell() takes those of one source and
 * asks for the end that the others (bits of CourseSource) give the course; it needs an active
 * snapshot that sees what the statement did. course_changed_tell() asks for both ends, for a
 * trigger after a statement: under the snapshot that access_snapshot_push() pushed, with what
 * that returned.
 */
extern void access_tell(const pg_uuid_t *user, const char *subject, TimestampTz was,
						TimestampTz is, const char *source);
extern void course_tell(const pg_uuid_t *user, const pg_uuid_t *course, uint32 others,
						TimestampTz was, TimestampTz is, const char *source);
extern void course_changed_tell(const pg_uuid_t *user, const pg_uuid_t *course, CommandId since,
								const char *source);

/*
 * Pushes a snapshot of this moment at every isolation level; the caller pops it. Returns the
 * command from which on rows are of the statement that fired the trigger, or of the outermost
 * one whose triggers of ours run: what those write belongs to it.
 */
extern CommandId access_snapshot_push(void);

#endif
