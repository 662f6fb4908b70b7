# Transactions that are prepared and stay so, a disk that is full, and indexes that go while they are read: an answer is right
# or an error says what is missing, and nothing that was told as done is lost.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = node('faults');
$node->append_conf('postgresql.conf', 'max_prepared_transactions = 4');
$node->restart;
create_extension($node, 'faults');
my ($ada, $bo) = map { "00000000-0000-4000-8000-0000000000a$_" } 1, 2;
my ($course, $product) = map { "00000000-0000-4000-8000-0000000000${_}1" } 'c', 'd';
query($node, 'faults', <<~"SQL");
	INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES ('$ada', 'ada', 'Ada', 'ada\@example.org'), ('$bo', 'bo', 'Bo', 'bo\@example.org');
	INSERT INTO coursebase.courses (id, course_code, title, description) VALUES ('$course', 'C01FLT', 'Course', '');
	INSERT INTO coursebase.course_documents (course_id, data) VALUES ('$course', '{"a": 1}');
	BEGIN;
	INSERT INTO coursebase.products (id, name, description, image_url, price_dollars, status) VALUES ('$product', 'Product', '', '/p.png', 1, 'public');
	INSERT INTO coursebase.course_products (product_id, course_id) VALUES ('$product', '$course');
	COMMIT;
	INSERT INTO coursebase.store_products (product_id, kind, credits, price_in_cents, currency) VALUES ('pack', 'ai_credits', 10, 500, 'EUR');
	UPDATE coursebase.settings SET value = 'true' WHERE name = 'events_out';
	SQL
my $has = "has_course_access('$course', '$ada')";
my $files = "(SELECT count(*) FROM json_object_keys(coursebase.handshake('$ada', '{}') -> 'json_manifest') f WHERE f LIKE 'C01FLT%')";

sub paid { my ($user, $session) = @_; return "SELECT status FROM coursebase.complete_purchase('$user', '$product', '$session', 100, 'paid')"; }

sub notice
{
	my ($id, $filling) = @_;
	return sprintf q{SELECT outcome FROM coursebase.take_notification('stripe', '{"id": "%s", "object": "event", "type": "product.created", "created": 1772445600, "livemode": true,'
		' "filling": "' || %s || '", "data": {"object": {"id": "p"}}}')}, $id, $filling // q{''};
}

## Prepared transactions

is(query($node, 'faults', <<~"SQL"), "f|0\ncompleted\nt|1\nf|0\nf\nnoted", 'what is prepared is seen by nobody, the session that did it included');
	SELECT coursebase.$has, $files;
	BEGIN;
	@{[ paid($ada, 'prepared') ]};
	SELECT coursebase.$has, $files;
	PREPARE TRANSACTION 'sale';
	SET lock_timeout = '5s';
	SELECT coursebase.$has, $files;
	SET request.jwt.claims = '{"sub": "ada"}';
	SELECT coursebase.has_course_access('$course');
	RESET request.jwt.claims;
	@{[ notice('evt_beside') ]};
	SQL
is(sqlstate($node, 'faults', "SET lock_timeout = '100ms'; " . paid($ada, 'other')), '55P03', 'a second sale to the person waits');
is(sqlstate($node, 'faults', "SET lock_timeout = '100ms'; " . paid($ada, 'prepared')), '55P03', 'and so does the same one again');
is(query($node, 'faults', paid($bo, 'of bo')), 'completed', 'sales to others do not');
is(query($node, 'faults', "SELECT count(*) FROM coursebase.take_events('c')"), 0, 'no event is given that one of a prepared transaction could precede');
$node->stop('immediate');
$node->start;
is(query($node, 'faults', <<~"SQL"), "f|0\nt|1\ncompleted\nt", 'it outlives the server, and is seen at once by who asked before');
	SELECT coursebase.$has, $files;
	COMMIT PREPARED 'sale';
	SELECT coursebase.$has, $files;
	@{[ paid($ada, 'prepared') ]};
	SELECT count(DISTINCT user_id) = 2 FROM coursebase.take_events('c');
	SQL
is(query($node, 'faults', <<~"SQL"), "completed\n0|0", 'one that is rolled back leaves nothing');
	BEGIN;
	@{[ paid($bo, 'never') ]};
	PREPARE TRANSACTION 'sale';
	ROLLBACK PREPARED 'sale';
	SELECT (SELECT count(*) FROM coursebase.purchases WHERE stripe_session_id = 'never'), (SELECT count(*) FROM coursebase.take_events('c') WHERE user_id = '$bo');
	SQL
# NOTIFY cannot be prepared: the server says so, and the sale with it is rolled back.
query($node, 'faults', "UPDATE coursebase.settings SET value = 'true' WHERE name = 'events_notify'");
is(sqlstate($node, 'faults', "BEGIN; @{[ paid($bo, 'told') ]}; PREPARE TRANSACTION 'told'"), '0A000', 'a transaction that notifies is not prepared');
query($node, 'faults', "UPDATE coursebase.settings SET value = 'false' WHERE name LIKE 'events_%' AND kind = 'boolean'");
is(query($node, 'faults', "SELECT count(*) FROM coursebase.purchases WHERE stripe_session_id = 'told'"), 0, 'and leaves nothing');
is(query($node, 'faults', 'SELECT * FROM coursebase.check_integrity()'), '', 'nothing for check_integrity');

