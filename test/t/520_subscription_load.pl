# Events delivered 2 to 10 times in any order by 64 sessions, at each isolation level: each has its effect once, and
# the rows are those that one orderly delivery makes.
#
# COURSEBASE_LOAD multiplies the 1,000 events of an isolation level (10 for the ten thousand of the long form).
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use Load;
use Test::More;

my $sessions = 64;
my $users    = 100 * ($ENV{COURSEBASE_LOAD} // 1);
my $each     = 10;                                     # events of a user
my $total    = $users * $each;

my $node = load_node('subscription_load');

# An event is a pure function of its number: user, line, type, time.
my $events = <<~'SQL';
	CREATE TABLE public.deliveries (n integer PRIMARY KEY, event integer NOT NULL, made boolean NOT NULL DEFAULT false);
	CREATE TABLE public.turns (n integer PRIMARY KEY, delivery integer NOT NULL);
	CREATE FUNCTION public.user_of(event integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
	    SELECT format('00000000-0000-4000-8000-%s', lpad(to_hex(event / 10), 12, '0'))::uuid
	$$;
	CREATE FUNCTION public.event_of(event integer) RETURNS json LANGUAGE sql IMMUTABLE AS $$
	    SELECT json_build_object('store', 'stripe', 'environment', 'production', 'store_event_id', 'load-' || event,
	        'original_transaction_id', format('load-%s-%s', event / 10, event % 10 / 7),
	        'transaction_id', format('load-%s-%s', event / 10, hashint4(event) & 3),
	        'event_type', (ARRAY['created', 'renewed', 'canceled', 'grace_started', 'hold_started', 'recovered',
	            'revoked', 'unrevoked', 'expired', 'paused', 'resumed', 'extended'])[1 + (hashint4(event + 1000) & 65535) % 12],
	        'event_time', timestamptz '2026-01-01 00:00:00+00' + (hashint4(event + 2000) & 7) * interval '1 day',
	        'period_end', timestamptz '2026-02-01 00:00:00+00' + (hashint4(event + 3000) & 7) * interval '1 day',
	        'grace_until', timestamptz '2026-02-05 00:00:00+00' + (hashint4(event + 4000) & 7) * interval '1 day')
	$$;
	SQL
my $rows = <<~'SQL';
	SELECT s.user_id, s.plan, s.status, s.expires_at, s.grace_until, s.auto_renew, s.original_transaction_id
	FROM coursebase.subscriptions s ORDER BY s.user_id;
	SELECT l.user_id, l.original_transaction_id, l.status, l.expires_at, l.grace_until, l.before_status, l.transaction_id,
	    l.first_premium_at, l.last_store_event_id
	FROM coursebase.subscription_lines l ORDER BY l.original_transaction_id;
	SELECT h.user_id, h.event_type, h.event_time, h.status_before, h.status_after, h.anomaly
	FROM coursebase.subscription_history h JOIN coursebase.subscription_events e ON e.id = h.event_id
	ORDER BY e.store_event_id;
	SQL

sub database
{
	my ($name) = @_;

	create_extension($node, $name);
	query($node, $name, $events);
	query($node, $name, <<~SQL);
		INSERT INTO coursebase.users (id, clerk_user_id, name, email)
		SELECT public.user_of(n * 10), 'load_' || n, 'Ada', 'ada\@example.org' FROM generate_series(0, $users - 1) n;
		SELECT setseed(0.5);
		INSERT INTO public.deliveries
		SELECT row_number() OVER (ORDER BY random()) - 1, e
		FROM generate_series(0, $total - 1) e, generate_series(1, 2 + (hashint4(e + 5000) & 65535) % 9);
		SQL
	return $name;
}

# In order, each once.
database('orderly');
query($node, 'orderly', <<~SQL);
	SELECT coursebase.apply_subscription_event(public.user_of(e), public.event_of(e))
	FROM generate_series(0, $total - 1) e;
	SQL
my $wanted = query($node, 'orderly', $rows);
is(query($node, 'orderly', 'SELECT count(*) FROM coursebase.subscription_events'), $total, "$total events in order");

# Each session has turns of its own. What pgbench tries again after a serialization failure is the next turn, so that a
# delivery is made when its transaction says so, and passes are run until all are.
my $script = pgbench_script('deliver', <<~SQL);
	\\set turn :turn + 1
	\\set n :client_id + :turn * $sessions
	WITH made AS (UPDATE public.deliveries SET made = true WHERE n = (SELECT delivery FROM public.turns WHERE n = :n) RETURNING event) SELECT coursebase.apply_subscription_event(public.user_of(event), public.event_of(event)) FROM made;
	SQL

# deliver NAME, LEVEL: everything that is still to be delivered, all sessions at once; how much there was.
sub deliver
{
	my ($name, $level) = @_;
	my $waiting = query($node, $name, <<~'SQL');
		TRUNCATE public.turns;
		INSERT INTO public.turns SELECT row_number() OVER (ORDER BY n) - 1, n FROM public.deliveries WHERE NOT made;
		SELECT count(*) FROM public.turns;
		SQL
	return 0 unless $waiting;
	my ($good, $said) = pgbench($node, $name, level => $level, sessions => $sessions, turns => int($waiting / $sessions) + 1,
		define => [ 'turn=-1' ], scripts => [$script]);
	die "pgbench: $said" unless $good;
	return $waiting;
}

for my $level ('read committed', 'repeatable read', 'serializable')
{
	my $name       = database($level =~ s/ /_/r);
	my $deliveries = query($node, $name, 'SELECT count(*) FROM public.deliveries');
	my $passes     = 0;

	$passes++ while $passes < 100 && deliver($name, $level);
	is(query($node, $name, 'SELECT count(*) FROM public.deliveries WHERE made'), $deliveries,
		"$sessions sessions deliver $total events $deliveries times, $level");
	is(query($node, $name, 'SELECT count(*) FROM coursebase.subscription_events'), $total, "$level: every event once");
	ok(query($node, $name, $rows) eq $wanted, "$level: the rows are those of the orderly delivery");
	is(query($node, $name, 'SELECT * FROM coursebase.check_integrity()'), '', "$level: nothing for check_integrity");
	no_deadlock($node, $name, "$level: no deadlock");
}

$node->stop;
done_testing();
