/*
 * credit_merge.c: two accounts of credits become one.
 *
 * Invariants: the log that is left tells the bank at every time as the sum of both banks; a
 * use keeps its key, so that a repeated call finds it (of two uses with one key the other
 * person's gets a longer one); what is left in the bank is what was left in both. Of the weeks
 * only that of the kept person is told: an entry of the other's log that time alone made is
 * left out, and one that used the week shows what it took from the bank. What the other has
 * used of the running week becomes one use at the end. A reservation of the other that is still
 * open gives back to the bank what it took there, and nothing to the week.
 *
 * Locks and rights: the caller's.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"

#include "allowance/credit_account.h"
#include "allowance/credit_merge.h"
#include "core/datum.h"
#include "core/plan.h"

/* How many characters of a key stay where the other person has it too: the id of the account
 * goes behind them, and a key has at most 200. */
#define KEY_KEPT      150
#define KEY_BEGINNING "left(t.idempotency_key, " CppAsString2(KEY_KEPT) ")"

/* $1 keeps, $2 goes. How many of the two have an account. */
static KeptPlan count_accounts = {
	.sql = "SELECT count(*) FILTER (WHERE a.user_id = $1),"
		   " count(*) FILTER (WHERE a.user_id = $2)"
		   " FROM coursebase.ai_usage a WHERE a.user_id IN ($1, $2)",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};
static KeptPlan move_packs = {
	.sql = "UPDATE coursebase.ai_credit_purchases SET user_id = $1 WHERE user_id = $2",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};
static KeptPlan move_log = {
	.sql = "UPDATE coursebase.credit_log SET user_id = $1 WHERE user_id = $2",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};
static KeptPlan move_account = {
	.sql = "UPDATE coursebase.ai_usage SET user_id = $1 WHERE user_id = $2",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};
/*
 * Both logs in the order of time. What one person's log says between two of its entries is what
 * its last entry left (filled). Before the kept person's first week there is no week, and its
 * end is that of the first.
 */
static KeptPlan join_logs = {
	.sql =
		"WITH taken AS ("
		"  DELETE FROM coursebase.credit_log l WHERE l.user_id IN ($1, $2)"
		"  RETURNING l.*"
		" ), told AS ("
		"  SELECT t.*, t.user_id = $1 AS kept,"
		/* credit_key_merged() makes the same key */
		"   CASE WHEN t.user_id = $2 AND EXISTS (SELECT FROM taken o WHERE o.user_id = $1"
		"     AND o.idempotency_key = t.idempotency_key)"
		"    THEN " KEY_BEGINNING " || ':' || $2 ELSE t.idempotency_key END AS key"
		"  FROM taken t"
		" ), ordered AS ("
		"  SELECT t.*, row_number() OVER w AS place,"
		"   count(*) FILTER (WHERE t.kept) OVER w AS kept_before,"
		"   count(*) FILTER (WHERE NOT t.kept) OVER w AS gone_before"
		"  FROM told t"
		"  WINDOW w AS (ORDER BY t.at, NOT t.kept, t.position ROWS UNBOUNDED PRECEDING)"
		" ), filled AS ("
		"  SELECT o.*,"
		"   first_value(CASE WHEN o.kept THEN o.weekly_limit_credits END) OVER k AS week_limit,"
		"   first_value(CASE WHEN o.kept THEN o.weekly_used_credits END) OVER k AS week_used,"
		"   first_value(CASE WHEN o.kept THEN o.weekly_reset_date END) OVER k AS week_end,"
		"   first_value(CASE WHEN o.kept THEN o.bank_limit_credits END) OVER k AS k_limit,"
		"   first_value(CASE WHEN o.kept THEN o.bank_used_credits END) OVER k AS k_used,"
		"   first_value(CASE WHEN NOT o.kept THEN o.bank_limit_credits END) OVER g AS g_limit,"
		"   first_value(CASE WHEN NOT o.kept THEN o.bank_used_credits END) OVER g AS g_used"
		"  FROM ordered o WINDOW k AS (PARTITION BY o.kept_before ORDER BY o.place),"
		"   g AS (PARTITION BY o.gone_before ORDER BY o.place)"
		" )"
		" INSERT INTO coursebase.credit_log (user_id, position, kind, idempotency_key, seconds,"
		"  credits, weekly_credits, bank_credits, weekly_limit_credits, weekly_used_credits,"
		"  weekly_reset_date, bank_limit_credits, bank_used_credits, credit_purchase_id, at,"
		"  created_at)"
		" SELECT $1, row_number() OVER (ORDER BY f.place), f.kind, f.key, f.seconds, f.credits,"
		"  CASE WHEN f.kept THEN f.weekly_credits ELSE 0 END, f.bank_credits,"
		"  coalesce(f.week_limit, 0), coalesce(f.week_used, 0),"
		"  coalesce(f.week_end, (SELECT min(t.weekly_reset_date) FROM taken t"
		"   WHERE t.user_id = $1)),"
		"  coalesce(f.k_limit, 0) + coalesce(f.g_limit, 0),"
		"  coalesce(f.k_used, 0) + coalesce(f.g_used, 0), f.credit_purchase_id, f.at,"
		"  f.created_at"
		" FROM filled f WHERE f.kept OR f.kind NOT IN ('start', 'turn', 'raise')",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};
