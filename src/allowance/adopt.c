/*
 * adopt.c: the log of credit accounts, for rows that came without it.
 *
 * Invariants: as in credit_account.c and credit_pack.c: the account is what its log ends in,
 * and the bank holds what its packs hold. An account without a log gets the entries that lead
 * to it: the week as it stands, a pack each, what was refunded of packs (nothing, where all was
 * spent), and what was spent of the bank as one use. A bank that holds more than the packs that
 * came gets a pack of the rest. A bank that holds less is left without a log, and so are packs
 * that no bank could hold together, a bigint as it is: check_integrity() names them.
 */
#include "postgres.h"

#include "allowance/adopt.h"

/* clang-format off */
/* What the packs of each person hold and brought, as numeric: the sums may pass a bigint. */
#define HELD \
	"(SELECT c.user_id, sum(c.credits - c.refunded_credits) AS held," \
	"  sum(c.credits) AS bought, min(c.purchased_at) AS first_at" \
	" FROM coursebase.ai_credit_purchases c GROUP BY c.user_id)"
/* Of all that was bought, for the log has that before it has the refunds. */
#define BANK_HOLDS(credits) "coalesce(" credits ", 0) <= 9223372036854775807"
#define WITHOUT_LOG(person) \
	"NOT EXISTS (SELECT FROM coursebase.credit_log l WHERE l.user_id = " person ")"

/*
 * With a week that ended long ago: the next change of the account begins a new one, with the
 * allowance of its time. Hours are the same in every session's time zone, days are not.
 */
static KeptPlan make_accounts = {
	.sql =
	"INSERT INTO coursebase.ai_usage (user_id, weekly_limit_credits, weekly_reset_date,"
	"  bank_limit_credits, created_at, updated_at)"
	" SELECT h.user_id, 0, h.first_at + interval '168 hours', h.held, h.first_at, h.first_at"
	" FROM " HELD " h JOIN coursebase.users u ON u.id = h.user_id"
	" WHERE " BANK_HOLDS("h.bought")
	"  AND NOT EXISTS (SELECT FROM coursebase.ai_usage a WHERE a.user_id = h.user_id)"
	"  AND " WITHOUT_LOG("h.user_id"),
};
static KeptPlan make_packs = {
	.sql =
	"INSERT INTO coursebase.ai_credit_purchases (user_id, product_id, credits, source,"
	"  environment, purchase_id, purchase_token, purchased_at)"
	" SELECT a.user_id, 'opening_balance', a.bank_limit_credits - coalesce(h.held, 0),"
	"  'adopted', 'production', a.user_id::text, '', a.created_at"
	" FROM coursebase.ai_usage a JOIN coursebase.users u ON u.id = a.user_id"
	" LEFT JOIN " HELD " h ON h.user_id = a.user_id"
	" WHERE a.bank_limit_credits > coalesce(h.held, 0)"
	"  AND " BANK_HOLDS("a.bank_limit_credits - h.held + h.bought")
	"  AND " WITHOUT_LOG("a.user_id"),
};
/* part is the order of the kinds; the sums are what the bank holds, and what is spent of it. */
static KeptPlan write_log = {
	.sql =
	"WITH account AS MATERIALIZED ("
	"  SELECT a.* FROM coursebase.ai_usage a JOIN coursebase.users u ON u.id = a.user_id"
	"  LEFT JOIN " HELD " h ON h.user_id = a.user_id"
	"  WHERE a.bank_limit_credits = coalesce(h.held, 0) AND " BANK_HOLDS("h.bought")
	"   AND " WITHOUT_LOG("a.user_id")
	" ), entry (user_id, part, pack_at, pack_id, kind, held, used) AS ("
	"  SELECT a.user_id, 1, NULL::timestamptz, NULL::uuid, 'start', 0::bigint, 0::bigint"
	"  FROM account a"
	"  UNION ALL"
	"  SELECT c.user_id, 2, c.purchased_at, c.id, 'pack', c.credits, 0"
	"  FROM coursebase.ai_credit_purchases c"
	"  UNION ALL"
	"  SELECT c.user_id, 3, c.purchased_at, c.id, 'refund', -c.refunded_credits, 0"
	"  FROM coursebase.ai_credit_purchases c"
	"  WHERE c.claimed_credits > 0"
	"  UNION ALL"
	"  SELECT a.user_id, 4, NULL, NULL, 'consume', 0, a.bank_used_credits"
	"  FROM account a WHERE a.bank_used_credits > 0"
	" )"
	" INSERT INTO coursebase.credit_log (user_id, position, kind, idempotency_key, seconds,"
	"  credits, weekly_credits, bank_credits, weekly_limit_credits, weekly_used_credits,"
	"  weekly_reset_date, bank_limit_credits, bank_used_credits, credit_purchase_id, at)"
	" SELECT a.user_id, row_number() OVER w, e.kind,"
	"  CASE e.kind WHEN 'consume' THEN 'adopted' END,"
	"  CASE e.kind WHEN 'consume' THEN e.used END, CASE e.kind WHEN 'consume' THEN e.used END,"
	"  CASE e.kind WHEN 'start' THEN a.weekly_limit_credits - a.weekly_used_credits ELSE 0 END,"
	"  e.held - e.used, a.weekly_limit_credits, a.weekly_used_credits, a.weekly_reset_date,"
	"  sum(e.held) OVER w, sum(e.used) OVER w, e.pack_id, a.updated_at"
	" FROM account a JOIN entry e ON e.user_id = a.user_id"
	" WINDOW w AS (PARTITION BY a.user_id ORDER BY e.part, e.pack_at, e.pack_id"
	"  ROWS UNBOUNDED PRECEDING)",
};
/* clang-format on */

static void adopt(Adoption *adoption);

const AdoptionPart allowance_adoption = {
	.tables = "coursebase.ai_usage, coursebase.ai_credit_purchases, coursebase.credit_log",
	.adopt = adopt,
};

static void
adopt(Adoption *adoption)
{
	adoption_make(adoption, "credit accounts of packs", &make_accounts);
	adoption_make(adoption, "packs of opening balances", &make_packs);
	adoption_make(adoption, "entries of credit logs", &write_log);
}
