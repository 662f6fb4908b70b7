# Random databases of programs and of lessons: the single form, the set, the explanation source by source, every
# policy that shows a program or a lesson, and plain SQL statements give everybody the same, whether the one who asks
# is the user or the server; also in the transaction that changes and after a savepoint was rolled back. The
# comparison is one that notices a source that is left out.
#
# COURSEBASE_LOAD multiplies the length of the run.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use PostgreSQL::Test::Utils;
use Test::More;

my $load = $ENV{COURSEBASE_LOAD} // 1;
my @rules = qw(entitlement staff admin_of_programs preview usable admin_of_lessons);
my $node = node('program_property');
create_extension($node, 'property');
query($node, 'property', 'ALTER DATABASE property SET client_min_messages = warning');
query($node, 'property', slurp_file("$FindBin::RealBin/lib/property.sql"));
query($node, 'property', <<~'SQL');
	SET session_replication_role = replica;
	-- Two organisations; each has three programs, three workouts and a program that is no course.
	INSERT INTO coursebase.organizations (id, name, slug) SELECT one('0', n), 'o', 'o' || n FROM generate_series(0, 1) n;
	INSERT INTO coursebase.programs (id, organization_id, name, delivery_mode)
	SELECT one('b', n), one('0', n % 2), 'p', CASE WHEN n < 6 THEN 'course' ELSE 'live' END::coursebase.program_delivery_mode FROM generate_series(0, 7) n;
	INSERT INTO coursebase.course_configs (program_id, organization_id, duration_days)
	SELECT id, organization_id, 7 FROM coursebase.programs WHERE delivery_mode = 'course';
	INSERT INTO coursebase.workouts (id, organization_id, name) SELECT one('e', n), one('0', n % 2), 'w' FROM generate_series(0, 5) n;
	-- Three courses of two sections of two lessons.
	INSERT INTO coursebase.courses (id, title, description) SELECT one('c', n), 't', 'd' FROM generate_series(0, 2) n;
	INSERT INTO coursebase.course_sections (id, course_id, name, "order") SELECT one('d', n), one('c', n / 2), 's', n % 2 FROM generate_series(0, 5) n;
	INSERT INTO coursebase.lessons (id, section_id, name, "order") SELECT one('f', n), one('d', n / 2), 'l', n % 2 FROM generate_series(0, 11) n;
	INSERT INTO coursebase.lesson_contents (lesson_id, body) SELECT id, 'b' FROM coursebase.lessons;

	CREATE FUNCTION instant(n integer) RETURNS timestamptz LANGUAGE sql STABLE AS $$
	    SELECT now() + ('{-1 h,-1 us,0,1 us,1 h}'::interval[])[1 + n % 5]
	$$;

	-- One change of one source, chosen by kind; n chooses the rows and the values. No trigger is in its way.
	CREATE FUNCTION change(kind integer, n integer) RETURNS void LANGUAGE plpgsql SET session_replication_role = replica AS $$
	DECLARE
	    u uuid := one('a', n % 4);
	    p uuid := one('b', n / 4 % 6);
	    o uuid := one('0', n / 4 % 2);
	    m integer := n / 24;
	BEGIN
	    CASE kind
	    WHEN 1 THEN UPDATE coursebase.users SET role = (ARRAY['admin', 'user', 'user', 'user', 'user'])[1 + m % 5]::coursebase.user_role WHERE id = u;
	    -- without triggers, which would remove what the account holds, and open it only for somebody new
	    WHEN 2 THEN PERFORM set_config('session_replication_role', 'replica', true);
	        UPDATE coursebase.users SET deleted_at = CASE WHEN m % 4 = 0 THEN now() END WHERE id = u;
	        PERFORM set_config('session_replication_role', 'origin', true);
	    WHEN 3, 4, 5 THEN INSERT INTO coursebase.course_entitlements AS e (user_id, program_id, organization_id, status, access_revoked_at)
	        SELECT u, p, o, s, CASE s WHEN 'revoked' THEN now() END
	        FROM (SELECT (ARRAY['active', 'active', 'pending', 'revoked'])[1 + m % 4]::coursebase.course_entitlement_status) s (s)
	        ON CONFLICT (user_id, program_id) DO UPDATE SET status = excluded.status, access_revoked_at = excluded.access_revoked_at;
	    WHEN 6 THEN DELETE FROM coursebase.course_entitlements WHERE user_id = u AND program_id = p;
	    WHEN 7, 8 THEN UPDATE coursebase.course_configs SET status = s, published_at = now(), archived_at = CASE s WHEN 'archived' THEN now() END
	        FROM (SELECT (ARRAY['draft', 'published', 'published', 'archived'])[1 + m % 4]::coursebase.publish_status) s (s) WHERE program_id = p;
	    WHEN 9 THEN INSERT INTO coursebase.memberships (organization_id, user_id, role)
	        VALUES (o, u, (enum_range(NULL::coursebase.membership_role))[1 + m % 4])
	        ON CONFLICT (organization_id, user_id) DO UPDATE SET role = excluded.role;
	    WHEN 10 THEN DELETE FROM coursebase.memberships WHERE user_id = u;
	    WHEN 11 THEN DELETE FROM coursebase.course_workouts WHERE program_id = p;
	    WHEN 12 THEN INSERT INTO coursebase.course_workouts (program_id, organization_id, day_offset, sort_order, workout_id)
	        SELECT p, o, m % 5, m / 5 % 3, one('e', n / 4 % 2 + m % 3 * 2)
	        WHERE NOT EXISTS (SELECT FROM coursebase.course_workouts WHERE program_id = p AND day_offset = m % 5 AND sort_order = m / 5 % 3);
	    WHEN 13 THEN UPDATE coursebase.organizations SET platform_tier = (ARRAY['lite', 'pro', 'elite'])[1 + m % 3] WHERE id = o;
	    WHEN 14 THEN INSERT INTO coursebase.plans (organization_id, program_id, type, name, price_in_cents, currency, is_active)
	        VALUES (o, p, 'course', 'x', m, 'EUR', m % 3 > 0)
	        ON CONFLICT (program_id) WHERE type = 'course' DO UPDATE SET is_active = excluded.is_active;
	    -- lessons
	    WHEN 15, 16 THEN UPDATE coursebase.lessons SET status = (enum_range(NULL::coursebase.lesson_status))[1 + m % 3] WHERE id = one('f', n % 12);
	    WHEN 17 THEN UPDATE coursebase.course_sections SET status = (ARRAY['public', 'public', 'private'])[1 + m % 3]::coursebase.course_section_status WHERE id = one('d', n % 6);
	    WHEN 18 THEN UPDATE coursebase.courses SET is_free = m % 4 = 0 WHERE id = one('c', n % 3);
	    WHEN 19 THEN INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (u, one('c', m % 3)) ON CONFLICT DO NOTHING;
	    WHEN 20 THEN DELETE FROM coursebase.user_course_access WHERE user_id = u;
	    WHEN 21 THEN INSERT INTO coursebase.course_purchases (user_id, course_id, source, status, validated_at)
	        VALUES (u, one('c', m % 3), 'premium_slot', 'valid', now()) ON CONFLICT DO NOTHING;
	    WHEN 22 THEN INSERT INTO coursebase.subscription_lines (store, original_transaction_id, user_id, environment, status, auto_renew,
	            before_status, before_auto_renew, last_event_time, last_event_type, last_store_event_id, access_from, access_until)
	        VALUES ('app_store', u, u, 'production', 'active', true, 'pending', false, '2026-01-01', 'created', 'e', '-infinity', instant(m))
	        ON CONFLICT (store, original_transaction_id) DO UPDATE SET access_until = excluded.access_until;
	    WHEN 23 THEN EXECUTE format('ALTER INDEX IF EXISTS coursebase.%I RENAME TO %I', i.name, 'x_' || i.name)
	        FROM (SELECT (ARRAY['users_pkey', 'memberships_user_id_idx', 'lessons_pkey', 'course_sections_pkey', 'user_course_access_pkey'])[1 + m % 5]) i (name);
	    END CASE;
	END $$;

	-- Every program, with each source that gives it.
	CREATE FUNCTION plain_programs(u uuid) RETURNS TABLE (program uuid, rule text) LANGUAGE sql STABLE AS $$
	    WITH who AS (SELECT * FROM coursebase.users WHERE id = u AND deleted_at IS NULL)
	    SELECT e.program_id, 'entitlement' FROM who JOIN coursebase.course_entitlements e ON e.user_id = who.id
	        JOIN coursebase.course_configs c USING (program_id) WHERE e.status = 'active' AND c.status <> 'draft'
	    UNION SELECT p.id, 'staff' FROM who JOIN coursebase.memberships m ON m.user_id = who.id
	        JOIN coursebase.programs p USING (organization_id) WHERE m.role IN ('owner', 'admin', 'coach')
	    UNION SELECT p.id, 'admin_of_programs' FROM who, coursebase.programs p WHERE who.role = 'admin'
	$$;
	CREATE FUNCTION on_sale() RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
	    SELECT c.program_id FROM coursebase.course_configs c, coursebase.plans l, coursebase.organizations o
	    WHERE c.status = 'published' AND l.program_id = c.program_id AND l.type = 'course' AND l.is_active
	        AND o.id = c.organization_id AND o.platform_tier IN ('pro', 'elite')
	$$;
	-- Every lesson, with each rule by which it may be viewed.
	CREATE FUNCTION plain_lessons(u uuid, at timestamptz) RETURNS TABLE (lesson uuid, rule text) LANGUAGE sql STABLE AS $$
	    WITH who AS (SELECT * FROM coursebase.users WHERE id = u AND deleted_at IS NULL),
	    shown AS (SELECT l.id, l.status, s.course_id FROM coursebase.lessons l JOIN coursebase.course_sections s ON s.id = l.section_id WHERE s.status = 'public'),
	    usable AS (
	        SELECT id FROM coursebase.courses WHERE is_free
	        UNION SELECT a.course_id FROM who JOIN coursebase.user_course_access a ON a.user_id = who.id
	        UNION SELECT p.course_id FROM who JOIN coursebase.subscription_lines s ON s.user_id = who.id
	            JOIN coursebase.course_purchases p ON p.user_id = who.id WHERE p.source = 'premium_slot' AND at < s.access_until
	        UNION SELECT c.id FROM who, coursebase.courses c WHERE who.role = 'admin')
	    SELECT id, 'preview' FROM shown WHERE status = 'preview'
	    UNION SELECT s.id, 'usable' FROM shown s JOIN usable ON usable.id = s.course_id WHERE s.status <> 'private'
	    UNION SELECT l.id, 'admin_of_lessons' FROM who, coursebase.lessons l WHERE who.role = 'admin'
	$$;

	-- What each way gives; u is asked about by itself (NULL: it is who asks) or by the server.
	CREATE FUNCTION given(u uuid, at timestamptz) RETURNS TABLE (way text, is jsonb) LANGUAGE sql VOLATILE AS $$
	    SELECT 'single', to_jsonb(ARRAY(SELECT i FROM (SELECT one('b', n) i FROM generate_series(0, 8) n ORDER BY random()) p WHERE coursebase.has_program_access(i, u, at) ORDER BY i))
	    UNION ALL SELECT 'set', to_jsonb(ARRAY(SELECT unnest(coursebase.accessible_program_ids(u, at)) i ORDER BY i))
	    UNION ALL SELECT 'lesson', to_jsonb(ARRAY(SELECT i FROM (SELECT one('f', n) i FROM generate_series(0, 12) n ORDER BY random()) p WHERE coursebase.can_view_lesson(i, u, at) ORDER BY i))
	    UNION ALL SELECT 'explained lesson', to_jsonb(ARRAY(SELECT concat(i, rule) FROM generate_series(0, 12) n, one('f', n) i, coursebase.explain_can_view_lesson(i, u, at) WHERE passed ORDER BY 1))
	$$;
	-- Who may do nothing but read their own may not ask for the explanation of programs, or be nobody.
	CREATE FUNCTION explained(u uuid, at timestamptz) RETURNS TABLE (way text, is jsonb) LANGUAGE sql VOLATILE AS $$
	    SELECT 'explained', to_jsonb(ARRAY(SELECT concat(i, rule) FROM generate_series(0, 8) n, one('b', n) i, coursebase.explain_program_access(i, u, at) WHERE passed ORDER BY 1))
	$$;
	CREATE FUNCTION visible() RETURNS TABLE (way text, is jsonb) LANGUAGE sql VOLATILE AS $$
	    SELECT 'programs policy', to_jsonb(ARRAY(SELECT id FROM coursebase.programs ORDER BY 1))
	    UNION ALL SELECT 'course_configs policy', to_jsonb(ARRAY(SELECT program_id FROM coursebase.course_configs ORDER BY 1))
	    UNION ALL SELECT 'course_workouts policy', to_jsonb(ARRAY(SELECT id FROM coursebase.course_workouts ORDER BY 1))
	    UNION ALL SELECT 'workouts policy', to_jsonb(ARRAY(SELECT id FROM coursebase.workouts ORDER BY 1))
	    UNION ALL SELECT 'course_entitlements policy', to_jsonb(ARRAY(SELECT id FROM coursebase.course_entitlements ORDER BY 1))
	    UNION ALL SELECT 'lesson_contents policy', to_jsonb(ARRAY(SELECT lesson_id FROM coursebase.lesson_contents ORDER BY 1))
	$$;
	CREATE FUNCTION expected(u uuid, at timestamptz, without text) RETURNS TABLE (way text, is jsonb) LANGUAGE sql STABLE AS $$
	    WITH p AS (SELECT * FROM plain_programs(u) WHERE rule <> without), l AS (SELECT * FROM plain_lessons(u, at) WHERE rule <> without),
	    -- what staff see of their organisation, and administrators of all
	    held AS (SELECT p.organization_id FROM p mine JOIN coursebase.programs p ON p.id = mine.program WHERE mine.rule <> 'entitlement')
	    SELECT unnest(ARRAY['single', 'set']), to_jsonb(ARRAY(SELECT DISTINCT program FROM p ORDER BY 1))
	    UNION ALL SELECT 'explained', to_jsonb(ARRAY(SELECT concat(program, replace(rule, 'admin_of_programs', 'administrator')) FROM p ORDER BY 1))
	    UNION ALL SELECT 'lesson', to_jsonb(ARRAY(SELECT DISTINCT lesson FROM l ORDER BY 1))
	    UNION ALL SELECT 'explained lesson', to_jsonb(ARRAY(SELECT concat(lesson, replace(replace(rule, 'admin_of_lessons', 'administrator'), 'usable', 'access')) FROM l ORDER BY 1))
	    UNION ALL SELECT 'programs policy', to_jsonb(ARRAY(SELECT program FROM p UNION SELECT on_sale() ORDER BY 1))
	    UNION ALL SELECT 'course_configs policy', to_jsonb(ARRAY(SELECT program_id FROM coursebase.course_configs WHERE program_id IN (SELECT program FROM p UNION SELECT on_sale()) ORDER BY 1))
	    UNION ALL SELECT 'course_workouts policy', to_jsonb(ARRAY(SELECT id FROM coursebase.course_workouts WHERE program_id IN (SELECT program FROM p) ORDER BY 1))
	    UNION ALL SELECT 'workouts policy', to_jsonb(ARRAY(SELECT id FROM coursebase.workouts WHERE organization_id IN (SELECT * FROM held)
	        OR id IN (SELECT w.workout_id FROM coursebase.course_workouts w JOIN p ON p.program = w.program_id WHERE p.rule = 'entitlement') ORDER BY 1))
	    UNION ALL SELECT 'course_entitlements policy', to_jsonb(ARRAY(SELECT id FROM coursebase.course_entitlements
	        WHERE user_id = (SELECT id FROM coursebase.users WHERE id = u AND deleted_at IS NULL) OR organization_id IN (SELECT * FROM held) ORDER BY 1))
	    UNION ALL SELECT 'lesson_contents policy', to_jsonb(ARRAY(SELECT DISTINCT lesson FROM l ORDER BY 1))
	$$;

	-- The ways that differ for a user at that time; NULL: none. Without: a source that the plain statements leave out.
	CREATE FUNCTION difference(u uuid, at timestamptz, without text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
	    should jsonb := (SELECT jsonb_object_agg(way, e.is) FROM expected(u, at, without) e);
	    own jsonb;
	    seen jsonb := '{}';
	    served jsonb := '{}';
	BEGIN
	    PERFORM nextval('checks');
	    PERFORM set_config('request.jwt.claims', CASE WHEN u IS NULL THEN '' ELSE json_build_object('sub', u)::text END, true);
	    PERFORM set_config('role', CASE WHEN u IS NULL THEN 'property_anonymous' ELSE 'property_user' END, true);
	    own := (SELECT jsonb_object_agg(way, g.is) FROM given(NULL, at) g);
	    IF u IS NOT NULL THEN
	        own := own || (SELECT jsonb_object_agg(way, g.is) FROM explained(NULL, at) g);
	    END IF;
	    PERFORM set_config('role', 'property_user', true);
	    IF at = now() THEN
	        seen := (SELECT jsonb_object_agg(way, g.is) FROM visible() g);
	    END IF;
	    PERFORM set_config('role', 'property_server', true), set_config('request.jwt.claims', '', true);
	    IF u IS NOT NULL THEN
	        served := (SELECT jsonb_object_agg(way, g.is) FROM (SELECT * FROM given(u, at) UNION ALL SELECT * FROM explained(u, at)) g);
	    END IF;
	    PERFORM set_config('role', 'none', true);
	    RETURN (SELECT string_agg(f.prefix || f.key, ' ' ORDER BY f.key, f.prefix)
	        FROM (SELECT '' AS prefix, * FROM jsonb_each(own || seen) UNION ALL SELECT 'served ', * FROM jsonb_each(served)) f
	        WHERE f.value IS DISTINCT FROM should -> f.key);
	END $$;
	CREATE FUNCTION walk(seed integer, steps integer) RETURNS void LANGUAGE plpgsql AS $$
	DECLARE
	    name text;
	BEGIN
	    PERFORM setseed(seed / 1000.0);
	    FOR step IN 1 .. steps LOOP
	        name := format('seed %s step %s', seed, step);
	        PERFORM change((1 + random() * 22)::integer, (random() * 9999)::integer) FROM generate_series(1, CASE step WHEN 1 THEN 60 ELSE 2 END);
	        IF step % 3 = 0 THEN
	            BEGIN
	                PERFORM change((1 + random() * 22)::integer, (random() * 9999)::integer);
	                PERFORM agree(now(), name || ' undone later');
	                RAISE EXCEPTION USING ERRCODE = 'RB000';
	            EXCEPTION WHEN SQLSTATE 'RB000' THEN NULL;
	            END;
	        END IF;
	        PERFORM agree(CASE step % 2 WHEN 0 THEN now() ELSE instant((random() * 99)::integer) END, name);
	        IF step % 20 = 0 THEN
	            PERFORM restore();
	        END IF;
	    END LOOP;
	    PERFORM restore();
	END $$;
	SQL

query($node, 'property', "SELECT walk($_, 60)") for 1 .. 8 * $load;
cmp_ok(query($node, 'property', 'SELECT last_value FROM checks'), '>', 3_000 * $load, 'all ways agree, thousands of times');

# What must be noticed where: each of these ways, of every source that it shows.
my %ways = (
	entitlement => [ 'single', 'set', 'explained', 'programs policy', 'course_configs policy', 'course_workouts policy', 'workouts policy' ],
	staff => [ 'single', 'set', 'explained', 'programs policy', 'course_configs policy', 'course_workouts policy', 'workouts policy', 'course_entitlements policy' ],
	preview => [ 'lesson', 'explained lesson', 'lesson_contents policy' ],
);
$ways{admin_of_programs} = $ways{staff};
$ways{usable} = $ways{admin_of_lessons} = $ways{preview};
my %noticed;
for my $seed (1 .. 30)
{
	my $found = query($node, 'property', "BEGIN; SELECT setseed($seed / 100.0) \\g /dev/null\n"
		  . "SELECT change((1 + random() * 21)::integer, (random() * 9999)::integer) FROM generate_series(1, 60) \\g /dev/null\n"
		  . "SELECT r, difference(u, now(), r) FROM unnest('{@{[join ',', @rules]}}'::text[]) r, users() u; COMMIT");
	for (split /\n/, $found)
	{
		my ($rule, $differs) = split /\|/;
		$noticed{$rule}{$_} += index(" $differs ", " $_ ") >= 0 for @{ $ways{$rule} };
	}
}
for my $rule (@rules)
{
	is(join(', ', grep { !$noticed{$rule}{$_} } @{ $ways{$rule} }), '', "it would be noticed everywhere if the source $rule were left out");
}

done_testing();
