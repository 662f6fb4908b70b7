# Many sessions tell of the same checkouts, refund them whole and in parts, and change what a product sells, all at
# once, at each isolation level: a session is one purchase, no more is refunded than was paid, a person has exactly
# the courses that purchases and grants which count give, and nobody waits for somebody who waits. Who deletes from
# user_course_access locks the person first, as its comment says.
#
# 16 sessions, 60 turns each; COURSEBASE_LOAD above 1 takes 64 sessions and multiplies the turns.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use Load;
use Test::More;

my $load     = $ENV{COURSEBASE_LOAD} // 1;
my $sessions = $load > 1 ? 64 : 16;
my $turns    = 60 * $load;
my $buyers   = 8;

my $node = load_node('sale_load');

# A refund of more than is left, and a product that would have no course, are refused by right.
my $prepare = <<~SQL;
	INSERT INTO coursebase.users (id, clerk_user_id, name, email)
	SELECT format('00000000-0000-4000-8000-00000000010%s', n)::uuid, 'load_' || n, 'n', 'e' FROM generate_series(0, $buyers - 1) n;
	INSERT INTO coursebase.courses (id, title, description)
	SELECT format('00000000-0000-4000-8000-00000000020%s', n)::uuid, 'Course ' || n, '' FROM generate_series(0, 3) n;
	BEGIN;
	INSERT INTO coursebase.products (id, name, description, image_url, price_dollars, status)
	SELECT format('00000000-0000-4000-8000-00000000030%s', n)::uuid, 'Product ' || n, '', '/p.png', 1, 'public' FROM generate_series(0, 2) n;
	INSERT INTO coursebase.course_products (product_id, course_id)
	SELECT p.id, c.id FROM coursebase.products p, coursebase.courses c;
	COMMIT;
	CREATE FUNCTION public.try(command text) RETURNS boolean LANGUAGE plpgsql AS \$\$
	BEGIN
	    EXECUTE command;
	    SET CONSTRAINTS ALL IMMEDIATE;
	    RETURN true;
	EXCEPTION WHEN SQLSTATE 'KB903' OR SQLSTATE 'KB901' OR unique_violation THEN
	    RETURN false;
	END \$\$;
	CREATE FUNCTION public.id(kind text, n bigint) RETURNS uuid LANGUAGE sql AS \$\$
	    SELECT format('00000000-0000-4000-8000-000000000%s0%s', kind, n)::uuid
	\$\$;
	SQL

# Who retries begins the script anew: the next turn. A purchase is told by two sessions at about the same time.
my $script = pgbench_script('sales', <<~SQL);
	\\set n :n + 1
	\\set kind (:client_id + :n) % 6
	\\set person random(0, $buyers - 1)
	\\set product random(0, 2)
	\\set course random(0, 3)
	\\set sale (:client_id / 2) * 1000 + :n
	SELECT status FROM coursebase.complete_purchase(public.id('1', :sale % $buyers), public.id('3', :sale % 3), 'cs_' || :sale, 100, 'paid');
	\\if :kind = 0
	SELECT public.try(format('SELECT coursebase.refund_purchase(id) FROM coursebase.purchases WHERE user_id = %L AND product_id = %L LIMIT 3', public.id('1', :person), public.id('3', :product)));
	\\elif :kind = 1
	SELECT public.try(format('SELECT coursebase.refund_purchase(id, 60) FROM coursebase.purchases WHERE user_id = %L AND product_id = %L AND refunded_at IS NULL LIMIT 1', public.id('1', :person), public.id('3', :product)));
	\\elif :kind = 2
	SELECT public.try(format('DELETE FROM coursebase.course_products WHERE product_id = %L AND course_id = %L', public.id('3', :product), public.id('2', :course)));
	\\elif :kind = 3
	SELECT public.try(format('INSERT INTO coursebase.course_products (product_id, course_id) VALUES (%L, %L) ON CONFLICT DO NOTHING', public.id('3', :product), public.id('2', :course)));
	\\elif :kind = 4
	SELECT public.try(format('INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (%L, %L) ON CONFLICT DO NOTHING', public.id('1', :person), public.id('2', :course)));
	\\else
	SELECT public.try(format('SELECT FROM coursebase.users WHERE id = %L FOR NO KEY UPDATE; DELETE FROM coursebase.user_course_access WHERE user_id = %1\$L AND course_id = %L', public.id('1', :person), public.id('2', :course)));
	\\endif
	SQL

at_each_level($node, $prepare, sub {
	my ($name, $level) = @_;

	many_ok($node, $name, "$sessions sessions buy, refund, give and take $turns times each, $level",
		level => $level, sessions => $sessions, turns => $turns, define => [ 'n=0' ], scripts => [$script]);
	is(query($node, $name, <<~SQL), 't|t|t', "$level: a session is one purchase, and each kind of thing happened");
		SELECT count(*) = count(DISTINCT stripe_session_id), count(refunded_at) > 0, count(*) FILTER (WHERE refunded_in_cents = 60) > 0
		FROM coursebase.purchases
		SQL
});

$node->stop;
done_testing();
