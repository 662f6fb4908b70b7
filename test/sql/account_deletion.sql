-- Promise: who leaves is nobody from then on, what told of them is gone, what they held up is free, their external id
-- is a new person's, and what accounting needs stays. Leaving twice is leaving once.
\getenv abs_srcdir PG_ABS_SRCDIR
\set ada '\'00000000-0000-4000-a000-00000000000a\''
\set bob '\'00000000-0000-4000-a000-00000000000b\''
\set course '\'00000000-0000-4000-a000-0000000000d3\''
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
SET LOCAL TimeZone = 'UTC';
\i :abs_srcdir/fixtures/worlds/everything.sql
CREATE ROLE regress_leave_user;
CREATE ROLE regress_leave_server BYPASSRLS;
SELECT coursebase.grant_roles(NULL, 'regress_leave_user', 'regress_leave_server');
UPDATE coursebase.users SET role = 'admin', image_url = 'https://example.org/ada.png' WHERE id = :ada;
INSERT INTO coursebase.discount_codes (id, code, product_type, percent_off, max_redemptions) VALUES
    ('00000000-0000-4000-a000-0000000ea501', 'LEAVING', 'course', 10, 1);
-- How long a closed account's external id is kept from a new one is in closed_ids.sql.
UPDATE coursebase.settings SET value = '0' WHERE name = 'closed_id_days';
SET LOCAL ROLE regress_leave_server;
\set ON_ERROR_ROLLBACK on

-- Only the server closes an account: not oneself, not an administrator.
SET LOCAL ROLE regress_leave_user;
SET LOCAL request.jwt.claims = '{"sub": "fixture_ada"}';
SELECT coursebase.delete_user(:ada);
\echo :LAST_ERROR_SQLSTATE
RESET request.jwt.claims;
SET LOCAL ROLE regress_leave_server;
SELECT coursebase.delete_user(NULL);
\echo :LAST_ERROR_SQLSTATE
SELECT coursebase.delete_user(:ada, NULL);
\echo :LAST_ERROR_SQLSTATE
SELECT coursebase.delete_user(:ada, 'infinity');
\echo :LAST_ERROR_SQLSTATE
SELECT coursebase.delete_user('00000000-0000-4000-a000-0000000000ff');
\echo :LAST_ERROR_SQLSTATE
-- The last owner of an organisation stays until there is another; nothing has happened.
SELECT coursebase.delete_user(:ada);
\echo :LAST_ERROR_SQLSTATE
SELECT name, deleted_at FROM coursebase.users WHERE id = :ada;
UPDATE coursebase.memberships SET role = 'owner' WHERE id = '00000000-0000-4000-a000-000000000212';

-- What Ada holds up: a place of a code, and a checkout.
SELECT count(*) FROM coursebase.reserve_discount(:ada, 'LEAVING', 'course', 1000, 'EUR', 'leaving', ttl => '100 years');
SELECT status FROM coursebase.begin_checkout(:ada, '00000000-0000-4000-a000-000000000231', '2026-05-01');
SELECT reason FROM coursebase.validate_discount(:bob, 'LEAVING', 'course', 1000, 'EUR');
CREATE TEMP VIEW accounts AS
    SELECT (SELECT count(*) FROM coursebase.purchases) AS sales, (SELECT count(*) FROM coursebase.store_receipts) AS receipts,
        (SELECT count(*) FROM coursebase.subscription_events) AS events, (SELECT count(*) FROM coursebase.credit_log) AS credits,
        (SELECT count(*) FROM coursebase.discount_redemptions) AS discounts, (SELECT count(*) FROM coursebase.course_purchases) AS courses,
        (SELECT count(*) FROM coursebase.payment_transactions) AS payments, (SELECT count(*) FROM coursebase.audit_events WHERE action = 'role_changed') AS roles;
SELECT * FROM accounts;
SELECT coursebase.has_course_access(:course, :ada), cardinality(coursebase.accessible_course_ids(:ada)) > 1,
    coursebase.has_program_access('00000000-0000-4000-a000-000000000231', :ada);

