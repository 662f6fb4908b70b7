# A proxy of PL/Proxy in front of two cells, made of what proxy_functions() answers: each call comes to the cell where its
# person lives, and answers there and through the proxy are the same, whichever function it is.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use Test::More;

my $node = node('proxy');

plan skip_all => 'PL/Proxy is not at hand (Debian: postgresql-15-plproxy, of the server\'s own version)'
  unless query($node, 'postgres', q{SELECT count(*) FROM pg_available_extensions WHERE name = 'plproxy'});

# Two cells, each with the whole of coursebase; the first is home. A cell's role of the server is who the proxy is there.
my @cells = qw(cell0 cell1);
query($node, 'postgres', 'CREATE ROLE app_anonymous; CREATE ROLE app_user; CREATE ROLE app_server LOGIN BYPASSRLS');
for my $cell (0 .. $#cells)
{
	create_extension($node, $cells[$cell]);
	query($node, $cells[$cell], "SELECT coursebase.grant_roles('app_anonymous', 'app_user', 'app_server'); SELECT coursebase.set_cell($cell, 2)");
}
my $cluster = join ', ', map { sprintf q{p%d 'dbname=%s host=%s port=%s user=app_server'}, $_, $cells[$_], $node->host, $node->port } 0 .. $#cells;
my $steps = query($node, 'cell0', q{SELECT string_agg(ddl || ';', E'\n') FROM coursebase.proxy_functions('cells')});
create_database($node, 'proxy');
query($node, 'proxy', "$steps\nCREATE SERVER cells FOREIGN DATA WRAPPER plproxy OPTIONS (modular_mapping '1', $cluster); CREATE USER MAPPING FOR CURRENT_USER SERVER cells");
my $listed = query($node, 'cell0', q{SELECT count(*) FROM coursebase.proxy_functions('cells') WHERE runs <> 'each'});
cmp_ok($listed, '>', 80, 'the functions of the proxy');
is(query($node, 'proxy', q{SELECT count(*) FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang WHERE l.lanname = 'plproxy' AND p.pronamespace = 'coursebase'::regnamespace}),
	$listed, 'each is made');
is(query($node, 'proxy', q{SELECT count(*) FROM pg_proc p WHERE p.pronamespace = 'coursebase'::regnamespace AND p.proacl IS NULL}), '0', 'and nobody but the owner may call it');
is(query($node, 'proxy', "$steps SELECT 'again'"), 'again', 'the steps may be run again');
my $facts = q{SELECT p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid) FROM pg_proc p WHERE p.pronamespace = 'coursebase'::regnamespace};
my %direct = map { $_ => 1 } split /\n/, query($node, 'cell0', $facts);
is(join("\n", grep { !$direct{$_} && !/^cell_of\|/ } split /\n/, query($node, 'proxy', $facts)), '', 'with the arguments and the answer that it has in a cell');

unlike(query($node, 'proxy', q{EXPLAIN SELECT * FROM coursebase.cell_of('00000000-0000-4000-a000-0000000000d1')}), qr/Function Scan/,
	'the look for the cell is planned with the call, and not at each call');
query($node, 'proxy', q{CREATE ROLE app_proxy LOGIN; CREATE USER MAPPING FOR app_proxy SERVER cells; GRANT USAGE ON FOREIGN SERVER cells TO app_proxy;
	GRANT USAGE ON SCHEMA coursebase TO app_proxy; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA coursebase TO app_proxy; GRANT SELECT ON coursebase.people TO app_proxy});
is(query($node, 'proxy', q{SET ROLE app_proxy; SELECT coursebase.has_course_access('00000000-0000-4000-a000-0000000000d1', '00000000-0000-4000-a000-0000000000d2')}),
	'f', 'a role with the grants of the guide calls through it');

# The directory comes to the other cell and to the proxy by replication, which is not what is tested here.
sub replicate
{
	my $people = query($node, 'cell0', q{SELECT string_agg(format('(%L, %L, %s)', user_id, external_id, cell), ', ') FROM coursebase.people});
	for my $database (qw(cell1 proxy))
	{
		query($node, $database, "DELETE FROM coursebase.people; INSERT INTO coursebase.people (user_id, external_id, cell) VALUES $people");
	}
	return;
}

