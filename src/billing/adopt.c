/*
 * adopt.c: subscriptions, their lines and their log, for rows that came without triggers.
 *
 * Invariant: as in machine.c: what is stored of a subscription is the fold of its events. A
 * team that has events brings these, and the lines and the row of the person are their fold. A
 * team that has only the state, a row of subscriptions, gets the events that make this state:
 * one that begins the subscription at created_at, and one that led to the status at
 * updated_at. What a store says later continues them, for they are of the same original
 * transaction.
 *
 * Nobody is paid for having referred anybody: the first premium was long ago.
 */
#include "postgres.h"

#include "billing/adopt.h"
#include "core/plan.h"

/* clang-format off */
/* A row without any event. */
#define WITHOUT_EVENTS \
	" FROM coursebase.subscriptions s JOIN coursebase.users u ON u.id = s.user_id" \
	" WHERE NOT EXISTS (SELECT FROM coursebase.subscription_events o" \
	"  WHERE o.user_id = s.user_id)"

/*
 * The events of a row without any: n is their order, in which their times go up, because an end
 * stands before a beginning of the same instant. A canceled subscription keeps a grace that
 * began before. The last event says whether the store will renew, so that one that is active
 * and will not is canceled. The store of a row that names none is manual.
 */
static KeptPlan make_events = {
	.sql =
	"INSERT INTO coursebase.subscription_events (subscription_id, user_id, event_type, store,"
	"  environment, store_event_id, original_transaction_id, product_id, event_time,"
	"  received_at, period_end, grace_until, auto_renew, payload, answered_status,"
	"  answered_expires_at)"
	" SELECT m.id, m.user_id, m.event_type, m.event_store, coalesce(m.environment,"
	"   'production'), m.event_id, m.original_transaction_id, m.product_id, m.event_time,"
	"  now(), m.period_end, m.event_grace_until, CASE WHEN m.is_last THEN m.auto_renew END,"
	"  jsonb_strip_nulls(jsonb_build_object('store', m.event_store,"
	"   'store_event_id', m.event_id, 'original_transaction_id', m.original_transaction_id,"
	"   'product_id', m.product_id, 'base_plan_id', m.base_plan_id,"
	"   'offer_id', m.offer_id, 'purchase_token', m.purchase_token,"
	"   'is_trial', CASE m.answered WHEN 'trialing' THEN true END)),"
	"  m.answered, m.expires_at"
	" FROM (SELECT e.*, coalesce(e.store, 'manual') AS event_store,"
	"   'adopted:' || e.id || ':' || e.n AS event_id"
	"  FROM ("
	"   SELECT s.*, 1 AS n, s.created_at AS event_time, s.expires_at AS period_end,"
	"    CASE s.status WHEN 'pending' THEN 'noted' ELSE 'created' END AS event_type,"
	"    CASE WHEN s.status IN ('pending', 'trialing') THEN s.status::text ELSE 'active' END"
	"     AS answered,"
	"    NULL::timestamptz AS event_grace_until,"
	"    s.status IN ('pending', 'trialing', 'active') AS is_last"
		WITHOUT_EVENTS
	"   UNION ALL"
	"   SELECT s.*, 2, greatest(s.updated_at - interval '1 ms', s.created_at"
	"     + interval '1 ms'), NULL, 'grace_started', 'in_grace', s.grace_until,"
	"    s.status = 'in_grace'"
		WITHOUT_EVENTS
	"    AND (s.status = 'in_grace' OR s.status = 'canceled' AND s.grace_until IS NOT NULL)"
	"   UNION ALL"
	"   SELECT s.*, 3, greatest(s.updated_at, s.created_at + interval '2 ms'),"
	"    CASE s.status WHEN 'revoked' THEN s.expires_at END,"
	"    CASE s.status WHEN 'on_hold' THEN 'hold_started' ELSE s.status::text END,"
	"    s.status::text, NULL, true"
		WITHOUT_EVENTS
	"    AND s.status IN ('on_hold', 'canceled', 'paused', 'expired', 'revoked')"
	"  ) e OFFSET 0) m",
};
/* clang-format on */
/*
 * What the log says in columns stands in the event's payload too. One that is no object, such
 * as a text that some driver made of it, has no members: check_billing() names it.
 */
static KeptPlan fill_payloads = {
	.sql = "UPDATE coursebase.subscription_events e SET payload ="
		   " jsonb_strip_nulls(jsonb_build_object('store', e.store,"
		   "  'store_event_id', e.store_event_id,"
		   "  'original_transaction_id', e.original_transaction_id,"
		   "  'transaction_id', e.transaction_id, 'product_id', e.product_id)) || e.payload"
		   " WHERE jsonb_typeof(e.payload) = 'object'"
		   " AND (NOT e.payload ?& ARRAY['store', 'store_event_id']"
		   "  OR e.original_transaction_id IS NOT NULL"
		   "   AND NOT e.payload ? 'original_transaction_id'"
		   "  OR e.transaction_id IS NOT NULL AND NOT e.payload ? 'transaction_id'"
		   "  OR e.product_id IS NOT NULL AND NOT e.payload ? 'product_id')",
};

/* clang-format off */
/* The columns of a line behind its key, and of the row that shows a line. */
#define LINE(row) \
	row "environment, " row "status, " row "expires_at, " row "grace_until, " \
	row "auto_renew, " row "before_status, " row "before_expires_at, " \
	row "before_grace_until, " row "before_auto_renew, " row "first_premium_at, " \
	row "transaction_id, " row "product_id, " row "base_plan_id, " row "offer_id, " \
	row "purchase_token, " row "last_event_time, " row "last_event_type, " \
	row "last_store_event_id, " row "access_from, " row "access_until, " row "replaced_at"
