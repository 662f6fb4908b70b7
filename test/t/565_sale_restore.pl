# Rows that are dumped without their tables go back into tables whose triggers are there: purchases, grants and access
# come as they were, nothing is recorded or audited twice, and a public product may come before its courses.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use PostgreSQL::Test::Utils;
use Test::More;

my $node   = node('sale_restore');
my $dir    = PostgreSQL::Test::Utils::tempdir();
my @tables = qw(users user_profile courses products course_products purchases course_grants user_course_access);
my $facts  = facts_of(@tables);

create_extension($node, 'origin');
query($node, 'origin', <<~'SQL');
	INSERT INTO coursebase.users (clerk_user_id, name, email) VALUES ('ada', 'Ada', 'a@example.org'), ('bob', 'Bob', 'b@example.org');
	INSERT INTO coursebase.courses (title, description) VALUES ('One', ''), ('Two', '');
	SELECT coursebase.save_product(NULL, 'Bundle', '', '/b.png', 1, 'public', ARRAY(SELECT id FROM coursebase.courses)) \g /dev/null
	SELECT coursebase.complete_purchase(u.id, p.id, 'cs_' || u.name, 100, 'paid') FROM coursebase.users u, coursebase.products p \g /dev/null
	SELECT coursebase.refund_purchase(id) FROM coursebase.purchases WHERE stripe_session_id = 'cs_Bob' \g /dev/null
	INSERT INTO coursebase.user_course_access (user_id, course_id) SELECT u.id, c.id FROM coursebase.users u, coursebase.courses c WHERE u.name = 'Bob' AND c.title = 'Two';
	DELETE FROM coursebase.user_course_access a USING coursebase.users u WHERE u.id = a.user_id AND u.name = 'Ada'
	    AND a.course_id = (SELECT id FROM coursebase.courses WHERE title = 'Two');
	SQL
my $origin = query($node, 'origin', $facts);
is(query($node, 'origin', 'SELECT count(*) FROM coursebase.user_course_access'), '2', 'what there is to restore');

for my $name (restored_apart($node, 'origin', @tables))
{
	is(query($node, $name, 'SELECT count(*) FROM coursebase.audit_events'), '0', "$name: nothing audited");
}

# COPY in the ordinary way is an INSERT.
append_to_file("$dir/rows", query($node, 'copy', "SELECT u.id, c.id FROM coursebase.users u, coursebase.courses c WHERE u.name = 'Bob' AND c.title = 'One'") . "\n");
is(query($node, 'copy', <<~SQL), '2', 'a COPY of rows records direct grants');
	\\copy coursebase.user_course_access (user_id, course_id) FROM '$dir/rows' DELIMITER '|'
	SELECT count(*) FROM coursebase.course_grants WHERE purchase_id IS NULL
	SQL

$node->stop;
done_testing();
