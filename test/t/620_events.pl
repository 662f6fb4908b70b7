# Events under load: sessions that change who may use what, workers that take what is told of it and forget some of it,
# and a server that is stopped at once between taking and acknowledging. Every consumer sees every event, of each person
# in order; the last word on a person and course is what is so; what was rolled back was never told. A dump that is
# restored into a server with a shorter history is taken up where each consumer was.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my $load     = $ENV{COURSEBASE_LOAD} // 1;
my $sessions = 0;
my $dir      = PostgreSQL::Test::Utils::tempdir();
my $node     = node('events');

create_extension($node, 'events');
query($node, 'events', slurp_file("$FindBin::RealBin/lib/events_load.sql"));

# Two rounds, a stop at once in the first.
for my $round (1, 2)
{
	my @acting = map { session(acts($round, $_)) } 1 .. 6;
	my @working = map { session("CALL public.work('$_', 1000000, '150 milliseconds');") } qw(crm crm crm mail);

	if ($round == 1)
	{
		# A batch that is in hand for longer than the stop lasts, however fast or slow the machine is.
		$node->poll_query_until('events', "SELECT count(*) > 0 FROM coursebase.take_events('crm', 3, '1 hour')") or die 'nothing is told';
		$node->stop('immediate');
		$_->finish for @acting, @working;
		$node->start;
		cmp_ok(query($node, 'events', 'SELECT count(*) FROM coursebase.event_claims WHERE claimed_until IS NOT NULL'),
			'>', 0, 'some events were taken and not acknowledged when the server stopped');
		next;
	}
	$_->finish for @acting;
	$_->signal('INT'), $_->finish for @working;
}
# Every claim of before has lapsed, and nobody forgets. Whoever still writes, be it autovacuum, would hold events back.
query($node, 'events', <<~'SQL') for 1 .. 3;
	DO $$
	BEGIN
	    WHILE EXISTS (SELECT FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid()) LOOP
	        PERFORM pg_sleep(0.05), pg_stat_clear_snapshot();
	    END LOOP;
	END $$;
	UPDATE coursebase.event_claims SET claimed_until = '-infinity' WHERE claimed_until IS NOT NULL;
	CREATE OR REPLACE PROCEDURE public.drain(of_consumer text) LANGUAGE plpgsql AS $$
	DECLARE taken bigint[];
	BEGIN
	    LOOP
	        SELECT array_agg(t.id) INTO taken FROM coursebase.take_events(of_consumer, 100) t;
	        EXIT WHEN taken IS NULL;
	        INSERT INTO public.seen (consumer, event, attempt) SELECT of_consumer, id, 0 FROM unnest(taken) WITH ORDINALITY AS t (id, o) ORDER BY o;
	        PERFORM coursebase.acknowledge_events(of_consumer, taken);
	        COMMIT;
	    END LOOP;
	END $$;
	CALL public.drain('crm');
	CALL public.drain('mail');
	SQL
my ($events, $again) = split /\|/, query($node, 'events',
	'SELECT (SELECT count(*) FROM coursebase.access_events), (SELECT count(*) FROM public.seen WHERE attempt > 1)');
cmp_ok($events, '>', 200, "$events events were told");
cmp_ok($again, '>', 2, "$again were given again");
is(query($node, 'events', 'SELECT * FROM public.faults LIMIT 20'), '', 'each is seen, in order, and true');
is(query($node, 'events', 'SELECT count(*) FROM coursebase.event_claims'), '0', 'no claim is left');
is(query($node, 'events', 'SELECT * FROM coursebase.check_integrity()'), '', 'nothing for check_integrity');
ok(slurp_file($node->logfile) !~ /deadlock detected/, 'no deadlock');

# One notice a transaction, where it is wanted.
my $listening = <<~'SQL';
	LISTEN coursebase;
	UPDATE coursebase.settings SET value = '%s' WHERE name = 'events_notify';
	INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES ('00000000-0000-4000-8000-0000000060%s', 'notice_%s', '', '');
	INSERT INTO coursebase.user_course_access (user_id, course_id) SELECT '00000000-0000-4000-8000-0000000060%s', id FROM coursebase.courses;
	SQL
for my $case ([ 'true', 1, 'f1' ], [ 'false', 0, 'f2' ])
{
	my ($wanted, $notices, $who) = @$case;
	my $out = query($node, 'events', sprintf($listening, $wanted, $who, $who, $who));

	is(() = $out =~ /Asynchronous notification "coursebase"/g, $notices, "events_notify $wanted: $notices notice");
}