#define SHOWN(row) \
	row "plan, " row "status, " row "expires_at, " row "grace_until, " row "auto_renew, " \
	row "store, " row "environment, " row "product_id, " row "base_plan_id, " \
	row "offer_id, " row "purchase_token, " row "original_transaction_id"

/*
 * All lines and rows of people from one reading of the log. A line belongs to one person for
 * ever: where the events of two name it, it stays with whom it is stored, and else with nobody,
 * and check_integrity() names the events. The original transaction is the person's id where the
 * store names none: the row shows NULL then.
 */
static KeptPlan store_fold = {
	.sql =
	"WITH folded AS MATERIALIZED ("
	"  SELECT f.user_id, f.store, f.original_transaction_id, f.environment,"
	"   f.status::coursebase.subscription_status AS status, f.expires_at, f.grace_until,"
	"   f.auto_renew, f.before_status::coursebase.subscription_status AS before_status,"
	"   f.before_expires_at, f.before_grace_until, f.before_auto_renew, f.first_premium_at,"
	"   f.transaction_id, f.product_id, f.base_plan_id, f.offer_id, f.purchase_token,"
	"   f.last_event_time, f.last_event_type, f.last_store_event_id,"
	"   f.access_from, f.access_until, f.replaced_at, f.plan, f.is_shown"
	"  FROM coursebase.folded_lines() f"
	" ), claimed AS MATERIALIZED ("
	"  SELECT f.store, f.original_transaction_id FROM folded f"
	"  GROUP BY f.store, f.original_transaction_id HAVING count(*) > 1"
	" ), owned AS MATERIALIZED ("
	"  SELECT f.*, l.user_id IS NULL AS is_new,"
	"   (" LINE("l.") ") IS DISTINCT FROM (" LINE("f.") ") AS differs"
	"  FROM folded f JOIN coursebase.users u ON u.id = f.user_id"
	"  LEFT JOIN coursebase.subscription_lines l ON l.store = f.store"
	"   AND l.original_transaction_id = f.original_transaction_id"
	"  WHERE l.user_id = f.user_id OR l.user_id IS NULL AND NOT EXISTS ("
	"   SELECT FROM claimed c WHERE c.store = f.store"
	"    AND c.original_transaction_id = f.original_transaction_id)"
	" ), new_lines AS ("
	"  INSERT INTO coursebase.subscription_lines"
	"   (user_id, store, original_transaction_id, " LINE("") ")"
	"  SELECT f.user_id, f.store, f.original_transaction_id, " LINE("f.")
	"  FROM owned f WHERE f.is_new RETURNING 1"
	" ), lines AS ("
	"  UPDATE coursebase.subscription_lines l"
	"  SET (" LINE("") ") = ROW (" LINE("f.") "), updated_at = now()"
	"  FROM owned f WHERE f.differs AND NOT f.is_new AND l.store = f.store"
	"   AND l.original_transaction_id = f.original_transaction_id RETURNING 1"
	" ), shown AS MATERIALIZED ("
	"  SELECT f.user_id, f.plan, f.status, f.expires_at, f.grace_until, f.auto_renew, f.store,"
	"   f.environment, f.product_id, f.base_plan_id, f.offer_id, f.purchase_token,"
	"   nullif(f.original_transaction_id, f.user_id::text) AS original_transaction_id"
	"  FROM owned f WHERE f.is_shown"
	" ), new_people AS ("
	"  INSERT INTO coursebase.subscriptions (user_id, " SHOWN("") ")"
	"  SELECT h.user_id, " SHOWN("h.") " FROM shown h WHERE NOT EXISTS ("
	"   SELECT FROM coursebase.subscriptions s WHERE s.user_id = h.user_id) RETURNING 1"
	" ), people AS ("
	"  UPDATE coursebase.subscriptions s"
	"  SET (" SHOWN("") ") = ROW (" SHOWN("h.") "), updated_at = now()"
	"  FROM shown h WHERE s.user_id = h.user_id"
	"   AND (" SHOWN("s.") ") IS DISTINCT FROM (" SHOWN("h.") ") RETURNING 1)"
	" SELECT (SELECT count(*) FROM new_lines) + (SELECT count(*) FROM lines),"
	"  (SELECT count(*) FROM new_people) + (SELECT count(*) FROM people)",
};
/* clang-format on */
enum
{
	STORED_LINES = 1,
	STORED_PEOPLE,
};

/* A person has one subscription: the events may have come with ids of their own. */
static KeptPlan bind_events = {
	.sql = "UPDATE coursebase.subscription_events e SET subscription_id = s.id"
		   " FROM coursebase.subscriptions s"
		   " WHERE s.user_id = e.user_id AND s.id <> e.subscription_id",
};

static void adopt(Adoption *adoption);

const AdoptionPart billing_adoption = {
	.tables = "coursebase.subscriptions, coursebase.subscription_events,"
			  " coursebase.subscription_lines",
	.adopt = adopt,
};

static void
adopt(Adoption *adoption)
{
	int64 people;

	adoption_make(adoption, "events of subscriptions", &make_events);
	adoption_make(adoption, "payloads of events", &fill_payloads);
	plan_execute_latest(&store_fold, NULL, NULL);
	people = plan_int64(0, STORED_PEOPLE);
	adoption_count(adoption, "lines of subscriptions", plan_int64(0, STORED_LINES));
	adoption_count(adoption, "subscriptions as their events say", people);
	adoption_make(adoption, "events bound to subscriptions", &bind_events);
}
