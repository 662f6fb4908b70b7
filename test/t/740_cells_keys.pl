# Two cells sell for keys of the whole world: whichever of them claims a key first on home has it, and the other is told so
# and changes nothing. While home is away or too slow a sale ends at once or waits in the inbox, and goes through later, once.
#
# Each kind of key is raced for 20 times; 200 times with COURSEBASE_LOAD above 1.
use strict;
use warnings FATAL => 'all';
use FindBin;
use IO::Socket::INET;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use Load;
use Test::More;

my $turns = ($ENV{COURSEBASE_LOAD} // 1) > 1 ? 200 : 20;
my ($home, $cell) = (load_node('home'), load_node('cell'));
$home->append_conf('postgresql.conf', "max_wal_senders = 10\ntrack_functions = all");
$home->restart;
$cell->append_conf('postgresql.conf', 'max_prepared_transactions = 2');
$cell->restart;
create_extension($home, 'app');
create_extension($cell, 'app');

# A person in each cell.
my %person = (home => '00000000-0000-4000-8000-00000000000a', cell => '00000000-0000-4000-8000-00000000000b');
query($home, 'app', <<~"SQL");
	SELECT coursebase.set_cell(0, 2);
	SELECT coursebase.publish_catalogue();
	-- Home is busy, and answers however long that takes, but where a test says otherwise.
	UPDATE coursebase.settings SET value = 60000 WHERE name = 'home_timeout_ms';
	SELECT coursebase.place_person('cell', 1, '$person{cell}');
	INSERT INTO coursebase.courses (id, title, description) VALUES ('00000000-0000-4000-8000-0000000000c1', 'Course', '');
	BEGIN;
	INSERT INTO coursebase.products (id, name, description, image_url, price_dollars, status)
	VALUES ('00000000-0000-4000-8000-0000000000d1', 'Product', '', '/p.png', 1, 'public');
	INSERT INTO coursebase.course_products (product_id, course_id) VALUES ('00000000-0000-4000-8000-0000000000d1', '00000000-0000-4000-8000-0000000000c1');
	COMMIT;
	INSERT INTO coursebase.store_products (product_id, kind, course_id, credits, price_in_cents, currency)
	VALUES ('pack', 'ai_credits', NULL, 10, 500, 'EUR'), ('course', 'course', '00000000-0000-4000-8000-0000000000c1', NULL, 500, 'EUR'),
	    ('premium', 'subscription', NULL, NULL, 999, 'EUR');
	CREATE ROLE cells LOGIN REPLICATION BYPASSRLS;
	GRANT USAGE ON SCHEMA coursebase TO cells;
	SELECT format('GRANT SELECT ON coursebase.%I TO cells', table_name) FROM coursebase.cell_tables()
	WHERE kind IN ('catalogue', 'directory') \\gexec
	SQL
my $conninfo = sprintf 'host=%s port=%d dbname=app user=cells', $home->host, $home->port;
query($cell, 'app', 'SELECT coursebase.set_cell(1, 2)');
for my $node ($home, $cell)
{
	my $who = $node->name;
	# Home asks nobody, and would win as a rule.
	my $later = $who eq 'home' ? "interval '6 ms'" : "interval '1 ms'";
	query($node, 'app', <<~"SQL");
		SELECT coursebase.upsert_user('$who', '$who', user_id => '$person{$who}');
		CREATE FUNCTION public.receipt(product text, purchase text) RETURNS json LANGUAGE sql AS \$\$
		    SELECT coursebase.validate_purchase('$person{$who}', json_build_object('product_id', product, 'source', 'google_play',
		        'purchase_id', purchase, 'purchase_token', 't', 'transaction_date', '2026-03-02T10:00:00Z', 'period_end', '2026-04-02T10:00:00Z'))
		\$\$;
		CREATE FUNCTION public.told(event text, line text) RETURNS text LANGUAGE sql AS \$\$
		    SELECT status::text FROM coursebase.apply_subscription_event('$person{$who}', json_build_object('store', 'stripe', 'environment', 'production', 'store_event_id', event,
		        'original_transaction_id', line, 'transaction_id', line, 'event_type', 'created', 'event_time', '2026-03-02T10:00:00Z', 'period_end', '2026-04-02T10:00:00Z'))
		\$\$;
		CREATE FUNCTION public.paid(session text, payment text DEFAULT NULL, charge text DEFAULT NULL) RETURNS text LANGUAGE sql AS \$\$
		    SELECT status FROM coursebase.complete_purchase('$person{$who}', '00000000-0000-4000-8000-0000000000d1', session, 100, 'paid',
		        payment_intent_id => payment, charge_id => charge)
		\$\$;
		CREATE FUNCTION public.sell(kind text, n text) RETURNS void LANGUAGE plpgsql AS \$\$
		BEGIN
		    CASE kind
		        WHEN 'purchase' THEN PERFORM public.receipt('pack', n);
		        WHEN 'stripe_session' THEN PERFORM public.paid(n);
		        WHEN 'stripe_payment' THEN PERFORM public.paid('$who p' || n, n);
		        WHEN 'stripe_charge' THEN PERFORM public.paid('$who c' || n, charge => n);
		        WHEN 'store_event' THEN PERFORM public.told(n, '$who' || n);
		        WHEN 'store_line' THEN PERFORM public.told('$who' || n, n);
		    END CASE;
		END
		\$\$;
		-- At a time that both servers know, so that they meet.
		CREATE FUNCTION public.race(kind text, n integer, begun timestamptz) RETURNS text LANGUAGE plpgsql AS \$\$
		BEGIN
		    PERFORM pg_sleep(extract(epoch FROM begun + n * interval '30 ms' + random() * $later - clock_timestamp()));
		    PERFORM public.sell(kind, 'race ' || n);
		    RETURN 'won';
		EXCEPTION WHEN SQLSTATE 'KBC11' THEN
		    RETURN 'lost';
		END
		\$\$;
		CREATE VIEW public.keys AS
		    SELECT 'purchase' AS kind, purchase_id AS n FROM coursebase.ai_credit_purchases
		    UNION ALL SELECT 'stripe_session', stripe_session_id FROM coursebase.purchases
		    UNION ALL SELECT 'stripe_payment', payment_intent_id FROM coursebase.purchases
		    UNION ALL SELECT 'stripe_charge', charge_id FROM coursebase.purchases
		    UNION ALL SELECT 'store_event', store_event_id FROM coursebase.subscription_events
		    UNION ALL SELECT 'store_line', original_transaction_id FROM coursebase.subscription_lines;
		SQL
}
my @kinds = qw(purchase stripe_session stripe_payment stripe_charge store_event store_line);

sub fails
{
	my ($node, $sql, $expected, $name) = @_;
	my (undef, undef, $err) = client($node, [ 'psql', '-XAtq', '-v', 'VERBOSITY=verbose', '-d', 'app', '-c', $sql ]);
	return like($err, $expected, $name);
}

# A cell that has not joined, and one whose role may not.
fails($cell, "SELECT public.told('early', 'early')", qr/KBC12: this cell does not know where home is.*HINT:  Call coursebase.join_home\(\) first/s, 'a cell sells nothing before it has joined');
query($cell, 'app', "SELECT * FROM coursebase.join_home('$conninfo')");
$home->wait_for_catchup('coursebase_home');
fails($cell, "SELECT public.paid('early')", qr/KBC12: home does not answer.*DETAIL:  It answered: permission denied for function claim_world_keys/s, 'nor before its role may claim');
query($home, 'app', 'GRANT EXECUTE ON FUNCTION coursebase.claim_world_keys TO cells');
query($cell, 'app', "SELECT public.paid('early')");
is(query($home, 'app', "SELECT kind, cell, user_id = '$person{cell}' FROM coursebase.world_keys"), 'stripe_session|1|t', 'then home records whose the key is');

# Every kind of key, from both cells at once.
for my $kind (@kinds)
{
	my $begun = query($home, 'app', q{SELECT clock_timestamp() + interval '500 ms'});
	my @out = ('', '');
	my @runs = map { my $n = $_; IPC::Run::start([ 'psql', '-XAtq', '-h', ($home, $cell)[$n]->host, '-p', ($home, $cell)[$n]->port, '-d', 'app' ], '<',
		\(join '', map { "SELECT public.race('$kind', $_, '$begun');\n" } 1 .. $turns), '>', \$out[$n], '2>&1') } 0, 1;
	$_->finish for @runs;
	my @said = map { [ split /\n/ ] } @out;
	is(join(' ', map { join '-', sort $said[0][$_] // '', $said[1][$_] // '' } 0 .. $turns - 1), join(' ', ('lost-won') x $turns), "$kind: one cell wins each of $turns keys")
	  or diag("$out[0]\n$out[1]");
	my $rows = "SELECT n FROM public.keys WHERE kind = '$kind' AND n LIKE 'race %' ORDER BY split_part(n, ' ', 2)::integer";
	my @won = map { my $s = $said[$_]; join "\n", map { "race $_" } grep { $s->[ $_ - 1 ] eq 'won' } 1 .. $turns } 0, 1;
	is(query(($home, $cell)[$_], 'app', $rows), $won[$_], 'and has what it sold') for 0, 1;
	note("$kind: home won " . scalar(split /\n/, $won[0]));
}
is(query($_, 'app', q{SELECT * FROM coursebase.check_integrity()}), '', 'check_integrity() finds nothing') for $home, $cell;

# What was refused leaves nothing, and says whose it is.
query($home, 'app', "SELECT public.sell(kind, 'home s') FROM unnest('{@{[join ',', @kinds]}}'::text[]) kind");
my $rows = join ' UNION ALL ', map { "SELECT count(*) FROM coursebase.$_" } qw(purchases course_grants store_receipts ai_credit_purchases credit_log subscription_events subscription_lines subscriptions payment_transactions audit_events);
my $before = query($cell, 'app', $rows);
is(join(' ', sqlstates($cell, 'app', [ map { "SELECT public.sell('$_', 'home s')" } @kinds ])), join(' ', ('KBC11') x @kinds), 'the other cell is refused every kind');
fails($cell, "SELECT public.sell('purchase', 'home s')", qr/KBC11: another cell has this purchase.*DETAIL:  Cell 0 has purchase "google_play\/production\/home s", which cell 1 wants\..*HINT:  Send the call to cell 0\./s, 'in words');
fails($home, "SELECT public.paid('early')", qr/KBC11: another cell has this stripe_session.*DETAIL:  Cell 1 has/s, 'as home is');
is(query($cell, 'app', $rows), $before, 'and nothing is left of it');
is(query($home, 'app', "SELECT count(*) FROM coursebase.world_keys WHERE kind = 'store_event' AND key LIKE '%cell%home s'"), 0, 'not even the other keys of the row');

# What is rolled back is claimed again by the same cell, and by another one once the key is released.
query($cell, 'app', "BEGIN; SELECT public.receipt('course', 'again'); ROLLBACK");
is(sqlstate($home, 'app', "SELECT public.receipt('course', 'again')"), 'KBC11', 'a claim stays when the sale is rolled back');
query($cell, 'app', "BEGIN; SELECT public.receipt('course', 'again'); SAVEPOINT s; SELECT public.paid('again'); ROLLBACK TO s; SELECT public.paid('again'); COMMIT");
is(query($cell, 'app', "SELECT count(*) FROM coursebase.course_purchases WHERE purchase_id = 'again'"), 1, 'and the same cell sells it later');
# A transaction that claims for one person, for another, and for the first one again: home has the key as the first one's.
my $other = '00000000-0000-4000-8000-00000000000c';
query($home, 'app', "SELECT coursebase.place_person('other', 1, '$other')");
$home->wait_for_catchup('coursebase_home');
query($cell, 'app', "SELECT coursebase.upsert_user('other', 'other', user_id => '$other')");
my $paid_by = sub { return "SELECT coursebase.complete_purchase('$_[0]', '00000000-0000-4000-8000-0000000000d1', 'by turns', 100, 'paid')" };
query($cell, 'app', join ';', 'BEGIN', (map { ("SAVEPOINT s", $paid_by->($_), 'ROLLBACK TO s') } $person{cell}, $other), $paid_by->($person{cell}), 'COMMIT');
is(query($home, 'app', "SELECT user_id FROM coursebase.world_keys WHERE key = 'by turns'"), $person{cell}, 'a key is that of the person for whom it was claimed last');
query($cell, 'app', "BEGIN; SELECT public.paid('for ever'); ROLLBACK");
is(join(' ', sqlstates($cell, 'app', [ "SELECT coursebase.release_world_key('stripe_session', 'for ever')", "SELECT coursebase.claim_world_keys(1, '{}', '{}', '{}')" ])), 'KBC04 KBC04', 'a cell neither releases nor claims for others');
is(query($home, 'app', "SELECT coursebase.release_world_key('stripe_session', 'for ever'), coursebase.release_world_key('stripe_session', 'for ever')"), 't|f', 'the owner releases a key on home');
query($home, 'app', "SELECT public.paid('for ever')");

# A key is its person's, wherever the person lives by then.
my $claim = "SELECT count(*) FROM coursebase.claim_world_keys(%d, '{stripe_session}', '{again}', '{%s}')";
query($home, 'app', "UPDATE coursebase.people SET cell = 0 WHERE user_id = '$person{cell}'");
is(join(' ', sqlstates($home, 'app', [ map { sprintf $claim, @$_ } [ 0, 'NULL' ], [ 0, $person{cell} ], [ 1, 'NULL' ], [ 1, $person{cell} ] ])), '00000 00000 KBC11 KBC11', 'who moves takes the keys along');
query($home, 'app', "UPDATE coursebase.people SET cell = 1 WHERE user_id = '$person{cell}'");
$home->wait_for_catchup('coursebase_home');

# A lying cell names another's person: the key stays where the directory has the person, and nobody else gets it.
query($home, 'app', "SELECT public.sell('stripe_session', 'lied')");
my $lie = "SELECT count(*) FROM coursebase.claim_world_keys(%d, '{stripe_session}', '{lied}', '{%s}')";
is(join(' ', sqlstates($home, 'app', [ sprintf($lie, 1, $person{home}), sprintf($lie, 1, $person{cell}), sprintf($lie, 0, $person{home}), sprintf($lie, 1, 'NULL') ])),
	'KBC11 KBC11 00000 KBC11', 'a key that a cell claims for a person of another stays with that one');
is(sqlstate($cell, 'app', "SELECT public.sell('stripe_session', 'lied')"), 'KBC11', 'and is sold there alone');

# A sale that is prepared has claimed its keys on home, whatever becomes of it.
query($cell, 'app', "BEGIN; SELECT public.paid('two phases'); PREPARE TRANSACTION 'sale'");
is(sqlstate($home, 'app', "SELECT public.paid('two phases')"), 'KBC11', 'home does not sell what a cell has prepared');
query($cell, 'app', "COMMIT PREPARED 'sale'; BEGIN; SELECT public.paid('two phases again'); PREPARE TRANSACTION 'sale'; ROLLBACK PREPARED 'sale'; SELECT public.paid('two phases again')");
is(query($cell, 'app', "SELECT count(*) FROM coursebase.purchases WHERE stripe_session_id LIKE 'two phases%'"), 2, 'the cell commits one, and sells another after a rollback');

# What stands at home's address and answers otherwise is not home.
query($home, 'postgres', 'CREATE DATABASE liar');
query($home, 'liar', <<~'SQL');
	CREATE SCHEMA coursebase;
	CREATE FUNCTION coursebase.claim_world_keys(integer, text[], text[], uuid[], boolean) RETURNS TABLE (kind text, key text, owner integer)
	LANGUAGE sql AS 'SELECT NULL::text, NULL::text, NULL::integer';
	GRANT USAGE ON SCHEMA coursebase TO cells;
	SQL
(my $liar = $conninfo) =~ s/dbname=app/dbname=liar/;
query($cell, 'app', "ALTER SUBSCRIPTION coursebase_home CONNECTION '$liar'");
fails($cell, "SELECT public.paid('lied to')", qr/KBC12: home does not answer.*DETAIL:  What answered in its place is not home/s, 'another that answers in home\'s place is told apart');
query($cell, 'app', "ALTER SUBSCRIPTION coursebase_home CONNECTION '$conninfo'");

# A cell claims for its own people, and for nobody; not for those of others what nobody has yet.
$claim = "SELECT count(*) FROM coursebase.claim_world_keys(1, '{store_line,store_line}', '{untold,unsold}', '{%s,NULL}'%s)";
fails($home, sprintf($claim, $person{home}, ''), qr/KBC11.*DETAIL:  Cell 0 has store_line "untold", which cell 1 wants/s, 'a key for a person of another cell is refused');
is(query($home, 'app', sprintf $claim, $person{home}, ', true'), 1, 'and named where the others are claimed all the same');
is(query($home, 'app', q{SELECT key, cell, user_id FROM coursebase.world_keys WHERE key IN ('untold', 'unsold')}), 'unsold|1|', 'nobody has it afterwards');
is(query($home, 'app', "SELECT public.told('untold event', 'untold')"), 'active', 'and the person\'s cell sells it');

# One question a row, none for what is repeated.
sub questions
{
	my ($sql) = @_;
	my $calls = q{SELECT coalesce(sum(calls), 0) FROM pg_stat_user_functions WHERE funcname = 'claim_world_keys'};
	my $idle = q{SELECT count(*) = 0 FROM pg_stat_activity WHERE usename = 'cells' AND backend_type = 'client backend'};
	$home->poll_query_until('app', $idle);
	my $asked = query($home, 'app', $calls);
	query($cell, 'app', $sql);
	$home->poll_query_until('app', $idle);
	return query($home, 'app', $calls) - $asked;
}
is(questions("SELECT public.paid('session')"), 1, 'a paid session asks home once');
is(questions("SELECT public.paid('asked', 'pi_asked', 'ch_asked')"), 2, 'one whose payment and charge are told with it, twice');
is(questions("SELECT public.receipt('pack', 'asked')"), 1, 'a receipt and what it gives, once');
is(questions("SELECT public.told('asked', 'asked')"), 1, 'an event and its line, once');
is(questions("SELECT public.receipt('premium', 'premium')"), 2, 'a receipt of a subscription, twice');
is(questions("SELECT public.paid('asked', 'pi_asked', 'ch_asked'), public.receipt('pack', 'asked'), public.told('asked', 'asked')"), 0, 'what was told before, not at all');

# A session keeps its connection, and gets another one where that is lost; its memory does not grow.
my ($in, $out) = ('', '');
my $patience = IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default);
my $session = IPC::Run::start([ 'psql', '-XAtq', '-h', $cell->host, '-p', $cell->port, '-d', 'app' ], '<', \$in, '>', \$out, '2>&1', $patience);
sub say_in
{
	my ($sql) = @_;
	$out = '';
	$in .= "$sql\n;\\echo done\n";
	$patience->start;
	$session->pump until $out =~ /^done$/m;
	return $out =~ s/done\n$//r =~ s/\n$//r;
}
sub resident
{
	my ($pid) = @_;
	open my $file, '<', "/proc/$pid/status" or return 0;
	return (map { /^RssAnon:\s+(\d+)/ } <$file>)[0] // 0;
}
my $pid = say_in('SELECT pg_backend_pid()');
say_in("\\o /dev/null");
say_in(join ";\n", map { "SELECT public.paid('warm $_', 'pi_warm $_')" } 1 .. 300);
my $kilobytes = resident($pid);
say_in(join ";\n", map { "SELECT public.paid('flat $_', 'pi_flat $_')" } 1 .. 1000);
cmp_ok(resident($pid) - $kilobytes, '<', 1024, 'a thousand questions take no memory that stays');
say_in("\\o");
my $client = q{SELECT pid FROM pg_stat_activity WHERE usename = 'cells' AND backend_type = 'client backend'};
my $first = query($home, 'app', $client);
query($home, 'app', "SELECT pg_terminate_backend(pid, 10000) FROM ($client) c");
is(say_in("SELECT public.paid('lost')"), 'completed', 'a connection that home ended is made anew');
isnt(query($home, 'app', $client), $first, 'another one');

# Home answers, and its commit fails: the claim is none, although its rows came.
query($home, 'app', <<~'SQL');
	CREATE FUNCTION public.not_committed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not committed'; END $$;
	CREATE CONSTRAINT TRIGGER not_committed AFTER INSERT ON coursebase.world_keys DEFERRABLE INITIALLY DEFERRED
	    FOR EACH ROW WHEN (NEW.key = 'uncommitted') EXECUTE FUNCTION public.not_committed();
	SQL
like(say_in("SELECT public.paid('uncommitted')"), qr/ERROR:  home does not answer\nDETAIL:  It answered: not committed/, 'a claim that home does not commit sells nothing');
is(query($cell, 'app', "SELECT count(*) FROM coursebase.purchases WHERE stripe_session_id = 'uncommitted'"), 0, 'there is no purchase');
query($home, 'app', 'DROP TRIGGER not_committed ON coursebase.world_keys');
is(say_in("SELECT public.paid('uncommitted')"), 'completed', 'over the same connection it goes through later');

# Home is slow: a backend that does not answer, and a claim of home's own that is open.
sub wait_for_home
{
	my ($milliseconds) = @_;
	query($home, 'app', "UPDATE coursebase.settings SET value = $milliseconds WHERE name = 'home_timeout_ms'");
	$home->wait_for_catchup('coursebase_home');
}
wait_for_home(400);
my $stopped = query($home, 'app', $client);
kill 'STOP', $stopped;
like(say_in("SELECT public.paid('slow')"), qr/ERROR:  home does not answer\nDETAIL:  It did not answer within the setting home_timeout_ms/, 'a home that does not answer is not waited for');
wait_for_home(60000);
is(say_in("SELECT public.paid('slow')"), 'completed', 'over a new connection it goes through');
kill 'CONT', $stopped;
wait_for_home(400);
my ($home_in, $home_out) = ("BEGIN; SELECT public.paid('open');\n\\echo done\n", '');
my $seller = IPC::Run::start([ 'psql', '-XAtq', '-h', $home->host, '-p', $home->port, '-d', 'app' ], '<', \$home_in, '>', \$home_out, IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
$seller->pump until $home_out =~ /done/;
like(say_in("SELECT public.paid('open')"), qr/ERROR:  home does not answer/, 'a sale of home that is open is waited for as long');
wait_for_home(60000);
like(say_in("SET statement_timeout = 300;\nSELECT public.paid('open')"), qr/canceling statement due to statement timeout/, 'whoever waits may be canceled');
say_in('RESET statement_timeout');
$home_in .= "ROLLBACK;\n\\q\n";
$seller->finish;
is(say_in("SELECT public.paid('open')"), 'completed', 'when home has rolled it back, the cell has the sale');

# Home is away.
$home->stop('immediate');
my $paid = q{SELECT outcome, split_part(detail, ':', 1) FROM coursebase.take_notification('stripe', json_build_object('id', 'evt_away', 'object', 'event', 'type', 'checkout.session.completed',
	'created', 1772445600, 'livemode', true, 'data', json_build_object('object', json_build_object('id', 'cs_away', 'object', 'checkout.session', 'mode', 'payment', 'payment_status', 'paid',
	'amount_total', 100, 'currency', 'eur', 'client_reference_id', 'cell', 'metadata', json_build_object('product_id', '00000000-0000-4000-8000-0000000000d1'))))::text)};
fails($cell, "SELECT public.paid('away')", qr/KBC12: home does not answer.*HINT:  Nothing was done. Call again when home is back\./s, 'home is away: a sale is refused');
like(say_in("SELECT public.paid('away')"), qr/ERROR:  home does not answer/, 'in a session that was connected, too');
is(query($cell, 'app', $paid), 'waiting|KBC12', 'what a store tells waits in the inbox');
is(query($cell, 'app', $paid), 'waiting|KBC12', 'and told again');
is(query($cell, 'app', 'SELECT outcome FROM coursebase.replay_notifications()'), 'waiting', 'a replay finds that home is away still');
is(query($cell, 'app', "SELECT public.paid('asked', 'pi_asked', 'ch_asked')"), 'completed', 'what was sold before is answered');
is(query($cell, 'app', "SELECT count(*) FROM coursebase.purchases WHERE stripe_session_id IN ('cs_away', 'away')"), 0, 'nothing is sold');
$home->start;
is(query($cell, 'app', 'SELECT outcome FROM coursebase.replay_notifications()'), 'applied', 'home is back: the replay sells it');
is(query($cell, 'app', $paid), 'applied|', 'once');
is(query($cell, 'app', 'SELECT count(*) FROM coursebase.replay_notifications()'), 0, 'and has nothing left');
is(query($cell, 'app', "SELECT count(*) FROM coursebase.purchases WHERE stripe_session_id = 'cs_away'"), 1, 'one purchase');
is(say_in("SELECT public.paid('away')"), 'completed', 'the session sells again');

# What a store tells without a name may come to home, which has recorded the cell that sold it: that is answered, and nothing is kept.
my $charge = sub { my ($payment) = @_; return "json_build_object('id', 'ch_$payment', 'object', 'charge', 'amount', 100, 'amount_refunded', 100, 'currency', 'eur', 'refunded', true, 'payment_intent', 'pi_$payment')" };
my %nameless = (
	'a refund of a sale' => sub { my ($n) = @_; return "'stripe', json_build_object('id', 'evt_$n', 'object', 'event', 'type', 'charge.refunded', 'created', 1772445700, 'livemode', true, 'data', json_build_object('object', " . $charge->($n) . '))::text' },
	'a renewal' => sub { my ($n) = @_; return "'revenuecat', json_build_object('api_version', '1.0', 'event', json_build_object('id', 'rc_$n', 'type', 'RENEWAL', 'app_user_id', '\$anon', 'original_app_user_id', '\$anon', 'product_id', 'premium',
		'period_type', 'NORMAL', 'purchased_at_ms', 1775124000000, 'expiration_at_ms', 1777716000000, 'event_timestamp_ms', 1775124000000, 'environment', 'PRODUCTION', 'store', 'STRIPE', 'transaction_id', 't_$n', 'original_transaction_id', 'line_$n'))::text" },
	'a refund of a receipt' => sub { my ($n) = @_; return "'google_play', json_build_object('message', json_build_object('messageId', 'play_$n', 'data', translate(encode(convert_to(json_build_object('version', '1.0', 'packageName', 'app',
		'eventTimeMillis', '1775124000000', 'voidedPurchaseNotification', json_build_object('purchaseToken', 'token', 'orderId', 'order_$n', 'productType', 2, 'refundType', 1))::text, 'UTF8'), 'base64'), E'\\n', '')))::text" });