# 40 people, placed and made through the proxy: half of them with the id that the directory has, half by their external id alone.
my @people = map { [ split /\|/ ] } split /\n/, query($node, 'proxy', q{SELECT 'person ' || i, p.user_id, p.cell FROM generate_series(1, 40) i, LATERAL coursebase.place_person('person ' || i) p});
is(join(' ', sort keys %{ { map { $_->[2] => 1 } @people } }), '0 1', 'people are placed in both cells');
replicate();
for my $i (0 .. $#people)
{
	my ($name, $id) = @{ $people[$i] };
	my $named = $i % 2 ? ", user_id => '$id'" : '';
	query($node, 'proxy', "SELECT coursebase.upsert_user('$name', 'A Name', 'a$i\@example.org'$named)");
}
for my $cell (0 .. $#cells)
{
	is(query($node, $cells[$cell], "SELECT string_agg(id::text, ' ' ORDER BY id) FROM coursebase.users"),
		join(' ', sort map { $_->[1] } grep { $_->[2] == $cell } @people), "$cells[$cell] has the people who live there, and nobody else");
}

# A catalogue that is the same in both, and something for everybody.
my $course = '00000000-0000-4000-a000-0000000000d1';
query($node, $_, "INSERT INTO coursebase.courses (id, title, description) VALUES ('$course', 'Course', 'For all')") for @cells;
query($node, 'proxy', "SELECT coursebase.grant_course_purchase('$_->[1]', '$course')") for grep { $_->[0] =~ /[02468]$/ } @people;
is(join(' ', map { query($node, $_, 'SELECT count(*) FROM coursebase.course_purchases p JOIN coursebase.users u ON u.id = p.user_id') } @cells),
	join(' ', map { my $cell = $_; scalar grep { $_->[0] =~ /[02468]$/ && $_->[2] == $cell } @people } 0 .. $#cells), 'a purchase is in the cell of its buyer');

# Calls with their required arguments; those that name a person with that one, and of the others the same in both.
my $calls = <<~"SQL";
	SELECT p.runs, f.provolatile, f.proname, format('SELECT * FROM coursebase.%I(%s)', f.proname, (
	    SELECT string_agg(format('%I => %s', a.name, CASE
	        WHEN a.name IN ('user_id', 'to_user', 'keep', 'from_user') THEN '''person''::uuid'
	        WHEN a.name = 'clerk_user_id' THEN '''subject'''
	        WHEN a.type = 'uuid'::regtype THEN '''$course''::uuid'
	        WHEN a.type IN ('json'::regtype, 'jsonb'::regtype) THEN format('''{}''::%s', a.type::regtype)
	        WHEN a.type = 'timestamptz'::regtype THEN '''2026-01-01 12:00+00''::timestamptz'
	        WHEN a.type::regtype::text LIKE '%[]' THEN format('''{}''::%s', a.type::regtype)
	        ELSE format('''1''::%s', a.type::regtype) END), ', ' ORDER BY a.n)
	    FROM unnest(f.proargnames[1:f.pronargs], f.proargtypes::oid[]) WITH ORDINALITY a (name, type, n)
	    WHERE a.n <= f.pronargs - f.pronargdefaults OR a.name IN ('user_id', 'at')))
	FROM coursebase.proxy_functions('cells') p
	JOIN pg_proc f ON f.pronamespace = 'coursebase'::regnamespace AND p.object = 'function ' || f.proname
	WHERE p.runs <> 'each' ORDER BY 3
	SQL
my @calls = map { [ split /\|/, $_, 4 ] } split /\n/, query($node, 'cell0', $calls);

# What a session says to each statement, errors with their SQLSTATE included.
sub said
{
	my ($database, @statements) = @_;
	my $script = join "\n", "SET TimeZone = 'UTC'; SET client_min_messages = error; \\set VERBOSITY sqlstate", map { "\\echo -- $_\n$_;" } @statements;
	my (undef, $out) = client($node, [ 'sh', '-c', 'exec psql -XAtq -U "$0" -d "$1" 2>&1', $database eq 'proxy' ? query($node, 'proxy', 'SELECT current_user') : 'app_server', $database ], stdin => $script);
	# the context of an error tells that it came through the proxy
	$out =~ s/^(ERROR:  \w{5}).*$/$1/mg;
	return $out;
}

sub calls_of
{
	my ($person, @which) = @_;
	return map { s/'person'/'$person->[1]'/gr =~ s/'subject'/'$person->[0]'/gr } map { $_->[3] } @which;
}

my @reads = grep { $_->[0] eq 'person' && $_->[1] eq 's' } @calls;
cmp_ok(scalar @reads, '>', 20, 'functions that read about a person');
for my $person (@people[ 0 .. 11 ])
{
	my @statements = calls_of($person, @reads);
	is(differences(said('proxy', @statements), said($cells[ $person->[2] ], @statements)), '', "$person->[0], of cell $person->[2]: each read answers as in the cell");
}
my $elsewhere = said($cells[ 1 - $people[0][2] ], calls_of($people[0], @reads));
cmp_ok(scalar(() = $elsewhere =~ /KBC01/g), '>', 20, 'and in the other cell it is refused');
is($elsewhere =~ s/^(?:-- |ERROR:  ).*\n//gmr, '', 'none of them answers there');

# What writes: the proxy's call is made, that in the cell is not kept.
my @writes = grep { $_->[0] eq 'person' && $_->[1] eq 'v' } @calls;
cmp_ok(scalar @writes, '>', 35, 'functions that write about a person');
for my $person (map { my $cell = $_; (grep { $_->[2] == $cell } @people[ 12 .. 39 ])[0] } 0 .. $#cells)
{
	my @statements = calls_of($person, @writes);
	my $differ = '';

	for my $i (0 .. $#statements)
	{
		my $there = sqlstate($node, $cells[ $person->[2] ], $statements[$i], user => 'app_server');
		my $here = sqlstate($node, 'proxy', $statements[$i]);
		$differ .= "$writes[$i][2]: $here through the proxy, $there in the cell\n" if $here ne $there;
	}
	is($differ, '', "$person->[0], of cell $person->[2]: each write ends as in the cell");
}

# What is about nobody.
my @others = map { $_->[3] } grep { $_->[0] eq 'any' } @calls;
is(differences(said('proxy', @others), said('cell1', @others)), '', 'the catalogue is read in any cell');
my @home = map { $_->[3] } grep { $_->[0] eq 'home' && $_->[1] ne 'v' } @calls;
is(differences(said('proxy', @home), said('cell0', @home)), '', 'what is of organisations is asked on home');

# The proxy's directory lags behind: the cell says where the person lives, and nobody's answer is empty.
query($node, 'proxy', "UPDATE coursebase.people SET cell = 1 - cell WHERE user_id = '$people[0][1]'");
is(sqlstate($node, 'proxy', "SELECT coursebase.has_course_access('$course', '$people[0][1]')"), 'KBC01', 'a misroute is refused through the proxy as well');

done_testing();
