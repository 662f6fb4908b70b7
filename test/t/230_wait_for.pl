# Reading on a standby what was written on the primary: wait_for() returns when the position of write_position() is
# replayed, and refuses when it is not. The position holds for every session and every kind of commit.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = node('primary');
# Nothing but what a test does brings the log to disk.
$primary->append_conf('postgresql.conf', <<~'CONF');
	max_wal_senders = 5
	hot_standby = on
	autovacuum = off
	wal_writer_delay = 10s
	bgwriter_delay = 10s
	CONF
$primary->restart;
create_extension($primary, 'app');
query($primary, 'app', 'CREATE TABLE note (n integer)');
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('flush'));

sub position { return query($primary, 'app', 'SELECT coursebase.write_position()') }
sub wait_for { return sqlstate($standby, 'app', "SELECT coursebase.wait_for($_[0])") }
sub notes { return query($standby, 'app', 'SELECT max(n) FROM note') }

# A session of the standby that waits; it has begun when the server says so.
sub waiter
{
	my ($call) = @_;
	my $session = $standby->background_psql('app', on_error_stop => 0);

	$session->query_until(qr/begun/, "\\echo begun\nSELECT coursebase.wait_for($call);\n\\echo state :SQLSTATE\n");
	ok($standby->poll_query_until('postgres',
			"SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Extension' AND query LIKE '%wait_for%' AND pid <> pg_backend_pid()"),
		"it waits: $call");
	return $session;
}

# Writes of all kinds, each in a session of its own, as behind a pooler. What is not on disk is sent to no standby, and the
# server's own writer of the log comes by every 10 seconds: it is asking for the position that brings it there.
for my $kind ('on', 'local', 'off')
{
	for my $n (1 .. 5)
	{
		query($primary, 'app', "SET synchronous_commit = $kind; INSERT INTO note SELECT coalesce(max(n), 0) + 1 FROM note");
		my ($position, $written) = split /\|/, query($primary, 'app', 'SELECT p, p <= pg_current_wal_flush_lsn() FROM coursebase.write_position() p');
		is($written, 't', "synchronous_commit $kind: the position is on disk");
		is(wait_for("'$position', '1 minute'"), '00000', 'the standby comes so far');
		is(notes(), query($primary, 'app', 'SELECT max(n) FROM note'), 'and shows what was written');
	}
}

# What another session has written and not committed does not keep anybody waiting.
my $open = $primary->background_psql('app');
$open->query("BEGIN; INSERT INTO note SELECT -n FROM generate_series(1, 1000) n");
query($primary, 'app', 'SET synchronous_commit = off; INSERT INTO note VALUES (100)');
is(wait_for("'" . position() . "', '1 minute'"), '00000', 'beside an open transaction');
is(notes(), '100', 'the committed row is there');
$open->query('ROLLBACK');
$open->quit;

# Where a page of the log ends: a message that fills it. Other records may come between, so that it is tried again.
my $at_end = 0;
for my $try (1 .. 50)
{
	my ($end, $position) = split /\|/, query($primary, 'app', <<~'SQL');
		SELECT pg_logical_emit_message(false, '', repeat('x', 1000)) \g /dev/null
		SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint % 8192 AS at \gset
		SELECT pg_logical_emit_message(false, '', repeat('x', greatest(8192 - :at - 56, 0))) - '0/0' AS end \gset
		SELECT :end, coursebase.write_position() - '0/0'
		SQL
	next if $end % 8192 || $position - $end > 40;
	is($position, $end, 'at the end of a page the position is that end');
	$at_end = 1;
	last;
}
ok($at_end, 'the log was brought to the end of a page');

# Replay is paused: the wait ends with its time, with a cancel, or with the replay.
query($standby, 'app', 'SELECT pg_wal_replay_pause()');
$standby->poll_query_until('postgres', "SELECT pg_get_wal_replay_pause_state() = 'paused'");
query($primary, 'app', 'INSERT INTO note VALUES (200)');
my $position = position();
is(wait_for("'$position', '0'"), 'KBC03', 'with timeout 0 it only asks');
my (undef, undef, $said) = client($standby, [ 'psql', '-Xq', '-v', 'VERBOSITY=verbose', '-d', 'app' ], stdin => "SELECT coursebase.wait_for('$position', '50 milliseconds')");
like($said, qr/KBC03: this standby is behind what is asked for\nDETAIL:  It has replayed up to [0-9A-F\/]+, and not up to \Q$position\E\.\nHINT:  Ask the primary\./,
	'when the time is over it says where it is and whom to ask');
