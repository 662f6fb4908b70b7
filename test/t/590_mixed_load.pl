# Many sessions do everything at once for the same few people, at each isolation level: sales, refunds, events, credits,
# discounts, referrals, documents, handshakes, organisations' courses. Nobody waits for somebody who waits, every sum is
# right afterwards, and check_integrity() finds nothing. Serialization failures are tried again, as an application must.
#
# 12 sessions of 50 acts a level; with COURSEBASE_LOAD above 1 the long form: 64 sessions of 400.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use Load;
use PostgreSQL::Test::Utils;
use Test::More;

my ($sessions, $acts) = ($ENV{COURSEBASE_LOAD} // 1) > 1 ? (64, 400) : (12, 50);

my $node = load_node('mixed_load');

# What is tried again is the next act: a number is used once.
my $script = pgbench_script('act', <<~SQL);
	\\set turn :turn + 1
	\\set n :turn * $sessions + :client_id
	SELECT public.act(:n);
	SQL

at_each_level($node, slurp_file("$FindBin::RealBin/lib/mixed_load.sql"), sub {
	my ($name, $level) = @_;

	many_ok($node, $name, "$sessions sessions do $acts acts each, $level",
		level => $level, sessions => $sessions, turns => $acts, define => [ 'turn=0' ], scripts => [$script]);
	my $done = query($node, $name, "SELECT string_agg(format('%s %s', what, n), ', ' ORDER BY what) FROM (
		SELECT what, count(*) AS n FROM public.done GROUP BY what) t");
	note("$level: $done");
	is(query($node, $name, 'SELECT count(DISTINCT what) < 15 FROM public.done'), 'f', "$level: of every kind some were done")
	  or diag($done);
	is(query($node, $name, 'SELECT * FROM public.wrong_sums'), '', "$level: the sums are right");
});
ok(slurp_file($node->logfile) !~ /deadlock detected/, 'nor was one met by anybody');

$node->stop;
done_testing();
