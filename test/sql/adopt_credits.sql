-- Promise: adopt() gives accounts and packs of credits that came without a log the entries that lead to what they say:
-- nothing is lost of week and bank, packs can be refunded, and a bank that holds less than its packs is named.
\getenv abs_srcdir PG_ABS_SRCDIR
\set person '(\'00000000-0000-4000-8000-0000000ad6\' || lpad(n::text, 2, \'0\'))::uuid'
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
\i :abs_srcdir/fixtures/helpers/refused.sql
BEGIN;
SET LOCAL session_replication_role = replica;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) SELECT :person, 'adopt_' || n, 'Person', 'p' || n || '@example.org' FROM generate_series(1, 6) n;
-- 1: a week alone; 2: a bank without packs; 3: a bank with its packs, one spent in part; 4: a bank with more than its pack; 5: packs alone; 6: less.
INSERT INTO coursebase.ai_usage (user_id, weekly_limit_credits, weekly_used_credits, weekly_reset_date, bank_limit_credits, bank_used_credits, created_at, updated_at)
SELECT :person, lim, used, '2026-01-12', bank, spent, '2025-12-01', '2026-01-08'
FROM (VALUES (1, 100, 40, 0, 0), (2, 0, 0, 500, 120), (3, 100, 100, 3000, 1200), (4, 0, 0, 1500, 0), (6, 0, 0, 10, 0)) v (n, lim, used, bank, spent);
INSERT INTO coursebase.ai_credit_purchases (user_id, product_id, credits, source, environment, purchase_id, purchase_token, purchased_at)
SELECT :person, 'ai_credits', credits, 'app_store', 'production', id, 't', at::timestamptz
FROM (VALUES (3, 1000, 'a', '2025-12-02'), (3, 2000, 'b', '2025-12-20'), (4, 1000, 'c', '2025-12-03'), (5, 700, 'd', '2025-12-04'), (6, 700, 'e', '2025-12-05')) v (n, credits, id, at);
SELECT what, made, not_understood, regexp_replace(example, 'purchases [-0-9a-f]+', 'purchases ...') FROM coursebase.adopt();
SELECT * FROM coursebase.adopt(false);
SELECT right(l.user_id::text, 2), l.position, l.kind, l.seconds, l.weekly_credits, l.bank_credits, l.bank_limit_credits, l.bank_used_credits, l.at FROM coursebase.credit_log l ORDER BY 1, 2;
SELECT right(c.user_id::text, 2), c.product_id, c.credits, c.source FROM coursebase.ai_credit_purchases c ORDER BY 1, c.purchased_at;
-- The account goes on: the week turns, credits are spent, the younger pack is refunded for what is left of it.
SET LOCAL session_replication_role = origin;
SELECT n, b.* FROM generate_series(1, 5) n CROSS JOIN LATERAL coursebase.credit_balance(:person, '2026-01-09') b;
SELECT n, c.* FROM (VALUES (2), (5)) v (n) CROSS JOIN LATERAL coursebase.consume_credits(:person, 100, 'later', '2026-01-20') c;
SELECT r.bank_credits FROM coursebase.refund_credit_pack('app_store', 'production', 'b', '2026-01-20') r;
SELECT what, made, not_understood FROM coursebase.adopt();
ROLLBACK;
-- What no bank can hold together is named, and the others are adopted: packs alone (7), packs of which one is refunded (8), a bank with
-- the rest of a pack (9); a pack of all that a bank holds (10).
BEGIN;
SET LOCAL session_replication_role = replica;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) SELECT :person, 'adopt_' || n, 'Person', 'p' || n || '@example.org' FROM generate_series(7, 11) n;
INSERT INTO coursebase.ai_usage (user_id, weekly_limit_credits, weekly_reset_date, bank_limit_credits) SELECT :person, 0, '2026-01-12', bank FROM (VALUES (8, 9223372036854775807), (9, 9223372036854775807)) v (n, bank);
INSERT INTO coursebase.ai_credit_purchases (user_id, product_id, credits, refunded_credits, claimed_credits, status, source, environment, purchase_id, purchase_token, purchased_at)
SELECT :person, 'ai_credits', credits, back, back, CASE credits WHEN back THEN 'refunded' ELSE 'valid' END, 'app_store', 'production', id, 't', '2025-12-02'
FROM (VALUES (7, 9223372036854775807, 0, 'f'), (7, 1, 0, 'g'), (8, 9223372036854775807, 0, 'h'), (8, 5, 5, 'i'), (9, 100, 100, 'j'), (10, 9223372036854775807, 0, 'k'), (11, 700, 0, 'l')) v (n, credits, back, id);
SELECT what, made, not_understood FROM coursebase.adopt();
SELECT check_name, coalesce(p.purchase_id, right(object, 2)) FROM coursebase.check_integrity() c LEFT JOIN coursebase.ai_credit_purchases p ON c.object = 'ai_credit_purchases ' || p.id ORDER BY 1, 2;
SELECT right(user_id::text, 2), bank_limit_credits FROM coursebase.ai_usage ORDER BY 1;
-- Nor can anything be counted from an infinite time, which a session without triggers is refused.
SELECT pg_temp.refused(format('INSERT INTO coursebase.ai_usage (user_id, weekly_limit_credits, weekly_reset_date) VALUES (gen_random_uuid(), 0, %L)', t)) FROM unnest('{-infinity, infinity}'::text[]) t;
SELECT pg_temp.refused(format('UPDATE coursebase.ai_credit_purchases SET purchased_at = %L', t)) FROM unnest('{-infinity, infinity}'::text[]) t;
ROLLBACK;
-- A refund of a part of a pack that is spent took nothing yet: the log has it, and the next pack, which is not spent, stays whole.
BEGIN;
SET LOCAL session_replication_role = replica;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) SELECT :person, 'adopt_' || n, 'Person', 'p' || n || '@example.org' FROM generate_series(12, 12) n;
INSERT INTO coursebase.ai_usage (user_id, weekly_limit_credits, weekly_reset_date, bank_limit_credits, bank_used_credits) SELECT :person, 0, '2026-01-12', 150, 100 FROM generate_series(12, 12) n;
INSERT INTO coursebase.ai_credit_purchases (user_id, product_id, credits, claimed_credits, source, environment, purchase_id, purchase_token, purchased_at)
SELECT :person, 'ai_credits', credits, claimed, 'app_store', 'production', id, 't', at::timestamptz FROM generate_series(12, 12) n, (VALUES (100, 30, 'm', '2025-12-02'), (50, 0, 'n', '2025-12-03')) v (credits, claimed, id, at);
SELECT what, made, not_understood FROM coursebase.adopt();
SELECT l.kind, l.bank_credits, l.bank_limit_credits, l.bank_used_credits FROM coursebase.credit_log l ORDER BY l.position;
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
