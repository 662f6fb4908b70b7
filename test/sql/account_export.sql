-- Promise: a person is given everything that is held about them, and nothing of anybody else; whom that is about is
-- asked as everywhere.
\getenv abs_srcdir PG_ABS_SRCDIR
\set ada '\'00000000-0000-4000-a000-00000000000a\''
\set bob '\'00000000-0000-4000-a000-00000000000b\''
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/worlds/everything.sql
\i :abs_srcdir/fixtures/helpers/roles.sql
\set ON_ERROR_ROLLBACK on

-- Ada about herself: her rows, one member a table.
SET LOCAL ROLE regress_end_user;
SET LOCAL request.jwt.claims = '{"sub": "fixture_ada"}';
SELECT key, json_array_length(value) FROM json_each(coursebase.export_user());
SELECT coursebase.export_user()::text = coursebase.export_user(:ada)::text;
SELECT e -> 'users' -> 0 ->> 'email', e -> 'custom_courses' -> 0 -> 'data', e -> 'custom_course_purchases' -> 0 ->> 'link_token',
    e -> 'user_cohorts' -> 0 ->> 'cohort_code', e -> 'memberships' -> 0 ->> 'organization_name', e -> 'user_discounts' -> 0 ->> 'code'
FROM coursebase.export_user() e;
-- What came to her from somebody else is told without who had it.
RESET ROLE;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES ('00000000-0000-4000-a000-0000000eb0f1', 'fixture_fran', 'Fran', 'fran@example.org');
SELECT outcome FROM coursebase.take_notification('revenuecat', '{"event": {"id": "moved", "type": "TRANSFER", "store": "PLAY_STORE", "environment": "PRODUCTION",
    "event_timestamp_ms": 1772323200000, "transferred_from": ["fixture_fran"], "transferred_to": ["fixture_ada"]}}', at => '2026-03-02');
SET LOCAL ROLE regress_end_user;
SELECT n ->> 'kind', n -> 'result', n -> 'body', coursebase.export_user()::text ~ 'fran' FROM json_array_elements(coursebase.export_user() -> 'store_notifications') n WHERE n ->> 'notification_id' = 'moved';
-- Bob brought her, she used his code and holds a place of another one, and he was paid for it: no word of him.
RESET ROLE;
INSERT INTO coursebase.discount_codes (code, product_type, percent_off, max_redemptions, referrer_id) VALUES ('HELD', 'course', 10, 5, :bob);
SELECT final_in_cents FROM coursebase.reserve_discount(:ada, 'HELD', 'course', 1000, 'EUR', 'held', at => '2026-03-01');
SET LOCAL ROLE regress_end_user;
SELECT d -> 'quote' ->> 'discount_in_cents', d -> 'quote' -> 'terms' ->> 'code' FROM json_array_elements(coursebase.export_user() -> 'user_discounts') d WHERE d ->> 'order_ref' = 'held';
SELECT coursebase.export_user()::text ~* 'bob|00000000000b"', coursebase.export_user() -> 'user_profile' -> 0 -> 'referred';
-- Nor do the rows that she reads herself say whose code it is, held or used.
SELECT count(quote), bool_or(quote::text ~ '00000000000b"') FROM coursebase.user_discounts;
SET LOCAL ROLE regress_server;
SELECT final_in_cents FROM coursebase.redeem_discount(:ada, 'HELD', 'course', 1000, 'EUR', 'held', at => '2026-03-01');
SET LOCAL ROLE regress_end_user;
SELECT count(*), bool_or(terms::text ~ '00000000000b"') FROM coursebase.discount_redemptions WHERE order_ref = 'held';
-- Nobody else's, in the same words whether there is such a person or not.
SELECT coursebase.export_user(:bob);
\echo :LAST_ERROR_SQLSTATE
SELECT coursebase.export_user('00000000-0000-4000-a000-0000000000ff');
\echo :LAST_ERROR_SQLSTATE

-- Nobody is given nothing; a visitor may not ask.
SET LOCAL request.jwt.claims = '{"sub": "fixture_nobody"}';
SELECT coursebase.export_user() IS NULL;
SET LOCAL ROLE regress_anonymous;
SELECT coursebase.export_user();
\echo :LAST_ERROR_SQLSTATE

