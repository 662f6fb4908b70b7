# Each line of test/tools/memory.calls does what tests of memory, of standbys, of kept rows and of rings take it for: the
# function that it names runs to its end, or refuses what this test says that it refuses. A call that names what is no
# longer there, or that something else refuses before, would measure nothing and compare one error with the same error.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use Test::More;

# What one server with the rows of test/fixtures never does to the end: the function => the SQLSTATE that says so.
my %refuses = (
	# this server is home itself
	join_home => '55000',
	# the rows are used, spent or given already, and a shop is made in an empty database
	attach_referral => 'KB605', redeem_discount => 'KB601', reserve_discount => 'KB601', spend_referral_credit => 'KB606',
	sample_rows => '23505', sample_shop => '55000',
	# triggers that only refuse
	tg_ai_usage__weekly_limit => 'KB703', tg_any__append_only => 'KB005', tg_any__machine_only => 'KB505', tg_courses__keep_sold => '23503',
	tg_discount_codes__keep_split => 'KB603', tg_memberships__keep_owner => 'KBA01', tg_organizations__currency => 'KBA02',
	tg_payment_transactions__status => 'KBA24', tg_programs__delivery_mode => 'KBA07', tg_workouts__in_use => 'KBA05',
	(map { $_ => 'KB401' } qw(tg_any__keep_columns tg_any__person_stays tg_any__refund_stays tg_course_grants__keep_end
		tg_course_workout_completions__keep_place tg_users__guest tg_users__merged)),
);

my $node = node('calls');
$node->append_conf('postgresql.conf', "track_functions = all\nclient_min_messages = warning");
$node->reload;
create_extension($node, 'app');
fixture($node, 'app');
query($node, 'app', 'CREATE ROLE memory_anonymous; CREATE ROLE memory_user; CREATE ROLE memory_server BYPASSRLS');
query($node, 'app', <<~'SQL');
	-- Says a call, takes back what it did, and tells how it ended and how often the function ran to its end meanwhile.
	-- What earlier transactions counted and the server has not gathered yet is counted with it, and taken off.
	CREATE FUNCTION public.ended(name text) RETURNS bigint LANGUAGE sql AS $$
	    SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_xact_user_functions WHERE schemaname = 'coursebase' AND funcname = name
	$$;
	CREATE FUNCTION public.try(name text, call text, OUT state text, OUT message text, OUT ended bigint) LANGUAGE plpgsql AS $$
	DECLARE before bigint := public.ended(name);
	BEGIN
	    BEGIN
	        EXECUTE format('DO $do$ BEGIN FOR i IN 1 .. 2 LOOP %s; END LOOP; END $do$', call);
	        SET CONSTRAINTS ALL IMMEDIATE;
	        RAISE EXCEPTION USING ERRCODE = 'UNDO1';
	    EXCEPTION WHEN OTHERS THEN
	        GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
	    END;
	    state := CASE state WHEN 'UNDO1' THEN '00000' ELSE state END;
	    ended := public.ended(name) - before;
	END $$;
	SQL

my @calls = calls();
my (%ended, %states, @wrong);
# A session of its own each would load the library and plan everything anew.
my $script = join '', map { "BEGIN;\nSET LOCAL request.jwt.claims = '{\"sub\": \"fixture_ada\"}';\nSELECT * FROM public.try('$_->[0]', \$c\$$_->[1]\$c\$);\nROLLBACK;\n" } @calls;
my @said = split /\n/, query($node, 'app', $script);
is(scalar @said, scalar @calls, 'each call has an answer');

for my $i (0 .. $#calls)
{
	my ($name, $call) = @{ $calls[$i] };
	my ($state, $message, $ended) = $said[$i] =~ /^(\w{5})\|(.*)\|(\d+)$/ or die "try() said $said[$i]\n";

	$ended{$name} += $ended;
	$states{$name}{$state} = 1;
	# a fault of the words: what they name is not there, or not so; 42501 is a refusal of rights
	push @wrong, "$name: $state $message: $call" if $state =~ /^(?:42(?!501)|22P|XX|0A)/;
}
is(join("\n", @wrong), '', 'each call says what the server understands');
is(join("\n", map { "$_: " . join ', ', sort keys %{ $states{$_} } } grep { !$ended{$_} && !($refuses{$_} && $states{$_}{ $refuses{$_} }) } sort keys %ended),
	'', 'each function runs to its end, or refuses as is said here');
is(join(' ', grep { $ended{$_} || !$states{$_} } sort keys %refuses), '', 'and what is said to refuse never ends');

$node->stop;
done_testing();
