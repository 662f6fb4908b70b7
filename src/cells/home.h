/*
 * home.h: what a cell asks of home over a connection for logical replication.
 *
 * The server has the code for such connections, because subscriptions use it
 * (libpqwalreceiver): no other library is needed, and the address of home has the form that
 * CREATE SUBSCRIPTION takes. No memory context closes a connection: the caller closes it, after
 * an error as well (walrcv_disconnect(), home_abandon()).
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

/*
 * Drops the slot, and waits up to ten seconds while a sender still uses it (55006). A slot that
 * does not exist is no error; any other error of home is raised with home's SQLSTATE.
 */
extern void home_drop_slot(WalReceiverConn *connection, const char *slot);

/*
 * Makes the slot, in a transaction on home that stays open. From then on home_copy() reads what
 * was committed at the place where the slot begins: the subscription brings every later change,
 * and none twice. Home's errors are raised with home's SQLSTATE.
 */
extern void home_begin(WalReceiverConn *connection, const char *slot);

/*
 * Copies the columns of a table of home into the table of this server, whose columns have the
 * same names. Takes ROW EXCLUSIVE on the table until the transaction ends. Errors are home's,
 * or those of COPY.
 */
extern void home_copy(WalReceiverConn *connection, const HomeTable *table, Oid into);

/*
 * After an error behind home_begin(): closes the connection and drops the slot, which would
 * make home keep its log. Raises nothing; a slot that cannot be dropped is one that lint() on
 * home names.
 */
extern void home_abandon(WalReceiverConn *connection, const char *conninfo, const char *slot);

/* The names in a text[], as a List of char *. */
extern List *home_names(Datum array);

/* The names, quoted and separated by commas, each after a prefix. */
extern char *home_columns(List *names, const char *prefix);

#endif
