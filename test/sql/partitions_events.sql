-- Promise: an operator may partition access_events by time in the way of the guide: what tells and what takes events
-- goes on as before, in the same order, and purge_logs() drops partitions that are past, with the claims on them.
\set ada '\'00000000-0000-4000-8000-0000000bade1\''
\set course '\'00000000-0000-4000-8000-0000000bade2\''
\set make 'CREATE TABLE coursebase.access_events (LIKE regress_old.access_events INCLUDING DEFAULTS INCLUDING CONSTRAINTS'
\pset format unaligned
\pset tuples_only on
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
-- Events are given once their transaction is over, so that the steps commit. All ends in a database as it was.
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'parted_ada', 'Ada', 'ada@example.org');
INSERT INTO coursebase.courses (id, title, description) VALUES (:course, 'Course', '');
UPDATE coursebase.settings SET value = 'true' WHERE name = 'events_out';
INSERT INTO coursebase.access_events (kind, user_id, subject, at) VALUES ('purchased', :ada, 'january', '2026-01-10'), ('purchased', :ada, 'february', '2026-02-10');
SELECT subject FROM coursebase.take_events('crm', 1);

-- Other ways are refused: another key, ids that nobody counts, another time.
BEGIN;
SET LOCAL coursebase.allow_drop = on;
CREATE SCHEMA regress_old;
ALTER TABLE coursebase.access_events SET SCHEMA regress_old;
SAVEPOINT moved;
:make INCLUDING IDENTITY, CONSTRAINT access_events_pkey PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
SELECT coursebase.install();
ROLLBACK TO moved;
:make, CONSTRAINT access_events_pkey PRIMARY KEY (xid, id, at)) PARTITION BY RANGE (at);
SELECT coursebase.install();
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO moved;
:make INCLUDING IDENTITY, CONSTRAINT access_events_pkey PRIMARY KEY (xid, id, at)) PARTITION BY RANGE (xid);
SELECT coursebase.install();
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO moved;

-- The way of the guide.
:make INCLUDING IDENTITY, CONSTRAINT access_events_pkey PRIMARY KEY (xid, id, at)) PARTITION BY RANGE (at);
CREATE TABLE coursebase.access_events_2026_01 PARTITION OF coursebase.access_events FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE coursebase.access_events_default PARTITION OF coursebase.access_events DEFAULT;
SELECT object, action FROM coursebase.install() WHERE object LIKE 'index %' OR object LIKE 'constraint %' OR object LIKE 'trigger %';
SELECT setval('coursebase.access_events_id_seq', nextval('regress_old.access_events_id_seq')) > 2;
INSERT INTO coursebase.access_events SELECT * FROM regress_old.access_events;
DROP SCHEMA regress_old CASCADE;
COMMIT;
SELECT rule, object FROM coursebase.lint();
SELECT check_name, object FROM coursebase.check_integrity();
SELECT count(*) FROM coursebase.install();

-- What gives a right tells of it, and it is taken behind what was told before; Ada is in hand.
INSERT INTO coursebase.course_grants (user_id, course_id) VALUES (:ada, :course);
SELECT count(*) FROM coursebase.take_events('crm');
SELECT coursebase.acknowledge_events('crm', ARRAY(SELECT event_id FROM coursebase.event_claims));
SELECT kind, subject = 'february', attempt FROM coursebase.take_events('crm');
SELECT subject, tableoid::regclass FROM coursebase.access_events ORDER BY xid, id LIMIT 2;

-- January goes as a whole.
SELECT kind FROM coursebase.take_events('mail', 1);
SELECT coursebase.purge_logs('2026-02-01', 0);
SELECT to_regclass('coursebase.access_events_2026_01');
SELECT coursebase.purge_logs('2026-02-11'), coursebase.purge_logs('2026-02-11');
SELECT consumer, count(*) FROM coursebase.event_claims GROUP BY 1 ORDER BY 1;
SELECT kind, subject = 'courses/' || :course FROM coursebase.take_events('mail');
SELECT check_name, object FROM coursebase.check_integrity();

-- Back to a table of one part.
BEGIN;
SET LOCAL coursebase.allow_drop = on;
DELETE FROM coursebase.event_consumers;
DROP TABLE coursebase.access_events;
SELECT object, action FROM coursebase.install() WHERE object LIKE 'table %';
UPDATE coursebase.settings SET value = NULL WHERE name = 'events_out';
DELETE FROM coursebase.users WHERE id = :ada;
DELETE FROM coursebase.courses WHERE id = :course;
SET LOCAL session_replication_role = replica;
DELETE FROM coursebase.audit_events WHERE concat(old, new) LIKE '%0bade1%' OR object = 'settings/events_out';
COMMIT;
SELECT rule, object FROM coursebase.lint();
