# Many sessions bring people, pay and spend referral credit for the same few at once, at each isolation level: nobody is
# brought twice, no ring is closed, a first premium earns once, and not a cent is spent twice. Serialization failures
# are tried again, as an application must.
#
# 16 sessions of 60 turns a level for 40 people; with COURSEBASE_LOAD above 1 the long form: 64 sessions of 400, 200 people.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use Load;
use Test::More;

my ($sessions, $turns, $people) = ($ENV{COURSEBASE_LOAD} // 1) > 1 ? (64, 400, 200) : (16, 60, 40);

my $node = load_node('referral_load');

# What a rule refuses is false; what was done is noted in the same transaction.
my $prepare = <<~SQL;
	UPDATE coursebase.settings SET value = '0' WHERE name = 'referral_hold_days';
	CREATE TABLE public.done (what text NOT NULL, person integer NOT NULL, amount bigint NOT NULL);
	CREATE FUNCTION public.person(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
	    \$\$ SELECT ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid \$\$;
	CREATE FUNCTION public.code(n integer) RETURNS text LANGUAGE sql IMMUTABLE AS
	    \$\$ SELECT 'UL' || chr(65 + n / 20 % 20) || chr(65 + n % 20) || 'AA2' \$\$;
	INSERT INTO coursebase.users (id, clerk_user_id, name, email)
	SELECT public.person(n), 'load_' || n, 'Ada', 'ada\@example.org' FROM generate_series(0, $people - 1) n;
	INSERT INTO coursebase.user_profile (user_id, email, referral_code)
	SELECT public.person(n), 'ada\@example.org', public.code(n) FROM generate_series(0, $people - 1) n;
	CREATE FUNCTION public.turn(kind integer, a integer, b integer, order_ref text) RETURNS boolean LANGUAGE plpgsql AS \$\$
	DECLARE
	    at timestamptz := '2026-06-01';
	    amount bigint := 0;
	BEGIN
	    CASE kind
	    WHEN 0 THEN
	        IF NOT coursebase.attach_referral(public.person(a), public.code(b), at) THEN RETURN false; END IF;
	    WHEN 1 THEN
	        IF NOT coursebase.pay_referral(public.person(a), at) THEN RETURN false; END IF;
	    ELSE
	        amount := coursebase.spend_referral_credit(public.person(b), 120, order_ref, at);
	    END CASE;
	    INSERT INTO public.done VALUES ((ARRAY['attach', 'pay', 'spend'])[1 + kind], a, amount);
	    RETURN true;
	EXCEPTION WHEN SQLSTATE 'KB401' OR SQLSTATE 'KB604' OR SQLSTATE 'KB605' OR SQLSTATE 'KB606' THEN
	    RETURN false;
	END \$\$;
	SQL

my $script = pgbench_script('referral', <<~SQL);
	\\set n :n + 1
	\\set kind random(0, 2)
	\\set a random(0, $people - 1)
	\\set b random(0, $people - 1)
	SELECT public.turn(:kind, :a, :b, 'order ' || :client_id || ' ' || :n);
	SQL

at_each_level($node, $prepare, sub {
	my ($name, $level) = @_;

	many_ok($node, $name, "$sessions sessions take $turns turns each, $level",
		level => $level, sessions => $sessions, turns => $turns, define => [ 'n=0' ], words => [ '--random-seed=7' ], scripts => [$script]);
	is(query($node, $name, <<~SQL), 't|t|t|t|t', "$level: brought once, without a ring, earned once, spent once, and some of each");
		WITH RECURSIVE above (id, up, steps) AS (
		    SELECT user_id, referred_by, 0 FROM coursebase.user_profile
		    UNION ALL SELECT a.id, p.referred_by, a.steps + 1 FROM above a JOIN coursebase.user_profile p ON p.user_id = a.up
		    WHERE a.steps <= $people)
		SELECT max(steps) < $people,
		    (SELECT count(*) = count(DISTINCT person) AND count(*) = (SELECT count(referred_by) FROM coursebase.user_profile)
		        FROM public.done WHERE what = 'attach'),
		    (SELECT count(*) = count(DISTINCT person) AND count(*) = (SELECT count(*) FROM coursebase.referral_credits)
		        FROM public.done WHERE what = 'pay'),
		    (SELECT sum(amount) = (SELECT sum(spent_in_cents) FROM coursebase.referral_credits)
		        AND sum(amount) = (SELECT sum(amount_in_cents) FROM coursebase.referral_spendings) FROM public.done WHERE what = 'spend'),
		    (SELECT count(DISTINCT what) = 3 FROM public.done)
		FROM above
		SQL
});

$node->stop;
done_testing();
