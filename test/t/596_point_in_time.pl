# Recovery to a moment within a load (a name, a time, a transaction): everything that was confirmed before is there and
# nothing of later, every sum is right, check_integrity() finds nothing, and a consumer of events is where it was then. The
# numbers of events that are lost are given to others, as the guide says.
use strict;
use warnings FATAL => 'all';
use Cwd qw(abs_path);
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $sessions = ($ENV{COURSEBASE_LOAD} // 1) > 1 ? 12 : 3;
my $acts     = 20000;                                         # of a session, until enough is done

my $node = node('load');
my $dir  = abs_path(PostgreSQL::Test::Utils::tempdir());
$node->append_conf('postgresql.conf', "max_wal_senders = 5\narchive_mode = on\narchive_command = 'cp \"%p\" \"$dir/%f\"'");
$node->restart;
create_extension($node, 'app');
query($node, 'app', slurp_file("$FindBin::RealBin/lib/mixed_load.sql"));
query($node, 'app', "UPDATE coursebase.settings SET value = 'true' WHERE name = 'events_out'; CREATE TABLE public.acts_told (moment text, n bigint); CREATE TABLE public.acknowledged (moment text, id bigint)");
$node->backup('base');

my @running = map {
	my $first = $_ * $acts;

	append_to_file("$dir/acts-$_.sql", join '', map { "SELECT public.act($_) WHERE to_regclass('public.enough') IS NULL;\n" } $first .. $first + $acts - 1);
	IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('app'), '-f', "$dir/acts-$_.sql" ], '<', \undef, '>', "$dir/told-$_", '2>', "$dir/errors-$_");
} 0 .. $sessions - 1;

# Each moment lies behind what its rows say was done and acknowledged; what is acknowledged afterwards is given again.
sub acknowledge
{
	my ($moment) = @_;

	query($node, 'app', "INSERT INTO public.acknowledged SELECT '$moment', id FROM coursebase.take_events('crm', 1000)");
	query($node, 'app', "SELECT coursebase.acknowledge_events('crm', ARRAY(SELECT id FROM public.acknowledged WHERE moment = '$moment'))");
	return;
}
my %target;
for my $moment (qw(name time xid))
{
	wait_until("acts before the $moment", sub { query($node, 'app', 'SELECT count(*) FROM public.done WHERE n NOT IN (SELECT t.n FROM public.acts_told t)') >= $sessions * 4 });
	acknowledge($moment);
	my $xid = query($node, 'app', "WITH told AS (INSERT INTO public.acts_told SELECT '$moment', n FROM public.done RETURNING 1) SELECT pg_current_xact_id() FROM told LIMIT 1");
	$target{$moment} = $moment eq 'xid' ? $xid : $moment eq 'time' ? query($node, 'app', 'SELECT clock_timestamp()') : 'between';
	query($node, 'app', "SELECT pg_create_restore_point('between')") if $moment eq 'name';
	# so that a transaction ends behind a time
	query($node, 'app', 'CREATE TABLE public.after_' . $moment . ' ()');
}
# A sequence goes on from up to 32 numbers ahead.
my $known = query($node, 'app', 'SELECT max(id) FROM coursebase.access_events');
wait_until('events that are lost', sub { query($node, 'app', 'SELECT max(id) FROM coursebase.access_events') > $known + 100 });
query($node, 'app', 'CREATE TABLE public.enough ()');
$_->finish for @running;
is(join('', map { slurp_file("$dir/errors-$_") } 0 .. $sessions - 1), '', 'no session failed');
acknowledge('end');
my ($done, $last) = split /\|/, query($node, 'app', 'SELECT (SELECT count(*) FROM public.done), (SELECT max(id) FROM coursebase.access_events)');
query($node, 'app', 'SELECT pg_switch_wal()');
$node->stop;

for my $moment (qw(name time xid))
{
	my $then = PostgreSQL::Test::Cluster->new("to_$moment");
	$then->init_from_backup($node, 'base', has_restoring => 1, standby => 0);
	$then->append_conf('postgresql.conf', "archive_mode = off\nrestore_command = 'cp \"$dir/%f\" \"%p\"'\nrecovery_target_$moment = '$target{$moment}'\nrecovery_target_action = promote");
	$then->start;
	$then->poll_query_until('app', 'SELECT NOT pg_is_in_recovery()');
	is(query($then, 'app', "SELECT count(*) FROM public.acts_told WHERE moment = '$moment' AND n NOT IN (SELECT d.n FROM public.done d)"), '0', "$moment: what was done is there");
	cmp_ok(query($then, 'app', 'SELECT count(*) FROM public.done'), '<', $done, 'and what came later is not');
	is(query($then, 'app', "SELECT to_regclass('public.after_$moment')"), '', 'nor the table of right behind it');
	is(query($then, 'app', 'SELECT * FROM public.wrong_sums') . query($then, 'app', 'SELECT rule FROM coursebase.lint() UNION ALL SELECT check_name FROM coursebase.check_integrity() AS t (check_name)'), '', 'the sums are right, and nothing is found');
	is(query($then, 'app', "SELECT count(*) FROM coursebase.take_events('crm', 1000) t JOIN public.acknowledged a USING (id)"), '0', 'what was acknowledged before is not given again');
	is(query($then, 'app', <<~'SQL'), '0', 'and everything else is');
		SELECT count(*) FROM coursebase.access_events e WHERE e.id NOT IN (SELECT a.id FROM public.acknowledged a)
		    AND NOT EXISTS (SELECT FROM coursebase.event_claims c WHERE c.event_id = e.id)
		SQL
	my $known = query($then, 'app', 'SELECT max(id) FROM coursebase.access_events');
	query($then, 'app', join '', map { "SELECT public.act($_);\n" } 100_000 .. 100_030);
	is(query($then, 'app', 'SELECT * FROM public.wrong_sums') . query($then, 'app', 'SELECT * FROM coursebase.check_integrity()'), '', 'and so it is after more acts');
	cmp_ok(query($then, 'app', 'SELECT max(id) FROM coursebase.access_events'), '>', $known, 'which told of more');
	cmp_ok(query($then, 'app', "SELECT nextval('coursebase.access_events_id_seq')"), '<=', $last, 'and new events have numbers of lost ones');
	$then->stop;
}
done_testing();
