# A new team: a shop to look at, an API for a browser, an owner who is no superuser, and figures to watch.
# Needs: people.
step 'A team that begins has a database of its own, and a shop to look at before it has anything to sell. One call makes it, by the functions that a server calls.'
outside 'createdb shop'
story_database=shop
sql <<'SQL'
CREATE EXTENSION coursebase;
SELECT coursebase.grant_roles('app_visitor', 'app_user', 'app_server');
SELECT * FROM coursebase.sample_shop();
SQL
refused 55000 sql <<'SQL'
SELECT * FROM coursebase.sample_shop();
SQL

step 'What the world sees is a schema of views and functions: no table, no trigger, and none of the functions that only policies call. A gateway such as PostgREST shows this one.'
sql <<'SQL'
SELECT count(*) FILTER (WHERE ddl LIKE 'CREATE OR REPLACE VIEW %') AS views, count(*) FILTER (WHERE ddl LIKE 'CREATE FUNCTION %') AS functions
FROM coursebase.make_api('api');
SQL
sql_as app_visitor <<'SQL'
SELECT name, price_dollars FROM api.storefront_products ORDER BY price_dollars;
SQL
sql_as app_user sample_ada <<'SQL'
SELECT name FROM api.users;
SELECT title, source, until FROM api.my_courses();
SQL
value seen <<SQL
SET ROLE app_user;
SELECT set_config('request.jwt.claims', '{"sub": "sample_ada"}', false) \\g /dev/null
SELECT count(*) FROM api.users;
SQL
value everybody <<'SQL'
SELECT count(*) > 1 FROM coursebase.users;
SQL
proved 'through the API a person sees one row of users, the own one, of several' "$seen$everybody" = 1t

step 'A gateway answers with the HTTP status of the reference. What goes to it is rewritten for its role alone; a session in psql sees the SQLSTATE.'
refused KB106 sql_as app_user sample_ada <<'SQL'
SELECT api.complete_lesson(gen_random_uuid());
SQL
refused PGRST sql_as app_user sample_ada <<'SQL'
SET coursebase.http_errors = on;
SELECT api.complete_lesson(gen_random_uuid());
SQL
proved 'an unknown lesson is 404 for a gateway' "$(grep -c '\"status\":404' "$work/out")" = 1

step 'The tables are handed to an ordinary role, which then looks after them: it adds columns, indexes and settings, and changes no rule.'
sql <<'SQL'
CREATE ROLE app_studio;
GRANT CREATE ON DATABASE shop TO app_studio;
SELECT coursebase.hand_over('app_studio');
SQL
sql_as app_studio <<'SQL'
ALTER TABLE coursebase.courses ADD COLUMN teacher text;
UPDATE coursebase.courses SET teacher = 'Ida' WHERE is_free;
SELECT title, teacher FROM coursebase.courses ORDER BY title;
SQL
refused 42501 sql_as app_studio <<'SQL'
CREATE OR REPLACE FUNCTION coursebase.has_premium(user_id uuid, at timestamptz) RETURNS boolean LANGUAGE sql RETURN true;
SQL

step 'A monitoring program reads figures: what waits, since when, how large the tables are. They name no person.'
sql_as app_server <<'SQL'
SELECT name, subject, value FROM coursebase.metrics() WHERE name LIKE 'coursebase_waiting%' AND subject LIKE 'notifications%';
SELECT subject, value FROM coursebase.metrics() WHERE name = 'coursebase_handshake_cache' ORDER BY subject;
SQL

step 'The sample goes as it came.'
sql_as app_studio <<'SQL'
SELECT * FROM coursebase.remove_sample_shop();
SQL
value left <<'SQL'
SELECT (SELECT count(*) FROM coursebase.users) + (SELECT count(*) FROM coursebase.courses) + (SELECT count(*) FROM coursebase.purchases)
    + (SELECT count(*) FROM coursebase.check_integrity()) + (SELECT count(*) FROM coursebase.lint());
SQL
proved 'nothing of the sample is left, and check_integrity() and lint() find nothing' "$left" = 0
