-- Promise: two accounts are not merged while a refund of the one waits for credits that it spent and both bought some, nor where one
-- waits to pay for a program that the other lost; as soon as one of the two does not hold, they are.
\getenv abs_srcdir PG_ABS_SRCDIR
\set cleo '\'00000000-0000-4000-a000-00000000000f\''
\set dora '\'00000000-0000-4000-a000-00000000000e\''
\set merge 'SELECT pg_temp.refused(format(''SELECT coursebase.merge_users(%L, %L)'', ' :cleo ', ' :dora ')), pg_temp.refused(format(''SELECT coursebase.merge_users(%L, %L)'', ' :dora ', ' :cleo '));'
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/worlds/everything.sql
-- A merge that is accepted is taken back
CREATE FUNCTION pg_temp.refused(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE m text; d text;
BEGIN
    EXECUTE call;
    RAISE EXCEPTION USING ERRCODE = 'ZZ001';
EXCEPTION
    WHEN SQLSTATE 'ZZ001' THEN RETURN 'accepted';
    WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS m = MESSAGE_TEXT, d = PG_EXCEPTION_DETAIL;
        RETURN concat_ws(' | ', sqlstate, m, d);
END $$;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:cleo, 'refused_cleo', 'Cleo', 'cleo@example.org'), (:dora, 'refused_dora', 'Dora', 'dora@example.org');
SAVEPOINT nothing;
-- Credits: Cleo bought and spent, and the store gave the money back.
CREATE FUNCTION pg_temp.pack(who uuid, purchase text) RETURNS uuid LANGUAGE sql AS $$
    SELECT (coursebase.grant_credit_pack(who, (SELECT min(product_id) FROM coursebase.store_products WHERE kind = 'ai_credits'), 100, 'google_play', 'production', purchase, purchase, at => '2026-03-02')).credit_purchase_id $$;
SELECT pg_temp.pack(:cleo, 'merge-1') IS NOT NULL;
SELECT bank_left FROM coursebase.consume_credits(:cleo, 40, 'spent', '2026-03-03');
SELECT bank_credits, bank_left FROM coursebase.refund_credit_pack('google_play', 'production', 'merge-1', '2026-03-04');
SELECT status, claimed_credits, refunded_credits FROM coursebase.ai_credit_purchases WHERE purchase_id = 'merge-1';
:merge
-- Dora used the week's credits, and bought none.
SELECT status FROM coursebase.apply_subscription_event(:dora, '{"store": "manual", "store_event_id": "week", "event_type": "created", "event_time": "2026-03-01T00:00:00Z", "period_end": "2099-01-01T00:00:00Z"}', '2026-03-02');
SELECT weekly_credits, bank_left FROM coursebase.consume_credits(:dora, 5, 'week', '2026-03-03');
:merge
SELECT pg_temp.pack(:dora, 'merge-2') IS NOT NULL;
:merge
ROLLBACK TO nothing;
-- A program: Cleo waits to pay, Dora's access was revoked; and then it is given to her again.
SELECT status FROM coursebase.begin_checkout(:cleo, '00000000-0000-4000-a000-000000000231', '2026-05-01');
INSERT INTO coursebase.course_entitlements (user_id, program_id, status) VALUES (:dora, '00000000-0000-4000-a000-000000000231', 'active');
:merge
UPDATE coursebase.course_entitlements SET status = 'revoked' WHERE user_id = :dora;
SELECT user_id = :dora, status FROM coursebase.course_entitlements WHERE user_id IN (:cleo, :dora) ORDER BY 1;
:merge
ROLLBACK;
