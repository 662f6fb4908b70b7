-- May this user use this course? A thousand people with grants, purchases, slots and subscriptions on a thousand
-- courses; one has 13 courses, one 500, one premium where premium is every course, one is an administrator.
--# setup
SET session_replication_role = replica;
CREATE FUNCTION bench_peer.one(kind text, n integer) RETURNS uuid
LANGUAGE sql IMMUTABLE
RETURN (md5(kind || n))::uuid;
INSERT INTO coursebase.courses (id, course_code, title, description, is_free, in_premium)
SELECT bench_peer.one('course', n), NULL, 'Bench', 'Bench', n > 995, true FROM generate_series(1, 1000) n;
INSERT INTO coursebase.users (id, clerk_user_id, name, email, role)
SELECT bench_peer.one('user', n), 'user_access_' || coalesce((ARRAY['13', '500', 'premium', 'admin'])[n - 1000], 'n' || n), 'Bench', 'bench@example.com',
    CASE WHEN n = 1004 THEN 'admin' ELSE 'user' END::coursebase.user_role
FROM generate_series(1, 1004) n;
INSERT INTO coursebase.user_course_access (user_id, course_id)
SELECT bench_peer.one('user', n), bench_peer.one('course', 1 + (n * 7 + i * 31) % 995)
FROM generate_series(1, 1000) n, generate_series(1, 10) i
UNION
SELECT bench_peer.one('user', 1001), bench_peer.one('course', i * 70) FROM generate_series(1, 13) i
UNION
SELECT bench_peer.one('user', 1002), bench_peer.one('course', i) FROM generate_series(1, 500) i;
INSERT INTO coursebase.course_purchases (user_id, course_id, source, status, product_id, purchase_id, purchase_token,
    validated_at)
SELECT bench_peer.one('user', n), bench_peer.one('course', 1 + (n * 11 + i * 17) % 995), s.source, 'valid', r.id, r.id,
    r.id, now()
FROM generate_series(1, 1000) n, generate_series(1, 4) i,
    LATERAL (SELECT CASE WHEN i > 2 THEN 'premium_slot' ELSE 'app_store' END) s (source),
    LATERAL (SELECT CASE WHEN i <= 2 THEN n || ' ' || i END) r (id);
INSERT INTO coursebase.subscriptions (user_id, plan, status, expires_at, auto_renew, environment)
SELECT bench_peer.one('user', n), 'premium', 'active', now() + CASE WHEN n % 4 = 0 THEN -1 ELSE 1 END * interval '1 year',
    true, 'production'
FROM generate_series(1, 1003) n WHERE n % 2 = 0 OR n = 1003;
DELETE FROM coursebase.subscriptions WHERE user_id = bench_peer.one('user', 1002);
INSERT INTO coursebase.subscription_lines (store, original_transaction_id, user_id, environment, status, expires_at, auto_renew,
    before_status, before_auto_renew, last_event_time, last_event_type, last_store_event_id, access_from, access_until)
SELECT 'app_store', s.user_id, s.user_id, s.environment, s.status, s.expires_at, true, 'pending', false,
    s.expires_at - interval '2 years', 'created', 'e', s.expires_at - interval '2 years', s.expires_at
FROM coursebase.subscriptions s;
UPDATE coursebase.entitlements SET covers_every_course = true WHERE name = 'premium';
RESET session_replication_role;

-- Whom is asked about: twenty people one after the other, each about a course that a grant, a purchase, a slot
-- or nothing gives. Nothing that was read for one serves the next.
CREATE TABLE bench_peer.asked AS
SELECT bench_peer.one('user', n) AS user_id,
    bench_peer.one('course', 1 + CASE n % 4 WHEN 0 THEN n * 7 + 31 WHEN 1 THEN n * 11 + 17 WHEN 2 THEN n * 11 + 51 ELSE n * 13 END
        % 995) AS course_id
FROM generate_series(1, 20) n;

-- Premium by the rule of subscriptions, for the forms below.
CREATE FUNCTION bench_peer.access_sql(of_course uuid, of_user uuid, at timestamptz DEFAULT now()) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER
AS $$
    SELECT EXISTS (SELECT FROM coursebase.courses c WHERE c.id = of_course AND c.is_free)
        OR EXISTS (
            SELECT FROM coursebase.users u
            WHERE u.id = of_user AND u.deleted_at IS NULL AND (
                u.role = 'admin' AND EXISTS (SELECT FROM coursebase.courses c WHERE c.id = of_course)
                OR EXISTS (SELECT FROM coursebase.user_course_access a WHERE a.user_id = u.id AND a.course_id = of_course)
                OR EXISTS (SELECT FROM coursebase.course_purchases p
                    WHERE p.user_id = u.id AND p.course_id = of_course AND p.status = 'valid' AND p.source <> 'premium_slot')
                OR EXISTS (SELECT FROM coursebase.subscriptions s
                    WHERE s.user_id = u.id AND at < CASE
                            WHEN s.status IN ('active', 'trialing', 'on_hold', 'paused') THEN s.expires_at
                            WHEN s.status IN ('canceled', 'in_grace') THEN greatest(s.expires_at, s.grace_until) END)
                    AND (EXISTS (SELECT FROM coursebase.course_purchases p
                            WHERE p.user_id = u.id AND p.course_id = of_course AND p.status = 'valid')
                        OR EXISTS (SELECT FROM coursebase.courses c, coursebase.entitlements n
                            WHERE c.id = of_course AND c.in_premium AND n.name = 'premium'
                                AND n.covers_every_course))))