SELECT coursebase.delete_user(:ada, '2026-05-02 12:00+00');
SELECT name, email, image_url, role, deleted_at, clerk_user_id ~ '^deleted:[-0-9a-f]{36}$' FROM coursebase.users WHERE id = :ada;
SELECT first_name, email, time_zone, devices, referral_code <> 'UFIXADA', referred_by = :bob FROM coursebase.user_profile WHERE user_id = :ada;
SELECT title, description, data, checksum = md5('{"audio_files": []}'), file_size_bytes FROM coursebase.custom_courses WHERE user_id = :ada;
SELECT valid, reason FROM coursebase.verify_gen_link('00000000-0000-4000-a000-0000000000e3', '2026-01-01 13:00+00');
SELECT user_id, message, context, log_type FROM coursebase.app_logs WHERE id = '00000000-0000-4000-a000-000000000101';
SELECT count(*) FROM coursebase.memberships WHERE user_id = :ada;
-- The place is free, the checkout is over; of the accounts there is the role that is no more, and else what there was.
SELECT reason FROM coursebase.validate_discount(:bob, 'LEAVING', 'course', 1000, 'EUR');
SELECT t.status, e.status FROM coursebase.payment_transactions t JOIN coursebase.course_entitlements e USING (user_id) WHERE user_id = :ada;
SELECT * FROM accounts;
SELECT action, actor_id, old, new FROM coursebase.audit_events WHERE object = 'users/' || :ada ORDER BY created_at, action;
SELECT * FROM coursebase.check_integrity();

-- Nobody from now on: to claims of either form, to rights, to discounts, to referrals, to handshakes, to checkouts.
SELECT coursebase.has_course_access(:course, :ada), coursebase.has_program_access('00000000-0000-4000-a000-000000000231', :ada),
    coursebase.accessible_course_ids(:ada) = coursebase.accessible_course_ids('00000000-0000-4000-a000-0000000000ff');
SELECT valid, reason FROM coursebase.validate_discount(:ada, 'LEAVING', 'course', 1000, 'EUR');
SELECT valid FROM coursebase.validate_referral_code('UFIXADA');
SELECT coursebase.handshake(:ada, '{}');
\echo :LAST_ERROR_SQLSTATE
SELECT coursebase.begin_checkout(:ada, '00000000-0000-4000-a000-000000000231');
\echo :LAST_ERROR_SQLSTATE
SELECT set_config('request.jwt.claims', json_build_object('sub', s)::text, true) <> '', coursebase.current_user_id(), coursebase.is_admin()
FROM (VALUES ('fixture_ada'), (:ada)) AS v (s);
SELECT set_config('request.jwt.claims', json_build_object('sub', clerk_user_id)::text, true) <> '', coursebase.current_user_id()
FROM coursebase.users WHERE id = :ada;
SET LOCAL ROLE regress_leave_user;
SELECT count(*) FROM coursebase.users;
SELECT count(*) FROM coursebase.purchases;
SET LOCAL ROLE regress_leave_server;
RESET request.jwt.claims;

-- Twice in a row: the first time counts, and nothing is written.
SELECT xmin AS before FROM coursebase.users WHERE id = :ada \gset
SELECT coursebase.delete_user(:ada, '2027-01-01');
SELECT xmin = :'before', deleted_at FROM coursebase.users WHERE id = :ada;
SELECT count(*) FROM coursebase.audit_events WHERE action = 'account_closed';
-- What is written about the account since is found, and goes with another call. One that an UPDATE closed needs none.
SELECT coursebase.log_server('f', 'info', 'Ada called', user_id => :ada) IS NOT NULL;
UPDATE coursebase.users SET deleted_at = '2026-06-01' WHERE clerk_user_id = 'fixture_root';
SELECT object, problem FROM coursebase.check_integrity();
SELECT coursebase.delete_user(:ada), coursebase.delete_user('00000000-0000-4000-a000-00000000000c');
SELECT object, problem FROM coursebase.check_integrity();
SELECT message FROM coursebase.server_logs WHERE function_name = 'f';

-- The external id is free: it signs up as a new person, who has nothing of the first, and may leave too.
SELECT coursebase.upsert_user('fixture_ada', 'Ada again', 'ada@example.org') AS again \gset
SELECT :'again' <> :ada, count(*) FROM coursebase.purchases WHERE user_id = :'again';
SELECT coursebase.delete_user(:'again', '2026-07-01');
SELECT coursebase.upsert_user('fixture_ada', 'Ada once more', 'ada@example.org') NOT IN (:ada, :'again');
-- Money still goes back, and nothing is given anew.
SELECT refunded_in_cents FROM coursebase.refund_purchase('00000000-0000-4000-a000-0000000000e3');
SELECT status FROM coursebase.refund_store_purchase('app_store', 'sandbox', 'fixture-1');
SELECT * FROM coursebase.check_integrity();

-- Two owners of one organisation: only one of them can leave.
SELECT coursebase.delete_user(:bob);
\echo :LAST_ERROR_SQLSTATE
-- What accounting needs cannot be deleted for good, nor can the person whose it is.
RESET ROLE;
DO $$
BEGIN
    DELETE FROM coursebase.users WHERE id = '00000000-0000-4000-a000-00000000000a';
EXCEPTION WHEN foreign_key_violation OR restrict_violation THEN NULL;
END
$$;
SELECT count(*) FROM coursebase.users WHERE id = :ada;
ROLLBACK;
