# Whoever installs has default privileges, for other things that they make: of coursebase they open nothing. What an operator
# says for schema coursebase stays, and lint() names what an update would open.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use Test::More;

my $node = node('defaults');

# What roles other than the owner and the parts hold, by kind of object.
my $held = <<~'SQL';
	SELECT a.kind, coalesce(r.rolname, 'PUBLIC'), count(*) FROM (
	    SELECT 'relation' AS kind, c.relowner AS owner, x.grantee FROM pg_class c, aclexplode(c.relacl) x WHERE c.relnamespace = 'coursebase'::regnamespace
	    UNION ALL
	    SELECT 'function', p.proowner, x.grantee FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) x WHERE p.pronamespace = 'coursebase'::regnamespace
	) a LEFT JOIN pg_roles r ON r.oid = a.grantee
	WHERE a.grantee <> a.owner AND coalesce(r.rolname, '') NOT LIKE 'app\_%' GROUP BY 1, 2 ORDER BY 1, 2
	SQL

create_database($node, 'given');
query($node, 'given', <<~'SQL');
	CREATE ROLE everything;
	CREATE ROLE "Odd role";
	CREATE ROLE app_visitor;
	CREATE ROLE app_user;
	CREATE ROLE app_server BYPASSRLS;
	ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO everything, "Odd role", PUBLIC;
	ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO everything, PUBLIC;
	ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO everything, "Odd role", app_user;
	CREATE EXTENSION coursebase;
	SELECT coursebase.grant_roles('app_visitor', 'app_user', 'app_server');
	SQL
is(query($node, 'given', $held), '', 'default privileges of the database give nobody anything of coursebase');
is(query($node, 'given', <<~'SQL'), 'f|t|f', 'of the parts each has its own and no more');
	SELECT has_function_privilege('app_user', 'coursebase.validate_purchase(uuid, json, timestamptz)', 'EXECUTE'),
	    has_function_privilege('app_server', 'coursebase.validate_purchase(uuid, json, timestamptz)', 'EXECUTE'),
	    has_table_privilege('app_user', 'coursebase.store_keys', 'SELECT')
	SQL
is(query($node, 'given', 'SELECT rule, object FROM coursebase.lint() ORDER BY 1, 2'), qq{default_privileges|role "Odd role"\ndefault_privileges|role everything}, 'lint() names who would get what an update adds');

# A table that was dropped, and comes back; one role that the operator named for this very schema.
query($node, 'given', <<~'SQL');
	ALTER DEFAULT PRIVILEGES REVOKE ALL ON FUNCTIONS FROM everything, "Odd role";
	ALTER DEFAULT PRIVILEGES IN SCHEMA coursebase GRANT SELECT ON TABLES TO "Odd role";
	GRANT SELECT ON coursebase.courses TO everything;
	GRANT EXECUTE ON FUNCTION coursebase.whoami() TO everything;
	SET coursebase.allow_drop = on;
	DROP TABLE coursebase.app_log_counts;
	SELECT count(*) FROM coursebase.install();
	SQL
is(query($node, 'given', $held), "function|everything|1\nrelation|Odd role|1\nrelation|everything|1", 'install() leaves grants of the operator, and what default privileges of the schema say');
is(query($node, 'given', 'SELECT rule, object FROM coursebase.lint()'), '', 'and lint() is silent');

# The schema for gateways: what is made in it is the parts', also where it was there before.
for my $again ('made', 'made again')
{
	query($node, 'given', 'SELECT count(*) FROM coursebase.make_api($$gateway$$)');
	is(query($node, 'given', $held =~ s/'coursebase'/'gateway'/gr), '', "$again, the schema for gateways gives nobody else anything");
}

$node->stop;
done_testing();
