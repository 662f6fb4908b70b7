# Two people of whom one brought the other, while either moves, both move, one becomes the other, or the store tells something of
# one: nobody waits in a ring, each referral is told of in one way and each credit is there once.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use IPC::Run;
use Load;
use Test::More;

my $rounds = 8 * ($ENV{COURSEBASE_LOAD} // 1);
my $node = load_node('pairs');
create_extension($node, 'app');
query($node, 'app', 'SELECT coursebase.set_cell(0, 2)');

# In each round a chain: 1 brought 2, who brought 3, who brought 4, and each of the three earned for it; 5 is alone. Their ids are
# in another order in each round, because locks are taken in the order of ids.
sub id
{
	my ($round, $n) = @_;
	return sprintf '00000000-0000-4000-8000-%04d%04d%04d', $round, ($n * (1 + $round % 5) * 7 + $round) % 97, $n;
}
sub event
{
	my ($who, $type, $at, $what) = @_;
	return qq{SELECT * FROM coursebase.apply_subscription_event('$who', '{"store": "stripe", "environment": "production", "event_time": "$at",
		"original_transaction_id": "line $who", "store_event_id": "$what $who", "event_type": "$type", "period_end": "2024-03-01T00:00:00Z"}', '$at')};
}
for my $round (1 .. $rounds)
{
	query($node, 'app', join ";\n", (map { sprintf "SELECT coursebase.upsert_user('%d of %d', 'N', user_id => '%s')", $_, $round, id($round, $_) } 1 .. 5),
		(map { sprintf "SELECT coursebase.attach_referral('%s', (SELECT referral_code FROM coursebase.user_profile WHERE user_id = '%s'))", id($round, $_ + 1), id($round, $_) } 1 .. 3),
		map { event(id($round, $_), 'created', '2024-01-01T00:00:00Z', 'begin') . ' \g /dev/null' . "\n" } 2 .. 4);
}
my $credits = 'SELECT count(*), sum(amount_in_cents) FROM coursebase.referral_credits';
is(query($node, 'app', $credits), 3 * $rounds . '|' . 300 * $rounds, 'who brought somebody has earned');

# A program that moves people begins again while it is told to wait, and gives up whom it is told to be another's account. It moves
# them back into this cell, which home is, so that all of it is seen in one database.
query($node, 'app', <<~'SQL');
	CREATE PROCEDURE public.move(who uuid) LANGUAGE plpgsql AS $$
	DECLARE
	    document json;
	BEGIN
	    FOR i IN 1 .. 18000 LOOP
	        BEGIN
	            document := coursebase.take_person(who);
	        EXCEPTION
	            WHEN SQLSTATE 'KBC21' THEN document := NULL;
	            WHEN SQLSTATE 'KB106' THEN RETURN;
	        END;
	        COMMIT;
	        EXIT WHEN document IS NOT NULL;
	        PERFORM pg_sleep(0.01);
	    END LOOP;
	    PERFORM coursebase.move_person(document, 0);
	    COMMIT;
	    PERFORM coursebase.put_person(document);
	    COMMIT;
	END $$;
	-- Who merges begins again while one of the two is on the way.
	CREATE PROCEDURE public.merge(keep uuid, gone uuid) LANGUAGE plpgsql AS $$
	BEGIN
	    FOR i IN 1 .. 18000 LOOP
	        BEGIN
	            PERFORM coursebase.merge_users(keep, gone);
	            RETURN;
	        EXCEPTION WHEN SQLSTATE 'KBC21' OR SQLSTATE '23503' THEN NULL;
	        END;
	        COMMIT;
	        PERFORM pg_sleep(0.01);
	    END LOOP;
	END $$;
	SQL
sub begin
{
	my ($name, @statements) = @_;
	my $session = { name => $name, in => join("\n", '\set VERBOSITY sqlstate', 'SET client_min_messages = error;', map { "$_;" } @statements) . "\n", err => '' };
	local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port);
	$session->{process} = IPC::Run::start([ 'psql', '-XAtq', '-d', 'app' ], '<', \$session->{in}, '>', \my $nothing, '2>', \$session->{err});
	return $session;
}
# One session for each, over all rounds; the two that merge do it in the middle of a round, and in every second round until it is done.
my @sessions = (
	(map { my $n = $_; begin("moves $n", map { sprintf "CALL public.move('%s')", id($_, $n) } 1 .. $rounds) } 1 .. 4),
	begin('merges', map { sprintf $_ % 2 ? "SELECT pg_sleep(0.01); CALL public.merge('%s', '%s')" : "SELECT pg_sleep(0.01); SELECT coursebase.merge_users('%2\$s', '%1\$s')", id($_, 1), id($_, 2) } 1 .. $rounds),
	begin('merges others', map { my ($keep, $gone) = $_ % 2 ? (5, 3) : (3, 5); sprintf "SELECT pg_sleep(0.01); SELECT coursebase.merge_users('%s', '%s')", id($_, $keep), id($_, $gone) } 1 .. $rounds),
	(map { my $n = $_; begin("store $n", map { (event(id($_, $n), 'renewed', '2024-02-01T00:00:00Z', 'renew'), event(id($_, $n), 'revoked', '2024-02-02T00:00:00Z', 'refund')) } 1 .. $rounds) } 3, 4),
	begin('attaches', map { sprintf "SELECT coursebase.attach_referral('%s', (SELECT referral_code FROM coursebase.user_profile WHERE user_id = '%s'))", id($_, 5), id($_, 4) } 1 .. $rounds),
	begin('spends', map { my $round = $_; map { sprintf "SELECT coursebase.spend_referral_credit('%s', 10, 'order %d', '2024-01-20')", id($round, $_), $round } 1 .. 3 } 1 .. $rounds));
my %states;
for my $session (@sessions)
{
	$session->{process}->finish;
	$states{"$session->{name}: $1"}++ while $session->{err} =~ /^(?:psql:.*)?ERROR:  (\w{5})/mg;
}
note(join ', ', map { "$_ $states{$_}" } sort keys %states);
# Refused is who moves in that moment (a row that was waited for is gone then: 23503), who is another's account by then, and what is no more to be had.
is(join(', ', grep { !/: (?:KBC21|KB106|KB40[12]|KB6\d\d|23503)$/ } sort keys %states), '', 'nothing ends in another error');
no_deadlock($node, 'app', 'no deadlock');

# Everybody is back, and merged where the sessions came too early.
query($node, 'app', sprintf "CALL public.move('%s')", $_) for split /\n/, query($node, 'app', 'SELECT user_id FROM coursebase.moving_people WHERE document IS NOT NULL');
is(query($node, 'app', 'SELECT (SELECT count(*) FROM coursebase.users), (SELECT count(*) FROM coursebase.moving_people)'), 5 * $rounds . '|0', 'everybody is there');
is(query($node, 'app', 'SELECT * FROM coursebase.check_integrity()'), '', 'check_integrity() finds nothing');
is(query($node, 'app', $credits), 3 * $rounds . '|' . 300 * $rounds, 'no credit is lost or doubled');
# Who is told to be brought is so in one way, unless the two are one person by now; and that one is not paid for it.
my $kept = sub { my ($n) = @_; return "(SELECT coalesce(u.merged_into, u.id) FROM coursebase.users u WHERE u.clerk_user_id = '$n of ' || r)" };
my $told = join ' UNION ALL ', map { my ($up, $down) = ($kept->($_), $kept->($_ + 1)); <<~"SQL" } 1 .. 3;
	SELECT r, $_ AS pair, (SELECT count(*) FROM coursebase.user_profile p WHERE p.user_id = $down AND p.referred_by = $up)
	    + (SELECT count(*) FROM coursebase.referral_deliveries d JOIN coursebase.users u ON u.id = d.referrer_id
	       WHERE d.user_id = $down AND coalesce(u.merged_into, u.id) = $up) AS ways, $up = $down AS one
	FROM generate_series(1, $rounds) r
	SQL
is(query($node, 'app', "SELECT r, pair, ways FROM ($told) t WHERE ways <> 1 AND NOT one ORDER BY 1, 2"), '', 'each referral is told of in one way');
cmp_ok(query($node, 'app', "SELECT count(*) FROM ($told) t WHERE one"), '>', 0, 'some became one person');
my $own = <<~'SQL';
	SELECT count(*) FROM coursebase.referral_credits c JOIN coursebase.users u ON u.id = coalesce(c.referred_user_id, c.referred_elsewhere)
	JOIN coursebase.users k ON k.id = c.user_id
	WHERE coalesce(u.merged_into, u.id) = coalesce(k.merged_into, k.id) AND c.revoked_at IS NULL
	SQL
is(query($node, 'app', $own), 0, 'who is not paid for bringing oneself');

# One after the other: the referral became one of two cells by a move, before the two accounts became one. What is told later
# of the own credit, here the refund of the premium and its reversal, pays nothing either.
for my $keep (1, 2)
{
	my @two = map { sprintf '00000000-0000-4000-8000-99990000%02d%02d', $keep, $_ } 1, 2;
	query($node, 'app', join ";\n", (map { "SELECT coursebase.upsert_user('$_', 'N', user_id => '$_')" } @two), "SELECT coursebase.attach_referral('$two[1]', (SELECT referral_code FROM coursebase.user_profile WHERE user_id = '$two[0]'))",
		event($two[1], 'created', '2024-01-01T00:00:00Z', 'begin'), "CALL public.move('$two[1]')", "SELECT coursebase.merge_users('$two[$keep - 1]', '$two[2 - $keep]')",
		event($two[$keep - 1], 'revoked', '2024-01-02T00:00:00Z', 'refund'), event($two[$keep - 1], 'unrevoked', '2024-01-03T00:00:00Z', 'reverse'));
	is(query($node, 'app', $own), 0, "nor one after the other, $keep kept");
	my $state = "referred, version, 100, 'USD', '2024-01-01', '2024-01-15', NULL, NULL) FROM coursebase.referral_deliveries WHERE referred = '$two[1]'";
	is(query($node, 'app', "SELECT coursebase.receive_referral(referrer_id, $state") . query($node, 'app', $own), 'f0', 'and what is delivered later is no news');
}
is(query($node, 'app', 'SELECT * FROM coursebase.check_integrity()'), '', 'check_integrity() finds nothing');

done_testing();
