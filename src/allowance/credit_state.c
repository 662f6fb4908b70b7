/*
 * credit_state.c: a person's account of credits at a time: as the last change left it, and what
 * time alone has done since.
 *
 * Only this file knows when a week turns and what the new one brings. Nothing here writes, so
 * that a handshake on a standby may ask. The account is read straight from the index, because
 * every computed handshake asks.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "allowance/credit_state.h"
#include "allowance/week.h"
#include "billing/premium.h"
#include "core/datum.h"
#include "core/rows.h"
#include "core/setting.h"

/* The columns of account_by_user. */
enum
{
	COLUMN_WEEKLY_LIMIT,
	COLUMN_WEEKLY_USED,
	COLUMN_BANK_LIMIT,
	COLUMN_BANK_USED,
	COLUMN_RESET,
	COLUMNS,
};

/* The stored account: core/rows.h says when it is read without a statement. */
static RowsSource account_by_user = {
	.table = "ai_usage",
	.index = "ai_usage_pkey",
	.nkeys = 1,
	.keys = {{"user_id", UUIDOID}},
	.ncolumns = COLUMNS,
	.columns = {{"weekly_limit_credits", INT8OID},
				{"weekly_used_credits", INT8OID},
				{"bank_limit_credits", INT8OID},
				{"bank_used_credits", INT8OID},
				{"weekly_reset_date", TIMESTAMPTZOID}},
};

/* The time zone of the person's calendar, by which weeks turn. */
static RowsSource profile_by_user = {
	.table = "user_profile",
	.index = "user_profile_pkey",
	.nkeys = 1,
	.keys = {{"user_id", UUIDOID}},
	.ncolumns = 1,
	.columns = {{"time_zone", TEXTOID}},
};

#define ZONE_NAME 0

/* What week_step() is called with. */
typedef struct Calendar
{
	pg_tz *zone;
	TimestampTz week_begin; /* of the week that the last step passed */
} Calendar;

static void account_read(CreditState *state, Datum user);
static void zone_read(CreditState *state, Datum user);
static int64 allowance(CreditState *state, TimestampTz at);
static int64_t week_step(void *calendar, int64_t instant);
static void by_time_note(CreditState *state, const char *kind, CreditAmount before);

/* The account and the zone are two reads by a key, without a statement. */
void
credit_state_look(CreditState *state, const pg_uuid_t *user, TimestampTz at)
{
	memset(state, 0, sizeof(*state));
	state->user = *user;
	state->at = at;
	state->last_at = DT_NOBEGIN;
	account_read(state, UUIDPGetDatum(user));
	zone_read(state, UUIDPGetDatum(user));
	state->account_written = state->begun;
	credit_state_advance(state);
}

/* Without a row no week has begun: nobody has spent or been given anything. */
static void
account_read(CreditState *state, Datum user)
{
	Rows rows;

	rows_open(&rows, &account_by_user, GetActiveSnapshot());
	rows_find(&rows, &user);
	if (rows_next(&rows))
	{
		CreditAccount *account = &state->account;

		state->begun = true;
		account->weekly_limit = DatumGetInt64(rows_value(&rows, COLUMN_WEEKLY_LIMIT));
		account->weekly_used = DatumGetInt64(rows_value(&rows, COLUMN_WEEKLY_USED));
		account->bank_limit = DatumGetInt64(rows_value(&rows, COLUMN_BANK_LIMIT));
		account->bank_used = DatumGetInt64(rows_value(&rows, COLUMN_BANK_USED));
		state->reset = DatumGetTimestampTz(rows_value(&rows, COLUMN_RESET));
	}
	rows_close(&rows);
}

/* A person without a profile has no zone. */
static void
zone_read(CreditState *state, Datum user)
{
	char *name = NULL;
	Rows rows;

	rows_open(&rows, &profile_by_user, GetActiveSnapshot());
	rows_find(&rows, &user);
	if (rows_next(&rows))
		name = TextDatumGetCString(rows_value(&rows, ZONE_NAME));
	rows_close(&rows);
	credit_state_zone(state, name);
}

