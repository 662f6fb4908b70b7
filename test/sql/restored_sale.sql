-- Promise: a non-consumable of Apple's is one sale, whatever transaction a restore names it by: it is nobody's second one, its refund
-- ends the access of whoever has it, and bringing it again afterwards gives nothing. What a family shares is each member's own sale.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TimeZone = 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/helpers/notices.sql
CREATE FUNCTION pg_temp.person(n integer) RETURNS uuid LANGUAGE sql AS $$ SELECT ('00000000-0000-4000-8000-00000058190' || n)::uuid $$;
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
SELECT pg_temp.person(n), 'restores_' || n, 'N', 'n@example.org' FROM generate_series(1, 6) n;
INSERT INTO coursebase.courses (id, course_code, title, description) VALUES ('00000000-0000-4000-8000-000000581900', 'C19RES', 'One', '');
INSERT INTO coursebase.store_products (product_id, kind, course_id) VALUES ('c19res', 'course', '00000000-0000-4000-8000-000000581900');
CREATE FUNCTION pg_temp.brought(n integer, transaction text, original text, signed text, ownership text DEFAULT 'PURCHASED') RETURNS text
LANGUAGE sql AS $$
    SELECT concat_ws(' | ', outcome, detail) FROM coursebase.take_notification('app_store', pg_temp.apple_token(jsonb_build_object(
        'environment', 'Production', 'type', 'Non-Consumable', 'transactionId', transaction, 'originalTransactionId', original,
        'productId', 'c19res', 'inAppOwnershipType', ownership, 'purchaseDate', pg_temp.ms('2026-02-01'), 'signedDate', pg_temp.ms(signed))),
        NULL, NULL, pg_temp.person(n), '2026-02-25') $$;
CREATE FUNCTION pg_temp.told(id text, type text, transaction text, original text) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', outcome, detail) FROM coursebase.take_notification('app_store', pg_temp.apple(id, '2026-02-20', type, NULL,
        jsonb_build_object('type', 'Non-Consumable', 'transactionId', transaction, 'originalTransactionId', original, 'productId', 'c19res',
        'purchaseDate', pg_temp.ms('2026-02-01'), 'revocationDate', CASE type WHEN 'REFUND' THEN pg_temp.ms('2026-02-20') END)),
        at => '2026-02-25') $$;
CREATE VIEW pg_temp.held AS SELECT right(user_id::text, 1) AS person, purchase_id, status, coursebase.has_course_access(course_id, user_id) AS access
FROM coursebase.course_purchases WHERE course_id = '00000000-0000-4000-8000-000000581900' ORDER BY 1, 2;

-- Restored on a second telephone; the refund names the sale, and a reversal gives it back.
SELECT pg_temp.brought(1, 'one-1', 'one-1', '2026-02-01');
SELECT pg_temp.brought(1, 'one-2', 'one-1', '2026-02-02');
TABLE pg_temp.held;
SELECT pg_temp.told('one-refund', 'REFUND', 'one-1', 'one-1');
SELECT pg_temp.brought(1, 'one-3', 'one-1', '2026-02-03');
TABLE pg_temp.held;
SELECT pg_temp.told('one-reversal', 'REFUND_REVERSED', 'one-2', 'one-1');
TABLE pg_temp.held;

-- Restored by the next account of somebody who had closed the first one; and only a restore has ever come.
SELECT pg_temp.brought(2, 'two-1', 'two-1', '2026-02-01');
SELECT coursebase.delete_user(pg_temp.person(2), '2026-02-05') IS NOT NULL;
SELECT pg_temp.brought(3, 'two-2', 'two-1', '2026-02-06');
SELECT pg_temp.brought(4, 'four-2', 'four-1', '2026-02-06');
TABLE pg_temp.held;
SELECT pg_temp.told('two-refund', 'REFUND', 'two-1', 'two-1');
SELECT pg_temp.told('four-refund', 'REFUND', 'four-1', 'four-1');
TABLE pg_temp.held;

-- It stays with whoever has it; what a family shares is known by the member's own transaction.
SELECT pg_temp.brought(5, 'one-4', 'one-1', '2026-02-07');
SELECT pg_temp.brought(6, 'six-1', 'six-0', '2026-02-07', 'FAMILY_SHARED');
TABLE pg_temp.held;
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
