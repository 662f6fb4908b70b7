# A cell joins home again: after two rows of the catalogue changed places, by several calls at once, while another server has
# its number, and after home, or the cell, was restored from a backup. Each ends with the catalogue of home, or is refused and
# takes nothing from anybody: no slot of a cell that runs, and nobody's place in the directory.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir();
my ($home, $cell) = (node('home'), node('cell'));
$home->append_conf('postgresql.conf', 'max_wal_senders = 10');
$home->restart;
$cell->append_conf('postgresql.conf', 'wal_retrieve_retry_interval = 200ms');
$cell->reload;
create_extension($_, 'app') for $home, $cell;
create_extension($cell, 'same_number');

my $conninfo = sprintf 'host=%s port=%d dbname=app', $home->host, $home->port;
my %person = map { $_ => "00000000-0000-4000-a000-0000000ec3$_" } qw(a1 b1 c1 d1 e1 f1);
my $joins = q{SELECT table_name, inserted, updated, deleted FROM coursebase.join_home() WHERE inserted + updated + deleted > 0};
sub people { return query($_[0], 'app', 'SELECT external_id, cell, moves FROM coursebase.people ORDER BY 1') }
sub directory_heard { $home->wait_for_catchup('coursebase_home') }
sub slots { return query($home, 'app', 'SELECT slot_name FROM pg_replication_slots') }
# The cell no longer follows, as when the slot was lost.
sub away
{
	query($cell, 'app', 'ALTER SUBSCRIPTION coursebase_home DISABLE');
	$home->poll_query_until('app', 'SELECT NOT active FROM pg_replication_slots');
	query($home, 'app', "SELECT pg_drop_replication_slot('coursebase_cell_1')");
}

query($home, 'app', <<~SQL);
	INSERT INTO coursebase.courses (id, course_code, title, description)
	SELECT ('00000000-0000-4000-a000-0000000ec3d' || n)::uuid, 'AGAIN' || n, 'Course', '' FROM generate_series(1, 3) n;
	INSERT INTO coursebase.discount_codes (code, product_type, percent_off) VALUES ('ONE', 'course', 10), ('TWO', 'course', 20);
	SELECT coursebase.set_cell(0, 2);
	SELECT coursebase.publish_catalogue();
	SELECT coursebase.place_person('again a', 1, '$person{a1}');
	SELECT coursebase.place_person('again b', 0, '$person{b1}');
	SELECT coursebase.upsert_user('again b', 'B', user_id => '$person{b1}');
	SQL
query($cell, 'app', "SELECT coursebase.set_cell(1, 2); SELECT coursebase.join_home('$conninfo')");
query($cell, 'app', "SELECT coursebase.upsert_user('again a', 'A', user_id => '$person{a1}'); ALTER TABLE coursebase.discount_codes ADD COLUMN own_note text");
query($cell, 'app', "SELECT coursebase.redeem_discount('$person{a1}', 'ONE', 'course', 1000, 'USD', 'order'); UPDATE coursebase.discount_codes SET own_note = code");

# Codes that changed places, in a ring of three and as two; what is the cell's own stays with its row.
away();
query($home, 'app', <<~'SQL');
	UPDATE coursebase.courses SET course_code = 'SPARE' WHERE course_code = 'AGAIN1';
	UPDATE coursebase.courses SET course_code = 'again1' WHERE course_code = 'AGAIN2';
	UPDATE coursebase.courses SET course_code = 'AGAIN2' WHERE course_code = 'AGAIN3';
	UPDATE coursebase.courses SET course_code = 'AGAIN3' WHERE course_code = 'SPARE';
	UPDATE coursebase.discount_codes SET code = 'SPARE' WHERE code = 'ONE';
	UPDATE coursebase.discount_codes SET code = 'ONE' WHERE code = 'TWO';
	UPDATE coursebase.discount_codes SET code = 'TWO' WHERE code = 'SPARE';
	SQL
