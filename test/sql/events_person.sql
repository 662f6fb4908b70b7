-- Promise: a completed course, credits that run low, packs, custom courses, payments, access to programs and a closed
-- account are told when they happen, and not again until they happen again.
\getenv abs_srcdir PG_ABS_SRCDIR
\set one '\'00000000-0000-4000-8000-00000000e311\''
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/worlds/programs.sql
\i :abs_srcdir/fixtures/helpers/told.sql

-- A course of lessons is completed with the last lesson that is shown, whichever that is, and again after it was not.
INSERT INTO coursebase.courses (id, title, description, is_free) VALUES (:one, 'One', '', true);
INSERT INTO coursebase.course_sections (id, course_id, name, status) VALUES
    ('00000000-0000-4000-8000-00000000e321', :one, 'Shown', 'public'), ('00000000-0000-4000-8000-00000000e322', :one, 'Hidden', 'private');
INSERT INTO coursebase.lessons (id, section_id, name, status)
SELECT ('00000000-0000-4000-8000-00000000e33' || n)::uuid, ('00000000-0000-4000-8000-00000000e32' || 1 + n / 4)::uuid, 'L',
    (ARRAY['public', 'preview', 'private', 'public'])[n]::coursebase.lesson_status FROM generate_series(1, 4) n;
SELECT coursebase.complete_lesson('00000000-0000-4000-8000-00000000e331', :max);
:told
SELECT coursebase.complete_lesson('00000000-0000-4000-8000-00000000e332', :max);
:told
INSERT INTO coursebase.user_lesson_complete VALUES (:max, '00000000-0000-4000-8000-00000000e334') ON CONFLICT DO NOTHING;
SELECT coursebase.complete_lesson('00000000-0000-4000-8000-00000000e332', :max);
:told
SELECT coursebase.uncomplete_lesson('00000000-0000-4000-8000-00000000e331', :max);
INSERT INTO coursebase.user_lesson_complete SELECT u.id, l.id FROM coursebase.lessons l, coursebase.users u
WHERE l.section_id = '00000000-0000-4000-8000-00000000e321' AND u.id IN (:max, :eve) ON CONFLICT DO NOTHING;
:told
-- Who completes a lesson, or gives a course, in plain SQL under row security is told of as well.
\i :abs_srcdir/fixtures/helpers/roles.sql
UPDATE coursebase.courses SET is_free = false WHERE id = :one;
UPDATE coursebase.users SET role = 'admin' WHERE clerk_user_id = 'programs_zoe';
SET LOCAL ROLE regress_end_user;
SET LOCAL request.jwt.claims = '{"sub": "programs_zoe"}';
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (:eve, :one);
SET LOCAL request.jwt.claims = '{"sub": "programs_eve"}';
DELETE FROM coursebase.user_lesson_complete WHERE lesson_id = '00000000-0000-4000-8000-00000000e332';
INSERT INTO coursebase.user_lesson_complete VALUES (:eve, '00000000-0000-4000-8000-00000000e332');
RESET ROLE;
:told

-- Credits are low once a week, when a use leaves less than the setting says; a pack tells of itself.
UPDATE coursebase.settings SET value = '1000' WHERE name = 'free_weekly_credits';
SELECT weekly_left FROM coursebase.consume_credits(:max, 400, 'a', '2026-03-02 10:00+00');
:told
SELECT weekly_left FROM coursebase.consume_credits(:max, 1, 'b', '2026-03-02 10:00+00');
:told
SELECT weekly_left FROM coursebase.consume_credits(:max, 1, 'c', '2026-03-02 10:00+00');
:told
SELECT weekly_left FROM coursebase.consume_credits(:max, 500, 'd', '2026-03-10 10:00+00');
:told
SELECT bank_left FROM coursebase.grant_credit_pack(:max, 'ai_credits_5000', 5000, 'app_store', 'production', 'e3', 'token', at => '2026-03-10 11:00+00');
:told
SELECT weekly_left, bank_left FROM coursebase.consume_credits(:max, 5000, 'e', '2026-03-10 12:00+00');
:told
SELECT count(*) FROM coursebase.refund_credit_pack('app_store', 'production', 'e3', '2026-03-11 10:00+00');
:told
UPDATE coursebase.settings SET value = '0' WHERE name = 'events_credits_low';
SELECT weekly_left FROM coursebase.consume_credits(:max, 1000, 'f', '2026-03-20 10:00+00');
:told

-- A custom course is told to whom it is made for.
SELECT count(*) FROM coursebase.create_custom_course(:eve, 'app_store', 'production', 'e4', 'token');
:told
UPDATE coursebase.custom_course_purchases SET status = 'refunded' WHERE purchase_id = 'e4';
:told

-- An organisation's course: paid, used to the end, paid back; what is free is access alone.
SELECT status FROM coursebase.begin_checkout(:eve, :calm, '2026-03-01');
:told
SELECT transaction_id AS charge, entitlement_id AS entitlement FROM coursebase.begin_checkout(:eve, :strong, '2026-03-01') \gset
SELECT count(*) FROM coursebase.attach_payment_reference(:'charge', 'stripe', 'e5');
:told
SELECT status FROM coursebase.apply_payment_event(:iron, 'stripe', 'e5', 'completed', '2026-03-02');
SELECT status FROM coursebase.apply_payment_event(:iron, 'stripe', 'e5', 'completed', '2026-03-02');
:told
SELECT count(*) FROM coursebase.start_course(:'entitlement', '2026-03-02');
SELECT count(*) FROM unnest(ARRAY['01', '03']) n, coursebase.mark_workout_complete(:'entitlement', ('00000000-0000-4000-8000-0000000e1e' || n)::uuid);
:told
SELECT status FROM coursebase.refund_transaction(:'charge', false, '2026-03-05');
:told

-- Who leaves is told of once more, of what was before no longer.
SELECT status FROM coursebase.begin_checkout(:max, :calm, '2026-03-06');
SELECT coursebase.delete_user(:max, '2026-03-07');
SELECT coursebase.delete_user(:max, '2026-03-08');
:told
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
