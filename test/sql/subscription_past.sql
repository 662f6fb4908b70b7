-- Promise: has_premium() and explain_premium() tell for each instant what was so then: false before the first period,
-- true in a period that was paid whatever came later, false from a refund on; a start in the future begins then. Access,
-- slots and credits follow. A line that another one replaces is over from then on, and does not come back.
\pset format unaligned
\pset fieldsep ' | '
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL timezone = 'UTC';
SET LOCAL datestyle = 'ISO';
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
SELECT format('00000000-0000-4000-8000-0000000058%s', lpad(to_hex(n), 2, '0'))::uuid, 'past_' || n, 'Ada', 'ada@example.org'
FROM generate_series(0, 15) n;
CREATE FUNCTION pg_temp.who(n integer) RETURNS uuid LANGUAGE sql AS $$
    SELECT format('00000000-0000-4000-8000-0000000058%s', lpad(to_hex(n), 2, '0'))::uuid
$$;
CREATE FUNCTION pg_temp.event(n integer, line text, type text, instant text, transaction text, period_start date DEFAULT NULL,
    period_end date DEFAULT NULL, more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', status, expires_at::date, anomaly) FROM coursebase.apply_subscription_event(pg_temp.who(n),
        (jsonb_strip_nulls(jsonb_build_object('provider', 'google_play', 'environment', 'production', 'store', 'google_play',
            'store_event_id', concat_ws('-', n, line, type, instant, transaction), 'event_type', type, 'event_time', (instant || 'Z')::timestamptz,
            'transaction_id', transaction, 'period_start', period_start || 'T00:00:00Z', 'period_end', period_end || 'T00:00:00Z',
            'purchase_token', line, 'original_transaction_id', line)) || more)::json)
$$;
-- The days on which there is premium, as spans: what is true at each noon of the year.
CREATE FUNCTION pg_temp.spans(n integer) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(begins || ' to ' || ends, ', ' ORDER BY begins), 'never')
    FROM (SELECT min(day)::date AS begins, max(day)::date AS ends
          FROM (SELECT day, day - row_number() OVER (ORDER BY day) * interval '1 day' AS run
                FROM generate_series(timestamptz '2025-11-01 12:00+00', '2027-01-31 12:00+00', '1 day') day
                WHERE coursebase.has_premium(pg_temp.who(n), day)) d
          GROUP BY run) s
$$;
-- A year before the first purchase, on a day that was paid, after the end, and in a second time.
SELECT pg_temp.event(1, 'l1', 'created', '2026-02-01', 't1', NULL, '2026-03-01'), pg_temp.event(1, 'l1', 'expired', '2026-03-01', 't1', NULL, '2026-03-01');
SELECT pg_temp.spans(1);
SELECT pg_temp.event(1, 'l1', 'created', '2026-06-01', 't2', NULL, '2026-07-01'), pg_temp.event(1, 'l1', 'expired', '2026-07-01', 't2', NULL, '2026-07-01');
SELECT pg_temp.spans(1);
SELECT coursebase.has_premium(pg_temp.who(1), i.at::timestamptz), i.at
FROM unnest(ARRAY['2026-01-31 23:59:59.999999', '2026-02-01', '2026-02-28 23:59:59.999999', '2026-03-01', 'infinity', '-infinity']) i (at);
SELECT i.at, e.rule, e.reason, e.detail FROM unnest(ARRAY['2026-01-31', '2026-02-15', '2026-04-01', '2026-06-15', '2026-08-01']) i (at),
    coursebase.explain_premium(pg_temp.who(1), i.at::timestamptz) e WHERE e.rule IN ('status', 'time');
-- A refund acts from its time on, and the reversal from its own.
SELECT pg_temp.event(2, 'l2', 'created', '2026-02-01', 't1', NULL, '2026-06-01'), pg_temp.event(2, 'l2', 'revoked', '2026-03-01', 't1');
SELECT pg_temp.spans(2);
SELECT pg_temp.event(2, 'l2', 'unrevoked', '2026-04-01', 't1');
SELECT pg_temp.spans(2);
-- A sum that is told after a refund does not change what the refund did, and its reversal still gives back; a sum that was
-- told before makes the same refund a part.
SELECT pg_temp.event(12, 'la', 'created', '2026-02-01', 't1', NULL, '2026-06-01'), pg_temp.event(12, 'la', 'revoked', '2026-03-01', 't1', more => '{"refund_ref": "r1", "refunded_in_cents": 300}');
SELECT pg_temp.spans(12);
SELECT pg_temp.event(12, 'la', 'recovered', '2026-04-01', 't1', NULL, '2026-06-01', '{"paid_in_cents": 900}');
SELECT pg_temp.spans(12);
SELECT pg_temp.event(12, 'la', 'unrevoked', '2026-05-01', 't1', more => '{"refund_ref": "r1", "refunded_in_cents": 300}');
SELECT pg_temp.spans(12);
SELECT pg_temp.event(13, 'lb', 'created', '2026-02-01', 't1', NULL, '2026-06-01', '{"paid_in_cents": 900}'), pg_temp.event(13, 'lb', 'revoked', '2026-03-01', 't1', more => '{"refund_ref": "r1", "refunded_in_cents": 300}');
SELECT pg_temp.spans(13);
-- A start in the future; a payment for January that is told in March; one in time for the next period, which is given
-- back before it begins, and leaves what is paid for.
SELECT pg_temp.event(3, 'l3', 'created', '2026-02-01', 't1', '2026-05-01', '2026-06-01'), pg_temp.event(3, 'l3', 'recovered', '2026-03-01', 't0', '2026-01-01', '2026-02-01');
SELECT pg_temp.spans(3);
SELECT rule, passed, reason, detail FROM coursebase.explain_premium(pg_temp.who(3), '2025-12-31') WHERE rule = 'time';
SELECT pg_temp.event(4, 'l4', 'created', '2026-02-01', 't1', NULL, '2026-03-01'), pg_temp.event(4, 'l4', 'renewed', '2026-02-20', 't2', NULL, '2026-04-01');
SELECT pg_temp.spans(4);
SELECT pg_temp.event(4, 'l4', 'revoked', '2026-02-22', 't2');
SELECT pg_temp.spans(4), s.plan, s.status FROM coursebase.subscriptions s WHERE s.user_id = pg_temp.who(4);
-- A refund of the earlier payment takes its own rest, and the later one stays; it came early, and begins when it is due.
SELECT pg_temp.event(5, 'l5', 'created', '2026-02-01', 't1', NULL, '2026-03-01'), pg_temp.event(5, 'l5', 'renewed', '2026-02-20', 't2', '2026-03-01', '2026-04-01'),
    pg_temp.event(5, 'l5', 'revoked', '2026-02-22', 't1');
