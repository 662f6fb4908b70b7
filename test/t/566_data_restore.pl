# Rows of a whole database, dumped without their tables, go into a fresh installation, and into tables that were dumped
# without rows: every row is there as it was, also those that a fresh installation has of its own and those that the
# business changed; nothing is audited or told twice.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = node('data_restore');
my $dir  = PostgreSQL::Test::Utils::tempdir();

# Roles of the names that get their parts by themselves, as Supabase has them: a fresh installation names them already.
query($node, 'postgres', 'CREATE ROLE anon; CREATE ROLE authenticated; CREATE ROLE service_role BYPASSRLS');

# What tells of one installation stands as it is there: versions begin at random, the tables are of one release, and the
# parts are given to roles of that server.
my $own = qr/^rows of coursebase\.(?:schema_version|granted_roles|catalogue_version|cohort_versions|user_versions|chain_versions):/m;

create_extension($node, 'origin');
fixture($node, 'origin');
# a business that changed what install() seeds
query($node, 'origin', <<~'SQL');
	UPDATE coursebase.settings SET value = 'true' WHERE name = 'events_out';
	UPDATE coursebase.entitlements SET course_slots = 7 WHERE name = 'premium';
	UPDATE coursebase.subscription_event_mappings SET event_type = 'renewed' WHERE (provider, name, subtype) = (SELECT provider, name, subtype FROM coursebase.subscription_event_mappings ORDER BY 1, 2, 3 LIMIT 1);
	UPDATE coursebase.access_policies SET description = 'ours' WHERE access_policy = 'fixed';
	SQL
# phones that have called: their answers are of versions that no other installation has
query($node, 'origin', "SELECT count(coursebase.handshake(id, '{}')) FROM coursebase.users WHERE deleted_at IS NULL AND NOT is_guest");
my $origin = rows($node, 'origin');
note scalar(split /\n/, $origin) . ' tables and sequences';

sub rows
{
	my ($node, $name) = @_;
	my $rows = rows_of($node, $name);

	# of an installation's own rows there are as many
	$rows =~ s/($own \d+), md5 \w*/$1/gm;
	return $rows;
}

sub loaded
{
	my ($name, $words, %option) = @_;

	client_ok($node, "$name: restore", $words, %option);
	is(differences($origin, rows($node, $name)), '', "$name: every row as it was");
	is(query($node, $name, 'SELECT * FROM coursebase.check_integrity()'), '', "$name: nothing for check_integrity");
	is(query($node, $name, "SELECT rule, object FROM coursebase.lint() WHERE rule NOT IN ('role_missing', 'not_granted')"), '', "$name: nothing for lint but that install() is to follow");
}

sub psql
{
	my ($name, $file) = @_;
	return [ 'psql', '-Xq', '-o', '/dev/null', '-v', 'ON_ERROR_STOP=1', '-d', $name, '-f', $file ];
}

for my $way ([ 'plain' ], [ 'inserts', '--inserts' ], [ 'custom', '-Fc' ])
{
	my ($name, @option) = @$way;
	my ($ok) = client($node, [ 'pg_dump', '--data-only', @option, '-f', "$dir/$name", 'origin' ]);

	ok($ok, "$name: dump");
	create_extension($node, $name);
	loaded($name, $name eq 'custom' ? [ 'pg_restore', '--exit-on-error', '-d', $name, "$dir/$name" ] : psql($name, "$dir/$name"));
}

create_extension($node, 'replica');
loaded('replica', psql('replica', "$dir/plain"), env => { PGOPTIONS => '-c session_replication_role=replica' });

client_ok($node, 'schema: dump', [ 'pg_dump', '--schema-only', '-f', "$dir/schema", 'origin' ]);
create_database($node, 'schema');
client_ok($node, 'schema: restore', psql('schema', "$dir/schema"));
loaded('schema', psql('schema', "$dir/plain"));

# The rows of a whole archive, in any order, into the tables that it brought: triggers that fire always are ordinary ones
# afterwards, as lint() says, until install() runs.
client_ok($node, 'archive: dump', [ 'pg_dump', '-Fd', '-f', "$dir/archive", 'origin' ]);
create_database($node, 'archive');
client_ok($node, 'archive: schema', [ 'pg_restore', '--exit-on-error', '--schema-only', '-d', 'archive', "$dir/archive" ]);
client_ok($node, 'archive: rows',
	[ 'pg_restore', '--exit-on-error', '--data-only', '--disable-triggers', '-j4', '-d', 'archive', "$dir/archive" ]);
is(query($node, 'archive', 'SELECT DISTINCT rule FROM coursebase.lint()'), 'trigger_not_always', 'archive: lint tells what is left to do');
query($node, 'archive', 'SELECT coursebase.install()');
is(query($node, 'archive', 'SELECT rule, object FROM coursebase.lint()'), '', 'archive: nothing after install()');
is(differences($origin, rows($node, 'archive')), '', 'archive: every row as it was');
is(query($node, 'archive', 'SELECT * FROM coursebase.check_integrity()'), '', 'archive: nothing for check_integrity');

# Outside of a restore a second row of a key is an error, and who has the server's key does not restore.
my $twice = "INSERT INTO coursebase.subscription_event_mappings SELECT * FROM coursebase.subscription_event_mappings";
is(sqlstate($node, 'plain', $twice), '23505', 'a second row is an error');
is(sqlstate($node, 'plain', "SET check_function_bodies = off; $twice"), '00000', 'a session that restores replaces it');
query($node, 'plain', 'GRANT USAGE ON SCHEMA coursebase TO fixture_server; GRANT SELECT, INSERT, DELETE ON coursebase.subscription_event_mappings TO fixture_server');
is(sqlstate($node, 'plain', "SET ROLE fixture_server; SET check_function_bodies = off; $twice"), '23505', 'the server does not restore');

$node->stop;
done_testing();