static KeptPlan join_accounts = {
	.sql = "WITH gone AS (DELETE FROM coursebase.ai_usage WHERE user_id = $2 RETURNING *)"
		   " UPDATE coursebase.ai_usage a"
		   " SET bank_limit_credits = a.bank_limit_credits + g.bank_limit_credits,"
		   "  bank_used_credits = a.bank_used_credits + g.bank_used_credits, updated_at = now()"
		   " FROM gone g WHERE a.user_id = $1",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};

static void week_use(const pg_uuid_t *keep, const pg_uuid_t *gone, TimestampTz at, int64 used);

/*
 * Triggers are off while this runs (account/merge.c): the log and the account are moved as they
 * stand.
 */
void
credit_accounts_merge(const pg_uuid_t *keep, const pg_uuid_t *gone, TimestampTz at)
{
	Datum people[] = {UUIDPGetDatum(keep), UUIDPGetDatum(gone)};
	KeptPlan *const moves[] = {&move_packs, &move_log, &move_account};
	KeptPlan *const joins[] = {&move_packs, &join_logs, &join_accounts};
	CreditState state;
	int64 kept, went;

	plan_execute_latest(&count_accounts, people, NULL);
	kept = plan_int64(0, 1);
	went = plan_int64(0, 2);
	if (went == 0)
		return;
	/* an account that nobody has to share moves whole, with its log as it is */
	if (kept == 0)
	{
		for (int i = 0; i < lengthof(moves); i++)
			plan_execute_latest(moves[i], people, NULL);
		return;
	}
	/* of the week that runs now, which the last entry may not know yet */
	credit_open(&state, gone, at, true);
	for (int i = 0; i < lengthof(joins); i++)
		plan_execute_latest(joins[i], people, NULL);
	if (state.account.weekly_used > 0)
		week_use(keep, gone, at, state.account.weekly_used);
}

char *
credit_key_merged(const char *key, const pg_uuid_t *gone)
{
	return psprintf("%.*s:%s", pg_mbcharcliplen(key, strlen(key), KEY_KEPT), key,
					uuid_text(gone));
}

/* One use of as much of the kept person's week as the other has used of theirs. */
static void
week_use(const pg_uuid_t *keep, const pg_uuid_t *gone, TimestampTz at, int64 used)
{
	CreditState state;
	CreditEntry entry = {
		.kind = "consume",
		.key = psprintf("merged:%s", uuid_text(gone)),
		.seconds = "0",
	};

	credit_open(&state, keep, at, true);
	entry.price = Min(used, state.account.weekly_limit - state.account.weekly_used);
	if (entry.price <= 0)
		return;
	state.account.weekly_used += entry.price;
	credit_save(&state, &entry);
}
