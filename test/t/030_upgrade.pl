# A database that was upgraded from any released version has the same catalogue as a fresh one, the order of
# columns included, and has lost no row.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use Test::More;

my $node = node('upgrade');
create_extension($node, 'fresh');
my $fresh = fingerprint($node, 'fresh');
my $current = query($node, 'fresh', "SELECT extversion FROM pg_extension WHERE extname = 'coursebase'");
# rows that the installation itself makes carry the time at which it was made
my $settings = query($node, 'fresh', 'SELECT * FROM coursebase.settings()');
my @released = grep { $_ ne $current } released();

plan skip_all => "there is no release before $current yet" unless @released;

for my $version (@released)
{
	(my $database = "from_$version") =~ tr/./_/;

	create_extension($node, $database, version => $version);
	my $old_rows = rows_of($node, $database);
	query($node, $database, 'ALTER EXTENSION coursebase UPDATE');
	same_database($node, $database, $fresh, "$version updated to $current is as $current installed",
		level => sub { s/^rows of coursebase\.(schema_version|settings): .*$//mg });
	is(query($node, $database, 'SELECT * FROM coursebase.settings()'),
		$settings, "$version: and has its settings");
	is(query($node, $database, 'SELECT version FROM coursebase.schema_version'),
		$current, "$version: the schema's version is the code's");
	is(query($node, $database, 'SELECT count(*) FROM coursebase.install()'),
		'0', "$version: install() finds nothing missing");
}

$node->stop;
done_testing();
