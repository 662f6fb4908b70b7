# Two cells sell one discount code: over both of them it is used exactly as often as it may be, however the sessions of each
# race, and while home moves places to the other cell. A limited code that is not split is sold on home alone.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use Load;
use Test::More;

my ($sessions, $turns, $people) = (8, 10, 500);
my ($home, $cell) = (load_node('home'), load_node('cell'));
$home->append_conf('postgresql.conf', 'max_wal_senders = 10');
$home->restart;
create_extension($home, 'app');
create_extension($cell, 'app');

query($home, 'app', <<~'SQL');
	SELECT coursebase.set_cell(0, 2);
	SELECT coursebase.publish_catalogue();
	INSERT INTO coursebase.discount_codes (code, product_type, percent_off, max_redemptions)
	SELECT code, 'course', 10, 50 FROM unnest('{EVEN,UNEVEN,RACE,WHOLE,GROWN}'::text[]) code;
	INSERT INTO coursebase.discount_codes (code, product_type, percent_off) VALUES ('FREE', 'course', 10);
	SELECT coursebase.split_counter(code, 4) FROM unnest('{EVEN,UNEVEN,RACE,GROWN}'::text[]) code;
	SQL
query($cell, 'app', sprintf "SELECT coursebase.set_cell(1, 2); SELECT * FROM coursebase.join_home('host=%s port=%d dbname=app')", $home->host, $home->port);
for my $node ($home, $cell)
{
	my $who = $node->name . '_';
	query($node, 'app', <<~"SQL");
		INSERT INTO coursebase.users (id, clerk_user_id, name, email)
		SELECT gen_random_uuid(), '$who' || n, 'n', 'e' FROM generate_series(0, $people) n;
		CREATE FUNCTION public.redeem(person bigint, code text) RETURNS boolean LANGUAGE plpgsql AS \$\$
		BEGIN
		    PERFORM coursebase.redeem_discount((SELECT id FROM coursebase.users WHERE clerk_user_id = '$who' || person),
		        code, 'course', 1000, 'USD', 'order ' || person || code);
		    RETURN true;
		EXCEPTION WHEN SQLSTATE 'KB601' THEN
		    RETURN false;
		END
		\$\$;
		ANALYZE;
		SQL
}

