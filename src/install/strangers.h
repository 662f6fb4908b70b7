/*
 * strangers.h: columns of a database's own that have the name of ours.
 */
#ifndef COURSEBASE_INSTALL_STRANGERS_H
#define COURSEBASE_INSTALL_STRANGERS_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* Names the columns that are there with another type than the steps give them, with both
 * types, in the current context; NULL for none. A column that a step gives its type is none. */
extern char *strangers_find(List *steps);

/* The HINT for an error of install(): what may be in the way of a step, and how it goes out of
 * the way. Looks nothing up. */
extern void strangers_hint(const char *strangers);

#endif
