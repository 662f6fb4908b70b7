# Handshakes for 20,000 people in one transaction fit into the server's table of locks as it is by default before
# PostgreSQL 19, which doubled it, and each answer is kept.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use Test::More;

my $node = node('many');

$node->append_conf('postgresql.conf', 'max_locks_per_transaction = 64');
$node->restart;
create_extension($node, 'app');
is(query($node, 'app', 'SHOW max_locks_per_transaction'), '64', 'the table of locks is as small as it ever is by default');
query($node, 'app', <<~'SQL');
	INSERT INTO coursebase.users (id, clerk_user_id, name, email)
	SELECT md5('many ' || n)::uuid, 'many_' || n, 'n', 'e' FROM generate_series(1, 20000) AS n;
	SQL
is(query($node, 'app', <<~'SQL'), "20000\nt", 'one transaction answers for everybody, with few locks');
	BEGIN;
	SELECT count(coursebase.handshake(id, '{}')) FROM coursebase.users;
	SELECT count(*) BETWEEN 1 AND 1024 FROM pg_locks WHERE locktype = 'advisory';
	COMMIT;
	SQL
is(query($node, 'app', 'SELECT count(*) FROM coursebase.cached_handshake_responses'), '20000', 'every answer is kept');

$node->stop;
done_testing();
