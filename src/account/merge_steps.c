/*
 * merge_steps.c: the statements with which one account's rows become another's.
 *
 * Invariant: each row with the id of the one who goes gets that of the one who keeps, or is
 * made one with the row that is there already, or stays and is named here. A test
 * (merge_contract) compares what is left with the columns of the catalogue, so that no table is
 * forgotten.
 *
 * What stays with the closed account: uses of a discount code that both have used (a person
 * uses a code once, and both uses count); the credit for a person brought between the two,
 * revoked; who brought the one who goes, where the other was brought too; the audit trail and
 * events, which tell what was so then.
 *
 * Triggers are off, those of foreign keys too: the statements keep what keys say, rows that
 * others point to first.
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "account/merge_steps.h"
#include "core/owner.h"

/* $1 keeps, $2 goes, $3 is the time. */
#define STEP(statement)                                                                        \
	{                                                                                          \
		.sql = statement, .nargs = 3, .types = { UUIDOID, UUIDOID, TIMESTAMPTZOID }            \
	}
/* Every row that is left of the table. */
#define MOVE(table) STEP("UPDATE coursebase." table " SET user_id = $1 WHERE user_id = $2")

/* clang-format off */
/* Rows k of the one who keeps and g of the one who goes, of which there may be one. */
#define BOTH(table) "coursebase." table " g WHERE k.user_id = $1 AND g.user_id = $2"
/* Both are in one organisation, in one role: merge.c refuses two roles. */
#define ONE_MEMBERSHIP(table) \
	STEP("UPDATE coursebase." table " t SET membership_id = k.id" \
		 " FROM coursebase.memberships k, " BOTH("memberships") \
		 " AND k.organization_id = g.organization_id AND t.membership_id = g.id")
/* A person's entitlement to one program: what gives more access stays. */
#define RANK(alias) "array_position('{active,pending,revoked}'::text[], " alias ".status::text)"
#define ONE_ENTITLEMENT \
	" FROM coursebase.course_entitlements k, " BOTH("course_entitlements") \
	" AND k.program_id = g.program_id"

static KeptPlan steps_of_organizations[] = {
	/* organisations: the rows that point to a membership before the membership */
	ONE_MEMBERSHIP("payment_transactions"),
	ONE_MEMBERSHIP("course_entitlements"),
	STEP("DELETE FROM coursebase.memberships g USING coursebase.memberships k"
		 " WHERE k.user_id = $1 AND g.user_id = $2 AND k.organization_id = g.organization_id"),
	MOVE("memberships"),
	MOVE("payment_transactions"),

	/* programs: of two completions of one place the earlier one, with the notes of both as far
	 * as a completion may have notes: a longer text would refuse the merge */
	STEP("UPDATE coursebase.course_workout_completions c SET"
		 " completed_at = least(c.completed_at, o.completed_at),"
		 " notes = left(concat_ws(E'\\n', c.notes, o.notes), 2000)"
		 " FROM coursebase.course_workout_completions o, coursebase.course_entitlements k, "
		 BOTH("course_entitlements") " AND k.program_id = g.program_id"
		 " AND c.entitlement_id = k.id AND o.entitlement_id = g.id"
		 " AND c.course_workout_id = o.course_workout_id"),
	STEP("DELETE FROM coursebase.course_workout_completions o"
		 " USING coursebase.course_workout_completions c, coursebase.course_entitlements k, "
		 BOTH("course_entitlements") " AND k.program_id = g.program_id"
		 " AND c.entitlement_id = k.id AND o.entitlement_id = g.id"
		 " AND c.course_workout_id = o.course_workout_id"),
	STEP("UPDATE coursebase.course_workout_completions o SET entitlement_id = k.id"
		 ONE_ENTITLEMENT " AND o.entitlement_id = g.id"),
	/* who has not begun in the account that is kept has begun in the other: current_day() counts
	 * from there */
	STEP("UPDATE coursebase.course_entitlements k SET updated_at = now(),"
		 " start_date = coalesce(k.start_date, g.start_date),"
		 " membership_id = coalesce(k.membership_id, g.membership_id),"
		 " restart_count = greatest(k.restart_count, g.restart_count)"
		 " FROM " BOTH("course_entitlements") " AND k.program_id = g.program_id"
		 "  AND " RANK("k") " <= " RANK("g")),
	/* the key of the payment is unique: the row that had it goes first */
	STEP("WITH gone AS (DELETE FROM coursebase.course_entitlements g"
		 "  USING coursebase.course_entitlements k WHERE k.user_id = $1 AND g.user_id = $2"
		 "  AND k.program_id = g.program_id RETURNING g.*)"
		 " UPDATE coursebase.course_entitlements k SET status = g.status,"
		 "  start_date = coalesce(g.start_date, k.start_date),"
		 "  access_revoked_at = g.access_revoked_at,"
		 "  source_payment_transaction_id = g.source_payment_transaction_id,"
		 "  membership_id = coalesce(g.membership_id, k.membership_id),"
		 "  restart_count = greatest(k.restart_count, g.restart_count), updated_at = now()"
		 " FROM gone g WHERE k.user_id = $1 AND k.program_id = g.program_id"
		 "  AND " RANK("g") " < " RANK("k")),
	MOVE("course_entitlements"),
	STEP("UPDATE coursebase.course_entitlements e SET completed_at = d.done FROM ("
		 "  SELECT t.id, CASE WHEN count(k.id) = count(w.id) AND count(w.id) > 0"
		 "   THEN max(k.completed_at) END AS done"
		 "  FROM coursebase.course_entitlements t"
		 "  LEFT JOIN coursebase.course_workouts w ON w.program_id = t.program_id"
		 "   AND NOT w.is_rest"
		 "  LEFT JOIN coursebase.course_workout_completions k ON k.entitlement_id = t.id"
		 "   AND k.course_workout_id = w.id"
		 "  WHERE t.user_id = $1 GROUP BY t.id) d"
		 " WHERE e.id = d.id AND e.completed_at IS DISTINCT FROM d.done"),
};

