# The server is killed, or stopped at once, under the mixed load, again and again: what a session was told is done is
# there when the server is back, every sum is right, check_integrity() finds nothing, and neither does amcheck.
#
# COURSEBASE_ROUNDS is how often (2). 12 sessions; with COURSEBASE_LOAD above 1 64. fsync is on.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $rounds   = $ENV{COURSEBASE_ROUNDS} // 2;
my $sessions = ($ENV{COURSEBASE_LOAD} // 1) > 1 ? 64 : 12;
my $acts     = 5000;                                          # more than a session ever gets to
my @levels   = ('read\ committed', 'repeatable\ read', 'serializable');

# Checkpoints come often, so that some crashes meet one.
my $node = node('crash');
$node->append_conf('postgresql.conf', <<~'CONF');
	max_connections = 100
	fsync = on
	full_page_writes = on
	synchronous_commit = on
	max_wal_size = 64MB
	checkpoint_timeout = 30s
	CONF
$node->restart;
is(query($node, 'postgres', 'SHOW fsync'), 'on', 'fsync is on');
create_extension($node, 'crash');
query($node, 'crash', slurp_file("$FindBin::RealBin/lib/mixed_load.sql"));
my $amcheck = query($node, 'crash', "SELECT count(*) FROM pg_available_extensions WHERE name = 'amcheck'");
query($node, 'crash', 'CREATE EXTENSION amcheck') if $amcheck;
diag('amcheck is not installed: heap and indexes are not examined') unless $amcheck;

my $dir = PostgreSQL::Test::Utils::tempdir();
my %ended;

for my $round (1 .. $rounds)
{
	my @running = map { begin($round, $_) } 0 .. $sessions - 1;
	my $how     = $round % 2 ? 'kill -9' : 'immediate stop';

	wait_until('an act is told as done', sub { grep { -s $_->{out} } @running });
	usleep(int rand 800_000);
	$round % 2 ? kill_all() : $node->stop('immediate');
	my @told = map { told($_) } @running;
	$node->start;
	my $told = join ',', @told;
	cmp_ok(scalar @told, '>', 0, "$how, round $round: under load, " . @told . ' acts were told as done');
	is( query($node, 'crash', "SELECT count(*) FROM unnest('{$told}'::bigint[]) AS told (n)
			WHERE NOT EXISTS (SELECT FROM public.done d WHERE d.n = told.n)"), '0', "$how: none of them is lost");
	is(query($node, 'crash', 'SELECT * FROM public.wrong_sums'), '', "$how: the sums are right");
	is(query($node, 'crash', 'SELECT * FROM coursebase.check_integrity()'), '', "$how: nothing for check_integrity");
	is(damage(), '', "$how: nothing for amcheck") if $amcheck;
}
ok(slurp_file($node->logfile) !~ /deadlock detected/, 'no deadlock');

# A session prints the number of an act when the server has said that its transaction is committed.
sub begin
{
	my ($round, $session) = @_;
	my $first = ($round * 100 + $session) * $acts;
	my $script = "$dir/acts-$session.sql";
	my %running = (out => "$dir/told-$round-$session");

	open my $file, '>', $script or die $!;
	print $file "SELECT public.act($_);\n" for $first .. $first + $acts - 1;
	close $file;
	local $ENV{PGOPTIONS} = "-c default_transaction_isolation=$levels[$session % 3]";
	$running{process} = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('crash'), '-f', $script ],
		'<', \undef, '>', $running{out}, '2>', "$dir/errors-$session");
	return \%running;
}

# What a session was told; it ended because it lost the server, not because it had done everything.
sub told
{
	my ($running) = @_;

	$running->{process}->finish;
	die 'a session was through before the crash' if $running->{process}->result(0) == 0;
	return grep { /^\d+$/ } split /\n/, slurp_file($running->{out});
}

# The whole server at once, as when the machine goes; back only when nothing of it is left.
sub kill_all
{
	my $postmaster = (split /\n/, slurp_file($node->data_dir . '/postmaster.pid'))[0];
	my @all = ($postmaster, split ' ', slurp_file("/proc/$postmaster/task/$postmaster/children"));

	kill 'KILL', @all;
	$node->kill9;
	wait_until('the server is gone', sub { !grep { kill 0, $_ } @all });
	return;
}

sub damage
{
	return query($node, 'crash', <<~'SQL');
		SELECT bt_index_check(c.oid, true) FROM pg_class c JOIN pg_am a ON a.oid = c.relam AND a.amname = 'btree'
		WHERE c.relnamespace = 'coursebase'::regnamespace AND c.relkind = 'i' \g /dev/null
		SELECT c.relname, d.* FROM pg_class c, verify_heapam(c.oid) d
		WHERE c.relnamespace = 'coursebase'::regnamespace AND c.relkind = 'r'
		SQL
}

$node->stop;
done_testing();