is(wait_for("'$position'"), 'KBC03', 'there is a time by default');
is(notes(), '100', 'nothing was shown that is not replayed');
is(sqlstate($standby, 'app', "SELECT coursebase.wait_for('$position', '1 minute')", options => '-c statement_timeout=200'), '57014', 'statement_timeout ends the wait');
my $waiter = waiter("'$position', '1 minute'");
query($standby, 'app', "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE '%wait_for%' AND pid <> pg_backend_pid()");
$waiter->query_until(qr/state 57014/, '');
pass('a cancel ends the wait');
$waiter->{stderr} = '';
$waiter->quit;
$waiter = waiter("'$position', '1 minute'");
query($standby, 'app', 'SELECT pg_wal_replay_resume()');
$waiter->query_until(qr/state 00000/, '');
is($waiter->query('SELECT max(n) FROM note'), '200', 'it returns when the position is replayed, and the next statement shows the row');
$waiter->quit;
is(wait_for("'$position', '0'"), '00000', 'what is replayed is not waited for');

# A snapshot that the transaction keeps.
is(sqlstate($standby, 'app', "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT coursebase.wait_for('0/0')"), '25001', 'refused above READ COMMITTED');
is(sqlstate($standby, 'app', "SELECT coursebase.wait_for('0/0')", options => '-c default_transaction_isolation=repeatable\ read'), '25001', 'also as the first statement');
is(query($standby, 'app', "BEGIN; SELECT max(n) FROM note; SELECT coursebase.wait_for('$position'); SELECT max(n) FROM note; COMMIT"), "200\n\n200", 'within a transaction at READ COMMITTED it serves');

# Arguments.
is(wait_for($_->[0]), $_->[1], "arguments $_->[0]")
  for ["'$position', '1 minute'", '00000'], ["'$position', '1 minute 1 microsecond'", '22023'], ["'$position', '-1 microsecond'", '22023'],
  ["'$position', '1 day'", '22023'], ["'$position', '-1 month'", '22023'], ["NULL", '00000'], ["'F/0', NULL", '00000'];

# The primary has everything, whatever is asked for; a standby has no position.
is(sqlstate($primary, 'app', "SELECT coursebase.wait_for('FFFFFF/0')"), '00000', 'the primary returns at once');
is(sqlstate($primary, 'app', "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; SELECT coursebase.wait_for('FFFFFF/0')"), '00000', 'at any level of isolation');
is(sqlstate($primary, 'app', "INSERT INTO note VALUES (0); SELECT coursebase.write_position()"), '25001', 'no position before the commit');
is(sqlstate($primary, 'app', "SET TRANSACTION READ ONLY; SELECT coursebase.write_position()"), '00000', 'a position in a transaction that only reads');
is(sqlstate($standby, 'app', 'SELECT coursebase.write_position()'), '25006', 'a standby has no position of a write');

# Replay that has to wait for the waiter's snapshot ends the wait instead.
$standby->append_conf('postgresql.conf', "max_standby_streaming_delay = '100ms'");
$standby->reload;
$waiter = waiter("'FFFFFF/0', '1 minute'");
query($primary, 'app', 'DELETE FROM note; VACUUM note');
position();
$waiter->query_until(qr/state 40001/, '');
pass('a conflict with replay ends the wait with 40001');
$waiter->{stderr} = '';
$waiter->quit;

# A standby that is promoted while somebody waits for what never came.
$waiter = waiter("'FFFFFF/0', '1 minute'");
$standby->promote;
$waiter->query_until(qr/state 00000/, '');
pass('promoted, it answers as the primary');
$waiter->quit;
like(query($standby, 'app', 'SELECT coursebase.write_position()'), qr/^[0-9A-F]+\/[0-9A-F]+$/, 'and has a position');

done_testing();
