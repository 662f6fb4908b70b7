-- Promise: check_integrity() finds premium slots that nobody could have filled; a lowered limit, premium that has
-- ended or went to another account and a course that left premium are no damage. Damage is done by somebody who switched triggers off.
\set ada '\'00000000-0000-4000-8000-0000000088a1\''
\set bob '\'00000000-0000-4000-8000-0000000088b1\''
\set check 'SELECT check_name, object, problem FROM coursebase.check_integrity();'
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'slots_ada', 'Ada', 'ada@example.org'), (:bob, 'slots_bob', 'Bob', 'bob@example.org');
INSERT INTO coursebase.courses (id, course_code, title, description, in_premium)
SELECT format('00000000-0000-4000-8000-0000000088c%s', n)::uuid, format('C8%sCHK', n), 'Check', '', true FROM generate_series(1, 4) n;
SELECT status FROM coursebase.apply_subscription_event(:ada, '{"store": "app_store", "environment": "production",
    "store_event_id": "slots-1", "event_type": "SUBSCRIBED", "subtype": "INITIAL_BUY", "event_time": "2026-05-01T12:00:00Z",
    "original_transaction_id": "slots", "transaction_id": "slots-a", "period_end": "2026-06-01T12:00:00Z"}', '2026-05-01 12:00+00');
CREATE FUNCTION pg_temp.slot(of_user uuid, n integer, of_voice text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO coursebase.course_purchases (id, user_id, course_id, voice, source, status, purchased_at, validated_at) VALUES
        (format('00000000-0000-4000-8000-%s%s', right(of_user::text, 4), to_char(8000000 + n, 'FM00000000'))::uuid, of_user,
         format('00000000-0000-4000-8000-0000000088c%s', n % 10)::uuid, of_voice, 'premium_slot', 'valid', '2026-05-02', '2026-05-02') $$;
UPDATE coursebase.entitlements SET course_slots = 3, covers_every_course = false WHERE name = 'premium';
SELECT count(slot_id) FROM generate_series(1, 3) n,
    coursebase.choose_premium_course(:ada, format('00000000-0000-4000-8000-0000000088c%s', n)::uuid, 'male', '2026-05-02 12:00+00');
SELECT pg_temp.slot(:ada, 1, 'female');
UPDATE coursebase.entitlements SET course_slots = 2, covers_every_course = false WHERE name = 'premium';
UPDATE coursebase.courses SET in_premium = false WHERE id = '00000000-0000-4000-8000-0000000088c2';
:check
SAVEPOINT given;
SELECT coursebase.transfer_line('app_store', 'slots', :bob), (SELECT count(*) FROM coursebase.subscriptions WHERE user_id = :ada);
:check
ROLLBACK TO given;
SET LOCAL session_replication_role = replica;
SAVEPOINT sound;

-- one more than there ever could be; as many as one likes once the limit was none
SELECT pg_temp.slot(:ada, 4, 'male');
:check
SET LOCAL session_replication_role = origin;
UPDATE coursebase.entitlements SET covers_every_course = true WHERE name = 'premium';
UPDATE coursebase.entitlements SET course_slots = 2, covers_every_course = false WHERE name = 'premium';
:check
ROLLBACK TO sound;

-- one course twice in one voice
DROP INDEX coursebase.course_purchases_slot_idx;
SELECT pg_temp.slot(:ada, 11, 'female');
SELECT pg_temp.slot(:ada, 21, 'female');
:check
ROLLBACK TO sound;

-- a slot that was sold
ALTER TABLE coursebase.course_purchases DROP CONSTRAINT course_purchases_slot_is_no_sale_check;
UPDATE coursebase.course_purchases SET purchase_token = 'token' WHERE user_id = :ada AND voice = 'female';
:check
ROLLBACK TO sound;
ALTER TABLE coursebase.course_purchases DROP CONSTRAINT course_purchases_slot_is_no_sale_check;
UPDATE coursebase.course_purchases SET status = 'pending' WHERE user_id = :ada AND voice = 'female';
:check
ROLLBACK TO sound;

-- a slot of somebody who never had premium
SELECT pg_temp.slot(:bob, 1, 'male');
:check
ROLLBACK;
