/*
 * credit_account.c: a person's account of credits and its log, read and written by statements.
 *
 * Invariant: the account and the last entry of its log say the same; they are written together.
 * Time alone turns weeks and raises the limit. Whoever next changes something writes that too,
 * as an entry of its own.
 *
 * Lock order: the row of users, then the account, then the log (identity/anchor.h). The account
 * comes before the log so that, of two transactions that saw the same entry, the second one
 * fails by the server's rule for snapshots (40001), which callers know how to repeat, and not
 * by a unique key.
 *
 * Rights: the statements run within owner_enter() of the entry point, because no policy lets
 * anybody write credits.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "allowance/credit_account.h"
#include "core/plan.h"
#include "core/row_kept.h"
#include "identity/anchor.h"

/* The columns of an account, with which every statement that reads one begins. */
#define ACCOUNT(alias)                                                                         \
	alias ".weekly_limit_credits, " alias ".weekly_used_credits, " alias                       \
		  ".bank_limit_credits, " alias ".bank_used_credits, " alias ".weekly_reset_date"

enum
{
	ACCOUNT_WEEKLY_LIMIT = 1,
	ACCOUNT_WEEKLY_USED,
	ACCOUNT_BANK_LIMIT,
	ACCOUNT_BANK_USED,
	ACCOUNT_RESET,
	ACCOUNT_COLUMNS = ACCOUNT_RESET,
};

/* What read_account and read_past have behind the account: the entry that left it. */
enum
{
	LAST_POSITION = ACCOUNT_COLUMNS + 1,
	LAST_AT,
	TIME_ZONE, /* read_account alone */
};

/* One row for every user, with nulls for what the user does not have. */
static KeptPlan read_account = {
	.sql = "SELECT " ACCOUNT(
		"a") ", l.position, l.at, p.time_zone "
			 "FROM (SELECT $1) AS u (id) "
			 "LEFT JOIN coursebase.user_profile p ON p.user_id = u.id "
			 "LEFT JOIN coursebase.ai_usage a ON a.user_id = u.id "
			 "LEFT JOIN LATERAL (SELECT e.position, e.at FROM coursebase.credit_log e "
			 "WHERE e.user_id = u.id ORDER BY e.position DESC LIMIT 1) l ON true",
	.nargs = 1,
	.types = {UUIDOID},
};

/* The account as the last entry up to $2 left it. */
static KeptPlan read_past = {
	.sql = "SELECT " ACCOUNT(
		"e") ", e.position, e.at "
			 "FROM coursebase.credit_log e WHERE e.user_id = $1 AND e.at <= $2 "
			 "ORDER BY e.at DESC, e.position DESC LIMIT 1",
	.nargs = 2,
	.types = {UUIDOID, TIMESTAMPTZOID},
};

/* $1 to $6 of every statement that writes: the user and the columns of the account. */
#define ACCOUNT_TYPES UUIDOID, INT8OID, INT8OID, INT8OID, INT8OID, TIMESTAMPTZOID

static KeptPlan insert_account = {
	.sql = "INSERT INTO coursebase.ai_usage (user_id, weekly_limit_credits, "
		   "weekly_used_credits, bank_limit_credits, bank_used_credits, weekly_reset_date) "
		   "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (user_id) DO NOTHING",
	.nargs = 6,
	.types = {ACCOUNT_TYPES},
};
static KeptPlan update_account = {
	.sql = "UPDATE coursebase.ai_usage SET weekly_limit_credits = $2, "
		   "weekly_used_credits = $3, bank_limit_credits = $4, bank_used_credits = $5, "
		   "weekly_reset_date = $6 WHERE user_id = $1",
	.nargs = 6,
	.types = {ACCOUNT_TYPES},
};
/* $7 and on: the entry. Seconds come as text, as two calls are compared by it. */
static KeptPlan insert_entry = {
	.sql = "INSERT INTO coursebase.credit_log (user_id, weekly_limit_credits, "
		   "weekly_used_credits, bank_limit_credits, bank_used_credits, weekly_reset_date, "
		   "position, kind, idempotency_key, seconds, credits, weekly_credits, bank_credits, "
		   "credit_purchase_id, at) VALUES "
		   "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::numeric, $11, $12, $13, $14, $15)",
	.nargs = 15,
	.types = {ACCOUNT_TYPES, INT8OID, TEXTOID, TEXTOID, TEXTOID, INT8OID, INT8OID, INT8OID,
			  UUIDOID, TIMESTAMPTZOID},
};

