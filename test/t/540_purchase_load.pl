# Many sessions sell and refund the same few receipts to the same few people, at each isolation level: every receipt is
# one person's and gives once, a refund that came ends it, whichever came first, and nobody waits for ever.
# Serialization failures are retried, as an application must.
#
# 12 sessions, 1,200 calls a level; with COURSEBASE_LOAD above 1 the long form: 64 sessions, 32,000 calls.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use Load;
use Test::More;

my ($sessions, $calls) = ($ENV{COURSEBASE_LOAD} // 1) > 1 ? (64, 32_000) : (12, 1200);
my $each = $calls / $sessions;
my $people = 6;

my $node = load_node('purchase_load');
create_extension($node, 'load');

# A receipt is n: its product and the person who bought it follow from it, and every seventh call is of somebody else's,
# who brings no code: a person uses it once.
query($node, 'load', <<~"SQL");
	UPDATE coursebase.settings SET value = '100' WHERE name = 'free_weekly_credits';
	INSERT INTO coursebase.users (id, clerk_user_id, name, email)
	SELECT ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'load_' || n, 'n', 'e' FROM generate_series(0, $people - 1) n;
	INSERT INTO coursebase.user_profile (user_id, first_name, last_name, email, referral_code, referred_by)
	SELECT id, 'n', 'n', 'e', 'ULOADA' || chr(65 + row_number() OVER (ORDER BY id)::integer),
	    CASE WHEN id > '00000000-0000-4000-8000-000000000000' THEN '00000000-0000-4000-8000-000000000000'::uuid END
	FROM coursebase.users ORDER BY id;
	INSERT INTO coursebase.courses (id, course_code, title, description) VALUES ('00000000-0000-4000-8000-0000000000c1', 'C51PUR', 'Sleep', '');
	INSERT INTO coursebase.store_products (product_id, kind, course_id, credits, price_in_cents, currency, course_code) VALUES
	    ('c51pur', 'course', '00000000-0000-4000-8000-0000000000c1', NULL, 4900, 'EUR', NULL), ('ai_credits_51', 'ai_credits', NULL, 51, 500, 'EUR', NULL),
	    ('premium_51', 'subscription', NULL, NULL, 999, 'EUR', NULL), ('x51pur', 'custom_course', NULL, NULL, 9900, 'EUR', 'X51PUR');
	INSERT INTO coursebase.discount_codes (code, product_type, percent_off) SELECT 'LOAD_' || t, t, 10 FROM unnest(ARRAY['course', 'ai_credits']) t;
	CREATE FUNCTION public.sell(level integer, n bigint, thief bigint) RETURNS text LANGUAGE plpgsql AS \$\$
	DECLARE
	    person bigint := CASE thief WHEN 0 THEN (n + 1) % $people ELSE n % $people END;
	    product text := (ARRAY['c51pur', 'c51pur', 'ai_credits_51', 'premium_51', 'x51pur'])[1 + n / $people % 5];
	BEGIN
	    RETURN coursebase.validate_purchase(('00000000-0000-4000-8000-' || lpad(person::text, 12, '0'))::uuid,
	        json_build_object('product_id', product, 'source', 'google_play', 'purchase_id', level || '-' || n, 'purchase_token', 't',
	            'transaction_date', '2026-03-02T10:00:00Z', 'period_end', '2026-04-02T10:00:00Z',
	            'discount', CASE WHEN product = 'c51pur' AND n < $people AND level = 1 AND thief <> 0 THEN json_build_object('code', 'load_course') END),
	        '2026-03-02 10:00+00')->>'status';
	EXCEPTION WHEN SQLSTATE 'KB205' THEN
	    RETURN 'refused';
	END
	\$\$;
	CREATE FUNCTION public.refund(level integer, n bigint) RETURNS text LANGUAGE sql AS \$\$
	    SELECT status FROM coursebase.refund_store_purchase('google_play', 'production', level || '-' || n, '2026-03-03 10:00+00')
	\$\$;
	ANALYZE;
	SQL

my @levels = ('read committed', 'repeatable read', 'serializable');
for my $level (1 .. @levels)
{
	my $receipts = $calls / 8;

	my $script = pgbench_script("sell_$level", <<~"SQL");
		\\set n random(0, $receipts - 1)
		\\set thief random(0, 6)
		\\set what random(0, 9)
		\\if :what < 3
		SELECT public.refund($level, :n);
		\\elif :what < 4
		SELECT coursebase.acknowledge_purchase('google_play', 'production', $level || '-' || :n, '2026-03-02 11:00+00');
		\\else
		SELECT public.sell($level, :n, :thief);
		\\endif
		SQL
	many_ok($node, 'load', "$sessions sessions make $calls calls, $levels[$level - 1]",
		level => $levels[$level - 1], sessions => $sessions, turns => $each, scripts => [$script]);
	cmp_ok(query($node, 'load', "SELECT count(DISTINCT status) FROM coursebase.store_receipts WHERE purchase_id LIKE '$level-%'"),
		'>=', 2, 'receipts stand, and were refunded');
	is(query($node, 'load', 'SELECT string_agg(c::text, E\'\n\') FROM coursebase.check_integrity() c'), '', 'check_integrity() finds nothing');
}

# Exactly one right a receipt: what stands in the tables of the kinds is what the receipts say.
is(query($node, 'load', <<~'SQL'), '', 'each receipt that stands gave once, no other gave anything');
	SELECT string_agg(purchase_id, ' ') FROM coursebase.store_receipts r
	WHERE (r.status = 'valid') <> (1 = (
	    (SELECT count(*) FROM coursebase.course_purchases c WHERE c.purchase_id = r.purchase_id AND c.user_id = r.user_id AND c.status = 'valid')
	    + (SELECT count(*) FROM coursebase.ai_credit_purchases a WHERE a.purchase_id = r.purchase_id AND a.user_id = r.user_id AND a.status = 'valid')
	    + (SELECT count(*) FROM coursebase.custom_course_purchases m WHERE m.purchase_id = r.purchase_id AND m.status = 'active')
	    + (SELECT count(*) FROM coursebase.subscription_lines l WHERE l.original_transaction_id = r.purchase_id AND l.user_id = r.user_id AND l.status = 'active')))
	SQL
no_deadlock($node, 'load', 'no deadlock');

$node->stop;
done_testing();
