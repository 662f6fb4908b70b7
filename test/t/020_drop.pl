# No command takes a table, a column or a type of the business away, or makes another thing of it, unless
# coursebase.allow_drop is on.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use Test::More;

my $node = node('drop');

# The installing role owns everything and is not the server's first, so that DROP OWNED has a meaning.
query($node, 'postgres', 'CREATE ROLE installer SUPERUSER LOGIN');
create_extension($node, 'shop', user => 'installer');
fixture($node, 'shop');
query($node, 'shop', <<~'SQL');
	CREATE SCHEMA elsewhere;
	CREATE TABLE elsewhere.own (id int PRIMARY KEY);
	CREATE TABLE public.own (id int PRIMARY KEY);
	ALTER TABLE coursebase.users ADD COLUMN own_note text;
	CREATE INDEX own_idx ON coursebase.users (own_note);
	CREATE FUNCTION public.drops_users() RETURNS void LANGUAGE sql AS 'DROP TABLE coursebase.users CASCADE';
	CREATE FUNCTION public.makes_table() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN
		IF tg_tag IN ('DROP TABLE', 'DROP SCHEMA') AND to_regclass('pg_temp.made') IS NULL THEN
			CREATE TEMP TABLE made (); DROP TABLE made; CREATE TEMP TABLE made ();
		END IF; END$$;
	SQL
my $whole = fingerprint($node, 'shop');

my @tables  = tables($node, 'shop');
my @columns = split /\n/, query($node, 'shop', <<~'SQL');
	SELECT attrelid::regclass || ' DROP COLUMN ' || quote_ident(attname)
	FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
	WHERE c.relnamespace = 'coursebase'::regnamespace AND c.relkind IN ('r', 'p')
	  AND attnum > 0 AND NOT attisdropped AND attname <> 'own_note'
	ORDER BY 1;
	SQL
my @types = split /\n/, query($node, 'shop', <<~'SQL');
	SELECT oid::regtype FROM pg_type
	WHERE typnamespace = 'coursebase'::regnamespace AND typtype IN ('e', 'd') ORDER BY 1;
	SQL
my @keys = split /\n/, query($node, 'shop', <<~'SQL');
	SELECT format('%s DROP CONSTRAINT %I', conrelid::regclass, conname) FROM pg_constraint
	WHERE connamespace = 'coursebase'::regnamespace AND contype = 'p' ORDER BY 1;
	SQL
is(scalar @keys, scalar @tables, 'each table has a primary key');
cmp_ok(scalar @tables, '>=', 20, 'there are tables to guard');
cmp_ok(scalar @columns, '>=', 100, 'there are columns to guard');

