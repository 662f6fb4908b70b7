-- Promise: what comes under a name that nobody reads is kept and listed; a name that is nearly one of ours is refused.
\getenv abs_srcdir PG_ABS_SRCDIR
\set ada '\'00000000-0000-4000-8000-000000589161\''
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
BEGIN;
\i :abs_srcdir/fixtures/helpers/refused.sql
\i :abs_srcdir/fixtures/helpers/notices.sql
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'unknown_ada', 'Ada', 'ada@example.org');
INSERT INTO coursebase.store_products (product_id, kind, credits) VALUES ('unknown.pack', 'ai_credits', 40);
SELECT outcome FROM generate_series(1, 2) n, coursebase.take_notification('stripe', pg_temp.stripe('evt_u' || n, '2026-02-0' || n, 'gizmo.created', '{"id": "gz_1"}'), at => ('2026-02-0' || n)::timestamptz);
SELECT outcome FROM coursebase.take_notification('stripe', pg_temp.stripe('evt_u3', '2026-02-03', 'invoice.created', '{"id": "in_1"}'), at => '2026-02-03');
SELECT outcome, result ->> 'status' FROM coursebase.take_notification('app_store', pg_temp.apple('u-4', '2026-02-04', 'BRAND_NEW', 'SUB', jsonb_build_object('bundleId', 'org.example.app', 'productId', 'premium', 'transactionId', 'u-4', 'originalTransactionId', 'u-4', 'type', 'Auto-Renewable Subscription', 'appAccountToken', :ada, 'purchaseDate', pg_temp.ms('2026-02-04'), 'expiresDate', pg_temp.ms('2026-03-04'))), at => '2026-02-04');
SELECT provider, type, times, first_at, last_at FROM coursebase.unknown_types ORDER BY 1, 2;
INSERT INTO coursebase.subscription_event_mappings (provider, name, event_type) VALUES ('stripe', 'gizmo.created', 'noted');
SELECT provider, type FROM coursebase.unknown_types ORDER BY 1, 2;
\set event '\'{"store": "stripe", "environment": "production", "event_type": "noted", "event_time": "2026-02-05T00:00:00Z"}\'::jsonb'
SELECT applied FROM (VALUES (1, '{"store_event_id": "u-1", "campaign": "spring", "payload": {"kept": 1}}'), (2, '{"store_event_id": "u-2", "campaign": "autumn"}')) m (n, more), coursebase.apply_subscription_event(:ada, (:event || more::jsonb)::json, ('2026-02-0' || n)::timestamptz) ORDER BY n;
SELECT pg_temp.refused(format('SELECT coursebase.apply_subscription_event(%L, %L)', :ada, :event || '{"store_event_id": "u-3", "enviroment": "sandbox", "period_edn": "2026-03-01T00:00:00Z"}'));
SELECT coursebase.validate_purchase(:ada, '{"product_id": "unknown.pack", "source": "google_play", "purchase_id": "u-5", "purchase_token": "t", "transaction_date": "2026-02-05T00:00:00Z", "campaign": "spring", "payload": {"kept": 1}}', '2026-02-05') ->> 'status';
SELECT form, source, member, times FROM coursebase.unknown_members ORDER BY 1, 2, 3;
SELECT pg_temp.refused('SELECT coursebase.known_members($$order$$)');
ROLLBACK;