# What a savepoint undoes counts for nothing after it.
my $undone = query($node, 'events', "UPDATE coursebase.settings SET value = 'true' WHERE name = 'events_notify';" . sprintf(<<~'SQL', ('f3') x 4));
	LISTEN coursebase;
	BEGIN;
	INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES ('00000000-0000-4000-8000-0000000060%s', 'notice_%s', '', '');
	SAVEPOINT quiet;
	UPDATE coursebase.settings SET value = 'false' WHERE name = 'events_notify';
	INSERT INTO coursebase.user_course_access (user_id, course_id) SELECT '00000000-0000-4000-8000-0000000060%s', id FROM coursebase.courses;
	ROLLBACK TO quiet;
	INSERT INTO coursebase.user_course_access (user_id, course_id) SELECT '00000000-0000-4000-8000-0000000060%s', id FROM coursebase.courses;
	COMMIT;
	UPDATE coursebase.settings SET value = 'false' WHERE name = 'events_notify';
	SQL
is(() = $undone =~ /Asynchronous notification "coursebase"/g, 1, 'events_notify is that of after the savepoint');

# Another server, whose transactions have not been counted as far.
query($node, 'events', <<~'SQL');
	DO $$ BEGIN FOR i IN 1 .. 20000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$;
	SQL
query($node, 'events', "INSERT INTO coursebase.user_course_access (user_id, course_id) SELECT id, '00000000-0000-4000-8000-0000000060c3' FROM coursebase.users ON CONFLICT DO NOTHING");
my $left = query($node, 'events', <<~'SQL');
	SELECT coursebase.acknowledge_events('crm', array_agg(id)) FROM coursebase.take_events('crm', 10) \g /dev/null
	SELECT string_agg(id::text, ',' ORDER BY xid, id) FROM coursebase.access_events e WHERE (e.xid, e.id) > (SELECT done_xid, done_id FROM coursebase.event_consumers WHERE name = 'crm')
	SQL
cmp_ok(scalar split(/,/, $left), '>', 3, 'some events are not acknowledged');
my $other = node('other');
create_database($other, 'events');
client_ok($other, 'the dump is restored', [ 'sh', '-c', 'pg_dump -h ' . $node->host . ' -p ' . $node->port . ' -d events | psql -XAtq -v ON_ERROR_STOP=1 -d events' ]);
is(query($other, 'events', 'SELECT bool_or(xid > pg_current_xact_id()) FROM coursebase.access_events'), 't', 'its events are of transactions to come');
my $told = query($other, 'events', <<~'SQL');
	INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES ('00000000-0000-4000-8000-0000000060f9', 'other', '', '');
	INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES ('00000000-0000-4000-8000-0000000060f9', '00000000-0000-4000-8000-0000000060c1');
	SELECT max(id) FROM coursebase.access_events
	SQL
# One that crm has done and mail has in hand has the xid of the transaction that puts them in order.
query($other, 'events', "BEGIN;
	UPDATE coursebase.access_events SET xid = (pg_current_xact_id()::text::bigint + 1)::text::xid8 WHERE id = (SELECT min(i) - 1 FROM unnest(ARRAY[$left]) i);
	INSERT INTO coursebase.event_claims (consumer, xid, event_id, user_id, claimed_until)
	SELECT 'mail', e.xid, e.id, e.user_id, '-infinity' FROM coursebase.access_events e WHERE e.id = (SELECT min(i) - 1 FROM unnest(ARRAY[$left]) i)
	ON CONFLICT (consumer, event_id) DO UPDATE SET xid = excluded.xid, claimed_until = excluded.claimed_until;
	COMMIT");
is(query($other, 'events', "SELECT string_agg(id::text, ',') FROM coursebase.take_events('crm', 1000)"), "$left,$told",
	'crm is given what it had not acknowledged, and then what was told since');
is(query($other, 'events', "SELECT coursebase.acknowledge_events('crm', array_agg(id)) = count(*) FROM coursebase.access_events WHERE id IN ($left, $told)"),
	't', 'acknowledges it');
is(query($other, 'events', "SELECT count(*) FROM coursebase.take_events('crm', 1000)"), '0', 'and is given nothing again');
is(query($other, 'events', 'SELECT * FROM coursebase.check_integrity()'), '', 'nothing for check_integrity there');

sub acts
{
	my ($round, $session) = @_;
	my $first = ($round * 10 + $session) * 100_000;

	return join '', map { "SELECT public.act($_);\n" } $first .. $first + ($round == 1 ? 50_000 : 60 * $load);
}

sub session
{
	my ($script) = @_;
	my $file = "$dir/" . ++$sessions;

	append_to_file($file, $script);
	return IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('events'), '-f', $file ],
		'<', \undef, '>', '/dev/null', '2>', "$file.err");
}

$other->stop;
$node->stop;
done_testing();
