/*
 * partition.h: tables that an operator partitioned by time.
 */
#ifndef COURSEBASE_INSTALL_PARTITION_H
#define COURSEBASE_INSTALL_PARTITION_H

#include "postgres.h"

/* False for a relation that is not there, too. */
extern bool relation_is_partitioned(Oid relation);

/*
 * Raises 42P16 for a partitioned table that may not be one, or lacks what it needs, in a
 * sentence; passes every other relation.
 */
extern void partition_require(Oid relation, const char *table);

#endif