static KeptPlan steps_of_person[] = {
	/* sales: of two grants of one course by hand the later end, no end above all */
	MOVE("purchases"),
	STEP("UPDATE coursebase.course_grants k SET updated_at = now(),"
		 " created_at = least(k.created_at, g.created_at),"
		 " expires_at = nullif(greatest(coalesce(k.expires_at, 'infinity'),"
		 "  coalesce(g.expires_at, 'infinity')), 'infinity')"
		 " FROM " BOTH("course_grants") " AND k.course_id = g.course_id"
		 " AND k.purchase_id IS NULL AND g.purchase_id IS NULL"),
	STEP("DELETE FROM coursebase.course_grants g USING coursebase.course_grants k"
		 " WHERE k.user_id = $1 AND g.user_id = $2 AND k.course_id = g.course_id"
		 " AND k.purchase_id IS NULL AND g.purchase_id IS NULL"),
	MOVE("course_grants"),
	STEP("UPDATE coursebase.user_course_access k SET updated_at = now(),"
		 " created_at = least(k.created_at, g.created_at) FROM " BOTH("user_course_access")
		 " AND k.course_id = g.course_id"),
	STEP("DELETE FROM coursebase.user_course_access g USING coursebase.user_course_access k"
		 " WHERE k.user_id = $1 AND g.user_id = $2 AND k.course_id = g.course_id"),
	MOVE("user_course_access"),
	STEP("UPDATE coursebase.user_lesson_complete k SET updated_at = now(),"
		 " created_at = least(k.created_at, g.created_at) FROM " BOTH("user_lesson_complete")
		 " AND k.lesson_id = g.lesson_id"),
	STEP("DELETE FROM coursebase.user_lesson_complete g"
		 " USING coursebase.user_lesson_complete k"
		 " WHERE k.user_id = $1 AND g.user_id = $2 AND k.lesson_id = g.lesson_id"),
	MOVE("user_lesson_complete"),

	/* stores: a course that both have is had once; the use of a discount may stay, and each
	 * receipt says which one it is before it moves */
	STEP("UPDATE coursebase.store_receipts r SET discount_redemption_id = d.id"
		 " FROM coursebase.discount_redemptions d WHERE r.user_id = $2"
		 " AND r.discount_redemption_id IS NULL AND d.user_id = r.user_id"
		 " AND d.order_ref = r.discount_order_ref"),
	MOVE("store_receipts"),
	STEP("WITH twice AS (UPDATE coursebase.course_purchases g SET status = 'invalid',"
		 "  updated_at = now() FROM coursebase.course_purchases k"
		 "  WHERE k.user_id = $1 AND g.user_id = $2 AND k.course_id = g.course_id"
		 "  AND k.voice IS NOT DISTINCT FROM g.voice AND k.status = 'valid'"
		 "  AND g.status = 'valid'"
		 "  AND (k.source = 'premium_slot') = (g.source = 'premium_slot')"
		 "  RETURNING g.source, g.environment, g.purchase_id)"
		 " UPDATE coursebase.store_receipts r SET status = 'duplicate', updated_at = now()"
		 " FROM twice t WHERE r.source = t.source AND r.environment = t.environment"
		 " AND r.purchase_id = t.purchase_id AND r.status = 'valid'"),
	MOVE("course_purchases"),
	MOVE("store_notifications"),

	/* lines without a name of the store's are named by the person; merge.c folds them anew */
	STEP("UPDATE coursebase.subscriptions g SET user_id = $1 WHERE g.user_id = $2"
		 " AND EXISTS (SELECT FROM coursebase.subscription_events e WHERE e.user_id = $2)"
		 " AND NOT EXISTS (SELECT FROM coursebase.subscriptions k WHERE k.user_id = $1)"),
	STEP("UPDATE coursebase.subscription_events e SET user_id = $1, subscription_id = k.id"
		 " FROM coursebase.subscriptions k WHERE k.user_id = $1 AND e.user_id = $2"),
	STEP("DELETE FROM coursebase.subscription_lines WHERE user_id = $2"),
	STEP("DELETE FROM coursebase.subscriptions WHERE user_id = $2"),

	/* discounts: a use comes before an entry that was not used; its redemptions go along */
	STEP("DELETE FROM coursebase.user_discounts o USING coursebase.user_discounts d"
		 " WHERE o.user_id = $1 AND d.user_id = $2 AND o.discount_code_id = d.discount_code_id"
		 " AND o.status = 'assigned' AND d.status <> 'assigned'"
		 " AND NOT " CODE_STAYS("d.discount_code_id")),
	STEP("UPDATE coursebase.user_discounts d SET user_id = $1 WHERE d.user_id = $2"
		 " AND NOT " CODE_STAYS("d.discount_code_id")
		 " AND NOT EXISTS (SELECT FROM coursebase.user_discounts k WHERE k.user_id = $1"
		 "  AND k.discount_code_id = d.discount_code_id)"),
	STEP("UPDATE coursebase.discount_redemptions r SET user_id = $1 WHERE r.user_id = $2"
		 " AND NOT " CODE_STAYS("r.discount_code_id")),
	STEP("DELETE FROM coursebase.user_discounts d WHERE d.user_id = $2 AND d.status = 'assigned'"
		 " AND NOT EXISTS (SELECT FROM coursebase.discount_redemptions r"
		 "  WHERE r.user_id = $2 AND r.discount_code_id = d.discount_code_id)"),
	STEP("UPDATE coursebase.discount_codes SET referrer_id = $1, updated_at = now()"
		 " WHERE referrer_id = $2"),

	/* referrals: nobody is paid for bringing oneself, also where one of them moved meanwhile and
	 * what is between them is told as between two cells */
	STEP("UPDATE coursebase.referral_credits SET revoked_at = $3, updated_at = now()"
		 " WHERE revoked_at IS NULL AND ((user_id, referred_user_id) IN (($1, $2), ($2, $1))"
		 "  OR user_id IN ($1, $2) AND referred_elsewhere IN (SELECT d.referred"
		 "   FROM coursebase.referral_deliveries d WHERE d.user_id IN ($1, $2)))"),
	/* one referrer who brought both brought one person: of two credits one stays, unless both
	 * are past the hold and may be spent, and a single one is that of the person who is kept */
	STEP("UPDATE coursebase.referral_credits c SET revoked_at = $3, updated_at = now()"
		 " FROM coursebase.referral_credits o WHERE c.user_id = o.user_id"
		 " AND c.revoked_at IS NULL AND o.revoked_at IS NULL AND $3 < c.available_at"
		 " AND (c.referred_user_id = $2 AND o.referred_user_id = $1"
		 "  OR c.referred_user_id = $1 AND o.referred_user_id = $2 AND o.available_at <= $3)"),
	STEP("UPDATE coursebase.referral_credits c SET referred_user_id = $1, updated_at = now()"
		 " FROM coursebase.user_profile k WHERE k.user_id = $1 AND c.referred_user_id = $2"
		 " AND c.user_id = k.referred_by AND NOT EXISTS (SELECT"
		 "  FROM coursebase.referral_credits o WHERE o.referred_user_id = $1)"),
	STEP("UPDATE coursebase.referral_credits SET user_id = $1 WHERE user_id = $2"
		 " AND referred_user_id IS DISTINCT FROM $1"),
	STEP("UPDATE coursebase.referral_spendings s SET user_id = $1"
		 " FROM coursebase.referral_credits c WHERE c.id = s.referral_credit_id"
		 " AND s.user_id = $2 AND c.user_id = $1"),
	STEP("UPDATE coursebase.user_profile SET referred_by = $1, updated_at = now()"
		 " WHERE referred_by = $2 AND user_id <> $1"),
	STEP("WITH brought AS (UPDATE coursebase.user_profile k SET referred_by = g.referred_by"
		 "  FROM " BOTH("user_profile") " AND k.referred_by IS NULL AND g.referred_by <> $1"
		 "   AND NOT EXISTS (SELECT FROM coursebase.referral_deliveries d WHERE d.user_id = $1)"
		 "  RETURNING k.referred_by), credit AS ("
		 "  UPDATE coursebase.referral_credits c SET referred_user_id = $1 FROM brought b"
		 "  WHERE c.referred_user_id = $2 AND c.user_id = b.referred_by)"
		 " UPDATE coursebase.user_profile g SET referred_by = NULL FROM brought b"
		 " WHERE g.user_id = $2"),

	/* the key of a delivery stays, so that its refund still reaches the referrer's cell */
	STEP("UPDATE coursebase.referral_deliveries d SET user_id = $1 WHERE d.user_id = $2"
		 " AND d.referrer_id <> $1 AND NOT EXISTS ("
		 "  SELECT FROM coursebase.referral_deliveries k WHERE k.user_id = $1)"),

	/* what the kept person has not said the other may have said */
	STEP("UPDATE coursebase.user_profile k SET updated_at = now(),"
		 " first_name = coalesce(k.first_name, g.first_name),"
		 " last_name = coalesce(k.last_name, g.last_name),"
		 " phone_number = coalesce(k.phone_number, g.phone_number),"
		 " country = coalesce(k.country, g.country),"
		 " lead_source = coalesce(k.lead_source, g.lead_source),"
		 " devices = g.devices || k.devices FROM " BOTH("user_profile")),
	STEP("UPDATE coursebase.user_profile SET first_name = NULL, last_name = NULL,"
		 " phone_number = NULL, country = NULL, lead_source = NULL, email = '',"
		 " time_zone = 'UTC', devices = '{}', role = 'user', is_placeholder = false,"
		 " updated_at = now() WHERE user_id = $2"),
	STEP("UPDATE coursebase.user_cohorts g SET user_id = $1 WHERE g.user_id = $2"
		 " AND NOT EXISTS (SELECT FROM coursebase.user_cohorts k WHERE k.user_id = $1)"),
	STEP("DELETE FROM coursebase.user_cohorts WHERE user_id = $2"),
	STEP("UPDATE coursebase.analytics g SET user_id = $1 WHERE g.user_id = $2"
		 " AND NOT EXISTS (SELECT FROM coursebase.analytics k WHERE k.user_id = $1)"),
	STEP("DELETE FROM coursebase.analytics WHERE user_id = $2"),
	STEP("UPDATE coursebase.audio_usage k SET updated_at = now(),"
		 " play_count = greatest(k.play_count, g.play_count),"
		 " title = coalesce(k.title, g.title) FROM " BOTH("audio_usage")
		 " AND (k.course_code, k.audio_key) = (g.course_code, g.audio_key)"),
	STEP("DELETE FROM coursebase.audio_usage g USING coursebase.audio_usage k"
		 " WHERE k.user_id = $1 AND g.user_id = $2"
		 " AND (k.course_code, k.audio_key) = (g.course_code, g.audio_key)"),
	MOVE("audio_usage"),
	/* a person signs up once */
	STEP("UPDATE coursebase.app_logs l SET user_id = NULL, message = 'removed',"
		 " origin = 'removed', context = NULL WHERE l.user_id = $2 AND l.log_type = 'sign_up'"
		 " AND EXISTS (SELECT FROM coursebase.app_logs k WHERE k.user_id = $1"
		 "  AND k.log_type = 'sign_up')"),
	MOVE("app_logs"),
	STEP("DELETE FROM coursebase.app_log_counts WHERE writer_id = $2"),
	MOVE("server_logs"),

	/* what phones were told before is told anew, to both */
	STEP("DELETE FROM coursebase.cached_handshake_responses WHERE user_id IN ($1, $2)"),
	STEP("INSERT INTO coursebase.user_versions AS v (user_id, version)"
		 " SELECT p.id, (random() * 1e9)::bigint + 1 FROM unnest(ARRAY[$1, $2]) p (id)"
		 " ORDER BY p.id ON CONFLICT (user_id) DO UPDATE SET version = v.version + 1,"
		 " updated_at = now()"),
};

static KeptPlan steps_of_account[] = {
	/* the account itself; those that were merged into it before lead on in one step */
	STEP("UPDATE coursebase.users SET merged_into = $1 WHERE merged_into = $2"),
	STEP("UPDATE coursebase.users SET merged_into = $1, deleted_at = $3, name = '',"
		 " email = '', image_url = NULL, role = 'user', updated_at = now()"
		 " WHERE id = $2 AND merged_into IS NULL"),
};
/* clang-format on */

static void take(KeptPlan *steps, int count, PlanValues *values);

void
merge_steps_take(PlanValues *values, bool guests)
{
	take(steps_of_organizations, lengthof(steps_of_organizations), values);
	if (!guests)
		take(steps_of_person, lengthof(steps_of_person), values);
	take(steps_of_account, lengthof(steps_of_account), values);
}

static void
take(KeptPlan *steps, int count, PlanValues *values)
{
	for (int i = 0; i < count; i++)
		owner_execute_latest(&steps[i], values->datums, values->nulls);
}
