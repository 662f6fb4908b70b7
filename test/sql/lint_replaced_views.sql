-- Promise: lint() names a view, a function, a key or a reference that has our name and says something else, and what it advises brings
-- ours back; what a dump writes in other words, and the operator's own columns, keys and views, it leaves alone.
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
\set lint 'SELECT rule, object, advice FROM coursebase.lint();'
\set install 'SELECT object, action FROM coursebase.install();'
BEGIN;
-- The operator's own, and another name for a key.
CREATE VIEW coursebase.own AS SELECT s.* FROM coursebase.storefront_products s;
ALTER TABLE coursebase.products ADD COLUMN own_note text, ADD CONSTRAINT own_key UNIQUE (own_note);
ALTER TABLE coursebase.course_products RENAME CONSTRAINT course_products_pkey TO own_pkey;
SELECT object FROM coursebase.install() WHERE object LIKE 'constraint %';
:lint
-- As a dump writes them, twice: a view that is made anew reads no worse.
DO $$
DECLARE made text;
BEGIN
    FOR i IN 1..2 LOOP
        FOR made IN
            SELECT format('CREATE OR REPLACE VIEW %s WITH (security_invoker = true) AS %s', c.oid::regclass, pg_get_viewdef(c.oid))
            FROM pg_class c WHERE c.relkind = 'v' AND c.relnamespace = 'coursebase'::regnamespace AND c.relname <> 'own'
            UNION ALL
            SELECT format('ALTER TABLE %s DROP CONSTRAINT %I, ADD CONSTRAINT %2$I %s', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid))
            FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid AND c.relkind = 'r'
            WHERE k.contype = 'f' AND k.connamespace = 'coursebase'::regnamespace
        LOOP
            EXECUTE made;
        END LOOP;
    END LOOP;
END $$;
:lint
SAVEPOINT sound;

-- Views: another condition; other columns; something else in its place. What reads one that differs is not judged.
CREATE OR REPLACE VIEW coursebase.purchase_history WITH (security_invoker = true) AS
SELECT s.id AS purchase_id, s.user_id, s.product_id, s.product_details ->> 'name' AS product_name,
    s.product_details ->> 'description' AS product_description, s.product_details ->> 'imageUrl' AS product_image_url,
    s.price_paid_in_cents, s.refunded_in_cents, s.created_at AS purchased_at
FROM coursebase.purchases s
ORDER BY s.created_at DESC, s.id;
:lint
:install
DROP VIEW coursebase.own;
DROP VIEW coursebase.storefront_products;
CREATE VIEW coursebase.storefront_products WITH (security_invoker = true) AS SELECT id AS product_id, price_dollars FROM coursebase.products;
:lint
DROP VIEW coursebase.storefront_products;
:install
:lint
ROLLBACK TO sound;
ALTER VIEW coursebase.purchase_history RENAME COLUMN purchased_at TO bought_at;
:lint
SELECT removal FROM coursebase.replaced_objects()
\gexec
SELECT count(*) > 0 AS made FROM coursebase.install();
:lint
DROP VIEW coursebase.purchase_history;
DROP VIEW coursebase.user_access;
CREATE TYPE coursebase.purchase_history AS (purchase_id uuid);
CREATE MATERIALIZED VIEW coursebase.user_access AS SELECT 1 AS one;
SELECT * FROM coursebase.replaced_objects();
SELECT removal FROM coursebase.replaced_objects()
\gexec
SELECT count(*) > 0 AS made FROM coursebase.install();
:lint
ROLLBACK TO sound;

-- Functions: another language and source, another symbol, a setting that is gone, another volatility; not another cost.
CREATE OR REPLACE FUNCTION coursebase.is_admin() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS 'SELECT true';
CREATE OR REPLACE FUNCTION coursebase.current_user_id() RETURNS uuid LANGUAGE c STABLE PARALLEL SAFE AS '$libdir/coursebase', 'coursebase_own_from';
ALTER FUNCTION coursebase.take_events RESET jit;
ALTER FUNCTION coursebase.json_checksum VOLATILE;
ALTER FUNCTION coursebase.check_credits COST 200;
:lint
SET LOCAL coursebase.allow_drop = on;
DROP EXTENSION coursebase CASCADE;
CREATE EXTENSION coursebase;
:lint
ROLLBACK TO sound;

-- Keys and references: other columns, another action, another time, another kind.
ALTER TABLE coursebase.user_profile DROP CONSTRAINT user_profile_user_id_fkey,
    ADD CONSTRAINT user_profile_user_id_fkey FOREIGN KEY (user_id) REFERENCES coursebase.users (id) ON DELETE NO ACTION;
ALTER TABLE coursebase.course_products DROP CONSTRAINT course_products_pkey,
    ADD CONSTRAINT course_products_pkey PRIMARY KEY (product_id, course_id);
ALTER TABLE coursebase.lessons DROP CONSTRAINT lessons_section_id_order_key,
    ADD CONSTRAINT lessons_section_id_order_key UNIQUE (section_id, "order");
ALTER TABLE coursebase.users DROP CONSTRAINT users_clerk_user_id_key,
    ADD CONSTRAINT users_clerk_user_id_key CHECK (clerk_user_id <> '');
-- ON DELETE SET NULL of one column is replaced by that of all.
ALTER TABLE coursebase.course_entitlements DROP CONSTRAINT course_entitlements_membership_id_organization_id_user_id_fkey,
    ADD CONSTRAINT course_entitlements_membership_id_organization_id_user_id_fkey FOREIGN KEY (membership_id, organization_id, user_id)
        REFERENCES coursebase.memberships (id, organization_id, user_id) ON DELETE SET NULL;
:lint
SELECT removal FROM coursebase.replaced_objects()
\gexec
:install
:lint
ROLLBACK;
