# Where the catalogue comes from another server by a subscription, no cached handshake outlives what comes: after every
# change there the next handshake here is what a fresh computation gives. A copy of the whole schema brings the versions
# along, and then nothing here moves them.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use Test::More;

my $home = node('home');
my $cell = node('cell');
$home->append_conf('postgresql.conf', 'max_wal_senders = 10');
$home->restart;
create_extension($home, 'app');
create_extension($cell, 'app');
create_extension($cell, 'copy');

my $connection = sprintf "host=%s port=%s dbname=app", $home->host, $home->port;
my $cohort = '00000000-0000-4000-8000-0000000000c1';
my @people = map { "00000000-0000-4000-8000-00000000000$_" } 1 .. 3;

sub caught_up
{
	my ($database, $subscription) = @_;

	$cell->poll_query_until($database, "SELECT count(*) = 0 FROM pg_subscription_rel r JOIN pg_subscription s ON s.oid = r.srsubid
		WHERE s.subname = '$subscription' AND r.srsubstate <> 'r'") or die "$subscription does not copy its tables";
	$home->wait_for_catchup($subscription);
}

query($home, 'app', <<~SQL);
	INSERT INTO coursebase.cohorts (id, code, name, kind) VALUES ('$cohort', 'C', 'Cohort', 'institution');
	INSERT INTO coursebase.courses (id, course_code, title, description, is_free)
	VALUES ('00000000-0000-4000-8000-0000000000d1', 'C01AAA', 'Free', '', true);
	INSERT INTO coursebase.course_documents (course_id, data) VALUES ('00000000-0000-4000-8000-0000000000d1', '{"v": 1}');
	INSERT INTO coursebase.master_manifests (id, name, content, is_default) VALUES
	    ('00000000-0000-4000-8000-0000000000f1', 'shop.json', '{"v": 1}', true),
	    ('00000000-0000-4000-8000-0000000000f2', 'shop.json', '{"v": "cohort"}', false);
	INSERT INTO coursebase.discount_codes (id, code, product_type, percent_off)
	VALUES ('00000000-0000-4000-8000-0000000000e1', 'TEN', 'course', 10);
	CREATE PUBLICATION catalogue FOR TABLE coursebase.settings, coursebase.cohorts, coursebase.courses, coursebase.course_documents,
	    coursebase.master_manifests, coursebase.manifest_cohorts, coursebase.entitlements, coursebase.store_product_entitlements,
	    coursebase.discount_codes;
	SQL
query($cell, 'app', <<~SQL);
	INSERT INTO coursebase.users (id, clerk_user_id, name, email)
	SELECT id, 'u' || right(id::text, 1), 'n', 'e' FROM unnest('{@{[join ',', @people]}}'::uuid[]) id;
	SET session_replication_role = replica;
	DELETE FROM coursebase.settings;
	DELETE FROM coursebase.entitlements;
	SQL

# What every person is answered.
sub answers
{
	return query($cell, 'app', "SELECT md5(string_agg(coursebase.handshake(id, '{}')::text, '' ORDER BY id)) FROM coursebase.users");
}
query($cell, 'app', "CREATE SUBSCRIPTION cell CONNECTION '$connection' PUBLICATION catalogue");
caught_up('app', 'cell');
query($cell, 'app', "INSERT INTO coursebase.user_cohorts (user_id, cohort_id) VALUES ('$people[1]', '$cohort')");
is(query($cell, 'app', 'SELECT rule, object FROM coursebase.lint()'), '', 'nothing is wrong with the installation');

# Every change is of a kind that one server's handshake would show at once.
sub follows
{
	my ($change, $shows) = @_;
	my $before = answers();
	is(answers(), $before, "before $change the answers are cached");
	query($home, 'app', $change);
	$home->wait_for_catchup('cell');
	my $after = answers();
	isnt($after, $before, "$change changes an answer") if $shows;
	query($cell, 'app', 'DELETE FROM coursebase.cached_handshake_responses');
	is($after, answers(), "$change: the next handshake is what a fresh computation gives");
}
follows(q{UPDATE coursebase.course_documents SET data = '{"v": 2}'}, 1);
follows(q{UPDATE coursebase.master_manifests SET content = '{"v": 2}' WHERE is_default}, 1);
follows(q{INSERT INTO coursebase.master_manifests (name, content, is_default) VALUES ('ads.json', '[]', true)}, 1);
follows(qq{INSERT INTO coursebase.manifest_cohorts (manifest_id, cohort_id) VALUES ('00000000-0000-4000-8000-0000000000f1', '$cohort')}, 0);
follows(q{UPDATE coursebase.manifest_cohorts SET manifest_id = '00000000-0000-4000-8000-0000000000f2'}, 1);
follows(q{UPDATE coursebase.discount_codes SET percent_off = 20}, 0);
follows(q{UPDATE coursebase.courses SET course_code = 'C01BBB'}, 1);
follows(q{UPDATE coursebase.settings SET value = 'shop.json' WHERE name = 'protected_manifests'}, 0);
follows(q{UPDATE coursebase.entitlements SET weekly_credits = 7}, 0);
follows(q{INSERT INTO coursebase.store_product_entitlements (product_id, entitlement) VALUES ('p', 'premium')}, 0);
follows(q{DELETE FROM coursebase.manifest_cohorts}, 1);

# One table is copied again, while nothing changes at home: what was cached in between goes, too.
query($cell, 'app', 'BEGIN; SET LOCAL session_replication_role = replica; DELETE FROM coursebase.course_documents; COMMIT');
query($cell, 'app', 'DELETE FROM coursebase.cached_handshake_responses');
my $without = answers();
query($home, 'app', 'ALTER PUBLICATION catalogue DROP TABLE coursebase.course_documents');
query($cell, 'app', 'ALTER SUBSCRIPTION cell REFRESH PUBLICATION');
query($home, 'app', 'ALTER PUBLICATION catalogue ADD TABLE coursebase.course_documents');
query($cell, 'app', 'ALTER SUBSCRIPTION cell REFRESH PUBLICATION');
caught_up('app', 'cell');
isnt(answers(), $without, 'a table that is copied changes the answers that were cached before');

# A trigger that install() made fire always goes on to do so; whatever made it another, lint() says it and install() mends it.
query($cell, 'app', 'ALTER TABLE coursebase.courses DISABLE TRIGGER t500_stamp, ENABLE TRIGGER t900_move_version');
is(query($cell, 'app', 'SELECT rule, object FROM coursebase.lint()'),
	"trigger_disabled|trigger t500_stamp on coursebase.courses\ntrigger_not_always|trigger t900_move_version on coursebase.courses",
	'lint() names a trigger that would not fire');
is(query($cell, 'app', 'SELECT object, action FROM coursebase.install()'), 'trigger t500_stamp on courses|restored',
	'install() says which trigger it switches on');
is(query($cell, 'app', 'SELECT rule, object FROM coursebase.lint()'), '', 'and everything fires again');
query($cell, 'app', 'ALTER TABLE coursebase.lessons ENABLE ALWAYS TRIGGER t500_stamp');
is(query($cell, 'app', "SELECT (SELECT count(*) FROM coursebase.install()), tgenabled FROM pg_trigger
	WHERE tgrelid = 'coursebase.lessons'::regclass AND tgname = 't500_stamp'"), '0|A', 'a trigger that somebody made fire always stays so');

# A copy of the whole schema: versions come along, and neither the first copy nor a later change meets one that was made here.
query($home, 'app', 'CREATE PUBLICATION whole FOR TABLES IN SCHEMA coursebase');
query($home, 'app', "INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES ('$people[0]', 'home', 'n', 'e')");
query($home, 'app', "SELECT coursebase.handshake('$people[0]', '{}')");
query($cell, 'copy', <<~'SQL');
	SET session_replication_role = replica;
	SELECT format('DELETE FROM coursebase.%I', relname) FROM pg_class
	WHERE relnamespace = 'coursebase'::regnamespace AND relkind = 'r' \gexec
	SQL
query($cell, 'copy', "CREATE SUBSCRIPTION copy CONNECTION '$connection' PUBLICATION whole");
caught_up('copy', 'copy');
query($home, 'app', q{UPDATE coursebase.master_manifests SET content = '{"v": 3}' WHERE is_default});
query($home, 'app', "SELECT coursebase.handshake('$people[0]', '{}')");
$home->wait_for_catchup('copy');
my $versions = 'SELECT version FROM coursebase.catalogue_version UNION ALL SELECT catalogue_version FROM coursebase.cached_handshake_responses';
is(query($cell, 'copy', $versions), query($home, 'app', $versions), 'a copy of the whole schema has the versions of the original');
is(query($cell, 'copy', "SELECT coursebase.handshake('$people[0]', '{}')::text"),
	query($home, 'app', "SELECT coursebase.handshake('$people[0]', '{}')::text"), 'and answers as it does');

# Nor does a load of rows as a replica.
my $load = "BEGIN; SET LOCAL session_replication_role = replica;
	INSERT INTO coursebase.master_manifests (name, content, checksum, file_size_bytes) VALUES ('x.json', '1', md5('1'), 1); COMMIT";
my $moved = query($home, 'app', 'SELECT version FROM coursebase.catalogue_version');
query($home, 'app', $load);
is(query($home, 'app', 'SELECT version FROM coursebase.catalogue_version'), $moved, 'a load as a replica moves no version');

query($cell, 'copy', 'DROP SUBSCRIPTION copy');
query($cell, 'app', 'DROP SUBSCRIPTION cell');
done_testing();
