-- The other ways of doing the work, and the documents to do it on. Nothing here belongs to coursebase:
-- the schema is made by the benchmark, in a server that is thrown away.
CREATE SCHEMA bench_peer;
CREATE EXTENSION IF NOT EXISTS coursebase;

-- Entry number i of a course's audio files, always 285 bytes long.
CREATE FUNCTION bench_peer.entry(i integer) RETURNS text
LANGUAGE sql IMMUTABLE
AS $$
    SELECT '{"number":' || (100000000 + i) || ',"title":"Segment ' || to_char(i, 'FM000000000')
        || '","url":"https://media.example.com/x14abc/' || md5('url' || i)
        || '.mp3","checksum":"' || md5('sound' || i) || '","duration":' || (1000 + i % 9000)
        || '.25,"voice":"female","script":"' || md5('a' || i) || ' ' || md5('b' || i) || '"}'
$$;

-- A course of about so many bytes as an edge function stores it: no spaces, the audio files between
-- other members. It grows in its audio files alone.
CREATE FUNCTION bench_peer.course(bytes integer) RETURNS json
LANGUAGE sql IMMUTABLE
AS $$
    SELECT ('{"course_code":"X14ABC","title":"Sleep well","description":"Seven evenings.",'
        || '"tags":["sleep","evening",{"weight":0.50}],"empty":{},"none":[],"audio_files":['
        || (SELECT string_agg(bench_peer.entry(i), ',' ORDER BY i)
            FROM generate_series(1, greatest(1, (bytes - 430) / 286)) AS i)
        || '],"schedule":{"days":[1,2,3,4,5,6,7],"reminder":null,"strict":false},'
        || '"issue":"I wake at four","goal":"To sleep until seven"}')::json
$$;

-- The crlf4 form by one recursive SQL function.
CREATE FUNCTION bench_peer.rendered_by_sql(value json, depth integer DEFAULT 0) RETURNS text
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE json_typeof(value)
        WHEN 'object' THEN coalesce((
            SELECT E'{\r\n' || string_agg(repeat('    ', depth + 1) || to_json(m.key)::text || ': '
                    || CASE WHEN json_typeof(m.value) IN ('object', 'array')
                            THEN bench_peer.rendered_by_sql(m.value, depth + 1)
                            ELSE m.value::text END, E',\r\n' ORDER BY m.i)
                || E'\r\n' || repeat('    ', depth) || '}'
            FROM json_each(value) WITH ORDINALITY AS m (key, value, i)), '{}')
        WHEN 'array' THEN coalesce((
            SELECT E'[\r\n' || string_agg(repeat('    ', depth + 1)
                    || CASE WHEN json_typeof(e.value) IN ('object', 'array')
                            THEN bench_peer.rendered_by_sql(e.value, depth + 1)
                            ELSE e.value::text END, E',\r\n' ORDER BY e.i)
                || E'\r\n' || repeat('    ', depth) || ']'
            FROM json_array_elements(value) WITH ORDINALITY AS e (value, i)), '[]')
        ELSE value::text
    END
$$;

-- The same by PL/pgSQL, which keeps its plans.
CREATE FUNCTION bench_peer.rendered_by_plpgsql(value json, depth integer DEFAULT 0) RETURNS text
LANGUAGE plpgsql IMMUTABLE
AS $$
DECLARE
    inner_indent text := repeat('    ', depth + 1);
    rendered text;
BEGIN
    CASE json_typeof(value)
    WHEN 'object' THEN
        SELECT string_agg(inner_indent || to_json(m.key)::text || ': '
                || CASE WHEN json_typeof(m.value) IN ('object', 'array')
                        THEN bench_peer.rendered_by_plpgsql(m.value, depth + 1)
                        ELSE m.value::text END, E',\r\n')
        INTO rendered
        FROM json_each(value) AS m;
        RETURN coalesce(E'{\r\n' || rendered || E'\r\n' || repeat('    ', depth) || '}', '{}');
    WHEN 'array' THEN
        SELECT string_agg(inner_indent
                || CASE WHEN json_typeof(e) IN ('object', 'array')
                        THEN bench_peer.rendered_by_plpgsql(e, depth + 1)
                        ELSE e::text END, E',\r\n')
        INTO rendered
        FROM json_array_elements(value) AS e;
        RETURN coalesce(E'[\r\n' || rendered || E'\r\n' || repeat('    ', depth) || ']', '[]');
    ELSE
        RETURN value::text;
    END CASE;