query($cell, 'app', "SELECT public.paid('cs_told', 'pi_told', 'ch_told'), public.told('told', 'line_told'), public.receipt('course', 'order_told')");
for my $what (sort keys %nameless)
{
	my $take = sub { my ($n) = @_; return "SELECT outcome FROM coursebase.take_notification(" . $nameless{$what}->($n) . ')' };
	is(sqlstate($home, 'app', $take->('told')), 'KBC01', "home says whose cell $what is for");
	is(query($cell, 'app', $take->('told')), 'applied', 'which does it');
	is(query($home, 'app', $take->('nobody')), $what eq 'a refund of a receipt' ? 'applied' : 'waiting', 'of what nobody has sold it takes note, as one server does');
}
is(query($home, 'app', "SELECT count(*) FROM coursebase.store_notifications WHERE notification_id LIKE '%told'"), 0, 'home keeps nothing of another cell\'s');

# Rows of before, or that came past the triggers.
query($_, 'app', "SET session_replication_role = replica; SELECT public.sell(kind, 'old') FROM unnest('{@{[join ',', @kinds]}}'::text[]) kind; SELECT public.paid('old " . $_->name . "')") for $home, $cell;
is(query($home, 'app', 'SELECT * FROM coursebase.claim_stored_keys()'), '', 'home claims the keys of its rows');
is(query($cell, 'app', 'SELECT kind, owner FROM coursebase.claim_stored_keys() ORDER BY 1'), join("\n", map { "$_|0" } sort @kinds), 'the cell its own, and is told which are sold twice');
is(query($cell, 'app', "SELECT count(*) FROM coursebase.claim_stored_keys('$person{cell}')"), scalar(@kinds), 'of one person, too');
is(query($home, 'app', "SELECT cell, user_id = '$person{cell}' FROM coursebase.world_keys WHERE key = 'old cell'"), '1|t', 'what is not stays the cell\'s');
query($home, 'app', "UPDATE coursebase.world_keys SET created_at = '2020-01-01', updated_at = '2020-01-01'");
query($_, 'app', 'SELECT count(*) FROM coursebase.claim_stored_keys()') for $home, $cell;
is(query($home, 'app', "SELECT count(*) FROM coursebase.world_keys WHERE created_at > '2020-01-01'"), 0, 'again, it adds nothing');
# A home that was restored from a backup has lost claims.
query($home, 'app', "DELETE FROM coursebase.world_keys WHERE cell = 1");
query($cell, 'app', 'SELECT count(*) FROM coursebase.claim_stored_keys()');
is(sqlstate($home, 'app', "SELECT public.paid('asked')"), 'KBC11', 'a home that lost claims gets them back');

