# Organisations live on home, and their people in any cell. Who lives in another cell is a guest on home: staff or buyer there as
# anybody is, and nobody in everything else. Between home and the cells nothing but the directory tells of it.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use IPC::Run;
use Test::More;

# Three databases stand for three servers: home and two cells. The directory comes to them by replication, which is not what is
# tested here.
my $node = node('cells');
query($node, 'postgres', 'CREATE ROLE app_anonymous; CREATE ROLE app_user; CREATE ROLE app_server BYPASSRLS');
for my $cell (0 .. 2)
{
	create_extension($node, "cell$cell");
	query($node, "cell$cell", "SELECT coursebase.grant_roles('app_anonymous', 'app_user', 'app_server'); SELECT coursebase.set_cell($cell, 3)");
}
sub hear
{
	my $people = query($node, 'cell0', q{SELECT string_agg(format('(%L, %L, %s, %s)', user_id, external_id, cell, moves), ', ') FROM coursebase.people});
	query($node, "cell$_", "SET session_replication_role = replica; DELETE FROM coursebase.people; INSERT INTO coursebase.people (user_id, external_id, cell, moves) VALUES $people") for 1, 2;
	return;
}
sub said { my ($cell, $sql) = @_; return query($node, "cell$cell", $sql) }

# People: 1 lives on home, 2 to 5 in cell 1, 6 and 7 in cell 2. Their subjects are no ids.
my %lives = (1 => 0, 2 => 1, 3 => 1, 4 => 1, 5 => 1, 6 => 2, 7 => 2);
my %name  = (1 => 'local', 2 => 'owner', 3 => 'coach', 4 => 'buyer', 5 => 'stranger', 6 => 'other buyer', 7 => 'mover', 8 => 'twin 8', 9 => 'twin 9');
sub id { return sprintf '00000000-0000-4000-8000-0000000078%02d', $_[0] }
said(0, join ';', map { "SELECT coursebase.place_person('$name{$_}', $lives{$_}, '${\ id($_)}')" } sort keys %lives);
hear();
said($lives{$_}, "SELECT coursebase.upsert_user('$name{$_}', 'Name of $name{$_}', '$_\@example.org', user_id => '${\ id($_)}')") for sort keys %lives;

# What somebody's token says to a cell, in a transaction that is kept.
sub as
{
	my ($cell, $who, $sql) = @_;
	return query($node, "cell$cell", qq{BEGIN; SET LOCAL ROLE app_user; SELECT set_config('request.jwt.claims', '{"sub": "$who"}', true) \\g /dev/null\n$sql;\nCOMMIT});
}
sub states_as
{
	my ($cell, $who, @sql) = @_;
	return join ' ', sqlstates($node, "cell$cell", [ map { qq{SET LOCAL ROLE app_user; SELECT set_config('request.jwt.claims', '{"sub": "$who"}', true); $_} } @sql ]);
}
sub states { my ($cell, @sql) = @_; return join ' ', sqlstates($node, "cell$cell", \@sql) }
sub faults { return join '', map { said($_, 'SELECT * FROM coursebase.check_integrity()') } 0 .. 2 }
sub guests { return said(0, 'SELECT string_agg(right(id::text, 1), \' \' ORDER BY id) FROM coursebase.users WHERE is_guest') }

