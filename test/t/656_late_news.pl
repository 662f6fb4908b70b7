# A change of the plans is seen a moment before the server tells other sessions of it. A handshake of that moment is that
# of the change: it is kept, and nothing would ever make it anew.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use Cwd qw(abs_path);
use PostgreSQL::Test::Utils;
use Test::More;

my $library = compiled('late_commit');
plan skip_all => 'no compiler' unless $library;

my $node = node('late_news');
my $ada = '00000000-0000-4000-8000-0000000000a1';
my $limit = "SELECT h -> 'ai_usage' ->> 'weekly_limit_credits' FROM coursebase.handshake('$ada', '{}', '2026-05-10') h;\n";
my $seen = q(SELECT weekly_credits FROM coursebase.entitlements WHERE name = 'premium');
my $file = abs_path(PostgreSQL::Test::Utils::tempdir()) . '/held_up';

create_extension($node, 'app');
query($node, 'app', <<~"SQL");
	INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES ('$ada', 'ada', 'Ada', 'ada\@example.org');
	SELECT status FROM coursebase.apply_subscription_event('$ada', json_build_object('store', 'app_store', 'environment', 'production',
	    'store_event_id', 'e', 'original_transaction_id', 'l', 'transaction_id', 't', 'event_type', 'created',
	    'event_time', '2026-05-01T00:00:00Z', 'period_end', '2026-06-01T00:00:00Z', 'product_id', 'monthly'), '2026-05-01');
	UPDATE coursebase.entitlements SET weekly_credits = 1000 WHERE name = 'premium';
	SQL

# A psql that stays: it reads what is put into in.
sub session
{
	my %session = (in => '', out => '', err => '');

	local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port);
	$session{run} = IPC::Run::start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', 'app' ], '<', \$session{in},
		'>', \$session{out}, '2>', \$session{err});
	return \%session;
}

sub asked
{
	my ($session, $sql) = @_;

	$session->{out} = '';
	$session->{in} .= $sql;
	$session->{run}->pump until $session->{out} =~ /\n/;
	return $session->{out} =~ s/\n.*//sr;
}

my $phone = session();
my $operator = session();
is(asked($phone, $limit), '1000', 'the session of the phone keeps what premium gives');

open(my $held, '>', $file) or die "$file: $!";
close $held;
$operator->{in} .= "LOAD '$library'; BEGIN; SET LOCAL late_commit.file = '$file';\n"
  . "UPDATE coursebase.entitlements SET weekly_credits = 2000 WHERE name = 'premium'; COMMIT;\n";
$operator->{run}->pump_nb;
wait_until('the change is seen', sub { query($node, 'app', $seen) eq '2000' });
is(asked($phone, $limit), '2000', 'a handshake that sees the change has it before the session is told');
unlink $file;
$_->{run}->finish for $operator, $phone;
is(query($node, 'app', $limit), '2000', 'and what it kept is what the next session answers');
done_testing();
