-- Promise: whatever holds something of a person, in tables of later slices too, is in what the person is given and
-- is removed when the account is closed, or is stated here as kept. A new table or column fails this test.
-- If it fails: state each unstated column in this test (removed, replaced, derived, kept), and let delete_user() in
-- If it fails: src/account/deletion.c do what is stated. Add what is "not given" or "withheld" to export_user() in
-- If it fails: src/account/export.c, or, where it is meant, test/check --accept account_contract; see doc/contributing.md
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/worlds/everything.sql
-- Every table that leads to users by foreign keys.
CREATE TEMP VIEW personal AS
    WITH RECURSIVE personal (oid) AS (
        SELECT 'coursebase.users'::regclass::oid
        UNION
        SELECT k.conrelid FROM pg_constraint k JOIN personal p ON p.oid = k.confrelid WHERE k.contype = 'f'
    )
    SELECT p.oid, c.relname FROM personal p JOIN pg_class c ON c.oid = p.oid;
CREATE TEMP VIEW words AS
    SELECT p.relname AS relation, a.attname AS name, a.atttypid::regtype AS type
    FROM personal p JOIN pg_attribute a ON a.attrelid = p.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type t ON t.oid = a.atttypid
    WHERE t.typcategory IN ('S', 'A', 'I') OR a.atttypid IN ('json'::regtype, 'jsonb'::regtype, 'bytea'::regtype);
SELECT 'no foreign key', c.relname, a.attname, 'REFERENCES coursebase.users (id), or another name'
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'coursebase'::regnamespace AND c.relkind = 'r' AND a.atttypid = 'uuid'::regtype
    AND a.attname ~ 'user|person|actor|owner|referrer' AND c.oid NOT IN (SELECT oid FROM personal)
    -- the directory has people of every cell; its triggers and forget_person() remove the external id. Keys of the world are
    -- those of people of every cell, and who is moving has no row in users until the move has ended.
    AND c.relname NOT IN ('people', 'world_keys', 'moving_people');

-- What becomes of each column that could tell who a person was when the account is closed. Kept is what accounting
-- needs, what a store or a provider said of a sale, and what is only a word out of a list.
CREATE TEMP TABLE stated (relation text, fate text, columns text);
INSERT INTO stated VALUES
    ('users', 'removed', 'clerk_user_id name email image_url'),
    ('user_profile', 'removed', 'first_name last_name phone_number country lead_source email time_zone devices role'),
    ('user_profile', 'replaced', 'referral_code'),
    ('custom_courses', 'removed', 'title description data'),
    ('custom_courses', 'derived', 'checksum'),
    ('custom_courses', 'kept', 'course_code'),
    ('custom_course_versions', 'removed', 'base_checksum checksum'),
    ('course_workout_completions', 'removed', 'notes'),
    ('access_events', 'removed', 'subject source'),
    ('event_claims', 'kept', 'consumer'),
    ('analytics', 'removed', 'current_course voice induction background deepening'),
    ('audio_usage', 'removed', 'course_code audio_key title'),
    ('cached_handshake_responses', 'removed', 'response digest'),
    ('app_logs', 'removed', 'message origin context'),
    ('app_logs', 'kept', 'log_type'),
    ('server_logs', 'removed', 'message context'),
    ('server_logs', 'kept', 'function_name level'),
    ('audit_events', 'kept', 'action object old new'),
    ('purchases', 'kept', 'product_details stripe_session_id currency payment_intent_id charge_id invoice_id'),
    ('purchase_refunds', 'kept', 'refund_ref'),
    ('course_purchases', 'kept', 'voice source product_id purchase_id purchase_token environment status'),
    ('custom_course_purchases', 'kept', 'purchase_id purchase_token source environment status'),
    ('ai_credit_purchases', 'kept', 'product_id source environment purchase_id purchase_token status currency'),
    ('store_receipts', 'kept', 'source environment purchase_id product_id kind voice purchase_token original_transaction_id discount_order_ref status detail receipt refund_detail currency discount_refused reversals'),
    ('store_notifications', 'removed', 'body details result'),
    ('store_notifications', 'derived', 'waits_for'),
    ('store_notifications', 'kept', 'settles_review'),
    ('store_refunds', 'kept', 'source environment purchase_id refund_ref status_before detail'),
    ('store_notifications', 'kept', 'provider environment notification_id kind proof outcome detail needs'),
    ('subscriptions', 'kept', 'plan store environment product_id base_plan_id offer_id purchase_token original_transaction_id'),
    ('subscription_lines', 'kept', 'store original_transaction_id environment transaction_id product_id base_plan_id offer_id purchase_token last_event_type last_store_event_id'),
    ('subscription_events', 'kept', 'event_type store environment store_event_id original_transaction_id transaction_id product_id payload answered_status answered_anomaly linked_purchase_token'),
    ('credit_log', 'kept', 'kind idempotency_key'),
    ('payment_transactions', 'kept', 'type provider provider_reference currency payment_intent_id charge_id provider_refunds'),
    ('referral_credits', 'kept', 'source currency'),
    ('referral_spendings', 'kept', 'order_ref currency'),
    ('referral_deliveries', 'kept', 'currency'),
    ('user_discounts', 'kept', 'status order_ref quote'),
    ('discount_redemptions', 'kept', 'order_ref terms currency'),
    ('discount_codes', 'kept', 'code product_type item android_offer_id ios_offer_id product_suffix currency');
