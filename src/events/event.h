/*
 * event.h: one row of access_events, and whether any is wanted.
 */
#ifndef COURSEBASE_EVENTS_EVENT_H
#define COURSEBASE_EVENTS_EVENT_H

#include "postgres.h"

#include "utils/timestamp.h"
#include "utils/uuid.h"

/* Whether the setting events_out is on and no dump is being restored. Errors are those of
 * setting_boolean(). */
extern bool events_wanted(void);

/*
 * Writes an event with the rights of the tables' owner, in the caller's transaction, and
 * notifies when the setting events_notify is on. kind is a label of access_event_kind; source
 * may be NULL; until is DT_NOEND where nothing ends. Needs SPI and an active snapshot; nothing
 * is kept of the arguments. Errors are those of an INSERT.
 *
 * event_write() trusts that the person's row of users stays: the transaction has written or
 * locked a row whose foreign key points to it. event_write_gone() is for everything else, such
 * as a row that was deleted: the foreign key is checked again.
 */
extern void event_write(const char *kind, const pg_uuid_t *user, const char *subject,
						const char *source, TimestampTz until);
extern void event_write_gone(const char *kind, const pg_uuid_t *user, const char *subject,
							 const char *source, TimestampTz until);

/* What an event is about: the table and the key as text, in the current context. */
extern char *event_subject(const char *table, const pg_uuid_t *id);

#endif
