/*
 * audit.h: the append-only record of what was changed by whom, where rights or money are
 * touched.
 */
#ifndef COURSEBASE_IDENTITY_AUDIT_H
#define COURSEBASE_IDENTITY_AUDIT_H

#include "postgres.h"

/*
 * Writes one row of audit_events with the rights of the tables' owner: the actor is whoever the
 * request's claims name (nobody, for an operator in psql), action a word such as
 * "role_changed", object what it was done to, such as "users/0190…", old_json and new_json the
 * values before and after as JSON text, or NULL. Part of the caller's transaction: a change
 * that is undone leaves no record. Connects to SPI by itself; may be called within it.
 */
extern void audit_write(const char *action, const char *object, const char *old_json,
						const char *new_json);

#endif
