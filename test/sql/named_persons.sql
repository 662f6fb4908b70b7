-- Promise: a function that knows its person by a purchase, a payment, a link or a document takes the person too, as its last
-- argument, and does what it does only if both are of one person: for another it is as if there were no such thing.
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
\set SHOW_CONTEXT never
\i :abs_srcdir/fixtures/worlds/everything.sql
\set ada '''00000000-0000-4000-a000-00000000000a'''
\set bob '''00000000-0000-4000-a000-00000000000b'''
\set at '''2026-01-01 12:00+00'''
SELECT link_token AS link, p.id AS purchase, c.id AS document FROM coursebase.custom_course_purchases p
JOIN coursebase.custom_courses c ON c.id = p.course_id WHERE c.user_id = :ada ORDER BY p.link_issued_at DESC LIMIT 1 \gset
SELECT s.id AS sale FROM coursebase.purchases s WHERE s.payment_intent_id = 'pi_fixture' \gset

CREATE TEMP TABLE calls (call text);
INSERT INTO calls VALUES
    (format('refund_purchase(%L, 1, %L', :'sale', :at)),
    (format('refund_payment(%L, amount_in_cents => 1, refund_ref => %L, at => %L', 'pi_fixture', 're_named', :at)),
    (format('reverse_refund(%L, %L, at => %L', :'sale', 're_named', :at)),
    (format('refund_credit_pack(%L, %L, %L, %L', 'google_play', 'production', 'fixture', :at)),
    (format('reverse_credit_pack_refund(%L, %L, %L, %L', 'google_play', 'production', 'fixture', :at)),
    (format('refund_store_purchase(%L, %L, %L, %L', 'google_play', 'production', 'fixture', :at)),
    (format('reverse_store_refund(%L, %L, %L, %L', 'google_play', 'production', 'fixture again', :at)),
    (format('acknowledge_purchase(%L, %L, %L, %L', 'google_play', 'production', 'fixture', :at)),
    (format('update_json(%L, %L', :'document', '[{"url": "https://example.org/named.mp3"}]')),
    (format('calculate_checksum(%L', :'document')),
    (format('verify_gen_link(%L, %L', :'link', :at)),
    (format('submit_custom_course(%L, %L, %L, %L', :'link', 'generate_script', '{}', :at)),
    (format('manage_regen_requests(%L, %L', :'purchase', :at));
-- What a call comes to, without its effects: an answer as JSON, or the code.
CREATE FUNCTION pg_temp.outcome(call text, person uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
BEGIN
    EXECUTE format('SELECT md5(string_agg(r::text, chr(10))) FROM coursebase.%s, user_id => %L) r', call, person) INTO answer;
    RAISE EXCEPTION USING ERRCODE = '00001';
EXCEPTION
    WHEN SQLSTATE '00001' THEN RETURN answer;
    WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
-- Named, as unnamed; of another person KB106, and a link is not found.
SELECT split_part(call, '(', 1), pg_temp.outcome(call, :ada) = pg_temp.outcome(call, NULL) AS same,
    CASE WHEN pg_temp.outcome(call, NULL) ~ '^[0-9a-f]{32}$' THEN 'answered' ELSE pg_temp.outcome(call, NULL) END AS unnamed,
    CASE WHEN pg_temp.outcome(call, :bob) ~ '^[0-9a-f]{32}$' THEN 'answered' ELSE pg_temp.outcome(call, :bob) END AS another
FROM calls ORDER BY 1;
SELECT valid, reason FROM coursebase.verify_gen_link(:'link', :at, :bob);
-- Whoever was merged into the person is the person.
SELECT coursebase.upsert_user('merged', 'Merged') AS merged \gset
SELECT coursebase.merge_users(:ada, :'merged') IS NOT NULL;
SELECT split_part(call, '(', 1) FROM calls WHERE pg_temp.outcome(call, :'merged') <> pg_temp.outcome(call, NULL) ORDER BY 1;
-- A purchase whose receipt has not come is nobody's yet: nothing disagrees.
SELECT status FROM coursebase.refund_store_purchase('google_play', 'production', 'unheard of', :at, user_id => :ada);
SELECT coursebase.acknowledge_purchase('google_play', 'production', 'unheard of', :at, :ada);
ROLLBACK;
