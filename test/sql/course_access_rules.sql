-- Promise: each source gives a course and nothing else does; the explanation names it and says until when; what time
-- takes away is gone at the microsecond, with no write in between.
\pset format unaligned
\pset tuples_only on
\set ON_ERROR_ROLLBACK on
BEGIN;
SET LOCAL timezone = 'UTC';
\set ada '''00000000-0000-4000-8000-00000000d300'''
\set eve '''00000000-0000-4000-8000-00000000d302'''
\set gone '''00000000-0000-4000-8000-00000000d303'''
INSERT INTO coursebase.users (id, clerk_user_id, name, email, role, deleted_at) VALUES
    (:ada, 'rules_ada', 'Ada', 'ada@example.org', 'user', NULL),
    (:eve, 'rules_eve', 'Eve', 'eve@example.org', 'admin', NULL),
    (:gone, 'rules_gone', 'Gone', 'gone@example.org', 'admin', '2026-01-01');
INSERT INTO coursebase.courses (id, course_code, title, description, is_free, in_premium)
SELECT ('00000000-0000-4000-8000-00000000d40' || n)::uuid, 'C4' || n || 'ACC', 't', 'd', n = 0, n = 4 FROM generate_series(0, 6) n;
SET LOCAL session_replication_role = replica;
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES
    (:ada, '00000000-0000-4000-8000-00000000d401'), (:gone, '00000000-0000-4000-8000-00000000d401');
INSERT INTO coursebase.course_purchases (user_id, course_id, source, environment, status, product_id, purchase_id, purchase_token, validated_at, refunded_at)
SELECT :ada, ('00000000-0000-4000-8000-00000000d40' || n)::uuid, source, environment, status, product, 'rules' || n, product, now(),
    CASE status WHEN 'refunded' THEN now() END
FROM (VALUES (2, 'app_store', 'production', 'valid', 'p'), (5, 'app_store', 'sandbox', 'valid', 'p'),
    (6, 'google_play', 'production', 'refunded', 'p')) p (n, source, environment, status, product);
INSERT INTO coursebase.course_purchases (user_id, course_id, source, status, validated_at)
VALUES (:ada, '00000000-0000-4000-8000-00000000d403', 'premium_slot', 'valid', now());
INSERT INTO coursebase.subscription_lines (store, original_transaction_id, user_id, environment, status, expires_at, auto_renew,
    before_status, before_auto_renew, last_event_time, last_event_type, last_store_event_id, access_from, access_until)
VALUES ('app_store', 'rules', :ada, 'production', 'active', '2026-03-01', true, 'pending', false, '2026-01-01', 'created', 'e',
    '2026-01-01', '2026-03-01');
RESET session_replication_role;
-- the courses by their last digit
PREPARE usable (uuid, timestamptz) AS SELECT string_agg(right(id::text, 1), '' ORDER BY id)
    || CASE WHEN array_agg(id ORDER BY id) = array_agg(a.id ORDER BY id) FILTER (WHERE coursebase.has_course_access(a.id, $1, $2)) THEN '' ELSE ' differs' END
    FROM unnest(coursebase.accessible_course_ids($1, $2)) a (id) WHERE id::text LIKE '%d40_';

EXECUTE usable (:ada, '2026-02-28 23:59:59.999999+00');
EXECUTE usable (:ada, '2026-03-01 00:00+00');
EXECUTE usable (:ada, '2026-02-28 23:59:59.999999+00');
EXECUTE usable (:eve, now());
EXECUTE usable (:gone, now());
EXECUTE usable ('00000000-0000-4000-8000-00000000d3ff', now());
SELECT right(c.id::text, 1), e.* FROM coursebase.courses c, coursebase.explain_course_access(c.id, :ada, '2026-02-01') e
WHERE c.id::text LIKE '%d40_' AND (c.id::text LIKE '%d404' OR e.passed);
SELECT e.* FROM coursebase.explain_course_access('00000000-0000-4000-8000-00000000d403', :ada, '2026-03-01') e;
SELECT right(c.id::text, 1), e.reason FROM coursebase.courses c, coursebase.explain_course_access(c.id, :ada, '2026-03-01') e
WHERE c.id::text ~ 'd40[56]' AND e.rule = 'purchase' ORDER BY c.id;
SELECT DISTINCT e.reason FROM coursebase.explain_course_access('00000000-0000-4000-8000-00000000d401', :gone) e ORDER BY 1;
-- one that does not exist reads like one that nothing gives
SELECT count(*) FROM coursebase.explain_course_access('00000000-0000-4000-8000-00000000d4ff', :ada, '2026-02-01') a
JOIN coursebase.explain_course_access('00000000-0000-4000-8000-00000000d404', :ada, '2026-02-01') b ON a::text = b::text;

