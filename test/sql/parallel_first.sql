-- Promise: a session whose first call of a function stands in a query that runs in parallel has its claims and settings in
-- that query, in each of its processes, and after it.
-- If it fails: a setting that the library defines lacks COMPAT_GUC_ALLOW_IN_PARALLEL.
\pset format unaligned
\pset tuples_only on
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET enable_indexscan = off;
SET enable_indexonlyscan = off;
SET request.jwt.claims = '{"sub": "parallel_nobody"}';
SET coursebase.http_errors = on;
SET coursebase.allow_drop = on;
-- Nothing before this has loaded the library; has_premium() has a SET, and such a function is loaded when it runs.
SELECT DISTINCT current_setting('request.jwt.claims'), current_setting('coursebase.http_errors'), current_setting('coursebase.allow_drop')
FROM pg_catalog.pg_attribute WHERE NOT coursebase.has_premium();
SELECT current_setting('request.jwt.claims'), current_setting('coursebase.http_errors'), current_setting('coursebase.allow_drop');
SELECT reason FROM coursebase.whoami();
CREATE FUNCTION pg_temp.plan() RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE 'EXPLAIN SELECT FROM pg_catalog.pg_attribute WHERE NOT coursebase.has_premium()';
END $$;
SELECT count(*) AS "parallel" FROM pg_temp.plan() AS line WHERE line ~ 'Gather';
