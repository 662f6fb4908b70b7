-- Promise: a course that is given without a sale is a purchase like others, once, on record, and taken back as such.
\set ada '\'00000000-0000-4000-8000-0000000003a1\''
\set course '\'00000000-0000-4000-8000-0000000003c1\''
\set VERBOSITY default
\pset format unaligned
\pset tuples_only on
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL TimeZone = 'UTC';
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'gift_ada', 'Ada', 'ada@example.org');
INSERT INTO coursebase.courses (id, course_code, title, description) VALUES (:course, 'C31PUR', 'Sleep', '');
INSERT INTO coursebase.store_products (product_id, kind, course_id) VALUES ('c31pur', 'course', :course);
\set rows 'SELECT source, purchase_id, voice, status, validated_at, refunded_at FROM coursebase.course_purchases WHERE user_id = \'00000000-0000-4000-8000-0000000003a1\' ORDER BY 1, 2, 3;'
\set ON_ERROR_ROLLBACK on
SELECT coursebase.grant_course_purchase(:ada, :course, at => '2026-01-01') = coursebase.grant_course_purchase(:ada, :course, at => '2026-01-02');
SELECT coursebase.grant_course_purchase(:ada, :course, 'male', '2026-01-01') IS NOT NULL;
:rows
SELECT action, new FROM coursebase.audit_events WHERE object = 'users/' || :ada ORDER BY new;
SELECT count(*) FROM coursebase.purchases_awaiting_acknowledgement WHERE user_id = :ada;
-- Who pays for what was given has paid twice; what was given is taken back, and the payment gives it.
SELECT coursebase.validate_purchase(:ada, '{"product_id": "c31pur", "source": "app_store", "purchase_id": "g-1", "purchase_token": "t", "transaction_date": "1767268800000"}', '2026-01-02')->>'status';
SELECT coursebase.revoke_course_purchase(:ada, :course, at => '2026-01-03'), coursebase.revoke_course_purchase(:ada, :course, at => '2026-01-04');
:rows
SELECT coursebase.grant_course_purchase(:ada, :course, at => '2026-01-05') = (SELECT id FROM coursebase.course_purchases WHERE purchase_id = 'g-1' AND user_id = :ada);
SELECT status, detail FROM coursebase.refund_store_purchase('app_store', 'production', 'g-1', '2026-01-06');
:rows
SELECT * FROM coursebase.check_integrity();
-- What is pending, or what a sandbox sold, is in no gift's way.
INSERT INTO coursebase.course_purchases (user_id, course_id, voice, source) VALUES (:ada, :course, 'female', 'admin');
SELECT coursebase.grant_course_purchase(:ada, :course, 'female', '2026-01-07') IS NOT NULL;
SELECT status, count(*) FROM coursebase.course_purchases WHERE user_id = :ada AND voice = 'female' GROUP BY status ORDER BY status;
UPDATE coursebase.settings SET value = 'true' WHERE name = 'accept_sandbox';
SELECT coursebase.validate_purchase(:ada, '{"product_id": "c31pur", "source": "app_store", "environment": "sandbox", "purchase_id": "g-2", "purchase_token": "t", "transaction_date": "1767268800000"}', '2026-01-08')->>'status';
SELECT coursebase.revoke_course_purchase(:ada, :course, 'male', '2026-01-09'), coursebase.revoke_course_purchase(:ada, :course, 'female', '2026-01-09');
UPDATE coursebase.settings SET value = NULL WHERE name = 'accept_sandbox';
SELECT coursebase.has_course_access(:course, :ada, '2026-01-10');
SELECT coursebase.grant_course_purchase(:ada, :course, at => '2026-01-10') IS NOT NULL;
SELECT coursebase.has_course_access(:course, :ada, '2026-01-10');
-- What was pending in another voice becomes what was bought.
INSERT INTO coursebase.course_purchases (user_id, course_id, source, voice, product_id, purchase_id, purchase_token) VALUES (:ada, :course, 'app_store', 'male', 'c31pur', 'g-3', 't');
SELECT coursebase.validate_purchase(:ada, '{"product_id": "c31pur", "source": "app_store", "purchase_id": "g-3", "purchase_token": "t", "voice": "female", "transaction_date": "1767268800000"}', '2026-01-11') ->> 'status';
SELECT voice, status FROM coursebase.course_purchases WHERE user_id = :ada AND purchase_id = 'g-3';
SELECT * FROM coursebase.check_integrity();
-- A trigger of the operator's that makes another row of the gift is told, and no id of a row that is none.
SAVEPOINT before;
CREATE FUNCTION pg_temp.spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.status := 'invalid'; RETURN NEW; END $$;
CREATE TRIGGER t000_spoil BEFORE INSERT ON coursebase.course_purchases FOR EACH ROW EXECUTE FUNCTION pg_temp.spoil();
SELECT coursebase.grant_course_purchase(:ada, :course, 'male', '2026-01-12');
ROLLBACK TO before;
-- Refused: nobody, no course, another voice than there are.
SELECT coursebase.grant_course_purchase('00000000-0000-4000-8000-0000000003ff', :course);
SELECT coursebase.grant_course_purchase(:ada, :ada);
SELECT coursebase.grant_course_purchase(:ada, :course, 'robot');
\echo :LAST_ERROR_SQLSTATE
SELECT coursebase.grant_course_purchase(:ada, NULL);
SELECT coursebase.revoke_course_purchase(:ada, :course, at => 'infinity');
ROLLBACK;
