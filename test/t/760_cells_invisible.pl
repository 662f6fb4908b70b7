# The number of cells is invisible: through PL/Proxy, two cells answer every function that a proxy has, about everybody, as one
# server with the same people does. And a cell's or home's death by kill -9 under load loses and doubles nothing.
#
# 60 people; with COURSEBASE_LOAD above 1 300, and more crashes.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use IPC::Run;
use Load;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $long = ($ENV{COURSEBASE_LOAD} // 1) > 1;
my $people = $long ? 300 : 60;
my $one = load_node('one');

plan skip_all => 'PL/Proxy is not at hand (Debian: postgresql-15-plproxy, of the server\'s own version)'
  unless query($one, 'postgres', q{SELECT count(*) FROM pg_available_extensions WHERE name = 'plproxy'});

# One server, and beside it home with a cell; the proxy is a database of the first.
my ($home, $cell) = (load_node('home'), load_node('cell'));
my @cells = ($home, $cell);
for my $node ($one, @cells)
{
	$node->append_conf('postgresql.conf', "fsync = on\nmax_wal_senders = 10\nwal_retrieve_retry_interval = 200ms");
	$node->restart;
	query($node, 'postgres', 'CREATE ROLE app_anonymous; CREATE ROLE app_user; CREATE ROLE app_server LOGIN BYPASSRLS');
	create_extension($node, 'app');
	query($node, 'app', "SELECT coursebase.grant_roles('app_anonymous', 'app_user', 'app_server')");
}
my $conninfo = sprintf 'host=%s port=%d dbname=app', $home->host, $home->port;
query($home, 'app', 'SELECT coursebase.set_cell(0, 2); SELECT coursebase.publish_catalogue(); CREATE PUBLICATION people FOR TABLE coursebase.people');
query($cell, 'app', "SELECT coursebase.set_cell(1, 2); SELECT * FROM coursebase.join_home('$conninfo')");
create_database($one, 'proxy');
my $cluster = join ', ', map { sprintf q{p%d 'dbname=app host=%s port=%s user=app_server'}, $_, $cells[$_]->host, $cells[$_]->port } 0 .. $#cells;
query($one, 'proxy', query($home, 'app', q{SELECT string_agg(ddl || ';', E'\n') FROM coursebase.proxy_functions('cells')}));
query($one, 'proxy', <<~"SQL");
	CREATE SERVER cells FOREIGN DATA WRAPPER plproxy OPTIONS (modular_mapping '1', $cluster);
	CREATE USER MAPPING FOR app_server SERVER cells;
	GRANT USAGE ON FOREIGN SERVER cells TO app_server;
	GRANT USAGE ON SCHEMA coursebase TO app_server;
	GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA coursebase TO app_server;
	CREATE SUBSCRIPTION people CONNECTION '$conninfo' PUBLICATION people;
	SQL

sub id { my ($kind, $n) = @_; return sprintf '00000000-0000-4000-8000-%04d%08d', $kind, $n }
my ($COURSE, $PRODUCT, $LESSON, $PERSON) = 1 .. 4;

sub caught_up
{
	$home->wait_for_catchup($_) for 'coursebase_home', 'people';
	return;
}

# The same catalogue: written on home, and in the one server.
my ($course, $product, $lesson) = (id($COURSE, 1), id($PRODUCT, 1), id($LESSON, 1));
query($_, 'app', <<~"SQL") for $one, $home;
	INSERT INTO coursebase.courses (id, course_code, title, description, in_premium, is_free) VALUES
	    ('$course', 'C01INV', 'First', '', true, false), ('${\ id($COURSE, 2)}', 'C02INV', 'Second', '', true, false), ('${\ id($COURSE, 3)}', 'C03INV', 'Free', '', false, true);
	INSERT INTO coursebase.course_documents (course_id, data) SELECT id, to_json(title) FROM coursebase.courses;
	INSERT INTO coursebase.course_sections (id, course_id, name, status) VALUES ('${\ id(5, 1)}', '$course', 'Basics', 'public');
	INSERT INTO coursebase.lessons (id, section_id, name, status) VALUES ('$lesson', '${\ id(5, 1)}', 'Welcome', 'public');
	INSERT INTO coursebase.products (id, name, description, image_url, price_dollars) VALUES ('$product', 'First', '', '/p.png', 49);
	INSERT INTO coursebase.course_products (course_id, product_id) VALUES ('$course', '$product');
	UPDATE coursebase.products SET status = 'public';
	INSERT INTO coursebase.discount_codes (id, code, product_type, percent_off) VALUES ('${\ id(6, 1)}', 'TEN', 'course', 10);
	INSERT INTO coursebase.master_manifests (id, name, content, is_default) VALUES ('${\ id(7, 1)}', 'shop.json', '{"a": 1}', true);
	INSERT INTO coursebase.store_products (product_id, kind) VALUES ('premium_inv', 'subscription');
	SQL

# What a session of the server's role says to each statement, errors with their SQLSTATE. Ids that a server drew and times
# that it took from its clock differ between any two runs, so that they are told as what they are; what a call was given
# begins with 00000000-0000-4000 or lies before this year, and is compared.
sub said
{
	my ($node, $database, @statements) = @_;
	my $script = join "\n", q{SET TimeZone = 'UTC'; SET client_min_messages = error; \set VERBOSITY sqlstate}, map { "\\echo -- $_\n$_;" } @statements;
	my (undef, $out) = client($node, [ 'sh', '-c', 'exec psql -XAtq -U app_server -d "$0" 2>&1', $database ], stdin => $script);
	my $year = (gmtime)[5] + 1900;
	# the context of an error tells that it came through the proxy
	$out =~ s/^(ERROR:  \w{5}).*$/$1/mg;
	$out =~ s/\b(?!00000000-0000-4000)[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b/<drawn id>/g;
	$out =~ s/\b(?:$year|${\ ($year + 1)})-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:\+00(?::00)?|Z)?/<clock>/g;
	$out =~ s/\bU[A-Z0-9]{6,8}\b/<drawn code>/g;
	return $out;
}

sub same
{
	my ($name, @statements) = @_;
	return is(differences(said($one, 'proxy', @statements), said($one, 'app', @statements)), '', $name);
}

# The directory is home's: who lives where, half by half.
query($one, 'proxy', join "\n", 'SET ROLE app_server;', map { "SELECT coursebase.place_person('person $_', " . ($_ % 2) . ", '${\ id($PERSON, $_)}');" } 1 .. $people);
caught_up();
$one->poll_query_until('proxy', "SELECT count(*) = $people FROM coursebase.people") or die 'the directory does not arrive';

# A life, from which follows what is in every answer: accounts, purchases, refunds, premium, lessons, discounts, credits.
sub life
{
	my ($n) = @_;
	my $who = "'${\ id($PERSON, $n)}'";
	my $event = sub {
		my ($type, $id, $at) = @_;
		return qq{SELECT * FROM coursebase.apply_subscription_event($who, '{"store": "stripe", "environment": "production", "event_time": "$at", "original_transaction_id": "inv $n", "store_event_id": "$id $n", "event_type": "$type", "period_end": "2099-01-01T00:00:00Z"}', '$at')};
	};
	my @calls = ("SELECT coursebase.upsert_user('person $n', 'Name $n', 'p$n\@example.org', country => 'NG', user_id => $who)");
	push @calls, "SELECT status, already_owned, course_ids FROM coursebase.complete_purchase($who, '$product', 'cs_$n', 4900, 'paid')", "SELECT coursebase.complete_lesson('$lesson', $who)" if $n % 2 || $n % 3 == 0;
	push @calls, "SELECT status, already_owned, course_ids FROM coursebase.complete_purchase($who, '$product', 'cs_$n', 4900, 'paid')" if $n % 5 == 0;
	push @calls, $event->('created', 'begin', '2024-01-01T00:00:00Z') if $n % 4 < 2;
	push @calls, $event->('revoked', 'refund', '2024-01-02T00:00:00Z') if $n % 8 == 1;
	push @calls, "SELECT * FROM coursebase.redeem_discount($who, 'TEN', 'course', 1000, 'USD', 'order $n', '2024-01-03')" if $n % 3 == 1;
	push @calls, "SELECT coursebase.grant_course_purchase($who, '${\ id($COURSE, 2)}')" if $n % 7 == 0;
	push @calls, "SELECT coursebase.handshake($who, '{}')", "SELECT * FROM coursebase.my_courses($who, '2024-02-01')";
	return @calls;
}
same("the lives of $people people", map { life($_) } 1 .. $people);
is(join('|', map { query($_, 'app', 'SELECT count(*) FROM coursebase.users') } @cells), join('|', $people / 2, $people / 2), 'who live in two cells');

# Every function of the proxy, with its required arguments; those about a person with that one.
my $calls = query($home, 'app', <<~"SQL");
	SELECT p.runs, f.provolatile, f.proname, format('SELECT * FROM coursebase.%I(%s)', f.proname, (
	    SELECT string_agg(format('%I => %s', a.name, CASE
	        WHEN a.name IN ('user_id', 'to_user', 'keep', 'from_user') THEN '''person''::uuid'
	        WHEN a.name = 'clerk_user_id' THEN '''subject'''
	        WHEN a.name = 'product_id' AND a.type = 'uuid'::regtype THEN '''$product''::uuid'
	        WHEN a.name = 'lesson_id' THEN '''$lesson''::uuid'
	        WHEN a.type = 'uuid'::regtype THEN '''$course''::uuid'
	        WHEN a.type IN ('json'::regtype, 'jsonb'::regtype) THEN format('''{}''::%s', a.type::regtype)
	        WHEN a.type = 'timestamptz'::regtype THEN '''2024-06-01 12:00+00''::timestamptz'
	        WHEN a.type::regtype::text LIKE '%[]' THEN format('''{}''::%s', a.type::regtype)
	        WHEN a.name = 'code' THEN '''TEN'''
	        ELSE format('''1''::%s', a.type::regtype) END), ', ' ORDER BY a.n)
	    FROM unnest(f.proargnames[1:f.pronargs], f.proargtypes::oid[]) WITH ORDINALITY a (name, type, n)
	    WHERE a.n <= f.pronargs - f.pronargdefaults OR a.name IN ('user_id', 'at')))
	FROM coursebase.proxy_functions('cells') p
	JOIN pg_proc f ON f.pronamespace = 'coursebase'::regnamespace AND p.object = 'function ' || f.proname
	WHERE p.runs <> 'each' ORDER BY f.proname IN ('delete_user', 'merge_users'), 3
	SQL
my @calls = map { [ split /\|/, $_, 4 ] } split /\n/, $calls;
sub calls_of
{
	my ($n, $runs, $volatility) = @_;
	my $id = id($PERSON, $n);
	return map { s/'person'/'$id'/gr =~ s/'subject'/'person $n'/gr } map { $_->[3] } grep { $_->[0] eq $runs && $_->[1] =~ $volatility } @calls;
}
cmp_ok(scalar calls_of(1, 'person', qr/[si]/), '>', 20, 'functions that read about a person');
# Buyers of an organisation live on home, as person 2 does.
same('what is of no person is answered as by one server', calls_of(2, 'any', qr/./), calls_of(2, 'home', qr/[si]/));
# One server has no directory and no keys of the whole world; and split_counter() and refill_counter() tell of a counter, which is
# each server's own.
my @on_home = grep { !/place_person|forget_person|move_person|name_guest|merge_guests|world_key|stored_keys|split_counter|refill_counter/ } calls_of(2, 'home', qr/v/);
same('what writes the catalogue ends as in one server', @on_home);
caught_up();
my @some = grep { $_ % ($long ? 4 : 12) < 2 } 1 .. $people;
cmp_ok(scalar calls_of(1, 'person', qr/v/), '>', 35, 'functions that write about a person');
same('what writes about ' . @some . ' people ends as in one server', map { calls_of($_, 'person', qr/v/) } @some);
same('and afterwards everybody is answered as by one server, by each function that reads', map { calls_of($_, 'person', qr/[si]/) } 1 .. $people);
# An account that was closed in its cell leaves the directory by a call of its own, as the router's guide says.
query($one, 'proxy', join "\n", 'SET ROLE app_server;', map { "SELECT coursebase.forget_person('${\ id($PERSON, $_)}');" } @some);
caught_up();
is(query($_, 'app', 'SELECT * FROM coursebase.check_integrity()'), '', 'check_integrity() finds nothing on ' . $_->name) for $one, @cells;

# A misroute says where.
my (undef, undef, $error) = client($home, [ 'psql', '-XAtq', '-d', 'app', '-v', 'VERBOSITY=verbose', '-c', "SELECT coursebase.has_premium('${\ id($PERSON, 3)}')" ]);
like($error, qr/KBC01.*DETAIL:  This is cell 0; the directory has user ${\ id($PERSON, 3)} in cell 1\..*HINT:  Send the call to cell 1\./s, 'a misroute says where');

# Crashes. Sellers and phones go on through the proxy, whatever is away, and home's catalogue is written meanwhile. A line of
# a session's output is what it was told.
my $dir = PostgreSQL::Test::Utils::tempdir();
query($home, 'app', "INSERT INTO coursebase.products (id, name, description, image_url, price_dollars) SELECT format('00000000-0000-4000-8000-0009%s', to_char(n, 'FM00000000'))::uuid, 'Crash ' || n, '', '/p.png', 9 FROM generate_series(1, 400) n;
	INSERT INTO coursebase.course_products (course_id, product_id) SELECT '${\ id($COURSE, 2)}', id FROM coursebase.products WHERE name LIKE 'Crash %';
	UPDATE coursebase.products SET status = 'public' WHERE name LIKE 'Crash %'");
caught_up();
my @buyers = grep { !($_ % ($long ? 4 : 12) < 2) } 1 .. $people;

sub session
{
	my ($node, $database, $name, @statements) = @_;
	my $file = "$dir/$name.sql";
	append_to_file($file, join '', map { "$_;\n" } @statements);
	local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port);
	return { out => "$dir/$name.out", process => IPC::Run::start([ 'psql', '-XAtq', '-U', $database eq 'proxy' ? 'app_server' : $ENV{USER} // (getpwuid $<)[0], '-d', $database, '-f', $file ],
		'<', \undef, '>', "$dir/$name.out", '2>', "$dir/$name.err") };
}

# Whole servers at once, as when a machine goes; back only when nothing of it is left.
sub killed
{
	my ($node) = @_;
	my $postmaster = (split /\n/, slurp_file($node->data_dir . '/postmaster.pid'))[0];
	my @all = ($postmaster, split ' ', slurp_file("/proc/$postmaster/task/$postmaster/children"));
	kill 'KILL', @all;
	$node->kill9;
	for (1 .. 1000)
	{
		return unless grep { kill 0, $_ } @all;
		usleep(10_000);
	}
	die 'the server does not die';
}

sub sale { my ($who, $n) = @_; return "SELECT 'sold $who $n' FROM coursebase.complete_purchase('${\ id($PERSON, $who)}', '${\ id(9, $n)}', 'cs crash $who $n', 900, 'paid') WHERE status IS NOT NULL" }
my @sessions;
for my $seller (0 .. 3)
{
	my @mine = map { $buyers[$_] } grep { $_ % 4 == $seller } 0 .. $#buyers;
	push @sessions, session($one, 'proxy', "seller $seller", map { my $n = $_; map { (sale($_, $n), "SELECT length(coursebase.handshake('${\ id($PERSON, $_)}', '{}')::text)", 'SELECT pg_sleep(0.005)') } @mine } 1 .. 400);
}
my @writers = map { session($home, 'app', "catalogue $_", map { "UPDATE coursebase.products SET description = '$_' WHERE id = '$product' RETURNING 'written ' || description;\nSELECT pg_sleep(0.02)" } 1 .. 20000) } 1;
my %told;
my $crashes = $long ? 4 : 1;
for my $round (1 .. $crashes)
{
	for my $node ($cell, $home)
	{
		usleep(1_000_000);
		killed($node);
		# told to go on while it was away
		usleep(500_000);
		$node->start;
		if ($node == $home)
		{
			push @writers, session($home, 'app', "catalogue after $round", map { my $n = $round * 100000 + $_; "UPDATE coursebase.products SET description = '$n' WHERE id = '$product' RETURNING 'written ' || description;\nSELECT pg_sleep(0.02)" } 1 .. 20000);
		}
	}
}
usleep(1_000_000);
$_->{process}->kill_kill for @sessions, @writers;
my @sold = map { slurp_file($_->{out}) =~ /^sold (\d+ \d+)$/mg } @sessions;
my @written = map { slurp_file($_->{out}) =~ /^written (\d+)$/mg } @writers;
my $refused = join '', map { slurp_file("$dir/seller $_.err") } 0 .. 3;
cmp_ok(scalar @sold, '>', 100, @sold . ' sales were told as done');
cmp_ok(scalar(() = $refused =~ /ERROR/g), '>', 0, 'some ended in an error while a server was away');
is(join(' ', $refused =~ /ERROR:\s+(?!PL\/Proxy|.*home does not answer|server closed|.*connection|.*terminat|.*starting up|.*recovery)(.*)/g), '', 'and for no other reason');
my %where = map { $_ => $_ % 2 } @buyers;
sub sales { my ($node) = @_; return split /\n/, query($node, 'app', "SELECT substr(stripe_session_id, 10) FROM coursebase.purchases WHERE stripe_session_id LIKE 'cs crash %' AND refunded_at IS NULL") }
my @kept = map { [ sales($_) ] } @cells;
my %kept = map { my $number = $_; map { $_ => $number } @{ $kept[$number] } } 0, 1;
is(join(',', grep { !exists $kept{$_} || $kept{$_} != $where{ (split / /)[0] } } @sold), '', 'each of them is in the cell of its buyer');
is(scalar(keys %kept), @{ $kept[0] } + @{ $kept[1] }, 'no sale is there twice');

# Who was not told calls again; the answer is that of the first call.
my @again = map { split / / } @sold[ -20 .. -1 ];
my $before = keys %kept;
query($one, 'proxy', join(";\n", 'SET ROLE app_server', map { sale($again[ 2 * $_ ], $again[ 2 * $_ + 1 ]) } 0 .. 19));
is(scalar(map { sales($_) } @cells), $before, 'a call that is made again doubles nothing');

caught_up();
my $last = query($home, 'app', "SELECT description FROM coursebase.products WHERE id = '$product'");
cmp_ok($last, '>=', $written[-1], 'what home was told of the catalogue is there');
my $catalogue = join "\n", map { my ($table, $own) = split /\|/; "SELECT '$table', count(*), md5(string_agg((to_jsonb(t)$own)::text, '' ORDER BY (to_jsonb(t)$own)::text)) FROM coursebase.$table t;" }
  split /\n/, query($home, 'app', q{SELECT table_name, coalesce(format(' - %L::text[]', own_columns), '') FROM coursebase.cell_tables() WHERE kind IN ('catalogue', 'directory')});
is(query($cell, 'app', $catalogue), query($home, 'app', $catalogue), 'the catalogue is the same in both');
is(query($_, 'app', 'SELECT * FROM coursebase.check_integrity()'), '', 'check_integrity() finds nothing on ' . $_->name) for @cells;
is(query($_, 'app', 'SELECT rule, object FROM coursebase.lint()'), '', 'and lint() nothing') for @cells;
my $fresh = "SELECT u.id, md5(coursebase.handshake(u.id, '{}')::text) FROM coursebase.users u WHERE u.deleted_at IS NULL ORDER BY 1";
for my $node (@cells)
{
	my $kept = query($node, 'app', $fresh);
	query($node, 'app', 'DELETE FROM coursebase.cached_handshake_responses');
	is(query($node, 'app', $fresh), $kept, 'each handshake on ' . $node->name . ' is what a fresh computation gives');
}

query($one, 'proxy', 'DROP SUBSCRIPTION people');
query($cell, 'app', 'DROP SUBSCRIPTION coursebase_home');
done_testing();
