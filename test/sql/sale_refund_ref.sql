-- Promise: a refund that is told with its provider's id counts once, in parts and in full, in whatever order it is told;
-- another purchase or another sum under that id is refused, and without an id each part counts.
\set ada '\'00000000-0000-4000-8000-0000000e60a1\''
\set course '\'00000000-0000-4000-8000-0000000e62c1\''
\set answer 'refunded_in_cents, refunded_at AT TIME ZONE ''UTC'', cardinality(revoked_course_ids)'
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'refund_ref_ada', 'Ada', 'ada@example.org');
INSERT INTO coursebase.courses (id, title, description) VALUES (:course, 'Course', '');
SELECT coursebase.save_product(NULL, 'Single', '', '/s.png', 9, 'public', ARRAY[:course]::uuid[]) AS single \gset
SELECT purchase_id AS first FROM coursebase.complete_purchase(:ada, :'single', 'cs_ref1', 1000, 'paid', '2026-03-01 12:00+00') \gset
SELECT purchase_id AS second FROM coursebase.complete_purchase(:ada, :'single', 'cs_ref2', 1000, 'paid', '2026-03-02 12:00+00') \gset
SELECT purchase_id AS gift FROM coursebase.complete_purchase(:ada, :'single', 'cs_ref3', 0, 'no_payment_required', '2026-03-02 12:00+00') \gset
\set ON_ERROR_ROLLBACK on

-- A part, told three times; another part of the same sum; without an id each counts.
SELECT :answer FROM coursebase.refund_purchase(:'first', 300, '2026-03-03 12:00+00', 're_a');
SELECT :answer FROM coursebase.refund_purchase(:'first', 300, '2026-03-04 12:00+00', 're_a');
SELECT :answer FROM coursebase.refund_purchase(:'first', 300, '2026-03-04 12:00+00', 're_b');
SELECT :answer FROM coursebase.refund_purchase(:'first', 300, '2026-03-05 12:00+00', 're_a');
SELECT :answer FROM coursebase.refund_purchase(:'first', 50, '2026-03-05 12:00+00');
SELECT :answer FROM coursebase.refund_purchase(:'first', 50, '2026-03-05 12:00+00');
-- Another sum, the rest, another purchase: nothing is written.
SELECT :answer FROM coursebase.refund_purchase(:'first', 301, '2026-03-04 12:00+00', 're_a');
\echo :LAST_ERROR_SQLSTATE
SELECT :answer FROM coursebase.refund_purchase(:'first', NULL, '2026-03-04 12:00+00', 're_a');
SELECT :answer FROM coursebase.refund_purchase(:'second', 300, '2026-03-04 12:00+00', 're_a');
SELECT :answer FROM coursebase.refund_purchase(:'first', 301, '2026-03-04 12:00+00', 're_c');
\echo :LAST_ERROR_SQLSTATE
SELECT :answer FROM coursebase.refund_purchase(:'first', 1, '2026-03-04 12:00+00', '');
-- The rest, and what is told again of it and of its parts.
SELECT :answer FROM coursebase.refund_purchase(:'first', NULL, '2026-03-06 12:00+00', 're_d');
SELECT :answer FROM coursebase.refund_purchase(:'first', NULL, '2026-03-07 12:00+00', 're_d');
SELECT :answer FROM coursebase.refund_purchase(:'first', 300, '2026-03-07 12:00+00', 're_d');
SELECT :answer FROM coursebase.refund_purchase(:'first', 300, '2026-03-07 12:00+00', 're_b');
SELECT :answer FROM coursebase.refund_purchase(:'first', 77, '2026-03-07 12:00+00', 're_e');
-- At once; and of what cost nothing.
SELECT :answer FROM coursebase.refund_purchase(:'second', 1000, '2026-03-08 12:00+00', 're_f');
SELECT :answer FROM coursebase.refund_purchase(:'second', 1000, '2026-03-09 12:00+00', 're_f');
SELECT :answer FROM coursebase.refund_purchase(:'gift', NULL, '2026-03-08 12:00+00', 're_g');
SELECT :answer FROM coursebase.refund_purchase(:'gift', NULL, '2026-03-09 12:00+00', 're_g');

