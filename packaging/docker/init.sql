-- Runs once, when the database is made: the extension, the three parts that a caller plays, the schema that PostgREST shows,
-- and PostgREST's own role.
\set ON_ERROR_STOP on
\getenv gateway_password GATEWAY_PASSWORD
CREATE EXTENSION coursebase;
CREATE ROLE app_anonymous;
CREATE ROLE app_user;
CREATE ROLE app_server BYPASSRLS;
SELECT coursebase.grant_roles('app_anonymous', 'app_user', 'app_server');
SELECT count(*) > 0 AS made FROM coursebase.make_api('api');
CREATE ROLE app_gateway LOGIN NOINHERIT PASSWORD :'gateway_password';
GRANT app_anonymous, app_user, app_server TO app_gateway;
ALTER ROLE app_gateway SET coursebase.http_errors = on;
