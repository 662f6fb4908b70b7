-- Promise: of a buyer who has left nothing new is kept: money that comes late gives nothing and stands in
-- transactions_to_refund, also where there was no entitlement yet, and a late call of the server marks nothing.
\getenv abs_srcdir PG_ABS_SRCDIR
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/worlds/programs.sql
-- A program of its own writes the payment by plain SQL, and leaves the entitlement to the report.
INSERT INTO coursebase.payment_transactions (organization_id, user_id, plan_id, amount_in_cents, type, provider, provider_reference)
SELECT organization_id, :eve, id, 4900, 'charge', 'psp', 'late' FROM coursebase.plans WHERE program_id = :strong;
SELECT entitlement_id AS mine FROM coursebase.begin_checkout(:eve, :calm, '2026-02-01') \gset
SELECT id AS place FROM coursebase.course_workouts WHERE program_id = :calm \gset
SELECT custom_course_id AS own FROM coursebase.create_custom_course(:eve, 'app_store', 'production', 'receipt', 'token') \gset
SELECT coursebase.delete_user(:eve, '2026-03-01') IS NOT NULL;
SELECT r.status, r.entitlement_id IS NOT NULL, r.reason FROM coursebase.apply_payment_event(:iron, 'psp', 'late', 'completed', '2026-03-02') r;
SELECT status, access_revoked_at, source_payment_transaction_id, created_at FROM coursebase.course_entitlements WHERE user_id = :eve AND program_id = :strong;
SELECT user_id = :eve, amount_in_cents, provider_reference FROM coursebase.transactions_to_refund;
SELECT r.status, r.reason FROM coursebase.apply_payment_event(:iron, 'psp', 'late', 'completed', '2026-03-02') r;
SELECT r.status FROM coursebase.transactions_to_refund t, coursebase.refund_transaction(t.transaction_id) r;
SELECT count(*) FROM coursebase.transactions_to_refund;
SAVEPOINT s;
SELECT coursebase.start_course(:'mine', '2026-03-02');
ROLLBACK TO s;
SELECT coursebase.restart_course(:'mine', '2026-03-02');
ROLLBACK TO s;
SELECT coursebase.mark_workout_complete(:'mine', :'place', 'her knee', '2026-03-02');
ROLLBACK TO s;
SELECT coursebase.unmark_workout_complete(:'mine', :'place');
ROLLBACK TO s;
-- Nor does the document of a custom course grow.
SELECT coursebase.update_json(:'own', '{"url": "https://audio.example/ada-1.mp3"}');
ROLLBACK TO s;
SELECT c.checksum = md5('{"audio_files": []}') FROM coursebase.calculate_checksum(:'own') c;
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
