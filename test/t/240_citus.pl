# Beside Citus coursebase lives on the coordinator: there it is whole, and lint() says that it is not distributed; on a
# worker it makes no table, and each function refuses (KBC02) instead of answering as if nobody had bought anything.
#
# First with tables of the names of Citus', which is all that coursebase looks at; then with Citus itself, where it is
# at hand.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use PostgreSQL::Test::Cluster;
use Test::More;

my $node = node('alone');
my $ours = q{SELECT count(*) FROM pg_class WHERE relnamespace = 'coursebase'::regnamespace AND relkind <> 'c'};

# A database of a server with that group's number, beside two workers.
sub place
{
	my ($name, $group) = @_;

	create_database($node, $name);
	query($node, $name, <<~SQL);
		SET allow_system_table_mods = on;
		CREATE TABLE pg_catalog.pg_dist_local_group (groupid integer);
		CREATE TABLE pg_catalog.pg_dist_node (groupid integer, isactive boolean);
		GRANT SELECT ON pg_catalog.pg_dist_local_group, pg_catalog.pg_dist_node TO PUBLIC;
		INSERT INTO pg_catalog.pg_dist_local_group VALUES ($group);
		INSERT INTO pg_catalog.pg_dist_node VALUES (0, true), (1, true), (2, true), (3, false);
		SQL
	return $name;
}

# The members whose answer tells what tables hold: [name, call with a NULL for each argument, whether that is enough].
sub functions
{
	my ($at, $database) = @_;
	return map { [ split /\|/ ] } split /\n/, query($at, $database, <<~'SQL');
		SELECT p.proname, format('SELECT coursebase.%I(%s)', p.proname,
		    (SELECT string_agg(format('%s%s', CASE WHEN v <> 0 AND n = pronargs THEN 'VARIADIC ' END, format('NULL::%s', t::regtype)), ', ' ORDER BY n)
		     FROM unnest(p.proargtypes) WITH ORDINALITY a (t, n), LATERAL (SELECT p.provariadic) x (v))), p.proisstrict AND p.pronargs > 0
		FROM pg_proc p
		WHERE p.pronamespace = 'coursebase'::regnamespace AND p.provolatile <> 'i' AND p.proname NOT IN ('install', 'assert_schema_owner')
		    AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
		ORDER BY p.oid
		SQL
}

