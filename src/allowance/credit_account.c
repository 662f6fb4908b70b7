/*
 * credit_account.c: a person's credits, found, brought up to a time, and written with their
 * log.
 *
 * The account and the last entry of the log are written together and say the same. Time alone
 * turns weeks and raises the limit; that is written by whoever next changes something, as an
 * entry of its own. The account is written before the log, so that of two who saw the same the
 * second fails as the server's rule for snapshots says (40001) and not on a key.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "allowance/credit.h"
#include "core/errors.h"
#include "core/plan.h"
#include "identity/anchor.h"

/* A change that the caller's rights do not allow runs within owner_enter() of the entry point.
 */
/* One row, whatever there is. */
static KeptPlan read_account = {
	.sql = "SELECT p.time_zone, a.weekly_limit_credits, a.weekly_used_credits, "
		   "a.bank_limit_credits, a.bank_used_credits, a.weekly_reset_date, l.position, l.at "
		   "FROM (SELECT $1) AS u (id) "
		   "LEFT JOIN coursebase.user_profile p ON p.user_id = u.id "
		   "LEFT JOIN coursebase.ai_usage a ON a.user_id = u.id "
		   "LEFT JOIN LATERAL (SELECT e.position, e.at FROM coursebase.credit_log e "
		   "WHERE e.user_id = u.id ORDER BY e.position DESC LIMIT 1) l ON true",
	.nargs = 1,
	.types = {UUIDOID},
};

static KeptPlan read_past = {
	.sql = "SELECT NULL::text, e.weekly_limit_credits, e.weekly_used_credits, "
		   "e.bank_limit_credits, e.bank_used_credits, e.weekly_reset_date, e.position, e.at "
		   "FROM coursebase.credit_log e WHERE e.user_id = $1 AND e.at <= $2 "
		   "ORDER BY e.at DESC, e.position DESC LIMIT 1",
	.nargs = 2,
	.types = {UUIDOID, TIMESTAMPTZOID},
};

static KeptPlan insert_account = {
	.sql = "INSERT INTO coursebase.ai_usage (user_id, weekly_limit_credits, "
		   "weekly_used_credits, bank_limit_credits, bank_used_credits, weekly_reset_date) "
		   "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (user_id) DO NOTHING",
	.nargs = 6,
	.types = {UUIDOID, INT8OID, INT8OID, INT8OID, INT8OID, TIMESTAMPTZOID},
};

static KeptPlan update_account = {
	.sql = "UPDATE coursebase.ai_usage SET weekly_limit_credits = $2, "
		   "weekly_used_credits = $3, bank_limit_credits = $4, bank_used_credits = $5, "
		   "weekly_reset_date = $6 WHERE user_id = $1",
	.nargs = 6,
	.types = {UUIDOID, INT8OID, INT8OID, INT8OID, INT8OID, TIMESTAMPTZOID},
};

static KeptPlan insert_entry = {
	.sql = "INSERT INTO coursebase.credit_log (user_id, weekly_limit_credits, "
		   "weekly_used_credits, bank_limit_credits, bank_used_credits, weekly_reset_date, "
		   "position, kind, idempotency_key, seconds, credits, weekly_credits, bank_credits, "
		   "credit_purchase_id, at) VALUES "
		   "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::numeric, $11, $12, $13, $14, $15)",
	.nargs = 15,
	.types = {UUIDOID, INT8OID, INT8OID, INT8OID, INT8OID, TIMESTAMPTZOID, INT8OID, TEXTOID,
			  TEXTOID, TEXTOID, INT8OID, INT8OID, INT8OID, UUIDOID, TIMESTAMPTZOID},
};

#define ENTRY_COLUMNS                                                                          \
	"SELECT e.kind, e.weekly_limit_credits, e.weekly_used_credits, e.bank_limit_credits, "     \
	"e.bank_used_credits, e.weekly_reset_date, e.position, trim_scale(e.seconds)::text, "      \
	"e.credits, e.weekly_credits, e.bank_credits FROM coursebase.credit_log e WHERE "