-- Bob, by an administrator and by the server: what he earned, not by whom; what he studies.
SET LOCAL ROLE regress_end_user;
SET LOCAL request.jwt.claims = '{"sub": "fixture_root"}';
SELECT e -> 'discount_codes' -> 0 ->> 'code', e -> 'referral_credits' -> 0 ->> 'amount_in_cents',
    json_array_length(e -> 'payment_transactions'), json_array_length(e -> 'course_workout_completions'), e::text ~ '00000000000a"' OR regexp_replace(e::text, '[0-9a-f-]{32,36}', '', 'g') ~* '\mada'
FROM coursebase.export_user(:bob) e;
SET LOCAL ROLE regress_server;
RESET request.jwt.claims;
SELECT e -> 'users' -> 0 ->> 'name' FROM coursebase.export_user(:bob) e;
SELECT coursebase.export_user('00000000-0000-4000-a000-0000000000ff') IS NULL;
SELECT coursebase.export_user() IS NULL;

-- What an administrator did to others is told without them.
INSERT INTO coursebase.audit_events (actor_id, action, object, new) VALUES
    ('00000000-0000-4000-a000-00000000000c', 'role_changed', 'users/' || :ada, '{"role": "admin"}');
SELECT a ->> 'action', a ->> 'by_oneself', a ->> 'new' FROM coursebase.export_user('00000000-0000-4000-a000-00000000000c') e,
    json_array_elements(e -> 'audit_events') a ORDER BY 1, 2;
SELECT a ->> 'action', a ->> 'by_oneself', a ->> 'new' FROM coursebase.export_user(:ada) e, json_array_elements(e -> 'audit_events') a ORDER BY 1, 2;
-- What was done with rows of hers, also of one that is gone: who took her course is not told; of a purchase that went from Bob to her only her side.
SAVEPOINT trail;
INSERT INTO coursebase.course_grants (user_id, course_id) VALUES (:ada, '00000000-0000-4000-a000-0000000000d1');
SET LOCAL request.jwt.claims = '{"sub": "fixture_root"}';
DELETE FROM coursebase.course_grants WHERE user_id = :ada AND course_id = '00000000-0000-4000-a000-0000000000d1';
RESET request.jwt.claims;
INSERT INTO coursebase.audit_events (action, object, old, new) VALUES
    ('purchase_transferred', 'store_receipts/a/b/c', jsonb_build_object('user_id', :bob), jsonb_build_object('user_id', :ada));
SELECT a ->> 'action', a -> 'old' ->> 'user_id' = :ada, a -> 'new' ->> 'user_id' = :ada, a ->> 'by_oneself' FROM coursebase.export_user(:ada) e, json_array_elements(e -> 'audit_events') a
WHERE a ->> 'action' LIKE 'course_grant%' OR a ->> 'action' LIKE '%transferred' ORDER BY 1;
SELECT a ->> 'action', a ->> 'by_oneself', a ->> 'old' FROM coursebase.export_user('00000000-0000-4000-a000-00000000000c') e, json_array_elements(e -> 'audit_events') a
WHERE a ->> 'action' LIKE 'course_grant%';
ROLLBACK TO trail;
-- What an account did, and what happened to it, before it was merged.
SAVEPOINT merged;
\set second '\'00000000-0000-4000-a000-0000000000f2\''
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:second, 'export_second', 'Ada', 'second@example.org');
INSERT INTO coursebase.audit_events (actor_id, action, object, new) VALUES (:second, 'role_changed', 'users/' || :second, '{"role": "user"}');
SELECT count(*) FROM coursebase.merge_users(:ada, :second);
SELECT a ->> 'action', a ->> 'by_oneself', a ->> 'new' FROM coursebase.export_user(:ada) e, json_array_elements(e -> 'audit_events') a ORDER BY 1, 2;
ROLLBACK TO merged;
-- After leaving, what accounting keeps.
UPDATE coursebase.memberships SET role = 'owner' WHERE id = '00000000-0000-4000-a000-000000000212';
SELECT coursebase.delete_user(:ada, '2026-05-02 12:00+00') IS NOT NULL;
SELECT e::text ~* 'ada"|ada@|example\.org', json_array_length(e -> 'purchases') FROM coursebase.export_user(:ada) e;
SET LOCAL ROLE regress_end_user;
SET LOCAL request.jwt.claims = '{"sub": "fixture_ada"}';
SELECT coursebase.export_user() IS NULL;
ROLLBACK;
