# Two people who live in two cells: what the one earns by bringing the other is told to the referrer's cell at least once, and
# counts once: delivered three times, late, in any order with its refund and the reversal of that, or by several at once.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use Load;
use Test::More;

my ($home, $cell) = (load_node('home'), load_node('cell'));
my @cells = ($home, $cell);
$home->append_conf('postgresql.conf', 'max_wal_senders = 10');
$home->restart;
create_extension($_, 'app') for @cells;
query($home, 'app', 'SELECT coursebase.set_cell(0, 2); SELECT coursebase.publish_catalogue()');
query($cell, 'app', sprintf "SELECT coursebase.set_cell(1, 2); SELECT * FROM coursebase.join_home('host=%s port=%d dbname=app')", $home->host, $home->port);

# The referrer lives on home, those who were brought in the cell: buyer 1 to 40.
sub id { return sprintf '00000000-0000-4000-8000-0000000077%02d', $_[0] }
my $referrer = id(0);
query($home, 'app', "SELECT coursebase.place_person('referrer', 0, '$referrer'); SELECT coursebase.upsert_user('referrer', 'R', user_id => '$referrer')");
query($home, 'app', join ';', map { "SELECT coursebase.place_person('buyer $_', 1, '${\ id($_)}')" } 1 .. 40);
$home->wait_for_catchup('coursebase_home');
query($cell, 'app', join ';', map { "SELECT coursebase.upsert_user('buyer $_', 'B', user_id => '${\ id($_)}')" } 1 .. 40);

# Who brought whom. The code is not known in the cell of the person brought; its owner is, by the directory.
my $code = query($home, 'app', "SELECT referral_code FROM coursebase.user_profile WHERE user_id = '$referrer'");
like($code, qr/^U[A-Z2-9]{6}$/, 'a code of home');
is(query($cell, 'app', q{SELECT count(*), count(DISTINCT referral_code), bool_and(referral_code ~ '^UB[A-Z2-9]{6}$') FROM coursebase.user_profile}), '40|40|t', 'codes of cell 1 have its letter');
is(sqlstate($cell, 'app', "SELECT coursebase.attach_referral('${\ id(1)}', '$code')"), 'KB605', 'the code of somebody elsewhere is not known here');
is(query($cell, 'app', "SELECT coursebase.attach_referrer('${\ id(1)}', '$referrer'), coursebase.attach_referrer('${\ id(1)}', '$referrer')"), 't|f', 'the referrer is recorded once');
is(join(' ', sqlstates($cell, 'app', [
	"SELECT coursebase.attach_referrer('${\ id(1)}', '${\ id(2)}')",
	"SELECT coursebase.attach_referral('${\ id(1)}', (SELECT referral_code FROM coursebase.user_profile WHERE user_id = '${\ id(2)}'))",
	"SELECT coursebase.attach_referrer('${\ id(2)}', '${\ id(2)}')",
	"SELECT coursebase.attach_referrer('${\ id(2)}', '00000000-0000-4000-8000-00000000dead')",
	"SELECT coursebase.attach_referrer('$referrer', '${\ id(2)}')",
	"SELECT coursebase.attach_referrer('${\ id(3)}', '${\ id(2)}')" ])), 'KB401 KB401 KB605 KB605 KBC01 00000', 'and another is refused, here and elsewhere');
query($cell, 'app', join ';', map { "SELECT coursebase.attach_referrer('${\ id($_)}', '$referrer')" } 2 .. 40);

