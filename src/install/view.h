/*
 * view.h: a view of ours, as it is and as a release makes it.
 */
#ifndef COURSEBASE_INSTALL_VIEW_H
#define COURSEBASE_INSTALL_VIEW_H

#include "postgres.h"

#include "nodes/parsenodes.h"

typedef enum ViewVerdict
{
	VIEW_SAME,
	VIEW_UNSURE,  /* something that it reads is missing, or not as a release makes it */
	VIEW_DIFFERS, /* CREATE OR REPLACE VIEW brings back what it said */
	VIEW_DROPS,   /* CREATE VIEW does, after view_removal(): other columns, or no view */
} ViewVerdict;

/* Compares the view of that oid with the statement. known: oids of the tables and views that
 * are as a release makes them; with others nothing can be said. */
extern ViewVerdict view_compare(Oid view, ViewStmt *statement, const char *ddl, List *known);

/* The statement that makes room for the view of that name. What is no view keeps what it has,
 * under another name. */
extern char *view_removal(Oid view, const char *name);

#endif
