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
use PostgreSQL::Test::Utils;
use Test::More;

my ($sessions, $acts) = ($ENV{COURSEBASE_LOAD} // 1) > 1 ? (64, 400) : (12, 50);

my $node = node('mixed_load');
$node->append_conf('postgresql.conf', 'max_connections = 100');
$node->restart;

# What is tried again is the next act: a number is used once.
my $script = PostgreSQL::Test::Utils::tempdir() . '/act.sql';
append_to_file($script, <<~SQL);
	\\set turn :turn + 1
	\\set n :turn * $sessions + :client_id
	SELECT public.act(:n);
	SQL

for my $level ('read committed', 'repeatable read', 'serializable')
{
	my $name = create_extension($node, $level =~ s/ /_/r);

	query($node, $name, slurp_file("$FindBin::RealBin/lib/mixed_load.sql"));
	my ($ok, $out, $err) = client($node,
		[ 'pgbench', '-n', '-c', $sessions, '-j', 2, '-t', $acts, '--max-tries=10000', '-D', 'turn=0', '-f', $script, $name ],
		env => { PGOPTIONS => '-c default_transaction_isolation=' . $level =~ s/ /\\ /r });
	ok($ok && $err !~ /error/i, "$sessions sessions do $acts acts each, $level") or diag("$out$err");
	my $done = query($node, $name, "SELECT string_agg(format('%s %s', what, n), ', ' ORDER BY what) FROM (
		SELECT what, count(*) AS n FROM public.done GROUP BY what) t");
	note("$level: $done");
	is(query($node, $name, 'SELECT count(DISTINCT what) < 15 FROM public.done'), 'f', "$level: of every kind some were done")
	  or diag($done);
	is(query($node, $name, 'SELECT * FROM public.wrong_sums'), '', "$level: the sums are right");
	is(query($node, $name, 'SELECT * FROM coursebase.check_integrity()'), '', "$level: nothing for check_integrity");
	is(query($node, $name, "SELECT deadlocks FROM pg_stat_database WHERE datname = '$name'"), '0', "$level: no deadlock");
}
ok(slurp_file($node->logfile) !~ /deadlock detected/, 'nor was one met by anybody');

$node->stop;
done_testing();
