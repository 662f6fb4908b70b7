# Stripe tells of subscriptions, their payments, refunds and disputes late, twice and in any order: the rows are the same
# ones, nothing waits in the end, and who has premium is who paid for the period and did not get the money back. The
# oracle knows nothing of events: it adds up money.
#
# COURSEBASE_LOAD multiplies the 150 people.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use Test::More;

my $people = int(150 * ($ENV{COURSEBASE_LOAD} // 1));
my $node   = node('refund_orders');

# A person pays one to four months of 900; up to three refunds or disputes are of any of the payments, at any time from
# the payment on; some fail or are won. Every refund is told by itself and as the sum of its charge, or by one of the
# two. Only the checkout's session says whose the subscription is.
my $setup = <<~"SQL";
	SELECT setseed(0.5);
	INSERT INTO coursebase.users (id, clerk_user_id, name, email)
	SELECT format('00000000-0000-4000-8000-%s', lpad(s::text, 12, '0'))::uuid, 'payer_' || s, 'Ada', 'ada\@example.org' FROM generate_series(1, $people) s;
	CREATE TABLE public.payments AS
	SELECT s AS person, m, 'in_' || s || '_' || m AS invoice, 'pi_' || s || '_' || m AS intent, 'ch_' || s || '_' || m AS charge,
	    timestamptz '2026-01-01 00:00:00+00' + (m - 1) * interval '30 days' AS starts_at,
	    timestamptz '2026-01-01 00:00:00+00' + m * interval '30 days' AS ends_at, floor(random() * 3)::integer AS named
	FROM generate_series(1, $people) s, generate_series(1, 1 + s % 4) m;
	-- One second apart, so that the sums of a charge are told in the order of its refunds.
	CREATE TABLE public.refunds AS
	SELECT r.*, 're_' || person || '_' || n AS ref, random() < 0.35 AS is_dispute, random() < 0.3 AS is_reversed, (person + m) % 3 AS told,
	    (ARRAY[300, 450, 600, 900])[1 + floor(random() * 4)::integer] AS amount, timestamptz '2026-06-01 00:00:00+00' AS at, timestamptz '2026-06-01 00:00:00+00' AS reversed_at
	FROM (SELECT p.person, n, 1 + floor(random() * (1 + p.person % 4))::integer AS m FROM generate_series(1, 3) n, (SELECT DISTINCT person FROM public.payments) p) r
	WHERE random() < 0.7;
	UPDATE public.refunds r SET at = p.starts_at + interval '1 day' + random() * interval '40 days' + r.n * interval '1 second'
	FROM public.payments p WHERE (p.person, p.m) = (r.person, r.m);
	UPDATE public.refunds r SET at = date_trunc('second', at), reversed_at = date_trunc('second', at + interval '1 hour' + random() * interval '20 days');

	CREATE TABLE public.bodies (person integer, n bigint, body text);
	CREATE FUNCTION public.tell(id text, at timestamptz, type text, object jsonb) RETURNS text LANGUAGE sql AS \$\$
	    SELECT jsonb_build_object('id', id, 'type', type, 'created', extract(epoch FROM at)::bigint, 'livemode', true, 'data', jsonb_build_object('object', jsonb_strip_nulls(object)))::text
	\$\$;
	INSERT INTO public.bodies
	SELECT person, row_number() OVER (ORDER BY person, at, body), body FROM (
	SELECT person, starts_at AS at, public.tell('evt_s' || person, starts_at, 'checkout.session.completed', jsonb_build_object('id', 'cs_' || person, 'mode', 'subscription', 'payment_status', 'paid', 'subscription', 'sub_' || person, 'client_reference_id', 'payer_' || person)) AS body
	FROM public.payments WHERE m = 1
	UNION ALL
	SELECT person, starts_at, public.tell('evt_' || invoice, starts_at, 'invoice.paid', jsonb_build_object('id', invoice, 'amount_paid', 900,
	    'billing_reason', CASE m WHEN 1 THEN 'subscription_create' ELSE 'subscription_cycle' END, 'parent', jsonb_build_object('subscription_details', jsonb_build_object('subscription', 'sub_' || person)),
	    'payment_intent', CASE named WHEN 0 THEN intent END, 'charge', CASE named WHEN 0 THEN charge END,
	    'payments', CASE named WHEN 1 THEN jsonb_build_object('data', jsonb_build_array(jsonb_build_object('payment', jsonb_build_object('type', 'payment_intent', 'payment_intent', intent)))) END,
	    'lines', jsonb_build_object('data', jsonb_build_array(jsonb_build_object('period', jsonb_build_object('start', extract(epoch FROM starts_at)::bigint, 'end', extract(epoch FROM ends_at)::bigint)))))) FROM public.payments
	UNION ALL
	SELECT person, starts_at, public.tell('evt_p' || invoice, starts_at, 'invoice_payment.paid', jsonb_build_object('id', 'inpay_' || invoice, 'invoice', invoice, 'payment', jsonb_build_object('type', 'payment_intent', 'payment_intent', intent))) FROM public.payments WHERE named = 2
	UNION ALL
	SELECT r.person, r.at, public.tell('evt_' || ref, r.at, CASE WHEN is_dispute THEN 'charge.dispute.closed' ELSE 'refund.created' END, jsonb_build_object('id', ref, 'status', CASE WHEN is_dispute THEN 'lost' ELSE 'succeeded' END, 'amount', amount, 'payment_intent', intent))
	FROM public.refunds r JOIN public.payments p USING (person, m) WHERE is_dispute OR told <> 1 OR is_reversed
	UNION ALL
	SELECT r.person, r.at, public.tell('evt_sum' || ref, r.at, 'charge.refunded', jsonb_build_object('id', charge, 'amount', 900, 'payment_intent', intent, 'amount_refunded',
	    (SELECT sum(o.amount) FROM public.refunds o WHERE (o.person, o.m) = (r.person, r.m) AND NOT o.is_dispute AND o.at <= r.at AND NOT (o.is_reversed AND o.reversed_at <= r.at))))
	FROM public.refunds r JOIN public.payments p USING (person, m) WHERE NOT is_dispute AND told <> 2
	UNION ALL
	SELECT r.person, r.reversed_at, public.tell('evt_back' || ref, r.reversed_at, CASE WHEN is_dispute THEN 'charge.dispute.funds_reinstated' ELSE 'refund.failed' END, jsonb_build_object('id', ref, 'status', CASE WHEN is_dispute THEN 'won' ELSE 'failed' END, 'amount', amount, 'payment_intent', intent))
	FROM public.refunds r JOIN public.payments p USING (person, m) WHERE is_reversed) b;
	-- A sale a person, of which three refunds or disputes of a third each may be told, by themselves or by the sums too.
	INSERT INTO coursebase.products (id, name, description, image_url, price_dollars, status) VALUES ('00000000-0000-4000-8000-0000000f0001', 'Single', '', '/s.png', 9, 'private');
	CREATE TABLE public.sale_refunds AS
	SELECT s AS person, n, 'res_' || s || '_' || n AS ref, random() < 0.3 AS is_dispute, random() < 0.3 AS is_reversed, s % 2 = 0 AS is_summed, timestamptz '2026-02-01 00:00:00+00' AS at, timestamptz '2026-02-01 00:00:00+00' AS reversed_at
	FROM generate_series(1, $people) s, generate_series(1, 3) n WHERE random() < 0.7;
	UPDATE public.sale_refunds SET ref = 'dp_' || ref WHERE is_dispute;
	UPDATE public.sale_refunds SET at = date_trunc('second', at + random() * interval '30 days' + n * interval '1 second');
	UPDATE public.sale_refunds SET reversed_at = date_trunc('second', at + interval '1 hour' + random() * interval '20 days');
	INSERT INTO public.bodies
	SELECT person, row_number() OVER (ORDER BY person, at, body), body FROM (
	SELECT s AS person, timestamptz '2026-01-31 00:00:00+00' AS at, public.tell('evt_sale' || s, '2026-01-31', 'checkout.session.completed', jsonb_build_object('id', 'css_' || s, 'mode', 'payment', 'payment_status', 'paid', 'amount_total', 900, 'currency', 'eur',
	    'payment_intent', 'pis_' || s, 'client_reference_id', 'payer_' || s, 'metadata', '{"product_id": "00000000-0000-4000-8000-0000000f0001"}'::jsonb)) AS body FROM generate_series(1, $people) s
	UNION ALL
	SELECT person, at, public.tell('evt_' || ref, at, CASE WHEN is_dispute THEN 'charge.dispute.closed' ELSE 'refund.created' END, jsonb_build_object('id', ref, 'status', CASE WHEN is_dispute THEN 'lost' ELSE 'succeeded' END, 'amount', 300, 'payment_intent', 'pis_' || person)) FROM public.sale_refunds
	UNION ALL
	SELECT r.person, r.at, public.tell('evt_sum' || ref, r.at, 'charge.refunded', jsonb_build_object('id', 'chs_' || person, 'amount', 900, 'payment_intent', 'pis_' || person, 'amount_refunded',
	    (SELECT 300 * count(*) FROM public.sale_refunds o WHERE o.person = r.person AND NOT o.is_dispute AND o.at <= r.at AND NOT (o.is_reversed AND o.reversed_at <= r.at)))) FROM public.sale_refunds r WHERE is_summed AND NOT is_dispute
	UNION ALL
	SELECT person, reversed_at, public.tell('evt_back' || ref, reversed_at, CASE WHEN is_dispute THEN 'charge.dispute.closed' ELSE 'refund.failed' END, jsonb_build_object('id', ref, 'status', CASE WHEN is_dispute THEN 'won' ELSE 'failed' END, 'amount', 300, 'payment_intent', 'pis_' || person)) FROM public.sale_refunds WHERE is_reversed) b;
	SQL
my $rows = <<~'SQL';
	SELECT to_jsonb(s) - '{id,created_at,updated_at}'::text[] FROM coursebase.subscriptions s ORDER BY s.user_id;
	SELECT to_jsonb(l) - '{created_at,updated_at}'::text[] FROM coursebase.subscription_lines l ORDER BY l.original_transaction_id;
	SELECT to_jsonb(h) - '{event_id,received_at}'::text[], e.store_event_id FROM coursebase.subscription_history h
	JOIN coursebase.subscription_events e ON e.id = h.event_id ORDER BY e.store_event_id;
	SQL

create_extension($node, 'told');
query($node, 'told', $setup);
create_database($node, $_, 'told') for qw(forth back shuffled);
my %order = (forth => 'b.n', back => 'b.n DESC', shuffled => 'random()');
my %rows;
for my $name (sort keys %order)
{
	query($node, $name, <<~SQL);
		SELECT count(*) FROM (
		    SELECT coursebase.take_notification('stripe', b.body)
		    FROM (SELECT b.* FROM public.bodies b, generate_series(1, CASE '$name' WHEN 'shuffled' THEN 2 ELSE 1 END)
		          ORDER BY $order{$name} OFFSET 0) AS b) AS d
		SQL
	is(query($node, $name, 'SELECT outcome, detail, count(*) FROM coursebase.notifications_waiting GROUP BY 1, 2'), '', "$name: nothing waits in the end");
	is(query($node, $name, <<~'SQL'), 0, "$name: at every instant premium is what was paid for and not given back by then");
		SELECT count(*) FROM (SELECT DISTINCT person FROM public.payments) n,
		    generate_series(-2, 130) d, LATERAL (SELECT timestamptz '2026-01-01 12:00:00+00' + d * interval '1 day' AS at) i
		WHERE coursebase.has_premium(format('00000000-0000-4000-8000-%s', lpad(n.person::text, 12, '0'))::uuid, i.at)
		    IS DISTINCT FROM EXISTS (SELECT FROM public.payments p WHERE p.person = n.person AND p.starts_at <= i.at AND i.at < p.ends_at
		        AND 900 > (SELECT coalesce(sum(r.amount), 0) FROM public.refunds r WHERE (r.person, r.m) = (p.person, p.m) AND r.at <= i.at AND NOT (r.is_reversed AND r.reversed_at <= i.at)))
		SQL
	is(query($node, $name, <<~'SQL'), '', "$name: a sale is refunded by what was given back of it");
		SELECT s.refunded_in_cents, r.back, (SELECT string_agg(concat_ws(' ', t.n, t.at, CASE WHEN t.is_dispute THEN 'dispute' END, CASE WHEN t.is_reversed THEN t.reversed_at END), ', ' ORDER BY at) FROM public.sale_refunds t WHERE t.person = r.person),
		    (SELECT string_agg(concat_ws(' ', f.refund_ref, f.amount_in_cents, f.refunded_at, f.reversed_at), ', ' ORDER BY f.created_at) FROM coursebase.purchase_refunds f WHERE f.purchase_id = s.id)
		FROM coursebase.purchases s
		LEFT JOIN (SELECT person, 300 * count(*) FILTER (WHERE NOT is_reversed) AS back FROM public.sale_refunds GROUP BY person) r ON s.stripe_session_id = 'css_' || r.person
		WHERE (s.refunded_in_cents, s.refunded_at IS NOT NULL) IS DISTINCT FROM (coalesce(r.back, 0), coalesce(r.back, 0) = 900)
		SQL
	is(query($node, $name, 'SELECT count(*) FROM coursebase.purchases'), $people, "$name: each sale is there once");
	is(query($node, $name, 'SELECT * FROM coursebase.check_billing()'), '', "$name: check_billing() finds nothing");
	$rows{$name} = query($node, $name, $rows);
}
ok($rows{back} eq $rows{forth},     "$people people backwards end in the same rows");
ok($rows{shuffled} eq $rows{forth}, "$people people shuffled and repeated end in the same rows");
is(query($node, 'forth', <<~'SQL'), 't|t|t', 'some are refunded, some came back, some refunds are of earlier payments');
	SELECT count(*) FILTER (WHERE status_after = 'revoked') > 10, count(*) FILTER (WHERE event_type = 'unrevoked' AND status_before = 'revoked' AND status_after = 'active') > 5,
	    count(*) FILTER (WHERE anomaly = 'earlier_payment') > 10 FROM coursebase.subscription_history
	SQL

$node->stop;
done_testing();
