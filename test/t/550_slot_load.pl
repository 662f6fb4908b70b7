# Many sessions choose courses for a few people with premium, by calls and by plain statements, and their phones ask
# meanwhile, at each isolation level: nobody fills more than the two slots, what was answered stays,
# and nobody waits for somebody who waits.
#
# COURSEBASE_LOAD multiplies the 20 turns of a session.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use Load;
use Test::More;

my $sessions = 64;
my $turns    = 20 * ($ENV{COURSEBASE_LOAD} // 1);
my $people   = 40;

my $node = load_node('slot_load');

# What is refused because the slots are full is no error here. Answers are kept, to be found again.
my $prepare = <<~SQL;
	INSERT INTO coursebase.users (id, clerk_user_id, name, email)
	SELECT format('00000000-0000-4000-8000-0000000a%s', to_char(n, 'FM0000'))::uuid, 'load_' || n, 'Ada', 'ada\@example.org' FROM generate_series(1, $people) n;
	INSERT INTO coursebase.courses (id, course_code, title, description, in_premium)
	SELECT format('00000000-0000-4000-8000-0000000c%s', to_char(n, 'FM0000'))::uuid, format('C8%sLOD', n), 'Load', '', true FROM generate_series(0, 5) n;
	SELECT count(*) FROM coursebase.users u, coursebase.apply_subscription_event(u.id, json_build_object('store', 'app_store', 'environment', 'production',
	    'store_event_id', u.id, 'event_type', 'SUBSCRIBED', 'subtype', 'INITIAL_BUY', 'event_time', '2026-05-01T12:00:00Z', 'original_transaction_id', u.id,
	    'transaction_id', u.id, 'period_end', '2026-06-01T12:00:00Z'), '2026-05-01 12:00+00');
	CREATE TABLE public.answers (user_id uuid, course_id uuid, voice text, slot_id uuid, chosen_at timestamptz);
	CREATE FUNCTION public.try(n integer, c integer, of_voice text) RETURNS boolean LANGUAGE plpgsql AS \$\$
	DECLARE
	    who uuid := format('00000000-0000-4000-8000-0000000a%s', to_char(n, 'FM0000'));
	    course uuid := format('00000000-0000-4000-8000-0000000c%s', to_char(c, 'FM0000'));
	BEGIN
	    IF random() < 0.8 THEN
	        INSERT INTO public.answers SELECT who, course, of_voice, s.slot_id, s.chosen_at FROM coursebase.choose_premium_course(who, course, of_voice, '2026-05-02 12:00+00') s;
	    ELSE
	        INSERT INTO coursebase.course_purchases (user_id, course_id, voice, source, status, validated_at) VALUES (who, course, of_voice, 'premium_slot', 'valid', '2026-05-02')
	        ON CONFLICT DO NOTHING;
	    END IF;
	    RETURN true;
	EXCEPTION WHEN SQLSTATE 'KB813' THEN
	    RETURN false;
	END \$\$;
	SQL

my $script = pgbench_script('slots', <<~SQL);
	\\set n random(1, $people)
	\\set c random(0, 5)
	\\set v random(0, 1)
	SELECT public.try(:n, :c, CASE WHEN :v = 0 THEN 'male' ELSE 'female' END);
	SELECT coursebase.handshake(format('00000000-0000-4000-8000-0000000a%s', to_char(:n, 'FM0000'))::uuid, '{}');
	SQL

at_each_level($node, $prepare, sub {
	my ($name, $level) = @_;

	many_ok($node, $name, "$sessions sessions choose $turns times each, $level",
		level => $level, sessions => $sessions, turns => $turns, scripts => [$script]);
	is(query($node, $name, <<~SQL), "$people|2|2", "$level: two courses each, and not one more");
		SELECT count(*), min(s.courses), max(s.courses) FROM (SELECT count(DISTINCT course_id) AS courses FROM coursebase.course_purchases
		    WHERE source = 'premium_slot' AND status = 'valid' GROUP BY user_id) s
		SQL
	is(query($node, $name, <<~SQL), '0|t', "$level: every answer is the slot that is there");
		SELECT count(*) FILTER (WHERE p.id IS NULL), count(*) > $people FROM public.answers a LEFT JOIN coursebase.course_purchases p ON p.id = a.slot_id
		    AND p.user_id = a.user_id AND p.course_id = a.course_id AND p.voice = a.voice AND p.purchased_at = a.chosen_at
		SQL
	is(query($node, $name, <<~SQL), '0', "$level: what a call answered is answered again");
		SELECT count(*) FROM public.answers a, coursebase.choose_premium_course(a.user_id, a.course_id, a.voice, '2026-05-03') s WHERE s.slot_id <> a.slot_id
		SQL
});

$node->stop;
done_testing();
