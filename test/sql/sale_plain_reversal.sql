-- Promise: plain SQL that takes a full refund back takes back the provider's refund that made it, and no other, so that what stands is never
-- more than what is refunded, and each refund can fail later.
\set ada '\'00000000-0000-4000-8000-0000000e86a1\''
\set sale 'SELECT purchase_id AS purchase FROM coursebase.complete_purchase(\'00000000-0000-4000-8000-0000000e86a1\', (SELECT p.id FROM coursebase.products p WHERE p.name = \'Back\'), at => \'2026-03-01\', price_paid_in_cents => 900, payment_status => \'paid\','
\set stands 'SELECT s.refunded_in_cents, s.refunded_at IS NULL AS open, (SELECT string_agg(r.refund_ref, \' \' ORDER BY r.refund_ref) FROM coursebase.purchase_refunds r WHERE r.purchase_id = s.id AND r.reversed_at IS NULL) AS stands FROM coursebase.purchases s WHERE s.id ='
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'back_ada', 'Ada', 'ada@example.org');
SELECT count(coursebase.save_product(NULL, 'Back', '', '/p.png', 9, 'private', '{}'));
-- Two refunds of one moment: the first, of a part, stays, and fails later.
:sale stripe_session_id => 'cs_back_1') \gset
SELECT refunded_in_cents FROM coursebase.refund_purchase(:'purchase', 300, '2026-03-02', 're_back_1');
SELECT refunded_in_cents FROM coursebase.refund_purchase(:'purchase', NULL, '2026-03-02', 're_back_2');
UPDATE coursebase.purchases SET refunded_at = NULL WHERE id = :'purchase';
:stands :'purchase';
SELECT refunded_in_cents FROM coursebase.reverse_refund(:'purchase', 're_back_1', at => '2026-03-03');
-- A part by its id and the rest by plain SQL, of one moment.
:sale stripe_session_id => 'cs_back_2') \gset
SELECT refunded_in_cents FROM coursebase.refund_purchase(:'purchase', 300, '2026-03-02', 're_back_3');
UPDATE coursebase.purchases SET refunded_at = '2026-03-02' WHERE id = :'purchase';
UPDATE coursebase.purchases SET refunded_at = NULL WHERE id = :'purchase';
:stands :'purchase';
-- A refund that took the place of the sum of its charge, which had been told first and has another time.
:sale stripe_session_id => 'cs_back_3', payment_intent_id => 'pi_back_3') \gset
SELECT refunded_in_cents FROM coursebase.refund_payment('pi_back_3', amount_in_cents => 900, refund_ref => 'ch_back_3', is_total => true, at => '2026-03-02 00:00:05');
SELECT refunded_in_cents FROM coursebase.refund_payment('pi_back_3', amount_in_cents => 900, refund_ref => 're_back_4', at => '2026-03-02');
UPDATE coursebase.purchases SET refunded_at = NULL WHERE id = :'purchase';
:stands :'purchase';
SELECT refunded_in_cents FROM coursebase.reverse_refund(:'purchase', 're_back_4', at => '2026-03-03');
-- Told again, it refunds nothing again.
SELECT refunded_in_cents FROM coursebase.refund_payment('pi_back_3', amount_in_cents => 900, refund_ref => 're_back_4', at => '2026-03-02');
-- Plain SQL that takes more back than the last refund takes the earlier ones along.
:sale stripe_session_id => 'cs_back_4') \gset
SELECT refunded_in_cents FROM coursebase.refund_purchase(:'purchase', 300, '2026-03-02', 're_back_5');
SELECT refunded_in_cents FROM coursebase.refund_purchase(:'purchase', NULL, '2026-03-03', 're_back_6');
UPDATE coursebase.purchases SET refunded_at = NULL, refunded_in_cents = 0 WHERE id = :'purchase';
:stands :'purchase';
SELECT * FROM coursebase.check_integrity('purchase_refunds');
ROLLBACK;
