/*
 * key.h: keys and references of our tables, as they are and as a release makes them.
 */
#ifndef COURSEBASE_INSTALL_KEY_H
#define COURSEBASE_INSTALL_KEY_H

#include "postgres.h"

#include "nodes/parsenodes.h"

/* Whether the table has a constraint of that name that is of another kind or, where it is a key
 * or a reference, of other columns, with other actions or judged at another time. */
extern bool key_differs(Oid table, const Constraint *constraint);

/* What takes it away; of a key with the references to it, which install() makes
 * anew as well. */
extern char *key_removal(const char *table, const Constraint *constraint);

#endif
