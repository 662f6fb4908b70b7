-- Promise: what is on sale is bought once a person, at once when it is free, by a pending charge when it is not;
-- a row of before is taken up again, and one pending charge replaces the other.
\getenv abs_srcdir PG_ABS_SRCDIR
\set VERBOSITY default
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/worlds/programs.sql
PREPARE state AS SELECT e.status, e.membership_id IS NOT NULL AS member, e.access_revoked_at, e.start_date,
    e.source_payment_transaction_id IS NOT NULL AS paid,
    (SELECT string_agg(t.status || ' ' || t.amount_in_cents || t.currency, ', ' ORDER BY t.created_at)
     FROM coursebase.payment_transactions t WHERE t.user_id = e.user_id AND t.program_id = e.program_id)
FROM coursebase.course_entitlements e JOIN coursebase.users u ON u.id = e.user_id WHERE u.id IN ($1, $2) ORDER BY e.created_at;
-- A member and a stranger; free and paid; again.
SELECT status, transaction_id IS NULL FROM coursebase.begin_checkout(:max, :strong, '2026-02-01');
SELECT status, transaction_id IS NULL FROM coursebase.begin_checkout(:max, :calm, '2026-02-02');
SELECT status, transaction_id IS NULL FROM coursebase.begin_checkout(:max, :calm, '2026-02-03');
EXECUTE state(:max, :max);
SELECT entitlement_id AS first FROM coursebase.begin_checkout(:max, :strong, '2026-02-04') \gset
SELECT entitlement_id = :'first', status FROM coursebase.begin_checkout(:max, :strong, '2026-02-05');
EXECUTE state(:max, :max);
-- Refused: not published, archived, no active plan, tier lite, unknown, a closed account, nulls.
SAVEPOINT before;
UPDATE coursebase.plans SET is_active = false WHERE program_id = :strong;
SELECT coursebase.begin_checkout(:eve, :strong, '2026-02-01');
ROLLBACK TO before;
SELECT coursebase.archive_course(:strong, '2026-02-01');
SELECT coursebase.begin_checkout(:eve, :strong, '2026-02-01');
ROLLBACK TO before;
UPDATE coursebase.organizations SET platform_tier = 'lite' WHERE id = :iron;
SELECT coursebase.begin_checkout(:eve, :strong, '2026-02-01');
ROLLBACK TO before;
SELECT coursebase.begin_checkout(:eve, '00000000-0000-4000-8000-0000000e1dff', '2026-02-01');
ROLLBACK TO before;
UPDATE coursebase.users SET deleted_at = now() WHERE id = :eve;
SELECT coursebase.begin_checkout(:eve, :strong, '2026-02-01');
ROLLBACK TO before;
SELECT coursebase.begin_checkout(NULL, :strong);
ROLLBACK TO before;
-- Cancelled: the charge and, while it is pending, the entitlement; once.
SELECT transaction_id AS charge FROM coursebase.begin_checkout(:eve, :strong, '2026-03-01') \gset
SELECT coursebase.cancel_checkout(:'charge', '2026-03-02'), coursebase.cancel_checkout(:'charge', '2026-03-03');
EXECUTE state(:eve, :eve);
SELECT status FROM coursebase.begin_checkout(:eve, :strong, '2026-03-04');
EXECUTE state(:eve, :eve);
-- It became free meanwhile.
SELECT coursebase.set_price(:strong, 0) IS NOT NULL;
SELECT status, transaction_id IS NULL FROM coursebase.begin_checkout(:eve, :strong, '2026-03-05');
EXECUTE state(:eve, :eve);
-- A reference is attached once, and is one charge's of the organisation.
SELECT coursebase.set_price(:strong, 100) IS NOT NULL;
SELECT transaction_id AS charge FROM coursebase.begin_checkout(:max, :strong, '2026-03-06') \gset
SELECT coursebase.attach_payment_reference(:'charge', 'stripe', 'a'), coursebase.attach_payment_reference(:'charge', 'stripe', 'a');
SAVEPOINT before;
SELECT coursebase.attach_payment_reference(:'charge', 'stripe', 'b');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO before;
SELECT transaction_id AS other FROM coursebase.begin_checkout('00000000-0000-4000-8000-0000000e1a02', :strong, '2026-03-06') \gset
SELECT coursebase.attach_payment_reference(:'other', 'stripe', 'a');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO before;
SELECT coursebase.attach_payment_reference('00000000-0000-4000-8000-0000000e1fff', 'stripe', 'c');
ROLLBACK TO before;
-- What the provider would never report, or no index holds, is no reference.
CREATE FUNCTION pg_temp.attach(charge uuid, provider text, reference text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN coursebase.attach_payment_reference(charge, provider, reference);
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
SELECT n, pg_temp.attach(t.id, coalesce(p, 'stripe'), coalesce(r, 'c'))
FROM coursebase.begin_checkout('00000000-0000-4000-8000-0000000e1a02', :strong, '2026-03-06') b (e, id, s),
    LATERAL (SELECT b.id) t, (VALUES (1, NULL, ''), (2, NULL, ' c'), (3, NULL, E'c\n'), (4, '', NULL), (5, 'stripe ', NULL),
        (6, NULL, (SELECT string_agg(md5(g::text), '') FROM generate_series(1, 300) g)), (7, NULL, repeat('c', 512))) v (n, p, r) ORDER BY n;
ROLLBACK TO before;
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
