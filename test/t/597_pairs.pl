# No plain statement deadlocks with a function: every plain statement on the rows of every table that a grant or a
# policy allows, by the server role and by each person, against every function that writes. Tables, statements and functions
# are read from the catalogue and from test/tools/memory.calls, so that what is new joins by itself. 16 sessions say random
# acts about the same few people and take them back; a trigger delays each change of a row, so that acts overlap. Nor do
# two transactions of two calls each about one person.
#
# 60 acts a session; with COURSEBASE_LOAD above 1 the long form: 2,000.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use Load;
use PostgreSQL::Test::Utils;
use Test::More;

my $turns = ($ENV{COURSEBASE_LOAD} // 1) > 1 ? 2000 : 60;
my $node  = load_node('pairs');

$node->append_conf('postgresql.conf', "deadlock_timeout = 500ms\nlog_min_messages = warning\nclient_min_messages = error");
$node->restart;
create_extension($node, 'pairs');
fixture($node, 'pairs');
client_ok($node, 'the statements', [ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', 'pairs', '-f', "$FindBin::RealBin/lib/every_write.sql" ]);
query($node, 'pairs', 'CREATE TABLE public.spoken (n integer, name text, call text);' . join '', map { "INSERT INTO public.spoken VALUES ($_);" } spoken());
client_ok($node, 'the acts', [ 'psql', '-XAtq', '-o', '/dev/null', '-v', 'ON_ERROR_STOP=1', '-d', 'pairs', '-f', "$FindBin::RealBin/lib/pairs.sql" ]);
query($node, 'pairs', 'VACUUM ANALYZE');

my %acts = map { my ($kind, @of) = split /\|/; $kind => \@of } split /\n/, query($node, 'pairs', 'SELECT * FROM public.kinds');
my $facts = facts_of(tables($node, 'pairs'));
my $rows  = query($node, 'pairs', $facts);
note("$acts{$_}[2] acts by $_") for sort keys %acts;
cmp_ok($acts{function}[2], '>', 50, 'functions that write were found');
cmp_ok($acts{personal}[2], '>', 25, 'functions about one person');
cmp_ok($acts{statement}[2], '>', 800, 'and statements that change something');
hunt("16 sessions say $turns acts each", $turns, map { random_act(@{ $acts{$_} }) } qw(function statement));
hunt("16 sessions make two calls about one person in one transaction, $turns times each", $turns, random_two(@{ $acts{personal} }));
is(join("\n", rings()), '', 'no two of them waited for each other');

# Two acts that do are noticed.
my @ring = split /\n/, query($node, 'pairs', <<~'SQL');
	INSERT INTO public.acts (kind, what, spoken)
	SELECT 'statement', 'ring ' || n, format('DO %L', format('BEGIN PERFORM FROM coursebase.users WHERE id = %L FOR NO KEY UPDATE; PERFORM pg_sleep(0.01);
	    PERFORM FROM coursebase.users WHERE id = %L FOR NO KEY UPDATE; END', u[n], u[3 - n]))
	FROM (SELECT array_agg(id ORDER BY id) FROM coursebase.users) u (u), generate_series(1, 2) n RETURNING n;
	SQL
# they meet it again and again: a short wait is enough for who does nothing else
$node->append_conf('postgresql.conf', 'deadlock_timeout = 20ms');
$node->reload;
# and whether two sessions meet at all is chance: until they do
for (1 .. 20)
{
	hunt('acts that wait for each other', 3, random_act(@ring));
	last if join("\n", rings()) =~ /ring/;
}
like(join("\n", rings()), qr/ring/, 'are noticed');
is(query($node, 'pairs', $facts), $rows, 'every row is as it was');
is(query($node, 'pairs', 'SELECT * FROM coursebase.check_integrity()'), '', 'and nothing for check_integrity');

$node->stop;
done_testing();

# The script of a session: an act between two numbers.
sub random_act
{
	my ($from, $to) = @_;

	return "\\set n random($from, $to)\nSET pairs.delay = on;\nSELECT public.act(:n);\n";
}

# The same of two acts in one transaction.
sub random_two
{
	my ($from, $to) = @_;

	return "\\set n random($from, $to)\n\\set m random($from, $to)\nSET pairs.delay = on;\nSELECT public.act(:n, :m);\n";
}

sub hunt
{
	my ($name, $times, @scripts) = @_;
	my $n = 0;

	return many_ok($node, 'pairs', $name, sessions => 16, turns => $times,
		scripts => [ map { pgbench_script('hunt' . $n++, $_) } @scripts ]);
}

# The calls as rows: number, function, call. An account is closed here by its owner too.
sub spoken
{
	my $n = 0;

	return map { $n++ . ", '$_->[0]', \$call\$$_->[1]\$call\$" }
	  calls(blocks => 1), [ 'delete_user', "PERFORM coursebase.delete_user('00000000-0000-4000-a000-00000000000a')" ];
}

# What the server says of each deadlock, with the acts that were in it.
sub rings
{
	my %of = split /[\n|]/, query($node, 'pairs', "SELECT n, coalesce(caller || ' ', '') || what FROM public.acts");
	my %seen;

	for my $ring (slurp_file($node->logfile) =~ /deadlock detected\n.*?DETAIL:(.*?)(?:HINT|CONTEXT):/gs)
	{
		$seen{ join ' / ', sort map { join ', ', map { $of{$_} } split /, / } $ring =~ /act\(([\d, ]+)\)/g }++;
	}
	return map { "$seen{$_} times: $_" } sort keys %seen;
}
