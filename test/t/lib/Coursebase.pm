# Coursebase.pm: what the TAP tests share: servers that find the extension, databases full of rows, and
# fingerprints of databases to compare.
#
# Nothing here names a table: what is in the schema is read from the catalogue, so that a new table joins
# every test by itself. It must only have rows in test/fixtures.
package Coursebase;

use strict;
use warnings FATAL => 'all';
use Cwd qw(abs_path);
use Exporter 'import';
use File::Basename qw(dirname);
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

our @EXPORT = qw(
  node create_database create_extension fixture tables own_things rows_of fingerprint differences
  same_database facts_of restored_apart released client client_ok sqlstate sqlstates query calls
  wait_until compiled
);

my $tree = abs_path(dirname(abs_path(__FILE__)) . '/../../..');

# A running server. test/check says in COURSEBASE_CONF where the extension was staged; without it the
# server takes the one installed in the system.
sub node
{
	my ($name) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(extra => [ '--locale=C', '--encoding=UTF8' ]);
	$node->append_conf('postgresql.conf', "include '$ENV{COURSEBASE_CONF}'") if $ENV{COURSEBASE_CONF};
	$node->append_conf('postgresql.conf', 'wal_level = logical');
	# In the megabyte of PostgreSQL::Test::Cluster every page is read again and again.
	$node->append_conf('postgresql.conf', 'shared_buffers = 32MB');
	# Statements that fail are in the log, with their text; all of them are gigabytes.
	$node->append_conf('postgresql.conf', 'log_statement = none');
	# Room for what many serializable sessions have read, however slow the machine makes them.
	$node->append_conf('postgresql.conf', 'max_pred_locks_per_transaction = 1024');
	$node->start;
	return $node;
}

