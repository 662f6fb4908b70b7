-- Promise: check_integrity() finds a claim that is not of its event's person or place; claims of purged events, and of a
-- consumer that stays away, are no damage. Damage is done by somebody who switched triggers off.
\getenv abs_srcdir PG_ABS_SRCDIR
\set check 'SELECT check_name, regexp_replace(object, ''[0-9]+$'', ''n''), problem FROM coursebase.check_integrity();'
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/worlds/everything.sql
:check
SET LOCAL session_replication_role = replica;
SAVEPOINT sound;
UPDATE coursebase.event_claims SET user_id = '00000000-0000-4000-a000-00000000000b';
:check
ROLLBACK TO sound;
UPDATE coursebase.event_claims SET xid = '1';
:check
ROLLBACK TO sound;
DELETE FROM coursebase.access_events;
:check
ROLLBACK;
