-- Promise: a late notice about a closed account makes no new one, through upsert_user() or plain SQL, for as many days as
-- closed_id_days says; after that, or under another id, it is a new person. What is kept of the id is an HMAC.
\getenv abs_srcdir PG_ABS_SRCDIR
\set ada '\'00000000-0000-4000-a000-00000000000a\''
\set bob '\'00000000-0000-4000-a000-00000000000b\''
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
SET LOCAL TimeZone = 'UTC';
\i :abs_srcdir/fixtures/worlds/everything.sql
CREATE ROLE regress_closed_user;
CREATE ROLE regress_closed_server BYPASSRLS;
SELECT coursebase.grant_roles(NULL, 'regress_closed_user', 'regress_closed_server');
INSERT INTO coursebase.memberships (organization_id, user_id, role)
SELECT id, '00000000-0000-4000-a000-00000000000c', 'owner' FROM coursebase.organizations;
\set ON_ERROR_ROLLBACK on

-- The key that is made: 64 bytes and the paddings of HMAC, so that both differ by the same two numbers everywhere.
DELETE FROM coursebase.closed_id_key;
DELETE FROM coursebase.closed_ids;
SET LOCAL ROLE regress_closed_server;
SELECT coursebase.upsert_user('closed_eve', 'Eve', 'eve@example.org') AS eve \gset
SELECT coursebase.delete_user(:'eve', '2026-05-02') IS NOT NULL;
RESET ROLE;
SELECT count(*), count(DISTINCT get_byte(inner_key, i)) > 20, bool_and(get_byte(inner_key, i) # get_byte(outer_key, i) = 54 # 92)
FROM coursebase.closed_id_key, generate_series(0, 63) i;
SELECT count(*), bool_and(closed_at = now()) FROM coursebase.closed_ids;
SELECT count(*) FROM coursebase.closed_ids c WHERE c.id_hash IN (sha256('closed_eve'), sha256(convert_to('closed_eve', 'UTF8')));
-- RFC 4231, test case 1: the key is twenty bytes 0b, the text "Hi There".
UPDATE coursebase.closed_id_key SET
    inner_key = decode(repeat('3d', 20) || repeat('36', 44), 'hex'), outer_key = decode(repeat('57', 20) || repeat('5c', 44), 'hex');
DELETE FROM coursebase.closed_ids;
SET LOCAL ROLE regress_closed_server;
SELECT coursebase.upsert_user('Hi There', 'Hi', 'hi@example.org') AS hi \gset
SELECT coursebase.delete_user(:'hi') IS NOT NULL;
RESET ROLE;
SELECT id_hash FROM coursebase.closed_ids;

-- Ada's account is closed by the function, Bob's by the UPDATE that programs write.
SET LOCAL ROLE regress_closed_server;
SELECT coursebase.delete_user(:ada) IS NOT NULL;
UPDATE coursebase.users SET deleted_at = now(), name = 'Deleted User', email = 'deleted@example.org' WHERE id = :bob;
\set VERBOSITY default
\set SHOW_CONTEXT never
-- A whole report, one of what changed alone, and plain SQL, also among others in one statement.
SELECT coursebase.upsert_user('fixture_ada', 'Ada', 'ada@example.org');
\echo :LAST_ERROR_SQLSTATE
SELECT coursebase.upsert_user('fixture_bob', NULL, NULL, image_url => 'https://example.org/bob.png');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO coursebase.users (clerk_user_id, name, email) VALUES ('fixture_ada', 'Ada', 'ada@example.org');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO coursebase.users (clerk_user_id, name, email) SELECT 'closed_' || i, 'N', 'n@example.org' FROM generate_series(1, 50) i
UNION ALL SELECT 'fixture_bob', 'Bob', 'bob@example.org';
\echo :LAST_ERROR_SQLSTATE
INSERT INTO coursebase.users (clerk_user_id, name, email) VALUES ('fixture_ada', 'Ada', 'ada@example.org')
ON CONFLICT (clerk_user_id) DO UPDATE SET name = excluded.name;
\echo :LAST_ERROR_SQLSTATE
\set VERBOSITY terse
SELECT count(*) FROM coursebase.users WHERE clerk_user_id ~ '^(fixture_ada|fixture_bob|closed_[0-9])';
-- A store's notice about the account changes nothing of it either.
SELECT coursebase.apply_subscription_event(:ada, '{"store": "app_store", "environment": "production", "event_time": "2026-02-02T12:00:00Z", "original_transaction_id": "late", "store_event_id": "late-1", "event_type": "SUBSCRIBED", "transaction_id": "late-a", "period_end": "2027-03-01T12:00:00Z"}', '2026-02-03');
SELECT coursebase.accessible_course_ids(:ada, '2026-03-01') = coursebase.accessible_course_ids('00000000-0000-4000-a000-0000000000ff', '2026-03-01');
SELECT user_id, outcome, detail FROM coursebase.take_notification('revenuecat',
    '{"api_version": "1.0", "event": {"id": "late", "type": "INITIAL_PURCHASE", "store": "APP_STORE", "environment": "PRODUCTION", "app_user_id": "fixture_ada", "product_id": "p", "transaction_id": "l1", "original_transaction_id": "l1", "event_timestamp_ms": 1767225600000, "purchased_at_ms": 1767225600000, "expiration_at_ms": 1898553600000}}');
SELECT deleted_at IS NOT NULL, name, clerk_user_id ~ '^deleted:' FROM coursebase.users WHERE id IN (:ada, :bob) ORDER BY id;
-- Another id is a new person at once.
SELECT coursebase.upsert_user('fixture_ada_2', 'Ada', 'ada@example.org') <> :ada;

-- Nobody but the owner reads what is kept, or says for how long.
SELECT count(*) FROM coursebase.closed_ids;
\echo :LAST_ERROR_SQLSTATE
SELECT inner_key FROM coursebase.closed_id_key;
\echo :LAST_ERROR_SQLSTATE
UPDATE coursebase.settings SET value = '0' WHERE name = 'closed_id_days';
\echo :LAST_ERROR_SQLSTATE
-- When the days are over: Bob's, by a purge that takes what is older, whatever its first argument is.
RESET ROLE;
UPDATE coursebase.closed_ids SET closed_at = now() - interval '29 days';
SET LOCAL ROLE regress_closed_server;
SELECT coursebase.purge_logs('2000-01-01');
SELECT coursebase.upsert_user('fixture_bob', 'Bob', 'bob@example.org');
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;
UPDATE coursebase.closed_ids SET closed_at = now() - interval '30 days';
SET LOCAL ROLE regress_closed_server;
SELECT coursebase.upsert_user('fixture_bob', 'Bob', 'bob@example.org') <> :bob;
SELECT coursebase.purge_logs('2000-01-01', 1), coursebase.purge_logs('2000-01-01'), coursebase.purge_logs('2000-01-01');
-- With 0 nothing is kept, and what was kept counts no more.
SELECT coursebase.upsert_user('closed_zoe', 'Zoe', 'zoe@example.org') AS zoe \gset
SELECT coursebase.delete_user(:'zoe') IS NOT NULL;
RESET ROLE;
UPDATE coursebase.settings SET value = '0' WHERE name = 'closed_id_days';
SELECT coursebase.upsert_user('closed_zoe', 'Zoe', 'zoe@example.org') AS again \gset
SELECT coursebase.delete_user(:'again') IS NOT NULL, :'again' <> :'zoe';
SELECT count(*) FROM coursebase.closed_ids;
SELECT coursebase.purge_logs('2000-01-01');
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
