-- Promise: a session in which a backslash between plain quotes is an escape (standard_conforming_strings = off, as old drivers set
-- it) gets the same answers, because no statement of ours has one there. A new connection, for each reads the statements of C anew.
\pset format unaligned
\pset tuples_only on
\set VERBOSITY terse
\c
SET client_min_messages = warning;
SELECT md5(string_agg(h::text, '' ORDER BY h.function, h.call)) AS help FROM coursebase.help() h \gset
\c
SET client_min_messages = warning;
SET standard_conforming_strings = off;
BEGIN;
-- What stands in E'…' is taken out first.
SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'coursebase'::regnamespace AND p.prolang = (SELECT l.oid FROM pg_language l WHERE l.lanname = 'sql')
    AND strpos(regexp_replace(p.prosrc, E'\\mE''([^''\\\\]|''''|\\\\.)*''', '', 'g'), E'\\') > 0 ORDER BY 1;
SELECT s.object FROM coursebase.steps() s WHERE strpos(regexp_replace(s.ddl, E'\\mE''([^''\\\\]|''''|\\\\.)*''', '', 'g'), E'\\') > 0 AND s.object NOT LIKE 'comment on %';
SELECT md5(string_agg(h::text, '' ORDER BY h.function, h.call)) = :'help' AS help_is_the_same FROM coursebase.help() h;
-- An account is closed for the first time, and a notice about it comes late.
SELECT coursebase.upsert_user('escaped_ada', 'Ada') AS ada \gset
SELECT coursebase.delete_user(:'ada') IS NOT NULL;
SAVEPOINT closed;
SELECT coursebase.upsert_user('escaped_ada', 'Ada');
ROLLBACK TO closed;
-- Logs of a month that is past.
SET LOCAL coursebase.allow_drop = on;
CREATE SCHEMA regress_old;
ALTER TABLE coursebase.server_logs SET SCHEMA regress_old;
CREATE TABLE coursebase.server_logs (LIKE regress_old.server_logs INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING COMMENTS,
    CONSTRAINT server_logs_pkey PRIMARY KEY (id, created_at)) PARTITION BY RANGE (created_at);
CREATE TABLE coursebase.server_logs_2026_01 PARTITION OF coursebase.server_logs FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00');
CREATE TABLE coursebase.server_logs_default PARTITION OF coursebase.server_logs DEFAULT;
SELECT count(*) > 0 FROM coursebase.install();
SELECT coursebase.log_server('f', 'info', 'n', at => '2026-01-05 10:00+00') IS NOT NULL;
SELECT coursebase.purge_logs('2026-02-03');
SELECT to_regclass('coursebase.server_logs_2026_01') IS NULL AS gone;
ALTER TABLE coursebase.users ALTER COLUMN name DROP NOT NULL;
SELECT rule, object FROM coursebase.lint();
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
