-- Promise: refunds add up to what was paid and no further; a part takes nothing away; the whole is stamped once
-- and takes the courses that nothing else gives; what was completed stays, and the product can be bought again.
\getenv abs_srcdir PG_ABS_SRCDIR
\set ada '\'00000000-0000-4000-8000-0000000e10a1\''
\set bundle '\'00000000-0000-4000-8000-0000000e11b1\''
\set single '\'00000000-0000-4000-8000-0000000e11b2\''
\set owns 'SELECT c.title, a.is_granted, a.is_bought FROM coursebase.user_access a JOIN coursebase.courses c ON c.id = a.course_id WHERE a.user_id =' :ada 'ORDER BY c.title;'
\set answer 'refunded_in_cents, refunded_at AT TIME ZONE ''UTC'', (SELECT array_agg(c.title ORDER BY c.title) FROM coursebase.courses c WHERE c.id = ANY (revoked_course_ids)) AS revoked'
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/helpers/refused.sql
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'refund_ada', 'Ada', 'ada@example.org');
INSERT INTO coursebase.courses (id, title, description)
SELECT ('00000000-0000-4000-8000-0000000e12c' || n)::uuid, 'Course ' || n, '' FROM generate_series(1, 3) n;
SELECT coursebase.save_product(NULL, 'Bundle', '', '/b.png', 49, 'public', ARRAY(SELECT id FROM coursebase.courses WHERE title LIKE 'Course _')) AS bundle \gset
SELECT coursebase.save_product(NULL, 'Single', '', '/s.png', 9, 'public', ARRAY['00000000-0000-4000-8000-0000000e12c2'::uuid]) AS single \gset
SELECT purchase_id AS first FROM coursebase.complete_purchase(:ada, :'bundle', 'cs_r1', 4900, 'paid', '2026-03-01 12:00+00') \gset

-- In parts.
SELECT :answer FROM coursebase.refund_purchase(:'first', 1000, '2026-03-02 12:00+00');
SELECT :answer FROM coursebase.refund_purchase(:'first', 1500, '2026-03-02 13:00+00');
:owns
SELECT pg_temp.refused(format('SELECT coursebase.refund_purchase(%L, %s)', p, a))
FROM (VALUES (:'first', '2401'), (:'first', '0'), (:'first', '-1'), (:'first', '9223372036854775807'), (NULL, 'NULL'),
    ('00000000-0000-4000-8000-0000000e1fff', 'NULL')) AS v (p, a);
-- Another purchase that counts, and a direct grant: they go on giving.
SELECT purchase_id AS second FROM coursebase.complete_purchase(:ada, :'single', 'cs_r2', 900, 'paid', '2026-03-03 12:00+00') \gset
-- (given in an earlier transaction: in the one of a sale it would be the sale's)
UPDATE coursebase.course_grants SET created_at = '2026-01-01';
INSERT INTO coursebase.course_grants (user_id, course_id, created_at) VALUES (:ada, '00000000-0000-4000-8000-0000000e12c3', '2026-01-01');
SELECT :answer FROM coursebase.refund_purchase(:'first', at => '2026-03-04 12:00+00');
:owns
-- Once: told again, with any sum, it is answered as it is.
SELECT :answer FROM coursebase.refund_purchase(:'first', at => '2026-03-05 12:00+00');
SELECT :answer FROM coursebase.refund_purchase(:'first', 2400, '2026-03-05 12:00+00');
-- The session told again gives nothing.
SELECT status, already_owned, cardinality(course_ids) FROM coursebase.complete_purchase(:ada, :'bundle', 'cs_r1', 4900, 'paid', '2026-03-05 12:00+00');
:owns
-- Two live purchases of one course, one refunded, then the other.
SELECT purchase_id AS third FROM coursebase.complete_purchase(:ada, :'bundle', 'cs_r3', 4900, 'paid', '2026-03-06 12:00+00') \gset
:owns
SELECT :answer FROM coursebase.refund_purchase(:'second', at => '2026-03-07 12:00+00');
SELECT :answer FROM coursebase.refund_purchase(:'third', 4900, '2026-03-08 12:00+00');
:owns
-- A refund does not move to another time, nor is it half taken back.
SELECT pg_temp.refused(format('UPDATE coursebase.purchases SET %s WHERE id = %L', change, :'third'))
FROM unnest(ARRAY['refunded_at = now()', 'refunded_in_cents = 0']) AS change;
-- It can be bought again.
SELECT coursebase.can_buy_product(:'bundle', :ada);
SELECT status, already_owned FROM coursebase.complete_purchase(:ada, :'bundle', 'cs_r4', 4900, 'paid', '2026-03-09 12:00+00');
:owns
-- At no price: nothing is paid back, and it is taken all the same.
SELECT purchase_id AS gift FROM coursebase.complete_purchase(:ada, :'single', 'cs_r5', 0, 'no_payment_required', '2026-03-10 12:00+00') \gset
SELECT pg_temp.refused(format('SELECT coursebase.refund_purchase(%L, 1)', :'gift'));
SELECT :answer FROM coursebase.refund_purchase(:'gift', at => '2026-03-11 12:00+00');
-- Each is in the record.
SELECT e.actor_id, e.old, e.new, s.stripe_session_id FROM coursebase.audit_events e JOIN coursebase.purchases s ON e.object = 'purchases/' || s.id
WHERE e.action = 'purchase_refunded' AND s.user_id = :ada ORDER BY s.stripe_session_id, e.new ->> 'refunded_in_cents';
SELECT stripe_session_id FROM coursebase.purchases s JOIN coursebase.purchase_history h ON h.purchase_id = s.id WHERE s.user_id = :ada;
SELECT check_name, object, problem FROM coursebase.check_integrity();
ROLLBACK;
