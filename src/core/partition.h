/*
 * partition.h: partitions by time, which an operator may give to a few of the tables.
 */
#ifndef COURSEBASE_CORE_PARTITION_H
#define COURSEBASE_CORE_PARTITION_H

#include "postgres.h"

#include "utils/timestamp.h"

/*
 * Drops the partitions of a table of ours whose rows are all earlier than the time, with the
 * rights of the tables' owner, and answers how many rows went. A partition of another owner
 * stays, and so does one that somebody holds: nobody is waited for. Of a table without
 * partitions it drops nothing. Needs SPI_connect(); overwrites SPI_tuptable.
 */
extern int64 partitions_drop(const char *table, TimestampTz before);

#endif
