# Rows of organisations and their courses that are dumped without their tables go back into tables whose triggers are
# there, in the order of the tables: a published course comes before its curriculum, what is completed before what
# completes it, what a revoked buyer did after the revocation. All come as they were, to the last updated_at.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use PostgreSQL::Test::Utils;
use Test::More;

my $node   = node('program_restore');
my $dir    = PostgreSQL::Test::Utils::tempdir();
my @tables = qw(
  users user_profile organizations memberships workouts programs course_configs course_workouts plans payment_transactions
  course_entitlements course_workout_completions
);
my $facts  = facts_of(@tables);

create_extension($node, 'origin');
query($node, 'origin', <<~'SQL');
	INSERT INTO coursebase.users (clerk_user_id, name, email, role) VALUES ('ada', 'Ada', 'a@example.org', 'user'),
	    ('bob', 'Bob', 'b@example.org', 'user'), ('eve', 'Eve', 'e@example.org', 'user');
	SELECT coursebase.create_organization('Iron', 'iron', 'EUR', 'Europe/Paris', id) FROM coursebase.users WHERE name = 'Ada' \g /dev/null
	INSERT INTO coursebase.workouts (organization_id, name) SELECT id, n FROM coursebase.organizations, unnest('{Squat,Row}'::text[]) n;
	SELECT coursebase.create_course(id, n, 9) FROM coursebase.organizations, unnest('{On sale,Archived,Fell behind}'::text[]) n \g /dev/null
	SELECT coursebase.set_day(program_id, 0, NULL, true), coursebase.set_day(program_id, 1, ARRAY(SELECT id FROM coursebase.workouts ORDER BY name)),
	    coursebase.set_price(program_id, 900) FROM coursebase.course_configs \g /dev/null
	UPDATE coursebase.course_configs SET preview_type = 'specific_workout',
	    preview_workout_id = (SELECT id FROM coursebase.workouts WHERE name = 'Squat');
	SELECT coursebase.publish_course(program_id) FROM coursebase.course_configs \g /dev/null
	SELECT b.transaction_id, coursebase.attach_payment_reference(b.transaction_id, 'psp', u.name || p.name)
	FROM coursebase.users u, coursebase.programs p, coursebase.begin_checkout(u.id, p.id) b \g /dev/null
	SELECT e.* FROM coursebase.payment_transactions t,
	    coursebase.apply_payment_event(t.organization_id, t.provider, t.provider_reference, 'completed') e \g /dev/null
	SELECT m.* FROM coursebase.course_entitlements e JOIN coursebase.course_workouts w ON w.program_id = e.program_id AND NOT w.is_rest
	JOIN coursebase.users u ON u.id = e.user_id AND u.name <> 'Eve', coursebase.mark_workout_complete(e.id, w.id) m \g /dev/null
	SELECT r.* FROM coursebase.payment_transactions t JOIN coursebase.users u ON u.id = t.user_id AND u.name = 'Bob',
	    coursebase.refund_transaction(t.id) r \g /dev/null
	SELECT coursebase.archive_course(id) FROM coursebase.programs WHERE name = 'Archived' \g /dev/null
	UPDATE coursebase.organizations SET platform_tier = 'lite';
	SQL
my $origin = query($node, 'origin', $facts);
is(query($node, 'origin', 'SELECT count(*) FROM coursebase.check_integrity()'), '0', 'what there is to restore is sound');
is(query($node, 'origin', 'SELECT count(completed_at), count(access_revoked_at), (SELECT count(published_at) FROM coursebase.course_configs) FROM coursebase.course_entitlements'),
	'6|3|3', 'and says enough');

for my $name (restored_apart($node, 'origin', @tables))
{
	is(query($node, $name, 'SELECT count(*) FROM coursebase.audit_events'), '0', "$name: nothing audited");
}

# A whole dump brings the tables with their triggers after the rows.
client_ok($node, 'whole: dump', [ 'pg_dump', '-Fc', '-f', "$dir/whole", 'origin' ]);
create_database($node, 'whole');
client_ok($node, 'whole: restore', [ 'pg_restore', '--exit-on-error', '-j2', '-d', 'whole', "$dir/whole" ]);
is(query($node, 'whole', $facts), $origin, 'whole: the same rows');

# What a dump sets is a setting that everybody has: the rules stand aside only for who may restore.
query($node, 'copy', <<~'SQL');
	CREATE ROLE restore_anonymous; CREATE ROLE restore_user;
	SELECT coursebase.grant_roles('restore_anonymous', 'restore_user', NULL) \g /dev/null
	UPDATE coursebase.organizations SET platform_tier = 'pro';
	INSERT INTO coursebase.programs (organization_id, name, delivery_mode) SELECT id, 'Empty', 'course' FROM coursebase.organizations;
	INSERT INTO coursebase.course_configs (program_id, duration_days) SELECT id, 1 FROM coursebase.programs WHERE name = 'Empty';
	SQL
my $as_owner = <<~'SQL';
	SET check_function_bodies = off;
	SET request.jwt.claims = '{"sub": "ada"}';
	SET ROLE restore_user;
	SQL
is(sqlstate($node, 'copy', "$as_owner UPDATE coursebase.course_configs SET status = 'published' WHERE duration_days = 1"),
	'KBA04', 'staff that set it publish nothing empty');
is(sqlstate($node, 'copy', "$as_owner SELECT coursebase.publish_course(program_id) FROM coursebase.course_configs WHERE duration_days = 1"),
	'KBA04', 'nor through the function, which writes as the owner');

$node->stop;
done_testing();
