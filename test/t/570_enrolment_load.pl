# Many sessions buy, pay, cancel, refund, mark and change the curriculum of one course for eight people at once, at
# each isolation level: every payment that came is one's course or listed as to be refunded, who has done everything is
# right at the end, and nobody waits for somebody who waits.
#
# COURSEBASE_LOAD multiplies the 12 turns of a session.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use Load;
use Test::More;

my $sessions = 32;
my $turns    = 12 * ($ENV{COURSEBASE_LOAD} // 1);

my $node = load_node('enrolment_load');

# What a rule refuses (not active, a place that is gone, nothing to give back) is no error here.
my $prepare = <<~SQL;
	INSERT INTO coursebase.users (id, clerk_user_id, name, email)
	SELECT format('00000000-0000-4000-8000-00000000000%s', n)::uuid, 'load_' || n, 'Ada', 'ada\@example.org' FROM generate_series(0, 8) n;
	INSERT INTO coursebase.organizations (id, name, slug) VALUES ('00000000-0000-4000-8000-0000000000b1', 'Iron', 'iron');
	INSERT INTO coursebase.memberships (organization_id, user_id, role)
	VALUES ('00000000-0000-4000-8000-0000000000b1', '00000000-0000-4000-8000-000000000008', 'owner');
	INSERT INTO coursebase.workouts (id, organization_id, name)
	SELECT format('00000000-0000-4000-8000-0000000000c%s', n)::uuid, '00000000-0000-4000-8000-0000000000b1', 'W' FROM generate_series(0, 2) n;
	INSERT INTO coursebase.programs (id, organization_id, name, delivery_mode)
	VALUES ('00000000-0000-4000-8000-0000000000d1', '00000000-0000-4000-8000-0000000000b1', 'Strong', 'course');
	INSERT INTO coursebase.course_configs (program_id, duration_days) VALUES ('00000000-0000-4000-8000-0000000000d1', 2);
	SELECT coursebase.set_day('00000000-0000-4000-8000-0000000000d1', 0, ARRAY['00000000-0000-4000-8000-0000000000c0']::uuid[]),
	    coursebase.set_price('00000000-0000-4000-8000-0000000000d1', 100), coursebase.publish_course('00000000-0000-4000-8000-0000000000d1');
	CREATE FUNCTION public.try(command text) RETURNS boolean LANGUAGE plpgsql AS \$\$
	BEGIN
	    EXECUTE command;
	    RETURN true;
	EXCEPTION WHEN SQLSTATE 'KB106' OR SQLSTATE 'KBA23' OR SQLSTATE 'KBA25' OR SQLSTATE 'KBA26' THEN
	    RETURN false;
	END \$\$;
	SQL

my $script = pgbench_script('enrolment', <<~SQL);
	\\set n :n + 1
	\\set person (:client_id + :n) % 8
	\\set kind (:client_id + :n / 2) % 4
	\\set day random(0, 1)
	\\set last random(0, 2)
	SELECT coursebase.attach_payment_reference(transaction_id, 'load', format('%s/%s', :client_id, :n))
	FROM coursebase.begin_checkout(('00000000-0000-4000-8000-00000000000' || :person)::uuid, '00000000-0000-4000-8000-0000000000d1')
	WHERE transaction_id IS NOT NULL;
	\\if :kind = 0
	SELECT public.try(format('SELECT coursebase.cancel_checkout(id) FROM coursebase.payment_transactions WHERE provider_reference = %L', format('%s/%s', :client_id, :n)));
	\\endif
	SELECT public.try(format('SELECT coursebase.apply_payment_event(%L, %L, %L, %L)', '00000000-0000-4000-8000-0000000000b1', 'load', format('%s/%s', :client_id, :n), 'completed'));
	SELECT public.try(format('SELECT coursebase.apply_payment_event(%L, %L, %L, %L)', '00000000-0000-4000-8000-0000000000b1', 'load', format('%s/%s', :client_id, :n), 'failed'));
	SELECT public.try(format('SELECT coursebase.mark_workout_complete(e.id, w.id) FROM coursebase.course_entitlements e JOIN coursebase.course_workouts w USING (program_id) WHERE e.user_id = %L ORDER BY w.id LIMIT 1', '00000000-0000-4000-8000-00000000000' || :person));
	\\if :kind = 1
	SELECT coursebase.set_day('00000000-0000-4000-8000-0000000000d1', :day, ARRAY(SELECT format('00000000-0000-4000-8000-0000000000c%s', n)::uuid FROM generate_series(0, :last) n));
	\\endif
	\\if :kind = 2
	SELECT public.try(format('SELECT coursebase.refund_transaction(source_payment_transaction_id) FROM coursebase.course_entitlements WHERE user_id = %L AND status = %L', '00000000-0000-4000-8000-00000000000' || :person, 'active'));
	\\endif
	SQL

at_each_level($node, $prepare, sub {
	my ($name, $level) = @_;

	many_ok($node, $name, "$sessions sessions buy, pay, refund and mark $turns times each, $level",
		level => $level, sessions => $sessions, turns => $turns, define => [ 'n=0' ], scripts => [$script]);
	is(query($node, $name, <<~SQL), 't|t', "$level: every payment that came is one's course, or listed");
		SELECT count(*) > 0, count(*) = (SELECT count(*) FROM coursebase.transactions_to_refund)
		    + (SELECT count(*) FROM coursebase.course_entitlements e JOIN coursebase.payment_transactions t ON t.id = e.source_payment_transaction_id
		       WHERE e.status = 'active' AND t.status = 'completed')
		FROM coursebase.payment_transactions WHERE type = 'charge' AND status = 'completed'
		SQL
});

$node->stop;
done_testing();