is(query($cell, 'app', $joins), "courses|0|3|0\ndiscount_codes|0|2|0", 'rows that changed places are those of home');
is(query($cell, 'app', "SELECT string_agg(course_code, ' ' ORDER BY id) FROM coursebase.courses"), 'AGAIN3 again1 AGAIN2', 'each with its code');
is(query($cell, 'app', 'SELECT code, redeemed_count, own_note FROM coursebase.discount_codes ORDER BY 1'), "ONE|0|TWO\nTWO|1|ONE", 'and what is the cell\'s own');
is(query($cell, 'app', 'SELECT * FROM coursebase.check_integrity()'), '', 'check_integrity() finds nothing');

# Whoever joins has a client of another encoding, and settings by which texts are read otherwise. Home ends transactions that
# idle, and that of the cell idles while the cell compares.
query($_, 'app', 'ALTER TABLE coursebase.courses ADD COLUMN own_words text[]') for $home, $cell;
away();
query($home, 'app', q{UPDATE coursebase.courses SET title = U&'Caf\\00e9 \\20ac', own_words = '{a,NULL}'});
query($home, 'postgres', q{ALTER DATABASE app SET idle_in_transaction_session_timeout = '1ms'});
is(query($cell, 'app', "SET client_encoding = 'LATIN1'; SET array_nulls = off; $joins"), 'courses|0|3|0', 'another client encoding joins');
is(query($cell, 'app', q{SELECT DISTINCT title = U&'Caf\\00e9 \\20ac', own_words[2] IS NULL FROM coursebase.courses}), 't|t', 'and has what home has');
query($home, 'postgres', 'ALTER DATABASE app RESET idle_in_transaction_session_timeout');

