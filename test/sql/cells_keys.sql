-- Promise: on home each row with a key of the whole world claims it in the same transaction, a key of another cell is refused
-- (KBC11) and leaves nothing, a cell that does not reach home sells nothing (KBC12), and one server keeps no keys.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
\set SHOW_CONTEXT never
\i :abs_srcdir/fixtures/worlds/everything.sql
\i :abs_srcdir/fixtures/helpers/roles.sql
\set bob '''00000000-0000-4000-a000-00000000000b'''
\set ada '''00000000-0000-4000-a000-00000000000a'''
\set product '''00000000-0000-4000-a000-0000000000e1'''
CREATE FUNCTION pg_temp.keys() RETURNS TABLE (kind text, key text, of text, cell integer) LANGUAGE sql AS $$
    SELECT k.kind, k.key, u.name, k.cell FROM coursebase.world_keys k LEFT JOIN coursebase.users u ON u.id = k.user_id ORDER BY 1, 2 $$;
CREATE FUNCTION pg_temp.receipt(kind coursebase.store_products.kind%TYPE, purchase text) RETURNS text LANGUAGE sql AS $$
    SELECT coursebase.validate_purchase('00000000-0000-4000-a000-00000000000b', json_build_object('product_id', p.product_id, 'source', 'app_store',
        'purchase_id', purchase, 'purchase_token', 't', 'original_transaction_id', purchase || '-line',
        'transaction_date', '2026-01-02T10:00:00Z', 'period_end', '2026-02-02T10:00:00Z'), '2026-01-03') ->> 'status'
    FROM coursebase.store_products p WHERE p.kind = $1 ORDER BY p.product_id LIMIT 1 $$;
DELETE FROM coursebase.world_keys;
INSERT INTO coursebase.store_products (product_id, kind, price_in_cents, currency, course_code)
VALUES ('keys_premium', 'subscription', 999, 'EUR', NULL), ('keys_custom', 'custom_course', 999, 'EUR', 'X01KEY');

-- One server, and one cell alone: no keys.
SELECT coursebase.set_cell(NULL);
SELECT status FROM coursebase.complete_purchase(:bob, :product, 'cs_alone', 100, 'paid');
SELECT count(*) FROM coursebase.claim_stored_keys();
SELECT coursebase.set_cell(0, 1);
SELECT status FROM coursebase.complete_purchase(:bob, :product, 'cs_one', 100, 'paid');
SELECT * FROM pg_temp.keys();

-- Home of three: what a function writes, and what plain SQL does; a gift has no key of the world.
SELECT coursebase.set_cell(0, 3);
SELECT status FROM coursebase.complete_purchase(:bob, :product, 'cs_home', 100, 'paid', payment_intent_id => 'pi_home', charge_id => 'ch_home');
SELECT kind, pg_temp.receipt(kind, 'r-' || kind) FROM unnest('{course,ai_credits,subscription,custom_course}'::text[]) kind;
SELECT count(*) FROM coursebase.grant_course_purchase(:bob, '00000000-0000-4000-a000-0000000000d2');
SELECT * FROM pg_temp.keys();
-- Told again it claims nothing, and whoever gets it has the key from then on.
SELECT array_agg(ctid ORDER BY ctid) AS rows FROM coursebase.world_keys \gset
SELECT status FROM coursebase.complete_purchase(:bob, :product, 'cs_home', 100, 'paid', payment_intent_id => 'pi_home', charge_id => 'ch_home');
SELECT pg_temp.receipt('ai_credits', 'r-ai_credits');
SELECT array_agg(ctid ORDER BY ctid) = :'rows'::tid[] FROM coursebase.world_keys;
SELECT coursebase.transfer_receipt('app_store', 'production', 'r-course', :ada) IS NOT NULL;
SELECT kind, of FROM pg_temp.keys() WHERE key LIKE '%r-course';
-- A payment and a charge that are told later are claimed then, each by itself, and so is each later event of a line, and
-- a pack of credits that comes without a receipt.
SELECT status FROM coursebase.complete_purchase(:bob, :product, 'cs_later', 100, 'paid');
UPDATE coursebase.purchases SET payment_intent_id = 'pi_later' WHERE stripe_session_id = 'cs_later';
UPDATE coursebase.purchases SET charge_id = 'ch_later' WHERE stripe_session_id = 'cs_later';
SELECT status FROM coursebase.apply_subscription_event(:bob, '{"store": "app_store", "environment": "production", "store_event_id": "later", "event_type": "renewed", "original_transaction_id": "r-subscription-line", "event_time": "2026-02-02T10:00:00Z", "period_end": "2026-03-02T10:00:00Z"}', '2026-02-02');
SELECT bank_credits FROM coursebase.grant_credit_pack(:bob, (SELECT min(product_id) FROM coursebase.store_products WHERE kind = 'ai_credits'), 10, 'google_play', 'production', 'pack-later', 't');
SELECT kind, key, of FROM pg_temp.keys() WHERE key ~ 'later';