# A role with the number of a cell in its name claims for that cell, and then no other cell's role does.
my $as = sub { my ($role, $number) = @_; return sqlstate($home, 'app', "SELECT coursebase.claim_world_keys($number, '{store_line}', '{roles}', '{NULL}')", user => $role) };
query($home, 'app', 'CREATE ROLE coursebase_cell_7 LOGIN IN ROLE cells');
is(join(' ', $as->('cells', 1), $as->('coursebase_cell_7', 1)), '00000 42501', 'the role of cell 7 claims nothing for cell 1, a role in common does');
query($home, 'app', 'CREATE ROLE coursebase_cell_1 LOGIN REPLICATION BYPASSRLS IN ROLE cells');
is(join(' ', $as->('cells', 1), $as->('coursebase_cell_1', 0), $as->('coursebase_cell_1', 1)), '42501 42501 00000', 'until cell 1 has one of its own, which claims for no other');
is(sqlstate($home, 'app', 'SET ROLE cells; SELECT coursebase.claim_world_keys(1, \'{store_line}\', \'{roles}\', \'{NULL}\')', user => 'coursebase_cell_7'), '42501', 'whatever role is set');
fails($cell, "SELECT public.paid('role')", qr/KBC12: home does not answer.*DETAIL:  It answered: role "cells" is not that of cell 1/s, 'and the cell is told');
query($cell, 'app', sprintf "SELECT count(*) FROM coursebase.join_home('%s')", $conninfo =~ s/user=cells/user=coursebase_cell_1/r);
is(query($cell, 'app', "SELECT public.paid('role')"), 'completed', 'with its own role it sells');

