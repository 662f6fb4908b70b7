-- Promise: the state of a subscription is told when it changes, with what that does to premium and to each course in a
-- slot; what time alone ends is told by access_turns(), which knows what was renewed, bought or given meanwhile.
\getenv abs_srcdir PG_ABS_SRCDIR
\set ada '\'00000000-0000-4000-8000-00000000e2a1\''
\set one '\'00000000-0000-4000-8000-00000000e211\''
\set two '\'00000000-0000-4000-8000-00000000e222\''
\set store 'SELECT pg_temp.store'
\set turns 'SELECT at, kind, right(user_id::text, 2), regexp_replace(subject, ''00000000-0000-4000-8000-0{7,8}'', ''''), source, until FROM coursebase.access_turns'
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'events_ada', 'Ada', 'ada@example.org');
INSERT INTO coursebase.courses (id, course_code, title, description, in_premium) VALUES
    (:one, 'C21EVT', 'One', '', true), (:two, 'C22EVT', 'Two', '', true);
CREATE FUNCTION pg_temp.store(event text, happened text, ends text DEFAULT NULL, more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT status FROM coursebase.apply_subscription_event('00000000-0000-4000-8000-00000000e2a1', (jsonb_build_object('store', 'google_play',
        'environment', 'production', 'store_event_id', event || happened, 'original_transaction_id', 'e2', 'transaction_id', 't' || coalesce(ends, happened),
        'event_type', event, 'event_time', happened || 'T00:00:00Z', 'period_end', ends || 'T00:00:00Z') || more)::json) $$;
\i :abs_srcdir/fixtures/helpers/told.sql

-- A period that has passed is a state and no access; what is noted tells nothing; a renewal gives.
:store('created', '2026-01-01', '2026-02-01');
:told
:store('noted', '2026-01-02');
:told
:store('renewed', '2026-02-01', '2096-02-01');
:told
-- Slots last as long as premium; renewals, cancels and refunds tell of each.
SELECT count(slot_id) FROM (VALUES (:one), (:two)) AS c (id), coursebase.choose_premium_course(:ada, c.id::uuid);
:told
:store('renewed', '2026-02-02', '2097-02-01');
:told
:store('canceled', '2026-02-03');
:told
-- What is bought lasts without premium: the end of the slot is no end of the course any more.
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (:ada, :one);
:told
:turns('2097-01-01', '2098-01-01');
:turns('2097-02-01', '2097-02-01 00:00:00.000001');
:turns('2096-02-01', '2097-02-01');
:turns('2097-02-01 00:00:00.000001', 'infinity');
DELETE FROM coursebase.user_course_access WHERE user_id = :ada;
:told
:turns('-infinity', 'infinity');
-- A grace period moves the end of access; a product change is told too.
:store('grace_started', '2026-02-04', NULL, '{"grace_until": "2099-01-01T00:00:00Z"}');
:told
:turns('2097-01-01', 'infinity');
:store('product_changed', '2026-02-05', '2097-02-01', '{"product_id": "gold"}');
:told
:store('revoked', '2026-02-06', NULL, '{"transaction_id": "t2097-02-01"}');
:told
:turns('-infinity', 'infinity');
:store('unrevoked', '2026-02-07', NULL, '{"transaction_id": "t2097-02-01"}');
:told

-- A slot that is given back or moved; premium that is every course has no slots to tell of.
DELETE FROM coursebase.course_purchases WHERE user_id = :ada AND course_id = :two;
:told
UPDATE coursebase.course_purchases SET course_id = :two WHERE user_id = :ada AND source = 'premium_slot';
:told
UPDATE coursebase.entitlements SET covers_every_course = true WHERE name = 'premium';
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (:ada, :one);
:told
-- Access does not end where something else gives the course; nor for somebody who has left.
UPDATE coursebase.courses SET is_free = true WHERE id = :two;
:turns('-infinity', 'infinity');
SELECT coursebase.delete_user(:ada) IS NOT NULL;
:told
:turns('-infinity', 'infinity');
SELECT * FROM coursebase.access_turns(NULL, now());
ROLLBACK;
