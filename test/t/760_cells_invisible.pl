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
use JSON::PP;
use Load;
use PostgreSQL::Test::Utils;
use Test::More;

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
	GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA coursebase TO app_server; GRANT SELECT ON coursebase.people TO app_server;
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
# {NAME} is what draw() was answered by the one or the other.
my %drawn;
sub filled { my ($database, $sql) = @_; return $sql =~ s/\{(\w+)\}/$drawn{$1}{$database} \/\/ "{$1}"/gre }

sub levelled
{
	my ($out) = @_;
	my $year = (gmtime)[5] + 1900;
	# the context of an error tells that it came through the proxy
	$out =~ s/^(ERROR:  \w{5}).*$/$1/mg;
	$out =~ s/\b(?!00000000-0000-4000)[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b/<drawn id>/g;
	$out =~ s/\b(?:$year|${\ ($year + 1)})-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:\+00(?::00)?|Z)?/<clock>/g;
	$out =~ s/\bU[A-Z0-9]{6,8}\b/<drawn code>/g;
	return $out;
}

sub said
{
	my ($node, $database, @statements) = @_;
	my $script = join "\n", q{SET TimeZone = 'UTC'; SET client_min_messages = error; \set VERBOSITY sqlstate}, map { "\\echo -- $_\n" . filled($database, $_) . ';' } @statements;
	my (undef, $out) = client($node, [ 'sh', '-c', 'exec psql -XAtq -U app_server -d "$0" 2>&1', $database ], stdin => $script);
	return levelled($out);
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

# Whose accounts nobody has closed.
my @buyers = grep { !($_ % ($long ? 4 : 12) < 2) } 1 .. $people;

# Organisations live on home, and their people in both cells: what the proxy and home's gateway answer about them is what one
# server says. People with odd numbers live in the other cell.
my ($owner, $coach, $trainer, @clients) = @buyers[1, 0, 3, 2, 4 .. 9];
sub person { return "'${\ id($PERSON, $_[0])}'" }

# draw NAME => STATEMENT, …: makes what gets an id of the server's drawing; the columns of the row are {NAME}, {NAME1}, ….
sub draw
{
	my (@calls) = @_;
	for my $side ([ $one, 'proxy' ], [ $one, 'app' ])
	{
		my @answers = split /\n/, query($one, $side->[1], join ";\n", 'SET ROLE app_server', map { filled($side->[1], $calls[2 * $_ + 1]) } 0 .. $#calls / 2);
		for my $n (0 .. $#calls / 2)
		{
			my @columns = split /\|/, $answers[$n];
			$drawn{ $calls[2 * $n] . ($_ || '') }{ $side->[1] } = $columns[$_] for 0 .. $#columns;
		}
	}
	return;
}

# The same, by somebody's own token: to the gateway of home, and to the one server's.
sub same_by_token
{
	my ($name, $who, @statements) = @_;
	my @sides = map {
		my ($node, $names) = @$_;
		my $script = join "\n", "SET TimeZone = 'UTC'; SET client_min_messages = error; \\set VERBOSITY sqlstate", "SELECT set_config('request.jwt.claims', '{\"sub\": \"person $who\"}', false) \\g /dev/null",
		  'SET ROLE app_user;', map { "\\echo -- $_\n" . filled($names, $_) . ';' } @statements;
		my (undef, $out) = client($node, [ 'sh', '-c', 'exec psql -XAtq -d app 2>&1' ], stdin => $script);
		levelled($out);
	} [ $one, 'app' ], [ $home, 'proxy' ];
	unlike($sides[0], qr/ERROR:  (?:42601|42883|42703)/, "$name: calls that there are");
	return is(differences(@sides), '', $name);
}

draw(gym => "SELECT coursebase.create_organization('Gym', 'gym', 'USD', 'UTC', ${\ person($owner)})");
same_by_token('an owner of another cell takes staff of both, and makes what they train with', $owner,
	"INSERT INTO coursebase.memberships (organization_id, user_id, role) VALUES ('{gym}', ${\ person($coach)}, 'coach'), ('{gym}', ${\ person($trainer)}, 'coach') RETURNING user_id, role",
	"INSERT INTO coursebase.memberships (organization_id, user_id, role) VALUES ('{gym}', '${\ id($PERSON, 9999)}', 'coach')",
	"INSERT INTO coursebase.workouts (id, organization_id, name) VALUES ('${\ id(8, 1)}', '{gym}', 'Squat'), ('${\ id(8, 2)}', '{gym}', 'Row') RETURNING id",
	'SELECT user_id, role FROM coursebase.memberships ORDER BY 1', 'SELECT name, slug FROM coursebase.organizations');
draw(program => "SELECT coursebase.create_course('{gym}', 'Strong', 3)", free => "SELECT coursebase.create_course('{gym}', 'Gift', 1, 'Free')");
same('programs are made and published through the proxy', "SELECT coursebase.set_day('{program}', 0, ARRAY['${\ id(8, 1)}', '${\ id(8, 2)}']::uuid[])", "SELECT coursebase.set_day('{program}', 1, is_rest => true)",
	"SELECT coursebase.set_day('{program}', 2, ARRAY['${\ id(8, 1)}']::uuid[])", "SELECT coursebase.set_day('{program}', 3)", "SELECT coursebase.set_price('{program}', 500)", "SELECT coursebase.set_price('{program}', -1)", "SELECT coursebase.publish_course('{program}', '2024-03-01')",
	"SELECT coursebase.set_day('{free}', 0, ARRAY['${\ id(8, 1)}']::uuid[])", "SELECT coursebase.set_price('{free}', 0)", "SELECT coursebase.publish_course('{free}', '2024-03-01')");
$drawn{"place$_"} = { map { $_->[1] => query($_->[0], 'app', "SELECT id FROM coursebase.course_workouts WHERE program_id = '$drawn{program}{$_->[1]}' AND NOT is_rest ORDER BY day_offset, sort_order, id LIMIT 1 OFFSET $_->[2]") } [ $one, 'app', $_ ], [ $home, 'proxy', $_ ] } for 0 .. 2;
draw(map { ("sale$_" => "SELECT entitlement_id, transaction_id, status FROM coursebase.begin_checkout(${\ person($_)}, '{program}', '2024-03-02')") } @clients, $owner);
draw(map { ("gift$_" => "SELECT entitlement_id, status FROM coursebase.begin_checkout(${\ person($_)}, '{free}', '2024-03-02')") } @clients[0 .. 2], $trainer);
# What becomes of a sale depends on the place in the list; people of both cells have each.
sub sold
{
	my ($n, $who) = @_;
	my ($charge, $entitlement) = ("'{sale${who}1}'", "'{sale$who}'");
	my $event = sub { return "SELECT status, reason FROM coursebase.apply_payment_event('{gym}', 'paypal', 'pay $who', '$_[0]', '2024-03-03')" };
	my @calls = ("SELECT status FROM coursebase.begin_checkout(${\ person($who)}, '{program}', '2024-03-02')", "SELECT coursebase.attach_payment_reference($charge, 'paypal', 'pay $who')", "SELECT coursebase.start_course($entitlement, '2024-03-02')");
	return (@calls, "SELECT coursebase.cancel_checkout($charge, '2024-03-03')", $event->('completed')) if $n % 4 == 3;
	push @calls, $event->('completed'), $event->('completed'), "SELECT coursebase.start_course($entitlement, '2024-03-04 12:00Z')", "SELECT coursebase.current_day($entitlement, '2024-03-06 12:00Z')",
	  map { "SELECT completed_at, course_completed_at FROM coursebase.mark_workout_complete($entitlement, '{place$_}', 'note $_', '2024-03-0" . (5 + $_) . " 12:00Z')" } 0 .. $n % 3;
	push @calls, "SELECT coursebase.unmark_workout_complete($entitlement, '{place0}')", "SELECT * FROM coursebase.restart_course($entitlement, '2024-03-09 12:00Z')" if $n % 4 == 1;
	push @calls, "SELECT status FROM coursebase.refund_transaction($charge, true, '2024-03-10')" if $n % 4 == 2;
	return @calls;
}
# What a cell does not have of its people's names, the router tells home, of guests that there are.
my $told = join ";\n", 'SET ROLE app_server', map { "SELECT coursebase.name_guest(${\ person($_)}, name, email) FROM (VALUES (" . join(', ', map { "'" . s/'/''/gr . "'" } split /\|/, query($one, 'app', "SELECT name, email FROM coursebase.users WHERE id = ${\ person($_)}")) . ')) v (name, email)' } grep { $_ % 2 } @clients, $owner, $trainer, $buyers[11];
query($home, 'app', $told);
my @members = (@clients, $owner, $coach, $trainer, @buyers[10, 11]);
my @read = map { my $who = person($_); ("SELECT * FROM coursebase.course_library($who, '2024-03-08 12:00Z')", "SELECT coursebase.has_program_access('{program}', $who, '2024-03-08')", "SELECT coursebase.accessible_program_ids($who) = ARRAY['{program}']::uuid[]",
	"SELECT rule, passed, reason FROM coursebase.explain_program_access('{free}', $who, '2024-03-08')") } @members;
same('what is sold to buyers of both cells, and what they do with it', map { sold($_, (@clients, $owner)[$_]) } 0 .. @clients);
same('what the server reads about each of them', @read, "SELECT * FROM coursebase.course_enrolments('{program}', '2024-03-08 12:00Z') ORDER BY user_id", 'SELECT * FROM coursebase.offered_courses() ORDER BY name', "SELECT coursebase.storefront_course('{program}')");
my @own = ('SELECT name, status, percent, restart_count FROM coursebase.course_library() ORDER BY 1', 'SELECT user_id, status FROM coursebase.course_entitlements ORDER BY 1, 2', 'SELECT user_id, type, status, amount_in_cents FROM coursebase.payment_transactions ORDER BY 1, 2, 3',
	'SELECT notes FROM coursebase.course_workout_completions ORDER BY 1', 'SELECT name FROM coursebase.programs ORDER BY 1', 'SELECT name FROM coursebase.storefront_courses ORDER BY 1', 'SELECT user_id, role FROM coursebase.memberships ORDER BY 1',
	"SELECT coursebase.has_program_access('{program}')", "SELECT user_id, name, email, percent FROM coursebase.course_enrolments('{program}', '2024-03-08 12:00Z') ORDER BY 1", "SELECT coursebase.start_course('{sale$clients[0]}', '2024-03-20')",
	"SELECT completed_at FROM coursebase.mark_workout_complete('{sale$clients[0]}', '{place0}', 'again', '2024-03-21')", "SELECT coursebase.member_organization_ids() = ARRAY['{gym}']::uuid[]", 'SELECT cardinality(coursebase.own_entitlement_ids())',
	"UPDATE coursebase.memberships SET role = 'coach' WHERE user_id = ${\ person($trainer)} RETURNING role", "SELECT coursebase.create_course('{gym}', 'Theirs', 1) IS NOT NULL", 'SELECT name FROM coursebase.workouts ORDER BY 1');
same_by_token("what $_->[0] reads and writes by the own token", $_->[1], @own) for [ 'a buyer who lives elsewhere', $clients[1] ], [ 'a buyer who lives on home', $clients[0] ], [ 'a coach who lives elsewhere', $trainer ], [ 'a coach on home', $coach ], [ 'the owner', $owner ], [ 'a stranger', $buyers[10] ];
# Programs on a person's own screen, and a copy of everything that is held: a cell tells the rest, and home what organisations have.
sub lines_of
{
	my ($database, $statement) = @_;
	return split /\n/, query($one, $database, join "\n", "SET ROLE app_server; SET TimeZone = 'UTC';", map { sprintf "$statement;", person($_) } @members);
}
my $listed = "SELECT concat(json_agg(to_json(c) ORDER BY kind, title) FILTER (WHERE kind <> 'program')), concat(json_agg(c.title ORDER BY c.title) FILTER (WHERE kind = 'program')) FROM coursebase.my_courses(%s, '2024-03-08') c";
my %screens = map { my $database = $_; $database => [ map { [ split /\|/, levelled($_), -1 ] } lines_of($database, $listed) ] } 'proxy', 'app';
is(join(' ', map { $members[$_] } grep { $screens{proxy}[$_][0] ne $screens{app}[$_][0] } 0 .. $#members), '', 'my_courses() lists what one server lists, but for programs');
is(join(' ', map { $members[$_] } grep { $screens{proxy}[$_][1] ne ($members[$_] % 2 ? '' : $screens{app}[$_][1]) } 0 .. $#members), '', 'which it has for people of home alone');
cmp_ok(scalar(grep { $_->[1] ne '' } @{ $screens{app} }), '>', 2, 'and there are some');
my %export = map { my ($side, $database, $function) = @$_; $side => [ map { decode_json($_ || '{}') } lines_of($database, "SELECT coalesce(coursebase.$function(%s), '{}')::jsonb") ] } [ 'cells', 'proxy', 'export_user' ], [ 'guests', 'proxy', 'export_guest' ], [ 'all', 'app', 'export_user' ];
my $canonical = JSON::PP->new->canonical;
# The rows of each table, in an order that no drawn id decides; the row of users is the cell's.
sub rows { my ($export) = @_; return map { my $table = $_; map { levelled($table . $canonical->encode($_)) } @{ $export->{$table} } } keys %$export }
for my $n (0 .. $#members)
{
	my ($cells, $guest, $all) = map { $_->[$n] } @export{qw(cells guests all)};
	delete $guest->{users};
	is(join("\n", sort(rows($cells), rows($guest))), join("\n", sort(rows($all))), "what two servers export of person $members[$n] is what one does");
}
is(join(' ', map { $members[$_] } grep { %{ $export{guests}[$_] } } 0 .. $#members), join(' ', grep { $_ % 2 && $_ != $buyers[11] } @members), 'home exports what it has of who lives elsewhere');
same('staff take a program back', "SELECT coursebase.archive_course('{free}', '2024-03-11')", 'SELECT name FROM coursebase.offered_courses()');
# Who leaves is forgotten by home first, as the guide says; the last owner is not.
is(join(' ', sqlstate($one, 'proxy', "SELECT coursebase.forget_person(${\ person($owner)})", user => 'app_server'), sqlstate($one, 'app', "SELECT coursebase.delete_user(${\ person($owner)})")), 'KBA01 KBA01', 'which home says as one server does');
my ($keep, $gone) = ($buyers[11], $clients[2]);
query($one, 'proxy', "SET ROLE app_server; SELECT coursebase.merge_users(${\ person($keep)}, ${\ person($gone)}, at => '2024-03-12')");
query($one, 'proxy', "SET ROLE app_server; SELECT coursebase.merge_guests(${\ person($keep)}, ${\ person($gone)}, at => '2024-03-12')");
query($home, 'app', $told);
query($one, 'app', "SET ROLE app_server; SELECT coursebase.merge_users(${\ person($keep)}, ${\ person($gone)}, at => '2024-03-12')");
same('two accounts of a buyer who became one', @read, "SELECT * FROM coursebase.course_enrolments('{program}', '2024-03-13') ORDER BY user_id, status");
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

sub session
{
	my ($node, $database, $name, @statements) = @_;
	my $file = "$dir/$name.sql";
	append_to_file($file, join '', map { "$_;\n" } @statements);
	local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port);
	return { out => "$dir/$name.out", process => IPC::Run::start([ 'psql', '-XAtq', '-U', $database eq 'proxy' ? 'app_server' : $ENV{USER} // (getpwuid $<)[0], '-d', $database, '-f', $file ],
		'<', \undef, '>', "$dir/$name.out", '2>', "$dir/$name.err") };
}

# That many lines more with a word in what sessions print.
sub more
{
	my ($lines, $word, @files) = @_;
	my $count = sub { my $all = join '', map { slurp_file($_) } @files; return scalar(() = $all =~ /\b$word\b/g) };
	my $before = $count->();
	wait_until("$lines times $word", sub { $count->() >= $before + $lines });
	return;
}

# Whole servers at once, as when a machine goes; back only when nothing of it is left.
sub killed
{
	my ($node) = @_;
	my $postmaster = (split /\n/, slurp_file($node->data_dir . '/postmaster.pid'))[0];
	my @all = ($postmaster, split ' ', slurp_file("/proc/$postmaster/task/$postmaster/children"));
	kill 'KILL', @all;
	$node->kill9;
	wait_until('the server is gone', sub { !grep { kill 0, $_ } @all });
	return;
}

sub sale { my ($who, $n) = @_; return "SELECT 'sold $who $n' FROM coursebase.complete_purchase('${\ id($PERSON, $who)}', '${\ id(9, $n)}', 'cs crash $who $n', 900, 'paid') WHERE status IS NOT NULL" }
my @sessions;
for my $seller (0 .. 3)
{
	my @mine = map { $buyers[$_] } grep { $_ % 4 == $seller } 0 .. $#buyers;
	push @sessions, session($one, 'proxy', "seller $seller", map { my $n = $_; map { (sale($_, $n), "SELECT length(coursebase.handshake('${\ id($PERSON, $_)}', '{}')::text)", 'SELECT pg_sleep(0.005)') } @mine } 1 .. 400);
}
my @writers = map { session($home, 'app', "catalogue $_", map { "UPDATE coursebase.products SET description = '$_' WHERE id = '$product' RETURNING 'written ' || description;\nSELECT pg_sleep(0.02)" } 1 .. 20000) } 1;
my @told = map { $_->{out} } @sessions;
my $crashes = $long ? 4 : 1;
for my $round (1 .. $crashes)
{
	for my $node ($cell, $home)
	{
		more(50, 'sold', @told);
		killed($node);
		# told to go on while it was away
		more(4, 'ERROR', map { s/out\z/err/r } @told);
		$node->start;
		if ($node == $home)
		{
			push @writers, session($home, 'app', "catalogue after $round", map { my $n = $round * 100000 + $_; "UPDATE coursebase.products SET description = '$n' WHERE id = '$product' RETURNING 'written ' || description;\nSELECT pg_sleep(0.02)" } 1 .. 20000);
		}
	}
}
more(50, 'sold', @told);
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
my $fresh = "SELECT u.id, md5(coursebase.handshake(u.id, '{}')::text) FROM coursebase.users u WHERE u.deleted_at IS NULL AND NOT u.is_guest ORDER BY 1";
for my $node (@cells)
{
	my $kept = query($node, 'app', $fresh);
	query($node, 'app', 'DELETE FROM coursebase.cached_handshake_responses');
	is(query($node, 'app', $fresh), $kept, 'each handshake on ' . $node->name . ' is what a fresh computation gives');
}

query($one, 'proxy', 'DROP SUBSCRIPTION people');
query($cell, 'app', 'DROP SUBSCRIPTION coursebase_home');
done_testing();
