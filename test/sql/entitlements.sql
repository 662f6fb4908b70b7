-- Promise: a subscription product gives what store_product_entitlements says, premium where it says nothing; several
-- entitlements are held at once, and of each thing that they give the largest counts, not the sum.
\getenv abs_srcdir PG_ABS_SRCDIR
\set ada '\'00000000-0000-4000-8000-00000000e701\''
\set bob '\'00000000-0000-4000-8000-00000000e702\''
\set may '\'2026-05-10 12:00+00\''
\set held 'SELECT string_agg(n.name, '' '' ORDER BY n.name) FROM coursebase.entitlements n WHERE coursebase.has_entitlement(n.name, '
\pset format unaligned
\pset tuples_only on
\pset null null
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
BEGIN;
INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
    (:ada, 'plans_ada', 'Ada', 'plans_ada@example.org'), (:bob, 'plans_bob', 'Bob', 'plans_bob@example.org');
INSERT INTO coursebase.courses (id, course_code, title, description, in_premium)
SELECT ('00000000-0000-4000-8000-00000000e71' || n)::uuid, 'C7' || n || 'PLN', 'Course ' || n, '', true FROM generate_series(1, 5) n;
CREATE FUNCTION pg_temp.store(who uuid, line text, product text, happened text, ends text, event text DEFAULT 'created') RETURNS text LANGUAGE sql AS $$
    SELECT status FROM coursebase.apply_subscription_event(who, json_build_object('store', 'app_store', 'environment', 'production',
        'store_event_id', line || happened, 'original_transaction_id', line, 'transaction_id', line || happened, 'event_type', event,
        'event_time', happened || 'T00:00:00Z', 'period_end', ends || 'T00:00:00Z', 'product_id', product), '2026-05-01') $$;
CREATE FUNCTION pg_temp.credits(who uuid, at timestamptz) RETURNS text LANGUAGE sql AS $$
    SELECT b.weekly_limit_credits::text FROM coursebase.credit_balance(who, at) b $$;
UPDATE coursebase.entitlements SET weekly_credits = 1000, course_slots = 1 WHERE name = 'premium';
INSERT INTO coursebase.entitlements (name, weekly_credits, course_slots, covers_every_course) VALUES
    ('chat', 5000, 0, false), ('gold', 3000, 3, false), ('library', 0, 0, true);
INSERT INTO coursebase.store_product_entitlements (product_id, entitlement) VALUES
    ('chat_monthly', 'chat'), ('gold_yearly', 'gold'), ('gold_yearly', 'premium'), ('library', 'library');

-- Where nothing is said, premium; names of products with the prefix of a store and the suffix of a discount.
UPDATE coursebase.settings SET value = 'org.example.' WHERE name = 'store_product_prefixes';
SELECT pg_temp.store(:ada, 'a1', 'Org.Example.plain', '2026-05-01', '2026-07-01');
:held :ada, :may);
SELECT pg_temp.store(:bob, 'b1', 'Org.Example.Chat_Monthly_x2', '2026-05-01', '2026-06-01');
:held :bob, :may);
SELECT coursebase.has_premium(:ada, :may), coursebase.has_premium(:bob, :may), pg_temp.credits(:ada, :may), pg_temp.credits(:bob, :may);
-- An entitlement without slots gives no course, and says why.
SELECT reason, detail FROM coursebase.explain_entitlement('premium', :bob, :may);
\set SHOW_CONTEXT never
\set VERBOSITY terse
SAVEPOINT refused;
SELECT * FROM coursebase.choose_premium_course(:bob, '00000000-0000-4000-8000-00000000e711', NULL, :may);
ROLLBACK TO refused;
SELECT coursebase.has_entitlement('goold', :bob, :may);
ROLLBACK TO refused;
SELECT coursebase.has_entitlement(NULL, :bob, :may);
ROLLBACK TO refused;

-- Three at once: the largest of each.
SELECT pg_temp.store(:bob, 'b2', 'gold_yearly', '2026-05-02', '2027-05-02'), pg_temp.store(:bob, 'b3', 'plain', '2026-05-03', '2026-06-03');
:held :bob, :may);
:held :bob, '2026-06-10');
:held :bob, '2026-05-01 12:00+00');
SELECT pg_temp.credits(:bob, :may), pg_temp.credits(:bob, '2026-06-10');
SELECT count(slot_id) FROM generate_series(1, 3) n, coursebase.choose_premium_course(:bob, ('00000000-0000-4000-8000-00000000e71' || n)::uuid, NULL, :may);
SAVEPOINT refused;
SELECT * FROM coursebase.choose_premium_course(:bob, '00000000-0000-4000-8000-00000000e714', NULL, :may);
ROLLBACK TO refused;
SELECT pg_temp.store(:bob, 'b4', 'library', '2026-05-04', '2026-05-20');
SELECT cardinality(coursebase.accessible_course_ids(:bob, at)) FROM unnest(ARRAY['2026-05-03', '2026-05-10', '2026-05-20']::timestamptz[]) at;
SELECT passed, reason, detail FROM unnest(ARRAY['2026-05-10', '2026-05-20']::timestamptz[]) at, coursebase.explain_course_access('00000000-0000-4000-8000-00000000e715', :bob, at) WHERE rule = 'premium';
SELECT title, source, until FROM coursebase.my_courses(:bob, :may) WHERE title = 'Course 5';

-- A line that changes its product: each time has the product of that time.
SELECT pg_temp.store(:ada, 'a1', 'library', '2026-05-15', '2026-07-01', 'product_changed');
:held :ada, :may);
:held :ada, '2026-05-15');
SELECT cardinality(coursebase.accessible_course_ids(:ada, at)) FROM unnest(ARRAY['2026-05-14 23:00+00', '2026-05-15', '2026-05-14 23:00+00', '2026-07-01']::timestamptz[]) at;

-- Phones are told by name; an answer is made anew when a row changes.
SELECT h -> 'subscription' ->> 'plan', h -> 'subscription' -> 'entitlements', h -> 'premium_slots' -> 'limit' FROM coursebase.handshake(:bob, '{}', :may) h;
SELECT h -> 'subscription' ->> 'plan', h -> 'subscription' -> 'entitlements', h -> 'premium_slots' -> 'limit' FROM coursebase.handshake(:bob, '{}', '2026-06-10') h;
UPDATE coursebase.entitlements SET course_slots = 4 WHERE name = 'gold';
SELECT h -> 'premium_slots' -> 'limit' FROM coursebase.handshake(:bob, '{}', '2026-06-10') h;
SAVEPOINT change;
DELETE FROM coursebase.store_product_entitlements;
:held :bob, '2026-06-10');
ROLLBACK TO change;
:held :bob, '2026-06-10');
SELECT action, object, old, new FROM coursebase.audit_events WHERE action LIKE '%entitlement_changed' ORDER BY object, old::text NULLS FIRST, new::text;

-- Events tell of each by its name, and of what time ends.
\i :abs_srcdir/fixtures/helpers/told.sql
SELECT pg_temp.store(:ada, 'a9', 'gold_yearly', '2096-01-01', '2096-02-01');
:told
SELECT at, subject, source FROM coursebase.access_turns('2096-01-01', '2097-01-01');
SELECT * FROM coursebase.check_billing();
ROLLBACK;
