-- Promise: a pack that the server refunds by refund_credit_pack(), or gives back, takes the receipt along by which a store sold
-- it, as where the store tells of the refund: the receipt, its refunds, and the use of its discount.
\set ada '\'00000000-0000-4000-8000-000000706163\''
\set pack '\'app_store\', \'production\', \'pack-receipt\''
\set state 'SELECT r.status, r.refunded_quantity, r.refunded_in_cents, r.refunded_at, p.status AS pack, d.reversed_at IS NOT NULL AS use_given_back, (SELECT string_agg(concat_ws('' '', f.refund_ref, f.credits, f.status_before, f.reversed_at), '', '' ORDER BY f.created_at, f.refund_ref) FROM coursebase.store_refunds f WHERE f.purchase_id = r.purchase_id) AS refunds FROM coursebase.store_receipts r JOIN coursebase.ai_credit_purchases p USING (source, environment, purchase_id) LEFT JOIN coursebase.discount_redemptions d ON d.order_ref = r.discount_order_ref WHERE r.purchase_id = \'pack-receipt\'; SELECT check_name, problem FROM coursebase.check_integrity();'
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TimeZone = 'UTC';
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'pack_receipt_ada', 'Ada', 'ada@example.org');
INSERT INTO coursebase.store_products (product_id, kind, credits) VALUES ('receipt.pack', 'ai_credits', 100);
INSERT INTO coursebase.discount_codes (code, product_type, percent_off) VALUES ('PACKED', 'ai_credits', 50);
SELECT coursebase.validate_purchase(:ada, '{"product_id": "receipt.pack", "source": "app_store", "purchase_id": "pack-receipt", "purchase_token": "t", "quantity": 2, "price_in_cents": 600, "currency": "EUR", "transaction_date": "2026-02-01T00:00:00Z", "discount": {"code": "PACKED", "order_ref": "pack-order", "base_in_cents": 1200, "currency": "EUR"}}', '2026-02-01') ->> 'status';
:state
SAVEPOINT bought;
-- A part leaves the receipt; the rest takes it along, once; the reversal of a part gives it back.
SELECT bank_credits FROM coursebase.refund_credit_pack(:pack, '2026-02-02', 50);
:state
SELECT bank_credits FROM coursebase.refund_credit_pack(:pack, '2026-02-03');
:state
SELECT bank_credits FROM coursebase.refund_credit_pack(:pack, '2026-02-04');
:state
SELECT bank_credits FROM coursebase.reverse_credit_pack_refund(:pack, '2026-02-05', 80);
:state
SELECT bank_credits FROM coursebase.refund_credit_pack(:pack, '2026-02-06');
:state
-- The store tells of it too, and takes it back: that is another refund, and the server's stands until it is taken back as well.
SELECT status, detail FROM coursebase.refund_store_purchase(:pack, '2026-02-07', refund_ref => 'of the store');
SELECT status, detail FROM coursebase.reverse_store_refund(:pack, '2026-02-08', 'of the store');
:state
SELECT bank_credits FROM coursebase.reverse_credit_pack_refund(:pack, '2026-02-09');
:state
-- What the store tells and the server takes back, and what the server refunds and the store takes back.
ROLLBACK TO bought;
SELECT status, detail FROM coursebase.refund_store_purchase(:pack, '2026-02-02', quantity => 1, refund_ref => 'one');
SELECT status, detail FROM coursebase.refund_store_purchase(:pack, '2026-02-03', quantity => 1, refund_ref => 'two');
SELECT bank_credits FROM coursebase.reverse_credit_pack_refund(:pack, '2026-01-01');
:state
SELECT bank_credits FROM coursebase.refund_credit_pack(:pack, '2026-02-04');
SELECT status, detail FROM coursebase.reverse_store_refund(:pack, '2026-02-05');
:state
SELECT balance.bank_limit_credits, balance.bank_used_credits FROM coursebase.credit_balance(:ada, '2026-02-06') balance;
-- The server takes back what it had refunded beside a part of the store's: that part stands, and its reversal is the store's.
ROLLBACK TO bought;
SELECT status, detail FROM coursebase.refund_store_purchase(:pack, '2026-02-03', quantity => 1, refund_ref => 'one');
SELECT bank_credits FROM coursebase.refund_credit_pack(:pack, '2026-02-02');
:state
SELECT bank_credits FROM coursebase.reverse_credit_pack_refund(:pack, '2026-02-05', 100);
:state
SAVEPOINT part;
SELECT status, detail FROM coursebase.reverse_store_refund(:pack, '2026-02-06', 'one');
:state
ROLLBACK TO part;
SELECT status, detail FROM coursebase.refund_store_purchase(:pack, '2026-02-06', quantity => 1, refund_ref => 'two');
:state
-- A part of the server's first, and the rest by the store, told twice; its reversal leaves the server's part.
ROLLBACK TO bought;
SELECT bank_credits FROM coursebase.refund_credit_pack(:pack, '2026-02-03', 100);
SELECT n, status, detail FROM generate_series(1, 2) n, coursebase.refund_store_purchase(:pack, '2026-02-04', quantity => 1, refund_ref => 'one');
:state
SELECT status, detail FROM coursebase.reverse_store_refund(:pack, '2026-02-06', 'one');
:state
-- The server takes back its own refund, and the store tells of one before: that one counts.
ROLLBACK TO bought;
SELECT bank_credits FROM coursebase.refund_credit_pack(:pack, '2026-02-03');
SELECT bank_credits FROM coursebase.reverse_credit_pack_refund(:pack, '2026-02-05');
SELECT status, detail FROM coursebase.refund_store_purchase(:pack, '2026-02-02', refund_ref => 'of the store');
:state
-- Parts that were paid back while all of it was refunded, and are told when that is reversed, take nothing, however many they are.
ROLLBACK TO bought;
SELECT bank_credits FROM coursebase.refund_credit_pack(:pack, '2026-02-02');
SELECT bank_credits FROM coursebase.reverse_credit_pack_refund(:pack, '2026-02-05');
SELECT n, status, detail FROM generate_series(1, 3) n, coursebase.refund_store_purchase(:pack, '2026-02-03', quantity => 1, refund_ref => 'part ' || n);
:state
ROLLBACK;
