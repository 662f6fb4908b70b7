# Who is asking where another library owns the settings of the claims, and on a standby; and referral codes
# where chance is against them.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use PostgreSQL::Test::Cluster;
use Test::More;

my $holder = compiled('claims_holder');
my $random = compiled('known_random');
plan skip_all => 'no compiler' unless $holder && $random;

my $node = PostgreSQL::Test::Cluster->new('identity');
$node->init(extra => [ '--locale=C', '--encoding=UTF8' ], allows_streaming => 1);
$node->append_conf('postgresql.conf', "include '$ENV{COURSEBASE_CONF}'") if $ENV{COURSEBASE_CONF};
$node->append_conf('postgresql.conf', 'max_prepared_transactions = 2');
{
	local $ENV{LD_PRELOAD} = $random;
	$node->start;
}
create_extension($node, 'identity');
query($node, 'identity', <<~'SQL');
	INSERT INTO coursebase.users (clerk_user_id, name, email)
	VALUES ('ada', 'Ada', 'ada@example.org'), ('bo', 'Bo', 'bo@example.org'), ('cy', 'Cy', 'cy@example.org');
	SQL

# Another's settings: the same answers, value by value.
my $asking = <<~'SQL';
	SELECT coalesce((SELECT name FROM coursebase.users WHERE id = coursebase.current_user_id()), '-');
	SQL
is( query($node, 'identity', <<~"SQL"),
	LOAD '$holder';
	SET request.jwt.claims = '{"sub": "ada"}'; $asking $asking
	SET request.jwt.claims = '{"sub": "bo"}'; $asking
	BEGIN; SET LOCAL request.jwt.claims = '{"sub": "ada"}'; $asking ROLLBACK; $asking
	SET request.jwt.claims = '{"sub": "nobody"}'; $asking
	SET request.jwt.claims = '{'; $asking
	SET request.jwt.claim.sub = 'ada'; $asking
	SET request.jwt.claims = ''; $asking
	RESET request.jwt.claims; $asking
	SET request.jwt.claim.sub = ''; $asking
	SELECT short_desc FROM pg_settings WHERE name LIKE 'request.jwt.%';
	SQL
	join("\n", qw(Ada Ada Bo Ada Bo - - - Ada Ada -), "Another's.", "Another's."),
	'settings that another library defined first');

# Each session begins with the code UAAAAAA, twice. The profiles that the database made give way.
query($node, 'identity', 'DELETE FROM coursebase.user_profile');
my $insert = <<~'SQL';
	INSERT INTO coursebase.user_profile (user_id, email)
	SELECT id, email FROM coursebase.users WHERE clerk_user_id = '%s' RETURNING referral_code;
	SQL

SKIP:
{
	my $first = query($node, 'identity', 'SET statement_timeout = 180000; BEGIN;' . sprintf($insert, 'ada') . "PREPARE TRANSACTION 'open';");

	if ($first ne 'UAAAAAA')
	{
		query($node, 'identity', "ROLLBACK PREPARED 'open'");
		skip 'this server takes its random bytes from elsewhere', 3;
	}
	is(query($node, 'identity', 'SET statement_timeout = 180000;' . sprintf($insert, 'bo')),
		'UBBBBBB', 'a code of a transaction under way is not waited for');
	query($node, 'identity', "COMMIT PREPARED 'open'");
	is(query($node, 'identity', sprintf($insert, 'cy')), 'UCCCCCC', 'codes that are taken are thrown away');
	is(query($node, 'identity', q{SELECT count(*) FROM coursebase.user_profile WHERE referral_code = 'UAAAAAA'}),
		'1', 'the first keeps its own');
}

# On a standby, whose snapshots hold what runs elsewhere: one session sees the primary's changes arrive.
$node->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'copy', has_streaming => 1);
$standby->start;
my $primary = $node->connstr('identity');
my $wait = <<~'SQL';
	DO $$ BEGIN FOR i IN 1..3600 LOOP EXIT WHEN coursebase.is_admin(); PERFORM pg_sleep(0.05); END LOOP; END $$;
	SQL
is( query($standby, 'identity', <<~"SQL"),
	SET request.jwt.claims = '{"sub": "ada"}';
	SELECT pg_is_in_recovery(), coursebase.is_admin(); $asking
	\\! psql -Xqd "$primary" -c "UPDATE coursebase.users SET role = 'admin' WHERE name = 'Ada'"
	$wait SELECT coursebase.is_admin(); $asking
	SQL
	"t|f\nAda\nt\nAda", 'a standby answers as its primary');

done_testing();
