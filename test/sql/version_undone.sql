-- Promise: tables that were current for a while, in a transaction or to a savepoint that was rolled back, are as old as
-- they were before, also for the session that found them current.
\set VERBOSITY terse
SELECT version AS now FROM coursebase.schema_version \gset
BEGIN;
UPDATE coursebase.schema_version SET version = '0.1';
SAVEPOINT upgraded;
UPDATE coursebase.schema_version SET version = :'now';
SELECT coursebase.assert_schema_current();
ROLLBACK TO upgraded;
SELECT coursebase.assert_schema_current();
ROLLBACK;
SELECT coursebase.assert_schema_current();
UPDATE coursebase.schema_version SET version = '0.1';
\c
BEGIN;
UPDATE coursebase.schema_version SET version = :'now';
SELECT coursebase.assert_schema_current();
ROLLBACK;
SELECT coursebase.assert_schema_current();
UPDATE coursebase.schema_version SET version = :'now';
SELECT coursebase.assert_schema_current();
