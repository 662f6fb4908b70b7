/*
 * audit.h: the append-only record of who changed what, for changes of rights, money and
 * settings.
 */
#ifndef COURSEBASE_IDENTITY_AUDIT_H
#define COURSEBASE_IDENTITY_AUDIT_H

#include "postgres.h"

#include "utils/timestamp.h"

/*
 * Writes one row of audit_events with the rights of the tables' owner. The actor is the user
 * whom the claims of the request name, and NULL for an operator in psql. action is a word such
 * as "role_changed", object the changed row as "users/0190…", old_json and new_json the values
 * before and after as JSON text, or NULL.
 *
 * The row is part of the caller's transaction: a change that rolls back leaves no record.
 * Connects to SPI by itself and may be called between SPI_connect() and SPI_finish(). The texts
 * stay the caller's. Raises 22P02 for text that is no JSON, and KB001 without tables.
 */
extern void audit_write(const char *action, const char *object, const char *old_json,
						const char *new_json);

/* The same, but writes nothing if both values are equal or absent: another column changed. */
extern void audit_write_change(const char *action, const char *object, const char *old_json,
							   const char *new_json);

/*
 * Deletes events that are earlier than the time and older than the setting audit_retention_days
 * says, whole partitions first, and records that it did. Answers the rows that went with their
 * partition; other rows are at most *left, which they lessen. Nothing where the setting is 0.
 * Needs SPI_connect(); overwrites SPI_tuptable.
 */
extern int64 audit_purge(TimestampTz before, int64 *left);

#endif