/*
 * A zone that this server's files do not know (an older release of them) counts as UTC: a week
 * must turn somewhere.
 */
void
credit_state_zone(CreditState *state, const char *name)
{
	state->zone = name != NULL ? pg_tzset(name) : NULL;
	if (state->zone == NULL)
		state->zone = pg_tzset("GMT");
}

/*
 * A week that turned unseen has the allowance of the moment at which it turned, not of the
 * moment at which somebody looks: so the account is the same whoever looks, and when.
 */
void
credit_state_advance(CreditState *state)
{
	CreditAmount before = credit_left(&state->account);
	Calendar calendar = {state->zone, DT_NOBEGIN};
	int64_t weeks = 0;
	const char *kind = NULL;

	if (!state->begun)
		state->reset = week_step(&calendar, state->at);
	else
		state->reset = week_end(state->reset, state->at, week_step, &calendar, &weeks);
	state->from = weeks > 0 ? calendar.week_begin : DT_NOBEGIN;
	if (!state->begun || weeks > 0)
	{
		credit_turn(&state->account, allowance(state, calendar.week_begin));
		kind = state->begun ? "turn" : "start";
	}
	/* a lower allowance waits for the turn of the week, a higher one counts at once */
	if (credit_raise(&state->account, allowance(state, state->at)) && kind == NULL)
		kind = "raise";
	if (kind != NULL)
		by_time_note(state, kind, before);
	state->left = credit_left(&state->account);
}

/* Credits a week at that moment: the largest of what is held and of what is free. */
static int64
allowance(CreditState *state, TimestampTz at)
{
	EntitlementLimits limits;

	entitlement_limits(&limits, &state->user, at);
	return Max(limits.weekly_credits, setting_integer("free_weekly_credits"));
}

/*
 * Seven civil days later, as timestamptz + interval '7 days' gives it in the calendar's zone,
 * so that a week turns at the same time of day through changes of the clocks.
 */
static int64_t
week_step(void *calendar, int64_t instant)
{
	Calendar *c = calendar;
	struct pg_tm tm;
	fsec_t fraction;
	int zone;
	TimestampTz later;

	CHECK_FOR_INTERRUPTS();
	c->week_begin = instant;
	if (timestamp2tm(instant, &zone, &tm, &fraction, NULL, c->zone) == 0)
	{
		j2date(date2j(tm.tm_year, tm.tm_mon, tm.tm_mday) + 7, &tm.tm_year, &tm.tm_mon,
			   &tm.tm_mday);
		zone = DetermineTimeZoneOffset(&tm, c->zone);
		if (tm2timestamp(&tm, fraction, &zone, &later) == 0 && IS_VALID_TIMESTAMP(later))
			return later;
	}
	ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
					errmsg("the end of the week is out of range")));
}

/* What time alone did, as the entry that the next change writes before its own. */
static void
by_time_note(CreditState *state, const char *kind, CreditAmount before)
{
	state->by_time.kind = kind;
	state->by_time.change = credit_difference(credit_left(&state->account), before);
	state->by_time.account = state->account;
	state->by_time.reset = state->reset;
}

/* Negative where less is left. */
CreditAmount
credit_difference(CreditAmount after, CreditAmount before)
{
	return (CreditAmount){after.weekly - before.weekly, after.bank - before.bank};
}

/* Written by hand, because the answer must be the same byte for byte in every session. */
void
credit_state_write(StringInfo out, const CreditState *state)
{
	appendStringInfo(out,
					 "{\"weekly_limit_credits\":" INT64_FORMAT
					 ",\"weekly_used_credits\":" INT64_FORMAT ",\"weekly_reset_date\":",
					 state->account.weekly_limit, state->account.weekly_used);
	if (state->begun)
		appendStringInfo(out, "\"%s\"", time_utc_text(state->reset));
	else
		appendStringInfoString(out, "null");
	appendStringInfo(
		out, ",\"bank_limit_credits\":" INT64_FORMAT ",\"bank_used_credits\":" INT64_FORMAT "}",
		state->account.bank_limit, state->account.bank_used);
}
