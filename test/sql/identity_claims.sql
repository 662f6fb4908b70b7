-- Promise: whatever stands in the claims, the answer is the one open account they name, or nobody:
-- never an error, never somebody else.
\pset format unaligned
\pset tuples_only on
BEGIN;
SET LOCAL client_min_messages = warning;
INSERT INTO coursebase.users (id, clerk_user_id, name, email, role, deleted_at) VALUES
    ('00000000-0000-4000-8000-0000000002a1', 'claims_ada', 'ada', 'a@example.org', 'user', NULL),
    ('00000000-0000-4000-8000-0000000002b1', 'claims_bo', 'bo', 'b@example.org', 'admin', NULL),
    ('00000000-0000-4000-8000-0000000002d1', 'claims_dan', 'dan', 'd@example.org', 'user', now()),
    -- His subject is Ada's id: it is his token, not hers.
    ('00000000-0000-4000-8000-0000000002e1', '00000000-0000-4000-8000-0000000002a1', 'eve', 'e@example.org', 'user', NULL),
    -- A closed account keeps its subject: Finn's id is in it, and it opens nothing.
    ('00000000-0000-4000-8000-0000000002f1', 'claims_finn', 'finn', 'f@example.org', 'user', NULL),
    ('00000000-0000-4000-8000-0000000002f2', '00000000-0000-4000-8000-0000000002f1', 'gone', 'g@example.org', 'user', now()),
    ('00000000-0000-4000-8000-000000000201', 'clé "\/😀', 'odd', 'o@example.org', 'user', NULL),
    ('00000000-0000-4000-8000-000000000202', repeat('s', 255), 'long', 'l@example.org', 'user', NULL),
    ('00000000-0000-4000-8000-000000000203', repeat('s', 256), 'too long', 'l@example.org', 'user', NULL),
    ('00000000-0000-4000-8000-000000000204', '7', 'seven', 's@example.org', 'user', NULL),
    ('00000000-0000-4000-8000-000000000205', 'null', 'null', 'n@example.org', 'user', NULL);
CREATE FUNCTION pg_temp.asking(claims text) RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT set_config('request.jwt.claims', claims, true);
    SELECT coalesce((SELECT name FROM coursebase.users WHERE id = coursebase.current_user_id()), '-')
        || CASE WHEN coursebase.is_admin() THEN ' (admin)' ELSE '' END;
$$;
CREATE TEMP TABLE claims (number integer GENERATED ALWAYS AS IDENTITY, claims text, says text);
INSERT INTO claims (claims, says) VALUES
    ('{"sub": "claims_ada"}', 'plain'),
    (' { "role" : "x", "sub":"claims_bo","exp":1.5e3,"aud":["a"], "app": {"sub":"claims_ada"} } ', 'usual'),
    ('{"sub": "00000000-0000-4000-8000-0000000002b1"}', 'own id'),
    ('{"sub": "00000000-0000-4000-8000-0000000002B1"}', 'own id in capitals'),
    ('{"sub": "00000000-0000-4000-8000-0000000002a1"}', 'an id that is another''s subject'),
    ('{"sub": "00000000-0000-4000-8000-0000000002f1"}', 'an id that is a closed account''s subject'),
    ('{"sub": "claims_dan"}', 'closed'),
    ('{"sub": "00000000-0000-4000-8000-0000000002d1"}', 'closed, own id'),
    ('{"sub": "claims_nobody"}', 'unknown'),
    ('{"sub": "00000000-0000-4000-8000-0000000002ff"}', 'unknown id'),
    ('{"sub": "{00000000-0000-4000-8000-0000000002b1}"}', 'braced id'),
    ('{"sub": "000000000000400080000000000002b1"}', 'id without hyphens'),
    ('{"sub": "00000000-0000-4000-8000-0000000002b"}', 'id too short'),
    ('{"sub": "00000000-0000-4000-8000-0000000002bg"}', 'id with a g'),
    ('{"sub": "00000000-0000-4000-8000+0000000002b1"}', 'id with a plus'),
    ('{"sub": "claims_bo", "sub": "claims_ada"}', 'twice: the last'),
    ('{"s\u0075b": "claims\u005fada"}', 'escaped'),
    ('{"sub": "cl\u00e9 \"\\\/\ud83d\ude00"}', 'odd characters, escaped'),
    ('{"sub": "clé \"\\/😀"}', 'odd characters'),
    ('{"sub": "claims_ada\u0000"}', 'zero character'),
    ('{"sub": "\ud83d"}', 'half a character'),
    ('{"sub": "claims_ada "}', 'trailing space'),
    ('{"sub": "CLAIMS_ADA"}', 'capitals'),
    ('{"Sub": "claims_ada"}', 'another member'),
    ('{"user": {"sub": "claims_ada"}}', 'nested'),
    ('[{"sub": "claims_ada"}]', 'array'),
    ('{"sub": ["claims_ada"]}', 'array as subject'),
    ('{"sub": {"sub": "claims_ada"}}', 'object as subject'),
    ('{"sub": 7}', 'number as subject'),
    ('{"sub": null}', 'null as subject'),
    ('{"sub": true}', 'boolean as subject'),
    ('{"sub": ""}', 'empty subject'),
    ('{}', 'no member'),
    ('"claims_ada"', 'string'),
    ('claims_ada', 'no JSON'),
    ('null', 'null'),
    (' ', 'space'),
    ('{"sub": "claims_ada"', 'cut off'),
    ('{"sub": "claims_ada"} x', 'something behind it'),
    ('{"sub": "claims_ada",}', 'comma'),
    ('{''sub'': ''claims_ada''}', 'other quotes'),
    ('{"sub": "claims_ada", "x": 01}', 'bad number elsewhere'),
    ('{"sub": "claims_ada", "x": "' || chr(1) || '"}', 'control character elsewhere'),
    ('{"sub": "' || repeat('s', 255) || '"}', '255 bytes'),
    ('{"sub": "' || repeat('s', 256) || '"}', '256 bytes'),
    ('{"pad": "' || repeat('x', 1000000) || '", "sub": "claims_ada"}', '1 MB'),
    ('{"pad": "' || repeat('x', 1048576) || '", "sub": "claims_ada"}', 'more than 1 MB'),
    ('{"sub": "claims_ada", "x": ' || repeat('[', 63) || repeat(']', 63) || '}', '64 levels'),
    ('{"sub": "claims_ada", "x": ' || repeat('[', 64) || repeat(']', 64) || '}', '65 levels'),
    (repeat('[', 1000000), '1000000 levels');
