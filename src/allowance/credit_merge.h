/*
 * credit_merge.h: two accounts of credits become one, when two accounts of a person do.
 */
#ifndef COURSEBASE_ALLOWANCE_CREDIT_MERGE_H
#define COURSEBASE_ALLOWANCE_CREDIT_MERGE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/uuid.h"

/*
 * Moves packs, log and account of one person to another. Both banks become one, and what the
 * one who goes has used of the week counts in the week of the other. The caller holds the locks
 * of both people, has the rights of the tables' owner, has connected to SPI, and has triggers
 * off: rows of the log are written anew. Subscriptions moved before, for they decide how large
 * the week is. Errors are those of credit_open().
 */
extern void credit_accounts_merge(const pg_uuid_t *keep, const pg_uuid_t *gone, TimestampTz at);

/* The key, in the current context, that a use of the one who went has where the other had used
 * the same key. */
extern char *credit_key_merged(const char *key, const pg_uuid_t *gone);

#endif
