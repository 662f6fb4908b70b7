-- A link to the form of a custom course lives 24 hours, is used once, and is renewed for what was paid.
\pset format unaligned
\pset tuples_only on
\set ON_ERROR_ROLLBACK on
SET TimeZone = 'UTC';
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email, deleted_at) VALUES
    ('00000000-0000-4000-8000-00000000b000', 'link_ada', 'Ada', 'ada@example.org', NULL),
    ('00000000-0000-4000-8000-00000000b001', 'link_bob', 'Bob', 'bob@example.org', NULL),
    ('00000000-0000-4000-8000-00000000b002', 'link_eve', 'Eve', 'eve@example.org', '2026-01-01 00:00:00+00');
\set ada '''00000000-0000-4000-8000-00000000b000'''
\set form '''{"issue":"I cannot fall asleep at night","goal":"Sleeping within twenty minutes","feel":"Calm and rested","why":"For my children","title":" Sleep again ","scripts":[{"number":1,"technique":"a"},{"number":2,"technique":"b"},{"number":3,"technique":"c"}]}'''

-- a purchase makes a placeholder with a fresh link
SELECT * FROM coursebase.create_custom_course(:ada, 'google_play', 'production', 'GPA.1', 'token', at => '2026-03-28 12:00:00+00') \gset
SELECT :'expires_at', user_id = :ada, course_code, title, data, checksum = md5(data::text), file_size_bytes,
       source, environment, purchase_id, purchase_token, is_submitted, status, link_issued_at
FROM coursebase.custom_courses c JOIN coursebase.custom_course_purchases p ON p.course_id = c.id WHERE c.id = :'custom_course_id';
SELECT id AS purchase FROM coursebase.custom_course_purchases WHERE link_token = :'link_token' \gset

-- the same receipt again: the first result, whenever it comes; another environment or store is another receipt
SELECT custom_course_id = :'custom_course_id', link_token = :'link_token', expires_at
FROM coursebase.create_custom_course(:ada, 'google_play', 'production', 'GPA.1', 'token', at => '2027-01-01 00:00:00+00');
SELECT custom_course_id <> :'custom_course_id' FROM coursebase.create_custom_course(:ada, 'google_play', 'sandbox', 'GPA.1', 'token');
SELECT count(*) FROM coursebase.custom_courses WHERE user_id = :ada;
SELECT * FROM coursebase.create_custom_course('00000000-0000-4000-8000-00000000b001', 'google_play', 'production', 'GPA.1', 'token');
\echo :SQLSTATE
SELECT * FROM coursebase.create_custom_course(:ada, 'google_play', 'production', 'GPA.1', 'token', course_code => 'X98ENB');
\echo :SQLSTATE
SELECT * FROM coursebase.create_custom_course('00000000-0000-4000-8000-00000000b002', 'google_play', 'production', 'GPA.2', 'token');
\echo :SQLSTATE
SELECT * FROM coursebase.create_custom_course('00000000-0000-4000-8000-00000000b0ff', 'google_play', 'production', 'GPA.2', 'token');
\echo :SQLSTATE
\set VERBOSITY sqlstate
SELECT * FROM coursebase.create_custom_course(:ada, 'google_play', 'production', 'GPA.2', 'token', course_code => 'C14ENB');
\set VERBOSITY default
SELECT * FROM coursebase.create_custom_course(:ada, 'google_play', 'production', 'GPA.2', 'token', at => 'infinity');
\echo :SQLSTATE
SELECT * FROM coursebase.create_custom_course(:ada, NULL, 'production', 'GPA.2', 'token');
\echo :SQLSTATE
-- what comes along from the end of a line would make one receipt two, and no id is the same for everybody
SELECT * FROM coursebase.create_custom_course(:ada, 'google_play', 'production', E'GPA.1\n', 'token');
\echo :SQLSTATE
SELECT * FROM coursebase.create_custom_course(:ada, 'google_play', 'production', '', 'token');
\echo :SQLSTATE
SELECT count(*) FROM coursebase.custom_courses WHERE user_id = :ada;

-- 24 hours, half open, also over a change of the clocks in whatever zone the session has
SELECT v.* FROM unnest(ARRAY['2026-03-28 12:00:00+00', '2026-03-29 11:59:59.999999+00', '2026-03-29 12:00:00+00', '-infinity', 'infinity']::timestamptz[]) AS at,
     coursebase.verify_gen_link(:'link_token', at) v;
