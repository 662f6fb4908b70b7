-- Promise: what is counted in days ends at the same moment whatever the session's time zone is, through a change of its clocks: the
-- deadline of what is to be acknowledged, the claim of an event, the week of an account of credits that adopt() makes.
\set person '\'00000000-0000-4000-8000-0000000dc101\''
SET client_min_messages = warning;
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:person, 'days_of_utc', 'D', 'd@example.org');
INSERT INTO coursebase.store_products (product_id, kind) VALUES ('days.of.utc', 'subscription');
SELECT coursebase.validate_purchase(:person, json_build_object('source', 'app_store', 'product_id', 'days.of.utc', 'purchase_id', 'days', 'purchase_token', 'days',
    'transaction_date', '2026-03-07T12:00:00Z', 'period_end', '2026-04-07T12:00:00Z'), '2026-03-07 12:00Z') ->> 'status' AS status;
SET LOCAL session_replication_role = replica;
INSERT INTO coursebase.ai_credit_purchases (user_id, product_id, credits, source, environment, purchase_id, purchase_token, purchased_at)
VALUES (:person, 'ai_credits', 100, 'app_store', 'production', 'days_of_utc', 't', '2026-03-07 12:00Z');
INSERT INTO coursebase.access_events (xid, user_id, kind, subject, source) VALUES ('10', :person, 'access_gained', 'days', 'test');
RESET session_replication_role;

-- The clocks of New York go forward on 8 March.
SET LOCAL TIME ZONE 'America/New_York';
SELECT count(*) > 0 AS adopted FROM coursebase.adopt();
SELECT count(*) FROM coursebase.take_events('days_of_utc', claim => '1 day', taken_at => '2026-03-07 12:00Z');
SELECT deadline AT TIME ZONE 'UTC' AS deadline FROM coursebase.purchases_awaiting_acknowledgement WHERE user_id = :person AND kind = 'subscription';
SELECT claimed_until AT TIME ZONE 'UTC' AS claimed_until FROM coursebase.event_claims WHERE consumer = 'days_of_utc';
SELECT weekly_reset_date AT TIME ZONE 'UTC' AS weekly_reset_date FROM coursebase.ai_usage WHERE user_id = :person;
ROLLBACK;