my @refused = (
	'DROP EXTENSION coursebase CASCADE',
	'DROP SCHEMA coursebase CASCADE',
	'DROP SCHEMA elsewhere, coursebase, public CASCADE',
	'DROP OWNED BY installer CASCADE',
	'DO $$ BEGIN DROP TABLE coursebase.users CASCADE; END $$',
	'DO $$ BEGIN EXECUTE $q$ALTER TABLE coursebase.users DROP COLUMN email$q$; END $$',
	'SELECT public.drops_users()',
	'DROP TABLE public.own, coursebase.app_logs',
	'ALTER TABLE coursebase.users ADD COLUMN other int, DROP COLUMN email',
	'ALTER TABLE IF EXISTS ONLY coursebase.users DROP IF EXISTS email CASCADE',
	'SAVEPOINT a; CREATE TEMP TABLE t (i int); DROP TABLE t; DROP TABLE coursebase.app_logs',
	'SET LOCAL search_path = coursebase; DROP TABLE app_logs',
	'SET LOCAL search_path = public, coursebase; DROP TABLE IF EXISTS own, app_logs',
	'CREATE TABLE public.whole (LIKE coursebase.app_logs) PARTITION BY LIST (log_type); '
	  . 'ALTER TABLE public.whole ATTACH PARTITION coursebase.app_logs DEFAULT; DROP TABLE public.whole',
	'CREATE EVENT TRIGGER zz ON ddl_command_start EXECUTE FUNCTION public.makes_table(); '
	  . 'DROP TABLE coursebase.app_logs',
	'CREATE EVENT TRIGGER aa ON ddl_command_start EXECUTE FUNCTION public.makes_table(); '
	  . 'DROP SCHEMA coursebase CASCADE',
	# as whoever loads rows of the past
	(map { "SET LOCAL session_replication_role = replica; $_" } 'DROP TABLE coursebase.app_logs CASCADE',
		'DROP EXTENSION coursebase CASCADE', 'ALTER TABLE coursebase.users DROP COLUMN email'),
	'ALTER SCHEMA coursebase RENAME TO other',
	'SET LOCAL search_path = coursebase; ALTER TABLE app_logs RENAME COLUMN message TO other',
	(map { "DROP TABLE coursebase.$_ CASCADE" } @tables),
	(map { "ALTER TABLE coursebase.$_ RENAME TO other" } @tables),
	(map { "ALTER TABLE coursebase.$_ SET SCHEMA public" } @tables),
	(map { "ALTER TABLE $_ CASCADE" } @columns),
	(map { s/ DROP COLUMN (.*)/ RENAME COLUMN $1 TO other/r } map { "ALTER TABLE $_" } @columns),
	'DO $$ BEGIN ALTER TABLE coursebase.users ALTER COLUMN name TYPE varchar(500); END $$',
	(map { "ALTER TABLE coursebase.$_ DISABLE ROW LEVEL SECURITY" } @tables),
	(map { "ALTER TABLE $_ CASCADE" } @keys),
	'SET LOCAL search_path = coursebase; ALTER TABLE IF EXISTS ONLY user_versions DROP CONSTRAINT IF EXISTS user_versions_pkey',
	'ALTER TABLE coursebase.user_versions RENAME CONSTRAINT user_versions_pkey TO own; ALTER TABLE coursebase.user_versions DROP CONSTRAINT own',
	(map { "ALTER TYPE $_ RENAME TO other" } @types),
	(map { "ALTER TYPE $_ SET SCHEMA public" } @types),
	(map { "DROP TYPE $_ CASCADE" } @types));
my @states = sqlstates($node, 'shop', \@refused);
my @wrong = map { "$refused[$_]: $states[$_]" } grep { $states[$_] ne 'KB002' } 0 .. $#refused;
is("@wrong", '', scalar(@refused) . ' commands are each refused with KB002');

# Without CASCADE the server's own refusal may come first; what matters is that there is one.
for my $statement ('DROP EXTENSION coursebase', 'DROP SCHEMA coursebase', 'DROP OWNED BY installer',
	(map { "DROP TABLE coursebase.$_" } @tables), (map { "DROP TYPE $_" } @types))
{
	like(sqlstate($node, 'shop', $statement), qr/^(?:KB002|2BP01)$/, "refused: $statement");
}

# The first command of a session, when the library is not loaded yet, outside of any transaction.
for my $statement ('DROP SCHEMA coursebase CASCADE', 'DROP TABLE coursebase.users CASCADE',
	'DROP EXTENSION coursebase CASCADE')
{
	my ($ok, undef, $err) = client($node, [ 'psql', '-Xq', '-d', 'shop', '-c', $statement ]);
	ok(!$ok && $err =~ /cannot drop/, "refused as the first command: $statement") || diag($err);
}
same_database($node, 'shop', $whole, 'no row, column or rule was lost');

