-- Promise: credits that the server gives, takes back or gives again by itself stand in the audit trail, each once; a
-- receipt of a pack and its refund have one event of their own.
\getenv abs_srcdir PG_ABS_SRCDIR
\set ada '\'00000000-0000-4000-8000-0000000bada1\''
\set pack '\'cash\', \'production\', \'pack-1\''
\set told 'DELETE FROM told; INSERT INTO told SELECT e.id FROM coursebase.audit_events e WHERE e.id NOT IN (SELECT id FROM seen); INSERT INTO seen SELECT id FROM told; SELECT action, split_part(object, ''/'', 1), new -> ''bank_credits'' FROM coursebase.audit_events JOIN told USING (id);'
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/helpers/roles.sql
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'audited_ada', 'Ada', 'ada@example.org');
INSERT INTO coursebase.store_products (product_id, kind, credits) VALUES ('audited.pack', 'ai_credits', 400);
UPDATE coursebase.settings SET value = 'stripe' WHERE name = 'require_signature';
CREATE TEMP TABLE seen AS SELECT id FROM coursebase.audit_events;
CREATE TEMP TABLE told (id uuid);
GRANT ALL ON seen, told TO regress_server;
SET LOCAL ROLE regress_server;
SELECT bank_credits FROM coursebase.grant_credit_pack(:ada, 'audited.pack', 400, :pack, 't', at => '2026-01-01');
:told
SELECT bank_credits FROM coursebase.grant_credit_pack(:ada, 'audited.pack', 400, :pack, 't', at => '2026-01-01');
:told
SELECT bank_credits FROM coursebase.refund_credit_pack(:pack, '2026-01-02', 100);
:told
SELECT bank_credits FROM coursebase.refund_credit_pack(:pack, '2026-01-03');
:told
SELECT bank_credits FROM coursebase.refund_credit_pack(:pack, '2026-01-03');
:told
SELECT bank_credits FROM coursebase.reverse_credit_pack_refund(:pack, '2026-01-04');
:told
SELECT bank_credits FROM coursebase.reverse_credit_pack_refund(:pack, '2026-01-04');
:told
-- Of a store.
SELECT coursebase.validate_purchase(:ada, '{"product_id": "audited.pack", "source": "app_store", "purchase_id": "pack-2", "purchase_token": "t", "transaction_date": "1767268800000"}', '2026-01-02') ->> 'status';
:told
SELECT status FROM coursebase.refund_store_purchase('app_store', 'production', 'pack-2', '2026-01-04');
:told
SELECT status FROM coursebase.reverse_store_refund('app_store', 'production', 'pack-2', '2026-01-05');
:told
-- The owner's own call does, too.
RESET ROLE;
SELECT bank_credits FROM coursebase.grant_credit_pack(:ada, 'audited.pack', 400, 'cash', 'production', 'pack-3', 't', at => '2026-01-01');
:told
-- So does that of a function which works with the owner's rights.
CREATE FUNCTION pg_temp.thank(person uuid) RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$
    SELECT bank_credits FROM coursebase.grant_credit_pack(person, 'audited.pack', 400, 'cash', 'production', 'pack-4', 't', at => '2026-01-01')
$$;
SET LOCAL ROLE regress_server;
SELECT pg_temp.thank(:ada);
:told
ROLLBACK;
