# Many sessions try for the few uses of many codes, at each isolation level: every code is used exactly as often as
# it may be, split counter or not, without a deadlock. Serialization failures are retried, as an application must.
#
# 16 sessions, 100 codes of 5 uses, 2,000 tries a level; with COURSEBASE_LOAD above 1 the long form: 64 sessions,
# 1,000 codes of 5 uses, 100,000 tries a level.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use Load;
use Test::More;

my ($sessions, $codes, $tries) = ($ENV{COURSEBASE_LOAD} // 1) > 1 ? (64, 1000, 100_000) : (16, 100, 2000);
my $uses = 5;
my $each = int($tries / $sessions);
my $more = $tries % $sessions;    # sessions that try once more

my $node = load_node('discount_load');
create_extension($node, 'load');

# A refusal is what most tries end in; any other error is one. A retry begins the script anew, so that it is the
# next try: of another code, by another person; what was tried is counted when it has ended.
query($node, 'load', <<~"SQL");
	INSERT INTO coursebase.users (id, clerk_user_id, name, email)
	SELECT ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'load_' || n, 'n', 'e' FROM generate_series(0, $tries) n;
	INSERT INTO coursebase.discount_codes (code, product_type, percent_off, max_redemptions)
	SELECT format('L%s_%s', level, n), 'course', 10, $uses FROM generate_series(1, 3) level, generate_series(0, $codes - 1) n;
	SELECT count(coursebase.split_counter(code, 3)) FROM coursebase.discount_codes WHERE code ~ '[13579]\$';
	CREATE FUNCTION public.redeem(person bigint, code text, order_ref text) RETURNS boolean LANGUAGE plpgsql AS \$\$
	BEGIN
	    PERFORM coursebase.redeem_discount(('00000000-0000-4000-8000-' || lpad(person::text, 12, '0'))::uuid,
	        code, 'course', 1000, 'USD', order_ref);
	    RETURN true;
	EXCEPTION WHEN SQLSTATE 'KB601' THEN
	    RETURN false;
	END
	\$\$;
	ANALYZE;
	SQL

my @levels = ('read committed', 'repeatable read', 'serializable');
for my $level (1 .. @levels)
{
	my $script = pgbench_script("redeem_$level", <<~"SQL");
		\\if :done < $each or :client_id < $more
		\\set n :n + 1
		\\set try :n * $sessions + :client_id
		\\set code :try % $codes
		\\set person :try % $tries
		SELECT public.redeem(:person, 'l${level}_' || :code, '$level ' || :code);
		\\set done :done + 1
		\\endif
		SQL
	many_ok($node, 'load', "$sessions sessions make $tries tries, $levels[$level - 1]",
		level => $levels[$level - 1], sessions => $sessions, turns => $each + ($more > 0), define => [ 'n=0', 'done=0' ], scripts => [$script]);
	my $total = $codes * $uses;
	is(query($node, 'load', <<~"SQL"), "$total|$uses|$uses", "exactly $total uses, $uses of each code");
		SELECT sum(n), min(n), max(n) FROM (
		    SELECT count(r.id) AS n FROM coursebase.discount_codes c
		    LEFT JOIN coursebase.discount_redemptions r ON r.discount_code_id = c.id
		    WHERE c.code LIKE 'L${level}\\_%' GROUP BY c.id) AS counts
		SQL
}
is(query($node, 'load', 'SELECT count(*) FROM coursebase.check_integrity()'), '0', 'check_integrity() finds nothing');
no_deadlock($node, 'load', 'no deadlock');

$node->stop;
done_testing();
