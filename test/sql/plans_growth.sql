-- Promise: a session whose first sales, grants and events came when the tables were empty and vacuumed reads no more
-- for each later one: it keeps plans by index, however many rows one transaction brings.
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
VACUUM ANALYZE;
BEGIN;
\set person '(\'00000000-0000-4000-8000-00000b0\' || lpad(n::text, 5, \'0\'))::uuid'
SELECT count(*) FROM generate_series(1, 400) n, coursebase.upsert_user('growth_' || n, 'Person', 'p' || n || '@example.org', user_id => :person);
INSERT INTO coursebase.courses (id, title, description) VALUES ('00000000-0000-4000-8000-00000b0c0001', 'Sold', ''), ('00000000-0000-4000-8000-00000b0c0002', 'Given', '');
INSERT INTO coursebase.products (id, name, description, image_url, price_dollars) VALUES ('00000000-0000-4000-8000-00000b0d0001', 'Product', '', '/p.png', 1);
INSERT INTO coursebase.course_products (product_id, course_id) VALUES ('00000000-0000-4000-8000-00000b0d0001', '00000000-0000-4000-8000-00000b0c0001');
UPDATE coursebase.products SET status = 'public' WHERE id = '00000000-0000-4000-8000-00000b0d0001';
-- What a program does for one person after the other, each a statement of its own.
\set sale 'SELECT format(\'SELECT FROM coursebase.complete_purchase(%L, %L, %L, 100, %L)\', :person, \'00000000-0000-4000-8000-00000b0d0001\', \'cs_growth_\' || n, \'paid\')'
\set grant 'SELECT format(\'INSERT INTO coursebase.user_course_access (user_id, course_id) VALUES (%L, %L)\', :person, \'00000000-0000-4000-8000-00000b0c0002\')'
\set refund 'SELECT format(\'UPDATE coursebase.purchases SET refunded_at = now() WHERE stripe_session_id = %L\', \'cs_growth_\' || n)'
\set event 'SELECT format(\'SELECT FROM coursebase.apply_subscription_event(%L, %L)\', :person, json_build_object(\'store\', \'google_play\', \'environment\', \'production\', \'store_event_id\', \'growth \' || n, \'event_type\', \'created\', \'event_time\', \'2026-01-01T00:00:00Z\', \'period_end\', \'2126-02-01T00:00:00Z\', \'original_transaction_id\', \'growth \' || n))'
\set replaced 'SELECT format(\'SELECT FROM coursebase.apply_subscription_event(%L, %L)\', :person, json_build_object(\'store\', \'google_play\', \'environment\', \'production\', \'store_event_id\', \'replaced \' || n, \'event_type\', \'created\', \'event_time\', \'2026-01-02T00:00:00Z\', \'period_end\', \'2126-03-01T00:00:00Z\', \'original_transaction_id\', \'replaced \' || n, \'linked_purchase_token\', \'growth \' || n))'
\set credits 'SELECT format(\'SELECT FROM coursebase.consume_credits(%L, 1, %L)\', :person, \'growth \' || n)'
\set handshake 'SELECT format(\'SELECT length(coursebase.handshake(%L, %L)::text) > 0\', :person, \'{}\')'
\set brought 'SELECT format(\'UPDATE coursebase.user_profile SET referred_by = %L WHERE user_id = (%L)\', \'00000000-0000-4000-8000-00000b000001\', :person)'
\set follows 'SELECT format(\'INSERT INTO coursebase.discount_codes (id, code, product_type, percent_off, parent_code_id) VALUES (md5(%1$L)::uuid, %1$L, %2$L, 1, md5(%3$L)::uuid)\', \'GROWTH\' || n, \'course\', \'GROWTH0\')'
\set ECHO none
\o /dev/null
:sale FROM generate_series(1, 400) n \gexec
:grant FROM generate_series(1, 400) n \gexec
:event FROM generate_series(1, 400) n \gexec
:replaced FROM generate_series(1, 400) n \gexec
:credits FROM generate_series(1, 400) n \gexec
:handshake FROM generate_series(1, 400) n \gexec
:refund FROM generate_series(1, 400) n \gexec
INSERT INTO coursebase.discount_codes (id, code, product_type, percent_off) VALUES (md5('GROWTH0')::uuid, 'GROWTH0', 'course', 1);
:brought FROM generate_series(2, 400) n \gexec
:follows FROM generate_series(1, 400) n \gexec
\o
\set ECHO all
-- Three thousand calls read what is theirs; one that read the whole table or all entries of a product each time would be at 80,000.
SELECT c.relname, pg_stat_get_xact_tuples_returned(c.oid) FROM pg_class c
WHERE c.relnamespace = 'coursebase'::regnamespace AND c.relkind IN ('r', 'i') AND pg_stat_get_xact_tuples_returned(c.oid) > 40000 ORDER BY 1;
ROLLBACK;
