# What another role left in schema coursebase is never taken for ours: its triggers would run as a superuser.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use Test::More;

my $node = node('planted');
query($node, 'postgres', 'CREATE ROLE tenant LOGIN');

# A schema that was there before, in which the tenant made something.
sub planted
{
	my ($name, $sql) = @_;

	create_database($node, $name);
	query($node, $name, 'CREATE SCHEMA coursebase; GRANT ALL ON SCHEMA coursebase, public TO tenant');
	query($node, $name, $sql, user => 'tenant');
	return $name;
}

# Whoever may create can do so at any time.
planted('open', 'SELECT 1');
is(sqlstate($node, 'open', 'CREATE EXTENSION coursebase'), 'KB003', 'CREATE for another role is refused');
query($node, 'open', 'REVOKE CREATE ON SCHEMA coursebase FROM tenant; GRANT CREATE ON SCHEMA coursebase TO PUBLIC');
is(sqlstate($node, 'open', 'CREATE EXTENSION coursebase'), 'KB003', 'CREATE for PUBLIC is refused');
query($node, 'open', 'REVOKE CREATE ON SCHEMA coursebase FROM PUBLIC');
is(sqlstate($node, 'open', 'CREATE EXTENSION coursebase'), '00000', 'without it the schema will do');

# What was made while it was open stays dangerous when it is closed.
my %object = (
	a_table => 'CREATE TABLE coursebase.users (id uuid)',
	a_view  => 'CREATE VIEW coursebase.users AS SELECT 1 AS id',
	a_type  => q(CREATE TYPE coursebase.user_role AS ENUM ('admin')),
	version => 'CREATE TABLE coursebase.schema_version (version text)');
for my $name (sort keys %object)
{
	planted($name, $object{$name});
	query($node, $name, 'REVOKE CREATE ON SCHEMA coursebase FROM tenant');
	isnt(sqlstate($node, $name, 'CREATE EXTENSION coursebase'), '00000', "refused: $object{$name}");
}
is(sqlstate($node, 'a_table', 'CREATE EXTENSION coursebase'), 'KB003', 'and said why');
is(sqlstate($node, 'a_type', 'CREATE EXTENSION coursebase'), 'KB003', 'of a type as well');

# A table that came into other hands later: no new trigger or policy is put on it.
create_extension($node, 'given');
query($node, 'given', <<~'SQL');
	CREATE SCHEMA tenant AUTHORIZATION tenant;
	ALTER TABLE coursebase.audio_usage OWNER TO tenant;
	SQL
is(sqlstate($node, 'given', 'SELECT coursebase.install()'), 'KB003', 'install() refuses a table of another role');
query($node, 'given', 'ALTER TABLE coursebase.audio_usage OWNER TO CURRENT_USER; SELECT coursebase.install()');

# The installing role's own things of those names are completed, and its index on another table is not ours.
create_database($node, 'own');
query($node, 'own', <<~'SQL');
	CREATE SCHEMA coursebase;
	CREATE TABLE coursebase.users (id uuid NOT NULL DEFAULT gen_random_uuid(), note text);
	SQL
is(sqlstate($node, 'own', 'CREATE EXTENSION coursebase'), '00000', 'a table of its own is completed');
query($node, 'own', <<~'SQL');
	CREATE EXTENSION coursebase;
	INSERT INTO coursebase.users (clerk_user_id, name, email) VALUES ('ada', 'Ada', 'ada@example.org');
	DROP INDEX coursebase.app_logs_created_at_idx;
	CREATE TABLE coursebase.mine (i int);
	CREATE INDEX app_logs_created_at_idx ON coursebase.mine (i);
	SQL
is(sqlstate($node, 'own', 'SELECT coursebase.install()'), '42P07', 'an index of another table is not taken for ours');

$node->stop;
done_testing();
