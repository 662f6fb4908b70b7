# A hot standby gives the answers of the primary: every function of the schema that reads, asked by a user, by an
# administrator and by nobody; every one that writes is refused with 25006 and nothing else; row security shows the
# same rows; and a standby that is promoted has lost nothing and writes.
#
# The functions are those of the catalogue, their calls those of test/tools/memory.calls, where every function needs
# a line: a new one joins by itself.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use PostgreSQL::Test::Cluster;
use Test::More;

# What a standby leaves out of an answer that it gives all the same.
my %answers_without_writing = map { $_ => 1 } qw(handshake);
# What has nothing to write: these only look at the schema, or draw at random, and the form of the fixture was sent in.
my %writes_nothing = map { $_ => 1 } qw(assert_schema_current assert_schema_owner draw_referral_code submit_custom_course);

my $primary = node('primary');
$primary->append_conf('postgresql.conf', "max_wal_senders = 5\nhot_standby = on\nclient_min_messages = warning");
$primary->restart;
create_extension($primary, 'app');
fixture($primary, 'app');
query($primary, 'app', 'CREATE ROLE memory_anonymous; CREATE ROLE memory_user; CREATE ROLE memory_server BYPASSRLS');
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('flush'));

# NAME => [STATEMENT…]; a trigger function has none. Of several statements in one call the first, without which the others
# say nothing.
sub first_statements
{
	my %calls;

	for (calls())
	{
		my ($name, $call) = @$_;

		$calls{$name} //= [];
		$call =~ /^(?:BEGIN )?PERFORM (.*?)(?:; (?:END|EXCEPTION|INSERT|PERFORM|RAISE|SET)\b.*)?$/ or next;
		push @{ $calls{$name} }, "SELECT $1" =~ s/\bi\b(?!')/7/gr;
	}
	return \%calls;
}

# [SQLSTATE and rows] of each statement, each alone in a transaction that is rolled back and ends with a last one.
sub answers
{
	my ($node, $begin, $claims, $statements, $last) = @_;
	my $script = "SET client_min_messages = warning;\nSET request.jwt.claims = '$claims';\n";

	$script .= "$begin;\n$_;\n\\echo state :SQLSTATE\n$last\nROLLBACK;\n\\echo end\n" for @$statements;
	my (undef, $out, $err) = client($node, [ 'psql', '-XAtq', '-d', 'app' ], stdin => $script);
	my @answers = split /^end\n/m, $out;
	is(scalar @answers, scalar @$statements, "the session outlived its calls: $begin") or diag($err);
	return @answers;
}

my %volatility = map { split /\|/ } split /\n/, query($primary, 'app', <<~'SQL');
	SELECT DISTINCT p.proname, p.provolatile FROM pg_proc p
	WHERE p.pronamespace = 'coursebase'::regnamespace AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
	SQL
my $calls = first_statements();
my @functions = split /\n/, query($primary, 'app', "SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'coursebase'::regnamespace ORDER BY 1");
is(join(' ', grep { !$calls->{$_} } @functions), '', 'every function has a line in test/tools/memory.calls');

my @reads = map { @{ $calls->{$_} // [] } } grep { $volatility{$_} ne 'v' } sort keys %volatility;
for my $claims ('{"sub": "fixture_ada"}', '{"sub": "fixture_root"}', '')
{
	my @here = answers($primary, 'BEGIN READ ONLY', $claims, \@reads, '');
	my @there = answers($standby, 'BEGIN', $claims, \@reads, '');
	my @differ = grep { $here[$_] ne $there[$_] } 0 .. $#reads;

	is(join("\n", map { "$reads[$_]\nprimary $here[$_]standby $there[$_]" } @differ), '', "readers answer the same to $claims");
	is(join("\n", map { "$reads[$_]: $here[$_]" } grep { $here[$_] =~ /^state (XX|25)/m } 0 .. $#reads), '', 'and write nothing');
}

my @names = grep { $volatility{$_} eq 'v' } sort keys %volatility;
my @writes = map { @{ $calls->{$_} // [] } } @names;
my @of = map { ($_) x @{ $calls->{$_} // [] } } @names;
# By the server's own hand and by people, whose rights some ask for; each reaches its write for one of them.
my %refused;
for my $claims ('', '{"sub": "fixture_ada"}', '{"sub": "fixture_root"}')
{
	my @here = answers($primary, 'BEGIN', $claims, \@writes, "SELECT 'written' WHERE pg_current_xact_id_if_assigned() IS NOT NULL;");
	my @there = answers($standby, 'BEGIN', $claims, \@writes, '');

	for my $i (0 .. $#writes)
	{
		my $written = $here[$i] =~ s/^written\n//m;

		next if $answers_without_writing{$of[$i]};
		$refused{$of[$i]} += $there[$i] =~ /\Astate 25006$/m;
		next if $there[$i] =~ /\Astate 25006$/m || (!$written && $there[$i] eq $here[$i]);
		is($there[$i], $here[$i], "refused with 25006, or answered where nothing is written: $writes[$i], asked by $claims");
	}
}
is(join(' ', grep { !$refused{$_} && !$answers_without_writing{$_} && !$writes_nothing{$_} } @names), '', 'each function that writes is refused with 25006');

# Row security, by every table.
sub rows_seen
{
	my ($node, $claims) = @_;
	my $script = "SET request.jwt.claims = '$claims';\nSET ROLE fixture_end_user;\n";

	$script .= "SELECT '$_', count(*), md5(string_agg(t::text, '' ORDER BY t::text COLLATE \"C\")) FROM coursebase.$_ t;\n" for tables($node, 'app');
	my (undef, $out, undef) = client($node, [ 'psql', '-XAtq', '-d', 'app' ], stdin => $script);
	return $out;
}
for my $claims ('{"sub": "fixture_ada"}', '{"sub": "fixture_root"}', '')
{
	my $seen = rows_seen($primary, $claims);
	is(rows_seen($standby, $claims), $seen, "the same rows are seen by $claims");
	like($seen, qr/^courses\|[1-9]/m, 'and there are some');
}

# A grant reaches the standby, into a session that has asked before; so does its end.
query($primary, 'app', "INSERT INTO coursebase.courses (id, title, description) VALUES ('00000000-0000-4000-a000-0000000dffff', 't', 'd')");
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('flush'));
my $session = $standby->background_psql('app', on_error_stop => 0);
my $course = "'00000000-0000-4000-a000-0000000dffff'";
my $ask = "SELECT coursebase.has_course_access($course), $course = ANY (coursebase.accessible_course_ids())";
$session->query("SET request.jwt.claims = '{\"sub\": \"fixture_ada\"}'");
is($session->query($ask), 'f|f', 'a course that she may not use');
query($primary, 'app', "INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES ('00000000-0000-4000-a000-00000000000a', $course)");
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('flush'));
is($session->query($ask), 't|t', 'may be used once she was granted it');
query($primary, 'app', 'ALTER INDEX coursebase.user_course_access_pkey RENAME TO other');
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('flush'));
is($session->query($ask), 't|t', 'and when the index has another name');
query($primary, 'app', 'ALTER INDEX coursebase.other RENAME TO user_course_access_pkey');
query($primary, 'app', "DELETE FROM coursebase.user_course_access WHERE course_id = $course");
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('flush'));
is($session->query($ask), 'f|f', 'and no more when that was taken back');
$session->quit;

# A sale and a payment that the primary has told of, and that the promoted standby is told of once more.
my $sale = "SELECT purchase_id, status FROM coursebase.complete_purchase('00000000-0000-4000-a000-00000000000a', '00000000-0000-4000-a000-0000000000e1', 'cs_promoted', 4900, 'paid')";
my $paid = "SELECT status, entitlement_id FROM coursebase.apply_payment_event('00000000-0000-4000-a000-000000000201', 'stripe', 'pi_promoted', 'completed')";
my @told = (query($primary, 'app', $sale), query($primary, 'app', <<~'SQL' . $paid));
	SELECT FROM coursebase.begin_checkout('00000000-0000-4000-a000-00000000000a', '00000000-0000-4000-a000-000000000231') b,
	    LATERAL coursebase.attach_payment_reference(b.transaction_id, 'stripe', 'pi_promoted') \g /dev/null
	SQL
my $before = fingerprint($primary, 'app');
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('flush'));
$primary->stop('immediate');
$standby->promote;
is(fingerprint($standby, 'app'), $before, 'promoted, it has lost nothing');
is(query($standby, 'app', "$sale;\n$paid"), join("\n", @told), 'a sale and a payment that are told again are those that were made');
is(fingerprint($standby, 'app'), $before, 'which changed nothing');
is(query($standby, 'app', "INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES ('00000000-0000-4000-a000-00000000000a', $course)\n;"
		  . "SET request.jwt.claims = '{\"sub\": \"fixture_ada\"}'; $ask"), 't|t', 'and writes');
is(query($standby, 'app', 'SELECT * FROM coursebase.check_integrity()'), '', 'and is sound');

done_testing();