$$;
-- The same statement as a plan that C keeps.
\getenv spi BENCH_ACCESS_SPI
CREATE FUNCTION bench_peer.access_spi(of_course uuid, of_user uuid, at timestamptz DEFAULT now()) RETURNS boolean
LANGUAGE c STABLE STRICT
AS :'spi', 'access_spi';

-- A million rows, a thousand of each course, under the two forms of policy.
CREATE TABLE bench_peer.notes_by_set (id integer PRIMARY KEY, course_id uuid NOT NULL, note text NOT NULL);
INSERT INTO bench_peer.notes_by_set
SELECT n, bench_peer.one('course', 1 + n % 1000), 'note ' || n FROM generate_series(1, 1000000) n ORDER BY n % 1000, n;
CREATE INDEX ON bench_peer.notes_by_set (course_id);
CREATE TABLE bench_peer.notes_by_row (id integer PRIMARY KEY, course_id uuid NOT NULL, note text NOT NULL);
INSERT INTO bench_peer.notes_by_row SELECT * FROM bench_peer.notes_by_set;
CREATE INDEX ON bench_peer.notes_by_row (course_id);
ALTER TABLE bench_peer.notes_by_set ENABLE ROW LEVEL SECURITY;
ALTER TABLE bench_peer.notes_by_row ENABLE ROW LEVEL SECURITY;
CREATE POLICY entitled_select_usable ON bench_peer.notes_by_set FOR SELECT
    USING (course_id = ANY ((SELECT coursebase.accessible_course_ids())::uuid[]));
CREATE POLICY entitled_select_usable ON bench_peer.notes_by_row FOR SELECT
    USING (coursebase.has_course_access(course_id));
CREATE ROLE bench_reader;
GRANT USAGE ON SCHEMA coursebase, bench_peer TO bench_reader;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA coursebase TO bench_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA bench_peer TO bench_reader;
-- The way's role: ours is under the policy, the peer writes its WHERE and is not.
CREATE FUNCTION bench_peer.be(way text) RETURNS text
LANGUAGE sql
AS $$
    SELECT set_config('role', CASE WHEN way = 'ours' THEN 'bench_reader' ELSE 'none' END, false)
$$;
GRANT EXECUTE ON FUNCTION bench_peer.be(text) TO PUBLIC;
-- What a query of one number gives under the policy.
CREATE FUNCTION bench_peer.seen(query text) RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    answer bigint;
BEGIN
    PERFORM bench_peer.be('ours');
    EXECUTE query INTO answer;
    PERFORM bench_peer.be('');
    RETURN answer;
END
$$;
--# end
DROP TABLE bench_peer.notes_by_set, bench_peer.notes_by_row;
DROP OWNED BY bench_reader;
DROP ROLE bench_reader;
UPDATE coursebase.entitlements SET course_slots = 2, covers_every_course = false WHERE name = 'premium'

--# row: access_cold
--# area: Course access
--# work: Access check, the first about a person
--# loop
SELECT count(@expression@) FROM generate_series(1, @n@) n, bench_peer.asked a
--# calls: 20
--# way ours: has_course_access(course_id, user_id)
coursebase.has_course_access(a.course_id, a.user_id)
--# way plpgsql: the same in PL/pgSQL | time >= 2, instructions >= 2.5
bench_peer.access_plpgsql(a.course_id, a.user_id)
--# way spi: one EXISTS through SPI, a kept plan in C | time >= 1.5
bench_peer.access_spi(a.course_id, a.user_id)
--# way sql: one EXISTS in an SQL function
bench_peer.access_sql(a.course_id, a.user_id)

--# row: access_warm
--# area: Course access
--# work: Access check, repeated in one statement
--# session
SELECT set_config('request.jwt.claims', '{"sub":"user_access_13"}', false)
--# loop
SELECT count(@expression@) FROM generate_series(1, @n@) n, bench_peer.asked a
--# calls: 20
--# way ours: has_course_access(course_id, NULL, at) | time <= 1e-7, instructions <= 150
coursebase.has_course_access(md5('course70')::uuid, NULL, '2026-01-01')
--# way plpgsql: the same in PL/pgSQL
bench_peer.access_plpgsql(md5('course70')::uuid, md5('user1001')::uuid, '2026-01-01')

--# row: access_round_trip
--# area: Course access
--# work: Access check as a statement of its own, round trip included
--# same
SELECT bool_and(coursebase.has_course_access(course_id, user_id) = bench_peer.access_plpgsql(course_id, user_id)) FROM bench_peer.asked
--# command ours: has_course_access(course_id, user_id)
pgbench -n -M prepared -t 8000 -f /dev/stdin <<'SCRIPT' |
\set n random(1, 1000)
SELECT coursebase.has_course_access('00000000-0000-4000-8000-000000000001', md5('user' || :n)::uuid);
SCRIPT
    awk '/^latency average/ { printf "%.9f\n", $4 / 1000 }'
