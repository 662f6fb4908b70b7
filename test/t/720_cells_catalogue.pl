# Two cells. What is written into the catalogue on home is the same in the other cell: after each change every answer to
# each person there is what a fresh computation gives, also in a session that asked before. The cell refuses writes of its
# own, home refuses to delete what the cell may have sold, and neither the other's crash nor a second joining loses anything.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use Test::More;

my ($home, $cell) = (node('home'), node('cell'));
$home->append_conf('postgresql.conf', 'max_wal_senders = 10');
$home->restart;
$cell->append_conf('postgresql.conf', 'wal_retrieve_retry_interval = 200ms');
$cell->reload;
create_extension($home, 'app');
create_extension($cell, 'app');
fixture($home, 'app');
query($home, 'app', <<~'SQL');
	CREATE ROLE cells LOGIN REPLICATION BYPASSRLS;
	GRANT USAGE ON SCHEMA coursebase TO cells;
	SELECT format('GRANT SELECT ON coursebase.%I TO cells', table_name) FROM coursebase.cell_tables()
	WHERE kind IN ('catalogue', 'directory') \gexec
	GRANT EXECUTE ON FUNCTION coursebase.claim_world_keys TO cells;
	SQL
my $conninfo = sprintf "host=%s port=%d dbname=app user=cells", $home->host, $home->port;
my %id = map { $_ => "00000000-0000-4000-a000-0000000000$_" } qw(c1 d1 d2 d3 e1 e2 f1 f2 f3 f4 f5);
my %person = map { $_ => "00000000-0000-4000-a000-00000000001$_" } 1 .. 3;

