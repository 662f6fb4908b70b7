# doc/reference is what a fresh installation and src/core/errors.h give, doc/bench.md what the kept figures give.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use Test::More;

my $node = node('reference');
create_extension($node, 'fresh');
my ($ok, $out, $err) =
  client($node, [ "$FindBin::RealBin/../tools/reference", '--check', 'fresh' ]);

ok($ok, 'doc/ is up to date; make docs rewrites it') || diag($out, $err);

($ok, $out, $err) = client($node, [ 'perl', "$FindBin::RealBin/../bench/bench.pl", '--check' ]);
ok($ok, 'doc/bench.md is what test/bench/figures.tsv gives; make docs rewrites it') || diag($out, $err);

done_testing();