# Staff. The owner of the organisation and its coach live in cell 1.
is(states(1, "SELECT coursebase.create_organization('Gym', 'gym', 'USD', 'UTC', '${\ id(2)}')", "INSERT INTO coursebase.organizations (name, slug) VALUES ('Gym', 'gym')"), 'KBC04 KBC04', 'a cell makes no organisation');
my $gym = said(0, "SELECT coursebase.create_organization('Gym', 'gym', 'USD', 'UTC', '${\ id(2)}')");
is(guests(), '2', 'its owner is a guest on home');
is(said(0, "SELECT clerk_user_id ~ '^guest:', name, email, role, is_guest FROM coursebase.users WHERE id = '${\ id(2)}'"), 't|||user|t', 'who has nothing but the id there');
is(said(0, "SELECT count(*) FROM coursebase.user_profile WHERE user_id = '${\ id(2)}'"), 0, 'and no profile');
as(0, 'owner', "INSERT INTO coursebase.memberships (organization_id, user_id, role) VALUES ('$gym', '${\ id(3)}', 'coach'), ('$gym', '${\ id(7)}', 'member')");
is(guests(), '2 3 7', 'a plain INSERT by the owner makes guests of the staff');
is(states_as(0, 'owner', "INSERT INTO coursebase.memberships (organization_id, user_id, role) VALUES ('$gym', '00000000-0000-4000-8000-00000000dead', 'coach')"), '23503', 'but nobody of whom nobody knows');
is(as(0, 'coach', "SELECT coursebase.create_course('$gym', 'Squats', 2) \\gset\n\\echo :create_course\nINSERT INTO coursebase.workouts (id, organization_id, name) VALUES ('${\ id(90)}', '$gym', 'Squat');
	SELECT coursebase.set_day(:'create_course', 0, ARRAY['${\ id(90)}']::uuid[]), coursebase.set_price(:'create_course', 500) IS NOT NULL, coursebase.publish_course(:'create_course') IS NOT NULL") =~ s/^\S+\n//r,
	'1|t|t', 'a coach who lives elsewhere makes a program');
my $program = said(0, 'SELECT id FROM coursebase.programs');
said(0, "SELECT coursebase.name_guest('${\ id(4)}', 'Nobody')");

# Buyers, of three cells.
my %entitlement;
for my $n (1, 4, 6)
{
	is(as(0, $name{$n}, "SELECT count(*) FROM coursebase.storefront_courses; SELECT count(*) FROM coursebase.programs; SELECT coursebase.has_program_access('$program')"), "1\n1\nf", "$name{$n} sees what is on sale");
	my ($entitlement, $charge) = split /\|/, said(0, "SELECT entitlement_id, transaction_id FROM coursebase.begin_checkout('${\ id($n)}', '$program')");
	$entitlement{$n} = $entitlement;
	said(0, "SELECT coursebase.attach_payment_reference('$charge', 'paypal', 'pay $n')");
	is(said(0, "SELECT status FROM coursebase.apply_payment_event('$gym', 'paypal', 'pay $n', 'completed')"), 'completed', 'pays');
	is(as(0, $name{$n}, "SELECT coursebase.start_course('$entitlement', '2024-01-01 12:00Z'); SELECT coursebase.current_day('$entitlement', '2024-01-02 12:00Z');
		SELECT course_completed_at IS NOT NULL FROM coursebase.course_workouts w, coursebase.mark_workout_complete('$entitlement', w.id, 'hard') WHERE NOT w.is_rest;
		SELECT coursebase.has_program_access('$program'); SELECT name, percent FROM coursebase.course_library(); SELECT count(*) FROM coursebase.course_entitlements; SELECT count(*) FROM coursebase.course_workout_completions;
		SELECT coursebase.accessible_program_ids() = ARRAY['$program']::uuid[], passed FROM coursebase.explain_program_access('$program') WHERE rule = 'entitlement'"),
		"2024-01-01\n1\nt\nt\nSquats|100\n1\n1\nt|t", 'and follows the program on home, by whichever way');
}
is(guests(), '2 3 4 6 7', 'who bought is a guest, unless home is where they live');
is(as(0, 'coach', "SELECT count(*) FROM coursebase.memberships; SELECT count(*) FROM coursebase.payment_transactions; SELECT right(user_id::text, 1), name, percent FROM coursebase.course_enrolments('$program') ORDER BY 1"),
	"3\n3\n1|Name of local|100\n4||100\n6||100", 'staff see all buyers');
said(0, "SELECT coursebase.name_guest('${\ id(4)}', 'Bea', 'bea\@example.org'), coursebase.name_guest('${\ id(1)}', 'Other')");
is(as(0, 'owner', "SELECT name, email FROM coursebase.course_enrolments('$program') ORDER BY user_id LIMIT 2"), "Name of local|1\@example.org\nBea|bea\@example.org", 'with the names that the router tells, of guests alone');
is(said(0, "SELECT count(*) FROM coursebase.my_courses('${\ id(1)}')"), 1, 'what lives on home is as before');

# Everything else about a guest is refused with the cell.
my @calls = split /\n/, said(0, <<~'SQL');
	SELECT format('SELECT * FROM coursebase.%I(%s)', f.proname, (
	    SELECT string_agg(format('%I => %s', a.name, CASE
	        WHEN a.name IN ('user_id', 'to_user', 'keep', 'from_user') THEN '''person''::uuid'
	        WHEN a.name = 'clerk_user_id' THEN '''buyer'''
	        WHEN a.type = 'uuid'::regtype THEN '''00000000-0000-4000-8000-000000007803''::uuid'
	        WHEN a.type IN ('json'::regtype, 'jsonb'::regtype) THEN format('''{}''::%s', a.type::regtype)
	        WHEN a.type = 'timestamptz'::regtype THEN '''2026-01-01 12:00+00''::timestamptz'
	        WHEN a.type::regtype::text LIKE '%[]' THEN format('''{}''::%s', a.type::regtype)
	        ELSE format('''1''::%s', a.type::regtype) END), ', ' ORDER BY a.n)
	    FROM unnest(f.proargnames[1:f.pronargs], f.proargtypes::oid[]) WITH ORDINALITY a (name, type, n)
	    WHERE a.n <= f.pronargs - f.pronargdefaults OR a.name IN ('user_id', 'at')))
	FROM coursebase.proxy_functions('cells') p
	JOIN pg_proc f ON f.pronamespace = 'coursebase'::regnamespace AND p.object = 'function ' || f.proname
	WHERE p.runs = 'person' ORDER BY 1
	SQL
cmp_ok(scalar @calls, '>', 60, 'functions about a person');
# Without a guest a call is refused already: what is no refusal then, for the arguments, is none of a guest either.
my %without = map { $_ => sqlstate($node, 'cell0', s/person/${\ id(5)}/gr =~ s/'buyer'/'stranger'/r) } @calls;
my %with = map { $_ => sqlstate($node, 'cell0', s/person/${\ id(4)}/gr) } @calls;
is(join("\n", map { "$with{$_} and not $without{$_}: $_" } grep { $with{$_} ne $without{$_} } @calls), '', 'a guest is refused as anybody of another cell is');
cmp_ok(scalar(grep { $_ eq 'KBC01' } values %with), '>', 55, 'with the cell');
is(states_as(0, 'buyer', 'SELECT count(*) FROM coursebase.users WHERE id IS NOT NULL', 'SELECT coursebase.accessible_course_ids()', 'SELECT coursebase.current_user_id()', 'SELECT coursebase.export_user()',
	'SELECT count(*) FROM coursebase.purchases', 'SELECT count(*) FROM coursebase.user_profile', 'SELECT coursebase.has_premium()', "UPDATE coursebase.users SET name = 'x'"), join(' ', ('KBC01') x 8), 'also by the own token');
is(as(0, 'buyer', 'SELECT reason FROM coursebase.whoami()'), 'other_cell', 'as whoami() says');

# In the own cell what is about organisations says where they are.
is(states_as(1, 'buyer', "SELECT coursebase.has_program_access('$program')", 'SELECT * FROM coursebase.course_library()', "SELECT coursebase.start_course('$entitlement{4}')", "SELECT coursebase.current_day('$entitlement{4}')",
	'SELECT coursebase.accessible_program_ids()', "SELECT * FROM coursebase.explain_program_access('$program')", "SELECT coursebase.create_course('$gym', 'X', 1)", "SELECT coursebase.publish_course('$program')", 'SELECT coursebase.own_entitlement_ids()',
	'SELECT coursebase.entitled_workout_ids()', "SELECT coursebase.storefront_course('$program')", 'SELECT * FROM coursebase.offered_courses()', 'SELECT coursebase.member_organization_ids()', "SELECT * FROM coursebase.course_enrolments('$program')",
	"INSERT INTO coursebase.memberships (organization_id, user_id, role) VALUES ('$gym', '${\ id(4)}', 'owner')"), join(' ', ('KBC04') x 15), 'a cell has no organisations, and says so');
is(states(1, map { "SELECT * FROM coursebase.$_" } "begin_checkout('${\ id(4)}', '$program')", "attach_payment_reference('$program', 'paypal', 'x')", "cancel_checkout('$program')", "apply_payment_event('$gym', 'paypal', 'pay 4', 'completed')",
	"refund_transaction('$program')", "course_enrolments('$program')", "course_library('${\ id(4)}')", "course_library('${\ id(6)}')", "has_program_access('$program', '${\ id(4)}')", "restart_course('$program')", "mark_workout_complete('$program', '$program')",
	"set_price('$program', 1)", "name_guest('${\ id(4)}', 'x')"), join(' ', ('KBC04') x 13), 'to the server, too');
is(states_as(2, 'buyer', 'SELECT * FROM coursebase.course_library()', 'SELECT coursebase.has_premium()'), 'KBC01 KBC01', 'a third cell says where the person lives');

# Attacks on the identity. A guest is found by the subject that the directory has, or by the id, and by nothing that stands in the row.
my $row = said(0, "SELECT clerk_user_id FROM coursebase.users WHERE id = '${\ id(2)}'");
is(states_as(0, $row, 'SELECT coursebase.current_user_id()'), '00000', 'a token with what stands in the row of a guest');
is(as(0, $row, 'SELECT coursebase.current_member_id() IS NULL, coursebase.current_user_id() IS NULL, count(*) FROM coursebase.memberships'), 't|t|0', 'names nobody');
is(as(0, id(4), 'SELECT coursebase.current_member_id(), count(*) FROM coursebase.course_entitlements'), id(4) . '|1', 'a token with the id is that person\'s');
said(0, "SELECT coursebase.place_person('${\ id(1)}', 1, '${\ id(31)}')");
is(as(0, id(1), 'SELECT coursebase.current_member_id(), count(*) FROM coursebase.course_entitlements') . ' ' . states_as(0, id(1), 'SELECT coursebase.current_user_id()'), id(31) . '|0 KBC01', 'unless it is the subject of somebody else');
is(as(0, 'stranger', "SELECT coursebase.current_member_id(); SELECT count(*) FROM coursebase.course_entitlements; SELECT count(*) FROM coursebase.memberships; SELECT count(*) FROM coursebase.payment_transactions;
	SELECT count(*) FROM coursebase.course_workout_completions; SELECT count(*) FROM coursebase.organizations; SELECT coursebase.has_program_access('$program')"), id(5) . "\n0\n0\n0\n0\n0\nf", 'who is neither staff nor buyer reads nothing');
is(states_as(0, 'stranger', "SELECT coursebase.start_course('$entitlement{4}')", "SELECT * FROM coursebase.course_enrolments('$program')", "SELECT coursebase.has_program_access('$program', '${\ id(4)}')", "SELECT * FROM coursebase.course_library('${\ id(4)}')",
	"INSERT INTO coursebase.memberships (organization_id, user_id, role) VALUES ('$gym', '${\ id(5)}', 'owner')", "SELECT coursebase.create_course('$gym', 'X', 1)", "INSERT INTO coursebase.course_workout_completions (entitlement_id, course_workout_id) SELECT '$entitlement{4}', id FROM coursebase.course_workouts"),
	'KB106 42501 42501 42501 42501 42501 00000', 'and does nothing');
is(as(0, 'other buyer', "SELECT count(*) FROM coursebase.course_entitlements WHERE user_id <> '${\ id(6)}'; SELECT coursebase.current_day('$entitlement{4}') IS NULL; SELECT count(*) FROM coursebase.memberships; SELECT count(*) FROM coursebase.payment_transactions"), "0\nt\n0\n0",
	'a buyer reads nothing of another');
is(as(0, 'coach', "UPDATE coursebase.memberships SET role = 'owner' WHERE user_id = '${\ id(3)}' RETURNING role"), '', 'a coach makes no owner');
is(states_as(0, 'coach', "INSERT INTO coursebase.memberships (organization_id, user_id, role) VALUES ('$gym', '${\ id(5)}', 'coach')",
	"UPDATE coursebase.users SET is_guest = false"), '42501 KBC01', 'and stays a coach');
is(states(0, "UPDATE coursebase.users SET is_guest = false WHERE id = '${\ id(4)}'", "UPDATE coursebase.users SET is_guest = true WHERE id = '${\ id(1)}'", "INSERT INTO coursebase.users (id, clerk_user_id, name, is_guest) VALUES ('${\ id(5)}', 'x', 'x', true)",
	"SELECT coursebase.upsert_user('buyer', 'x', user_id => '${\ id(4)}')", "INSERT INTO coursebase.users (id, clerk_user_id, name) VALUES ('${\ id(5)}', 'stranger', 'x')"), 'KB401 KB401 KB401 KBC01 KBC01', 'nobody writes who is a guest');
is(said(0, "BEGIN; UPDATE coursebase.payment_transactions SET status = 'refunded' WHERE user_id = '${\ id(6)}' AND status = 'completed' RETURNING status; ROLLBACK"), 'refunded', 'a payment of a guest is refunded by plain SQL');
is(said(0, "SELECT actor_id FROM coursebase.audit_events WHERE action = 'staff_changed' AND new ->> 'user_id' = '${\ id(3)}'"), id(2), 'the audit trail says which guest acted');
is(faults(), '', 'check_integrity() finds nothing');

# Moves. What a person has of organisations is on home all the time.
sub move
{
	my ($n, $from, $to, $between) = @_;
	my $document = said($from, "SELECT coursebase.take_person('${\ id($n)}')") =~ s/'/''/gr;
	$between->('taken') if $between;
	is(said(0, "SELECT coursebase.move_person('$document', $to)"), $to, "$name{$n} moves from $from to $to");
	$between->('decided') if $between;
	hear();
	my $receipt = said($to, "SELECT coursebase.put_person('$document')");
	is(said($to, "SELECT coursebase.put_person('$document')"), $receipt, 'put twice');
	said($from, "SELECT coursebase.release_person('${\ id($n)}', '$receipt')");
	return is(faults(), '', 'check_integrity() finds nothing after the move');
}
my $library = 'SELECT name, status, percent, restart_count FROM coursebase.course_library()';
my $of = sub { my ($n) = @_; return as(0, $name{$n}, "$library; SELECT count(*) FROM coursebase.course_workout_completions; SELECT coursebase.has_program_access('$program'); SELECT coursebase.member_organization_ids()") };
my $enrolled = sub { return as(0, 'owner', "SELECT name, email, status, percent FROM coursebase.course_enrolments('$program') ORDER BY user_id") };
said(0, "UPDATE coursebase.user_profile SET first_name = 'Lo' WHERE user_id = '${\ id(1)}'; INSERT INTO coursebase.memberships (organization_id, user_id, role) VALUES ('$gym', '${\ id(1)}', 'owner')");
my ($before, $list) = ($of->(1), $enrolled->());
my $always = sub { my ($when) = @_; is($of->(1) . $enrolled->(), $before . $list, "organisations answer as before: $when") };
move(1, 0, 2, $always);
$always->('in cell 2');
is(guests(), '1 2 3 4 6 7', 'who lived on home and moved is a guest');
is(states(0, "SELECT coursebase.has_premium('${\ id(1)}')", "SELECT coursebase.take_person('${\ id(1)}')") . ' ' . said(2, "SELECT first_name FROM coursebase.user_profile WHERE user_id = '${\ id(1)}'"), 'KBC01 KBC01 Lo', 'with everything else in the other cell');
move(1, 2, 1, $always);
move(1, 1, 0, $always);
$always->('on home again');
is(guests(), '2 3 4 6 7', 'who comes to home is a guest no more');
is(said(0, "SELECT clerk_user_id, name, is_guest, first_name FROM coursebase.users JOIN coursebase.user_profile ON user_id = id WHERE id = '${\ id(1)}'"), 'local|Name of local|f|Lo', 'but the person');
is(as(0, 'local', 'SELECT count(*) FROM coursebase.my_courses()'), 1, 'who is found by the token');
($before, $list) = ($of->(4), $enrolled->());
move(4, 1, 0);
is($of->(4), $before, 'a guest who moves to home has the same there');
is(said(0, "SELECT name, is_guest FROM coursebase.users WHERE id = '${\ id(4)}'"), 'Name of buyer|f', 'and the name of the account');
my $given_up = said(0, "SELECT coursebase.take_person('${\ id(4)}')") =~ s/'/''/gr;
is(said(0, "SELECT coursebase.move_person('$given_up', 0); SELECT length(coursebase.put_person('$given_up')); SELECT is_guest FROM coursebase.users WHERE id = '${\ id(4)}'"), "0\n64\nf", 'a move that is given up leaves no guest');
move(4, 0, 1);
move(5, 1, 0);
move(5, 0, 1);
is(guests(), '2 3 4 6 7', 'who has nothing of organisations leaves nothing behind');

# At once: several make one guest, and who moves goes on meanwhile. Each session says its errors, if any.
sub begin
{
	my (@sql) = @_;
	my $in = join '', map { "$_;\n" } @sql;
	my $session = { out => '' };
	$session->{process} = IPC::Run::start([ 'psql', '-XAtq', '-h', $node->host, '-p', $node->port, '-d', 'cell0' ], '<', \$in, '>', \my $nothing, '2>', \$session->{out});
	return $session;
}
sub errors { return join '', map { $_->{process}->finish; $_->{out} } @_ }
said(0, "SELECT coursebase.place_person('crowd $_', 2, '${\ id($_)}')") for 20 .. 29;
hear();
said(0, 'UPDATE coursebase.plans SET price_in_cents = 0');
is(errors(map { begin(map { "SELECT coursebase.begin_checkout('${\ id($_)}', '$program')" } 20 .. 29) } 1 .. 4), '', 'four sessions sell to the same people at once');
is(said(0, "SELECT count(*), count(DISTINCT e.user_id) FROM coursebase.course_entitlements e JOIN coursebase.users u ON u.id = e.user_id AND u.is_guest WHERE e.user_id BETWEEN '${\ id(20)}' AND '${\ id(29)}'"), '10|10', 'and each of them is one guest');
my @learning = map { my $n = $_; begin(qq{SELECT set_config('request.jwt.claims', '{"sub": "$name{$n}"}', false)}, 'SET ROLE app_user',
	map { ("SELECT coursebase.unmark_workout_complete('$entitlement{$n}', id) FROM coursebase.course_workouts WHERE NOT is_rest", "SELECT coursebase.mark_workout_complete('$entitlement{$n}', id, 'hard') FROM coursebase.course_workouts WHERE NOT is_rest", 'SELECT pg_sleep(0.01)') } 1 .. 150) } 1, 4;
move(1, 0, 2);
move(4, 1, 0);
move(1, 2, 0);
move(4, 0, 1);
is(errors(@learning), '', 'who learns while moving notices nothing');
is(faults(), '', 'check_integrity() finds nothing');

# Accounts that become one, in their cell and then on home. 8 and 9 live in cell 2, and both buy.
said(0, join ';', map { "SELECT coursebase.place_person('twin $_', 2, '${\ id($_)}')" } 8, 9, 10);
hear();
said(2, join ';', map { "SELECT coursebase.upsert_user('twin $_', 'Twin', user_id => '${\ id($_)}')" } 8, 9, 10);
said(0, "SELECT coursebase.begin_checkout('${\ id(9)}', '$program'); INSERT INTO coursebase.memberships (organization_id, user_id, role) VALUES ('$gym', '${\ id(9)}', 'member')");
said(2, "SELECT coursebase.merge_users('${\ id(8)}', '${\ id(9)}')");
is(as(0, 'twin 9', 'SELECT name FROM coursebase.course_library()'), 'Squats', 'merged in the cell, the old subject has on home what it had');
is(states(0, "SELECT coursebase.merge_guests('${\ id(1)}', '${\ id(9)}')", "SELECT coursebase.merge_guests('${\ id(8)}', '${\ id(8)}')", "SELECT coursebase.merge_guests('${\ id(2)}', '${\ id(3)}')", "SELECT coursebase.merge_guests('${\ id(8)}', '00000000-0000-4000-8000-00000000dead')",
	"SELECT coursebase.merge_users('${\ id(8)}', '${\ id(9)}')"), 'KB402 22023 KB402 KB106 KBC01', 'what cannot be one is refused');
is(states(2, "SELECT coursebase.merge_guests('${\ id(8)}', '${\ id(9)}')"), 'KBC04', 'in a cell too');
said(0, "SELECT coursebase.merge_guests('${\ id(8)}', '${\ id(9)}', '2024-05-05')");
is(said(0, "SELECT coursebase.merge_guests('${\ id(8)}', '${\ id(9)}') = '2024-05-05'"), 't', 'twice is once');
is(as(0, $_, 'SELECT coursebase.current_member_id(), name FROM coursebase.course_library(); SELECT count(*) FROM coursebase.memberships'), id(8) . "|Squats\n1", "$_ is the person who was kept") for 'twin 8', 'twin 9';
is(states(0, "SELECT coursebase.begin_checkout('${\ id(9)}', '$program')"), 'KB106', 'and the other account buys no more');
is(faults(), '', 'check_integrity() finds nothing');
move(8, 2, 0);
is(as(0, $_, 'SELECT coursebase.current_user_id(), name FROM coursebase.course_library()'), id(8) . '|Squats', "$_ is the person on home") for 'twin 8', 'twin 9';
move(8, 0, 1);
is(as(0, $_, 'SELECT coursebase.current_member_id(), name FROM coursebase.course_library()'), id(8) . '|Squats', "$_ is the guest again") for 'twin 8', 'twin 9';

# What is held of a person, and how it goes: each server answers for what it has.
like(said(0, "SELECT coursebase.export_guest('${\ id(6)}')"), qr/"course_entitlements": \[\{.*"payment_transactions": |"payment_transactions": \[\{/s, 'home exports what organisations have');
like(as(0, 'other buyer', 'SELECT coursebase.export_guest()'), qr/"notes":"hard"/, 'to the person, too');
unlike(said(0, "SELECT coursebase.export_guest('${\ id(6)}')"), qr/"purchases"|"subscriptions"|"user_profile"/, 'and nothing that it does not have');
like(said(2, "SELECT coursebase.export_user('${\ id(6)}')"), qr/6\@example\.org/, 'the cell the rest');
is(states(0, "SELECT coursebase.export_user('${\ id(6)}')", "SELECT coursebase.delete_user('${\ id(6)}')", "SELECT coursebase.export_guest('${\ id(6)}')") . states(2, "SELECT coursebase.export_guest('${\ id(6)}')"), 'KBC01 KBC01 00000KBC04', 'and neither answers for the other');
is(said(0, "SELECT coursebase.export_guest('${\ id(5)}') IS NULL, coursebase.export_guest('${\ id(1)}') IS NULL"), 't|t', 'who is no guest has no such document');
is(states_as(0, 'buyer', "SELECT coursebase.export_guest('${\ id(6)}')"), '42501', 'nobody gets that of another');
said(0, "DELETE FROM coursebase.memberships WHERE user_id = '${\ id(1)}'");
is(states(0, "SELECT coursebase.forget_person('${\ id(2)}')"), 'KBA01', 'the last owner of an organisation is not forgotten');
is(said(0, "SELECT coursebase.forget_person('${\ id(6)}'), coursebase.forget_person('${\ id(6)}')"), 't|f', 'a buyer is');
hear();
said(2, "SELECT coursebase.delete_user('${\ id(6)}')");
is(said(0, "SELECT name, email, deleted_at IS NOT NULL, is_guest, (SELECT count(*) FROM coursebase.course_workout_completions WHERE notes IS NOT NULL AND entitlement_id = '$entitlement{6}'), (SELECT count(*) FROM coursebase.payment_transactions WHERE user_id = users.id) FROM coursebase.users WHERE id = '${\ id(6)}'"),
	'||t|t|0|1', 'home forgets what was personal, and keeps the payment');
is(as(0, 'other buyer', 'SELECT coursebase.current_member_id() IS NULL') . as(0, id(6), 'SELECT coursebase.current_member_id() IS NULL'), 'tt', 'and the tokens name nobody');
is(states(0, "SELECT coursebase.begin_checkout('${\ id(6)}', '$program')", "SELECT coursebase.create_organization('X', 'x', 'USD', 'UTC', '${\ id(6)}')", "SELECT coursebase.name_guest('${\ id(6)}', 'x')"), 'KB106 KB106 00000', 'who buys no more');
is(said(0, "SELECT coursebase.name_guest('${\ id(6)}', 'x')"), 'f', 'and gets no name');
is(faults(), '', 'check_integrity() finds nothing');

# What check_integrity() knows of guests.
for my $fault ([ "UPDATE coursebase.users SET clerk_user_id = 'somebody' WHERE id = '${\ id(4)}'", 'guest|users ' . id(4) . "|the guest has a token's subject, a role or a profile" ],
	[ "DELETE FROM coursebase.people WHERE user_id = '${\ id(4)}'", 'guest|users ' . id(4) . '|the directory does not know the guest' ],
	[ "UPDATE coursebase.people SET cell = 0, moves = 0 WHERE user_id = '${\ id(4)}'", 'guest|users ' . id(4) . '|the directory has the guest in this cell' ],
	[ "INSERT INTO coursebase.user_lesson_complete (user_id, lesson_id) VALUES ('${\ id(4)}', '$program')", 'guest|users ' . id(4) . '|user_lesson_complete has rows of the person, who lives in another cell' ])
{
	like(said(0, "BEGIN; SET LOCAL session_replication_role = replica; $fault->[0]; SELECT * FROM coursebase.check_integrity('guest'); ROLLBACK"), qr/^\Q$fault->[1]\E$/m, $fault->[1]);
}

# One server again: nobody is in another cell.
is(said(0, 'BEGIN; SELECT coursebase.set_cell(NULL); SELECT count(*) FROM coursebase.check_integrity(\'guest\'); ROLLBACK') > 3, 1, 'guests of a server that is the only one are told');
is(states(0, 'SELECT coursebase.set_cell(0, 3)'), '00000', 'guests are in nobody\'s way');

done_testing();
