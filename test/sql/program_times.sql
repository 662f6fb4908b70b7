-- Promise: the days of a course turn at midnight where its organisation is, on the short day and on the long one too,
-- and a time without end is written nowhere.
\pset format unaligned
\pset fieldsep ' | '
SET client_min_messages = warning;
BEGIN;
SET LOCAL TimeZone = 'UTC';
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
VALUES ('00000000-0000-4000-8000-00000000da01', 'times_1', 'n', 't1@example.org'), ('00000000-0000-4000-8000-00000000da02', 'times_2', 'n', 't2@example.org');
SELECT coursebase.create_organization('Paris', 'times-paris', 'EUR', 'Europe/Paris', '00000000-0000-4000-8000-00000000da01') \g /dev/null
INSERT INTO coursebase.workouts (organization_id, name) SELECT id, 'w' FROM coursebase.organizations WHERE slug = 'times-paris';
SELECT coursebase.create_course(id, 'Paid', 300), coursebase.create_course(id, 'Free', 300) FROM coursebase.organizations WHERE slug = 'times-paris' \g /dev/null
SELECT coursebase.set_day(p.id, 0, ARRAY[w.id]), coursebase.set_price(p.id, CASE p.name WHEN 'Paid' THEN 900 ELSE 0 END), coursebase.publish_course(p.id)
FROM coursebase.programs p JOIN coursebase.workouts w USING (organization_id) JOIN coursebase.organizations o ON o.id = p.organization_id
WHERE o.slug = 'times-paris' \g /dev/null
SELECT p.id AS paid, o.id AS organization FROM coursebase.programs p JOIN coursebase.organizations o ON o.id = p.organization_id
WHERE o.slug = 'times-paris' AND p.name = 'Paid' \gset
SELECT id AS free FROM coursebase.programs WHERE organization_id = :'organization' AND name = 'Free' \gset
SELECT b.transaction_id AS charge FROM coursebase.begin_checkout('00000000-0000-4000-8000-00000000da01', :'paid') b \gset
SELECT coursebase.attach_payment_reference(:'charge', 'psp', 'times 1') \g /dev/null
SELECT b.entitlement_id AS mine FROM coursebase.begin_checkout('00000000-0000-4000-8000-00000000da01', :'free') b \gset

CREATE FUNCTION pg_temp.state(statement text, at text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(statement, at);
    RETURN 'nothing';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;
SELECT split_part(split_part(q, '.', 2), '(', 1) AS function, pg_temp.state(q, 'infinity') AS never,
    pg_temp.state(q, '-infinity') AS always, pg_temp.state(replace(q, '%L', 'NULL'), NULL) AS nothing
FROM unnest(ARRAY[
    'SELECT coursebase.begin_checkout(''00000000-0000-4000-8000-00000000da02'', ' || quote_literal(:'free') || ', %L)',
    'SELECT coursebase.cancel_checkout(' || quote_literal(:'charge') || ', %L)',
    'SELECT coursebase.apply_payment_event(' || quote_literal(:'organization') || ', ''psp'', ''times 1'', ''failed'', %L)',
    'SELECT coursebase.apply_payment_event(gen_random_uuid(), ''psp'', ''times 1'', ''failed'', %L)',
    'SELECT coursebase.refund_transaction(' || quote_literal(:'charge') || ', false, %L)',
    'SELECT coursebase.publish_course(' || quote_literal(:'free') || ', %L)',
    'SELECT coursebase.archive_course(' || quote_literal(:'free') || ', %L)',
    'SELECT coursebase.start_course(' || quote_literal(:'mine') || ', %L)',
    'SELECT coursebase.restart_course(' || quote_literal(:'mine') || ', %L)',
    'SELECT coursebase.mark_workout_complete(' || quote_literal(:'mine') || ', gen_random_uuid(), NULL, %L)',
    'SELECT coursebase.course_enrolments(' || quote_literal(:'free') || ', %L)',
    'SELECT coursebase.course_library(''00000000-0000-4000-8000-00000000da01'', %L)']) WITH ORDINALITY t (q, n) ORDER BY n;
-- Questions answer.
SELECT t.at, coursebase.current_day(:'mine', t.at), coursebase.has_program_access(:'free', '00000000-0000-4000-8000-00000000da01', t.at),
    cardinality(coursebase.accessible_program_ids('00000000-0000-4000-8000-00000000da01', t.at))
FROM unnest(ARRAY['-infinity', 'infinity', NULL]::timestamptz[]) t (at);

SELECT coursebase.start_course(:'mine', '2027-03-27 22:59:59+00');
SELECT t.at, coursebase.current_day(:'mine', t.at)
FROM unnest(ARRAY['2027-03-27 22:59:59.999999+00', '2027-03-27 23:00+00', '2027-03-28 21:59:59.999999+00', '2027-03-28 22:00+00',
    '2027-10-30 21:59:59.999999+00', '2027-10-30 22:00+00', '2027-10-31 22:59:59.999999+00', '2027-10-31 23:00+00',
    '2027-01-01 00:00+00', '294276-12-31 00:00+00']::timestamptz[]) WITH ORDINALITY t (at, n) ORDER BY n;
-- Where the organisation moves, the day moves with it; the date of the start stays.
UPDATE coursebase.organizations SET time_zone = 'Pacific/Kiritimati' WHERE id = :'organization';
SELECT coursebase.current_day(:'mine', '2027-03-28 09:59:59+00'), coursebase.current_day(:'mine', '2027-03-28 10:00+00');

-- Nor by plain SQL: one such day would take the list of the whole course from its staff.
SELECT d, pg_temp.state('UPDATE coursebase.course_entitlements SET start_date = %L WHERE id = ' || quote_literal(:'mine'), d) FROM unnest(ARRAY['infinity', '-infinity', '2026-01-02']) d;
SELECT count(*) > 0 AS listed FROM coursebase.course_enrolments(:'free');
SELECT d, pg_temp.state('INSERT INTO coursebase.course_workout_completions (entitlement_id, course_workout_id, completed_at)'
    ' SELECT e.id, w.id, %L FROM coursebase.course_entitlements e JOIN coursebase.course_workouts w USING (program_id) WHERE e.id = ' || quote_literal(:'mine'), d)
FROM unnest(ARRAY['infinity', '-infinity', '2027-01-02']) d;

-- A time of a publication that comes again is taken; a plain UPDATE that sends the former one along is a new publication.
SELECT coursebase.archive_course(:'free', '2027-03-01'), coursebase.publish_course(:'free', '2027-03-02'),
    coursebase.archive_course(:'free', '2027-03-03'), coursebase.publish_course(:'free', '2027-03-02') AS again,
    coursebase.archive_course(:'free', '2027-03-03') AS archived_again;
UPDATE coursebase.course_configs SET status = 'published', published_at = published_at WHERE program_id = :'free' RETURNING published_at = now() AS anew;
-- A checkout whose time is before that of an earlier payment waits for its own money, and nothing is lost.
SELECT coursebase.apply_payment_event(:'organization', 'psp', 'times 1', 'completed') \g /dev/null
UPDATE coursebase.course_entitlements SET status = 'revoked' WHERE program_id = :'paid';
SELECT status FROM coursebase.begin_checkout('00000000-0000-4000-8000-00000000da01', :'paid', now() - interval '1 hour');
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