ALTER TABLE claims ADD COLUMN answer text;
UPDATE claims SET answer = pg_temp.asking(claims);
SELECT says || ': ' || answer FROM claims ORDER BY number;
-- None leaves anything behind for the next.
SELECT count(*), count(*) FILTER (WHERE (pg_temp.asking(c.claims), pg_temp.asking(d.claims))
    IS DISTINCT FROM (c.answer, d.answer)) AS wrong
FROM claims AS c, claims AS d WHERE length(c.claims) < 1000 AND length(d.claims) < 1000;

-- The older setting counts when the newer is absent or empty, and then alone.
SET LOCAL request.jwt.claim.sub = 'claims_bo';
SELECT 'older: ' || pg_temp.asking('');
SELECT 'newer first: ' || pg_temp.asking('{"sub": "claims_ada"}');
SELECT 'newer malformed: ' || pg_temp.asking('{');
SELECT 'newer without subject: ' || pg_temp.asking('{}');
SET LOCAL request.jwt.claim.sub = '{"sub": "claims_ada"}';
SELECT 'older is no JSON: ' || pg_temp.asking('');
SET LOCAL request.jwt.claim.sub = '';
SELECT 'neither: ' || pg_temp.asking('');
ROLLBACK;

-- Set before the library is loaded, as gateways do: the value is taken over, and given back.
\c -
SET request.jwt.claims = '{"sub": "claims_ann"}';
BEGIN;
SET LOCAL request.jwt.claims = '{"sub": "claims_cid"}';
INSERT INTO coursebase.users (clerk_user_id, name, email)
VALUES ('claims_ann', 'ann', 'a@example.org'), ('claims_cid', 'cid', 'c@example.org');
SELECT name FROM coursebase.users WHERE id = coursebase.current_user_id();
SELECT set_config('request.jwt.claims', '{"sub": "claims_ann"}', true) IS NOT NULL;
SELECT name FROM coursebase.users WHERE id = coursebase.current_user_id();
ROLLBACK;
SHOW request.jwt.claims;
RESET request.jwt.claims;
SELECT current_setting('request.jwt.claims') = '', coursebase.current_user_id() IS NULL;
-- Nothing of it outlives DISCARD ALL, with which poolers hand a session on.
SET request.jwt.claims = '{"sub": "claims_ann"}';
DISCARD ALL;
SELECT current_setting('request.jwt.claims') = '', coursebase.current_user_id() IS NULL;
