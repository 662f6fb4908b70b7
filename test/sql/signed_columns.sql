-- Promise: with every provider in require_signature the server role changes no column of a purchase, a receipt, a course or a payment
-- of it that makes it give something, or something else. Each column is written with two values: KB822 is the answer of
-- require_signature, KB401 that the column stays for everybody; what only takes away, or says more, is changed.
-- If it fails: a column that has left KB822 may be written with a stolen server key. When it is as meant, test/check --accept
-- signed_columns; see doc/contributing.md
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/worlds/everything.sql
\i :abs_srcdir/fixtures/helpers/columns.sql
\i :abs_srcdir/fixtures/helpers/roles.sql
SET CONSTRAINTS ALL IMMEDIATE;
UPDATE coursebase.settings SET value = 'stripe, app_store, google_play, psp' WHERE name = 'require_signature';
-- One row of each, of what a store sold and what counts.
SET LOCAL session_replication_role = replica;
DELETE FROM coursebase.course_purchases WHERE ctid <> (SELECT min(ctid) FROM coursebase.course_purchases);
DELETE FROM coursebase.store_receipts WHERE ctid <> (SELECT min(ctid) FROM coursebase.store_receipts);
DELETE FROM coursebase.payment_transactions WHERE ctid <> (SELECT min(ctid) FROM coursebase.payment_transactions);
UPDATE coursebase.course_purchases SET source = 'app_store', purchase_id = id, purchase_token = 't', product_id = 'p', status = 'valid', validated_at = coalesce(validated_at, created_at), refunded_at = NULL;
UPDATE coursebase.custom_course_purchases SET source = 'app_store', status = 'active';
UPDATE coursebase.store_receipts SET source = 'app_store', status = 'valid', refunded_at = NULL;
UPDATE coursebase.payment_transactions SET provider = 'psp', provider_reference = id, type = 'charge', refunds_transaction_id = NULL, status = 'completed';
SET LOCAL session_replication_role = origin;
CREATE FUNCTION pg_temp.outcome(relation regclass, col name, value text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('UPDATE %s SET %I = %s', relation, col, value);
    RAISE EXCEPTION USING ERRCODE = 'ZZ001';
EXCEPTION
    WHEN SQLSTATE 'ZZ001' THEN RETURN 'changed';
    WHEN OTHERS THEN RETURN sqlstate;
END $$;
CREATE TEMP TABLE tried (relation text, col name, one text, outcome text);
INSERT INTO tried
SELECT c.relname, a.attname, CASE WHEN v.n = 1 THEN pg_temp.some(a) ELSE pg_temp.other(a) END, NULL
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '', generate_series(1, 2) v (n)
WHERE c.relnamespace = 'coursebase'::regnamespace AND EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = c.oid AND g.tgfoid = 'coursebase.tg_any__signed_only()'::regprocedure);
GRANT ALL ON tried TO PUBLIC;
SET ROLE regress_server;
UPDATE tried SET outcome = pg_temp.outcome(('coursebase.' || relation)::regclass, col, one);
RESET ROLE;
SELECT relation, outcome, string_agg(DISTINCT col, ', ' ORDER BY col) FROM tried GROUP BY relation, outcome ORDER BY relation COLLATE "C", outcome COLLATE "C";
ROLLBACK;