/* What the statements that read entries have behind the account. */
enum
{
	ENTRY_KIND = ACCOUNT_COLUMNS + 1,
	ENTRY_POSITION,
	ENTRY_SECONDS,
	ENTRY_PRICE,
	ENTRY_WEEKLY,
	ENTRY_BANK,
};

#define ENTRIES_WHERE                                                                          \
	"SELECT " ACCOUNT("e") ", e.kind, e.position, trim_scale(e.seconds)::text, e.credits, "    \
						   "e.weekly_credits, e.bank_credits FROM coursebase.credit_log e "    \
						   "WHERE "

/* The entries of a use: the one that began it and the one that ended it. */
static KeptPlan read_use = {
	.sql = ENTRIES_WHERE "e.user_id = $1 AND e.idempotency_key = $2 ORDER BY e.position",
	.nargs = 2,
	.types = {UUIDOID, TEXTOID},
};
static KeptPlan read_sale = {
	.sql = ENTRIES_WHERE "e.user_id = $1 AND e.credit_purchase_id = $2 AND e.kind = $3 "
						 "ORDER BY e.position DESC",
	.nargs = 3,
	.types = {UUIDOID, UUIDOID, TEXTOID},
};

static void state_read(CreditState *state, const pg_uuid_t *user, bool read_only);
static void last_entry_of_row(CreditState *state);
static bool account_of_row(CreditAccount *account, TimestampTz *reset, uint64 row);
static void entry_of_row(CreditEntry *entry, uint64 row);
static void account_write(CreditState *state);
static void entry_write(CreditState *state, CreditEntry *entry);
static void account_bind(PlanValues *values, const pg_uuid_t *user,
						 const CreditAccount *account, TimestampTz reset);

void
credit_open(CreditState *state, const pg_uuid_t *user, TimestampTz at, bool closed_too)
{
	/* the lock first: what is read after it, no other transaction can change before the commit
	 */
	if (closed_too)
		anchor_user_require(user);
	else
		anchor_open_user_require(user);
	state_read(state, user, false);
	state->at = Max(at, state->last_at);
	/*
	 * the caller's snapshot may be older than the wait for the lock: a new one sees that a plan
	 * has begun or ended meanwhile, whose credits would stay for the week
	 */
	PushActiveSnapshot(GetTransactionSnapshot());
	credit_state_advance(state);
	PopActiveSnapshot();
}

/*
 * Reads and never writes: the turn of a week that is due is computed and not stored, so that a
 * standby answers as well. For a time before the last entry the log answers.
 */
void
credit_look(CreditState *state, const pg_uuid_t *user, TimestampTz at)
{
	state_read(state, user, true);
	state->at = at;
	/* before the last entry the log tells what the account was */
	if (at < state->last_at)
	{
		Datum values[] = {UUIDPGetDatum(user), TimestampTzGetDatum(at)};

		state->begun = plan_execute(&read_past, values, NULL, true) > 0;
		memset(&state->account, 0, sizeof(state->account));
		if (state->begun)
			last_entry_of_row(state);
	}
	credit_state_advance(state);
}

/* The account as stored. Not read_only, the statement takes a snapshot of its own, which sees
 * what was committed while the lock was awaited. */
static void
state_read(CreditState *state, const pg_uuid_t *user, bool read_only)
{
	Datum key = UUIDPGetDatum(user);

	memset(state, 0, sizeof(*state));
	state->user = *user;
	plan_execute(&read_account, &key, NULL, read_only);
	credit_state_zone(state, plan_text(0, TIME_ZONE));
	last_entry_of_row(state);
	state->account_written = state->begun;
}

/* The first row of read_account or read_past; without an account nothing has begun. */
static void
last_entry_of_row(CreditState *state)
{
	state->begun = account_of_row(&state->account, &state->reset, 0);
	state->position = plan_int64_or(0, LAST_POSITION, 0);
	state->last_at = plan_time_or(0, LAST_AT, DT_NOBEGIN);
}

/* False, and nothing set, for a row without an account. */
static bool
account_of_row(CreditAccount *account, TimestampTz *reset, uint64 row)
{
	bool null;
	Datum end = plan_value_as(row, ACCOUNT_RESET, TIMESTAMPTZOID, &null);

	if (null)
		return false;
	*reset = DatumGetTimestampTz(end);
	account->weekly_limit = plan_int64(row, ACCOUNT_WEEKLY_LIMIT);
	account->weekly_used = plan_int64(row, ACCOUNT_WEEKLY_USED);
	account->bank_limit = plan_int64(row, ACCOUNT_BANK_LIMIT);
	account->bank_used = plan_int64(row, ACCOUNT_BANK_USED);
	return true;
}

