/*
 * link.h: what a cell asks of home while it works: an ordinary connection, kept for the
 * session.
 *
 * The connection of home.h is one for replication. It occupies one of home's few senders, and
 * is made only to join, once. Before PostgreSQL 17 the server's own code makes no connection of
 * another kind, so that this one is made with the client's library itself. That library is in
 * the process as soon as the server's library for subscriptions is, which is loaded when a cell
 * first asks home; where there is one server it never is.
 */
#ifndef COURSEBASE_CELLS_LINK_H
#define COURSEBASE_CELLS_LINK_H

#include "postgres.h"

#include "nodes/pg_list.h"

#include "cells/cell.h"

/*
 * Runs a statement on home, in a transaction of its own there, and answers its rows as a List
 * of const char **, ncolumns columns as text, in the current context. values are the parameters
 * as text. No column of an answer is null: what stands at home's address and answers otherwise
 * is not home.
 *
 * The first call of a session connects, by the conninfo of the subscription, and so does one
 * after the connection was lost: a statement may then have run before, and must be one that may
 * run twice. Waits at most for the setting home_timeout_ms, and ends when the session is
 * canceled. Raises home's own error, all of it, where it is of class KB, and KBC12 where home
 * cannot be reached, answers too late, answers something else or refuses otherwise.
 */
extern List *link_ask(const char *sql, int nvalues, const char *const *values, int ncolumns);

#endif
