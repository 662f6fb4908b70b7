# One transaction writes a program's day again and again: all of it or one place, the new places before the old ones or after
# them, settled or not in between, with savepoints that are released and rolled back. However it goes, what buyers have done
# stays with the nth place of its workout.
#
# COURSEBASE_LOAD multiplies the 400 histories; the seed is fixed.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use List::Util qw(shuffle);
use PostgreSQL::Test::Utils;
use Test::More;

my $hundreds  = int(4 * ($ENV{COURSEBASE_LOAD} // 1)) || 1;
my @day       = ('squat', 'press', 'squat', 'press', 'squat');
my $seed      = $ENV{SEED} // 588;
my $node      = node('day_rewrites');
srand($seed);

create_extension($node, 'days');
query($node, 'days', 'ALTER DATABASE days SET client_min_messages = warning');
query($node, 'days', "\\set abs_srcdir $FindBin::RealBin/..\n" . <<~'SQL');
	\i :abs_srcdir/fixtures/worlds/programs.sql
	\o /dev/null
	CREATE TABLE ids AS SELECT * FROM (VALUES ('squat', '00000000-0000-4000-8000-0000000e1c01'::uuid), ('press', '00000000-0000-4000-8000-0000000e1c02')) i (name, id);
	CREATE FUNCTION put(place integer, workout text) RETURNS void LANGUAGE sql AS $$
	    INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order, workout_id)
	    SELECT '00000000-0000-4000-8000-0000000e1d01', 0, place, id FROM ids WHERE name = workout
	$$;
	CREATE PROCEDURE take(VARIADIC places integer[]) LANGUAGE sql AS $$
	    DELETE FROM coursebase.course_workouts
	    WHERE program_id = '00000000-0000-4000-8000-0000000e1d01' AND day_offset = 0 AND sort_order = ANY (places)
	$$;
	CREATE VIEW places AS
	SELECT w.id, format('%s %s', i.name, row_number() OVER (PARTITION BY i.name ORDER BY w.sort_order)) AS name
	FROM coursebase.course_workouts w JOIN ids i ON i.id = w.workout_id
	WHERE w.program_id = '00000000-0000-4000-8000-0000000e1d01' AND w.day_offset = 0;
	-- What is not where it was done, by the note that names its place.
	CREATE TABLE done (entitlement uuid, place text);
	CREATE VIEW wrong AS
	SELECT * FROM done EXCEPT
	SELECT c.entitlement_id, p.name FROM coursebase.course_workout_completions c JOIN places p ON p.id = c.course_workout_id WHERE p.name = c.notes;
	SQL
my $places = join ' ', map { 'SELECT put(' . 1000 * ($_ + 1) . ", '$day[$_]');" } 0 .. $#day;
query($node, 'days', "BEGIN; CALL take(0); $places COMMIT;\n" . <<~'SQL');
	\o /dev/null
	INSERT INTO coursebase.course_entitlements (id, user_id, program_id, status)
	SELECT md5(clerk_user_id)::uuid, id, '00000000-0000-4000-8000-0000000e1d01', 'active' FROM coursebase.users WHERE clerk_user_id LIKE 'programs\_%';
	-- Each of the four buyers has done others, and one all.
	INSERT INTO coursebase.course_workout_completions (entitlement_id, course_workout_id, notes)
	SELECT e.id, p.id, p.name FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM coursebase.course_entitlements) e,
	    (SELECT *, row_number() OVER (ORDER BY name) AS n FROM places) p WHERE (p.n - 1) % e.n = 0;
	INSERT INTO done SELECT entitlement_id, notes FROM coursebase.course_workout_completions;
	SQL
cmp_ok(query($node, 'days', 'SELECT count(*) FROM done'), '>', 10, 'much is done');

# What one history does, and at which places the day's workouts stand after it.
sub history
{
	my @acts;
	my @places = map { 1000 * ($_ + 1) } 0 .. $#day;
	my @saved;
	my $settle = 'SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED;';

	for my $step (1 .. 2 + int rand 8)
	{
		my $act = rand;

		if ($act < 0.2)
		{
			push @acts, $settle;
		}
		elsif ($act < 0.35)
		{
			push @saved, [ "s$step", @places ];
			push @acts, "SAVEPOINT s$step;";
		}
		elsif ($act < 0.5 && @saved)
		{
			my $which = int rand @saved;
			my ($name, @before) = @{ $saved[$which] };
			my $back = rand() < 0.65;

			@places = @before if $back;
			splice @saved, $which + $back;
			push @acts, ($back ? 'ROLLBACK TO' : 'RELEASE') . " $name;";
		}
		else
		{
			my @which = $act < 0.75 ? 0 .. $#day : int rand @day;
			my @new = @places;
			# each stays between its neighbours
			$new[$_] = 1000 * ($_ + 1) + int rand 999 for @which;
			my @put = map { "SELECT put($new[$_], '$day[$_]');" } shuffle @which;
			my $take = 'CALL take(' . join(', ', @places[@which]) . ');';
			my $free = !grep { my $i = $_; grep { $new[$i] == $_ } @places } @which;

			push @acts, $free && rand() < 0.5 ? (@put, $take) : ($take, @put);
			@places = @new;
		}
	}
	return "BEGIN;\n" . join("\n", @acts) . "\nSET CONSTRAINTS ALL IMMEDIATE;\n";
}

my ($wrong, $first) = (0, '');
for my $hundred (1 .. $hundreds)
{
	my @histories = map { history() } 1 .. 100;
	my $found = query($node, 'days', "\\o /dev/null\n" . join '', map { "$histories[$_]\\o\nSELECT DISTINCT $_ FROM wrong;\n\\o /dev/null\nROLLBACK;\n" } 0 .. 99);

	for (split /\n/, $found)
	{
		$wrong++;
		$first ||= $histories[$_];
	}
}
is($wrong, 0, "what is done stays where it was, in ${hundreds}00 histories") || diag("the first:\n$first");
is(query($node, 'days', 'SELECT * FROM coursebase.check_integrity()'), '', 'check_integrity() finds nothing');

$node->stop;
done_testing();
