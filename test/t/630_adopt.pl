# Three teams come with data, by the SQL of doc/guide/migrate.md over thousands of rows: with tables of their own, from
# Supabase, and from an older release. Everybody may use what they might use before, nobody else may, and the books balance.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use PostgreSQL::Test::Utils;
use Test::More;

my $guide = slurp_file("$FindBin::RealBin/../../doc/guide/migrate.md");
my $node = node('adopt');

own_tables();
supabase();
older_release($_) for released_before();
$node->stop;
done_testing();

# The ```sql blocks under a heading of the guide: the first makes the old tables with some rows, the second loads them.
sub blocks
{
	my ($heading) = @_;
	my ($section) = $guide =~ /^## \Q$heading\E\n(.*?)(?=^## |\z)/ms;
	die "the guide has no section $heading\n" unless defined $section;
	return $section =~ /^```sql\n(.*?)^```$/gms;
}

# What a call of adopt() answers, and that another call finds nothing to do.
sub adopted
{
	my ($database, $team) = @_;
	my $answer = query($node, $database, 'SELECT what, made FROM coursebase.adopt()');

	is(query($node, $database, 'SELECT * FROM coursebase.adopt()'), '', "$team: a second call finds nothing to do");
	is(query($node, $database, 'SELECT * FROM coursebase.check_integrity()'), '', "$team: the books balance");
	return $answer;
}

sub own_tables
{
	my ($tables, $load, $compare) = blocks('From tables of your own');
	my $database = create_extension($node, 'own');

	query($node, $database, $tables);
	query($node, $database, own_rows());
	query($node, $database, $load);
	my $answer = adopted($database, 'own tables');
	like($answer, qr/^profiles of users\|2000$/m, 'own tables: everybody has a profile');
	query($node, $database, $compare);
	is(query($node, $database, 'SELECT count(*) FROM shop.differences'), '0', 'own tables: access is what it was');
	is(query($node, $database, "SELECT count(*) FROM coursebase.users WHERE deleted_at IS NOT NULL AND clerk_user_id LIKE 'deleted:%'"),
		'3', 'own tables: who left has left');
	is(query($node, $database, <<~'SQL'), '0', 'own tables: and so the function says, of everybody and every course');
		SELECT count(*) FROM shop.users u CROSS JOIN shop.courses c
		WHERE u.role = 'user' AND u.deleted_at IS NULL AND coursebase.has_course_access(c.id, u.id)
		    <> EXISTS (SELECT FROM shop.user_course_access a WHERE a.user_id = u.id AND a.course_id = c.id)
		SQL
	is(query($node, $database, <<~'SQL'), '0', 'own tables: a purchase gives none of the courses that its product got later');
		SELECT count(*) FROM coursebase.course_grants g
		JOIN coursebase.purchases s ON s.id = g.purchase_id
		JOIN coursebase.course_products l ON l.product_id = s.product_id AND l.course_id = g.course_id
		WHERE l.created_at > s.created_at AND s.refunded_at IS NULL AND NOT EXISTS (
		    SELECT FROM shop.user_course_access a WHERE a.user_id = g.user_id AND a.course_id = g.course_id)
		SQL
	# refunding every purchase leaves what was given, and nothing else
	query($node, $database, 'UPDATE coursebase.purchases SET refunded_at = now() WHERE refunded_at IS NULL');
	is(query($node, $database, <<~'SQL'), '0', 'own tables: after all refunds everybody has what was given to them');
		SELECT count(*) FROM (
		    (TABLE shop.gifts EXCEPT SELECT user_id, course_id FROM coursebase.user_course_access)
		    UNION ALL
		    (SELECT user_id, course_id FROM coursebase.user_course_access EXCEPT TABLE shop.gifts)) d
		SQL
	is(query($node, $database, 'SELECT * FROM coursebase.check_integrity()'), '', 'own tables: and the books still balance');
	return;
}