--# command one: SELECT 1 with the same argument | time >= 0.5
pgbench -n -M prepared -t 8000 -f /dev/stdin <<'SCRIPT' |
\set n random(1, 1000)
SELECT 1, md5('user' || :n)::uuid;
SCRIPT
    awk '/^latency average/ { printf "%.9f\n", $4 / 1000 }'

--# row: policy_index_@who@
--# area: Row security
--# work: All rows of a table, policy by index: @who:name@
--# each who: 13 500 premium admin
--# name who: 13 = reader with 13 courses; 500 = reader with 500 courses; premium = reader with premium; admin = administrator
--# session
SELECT bench_peer.be('') \g /dev/null
SELECT set_config('request.jwt.claims', json_build_object('sub', 'user_access_@who@')::text, false) \g /dev/null
SELECT coursebase.accessible_course_ids() AS list \gset
SET enable_seqscan = off
--# before
SELECT bench_peer.be('@way@');
--# same
SELECT bench_peer.seen('SELECT count(note) FROM bench_peer.notes_by_set')
    = (SELECT count(note) FROM bench_peer.notes_by_set WHERE course_id = ANY (:'list'))
--# statement ours: = ANY ((SELECT accessible_course_ids()))
SELECT count(note) FROM bench_peer.notes_by_set
--# statement hand: WHERE with the ids written out | time >= 0.9
SELECT count(note) FROM bench_peer.notes_by_set WHERE course_id = ANY (:'list')

--# row: policy_scan_@who@
--# area: Row security
--# work: All rows of a table, policy row by row: @who:name@
--# each who: 13 500 premium admin
--# name who: 13 = reader with 13 courses; 500 = reader with 500 courses; premium = reader with premium; admin = administrator
--# session
SELECT bench_peer.be('') \g /dev/null
SELECT set_config('request.jwt.claims', json_build_object('sub', 'user_access_@who@')::text, false) \g /dev/null
SELECT coursebase.accessible_course_ids() AS list \gset
SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off
--# before
SELECT bench_peer.be('@way@');
--# same
SELECT bench_peer.seen('SELECT count(note) FROM bench_peer.notes_by_row')
    = (SELECT count(note) FROM bench_peer.notes_by_row WHERE course_id = ANY (:'list'))
--# statement ours: has_course_access(course_id)
SELECT count(note) FROM bench_peer.notes_by_row
--# statement hand: WHERE with the ids written out | time >= 0.9
SELECT count(note) FROM bench_peer.notes_by_row WHERE course_id = ANY (:'list')

--# row: policy_point_@form@_@who@
--# area: Row security
--# work: One row, policy by @form:name@: @who:name@
--# each who: 13 500 premium admin
--# name who: 13 = reader with 13 courses; 500 = reader with 500 courses; premium = reader with premium; admin = administrator
--# each form: set row
--# name form: set = the set of courses; row = a check of the row
--# same
SELECT set_config('request.jwt.claims', '{"sub":"user_access_@who@"}', false) IS NOT NULL
    AND bench_peer.seen('SELECT count(note) FROM bench_peer.notes_by_@form@ WHERE id % 1000 < 20')
    = (SELECT count(note) FROM bench_peer.notes_by_@form@ WHERE id % 1000 < 20 AND coursebase.has_course_access(course_id))
--# command ours: the policy
PGOPTIONS='-c role=bench_reader -c request.jwt.claims={"sub":"user_access_@who@"}' pgbench -n -M prepared -t 3000 -f /dev/stdin <<'SCRIPT' |
\set n random(1, 1000000)
SELECT note FROM bench_peer.notes_by_@form@ WHERE id = :n;
SCRIPT
    awk '/^latency average/ { printf "%.9f\n", $4 / 1000 }'
--# command hand: WHERE with an EXISTS | time >= 0.9
who=$(psql -XAtqc "SELECT id FROM coursebase.users WHERE clerk_user_id = 'user_access_@who@'")
case @who@ in
    admin) may="SELECT FROM coursebase.users u WHERE u.id = '$who' AND u.role = 'admin'" ;;
    premium) may="SELECT FROM coursebase.subscriptions s, coursebase.courses c WHERE s.user_id = '$who' AND now() < s.expires_at AND c.id = n.course_id AND c.in_premium" ;;
    *) may="SELECT FROM coursebase.user_course_access a WHERE a.user_id = '$who' AND a.course_id = n.course_id" ;;
esac
pgbench -n -M prepared -t 3000 -f /dev/stdin <<SCRIPT |
\set n random(1, 1000000)
SELECT note FROM bench_peer.notes_by_@form@ n WHERE id = :n AND EXISTS ($may);
SCRIPT
    awk '/^latency average/ { printf "%.9f\n", $4 / 1000 }'
