/*
 * replicated.h: whether a table's rows come from another server.
 */
#ifndef COURSEBASE_CORE_REPLICATED_H
#define COURSEBASE_CORE_REPLICATED_H

#include "postgres.h"

/*
 * True where a subscription of this database brings the rows of the table and not the versions
 * that stand for them: a catalogue that comes from home. False for a copy of the whole schema,
 * in which everything that a trigger would write comes along. Reads the server's catalogue with
 * a snapshot of its own; allocates nothing that stays; raises nothing.
 */
extern bool replicated_without_versions(Oid relation);

/* The same of any subscription, also one to everything. */
extern bool replicated_here(Oid relation);

#endif