# 2,000 people; 12 courses in 8 products, four of which got a course more after half of the sales; 5,000 purchases, some
# twice, some refunded; and gifts of courses that nobody sells.
sub own_rows
{
	return <<~'SQL';
		TRUNCATE shop.users, shop.courses, shop.course_sections, shop.lessons, shop.products, shop.course_products,
		    shop.purchases, shop.user_course_access, shop.user_lesson_complete;
		SELECT setseed(0.4);
		INSERT INTO shop.users
		SELECT gen_random_uuid(), 'user_' || n, 'Person ' || n, 'Person' || n || '@Example.org',
		    CASE WHEN n <= 3 THEN 'admin' ELSE 'user' END, NULL, NULL, '2024-01-01', '2024-01-01' FROM generate_series(1, 2000) n;
		UPDATE shop.users SET name = 'Deleted User', email = 'redacted@deleted.com', deleted_at = '2024-10-01'
		WHERE clerk_user_id IN ('user_1950', 'user_1960', 'user_1970');
		INSERT INTO shop.courses SELECT gen_random_uuid(), 'Course ' || n, '', '2023-01-01', '2023-01-01' FROM generate_series(1, 12) n;
		INSERT INTO shop.course_sections SELECT gen_random_uuid(), id, 'Basics', 'public', 0, '2023-01-01', '2023-01-01' FROM shop.courses;
		INSERT INTO shop.lessons
		SELECT gen_random_uuid(), id, 'Lesson ' || n, NULL, 'video', 'public', n, '2023-01-01', '2023-01-01'
		FROM shop.course_sections, generate_series(0, 3) n;
		INSERT INTO shop.products
		SELECT gen_random_uuid(), 'Product ' || n, '', '/p.png', 10, 'public', '2023-01-01', '2023-01-01' FROM generate_series(1, 8) n;
		-- courses 11 and 12 are in no product; products 1 to 4 got a third course in June
		INSERT INTO shop.course_products
		SELECT c.id, p.id, CASE k WHEN 2 THEN '2024-06-01' ELSE '2023-01-01' END::timestamptz, '2024-06-01'
		FROM generate_series(1, 8) n, generate_series(0, 2) k, shop.products p, shop.courses c
		WHERE p.name = 'Product ' || n AND c.name = 'Course ' || (n + 3 * k) % 10 + 1 AND (k < 2 OR n <= 4);
		INSERT INTO shop.purchases
		SELECT gen_random_uuid(), 1000, '{"name": "P", "description": "", "imageUrl": "/p.png"}', u.id, p.id, 'cs_' || n,
		    CASE WHEN n % 7 = 0 THEN '2024-12-01'::timestamptz END, '2024-02-01'::timestamptz + n * interval '1 hour', '2024-12-01'
		FROM generate_series(1, 5000) n JOIN shop.users u ON u.clerk_user_id = 'user_' || n * 37 % 1900 + 1
		JOIN shop.products p ON p.name = 'Product ' || (n * n) % 8 + 1;
		CREATE TABLE shop.gifts AS
		SELECT u.id AS user_id, c.id AS course_id FROM shop.users u, shop.courses c
		WHERE c.name IN ('Course 11', 'Course 12') AND random() < 0.1;
		INSERT INTO shop.user_course_access
		SELECT DISTINCT ON (s.user_id, l.course_id) s.user_id, l.course_id, s.created_at, s.created_at
		FROM shop.purchases s JOIN shop.course_products l ON l.product_id = s.product_id AND l.created_at <= s.created_at
		WHERE s.refunded_at IS NULL ORDER BY 1, 2, 3;
		INSERT INTO shop.user_course_access SELECT user_id, course_id, '2024-03-01', '2024-03-01' FROM shop.gifts;
		INSERT INTO shop.user_lesson_complete
		SELECT a.user_id, l.id, '2024-12-01', '2024-12-01' FROM shop.user_course_access a
		JOIN shop.course_sections s USING (course_id) JOIN shop.lessons l ON l.section_id = s.id WHERE random() < 0.5;
		SQL
}