END
$$;

-- Whether a person may use a course, with premium by the rule of subscriptions.
CREATE FUNCTION bench_peer.access_plpgsql(of_course uuid, of_user uuid, at timestamptz DEFAULT now()) RETURNS boolean
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    u record;
    c record;
BEGIN
    SELECT x.is_free, x.in_premium INTO c FROM coursebase.courses x WHERE x.id = of_course;
    IF NOT FOUND OR c.is_free THEN
        RETURN c.is_free IS TRUE;
    END IF;
    SELECT x.role INTO u FROM coursebase.users x WHERE x.id = of_user AND x.deleted_at IS NULL;
    IF NOT FOUND OR u.role = 'admin' THEN
        RETURN u.role IS NOT NULL;
    END IF;
    PERFORM FROM coursebase.user_course_access a WHERE a.user_id = of_user AND a.course_id = of_course;
    IF FOUND THEN
        RETURN true;
    END IF;
    PERFORM FROM coursebase.course_purchases p
    WHERE p.user_id = of_user AND p.course_id = of_course AND p.status = 'valid' AND p.source <> 'premium_slot'
        AND (p.environment = 'production'
            OR (SELECT coalesce(s.value, s.default_value) = 'true' FROM coursebase.settings s WHERE s.name = 'accept_sandbox'));
    IF FOUND THEN
        RETURN true;
    END IF;
    PERFORM FROM coursebase.subscriptions s
    WHERE s.user_id = of_user AND at < CASE
            WHEN s.status IN ('active', 'trialing', 'on_hold', 'paused') THEN s.expires_at
            WHEN s.status IN ('canceled', 'in_grace') THEN greatest(s.expires_at, s.grace_until) END
        AND (s.environment IS DISTINCT FROM 'sandbox'
            OR (SELECT coalesce(x.value, x.default_value) = 'true' FROM coursebase.settings x WHERE x.name = 'accept_sandbox'));
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF c.in_premium THEN
        PERFORM FROM coursebase.entitlements n WHERE n.name = 'premium' AND n.covers_every_course;
        IF FOUND THEN
            RETURN true;
        END IF;
    END IF;
    RETURN EXISTS (SELECT FROM coursebase.course_purchases p
        WHERE p.user_id = of_user AND p.course_id = of_course AND p.status = 'valid' AND p.source = 'premium_slot');
END
$$;

-- What a user has; nobody here has anything, and premium would need its times.
CREATE VIEW bench_peer.owned AS
SELECT p.user_id, p.course_id, p.voice, p.source FROM coursebase.course_purchases AS p
WHERE p.status = 'valid' AND p.environment = 'production' AND p.source <> 'premium_slot'
UNION ALL
SELECT a.user_id, a.course_id, NULL, 'grant' FROM coursebase.user_course_access AS a;

-- A handshake, file by file.
CREATE FUNCTION bench_peer.handshake_by_plpgsql(of_user uuid, request json) RETURNS json
LANGUAGE plpgsql
AS $$
DECLARE
    its_cohort uuid;
    is_admin boolean;
    protected_names text[];
    checksums jsonb := coalesce(request->'checksums', '{}');
    names text[] := '{}';
    lines text := '';
    manifest text := '';
    deleted text := '';
    content text;
    file record;
    owned text;
    slots text;