## A disk that is full: no file may grow beyond a limit, which ends within a block and leaves room for a segment of the log.

SKIP:
{
	my ($pid) = slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/;
	my $limit = sub { return system("prlimit --pid $pid --fsize=$_[0]: 2>/dev/null") == 0 };

	skip 'needs prlimit, to limit the size of files', 8 unless $limit->(16 * 1024 * 1024 + 4096);
	my $filling = q{(SELECT string_agg(md5(n::text || random()::text), '') FROM generate_series(1, 30000) n)};
	my (undef, $out, $err) = client($node, [ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-v', 'VERBOSITY=verbose', '-d', 'faults' ],
		stdin => join(";\n", map { notice("evt_$_", $filling) } 1 .. 30));
	my $told = () = $out =~ /noted/g;
	like($err, qr/ERROR:  \w{5}: could not extend file/, 'the error names the file that cannot grow');
	cmp_ok($told, '>', 0, "after $told notifications");
	is(query($node, 'faults', "SELECT count(*) FROM coursebase.store_notifications WHERE notification_id ~ '^evt_[0-9]'"), $told, 'which are there, and no part of another');
	# What fits in a page goes on.
	is(query($node, 'faults', paid($bo, 'small')), 'completed', 'what needs no room goes on');
	my $large = join ";\n", 'BEGIN', paid($bo, 'large'), (map { notice("evt_large_$_", $filling) } 1 .. 6), 'COMMIT';
	(undef, $out, $err) = client($node, [ 'psql', '-XAtq', '-d', 'faults' ], stdin => $large);
	like("$out$err", qr/^completed\n.*could not extend file/s, 'a sale with what does not fit');
	is(query($node, 'faults', "SELECT count(*) FROM coursebase.purchases WHERE stripe_session_id = 'large'"), 0, 'is rolled back as a whole');
	$limit->('unlimited');
	is(query($node, 'faults', notice('evt_' . ($told + 1), $filling) . ";\n" . paid($bo, 'large')), "noted\ncompleted", 'with room both go through');
	is(query($node, 'faults', 'SELECT * FROM coursebase.check_integrity()'), '', 'nothing for check_integrity');
}

## Two sessions drop and make indexes that two others read straight.

my @indexes = ([ 'subscription_lines_user_id_idx', 'subscription_lines (user_id)' ], [ 'course_purchases_user_id_course_id_idx', 'course_purchases (user_id, course_id)' ]);
my $reads = <<~"SQL";
	DO \$\$
	BEGIN
	    FOR i IN 1 .. 2000 LOOP
	        EXIT WHEN to_regclass('public.dropped') IS NOT NULL;
	        ASSERT coursebase.$has AND cardinality(coursebase.accessible_course_ids('$ada')) = 1 AND NOT coursebase.has_premium('$ada');
	        COMMIT;
	    END LOOP;
	END \$\$;
	SQL
my @drops = map { my ($n, $own) = ($_, $indexes[$_]); join "\n", map {
	my ($name, $columns) = @{ $_ % 3 == 2 ? $indexes[ 1 - $n ] : $own };
	"DROP INDEX CONCURRENTLY IF EXISTS coursebase.$name; CREATE INDEX CONCURRENTLY IF NOT EXISTS $name ON coursebase.$columns;"
} 0 .. 11 } 0, 1;
my @sessions = map { { in => $_->[0], out => '', err => '', said => $_->[1] } } (map { [ $reads, 'reader' ] } 1, 2), (map { [ $_, 'dropper' ] } @drops);

sub begin
{
	my ($session) = @_;
	local $ENV{PGHOST} = $node->host;
	local $ENV{PGPORT} = $node->port;
	my @stop = $session->{said} eq 'reader' ? ('-v', 'ON_ERROR_STOP=1') : ();
	$session->{run} = IPC::Run::start([ 'psql', '-XAtq', @stop, '-d', 'faults' ], '<', \$session->{in}, '>', \$session->{out}, '2>', \$session->{err});
	return;
}
begin($_) for @sessions;
$_->{run}->finish for grep { $_->{said} eq 'dropper' } @sessions;
query($node, 'faults', 'CREATE TABLE public.dropped ()');
for my $reader (grep { $_->{said} eq 'reader' } @sessions)
{
	$reader->{run}->finish;
	is($reader->{err}, '', 'who reads is answered right while indexes go');
}
# Of two that drop the same index one may find it gone, or both may meet in a ring: that is theirs.
is(join('', grep { !/already exists|does not exist|deadlock detected|DETAIL|HINT|CONTEXT|Process \d+ waits|tuple concurrently|NOTICE|^$/ } map { split /^/, $_->{err} } grep { $_->{said} eq 'dropper' } @sessions),
	'', 'and who drops them meets nothing of ours');

$node->stop;
done_testing();