/*
 * At most two entries have one key of a person: a reservation and its end. In the order of the
 * log.
 */
int
credit_entries(CreditEntry entries[2], const pg_uuid_t *user, const char *key)
{
	PlanValues values = {0};
	uint64 rows;

	plan_bind_uuid(&values, user);
	plan_bind_text(&values, key);
	rows = plan_execute_limit(&read_use, values.datums, values.nulls, false, 2);
	for (uint64 row = 0; row < rows; row++)
	{
		entry_of_row(&entries[row], row);
		entries[row].key = key;
	}
	return (int) rows;
}

bool
credit_purchase_entry(CreditEntry *entry, const pg_uuid_t *user, const pg_uuid_t *purchase,
					  const char *kind)
{
	PlanValues values = {0};

	plan_bind_uuid(&values, user);
	plan_bind_uuid(&values, purchase);
	plan_bind_text(&values, kind);
	if (plan_execute_limit(&read_sale, values.datums, values.nulls, false, 1) == 0)
		return false;
	entry_of_row(entry, 0);
	entry->purchase = purchase;
	return true;
}

/* An end without a price (release) has no seconds and no credits. */
static void
entry_of_row(CreditEntry *entry, uint64 row)
{
	account_of_row(&entry->account, &entry->reset, row);
	entry->kind = plan_text_required(row, ENTRY_KIND);
	entry->position = plan_int64(row, ENTRY_POSITION);
	entry->seconds = plan_text(row, ENTRY_SECONDS);
	entry->price = plan_int64_or(row, ENTRY_PRICE, 0);
	entry->change.weekly = plan_int64(row, ENTRY_WEEKLY);
	entry->change.bank = plan_int64(row, ENTRY_BANK);
}

void
credit_save(CreditState *state, CreditEntry *entry)
{
	entry->change = credit_difference(credit_left(&state->account), state->left);
	entry->account = state->account;
	entry->reset = state->reset;
	/* the account before the log: see the head of this file */
	account_write(state);
	if (state->by_time.kind != NULL)
		entry_write(state, &state->by_time);
	entry_write(state, entry);
	state->left = credit_left(&state->account);
	state->by_time.kind = NULL;
	state->account_written = true;
}

/* Inserts the account if there was none under the lock, else updates it. */
static void
account_write(CreditState *state)
{
	KeptPlan *plan = state->account_written ? &update_account : &insert_account;
	PlanValues values = {0};

	account_bind(&values, &state->user, &state->account, state->reset);
	/*
	 * a row was expected and not written: another transaction made or removed the account,
	 * which this one's older snapshot does not show
	 */
	if (plan_execute(plan, values.datums, values.nulls, false) != 1)
		row_kept_raise("ai_usage", "the account of credits was not written");
}

/* Positions count from the last entry that was read under the lock, so that there is no gap. */
static void
entry_write(CreditState *state, CreditEntry *entry)
{
	PlanValues values = {0};

	entry->position = ++state->position;
	account_bind(&values, &state->user, &entry->account, entry->reset);
	plan_bind_int64(&values, entry->position);
	plan_bind_text(&values, entry->kind);
	plan_bind_text(&values, entry->key);
	plan_bind_text(&values, entry->seconds);
	plan_bind_nullable(&values, Int64GetDatum(entry->price),
					   entry->seconds == NULL && entry->price == 0);
	plan_bind_int64(&values, entry->change.weekly);
	plan_bind_int64(&values, entry->change.bank);
	plan_bind_uuid(&values, entry->purchase);
	plan_bind_time(&values, state->at);
	plan_execute(&insert_entry, values.datums, values.nulls, false);
}

/* $1 to $6, of the types ACCOUNT_TYPES. */
static void
account_bind(PlanValues *values, const pg_uuid_t *user, const CreditAccount *account,
			 TimestampTz reset)
{
	plan_bind_uuid(values, user);
	plan_bind_int64(values, account->weekly_limit);
	plan_bind_int64(values, account->weekly_used);
	plan_bind_int64(values, account->bank_limit);
	plan_bind_int64(values, account->bank_used);
	plan_bind_time(values, reset);
}
