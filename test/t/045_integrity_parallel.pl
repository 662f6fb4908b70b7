# The statements of check_integrity(), of all checks and of one, use parallel workers where the server allows it, and
# find the same with them.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use Test::More;

my $node = node('parallel');
my $eager = "SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;\n";
my $told = "LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; SET auto_explain.log_nested_statements = on; "
  . "SET auto_explain.log_analyze = on; SET auto_explain.log_timing = off; SET auto_explain.log_level = 'notice';\n";

create_extension($node, 'app');
query($node, 'app', <<~'SQL');
	INSERT INTO coursebase.users (id, clerk_user_id, name, email)
	SELECT md5('p' || n)::uuid, 'p' || n, 'n', 'e' FROM generate_series(1, 5000) AS n;
	SET session_replication_role = replica;
	INSERT INTO coursebase.user_profile (user_id, email, referral_code, time_zone)
	SELECT md5('p' || n)::uuid, 'e', 'U' || translate(lpad(n::text, 6, '0'), '01', 'AB'),
	    CASE WHEN n <= 7 THEN 'Nowhere/Land' ELSE 'UTC' END
	FROM generate_series(1, 5000) AS n
	ON CONFLICT (user_id) DO UPDATE SET time_zone = excluded.time_zone, referral_code = excluded.referral_code;
	ANALYZE;
	SQL

my $whole = 'SELECT count(*), count(DISTINCT object) FROM coursebase.check_integrity()';
is(query($node, 'app', $whole), '7|7', 'without workers seven faults are found');
is(query($node, 'app', $eager . $whole), '7|7', 'with workers the same');

SKIP:
{
	my ($loads) = client($node, [ 'psql', '-Xqc', "LOAD 'auto_explain'", '-d', 'app' ]);
	skip('this server has no auto_explain', 2) unless $loads;
	for my $call ('check_integrity()', q(check_integrity('time_zone')))
	{
		my (undef, undef, $err) = client($node, [ 'psql', '-XAtq', '-d', 'app' ],
			stdin => "$eager$told SELECT count(*) FROM coursebase.$call");
		like($err, qr/Workers Planned: [1-9]/, "$call uses workers");
	}
}

$node->stop;
done_testing();
