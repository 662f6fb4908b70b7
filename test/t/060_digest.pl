# A checksum that cannot be made is refused in words, and the connection lives on: where the machine's
# cryptographic policy allows no MD5, and where a document's bytes are damaged.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = node('digest');

create_extension($node, 'digest');

# A statement's SQLSTATE and what psql says of it, and after it that the same session still answers.
sub refused
{
	my ($statement, $state, $words, $name) = @_;
	my ($ok, $out, $err) =
	  client($node, [ 'psql', '-XAtq', '-d', 'digest' ],
		stdin => "$statement;\n\\echo :LAST_ERROR_SQLSTATE\nSELECT 'alive';\n");

	is($out, "$state\nalive\n", "$name: SQLSTATE, and the session lives");
	like($err, $words, "$name: the message");
}

# Chunks are taken from the document's TOAST table behind the server's back.
SKIP:
{
	skip 'pg_surgery is not installed', 4
	  unless query($node, 'digest', "SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_surgery'");
	query($node, 'digest', <<~'SQL');
		CREATE EXTENSION pg_surgery;
		CREATE TABLE damaged (data json);
		ALTER TABLE damaged ALTER data SET STORAGE external;
		INSERT INTO damaged SELECT to_json(repeat('x', 20000));
		SELECT reltoastrelid::regclass AS toast FROM pg_class WHERE relname = 'damaged' \gset
		SELECT heap_force_kill(:'toast'::regclass, array(SELECT ctid FROM :toast WHERE chunk_seq = 3));
		SQL
	my $statement = 'SELECT coursebase.json_checksum(data) FROM damaged';
	refused($statement, 'XX001', qr/Chunk 3 is missing/, 'a chunk is missing');
	query($node, 'digest', <<~'SQL');
		SELECT reltoastrelid::regclass AS toast FROM pg_class WHERE relname = 'damaged' \gset
		SELECT heap_force_kill(:'toast'::regclass, array(SELECT ctid FROM :toast WHERE chunk_seq > 3));
		SQL
	refused($statement, 'XX001', qr/Chunk 3 is missing/, 'the last chunks are missing');
}

# A policy as FIPS sets it; the server itself must still get random numbers.
my $policy = PostgreSQL::Test::Utils::tempdir() . '/openssl.cnf';
append_to_file($policy, <<'END');
openssl_conf = policy
[policy]
random = random
alg_section = algorithms
[random]
properties = fips=no
seed_properties = fips=no
[algorithms]
default_properties = fips=yes
END
{
	local $ENV{OPENSSL_CONF} = $policy;
	$node->restart;
}
refused(
	q{SELECT coursebase.json_checksum('{}')}, '0A000',
	qr/digest algorithm md5 is not available.*HINT:  Use the algorithm sha256/s, 'MD5 refused');
refused(
	q{SELECT coursebase.json_checksum('{}', 'stored', 'sha256')}, '0A000',
	qr/digest algorithm sha256 is not available(?!.*HINT)/s, 'every digest refused');

$node->restart;
is(query($node, 'digest', q{SELECT coursebase.json_checksum('{}') = md5('{}')}), 't', 'MD5 allowed again');
done_testing();
