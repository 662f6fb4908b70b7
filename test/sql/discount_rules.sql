-- Promise: validate_discount() answers the first rule that refuses, in the listed order, and the exact
-- amount; explain_discount() agrees with it, row by row.
\set VERBOSITY terse
\pset format unaligned
\pset tuples_only on
SET timezone = 'UTC';
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email, deleted_at) VALUES
    ('00000000-0000-4000-8000-00000000d0a1', 'discount_ada', 'Ada', 'ada@example.org', NULL),
    ('00000000-0000-4000-8000-00000000d0b1', 'discount_bob', 'Bob', 'bob@example.org', NULL),
    ('00000000-0000-4000-8000-00000000d0c1', 'discount_cyd', 'Cyd', 'cyd@example.org', '2026-01-01');
INSERT INTO coursebase.cohorts (id, code, name, kind) VALUES
    ('00000000-0000-4000-8000-00000000d0d1', 'discount', 'Discount', 'influencer');
INSERT INTO coursebase.discount_codes (code, product_type, item, percent_off, amount_off_in_cents,
    currency, lifespan, starts_at, expires_at, max_redemptions, first_purchase_only, minimum_in_cents,
    cohort_id, referrer_id, is_active) VALUES
    (' Plain10 ', 'course', NULL, 12.5, NULL, NULL, NULL, NULL, NULL, NULL, false, NULL, NULL, NULL, true),
    ('OFF', 'course', NULL, 10, NULL, NULL, NULL, NULL, NULL, NULL, false, NULL, NULL, NULL, false),
    ('PERIOD', 'course', NULL, 10, NULL, NULL, NULL, '2026-02-01', '2026-03-01', NULL, false, NULL, NULL, NULL, true),
    ('ITEM', 'course', 'c14enb', 10, NULL, NULL, NULL, NULL, NULL, NULL, false, NULL, NULL, NULL, true),
    ('COHORT', 'course', NULL, 10, NULL, NULL, NULL, NULL, NULL, NULL, false, NULL, '00000000-0000-4000-8000-00000000d0d1', NULL, true),
    ('LIFE', 'course', NULL, 10, NULL, NULL, '7 days', NULL, '2026-06-05', NULL, false, NULL, NULL, NULL, true),
    ('ONCE', 'course', NULL, 100, NULL, NULL, NULL, NULL, NULL, 1, false, NULL, NULL, NULL, true),
    ('FIRST', 'course', NULL, 10, NULL, NULL, NULL, NULL, NULL, NULL, true, NULL, NULL, NULL, true),
    ('FIXED', 'course', NULL, NULL, 500, 'EUR', NULL, NULL, NULL, NULL, false, 400, NULL, NULL, true),
    ('OWN', 'course', NULL, 10, NULL, NULL, NULL, NULL, NULL, NULL, false, NULL, NULL, '00000000-0000-4000-8000-00000000d0a1', true);

PREPARE ask(text, text, bigint, text, text, timestamptz) AS
    SELECT * FROM coursebase.validate_discount('00000000-0000-4000-8000-00000000d0a1', $1, $2, $3, $4, $5, $6);

-- Each reason, and the ends of periods are half open.
EXECUTE ask('plain10', 'course', 1004, 'USD', NULL, '2026-06-01');
EXECUTE ask(NULL, 'course', 1004, 'USD', NULL, '2026-06-01');
EXECUTE ask('nobody', 'course', 1004, 'USD', NULL, '2026-06-01');
EXECUTE ask('off', 'course', 1000, 'USD', NULL, '2026-06-01');
EXECUTE ask('period', 'course', 1000, 'USD', NULL, '2026-01-31 23:59:59.999999');
EXECUTE ask('period', 'course', 1000, 'USD', NULL, '2026-02-01');
EXECUTE ask('period', 'course', 1000, 'USD', NULL, '2026-02-28 23:59:59.999999');
EXECUTE ask('period', 'course', 1000, 'USD', NULL, '2026-03-01');
EXECUTE ask('plain10', 'ai_credits', 1000, 'USD', NULL, '2026-06-01');
EXECUTE ask('item', 'course', 1000, 'USD', 'c15enb', '2026-06-01');
EXECUTE ask('item', 'course', 1000, 'USD', NULL, '2026-06-01');
EXECUTE ask('item', 'course', 1000, 'USD', 'C14ENB', '2026-06-01');
EXECUTE ask('cohort', 'course', 1000, 'USD', NULL, '2026-06-01');
INSERT INTO coursebase.user_cohorts (user_id, cohort_id) VALUES
    ('00000000-0000-4000-8000-00000000d0a1', '00000000-0000-4000-8000-00000000d0d1');
EXECUTE ask('cohort', 'course', 1000, 'USD', NULL, '2026-06-01');
EXECUTE ask('life', 'course', 1000, 'USD', NULL, '2026-06-01');
EXECUTE ask('fixed', 'course', 399, 'EUR', NULL, '2026-06-01');
EXECUTE ask('fixed', 'course', 400, 'EUR', NULL, '2026-06-01');
EXECUTE ask('fixed', 'course', 400, 'eur', NULL, '2026-06-01');
EXECUTE ask('fixed', 'course', 900, 'USD', NULL, '2026-06-01');
EXECUTE ask('own', 'course', 900, 'USD', NULL, '2026-06-01');
SELECT valid, reason FROM coursebase.validate_discount('00000000-0000-4000-8000-00000000d0c1', 'plain10', 'course', 1, 'USD', at => '2026-06-01');
SELECT valid, reason FROM coursebase.validate_discount('00000000-0000-4000-8000-00000000dfff', 'plain10', 'course', 1, 'USD', at => '2026-06-01');

