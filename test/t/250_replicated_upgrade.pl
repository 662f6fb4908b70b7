# A database moves to another server, which may be of another major version, without a pause but that of the switch: its
# schema by a dump, its rows by logical replication while people go on writing. Afterwards nothing is different, the
# counters go on where they were, and what is told twice is known. doc/guide/upgrade.md says it step by step.
# Between two majors test/tools/upgrade-major does the same.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use Load;
use PostgreSQL::Test::Utils;
use Test::More;

my ($old, $new) = (load_node('old'), node('new'));
$old->append_conf('postgresql.conf', "max_wal_senders = 10\nmax_replication_slots = 10");
$old->restart;

create_extension($old, 'app');
query($old, 'app', slurp_file("$FindBin::RealBin/lib/mixed_load.sql"));
own_things($old, 'app');
fixture($old, 'app');
# What happens to people is told, and some of it was taken: consumers go on where they were.
query($old, 'app', "UPDATE coursebase.settings SET value = 'true' WHERE name = 'events_out'");
query($old, 'app', "SELECT count(*) FROM coursebase.take_events('mailer', 3) \\g /dev/null");

# Roles, and the schema without rows: what install() would write into fresh tables comes from the old server, too.
my $dir = PostgreSQL::Test::Utils::tempdir();
client_ok($old, 'the roles are dumped', [ 'pg_dumpall', '--roles-only', '-f', "$dir/roles" ]);
client_ok($old, 'the schema is dumped', [ 'pg_dump', '--schema-only', '-f', "$dir/schema", 'app' ]);
client($new, [ 'psql', '-Xq', '-d', 'postgres', '-f', "$dir/roles" ]);
create_database($new, 'app');
client_ok($new, 'the schema is made', [ 'psql', '-Xq', '-o', '/dev/null', '-v', 'ON_ERROR_STOP=1', '-d', 'app', '-f', "$dir/schema" ]);
is(query($new, 'app', 'SELECT count(*) FROM coursebase.users, coursebase.settings'), '0', 'without a row, also of those that install() writes');

# People write before, during and after the copy.
my $script = pgbench_script('act', "\\set turn :turn + 1\n\\set n :turn * 4 + :client_id\nSELECT public.act(:n);\n");
my $load = sub { my ($turn) = @_; many_ok($old, 'app', "people write, from turn $turn", level => 'read committed', sessions => 4, turns => 40, define => ["turn=$turn"], scripts => [$script]) };
query($old, 'app', 'CREATE PUBLICATION upgrade FOR ALL TABLES');
$load->(0);
my $conninfo = sprintf "host=%s port=%d dbname=app", $old->host, $old->port;
query($new, 'app', "CREATE SUBSCRIPTION upgrade CONNECTION '$conninfo' PUBLICATION upgrade");
$load->(1000);
ok($new->poll_query_until('app', "SELECT count(*) FILTER (WHERE srsubstate <> 'r') = 0 AND count(*) > 60 FROM pg_subscription_rel"), 'every table is copied');
$load->(2000);

# The switch: nobody writes, the last of the log arrives, sequences follow.
query($old, 'app', 'ALTER DATABASE app SET default_transaction_read_only = on');
query($old, 'app', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'app' AND backend_type = 'client backend' AND pid <> pg_backend_pid()");
is(sqlstate($old, 'app', "DELETE FROM coursebase.app_logs"), '25006', 'the old server takes no writes');
my $position = query($old, 'app', 'SELECT coursebase.write_position()');
ok($old->poll_query_until('app', "SELECT count(*) = 1 FROM pg_stat_replication WHERE application_name = 'upgrade' AND replay_lsn >= '$position'"), 'everything has arrived');
my $sequences = query($old, 'app', <<~'SQL');
	SELECT format('SELECT setval(%L, %s);', format('%I.%I', schemaname, sequencename), last_value)
	FROM pg_sequences WHERE last_value IS NOT NULL
	SQL
query($new, 'app', "$sequences\nDROP SUBSCRIPTION upgrade");

# The comparison itself makes temporary functions.
query($old, 'postgres', 'ALTER DATABASE app RESET default_transaction_read_only');

# Nothing is different: rows, sequences, rules, grants, the states of triggers.
my $expected = join "\n", grep { !/^publication upgrade / } split /\n/, fingerprint($old, 'app');
same_database($new, 'app', $expected, 'the databases are the same');
is(query($new, 'app', 'SELECT * FROM coursebase.lint()'), query($old, 'app', 'SELECT * FROM coursebase.lint()'), 'lint() says of both the same');
is(query($new, 'app', 'SELECT * FROM coursebase.check_integrity()'), '', 'check_integrity() finds nothing');
is(query($new, 'app', 'SELECT * FROM coursebase.install()'), '', 'install() finds nothing missing');
my $handshakes = "SELECT id, coursebase.handshake(id, '{\"checksums\": {\"shop.json\": \"x\"}}', '2026-01-01') FROM coursebase.users WHERE deleted_at IS NULL AND merged_into IS NULL ORDER BY id";
my $served = query($old, 'app', "SET default_transaction_read_only = on; $handshakes");
cmp_ok(($served =~ tr/\n//), '>', 12, 'people who are served');
is(query($new, 'app', "SET default_transaction_read_only = on; $handshakes"), $served, 'and get the same answers');

# What changes is noticed, also by sessions that asked before; what was told is known.
like(query($new, 'app', "$handshakes LIMIT 1; UPDATE coursebase.master_manifests SET content = '[\"new\"]' WHERE name = 'shop.json'; $handshakes LIMIT 1"),
	qr/\\"new\\"/, 'a cached answer ends with the next change');
my $taken = q{SELECT id FROM coursebase.take_events('other', 1000) ORDER BY id};
my $before = query($old, 'app', 'SELECT max(id) FROM coursebase.access_events');
my @waiting = split /\n/, query($new, 'app', $taken);
cmp_ok(scalar @waiting, '>', 10, 'events of the old server are handed on by the new one');
query($new, 'app', "INSERT INTO coursebase.user_course_access (user_id, course_id) SELECT '00000000-0000-4000-a000-00000000000b', id FROM coursebase.courses ON CONFLICT DO NOTHING");
cmp_ok(query($new, 'app', 'SELECT min(id) FROM coursebase.access_events WHERE id > ' . $before), '>', $before, 'and new ones come after them');
is(query($new, 'app', 'SELECT * FROM coursebase.check_integrity()'), '', 'and all is sound');

done_testing();
