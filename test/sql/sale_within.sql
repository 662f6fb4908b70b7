-- Promise: a BEFORE trigger of the operator's writes the terms of a purchase and finds none there, in complete_purchase() as in
-- plain SQL; and access that adopt() took over belongs to a sale that follows in the same transaction, as access of plain SQL does.
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
SET LOCAL TimeZone = 'UTC';
\set person '(\'00000000-0000-4000-8000-00000b40000\' || n)::uuid'
\set course '\'00000000-0000-4000-8000-00000b4c0001\''
\set product '\'00000000-0000-4000-8000-00000b4d0001\''
\set details '\'{"name": "Product", "description": "", "imageUrl": "/p.png"}\''
INSERT INTO coursebase.users (id, clerk_user_id, name, email) SELECT :person, 'within_' || n, 'Person', 'p@example.org' FROM generate_series(1, 8) n;
INSERT INTO coursebase.courses (id, title, description) VALUES (:course, 'Course', '');
INSERT INTO coursebase.products (id, name, description, image_url, price_dollars, access_until) VALUES (:product, 'Product', '', '/p.png', 1, '2060-01-01');
INSERT INTO coursebase.course_products (product_id, course_id) VALUES (:product, :course);
CREATE FUNCTION pg_temp.terms() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.stripe_session_id LIKE '% days' AND num_nonnulls(NEW.access_days, NEW.access_until) = 0 THEN
        NEW.access_days := 20000;
    END IF;
    IF NEW.stripe_session_id LIKE '% none' THEN
        NEW.access_until := NULL;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER z_terms BEFORE INSERT ON coursebase.purchases FOR EACH ROW EXECUTE FUNCTION pg_temp.terms();
-- Another sale within a sale: each has the terms of its own product.
INSERT INTO coursebase.products (id, name, description, image_url, price_dollars) VALUES ('00000000-0000-4000-8000-00000b4d0002', 'For ever', '', '/p.png', 1);
INSERT INTO coursebase.course_products (product_id, course_id) VALUES ('00000000-0000-4000-8000-00000b4d0002', :course);
CREATE FUNCTION pg_temp.sell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.stripe_session_id LIKE '% within' THEN
        PERFORM coursebase.complete_purchase(NEW.user_id, '00000000-0000-4000-8000-00000b4d0002', 'inner', 100, 'paid');
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER a_sell AFTER INSERT ON coursebase.purchases FOR EACH ROW EXECUTE FUNCTION pg_temp.sell();
SELECT status FROM generate_series(1, 3) n, coursebase.complete_purchase(:person, :product, n || (ARRAY[' days', ' none', ' within'])[n], 100, 'paid', '2026-01-01');
INSERT INTO coursebase.purchases (user_id, product_id, stripe_session_id, price_paid_in_cents, created_at, product_details)
SELECT :person, :product, n || (ARRAY[' days', ' none', ' within'])[n - 3], 100, '2026-01-01', :details FROM generate_series(4, 5) n;
SELECT s.stripe_session_id, s.access_days, s.access_until, g.expires_at FROM coursebase.purchases s LEFT JOIN coursebase.course_grants g ON g.purchase_id = s.id
WHERE s.user_id IN (SELECT :person FROM generate_series(1, 8) n) ORDER BY 1;
-- Access that came while triggers were off.
UPDATE coursebase.products SET access_until = NULL WHERE id = :product;
SET LOCAL session_replication_role = replica;
INSERT INTO coursebase.user_course_access (user_id, course_id) SELECT :person, :course FROM generate_series(6, 7) n;
SET LOCAL session_replication_role = origin;
SELECT * FROM coursebase.adopt() WHERE what LIKE 'direct%';
SELECT status FROM generate_series(6, 6) n, coursebase.complete_purchase(:person, :product, n::text, 100, 'paid', '2026-01-01');
INSERT INTO coursebase.purchases (user_id, product_id, stripe_session_id, price_paid_in_cents, product_details) SELECT :person, :product, n::text, 100, :details FROM generate_series(7, 7) n;
UPDATE coursebase.purchases SET refunded_at = now() WHERE stripe_session_id IN ('6', '7');
SELECT count(*) FROM coursebase.user_course_access WHERE user_id IN (SELECT :person FROM generate_series(6, 7) n);
ROLLBACK;