-- Assignment: the earlier of lifespan and the code's own end, once.
SELECT coursebase.assign_discounts('00000000-0000-4000-8000-00000000d0a1', '2026-05-30');
SELECT coursebase.assign_discounts('00000000-0000-4000-8000-00000000d0a1', '2026-05-31');
SELECT coursebase.assign_discounts('00000000-0000-4000-8000-00000000d0c1', '2026-05-31');
SELECT c.code, d.assigned_at, d.expires_at, d.status
FROM coursebase.user_discounts d JOIN coursebase.discount_codes c ON c.id = d.discount_code_id
WHERE d.user_id = '00000000-0000-4000-8000-00000000d0a1' ORDER BY c.code COLLATE "C";
EXECUTE ask('cohort', 'course', 1000, 'USD', NULL, '2026-06-01');
EXECUTE ask('life', 'course', 1000, 'USD', NULL, '2026-06-04 23:59');
UPDATE coursebase.user_discounts SET expires_at = '2026-06-02' WHERE user_id = '00000000-0000-4000-8000-00000000d0a1'
    AND discount_code_id = (SELECT id FROM coursebase.discount_codes WHERE code = 'LIFE');
EXECUTE ask('life', 'course', 1000, 'USD', NULL, '2026-06-02');

-- Used, no place left, a later purchase.
SELECT discount_in_cents, final_in_cents FROM coursebase.redeem_discount('00000000-0000-4000-8000-00000000d0a1', 'once', 'course', 777, 'USD', 'order 1', at => '2026-06-01');
EXECUTE ask('once', 'course', 777, 'USD', NULL, '2026-06-01');
SELECT valid, reason FROM coursebase.validate_discount('00000000-0000-4000-8000-00000000d0b1', 'once', 'course', 777, 'USD', at => '2026-06-01');
SELECT valid, reason FROM coursebase.validate_discount('00000000-0000-4000-8000-00000000d0b1', 'first', 'course', 777, 'USD', at => '2026-06-01');
EXECUTE ask('first', 'course', 777, 'USD', NULL, '2026-06-01');

-- Explained.
SELECT * FROM coursebase.explain_discount('00000000-0000-4000-8000-00000000d0a1', 'fixed', 'course', 300, 'USD', at => '2026-06-01');
SELECT rule, passed, reason, detail FROM coursebase.explain_discount('00000000-0000-4000-8000-00000000d0a1', 'nobody', 'course', 300, 'USD', at => '2026-06-01') LIMIT 2;
-- The first failing row is validate's reason, for every code, product and moment.
SELECT count(*) > 100 AS tried, count(*) FILTER (WHERE v.reason IS DISTINCT FROM e.reason) AS differ
FROM coursebase.discount_codes c,
    unnest(ARRAY['course', 'ai_credits']) AS t, unnest(ARRAY['2026-01-15', '2026-02-15', '2026-07-01']::timestamptz[]) AS at,
    unnest(ARRAY['00000000-0000-4000-8000-00000000d0a1', '00000000-0000-4000-8000-00000000d0b1', '00000000-0000-4000-8000-00000000d0c1']::uuid[]) AS u,
    LATERAL coursebase.validate_discount(u, c.code, t, 450, 'USD', NULL, at) v,
    LATERAL (SELECT min(x.reason) FROM (SELECT reason FROM coursebase.explain_discount(u, c.code, t, 450, 'USD', NULL, at) WHERE NOT passed LIMIT 1) x) e (reason);

-- Arguments.
ROLLBACK;
SELECT * FROM coursebase.validate_discount(NULL, 'x', 'course', 1, 'USD');
SELECT * FROM coursebase.validate_discount('00000000-0000-4000-8000-00000000d0a1', 'x', 'course', 100, NULL);
SELECT * FROM coursebase.validate_discount('00000000-0000-4000-8000-00000000d0a1', 'x', 'course', -1, 'USD');
SELECT * FROM coursebase.validate_discount('00000000-0000-4000-8000-00000000d0a1', 'x', 'course', 1, 'USD', at => 'infinity');

-- Splitting: largest remainder, the earlier line first, exactly the total.
SELECT coursebase.split_discount(ARRAY[1, 1, 1], 100), coursebase.split_discount(ARRAY[333, 333, 334], 10),
    coursebase.split_discount(ARRAY[0, 0], 3), coursebase.split_discount('{}', 0),
    coursebase.split_discount(ARRAY[9223372036854775807, 9223372036854775807], 9223372036854775807);
SELECT coursebase.split_discount(ARRAY[1, -1], 1);
SELECT coursebase.split_discount('{}', 1);
SELECT coursebase.split_discount(ARRAY[1, NULL], 1);
