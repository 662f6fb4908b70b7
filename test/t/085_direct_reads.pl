# Every description of rows to read (a RowsSource in src) is tried both ways by the test direct_reads: its
# statement is made there, where the answers are compared, and never while the indexes have their names.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use PostgreSQL::Test::Utils;
use Test::More;

my $tree = "$FindBin::RealBin/../..";

my $described = 0;
for my $file (glob "$tree/src/*/*.c")
{
	# what is read straight or not at all (rows_are_direct) has no statement
	my $text = slurp_file($file) =~ s{/\* Straight or not at all[^/]*\*/\nstatic RowsSource}{}gr;
	my @found = $text =~ /^static RowsSource \w+ *=|^\t+\.of_(?:user|course) =/mg;
	$described += @found;
}
cmp_ok($described, '>', 30, 'descriptions are found in src');

my $node = node('direct_reads');
$node->append_conf('postgresql.conf', 'log_min_messages = debug1');
$node->reload;
create_extension($node, 'direct_reads');

# The statements that were made from descriptions in the session of a test.
sub statements
{
	my ($test) = @_;
	my $before = -s $node->logfile;
	direct_reads($test);
	my $log = slurp_file($node->logfile, $before);
	my %made;
	$made{$1} = 1 while $log =~ /DEBUG:  (?:all rows of table "\w+"|rows of table "\w+" by index "\w+") are read by a statement\n.*DETAIL:  (.*)/g;
	return sort keys %made;
}

sub direct_reads
{
	my ($test) = @_;
	local $ENV{PG_ABS_SRCDIR} = "$tree/test";
	my ($ok, $out, $err) = client($node, [ 'psql', '-Xaq', '-d', 'direct_reads' ], stdin => $test);
	ok($ok, 'the test ran') or diag $err;
	return;
}

my $test = slurp_file("$tree/test/sql/direct_reads.sql");
(my $undisturbed = $test) =~ s/^-- the indexes of each table have other names.*?^ROLLBACK;/ROLLBACK;/ms
  or die 'direct_reads.sql has changed';
is_deeply([ statements($undisturbed) ], [], 'no statement where the indexes serve');
my @made = statements($test);
is(scalar @made, $described, 'a statement of every description where they do not') or diag join "\n", @made;

$node->stop;
done_testing();
