/*
 * credit.h: what the files of credits share: a person's account as a call finds and leaves it.
 *
 * Every function that writes locks the row of the user first, and then reads with a new
 * snapshot: what it found stays true until it commits. All need SPI and the rights of the
 * tables' owner.
 */
#ifndef COURSEBASE_CREDIT_H
#define COURSEBASE_CREDIT_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "fmgr.h"
#include "pgtime.h"
#include "utils/uuid.h"

#include "credit_burn.h"

/* What an entry of the log says: a change, and what it left. */
typedef struct CreditEntry
{
	const char *kind;
	const char *key;           /* NULL: no use */
	const char *seconds;       /* NULL: no price */
	int64 price;               /* counts where there are seconds */
	const pg_uuid_t *purchase; /* NULL: no pack */
	CreditAmount change;       /* of what is left */
	CreditAccount account;
	TimestampTz reset;
	int64 position;
} CreditEntry;

typedef struct CreditState
{
	pg_uuid_t user;
	pg_tz *zone;
	bool begun; /* false: no week has begun, and reset is when one that begins now would end */
	CreditAccount account;
	TimestampTz reset;
	TimestampTz from; /* the week's begin where it turned by time alone, else DT_NOBEGIN */
	TimestampTz at;   /* never before the last entry */
	int64 position;   /* of the last entry, 0: none */
	TimestampTz last_at;
	CreditAmount left;    /* when the call's own change began */
	CreditEntry by_time;  /* kind NULL: time alone changed nothing */
	bool account_written; /* there is a row of ai_usage */
} CreditState;

/* credit_account.c: raises KB106 for a user that is unknown or, unless closed_too, closed. */
extern void credit_open(CreditState *state, const pg_uuid_t *user, TimestampTz at,
						bool closed_too);
/* The same without a lock and in the caller's snapshot; past: as the log has it at that time.
 */
extern void credit_look(CreditState *state, const pg_uuid_t *user, TimestampTz at, bool past);
/* Writes what time did and what the entry says; fills in what it left. */
extern void credit_save(CreditState *state, CreditEntry *entry);
/* The entries of a key (or, key NULL, of a purchase), the first one first; at most two. */
extern int credit_entries(CreditEntry *entries, const pg_uuid_t *user, const char *key,
						  const pg_uuid_t *purchase);
extern TimestampTz credit_time_argument(FunctionCallInfo fcinfo, int argument);
extern void credit_argument_require(FunctionCallInfo fcinfo, int argument, const char *name);
/* Seconds without trailing zeros, and their price; raises 22023 for what is no length. */
extern char *credit_seconds_argument(FunctionCallInfo fcinfo, int argument, int64 *price);
/* ISO 8601 in UTC. */
extern char *credit_time_words(TimestampTz time);

/* credit_pack.c: takes what came back to packs that were refunded meanwhile off the bank. */
extern void credit_packs_take(CreditState *state);

#endif
