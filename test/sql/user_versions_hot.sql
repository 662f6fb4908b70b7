-- Promise: a version of a user that moves leaves the index of user_versions alone (HOT), also where the table was filled at
-- once, as by a restore.
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
SELECT md5('hot ' || n)::uuid, 'hot_' || n, 'Hot', 'hot@example.org' FROM generate_series(1, 2000) AS n;
DELETE FROM coursebase.user_versions;
INSERT INTO coursebase.user_versions (user_id, version) SELECT id, 1 FROM coursebase.users WHERE name = 'Hot';
CREATE TEMP TABLE was AS SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_xact_user_tables WHERE relid = 'coursebase.user_versions'::regclass;
UPDATE coursebase.user_versions SET version = 2;
SELECT t.n_tup_upd - w.n_tup_upd AS updated, (t.n_tup_hot_upd - w.n_tup_hot_upd) * 100 / (t.n_tup_upd - w.n_tup_upd) AS hot_percent
FROM pg_stat_xact_user_tables t, was w WHERE relid = 'coursebase.user_versions'::regclass;
-- Nothing but the key is indexed: another index would end it.
SELECT count(*) FROM pg_index WHERE indrelid = 'coursebase.user_versions'::regclass;
ROLLBACK;
