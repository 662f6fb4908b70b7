-- What the tests of random databases share: the roles of the callers, ids, people, and the comparison over all of them.
-- A test adds change(kind, n), one random change, and difference(user, at, without), where the forms differ.
CREATE ROLE property_anonymous;
CREATE ROLE property_user;
CREATE ROLE property_server BYPASSRLS;
SELECT coursebase.grant_roles('property_anonymous', 'property_user', 'property_server');
CREATE FUNCTION one(kind text, n integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT format('00000000-0000-4000-8000-00000000%s%s', kind, lpad(n::text, 3, '0'))::uuid $$;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) SELECT one('a', n), 'u' || n, 'n', 'e' FROM generate_series(0, 3) n;
CREATE SEQUENCE checks;

-- Who asks: everybody, nobody (NULL), and somebody who is not there.
CREATE FUNCTION users() RETURNS SETOF uuid LANGUAGE sql AS $$ SELECT id FROM coursebase.users UNION ALL VALUES (NULL), (one('a', 9)) $$;

-- Gives an index its name back that a change took away, so that it could not be read directly.
CREATE FUNCTION restore() RETURNS void LANGUAGE plpgsql SET session_replication_role = replica AS $$
DECLARE
    i name;
BEGIN
    FOR i IN SELECT relname FROM pg_class WHERE relnamespace = 'coursebase'::regnamespace AND relname LIKE 'x\_%' LOOP
        EXECUTE format('ALTER INDEX coursebase.%I RENAME TO %I', i, substr(i, 3));
    END LOOP;
END $$;

-- Compares for everybody at that time; raises where there is a difference.
CREATE FUNCTION agree(at timestamptz, seed text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    d text := string_agg(u || ': ' || differs, ', ') FROM (SELECT coalesce(u::text, 'nobody') AS u, difference(u, at, '') AS differs FROM users() u) d
        WHERE differs IS NOT NULL;
BEGIN
    IF d IS NOT NULL THEN
        RAISE EXCEPTION 'at % after %: %', at, seed, d;
    END IF;
END $$;