-- Another cell has the key: the person's cell counts, then the one that claimed it.
SELECT coursebase.place_person('far', 2, '00000000-0000-4000-a000-0000000000fa');
SELECT * FROM coursebase.claim_world_keys(1, '{stripe_session,stripe_session}', '{cs_far,cs_nobody}', '{00000000-0000-4000-a000-0000000000fa,NULL}', true);
SELECT * FROM coursebase.claim_world_keys(2, '{stripe_session}', '{cs_far}', '{00000000-0000-4000-a000-0000000000fa}');
SAVEPOINT tried;
SELECT count(*) AS purchases FROM coursebase.purchases \gset
SELECT status FROM coursebase.complete_purchase(:bob, :product, 'cs_far', 100, 'paid');
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
SELECT status FROM coursebase.complete_purchase(:bob, :product, 'cs_nobody', 100, 'paid');
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
SELECT count(*) = :purchases FROM coursebase.purchases;
-- All of a call or none; partly is for those who look at what is there.
SELECT * FROM coursebase.claim_world_keys(2, '{a,stripe_session}', '{new,cs_home}', '{NULL,NULL}');
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
SELECT * FROM coursebase.claim_world_keys(2, '{a,stripe_session,stripe_session}', '{new,cs_home,cs_far}', '{NULL,NULL,NULL}', partly => true);
SELECT key, cell FROM pg_temp.keys() WHERE key IN ('new', 'cs_home', 'cs_far');
-- What was there before there were cells, or came past the triggers.
SELECT * FROM coursebase.claim_stored_keys(:ada);
SELECT * FROM coursebase.claim_stored_keys();
SELECT key, of FROM pg_temp.keys() WHERE key IN ('cs_alone', 'cs_one', 'app_store/production/r-course');
SELECT coursebase.release_world_key('stripe_session', 'cs_nobody'), coursebase.release_world_key('stripe_session', 'cs_nobody');
SELECT status FROM coursebase.complete_purchase(:bob, :product, 'cs_nobody', 100, 'paid');

-- Refused: who may not, and what is no claim.
SAVEPOINT tried;
SELECT * FROM coursebase.claim_world_keys(3, '{a}', '{b}', '{NULL}');
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
SELECT * FROM coursebase.claim_world_keys(1, '{a}', '{b,c}', '{NULL}');
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
SELECT * FROM coursebase.claim_world_keys(1, '{a}', '{b}', '{NULL,NULL}');
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
SELECT * FROM coursebase.claim_world_keys(1, '{NULL}', '{b}', '{NULL}');
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
SET LOCAL ROLE regress_end_user;
SELECT * FROM coursebase.claim_world_keys(1, '{a}', '{b}', '{NULL}');
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
SET LOCAL ROLE regress_end_user;
SELECT * FROM coursebase.world_keys;
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
SET LOCAL ROLE regress_server;
SELECT coursebase.release_world_key('a', 'b');
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
SET LOCAL ROLE regress_server;
SELECT * FROM coursebase.claim_stored_keys();
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
SET LOCAL ROLE regress_server;
UPDATE coursebase.world_keys SET cell = 1;
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
SET LOCAL ROLE regress_server;
SELECT count(*) FROM coursebase.claim_world_keys(1, '{a}', '{b}', '{NULL}');
ROLLBACK TO tried;

-- A cell that has not joined does not know whom to ask; what it has, it answers.
UPDATE coursebase.people SET cell = 1 WHERE cell = 0;
SELECT coursebase.set_cell(1, 3);
SAVEPOINT tried;
SELECT status FROM coursebase.complete_purchase(:bob, :product, 'cs_home', 100, 'paid');
SELECT status FROM coursebase.complete_purchase(:bob, :product, 'cs_new', 100, 'paid');
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
SELECT * FROM coursebase.claim_stored_keys();
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
SELECT coursebase.release_world_key('a', 'b');
ROLLBACK TO tried; \echo :LAST_ERROR_SQLSTATE
ROLLBACK;
