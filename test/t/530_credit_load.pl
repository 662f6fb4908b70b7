# Many sessions spend, reserve and buy for four people at once, at each isolation level: not a credit is spent twice
# or lost, a week begins once, a receipt counts once, and nobody waits for somebody who waits.
#
# COURSEBASE_LOAD multiplies the 20 turns of a session.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use Load;
use Test::More;

my $sessions = 64;
my $turns    = 20 * ($ENV{COURSEBASE_LOAD} // 1);
my $wanted   = $sessions * $turns / 8;             # credits of a person: half of what is asked for, half in the bank

my $node = load_node('credit_load');

# What is refused for want of credits, and what has no reservation to end, is no error here.
my $prepare = <<~SQL;
	UPDATE coursebase.settings SET value = '@{[$wanted / 2]}' WHERE name = 'free_weekly_credits';
	INSERT INTO coursebase.users (id, clerk_user_id, name, email)
	SELECT format('00000000-0000-4000-8000-00000000000%s', n)::uuid, 'load_' || n, 'Ada', 'ada\@example.org' FROM generate_series(0, 3) n;
	CREATE FUNCTION public.try(command text) RETURNS boolean LANGUAGE plpgsql AS \$\$
	BEGIN
	    EXECUTE command;
	    RETURN true;
	EXCEPTION WHEN SQLSTATE 'KB701' OR SQLSTATE 'KB106' THEN
	    RETURN false;
	END \$\$;
	SQL

# Of four turns of a session one reserves two credits and uses one; the others use one, twice with the same key.
my $script = pgbench_script('credits', <<~SQL);
	\\set n :n + 1
	\\set person (:client_id + :n) % 4
	\\set kind :n % 4
	SELECT bank_credits FROM coursebase.grant_credit_pack(('00000000-0000-4000-8000-00000000000' || :person)::uuid, 'pack', @{[$wanted / 2]}, 'app_store', 'production', 'load ' || :person, 't', at => '2026-03-02 10:00+00');
	\\if :kind = 0
	SELECT public.try(format('SELECT coursebase.reserve_credits(%L, 2, %L, %L)', '00000000-0000-4000-8000-00000000000' || :person, format('%s/%s', :client_id, :n), '2026-03-02 10:00+00'));
	SELECT public.try(format('SELECT coursebase.commit_credits(%L, %L, 0.5, %L)', '00000000-0000-4000-8000-00000000000' || :person, format('%s/%s', :client_id, :n), '2026-03-02 10:00+00'));
	\\else
	SELECT public.try(format('SELECT coursebase.consume_credits(%L, 0.5, %L, %L)', '00000000-0000-4000-8000-00000000000' || :person, format('%s/%s', :client_id, :n), '2026-03-02 10:00+00'));
	SELECT public.try(format('SELECT coursebase.consume_credits(%L, 0.5, %L, %L)', '00000000-0000-4000-8000-00000000000' || :person, format('%s/%s', :client_id, :n), '2026-03-02 10:00+00'));
	\\endif
	SQL

at_each_level($node, $prepare, sub {
	my ($name, $level) = @_;

	many_ok($node, $name, "$sessions sessions spend, reserve and buy $turns times each, $level",
		level => $level, sessions => $sessions, turns => $turns, define => [ 'n=0' ], scripts => [$script]);
	# What pgbench tries again after a serialization failure is the next turn: a reservation may wait for its end.
	is(query($node, $name, <<~SQL), "$wanted|$wanted\n" x 3 . "$wanted|$wanted", "$level: what is spent is what there was");
		SELECT coursebase.commit_credits(l.user_id, l.idempotency_key, 1, '2026-03-02 10:00+00') FROM coursebase.credit_log l
		WHERE l.kind = 'reserve' AND NOT EXISTS (SELECT FROM coursebase.credit_log e WHERE e.user_id = l.user_id AND e.idempotency_key = l.idempotency_key
		    AND e.kind = 'commit') \\g /dev/null
		SELECT public.try(format('SELECT coursebase.consume_credits(%L, 1, %L, %L)', u.id, 'rest ' || n, '2026-03-02 10:00+00'))
		FROM coursebase.users u, generate_series(1, 2 * $sessions) n \\g /dev/null
		SELECT a.weekly_used_credits + a.bank_used_credits, sum(l.credits) FILTER (WHERE l.kind IN ('consume', 'commit'))
		FROM coursebase.ai_usage a JOIN coursebase.credit_log l USING (user_id) GROUP BY a.user_id ORDER BY a.user_id
		SQL
	is(query($node, $name, "SELECT kind, count(*) FROM coursebase.credit_log WHERE kind IN ('start', 'turn', 'raise', 'pack') GROUP BY 1 ORDER BY 1"),
		"pack|4\nstart|4", "$level: every week began once, every receipt counted once");
});

$node->stop;
done_testing();
