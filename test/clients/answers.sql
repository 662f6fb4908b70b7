-- answers.sql: writes answers.ts, real answers of the functions that answer JSON, each with the type that coursebase.ts has
-- for it: the compiler refuses a member that the type lacks, one that the answer lacks, and a word that is none of a union.
\set ON_ERROR_STOP on
\o /dev/null
SET client_min_messages = warning;
\ir ../fixtures/all.sql
INSERT INTO coursebase.store_products (product_id, kind, course_code) VALUES ('x99enb', 'custom_course', 'X99ENB');
INSERT INTO coursebase.store_products (product_id, kind) VALUES ('monthly', 'subscription') ON CONFLICT DO NOTHING;
CREATE FUNCTION pg_temp.receipt(product text, n integer, more jsonb DEFAULT '{}') RETURNS json LANGUAGE sql AS $$
    SELECT coursebase.validate_purchase((SELECT id FROM coursebase.users WHERE clerk_user_id = 'fixture_bob'),
        (jsonb_build_object('product_id', product, 'source', 'google_play', 'environment', 'production',
            'purchase_id', 'answers-' || n, 'purchase_token', 'token-' || n, 'transaction_date', '2026-01-10T12:00:00Z') || more)::json,
        '2026-01-10T12:00:00Z') $$;
CREATE FUNCTION pg_temp.shaken(request json) RETURNS json LANGUAGE sql AS $$
    SELECT coursebase.handshake(id, request, '2026-01-10T12:00:00Z') FROM coursebase.users WHERE clerk_user_id = 'fixture_ada' $$;
\o
\qecho import { Answers } from "./coursebase"
\set QUIET on
CREATE TEMP TABLE answers (n serial, function text, answer text);
INSERT INTO answers (function, answer) SELECT 'admin_dashboard', coursebase.admin_dashboard()::text;
INSERT INTO answers (function, answer)
SELECT 'storefront_course', coursebase.storefront_course(program_id)::text FROM coursebase.storefront_courses;
INSERT INTO answers (function, answer)
SELECT 'export_user', coursebase.export_user(id)::text FROM coursebase.users WHERE clerk_user_id = 'fixture_ada';
INSERT INTO answers (function, answer) SELECT 'handshake', pg_temp.shaken('{"purchases": ["fixture", "unknown"]}')::text;
-- One file that the phone has as it is, one that grew, one that changed, and one that is not the person's.
INSERT INTO answers (function, answer)
SELECT 'handshake', pg_temp.shaken(json_build_object('deltas', true, 'checksums',
    (SELECT json_object_agg(name, CASE WHEN name LIKE 'X%' THEN v.base_checksum WHEN name LIKE 'C01%' THEN repeat('0', 32)
        ELSE f.value ->> 'checksum' END)
     FROM json_each(a.answer::json -> 'json_manifest') AS f (name, value),
         (SELECT base_checksum FROM coursebase.custom_course_versions LIMIT 1) v)::jsonb || '{"C77ENB.json": "0"}'))::text
FROM answers a WHERE a.function = 'handshake';
INSERT INTO answers (function, answer) SELECT 'validate_purchase', pg_temp.receipt('c02fix', 1, '{"voice": "male"}')::text;
INSERT INTO answers (function, answer) SELECT 'validate_purchase', pg_temp.receipt('c02fix', 2, '{"voice": "male"}')::text;
INSERT INTO answers (function, answer) SELECT 'validate_purchase', pg_temp.receipt('ai_credits_4000', 3)::text;
INSERT INTO answers (function, answer) SELECT 'validate_purchase', pg_temp.receipt('x99enb', 4)::text;
INSERT INTO answers (function, answer)
SELECT 'validate_purchase', pg_temp.receipt('monthly', 5, '{"period_end": "2026-02-10T12:00:00Z", "auto_renew": true}')::text;
INSERT INTO answers (function, answer) SELECT 'validate_purchase', pg_temp.receipt('c02fix', 6, '{"environment": "sandbox"}')::text;
INSERT INTO answers (function, answer)
SELECT 'submit_custom_course', coursebase.submit_custom_course(p.link_token, 'generate_script', json_build_object(
    'issue', repeat('i', 20), 'goal', repeat('g', 20), 'feel', repeat('f', 10), 'why', repeat('w', 10), 'title', 'Title',
    'scripts', json_build_array(json_build_object('number', 1, 'technique', 'a'), json_build_object('number', 2, 'technique', 'b'),
        json_build_object('number', 3, 'technique', 'c'))), '2026-01-10T12:00:00Z')::text
FROM coursebase.custom_course_purchases p WHERE p.purchase_id = 'answers-4';
SELECT format('export const %1$s_%2$s: Answers["%1$s"] = %3$s', function, n, answer) FROM answers ORDER BY n;
SELECT format('export const actions = %s', json_agg(DISTINCT f.value ->> 'action'))
FROM answers a, json_each(a.answer::json -> 'json_manifest') AS f WHERE a.function = 'handshake';
