-- Promise: what can be used anyway takes no slot; another limit takes none away, and without a limit there is
-- nothing to choose; one chooses for oneself and sees the own slots, the server chooses for anybody.
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
\set ada '\'00000000-0000-4000-8000-000000005a01\''
\set bob '\'00000000-0000-4000-8000-000000005b01\''
\set one '\'00000000-0000-4000-8000-000000005c01\''
\set two '\'00000000-0000-4000-8000-000000005c02\''
\set three '\'00000000-0000-4000-8000-000000005c03\''
\set free '\'00000000-0000-4000-8000-000000005c04\''
\set other '\'00000000-0000-4000-8000-000000005c05\''
\set may '\'2026-05-10 12:00+00\''
\set ON_ERROR_ROLLBACK on
BEGIN;
SET LOCAL TimeZone = 'UTC';
CREATE ROLE regress_slot_anonymous;
CREATE ROLE regress_slot_user;
CREATE ROLE regress_slot_server BYPASSRLS;
SELECT coursebase.grant_roles('regress_slot_anonymous', 'regress_slot_user', 'regress_slot_server');
INSERT INTO coursebase.users (id, clerk_user_id, name, email, role) VALUES
    (:ada, 'slots_ada', 'Ada', 'ada@example.org', 'user'), (:bob, 'slots_bob', 'Bob', 'bob@example.org', 'user'),
    ('00000000-0000-4000-8000-000000005e01', 'slots_eve', 'Eve', 'eve@example.org', 'admin');
INSERT INTO coursebase.courses (id, course_code, title, description, is_free, in_premium) VALUES
    (:one, 'C51SLT', 'one', '', false, true), (:two, 'C52SLT', 'two', '', false, true), (:three, 'C53SLT', 'three', '', false, true),
    (:free, 'C54SLT', 'free', '', true, true), (:other, 'C55SLT', 'other', '', false, false);
SELECT status FROM coursebase.apply_subscription_event(:ada, '{"store": "app_store", "environment": "production",
    "store_event_id": "slot-1", "event_type": "SUBSCRIBED", "subtype": "INITIAL_BUY", "event_time": "2026-05-01T12:00:00Z",
    "original_transaction_id": "slot", "transaction_id": "slot-a", "period_end": "2026-06-01T12:00:00Z"}', '2026-05-01 12:00+00');
\set slots 'SELECT slot, course_code, voice, chosen_at, live FROM coursebase.premium_slots(:ada, :may);'
\set usable 'SELECT array_agg(c.course_code ORDER BY c.course_code) FROM coursebase.courses c WHERE c.id = ANY (coursebase.accessible_course_ids(:ada, :may)) AND c.course_code LIKE ''C5_SLT'';'

SET LOCAL ROLE regress_slot_server;
SELECT slot_id AS slot FROM coursebase.choose_premium_course(:ada, :one, 'male', :may) \gset
SELECT count(slot_id) FROM coursebase.choose_premium_course(:ada, :two, 'male', '2026-05-11');
-- what was bought or given needs no slot, in that voice; a slot stays when its course is bought
UPDATE coursebase.settings SET value = '3' WHERE name = 'premium_slots';
INSERT INTO coursebase.course_purchases (user_id, course_id, voice, source, status, validated_at) VALUES (:ada, :three, 'male', 'admin', 'valid', :may);
SELECT * FROM coursebase.choose_premium_course(:ada, :three, 'male', :may);
\echo :SQLSTATE
SAVEPOINT bought;
SELECT count(slot_id) FROM coursebase.choose_premium_course(:ada, :three, 'female', :may);
SELECT count(slot_id) FROM coursebase.choose_premium_course(:ada, :three, NULL, :may);
\echo :SQLSTATE
ROLLBACK TO bought;
UPDATE coursebase.course_purchases SET status = 'refunded', refunded_at = :may WHERE user_id = :ada AND course_id = :three;
INSERT INTO coursebase.course_purchases (user_id, course_id, voice, source, status, validated_at) VALUES (:ada, :one, 'male', 'admin', 'valid', :may);
SELECT slot_id = :'slot' FROM coursebase.choose_premium_course(:ada, :one, 'male', :may);
:slots

-- fewer slots take nothing away; every course: nothing to choose
UPDATE coursebase.settings SET value = '1' WHERE name = 'premium_slots';
SELECT slot_id IS NOT NULL FROM coursebase.choose_premium_course(:ada, :two, 'female', '2026-05-12');
SELECT * FROM coursebase.choose_premium_course(:ada, :three, NULL, :may);
\echo :SQLSTATE
:slots
:usable
UPDATE coursebase.settings SET value = '-1' WHERE name = 'premium_slots';
SELECT * FROM coursebase.choose_premium_course(:ada, :three, NULL, :may);
\echo :SQLSTATE
:slots
:usable
UPDATE coursebase.settings SET value = '0' WHERE name = 'premium_slots';
SELECT * FROM coursebase.choose_premium_course(:ada, :three, NULL, :may);
\echo :SQLSTATE
UPDATE coursebase.settings SET value = NULL WHERE name = 'premium_slots';

-- a course that left premium stays chosen
UPDATE coursebase.courses SET in_premium = false WHERE id = :two;
:slots
SELECT slot_id IS NOT NULL FROM coursebase.choose_premium_course(:ada, :two, 'male', :may);

-- one chooses for oneself, and sees the own slots; others are refused, whether they exist or not
SET LOCAL ROLE regress_slot_user;
SET LOCAL request.jwt.claims = '{"sub": "slots_ada"}';
SELECT slot_id = :'slot' FROM coursebase.choose_premium_course(course_id => :one, voice => 'male');
SELECT slot_id = :'slot' FROM coursebase.choose_premium_course(:ada, :one, 'male');
SELECT slot, course_code FROM coursebase.premium_slots();
SELECT source, count(*) FROM coursebase.course_purchases GROUP BY 1 ORDER BY 1;
SELECT * FROM coursebase.choose_premium_course(:bob, :one);
\echo :SQLSTATE
SELECT * FROM coursebase.choose_premium_course(:one, :one);
\echo :SQLSTATE
SELECT * FROM coursebase.premium_slots(:bob);
SET LOCAL request.jwt.claims = '{"sub": "slots_eve"}';
SELECT slot, course_code FROM coursebase.premium_slots(:ada);
SELECT * FROM coursebase.choose_premium_course(:ada, :one, 'male');
\echo :SQLSTATE
SET LOCAL request.jwt.claims = '';
SELECT * FROM coursebase.choose_premium_course(course_id => :one);
\echo :SQLSTATE
SELECT * FROM coursebase.premium_slots();
SET LOCAL ROLE regress_slot_anonymous;
SELECT * FROM coursebase.choose_premium_course(course_id => :one);
\echo :SQLSTATE
ROLLBACK;
