# A database that was upgraded from any released version has the same catalogue as a fresh one, the order of
# columns included, and has lost no row.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = node('upgrade');
create_extension($node, 'fresh');
my $fresh = fingerprint($node, 'fresh');
my $current = query($node, 'fresh', "SELECT extversion FROM pg_extension WHERE extname = 'coursebase'");
my $rows = installed_rows($node, 'fresh');
my $some_rows = q{
	INSERT INTO coursebase.users (id, clerk_user_id, name, email)
	VALUES ('00000000-0000-4000-8000-00000000000a', 'user_ada', 'Ada', 'ada@example.org');
	INSERT INTO coursebase.user_profile (user_id, email)
	VALUES ('00000000-0000-4000-8000-00000000000a', 'Ada@Example.org');
	INSERT INTO coursebase.custom_courses (user_id, course_code, title, description, data)
	VALUES ('00000000-0000-4000-8000-00000000000a', 'X99ENB', 'Calm', 'Made for Ada', '{"audio_files":  []}');
	INSERT INTO coursebase.master_manifests (name, content, is_default) VALUES ('shop.json', '[1.0]', true);
};
my @their_tables = qw(users user_profile custom_courses master_manifests);
my $their_rows = join ' UNION ALL ', map { "SELECT '$_', to_jsonb(t) FROM coursebase.$_ t" } @their_tables;
# A later release may add columns: every row has all that it had.
my $changed_rows = <<~"SQL";
	SELECT b.of, b.content FROM public.before b WHERE NOT EXISTS (
	    SELECT FROM ($their_rows) AS a (of, content) WHERE a.of = b.of AND a.content \@> b.content)
	SQL
my @released = grep { $_ ne $current } released();

plan skip_all => "there is no release before $current yet" unless @released;

for my $version (@released)
{
	(my $database = "from_$version") =~ tr/./_/;

	create_extension($node, $database, version => $version);
	query($node, $database, 'ALTER EXTENSION coursebase UPDATE');
	same_database($node, $database, $fresh, "$version updated to $current is as $current installed",
		level => sub { s/^rows of .*$//mg });
	is(installed_rows($node, $database), $rows, "$version: and has the rows that installing makes");
	is(query($node, $database, 'SELECT version FROM coursebase.schema_version'),
		$current, "$version: the schema's version is the code's");
	is(query($node, $database, 'SELECT count(*) FROM coursebase.install()'),
		'0', "$version: install() finds nothing missing");

	# again by a dump, which brings the tables of then to the code of now
	create_extension($node, "${database}_dumped", version => $version);
	my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump';
	client_ok($node, "$version: dump", [ 'pg_dump', '-Fc', '-f', $dump, "${database}_dumped" ]);
	create_database($node, "${database}_restored");
	client_ok($node, "$version: restore", [ 'pg_restore', '--exit-on-error', '-d', "${database}_restored", $dump ]);
	query($node, "${database}_restored", 'SELECT count(*) FROM coursebase.install()');
	same_database($node, "${database}_restored", $fresh, "$version restored and completed is as $current installed",
		level => sub { s/^rows of .*$//mg });

	# again as tables of a role that is no superuser, which needs what the update adds
	create_extension($node, "${database}_handed", version => $version);
	query($node, "${database}_handed", <<~'SQL');
		SELECT 'CREATE ROLE upgrade_studio' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'upgrade_studio') \gexec
		GRANT USAGE, CREATE ON SCHEMA coursebase TO upgrade_studio;
		GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA coursebase TO upgrade_studio;
		SELECT format('ALTER TABLE %s OWNER TO upgrade_studio', oid::regclass) FROM pg_class
		WHERE relnamespace = 'coursebase'::regnamespace AND relkind = 'r' \gexec
		SELECT format('ALTER TYPE %s OWNER TO upgrade_studio', oid::regtype) FROM pg_type
		WHERE typnamespace = 'coursebase'::regnamespace AND typtype = 'e' \gexec
		SELECT format('ALTER VIEW %s OWNER TO upgrade_studio', oid::regclass) FROM pg_class
		WHERE relnamespace = 'coursebase'::regnamespace AND relkind = 'v' \gexec
		SQL
	is(sqlstate($node, "${database}_handed", 'ALTER EXTENSION coursebase UPDATE'), '00000', "$version: tables of another role are updated");
	query($node, "${database}_handed", 'ALTER EXTENSION coursebase UPDATE');
	is(query($node, "${database}_handed", 'SELECT * FROM coursebase.lint()'), '', "$version: and stay that role's, which has all rights that it needs");

	# again with rows, written in words that every release understands
	create_extension($node, "${database}_used", version => $version);
	query($node, "${database}_used", $some_rows);
	query($node, "${database}_used", "CREATE TABLE public.before (of, content) AS $their_rows");
	is(sqlstate($node, "${database}_used", q{SET LOCAL request.jwt.claims = '{"sub": "user_ada"}'; SELECT coursebase.current_user_id()}),
		'KB001', "$version: until then what reads says that the tables are older");
	query($node, "${database}_used", 'ALTER EXTENSION coursebase UPDATE');
	is(query($node, "${database}_used", $changed_rows), '', "$version: no row is lost or changed");
	is(query($node, "${database}_used", "SELECT count(*) FROM ($their_rows) t"), scalar @their_tables,
		"$version: nor added");
	is(query($node, "${database}_used", 'SELECT count(*) FROM coursebase.check_integrity()'),
		'0', "$version: and all of them are sound");

	# again with what a release forbids that came later: the error says which rows, and how to find them
	create_extension($node, "${database}_refused", version => $version);
	query($node, "${database}_refused", $some_rows);
	query($node, "${database}_refused", "UPDATE coursebase.users SET name = repeat('x', 201)");
	my (undef, undef, $refusal) = client($node, [ 'psql', '-Xq', '-d', "${database}_refused", '-c', 'ALTER EXTENSION coursebase UPDATE' ]);
	like($refusal, qr/^DETAIL:  Rows that do: 1, one of them with \(id\)=\(00000000-0000-4000-8000-00000000000a\)\.$/m, "$version: a row that is forbidden now is named");
	my ($listed) = $refusal =~ /^HINT:  .*: (SELECT .*)$/m;
	is(query($node, "${database}_refused", $listed // 'SELECT'), '00000000-0000-4000-8000-00000000000a', "$version: and found");
	is(query($node, "${database}_refused", "SELECT extversion FROM pg_extension WHERE extname = 'coursebase'"), $version, "$version: nothing has changed");
	query($node, "${database}_refused", "UPDATE coursebase.users SET name = 'Ada'; ALTER EXTENSION coursebase UPDATE");
	is(query($node, "${database}_refused", 'SELECT * FROM coursebase.lint()'), '', "$version: and is updated once it is changed");
}

# Lookup rows carry the time at which they were made, and the version of the catalogue counts those changes.
sub installed_rows
{
	my ($in, $database) = @_;
	my @tables = grep { !/^(?:schema_version|catalogue_version)$/ } tables($in, $database);

	return query($in, $database, join ' UNION ALL ', map {
		"SELECT '$_', md5(string_agg(r, '' ORDER BY r)) FROM (
			SELECT (to_jsonb(t) - 'created_at' - 'updated_at' - 'id')::text FROM coursebase.$_ t) AS x (r)"
	} @tables);
}

$node->stop;
done_testing();