# Tests: each function refuses. A strict one is not even called with NULL: it is made to be, for the test.
sub refuses
{
	my ($at, $database, $name) = @_;
	my @functions = functions($at, $database);
	my @states = sqlstates($at, $database, [ map { ($_->[2] eq 't' ? "ALTER FUNCTION coursebase.$_->[0] CALLED ON NULL INPUT; " : '') . $_->[1] } @functions ]);

	cmp_ok(scalar @functions, '>', 150, "$name: the functions");
	is(join(' ', map { "$functions[$_][0]: $states[$_]" } grep { $states[$_] ne 'KBC02' } 0 .. $#functions), '', "$name: each refuses");
	my (undef, undef, $said) = client($at, [ 'psql', '-Xq', '-d', $database ], stdin => 'SELECT coursebase.settings()');
	like($said, qr/coursebase lives on the coordinator\nDETAIL:  This server is a worker of Citus, and holds nothing of it\.\nHINT:  Connect to the coordinator\./,
		"$name: and says where to ask");
	is(query($at, $database, q{SELECT coursebase.json_append('{"a": []}', '{a}', '[1]')}), '{"a": [1]}', "$name: what needs no table answers");
	return;
}

# A worker.
create_extension($node, 'fresh');
place('worker', 1);
query($node, 'worker', 'CREATE EXTENSION coursebase');
is(query($node, 'worker', $ours), '0', 'worker: no table is made');
refuses($node, 'worker', 'worker');
is(query($node, 'worker', 'SELECT * FROM coursebase.install()'), '', 'worker: install() finds nothing more to do');
my $members = q{SELECT count(*) FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid WHERE d.deptype = 'e' AND e.extname = 'coursebase'};
is(query($node, 'worker', $members), query($node, 'fresh', $members), 'worker: the members are those of any other server');
my $marks = q{SELECT oid::regprocedure::text, provolatile, proisstrict, proparallel, proconfig, proacl FROM pg_proc WHERE pronamespace = 'coursebase'::regnamespace ORDER BY 1};
is(differences(map { query($node, $_, $marks) } qw(fresh worker)), '', 'worker: and nothing but their bodies is different');

# A worker no more.
query($node, 'worker', 'UPDATE pg_catalog.pg_dist_local_group SET groupid = 0');
is(sqlstate($node, 'worker', 'SELECT coursebase.install()'), 'KBC02', 'a worker no more: install() says so instead of making half of it');
query($node, 'worker', 'SET coursebase.allow_drop = on; DROP EXTENSION coursebase; CREATE EXTENSION coursebase');
is(query($node, 'worker', 'SELECT rule FROM coursebase.lint()'), 'not_distributed', 'made again, it is whole');

# A coordinator is as any other server.
place('coordinator', 0);
query($node, 'coordinator', 'CREATE EXTENSION coursebase');
same_database($node, 'coordinator', fingerprint($node, 'fresh'), 'coordinator: as a server alone', level => sub { s/^rows of coursebase\..*\n//gm });
is(query($node, 'coordinator', 'SELECT rule, object, advice FROM coursebase.lint()'),
	'not_distributed|schema coursebase|Connect to the coordinator, which has all of it; its 2 workers have nothing of it.', 'coordinator: lint() says that it is not distributed');
query($node, 'coordinator', 'DELETE FROM pg_catalog.pg_dist_node WHERE groupid > 0');
is(query($node, 'coordinator', 'SELECT * FROM coursebase.lint()'), '', 'coordinator: nothing to say while there is no worker');

# A server with rows that becomes a worker keeps them, and shows them to nobody.
fixture($node, 'coordinator');
my $rows = rows_of($node, 'coordinator', 'coursebase');
query($node, 'coordinator', 'UPDATE pg_catalog.pg_dist_local_group SET groupid = 2');
is(query($node, 'coordinator', 'SELECT rule FROM coursebase.lint()'), 'citus_worker', 'became a worker: lint() says what to do');
cmp_ok(query($node, 'coordinator', "SELECT count(*) FROM coursebase.install() WHERE action = 'refuses'"), '>', 150, 'became a worker: install() reports each function');
refuses($node, 'coordinator', 'became a worker');
is(rows_of($node, 'coordinator', 'coursebase'), $rows, 'became a worker: every row is there');

# An update brings the bodies of a release, and takes them away again.
place('updated', 1);
my ($oldest) = released();
query($node, 'updated', "CREATE EXTENSION coursebase VERSION '$oldest'; ALTER EXTENSION coursebase UPDATE");
refuses($node, 'updated', 'updated');

SKIP:
{
	skip 'Citus is not at hand', 1 unless query($node, 'postgres', "SELECT count(*) FROM pg_available_extensions WHERE name = 'citus'");
	my %server = map { $_ => PostgreSQL::Test::Cluster->new($_) } qw(coordinator early late);

	for my $server (values %server)
	{
		$server->init(extra => [ '--locale=C', '--encoding=UTF8' ]);
		$server->append_conf('postgresql.conf', "include '$ENV{COURSEBASE_CONF}'") if $ENV{COURSEBASE_CONF};
		$server->append_conf('postgresql.conf', "shared_preload_libraries = 'citus'\nwal_level = logical\ncitus.node_conninfo = 'sslmode=disable'");
		$server->start;
		create_database($server, 'app');
		query($server, 'app', 'CREATE EXTENSION citus');
	}
	my ($coordinator, @workers) = @server{qw(coordinator early late)};
	my $add = sub { query($coordinator, 'app', sprintf "SET client_min_messages = warning; SELECT citus_add_node('%s', %d) \\g /dev/null", $_[0]->host, $_[0]->port) };
	query($coordinator, 'app', sprintf "SELECT citus_set_coordinator_host('%s', %d)", $coordinator->host, $coordinator->port);

	# One worker is there when the extension comes, the other comes when it is there.
	$add->($workers[0]);
	query($coordinator, 'app', 'CREATE EXTENSION coursebase');
	$add->($workers[1]);
	is(query($coordinator, 'app', 'SELECT rule FROM coursebase.lint()'), 'not_distributed', 'Citus: the coordinator has all, and lint() says that it is not distributed');
	fixture($coordinator, 'app');
	is(query($coordinator, 'app', 'SELECT * FROM coursebase.check_integrity()'), '', 'Citus: rows go in, and are sound');
	is(query($coordinator, 'app', "SELECT count(*) FROM citus_tables"), '0', 'Citus: no table is distributed');
	is(query($coordinator, 'app', "SELECT coursebase.has_course_access('00000000-0000-4000-a000-0000000000d2', '00000000-0000-4000-a000-00000000000a')"), 't', 'Citus: the coordinator answers');
	for my $worker (@workers)
	{
		my $name = 'Citus, ' . $worker->name;

		is(query($worker, 'app', $ours), '0', "$name: no table");
		is(query($worker, 'app', "SELECT count(*) FROM pg_type WHERE typnamespace = 'coursebase'::regnamespace"), '0', "$name: no type");
		refuses($worker, 'app', $name);
	}
	is(query($coordinator, 'app', 'SELECT * FROM coursebase.install()'), '', 'Citus: install() finds nothing more to do');
}

done_testing();
