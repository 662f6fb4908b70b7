-- Promise: two accounts become one: what either had the kept one has, the other's ids and tokens lead to it, once or twice or
-- through several merges; where two truths cannot be one it is refused with the reasons, and nobody but the server merges.
\getenv abs_srcdir PG_ABS_SRCDIR
\set ada '\'00000000-0000-4000-a000-00000000000a\''
\set bob '\'00000000-0000-4000-a000-00000000000b\''
\set root '\'00000000-0000-4000-a000-00000000000c\''
\set cleo '\'00000000-0000-4000-a000-00000000000f\''
\set dora '\'00000000-0000-4000-a000-00000000000e\''
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
SET LOCAL TimeZone = 'UTC';
\i :abs_srcdir/fixtures/worlds/everything.sql
CREATE ROLE regress_merge_user;
CREATE ROLE regress_merge_server BYPASSRLS;
SELECT coursebase.grant_roles(NULL, 'regress_merge_user', 'regress_merge_server');
UPDATE coursebase.settings SET value = 'true' WHERE name = 'events_out';
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    (:cleo, 'merge_cleo', 'Cleo', 'cleo@example.org'), (:dora, 'merge_dora', 'Dora', 'dora@example.org');
\set ON_ERROR_ROLLBACK on
\set SHOW_CONTEXT never
SET LOCAL ROLE regress_merge_user;
SET LOCAL request.jwt.claims = '{"sub": "fixture_root"}';
SELECT coursebase.merge_users(:cleo, :dora);
\echo :LAST_ERROR_SQLSTATE
-- Not even an administrator makes a token act as somebody else.
UPDATE coursebase.users SET merged_into = :bob, deleted_at = now() WHERE id = :dora;
\echo :LAST_ERROR_SQLSTATE
INSERT INTO coursebase.users (clerk_user_id, name, email, deleted_at, merged_into) VALUES ('merge_planted', 'P', 'p@example.org', now(), :bob);
\echo :LAST_ERROR_SQLSTATE
RESET request.jwt.claims;
SET LOCAL ROLE regress_merge_server;
\set VERBOSITY default
SELECT coursebase.merge_users(:cleo, :cleo);
SELECT coursebase.merge_users(:cleo, NULL);
SELECT coursebase.merge_users(:cleo, :dora, 'infinity');
SELECT coursebase.merge_users(:cleo, '00000000-0000-4000-a000-0000000000ff');
-- Two truths.
UPDATE coursebase.entitlements SET course_slots = least(course_slots, 1), covers_every_course = false;
SAVEPOINT asked;
INSERT INTO coursebase.memberships (organization_id, user_id, role) VALUES
    ('00000000-0000-4000-a000-000000000201', :cleo, 'member'), ('00000000-0000-4000-a000-000000000201', :dora, 'coach');
SELECT status FROM (VALUES (:cleo::uuid), (:dora::uuid)) v (u), coursebase.begin_checkout(u, '00000000-0000-4000-a000-000000000231', '2026-05-01');
INSERT INTO coursebase.course_purchases (user_id, course_id, source, status, validated_at) VALUES
    (:cleo, '00000000-0000-4000-a000-0000000000d1', 'admin', 'valid', now()), (:dora, '00000000-0000-4000-a000-0000000000d1', 'admin', 'pending', NULL);
SELECT applied FROM (VALUES (:cleo::uuid), (:dora::uuid)) v (u), coursebase.apply_subscription_event(u, json_build_object('store', 'manual', 'environment',
    'production', 'event_time', '2026-04-01T00:00:00Z', 'store_event_id', u, 'event_type', 'created', 'period_end', '2099-01-01T00:00:00Z'));
RESET ROLE;
SET LOCAL session_replication_role = replica;
INSERT INTO coursebase.course_purchases (user_id, course_id, source, status, validated_at) VALUES
    (:cleo, '00000000-0000-4000-a000-0000000000d2', 'premium_slot', 'valid', now()), (:dora, '00000000-0000-4000-a000-0000000000d3', 'premium_slot', 'valid', now());
SET LOCAL session_replication_role = origin;
SET LOCAL ROLE regress_merge_server;
SELECT coursebase.merge_users(:cleo, :dora);
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO asked;
SELECT coursebase.merge_users(:cleo, :root);
SELECT coursebase.merge_users(:cleo, :ada);
\set VERBOSITY terse

