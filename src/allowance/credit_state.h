/*
 * credit_state.h: a person's account of credits at a time: as the last change left it, and what
 * time alone has done since.
 *
 * The structs are the caller's; texts in them point to memory that the caller keeps. Errors are
 * those of core/rows.h, core/setting.h and billing/premium.h, and 22008 for a week that ends
 * out of range.
 */
#ifndef COURSEBASE_ALLOWANCE_CREDIT_STATE_H
#define COURSEBASE_ALLOWANCE_CREDIT_STATE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"
#include "pgtime.h"
#include "utils/uuid.h"

#include "allowance/credit_burn.h"

/* An entry of the log: a change, and the account as the change left it. */
typedef struct CreditEntry
{
	const char *kind;          /* as the column credit_log.kind */
	const char *key;           /* NULL: the change is no use */
	const char *seconds;       /* NULL: the change has no price */
	int64 price;               /* of a use; without seconds what a refund took, or 0 */
	const pg_uuid_t *purchase; /* NULL: the change is of no pack */
	CreditAmount change;       /* of what is left in week and bank */
	CreditAccount account;
	TimestampTz reset;
	int64 position;
} CreditEntry;

typedef struct CreditState
{
	pg_uuid_t user;
	pg_tz *zone; /* of the person's calendar */
	bool begun;  /* false: no week has begun, and reset is when one that begins now would end */
	CreditAccount account;
	TimestampTz reset;   /* when the week turns */
	TimestampTz from;    /* when the week began, if it turned by time alone; else DT_NOBEGIN */
	TimestampTz at;      /* the time asked about; of an open account not before last_at */
	int64 position;      /* of the last entry; 0: none */
	TimestampTz last_at; /* time of the last entry; DT_NOBEGIN: none */
	CreditAmount left;   /* after what time alone did: the call's own change counts from here */
	CreditEntry by_time; /* what time alone did; kind NULL: nothing */
	bool account_written; /* there is a row of ai_usage */
} CreditState;

/*
 * The stored account, with the weeks that turn until that time; the log is not looked at. Reads
 * with the active snapshot, past row security: the caller has decided that the answer may be
 * known. Needs no SPI_connect().
 */
extern void credit_state_look(CreditState *state, const pg_uuid_t *user, TimestampTz at);

/* Sets the zone of the person's calendar by its name; NULL, and no zone's name, is UTC. */
extern void credit_state_zone(CreditState *state, const char *name);

/* Does to the account what time alone does until state->at. Zone and stored account are set. */
extern void credit_state_advance(CreditState *state);

/* Appends the account as the JSON that handshakes and purchases answer. */
extern void credit_state_write(StringInfo out, const CreditState *state);

extern CreditAmount credit_difference(CreditAmount after, CreditAmount before);

#endif