# create_database NODE, NAME [, TEMPLATE]
sub create_database
{
	my ($node, $name, $template) = @_;

	query($node, 'postgres', "CREATE DATABASE $name TEMPLATE " . ($template // 'template0'));
	return $name;
}

# A database with the extension, and the name for it.
sub create_extension
{
	my ($node, $name, %option) = @_;
	my $version = $option{version} ? " VERSION '$option{version}'" : '';

	create_database($node, $name);
	query($node, $name, "CREATE EXTENSION coursebase$version", user => $option{user});
	return $name;
}

# query NODE, DATABASE, SQL [, user => NAME]: what psql prints; dies when a statement fails.
sub query
{
	my ($node, $database, $sql, %option) = @_;
	my ($ok, $out, $err) = client($node, [ psql_words($database, $option{user}) ], stdin => $sql);

	die "psql on $database: $err\n$sql" unless $ok;
	chomp $out;
	return $out;
}

sub psql_words
{
	my ($database, $user) = @_;
	return ('psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', ($user ? ('-U', $user) : ()), '-d', $database);
}

# compiled NAME: a shared library made of lib/NAME.c, or undef without a compiler.
sub compiled
{
	my ($name) = @_;
	my $library = abs_path(PostgreSQL::Test::Utils::tempdir()) . "/$name.so";
	my ($include) = split /\n/, `pg_config --includedir-server`;
	my @command = ($ENV{CC} // 'gcc', '-shared', '-fPIC', "-I$include", '-o', $library,
		dirname(abs_path(__FILE__)) . "/$name.c", '-ldl');

	return system(@command) == 0 ? $library : undef;
}

# wait_until NAME, CODE: until CODE is true, however slow the machine is; dies when it never is.
sub wait_until
{
	my ($name, $code) = @_;

	for (1 .. 100 * $PostgreSQL::Test::Utils::timeout_default)
	{
		return if $code->();
		usleep(10_000);
	}
	die "never: $name";
}

# client NODE, [COMMAND], stdin => TEXT, env => {…}: (success, output, errors) of a client program.
sub client
{
	my ($node, $command, %option) = @_;
	my ($out, $err) = ('', '');
	my $in = $option{stdin} // '';

	my %inherited = %ENV;
	delete @inherited{qw(PGDATABASE PGUSER)};
	local %ENV = (%inherited, PGHOST => $node->host, PGPORT => $node->port, %{ $option{env} // {} });
	my $ok = IPC::Run::run($command, '<', \$in, '>', \$out, '2>', \$err);
	return ($ok, $out, $err);
}

# The same as a test; what the program said is shown when it fails or complains of an error.
sub client_ok
{
	my ($node, $name, $command, %option) = @_;
	my ($ok, $out, $err) = client($node, $command, %option);

	diag("@$command\n$err") unless $ok;
	return ok($ok && $err !~ /^(?:\S+: )?error:|ERROR:/m, $name) || diag($err);
}

# sqlstates NODE, DATABASE, [STATEMENT…]: the SQLSTATE of each, 00000 for success. Each runs alone in a
# transaction that is rolled back, all in one session.
sub sqlstates
{
	my ($node, $database, $statements, %option) = @_;
	my $script = join '', map { "BEGIN;\n$_;\n\\echo state :SQLSTATE\nROLLBACK;\n" } @$statements;
	my @words = psql_words($database, $option{user});

	@words = map { $_ eq 'ON_ERROR_STOP=1' ? 'ON_ERROR_STOP=0' : $_ } @words;
	my (undef, $out, $err) =
	  client($node, \@words, stdin => $script, env => { PGOPTIONS => $option{options} // '' });
	my @states = $out =~ /^state (\w{5})$/mg;
	die "psql ended early: $err" unless @states == @$statements;
	return @states;
}

sub sqlstate
{
	my ($node, $database, $statement, %option) = @_;
	return (sqlstates($node, $database, [$statement], %option))[0];
}

# The calls of test/tools/memory.calls on the rows of fixture(): [NAME, STATEMENT]…, without the blocks that would hide how
# one ends, unless blocks => 1.
sub calls
{
	my (%option) = @_;
	my %row = (ada => '0a', document => 'e1', purchase => 'e2', link => 'e3');
	my $form = '{"issue": "I cannot fall asleep at night", "goal": "Sleeping within twenty minutes", "feel": "Calm and rested", '
	  . '"why": "For my children", "title": "Sleep again", "scripts": [{"number": 1, "technique": "a"}, {"number": 2, "technique": "b"}, {"number": 3, "technique": "c"}]}';
	my @found;

	open my $in, '<', "$tree/test/tools/memory.calls" or die "memory.calls: $!";
	while (<$in>)
	{
		my ($name, $call) = /^(\w+): (.*)/ or next;
		$call =~ s/:(ada|document|purchase|link)\b/'00000000-0000-4000-a000-0000000000$row{$1}'/g;
		$call =~ s/:at\b/'2026-01-01 13:00+00'/g;
		$call =~ s/:form\b/'$form'/g;
		$call =~ s/^SELECT/PERFORM/;
		$call =~ s/^BEGIN (.*); EXCEPTION WHEN (?:OTHERS|SQLSTATE '\w+') THEN NULL; END$/$1/ unless $option{blocks};
		push @found, [ $name, $call ];
	}
	return @found;
}

# The tables of the schema, whatever they are.
sub tables
{
	my ($node, $database) = @_;
	return split /\n/, query($node, $database, <<~'SQL');
		SELECT relname FROM pg_class
		WHERE relnamespace = 'coursebase'::regnamespace AND relkind IN ('r', 'p')
		ORDER BY relname COLLATE "C";
		SQL
}

# Fills every table with rows, and dies naming a table that has none. Roles belong to the server, so that a
# second database finds them there. One document is stored out of line, one is spelt as no writer would.
sub fixture
{
	my ($node, $database) = @_;

	query($node, $database, <<~'SQL');
		SELECT format('CREATE ROLE %s', role) FROM unnest(ARRAY['fixture_anonymous', 'fixture_end_user', 'fixture_server']) role
		WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) \gexec
		ALTER ROLE fixture_server BYPASSRLS;
		SELECT coursebase.grant_roles('fixture_anonymous', 'fixture_end_user', 'fixture_server');
		SQL
	my ($ok, undef, $err) = client($node, [ psql_words($database), '-f', "$tree/test/fixtures/all.sql" ]);
	die "test/fixtures: $err" unless $ok;
	query($node, $database, <<~'SQL');
		INSERT INTO coursebase.master_manifests (name, content, is_default)
		SELECT 'long.json', json_agg(json_build_object('n', n, 'checksum', md5(n::text))), true FROM generate_series(1, 2000) n;
		INSERT INTO coursebase.master_manifests (name, content, is_default)
		VALUES ('odd.json', E' {"a" : 1.50,  "a": "twice",\r\n\t"e": "\\u00e9"} ', true);
		SQL
	for my $table (tables($node, $database))
	{
		die "table coursebase.$table has no rows: add a fixture for table $table to test/fixtures/<its slice>.sql\n"
		  unless query($node, $database, "SELECT EXISTS (SELECT FROM coursebase.$table)") eq 't';
	}
}

# The versions that were released, oldest first, whose scripts are frozen.
sub released
{
	my @versions = map { m{coursebase--([0-9.]+)\.sql$} } glob "$tree/sql/release/coursebase--*.sql";

	return map { join '.', @$_ } sort { $a->[0] <=> $b->[0] || $a->[1] <=> $b->[1] } map { [ split /\./ ] } @versions;
}

# What a user adds to every table: a column, an index, a policy, grants, a trigger; and a publication, a view,
# default privileges. None of it may be lost, or be in the way.
sub own_things
{
	my ($node, $database) = @_;
	my $script = <<~'SQL';
		SELECT 'CREATE ROLE own_reader' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'own_reader') \gexec
		CREATE TABLE public.own_log (id serial PRIMARY KEY, what text NOT NULL);
		GRANT SELECT ON public.own_log TO own_reader;
		CREATE FUNCTION public.own_note() RETURNS trigger LANGUAGE plpgsql AS
		    'BEGIN INSERT INTO public.own_log (what) VALUES (TG_TABLE_NAME); RETURN NULL; END';
		GRANT USAGE ON SCHEMA coursebase TO own_reader WITH GRANT OPTION;
		ALTER DEFAULT PRIVILEGES IN SCHEMA coursebase GRANT SELECT ON TABLES TO own_reader;
		CREATE VIEW public.own_people WITH (security_invoker) AS SELECT name FROM coursebase.users;
		CREATE PUBLICATION own_publication FOR TABLES IN SCHEMA coursebase;
		SQL

	for my $table (tables($node, $database))
	{
		my $fires = $table eq 'users' ? '' : 'WHEN (false) ';
		$script .= <<~SQL;
			ALTER TABLE coursebase.$table ADD COLUMN own_note text DEFAULT 'mine';
			COMMENT ON COLUMN coursebase.$table.own_note IS 'added by the user';
			CREATE INDEX own_${table}_idx ON coursebase.$table (own_note);
			CREATE POLICY own_select ON coursebase.$table AS RESTRICTIVE FOR SELECT TO own_reader USING (own_note = 'mine');
			GRANT SELECT (own_note), UPDATE (own_note) ON coursebase.$table TO own_reader;
			GRANT SELECT ON coursebase.$table TO own_reader WITH GRANT OPTION;
			CREATE TRIGGER own_note AFTER INSERT ON coursebase.$table
			    FOR EACH ROW ${fires}EXECUTE FUNCTION public.own_note();
			SQL
	}
	query($node, $database, $script);
}

# The lines of the fingerprint that tell of rows, in a schema or in all.
sub rows_of
{
	my ($node, $database, $schema) = @_;
	my $of = defined $schema ? "$schema\\." : '';

	return join "\n", grep { /^(?:rows of|sequence) $of/ } split /\n/, fingerprint($node, $database);
}

sub fingerprint
{
	my ($node, $database) = @_;
	my ($ok, $out, $err) =
	  client($node, [ psql_words($database), '-f', "$tree/test/tools/fingerprint.sql" ]);

	die "fingerprint of $database: $err" unless $ok;
	return $out;
}

# A statement that gives every row of the tables, in an order of its own.
sub facts_of
{
	my (@tables) = @_;

	return join(' UNION ALL ', map { "SELECT '$_', to_jsonb(t)::text FROM coursebase.$_ t" } @tables) . ' ORDER BY 1, 2';
}

# Tests: the rows of the tables, dumped without their tables in each way, go into fresh installations, whose triggers are
# there, as they were. Returns the names of those databases: copy, inserts and custom.
sub restored_apart
{
	my ($node, $origin, @tables) = @_;
	my $dir   = PostgreSQL::Test::Utils::tempdir();
	my $facts = facts_of(@tables);
	my %ways  = (copy => ['-Fp'], inserts => [ '-Fp', '--inserts' ], custom => ['-Fc']);

	for my $name (sort keys %ways)
	{
		create_extension($node, $name);
		client_ok($node, "$name: dump",
			[ 'pg_dump', '--data-only', @{ $ways{$name} }, '-f', "$dir/$name", (map { "--table=coursebase.$_" } @tables), $origin ]);
		client_ok($node, "$name: restore", $name eq 'custom'
			? [ 'pg_restore', '--exit-on-error', '-d', $name, "$dir/$name" ]
			: [ 'psql', '-Xq', '-o', '/dev/null', '-v', 'ON_ERROR_STOP=1', '-d', $name, '-f', "$dir/$name" ]);
		is(query($node, $name, $facts), query($node, $origin, $facts), "$name: the same rows");
		is(query($node, $name, 'SELECT * FROM coursebase.check_integrity()'), '', "$name: nothing for check_integrity");
	}
	return sort keys %ways;
}

# Lines that only one of two fingerprints has, as a diff without context.
sub differences
{
	my ($expected, $found) = @_;
	my %in_expected = map { $_ => 1 } split /\n/, $expected;
	my %in_found    = map { $_ => 1 } split /\n/, $found;

	return join "\n", (map { "- $_" } grep { !$in_found{$_} } sort keys %in_expected),
	  (map { "+ $_" } grep { !$in_expected{$_} } sort keys %in_found);
}

# A test: the database has the expected fingerprint. change => sub gets both texts in $_ to level what may differ.
sub same_database
{
	my ($node, $database, $expected, $name, %option) = @_;
	my $found = fingerprint($node, $database);

	if (my $level = $option{level})
	{
		$level->() for $expected, $found;
	}
	return is(differences($expected, $found), '', $name);
}

1;