SELECT r.refund_ref, s.stripe_session_id, r.amount_in_cents, r.is_rest, r.refunded_at AT TIME ZONE 'UTC'
FROM coursebase.purchase_refunds r JOIN coursebase.purchases s ON s.id = r.purchase_id WHERE s.user_id = :ada ORDER BY r.refund_ref;
SELECT e.new ->> 'refund_ref', e.old ->> 'refunded_in_cents', e.new ->> 'refunded_in_cents', e.new ->> 'in_full'
FROM coursebase.audit_events e JOIN coursebase.purchases s ON e.object = 'purchases/' || s.id
WHERE e.action = 'purchase_refunded' AND s.user_id = :ada ORDER BY s.stripe_session_id, (e.new ->> 'refunded_in_cents')::bigint;
-- The provider's sum of the charge came first: the server's own call with the refund's id is of that sum, and not one more.
SELECT purchase_id AS third FROM coursebase.complete_purchase(:ada, :'single', 'cs_ref4', 900, 'paid', '2026-03-02 12:00+00', payment_intent_id => 'pi_ref4') \gset
SELECT :answer FROM coursebase.refund_payment('pi_ref4', NULL, NULL, 300, 'ch_ref4', true, '2026-03-03 12:00+00');
SAVEPOINT summed;
SELECT :answer FROM coursebase.refund_purchase(:'third', 300, '2026-03-03 12:00+00', 're_h');
SELECT :answer FROM coursebase.refund_payment('pi_ref4', NULL, NULL, 300, 're_h', false, '2026-03-03 12:00+00');
SELECT :answer FROM coursebase.refund_payment('pi_ref4', NULL, NULL, 500, 'ch_ref4', true, '2026-03-04 12:00+00');
SELECT :answer FROM coursebase.refund_purchase(:'third', 200, '2026-03-04 12:00+00', 're_i');
SELECT :answer FROM coursebase.reverse_refund(:'third', 're_h', 300, '2026-03-05 12:00+00');
ROLLBACK TO summed;
-- It held two refunds, told smaller and greater than it; a dispute is beside it, and so is what has no id.
SELECT :answer FROM coursebase.refund_purchase(:'third', 100, '2026-03-03 12:00+00', 're_h');
SELECT :answer FROM coursebase.refund_purchase(:'third', 250, '2026-03-03 12:00+00', 're_i');
SELECT :answer FROM coursebase.refund_purchase(:'third', 50, '2026-03-03 12:00+00', 'dp_h');
SELECT :answer FROM coursebase.refund_purchase(:'third', 50, '2026-03-03 12:00+00');
ROLLBACK TO summed;
-- All of it: the refund takes the sum's place, so that its reversal finds it.
SELECT :answer FROM coursebase.refund_payment('pi_ref4', NULL, NULL, 900, 'ch_ref4', true, '2026-03-04 12:00+00');
SELECT :answer FROM coursebase.refund_purchase(:'third', 900, '2026-03-04 12:00+00', 're_j');
SELECT :answer FROM coursebase.reverse_refund(:'third', 're_j', at => '2026-03-05 12:00+00');
ROLLBACK TO summed;

-- A sum holds no refund that had failed before it, whichever is told first: only sums are told; one of the refunds is told, late
-- and after the sum of the others; and the sum told nothing new.
SELECT :answer FROM coursebase.refund_payment('pi_ref4', NULL, NULL, 400, 'ch_ref4', true, '2026-03-06 12:00+00');
SELECT :answer FROM coursebase.reverse_refund(:'third', 're_k', 300, '2026-03-05 12:00+00');
SELECT :answer FROM coursebase.reverse_refund(:'third', 're_k', 300, '2026-03-05 12:00+00');
-- Those that had not failed by then are taken off it.
SELECT :answer FROM coursebase.reverse_refund(:'third', 're_l', 100, '2026-03-07 12:00+00');
ROLLBACK TO summed;
SELECT :answer FROM coursebase.refund_payment('pi_ref4', NULL, NULL, 400, 'ch_ref4', true, '2026-03-06 12:00+00');
SELECT :answer FROM coursebase.refund_payment('pi_ref4', NULL, NULL, 300, 're_k', false, '2026-03-03 12:00+00');
SELECT :answer FROM coursebase.reverse_refund(:'third', 're_k', 300, '2026-03-05 12:00+00');
SELECT :answer FROM coursebase.refund_payment('pi_ref4', NULL, NULL, 400, 're_m', false, '2026-03-06 12:00+00');
ROLLBACK TO summed;
SELECT :answer FROM coursebase.refund_payment('pi_ref4', NULL, NULL, 300, 're_k', false, '2026-03-03 12:00+00');
SELECT :answer FROM coursebase.refund_payment('pi_ref4', NULL, NULL, 200, 'ch_ref4', true, '2026-03-06 12:00+00');
SELECT :answer FROM coursebase.refund_payment('pi_ref4', NULL, NULL, 200, 'ch_ref4', true, '2026-03-06 12:00+00');
SELECT :answer FROM coursebase.reverse_refund(:'third', 're_k', 300, '2026-03-05 12:00+00');
SELECT :answer FROM coursebase.refund_payment('pi_ref4', NULL, NULL, 200, 'ch_ref4', true, '2026-03-06 12:00+00');
ROLLBACK TO summed;

-- A later sum came first, then that of a refund of all, which had failed in between: the failure takes all of it, and no more.
SELECT :answer FROM coursebase.refund_payment('pi_ref4', NULL, NULL, 400, 'ch_ref4', true, '2026-03-06 12:00+00');
SELECT :answer FROM coursebase.refund_payment('pi_ref4', NULL, NULL, 900, 'ch_ref4', true, '2026-03-04 12:00+00');
SELECT :answer FROM coursebase.refund_purchase(:'third', 200, '2026-03-06 12:00+00', 're_n');
SELECT :answer FROM coursebase.reverse_refund(:'third', 're_k', 900, '2026-03-05 12:00+00');
SELECT :answer FROM coursebase.refund_payment('pi_ref4', NULL, NULL, 200, 're_o', false, '2026-03-05 13:00+00');
ROLLBACK TO summed;

-- What was told stays as it was told.
UPDATE coursebase.purchase_refunds SET amount_in_cents = 1 WHERE refund_ref = 're_a';
SELECT check_name, object, problem FROM coursebase.check_integrity();
ROLLBACK;