# What a stolen role claimed ahead of a sale is in the way until all claims of its cell are given back, and the cell claims what it has.
query($home, 'app', "SELECT coursebase.claim_world_keys(1, '{stripe_session,stripe_session}', '{ahead,ahead too}', '{NULL,$person{cell}}')", user => 'coursebase_cell_1');
is(join(' ', map { sqlstate($home, 'app', "SELECT public.paid('$_')") } 'ahead', 'ahead too'), 'KBC11 KBC11', 'what a cell claimed ahead of the sale is refused elsewhere');
query($home, 'app', 'SELECT count(coursebase.release_world_key(kind, key)) FROM coursebase.world_keys WHERE cell = 1');
query($cell, 'app', 'SELECT count(*) FROM coursebase.claim_stored_keys()');
is(join(' ', map { sqlstate($home, 'app', "SELECT public.paid('$_')") } 'ahead', 'ahead too', 'role', 'asked'), '00000 00000 KBC11 KBC11', 'until its claims are given back, and what it sold is its own again');

# A port that takes no connection, while signals wake the session without end: it waits no longer than the setting says.
my $deaf = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die "no port: $!";
my @callers = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $deaf->sockport, Blocking => 0) } 1 .. 8;
my $deaf_home = sprintf 'host=127.0.0.1 port=%d dbname=app user=cells', $deaf->sockport;
wait_for_home(1000);
query($cell, 'app', "ALTER SUBSCRIPTION coursebase_home CONNECTION '$deaf_home'");
my $wake = "DO \$\$ BEGIN LOOP PERFORM pg_log_backend_memory_contexts($pid), pg_sleep(0.1); END LOOP; END \$\$";
my $waker = IPC::Run::start([ 'psql', '-XAtq', '-h', $cell->host, '-p', $cell->port, '-d', 'app', '-c', $wake ], '>', \my $woken, '2>', \my $ended);
my $waking = q{FROM pg_stat_activity WHERE query LIKE 'DO %pg_log_backend%' AND state = 'active'};
$cell->poll_query_until('app', "SELECT count(*) = 1 $waking");
like(say_in("SELECT public.paid('deaf')"), qr/ERROR:  home does not answer\nDETAIL:  It did not answer within the setting home_timeout_ms/, 'a port that takes no connection is not waited for, whatever wakes the session');
is(query($cell, 'app', "SELECT count(*) $waking"), 1, 'which was woken to the end');
query($cell, 'app', "SELECT pg_cancel_backend(pid) $waking");
$waker->finish;
query($cell, 'app', sprintf "ALTER SUBSCRIPTION coursebase_home CONNECTION '%s'", $conninfo =~ s/user=cells/user=coursebase_cell_1/r);

$in .= "\\q\n";
$session->finish;
no_deadlock($_, 'app', 'no deadlock') for $home, $cell;
query($cell, 'app', 'DROP SUBSCRIPTION coursebase_home');
# Alone again, it asks nobody.
query($cell, 'app', 'SELECT coursebase.set_cell(NULL)');
is(query($cell, 'app', "SELECT public.paid('for ever')"), 'completed', 'one server sells what it likes');
done_testing();
