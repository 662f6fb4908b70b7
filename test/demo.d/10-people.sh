# People, and who may do what.
step 'One command installs everything. Three roles of this server get the parts that the app plays: a visitor, a signed-in user, and the edge functions.'
sql <<'SQL'
CREATE EXTENSION coursebase;
CREATE ROLE app_visitor;
CREATE ROLE app_user;
CREATE ROLE app_server BYPASSRLS;
SELECT coursebase.grant_roles('app_visitor', 'app_user', 'app_server');
SELECT count(*) AS tables FROM pg_tables WHERE schemaname = 'coursebase';
SQL

step 'PostgREST, the gateway of the app, is shown a schema made for it: a view of each table that some part reads, a function for each that people call, and none of those that only policies call.'
sql <<'SQL'
SELECT count(*) FILTER (WHERE object LIKE 'view %') AS views, count(*) FILTER (WHERE object ~ '^function \w+$') AS functions
FROM coursebase.make_api('api');
SQL
value shown <<'SQL'
SELECT concat_ws(' ', to_regprocedure('api.whoami()') IS NOT NULL, to_regprocedure('api.own_from()') IS NOT NULL);
SQL
proved 'a gateway shows what people call, and no helper of a policy' "$shown" = 't f'

step 'Ben and Cleo sign up. The sign-in service tells an edge function, which stores each with a profile and a referral code. The notice comes twice for Ben, as notices do.'
sql_as app_server <<'SQL'
SELECT coursebase.upsert_user('user_2ben', 'Ben Okafor', 'Ben@Example.org', country => 'NG');
SELECT coursebase.upsert_user('user_2cleo', 'Cleo Lind', 'cleo@example.org', country => 'SE');
SELECT coursebase.upsert_user('user_2ben', 'Ben Okafor', 'Ben@Example.org', country => 'NG');
SELECT u.name, u.clerk_user_id, p.email, p.referral_code
FROM coursebase.users u JOIN coursebase.user_profile p ON p.user_id = u.id ORDER BY u.name;
SQL
value ben <<'SQL'
SELECT id FROM coursebase.users WHERE clerk_user_id = 'user_2ben';
SQL
value cleo <<'SQL'
SELECT id FROM coursebase.users WHERE clerk_user_id = 'user_2cleo';
SQL
value people <<'SQL'
SELECT count(*) FROM coursebase.users;
SQL
proved 'a notice that comes twice makes one account' "$people" = 2

step 'What every phone gets: the shop, and a free course with its document.'
sql_as app_server <<'SQL'
INSERT INTO coursebase.master_manifests (name, content, is_default)
VALUES ('shop.json', '{"courses": ["C14ENB"],  "currency": "EUR"}', true);
INSERT INTO coursebase.courses (course_code, title, description, is_free)
VALUES ('C14ENB', 'Calm in fourteen days', 'An introduction', true);
INSERT INTO coursebase.course_documents (course_id, data)
SELECT id, '{"course_code": "C14ENB", "lessons": 14}' FROM coursebase.courses WHERE course_code = 'C14ENB';
SELECT name, checksum, file_size_bytes FROM coursebase.master_manifests;
SQL
