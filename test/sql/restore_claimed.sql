-- Promise: a dump is restored by who has the rights of the tables' owner. The server's role that says so by the setting
-- of dumps is bound as before: by required signatures, by the machine of subscriptions and by the audit trail.
\pset format unaligned
\pset tuples_only on
BEGIN;
SET LOCAL client_min_messages = warning;
CREATE ROLE regress_claims_server BYPASSRLS;
SELECT coursebase.grant_roles(NULL, NULL, 'regress_claims_server');
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    ('00000000-0000-4000-8000-0000000005a1', 'claimed_ada', 'Ada', 'ada@example.org');
INSERT INTO coursebase.courses (id, title, description) VALUES ('00000000-0000-4000-8000-0000000005d1', 'One', '');
SELECT coursebase.save_product(NULL, 'P', '', '/p.png', 1, 'public', ARRAY['00000000-0000-4000-8000-0000000005d1'::uuid]) AS product \gset
UPDATE coursebase.settings SET value = 'stripe app_store' WHERE name = 'require_signature';
SELECT count(*) AS recorded FROM coursebase.audit_events \gset
SET LOCAL ROLE regress_claims_server;
-- In one transaction that is begun by the setting.
SET check_function_bodies = off;
SAVEPOINT claimed;
INSERT INTO coursebase.purchases (user_id, product_id, stripe_session_id, price_paid_in_cents, product_details)
VALUES ('00000000-0000-4000-8000-0000000005a1', :'product', 'cs_invented', 100, '{"name": "", "description": "", "imageUrl": ""}');
ROLLBACK TO claimed;
INSERT INTO coursebase.subscriptions (user_id, plan, status) VALUES ('00000000-0000-4000-8000-0000000005a1', 'premium', 'active');
ROLLBACK TO claimed;
-- A gift and a role are recorded all the same.
INSERT INTO coursebase.course_grants (user_id, course_id) VALUES ('00000000-0000-4000-8000-0000000005a1', '00000000-0000-4000-8000-0000000005d1');
UPDATE coursebase.users SET role = 'admin' WHERE id = '00000000-0000-4000-8000-0000000005a1';
RESET ROLE;
SELECT count(*) - :recorded AS recorded_now FROM coursebase.audit_events;
ROLLBACK;
RESET check_function_bodies;
