-- Promise: what an operator's own trigger writes within a statement of ours is judged as any other statement is: rights and
-- ends follow from it, and doors that stand open for our statement are closed for it.
\pset format unaligned
\pset tuples_only on
\set VERBOSITY terse
BEGIN;
SET LOCAL client_min_messages = warning;
\set ada '''00000000-0000-4000-8000-0000000009a1'''
\set ben '''00000000-0000-4000-8000-0000000009a2'''
\set trial '''00000000-0000-4000-8000-0000000009c1'''
\set whole '''00000000-0000-4000-8000-0000000009c2'''
\set month '''00000000-0000-4000-8000-0000000009c3'''
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    (:ada, 'within_ada', 'Ada', 'ada@example.org'), (:ben, 'within_ben', 'Ben', 'ben@example.org');
INSERT INTO coursebase.courses (id, title, description) VALUES (:trial, 't', 'd'), (:whole, 'w', 'd'), (:month, 'm', 'd');
SELECT coursebase.save_product(NULL, 'Whole', '', '/w.png', 49, 'public', ARRAY[:whole]::uuid[]) AS whole_for_ever \gset
SELECT coursebase.save_product(NULL, 'Month', '', '/m.png', 5, 'public', ARRAY[:month]::uuid[], access_days => 30) AS thirty_days \gset

-- Whoever gets the whole course loses the trial: the right goes with the row, as by a statement of its own.
CREATE FUNCTION pg_temp.end_trial() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
    DELETE FROM coursebase.user_course_access WHERE user_id = new.user_id AND course_id = '00000000-0000-4000-8000-0000000009c1'
        AND new.course_id = '00000000-0000-4000-8000-0000000009c2';
    RETURN NULL; END$$;
CREATE TRIGGER zz AFTER INSERT ON coursebase.user_course_access FOR EACH ROW EXECUTE FUNCTION pg_temp.end_trial();
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (:ada, :trial);
SELECT status FROM coursebase.complete_purchase(:ada, :'whole_for_ever', 'cs_within_1', 4900, 'paid');
SELECT course_id = :whole FROM coursebase.course_grants WHERE user_id = :ada;
SELECT course_id = :whole FROM coursebase.user_course_access WHERE user_id = :ada;

-- Whoever extends a course has another given until the same day, which moves the end of what was bought of that one.
SELECT coursebase.save_product(NULL, 'Trial', '', '/t.png', 5, 'public', ARRAY[:trial]::uuid[], access_days => 10) AS ten_days \gset
CREATE FUNCTION pg_temp.give_along() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
    UPDATE coursebase.course_grants SET expires_at = new.expires_at
    WHERE user_id = new.user_id AND course_id = '00000000-0000-4000-8000-0000000009c1' AND purchase_id IS NULL;
    RETURN NULL; END$$;
INSERT INTO coursebase.course_grants (user_id, course_id, expires_at) VALUES (:ben, :trial, now() + interval '1 day');
UPDATE coursebase.course_grants SET created_at = now() - interval '1 day' WHERE user_id = :ben;
SELECT status FROM coursebase.complete_purchase(:ben, :'ten_days', 'cs_within_2', 500, 'paid');
SELECT status FROM coursebase.complete_purchase(:ben, :'thirty_days', 'cs_within_3', 500, 'paid');
CREATE TRIGGER zz AFTER UPDATE OF expires_at ON coursebase.course_grants FOR EACH ROW
    WHEN (new.course_id = '00000000-0000-4000-8000-0000000009c3') EXECUTE FUNCTION pg_temp.give_along();
UPDATE coursebase.purchases SET access_days = 60 WHERE stripe_session_id = 'cs_within_3';
SELECT c.id = :trial, g.purchase_id IS NOT NULL, date_trunc('hour', g.expires_at - now() + interval '1 minute')
FROM coursebase.course_grants g JOIN coursebase.courses c ON c.id = g.course_id WHERE g.user_id = :ben ORDER BY 1, 2;
DROP TRIGGER zz ON coursebase.course_grants;

-- The end of a purchase's grant is refused to it, as to everybody.
CREATE OR REPLACE FUNCTION pg_temp.give_along() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
    UPDATE coursebase.course_grants SET expires_at = NULL
    WHERE user_id = new.user_id AND course_id = '00000000-0000-4000-8000-0000000009c1' AND purchase_id IS NOT NULL;
    RETURN NULL; END$$;
CREATE TRIGGER zz AFTER UPDATE OF expires_at ON coursebase.course_grants FOR EACH ROW
    WHEN (new.course_id = '00000000-0000-4000-8000-0000000009c3') EXECUTE FUNCTION pg_temp.give_along();
SAVEPOINT door;
UPDATE coursebase.purchases SET access_days = 90 WHERE stripe_session_id = 'cs_within_3';
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO door;

-- So is what the function of a DEFAULT writes, which no trigger brings deeper.
SAVEPOINT filled;
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (:ada, :month);
CREATE FUNCTION pg_temp.fill() RETURNS text LANGUAGE plpgsql AS $$BEGIN
    DELETE FROM coursebase.user_course_access WHERE user_id = '00000000-0000-4000-8000-0000000009a1'
        AND course_id = '00000000-0000-4000-8000-0000000009c3';
    RETURN 'filled'; END$$;
ALTER TABLE coursebase.course_grants ADD COLUMN note text;
ALTER TABLE coursebase.course_grants ALTER COLUMN note SET DEFAULT pg_temp.fill();
SELECT status FROM coursebase.complete_purchase(:ada, :'ten_days', 'cs_within_4', 500, 'paid');
SELECT note, count(*) FROM coursebase.course_grants WHERE user_id = :ada AND course_id IN (:trial, :month) GROUP BY 1;
SELECT check_name, problem FROM coursebase.check_integrity() WHERE check_name = 'course_access';
ROLLBACK TO filled;

-- So are the rows of the machine of subscriptions; what it does for somebody else meanwhile ends with it.
CREATE FUNCTION pg_temp.call_it_paid() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
    UPDATE coursebase.subscriptions SET plan = 'premium', expires_at = 'infinity' WHERE user_id = new.user_id;
    RETURN NULL; END$$;
CREATE TRIGGER zz AFTER INSERT ON coursebase.subscription_lines FOR EACH ROW EXECUTE FUNCTION pg_temp.call_it_paid();
\set event '\'{"event_type": "created", "store": "manual", "store_event_id": "%s", "original_transaction_id": "%s", "event_time": "2026-01-01T00:00:00Z", "period_end": "2026-02-01T00:00:00Z"}\''
SELECT status FROM coursebase.apply_subscription_event(:ada, format(:event, 'e1', 'l1')::json);
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO door;
CREATE FUNCTION pg_temp.partner() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
    IF new.user_id = '00000000-0000-4000-8000-0000000009a1' THEN
        PERFORM coursebase.apply_subscription_event('00000000-0000-4000-8000-0000000009a2', json_build_object('event_type', 'created',
            'store', 'manual', 'store_event_id', 'e2', 'original_transaction_id', 'l2', 'event_time', '2026-01-01T00:00:00Z', 'period_end', '2026-02-01T00:00:00Z'));
    END IF;
    RETURN new; END$$;
CREATE TRIGGER a_partner BEFORE INSERT ON coursebase.subscription_lines FOR EACH ROW EXECUTE FUNCTION pg_temp.partner();
SELECT status FROM coursebase.apply_subscription_event(:ada, format(:event, 'e1', 'l1')::json);
SELECT user_id = :ada, original_transaction_id FROM coursebase.subscription_lines WHERE user_id IN (:ada, :ben) ORDER BY 2;
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
