# Every table, every column, INSERT, UPDATE and DELETE by plain SQL of the server role: afterwards rights, sums and
# projections are what the rules say, or the statement was refused, or check_integrity() names what it left. The same for
# rows that are loaded where no trigger fires, whose damage must be found by name. The rows are those of the fixtures and
# some more; tables, columns and values come from the catalogue, so that what is new joins by itself.
#
# COURSEBASE_LOAD multiplies the rows of each table that are tried.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use Test::More;

my $rows = 2 * ($ENV{COURSEBASE_LOAD} // 1);
my $node = node('every_write');
create_extension($node, 'walk');
fixture($node, 'walk');
client_ok($node, 'the questions, and more rows', [ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', 'walk', '-f', "$FindBin::RealBin/lib/every_write.sql" ]);
query($node, 'walk', 'VACUUM ANALYZE');
is(query($node, 'walk', 'SELECT * FROM coursebase.check_integrity()'), '', 'the rows are sound');
is(query($node, 'walk', 'SELECT * FROM public.wrong()'), '', 'and no question finds anything wrong');

for my $way ([ 'by the server', 'origin', $rows ], [ 'by a load', 'replica', $rows / 2 ])
{
	my ($name, $role, $most) = @$way;
	my $loaded = $role eq 'replica' ? 'loaded' : 'NOT loaded';

	query($node, 'walk', <<~"SQL");
		CREATE TABLE public.of_$role AS SELECT r.oid AS relation, s.* FROM public.relations r, public.statements(r.oid, $most) s;
		SET session_replication_role = $role;
		SELECT count(public.try(relation, command, statement)) FROM public.of_$role;
		SQL
	is(query($node, 'walk', "SELECT statement, wrong FROM public.tried WHERE $loaded AND wrong <> '{}' AND named = '{}' ORDER BY n LIMIT 20"),
		'', "$name: what is wrong afterwards has a name in check_integrity()");
	is(query($node, 'walk', "SELECT statement, outcome FROM public.tried WHERE $loaded AND outcome ~ '^broken' ORDER BY n LIMIT 20"),
		'', "$name: what is refused is refused in words");
	# A value that its column cannot read, or a statement that is none, would be refused whatever the rules are.
	is(query($node, 'walk', "SELECT statement, outcome FROM public.tried WHERE $loaded AND outcome ~ '^refused (22P|22007|42(?!501))' ORDER BY n LIMIT 20"),
		'', "$name: and by a rule");
	is(query($node, 'walk', <<~"SQL"), '', "$name: every column of every table was written");
		SELECT c.oid::regclass, c.attname FROM public.columns c WHERE c.oid::regclass::text NOT IN (SELECT relation FROM public.tried
		    WHERE $loaded AND command = 'UPDATE' AND (statement LIKE '% SET ' || quote_ident(c.attname) || ' = %' OR statement LIKE '%, ' || quote_ident(c.attname) || ' = %'))
		UNION ALL SELECT r.oid::regclass, command FROM public.relations r, unnest(ARRAY['INSERT', 'DELETE']) command
		WHERE NOT EXISTS (SELECT FROM public.tried t WHERE $loaded AND t.relation = r.oid::regclass::text AND t.command = command)
		SQL
	note("$name: $_") for split /\n/, query($node, 'walk', <<~"SQL");
		SELECT relation, command, n.name, count(*) FROM public.tried, unnest(named) n (name) WHERE $loaded GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
		SQL
}

# Where no trigger refuses, a row of every table was changed, and so the questions were asked.
is(query($node, 'walk', "SELECT relname FROM public.relations r WHERE NOT EXISTS (SELECT FROM public.tried WHERE loaded AND relation = r.oid::regclass::text AND outcome = 'kept') ORDER BY 1"),
	'', 'a load changes rows of every table');

# The questions are such that damage makes them fail.
is(query($node, 'walk', <<~'SQL'), '', 'what a load can break is noticed by these questions');
	SELECT * FROM unnest(ARRAY['courses that a person may use', 'user_course_access', 'sums of refunds', 'credits', 'credits of packs', 'uses of a code',
	    'referral credit', 'completed_at', 'money without the program', 'a program without the money', 'paid and still pending', 'currency', 'owners',
	    'a public product without a course', 'places', 'checksums', 'a receipt and what it gave']) q
	WHERE q NOT IN (SELECT unnest(wrong) FROM public.tried WHERE loaded)
	SQL
is(query($node, 'walk', 'SELECT * FROM coursebase.check_integrity()'), '', 'nothing of it stayed');

$node->stop;
done_testing();
