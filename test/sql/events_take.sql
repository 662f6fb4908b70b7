-- Promise: each consumer is given every event once until it acknowledges or its claim lapses, of one person in order and
-- of nobody who is in another's hands; what it acknowledged is not given again; old events go by purge_logs().
\getenv abs_srcdir PG_ABS_SRCDIR
\set ada '\'00000000-0000-4000-8000-00000000e4a1\''
\set bob '\'00000000-0000-4000-8000-00000000e4b1\''
\set take 'SELECT kind, right(user_id::text, 2), subject, attempt FROM coursebase.take_events'
\set claims 'SELECT consumer, claimed_until IS NULL AS done, count(*) FROM coursebase.event_claims GROUP BY 1, 2 ORDER BY 1, 2;'
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
-- Events are given once their transaction is over, so that each statement is one here. All ends in a clean database.
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    (:ada, 'events_ada', 'Ada', 'ada@example.org'), (:bob, 'events_bob', 'Bob', 'bob@example.org');
CREATE FUNCTION public.tell(of_user uuid, said text) RETURNS void LANGUAGE sql
    AS $$ INSERT INTO coursebase.access_events (kind, user_id, subject, at) VALUES ('purchased', of_user, said, '2026-03-01 12:00+00') $$;
CREATE FUNCTION public.done(who text, VARIADIC said text[]) RETURNS bigint LANGUAGE sql AS $$
    SELECT coursebase.acknowledge_events(who, ARRAY(SELECT id FROM coursebase.access_events WHERE subject = ANY (said))) $$;
SELECT tell(:ada, 'a1') \g /dev/null
SELECT tell(:bob, 'b1') \g /dev/null
SELECT tell(:ada, 'a2'), tell(:ada, 'a3') \g /dev/null
SELECT tell(:bob, 'b2') \g /dev/null

-- Two consumers have each everything.
:take ('crm', 2, taken_at => '2026-03-01 12:00+00');
:take ('mail', 10, '1 hour', '2026-03-01 12:00+00');
-- Ada and Bob are in hand; nobody else is there.
:take ('crm', 10, taken_at => '2026-03-01 12:01+00');
:claims
-- What is acknowledged frees its person; twice is once; of another consumer, or of nothing, is none.
SELECT done('crm', 'a1'), done('crm', 'a1'), done('crm', 'b2'), done('nobody', 'a1'), coursebase.acknowledge_events('crm', '{}');
:take ('crm', 1, taken_at => '2026-03-01 12:01+00');
:take ('crm', 1, taken_at => '2026-03-01 12:01+00');
-- Bob's claim lapses before Ada's: his events come again from the first on, hers do not.
:take ('crm', 10, taken_at => '2026-03-01 12:05+00');
:take ('crm', 10, taken_at => '2026-03-01 12:05:59.999999+00');
:take ('crm', 10, taken_at => '2026-03-01 12:06+00');
-- A late word counts, and the rest of what lapsed comes again.
SELECT done('crm', 'b1', 'a2');
:claims
:take ('crm', 10, taken_at => '2026-03-02 12:00+00');
-- Acknowledged beside the order; the place moves up to what is open, and past it once that is done.
SELECT done('mail', 'a3', 'b2');
:claims
SELECT done('mail', 'a1', 'b1', 'a2');
SELECT done('crm', 'b2', 'a3');
:claims
SELECT n.name, e.subject FROM coursebase.event_consumers n JOIN coursebase.access_events e ON (e.xid, e.id) = (n.done_xid, n.done_id) ORDER BY 1;
:take ('crm');
SELECT tell(:bob, 'b3') \g /dev/null
:take ('crm', claim => '0');
:take ('crm');

-- An event that is never acknowledged holds back its person alone: the place passes it, and what follows of that person waits.
SELECT done('crm', 'b3'), done('mail', 'b3'), count(*) FROM coursebase.take_events('mail') \g /dev/null
SELECT tell(:ada, 'a4') \g /dev/null
SELECT tell(:ada, 'a5'), tell(:bob, 'b4') \g /dev/null
:take ('crm', 1, '1 year');
:take ('crm');
SELECT tell(:ada, 'a6') \g /dev/null
SELECT done('crm', 'b4');
SELECT e.subject FROM coursebase.event_consumers n JOIN coursebase.access_events e ON (e.xid, e.id) = (n.done_xid, n.done_id) WHERE n.name = 'crm';
SELECT e.subject, c.claimed_until = '-infinity' AS waits, c.attempts FROM coursebase.event_claims c JOIN coursebase.access_events e ON e.id = c.event_id WHERE c.consumer = 'crm' ORDER BY 1;
:take ('crm');
SELECT done('crm', 'a4');
:take ('crm');
SELECT done('crm', 'a5', 'a6'), done('mail', 'b3');
:claims

-- Events of one's own transaction are not over.
BEGIN;
SELECT tell(:ada, 'a7');
:take ('mail');
ROLLBACK;

-- Refusals.
\set VERBOSITY default
SELECT coursebase.take_events(NULL);
SELECT coursebase.take_events('');
SELECT coursebase.take_events('crm', 0);
SELECT coursebase.take_events('crm', 1001);
SELECT coursebase.take_events('crm', taken_at => 'infinity');
SELECT coursebase.take_events('crm', claim => NULL);
SELECT coursebase.acknowledge_events('crm', NULL);
SELECT coursebase.acknowledge_events('crm', ARRAY[1, NULL]);
SELECT coursebase.acknowledge_events(repeat('c', 101), ARRAY[1]);
UPDATE coursebase.access_events SET kind = 'refunded';

-- Old events go, acknowledged or not; a consumer goes with its claims.
SELECT tell(:ada, 'a8') \g /dev/null
SELECT coursebase.purge_logs('2026-03-01 12:00+00'), coursebase.purge_logs('2026-03-01 12:00:01+00', 5), coursebase.purge_logs('2026-03-02'), coursebase.purge_logs('2026-03-02');
:take ('mail');
DELETE FROM coursebase.event_consumers;
SELECT count(*) FROM coursebase.event_claims;
SELECT * FROM coursebase.check_integrity();
DELETE FROM coursebase.users WHERE id IN (:ada, :bob);
DROP FUNCTION public.tell(uuid, text), public.done(text, text[]);
