# Thousands of random databases and instants: the single form, the set, the explanation source by source, the
# policies of course_documents and lesson_contents and one plain SQL statement give everybody the same courses, whether the one who
# asks is the user or the server; in the transaction that changes, after a savepoint was rolled back, from an
# older snapshot, while others commit. The comparison is one that notices a source that is left out.
#
# COURSEBASE_LOAD multiplies the length of the run.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use Load;
use PostgreSQL::Test::Utils;
use Test::More;

my $load = $ENV{COURSEBASE_LOAD} // 1;
my @rules = qw(free grant ending purchase premium_slot premium administrator);
my $node = node('access_property');
create_extension($node, 'property');
query($node, 'property', 'ALTER DATABASE property SET client_min_messages = warning');
query($node, 'property', slurp_file("$FindBin::RealBin/lib/property.sql"));
query($node, 'property', <<~'SQL');
	INSERT INTO coursebase.courses (id, course_code, title, description)
	SELECT one('c', n), format('C0%sAAA', n), 't', 'd' FROM generate_series(0, 5) n;
	INSERT INTO coursebase.course_documents (course_id, data) SELECT id, '{}' FROM coursebase.courses;
	-- so many contents, in no order, that whoever reads them all has all lessons read at once
	INSERT INTO coursebase.course_sections (id, course_id, name, status, "order") SELECT one('e', n), one('c', n / 2), 's', (ARRAY['public', 'private'])[1 + n % 2]::coursebase.course_section_status, n % 2 FROM generate_series(0, 11) n;
	INSERT INTO coursebase.lessons (id, section_id, name, status, "order") SELECT one('f', n), one('e', n % 12), 'l', CASE WHEN n < 12 THEN 'preview' WHEN n < 24 THEN 'private' ELSE 'public' END::coursebase.lesson_status, n / 12 FROM generate_series(0, 239) n;
	INSERT INTO coursebase.lesson_contents (lesson_id) SELECT one('f', n) FROM generate_series(0, 239) n ORDER BY md5(n::text);
	INSERT INTO coursebase.products (id, name, description, image_url, price_dollars) VALUES (one('b', 0), 'p', '', '/p.png', 0);
	INSERT INTO coursebase.purchases (id, price_paid_in_cents, product_details, user_id, product_id, stripe_session_id)
	SELECT one('e', n), 0, '{"name": "", "description": "", "imageUrl": ""}', one('a', n), one('b', 0), n FROM generate_series(0, 3) n;
	CREATE TABLE ids AS SELECT id, course_code AS code FROM coursebase.courses UNION ALL SELECT one('c', 9), 'C09AAA';
	GRANT SELECT ON ids TO property_user, property_server;

	-- An instant on either side of a moment at which a subscription may end, or that moment.
	CREATE FUNCTION instant(n integer) RETURNS timestamptz LANGUAGE sql STABLE AS $$
	    SELECT now() + ('{-1 h,-1 us,0,1 us,1 h,9 d,10 d,11 d}'::interval[])[1 + n % 8]
	$$;

	-- One change of one source, chosen by kind; n chooses the rows and the values. No trigger is in its way.
	CREATE FUNCTION change(kind integer, n integer) RETURNS void LANGUAGE plpgsql SET session_replication_role = replica AS $$
	DECLARE
	    u uuid := one('a', n % 4);
	    c uuid := one('c', n / 4 % 6);
	    m integer := n / 24;
	BEGIN
	    CASE kind
	    WHEN 1 THEN UPDATE coursebase.users SET role = (ARRAY['admin', 'user', 'user', 'user'])[1 + m % 4]::coursebase.user_role WHERE id = u;
	    -- without triggers, which would remove what the account holds, and open it only for somebody new
	    WHEN 2 THEN PERFORM set_config('session_replication_role', 'replica', true);
	        UPDATE coursebase.users SET deleted_at = CASE WHEN m % 3 = 0 THEN now() END WHERE id = u;
	        PERFORM set_config('session_replication_role', 'origin', true);
	    WHEN 3 THEN UPDATE coursebase.courses SET is_free = m % 3 = 0 WHERE id = c;
	    WHEN 4 THEN UPDATE coursebase.courses SET in_premium = m % 2 = 0 WHERE id = c;
	    WHEN 5 THEN INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (u, c) ON CONFLICT DO NOTHING;
	    WHEN 6 THEN DELETE FROM coursebase.user_course_access WHERE user_id = u;
	    WHEN 7, 8 THEN INSERT INTO coursebase.course_purchases (user_id, course_id, voice, source, environment, status,
	            product_id, purchase_id, purchase_token, validated_at, refunded_at)
	        SELECT u, c, (ARRAY['male', 'female', NULL])[1 + m % 3], s.source, e.environment, t.status,
	            r.id, r.id, r.id, CASE t.status WHEN 'valid' THEN now() END, CASE t.status WHEN 'refunded' THEN now() END
	        FROM (SELECT (ARRAY['google_play', 'app_store', 'admin', 'premium_slot', 'premium_slot', 'premium_slot'])[1 + m % 6]) s (source),
	            -- a slot is no sale: it has no receipt, no sandbox and waits for nothing
	            LATERAL (SELECT CASE WHEN s.source <> 'premium_slot' THEN gen_random_uuid()::text END) r (id),
	            LATERAL (SELECT (ARRAY['production', 'production', 'sandbox'])[CASE s.source WHEN 'premium_slot' THEN 1 ELSE 1 + m / 5 % 3 END]) e (environment),
	            LATERAL (SELECT (ARRAY['valid', 'valid', 'valid', 'invalid', 'refunded', 'pending'])[1 + m / 7 % CASE s.source WHEN 'premium_slot' THEN 5 ELSE 6 END]) t (status)
	        ON CONFLICT DO NOTHING;
	    WHEN 9 THEN UPDATE coursebase.course_purchases SET status = 'refunded', refunded_at = now() WHERE user_id = u AND course_id = c;
	    WHEN 10 THEN DELETE FROM coursebase.course_purchases WHERE user_id = u;
	    WHEN 11, 12 THEN INSERT INTO coursebase.subscription_lines AS s (store, original_transaction_id, user_id, environment, status, auto_renew,
	            before_status, before_auto_renew, last_event_time, last_event_type, last_store_event_id, access_from, access_until)
	        SELECT 'app_store', format('%s of %s', m % 2, u), u, (ARRAY['production', 'production', 'sandbox'])[1 + m % 3], 'active', true,
	            'pending', false, '2026-01-01', 'created', 'e', CASE WHEN m % 11 > 0 THEN CASE WHEN m % 5 = 0 THEN instant(m / 2) ELSE '-infinity' END END,
	            CASE WHEN m % 11 > 0 THEN instant(m) END
	        ON CONFLICT (store, original_transaction_id) DO UPDATE SET environment = excluded.environment, access_from = excluded.access_from,
	            access_until = excluded.access_until;
	    WHEN 13 THEN UPDATE coursebase.settings SET value = (ARRAY['true', 'false', NULL])[1 + m % 3] WHERE name = 'accept_sandbox';
	    WHEN 14 THEN UPDATE coursebase.settings SET value = (ARRAY['-1', '2', NULL])[1 + m % 3] WHERE name = 'premium_slots';
	    WHEN 15 THEN EXECUTE format('ALTER INDEX IF EXISTS coursebase.%I RENAME TO %I', i.name, 'x_' || i.name)
	        FROM (SELECT (ARRAY['course_grants_user_id_expires_at_idx', 'course_grants_user_id_course_id_purchase_id_key', 'purchases_pkey',
	            'users_pkey', 'courses_is_free_idx', 'course_purchases_user_id_course_id_idx', 'user_course_access_pkey',
	            'subscription_lines_user_id_idx', 'settings_pkey', 'courses_pkey', 'courses_in_premium_idx'])[1 + m % 11]) i (name);
	    WHEN 16 THEN IF m % 4 = 0 THEN TRUNCATE coursebase.user_course_access; ELSE ALTER TABLE coursebase.users SET (fillfactor = 90); END IF;
	    WHEN 17, 18 THEN
	        UPDATE coursebase.courses SET grants_may_end = true WHERE id = c AND NOT grants_may_end;
	        INSERT INTO coursebase.course_grants (user_id, course_id, purchase_id, expires_at)
	        VALUES (u, c, CASE WHEN m % 2 = 0 THEN one('e', n % 4) END, instant(m / 2))
	        ON CONFLICT (user_id, course_id, purchase_id) DO UPDATE SET expires_at = CASE WHEN m % 5 > 0 THEN excluded.expires_at END;
	    WHEN 19 THEN UPDATE coursebase.purchases SET refunded_at = CASE WHEN m % 2 = 0 THEN now() END WHERE user_id = u;
	    WHEN 20 THEN DELETE FROM coursebase.course_grants WHERE user_id = u;
	    END CASE;
	END $$;

	-- Every course, with each source that gives it.
	CREATE FUNCTION plain(u uuid, at timestamptz) RETURNS TABLE (course uuid, rule text) LANGUAGE sql STABLE AS $$
	    WITH who AS (
	        SELECT * FROM coursebase.users WHERE id = u AND deleted_at IS NULL
	    ), setting AS (
	        SELECT name, coalesce(value, default_value) AS value FROM coursebase.settings
	    ), sandbox AS (
	        SELECT value = 'true' AS counts FROM setting WHERE name = 'accept_sandbox'
	    ), premium AS (
	        SELECT s.user_id
	        FROM who JOIN coursebase.subscription_lines s ON s.user_id = who.id, sandbox
	        WHERE (s.environment <> 'sandbox' OR sandbox.counts) AND s.access_from <= at AND at < s.access_until
	    )
	    SELECT c.id, 'free' FROM coursebase.courses c WHERE c.is_free
	    UNION SELECT a.course_id, 'grant' FROM who JOIN coursebase.user_course_access a ON a.user_id = who.id
	    UNION SELECT g.course_id, 'ending' FROM who JOIN coursebase.course_grants g ON g.user_id = who.id
	        LEFT JOIN coursebase.purchases s ON s.id = g.purchase_id WHERE at < g.expires_at AND s.refunded_at IS NULL
	    UNION SELECT p.course_id, 'purchase' FROM who JOIN coursebase.course_purchases p ON p.user_id = who.id, sandbox
	        WHERE p.status = 'valid' AND p.source <> 'premium_slot' AND (p.environment = 'production' OR sandbox.counts)
	    UNION SELECT p.course_id, 'premium_slot' FROM premium JOIN coursebase.course_purchases p USING (user_id), sandbox
	        WHERE p.status = 'valid' AND p.source = 'premium_slot' AND (p.environment = 'production' OR sandbox.counts)
	    UNION SELECT c.id, 'premium' FROM premium, setting, coursebase.courses c
	        WHERE c.in_premium AND setting.name = 'premium_slots' AND setting.value = '-1'
	    UNION SELECT c.id, 'administrator' FROM who, coursebase.courses c WHERE who.role = 'admin'
	$$;

	-- Where two forms differ for a user at that time; NULL nowhere. Without: a source that plain() leaves out.
	CREATE FUNCTION difference(u uuid, at timestamptz, without text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
	    expected uuid[] := ARRAY(SELECT DISTINCT course FROM plain(u, at) WHERE rule <> without ORDER BY course);
	    reasons text[] := ARRAY(SELECT DISTINCT concat(course, replace(rule, 'ending', 'grant')) AS r FROM plain(u, at) WHERE rule <> without ORDER BY r);
	    found text := '';
	BEGIN
	    PERFORM nextval('checks');
	    PERFORM set_config('request.jwt.claims', CASE WHEN u IS NULL THEN '' ELSE json_build_object('sub', u)::text END, true);
	    PERFORM set_config('role', 'property_user', true);
	    IF expected <> ARRAY(SELECT i.id FROM (SELECT * FROM ids ORDER BY random()) i WHERE coursebase.has_course_access(i.id, at => at) ORDER BY 1) THEN
	        found := found || ' single';
	    END IF;
	    IF expected <> coursebase.accessible_course_ids(at => at) THEN
	        found := found || ' set';
	    END IF;
	    IF expected <> ARRAY(SELECT id FROM ids WHERE coursebase.has_course_access_by_code(lower(code), at => at) ORDER BY id) THEN
	        found := found || ' code';
	    END IF;
	    IF reasons <> ARRAY(SELECT concat(id, rule) AS r FROM ids, coursebase.explain_course_access(id, at => at) WHERE passed ORDER BY r) THEN
	        found := found || ' explanation';
	    END IF;
	    IF at = now() AND expected <> ARRAY(SELECT course_id FROM coursebase.course_documents ORDER BY 1) THEN
	        found := found || ' policy';
	    END IF;
	    -- of the public sections: previews, and public lessons of the courses; administrators read all
	    IF at = now() AND ARRAY(SELECT one('f', n) FROM generate_series(0, 239) n
	            WHERE EXISTS (SELECT FROM unnest(reasons) r WHERE r LIKE '%administrator')
	                OR n % 2 = 0 AND (n < 12 OR n >= 24 AND one('c', n % 12 / 2) = ANY (expected)) ORDER BY 1)
	        <> ARRAY(SELECT lesson_id FROM coursebase.lesson_contents ORDER BY 1) THEN
	        found := found || ' contents';
	    END IF;
	    PERFORM set_config('role', 'property_server', true), set_config('request.jwt.claims', '', true);
	    IF u IS NOT NULL AND (expected <> coursebase.accessible_course_ids(u, at)
	        OR expected <> ARRAY(SELECT i.id FROM (SELECT * FROM ids ORDER BY random()) i WHERE coursebase.has_course_access(i.id, u, at) ORDER BY 1)
	        OR reasons <> ARRAY(SELECT concat(id, rule) AS r FROM ids, coursebase.explain_course_access(id, u, at) WHERE passed ORDER BY r)) THEN
	        found := found || ' server';
	    END IF;
	    PERFORM set_config('role', 'none', true);
	    RETURN nullif(found, '');
	END $$;

	-- A walk through random databases.
	CREATE FUNCTION walk(seed integer, steps integer) RETURNS void LANGUAGE plpgsql AS $$
	DECLARE
	    name text;
	BEGIN
	    PERFORM setseed(seed / 1000.0);
	    FOR step IN 1 .. steps LOOP
	        name := format('seed %s step %s', seed, step);
	        PERFORM change((1 + random() * 19)::integer, (random() * 9999)::integer);
	        IF step % 3 = 0 THEN
	            BEGIN
	                PERFORM change((1 + random() * 19)::integer, (random() * 9999)::integer);
	                PERFORM agree(now(), name || ' undone later');
	                RAISE EXCEPTION USING ERRCODE = 'RB000';
	            EXCEPTION WHEN SQLSTATE 'RB000' THEN NULL;
	            END;
	        END IF;
	        PERFORM agree(now(), name);
	        PERFORM agree(instant((random() * 99)::integer), name);
	        IF step % 20 = 0 THEN
	            PERFORM restore();
	        END IF;
	    END LOOP;
	    PERFORM restore();
	END $$;
	SQL

query($node, 'property', "SELECT walk($_, 100)") for 1 .. 10 * $load;
cmp_ok(query($node, 'property', 'SELECT last_value FROM checks'), '>', 10_000 * $load, 'all forms agree, thousands of times');

my %noticed = map { $_ => 0 } @rules;
for my $seed (1 .. 30)
{
	my $found = query($node, 'property', "BEGIN; SELECT setseed($seed / 100.0) \\g /dev/null\n"
		  . "SELECT change(k + CASE WHEN k > 14 THEN 2 ELSE 0 END, (random() * 9999)::integer) FROM (SELECT (1 + random() * 17)::integer AS k FROM generate_series(1, 45)) k \\g /dev/null\n"
		  . "SELECT r FROM unnest('{@{[join ',', @rules]}}'::text[]) r WHERE EXISTS (SELECT FROM users() u WHERE difference(u, now(), r) LIKE '%single%set%code%explanation%policy%'); COMMIT");
	$noticed{$_}++ for split /\n/, $found;
}
ok($noticed{$_}, "it would be noticed if the source $_ were left out") for @rules;

sub script
{
	my ($name, $sql) = @_;

	return pgbench_script($name, "\\set kind random(1, 18)\n\\set kind case when :kind > 14 then :kind + 2 else :kind end\n\\set n random(0, 9999)\n$sql");
}

# Each in one snapshot: a statement's, or that of the transaction.
my @scripts = (
	script('change', "SELECT change(:kind, :n);\nSELECT change(:kind, :n + 1);\n"),
	script('within', "BEGIN ISOLATION LEVEL REPEATABLE READ;\nSELECT change(:kind, :n), agree(now(), 'within');\nCOMMIT;\n"),
	script('older', "BEGIN ISOLATION LEVEL REPEATABLE READ;\nSELECT 1;\n\\sleep 3 ms\nSELECT agree(now(), 'older');\nCOMMIT;\n"),
	script('statement', "SELECT 1 / (NOT EXISTS (SELECT FROM users() u WHERE coursebase.accessible_course_ids(u)"
		  . " <> ARRAY(SELECT DISTINCT course FROM plain(u, now()) ORDER BY course)\n"
		  . " OR EXISTS (SELECT FROM ids WHERE coursebase.has_course_access(id, u) <> EXISTS (SELECT FROM plain(u, now()) WHERE course = id))))::integer;\n"),
);
many_ok($node, 'property', 'while others commit, too', sessions => 6, turns => 60 * $load, scripts => \@scripts);

done_testing();
