/*
 * home.h: what a cell asks of home over a connection for logical replication.
 *
 * The server makes such connections for subscriptions (libpqwalreceiver), and so there is no
 * other library, and no other way to write where home is. A connection is not the memory's: it
 * is to be closed after an error, too.
 */
#ifndef COURSEBASE_CELLS_HOME_H
#define COURSEBASE_CELLS_HOME_H

#include "postgres.h"

#include "nodes/pg_list.h"

#include "core/compat.h"

/* What home publishes, and the subscription of a cell. */
#define CATALOGUE_PUBLICATION "coursebase_catalogue"
#define KEPT_PUBLICATION      "coursebase_kept"
#define SUBSCRIPTION          "coursebase_home"

/* A table that home publishes, by names without quotes, in the current context. */
typedef struct HomeTable
{
	char *name;
	List *columns; /* of char * */
} HomeTable;

/* Raises 08001 where home cannot be reached. */
extern WalReceiverConn *home_connect(const char *conninfo);

/* The tables that home publishes, as a List of HomeTable *; errors are those of home. */
extern List *home_tables(WalReceiverConn *connection);

/* Drops the slot, once nobody uses it; a slot that is not there is none. */
extern void home_drop_slot(WalReceiverConn *connection, const char *slot);

/*
 * Makes the slot. From then on home_copy() reads what was committed where the slot begins, so
 * that the subscription brings every later change, and none twice.
 */
extern void home_begin(WalReceiverConn *connection, const char *slot);

/* Copies the columns of a table of home into the table of this server. */
extern void home_copy(WalReceiverConn *connection, const HomeTable *table, Oid into);

/*
 * After an error: closes the connection and drops the slot, which would make home keep its log.
 * Raises nothing; a slot that cannot be dropped is one that lint() on home names.
 */
extern void home_abandon(WalReceiverConn *connection, const char *conninfo, const char *slot);

/* The names in a text[], as a List of char *. */
extern List *home_names(Datum array);

/* The names, quoted and separated by commas, each after a prefix. */
extern char *home_columns(List *names, const char *prefix);

#endif