SELECT pg_temp.spans(5);
-- A period that begins within another takes its place: it does not come back with the refund of the new one.
SELECT pg_temp.event(6, 'l6', 'created', '2026-02-01', 't1', NULL, '2026-03-01'), pg_temp.event(6, 'l6', 'product_changed', '2026-02-10', 't2', '2026-02-10', '2027-01-01'),
    pg_temp.event(6, 'l6', 'revoked', '2026-02-12', 't2');
SELECT pg_temp.spans(6);
-- Linked: the new line replaces the old one, whichever comes first, and refunding it does not bring the old one back.
SELECT pg_temp.event(7, 'T1', '4', '2026-01-01', 'g1', NULL, '2026-02-10'), pg_temp.event(7, 'T2', '4', '2026-01-20', 'g2', NULL, '2026-12-31', '{"linked_purchase_token": "T1"}'),
    pg_temp.event(8, 'U2', '4', '2026-01-20', 'g2', NULL, '2026-12-31', '{"linked_purchase_token": "U1"}'), pg_temp.event(8, 'U1', '4', '2026-01-01', 'g1', NULL, '2026-02-10');
SELECT pg_temp.spans(7), pg_temp.spans(8);
SELECT pg_temp.event(7, 'T2', 'voidedPurchaseNotification', '2026-01-25', 'g2'), pg_temp.event(8, 'U2', 'voidedPurchaseNotification', '2026-01-25', 'g2');
SELECT pg_temp.spans(7), pg_temp.spans(8);
-- Nothing of the store makes the old line live again; the history marks it.
SELECT pg_temp.event(7, 'T1', '2', '2026-02-10', 'g3', NULL, '2026-03-10'), pg_temp.event(8, 'U1', 'unrevoked', '2026-02-11', 'g1');
SELECT pg_temp.spans(7), pg_temp.spans(8);
SELECT h.event_type, h.status_after, h.anomaly FROM coursebase.subscription_history h WHERE h.user_id = pg_temp.who(7) ORDER BY h.event_time;
SELECT l.original_transaction_id, l.status, l.expires_at, l.replaced_at, l.access_until FROM coursebase.subscription_lines l
WHERE l.user_id IN (pg_temp.who(7), pg_temp.who(8)) ORDER BY 1;
-- Deferred: the old line lasts until the new one begins. A link to nobody's line, or to one of another person, ends nothing.
SELECT pg_temp.event(9, 'V1', '4', '2026-01-01', 'g1', NULL, '2026-03-01'), pg_temp.event(9, 'V2', '4', '2026-01-20', 'g2', '2026-02-01', '2026-04-01', '{"linked_purchase_token": "V1"}'),
    pg_temp.event(10, 'W2', '4', '2026-01-20', 'g2', NULL, '2026-12-31', '{"linked_purchase_token": "V1"}');
SELECT pg_temp.spans(9), pg_temp.spans(10);
-- A live line of a sandbox counts beside one of production that has ended, where it counts.
SELECT pg_temp.event(11, 'X1', 'created', '2026-01-01', 'x1', NULL, '2026-02-01'), pg_temp.event(11, 'X2', 'created', '2026-03-01', 'x2', NULL, '2026-04-01', '{"environment": "sandbox"}');
SELECT pg_temp.spans(11);
SELECT rule, reason FROM coursebase.explain_premium(pg_temp.who(11), '2026-03-15') WHERE NOT passed;
UPDATE coursebase.settings SET value = 'true' WHERE name = 'accept_sandbox';
SELECT pg_temp.spans(11);
-- Access by premium, credits, slots and the handshake follow.
INSERT INTO coursebase.courses (id, course_code, title, description, in_premium) VALUES ('00000000-0000-4000-8000-000000005890', 'C58PST', 't', 'd', true);
UPDATE coursebase.entitlements SET covers_every_course = true WHERE name = 'premium';
SELECT i.at, coursebase.has_course_access('00000000-0000-4000-8000-000000005890', pg_temp.who(1), i.at),
    cardinality(coursebase.accessible_course_ids(pg_temp.who(1), i.at)),
    (SELECT bool_or(e.passed) FROM coursebase.explain_course_access('00000000-0000-4000-8000-000000005890', pg_temp.who(1), i.at) e),
    coursebase.handshake(pg_temp.who(1), '{}', i.at) #>> '{ai_usage,weekly_limit_credits}',
    coursebase.handshake(pg_temp.who(1), '{}', i.at) #>> '{subscription,plan}', coursebase.handshake(pg_temp.who(1), '{}', i.at) #>> '{subscription,status}'
FROM unnest(ARRAY['2026-01-31', '2026-02-15', '2026-04-01', '2026-06-15', '2026-08-01']::timestamptz[]) i (at);
-- The stored spans are those of the log.
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
