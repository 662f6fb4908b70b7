# The session that README.md shows is what psql prints: each statement behind its prompt, then its output.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use PostgreSQL::Test::Utils;
use Test::More;

my $prompt = 'app=# ';
my $readme = slurp_file("$FindBin::RealBin/../../README.md");
my ($session) = $readme =~ /<!-- session:begin[^>]*-->\n```\n(.*?)```\n<!-- session:end -->/s;
my @statements = ($session // '') =~ /^\Q$prompt\E(.*)$/mg;

cmp_ok(scalar @statements, '>=', 5, 'README.md shows a session');

# psql shows no prompts when it reads a file: each statement is announced before it runs
my $script = "\\set QUIET off\n";
for my $statement (@statements)
{
	my $quoted = $statement =~ s/([\\'])/$1 eq "'" ? "''" : "\\\\"/egr;
	$script .= "\\echo '$prompt$quoted'\n$statement\n";
}
my $node = node('readme');
create_database($node, 'app');
my ($ok, $out, $err) =
  client($node, [ 'psql', '-X', '-v', 'ON_ERROR_STOP=1', '-d', 'app' ], stdin => $script);

is($err, '', 'no statement fails');
is($out, $session, 'and each answers what README.md says');

done_testing();