static KeptPlan read_use = {
	.sql = ENTRY_COLUMNS "e.user_id = $1 AND e.idempotency_key = $2 ORDER BY e.position",
	.nargs = 2,
	.types = {UUIDOID, TEXTOID},
};

static KeptPlan read_sale = {
	.sql = ENTRY_COLUMNS "e.credit_purchase_id = $1 ORDER BY e.position",
	.nargs = 1,
	.types = {UUIDOID},
};

static void state_read(CreditState *state, bool read_only);
static void row_read(CreditState *state);
static void account_write(CreditState *state);
static void account_datums(Datum *values, const CreditState *state,
						   const CreditAccount *account, TimestampTz reset);
static void entry_write(CreditState *state, CreditEntry *entry);
static int64 row_integer(uint64 row, int column);

void
credit_open(CreditState *state, const pg_uuid_t *user, TimestampTz at, bool closed_too)
{
	Anchored anchored = anchor_user(user);

	if (anchored == ANCHORED_NONE || (anchored == ANCHORED_CLOSED && !closed_too))
		ereport(ERROR,
				(errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such user"),
				 errdetail("No user has the id %s, or the account was deleted.",
						   DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(user)))),
				 errhint("Call upsert_user() when a person signs up.")));
	memset(state, 0, sizeof(*state));
	state->user = *user;
	state_read(state, false);
	state->at = Max(at, state->last_at);
	credit_state_advance(state);
}

void
credit_look(CreditState *state, const pg_uuid_t *user, TimestampTz at)
{
	Datum values[] = {UUIDPGetDatum(user), TimestampTzGetDatum(at)};

	memset(state, 0, sizeof(*state));
	state->user = *user;
	state_read(state, true);
	state->at = at;
	if (at < state->last_at)
	{
		state->begun = plan_execute(&read_past, values, NULL, true) > 0;
		if (state->begun)
			row_read(state);
		else
			memset(&state->account, 0, sizeof(state->account));
	}
	credit_state_advance(state);
}

static void
state_read(CreditState *state, bool read_only)
{
	Datum key = UUIDPGetDatum(&state->user);

	plan_execute(&read_account, &key, NULL, read_only);
	credit_state_zone(state, SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1));
	state->last_at = DT_NOBEGIN;
	row_read(state);
	state->account_written = state->begun;
}

static void
row_read(CreditState *state)
{
	bool null;

	state->account.weekly_limit = row_integer(0, 2);
	state->account.weekly_used = row_integer(0, 3);
	state->account.bank_limit = row_integer(0, 4);
	state->account.bank_used = row_integer(0, 5);
	state->reset = DatumGetTimestampTz(plan_value(0, 6, TIMESTAMPTZOID, &null));
	state->begun = !null;
	state->position = row_integer(0, 7);
	if (state->position > 0)
		state->last_at = DatumGetTimestampTz(plan_value(0, 8, TIMESTAMPTZOID, &null));
}

void
credit_save(CreditState *state, CreditEntry *entry)
{
	entry->change = credit_difference(credit_left(&state->account), state->left);
	entry->account = state->account;
	entry->reset = state->reset;
	account_write(state);
	if (state->by_time.kind != NULL)
		entry_write(state, &state->by_time);
	entry_write(state, entry);
}

static void
account_write(CreditState *state)
{
	KeptPlan *plan = state->account_written ? &update_account : &insert_account;
	Datum values[6];

	account_datums(values, state, &state->account, state->reset);
	if (plan_execute(plan, values, NULL, false) != 1)
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("the account of credits changed meanwhile"),
						errhint("Try the transaction again.")));
}

static void
account_datums(Datum *values, const CreditState *state, const CreditAccount *account,
			   TimestampTz reset)
{
	values[0] = UUIDPGetDatum(&state->user);
	values[1] = Int64GetDatum(account->weekly_limit);
	values[2] = Int64GetDatum(account->weekly_used);
	values[3] = Int64GetDatum(account->bank_limit);
	values[4] = Int64GetDatum(account->bank_used);
	values[5] = TimestampTzGetDatum(reset);
}