sub refused
{
	my ($node, $statement, $state, $name) = @_;
	is(sqlstate($node, 'app', $statement), $state, $name // "$statement: $state");
}

# Before there are cells nothing is refused, and nothing can be joined.
refused($home, 'SELECT coursebase.publish_catalogue()', '00000', 'one cell may publish');
query($home, 'app', 'SELECT coursebase.set_cell(NULL)');
refused($home, 'SELECT coursebase.publish_catalogue()', 'KBC04', 'one server has nobody to publish for');
refused($home, qq{DELETE FROM coursebase.lessons WHERE id = '$id{f5}'}, '00000', 'one server deletes what nobody bought');
refused($cell, "SELECT coursebase.join_home('$conninfo')", '55000', 'one server joins nobody');

query($home, 'app', 'SELECT coursebase.set_cell(0, 2)');
query($home, 'app', "SELECT coursebase.place_person('far $_', 1, '$person{$_}')") for sort keys %person;
query($cell, 'app', 'SELECT coursebase.set_cell(1, 2)');
refused($cell, 'SELECT coursebase.publish_catalogue()', 'KBC04', 'only home publishes');
refused($cell, 'SELECT coursebase.join_home(NULL)', '22004', 'a cell must say where home is');
refused($cell, "SELECT coursebase.join_home('host=/nowhere port=1 dbname=app')", '08001', 'and be able to reach it');
refused($cell, "SELECT coursebase.join_home('$conninfo')", '55000', 'home must publish first');
is(query($home, 'app', 'SELECT coursebase.publish_catalogue()'), 19, 'home publishes the catalogue and the directory');
is(query($home, 'app', 'SELECT coursebase.publish_catalogue()'), 19, 'and again');

# What the cell sold and home does not have is no reason to lose it.
query($cell, 'app', <<~SQL);
	INSERT INTO coursebase.courses (id, title, description) VALUES ('$id{d1}', 'Here', ''), ('00000000-0000-4000-a000-0000000000d9', 'Only here', '');
	SELECT coursebase.upsert_user('far 1', 'One', user_id => '$person{1}');
	INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES ('$person{1}', '00000000-0000-4000-a000-0000000000d9');
	SQL
my (undef, undef, $error) = client($cell, [ 'psql', '-XAtq', '-d', 'app', '-c', "SELECT coursebase.join_home('$conninfo')" ]);
like($error, qr/point to what home does not have.*course_grants_course_id_fkey/s, 'the cell does not join');
is(query($home, 'app', 'SELECT count(*) FROM pg_replication_slots'), 0, 'and leaves no slot on home');
is(query($cell, 'app', 'SELECT count(*) FROM coursebase.courses'), 2, 'and its catalogue is as it was');
query($cell, 'app', "DELETE FROM coursebase.user_course_access WHERE user_id = '$person{1}'");

# Tables of an ordinary role: what it hangs on them runs with its rights when a superuser joins, and when home writes. Where
# the server cannot keep to that, the two do not go together.
query($cell, 'app', <<~'SQL');
	CREATE ROLE studio;
	SELECT coursebase.hand_over('studio');
	CREATE SCHEMA lair AUTHORIZATION studio;
	SET ROLE studio;
	CREATE TABLE lair.strong (what text);
	CREATE FUNCTION lair.spring() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
	    IF (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN
	        INSERT INTO lair.strong VALUES (TG_TABLE_NAME);
	    END IF;
	    RETURN NULL;
	END $$;
	CREATE TRIGGER spring AFTER INSERT OR UPDATE OR DELETE ON coursebase.courses FOR EACH ROW EXECUTE FUNCTION lair.spring();
	ALTER TABLE coursebase.courses ENABLE ALWAYS TRIGGER spring;
	SQL
my $confined = query($cell, 'app', 'SHOW server_version_num') >= 160000;
if ($confined)
{
	query($cell, 'app', "SELECT * FROM coursebase.join_home('$conninfo')");
	query($home, 'app', "UPDATE coursebase.courses SET description = 'Sprung' WHERE id = '$id{d1}'");
	$home->wait_for_catchup('coursebase_home');
	is(query($cell, 'app', "SELECT description FROM coursebase.courses WHERE id = '$id{d1}'"), 'Sprung', 'a cell of an ordinary role joins');
}
else
{
	refused($cell, "SELECT coursebase.join_home('$conninfo')", '0A000', 'before PostgreSQL 16 a cell of an ordinary role does not join');
}
is(query($cell, 'app', 'SELECT count(*) FROM lair.strong'), 0, 'and nothing of its owner runs as a superuser');
query($cell, 'app', 'SELECT coursebase.hand_over(session_user::name); DROP SCHEMA lair CASCADE');
query($cell, 'app', "SELECT * FROM coursebase.join_home('$conninfo')");
refused($cell, "SELECT coursebase.hand_over('studio')", $confined ? '00000' : '0A000', 'nor is a cell that has joined handed over before');
query($cell, 'app', 'SELECT coursebase.hand_over(session_user::name)');
my @catalogue = split /\n/, query($cell, 'app', q{SELECT table_name FROM coursebase.cell_tables() WHERE kind IN ('catalogue', 'directory')});

# Rows of a table that every cell has, without the columns that are each server's own.
sub rows_same
{
	my ($name) = @_;
	my $rows = sub {
		my ($node) = @_;
		return join "\n", map {
			my $table = $_;
			my $own = query($cell, 'app', "SELECT format(' - %L::text[]', own_columns) FROM coursebase.cell_tables() WHERE table_name = '$table' AND own_columns IS NOT NULL");
			"$table " . query($node, 'app', "SELECT count(*), md5(string_agg((to_jsonb(t)$own)::text, '' ORDER BY (to_jsonb(t)$own)::text)) FROM coursebase.$table t")
		} @catalogue;
	};
	is($rows->($cell), $rows->($home), $name);
}
$home->wait_for_catchup('coursebase_home');
rows_same('every table of the catalogue is the same on both');
is(query($_, 'app', 'SELECT * FROM coursebase.check_integrity()'), '', 'check_integrity() finds nothing') for $home, $cell;
is(query($_, 'app', 'SELECT rule, object FROM coursebase.lint()'), '', 'lint() finds nothing') for $home, $cell;

# People of the cell: one who has nothing, one in a cohort, one who bought.
query($cell, 'app', "SELECT coursebase.upsert_user('far $_', 'Name', user_id => '$person{$_}')") for 1 .. 3;
query($cell, 'app', <<~SQL);
	SELECT coursebase.assign_cohort('$person{2}', 'fixture');
	SELECT coursebase.complete_purchase('$person{3}', '$id{e1}', 'cs_cell', 4900, 'paid');
	SQL

# Everything that the catalogue decides, for each person: the handshake, what they may use, what they may see of lessons,
# the storefront with its prices, what a code takes off.
my $answers = join ' UNION ALL ', map { "SELECT $_" } map { my $who = "'$person{$_}'"; (
	"coursebase.handshake($who, '{}')::text",
	"(SELECT string_agg(m::text, '' ORDER BY m::text) FROM coursebase.my_courses($who, '2030-01-01') m)",
	"(SELECT string_agg(coursebase.has_course_access(c.id, $who)::text, '' ORDER BY c.id) FROM coursebase.courses c)",
	"(SELECT string_agg(concat(l.id, coursebase.can_view_lesson(l.id, $who), t.body, t.video_ref, l.\"order\", s.\"order\"), '' ORDER BY l.id)
	  FROM coursebase.lessons l JOIN coursebase.course_sections s ON s.id = l.section_id LEFT JOIN coursebase.lesson_contents t ON t.lesson_id = l.id)",
	"(SELECT string_agg(d::text, '' ORDER BY c.code) FROM coursebase.discount_codes c,
	  LATERAL (SELECT coursebase.validate_discount($who, c.code, 'course', 1000, 'EUR')) d)" ) } 1 .. 3;
$answers = "SELECT md5(string_agg(a::text, '|')) FROM ($answers UNION ALL
	SELECT string_agg(concat(p, coursebase.country_price(p.id, 'PT')), '' ORDER BY p.id) FROM coursebase.products p UNION ALL
	SELECT string_agg(f::text, '' ORDER BY f::text) FROM coursebase.storefront_products f UNION ALL
	SELECT string_agg(s::text, '' ORDER BY s::text) FROM coursebase.store_products s UNION ALL
	SELECT string_agg(m::text, '' ORDER BY m::text) FROM coursebase.subscription_event_mappings m UNION ALL
	SELECT string_agg(e::text, '' ORDER BY e::text) FROM coursebase.entitlements e) a (a)";

# A session that stays, with whatever it keeps in memory.
my ($in, $out, $err, $session);
sub session_start
{
	($in, $out, $err) = ('', '', '');
	$session = IPC::Run::start([ 'psql', '-XAtq', '-h', $cell->host, '-p', $cell->port, '-d', 'app' ], '<', \$in, '>', \$out, '2>', \$err);
}
session_start();
sub ask
{
	$out = '';
	$in .= "$answers;\n\\echo end\n";
	$session->pump until $out =~ /^end$/m || $err =~ /ERROR/;
	die $err if $err =~ /ERROR/;
	return $out =~ s/\nend\n//r;
}

my %changed;
sub follows
{
	my ($change, $shows) = @_;
	my $before = ask();
	is(ask(), $before, 'the answers are kept');
	query($home, 'app', $change);
	$home->wait_for_catchup('coursebase_home');
	my $after = ask();
	isnt($after, $before, "$change changes an answer") if $shows;
	query($cell, 'app', 'DELETE FROM coursebase.cached_handshake_responses');
	is($after, query($cell, 'app', $answers), "$change: what is answered is what a fresh computation gives");
	$changed{$1}++ while $change =~ /coursebase\.(\w+)/g;
}
follows(qq{UPDATE coursebase.course_documents SET data = '{"v": 2}'}, 1);
follows(qq{UPDATE coursebase.master_manifests SET content = '{"v": 2}' WHERE is_default}, 1);
follows(qq{UPDATE coursebase.master_manifests SET name = 'renamed.json' WHERE id = '$id{f2}'}, 1);
follows(qq{DELETE FROM coursebase.manifest_cohorts}, 1);
follows(qq{DELETE FROM coursebase.master_manifests WHERE is_default}, 1);
follows(qq{UPDATE coursebase.cohorts SET name = 'Other'}, 0);
follows(qq{UPDATE coursebase.courses SET is_free = false WHERE id = '$id{d1}'}, 1);
follows(qq{INSERT INTO coursebase.courses (id, course_code, title, description) VALUES ('00000000-0000-4000-a000-0000000000d4', 'C04FIX', 'New', '')}, 1);
follows(qq{UPDATE coursebase.products SET name = 'Renamed', status = 'private' WHERE id = '$id{e1}'}, 1);
follows(qq{UPDATE coursebase.products SET status = 'public' WHERE id = '$id{e1}'}, 1);
follows(qq{UPDATE coursebase.country_discounts SET percent_off = 40}, 1);
follows(qq{DELETE FROM coursebase.country_discounts}, 1);
follows(qq{UPDATE coursebase.course_sections SET status = 'public' WHERE id = '$id{f2}'}, 0);
follows(qq{SELECT coursebase.reorder_lessons('$id{f1}', ARRAY['$id{f5}', '$id{f4}', '$id{f3}']::uuid[]) /* coursebase.lessons */}, 1);
follows(qq{UPDATE coursebase.lessons SET section_id = '$id{f2}' WHERE id = '$id{f5}'}, 1);
follows(qq{UPDATE coursebase.lessons SET status = 'public' WHERE id = '$id{f5}'}, 1);
follows(qq{UPDATE coursebase.lesson_contents SET body = 'New'}, 1);
follows(qq{INSERT INTO coursebase.course_sections (id, course_id, name) VALUES ('00000000-0000-4000-a000-0000000000f9', '$id{d1}', 'Empty')}, 0);
follows(qq{DELETE FROM coursebase.course_sections WHERE name = 'Empty'}, 0);
follows(qq{SELECT coursebase.split_counter('FIXTURE', 2) /* coursebase.discount_code_shards */}, 1);
follows(qq{UPDATE coursebase.discount_codes SET percent_off = 20}, 1);
follows(qq{INSERT INTO coursebase.discount_codes (code, product_type, percent_off) VALUES ('TEN', 'course', 10)}, 1);
follows(qq{UPDATE coursebase.store_products SET price_in_cents = 1 WHERE kind = 'course'}, 1);
follows(qq{UPDATE coursebase.settings SET value = 'shop.json' WHERE name = 'protected_manifests'}, 0);
follows(qq{UPDATE coursebase.entitlements SET weekly_credits = 7}, 1);
follows(qq{INSERT INTO coursebase.store_product_entitlements (product_id, entitlement) VALUES ('p', 'premium')}, 0);
follows(qq{DELETE FROM coursebase.store_product_entitlements WHERE product_id = 'p'}, 0);
follows(qq{INSERT INTO coursebase.subscription_event_mappings (provider, name, event_type) VALUES ('other', 'x', 'noted')}, 1);
follows(qq{SELECT coursebase.place_person('new') /* coursebase.people */}, 0);
# The cell's buyer gets what home adds to the product, as home's own buyers do.
my $has = "SELECT coursebase.has_course_access('$id{d1}', '$person{3}')";
is(query($cell, 'app', $has), 'f', 'a course that the buyer has not');
follows(qq{UPDATE coursebase.products SET gives_later_courses = true WHERE id = '$id{e1}';
	INSERT INTO coursebase.course_products (course_id, product_id) VALUES ('$id{d1}', '$id{e1}')}, 1);
is(query($cell, 'app', $has), 't', 'is given when home adds it to what was bought');
follows(qq{DELETE FROM coursebase.course_products WHERE course_id = '$id{d1}'}, 0);
is(query($cell, 'app', $has), 't', 'and stays');
is_deeply([ grep { !$changed{$_} } @catalogue ], [], 'each table was changed');
rows_same('and is the same on both');
is(query($cell, 'app', 'SELECT * FROM coursebase.check_integrity()'), '', 'check_integrity() finds nothing');

# What each server keeps for itself.
query($cell, 'app', "UPDATE coursebase.discount_codes SET redeemed_count = 3 WHERE code = 'TEN'");
query($home, 'app', "UPDATE coursebase.discount_codes SET redeemed_count = 5, percent_off = 15 WHERE code = 'TEN'");
$home->wait_for_catchup('coursebase_home');
is(query($cell, 'app', "SELECT redeemed_count, percent_off FROM coursebase.discount_codes WHERE code = 'TEN'"), '3|15.00', 'a counter stays');
# Of a course that home has never sold with an end.
my $ends = "SELECT coursebase.has_course_access('$id{d3}', '$person{1}')";
query($cell, 'app', "INSERT INTO coursebase.course_grants (user_id, course_id, expires_at) VALUES ('$person{1}', '$id{d3}', now() + interval '1 day')");
is(query($cell, 'app', $ends), 't', 'a cell gives a course with an end');
query($home, 'app', "UPDATE coursebase.courses SET title = 'Renamed' WHERE id = '$id{d3}'");
$home->wait_for_catchup('coursebase_home');
is(query($cell, 'app', "$ends; SELECT title FROM coursebase.courses WHERE id = '$id{d3}'"), "t\nRenamed", 'which stays when home changes the course');

# The cell takes no writes to it, whoever writes, home's keep what may have been sold.
for my $table (@catalogue)
{
	my ($column) = split /\n/, query($cell, 'app', "SELECT attname FROM pg_attribute WHERE attrelid = 'coursebase.$table'::regclass AND attnum = 1");
	refused($cell, $_, 'KBC06') for "INSERT INTO coursebase.$table SELECT * FROM coursebase.$table", "UPDATE coursebase.$table SET $column = $column",
	  "DELETE FROM coursebase.$table", "TRUNCATE coursebase.$table CASCADE";
}
refused($cell, 'SELECT coursebase.install_country_discounts()', 'KBC06');
refused($cell, 'SELECT coursebase.install()', '00000', 'install() writes none of them');
is(query($cell, 'app', 'SELECT * FROM coursebase.install()'), '', 'and finds nothing missing');
for my $table (split /\n/, query($home, 'app', 'SELECT table_name FROM coursebase.cell_tables() WHERE is_kept'))
{
	my $key = $table eq 'store_products' ? 'product_id' : 'id';
	refused($home, "DELETE FROM coursebase.$table", 'KBC07');
	refused($home, "UPDATE coursebase.$table SET $key = " . ($key eq 'id' ? 'gen_random_uuid()' : "'other'"), 'KBC07');
	refused($home, "TRUNCATE coursebase.$table CASCADE", 'KBC07');
}
refused($home, 'TRUNCATE coursebase.country_discounts', 'KBC07', 'a TRUNCATE would reach no cell');

# Home is away: the cell goes on, and follows when home is back.
$home->stop('immediate');
is(query($cell, 'app', $has), 't', 'home is away: people are answered');
my $bought = "SELECT coursebase.complete_purchase('$person{1}', '$id{e1}', 'cs_away', 4900, 'paid')";
refused($cell, $bought, 'KBC12', 'but cannot buy');
is(ask(), query($cell, 'app', $answers), 'and have what they had');
$home->start;
follows(qq{UPDATE coursebase.products SET name = 'After the crash' WHERE id = '$id{e1}'}, 1);
rows_same('home is back: the catalogue is the same');
query($cell, 'app', $bought);
is(ask(), query($cell, 'app', $answers), 'and people buy');

# The cell is away: home says so, because it keeps its log.
$in .= "\\q\n";
$session->finish;
$cell->stop('immediate');
is(query($home, 'app', 'SELECT rule, object FROM coursebase.lint()'), 'cell_away|replication slot coursebase_cell_1', 'lint() on home names a cell that is away');
query($home, 'app', "UPDATE coursebase.products SET name = 'While it was away' WHERE id = '$id{e1}'");
$cell->start;
session_start();
$home->wait_for_catchup('coursebase_home');
rows_same('the cell is back');

# The slot is lost: what the cell missed comes with a second joining, of which nobody sees a half.
query($cell, 'app', 'ALTER SUBSCRIPTION coursebase_home DISABLE');
is(query($cell, 'app', 'SELECT rule, object FROM coursebase.lint()'), 'subscription_off|subscription coursebase_home', 'lint() in the cell says that nothing comes');
$home->poll_query_until('app', 'SELECT NOT active FROM pg_replication_slots');
query($home, 'app', "SELECT pg_drop_replication_slot('coursebase_cell_1')");
query($home, 'app', <<~SQL);
	DELETE FROM coursebase.subscription_event_mappings WHERE provider = 'other';
	UPDATE coursebase.products SET name = 'Missed' WHERE id = '$id{e1}';
	INSERT INTO coursebase.country_discounts (country, percent_off) VALUES ('PT', 30);
	SQL
my $version = query($cell, 'app', 'SELECT version FROM coursebase.catalogue_version');
is(query($cell, 'app', 'SELECT * FROM coursebase.join_home() WHERE inserted + updated + deleted > 0 ORDER BY 1'),
	"country_discounts|1|0|0\nproducts|0|1|0\nsubscription_event_mappings|0|0|1", 'join_home() again changes what differs');
is(query($cell, 'app', 'SELECT version FROM coursebase.catalogue_version'), $version, 'no handshake is of that, and no version moves');
is(query($cell, 'app', "SELECT redeemed_count FROM coursebase.discount_codes WHERE code = 'TEN'"), 3, 'the counter stays');
is(query($cell, 'app', $ends), 't', 'so does the course with an end');
rows_same('the cell has what it missed');
follows(qq{UPDATE coursebase.products SET name = 'Joined' WHERE id = '$id{e1}'}, 1);

# A table that a release adds.
query($home, 'app', 'ALTER PUBLICATION coursebase_catalogue DROP TABLE coursebase.country_discounts');
is(query($home, 'app', 'SELECT rule, object FROM coursebase.lint()'), 'not_published|table coursebase.country_discounts', 'lint() on home names a table that is not published');
query($cell, 'app', 'ALTER SUBSCRIPTION coursebase_home REFRESH PUBLICATION');
is(query($cell, 'app', 'SELECT rule, object FROM coursebase.lint()'), 'not_subscribed|table coursebase.country_discounts', 'lint() in the cell one that does not come');
query($home, 'app', 'SELECT coursebase.publish_catalogue()');
query($cell, 'app', 'SELECT count(*) FROM coursebase.join_home()');
$home->wait_for_catchup('coursebase_home');
is(query($_, 'app', 'SELECT rule, object FROM coursebase.lint()'), '', 'lint() finds nothing') for $home, $cell;

# A cell that is one server again owns its catalogue.
query($cell, 'app', 'DROP SUBSCRIPTION coursebase_home');
query($cell, 'app', 'SELECT coursebase.set_cell(NULL)');
refused($cell, 'DELETE FROM coursebase.country_discounts', '00000', 'alone again, it writes');

$in .= "\\q\n";
$session->finish;
done_testing();