# Every session of each server tries for the code, each time by another person; the first person is FROM.
sub tried
{
	my ($code, $from, @nodes) = @_;
	my $script = pgbench_script("$code-$from", "\\set n :n + 1\n\\set person $from + :n * $sessions + :client_id\nSELECT public.redeem(:person, '$code');\n");
	my @runs = map { IPC::Run::start(
		[ 'pgbench', '-n', '-h', $_->host, '-p', $_->port, '-c', $sessions, '-j', 1, '-t', $turns, '-D', 'n=0', '-f', $script, 'app' ],
		'>', \my $out, '2>', \my $err) } @nodes;
	return @runs;
}
sub ended { $_->finish or die 'pgbench failed' for @_; return }
sub uses
{
	my ($code) = @_;
	return join '|', map { query($_, 'app', "SELECT count(*) FROM coursebase.discount_redemptions r
		JOIN coursebase.discount_codes c ON c.id = r.discount_code_id WHERE c.code = '$code' AND r.reversed_at IS NULL") } $home, $cell;
}

ended(tried('EVEN', 0, $home, $cell));
is(uses('EVEN'), '25|25', '16 sessions in two cells: exactly 50 uses');
is(query($_, 'app', q{SELECT reason, detail FROM coursebase.explain_discount((SELECT id FROM coursebase.users WHERE clerk_user_id LIKE '%\_0'), 'EVEN', 'course', 1000, 'USD') WHERE rule = 'place_left'}),
	'limit_reached|Others hold 25 of 25 places.', 'and the limit is said to be reached') for $home, $cell;

# All want it in one cell.
ended(tried('UNEVEN', 0, $cell));
is(uses('UNEVEN'), '0|25', 'a cell sells its own places only');
is(query($home, 'app', q{SELECT coursebase.refill_counter('uneven', 1, 100), coursebase.refill_counter('uneven', 1, 1)}), '25|0', 'home moves what is free');
ended(tried('UNEVEN', 100, $home));
is(uses('UNEVEN'), '0|25', 'and has it no more');
$home->wait_for_catchup('coursebase_home');
ended(tried('UNEVEN', 200, $cell));
is(uses('UNEVEN'), '0|50', 'the cell sells it');

# Places are moved while both sell them.
my @runs = tried('RACE', 0, $home, $cell);
my $moved = 0;
for (1 .. 20)
{
	$moved += query($home, 'app', q{SELECT coursebase.refill_counter('RACE', 1, 2)});
}
ended(@runs);
$moved += query($home, 'app', q{SELECT coursebase.refill_counter('RACE', 1, 100)});
$home->wait_for_catchup('coursebase_home');
ended(tried('RACE', 200, $home, $cell));
is(uses('RACE'), (25 - $moved) . '|' . (25 + $moved), "$moved places moved in the race: exactly 50 uses");

ended(tried('WHOLE', 0, $home, $cell));
is(uses('WHOLE'), '50|0', 'a code that is not split is sold on home');
ended(tried('FREE', 0, $home, $cell));
is(uses('FREE'), '80|80', 'one without a limit everywhere');

# The limits are home's, and what others took is not known there.
is(join(' ', sqlstates($cell, 'app', [ q{SELECT coursebase.split_counter('WHOLE', 2)}, q{SELECT coursebase.refill_counter('EVEN', 1, 1)},
		q{UPDATE coursebase.discount_code_shards SET max_redemptions = 100} ])), 'KBC04 KBC04 KBC06', 'the cell may not change them');
is(join(' ', sqlstates($home, 'app', [ q{SELECT coursebase.split_counter('EVEN', 8)}, q{SELECT coursebase.split_counter('WHOLE', 1)},
		q{SELECT coursebase.refill_counter('WHOLE', 1, 1)}, q{SELECT coursebase.refill_counter('EVEN', 0, 1)}, q{SELECT coursebase.refill_counter('EVEN', 1, -1)},
		q{SELECT coursebase.refill_counter('NONE', 1, 1)} ])), 'KB603 22023 KB603 22023 22023 KB106', 'nor home those of the cell');

# What was taken before the counter is split stays home's; a cell that joins later gets its first place by a refill.
query($home, 'app', q{INSERT INTO coursebase.discount_codes (code, product_type, percent_off, max_redemptions) VALUES ('LATE', 'course', 10, 90)});
$home->wait_for_catchup('coursebase_home');
ended(tried('LATE', 0, $home));
is(query($home, 'app', q{SELECT coursebase.split_counter('LATE', 2)}), 80, 'a code that home sold is split');
$home->wait_for_catchup('coursebase_home');
ended(tried('LATE', 100, $home, $cell));
is(uses('LATE'), '85|5', 'and the cells share the rest');
query($home, 'app', 'SELECT coursebase.set_cell(0, 3)');
is(query($home, 'app', q{SELECT coursebase.refill_counter('GROWN', 2, 10)}), 10, 'a third cell gets places');
is(query($home, 'app', q{SELECT coalesce(s.cell, 0), sum(s.max_redemptions) FROM coursebase.discount_code_shards s
	JOIN coursebase.discount_codes c ON c.id = s.discount_code_id AND c.code = 'GROWN' GROUP BY 1 ORDER BY 1}), "0|15\n1|25\n2|10", 'which home gives');

# The counters are each server's own, also when the cell joins again.
is(sqlstate($cell, 'app', 'SELECT count(*) FROM coursebase.join_home()'), 'KBC05', 'whoever lives in the cell is entered on home before it joins');
query($home, 'app', query($cell, 'app', <<~'SQL'));
	SELECT format('INSERT INTO coursebase.people (user_id, external_id, cell) VALUES (%L, %L, 1);', u.id,
	    CASE WHEN u.deleted_at IS NULL OR u.merged_into IS NOT NULL THEN u.clerk_user_id END)
	FROM coursebase.users u WHERE NOT u.is_guest
	SQL
query($cell, 'app', 'SELECT count(*) FROM coursebase.join_home()');
is(uses('EVEN'), '25|25', 'a second joining changes no use');
ended(tried($_, 300, $home, $cell)) for 'EVEN', 'UNEVEN', 'RACE';
is(join(' ', map { my @n = split /\|/, uses($_); $n[0] + $n[1] } 'EVEN', 'UNEVEN', 'RACE'), '50 50 50', 'nor gives a place');

# A limit that home raises is home's to sell, and to move; one that it lowers takes what is free on home. Other cells keep theirs.
my $limit = sub { my ($code, $limit) = @_; return "UPDATE coursebase.discount_codes SET max_redemptions = $limit WHERE code = '$code'" };
query($home, 'app', $limit->('EVEN', 70));
$home->wait_for_catchup('coursebase_home');
is(query($cell, 'app', q{SELECT max_redemptions FROM coursebase.discount_codes WHERE code = 'EVEN'}), 70, 'the limit is raised, also in the cell');
ended(tried('EVEN', 400, $cell));
is(uses('EVEN'), '25|25', 'which has no more places for it');
is(query($home, 'app', q{SELECT coursebase.refill_counter('EVEN', 1, 5)}), 5, 'before home moves some');
query($home, 'app', $limit->('EVEN', 65));
$home->wait_for_catchup('coursebase_home');
ended(tried('EVEN', 400, $home, $cell));
is(uses('EVEN'), '35|30', 'exactly as many uses as the limit says, lowered again meanwhile');
is(join(' ', sqlstates($home, 'app', [ $limit->('EVEN', 64), $limit->('EVEN', 'NULL'), $limit->('EVEN', 65) ])), 'KB603 KB603 00000', 'what is taken is not lowered, and the limit stays one');
query($home, 'app', q{INSERT INTO coursebase.discount_codes (code, product_type, percent_off, max_redemptions) VALUES ('RAISED', 'course', 10, 9);
	SELECT coursebase.split_counter('RAISED', 3)});
@runs = tried('RAISED', 0, $home);
query($home, 'app', q{UPDATE coursebase.discount_codes SET max_redemptions = max_redemptions + 1 WHERE code = 'RAISED'}) for 1 .. 20;
ended(@runs);
ended(tried('RAISED', 200, $home));
is(uses('RAISED'), '23|0', 'raised while it is sold, it is sold as often as home may');

# A code without a limit is split after both have sold it: the cell's own count stays beside the shards.
query($home, 'app', q{SELECT coursebase.split_counter('FREE', 4)});
$home->wait_for_catchup('coursebase_home');
my $check = q{SELECT * FROM coursebase.check_integrity() WHERE check_name <> 'directory'};
is(query($_, 'app', $check), '', 'check_integrity() finds nothing in a code that was sold before it was split') for $home, $cell;
is(query($cell, 'app', q{SELECT redeemed_count FROM coursebase.discount_codes WHERE code = 'FREE'}), 80, 'the cell has counted it');
ended(tried('FREE', 200, $home, $cell));
query($_, 'app', q{SELECT coursebase.reverse_discount(u.id, r.order_ref) FROM coursebase.discount_redemptions r
	JOIN coursebase.discount_codes c ON c.id = r.discount_code_id AND c.code = 'FREE' JOIN coursebase.users u ON u.id = r.user_id}) for $home, $cell;
is(uses('FREE'), '0|0', 'every place is given back');
is(query($_, 'app', q{SELECT c.redeemed_count + sum(s.redeemed_count), c.moved_uses FROM coursebase.discount_codes c
	JOIN coursebase.discount_code_shards s ON s.discount_code_id = c.id WHERE c.code = 'FREE' GROUP BY c.id}), '0|0', 'where it was counted') for $home, $cell;
is(join(' ', sqlstates($home, 'app', [ $limit->('FREE', 1000) ])), 'KB603', 'and gets no limit, because home does not see what the cell sold');
is(query($_, 'app', $check), '', 'check_integrity() finds nothing') for $home, $cell;
no_deadlock($_, 'app', 'no deadlock') for $home, $cell;

query($cell, 'app', 'DROP SUBSCRIPTION coursebase_home');
done_testing();
