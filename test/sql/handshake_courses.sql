-- Promise: the handshake brings the documents of courses that are the user's, lists them with voice and source, and
-- the premium slots; a purchase, refund, setting, or premium that ends changes the answer at once.
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
\set ada '\'00000000-0000-4000-8000-000000006a01\''
\set bought '\'00000000-0000-4000-8000-000000006c01\''
\set chosen '\'00000000-0000-4000-8000-000000006c02\''
\set premium '\'00000000-0000-4000-8000-000000006c03\''
\set granted '\'00000000-0000-4000-8000-000000006c04\''
\set bare '\'00000000-0000-4000-8000-000000006c05\''
\set at '\'2026-05-10 12:00+00\''
BEGIN;
DELETE FROM coursebase.course_documents;
DELETE FROM coursebase.master_manifests;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES (:ada, 'courses_ada', 'Ada', 'ada@example.org');
INSERT INTO coursebase.courses (id, course_code, title, description, in_premium) VALUES
    (:bought, 'C61HSC', 'bought', '', false), (:chosen, 'C62HSC', 'chosen', '', true), (:premium, 'C63HSC', 'premium', '', true),
    (:granted, 'C64HSC', 'granted', '', false), (:bare, NULL, 'no code', '', true);
INSERT INTO coursebase.course_documents (course_id, data) SELECT id, to_json(title) FROM coursebase.courses WHERE course_code LIKE 'C6_HSC' OR id = :bare;
CREATE FUNCTION pg_temp.say(at timestamptz) RETURNS TABLE (part text, said text) LANGUAGE sql AS $$
    WITH h AS MATERIALIZED (SELECT coursebase.handshake('00000000-0000-4000-8000-000000006a01', '{}', at) AS answer)
    SELECT 'documents', string_agg(k, ' ') FROM h, json_object_keys(answer -> 'json_manifest') k
    UNION ALL SELECT 'courses', string_agg(format('%s:%s:%s', c ->> 'course_code', c ->> 'voice', c ->> 'source'), ' ')
        FROM h, json_array_elements(answer -> 'courses') c
    UNION ALL SELECT 'slots', answer ->> 'premium_slots' FROM h
$$;
SET LOCAL TimeZone = 'UTC';
\set say 'SELECT * FROM pg_temp.say(:at); SELECT valid_from, valid_until FROM coursebase.cached_handshake_responses WHERE user_id = :ada;'
:say

-- bought in a voice, then in the other; refunded
INSERT INTO coursebase.course_purchases (user_id, course_id, voice, source, product_id, purchase_id, purchase_token, environment, status, validated_at)
VALUES (:ada, :bought, 'male', 'app_store', 'c61hsc', 'hsc 1', 't', 'production', 'valid', :at), (:ada, :bought, 'female', 'app_store', 'c61hsc', 'hsc 2', 't', 'sandbox', 'valid', :at);
:say
UPDATE coursebase.settings SET value = 'true' WHERE name = 'accept_sandbox';
:say
UPDATE coursebase.settings SET value = NULL WHERE name = 'accept_sandbox';
UPDATE coursebase.course_purchases SET status = 'refunded', refunded_at = :at WHERE user_id = :ada;
INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (:ada, :granted);
:say

-- a slot, until premium ends, and again when it is back
SELECT status FROM coursebase.apply_subscription_event(:ada, '{"store": "app_store", "environment": "production",
    "store_event_id": "hsc-1", "event_type": "SUBSCRIBED", "subtype": "INITIAL_BUY", "event_time": "2026-05-01T12:00:00Z",
    "original_transaction_id": "hsc", "transaction_id": "hsc-a", "period_end": "2026-06-01T12:00:00Z"}', '2026-05-01 12:00+00');
SELECT count(slot_id) FROM coursebase.choose_premium_course(:ada, :chosen, 'male', :at);
SELECT count(slot_id) FROM coursebase.choose_premium_course(:ada, :bare, NULL, '2026-05-11');
:say
\set at '\'2026-06-01 12:00+00\''
:say
SELECT status FROM coursebase.apply_subscription_event(:ada, '{"store": "app_store", "environment": "production",
    "store_event_id": "hsc-2", "event_type": "DID_RENEW", "event_time": "2026-06-02T12:00:00Z",
    "original_transaction_id": "hsc", "transaction_id": "hsc-b", "period_end": "2026-07-02T12:00:00Z"}', '2026-06-02 12:00+00');
\set at '\'2026-06-02 12:00+00\''
:say

-- every course in premium
UPDATE coursebase.entitlements SET covers_every_course = true WHERE name = 'premium';
:say
UPDATE coursebase.courses SET in_premium = false WHERE id = :premium;
:say
UPDATE coursebase.entitlements SET course_slots = 2, covers_every_course = false WHERE name = 'premium';

-- the same by statements, where an index cannot be read directly
SELECT coursebase.handshake(:ada, '{}', :at) AS direct \gset
DELETE FROM coursebase.cached_handshake_responses WHERE user_id = :ada;
DROP INDEX coursebase.course_purchases_user_id_course_id_idx;
SET LOCAL coursebase.allow_drop = on;
ALTER TABLE coursebase.course_documents DROP CONSTRAINT course_documents_pkey;
SELECT coursebase.handshake(:ada, '{}', :at)::text = :'direct';

-- an administrator has every course, and the own ones are still listed
UPDATE coursebase.users SET role = 'admin' WHERE id = :ada;
SELECT part, said FROM pg_temp.say(:at) WHERE part IN ('documents', 'courses');

-- purchases of every kind are known to their owner
SELECT bank_left FROM coursebase.grant_credit_pack(:ada, 'ai_credits_50', 50, 'app_store', 'production', 'hsc pack', 't', at => :at);
SELECT string_agg(p ->> 'status', ' ') FROM json_array_elements(coursebase.handshake(:ada,
    '{"purchases": ["hsc 1", "hsc pack", "hsc", "hsc-b", "hsc 3"]}', :at) -> 'purchases') p;

-- check_sync() knows what the cached answer must be, and finds one that a change did not make miss
\set premium_ends 'json_build_object(''store'', ''app_store'', ''environment'', ''production'', ''store_event_id'', ''hsc-3'', ''event_type'', ''DID_RENEW'', ''event_time'', ''2026-07-02T12:00:00Z'', ''original_transaction_id'', ''hsc'', ''transaction_id'', ''hsc-c'', ''period_end'', now() + interval ''1 day'')'
UPDATE coursebase.users SET role = 'user' WHERE id = :ada;
SELECT status FROM coursebase.apply_subscription_event(:ada, :premium_ends, '2026-07-02 12:00+00');
SELECT part, said FROM pg_temp.say(now()) WHERE part IN ('documents', 'courses');
SELECT check_name, problem FROM coursebase.check_sync() WHERE object LIKE '%6a01';
SET LOCAL session_replication_role = replica;
UPDATE coursebase.course_purchases SET status = 'invalid' WHERE user_id = :ada AND course_id = :chosen;
SELECT check_name, problem FROM coursebase.check_sync() WHERE object LIKE '%6a01';
UPDATE coursebase.course_purchases SET status = 'valid' WHERE user_id = :ada AND course_id = :chosen;
DELETE FROM coursebase.user_course_access WHERE user_id = :ada;
SELECT check_name, problem FROM coursebase.check_sync() WHERE object LIKE '%6a01';
ROLLBACK;
