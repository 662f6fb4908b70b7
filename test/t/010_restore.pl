# Every way of dumping and restoring gives the same database: rows, sequences, grants, policies, triggers,
# owners, and what the user added to the tables.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = node('restore');
my $dir  = PostgreSQL::Test::Utils::tempdir();

create_extension($node, 'origin');
own_things($node, 'origin');
fixture($node, 'origin');
# three accounts that became one, and one that was closed
query($node, 'origin', <<'SQL');
INSERT INTO coursebase.users (id, clerk_user_id, name, email)
SELECT ('00000000-0000-4000-a000-00000000aa0' || n)::uuid, 'restore_' || n, 'N', 'n@example.org' FROM generate_series(1, 4) n;
INSERT INTO coursebase.user_course_access (user_id, course_id)
VALUES ('00000000-0000-4000-a000-00000000aa02', '00000000-0000-4000-a000-0000000000d1');
SELECT coursebase.merge_users('00000000-0000-4000-a000-00000000aa01', '00000000-0000-4000-a000-00000000aa02');
SELECT coursebase.merge_users('00000000-0000-4000-a000-00000000aa03', '00000000-0000-4000-a000-00000000aa01');
SELECT coursebase.delete_user('00000000-0000-4000-a000-00000000aa04');
SQL
my $origin = fingerprint($node, 'origin');
my @allowed = (env => { PGOPTIONS => '-c coursebase.allow_drop=on' });

# dump NAME, OPTION…: where the dump of origin went.
sub dump_origin
{
	my ($name, @option) = @_;
	client_ok($node, "$name: dump", [ 'pg_dump', @option, '-f', "$dir/$name", 'origin' ]);
	return "$dir/$name";
}

sub psql_restore
{
	my ($name, $database, $file, @option) = @_;
	client_ok($node, "$name: restore",
		[ 'psql', '-Xq', '-o', '/dev/null', '-v', 'ON_ERROR_STOP=1', @option, '-d', $database, '-f', $file ]);
}

# Ways that go through psql.
for my $way (
	[ 'plain', [], [] ],
	[ 'plain in one transaction', [], ['-1'] ],
	[ 'inserts', ['--inserts'], [] ],
	[ 'column inserts with row security', [ '--column-inserts', '--enable-row-security' ], [] ])
{
	my ($name, $dump, $restore) = @$way;
	(my $database = $name) =~ tr/ /_/;

	my $file = dump_origin($name, @$dump);
	create_database($node, $database);
	psql_restore($name, $database, $file, @$restore);
	same_database($node, $database, $origin, "$name: the same database");
}

# Ways that go through pg_restore.
for my $way (
	[ 'custom', ['-Fc'], [ [] ] ],
	[ 'custom in one transaction', ['-Fc'], [ ['-1'] ] ],
	[ 'directory with four jobs', [ '-Fd', '-j4' ], [ ['-j4'] ] ],
	[ 'tar', ['-Ft'], [ [] ] ],
	[ 'sections', ['-Fc'], [ map { ["--section=$_"] } qw(pre-data data post-data) ] ])
{
	my ($name, $dump, $restores) = @$way;
	(my $database = $name) =~ tr/ /_/;

	my $file = dump_origin($name, @$dump);
	create_database($node, $database);
	client_ok($node, "$name: restore @$_", [ 'pg_restore', '--exit-on-error', @$_, '-d', $database, $file ])
	  for @$restores;
	same_database($node, $database, $origin, "$name: the same database");
}

