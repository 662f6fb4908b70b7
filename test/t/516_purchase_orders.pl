# A store tells of purchases that are made once, their refunds, refunds of parts and reversals late, twice and in any
# order. However they come, a person has what was paid for and not given back. The oracle knows nothing of refunds: it adds
# up money in the order in which it moved.
#
# COURSEBASE_LOAD multiplies the 240 histories that are made up; the seed is fixed.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use Test::More;

my $made_up = int(240 * ($ENV{COURSEBASE_LOAD} // 1));
my $node    = node('purchase_orders');
my (@told, @money);
srand(516);

# A purchase of each kind: how often, and the price. A cent of a pack is ten credits.
my %kinds = (course => [ 1, 500 ], pack => [ 3, 1200 ], custom => [ 1, 900 ]);

# steps(KIND, STEP…): what the store did, one step a day, as it will tell it, and what is paid in the end. A step is whole,
# piece (one of the quantity), sum (a quarter), back (all refunds are taken back) or back_one (one that has an id).
sub steps
{
	my ($kind, @steps) = @_;
	my ($quantity, $price) = @{ $kinds{$kind} };
	my ($day, $left, @refunds) = (1, $price);
	my @out = ([ 'receipt', $day ]);

	for my $step (@steps)
	{
		$day++;
		my $ref = "re-$day";
		my ($given) = grep { $_->{ref} && !$_->{back} } reverse @refunds;
		my $back =
		    $step eq 'whole' ? $left
		  : $step eq 'piece' ? $price / $quantity
		  : $step eq 'sum'   ? $price / 4
		  :                    0;

		# the store pays nothing back that it does not have
		next if $step !~ /^back/ && ($back == 0 || $back > $left);
		next if $step eq 'piece' && $quantity == 1;
		if ($step eq 'back')
		{
			push @out, [ 'reversal', $day ];
			$left += $_->{back} ? 0 : $_->{amount} for @refunds;
			$_->{back} = 1 for @refunds;
		}
		elsif ($step eq 'back_one')
		{
			next unless $given;
			push @out, [ 'reversal', $day, undef, undef, $given->{ref} ];
			$left += $given->{amount};
			$given->{back} = 1;
		}
		else
		{
			push @refunds, { amount => $back, ref => $step eq 'whole' ? undef : $ref };
			push @out, [ 'refund', $day, $step eq 'piece' ? 1 : undef, $step eq 'sum' ? $back : undef, $refunds[-1]{ref} ];
			$left -= $back;
		}
	}
	return ($left, @out);
}

sub history
{
	my ($kind, $left, @out) = @_;
	my $case = @money;
	my $n    = 0;

	push @money, "($case, '$kind', $left)";
	push @told, map { my ($what, $day, @rest) = @$_; sprintf "(%d, %d, '%s', %d, %s)", $case, $n++, $what, $day, join ', ', map { defined $_ ? "'$_'" : 'NULL' } @rest[ 0 .. 2 ] } @out;
}

sub permutations
{
	my @all = @_;
	return [] unless @all;
	return map { my $i = $_; map { [ $all[$i], @$_ ] } permutations(@all[ grep { $_ != $i } 0 .. $#all ]) } 0 .. $#all;
}

sub shuffled
{
	my @left = @_;
	return map { splice @left, int(rand(@left)), 1 } 1 .. @left;
}

# Every order of these.
for my $kind (sort keys %kinds)
{
	for my $steps ([ 'whole', 'back' ], [ 'whole', 'back', 'whole' ], [ 'sum', 'back', 'whole' ], [ 'sum', 'whole', 'back_one' ], [ 'piece', 'whole', 'back', 'sum' ])
	{
		my ($left, @out) = steps($kind, @$steps);
		history($kind, $left, @$_) for permutations(@out);
	}
}
# Some orders of others, told more than once.
for (1 .. $made_up)
{
	my $kind = (sort keys %kinds)[ int(rand(3)) ];
	my ($left, @out) = steps($kind, map { (qw(whole piece sum sum back back_one))[ int(rand(6)) ] } 1 .. 2 + int(rand(5)));

	history($kind, $left, shuffled(@out, grep { rand() < 0.4 } @out));
}

create_extension($node, 'told');
query($node, 'told', <<~"SQL");
	SET client_min_messages = warning;
	UPDATE coursebase.settings SET value = '0' WHERE name = 'free_weekly_credits';
	INSERT INTO coursebase.courses (id, course_code, title, description) VALUES ('00000000-0000-4000-8000-000000000516', 'C51ORD', 'One', '');
	INSERT INTO coursebase.store_products (product_id, kind, course_id, credits, course_code) VALUES
	    ('course', 'course', '00000000-0000-4000-8000-000000000516', NULL, NULL), ('pack', 'ai_credits', NULL, 4000, NULL), ('custom', 'custom_course', NULL, NULL, 'X51ORD');
	CREATE TABLE public.money (history integer PRIMARY KEY, kind text, left_in_cents integer);
	CREATE TABLE public.told (history integer, n integer, what text, day integer, quantity integer, amount integer, ref text);
	INSERT INTO public.money VALUES @{[ join ', ', @money ]};
	INSERT INTO public.told VALUES @{[ join ', ', @told ]};
	INSERT INTO coursebase.users (id, clerk_user_id, name, email)
	SELECT md5('order ' || history)::uuid, 'order_' || history, 'Ada', 'ada\@example.org' FROM public.money;
	SQL
# Whoever tells, tells again what was refused because the purchase had not come, as take_notification() does.
query($node, 'told', <<~'SQL');
	SET client_min_messages = warning;
	CREATE FUNCTION public.tell(t public.told) RETURNS boolean LANGUAGE plpgsql AS $$
	DECLARE
	    purchase text := 'p-' || t.history;
	    at timestamptz := timestamptz '2026-01-01 00:00:00+00' + t.day * interval '1 day';
	    product text := (SELECT kind FROM public.money m WHERE m.history = t.history);
	BEGIN
	    IF t.what = 'receipt' THEN
	        PERFORM coursebase.validate_purchase(md5('order ' || t.history)::uuid, json_build_object('source', 'app_store', 'product_id', product, 'purchase_id', purchase, 'purchase_token', 't', 'transaction_date', at,
	            'quantity', CASE product WHEN 'pack' THEN 3 ELSE 1 END, 'price_in_cents', CASE product WHEN 'pack' THEN 1200 WHEN 'course' THEN 500 ELSE 900 END, 'currency', 'EUR'), at);
	    ELSIF t.what = 'refund' THEN
	        PERFORM coursebase.refund_store_purchase('app_store', 'production', purchase, at, t.quantity, t.amount, t.ref);
	    ELSE
	        PERFORM coursebase.reverse_store_refund('app_store', 'production', purchase, at, t.ref);
	    END IF;
	    RETURN true;
	EXCEPTION WHEN SQLSTATE 'KB106' THEN
	    RETURN false;
	END $$;
	CREATE FUNCTION public.tell_all() RETURNS void LANGUAGE plpgsql AS $$
	DECLARE
	    t public.told;
	BEGIN
	    CREATE TEMP TABLE waiting AS SELECT * FROM public.told;
	    FOR round IN 1 .. 4 LOOP
	        FOR t IN SELECT * FROM waiting ORDER BY history, n LOOP
	            IF public.tell(t) THEN
	                DELETE FROM waiting w WHERE w.history = t.history AND w.n = t.n;
	            END IF;
	        END LOOP;
	    END LOOP;
	    IF EXISTS (SELECT FROM waiting) THEN
	        RAISE EXCEPTION 'something waits in the end';
	    END IF;
	END $$;
	SELECT public.tell_all();
	SQL
my $has = <<~'SQL';
	SELECT m.history, m.kind, m.left_in_cents,
	    CASE m.kind WHEN 'pack' THEN (SELECT p.credits - p.claimed_credits FROM coursebase.ai_credit_purchases p WHERE p.purchase_id = 'p-' || m.history)
	        WHEN 'course' THEN (SELECT count(*) FROM coursebase.course_purchases c WHERE c.purchase_id = 'p-' || m.history AND c.status = 'valid' AND coursebase.has_course_access(c.course_id, c.user_id))
	        ELSE (SELECT count(*) FROM coursebase.custom_course_purchases c WHERE c.purchase_id = 'p-' || m.history AND c.status = 'active') END AS has,
	    CASE m.kind WHEN 'pack' THEN m.left_in_cents * 10 ELSE (m.left_in_cents > 0)::integer END AS is_due,
	    (SELECT string_agg(concat_ws(' ', t.what, t.day, t.quantity, t.amount, t.ref), ', ' ORDER BY t.n) FROM public.told t WHERE t.history = m.history) AS story
	FROM public.money m
	SQL
is(query($node, 'told', "SELECT * FROM ($has) h WHERE coalesce(has, 0) <> is_due ORDER BY length(story) LIMIT 5"), '', 'everybody has what was paid for and not given back');
is(query($node, 'told', 'SELECT check_name, count(*), min(object), min(problem) FROM coursebase.check_integrity() GROUP BY 1'), '', 'check_integrity() finds nothing');
is(query($node, 'told', <<~'SQL'), '', 'the bank of each is what is left of the packs');
	SELECT m.history, a.bank_limit_credits, m.left_in_cents FROM public.money m JOIN coursebase.ai_usage a ON a.user_id = md5('order ' || m.history)::uuid
	WHERE m.kind = 'pack' AND a.bank_limit_credits <> m.left_in_cents * 10
	SQL
is(query($node, 'told', <<~'SQL'), '', 'the receipt says whether anything is left');
	SELECT m.history, m.kind, m.left_in_cents, r.status FROM public.money m JOIN coursebase.store_receipts r ON r.purchase_id = 'p-' || m.history
	WHERE r.status <> CASE WHEN m.left_in_cents > 0 THEN 'valid' ELSE 'refunded' END
	SQL
is(query($node, 'told', <<~'SQL'), 't|t|t', 'some end with all, some with a part, some with nothing');
	SELECT count(*) FILTER (WHERE left_in_cents IN (500, 900, 1200)) > 100, count(*) FILTER (WHERE left_in_cents NOT IN (0, 500, 900, 1200)) > 100, count(*) FILTER (WHERE left_in_cents = 0) > 100 FROM public.money
	SQL

$node->stop;
done_testing();