-- Ada is Cleo now.
UPDATE coursebase.memberships SET role = 'owner' WHERE id = '00000000-0000-4000-a000-000000000212';
SELECT c.id, c.source, c.until FROM coursebase.my_courses(:ada, '2026-05-01') c ORDER BY 1;
SELECT coursebase.merge_users(:cleo, :ada, '2026-05-01 12:00+00');
SELECT c.id, c.source, c.until FROM coursebase.my_courses(:cleo, '2026-05-01') c ORDER BY 1;
SELECT name, email, role, image_url, deleted_at, merged_into = :cleo, clerk_user_id FROM coursebase.users WHERE id = :ada;
SELECT kind, subject, user_id = :cleo AS cleo, source FROM coursebase.access_events WHERE kind IN ('access_gained', 'account_closed') AND xid = pg_current_xact_id() ORDER BY id;
SELECT action, actor_id, object, new FROM coursebase.audit_events WHERE action IN ('account_merged', 'account_closed') ORDER BY created_at;
-- Each claim of the old account, and each of its ids, is Cleo.
SELECT set_config('request.jwt.claims', json_build_object('sub', s)::text, true) <> '', coursebase.current_user_id() = :cleo
FROM (VALUES ('fixture_ada'), (:ada), ('merge_cleo')) AS v (s);
SET LOCAL ROLE regress_merge_user;
SELECT coursebase.current_user_id(), count(*), bool_and(user_id = :cleo) FROM coursebase.purchases;
SELECT user_id, reason FROM coursebase.whoami();
SET LOCAL ROLE regress_merge_server;
RESET request.jwt.claims;
SELECT coursebase.has_course_access('00000000-0000-4000-a000-0000000000d3', :ada), coursebase.accessible_course_ids(:ada) = coursebase.accessible_course_ids(:cleo);
SELECT coursebase.handshake(:ada, '{}') ->> 'user_id' IS NULL, coursebase.export_user(:ada)::text = coursebase.export_user(:cleo)::text;
SELECT count(*) FROM json_array_elements(coursebase.export_user(:cleo) -> 'users');
SELECT coursebase.upsert_user('fixture_ada', 'Ada again', 'ada2@example.org') = :cleo, (SELECT name FROM coursebase.users WHERE id = :cleo);
SELECT status FROM coursebase.complete_purchase(:ada, '00000000-0000-4000-a000-0000000000e1', 'merge_late', 100, 'paid');
SELECT user_id = :cleo FROM coursebase.purchases WHERE stripe_session_id = 'merge_late';
SELECT applied FROM coursebase.apply_subscription_event(:ada, '{"store": "app_store", "environment": "production", "event_time": "2026-05-02T12:00:00Z", "original_transaction_id": "merge", "store_event_id": "merge", "event_type": "SUBSCRIBED", "transaction_id": "m", "period_end": "2027-03-01T12:00:00Z"}');
SELECT user_id = :cleo FROM coursebase.subscription_lines WHERE original_transaction_id = 'merge';
\set VERBOSITY default
SELECT coursebase.consume_credits(:ada, 1, 'late');
SELECT coursebase.merge_users(:ada, :dora);
SELECT coursebase.merge_users(:dora, :ada);
\set VERBOSITY terse
-- It is never opened again, and leads nowhere else.
UPDATE coursebase.users SET deleted_at = NULL, clerk_user_id = 'x', name = 'x', email = 'x' WHERE id = :ada;
\echo :LAST_ERROR_SQLSTATE
UPDATE coursebase.users SET merged_into = :dora WHERE id = :ada;
\echo :LAST_ERROR_SQLSTATE
-- What plain SQL writes about it is found, and moves with another call, which answers the first time.
INSERT INTO coursebase.course_grants (user_id, course_id) VALUES (:ada, '00000000-0000-4000-a000-0000000000d1');
SELECT * FROM coursebase.check_integrity();
SELECT coursebase.merge_users(:cleo, :ada, '2027-01-01');
SELECT user_id = :cleo FROM coursebase.user_course_access WHERE course_id = '00000000-0000-4000-a000-0000000000d1';
SELECT count(*) FROM coursebase.audit_events WHERE action = 'account_merged';
SELECT * FROM coursebase.check_integrity();

-- Cleo is Dora: one step from Ada to Dora. Her id at the provider ends alone; then Dora leaves, and all three are nobody.
SELECT coursebase.merge_users(:dora, :cleo, '2026-05-03 12:00+00');
SELECT id, merged_into FROM coursebase.users WHERE merged_into IS NOT NULL ORDER BY id;
CREATE TABLE pg_temp.codes AS SELECT user_id, referral_code FROM coursebase.user_profile WHERE user_id IN (:ada, :cleo, :dora);
SELECT coursebase.delete_user(:cleo) = '2026-05-03 12:00+00', coursebase.has_course_access('00000000-0000-4000-a000-0000000000d3', :dora);
SELECT set_config('request.jwt.claims', json_build_object('sub', s)::text, true) <> '', coursebase.current_user_id() = :dora
FROM (VALUES ('fixture_ada'), (:ada), ('merge_cleo'), (:cleo)) AS v (s);
SELECT coursebase.upsert_user('merge_cleo', 'Cleo', 'cleo@example.org');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM coursebase.check_integrity();
SELECT coursebase.delete_user(:dora) IS NOT NULL;
SELECT clerk_user_id ~ '^deleted:' FROM coursebase.users WHERE id IN (:ada, :cleo, :dora);
SELECT count(*), count(p.user_id) FROM pg_temp.codes LEFT JOIN coursebase.user_profile p USING (user_id, referral_code);
SELECT set_config('request.jwt.claims', json_build_object('sub', s)::text, true) <> '', coursebase.current_user_id()
FROM (VALUES ('fixture_ada'), (:ada), (:cleo)) AS v (s);
SELECT coursebase.upsert_user('fixture_ada', 'Ada', 'ada@example.org');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