SET LOCAL TimeZone = 'Europe/Berlin';
SELECT v.* FROM unnest(ARRAY['2026-03-29 11:59:59.999999+00', '2026-03-29 12:00:00+00']::timestamptz[]) AS at,
     coursebase.verify_gen_link(:'link_token', at) v;
SET LOCAL TimeZone = 'UTC';
SELECT * FROM coursebase.verify_gen_link('00000000-0000-4000-8000-00000000b0ff', '2026-03-28 12:00:00+00');
SELECT * FROM coursebase.verify_gen_link(NULL, NULL);

-- too late; checked but not used; used once; used up
SELECT coursebase.submit_custom_course(:'link_token', 'generate_audio', :form, '2026-03-29 12:00:00+00');
\echo :SQLSTATE
SELECT coursebase.submit_custom_course(:'link_token', 'generate_audio', :form, '-infinity');
\echo :SQLSTATE
SELECT json_object_keys(coursebase.submit_custom_course(:'link_token', 'generate_script', :form, '2026-03-28 13:00:00+00'));
SELECT * FROM coursebase.verify_gen_link(:'link_token', '2026-03-28 13:00:00+00');
SELECT a ->> 'custom_course_id' = :'custom_course_id', a ->> 'user_id' = :ada, a ->> 'course_code', a ->> 'step', a ->> 'title'
FROM coursebase.submit_custom_course(:'link_token', 'generate_audio', :form, '2026-03-29 11:59:59.999999+00') a;
SELECT is_submitted, title FROM coursebase.custom_course_purchases p JOIN coursebase.custom_courses c ON c.id = p.course_id WHERE p.id = :'purchase';
SELECT * FROM coursebase.verify_gen_link(:'link_token', '2026-03-28 13:00:00+00');
SELECT coursebase.submit_custom_course(:'link_token', 'generate_audio', :form, '2026-03-28 13:00:00+00');
\echo :SQLSTATE
SELECT coursebase.submit_custom_course(:'link_token', 'generate_script', :form, '2026-03-28 13:00:00+00');
\echo :SQLSTATE
SELECT coursebase.submit_custom_course('00000000-0000-4000-8000-00000000b0ff', 'generate_script', '{}', '2026-03-28 13:00:00+00');
\echo :SQLSTATE

-- a new link for what was submitted; asked twice it is one; the old one leads nowhere
SELECT link_token AS renewed, expires_at FROM coursebase.manage_regen_requests(:'purchase', '2026-04-01 00:00:00+00') \gset
SELECT :'renewed' <> :'link_token', :'expires_at';
SELECT link_token = :'renewed', expires_at FROM coursebase.manage_regen_requests(:'purchase', '2026-04-01 23:00:00+00');
SELECT * FROM coursebase.verify_gen_link(:'link_token', '2026-04-01 00:00:00+00');
SELECT * FROM coursebase.verify_gen_link(:'renewed', '2026-04-01 00:00:00+00');
-- and for one that expired unused
SELECT link_token <> :'renewed', expires_at FROM coursebase.manage_regen_requests(:'purchase', '2026-04-02 00:00:00+00');
SELECT * FROM coursebase.manage_regen_requests('00000000-0000-4000-8000-00000000b0ff', '2026-04-01 00:00:00+00');
\echo :SQLSTATE
SELECT * FROM coursebase.manage_regen_requests(:'purchase', NULL);
\echo :SQLSTATE

-- a purchase that was refunded or revoked gives neither form nor link
UPDATE coursebase.custom_course_purchases SET status = 'refunded' WHERE id = :'purchase' RETURNING link_token \gset
SELECT * FROM coursebase.verify_gen_link(:'link_token', '2026-04-02 00:00:00+00');
SELECT coursebase.submit_custom_course(:'link_token', 'generate_audio', :form, '2026-04-02 00:00:00+00');
\echo :SQLSTATE
SELECT * FROM coursebase.manage_regen_requests(:'purchase', '2026-05-01 00:00:00+00');
\echo :SQLSTATE
UPDATE coursebase.custom_course_purchases SET status = 'revoked' WHERE id = :'purchase';
SELECT reason FROM coursebase.verify_gen_link(:'link_token', '2026-04-02 00:00:00+00');
ROLLBACK;