static void
entry_write(CreditState *state, CreditEntry *entry)
{
	Datum values[15] = {0};
	char nulls[15];

	entry->position = ++state->position;
	memset(nulls, ' ', sizeof(nulls));
	account_datums(values, state, &entry->account, entry->reset);
	values[6] = Int64GetDatum(entry->position);
	values[7] = CStringGetTextDatum(entry->kind);
	nulls[8] = entry->key != NULL ? ' ' : 'n';
	if (entry->key != NULL)
		values[8] = CStringGetTextDatum(entry->key);
	nulls[9] = nulls[10] = entry->seconds != NULL ? ' ' : 'n';
	if (entry->seconds != NULL)
		values[9] = CStringGetTextDatum(entry->seconds);
	values[10] = Int64GetDatum(entry->price);
	values[11] = Int64GetDatum(entry->change.weekly);
	values[12] = Int64GetDatum(entry->change.bank);
	nulls[13] = entry->purchase != NULL ? ' ' : 'n';
	if (entry->purchase != NULL)
		values[13] = UUIDPGetDatum(entry->purchase);
	values[14] = TimestampTzGetDatum(state->at);
	plan_execute(&insert_entry, values, nulls, false);
}

int
credit_entries(CreditEntry *entries, const pg_uuid_t *user, const char *key,
			   const pg_uuid_t *purchase)
{
	Datum values[2] = {UUIDPGetDatum(key != NULL ? user : purchase)};
	uint64 rows;
	bool null;

	if (key != NULL)
		values[1] = CStringGetTextDatum(key);
	rows = plan_execute_limit(key != NULL ? &read_use : &read_sale, values, NULL, false, 2);
	for (uint64 row = 0; row < rows; row++)
	{
		CreditEntry *e = &entries[row];

		e->kind = SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, 1);
		e->key = key;
		e->purchase = purchase;
		e->account.weekly_limit = row_integer(row, 2);
		e->account.weekly_used = row_integer(row, 3);
		e->account.bank_limit = row_integer(row, 4);
		e->account.bank_used = row_integer(row, 5);
		e->reset = DatumGetTimestampTz(plan_value(row, 6, TIMESTAMPTZOID, &null));
		e->position = row_integer(row, 7);
		e->seconds = SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, 8);
		e->price = row_integer(row, 9);
		e->change.weekly = row_integer(row, 10);
		e->change.bank = row_integer(row, 11);
	}
	return (int) rows;
}

/* Null is 0. */
static int64
row_integer(uint64 row, int column)
{
	bool null;
	Datum value = plan_value(row, column, INT8OID, &null);

	return null ? 0 : DatumGetInt64(value);
}

TimestampTz
credit_time_argument(FunctionCallInfo fcinfo, int argument)
{
	TimestampTz at;

	credit_argument_require(fcinfo, argument, "at");
	at = PG_GETARG_TIMESTAMPTZ(argument);
	if (TIMESTAMP_NOT_FINITE(at))
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("the time must be finite")));
	return at;
}

char *
credit_seconds_argument(FunctionCallInfo fcinfo, int argument, int64 *price)
{
	char *seconds;
	int64_t whole;

	credit_argument_require(fcinfo, argument, "seconds");
	seconds = DatumGetCString(DirectFunctionCall1(
		numeric_out, DirectFunctionCall1(numeric_trim_scale, PG_GETARG_DATUM(argument))));
	if (!credit_price(seconds, strlen(seconds), &whole))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("seconds must be a number of seconds, and not negative"),
						errdetail("They are %s.", seconds)));
	*price = whole;
	return seconds;
}

void
credit_argument_require(FunctionCallInfo fcinfo, int argument, const char *name)
{
	if (PG_ARGISNULL(argument))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("argument %s must not be null", name)));
}
