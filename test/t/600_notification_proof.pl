# Promise: a notification that is not genuine is refused and leaves nothing; one that is genuine is taken, once. The keys
# are the test's own. Attacks: another root, swapped certificates, missing markers, a leaf of another curve or expired,
# none and HS256, a signature cut short, of zeros or of another body, another app, a repeated member, replays out of time;
# a chain that the session keeps, for what it was not found sound for; more of everything than a provider sends.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use MIME::Base64;
use PostgreSQL::Test::Utils;
use StoreKeys;
use Test::More;

plan skip_all => 'needs the program openssl' if system('openssl version >/dev/null 2>&1') != 0;

my $node = node('notification_proof');
my $chain = apple_root('true');
my $forger = apple_root('forged');
my %unmarked = map { $_ => apple_root("no_$_", "${_}_marker" => 0) } 'leaf', 'intermediate';
my $large = apple_root('p384', curve => 'secp384r1');
my $now = time;
create_extension($node, 'shop');
query($node, 'shop', <<~"SQL");
	INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
	    ('00000000-0000-4000-8000-0000000000a1', 'notified_ada', 'Ada', 'ada\@example.org');
	INSERT INTO coursebase.store_products (product_id, kind) VALUES ('premium', 'subscription');
	SQL

sub quote
{
	my ($text) = @_;
	return 'NULL' unless defined $text;
	return "'" . ($text =~ s/'/''/gr) . "'";
}

# take PROVIDER, BODY, SIGNATURE, DETAILS, USER: outcome|detail, or the SQLSTATE and DETAIL of what was refused.
sub take
{
	my ($provider, $body, $signature, $details, $user) = @_;
	my ($out, $err) = ('', '');
	$node->psql('shop', "SELECT outcome || coalesce('|' || kind, '') FROM coursebase.take_notification("
		  . join(', ', map { quote($_) } $provider, $body, $signature, $details, $user) . ')',
		stdout => \$out, stderr => \$err, extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	return $out if $err eq '';
	my ($state) = $err =~ /ERROR:\s+(\w{5}):/;
	my ($detail) = $err =~ /DETAIL:\s+([^\n]*)/;
	return "$state|" . ($detail // $err);
}

sub inbox
{
	return query($node, 'shop', 'SELECT count(*) FROM coursebase.store_notifications');
}

sub key
{
	my (@words) = @_;
	query($node, 'shop', 'SELECT coursebase.set_store_key(' . join(', ', map { quote($_) } @words) . ')');
}

## App Store

my $milli = 1000 * $now;
my %transaction = (
	bundleId => 'org.example.app', environment => 'Production', type => 'Auto-Renewable Subscription',
	transactionId => '1001', originalTransactionId => '1001', productId => 'premium', purchaseDate => $milli - 1000,
	expiresDate => $milli + 86_400_000 * 30, signedDate => $milli, quantity => 1, appAccountToken => '00000000-0000-4000-8000-0000000000a1');
my %renewal = (environment => 'Production', originalTransactionId => '1001', autoRenewStatus => 1, signedDate => $milli);
my %subscribed = (type => 'SUBSCRIBED', subtype => 'INITIAL_BUY', id => 'n-1', signed_at => $milli, transaction => \%transaction, renewal => \%renewal);

is(take('app_store', apple_notification($chain, %subscribed, id => 'n-0')) =~ s/\|.*//r, 'applied', 'without keys nothing is asked for');
query($node, 'shop', "UPDATE coursebase.settings SET value = 'app_store stripe, google_play,revenuecat' WHERE name = 'require_signature'");
like(take('app_store', apple_notification($chain, %subscribed)), qr/^KB823\|/, 'a provider that must prove itself needs a key here');
key('app_store', 'root', $chain->{root});
key('app_store', 'bundle_id', 'org.example.app');
my $before = inbox();
is(take('app_store', apple_notification($chain, %subscribed)), 'applied|SUBSCRIBED/INITIAL_BUY', 'a genuine notification');
is(inbox(), $before + 1, 'is in the inbox');
is(take('app_store', apple_notification($chain, %subscribed)), 'applied|SUBSCRIBED/INITIAL_BUY', 'and again answers the same');
is(query($node, 'shop', "SELECT proof FROM coursebase.store_notifications WHERE notification_id = 'n-1'"), 'signed', 'proven by its content');

$before = inbox();
my $true_token = apple_token($chain, { %transaction });
my ($head, $body, $signature) = split /\./, $true_token;
my %attacks = (
	'another root' => [ apple_notification($forger, %subscribed, id => 'f-1'), qr/^KB821\|The signature of a token comes from a root/ ],
	'a token of another root within' =>
	  [ apple_notification($chain, %subscribed, id => 'f-2', transaction_chain => $forger), qr/^KB821\|The signature of a token comes from a root/ ],
	'the true root behind forged certificates' =>
	  [ apple_token($forger, \%transaction, x5c => [ @{ $forger->{x5c} }[ 0, 1 ], $chain->{x5c}[2] ]), qr/^KB821\|.* are no chain/ ],
	'a forged leaf under the true intermediate' =>
	  [ apple_token($forger, \%transaction, x5c => [ $forger->{x5c}[0], @{ $chain->{x5c} }[ 1, 2 ] ]), qr/^KB821\|.* are no chain/ ],
	'certificates in another order' => [ apple_token($chain, \%transaction, x5c => [ @{ $chain->{x5c} }[ 1, 0, 2 ] ]), qr/^KB821\|/ ],
	'two certificates' => [ apple_token($chain, \%transaction, x5c => [ @{ $chain->{x5c} }[ 0, 2 ] ]), qr/^KB824\|.*x5c/ ],
	'four certificates' => [ apple_token($chain, \%transaction, x5c => [ @{ $chain->{x5c} }[ 0, 1, 1, 2 ] ]), qr/^KB824\|.*x5c/ ],
	'ten thousand certificates' => [ apple_token($chain, \%transaction, x5c => [ ('AAAA') x 10_000 ]), qr/^KB824\|.*header that is too large/ ],
	'two apps, of which the last counts' => [ apple_token($chain, json_of(\%transaction) =~ s/\}$/,"bundleId":"org.other"}/r), qr/^KB821\|.*another app/ ],
	'bytes that are no UTF-8' => [ apple_token($chain, json_of(\%transaction) =~ s/premium/pr\xc3(mium/r), qr/^KB824\|.*no UTF-8/ ],
	'a product of 600 letters' => [ apple_token($chain, { %transaction, productId => 'p' x 600 }), qr/^KB824\|Its product is too long/ ],
	'alg none' => [ apple_token($chain, \%transaction, header => { alg => 'none' }), qr/^KB821\|A token is not signed with ES256/ ],
	'alg HS256' => [ apple_token($chain, \%transaction, header => { alg => 'HS256' }), qr/^KB821\|A token is not signed with ES256/ ],
	'alg RS256' => [ apple_token($chain, \%transaction, header => { alg => 'RS256' }), qr/^KB821\|A token is not signed with ES256/ ],
	'no certificates' => [ apple_token($chain, \%transaction, raw_header => '{"alg":"ES256"}'), qr/^KB821\|A token comes without its certificates/ ],
	'alg twice' => [ apple_token($chain, \%transaction, raw_header => '{"alg":"ES256","alg":"none"}'), qr/^KB824\|.*twice/ ],
	'a signature cut short' => [ "$head.$body." . base64url('x' x 63), qr/^KB821\|.*form that ES256 has/ ],
	'a signature of zeros' => [ "$head.$body." . base64url("\0" x 64), qr/^KB821\|.*form that ES256 has/ ],
	'a signature of another body' => [ "$head." . base64url(json_of({ %transaction, productId => 'other' })) . ".$signature", qr/^KB821\|.*does not fit/ ],
	'another app' => [ apple_notification($chain, %subscribed, id => 'f-3', bundle => 'org.other', transaction => { %transaction, bundleId => 'org.other' }), qr/^KB821\|.*another app/ ],
	'two apps in one' => [ apple_notification($chain, %subscribed, id => 'f-4', transaction => { %transaction, bundleId => 'org.other' }), qr/^KB824\|Its member bundleId/ ],
	'two environments in one' => [ apple_notification($chain, %subscribed, id => 'f-5', transaction => { %transaction, environment => 'Sandbox' }), qr/^KB824\|Its member environment/ ],
	'signed in the future' => [ apple_token($chain, { %transaction, signedDate => $milli + 3_600_000 }), qr/^KB821\|A token was signed in the future/ ],
	'signed before its certificates' => [ apple_token($chain, { %transaction, signedDate => $milli - 86_400_000 * 30 }), qr/^KB821\|.*not valid when/ ],
	'a header of 10 MB' => [ base64url('{"alg":"' . 'x' x 10_000_000) . ".$body.$signature", qr/^KB824\|/ ],
	'no token' => [ 'hello', qr/^KB824\|.*three parts/ ],
);
for my $name (sort keys %attacks)
{
	like(take('app_store', $attacks{$name}[0]), $attacks{$name}[1], "App Store: $name");
}
for my $marker ('leaf', 'intermediate')
{
	key('app_store', 'root', $unmarked{$marker}{root}, 'bare');
	like(take('app_store', apple_token($unmarked{$marker}, \%transaction)), qr/^KB821\|.*lacks Apple's marker/, "App Store: $marker without its marker");
}
key('app_store', 'root', $large->{root}, 'bare');
like(take('app_store', apple_token($large, \%transaction, signature => 'x' x 64)), qr/^KB821\|.*not of P-256/, 'App Store: a leaf of another curve');
key('app_store', 'root', undef, 'bare');
is(inbox(), $before, 'and nothing is in the inbox');
is(take('app_store', $true_token) =~ s/\|.*//r, 'applied', 'a transaction alone is taken');

# One session, which keeps the chains that it found sound: nothing passes by that which would not pass alone.
my $year = 365 * 86_400;
my $past = apple_root('past', from => $now - 3 * $year, leaf_until => $now - $year);
my @more = map { apple_root("more$_") } 1 .. 9;
my $steps = 0;

# A transaction of its own, by the chain, signed so many seconds ago.
sub step
{
	my ($by, $ago, %change) = @_;
	my $id = 5000 + ++$steps;
	my $at = 1000 * ($now - $ago);
	return apple_token($by, { %transaction, transactionId => "$id", originalTransactionId => "$id", signedDate => $at, purchaseDate => $at, expiresDate => $at + 1000, %change });
}

# session [BODY or SQL, PATTERN, NAME]…: all in one session, each answered by its outcome or its SQLSTATE and DETAIL.
sub session
{
	my (@steps) = @_;
	my @sql = (<<~'SQL');
		SET client_min_messages = error;
		CREATE FUNCTION pg_temp.taken(body text) RETURNS text LANGUAGE plpgsql AS $$
		DECLARE detail text;
		BEGIN
		    RETURN (SELECT outcome FROM coursebase.take_notification('app_store', body));
		EXCEPTION WHEN OTHERS THEN
		    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
		    RETURN sqlstate || '|' || detail;
		END $$;
		SQL
	push @sql, $_->[0] =~ /^SELECT/ ? "$_->[0];" : 'SELECT pg_temp.taken(' . quote($_->[0]) . ');' for @steps;
	my @answers = split /\n/, query($node, 'shop', join("\n", @sql));
	is(scalar @answers, scalar @steps, 'each step of the session has an answer');
	like($answers[$_], $steps[$_][1], "a chain that is kept: $steps[$_][2]") for 0 .. $#steps;
}

sub root_of
{
	my ($by, $name, $environment) = @_;
	return "SELECT coursebase.set_store_key('app_store', 'root', " . quote($by && $by->{root}) . ", '$name', '$environment')";
}

my ($kept_head, $kept_body) = split /\./, step($chain, 0);
session(
	[ root_of($past, 'past', 'any'), qr/^t$/, 'another root' ],
	[ step($chain, 0), qr/^applied$/, 'its first token' ],
	[ step($chain, 0), qr/^applied$/, 'its second' ],
	[ step($chain, 0, productId => 'never_seen'), qr/^(?:applied|waiting|refused)$/, 'of another product' ],
	[ "$kept_head.$kept_body." . base64url("\1" x 64), qr/^KB821\|.*does not fit/, 'a signature that is none' ],
	[ apple_token($forger, \%transaction, x5c => $chain->{x5c}), qr/^KB821\|.*does not fit/, 'a signature of another key' ],
	[ step($chain, 0, bundleId => 'org.other'), qr/^KB821\|.*another app/, 'another app' ],
	[ step($chain, 30 * 86_400), qr/^KB821\|.*not valid when/, 'signed before its certificates' ],
	[ step($chain, -3600), qr/^KB821\|.*in the future/, 'signed in the future' ],
	[ apple_token($chain, \%transaction, x5c => [ $chain->{x5c}[0], $forger->{x5c}[1], $chain->{x5c}[2] ]), qr/^KB821\|.*no chain/, 'with another intermediate' ],
	[ apple_token($chain, \%transaction, x5c => [ @{ $chain->{x5c} }[ 0, 1 ], $past->{x5c}[2] ]), qr/^KB821\|.*no chain/, 'with another root that is trusted' ],
	[ apple_token($forger, \%transaction, x5c => [ $forger->{x5c}[0], @{ $chain->{x5c} }[ 1, 2 ] ]), qr/^KB821\|.*no chain/, 'with another leaf' ],
	[ step($past, 2 * $year), qr/^applied$/, 'signed while its leaf was valid' ],
	[ step($past, $year / 2), qr/^KB821\|.*not valid when/, 'signed when its leaf had expired' ],
	[ step($past, 4 * $year), qr/^KB821\|.*not valid when/, 'signed before it' ],
	[ step($past, 2 * $year + 5), qr/^applied$/, 'and again while its leaf was valid' ],
	[ root_of(undef, 'past', 'any'), qr/^t$/, 'its root is taken out' ],
	[ step($past, 2 * $year), qr/^KB821\|.*root that is not in store_keys/, 'which ends it at once' ],
	[ root_of($past, 'past', 'sandbox'), qr/^t$/, 'its root comes back for the sandbox' ],
	[ step($past, 2 * $year, environment => 'Sandbox'), qr/^(?:applied|noted)$/, 'of whose tokens it is good' ],
	[ step($past, 2 * $year), qr/^KB821\|.*root that is not in store_keys/, 'and not of those of production' ],
	[ root_of(undef, 'past', 'sandbox'), qr/^t$/, 'no other root' ],
	(map { ([ root_of($more[$_], "more$_", 'any'), qr/^t$/, 'one more root' ], [ step($more[$_], 0), qr/^applied$/, 'one more chain' ]) } 0 .. $#more),
	[ step($chain, 0), qr/^applied$/, 'after more chains than a session keeps' ],
	[ step($more[0], 0), qr/^applied$/, 'which may come back' ],
	(map { [ root_of(undef, "more$_", 'any'), qr/^t$/, 'taken out' ] } 0 .. $#more),
	[ step($more[8], 0), qr/^KB821\|.*root that is not in store_keys/, 'and all of them end with their roots' ]);

# A signed transaction that names nobody: the caller says whose it is, unless the operator does not allow that.
my %nameless = (%transaction, transactionId => '1002', originalTransactionId => '1002');
delete $nameless{appAccountToken};
my $ada = '00000000-0000-4000-8000-0000000000a1';
query($node, 'shop', "UPDATE coursebase.settings SET value = 'true' WHERE name = 'require_account_token'");
is(take('app_store', apple_token($chain, \%nameless), undef, undef, $ada) =~ s/\|.*//r, 'waiting', 'require_account_token: nobody by the word of the caller');
is(query($node, 'shop', "SELECT count(*) FROM coursebase.subscription_lines WHERE original_transaction_id = '1002'"), 0, 'who gets nothing');
query($node, 'shop', "UPDATE coursebase.settings SET value = 'false' WHERE name = 'require_account_token'");
%nameless = (%nameless, transactionId => '1003', originalTransactionId => '1003');
is(take('app_store', apple_token($chain, \%nameless), undef, undef, $ada) =~ s/\|.*//r, 'applied', 'without it the caller says whose it is');

## Stripe

# Its signatures are good for 300 seconds: from here on, however long the test took so far.
$now = time;
my $secret = 'whsec_test';
key('stripe', 'signing_secret', $secret);
key('stripe', 'signing_secret', 'whsec_next', 'next');
my $event = json_of({ id => 'evt_1', object => 'event', type => 'product.created', created => $now, livemode => JSON::PP::true, pending_webhooks => 1, data => { object => { id => 'prod_1' } } });
$before = inbox();
like(take('stripe', $event), qr/^KB822\|/, 'Stripe: no header');
like(take('stripe', $event, "t=$now,v1=" . '0' x 64), qr/^KB821\|No signature/, 'Stripe: another signature');
like(take('stripe', $event, "v1=" . '0' x 64), qr/^KB821\|The header/, 'Stripe: no time');
like(take('stripe', $event, stripe_header($secret, $now - 400, $event)), qr/^KB821\|.*300 seconds/, 'Stripe: a replay');
like(take('stripe', $event, stripe_header($secret, $now + 400, $event)), qr/^KB821\|.*300 seconds/, 'Stripe: of the future');
like(take('stripe', "$event ", stripe_header($secret, $now, $event)), qr/^KB821\|No signature/, 'Stripe: another body');
like(take('stripe', $event, stripe_header($secret, $now - 400, $event) . ",t=$now"), qr/^KB821\|No signature/, 'Stripe: a second time behind the one that was signed');
like(take('stripe', $event, "t=$now" . ",v1=" x 10_000 . '0' x 64), qr/^KB821\|/, 'Stripe: ten thousand signatures');
like(take('stripe', $event, "t=$now" . ',v1=' . '0' x 100_000), qr/^KB821\|The signature has more than 64 kB/, 'Stripe: a header of 100 kB');
like(take('stripe', $_, stripe_header($secret, $now, $_)), qr/^KB824\|Its id is too long/, 'Stripe: an id of 3000 letters') for $event =~ s/evt_1/'e' x 3000/er;
key('stripe', 'signing_secret', 'whsec_live', 'live', 'production');
like(take('stripe', $_, stripe_header('whsec_live', $now, $_)), qr/^KB821\|No signature/, 'Stripe: a secret of production for the sandbox') for $event =~ s/"livemode":true/"livemode":false/r;
like(take('stripe', $_, stripe_header($secret, $now, $_)), qr/^KB824\|/, 'Stripe: 400,000 brackets') for $event =~ s/"prod_1"/'[' x 400_000 . ']' x 400_000/er;
is(inbox(), $before, 'and nothing is in the inbox');
is(take('stripe', $event, "v0=1," . stripe_header('whsec_old', $now, $event) . ',' . (stripe_header('whsec_next', $now, $event) =~ s/t=\d+,//r)), 'noted|product.created', 'Stripe: the secret of a rotation');
is(take('stripe', $event =~ s/"pending_webhooks":1/"pending_webhooks":0/r, stripe_header($secret, $now, $event =~ s/"pending_webhooks":1/"pending_webhooks":0/r)), 'noted|product.created', 'Stripe: a retry counts its webhooks down');

## Google Play

my $google = rsa_key('google');
my $other = rsa_key('other');
my %claims = (iss => 'https://accounts.google.com', aud => 'https://edge.example.org/play', email => 'push@example.iam.gserviceaccount.com', email_verified => JSON::PP::true, iat => $now, exp => $now + 3600);
key('google_play', 'push_key', $google->{public}, 'k1');
key('google_play', 'push_audience', $claims{aud});
key('google_play', 'push_email', $claims{email});
key('google_play', 'package_name', 'org.example.app');
my $play = sub {
	my ($id, %notification) = @_;
	return json_of({ message => { messageId => $id, data => encode_base64(json_of({ version => '1.0', packageName => 'org.example.app', eventTimeMillis => "$milli", %notification }), '') }, subscription => 's' });
};
my $test = $play->('m-1', testNotification => { version => '1.0' });
$before = inbox();
like(take('google_play', $test), qr/^KB822\|/, 'Google Play: no token');
like(take('google_play', $test, jwt($other, \%claims)), qr/^KB821\|.*does not fit/, 'Google Play: another key');
like(take('google_play', $test, jwt($google, \%claims, kid => 'k2')), qr/^KB823\|/, 'Google Play: a key that is not known');
like(take('google_play', $test, jwt($google, { %claims, aud => 'https://else' })), qr/^KB821\|.*another audience/, 'Google Play: another audience');
like(take('google_play', $test, jwt($google, { %claims, email => 'e@else' })), qr/^KB821\|.*another account/, 'Google Play: another account');
like(take('google_play', $test, jwt($google, { %claims, email_verified => JSON::PP::false })), qr/^KB821\|.*another account/, 'Google Play: an account that is not verified');
like(take('google_play', $test, jwt($google, { %claims, iss => 'https://else' })), qr/^KB821\|.*not issued by Google/, 'Google Play: another issuer');
like(take('google_play', $test, jwt($google, { %claims, exp => $now - 120 })), qr/^KB821\|.*expired/, 'Google Play: an expired token');
like(take('google_play', $test, jwt($google, { %claims, iat => time + 120 })), qr/^KB821\|.*expired/, 'Google Play: a token of the future');
like(take('google_play', $test, jwt($google, \%claims, header => { alg => 'none' })), qr/^KB821\|.*RS256/, 'Google Play: alg none');
like(take('google_play', $test, jwt($google, \%claims, header => { alg => 'HS256' })), qr/^KB821\|.*RS256/, 'Google Play: HS256 with the public key');
(my $broken = '{"version":"1.0","packageName":"org.example.app","eventTimeMillis":"NOW","testNotification":{"version":"?("}}') =~ s/NOW/$milli/;
$broken =~ s/\?/\xc3/;
like(take('google_play', json_of({ message => { messageId => 'm-3', data => encode_base64($broken, '') } }), jwt($google, \%claims)), qr/^KB824\|.*no UTF-8/, 'Google Play: bytes that are no UTF-8');
like(take('google_play', $play->('m-2', packageName => 'org.other', testNotification => {}), jwt($google, \%claims)), qr/^KB821\|.*another app/, 'Google Play: another app');
is(inbox(), $before, 'and nothing is in the inbox');
is(take('google_play', $test, 'Bearer ' . jwt($google, \%claims)), 'noted|transaction', 'Google Play: a test is noted');

my $licence = rsa_key('licence');
key('google_play', 'licence_key', $licence->{public});
my $purchase = json_of({ orderId => 'GPA.1', packageName => 'org.example.app', productId => 'pack', purchaseTime => $milli, purchaseState => 0, purchaseToken => 'token-1', quantity => 1 });
like(take('google_play', $purchase, encode_base64(rsa_sign($other, 'sha1', $purchase), '')), qr/^KB821\|.*purchase data/, 'Google Play: purchase data of another key');
like(take('google_play', $purchase =~ s/pack/tack/r, encode_base64(rsa_sign($licence, 'sha1', $purchase), '')), qr/^KB821\|.*purchase data/, 'Google Play: other purchase data');
is(take('google_play', $purchase, encode_base64(rsa_sign($licence, 'sha1', $purchase), '')) =~ s/\|.*//r, 'waiting', 'Google Play: genuine purchase data of nobody who is known');

## RevenueCat

my $cat = json_of({ api_version => '1.0', event => { id => 'rc-1', type => 'TEST', event_timestamp_ms => $milli, environment => 'PRODUCTION' } });
key('revenuecat', 'authorization', 'Bearer sesame');
like(take('revenuecat', $cat), qr/^KB822\|/, 'RevenueCat: no header');
like(take('revenuecat', $cat, 'Bearer sesam'), qr/^KB821\|/, 'RevenueCat: another header');
is(take('revenuecat', $cat, 'Bearer sesame'), 'noted|TEST', 'RevenueCat: its own');

## The keys themselves

like(sqlstate($node, 'shop', "SELECT coursebase.set_store_key('app_store', 'root', 'hello')"), qr/KB825/, 'what is no certificate is not entered');
like(sqlstate($node, 'shop', "SELECT coursebase.set_store_key('google_play', 'push_key', 'hello')"), qr/KB825/, 'what is no public key is not entered');
query($node, 'shop', 'CREATE ROLE app_server BYPASSRLS; SELECT coursebase.grant_roles(NULL, NULL, $$app_server$$)');
for my $statement ('SELECT material FROM coursebase.store_keys', "SELECT coursebase.set_store_key('stripe', 'signing_secret', 'x')",
	"UPDATE coursebase.settings SET value = '' WHERE name = 'require_signature'", "INSERT INTO coursebase.store_notifications DEFAULT VALUES")
{
	is(sqlstate($node, 'shop', "SET ROLE app_server; $statement"), '42501', "the server may not: $statement");
}
is(query($node, 'shop', "SELECT count(*) FROM coursebase.audit_events WHERE to_jsonb(audit_events)::text LIKE '%whsec%'"), '0', 'no secret is in the audit trail');

done_testing();
