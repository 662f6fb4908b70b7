# People move between two cells while sessions write for them. Who is told KBC21 tries again, who is told KBC01 goes to the
# cell that the error names: no write is lost and none is done twice, nobody is ever in two cells, exports are the same
# before and after, phones get what a fresh computation gives, and a crash of a cell between any two steps is made good by
# calling the steps again.
#
# 20 people, 4 sessions; with COURSEBASE_LOAD above 1 12 sessions, and a cell crashes under load.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use IPC::Run;
use POSIX ();
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

my $long     = ($ENV{COURSEBASE_LOAD} // 1) > 1;
my ($people, $sessions, $moves) = (20, $long ? 12 : 4, $long ? 600 : 40);
my @node = (node('home'), node('cell'));
my $dir = PostgreSQL::Test::Utils::tempdir();
$node[0]->append_conf('postgresql.conf', 'max_wal_senders = 10');
$node[0]->restart;
$node[1]->append_conf('postgresql.conf', "wal_retrieve_retry_interval = 200ms\nmax_logical_replication_workers = 4");
$node[1]->reload;
create_extension($_, 'app') for @node;

sub person { return sprintf '00000000-0000-4000-b000-%012d', $_[0] }
my %id = (course => '00000000-0000-4000-a000-0000000000d1', product => '00000000-0000-4000-a000-0000000000e1',
	lesson => '00000000-0000-4000-a000-0000000000f3');

# Before there are cells nobody moves.
is(join(' ', sqlstates($node[1], 'app', [ map { "SELECT coursebase.$_" } "take_person('" . person(1) . "')", "put_person('{}')",
		"release_person('" . person(1) . "', '')", "move_person('{}', 0)" ])), '55000 55000 55000 KBC04', 'one server moves nobody');

query($node[0], 'app', <<~SQL);
	INSERT INTO coursebase.courses (id, course_code, title, description) VALUES ('$id{course}', 'C01', 'Course', '');
	INSERT INTO coursebase.products (id, name, description, image_url, price_dollars, status) VALUES ('$id{product}', 'Product', '', '/p.png', 49, 'private');
	INSERT INTO coursebase.course_products (course_id, product_id) VALUES ('$id{course}', '$id{product}');
	UPDATE coursebase.products SET status = 'public';
	INSERT INTO coursebase.discount_codes (code, product_type, percent_off, max_redemptions) VALUES ('LIMIT', 'course', 10, 40);
	INSERT INTO coursebase.discount_codes (code, product_type, percent_off) VALUES ('FREE', 'course', 10);
	SELECT coursebase.set_cell(0, 2);
	SELECT coursebase.publish_catalogue();
	SELECT coursebase.split_counter('LIMIT', 2);
	SQL
query($node[1], 'app', sprintf "SELECT coursebase.set_cell(1, 2); SELECT * FROM coursebase.join_home('host=%s port=%d dbname=app')", $node[0]->host, $node[0]->port);
query($node[0], 'app', "SELECT coursebase.place_person('sub $_', " . $_ % 2 . ", '" . person($_) . "')") for 1 .. $people;
for my $n (1 .. $people)
{
	my $id = person($n);
	query($node[ $n % 2 ], 'app', <<~SQL);
		SELECT coursebase.upsert_user('sub $n', 'Person $n', user_id => '$id');
		SELECT coursebase.complete_purchase('$id', '$id{product}', 'cs_$n', 4900, 'paid');
		SELECT coursebase.redeem_discount('$id', code, 'course', 1000, 'USD', code || '$n') FROM unnest('{LIMIT,FREE}'::text[]) code;
		SELECT coursebase.handshake('$id', '{}');
		INSERT INTO coursebase.app_logs (user_id, log_type, message, context) VALUES ('$id', 'error', E'tab\\t"quote" \\\\ é', '{"null": null, "n": 1.50}');
		SQL
}

# A session of each cell that stays, with whatever it keeps in memory: what is printed, or the SQLSTATE.
my @session = ({}, {});
sub ask
{
	my ($cell, $sql) = @_;
	for (1 .. 100)
	{
		my $answer = (answered(\@session, $cell, $sql))[2];
		return $answer unless $answer eq 'lost';
	}
	die "no server: $sql";
}

# Calls again while the codes say so.
sub persist
{
	my ($cell, $sql, $name) = @_;
	my $until = time + $PostgreSQL::Test::Utils::timeout_default;
	while (1)
	{
		my ($state, $message, $answer) = answered(\@session, $cell, $sql);
		return $answer if $state eq '00000';
		die "$name: $state $message" unless $state =~ /^(?:KBC21|KBC23|KBC05|57P.*|lost)$/ && time < $until;
		usleep(20_000);
	}
}

# A step each, so that a crash can come between them. What a step answers is all that the next one needs.
sub quoted { my ($text) = @_; return "'" . ($text =~ s/'/''/gr) . "'" }
sub take { my ($cell, $id) = @_; return persist($cell, "SELECT coursebase.take_person('$id')", 'take') }
sub decide { my ($document, $cell) = @_; return persist(0, 'SELECT coursebase.move_person(' . quoted($document) . ", $cell)", 'move') }
sub put { my ($cell, $document) = @_; return persist($cell, 'SELECT coursebase.put_person(' . quoted($document) . ')', 'put') }
sub release { my ($cell, $id, $receipt) = @_; return persist($cell, "SELECT coursebase.release_person('$id', '$receipt')", 'release') }
sub move
{
	my ($id, $from, $to) = @_;
	my $document = take($from, $id);
	die "decided for another cell" unless decide($document, $to) == $to;
	return release($from, $id, put($to, $document));
}
sub lives { my ($id) = @_; return ask(0, "SELECT cell FROM coursebase.people WHERE user_id = '$id'") }
sub export
{
	my ($cell, $id) = @_;
	return ask($cell, "SELECT coursebase.export_user('$id')");
}
sub faults { return join '', map { query($_, 'app', 'SELECT * FROM coursebase.check_integrity()') } @node }
sub both_hear
{
	$node[1]->poll_query_until('app', sprintf "SELECT md5(string_agg(p::text, '' ORDER BY user_id)) = '%s' FROM coursebase.people p",
		query($node[0], 'app', "SELECT md5(string_agg(p::text, '' ORDER BY user_id)) FROM coursebase.people p"));
}

both_hear();
is(faults(), '', 'check_integrity() finds nothing');

# One person, step by step: what each cell answers between the steps.
my $who = person(1);
my $reads = "SELECT coursebase.has_course_access('$id{course}', '$who')";
my $handshake = "SELECT md5(coursebase.handshake('$who', '{}')::text)";
my $before = export(1, $who);
my $digest = ask(1, "SELECT coursebase.handshake('$who', '{}') ->> 'digest'");
my $answer = ask(1, $handshake);
is(ask(1, $reads) . ask(0, $reads), 'tKBC01', 'a person lives in one cell');
my $document = take(1, $who);
is(ask($_, $reads), $_ ? 'KBC21' : 'KBC01', 'taken: nobody serves the person') for 0, 1;
is(join(' ', sqlstates($node[1], 'app', [ "SELECT coursebase.upsert_user('sub 1', 'New', user_id => '$who')", "SELECT coursebase.upsert_user('sub 1', 'New')",
		"INSERT INTO coursebase.users (id, clerk_user_id, name) VALUES ('$who', 'sub 1', 'New')", "SELECT coursebase.delete_user('$who')",
		"SELECT coursebase.handshake('$who', '{}')", "SELECT set_config('request.jwt.claims', '{\"sub\": \"sub 1\"}', true); SELECT coursebase.current_user_id()" ])),
	'KBC21 KBC21 KBC21 KBC21 KBC21 KBC21', 'whatever is called');
is(take(1, $who), $document, 'a second call answers the same');
is(join(' ', sqlstates($node[0], 'app', [ 'SELECT coursebase.put_person(' . quoted($document) . ')' ])), 'KBC21', 'before home decides nobody comes');
is(decide($document, 0) . decide($document, 1), '00', 'home decides once');
is(join(' ', sqlstates($node[0], 'app', [ $reads, "SELECT coursebase.upsert_user('sub 1', 'New')", "INSERT INTO coursebase.users (id, clerk_user_id, name) VALUES ('$who', 'sub 1', 'New')" ])),
	'KBC21 KBC21 KBC21', 'who is to come is not made anew');
my $receipt = put(0, $document);
is(put(0, $document), $receipt, 'a second put answers the same');
is(ask(0, $reads), 't', 'put: the new cell serves');
isnt(ask(1, $reads), 't', 'and only it');
is(join(' ', sqlstates($node[1], 'app', [ "SELECT coursebase.release_person('$who', 'none')" ])) =~ /KBC2[12]/, 1, 'without the receipt nothing is deleted');
is(release(1, $who, $receipt) . release(1, $who, $receipt), 'tf', 'released');
is(ask(1, $reads), 'KBC01', 'the old cell says where');
is(export(0, $who), $before, 'the export is the same');
is(ask(0, "SELECT h ->> 'json_manifest' FROM coursebase.handshake('$who', json_build_object('digest', '$digest')) h"), '{}', 'a phone has what it had');
is(ask(0, $handshake), $answer, 'and gets what it got');
query($node[0], 'app', "SELECT coursebase.complete_purchase('$who', '$id{product}', 'cs_new', 4900, 'paid'); UPDATE coursebase.user_profile SET time_zone = 'Asia/Tokyo' WHERE user_id = '$who'");
is(join(' ', sqlstates($node[0], 'app', [ 'SELECT coursebase.move_person(' . quoted($document) . ', 1)' ])), '00000', 'the document decides nothing more');
is(lives($who), 0, 'and moves nobody');
$before = export(0, $who);
move($who, 0, 1);
is(export(1, $who), $before, 'back again, with what was written meanwhile');
is(join(' ', sqlstates($node[0], 'app', [ 'SELECT coursebase.put_person(' . quoted($document) . ')', 'SELECT coursebase.move_person(' . quoted($document) . ', 0)' ])), 'KBC22 KBC22', 'an old document is refused');
my $again = ask(1, $handshake);
query($node[1], 'app', "DELETE FROM coursebase.cached_handshake_responses WHERE user_id = '$who'");
is(ask(1, $handshake), $again, 'the answer of the session that asked before is a fresh one');

# Given up: the person stays.
$document = take(1, $who);
is(decide($document, 1), 1, 'a move is given up');
put(1, $document);
is(ask(1, $reads), 't', 'the person stays');
is(query($node[1], 'app', 'SELECT count(*) FROM coursebase.moving_people'), 0, 'and nothing is left of the move');
is(export(1, $who), $before, 'the export is the same');

# A referral code that somebody in the other cell has stays theirs: who comes gets another, and may move back.
my $code = query($node[0], 'app', "SELECT referral_code FROM coursebase.user_profile WHERE user_id = '" . person(4) . "'");
query($node[1], 'app', "UPDATE coursebase.user_profile SET referral_code = '$code' WHERE user_id = '$who'");
move($who, 1, 0);
is(query($node[0], 'app', "SELECT user_id FROM coursebase.user_profile WHERE referral_code = '$code'"), person(4), 'a referral code stays with who has it here');
like(query($node[0], 'app', "SELECT referral_code FROM coursebase.user_profile WHERE user_id = '$who'"), qr/^U[A-Z2-9]{6}$/, 'and who comes gets another');
move($who, 0, 1);

# A refund names nobody. Where its buyer is leaving it is to come again; a cell that heard of it before the buyer came
# keeps it, and does it when it is asked again.
query($node[1], 'app', "SELECT coursebase.complete_purchase('$who', '$id{product}', 'cs_$_', 4900, 'paid', payment_intent_id => 'pi_$_')") for qw(leaves comes);
my $refund = sub
{
	my ($n) = @_;
	return qq{SELECT outcome FROM coursebase.take_notification('stripe', '{"id": "evt_$n", "object": "event", "type": "charge.refunded", "created": 1772445700, "livemode": true,
		"data": {"object": {"id": "ch_$n", "object": "charge", "amount": 4900, "amount_refunded": 4900, "currency": "usd", "refunded": true, "payment_intent": "pi_$n"}}}')};
};
my $refunded = sub { my ($cell) = @_; return query($node[$cell], 'app', "SELECT string_agg(payment_intent_id, ' ' ORDER BY payment_intent_id) FROM coursebase.purchases WHERE user_id = '$who' AND refunded_at IS NOT NULL") };
$document = take(1, $who);
is(join(' ', map { sqlstate($_, 'app', $refund->('leaves')) } @node), 'KBC01 KBC21', 'home sends a refund to the cell, and there the refund of who is leaving is to come again');
decide($document, 0);
$receipt = put(0, $document);
release(1, $who, $receipt);
is(query($node[0], 'app', "SELECT count(*) FROM coursebase.store_notifications WHERE notification_id = 'evt_leaves'"), 0, 'and is not kept');
is(query($node[0], 'app', $refund->('leaves')), 'applied', 'then it is done');
is(query($node[1], 'app', $refund->('comes')), 'waiting', 'a refund waits in a cell that does not know of the sale');
move($who, 0, 1);
query($node[1], 'app', 'SELECT count(*) FROM coursebase.replay_notifications()');
is($refunded->(1), 'pi_comes pi_leaves', 'and is done by a replay when the buyer has come');

# Who cannot move.
query($node[1], 'app', "UPDATE coursebase.discount_codes SET referrer_id = '" . person(3) . "' WHERE code = 'FREE'");
is(join(' ', sqlstates($node[1], 'app', [ map { "SELECT coursebase.take_person('$_')" } person(3), person(2), person(99) ])),
	'KBC22 KBC01 KB106', 'people who are bound to others stay');
query($node[1], 'app', "UPDATE coursebase.discount_codes SET referrer_id = NULL WHERE code = 'FREE'");

# What home has and the cell has not heard of.
query($node[1], 'app', 'ALTER SUBSCRIPTION coursebase_home DISABLE');
query($node[0], 'app', "INSERT INTO coursebase.courses (id, title, description) VALUES ('00000000-0000-4000-a000-0000000000d2', 'New', '');
	INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES ('" . person(2) . "', '00000000-0000-4000-a000-0000000000d2')");
$document = take(0, person(2));
decide($document, 1);
my $state = sub { return sqlstate($node[1], 'app', 'SELECT coursebase.put_person(' . quoted($document) . ')') };
is($state->(), 'KBC21', 'a cell that has not heard of the decision waits');
query($node[1], 'app', "SET session_replication_role = replica; UPDATE coursebase.people SET cell = 1, moves = 1 WHERE user_id = '" . person(2) . "'");
is($state->(), 'KBC23', 'one that lacks a course waits for it');
query($node[1], 'app', 'ALTER SUBSCRIPTION coursebase_home ENABLE');
release(0, person(2), put(1, $document));
is(query($node[1], 'app', "SELECT count(*) FROM coursebase.user_course_access WHERE user_id = '" . person(2) . "'"), 2, 'and then has everything');
move(person(2), 1, 0);

# A course that home adds to a product for those who have it, too: whoever is on the way gets it where they arrive, also where the
# cell that they left had not heard of it, and also where they stay after all.
my ($grows, $once) = map { "00000000-0000-4000-a000-0000000000e$_" } 2, 3;
my @later = map { "00000000-0000-4000-a000-0000000000d$_" } 4 .. 9;
query($node[0], 'app', join ';', (map { "INSERT INTO coursebase.courses (id, title, description) VALUES ('$_', 'Later', '')" } @later), 'BEGIN',
	(map { "INSERT INTO coursebase.products (id, name, description, image_url, price_dollars, status, gives_later_courses) VALUES ('$_', 'Grows', '', '/p.png', 49, 'public', '$_' = '$grows');
		INSERT INTO coursebase.course_products (course_id, product_id) VALUES ('$later[0]', '$_')" } $grows, $once), 'COMMIT');
$node[0]->wait_for_catchup('coursebase_home');
for my $product ($grows, $once)
{
	query($node[1], 'app', "SELECT coursebase.complete_purchase('" . person($_) . "', '$product', 'cs $product $_', 4900, 'paid')") for 1, 3;
}
my $adds = sub { my ($course) = @_; query($node[0], 'app', "INSERT INTO coursebase.course_products (course_id, product_id) SELECT '$course', p FROM unnest('{$grows,$once}'::uuid[]) p") };
my $given = sub { my ($cell, $id) = @_; return query($node[$cell], 'app', "SELECT string_agg(concat(right(g.course_id::text, 1), CASE s.product_id WHEN '$once' THEN ' once' END), ', ' ORDER BY g.course_id, s.product_id) FROM coursebase.course_grants g
	JOIN coursebase.purchases s ON s.id = g.purchase_id WHERE g.user_id = '$id' AND s.product_id IN ('$grows', '$once')") };
for my $course (@later[ 1, 2 ])
{
	my $to = $course eq $later[1] ? 0 : 1;
	$document = take(1, $who);
	$adds->($course);
	$node[0]->wait_for_catchup('coursebase_home');
	decide($document, $to);
	$receipt = put($to, $document);
	is($given->($to, $who), $to ? '4, 4 once, 5, 6' : '4, 4 once, 5', $to ? 'so does who stays' : 'who is on the way gets the course that is added to what was bought');
	is($given->(1, person(3)), $to ? '4, 4 once, 5, 6' : '4, 4 once, 5', 'as who was there');
	put($to, $document);
	next if $to;
	release(1, $who, $receipt);
	move($who, 0, 1);
}
query($node[1], 'app', 'ALTER SUBSCRIPTION coursebase_home DISABLE');
$adds->($later[3]);
$document = take(1, $who);
decide($document, 0);
$receipt = put(0, $document);
is($given->(0, $who), '4, 4 once, 5, 6, 7', 'a course of which the old cell had not heard comes with the person');
is(query($node[0], 'app', "SELECT coursebase.has_course_access('$later[3]', '$who')"), 't', 'who may use it');
query($node[1], 'app', 'ALTER SUBSCRIPTION coursebase_home ENABLE');
release(1, $who, $receipt);
# What was taken out and is put in again was there when the person left; a document of a release that did not tell gives nothing.
query($node[0], 'app', "DELETE FROM coursebase.course_grants WHERE user_id = '$who' AND course_id = '$later[3]'");
move($who, 0, 1);
is($given->(1, $who), '4, 4 once, 5, 6', 'what the old cell knew is not given again');
($document = take(1, $who)) =~ s/"product_courses": .*?\]\],\n //s or die $document;
decide($document, 0);
put(0, $document);
is($given->(0, $who), '4, 4 once, 5, 6', 'nor what a document does not tell of');
release(1, $who, put(0, take(1, $who)));
move($who, 0, 1);
both_hear();
is(faults(), '', 'check_integrity() finds nothing');

# A crash between any two steps: each step that was done is done, each is called again.
for my $crash (1 .. 4)
{
	my $id = person(2 + 2 * $crash);
	my $export = export(0, $id);
	my $crashes = sub {
		my ($step) = @_;
		return unless $step == $crash;
		$_->stop('immediate') for @node;
		$_->start for @node;
	};
	for my $times (1, 2)
	{
		my $document = $times == 1 || $crash < 4 ? take(0, $id) : last;
		$crashes->(1) if $times == 1;
		next if $times == 1 && $crash == 1;
		decide($document, 1);
		$crashes->(2) if $times == 1;
		next if $times == 1 && $crash == 2;
		my $receipt = put(1, $document);
		$crashes->(3) if $times == 1;
		next if $times == 1 && $crash == 3;
		release(0, $id, $receipt);
		$crashes->(4) if $times == 1;
	}
	is(export(1, $id), $export, "a crash after step $crash loses nothing");
	move($id, 1, 0);
}
both_hear();
is(faults(), '', 'check_integrity() finds nothing');

# Under load. A session chooses a person, and sells until it is told that the sale is done.
my @writers = map { writer($_) } 1 .. $sessions;
my $crashes = 0;
my $moved = 0;
srand 750;
sub move_somebody
{
	my $id = person(1 + int rand $people);
	my $cell = lives($id);
	move($id, $cell, 1 - $cell);
	$moved++;
	append_to_file("$dir/moved", '.');
	return;
}
# Whether each session has sold twice, and somebody of them met a person who moved.
sub met
{
	my @told = map { -e "$dir/told-$_->{n}" ? slurp_file("$dir/told-$_->{n}") : '' } @writers;
	return !(grep { (() = /^done/mg) < 2 } @told) && grep { /^KBC(?:01|21)$/m } @told;
}
for my $n (1 .. $moves)
{
	move_somebody();
	next unless $long && $n % 100 == 0;
	$node[$crashes++ % 2]->stop('immediate');
	$node[($crashes - 1) % 2]->start;
}
# Sessions that come late on a busy machine sell before it is over, unless one of them has ended with an error.
move_somebody() until met() || glob "$dir/errors-*";
append_to_file("$dir/stop", "stop\n");
my $done = 0;
my %codes;
for (@writers)
{
	waitpid $_->{pid}, 0;
	is($?, 0, 'a session had no other error than those of cells') or diag(slurp_file("$dir/errors-$_->{n}"));
	for my $line (split /\n/, slurp_file("$dir/told-$_->{n}")) { $line =~ /^done/ ? $done++ : $codes{$line}++ }
}
diag("$moved moves, $done sales, told " . join ', ', map { "$_ $codes{$_} times" } sort keys %codes);
cmp_ok($done, '>', $sessions, "$done sales");
ok($codes{KBC01} || $codes{KBC21}, 'some of them met somebody who moved');
both_hear();
my %rows;
for my $node (@node)
{
	$rows{$_}++ for split /\n/, query($node, 'app', "SELECT stripe_session_id FROM coursebase.purchases WHERE stripe_session_id LIKE 'load%' UNION ALL SELECT id::text FROM coursebase.users");
}
is(scalar(grep { /^load/ } keys %rows), $done, 'no sale is lost');
is(join(',', grep { $rows{$_} > 1 } keys %rows), '', 'none is there twice, and nobody lives in two cells');
is(scalar(grep { !/^load/ } keys %rows), $people, 'everybody lives in one');
is(join('', map { query($_, 'app', 'SELECT count(*) FROM coursebase.moving_people') } @node), '00', 'nobody is on the way');
is(faults(), '', 'check_integrity() finds nothing');
is(query($node[0], 'app', "SELECT count(*) FROM coursebase.people WHERE external_id IS NULL"), 0, 'everybody is in the directory');
ok(slurp_file($_->logfile) !~ /deadlock detected/, 'no deadlock') for @node;

# At rest: everybody's export, handshake and counters, one by one.
my $wrong = 0;
for my $n (1 .. $people)
{
	my $id = person($n);
	my $cell = lives($id);
	my $export = export($cell, $id);
	my $hand = "SELECT md5(coursebase.handshake('$id', '{}')::text)";
	my $shown = ask($cell, $hand);
	move($id, $cell, 1 - $cell);
	$wrong++ if export(1 - $cell, $id) ne $export || ask(1 - $cell, $hand) ne $shown;
}
is($wrong, 0, 'every export and every handshake is the same in the other cell');
is(faults(), '', 'check_integrity() finds nothing');
my $uses = sub { return join ' ', map { query($_, 'app', "SELECT sum(redeemed_count) FROM coursebase.discount_code_shards") } @node };
is($uses->(), '10 10', 'the places of a code stay where they were counted');
ask(lives(person($_)), "SELECT coursebase.reverse_discount('" . person($_) . "', code || '$_') FROM unnest('{LIMIT,FREE}'::text[]) code") for 1 .. $people;
is(faults(), '', 'what is given back is given back in either cell');
query($node[1], 'app', 'DROP SUBSCRIPTION coursebase_home');
done_testing();

# A process with a connection to each cell. A sale has an id of its own: called again, it is one.
sub writer
{
	my ($n) = @_;
	my $pid = fork // die $!;
	return { pid => $pid, n => $n } if $pid;
	my $ok = eval { write_load($n); 1 };
	append_to_file("$dir/errors-$n", $@) unless $ok;
	POSIX::_exit($ok ? 0 : 1);
}
sub write_load
{
	my ($n) = @_;
	my (@psql, @cell);
	srand $n;
	open my $told, '>', "$dir/told-$n" or die $!;
	$told->autoflush;
	for (my $sale = 1; !-e "$dir/stop"; $sale++)
	{
		# A sale a move: whoever sold without end would make each later move longer.
		usleep(20_000) while $sale > 10 + (-s "$dir/moved" // 0) && !-e "$dir/stop";
		my $p = 1 + int rand $people;
		my $id = person($p);
		my $sql = "SELECT coursebase.complete_purchase('$id', '$id{product}', 'load $n $sale', 4900, 'paid'); SELECT coursebase.handshake('$id', '{\"analytics\": {\"playback_speed\": 1.5}}'); SELECT coursebase.log_app('error', 'load', user_id => '$id')";
		for my $step (split /; /, $sql)
		{
			my $until = time + $PostgreSQL::Test::Utils::timeout_default;
			while (1)
			{
				my ($state, $message) = answered(\@psql, $cell[$p] // 0, $step);
				last if $state eq '00000';
				print $told "$state\n";
				# 23503: it waited for the row of users, which left; nothing of the call was done
				my $again = $state =~ /^KBC01|^KBC21|^lost/ || $state eq '23503' && $message =~ /_user_id_fkey/;
				die "$state $message: $step\n" unless $again && time < $until;
				$cell[$p] = $1 if $message =~ /lives in cell (\d)/;
				usleep(20_000) unless $state eq 'KBC01';
			}
		}
		print $told "done $n $sale\n";
	}
	close $told;
	return;
}

# In the process's own session of the cell: the SQLSTATE, the message, and what is printed or else the SQLSTATE.
sub answered
{
	my ($sessions, $cell, $sql) = @_;
	my $s = $sessions->[$cell] //= {};
	$s->{run} //= IPC::Run::start([ 'psql', '-XAtq', '-h', $node[$cell]->host, '-p', $node[$cell]->port, '-d', 'app' ],
		'<', \($s->{in} = ''), '>', \($s->{out} = ''), '2>', \($s->{err} = ''));
	$s->{out} = '';
	$s->{in} .= "$sql;\n\\echo state :SQLSTATE :LAST_ERROR_MESSAGE\n";
	my $alive = eval { $s->{run}->pump until $s->{out} =~ /^state .*\n/m || $s->{err} =~ /connection to server|FATAL/; 1 };
	if ($alive && $s->{err} !~ /connection to server|FATAL/ && $s->{out} =~ s/^state (\w{5}) ?(.*)\n\z//m)
	{
		my ($state, $message) = ($1, $2);
		chomp $s->{out};
		return ($state, $message, $state eq '00000' ? $s->{out} : $state);
	}
	my $err = $s->{err};
	eval { $s->{run}->kill_kill };
	$sessions->[$cell] = undef;
	usleep(100_000);
	return ('lost', $err, 'lost');
}