# --clean over a database that holds other rows: refused, and nothing lost, unless dropping is allowed.
for my $way ([ 'plain', [] ], [ 'custom', ['-Fc'] ])
{
	my $name = "clean $way->[0]";
	my $database = "clean_$way->[0]";
	my $custom = @{ $way->[1] } > 0;
	my @clean = ('--clean', '--if-exists');

	my $file = dump_origin($name, @{ $way->[1] }, $custom ? () : @clean);
	create_database($node, $database, 'origin');
	query($node, $database, "UPDATE coursebase.users SET name = 'Another'; DELETE FROM coursebase.app_logs");
	my $before = rows_of($node, $database, 'coursebase');
	my @command = $custom
	  ? ('pg_restore', '--exit-on-error', @clean, '-d', $database, $file)
	  : ('psql', '-Xq', '-o', '/dev/null', '-v', 'ON_ERROR_STOP=1', '-d', $database, '-f', $file);

	my ($ok, undef, $err) = client($node, \@command);
	ok(!$ok && $err =~ /coursebase\.allow_drop/, "$name: refused unless dropping is allowed") || diag($err);
	is(differences($before, rows_of($node, $database, 'coursebase')), '', "$name: refusal loses no row");
	# As the programs are by default: they go on after an error, with what else the dump says.
	my $others = sub { join "\n", grep { !/^rows of coursebase\.app_logs\b/ } split /\n/, shift };
	client($node, [ grep { !/^(?:--exit-on-error|ON_ERROR_STOP=1|-v)$/ } @command ]);
	is(differences($others->($before), $others->(rows_of($node, $database, 'coursebase'))), '', "$name: refusals that nobody heeds write no row twice");
	client_ok($node, "$name: restore", \@command, @allowed);
	same_database($node, $database, $origin, "$name: the same database");
}

# Another superuser restores: tables go to their owner; the extension, which has no OWNER TO, is theirs.
query($node, 'postgres', 'CREATE ROLE other SUPERUSER LOGIN');
my $origin_owner = query($node, 'origin', 'SELECT current_user');
my $one_owner = sub {
	s/\b(?:other|\Q$origin_owner\E)\b/owner/g;
	s/ grants \K(.*)$/join ', ', sort split m{, }, $1/gem;
};
for my $way ([ 'owners', [] ], [ 'no owners', ['--no-owner'] ])
{
	my ($name, $option) = @$way;
	my $title = "another superuser, $name";
	(my $database = "other_$name") =~ tr/ /_/;

	my $file = dump_origin($database, '-Fc');
	create_database($node, $database);
	client_ok($node, "$title: restore",
		[ 'pg_restore', '-U', 'other', '--exit-on-error', @$option, '-d', $database, $file ]);
	same_database($node, $database, $origin, "$title: the same but for owners", level => $one_owner);
	is(query($node, $database, 'SELECT count(*) FROM coursebase.install()', user => 'other'),
		'0', "$title: nothing is missing");
	is( query($node, $database,
			"SELECT DISTINCT relowner::regrole FROM pg_class WHERE relnamespace = 'coursebase'::regnamespace"),
		$name eq 'owners' ? $origin_owner : 'other',
		"$title: all tables have one owner");
}

# A role that may read everything dumps everything; one that row security binds gets an error, never a part.
query($node, 'postgres', <<~'SQL');
	CREATE ROLE backup LOGIN BYPASSRLS IN ROLE pg_read_all_data;
	CREATE ROLE bound LOGIN IN ROLE pg_read_all_data;
	SQL
dump_origin('backup', '-U', 'backup');
create_database($node, 'from_backup');
psql_restore('backup role', 'from_backup', "$dir/backup");
same_database($node, 'from_backup', $origin, 'a backup role dumps the same database');
my ($ok, undef, $err) = client($node, [ 'pg_dump', '-U', 'bound', '-f', "$dir/bound", 'origin' ]);
ok(!$ok && $err =~ /row-level security/, 'a role that row security binds gets an error, not a part')
  || diag($err);

# A restored database lives: the dump guard, install() and the triggers all work.
is(query($node, 'custom', 'SELECT count(*) FROM coursebase.install()'), '0', 'restored: nothing is missing');
is(sqlstate($node, 'custom', 'DROP TABLE coursebase.users CASCADE'), 'KB002', 'restored: the guard refuses');

# Restored twice over: a dump of a restored database is the same again.
my $again = "$dir/again";
client_ok($node, 'again: dump', [ 'pg_dump', '-Fc', '-f', $again, 'directory_with_four_jobs' ]);
create_database($node, 'again');
client_ok($node, 'again: restore', [ 'pg_restore', '--exit-on-error', '-d', 'again', $again ]);
same_database($node, 'again', $origin, 'a dump of a restored database gives the same database');

$node->stop;
done_testing();
