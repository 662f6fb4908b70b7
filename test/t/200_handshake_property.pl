# Sessions change at random whatever a handshake is made from, commit or roll back, and call handshakes all the
# while. In any snapshot an answer is the same byte by byte whether a cached row is there or not, and says what
# one plain SQL statement says.
#
# COURSEBASE_LOAD multiplies the length of the run.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use Load;
use Test::More;

my $load = $ENV{COURSEBASE_LOAD} // 1;
my $node = node('handshake_property');
create_extension($node, 'property');
query($node, 'property', <<~'SQL');
	INSERT INTO coursebase.users (id, clerk_user_id, name, email)
	SELECT format('00000000-0000-4000-8000-00000000a00%s', n)::uuid, 'u' || n, 'n', 'e' FROM generate_series(0, 5) n;
	INSERT INTO coursebase.cohorts (id, code, name, kind)
	SELECT format('00000000-0000-4000-8000-00000000c00%s', n)::uuid, 'c' || n, 'n', 'experiment' FROM generate_series(0, 2) n;
	INSERT INTO coursebase.master_manifests (id, name, content, is_default)
	SELECT format('00000000-0000-4000-8000-00000000b0%s', to_char(n, 'FM00'))::uuid, format('m%s "\é.json', n / 2),
	    to_json(n), n % 2 = 0 FROM generate_series(0, 9) n;
	INSERT INTO coursebase.courses (id, course_code, title, description, is_free, in_premium)
	SELECT format('00000000-0000-4000-8000-00000000d00%s', n)::uuid, format('C0%sAAA', n), 't', 'd', n < 4, n > 2 FROM generate_series(0, 7) n;
	INSERT INTO coursebase.course_documents (course_id, data) SELECT id, to_json(course_code) FROM coursebase.courses;
	INSERT INTO coursebase.products (id, name, description, image_url, price_dollars)
	SELECT format('00000000-0000-4000-8000-00000000e00%s', n)::uuid, 'p', '', '/p.png', 0 FROM generate_series(0, 7) n;
	INSERT INTO coursebase.course_products (course_id, product_id)
	SELECT format('00000000-0000-4000-8000-00000000d00%s', n)::uuid, format('00000000-0000-4000-8000-00000000e00%s', n)::uuid FROM generate_series(0, 7) n;
	INSERT INTO coursebase.custom_courses (id, user_id, course_code, title, description, data)
	SELECT format('00000000-0000-4000-8000-00000000f00%s', n)::uuid, format('00000000-0000-4000-8000-00000000a00%s', n % 6)::uuid,
	    'X01AAA', 't', 'd', '{}' FROM generate_series(0, 8) n;
	INSERT INTO coursebase.custom_course_purchases (course_id, purchase_id, purchase_token, source, environment)
	SELECT id, id::text, 't', 'app_store', 'production' FROM coursebase.custom_courses;
	CREATE SEQUENCE checks;
	CREATE SEQUENCE hits;
	CREATE SEQUENCE slots;
	CREATE FUNCTION one(kind text, n integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS
	    $$ SELECT format('00000000-0000-4000-8000-00000000%s0%s', kind, to_char(n, 'FM00'))::uuid $$;

	-- One change of one source, chosen by kind; n chooses the row and the value.
	CREATE FUNCTION change(kind integer, n integer) RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
	    CASE kind
	    WHEN 1 THEN UPDATE coursebase.users SET role = (ARRAY['admin', 'user', 'user'])[1 + n % 3]::coursebase.user_role WHERE id = one('a', n % 6);
	    WHEN 2 THEN INSERT INTO coursebase.user_cohorts VALUES (one('a', n % 6), one('c', n % 3))
	        ON CONFLICT (user_id) DO UPDATE SET cohort_id = excluded.cohort_id;
	    WHEN 3 THEN DELETE FROM coursebase.user_cohorts WHERE user_id = one('a', n % 6);
	    WHEN 4 THEN UPDATE coursebase.master_manifests SET content = to_json(n) WHERE id = one('b', n % 10);
	    WHEN 5 THEN UPDATE coursebase.master_manifests SET is_default = NOT is_default WHERE id = one('b', n % 5 * 2);
	    WHEN 6 THEN INSERT INTO coursebase.manifest_cohorts (manifest_id, cohort_id) VALUES (one('b', n % 10), one('c', n % 3)) ON CONFLICT DO NOTHING;
	    WHEN 7 THEN DELETE FROM coursebase.manifest_cohorts WHERE cohort_id = one('c', n % 3);
	    WHEN 8 THEN UPDATE coursebase.courses SET is_free = NOT is_free WHERE id = one('d', n % 8);
	    WHEN 9 THEN UPDATE coursebase.courses SET course_code = CASE WHEN n % 4 > 0 THEN format('C%sAAA', to_char(n % 8, 'FM00')) END WHERE id = one('d', n % 8);
	    WHEN 10 THEN UPDATE coursebase.course_documents SET data = to_json(n) WHERE course_id = one('d', n % 8);
	    WHEN 11 THEN DELETE FROM coursebase.course_documents WHERE course_id = one('d', n % 8);
	    WHEN 12 THEN INSERT INTO coursebase.course_documents (course_id, data) VALUES (one('d', n % 8), to_json(n)) ON CONFLICT DO NOTHING;
	    WHEN 13 THEN PERFORM coursebase.update_json(one('f', n % 9), json_build_object('url', 'https://a.example/' || n));
	    WHEN 14 THEN UPDATE coursebase.custom_courses SET user_id = one('a', n % 6), data = '{}' WHERE id = one('f', n % 9);
	    WHEN 15 THEN UPDATE coursebase.custom_course_purchases SET status = (ARRAY['active', 'refunded', 'revoked'])[1 + n % 3] WHERE course_id = one('f', n % 9);
	    WHEN 16 THEN UPDATE coursebase.settings SET value = CASE WHEN n % 2 = 0 THEN 'm1.json,gone.json' END WHERE name = 'protected_manifests';
	    WHEN 17 THEN UPDATE coursebase.users SET name = n::text WHERE id = one('a', n % 6);
	    WHEN 18 THEN UPDATE coursebase.master_manifests SET name = format('n%s.json', n % 5) WHERE id = one('b', 9);
	    WHEN 19 THEN INSERT INTO coursebase.course_purchases (user_id, course_id, voice, source, product_id, purchase_id, purchase_token, environment, status, validated_at)
	        VALUES (one('a', n % 6), one('d', n % 8), CASE WHEN n % 3 > 0 THEN 'male' END, 'app_store', 'p', gen_random_uuid()::text, 't',
	            CASE WHEN n % 4 > 0 THEN 'production' ELSE 'sandbox' END, 'valid', now()) ON CONFLICT DO NOTHING;
	    WHEN 20 THEN UPDATE coursebase.course_purchases SET status = 'refunded', refunded_at = now() WHERE user_id = one('a', n % 6) AND course_id = one('d', n % 8) AND status <> 'refunded';
	    WHEN 21, 29, 30 THEN BEGIN
	        PERFORM coursebase.choose_premium_course(one('a', n % 6), one('d', n % 8), CASE WHEN n % 3 > 0 THEN 'male' END);
	        PERFORM nextval('slots');
	        EXCEPTION WHEN SQLSTATE 'KB811' OR SQLSTATE 'KB812' OR SQLSTATE 'KB813' OR SQLSTATE 'KB814' THEN NULL;
	        END;
	    WHEN 22, 23 THEN PERFORM coursebase.apply_subscription_event(one('a', n % 6), json_build_object('store', 'app_store',
	        'environment', CASE WHEN n % 6 < 5 THEN 'production' ELSE 'sandbox' END, 'store_event_id', gen_random_uuid(), 'original_transaction_id', one('a', n % 6), 'transaction_id', gen_random_uuid(),
	        'event_type', (ARRAY['DID_RENEW', 'DID_RENEW', 'DID_RENEW', 'SUBSCRIBED', 'EXPIRED', 'REFUND'])[1 + n / 6 % 6], 'event_time', clock_timestamp(),
	        'period_end', clock_timestamp() + n % 7 * interval '200 ms'));
	    WHEN 24 THEN UPDATE coursebase.entitlements SET course_slots = 1 + n % 2, covers_every_course = n % 4 = 2 WHERE name = 'premium';
	    WHEN 25 THEN UPDATE coursebase.settings SET value = (ARRAY[NULL, 'true'])[1 + n % 2] WHERE name = 'accept_sandbox';
	    WHEN 26 THEN UPDATE coursebase.courses SET in_premium = n % 4 > 0 WHERE id = one('d', n % 8);
	    WHEN 27 THEN INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (one('a', n % 6), one('d', n % 8)) ON CONFLICT DO NOTHING;
	    WHEN 28 THEN DELETE FROM coursebase.user_course_access WHERE user_id = one('a', n % 6) AND course_id = one('d', n % 8);
	    WHEN 31 THEN INSERT INTO coursebase.course_grants (user_id, course_id, expires_at) VALUES (one('a', n % 6), one('d', n % 8), clock_timestamp() + n % 7 * interval '200 ms')
	        ON CONFLICT (user_id, course_id, purchase_id) DO UPDATE SET expires_at = excluded.expires_at;
	    WHEN 32 THEN INSERT INTO coursebase.purchases (price_paid_in_cents, product_details, user_id, product_id, stripe_session_id, access_until)
	        VALUES (0, '{"name": "", "description": "", "imageUrl": ""}', one('a', n % 6), one('e', n % 8), gen_random_uuid(), clock_timestamp() + n % 7 * interval '200 ms');
	    WHEN 33 THEN UPDATE coursebase.purchases SET refunded_at = CASE WHEN refunded_at IS NULL THEN now() END WHERE user_id = one('a', n % 6);
	    WHEN 34 THEN DELETE FROM coursebase.course_grants WHERE user_id = one('a', n % 6);
	    END CASE;
	END $$;

	-- A change may end with KB007, behind a handshake or where it holds its row: told as an error after which the program tries again.
	CREATE FUNCTION retried(kind integer, n integer) RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
	    PERFORM change(kind, n);
	EXCEPTION WHEN SQLSTATE 'KB007' THEN
	    RAISE EXCEPTION 'try again' USING ERRCODE = 'serialization_failure';
	END $$;

	-- Which courses, voices and sources are the user's now, by one statement.
	CREATE FUNCTION owned(of_user uuid) RETURNS TABLE (course_id uuid, voice text, source text) LANGUAGE sql STABLE AS $$
	    WITH known AS (
	        SELECT (SELECT value FROM coursebase.settings() WHERE name = 'accept_sandbox') = 'true' AS sandbox,
	            (SELECT e.covers_every_course FROM coursebase.entitlements e WHERE e.name = 'premium') AS every
	    ), premium AS (
	        -- what that is at each instant is the test of subscriptions (510)
	        SELECT coursebase.has_premium(of_user, now()) AS live
	    )
	    SELECT p.course_id, p.voice, p.source FROM coursebase.course_purchases p, known, premium
	    WHERE p.user_id = of_user AND p.status = 'valid' AND (known.sandbox OR p.environment = 'production') AND (p.source <> 'premium_slot' OR premium.live)
	    UNION ALL
	    (SELECT a.course_id, NULL, 'grant' FROM coursebase.user_course_access a WHERE a.user_id = of_user
	    UNION
	    SELECT g.course_id, NULL, 'grant' FROM coursebase.course_grants g LEFT JOIN coursebase.purchases s ON s.id = g.purchase_id
	    WHERE g.user_id = of_user AND now() < g.expires_at AND s.refunded_at IS NULL)
	    UNION ALL
	    SELECT c.id, NULL, 'premium' FROM coursebase.courses c, known, premium WHERE c.in_premium AND known.every AND premium.live
	$$;

	-- The same answer by one statement.
	CREATE FUNCTION plain(of_user uuid, request json) RETURNS json LANGUAGE sql STABLE AS $$
	    WITH who AS (
	        SELECT u.id, u.role, c.cohort_id FROM coursebase.users u LEFT JOIN coursebase.user_cohorts c ON c.user_id = u.id
	        WHERE u.id = of_user
	    ), manifests AS (
	        SELECT DISTINCT ON (m.name) m.name, m.checksum, m.file_size_bytes, m.content
	        FROM who, coursebase.master_manifests m
	        LEFT JOIN coursebase.manifest_cohorts l ON l.manifest_id = m.id AND l.cohort_id = (SELECT cohort_id FROM who)
	        WHERE m.is_default OR l.cohort_id IS NOT NULL
	        ORDER BY m.name, l.cohort_id IS NULL
	    ), documents AS (
	        SELECT * FROM manifests
	        UNION ALL
	        SELECT coalesce(c.course_code, c.id::text) || '.json', d.checksum, d.file_size_bytes, d.data
	        FROM who, coursebase.courses c JOIN coursebase.course_documents d ON d.course_id = c.id
	        WHERE c.is_free OR who.role = 'admin' OR c.id IN (SELECT course_id FROM owned(of_user))
	        UNION ALL
	        SELECT c.course_code || '_' || c.id || '.json', c.checksum, c.file_size_bytes, c.data
	        FROM coursebase.custom_courses c
	        WHERE c.user_id = of_user AND (SELECT bool_or(p.status = 'active') FROM coursebase.custom_course_purchases p WHERE p.course_id = c.id) IS NOT FALSE
	    ), phone AS (
	        SELECT key AS name, value AS checksum FROM json_each_text(request -> 'checksums')
	    ), lines AS (
	        SELECT 0 AS part, d.name, json_strip_nulls(json_build_object('checksum', d.checksum, 'file_size_bytes', d.file_size_bytes,
	            'action', CASE WHEN p.checksum = d.checksum THEN 'keep' WHEN p.name IS NULL THEN 'add' ELSE 'update' END,
	            'content', CASE WHEN p.checksum IS DISTINCT FROM d.checksum THEN d.content::text END)) AS line
	        FROM documents d LEFT JOIN phone p USING (name)
	        UNION ALL
	        SELECT 1, p.name, json_build_object('checksum', NULL, 'file_size_bytes', NULL, 'action', 'delete')
	        FROM phone p
	        WHERE p.name NOT IN (SELECT name FROM documents) AND p.name <> ALL (SELECT regexp_split_to_table(s.value, '[ ,]+') FROM coursebase.settings() s WHERE s.name = 'protected_manifests')
	    )
	    SELECT json_build_object(
	        'json_manifest', (SELECT coalesce(json_object_agg(name, line ORDER BY part, name COLLATE "C"), '{}') FROM lines),
	        'digest', (SELECT md5(coalesce(string_agg(format(E'%s %s\n', name, checksum), '' ORDER BY name COLLATE "C"), '')) FROM documents),
	        'courses', (SELECT json_agg(json_build_array(o.course_id, c.course_code, o.voice, o.source) ORDER BY o.course_id, o.voice, o.source) FROM owned(of_user) o JOIN coursebase.courses c ON c.id = o.course_id))
	$$;

	-- In one snapshot (REPEATABLE READ): with the cached row, without it, and by the plain statement.
	CREATE FUNCTION agree(n integer) RETURNS void LANGUAGE plpgsql AS $$
	DECLARE
	    of_user uuid := one('a', n % 6);
	    request json := json_build_object('checksums', json_build_object('m1.json', 'x', 'shop.json', 'x', 'gone.json', 'x',
	        'C01AAA.json', md5('"C01AAA"'), 'X01AAA_' || one('f', n % 9) || '.json', md5('{}'),
	        one('d', n % 8) || '.json', md5('"C01AAA"')));
	    first text := coursebase.handshake(of_user, request);
	    second text;
	    empty text;
	BEGIN
	    PERFORM nextval('checks');
	    PERFORM nextval('hits') FROM coursebase.cached_handshake_responses r
	    WHERE r.user_id = of_user
	        AND r.catalogue_version = (SELECT version FROM coursebase.catalogue_version)
	        AND r.user_version = coalesce((SELECT version FROM coursebase.user_versions v WHERE v.user_id = of_user), 0)
	        AND r.cohort_version = coalesce((SELECT version FROM coursebase.cohort_versions v WHERE v.cohort_id = r.cohort_id), 0);
	    BEGIN
	        DELETE FROM coursebase.cached_handshake_responses WHERE user_id = of_user;
	        second := coursebase.handshake(of_user, request);
	        empty := coursebase.handshake(of_user, json_build_object('digest', first::json ->> 'digest')) -> 'json_manifest';
	        RAISE EXCEPTION USING ERRCODE = 'RB000';
	    EXCEPTION WHEN SQLSTATE 'RB000' THEN NULL;
	    END;
	    IF first <> second OR empty <> '{}'
	        OR (first::jsonb -> 'json_manifest') <> (plain(of_user, request)::jsonb -> 'json_manifest')
	        OR (SELECT array_agg(k ORDER BY i) FROM json_object_keys(first::json -> 'json_manifest') WITH ORDINALITY AS a (k, i))
	            <> (SELECT array_agg(k ORDER BY i) FROM json_object_keys(plain(of_user, request) -> 'json_manifest') WITH ORDINALITY AS a (k, i))
	        OR first::json ->> 'digest' <> plain(of_user, request) ->> 'digest'
	        OR (SELECT json_agg(json_build_array(c ->> 'course_id', c ->> 'course_code', c ->> 'voice', c ->> 'source') ORDER BY c ->> 'course_id', c ->> 'voice', c ->> 'source')
	            FROM json_array_elements(first::json -> 'courses') c)::text IS DISTINCT FROM plain(of_user, request) ->> 'courses' THEN
	        RAISE EXCEPTION E'user %\ncached   %\ncomputed %\nplain    %', of_user, first, second, plain(of_user, request);
	    END IF;
	END $$;
	SQL

sub script
{
	my ($name, $sql) = @_;

	return pgbench_script($name, "\\set kind random(1, 34)\n\\set n random(0, 999)\n\\set end random(0, 2)\n$sql");
}

my $end = "\\if :end\nCOMMIT;\n\\else\nROLLBACK;\n\\endif\n";
my $call = "SELECT coursebase.handshake(one('a', :n % 6), '{}');\n";
my $change = "SELECT retried(:kind, :n);\n";
# In the transaction that changes, in the next one, between savepoints, from an older snapshot.
my @scripts = (
	script('within', "BEGIN ISOLATION LEVEL REPEATABLE READ;\n${change}SELECT agree(:n);\n$end"),
	script('kept', "BEGIN;\n$call$change$call$end$call"),
	script('again', "BEGIN;\nSELECT retried(:kind, :n), retried(:kind, :n + 1);\n${call}SELECT retried(:kind, :n + 2);\n$call$end$call"),
	script('undone', "BEGIN;\nSAVEPOINT s;\n$change${call}ROLLBACK TO s;\n$call$change$call$end"),
	script('agree', "${call}BEGIN ISOLATION LEVEL REPEATABLE READ;\nSELECT agree(:n);\nCOMMIT;\n"),
	script('older', "BEGIN ISOLATION LEVEL REPEATABLE READ;\nSELECT 1;\n\\sleep 3 ms\nSELECT agree(:n);\nCOMMIT;\n"),
);

many_ok($node, 'property', 'every answer is the computed one, whatever changes meanwhile',
	sessions => 6, turns => 350 * $load, scripts => \@scripts);
my ($checks, $hits) = split /\|/, query($node, 'property', 'SELECT c.last_value, h.last_value FROM checks c, hits h');
note("$checks comparisons, $hits of a cached row");
cmp_ok($checks, '>', 300 * $load, 'enough was compared');
cmp_ok($hits, '>', $checks / 20, 'cached rows took part');
is(query($node, 'property', <<~'SQL'), 't|t|t', 'so did what people have');
	SELECT (SELECT is_called FROM slots), count(*) FILTER (WHERE status = 'refunded') > 0, (SELECT count(*) FROM coursebase.subscription_events) > 20
	FROM coursebase.course_purchases
	SQL
is(query($node, 'property', <<~'SQL'), '', 'in the end the slice is sound');
	SELECT * FROM coursebase.check_integrity() WHERE object LIKE '%cached%' OR object LIKE '%manifest%' OR object LIKE '%course_purchases%'
	SQL
query($node, 'property', "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT agree(n) FROM generate_series(0, 53) n; COMMIT");
pass('and so do all answers when it is quiet');

done_testing();
