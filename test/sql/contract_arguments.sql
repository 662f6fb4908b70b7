-- Promise: an argument of a function that clients call and that may be NULL, as its COMMENT says, may be left out: clients by
-- generated types and PostgREST have no other way to say NULL. One that may not is refused by its name.
-- If it fails: give the argument that is told DEFAULT NULL, and with it those after it, which refuse NULL by args_require().
\getenv abs_srcdir PG_ABS_SRCDIR
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
\i :abs_srcdir/fixtures/helpers/catalogue.sql
\i :abs_srcdir/fixtures/helpers/roles.sql
-- The second paragraph of a COMMENT tells of the arguments: "a, b (in cents): what they are. c: ...".
CREATE TEMP VIEW arguments AS
SELECT f.oid, a.name, a.n > f.pronargs - f.pronargdefaults AS may_be_left_out
FROM functions f CROSS JOIN LATERAL unnest(f.proargnames) WITH ORDINALITY AS a (name, n)
WHERE a.n <= f.pronargs AND EXISTS (SELECT FROM unnest(ARRAY['anonymous', 'end_user', 'server']) AS part
    WHERE has_function_privilege('regress_' || part, f.oid, 'EXECUTE'));
CREATE TEMP VIEW sentences AS
WITH said AS (
    SELECT f.oid, s.sentence, s.n, (regexp_match(s.sentence,
        '^([a-z_]+(?: \([^)]*\))?(?:, [a-z_]+(?: \([^)]*\))?)*): '))[1] AS begins
    FROM functions f
    CROSS JOIN LATERAL regexp_split_to_table(split_part(obj_description(f.oid), E'\n\n', 2), '(?<=[.;])\s+')
        WITH ORDINALITY AS s (sentence, n)),
grouped AS (SELECT s.*, count(begins) OVER (PARTITION BY s.oid ORDER BY s.n) AS section FROM said s)
SELECT g.oid, g.sentence,
    regexp_split_to_array(regexp_replace(first_value(g.begins) OVER (PARTITION BY g.oid, g.section ORDER BY g.n),
        ' \([^)]*\)', '', 'g'), ', ') AS names
FROM grouped g WHERE g.section > 0;
CREATE TEMP VIEW breaches AS
SELECT a.oid::regprocedure::text AS function, a.name AS argument, 'give it DEFAULT NULL: its COMMENT says it may be NULL' AS advice
FROM arguments a
WHERE NOT a.may_be_left_out AND EXISTS (
    SELECT FROM sentences s
    WHERE s.oid = a.oid AND (
        s.sentence ~ format('^Only ([a-z_]+(, | and ))*%s\M.* may be NULL', a.name)
        OR (a.name = ANY (s.names) AND s.sentence !~* '^(only|neither|none|no) '
            AND s.sentence ~ '\m(or NULL|may be NULL|NULL (is no|names|leaves|keeps|stays|takes|accepts|gives|is (a|the|what|all|every)))\M'))
    UNION ALL
    SELECT FROM functions f
    WHERE f.oid = a.oid AND obj_description(f.oid) ~ format('another argument than ([a-z_]+( or |, ))*%s\M.* is NULL', a.name));
TABLE breaches ORDER BY 1, 2;

-- Breaches of each kind are told.
CREATE FUNCTION coursebase.planted(a text, b text, c text, d text, e text DEFAULT NULL) RETURNS void
LANGUAGE sql AS '';
COMMENT ON FUNCTION coursebase.planted(text, text, text, text, text) IS
    'Does nothing. For the server.

a: a text; NULL answers NULL. b (in cents), c: two texts; NULL leaves what is stored. d: a text. e: another, or NULL. Only d and e may be NULL.';
GRANT EXECUTE ON FUNCTION coursebase.planted(text, text, text, text, text) TO regress_server;
TABLE breaches ORDER BY 1, 2;
DROP FUNCTION coursebase.planted(text, text, text, text, text);

-- Calls that leave out what may be NULL, as the server makes them.
SET LOCAL ROLE regress_server;
SELECT coursebase.upsert_user(clerk_user_id => 'arguments_ada', name => 'Ada', email => 'ada@example.org') AS ada \gset
SELECT coursebase.upsert_user(clerk_user_id => 'arguments_ada', time_zone => 'Europe/Paris') = :'ada' AS stays;
SELECT u.name, u.email, p.time_zone FROM coursebase.users u JOIN coursebase.user_profile p ON p.user_id = u.id
WHERE u.id = :'ada';
SELECT coursebase.save_product(name => 'Calm', description => 'To be calm', image_url => '/calm.png', price_dollars => 5)
    AS calm \gset
SELECT coursebase.save_product(product_id => :'calm', price_dollars => 7) = :'calm' AS stays;
SELECT name, description, price_dollars, status FROM coursebase.products WHERE id = :'calm';
SELECT purchase_id IS NOT NULL AS recorded FROM coursebase.complete_purchase(:'ada', :'calm', 'cs_1', 700, 'paid',
    charge_id => 'ch_1');
SELECT refunded_in_cents FROM coursebase.refund_payment(charge_id => 'ch_1', amount_in_cents => 200, refund_ref => 're_1');
SELECT valid, reason FROM coursebase.validate_discount(:'ada', product_type => 'course', base_in_cents => 700, currency => 'USD');

-- What may not be NULL is named where it is left out.
SAVEPOINT whole;
\set VERBOSITY sqlstate
SELECT coursebase.save_product(name => 'Calm');
\set VERBOSITY default
ROLLBACK TO whole;
SELECT coursebase.refund_payment(charge_id => 'ch_1', amount_in_cents => 200);
ROLLBACK TO whole;
SELECT coursebase.validate_discount(:'ada', 'CODE');
ROLLBACK TO whole;
SELECT coursebase.redeem_discount(:'ada', 'CODE', 'course', 700, 'USD');
ROLLBACK;
