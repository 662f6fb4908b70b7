-- Promise: what an argument cannot be is refused at the call that brings it, in words of its own: it is not kept, shown or sold
-- first; and nobody marks a lesson for somebody else but the server.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
BEGIN;
\i :abs_srcdir/fixtures/worlds/everything.sql
\i :abs_srcdir/fixtures/helpers/roles.sql
\i :abs_srcdir/fixtures/helpers/refused.sql
\set ada '\'00000000-0000-4000-a000-00000000000a\''
INSERT INTO coursebase.discount_codes (code, product_type, percent_off) VALUES ('WORDS10', 'course', 10);

-- A price in what is no currency is neither quoted nor reserved, since no order could redeem it.
SELECT call, pg_temp.refused(format('SELECT coursebase.%s', format(call, :ada, currency)))
FROM (VALUES ('validate_discount(%L, ''words10'', ''course'', 100, %L)'), ('explain_discount(%L, ''words10'', ''course'', 100, %L)'),
    ('reserve_discount(%L, ''words10'', ''course'', 100, %L, ''words-1'')'), ('redeem_discount(%L, ''words10'', ''course'', 100, %L, ''words-1'')')) AS c (call),
    (VALUES ('EURO'), (''), ('E1R'), ('€€€')) AS v (currency);
SELECT discount_in_cents FROM coursebase.redeem_discount(:ada, 'words10', 'course', 100, ' eur ', 'words-2');

-- A use that is given back at no time would read as one that stands, and an assignment of no time never ends.
SELECT call, pg_temp.refused(format('SELECT coursebase.%s', format(call, :ada)))
FROM (VALUES ('reverse_discount(%L, ''words-2'', ''infinity'')'), ('restore_discount(%L, ''words-2'', now(), ''infinity'')'), ('assign_discounts(%L, ''-infinity'')')) AS c (call);

-- A place is held for a time that a calendar has; an account is made at one.
SELECT ttl, pg_temp.refused(format('SELECT coursebase.reserve_discount(%L, ''words10'', ''course'', 100, ''EUR'', ''words-3'', ttl => %L)', '00000000-0000-4000-a000-00000000000b', ttl))
FROM unnest(ARRAY['178000000 years', '-178000000 years', '2000000000 days', '0', '100 years']) AS ttl;
SELECT pg_temp.refused(format('SELECT coursebase.upsert_user(''words_cem'', ''Cem'', at => %L)', at)) FROM unnest(ARRAY['infinity', '4000-01-01 BC', '2026-01-01']) AS at;

-- A log's entry of no time; one to come counts as now.
SELECT pg_temp.refused('SELECT coursebase.log_app(''error'', ''m'', at => ''-infinity'')');
SELECT pg_temp.refused('SELECT coursebase.log_app(''error'', ''m'', at => ''infinity'')');
SELECT pg_temp.refused('SELECT coursebase.log_app(''error'', ''m'', at => NULL)');

-- The id of a refund that a reversal names; a day before the first; a schema without a name.
SELECT pg_temp.refused('SELECT coursebase.reverse_refund(''00000000-0000-4000-a000-0000000000e3'', '''', 100)');
SELECT pg_temp.refused('SELECT coursebase.reverse_store_refund(''google_play'', ''sandbox'', ''fixture receipt'', refund_ref => '''')');
SELECT pg_temp.refused('SELECT coursebase.refund_store_purchase(''google_play'', ''sandbox'', ''fixture receipt'', refund_ref => '''')');
SELECT pg_temp.refused('SELECT coursebase.set_day(''00000000-0000-4000-a000-000000000231'', -1, is_rest => true)');
SELECT pg_temp.refused('SELECT coursebase.make_api('''')');

-- No product has no trial.
SELECT coursebase.is_trial_eligible('00000000-0000-4000-a000-00000000000c', 'premium'), coursebase.is_trial_eligible('00000000-0000-4000-a000-00000000000c', NULL),
    coursebase.is_trial_eligible(NULL, 'premium');

-- An administrator reads how far somebody is, and marks nothing for others, as under the policies.
SET LOCAL ROLE regress_end_user;
SET LOCAL request.jwt.claims = '{"sub": "fixture_root"}';
SELECT completed FROM coursebase.course_progress('00000000-0000-4000-a000-0000000000d2', :ada);
SELECT pg_temp.refused(format('SELECT coursebase.%s(%L, %L)', f, '00000000-0000-4000-a000-0000000000f4', u))
FROM unnest(ARRAY['complete_lesson', 'uncomplete_lesson']) f, unnest(ARRAY['00000000-0000-4000-a000-00000000000a', gen_random_uuid()::text]) u;
SET LOCAL ROLE regress_server;
SELECT coursebase.uncomplete_lesson('00000000-0000-4000-a000-0000000000f4', :ada), coursebase.complete_lesson('00000000-0000-4000-a000-0000000000f4', :ada);
ROLLBACK;
