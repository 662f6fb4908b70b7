-- Promise: somebody with premium fills two slots with courses in premium, for good: a further one is refused, the
-- same again answers the first result, the other voice needs no slot, and without premium slots give nothing.
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
:slots
-- no premium, not in premium, no such course, no need, no such voice, no such user, no course
SELECT * FROM coursebase.choose_premium_course(:bob, :one, NULL, :may);
\echo :SQLSTATE
SELECT * FROM coursebase.choose_premium_course(:ada, :one, NULL, '2026-06-01 12:00+00');
\echo :SQLSTATE
SELECT * FROM coursebase.choose_premium_course(:ada, :other, NULL, :may);
\echo :SQLSTATE
SELECT * FROM coursebase.choose_premium_course(:ada, :ada, NULL, :may);
\echo :SQLSTATE
SELECT * FROM coursebase.choose_premium_course(:ada, :free, NULL, :may);
\echo :SQLSTATE
SELECT * FROM coursebase.choose_premium_course(:ada, :one, 'Male', :may);
\echo :SQLSTATE
SELECT * FROM coursebase.choose_premium_course(:one, :one, NULL, :may);
\echo :SQLSTATE
SELECT * FROM coursebase.choose_premium_course(:ada);
\echo :SQLSTATE
SELECT * FROM coursebase.choose_premium_course(:ada, :one, NULL, 'infinity');
\echo :SQLSTATE
SELECT * FROM coursebase.choose_premium_course(course_id => :one);
\echo :SQLSTATE
:slots

-- two courses, one in both voices; again; a third
SELECT slot_id AS slot, chosen_at FROM coursebase.choose_premium_course(:ada, :one, 'male', :may) \gset
SELECT slot_id = :'slot', chosen_at FROM coursebase.choose_premium_course(:ada, :one, 'male', '2026-07-10');
SELECT slot_id <> :'slot', chosen_at FROM coursebase.choose_premium_course(:ada, :two, 'male', '2026-05-11');
SELECT slot_id <> :'slot', chosen_at FROM coursebase.choose_premium_course(:ada, :one, 'female', '2026-05-12');
SELECT * FROM coursebase.choose_premium_course(:ada, :three, 'male', :may);
\echo :SQLSTATE
:slots
:usable

-- the rule holds by plain SQL as well, and for a row that becomes a slot
INSERT INTO coursebase.course_purchases (user_id, course_id, source, status, validated_at) VALUES (:ada, :three, 'premium_slot', 'valid', :may);
INSERT INTO coursebase.course_purchases (user_id, course_id, source, status, validated_at) VALUES (:ada, :other, 'premium_slot', 'valid', :may);
INSERT INTO coursebase.course_purchases (user_id, course_id, source, status, validated_at) VALUES (:bob, :one, 'premium_slot', 'valid', :may);
UPDATE coursebase.course_purchases SET course_id = :other WHERE user_id = :ada AND course_id = :two;
UPDATE coursebase.course_purchases SET course_id = :three WHERE user_id = :ada AND course_id = :two RETURNING source;
UPDATE coursebase.course_purchases SET course_id = :two WHERE user_id = :ada AND course_id = :three RETURNING source;
\set VERBOSITY terse
INSERT INTO coursebase.course_purchases (user_id, course_id, source, status, purchase_id, validated_at) VALUES (:ada, :one, 'premium_slot', 'valid', 'receipt', :may);
\set VERBOSITY default

-- premium ends and comes back
\set may '\'2026-06-01 12:00+00\''
:slots
:usable
SELECT status FROM coursebase.apply_subscription_event(:ada, '{"store": "app_store", "environment": "production",
    "store_event_id": "slot-2", "event_type": "DID_RENEW", "event_time": "2026-07-01T12:00:00Z",
    "original_transaction_id": "slot", "transaction_id": "slot-b", "period_end": "2026-08-01T12:00:00Z"}', '2026-07-01 12:00+00');
\set may '\'2026-07-02 12:00+00\''
:slots
:usable
ROLLBACK;