# Several at once: each joins, one after the other, and none takes the slot of another.
my @calls = map {
	my ($in, $out, $err) = ("SELECT count(*) FROM coursebase.join_home();\n", '', '');
	{ run => IPC::Run::start([ 'psql', '-XAtq', '-h', $cell->host, '-p', $cell->port, '-d', 'app' ], '<', \$in, '>', \$out, '2>', \$err), out => \$out, err => \$err }
} 1 .. 4;
$_->{run}->finish for @calls;
is(join(' ', map { ${ $_->{out} } =~ s/\s//gr . ${ $_->{err} } } @calls), '19 19 19 19', 'four calls at once all join');
is(slots(), 'coursebase_cell_1', 'and home has the slot');
query($home, 'app', "UPDATE coursebase.courses SET title = 'Followed'");
directory_heard();
is(query($cell, 'app', 'SELECT DISTINCT title FROM coursebase.courses'), 'Followed', 'which the cell follows');

# Another server that was given the number of a cell that runs is refused, and does not lie in wait for the slot.
query($cell, 'same_number', 'SELECT coursebase.set_cell(1, 2)');
my (undef, undef, $error) = client($cell, [ 'psql', '-XAtq', '-v', 'VERBOSITY=verbose', '-d', 'same_number', '-c', "SELECT coursebase.join_home('$conninfo')" ]);
like($error, qr/55006: home does not drop the slot "coursebase_cell_1".*If another server has this cell's number/s, 'a second server with the number is refused');
query($cell, 'app', 'ALTER SUBSCRIPTION coursebase_home DISABLE');
$home->poll_query_until('app', 'SELECT NOT active FROM pg_replication_slots');
query($cell, 'app', 'ALTER SUBSCRIPTION coursebase_home ENABLE');
query($home, 'app', "UPDATE coursebase.courses SET title = 'Followed again'");
directory_heard();
is(query($cell, 'app', 'SELECT DISTINCT title FROM coursebase.courses'), 'Followed again', 'and the first one follows, after a restart too');

# Home is restored from a backup. Since then C was placed and signed up in the cell, B moved there, and D was placed.
client_ok($home, 'the backup', [ 'pg_dump', '-Fc', '-f', "$dir/home", 'app' ]);
my $backup = query($home, 'app', 'SELECT clock_timestamp()');
query($home, 'app', "SELECT coursebase.place_person('again c', 1, '$person{c1}'), coursebase.place_person('again d', 1, '$person{d1}')");
directory_heard();
query($cell, 'app', "SELECT coursebase.upsert_user('again c', 'C', user_id => '$person{c1}')");
my $document = query($home, 'app', "SELECT coursebase.take_person('$person{b1}')") =~ s/'/''/gr;
query($home, 'app', "SELECT coursebase.move_person('$document', 1)");
directory_heard();
my $receipt = query($cell, 'app', "SELECT coursebase.put_person('$document')");
query($home, 'app', "SELECT coursebase.release_person('$person{b1}', '$receipt')");
my $lived = people($home);
away();
query($home, 'postgres', 'DROP DATABASE app');
query($home, 'postgres', 'CREATE DATABASE app TEMPLATE template0');
client_ok($home, 'the restore', [ 'pg_restore', '--exit-on-error', '-d', 'app', "$dir/home" ]);

(undef, undef, $error) = client($cell, [ 'psql', '-XAtq', '-v', 'VERBOSITY=verbose', '-d', 'app', '-c', 'SELECT coursebase.join_home()' ]);
like($error, qr/KBC05: home's directory does not have everybody who lives here.*does not know 2 people/s, 'a directory without people who live here is not taken over');
is(people($cell), $lived, 'the cell has what it had');
is(slots(), '', 'and home no slot');
# As the guide says.
my $lost = query($cell, 'app', <<~SQL);
	SELECT format('SELECT coursebase.take_person(u.id) FROM coursebase.users u, coursebase.this_cell c WHERE u.id = %L AND c.number <> %s'
	    ' AND NOT u.is_guest AND u.merged_into IS NULL;', d.user_id, d.cell)
	    || format('INSERT INTO coursebase.people AS p (user_id, external_id, cell, moves) VALUES (%L, %L, %s, %s) ON CONFLICT (user_id) DO UPDATE'
	    ' SET external_id = excluded.external_id, cell = excluded.cell, moves = excluded.moves WHERE p.moves <= excluded.moves;',
	    d.user_id, d.external_id, d.cell, d.moves)
	FROM coursebase.people d WHERE d.updated_at >= '$backup'
	SQL
query($home, 'app', $lost);
is(people($home), $lived, 'home has again who lives where');
is(query($cell, 'app', "SELECT count(*) FROM ($joins) j WHERE table_name <> 'people'"), 0, 'the cell joins');
is(people($cell), $lived, 'and has the same directory');
is(query($_, 'app', 'SELECT * FROM coursebase.check_integrity() UNION ALL SELECT kind, key, owner::text FROM coursebase.claim_stored_keys()'), '', 'check_integrity() finds nothing') for $home, $cell;
is(sqlstate($home, 'app', "SELECT coursebase.has_premium('$person{b1}')") . query($cell, 'app', "SELECT coursebase.has_premium('$person{b1}')"), 'KBC01f', 'who moved since lives where they moved to, and there alone');
# The four calls end what began when home had them again.
$document = query($home, 'app', "SELECT coursebase.take_person('$person{b1}')") =~ s/'/''/gr;
is(query($home, 'app', "SELECT coursebase.move_person('$document', 0)"), 1, 'the move is decided already');
$receipt = query($cell, 'app', "SELECT coursebase.put_person('$document')");
is(query($home, 'app', "SELECT coursebase.release_person('$person{b1}', '$receipt')"), 't', 'and home forgets them');
is(sqlstate($home, 'app', "SELECT coursebase.has_premium('$person{b1}')"), 'KBC01', 'and still says where they live');

# The cell is restored from a backup. Since then D signed up there, B moved home, E and F moved there, and the catalogue changed.
query($home, 'app', join ';', map { "SELECT coursebase.place_person('again $_', 0, '$person{$_ . 1}'); SELECT coursebase.upsert_user('again $_', 'The $_', user_id => '$person{$_ . 1}')" } qw(e f));
directory_heard();
client_ok($home, 'the backup of home', [ 'pg_dump', '-Fc', '-f', "$dir/home_before", 'app' ]);
$cell->stop;
$cell->backup_fs_cold('before');
$cell->start;
$backup = query($home, 'app', 'SELECT clock_timestamp()');
query($cell, 'app', "SELECT coursebase.upsert_user('again d', 'D', user_id => '$person{d1}')");
move('b1', $cell => $home, 0, $cell);
move($_, $home => $cell, 1, $cell) for qw(e1 f1);
query($home, 'app', "UPDATE coursebase.courses SET title = 'Since'");
directory_heard();
$lived = people($home);
$cell->stop('immediate');
my $back = PostgreSQL::Test::Cluster->new('back');
$back->init_from_backup($cell, 'before');
$back->append_conf('postgresql.conf', 'max_logical_replication_workers = 0');
$back->start;

(undef, undef, $error) = client($back, [ 'psql', '-XAtq', '-v', 'VERBOSITY=verbose', '-d', 'app', '-c', 'SELECT coursebase.join_home()' ]);
like($error, qr/KBC05: home's directory does not have everybody who lives here.*does not know 1 people.*or, where they have moved away since/s, 'a cell that still has who moved away does not join');
# As the guide says.
my $left = query($home, 'app', <<~SQL);
	SELECT format('SELECT coursebase.take_person(u.id) FROM coursebase.users u WHERE u.id = %L'
	    ' AND NOT u.is_guest AND u.merged_into IS NULL;', d.user_id)
	FROM coursebase.people d WHERE d.cell <> 1 AND d.updated_at >= '$backup'
	SQL
query($back, 'app', $left);
is(query($back, 'app', "SELECT count(*) FROM ($joins) j WHERE table_name NOT IN ('people', 'courses')"), 0, 'without them it does');
is(people($back), $lived, 'and has the directory of home');
is(query($back, 'app', 'SELECT DISTINCT title FROM coursebase.courses'), 'Since', 'and its catalogue, of which the slot kept nothing for it');
move('b1', $back => $home, 0);
is(query($back, 'app', 'SELECT count(*) FROM coursebase.moving_people') . sqlstate($back, 'app', "SELECT coursebase.has_premium('$person{b1}')") . query($home, 'app', "SELECT name FROM coursebase.users WHERE id = '$person{b1}'"),
	'0KBC01B', 'who moved away lives there, and there alone');
# Who moved to it has no rows; the backup of where they came from has.
is(join(' ', map { sqlstate($back, 'app', "SELECT coursebase.upsert_user('again $_', 'Anew')") } qw(e f)), 'KBC21 KBC21', 'who moved to it is not made anew');
is(query($back, 'app', <<~'SQL'), "$person{e1}\n$person{f1}", 'the guide finds them');
	SELECT d.user_id FROM coursebase.people d, coursebase.this_cell c
	WHERE d.cell = c.number AND d.moves > 0 AND NOT EXISTS (SELECT FROM coursebase.users u WHERE u.id = d.user_id) ORDER BY 1
	SQL
query($home, 'postgres', 'CREATE DATABASE before TEMPLATE template0');
client_ok($home, 'the restore beside it', [ 'pg_restore', '--exit-on-error', '-d', 'before', "$dir/home_before" ]);
$document = query($home, 'before', "SELECT coursebase.take_person('$person{e1}')") =~ s/'/''/gr;
query($back, 'app', "SELECT coursebase.put_person('$document')");
query($home, 'app', "UPDATE coursebase.people SET moves = 0 WHERE user_id = '$person{f1}'");
$back->stop;
$back->adjust_conf('postgresql.conf', 'max_logical_replication_workers', '4');
$back->start;
directory_heard();
query($back, 'app', "SELECT coursebase.upsert_user('again d', 'D again'); SELECT coursebase.upsert_user('again f', 'Anew')");
is(query($back, 'app', "SELECT string_agg(name, ', ' ORDER BY clerk_user_id) FROM coursebase.users"), 'A, C, D again, The e, Anew', 'everybody lives there again, and who has no backup begins anew');
is(query($_, 'app', 'SELECT * FROM coursebase.check_integrity() UNION ALL SELECT kind, key, owner::text FROM coursebase.claim_stored_keys()'), '', 'check_integrity() finds nothing') for $home, $back;

# move PERSON, FROM => TO, CELL [, FOLLOWER]: the four calls. The third waits until the cell FOLLOWER has heard of the second.
sub move
{
	my ($who, $from, $to, $number, $follower) = @_;
	my $moves = query($from, 'app', "SELECT coursebase.take_person('$person{$who}')") =~ s/'/''/gr;

	query($home, 'app', "SELECT coursebase.move_person('$moves', $number)");
	directory_heard() if $follower;
	my $arrived = query($to, 'app', "SELECT coursebase.put_person('$moves')");
	query($from, 'app', "SELECT coursebase.release_person('$person{$who}', '$arrived')");
	return;
}
query($back, 'app', 'DROP SUBSCRIPTION coursebase_home');
done_testing();