SELECT 'unstated', w.relation, w.name, w.type, 'state above what becomes of it when the account is closed' FROM words w
WHERE NOT EXISTS (SELECT FROM stated s WHERE s.relation = w.relation AND w.name = ANY (string_to_array(s.columns, ' ')));
SELECT 'stated and not there', s.relation, c, 'take it out of "stated"' FROM stated s, string_to_table(s.columns, ' ') c
WHERE NOT EXISTS (SELECT FROM words w WHERE w.relation = s.relation AND w.name = c);

-- Tables of which a person is given nothing: copies, counters, and the split of a code.
CREATE TEMP TABLE given AS
    SELECT m.key AS relation, r.value AS row
    FROM (VALUES ('a'), ('b'), ('c')) AS p (digit),
        json_each(coursebase.export_user(('00000000-0000-4000-a000-00000000000' || digit)::uuid)) AS m,
        json_array_elements(m.value) AS r;
SELECT 'not given', p.relname FROM personal p WHERE p.relname NOT IN (
    SELECT json_object_keys(coursebase.export_user('00000000-0000-4000-a000-00000000000a'))) ORDER BY 2;
SELECT 'no row in the fixtures', k, 'add one to test/fixtures' FROM json_object_keys(coursebase.export_user('00000000-0000-4000-a000-00000000000a')) k
WHERE k NOT IN (SELECT relation FROM given);
-- Columns that are not given: who else stands in a row.
SELECT 'withheld', p.relname, string_agg(a.attname, ' ' ORDER BY a.attnum)
FROM personal p JOIN pg_attribute a ON a.attrelid = p.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE p.relname IN (SELECT relation FROM given) AND NOT EXISTS (
    SELECT FROM given g, json_object_keys(g.row) k WHERE g.relation = p.relname AND k = a.attname)
GROUP BY 2 ORDER BY 2;

-- Something is planted in every column that is to be removed; everybody leaves but Cleo, the owner of what they owned.
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    ('00000000-0000-4000-a000-00000000000f', 'contract_cleo', 'Cleo', 'cleo@example.org');
UPDATE coursebase.user_profile SET first_name = 'Cleo' WHERE user_id = '00000000-0000-4000-a000-00000000000f';
INSERT INTO coursebase.memberships (organization_id, user_id, role)
SELECT id, '00000000-0000-4000-a000-00000000000f', 'owner' FROM coursebase.organizations;
SET LOCAL session_replication_role = replica;
DO $$
DECLARE
    c record;
BEGIN
    FOR c IN SELECT w.* FROM words w JOIN stated s ON s.relation = w.relation AND s.fate = 'removed'
        AND w.name = ANY (string_to_array(s.columns, ' ')) AND w.name !~ 'checksum'
    LOOP
        EXECUTE format('UPDATE coursebase.%I t SET %I = %s WHERE t::text !~ ''Cleo''', c.relation, c.name,
            CASE WHEN c.type::text LIKE 'json%' THEN $j$'{"planted": 1}'$j$ ELSE $t$'planted ' || ctid$t$ END);
    END LOOP;
END
$$;
SET LOCAL session_replication_role = origin;
CREATE FUNCTION pg_temp.planted() RETURNS TABLE (relation text, rows bigint) LANGUAGE plpgsql AS $$
BEGIN
    FOR relation IN SELECT p.relname FROM personal p ORDER BY 1 LOOP
        EXECUTE format('SELECT count(*) FROM coursebase.%I t WHERE row_to_json(t)::text LIKE ''%%planted%%''', relation) INTO rows;
        IF rows > 0 THEN RETURN NEXT; END IF;
    END LOOP;
END
$$;
SELECT 'planted', relation FROM pg_temp.planted();
SELECT u.id FROM coursebase.users u, coursebase.delete_user(u.id) WHERE u.id::text ~ '-a000-00000000000[abc]$' ORDER BY 1;
SELECT 'left', relation, rows, 'let delete_user() remove it' FROM pg_temp.planted();
SELECT referral_code LIKE 'UFIX%' AS kept FROM coursebase.user_profile WHERE user_id::text ~ '-a000-00000000000[abc]$';
SELECT * FROM coursebase.check_integrity();
ROLLBACK;
