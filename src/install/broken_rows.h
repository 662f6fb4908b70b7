/*
 * broken_rows.h: a rule that a table is to have, and rows that it has and that break the rule.
 */
#ifndef COURSEBASE_INSTALL_BROKEN_ROWS_H
#define COURSEBASE_INSTALL_BROKEN_ROWS_H

#include "postgres.h"

#include "nodes/parsenodes.h"

/*
 * Runs an ALTER TABLE of one command that adds a CHECK or SET NOT NULL. Where rows break it,
 * raises 23514 or 23502 with the key of one of them, how many they are, and the query that
 * lists them; the server's own message names none.
 */
extern void broken_rows_refuse(AlterTableStmt *statement);

#endif
