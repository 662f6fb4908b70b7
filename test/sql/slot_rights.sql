-- Promise: what can be used anyway takes no slot; another limit takes none away, and without a limit there is
-- nothing to choose; one chooses for oneself and sees the own slots, the server chooses for anybody.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
\set ON_ERROR_ROLLBACK on
BEGIN;
SET LOCAL TimeZone = 'UTC';
\i :abs_srcdir/fixtures/helpers/roles.sql
\i :abs_srcdir/fixtures/worlds/slots.sql

SET LOCAL ROLE regress_server;
SELECT slot_id AS slot FROM coursebase.choose_premium_course(:ada, :one, 'male', :may) \gset
SELECT count(slot_id) FROM coursebase.choose_premium_course(:ada, :two, 'male', '2026-05-11');
-- what was bought or given needs no slot, in that voice; a slot stays when its course is bought
UPDATE coursebase.entitlements SET course_slots = 3, covers_every_course = false WHERE name = 'premium';
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
UPDATE coursebase.entitlements SET course_slots = 1, covers_every_course = false WHERE name = 'premium';
SELECT slot_id IS NOT NULL FROM coursebase.choose_premium_course(:ada, :two, 'female', '2026-05-12');
SELECT * FROM coursebase.choose_premium_course(:ada, :three, NULL, :may);
\echo :SQLSTATE
:slots
:usable
UPDATE coursebase.entitlements SET covers_every_course = true WHERE name = 'premium';
SELECT * FROM coursebase.choose_premium_course(:ada, :three, NULL, :may);
\echo :SQLSTATE
:slots
:usable
UPDATE coursebase.entitlements SET course_slots = 0, covers_every_course = false WHERE name = 'premium';
SELECT * FROM coursebase.choose_premium_course(:ada, :three, NULL, :may);
\echo :SQLSTATE
UPDATE coursebase.entitlements SET course_slots = 2, covers_every_course = false WHERE name = 'premium';

-- a course that left premium stays chosen
UPDATE coursebase.courses SET in_premium = false WHERE id = :two;
:slots
SELECT slot_id IS NOT NULL FROM coursebase.choose_premium_course(:ada, :two, 'male', :may);

-- one chooses for oneself, and sees the own slots; others are refused, whether they exist or not
SET LOCAL ROLE regress_end_user;
SET LOCAL request.jwt.claims = '{"sub": "slot_ada"}';
SELECT slot_id = :'slot' FROM coursebase.choose_premium_course(course_id => :one, voice => 'male');
SELECT slot_id = :'slot' FROM coursebase.choose_premium_course(:ada, :one, 'male');
SELECT slot, course_code FROM coursebase.premium_slots();
SELECT source, count(*) FROM coursebase.course_purchases GROUP BY 1 ORDER BY 1;
SELECT * FROM coursebase.choose_premium_course(:bob, :one);
\echo :SQLSTATE
SELECT * FROM coursebase.choose_premium_course(:one, :one);
\echo :SQLSTATE
SELECT * FROM coursebase.premium_slots(:bob);
SET LOCAL request.jwt.claims = '{"sub": "slot_eve"}';
SELECT slot, course_code FROM coursebase.premium_slots(:ada);
SELECT * FROM coursebase.choose_premium_course(:ada, :one, 'male');
\echo :SQLSTATE
SET LOCAL request.jwt.claims = '';
SELECT * FROM coursebase.choose_premium_course(course_id => :one);
\echo :SQLSTATE
SELECT * FROM coursebase.premium_slots();
SET LOCAL ROLE regress_anonymous;
SELECT * FROM coursebase.choose_premium_course(course_id => :one);
\echo :SQLSTATE
ROLLBACK;
