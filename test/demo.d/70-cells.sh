# Three servers and a router: people live in cells, one cell goes, home goes, and nobody loses anything.
# Needs: people.
# shellcheck disable=SC2034 # at_NAME is what `on NAME` reads
at_home='5433 demo' at_cell_1='5434 demo' at_cell_2='5435 demo' cells='home cell_1 cell_2'

# Each statement, one a line, is sent to cell 1, and then to the cell that a refusal names.
routed_by_psql()
{
	cat >"$work/routed"
	grep '^SELECT' "$work/routed" | while read -r statement; do
		routed_to 1 "$@"
		there=$(sed -n 's/^HINT:  Send the call to cell \([0-9]\)\.$/\1/p' "$work/routed.out")
		[ -z "$there" ] || routed_to "$there" "$@"
		cat "$work/routed.out"
		! grep -q '^ERROR' "$work/routed.out" || return 1
	done
}

routed_to()
{
	PGPORT=$((5433 + $1))
	shift
	{ grep -v '^SELECT' "$work/routed"; say "$statement"; } | psql_demo "$@" >"$work/routed.out" 2>&1
	sed -i 's/^psql: error: connection to server.*/ERROR:  08000: &/' "$work/routed.out"
}

# What home wrote is in the cells and in the router's directory after a moment.
replicated()
{
	tries=1200
	until [ "$(on home psql_value "SELECT bool_and(coalesce(confirmed_flush_lsn >= '$1', false)) FROM pg_replication_slots")" = t ]; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || stop 'what home wrote is not everywhere after two minutes'
		sleep 0.1
	done
}

# It is on disk, without which it is sent to nobody.
home_written()
{
	on home psql_value 'SELECT coursebase.write_position()'
}

psql_value()
{
	psql_demo -A -t -c "$1"
}

step 'Three servers, each with a whole coursebase in it. The first has a shop, and becomes home: the catalogue and the directory of people are written there.'
server_beside_make home 5433 && server_beside_start home && PGPORT=5433 createdb demo || stop 'a server did not start'
on home sql <<'SQL' >"$work/prepared"
CREATE EXTENSION coursebase;
CREATE ROLE app_visitor;
CREATE ROLE app_user;
CREATE ROLE app_server LOGIN BYPASSRLS;
SELECT coursebase.grant_roles('app_visitor', 'app_user', 'app_server');
SQL
server_beside_stop home
server_beside_make cell_1 5434 home && server_beside_make cell_2 5435 home || stop 'a server could not be copied'
for name in $cells; do
	server_beside_start "$name" || stop "$name did not start"
done
on home sql <<'SQL'
INSERT INTO coursebase.courses (title, description) VALUES ('Breathing', 'The first step'), ('Speaking', 'The second step');
INSERT INTO coursebase.course_sections (course_id, name, status) SELECT id, 'Basics', 'public' FROM coursebase.courses;
INSERT INTO coursebase.lessons (section_id, name, status) SELECT id, 'Welcome', 'public' FROM coursebase.course_sections;
SELECT coursebase.save_product(NULL, 'Calm on stage', 'Both courses', '/calm.png', 49, 'public',
    ARRAY(SELECT id FROM coursebase.courses)) \g /dev/null
SELECT coursebase.set_cell(0, 3) \g /dev/null
SELECT coursebase.publish_catalogue();
SQL
on home value bundle <<'SQL'
SELECT id FROM coursebase.products;
SQL
on home value lesson <<'SQL'
SELECT l.id FROM coursebase.lessons l ORDER BY l.id LIMIT 1;
SQL

step 'The other two join. What home has comes in one transaction, and every later change by replication.'
for name in cell_1 cell_2; do
	on $name sql <<SQL
