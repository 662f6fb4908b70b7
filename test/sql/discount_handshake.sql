-- Promise: a handshake assigns what is due and lists what may be used now; a kept answer is what a computed
-- one would be, and misses at the microsecond at which a discount begins or ends, or in the transaction that
-- changes one.
\set VERBOSITY terse
\pset format unaligned
\pset tuples_only on
SET timezone = 'Asia/Tokyo';
BEGIN;
\set ada '''00000000-0000-4000-8000-00000000d6a1'''
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'discount_shake', 'Ada', 'ada@example.org');
INSERT INTO coursebase.cohorts (id, code, name, kind) VALUES ('00000000-0000-4000-8000-00000000d6c1', 'shake', 'Shake', 'influencer');
INSERT INTO coursebase.discount_codes (code, product_type, item, percent_off, amount_off_in_cents, currency, lifespan, starts_at, expires_at, cohort_id, product_suffix) VALUES
    ('S_ALL', 'course', 'c14enb', 12.5, NULL, NULL, '7 days', NULL, NULL, NULL, '_x2'),
    ('S_SOON', 'subscription', NULL, NULL, 500, 'EUR', NULL, '2026-06-03 00:00+00', '2026-06-05 00:00+00', NULL, NULL),
    ('S_COHORT', 'course', NULL, 10, NULL, NULL, NULL, NULL, NULL, '00000000-0000-4000-8000-00000000d6c1', NULL);
CREATE FUNCTION pg_temp.discounts(at timestamptz) RETURNS text LANGUAGE sql AS $$
    SELECT coursebase.handshake('00000000-0000-4000-8000-00000000d6a1', '{"checksums": {}}', at) ->> 'discounts'
$$;
CREATE FUNCTION pg_temp.forget() RETURNS bigint LANGUAGE sql AS $$
    WITH gone AS (DELETE FROM coursebase.cached_handshake_responses
        WHERE user_id = '00000000-0000-4000-8000-00000000d6a1' RETURNING 1)
    SELECT count(*) FROM gone
$$;
SELECT pg_temp.discounts('2026-06-01 00:00+00');
SELECT status, assigned_at = '2026-06-01 00:00+00', expires_at = '2026-06-08 00:00+00' FROM coursebase.user_discounts WHERE user_id = :ada;
SELECT valid_from IS NULL, valid_until AT TIME ZONE 'UTC' FROM coursebase.cached_handshake_responses WHERE user_id = :ada;
-- The kept row answers until a code begins, which is then assigned.
SELECT pg_temp.discounts('2026-06-02 23:59:59.999999+00') = pg_temp.discounts('2026-06-01 00:00+00');
SELECT pg_temp.discounts('2026-06-03 00:00+00');
SELECT valid_from AT TIME ZONE 'UTC', valid_until AT TIME ZONE 'UTC' FROM coursebase.cached_handshake_responses WHERE user_id = :ada;
SELECT pg_temp.discounts('2026-06-04 23:59:59.999999+00') = pg_temp.discounts('2026-06-03 00:00+00');
SELECT pg_temp.discounts('2026-06-05 00:00+00');
SELECT pg_temp.discounts('2026-06-07 23:59:59.999999+00') <> '[]', pg_temp.discounts('2026-06-08 00:00+00');
-- Kept and computed answers, there and back again in time.
CREATE TEMP TABLE kept AS SELECT at, pg_temp.discounts(at) AS answer
FROM (SELECT at, n FROM generate_series('2026-05-30 00:00+00'::timestamptz, '2026-06-09 00:00+00', '12 hours') at, generate_series(1, 2) n
      ORDER BY n, CASE n WHEN 1 THEN at END DESC, at) t;
SELECT count(*), count(*) FILTER (WHERE pg_temp.forget() >= 0 AND pg_temp.discounts(at) <> answer) AS differ FROM kept;
-- What changes a discount makes the kept answer miss: cohort, use, its refund, the code.
INSERT INTO coursebase.user_cohorts (user_id, cohort_id) VALUES (:ada, '00000000-0000-4000-8000-00000000d6c1');
SELECT pg_temp.discounts('2026-06-09 00:00+00');
SELECT final_in_cents FROM coursebase.redeem_discount(:ada, 's_cohort', 'course', 100, 'EUR', 'o', at => '2026-06-09 00:00+00');
SELECT pg_temp.discounts('2026-06-09 00:00+00');
SELECT coursebase.reverse_discount(:ada, 'o', '2026-06-09 00:00+00');
UPDATE coursebase.discount_codes SET percent_off = 20 WHERE code = 'S_COHORT';
SELECT pg_temp.discounts('2026-06-09 00:00+00');
UPDATE coursebase.discount_codes SET is_active = false WHERE code = 'S_COHORT';
SELECT pg_temp.discounts('2026-06-09 00:00+00');
-- A code whose end never comes has none.
INSERT INTO coursebase.discount_codes (code, product_type, percent_off, expires_at) VALUES ('S_EVER', 'course', 5, 'infinity');
SELECT pg_temp.discounts('2026-06-10 00:00+00');
DELETE FROM coursebase.user_discounts WHERE discount_code_id = (SELECT id FROM coursebase.discount_codes WHERE code = 'S_EVER');
DELETE FROM coursebase.discount_codes WHERE code = 'S_EVER';
-- A counter that moves does not: the version stays.
SELECT version AS before FROM coursebase.catalogue_version \gset
UPDATE coursebase.discount_codes SET redeemed_count = redeemed_count + 1 WHERE code = 'S_ALL';
SELECT version = :before FROM coursebase.catalogue_version;
-- Nothing is written where nothing may be.
DELETE FROM coursebase.discount_redemptions WHERE user_id = :ada;
DELETE FROM coursebase.user_discounts WHERE user_id = :ada;
SET LOCAL transaction_read_only = on;
SELECT pg_temp.discounts('2026-06-04 00:00+00');
ROLLBACK;