sub supabase
{
	my ($tables, $load, $afterwards) = blocks('From Supabase');
	my $database = create_extension($node, 'supabase');

	query($node, $database, $tables);
	query($node, $database, <<~'SQL');
		TRUNCATE auth.users, public.courses, public.orders;
		INSERT INTO auth.users
		SELECT gen_random_uuid(), CASE WHEN n % 50 <> 0 THEN 'Supa' || n || '@Example.org' END, CASE WHEN n % 3 = 0 THEN '49' || n END,
		    CASE WHEN n % 2 = 0 THEN jsonb_build_object('full_name', 'Supa ' || n) END, '2025-01-01', '2025-01-01', NULL, n % 50 = 0
		FROM generate_series(1, 1500) n;
		INSERT INTO public.courses SELECT 'course-' || n, 'Course ' || n, 1000 * n FROM generate_series(1, 6) n;
		INSERT INTO public.orders
		SELECT row_number() OVER (ORDER BY u.id, c.slug), u.id, c.slug, c.price_in_cents,
		    'pi_' || row_number() OVER (ORDER BY u.id, c.slug), '2025-02-01',
		    CASE WHEN substr(md5(u.id || c.slug), 1, 1) = '0' THEN '2025-03-01'::timestamptz END
		FROM auth.users u, public.courses c
		WHERE u.email IS NOT NULL AND substr(md5(u.id || c.slug), 2, 1) < '8';
		SQL
	query($node, $database, $load);
	like(adopted($database, 'Supabase'), qr/^profiles of users\|1500$/m, 'Supabase: everybody has a profile, with an address or without');
	query($node, $database, $afterwards);
	is(query($node, $database, <<~'SQL'), '0', 'Supabase: everybody has what they paid and were not given back');
		SELECT count(*) FROM coursebase.users u CROSS JOIN public.courses c
		WHERE coursebase.has_course_access(md5('course ' || c.slug)::uuid, u.id) <> EXISTS (
		    SELECT FROM public.orders o WHERE o.user_id = u.id AND o.course = c.slug AND o.refunded_at IS NULL)
		SQL
	is(query($node, $database, <<~'SQL'), 't', 'Supabase: a token of the old system names the same person');
		SELECT count(*) = 1500 AND bool_and(named = id) FROM (
		    SELECT u.id, (SELECT coursebase.current_user_id()
		        FROM (SELECT set_config('request.jwt.claims', json_build_object('sub', u.id)::text, true)) s OFFSET 0) AS named
		    FROM coursebase.users u) t
		SQL
	is(query($node, $database, 'SELECT count(*) FROM coursebase.user_profile WHERE phone_number IS NOT NULL'),
		query($node, $database, 'SELECT count(*) FROM auth.users WHERE phone IS NOT NULL'),
		'Supabase: telephone numbers came along');
	return;
}

sub released_before
{
	my $current = query($node, 'own', "SELECT extversion FROM pg_extension WHERE extname = 'coursebase'");
	return grep { $_ ne $current } released();
}

# A dump of an older release, restored where the new code is; and the same rows updated in place. The rows are written in
# words that every release understands; half of the people have no profile, as nobody but a function made one.
sub older_release
{
	my ($version) = @_;
	my $old = create_extension($node, 'old', version => $version);
	my $dump = PostgreSQL::Test::Utils::tempdir() . '/old.dump';

	query($node, $old, <<~'SQL');
		INSERT INTO coursebase.users (clerk_user_id, name, email, role)
		SELECT 'user_' || n, 'Person ' || n, 'Person' || n || '@Example.org', CASE n WHEN 1 THEN 'admin' ELSE 'user' END::coursebase.user_role
		FROM generate_series(1, 1000) n;
		INSERT INTO coursebase.user_profile (user_id, email) SELECT id, email FROM coursebase.users LIMIT 500;
		INSERT INTO coursebase.courses (course_code, title, description) VALUES ('C01ENB', 'Calm', '');
		INSERT INTO coursebase.course_documents (course_id, data) SELECT id, '{"a": 1}' FROM coursebase.courses;
		SQL
	client_ok($node, "$version: dump", [ 'pg_dump', '-Fc', '-f', $dump, $old ]);
	create_database($node, 'restored');
	client_ok($node, "$version: restore", [ 'pg_restore', '--exit-on-error', '-d', 'restored', $dump ]);
	query($node, 'restored', 'SELECT coursebase.install()');
	query($node, $old, 'ALTER EXTENSION coursebase UPDATE');
	for my $database ('restored', $old)
	{
		like(adopted($database, "$version $database"), qr/^profiles of users\|500$/m, "$version $database: profiles are made for those without");
		is(query($node, $database, 'SELECT count(*), count(DISTINCT referral_code) FROM coursebase.user_profile'),
			'1000|1000', "$version $database: everybody has a profile and a code of their own");
	}
	return;
}