SELECT coursebase.set_cell(${name#cell_}, 3) \\g /dev/null
SELECT * FROM coursebase.join_home('host=$place port=5433 dbname=demo') WHERE inserted > 0 AND table_name ~ '^(course|product|lesson)';
SQL
done

plproxy=${DEMO_PLPROXY-$(psql_value "SELECT count(*) FROM pg_available_extensions WHERE name = 'plproxy'")}
if [ "$plproxy" = 1 ]; then
	step 'A router in front of them: a database of PL/Proxy on another server, made of what proxy_functions() answers. It has each function under its own name, no rows but a copy of the directory, and programs take it for coursebase.'
	at_router='5432 router' unreachable=XX000 # what PL/Proxy says of a server that is away
	outside "createdb router && psql -XAtq -p 5433 -d demo -c \"SELECT ddl || ';' FROM coursebase.proxy_functions('cells') WHERE ddl IS NOT NULL\" >proxy.sql && psql -Xq -d router -f proxy.sql"
	on home sql <<'SQL'
CREATE PUBLICATION people FOR TABLE coursebase.people;
SQL
	on router sql <<SQL
CREATE SERVER cells FOREIGN DATA WRAPPER plproxy OPTIONS (modular_mapping '1', p0 'host=$place port=5433 dbname=demo user=app_server',
    p1 'host=$place port=5434 dbname=demo user=app_server', p2 'host=$place port=5435 dbname=demo user=app_server');
CREATE USER MAPPING FOR app_server SERVER cells;
GRANT USAGE ON FOREIGN SERVER cells TO app_server;
GRANT USAGE ON SCHEMA coursebase TO app_server;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA coursebase TO app_server;
GRANT SELECT ON coursebase.people TO app_server;
CREATE SUBSCRIPTION people CONNECTION 'host=$place port=5433 dbname=demo' PUBLICATION people;
SELECT l.lanname AS language, count(*) FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
WHERE p.pronamespace = 'coursebase'::regnamespace GROUP BY 1 ORDER BY 1;
SQL
else
	step 'PL/Proxy is not at hand here (Debian: postgresql-15-plproxy, of the version of the server). The router is then psql, which does what any router may: it asks cell 1, and where that refuses, sends the call to the cell that the refusal names.'
	at_router='5434 demo routed_by_psql' unreachable=08000
	say
	say '    ERROR:  KBC01 … HINT:  Send the call to cell 2.   → psql -h cell_2'
fi

step 'Five people sign up. The router sends place_person() to home, which answers a cell and an id, and upsert_user() to that cell.'
on router sql_as app_server <<'SQL'
SELECT n.name, p.cell, p.user_id FROM (VALUES ('ada', 0), ('cy', 1), ('dot', 1), ('eve', 2), ('fay', 2)) n (name, cell), LATERAL coursebase.place_person('user_3' || n.name, n.cell) p;
SQL
for name in ada cy dot eve fay; do
	on home value "$name" <<SQL
SELECT user_id FROM coursebase.people WHERE external_id = 'user_3$name';
SQL
done
replicated "$(home_written)"
on router sql_as app_server <<SQL
SELECT coursebase.upsert_user('user_3ada', 'Ada', user_id => '$ada') \\g /dev/null
SELECT coursebase.upsert_user('user_3cy', 'Cy', user_id => '$cy') \\g /dev/null
SELECT coursebase.upsert_user('user_3dot', 'Dot', user_id => '$dot') \\g /dev/null
SELECT coursebase.upsert_user('user_3eve', 'Eve', user_id => '$eve') \\g /dev/null
SELECT coursebase.upsert_user('user_3fay', 'Fay', user_id => '$fay') \\g /dev/null
SQL

step 'Ada, Cy and Eve buy the bundle. The seller calls one database; each sale is in the cell of its buyer, and nowhere else.'
on router sql_as app_server <<SQL
SELECT status, cardinality(course_ids) AS courses FROM coursebase.complete_purchase('$ada', '$bundle', 'cs_ada', 4900, 'paid');
SELECT status, cardinality(course_ids) AS courses FROM coursebase.complete_purchase('$cy', '$bundle', 'cs_cy', 4900, 'paid');
SELECT status, cardinality(course_ids) AS courses FROM coursebase.complete_purchase('$eve', '$bundle', 'cs_eve', 4900, 'paid');
SQL
sold=
for name in $cells; do
	on $name sql <<'SQL'
SELECT u.name, p.stripe_session_id FROM coursebase.purchases p JOIN coursebase.users u ON u.id = p.user_id;
SQL
	sold="$sold $(on $name psql_value 'SELECT stripe_session_id FROM coursebase.purchases')"
done
proved 'each sale is in the cell of its buyer, and nowhere else' "$sold" = ' cs_ada cs_cy cs_eve'

step 'A router that is wrong is told. Cell 1 is asked about Eve, who lives in cell 2: it does not answer as if she had bought nothing.'
refused KBC01 on cell_1 sql_as app_server <<SQL
SELECT coursebase.complete_lesson('$lesson', '$eve');
SQL

step 'Organisations live on home, and people of every cell are with them there. Cy, of cell 1, owns a gym; Eve, of cell 2, buys its program. Home has each of them as a guest. What else they have it does not know, and says where to ask.'
on home sql_as app_server <<SQL
SELECT coursebase.create_organization('Iron', 'iron', 'EUR', 'Europe/Berlin', '$cy') \\g /dev/null
SQL
on home value gym <<'SQL'
SELECT id FROM coursebase.organizations;
SQL
on home sql_as app_user user_3cy <<SQL
INSERT INTO coursebase.workouts (organization_id, name) VALUES ('$gym', 'Squat');
SELECT coursebase.create_course('$gym', 'Strong in a day', 1) \\g /dev/null
SQL
on home value strong <<'SQL'
SELECT id FROM coursebase.programs;
SQL
on home sql_as app_user user_3cy <<SQL
SELECT coursebase.set_day('$strong', 0, ARRAY(SELECT id FROM coursebase.workouts)), coursebase.set_price('$strong', 4900),
    coursebase.publish_course('$strong') \\g /dev/null
SQL
on home sql_as app_server <<SQL
SELECT b.status, coursebase.attach_payment_reference(b.transaction_id, 'stripe', 'pi_eve') FROM coursebase.begin_checkout('$eve', '$strong') b;
SELECT status FROM coursebase.apply_payment_event('$gym', 'stripe', 'pi_eve', 'completed');
SQL
on home sql_as app_user user_3eve <<SQL
SELECT coursebase.has_program_access('$strong');
SQL
refused KBC01 on home sql_as app_user user_3eve <<SQL
SELECT * FROM coursebase.my_courses();
SQL
refused KBC04 on cell_2 sql_as app_user user_3eve <<SQL
SELECT coursebase.has_program_access('$strong');
SQL
guests=$(on home psql_value 'SELECT count(*) FROM coursebase.users WHERE is_guest')
enrolled=$(on home psql_value 'SELECT count(*) FROM coursebase.course_entitlements')
proved 'people of two cells own and buy at an organisation on home' "$guests $enrolled" = '2 1'

step 'The machine of cell 2 loses its power. Eve waits. Cy learns, Dot buys, and the catalogue can be changed: the others notice nothing. Home keeps its log for the cell, and says so.'
server_beside_stop cell_2 immediate
refused $unreachable on router sql_as app_server <<SQL
SELECT coursebase.complete_lesson('$lesson', '$eve');
SQL
on router sql_as app_server <<SQL
SELECT coursebase.complete_lesson('$lesson', '$cy');
SELECT status FROM coursebase.complete_purchase('$dot', '$bundle', 'cs_dot', 4900, 'paid');
SQL
on home sql <<'SQL'
UPDATE coursebase.products SET name = 'Calmer on stage';
SELECT rule, object FROM coursebase.lint();
SQL

step 'Cell 2 comes back. What home wrote meanwhile arrives by itself, and Eve goes on.'
server_beside_start cell_2 || stop 'cell 2 did not start'
replicated "$(home_written)"
on router sql_as app_server <<SQL
SELECT coursebase.complete_lesson('$lesson', '$eve');
SQL
on cell_2 value renamed <<'SQL'
SELECT name FROM coursebase.products;
SQL
proved 'a cell that was away has what home wrote meanwhile' "$renamed" = 'Calmer on stage'

step 'Home loses its power. Nobody new can be placed, and Ada, who lives there, waits. In the cells people learn as before. A sale waits too: its payment names something in the whole world, which home alone gives away. It is refused in words, nothing of it stays, and whoever called calls again.'
server_beside_stop home immediate
refused $unreachable on router sql_as app_server <<SQL
SELECT p.cell FROM coursebase.place_person('user_3gus') p;
SQL
on router sql_as app_server <<SQL
SELECT coursebase.complete_lesson('$lesson', '$dot');
SELECT title, source FROM coursebase.my_courses('$cy') ORDER BY title;
SQL
refused KBC12 on router sql_as app_server <<SQL
SELECT status FROM coursebase.complete_purchase('$fay', '$bundle', 'cs_fay', 4900, 'paid');
SQL

step 'Home comes back, places Gus, and the cells follow it again. Fay buys by the same call; the same payment for somebody in another cell is refused. The three examine themselves: no rows, all is well.'
server_beside_start home || stop 'home did not start'
on router sql_as app_server <<SQL
SELECT p.cell FROM coursebase.place_person('user_3gus', 1) p;
SELECT status FROM coursebase.complete_purchase('$fay', '$bundle', 'cs_fay', 4900, 'paid');
SQL
refused KBC11 on router sql_as app_server <<SQL
SELECT status FROM coursebase.complete_purchase('$dot', '$bundle', 'cs_fay', 4900, 'paid');
SQL
replicated "$(home_written)"
problems=
for name in $cells; do
	on $name sql <<'SQL'
SELECT * FROM coursebase.check_integrity();
SELECT rule, object FROM coursebase.lint();
SQL
	problems="$problems$(on $name psql_value 'SELECT count(*) FROM coursebase.check_integrity()') "
	sold="$sold $(on $name psql_value 'SELECT count(*) FROM coursebase.purchases')"
done
proved 'after both crashes nothing is lost, and the checks of all three servers find nothing' "$problems$sold" = '0 0 0  cs_ada cs_cy cs_eve 1 2 2'

[ "$plproxy" != 1 ] || on router sql <<'SQL' >"$work/prepared"
ALTER SUBSCRIPTION people DISABLE;
ALTER SUBSCRIPTION people SET (slot_name = NONE);
DROP SUBSCRIPTION people;
SQL
servers_beside_stop
dropdb --if-exists router
