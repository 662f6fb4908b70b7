-- Promise: sales, refunds and codes of the past come by plain SQL with what a program knows of them: what is refunded gives no access,
-- has its whole sum and a time, and can be reversed.
\set ada '\'00000000-0000-4000-8000-0000000e80a1\''
\set one '\'00000000-0000-4000-8000-0000000e82c1\''
\set sale 'INSERT INTO coursebase.purchases (user_id, product_id, stripe_session_id, price_paid_in_cents, product_details, refunded_at, refunded_in_cents) VALUES (\'00000000-0000-4000-8000-0000000e80a1\', (SELECT p.id FROM coursebase.products p WHERE p.name = \'Past\'), \'cs_past_\' ||'
\set details '\'{"name": "Past", "description": "", "imageUrl": "/p.png"}\''
\pset format unaligned
\pset tuples_only on
\set VERBOSITY terse
SET client_min_messages = warning;
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'past_ada', 'Ada', 'ada@example.org');
INSERT INTO coursebase.courses (id, course_code, title, description) VALUES (:one, 'P80PST', 'One', '');
SELECT count(coursebase.save_product(NULL, 'Past', '', '/p.png', 9, 'public', ARRAY[:one]::uuid[]));
\set ON_ERROR_ROLLBACK on
:sale 1, 100, :details, '2025-03-01', DEFAULT);
:sale 2, 100, :details, NULL, 100);
:sale 3, 100, :details, '2025-03-01', 100);
:sale 4, 0, :details, '2025-03-01', DEFAULT);
-- A part stays a part, and what contradicts itself is refused.
:sale 5, 100, :details, '2025-03-01', 40);
SELECT stripe_session_id, refunded_in_cents, coalesce(refunded_at = now(), false) AS now, refunded_at = '2025-03-01' AS given FROM coursebase.purchases WHERE user_id = :ada ORDER BY 1;
SELECT count(*) FROM coursebase.user_course_access WHERE user_id = :ada;
:sale 6, 100, :details, NULL, 40);
SELECT stripe_session_id, refunded_in_cents, refunded_at FROM coursebase.purchases WHERE stripe_session_id = 'cs_past_6';
SELECT count(*) FROM coursebase.user_course_access WHERE user_id = :ada;
UPDATE coursebase.purchases SET refunded_at = NULL WHERE stripe_session_id = 'cs_past_1' RETURNING refunded_in_cents, refunded_in_part_in_cents;
-- A refund that named its sum, and a code that was given now.
INSERT INTO coursebase.purchase_refunds (refund_ref, purchase_id, amount_in_cents, refunded_at) SELECT 're_past', id, 100, '2025-03-01' FROM coursebase.purchases WHERE stripe_session_id = 'cs_past_2' RETURNING is_rest;
INSERT INTO coursebase.discount_codes (code, product_type, percent_off) VALUES ('PAST', 'course', 10);
INSERT INTO coursebase.user_discounts (user_id, discount_code_id) SELECT :ada, id FROM coursebase.discount_codes WHERE code = 'PAST' RETURNING assigned_at = now(), status;
SELECT count(*) FROM coursebase.check_integrity();
ROLLBACK;
