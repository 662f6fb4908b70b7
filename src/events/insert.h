/*
 * insert.h: a row of access_events written without SPI.
 */
#ifndef COURSEBASE_EVENTS_INSERT_H
#define COURSEBASE_EVENTS_INSERT_H

#include "postgres.h"

#include "access/transam.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

/* An event before it has its id, time and xid. */
typedef struct Event
{
	const char *kind; /* a label of access_event_kind */
	const pg_uuid_t *user;
	const char *subject;
	const char *source; /* NULL: none */
	TimestampTz until;  /* DT_NOEND: none */
	bool held;          /* the transaction holds a row that keeps the person's row of users */
} Event;

/*
 * Writes the row as an INSERT of the tables' owner would: constraints, indexes, row triggers
 * and the foreign key do what they do, except that the key is not looked up again for a person
 * who is held. False, with nothing written, for a table that only a
 * statement can write: one that the operator partitioned, distributed, or gave columns, rules
 * or statement triggers of their own. Errors are those of an INSERT.
 */
extern bool event_put(const Event *event);

#endif
