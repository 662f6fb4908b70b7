-- Promise: the week turns lazily, seven days later on the calendar of the person's zone, any number of weeks at
-- once and once; the limit rises at once and falls when the week turns. Both daylight-saving changes of two zones.
\set VERBOSITY default
\pset format unaligned
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL TimeZone = 'UTC';
UPDATE coursebase.settings SET value = '100' WHERE name = 'free_weekly_credits';
CREATE TEMP TABLE people (id uuid, zone text, began timestamptz);
INSERT INTO people VALUES
    ('00000000-0000-4000-8000-0000000000d1', 'Europe/Berlin', '2026-03-25 08:30+00'),
    ('00000000-0000-4000-8000-0000000000d2', 'Europe/Berlin', '2026-10-21 08:30+00'),
    ('00000000-0000-4000-8000-0000000000d3', 'America/New_York', '2026-03-04 08:30+00'),
    ('00000000-0000-4000-8000-0000000000d4', 'America/New_York', '2026-10-28 08:30+00'),
    ('00000000-0000-4000-8000-0000000000d5', 'UTC', '2026-03-25 08:30+00'),
    ('00000000-0000-4000-8000-0000000000d6', 'Europe/Berlin', '2026-03-22 01:30+00');
INSERT INTO coursebase.users (id, clerk_user_id, name, email) SELECT id, 'credit_' || right(id::text, 2), 'Ada', 'ada@example.org' FROM people;
INSERT INTO coursebase.user_profile (user_id, email, time_zone) SELECT id, 'ada@example.org', zone FROM people
ON CONFLICT (user_id) DO UPDATE SET time_zone = excluded.time_zone;

-- The week across the change has 167, 169 or 168 hours, and ends at the same time of day.
SELECT zone, began AT TIME ZONE zone AS began, c.next_reset AT TIME ZONE zone AS ends, c.next_reset - began AS length
FROM people, LATERAL coursebase.consume_credits(id, 60, 'first', began) c ORDER BY id;
-- A microsecond before its end it is the same week; at its end it is another.
SELECT zone, b.weekly_used_credits AS before, a.weekly_used_credits AS behind, a.weekly_reset_date AT TIME ZONE zone AS next
FROM people JOIN coursebase.ai_usage u ON u.user_id = id, LATERAL coursebase.credit_balance(id, u.weekly_reset_date - interval '1 microsecond') b,
    LATERAL coursebase.credit_balance(id, u.weekly_reset_date) a ORDER BY id;
-- Who looks every week and who looks after half a year see the same ends; nothing was written by looking.
SELECT zone, bool_and(b.weekly_reset_date = ((u.weekly_reset_date AT TIME ZONE zone) + n * interval '7 days') AT TIME ZONE zone) AS by_the_calendar, count(*)
FROM people JOIN coursebase.ai_usage u ON u.user_id = id, generate_series(1, 26) n,
    LATERAL coursebase.credit_balance(id, ((u.weekly_reset_date AT TIME ZONE zone) + (n - 1) * interval '7 days') AT TIME ZONE zone) b
GROUP BY id, zone ORDER BY id;
SELECT count(*) FROM coursebase.credit_log l JOIN people p ON p.id = l.user_id;

-- A time of day that the clocks skip becomes the next, and stays so: 2:30 on the last Sunday of March.
SELECT n, b.weekly_reset_date AT TIME ZONE 'Europe/Berlin' AS ends FROM generate_series(-1, 1) n,
    LATERAL coursebase.credit_balance('00000000-0000-4000-8000-0000000000d6', '2026-03-29 01:30+00'::timestamptz + n * interval '7 days') b;
-- Another zone counts from the next turn on.
UPDATE coursebase.user_profile SET time_zone = 'America/New_York' WHERE user_id = '00000000-0000-4000-8000-0000000000d1';
SELECT t, b.weekly_reset_date FROM unnest(ARRAY['2026-04-01 07:29+00', '2026-04-01 07:30+00']::timestamptz[]) t, LATERAL coursebase.credit_balance('00000000-0000-4000-8000-0000000000d1', t) b;
UPDATE coursebase.user_profile SET time_zone = 'Europe/Berlin' WHERE user_id = '00000000-0000-4000-8000-0000000000d1';

-- Several weeks at once, once: one turn is logged, and the next use finds the week.
SELECT * FROM coursebase.consume_credits('00000000-0000-4000-8000-0000000000d1', 10, 'second', '2026-05-20 12:00+00');
SELECT * FROM coursebase.consume_credits('00000000-0000-4000-8000-0000000000d1', 10, 'third', '2026-05-20 12:00+00');
-- A call that names an earlier time counts as of the last one.
SELECT * FROM coursebase.consume_credits('00000000-0000-4000-8000-0000000000d1', 10, 'late', '2026-05-01 12:00+00');
SELECT position, kind, weekly_credits, weekly_limit_credits, weekly_reset_date, at FROM coursebase.credit_log
WHERE user_id = '00000000-0000-4000-8000-0000000000d1' ORDER BY position;

-- The limit rises at once and falls when the week turns.
UPDATE coursebase.settings SET value = '150' WHERE name = 'free_weekly_credits';
SELECT * FROM coursebase.consume_credits('00000000-0000-4000-8000-0000000000d1', 1, 'risen', '2026-05-20 13:00+00');
UPDATE coursebase.settings SET value = '20' WHERE name = 'free_weekly_credits';
SELECT * FROM coursebase.consume_credits('00000000-0000-4000-8000-0000000000d1', 1, 'not fallen', '2026-05-20 14:00+00');
SELECT * FROM coursebase.consume_credits('00000000-0000-4000-8000-0000000000d1', 1, 'fallen', '2026-05-27 08:30+00');
\set ON_ERROR_ROLLBACK on
UPDATE coursebase.ai_usage SET weekly_limit_credits = 19 WHERE user_id = '00000000-0000-4000-8000-0000000000d1';
\echo :LAST_ERROR_SQLSTATE
UPDATE coursebase.ai_usage SET weekly_reset_date = '2026-05-01' WHERE user_id = '00000000-0000-4000-8000-0000000000d1';

-- Premium gives its own allowance: at once when it begins, until the week turns after it ended.
UPDATE coursebase.settings SET value = NULL WHERE name = 'free_weekly_credits';
SELECT status FROM coursebase.apply_subscription_event('00000000-0000-4000-8000-0000000000d2', json_build_object(
    'event_type', 'created', 'event_time', '2026-10-22T00:00:00Z', 'store', 'app_store', 'environment', 'production', 'store_event_id', 'credit-1',
    'transaction_id', 't1', 'original_transaction_id', 'o1', 'product_id', 'premium', 'period_end', '2026-11-01T00:00:00Z'), '2026-10-22 00:00+00');
SELECT t, b.weekly_limit_credits, b.weekly_used_credits, b.weekly_reset_date FROM unnest(ARRAY['2026-10-22 00:00+00', '2026-10-30 00:00+00', '2026-11-02 00:00+00',
    '2026-11-05 00:00+00']::timestamptz[]) t, LATERAL coursebase.credit_balance('00000000-0000-4000-8000-0000000000d2', t) b;
SELECT * FROM coursebase.consume_credits('00000000-0000-4000-8000-0000000000d2', 3000, 'premium', '2026-10-30 00:00+00');
SELECT * FROM coursebase.check_credits(7000, '00000000-0000-4000-8000-0000000000d2', '2026-11-02 00:00+00');
SELECT * FROM coursebase.check_credits(7000, '00000000-0000-4000-8000-0000000000d2', '2026-11-05 00:00+00');
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