-- settings: premium is every course in premium, what a sandbox sold counts
UPDATE coursebase.settings SET value = '-1' WHERE name = 'premium_slots';
EXECUTE usable (:ada, '2026-02-01');
SELECT rule, detail FROM coursebase.explain_course_access('00000000-0000-4000-8000-00000000d404', :ada, '2026-02-01') WHERE passed;
SELECT reason FROM coursebase.explain_course_access('00000000-0000-4000-8000-00000000d406', :ada, '2026-02-01') WHERE rule = 'premium';
UPDATE coursebase.settings SET value = 'true' WHERE name = 'accept_sandbox';
EXECUTE usable (:ada, '2026-02-01');
EXECUTE usable (:ada, '2026-03-01');
UPDATE coursebase.settings SET value = NULL WHERE name IN ('premium_slots', 'accept_sandbox');
EXECUTE usable (:ada, '2026-02-01');

-- the statement that grants still sees what was; the next one what is; what is taken back was never there
SET LOCAL session_replication_role = replica;
WITH granted AS (INSERT INTO coursebase.user_course_access (user_id, course_id)
    VALUES (:ada, '00000000-0000-4000-8000-00000000d406') RETURNING course_id, user_id)
SELECT coursebase.has_course_access(course_id, user_id), coursebase.has_course_access('00000000-0000-4000-8000-00000000d401', user_id) FROM granted;
EXECUTE usable (:ada, '2026-03-01');
SAVEPOINT taken;
DELETE FROM coursebase.user_course_access WHERE user_id = :ada;
EXECUTE usable (:ada, '2026-03-01');
ROLLBACK TO taken;
EXECUTE usable (:ada, '2026-03-01');
TRUNCATE coursebase.user_course_access;
EXECUTE usable (:ada, '2026-03-01');
ROLLBACK TO taken;
ALTER TABLE coursebase.course_purchases ADD COLUMN note text DEFAULT 'x';
DROP INDEX coursebase.course_purchases_user_id_course_id_idx, coursebase.courses_is_free_idx;
EXECUTE usable (:ada, '2026-03-01');
ROLLBACK TO taken;

-- by code, by claims that change, without arguments
SELECT coursebase.has_course_access_by_code(' c41acc ', :ada), coursebase.has_course_access_by_code('C46ACC', :eve),
    coursebase.has_course_access_by_code('C49ACC', :eve), coursebase.has_course_access_by_code('', :eve), coursebase.has_course_access_by_code(NULL);
PREPARE own AS SELECT string_agg(right(id::text, 1), '' ORDER BY id) FROM coursebase.courses WHERE coursebase.has_course_access(id) AND id::text LIKE '%d40_';
EXECUTE own;
SET LOCAL request.jwt.claims = '{"sub": "rules_ada"}';
EXECUTE own;
SET LOCAL request.jwt.claims = '{"sub": "rules_eve"}';
EXECUTE own;
SET LOCAL request.jwt.claims = '{"sub": "rules_gone"}';
EXECUTE own;
SELECT coursebase.has_course_access(NULL), coursebase.has_course_access(NULL, NULL, NULL),
    (SELECT count(*) FROM coursebase.explain_course_access(NULL, NULL, NULL) WHERE NOT passed);

-- parallel workers answer as their leader, its own uncommitted changes included
SELECT CASE WHEN current_setting('server_version_num')::integer < 160000 THEN 'force_parallel_mode' ELSE 'debug_parallel_query' END AS forced \gset
SET LOCAL :forced = on;
SET LOCAL request.jwt.claims = '{"sub": "rules_ada"}';
EXECUTE own;
ROLLBACK;