BEGIN
    SELECT uc.cohort_id, u.role = 'admin' INTO STRICT its_cohort, is_admin
    FROM coursebase.users AS u LEFT JOIN coursebase.user_cohorts AS uc ON uc.user_id = u.id
    WHERE u.id = of_user AND u.deleted_at IS NULL;
    SELECT regexp_split_to_array(coalesce(s.value, s.default_value), '[ ,]+') INTO protected_names
    FROM coursebase.settings AS s WHERE s.name = 'protected_manifests';
    SELECT CASE WHEN n.covers_every_course THEN -1 ELSE n.course_slots END INTO slots FROM coursebase.entitlements AS n WHERE n.name = 'premium';
    SELECT coalesce(json_agg(json_build_object('course_code', c.course_code, 'course_id', o.course_id, 'voice', o.voice,
        'source', o.source)), '[]') INTO owned
    FROM bench_peer.owned AS o JOIN coursebase.courses AS c ON c.id = o.course_id WHERE o.user_id = of_user;
    FOR file IN
        SELECT f.* FROM (
            SELECT 'm' AS source, m.id, m.name, m.checksum, m.file_size_bytes
            FROM coursebase.master_manifests AS m
            WHERE m.is_default AND NOT EXISTS (SELECT FROM coursebase.manifest_cohorts AS mc
                WHERE mc.cohort_id = its_cohort AND mc.name = m.name)
            UNION ALL
            SELECT 'm', m.id, m.name, m.checksum, m.file_size_bytes
            FROM coursebase.manifest_cohorts AS mc
                JOIN coursebase.master_manifests AS m ON m.id = mc.manifest_id
            WHERE mc.cohort_id = its_cohort
            UNION ALL
            SELECT 'c', d.course_id, coalesce(c.course_code, c.id::text) || '.json', d.checksum, d.file_size_bytes
            FROM coursebase.courses AS c JOIN coursebase.course_documents AS d ON d.course_id = c.id
            WHERE (c.is_free OR is_admin OR c.id IN (SELECT o.course_id FROM bench_peer.owned AS o WHERE o.user_id = of_user))
            UNION ALL
            SELECT 'x', x.id, x.course_code || '_' || x.id || '.json', x.checksum, x.file_size_bytes
            FROM coursebase.custom_courses AS x
            WHERE x.user_id = of_user
                AND (SELECT bool_or(p.status = 'active') FROM coursebase.custom_course_purchases AS p
                    WHERE p.course_id = x.id) IS NOT FALSE) AS f
        ORDER BY f.name COLLATE "C"
    LOOP
        names := names || file.name;
        lines := lines || file.name || ' ' || file.checksum || E'\n';
        manifest := manifest || CASE WHEN manifest = '' THEN '' ELSE ',' END || to_json(file.name)
            || ':{"checksum":"' || file.checksum || '","file_size_bytes":' || file.file_size_bytes;
        IF checksums->>file.name = file.checksum THEN
            manifest := manifest || ',"action":"keep"}';
        ELSE
            CASE file.source
            WHEN 'm' THEN SELECT m.content INTO content FROM coursebase.master_manifests AS m WHERE m.id = file.id;
            WHEN 'c' THEN SELECT d.data INTO content FROM coursebase.course_documents AS d WHERE d.course_id = file.id;
            ELSE SELECT x.data INTO content FROM coursebase.custom_courses AS x WHERE x.id = file.id;
            END CASE;
            manifest := manifest || ',"action":"' || CASE WHEN checksums->>file.name IS NULL THEN 'add' ELSE 'update' END
                || '","content":' || to_json(content) || '}';
        END IF;
    END LOOP;
    IF request->>'digest' = md5(lines) THEN
        manifest := '';
    ELSE
        SELECT string_agg(',' || to_json(k.name)
            || ':{"checksum":null,"file_size_bytes":null,"action":"delete"}', '' ORDER BY k.name COLLATE "C")
        INTO deleted
        FROM jsonb_object_keys(checksums) AS k (name)
        WHERE k.name <> ALL (names) AND k.name <> ALL (protected_names);
    END IF;
    RETURN ('{"json_manifest":{' || manifest || coalesce(deleted, '') || '},"purchases":[],'
        || '"ai_usage":{"weekly_limit_credits":0,"weekly_used_credits":0,"weekly_reset_date":null,'
        || '"bank_limit_credits":0,"bank_used_credits":0},"subscription":{"plan":"free","status":null,'
        || '"expires_at":null,"grace_until":null,"auto_renew":false,"entitlements":[]},"discounts":[],"courses":' || owned || ',"premium_slots":{"limit":'
        || slots || ',"chosen":[]},"digest":"'
        || md5(lines) || '"}')::json;
END
$$;
