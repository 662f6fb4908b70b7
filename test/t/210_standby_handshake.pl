# A handshake in a read-only transaction and on a hot standby answers what it answers on the primary, from the
# cached row or computed, and writes nothing at all; where the phone reported something that is not kept, it says so.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use PostgreSQL::Test::Cluster;
use Test::More;

my $primary = node('primary');
$primary->append_conf('postgresql.conf', "max_wal_senders = 5\nhot_standby = on");
$primary->restart;
create_extension($primary, 'app');
query($primary, 'app', <<~'SQL');
	INSERT INTO coursebase.users (id, clerk_user_id, name, email)
	SELECT format('00000000-0000-4000-8000-00000000000%s', n)::uuid, 'u' || n, 'n', 'e' FROM generate_series(1, 3) n;
	INSERT INTO coursebase.user_profile (user_id, email, referral_code)
	SELECT id, 'e', 'USTAND' || translate(right(id::text, 1), '123', 'ABC') FROM coursebase.users ON CONFLICT DO NOTHING;
	INSERT INTO coursebase.master_manifests (name, content, is_default) VALUES
	    ('shop.json', '{"a" : 1}', true), ('long.json', (SELECT json_agg(md5(i::text)) FROM generate_series(1, 5000) i), true);
	INSERT INTO coursebase.custom_courses (user_id, course_code, title, description, data)
	SELECT id, 'X01AAA', 't', 'd', '{"audio_files":[]}' FROM coursebase.users;
	SQL

my $said = '{"analytics": {"voice": "male", "audio_usage": {"C01AAA_1": {"no_of_plays": 3}}}, "device_id": "d", "purchases": ["p"]}';
my $call = sub { "SELECT coursebase.handshake('00000000-0000-4000-8000-00000000000$_[0]', '$_[1]')" };
my $rows = 'SELECT (SELECT count(*) FROM coursebase.cached_handshake_responses), (SELECT count(*) FROM coursebase.analytics), '
  . '(SELECT count(*) FROM coursebase.audio_usage), (SELECT count(*) FROM coursebase.user_profile WHERE devices <> \'{}\')';

# User 1 has a cached row, user 2 has none.
my $first = query($primary, 'app', $call->(1, $said));
is(query($primary, 'app', $rows), '1|1|1|1', 'the primary keeps what was reported and computed');

$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('flush'));

sub same_everywhere
{
	my ($user, $name) = @_;

	for my $request ($said, '{"checksums": {"shop.json": "x", "old.json": "y"}}', '{"device_id": "new", "analytics": {"voice": "female"}}')
	{
		my $read_only = query($primary, 'app', 'BEGIN READ ONLY; ' . $call->($user, $request) . '; COMMIT');
		my $written = query($primary, 'app', 'BEGIN ISOLATION LEVEL REPEATABLE READ; ' . $call->($user, $request) . '; ROLLBACK');
		is(query($standby, 'app', $call->($user, $request)), $read_only, "$name: the standby answers as a read-only transaction does");
		unlike($written, qr/"kept"/, "$name: the primary keeps what was reported");
		is($read_only, $user == 1 && $request eq $said || $request =~ /checksums/ ? $written : $written =~ s/\}$/,"kept":false}/r,
			"$name: and answers the same, and whether something new was not kept");
	}
}

# Each thing that a phone may report, by itself; what is kept already, and what cannot be, is not told of.
for (['{"analytics": {"voice": "male"}}', 0], ['{"analytics": {"voice": "female"}}', 1], ['{"analytics": {"voice": null}}', 1],
	['{"analytics": {"induction": null}}', 0], ['{"device_id": "d"}', 0], ['{"device_id": "e"}', 1], ['{"purchases": ["unheard of"]}', 0],
	['{"analytics": {"audio_usage": {"C01AAA_1": {"no_of_plays": 2}}}}', 0], ['{"analytics": {"audio_usage": {"C01AAA_1": {"no_of_plays": 4}}}}', 1],
	['{"device_id": "d", "purchases": ["p"], "analytics": {"voice": "male", "audio_usage": {"C01AAA_2": {"no_of_plays": 1}}}}', 1])
{
	my ($request, $new) = @$_;
	my $answer = query($standby, 'app', $call->(1, $request));

	is($answer =~ /,"kept":false\}\z/ ? 1 : 0, $new, "whether this is told as not kept: $request");
	is($answer =~ s/,"kept":false//r, query($primary, 'app', 'BEGIN; ' . $call->(1, $request) . '; ROLLBACK'), 'and nothing else is different');
}

my $before = fingerprint($primary, 'app');
same_everywhere(1, 'cached');
same_everywhere(2, 'computed');
is(query($standby, 'app', $rows), '1|1|1|1', 'the standby has written nothing');
is(fingerprint($primary, 'app'), $before, 'nor has a read-only transaction');
is(query($standby, 'app', $call->(1, $said)), $first, 'the answer is the one that the primary gave');

# A row that fits no more is not taken, on a standby neither.
query($primary, 'app', q{UPDATE coursebase.master_manifests SET content = '2' WHERE name = 'shop.json'});
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('flush'));
like(query($standby, 'app', $call->(1, '{}')), qr/"content":"2"/, 'the standby sees that its row is stale');
same_everywhere(1, 'stale');

$standby->promote;
unlike(query($standby, 'app', $call->(3, $said)), qr/"kept"/, 'promoted, it keeps what is reported');
is(query($standby, 'app', $rows), '2|2|2|2', 'promoted, it writes again');

done_testing();