# What is the user's own, and what the server does for itself, goes on as ever.
my @own = (
	'DROP TABLE public.own',
	'DROP SCHEMA elsewhere CASCADE',
	'ALTER TABLE coursebase.users DROP COLUMN own_note',
	'DROP INDEX coursebase.own_idx',
	'CREATE TEMP TABLE t (i int); DROP TABLE t',
	'CREATE TEMP TABLE t (i int PRIMARY KEY); ALTER TABLE t DROP CONSTRAINT t_pkey',
	# an index that was built beside it takes the place of one that has grown
	'CREATE UNIQUE INDEX built ON coursebase.user_versions (user_id); ALTER TABLE coursebase.user_versions '
	  . 'DROP CONSTRAINT user_versions_pkey, ADD CONSTRAINT user_versions_pkey PRIMARY KEY USING INDEX built',
	'ALTER TABLE coursebase.users DROP CONSTRAINT users_name_at_most_200_characters_check',
	'CLUSTER coursebase.users USING users_pkey',
	'TRUNCATE coursebase.app_logs',
	'ALTER TABLE coursebase.users RENAME COLUMN own_note TO own',
	'ALTER TABLE coursebase.users RENAME CONSTRAINT users_pkey TO own',
	'ALTER INDEX coursebase.users_pkey RENAME TO own',
	'ALTER TRIGGER t500_stamp ON coursebase.users RENAME TO own',
	'ALTER TABLE public.own RENAME TO other; ALTER TABLE coursebase.users ALTER COLUMN name SET STATISTICS 9',
	# what follows is no rename, in a session that loads rows as a replica does
	map({ "ALTER TABLE public.own RENAME TO other; SET LOCAL session_replication_role = replica; $_" }
		'ALTER TABLE coursebase.users ALTER COLUMN name SET STATISTICS 9',
		'ALTER TABLE coursebase.users ADD COLUMN more integer', 'GRANT CREATE ON SCHEMA coursebase TO PUBLIC'),
	'SET LOCAL search_path = public; DROP TABLE own',
	'SAVEPOINT a; DROP TABLE coursebase.app_logs; ROLLBACK TO a; DROP TABLE public.own',
	# added to an enum behind a new name
	'ALTER TABLE public.own RENAME TO other; SET LOCAL session_replication_role = replica; '
	  . q(ALTER TYPE coursebase.user_role ADD VALUE 'guest'),
	'CREATE MATERIALIZED VIEW public.people AS SELECT name FROM coursebase.users; '
	  . 'REFRESH MATERIALIZED VIEW public.people; DROP MATERIALIZED VIEW public.people');
@states = sqlstates($node, 'shop', \@own);
@wrong = map { "$own[$_]: $states[$_]" } grep { $states[$_] ne '00000' } 0 .. $#own;
is("@wrong", '', 'what is no table or column of the business may be dropped');
query($node, 'shop', 'VACUUM (FULL, ANALYZE) coursebase.users');
same_database($node, 'shop', $whole, 'housekeeping changes nothing');

# Who may not even use the schema has commands of their own, each passing the guard, the first one too.
query($node, 'shop', 'CREATE ROLE tenant LOGIN; GRANT CREATE ON SCHEMA public TO tenant');
for my $statement ('CREATE TABLE t (i int); ALTER TABLE t ADD COLUMN j int; ALTER TABLE t RENAME TO u; '
	  . 'ALTER TABLE u DROP COLUMN j; DROP TABLE u CASCADE',
	'CREATE TABLE t (i int)', 'ALTER TABLE t RENAME COLUMN i TO j', 'DROP TABLE t CASCADE',
	'DROP TABLE IF EXISTS t', 'CREATE SCHEMA AUTHORIZATION tenant', 'DROP OWNED BY tenant CASCADE')
{
	query($node, 'shop', 'GRANT CREATE ON DATABASE shop TO tenant') if $statement =~ /^CREATE SCHEMA/;
	my ($ok, undef, $err) =
	  client($node, [ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-U', 'tenant', '-d', 'shop', '-c', $statement ]);
	ok($ok, "another role's own: $statement") || diag($err);
}
query($node, 'shop', 'REVOKE CREATE ON SCHEMA public FROM tenant');

# Allowed, each of the commands is the server's own affair again.
@states = sqlstates($node, 'shop', \@refused, options => '-c coursebase.allow_drop=on');
@wrong = map { "$refused[$_]: $states[$_]" } grep { $states[$_] eq 'KB002' } 0 .. $#refused;
is("@wrong", '', 'none is refused with KB002 where dropping is allowed');
create_database($node, 'gone', 'shop');
query($node, 'gone', 'SET coursebase.allow_drop = on; DROP SCHEMA coursebase CASCADE');
is(query($node, 'gone', "SELECT count(*) FROM pg_event_trigger"), '0', 'allowed: all of it goes');

# The extension dropped where allowed, and made again: tables and rows stay, and the rules come back.
create_database($node, 'back', 'shop');
query($node, 'back', 'SET coursebase.allow_drop = on; DROP EXTENSION coursebase CASCADE');
is(differences(rows_of($node, 'shop'), rows_of($node, 'back')), '', 'DROP EXTENSION where allowed leaves every row');
query($node, 'back', 'CREATE EXTENSION coursebase', user => 'installer');
same_database($node, 'back', $whole, 'CREATE EXTENSION afterwards brings every rule back');

$node->stop;
done_testing();