# What the store tells of a buyer.
sub event
{
	my ($n, $type, $at, $what, $node) = @_;
	query($node // $cell, 'app', qq{SELECT * FROM coursebase.apply_subscription_event('${\ id($n)}', '{"store": "stripe", "environment": "production", "event_time": "$at",
		"original_transaction_id": "line $n", "store_event_id": "$what $n", "event_type": "$type", "period_end": "2024-03-01T00:00:00Z"}', '$at') \\g /dev/null});
	return;
}
my $columns = 'user_id, referred, version, amount_in_cents, currency, earned_at, available_at, expires_at, revoked_at';
sub pending { my ($node) = @_; return split /\n/, query($node // $cell, 'app', "SELECT format('%L::uuid, %L::uuid, %s, %s, %L, %L::timestamptz, %L::timestamptz, %L::timestamptz, %L::timestamptz', $columns) FROM coursebase.pending_referrals(1000) ORDER BY referred") }
sub deliver { my ($row) = @_; return query($home, 'app', "SELECT coursebase.receive_referral($row)") }
sub acknowledge { my ($row) = @_; my ($key, $version) = $row =~ /::uuid, ('.*?')::uuid, (\d+),/ or die $row; return query($cell, 'app', "SELECT coursebase.acknowledge_referral($key, $version)") }
sub credits { my ($n) = @_; return query($home, 'app', "SELECT count(*), sum(amount_in_cents) FILTER (WHERE revoked_at IS NULL) FROM coursebase.referral_credits WHERE user_id = '$referrer'" . ($n ? " AND referred_elsewhere = '${\ id($n)}'" : '')) }

is(scalar pending(), 0, 'before a first premium nothing is told');
event(1, 'created', '2024-01-01T00:00:00Z', 'begin');
my ($paid) = pending();
is(query($cell, 'app', 'SELECT user_id, cell, version, amount_in_cents FROM coursebase.pending_referrals()'), "$referrer|0|1|100", 'the first premium is handed out, with the cell it goes to');
is(join(' ', map { deliver($paid) } 1 .. 3), 't f f', 'delivered three times, it is news once');
is(credits(1), '1|100', 'and paid once');
is(scalar pending(), 1, 'until it is acknowledged it is handed out again');
is(join(' ', map { acknowledge($paid) } 1 .. 2) . scalar(pending()), 't f0', 'then not');
event(1, 'renewed', '2024-02-01T00:00:00Z', 'renew');
is(scalar pending(), 0, 'a renewal earns nothing');

# Its refund within the hold, and the reversal.
event(2, 'created', '2024-01-01T00:00:00Z', 'begin');
my ($earned) = pending();
event(2, 'revoked', '2024-01-05T00:00:00Z', 'refund');
my ($revoked) = pending();
event(2, 'unrevoked', '2024-01-06T00:00:00Z', 'reverse');
my ($returned) = pending();
is(join(' ', map { /, (\d+), 100/ } $earned, $revoked, $returned), '1 2 3', 'each state has a number');
# Every order of the three, each delivered twice, as it would be for as many buyers.
my @orders = ([ 0, 1, 2 ], [ 0, 2, 1 ], [ 1, 0, 2 ], [ 1, 2, 0 ], [ 2, 0, 1 ], [ 2, 1, 0 ]);
my @states = ($earned, $revoked, $returned);
for my $order (@orders)
{
	query($home, 'app', "DELETE FROM coursebase.referral_credits WHERE referred_elsewhere = '${\ id(2)}'");
	my $told = join ' ', map { my $row = $states[$_]; map { deliver($row) } 1, 2 } @$order;
	is(credits(2), '1|100', "in the order @$order: one credit that stands ($told)");
	query($home, 'app', "DELETE FROM coursebase.referral_credits WHERE referred_elsewhere = '${\ id(2)}'");
	deliver($states[$_]) for grep { $_ < 2 } @$order;
	is(credits(2), '1|', "in the order @$order without the reversal: one credit that was taken back");
}
acknowledge($revoked);
is(scalar pending(), 1, 'an earlier state that is acknowledged leaves the later one to be delivered');
deliver($returned);
acknowledge($returned);
is(scalar pending(), 0, 'and that is the last');

# After the hold a refund takes nothing, however late the delivery; what is spent stays spent.
event(3, 'created', '2024-01-01T00:00:00Z', 'begin');
event(4, 'created', '2024-01-01T00:00:00Z', 'begin');
event(4, 'revoked', '2024-01-20T00:00:00Z', 'refund');
is(join(' ', map { /, (\d+), 100/ } pending()), '1 1', 'a refund after the hold is not told') or diag(join "\n", pending());
deliver($_), acknowledge($_) for pending();
is(query($home, 'app', "SELECT coursebase.spend_referral_credit('$referrer', 400, 'order', '2024-03-01')"), 400, 'what was delivered is spent as any credit');

# Many buyers at once, several deliverers that take the same rows.
event($_, 'created', '2024-01-01T00:00:00Z', 'begin') for 5 .. 40;
event($_, 'revoked', '2024-01-05T00:00:00Z', 'refund') for 30 .. 40;
my @rows = pending();
is(scalar @rows, 36, 'each buyer is one row');
my $file = pgbench_script('deliver', join '', map { "SELECT coursebase.receive_referral($_);\n" } @rows, reverse @rows);
many_ok($home, 'app', 'six deliverers', sessions => 6, turns => 2, scripts => [$file]);
is(credits(), '40|2900', 'each is paid once, and what was refunded is not');
acknowledge($_) for @rows;

# Two people of one cell, of whom one moves to the other cell: what is between them is from then on between two cells.
sub move
{
	my ($id, $from, $to) = @_;
	my $document = query($cells[$from], 'app', "SELECT coursebase.take_person('$id')");
	query($home, 'app', "SELECT coursebase.move_person(\$\$$document\$\$, $to)");
	$home->wait_for_catchup('coursebase_home');
	my $receipt = query($cells[$to], 'app', "SELECT coursebase.put_person(\$\$$document\$\$)");
	return query($cells[$from], 'app', "SELECT coursebase.release_person('$id', '$receipt')");
}
sub export { my ($number, $id) = @_; return query($cells[$number], 'app', "SELECT coursebase.export_user('$id')") }
# Buyer 61 brought 62, who paid, and 63, who has not yet; 65 brought 64, who paid.
query($home, 'app', join ';', map { "SELECT coursebase.place_person('buyer $_', 1, '${\ id($_)}')" } 61 .. 65);
$home->wait_for_catchup('coursebase_home');
query($cell, 'app', join ';', map { "SELECT coursebase.upsert_user('buyer $_', 'B', user_id => '${\ id($_)}')" } 61 .. 65);
query($cell, 'app', join ';', map { "SELECT coursebase.attach_referral('${\ id($_->[0])}', (SELECT referral_code FROM coursebase.user_profile WHERE user_id = '${\ id($_->[1])}'))" } [ 62, 61 ], [ 63, 61 ], [ 64, 65 ]);
event($_, 'created', '2024-01-01T00:00:00Z', 'begin') for 62, 64;
sub standing { my ($node, $n) = @_; return query($node, 'app', "SELECT referred_elsewhere, revoked_at IS NULL FROM coursebase.referral_credits WHERE user_id = '${\ id($n)}' ORDER BY 1") }
is(standing($cell, $_), '|t', 'a credit of one cell') for 61, 65;
my %export = map { $_ => export(1, id($_)) } 61 .. 65;
is(move(id(61), 1, 0), 't', 'a referrer moves');
is(move(id(64), 1, 0), 't', 'as does a person who was brought');
is(export($_->[0], id($_->[1])), $export{ $_->[1] }, 'the export is the same') for [ 0, 61 ], [ 1, 62 ], [ 1, 63 ], [ 0, 64 ], [ 1, 65 ];
is(standing($home, 61), id(62) . '|t', 'the credit moves with its owner');
is(standing($cell, 65), id(64) . '|t', 'or stays');
is(scalar(pending()) + pending($home), 0, 'and there is nothing to tell');
is(join(' ', sqlstate($cell, 'app', "SELECT coursebase.attach_referrer('${\ id(62)}', '${\ id(65)}')"), query($cell, 'app', "SELECT coursebase.attach_referrer('${\ id(62)}', '${\ id(61)}')")), 'KB401 f', 'the referrer stays recorded');
event(62, 'revoked', '2024-01-05T00:00:00Z', 'refund');
event(63, 'created', '2024-01-01T00:00:00Z', 'begin');
event(64, 'revoked', '2024-01-05T00:00:00Z', 'refund', $home);
deliver($_) for my @told = pending();
acknowledge($_) for @told;
is(standing($home, 61), id(62) . "|f\n" . id(63) . '|t', 'a refund after the move takes the credit back, a first premium earns one');
query($cell, 'app', "SELECT coursebase.receive_referral($_)") for pending($home);
query($home, 'app', "SELECT coursebase.acknowledge_referral('${\ id(64)}', 2)");
is(standing($cell, 65), id(64) . '|f', 'in the other direction, too');
is(move(id(62), 1, 0), 't', 'both live in one cell again');
event(62, 'unrevoked', '2024-01-06T00:00:00Z', 'reverse', $home);
event(62, 'created', '2024-02-01T00:00:00Z', 'again', $home);
deliver($_) for pending($home);
is(standing($home, 61), id(62) . "|t\n" . id(63) . '|t', 'the reversal gives the credit back, and nothing is earned twice');
is(query($_, 'app', 'SELECT * FROM coursebase.check_integrity()'), '', 'check_integrity() finds nothing') for @cells;

# A referrer whose account is gone is paid nothing, and one who was merged is the kept person.
is(join(' ', sqlstates($home, 'app', [ "SELECT coursebase.receive_referral('${\ id(1)}', '${\ id(1)}', 1, 1, 'USD', now(), now(), NULL, NULL)",
	"SELECT coursebase.receive_referral('$referrer', '${\ id(9)}', 0, 1, 'USD', now(), now(), NULL, NULL)",
	"SELECT coursebase.receive_referral('$referrer', '${\ id(9)}', 1, 1, 'usd', now(), now(), NULL, NULL)",
	"SELECT coursebase.receive_referral('$referrer', NULL, 1, 1, 'USD', now(), now(), NULL, NULL)" ])), 'KBC01 22023 22023 22004', 'what no cell told is refused');
query($home, 'app', "SELECT coursebase.place_person('kept', 0, '${\ id(50)}'); SELECT coursebase.upsert_user('kept', 'K', user_id => '${\ id(50)}'); SELECT coursebase.merge_users('${\ id(50)}', '$referrer') \\g /dev/null");
is(query($home, 'app', "SELECT count(*) FROM coursebase.referral_credits WHERE user_id = '${\ id(50)}'"), 40, 'the credits of a merged referrer are the kept person\'s');
is(deliver($returned), 'f', 'and what comes again is known');
is(query($_, 'app', 'SELECT * FROM coursebase.check_integrity()'), '', 'check_integrity() finds nothing') for @cells;
no_deadlock($_, 'app', 'no deadlock') for @cells;

query($cell, 'app', 'DROP SUBSCRIPTION coursebase_home');
done_testing();
