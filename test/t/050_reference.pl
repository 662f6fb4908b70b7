# The reference tables of README.md are those of a fresh installation, and of src/core/errors.h.
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

ok($ok, 'README.md is up to date; test/tools/reference rewrites it') || diag($out, $err);

done_testing();
