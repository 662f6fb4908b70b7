# Hundreds of random sequences of events, each delivered in order and then shuffled and repeated: the rows are the
# same ones, and so are those that rebuild_subscription() makes.
#
# COURSEBASE_LOAD multiplies the 600 sequences.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use Test::More;

my $sequences = 600 * ($ENV{COURSEBASE_LOAD} // 1);
my $node      = node('subscription_orders');

# A sequence is that of one user: up to 14 events on three lines of two stores, close together in time and with few
# transactions, so that ties, refunds, what comes late, and what is about an earlier or unknown payment are frequent.
my $setup = <<~"SQL";
	CREATE TABLE public.events (sequence integer, n integer, event json);
	SELECT setseed(0.25);
	UPDATE coursebase.settings SET value = '3' WHERE name = 'grace_days_google_play';
	INSERT INTO public.events
	SELECT s, n, json_strip_nulls(json_build_object('store', store, 'environment', CASE WHEN line = 2 THEN 'sandbox' ELSE 'production' END,
	    'store_event_id', format('%s-%s', s, chr(97 + (n * 7) % 26) || n), 'original_transaction_id', format('%s-%s', s, line),
	    'event_type', (ARRAY['created', 'created', 'renewed', 'renewed', 'recovered', 'canceled', 'uncanceled', 'grace_started',
	        'hold_started', 'paused', 'resumed', 'expired', 'revoked', 'revoked', 'unrevoked', 'extended', 'product_changed',
	        'noted'])[1 + floor(random() * 18)::integer],
	    'event_time', timestamptz '2026-01-01 00:00:00+00' + floor(random() * 8) * interval '1 day',
	    'period_end', CASE WHEN random() < 0.8 THEN timestamptz '2026-01-05 00:00:00+00' + floor(random() * 20) * interval '1 day' END,
	    'grace_until', CASE WHEN random() < 0.5 THEN timestamptz '2026-01-05 00:00:00+00' + floor(random() * 20) * interval '1 day' END,
	    'transaction_id', CASE WHEN random() < 0.7 THEN format('%s-t%s', s, floor(random() * 4)) WHEN random() < 0.5 THEN format('%s-u%s', s, n) END,
	    'auto_renew', CASE WHEN random() < 0.2 THEN random() < 0.5 END,
	    'is_trial', CASE WHEN random() < 0.2 THEN true END,
	    'product_id', CASE WHEN random() < 0.3 THEN 'p' || floor(random() * 3) END,
	    'offer_id', CASE WHEN random() < 0.3 THEN 'o' || floor(random() * 3) END,
	    'purchase_token', CASE WHEN random() < 0.3 THEN 'k' || floor(random() * 3) END))
	FROM generate_series(1, $sequences) s,
	    LATERAL (SELECT n, floor(random() * 3 + s * 0)::integer AS line FROM generate_series(1, 3 + s % 12) n) e,
	    LATERAL (SELECT CASE WHEN line = 1 THEN 'app_store' ELSE 'google_play' END AS store) l;
	-- Half of the refunds and reversals have an id, with a sum; half of the payments tell theirs.
	UPDATE public.events e SET event = (e.event::jsonb || jsonb_build_object('refund_ref', 'r' || r.ref, 'refund_kind',
	    (ARRAY['refund', 'refund', 'total', 'dispute'])[1 + r.kind], 'refunded_in_cents', 300 * (1 + r.sum)))::json
	FROM (SELECT sequence, n, floor(random() * 3)::integer AS ref, floor(random() * 4)::integer AS kind, floor(random() * 3)::integer AS sum
	      FROM public.events ORDER BY sequence, n) r
	WHERE (e.sequence, e.n) = (r.sequence, r.n) AND e.event ->> 'event_type' IN ('revoked', 'unrevoked')
	    AND e.event ->> 'transaction_id' IS NOT NULL AND e.n % 2 = 0;
	UPDATE public.events e SET event = (e.event::jsonb || '{"paid_in_cents": 900}')::json
	WHERE e.event ->> 'event_type' IN ('created', 'renewed', 'recovered', 'product_changed') AND e.n % 2 = 1;
	CREATE FUNCTION public.user_of(sequence integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS \$\$
	    SELECT format('00000000-0000-4000-8000-%s', lpad(to_hex(sequence), 12, '0'))::uuid
	\$\$;
	INSERT INTO coursebase.users (id, clerk_user_id, name, email)
	SELECT public.user_of(s), 's' || s, 'Ada', 'ada\@example.org' FROM generate_series(1, $sequences) s;
	SQL
my $rows = <<~'SQL';
	SELECT s.user_id, s.plan, s.status, s.expires_at, s.grace_until, s.auto_renew, s.store, s.environment, s.product_id,
	    s.base_plan_id, s.offer_id, s.purchase_token, s.original_transaction_id
	FROM coursebase.subscriptions s ORDER BY s.user_id;
	SELECT to_jsonb(l) - '{created_at,updated_at}'::text[] FROM coursebase.subscription_lines l
	ORDER BY l.store, l.original_transaction_id;
	SELECT to_jsonb(h) - '{event_id,received_at}'::text[], e.store_event_id
	FROM coursebase.subscription_history h JOIN coursebase.subscription_events e ON e.id = h.event_id
	ORDER BY e.store_event_id;
	SQL

create_extension($node, 'orders');
query($node, 'orders', $setup);
create_database($node, $_, 'orders') for qw(forth back shuffled);

my %order = (
	forth    => q(e.event ->> 'event_time', e.n),
	back     => q(e.event ->> 'event_time' DESC, e.n DESC),
	shuffled => q(random()),
);
my %rows;
for my $name (sort keys %order)
{
	query($node, $name, <<~SQL);
		SELECT count(*) FROM (
		    SELECT coursebase.apply_subscription_event(public.user_of(e.sequence), e.event)
		    FROM (SELECT e.* FROM public.events e, generate_series(1, CASE '$name' WHEN 'shuffled' THEN 2 ELSE 1 END)
		          ORDER BY $order{$name} OFFSET 0) AS e) AS d
		SQL
	$rows{$name} = query($node, $name, $rows);
	is( query($node, $name, 'SELECT count(*) FROM coursebase.subscription_events'),
		query($node, $name, 'SELECT count(*) FROM public.events'),
		"$name: each event is in the log once");
}
ok($rows{back} eq $rows{forth},     "$sequences sequences backwards end in the same rows");
ok($rows{shuffled} eq $rows{forth}, "$sequences sequences shuffled and repeated end in the same rows");

is(query($node, 'shuffled', <<~'SQL'), "0|$sequences", 'rebuild_subscription() makes what is stored');
	SELECT count(*) FILTER (WHERE r.changed), count(*)
	FROM coursebase.subscriptions s, LATERAL coursebase.rebuild_subscription(s.user_id) r
	SQL
is(query($node, 'shuffled', 'SELECT * FROM coursebase.check_billing()'), '', 'check_billing() finds nothing');

# The sequences are not tame: every status is reached, and there are anomalies of each kind.
is(query($node, 'forth', 'SELECT count(DISTINCT status_after) FROM coursebase.subscription_history'), 9, 'every status is reached');
is(query($node, 'forth', 'SELECT count(DISTINCT anomaly) FROM coursebase.subscription_history'), 3, 'and each anomaly');

# Refunds with an id are of parts and of the whole.
is(query($node, 'forth', <<~'SQL'), 't|t', 'refunds of parts change nothing, refunds of the whole do');
	SELECT count(*) FILTER (WHERE h.status_after <> 'revoked' AND h.anomaly IS NULL) > 0, count(*) FILTER (WHERE h.status_before <> 'revoked' AND h.status_after = 'revoked') > 0
	FROM coursebase.subscription_history h JOIN coursebase.subscription_events e ON e.id = h.event_id
	WHERE h.event_type = 'revoked' AND e.payload ->> 'refund_ref' IS NOT NULL
	SQL

# What is about an earlier payment is of each kind, and changes nothing of what holds.
is(query($node, 'forth', <<~'SQL'), 'expired, grace_started, hold_started, recovered, revoked', 'each kind is about an earlier payment');
	SELECT string_agg(DISTINCT event_type, ', ') FROM coursebase.subscription_history
	WHERE anomaly = 'earlier_payment' AND event_type IN ('expired', 'grace_started', 'hold_started', 'recovered', 'revoked')
	SQL
is(query($node, 'forth', <<~'SQL'), 0, 'and ends nothing');
	SELECT count(*) FROM (
	    SELECT h.*, lag(h.expires_at) OVER w AS held FROM (SELECT *, row_number() OVER () AS n FROM coursebase.subscription_history) h
	    JOIN coursebase.subscription_events e ON e.id = h.event_id
	    WINDOW w AS (PARTITION BY e.store, e.original_transaction_id ORDER BY h.n)) AS h
	WHERE h.anomaly = 'earlier_payment' AND (h.status_before, h.held) IS DISTINCT FROM (h.status_after, h.expires_at)
	SQL

# The row of each user is that of the line whose access ends last, computed here from the lines in SQL.
is(query($node, 'shuffled', <<~'SQL'), 0, 'the user\'s row is the line whose access ends last');
	WITH ends AS (
	    SELECT l.*, CASE WHEN l.status IN ('trialing', 'active', 'on_hold', 'paused') THEN l.expires_at
	                     WHEN l.status IN ('canceled', 'in_grace') THEN greatest(l.expires_at, l.grace_until) END AS access_end
	    FROM coursebase.subscription_lines l
	)
	SELECT count(*) FROM coursebase.subscriptions s
	JOIN LATERAL (
	    SELECT e.* FROM ends e WHERE e.user_id = s.user_id
	    ORDER BY (e.access_end IS NOT NULL AND e.environment = 'production') DESC, e.access_end DESC NULLS LAST,
	        e.expires_at DESC NULLS LAST
	    LIMIT 1) AS best ON true
	WHERE (s.status, s.expires_at, s.grace_until) IS DISTINCT FROM (best.status, best.expires_at, best.grace_until)
	    AND NOT EXISTS (SELECT FROM ends x WHERE x.user_id = s.user_id AND (x.store, x.original_transaction_id) <> (best.store, best.original_transaction_id)
	        AND x.access_end IS NOT DISTINCT FROM best.access_end
	        AND (x.access_end IS NOT NULL OR x.expires_at IS NOT DISTINCT FROM best.expires_at))
	SQL

# What was so at an instant does not depend on what came later: a log that ends there gives the same answer.
for my $day (3, 6)
{
	my $until = "timestamptz '2026-01-01 00:00:00+00' + $day * interval '1 day'";
	my $name  = "until_$day";

	create_database($node, $name, 'orders');
	query($node, $name, <<~SQL);
		SELECT count(*) FROM (
		    SELECT coursebase.apply_subscription_event(public.user_of(e.sequence), e.event)
		    FROM (SELECT e.* FROM public.events e WHERE (e.event ->> 'event_time')::timestamptz <= $until
		          ORDER BY random() OFFSET 0) AS e) AS d
		SQL
	my $then = <<~SQL;
		SELECT s FROM generate_series(1, $sequences) s
		WHERE coursebase.has_premium(public.user_of(s), $until) ORDER BY s
		SQL
	my $so = query($node, 'shuffled', $then);
	cmp_ok(scalar(split /\n/, $so), '>', $sequences / 10, "day $day: many have premium then");
	ok($so eq query($node, $name, $then), "day $day: the whole log and one that ends there say the same of then");
}

# An oracle knows only what was paid for and not given back. Each of two lines has payments of six periods of ten days,
# of which some are missing; told early or late, once or twice; some are given back, before, in or after their period,
# and some of these restored. Around them is what must change nothing: notices of earlier and unknown payments, failed
# charges without grace, cancellations. The end of a line is told where no payment of it is given back.
my $people = 300 * ($ENV{COURSEBASE_LOAD} // 1);
create_database($node, 'paid', 'orders');
query($node, 'paid', <<~"SQL");
	TRUNCATE public.events;
	CREATE INDEX ON public.events (sequence);
	SELECT setseed(0.5);
	UPDATE coursebase.settings SET value = NULL WHERE name = 'grace_days_google_play';
	CREATE TABLE public.payments AS
	SELECT s, line, k, begins, begins + interval '10 days' AS ends, stated,
	    CASE WHEN stated THEN begins - interval '6 days' + told * interval '14 days' ELSE begins + told * interval '8 days' END AS told,
	    random() < 0.3 AS given_back, random() < 0.4 AS restored, 1 + random() * 15 AS days, random() * 6 AS more_days
	FROM (SELECT s, line, k, timestamptz '2026-01-01 00:00:00+00' + k * interval '10 days' AS begins, random() < 0.7 AS stated,
	          round(random()::numeric, 2)::double precision AS told
	      FROM generate_series(1, $people) s, generate_series(0, 1) line, generate_series(0, 5) k
	      WHERE random() < 0.75 AND (line = 0 OR s % 3 = 0)) p;
	CREATE TABLE public.returns AS
	SELECT s, line, k, told + days * interval '1 day' AS returned,
	    CASE WHEN restored THEN told + (days + more_days) * interval '1 day' ELSE 'infinity' END AS restored
	FROM public.payments WHERE given_back;
	CREATE FUNCTION public.add(s integer, line integer, type text, instant timestamptz, transaction text, more jsonb DEFAULT '{}')
	RETURNS void LANGUAGE sql AS \$\$
	    INSERT INTO public.events
	    SELECT s, count(*), (jsonb_build_object('store', CASE line WHEN 0 THEN 'app_store' ELSE 'google_play' END, 'environment', 'production',
	        'store_event_id', format('%s-%s-%s', s, line, count(*)), 'original_transaction_id', format('%s-%s', s, line),
	        'event_type', type, 'event_time', instant, 'transaction_id', format('%s-%s', s, transaction)) || more)::json
	    FROM public.events e WHERE e.sequence = s
	\$\$;
	SELECT count(public.add(p.s, p.line, (ARRAY['created', 'renewed', 'recovered'])[1 + floor(random() * 3)::integer], p.told + n * interval '5 hours', 'p' || p.k,
	    jsonb_strip_nulls(jsonb_build_object('period_end', p.ends, 'period_start', CASE WHEN p.stated THEN p.begins END))))
	FROM public.payments p, generate_series(0, 1) n WHERE n = 0 OR p.k % 3 = 0;
	SELECT count(public.add(r.s, r.line, 'revoked', r.returned, 'p' || r.k)) FROM public.returns r;
	SELECT count(public.add(r.s, r.line, 'unrevoked', r.restored, 'p' || r.k)) FROM public.returns r WHERE r.restored < 'infinity';
	SELECT count(public.add(p.s, p.line, t.type, p.told + random() * interval '9 days', 'u' || p.k, t.more))
	FROM public.payments p, (VALUES ('revoked', '{}'::jsonb), ('expired', '{"period_end": "2025-12-01T00:00:00Z"}'),
	    ('grace_started', '{"period_end": "2025-12-01T00:00:00Z"}'), ('hold_started', '{"period_end": "2025-12-01T00:00:00Z"}'),
	    ('noted', '{}'), ('canceled', '{}'), ('uncanceled', '{}')) t (type, more)
	WHERE random() < 0.15;
	SELECT count(public.add(p.s, p.line, 'expired', p.ends + interval '5 seconds', 'p' || p.k, jsonb_build_object('period_end', p.ends)))
	FROM public.payments p WHERE NOT EXISTS (SELECT FROM public.returns r WHERE (r.s, r.line) = (p.s, p.line)) AND random() < 0.5;
	CREATE TABLE public.instants AS
	SELECT DISTINCT e.sequence AS s, t.at + d.apart AS at
	FROM public.events e, LATERAL (VALUES ((e.event ->> 'event_time')::timestamptz), ((e.event ->> 'period_start')::timestamptz),
	    ((e.event ->> 'period_end')::timestamptz)) t (at), (VALUES (interval '0'), (interval '-1 microsecond')) d (apart)
	WHERE t.at > '2025-12-20 00:00:00+00';
	SQL
for my $name (qw(paid_forth paid_back paid_shuffled))
{
	my ($how) = $name =~ /_(.*)/;

	create_database($node, $name, 'paid');
	query($node, $name, <<~SQL);
		SELECT count(*) FROM (
		    SELECT coursebase.apply_subscription_event(public.user_of(e.sequence), e.event)
		    FROM (SELECT e.* FROM public.events e ORDER BY $order{$how} OFFSET 0) AS e) AS d
		SQL
	is(query($node, $name, <<~'SQL'), '', "$name: premium is what was paid for and not given back, at every instant");
		SELECT i.s, i.at, coursebase.has_premium(public.user_of(i.s), i.at) FROM public.instants i
		WHERE coursebase.has_premium(public.user_of(i.s), i.at) <> EXISTS (
		    SELECT FROM public.payments p LEFT JOIN public.returns r USING (s, line, k)
		    WHERE p.s = i.s AND CASE WHEN p.stated THEN p.begins ELSE p.told END <= i.at AND i.at < p.ends
		        AND (r.returned IS NULL OR i.at < r.returned OR r.restored <= i.at))
		ORDER BY i.s, i.at LIMIT 20
		SQL
	is(query($node, $name, <<~'SQL'), 0, "$name: and all rules of the explanation pass exactly then");
		SELECT count(*) FROM public.instants i WHERE i.s % 4 = 0 AND coursebase.has_premium(public.user_of(i.s), i.at) <>
		    (SELECT bool_and(x.passed) FROM coursebase.explain_premium(public.user_of(i.s), i.at) x)
		SQL
	is(query($node, $name, 'SELECT * FROM coursebase.check_billing()'), '', "$name: check_billing() finds nothing");
}
cmp_ok(query($node, 'paid_forth', 'SELECT count(*) FROM public.instants i WHERE coursebase.has_premium(public.user_of(i.s), i.at)'),
	'>', query($node, 'paid_forth', 'SELECT count(*) / 4 FROM public.instants'), 'there is premium at many of the instants');

$node->stop;
done_testing();
