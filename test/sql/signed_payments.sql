-- Promise: with a provider in require_signature the server role makes no charge of it count, neither by an INSERT nor by an UPDATE of
-- the status or of the provider; what gives nothing (a charge that failed or is given back, a refund), what another provider
-- took, and what the owner writes go on.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/worlds/programs.sql
\i :abs_srcdir/fixtures/helpers/roles.sql
\i :abs_srcdir/fixtures/helpers/refused.sql
GRANT EXECUTE ON FUNCTION pg_temp.refused(text) TO PUBLIC;
SELECT transaction_id AS t FROM coursebase.begin_checkout(:max, :strong, '2026-02-01') \gset
SELECT coursebase.attach_payment_reference(:'t', 'psp', 'first');
UPDATE coursebase.settings SET value = 'psp' WHERE name = 'require_signature';
-- A charge that waits, one of another provider that counts, and one of this provider that counts.
INSERT INTO coursebase.payment_transactions (id, organization_id, user_id, plan_id, amount_in_cents, type, status, provider, provider_reference)
SELECT v.id::uuid, organization_id, user_id, plan_id, amount_in_cents, 'charge', v.status::coursebase.transaction_status, v.provider, v.reference
FROM coursebase.payment_transactions, (VALUES
    ('00000000-0000-4000-8000-000000581001', 'completed', 'other', 'another'),
    ('00000000-0000-4000-8000-000000581002', 'completed', NULL, NULL),
    ('00000000-0000-4000-8000-000000581003', 'completed', 'psp', 'owned')) AS v (id, status, provider, reference) WHERE payment_transactions.id = :'t';
CREATE TEMP TABLE base AS SELECT organization_id, user_id, plan_id, amount_in_cents FROM coursebase.payment_transactions WHERE id = :'t';
GRANT SELECT ON base TO PUBLIC;
SET ROLE regress_server;
SELECT v.type, v.status, v.provider, pg_temp.refused(format('INSERT INTO coursebase.payment_transactions (organization_id, user_id, plan_id, amount_in_cents, type, status, provider, provider_reference, refunds_transaction_id) SELECT organization_id, user_id, plan_id, amount_in_cents, %L, %L, %L, %L, %L FROM base',
    v.type, v.status, v.provider, 'new-' || v.type || v.status || v.provider, v.refunds))
FROM (VALUES ('charge', 'completed', 'psp', NULL), ('charge', 'failed', 'psp', NULL), ('charge', 'completed', 'other', NULL),
    ('refund', 'completed', 'psp', '00000000-0000-4000-8000-000000581003')) AS v (type, status, provider, refunds);
SELECT v.set, pg_temp.refused(format('UPDATE coursebase.payment_transactions SET %s WHERE id = %L', v.set, v.id))
FROM (VALUES
    ('status = ''completed''', :'t'),
    ('status = ''failed''', :'t'),
    ('provider = ''psp'', provider_reference = ''taken''', '00000000-0000-4000-8000-000000581002'),
    ('charge_id = ''ch_1''', '00000000-0000-4000-8000-000000581003'),
    ('status = ''refunded''', '00000000-0000-4000-8000-000000581003')) AS v (set, id);
RESET ROLE;
SELECT status, provider, charge_id FROM coursebase.payment_transactions WHERE id IN (:'t', '00000000-0000-4000-8000-000000581002', '00000000-0000-4000-8000-000000581003') ORDER BY id;
ROLLBACK;
