# install() brings back whatever was taken from the schema, leaves what the user added alone, and changes
# nothing when nothing is missing.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use Test::More;

my $node = node('missing');

create_extension($node, 'whole');
own_things($node, 'whole');
fixture($node, 'whole');
my $whole = fingerprint($node, 'whole');

is(query($node, 'whole', 'SELECT * FROM coursebase.install()'), '', 'install() makes nothing that is there');
same_database($node, 'whole', $whole, 'install() changes nothing that is there');

# What can be taken away, as a query that writes the statements; the user's own things stay.
my %taken = (
	triggers => <<~'SQL',
		SELECT format('DROP TRIGGER %I ON %s', tgname, tgrelid::regclass)
		FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
		WHERE c.relnamespace = 'coursebase'::regnamespace AND NOT tgisinternal AND tgname NOT LIKE 'own_%'
		SQL
	policies => <<~'SQL',
		SELECT format('DROP POLICY %I ON %s', polname, polrelid::regclass)
		FROM pg_policy WHERE polname NOT LIKE 'own_%'
		SQL
	indexes => <<~'SQL',
		SELECT format('DROP INDEX %s', indexrelid::regclass)
		FROM pg_index i JOIN pg_class c ON c.oid = indexrelid
		WHERE c.relnamespace = 'coursebase'::regnamespace AND c.relname NOT LIKE 'own_%'
		  AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid)
		SQL
	defaults => <<~'SQL',
		SELECT format('ALTER TABLE %s ALTER COLUMN %I DROP DEFAULT', adrelid::regclass, attname)
		FROM pg_attrdef d JOIN pg_attribute a ON attrelid = adrelid AND attnum = adnum
		JOIN pg_class c ON c.oid = adrelid
		WHERE c.relnamespace = 'coursebase'::regnamespace AND attname <> 'own_note'
		SQL
	'NOT NULLs' => <<~'SQL',
		SELECT format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL', c.oid::regclass, attname)
		FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid
		WHERE c.relnamespace = 'coursebase'::regnamespace AND c.relkind = 'r' AND attnum > 0 AND attnotnull
		  AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = c.oid AND indisprimary AND attnum = ANY (indkey))
		SQL
	'checks and foreign keys' => <<~'SQL',
		SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname)
		FROM pg_constraint WHERE connamespace = 'coursebase'::regnamespace AND contype IN ('c', 'f') AND conrelid <> 0
		SQL
	keys => <<~'SQL',
		SELECT format('SET coursebase.allow_drop = on; ALTER TABLE %s DROP CONSTRAINT %I CASCADE', conrelid::regclass, conname)
		FROM pg_constraint WHERE connamespace = 'coursebase'::regnamespace AND contype IN ('p', 'u')
		SQL
	'row security' => <<~'SQL',
		SELECT format('SET coursebase.allow_drop = on; ALTER TABLE %s DISABLE ROW LEVEL SECURITY', oid::regclass)
		FROM pg_class WHERE relnamespace = 'coursebase'::regnamespace AND relrowsecurity
		SQL
	comments => <<~'SQL',
		SELECT format('COMMENT ON COLUMN %s.%I IS NULL', attrelid::regclass, attname)
		FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid
		WHERE c.relnamespace = 'coursebase'::regnamespace AND c.relkind = 'r' AND attnum > 0 AND attname <> 'own_note'
		SQL
	grants => <<~'SQL',
		SELECT DISTINCT format('REVOKE ALL ON %s FROM fixture_anonymous, fixture_end_user, fixture_server', oid::regclass)
		FROM pg_class WHERE relnamespace = 'coursebase'::regnamespace AND relkind IN ('r', 'v')
		SQL
	views => <<~'SQL',
		SELECT format('DROP VIEW %s CASCADE', oid::regclass)
		FROM pg_class WHERE relnamespace = 'coursebase'::regnamespace AND relkind = 'v'
		SQL
);

for my $kind (sort keys %taken)
{
	(my $database = "without_\L$kind") =~ tr/ /_/;
	my @statements = split /\n/, query($node, 'whole', $taken{$kind} . ' ORDER BY 1');

	cmp_ok(scalar @statements, '>', 0, "there are $kind to take away");
	create_database($node, $database, 'whole');
	query($node, $database, join(";\n", @statements));
	isnt(differences($whole, fingerprint($node, $database)), '', "$kind: taken away");
	query($node, $database, 'SELECT coursebase.install()');
	# what the user granted on a view goes with the view
	same_database($node, $database, $whole, scalar(@statements) . " $kind come back",
		level => sub { s/own_reader: SELECT by \w+, //g if $kind eq 'views' });
	is(query($node, $database, 'SELECT * FROM coursebase.install()'), '', "$kind: a second run makes nothing");
}

# A column that was dropped comes back, last, with its rules; its values are gone, which is why dropping one
# has to be allowed first.
create_database($node, 'without_columns', 'whole');
query($node, 'without_columns', <<~'SQL');
	SET coursebase.allow_drop = on;
	ALTER TABLE coursebase.users DROP COLUMN image_url;
	ALTER TABLE coursebase.audio_usage DROP COLUMN title;
	ALTER TABLE coursebase.user_profile DROP COLUMN referred_by CASCADE;
	SQL
query($node, 'without_columns', 'SELECT coursebase.install()');
same_database($node, 'without_columns', $whole, 'dropped columns come back, with key, index and check',
	level => sub { s/ position \d+//g; s/^rows of .*$//mg });

# A table of the release that was lost comes back whole.
create_database($node, 'without_table', 'whole');
query($node, 'without_table',
	'SET coursebase.allow_drop = on; DROP TABLE coursebase.audio_usage, coursebase.user_cohorts CASCADE');
query($node, 'without_table', 'SELECT coursebase.install()');
same_database($node, 'without_table', $whole, 'dropped tables come back, with every rule, empty',
	level => sub {
		s/^rows of .*\n//mg;
		s/^.*\bown_.*\n//mg;
		s/own_reader: \w+(?: with grant option)? by \w+(?:, )?//g;
	});

# A policy that the user changed under a name of the release is replaced; one of the user's own is not.
my $policy = query($node, 'whole',
	"SELECT format('%I ON %s', polname, polrelid::regclass) FROM pg_policy WHERE polname NOT LIKE 'own_%' ORDER BY 1 LIMIT 1");
isnt($policy, '', 'there is a policy');
create_database($node, 'other_policy', 'whole');
query($node, 'other_policy', "DROP POLICY $policy; CREATE POLICY $policy USING (true)");
query($node, 'other_policy', 'SELECT coursebase.install()');
same_database($node, 'other_policy', $whole, 'a policy of the release is what the release says');

$node->stop;
done_testing();
