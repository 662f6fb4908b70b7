-- Promise: lint() names a policy, a CHECK or a trigger that has our name and says something else, and what it advises brings ours back;
-- the operator's own objects, and what a dump writes in other words, it leaves alone.
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
\set lint 'SELECT rule, object, advice FROM coursebase.lint();'
BEGIN;
CREATE ROLE regress_replacing;
-- The operator's own.
CREATE POLICY own ON coursebase.users FOR SELECT USING (true);
ALTER TABLE coursebase.users ADD CONSTRAINT users_own_check CHECK (name <> 'nobody');
CREATE TRIGGER own BEFORE UPDATE ON coursebase.users FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
-- As a dump writes them.
DO $$
DECLARE made text;
BEGIN
    FOR made IN
        SELECT format('ALTER TABLE %s DROP CONSTRAINT %I, ADD CONSTRAINT %2$I %s', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid))
        FROM pg_constraint k WHERE k.contype = 'c' AND k.conrelid <> 0 AND k.connamespace = 'coursebase'::regnamespace
        UNION ALL
        SELECT format('DROP TRIGGER %I ON %s; %s', t.tgname, t.tgrelid::regclass, pg_get_triggerdef(t.oid))
        FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid AND c.relnamespace = 'coursebase'::regnamespace
        WHERE NOT t.tgisinternal AND t.tgenabled = 'O'
        UNION ALL
        SELECT format('DROP POLICY %I ON %s; CREATE POLICY %1$I ON %2$s FOR %s%s%s', p.polname, p.polrelid::regclass,
            CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
            ' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', ' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')')
        FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid AND c.relnamespace = 'coursebase'::regnamespace
    LOOP
        EXECUTE made;
    END LOOP;
END $$;
:lint
SAVEPOINT sound;

-- Another expression, command, role; for fewer.
DROP POLICY self_select_own ON coursebase.users;
CREATE POLICY self_select_own ON coursebase.users FOR SELECT USING (true);
DROP POLICY self_update_own ON coursebase.user_profile;
CREATE POLICY self_update_own ON coursebase.user_profile FOR ALL USING (user_id = (SELECT coursebase.current_user_id()))
    WITH CHECK (user_id = (SELECT coursebase.current_user_id()));
ALTER POLICY self_select_own ON coursebase.user_cohorts TO regress_replacing;
ALTER POLICY self_update_own ON coursebase.users WITH CHECK (true);
DROP POLICY self_select_own ON coursebase.user_profile;
CREATE POLICY self_select_own ON coursebase.user_profile AS RESTRICTIVE FOR SELECT
    USING (user_id BETWEEN (SELECT coursebase.own_from()) AND (SELECT coursebase.own_to()));
:lint
SELECT count(*) FROM coursebase.install();
:lint
ROLLBACK TO sound;

-- Triggers: another condition, function, argument, time, column; one at the end of a transaction.
CREATE OR REPLACE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.users FOR EACH ROW WHEN (NEW.name IS NULL) EXECUTE FUNCTION coursebase.tg_any__stamp();
CREATE OR REPLACE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.courses FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
CREATE OR REPLACE TRIGGER t300_guard BEFORE UPDATE ON coursebase.organizations
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__guard_columns('name', 'slug', 'currency', 'platform_tier');
CREATE OR REPLACE TRIGGER t100_time_zone BEFORE INSERT ON coursebase.organizations FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__time_zone();
CREATE OR REPLACE TRIGGER t600_forget AFTER UPDATE OF name ON coursebase.users FOR EACH ROW
    WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL) EXECUTE FUNCTION coursebase.tg_users__forget();
DROP TRIGGER t900_has_course ON coursebase.products;
CREATE CONSTRAINT TRIGGER t900_has_course AFTER INSERT ON coursebase.products FOR EACH ROW WHEN (false) EXECUTE FUNCTION coursebase.tg_any__stamp();
:lint
DROP TRIGGER t900_has_course ON coursebase.products;
SELECT object FROM coursebase.install();
:lint
ROLLBACK TO sound;

-- Triggers that fire sooner or later than ours: at the end of a transaction, and no more then.
DROP TRIGGER t900_has_course ON coursebase.products;
CREATE TRIGGER t900_has_course AFTER INSERT OR UPDATE ON coursebase.products
    FOR EACH ROW WHEN (NEW.status = 'public') EXECUTE FUNCTION coursebase.tg_any__product_has_course('id');
DROP TRIGGER t900_has_course ON coursebase.course_products;
CREATE CONSTRAINT TRIGGER t900_has_course AFTER UPDATE OR DELETE ON coursebase.course_products
    DEFERRABLE FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__product_has_course('product_id');
DROP TRIGGER t300_currency ON coursebase.organizations;
CREATE CONSTRAINT TRIGGER t300_currency AFTER UPDATE ON coursebase.organizations DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (OLD.currency <> NEW.currency) EXECUTE FUNCTION coursebase.tg_organizations__currency();
:lint
DROP TRIGGER t900_has_course ON coursebase.products;
DROP TRIGGER t900_has_course ON coursebase.course_products;
DROP TRIGGER t300_currency ON coursebase.organizations;
SELECT object FROM coursebase.install();
:lint
ROLLBACK TO sound;

-- A CHECK that lets more through.
ALTER TABLE coursebase.users DROP CONSTRAINT users_name_at_most_200_characters_check,
    ADD CONSTRAINT users_name_at_most_200_characters_check CHECK (length(name) <= 20000);
:lint
SELECT object FROM coursebase.install();
ALTER TABLE coursebase.users DROP CONSTRAINT users_name_at_most_200_characters_check;
SELECT object FROM coursebase.install();
:lint

-- A function that somebody planted makes a call that of either: lint() tells who could do it, and of the rest.
SAVEPOINT planted;
GRANT CREATE ON SCHEMA coursebase TO regress_replacing;
CREATE FUNCTION coursebase.staff_organization_ids(planted integer DEFAULT 0) RETURNS uuid[] LANGUAGE sql AS 'SELECT NULL::uuid[]';
ALTER POLICY self_select_own ON coursebase.users USING (true);
:lint
ROLLBACK TO planted;

-- A function with the rights of its owner; and no answer where something is missing.
ALTER FUNCTION coursebase.purge_logs SECURITY DEFINER;
ALTER POLICY self_select_own ON coursebase.users USING (true);
SET LOCAL coursebase.allow_drop = on;
ALTER TABLE coursebase.users DROP COLUMN image_url CASCADE;
:lint
ROLLBACK;
