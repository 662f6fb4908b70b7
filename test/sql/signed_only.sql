-- Promise: with a provider in require_signature the server role invents no purchase of it, by no function and no plain
-- SQL; refunds, gifts and what another provider sold stay possible, and the owner may do all of it.
\getenv abs_srcdir PG_ABS_SRCDIR
\set ada '\'00000000-0000-4000-8000-000000515161\''
\set course '\'00000000-0000-4000-8000-000000515162\''
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/helpers/roles.sql
\i :abs_srcdir/fixtures/helpers/refused.sql
GRANT EXECUTE ON FUNCTION pg_temp.refused(text) TO PUBLIC;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'signed_ada', 'Ada', 'ada@example.org');
INSERT INTO coursebase.courses (id, course_code, title, description) VALUES (:course, 'S71SGN', 'One', '');
INSERT INTO coursebase.store_products (product_id, kind, course_id) VALUES ('s71sgn', 'course', :course);
INSERT INTO coursebase.store_products (product_id, kind, credits) VALUES ('signed.pack', 'ai_credits', 100);
SELECT coursebase.save_product(NULL, 'Single', '', '/s.png', 9, 'public', ARRAY[:course]::uuid[]) AS single \gset
SELECT purchase_id AS sold FROM coursebase.complete_purchase(:ada, :'single', 'cs_signed1', 100, 'paid') \gset
SELECT coursebase.validate_purchase(:ada, '{"product_id": "s71sgn", "source": "app_store", "purchase_id": "signed-1", "purchase_token": "t", "transaction_date": "1767268800000"}', '2026-01-02') ->> 'status';
SELECT bank_credits FROM coursebase.grant_credit_pack(:ada, 'signed.pack', 100, 'app_store', 'production', 'signed-4', 't');
SELECT bank_credits FROM coursebase.refund_credit_pack('app_store', 'production', 'signed-4');
UPDATE coursebase.settings SET value = 'app_store, stripe' WHERE name = 'require_signature';
SET ROLE regress_server;
-- The functions that record what a store sold.
SELECT pg_temp.refused(format('SELECT coursebase.validate_purchase(%L, %L, %L)', :ada, '{"product_id": "signed.pack", "source": "app_store", "purchase_id": "signed-2", "purchase_token": "t", "transaction_date": "1767268800000"}', '2026-01-02'));
SELECT pg_temp.refused(format('SELECT coursebase.complete_purchase(%L, %L, %L, 1, %L)', :ada, :'single', 'cs_signed2', 'paid'));
SELECT pg_temp.refused(format('SELECT coursebase.grant_credit_pack(%L, %L, 100, %L, %L, %L, %L)', :ada, 'signed.pack', 'app_store', 'production', 'signed-2', 't'));
SELECT pg_temp.refused('SELECT coursebase.reverse_credit_pack_refund($$app_store$$, $$production$$, $$signed-4$$)');
SELECT pg_temp.refused(format('SELECT coursebase.create_custom_course(%L, %L, %L, %L, %L)', :ada, 'app_store', 'production', 'signed-2', 't'));
SELECT pg_temp.refused(format('SELECT coursebase.apply_subscription_event(%L, %L)', :ada, '{"store": "app_store", "environment": "production", "store_event_id": "s-1", "event_type": "created", "event_time": "2026-01-01T00:00:00Z", "period_end": "2099-01-01T00:00:00Z"}'));
-- RevenueCat is not in the setting, and the store that it speaks for is.
SELECT pg_temp.refused(format('SELECT coursebase.apply_subscription_event(%L, %L)', :ada, '{"store": "app_store", "provider": "revenuecat", "environment": "production", "store_event_id": "s-1", "event_type": "INITIAL_PURCHASE", "event_time": "2026-01-01T00:00:00Z", "period_end": "2099-01-01T00:00:00Z"}'));
SELECT outcome, detail FROM coursebase.take_notification('revenuecat', '{"event": {"id": "rc-signed", "type": "INITIAL_PURCHASE", "app_user_id": "signed_ada", "store": "APP_STORE", "product_id": "premium", "transaction_id": "t-1", "original_transaction_id": "t-1", "event_timestamp_ms": 1767268800000, "purchased_at_ms": 1767268800000, "expiration_at_ms": 4070908800000, "environment": "PRODUCTION"}}');
-- Plain SQL.
SELECT pg_temp.refused(format('INSERT INTO coursebase.purchases (user_id, product_id, stripe_session_id, price_paid_in_cents, product_details) VALUES (%L, %L, %L, 1, %L)', :ada, :'single', 'cs_signed2', '{"name": "", "description": "", "imageUrl": ""}'));
SELECT pg_temp.refused(format('INSERT INTO coursebase.course_purchases (user_id, course_id, source, product_id, purchase_id, purchase_token, status, validated_at) VALUES (%L, %L, %L, %L, %L, %L, %L, now())', :ada, :course, 'app_store', 's71sgn', 'signed-2', 't', 'valid'));
SELECT pg_temp.refused(format('INSERT INTO coursebase.store_receipts (user_id, product_id, kind, source, environment, purchase_id, status, purchased_at, validated_at) VALUES (%L, %L, %L, %L, %L, %L, %L, now(), now())', :ada, 's71sgn', 'course', 'app_store', 'production', 'signed-2', 'valid'));
SELECT pg_temp.refused('DELETE FROM coursebase.store_receipts');
SELECT pg_temp.refused('DELETE FROM coursebase.purchases');
SELECT pg_temp.refused('UPDATE coursebase.settings SET value = $$$$ WHERE name = $$require_signature$$');
SELECT pg_temp.refused('UPDATE coursebase.settings SET value = $$true$$ WHERE name = $$accept_sandbox$$');
-- What gives nothing, what is given away, and what another provider sold.
SAVEPOINT updates;
SELECT v.set, pg_temp.refused(format('UPDATE coursebase.course_purchases SET %s WHERE purchase_id = %L', v.set, 'signed-1'))
FROM unnest(ARRAY['acknowledged_at = now()', 'voice = ''female''', 'user_id = gen_random_uuid()', 'status = ''refunded'', refunded_at = now()', 'status = ''valid'', refunded_at = NULL']) AS v (set);
ROLLBACK TO updates;
UPDATE coursebase.store_receipts SET acknowledged_at = now() WHERE purchase_id = 'signed-1';
SELECT coursebase.acknowledge_purchase('app_store', 'production', 'signed-1', '2026-01-03');
SELECT status FROM coursebase.refund_store_purchase('app_store', 'production', 'signed-1', '2026-01-04');
UPDATE coursebase.purchases SET refunded_at = '2026-01-04' WHERE id = :'sold';
SELECT pg_temp.refused(format('UPDATE coursebase.purchases SET refunded_at = NULL WHERE id = %L', :'sold'));
SELECT coursebase.grant_course_purchase(:ada, :course, 'male', '2026-01-05') IS NOT NULL;
INSERT INTO coursebase.course_purchases (user_id, course_id, voice, source, status, validated_at) VALUES (:ada, :course, 'female', 'admin', 'valid', '2026-01-05');
-- (what is taken away is not given again)
UPDATE coursebase.course_purchases SET status = 'refunded', refunded_at = '2026-01-06' WHERE source = 'admin' AND voice = 'female';
INSERT INTO coursebase.course_grants (user_id, course_id) VALUES (:ada, :course);
SELECT status FROM coursebase.apply_subscription_event(:ada, '{"store": "manual", "store_event_id": "s-2", "event_type": "created", "event_time": "2026-01-01T00:00:00Z", "period_end": "2099-01-01T00:00:00Z"}', '2026-01-05');
SELECT coursebase.validate_purchase(:ada, '{"product_id": "signed.pack", "source": "google_play", "purchase_id": "signed-3", "purchase_token": "t", "transaction_date": "1767268800000"}', '2026-01-02') ->> 'status';
RESET ROLE;
-- Each gift and each refund is in the trail.
SELECT action, count(*) FROM coursebase.audit_events WHERE object LIKE 'users/' || :ada OR action IN ('purchase_refunded', 'course_granted') GROUP BY action ORDER BY action;
-- The owner may.
SELECT status FROM coursebase.complete_purchase(:ada, :'single', 'cs_signed2', 100, 'paid');
UPDATE coursebase.purchases SET refunded_at = NULL WHERE id = :'sold';
SELECT count(*) FROM coursebase.purchases WHERE refunded_at IS NULL AND user_id = :ada;
-- Whatever white space stands between the names, and in whatever case they are written.
UPDATE coursebase.settings SET value = E'app_store,\n\tStripe\n' WHERE name = 'require_signature';
SET ROLE regress_server;
SELECT pg_temp.refused(format('SELECT coursebase.complete_purchase(%L, %L, %L, 1, %L)', :ada, :'single', 'cs_signed9', 'paid'));
RESET ROLE;
ROLLBACK;
