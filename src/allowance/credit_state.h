/*
 * credit_state.h: a person's account of credits at a time: as it was left, and what time alone
 * has done to it since.
 */
#ifndef COURSEBASE_ALLOWANCE_CREDIT_STATE_H
#define COURSEBASE_ALLOWANCE_CREDIT_STATE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"
#include "pgtime.h"
#include "utils/uuid.h"

#include "allowance/credit_burn.h"

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

/*
 * The account as it is now, with the weeks that turn until that time; what the log says is left
 * out. Reads with the active snapshot, past row security: who calls has decided that the answer
 * may be known. Goes without SPI where the indexes can be read directly, and connects by itself
 * where they cannot.
 */
extern void credit_state_look(CreditState *state, const pg_uuid_t *user, TimestampTz at);

/* The zone of the person's calendar; NULL, and what is none, is UTC. */
extern void credit_state_zone(CreditState *state, const char *name);

/* What time alone does until state->at. */
extern void credit_state_advance(CreditState *state);

/* Appends the account as the JSON that a handshake and a purchase answer. */
extern void credit_state_write(StringInfo out, const CreditState *state);

extern CreditAmount credit_difference(CreditAmount after, CreditAmount before);

/* ISO 8601 in UTC. */
extern char *credit_time_words(TimestampTz time);

#endif
