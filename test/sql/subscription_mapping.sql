-- Promise: each provider's notices stand for these canonical events, one row each; a notice or subtype that is
-- not listed is noted, or what its type is under any subtype; numbers may come as numbers.
\pset format unaligned
\pset tuples_only on
\pset fieldsep ' | '
BEGIN;
SET LOCAL client_min_messages = warning;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    ('00000000-0000-4000-8000-000000005301', 'mapping', 'Ada', 'ada@example.org');
CREATE FUNCTION pg_temp.stored(provider text, name json, subtype text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM coursebase.apply_subscription_event('00000000-0000-4000-8000-000000005301', json_build_object(
        'store', CASE WHEN provider IN ('google_play', 'app_store', 'stripe') THEN provider ELSE 'app_store' END,
        'provider', provider, 'environment', 'production', 'event_type', name, 'subtype', nullif(subtype, ''),
        'store_event_id', concat(provider, name, subtype), 'event_time', '2026-01-01T00:00:00Z',
        'original_transaction_id', 'mapping'));
    RETURN (SELECT e.event_type FROM coursebase.subscription_events e
            WHERE e.store_event_id = concat(provider, name, subtype));
END $$;
-- Every row, through the machine.
SELECT m.provider, m.name, m.subtype, s.stored, CASE WHEN s.stored <> m.event_type THEN 'not ' || m.event_type END
FROM coursebase.subscription_event_mappings m,
    LATERAL (SELECT pg_temp.stored(m.provider, to_json(m.name), m.subtype) AS stored) s
WHERE m.provider IN ('google_play', 'app_store', 'stripe', 'revenuecat')
ORDER BY m.provider COLLATE "C", m.name COLLATE "C", m.subtype COLLATE "C";
-- A number, a subtype that nobody listed, a type that nobody listed, a provider that nobody knows.
SELECT pg_temp.stored('google_play', '4'::json, ''), pg_temp.stored('app_store', '"EXPIRED"', 'SOMETHING'),
    pg_temp.stored('app_store', '"SOMETHING"', ''), pg_temp.stored('google_play', '21', ''),
    pg_temp.stored('paddle', '"renewal"', ''), pg_temp.stored('stripe', '"renewed"', '');
-- What the installation says of a notice stands when it is installed again.
UPDATE coursebase.subscription_event_mappings SET event_type = 'product_changed'
WHERE (provider, name) = ('app_store', 'REFUND_DECLINED');
SELECT count(*) FROM coursebase.install();
SELECT event_type FROM coursebase.subscription_event_mappings
WHERE (provider, name) = ('app_store', 'REFUND_DECLINED');
ROLLBACK;
