/*
 * audit.h: the append-only record of who changed what, for changes of rights, money and
 * settings.
 */
#ifndef COURSEBASE_IDENTITY_AUDIT_H
#define COURSEBASE_IDENTITY_AUDIT_H

#include "postgres.h"

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

#endif
