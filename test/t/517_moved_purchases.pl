# Purchases go from account to account: by order, one at a time, with their line, by a restore from a closed account or an
# open one, by two accounts that become one; between refunds and their reversals, and receipts that come late and twice.
# However it goes, each purchase gives to exactly one account, a refunded one to none, and no credit comes or goes.
#
# The oracle knows one thing of a purchase: whose it is, and whether it is paid back. COURSEBASE_LOAD multiplies the 300
# histories of 16 acts; the seed is fixed.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use PostgreSQL::Test::Utils;
use Test::More;

my $histories = int(300 * ($ENV{COURSEBASE_LOAD} // 1));
my $seed      = $ENV{SEED} // 517;
my $node      = node('moved_purchases');

create_extension($node, 'moved');
query($node, 'moved', slurp_file("$FindBin::RealBin/lib/moved_purchases.sql"));
query($node, 'moved', "SELECT public.history(n, $seed) FROM generate_series(1, $histories) n");
note(query($node, 'moved', "SELECT string_agg(format('%s %s', what, n), ', ' ORDER BY what) FROM (SELECT concat_ws(' ', act, state) AS what, count(*) AS n FROM public.acts GROUP BY 1) t"));
is(query($node, 'moved', 'SELECT * FROM public.unexpected ORDER BY 1 LIMIT 5'), '', 'each act ends as the rules say');
is(query($node, 'moved', 'SELECT * FROM public.wrong_access ORDER BY 1 LIMIT 5'), '', 'each purchase gives to whose it is, and to nobody else');
is(query($node, 'moved', 'SELECT * FROM public.wrong_banks ORDER BY 1 LIMIT 5'), '', 'no credit comes or goes');
is(query($node, 'moved', 'SELECT check_name, count(*), min(object), min(problem) FROM coursebase.check_integrity() GROUP BY 1'), '', 'check_integrity() finds nothing');
is(query($node, 'moved', 'SELECT count(DISTINCT act) FROM public.acts WHERE state IS NULL'), '14', 'each kind of act was done');

$node->stop;
done_testing();
