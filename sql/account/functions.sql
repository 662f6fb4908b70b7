-- A person's account over all slices: closing it, handing its data out, and what an administrator sees of the business.

CREATE FUNCTION coursebase.tg_users__close()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_users__close';
COMMENT ON FUNCTION coursebase.tg_users__close() IS
    'BEFORE DELETE of users: locks the person''s notifications, which the key to users changes next. BEFORE UPDATE that sets deleted_at: locks the row as for another key, and takes picture, role and external id away, and name and email unless the statement wrote words such as "Deleted User" or "redacted@example.org". deleted_at back to NULL is refused (KB401) unless the statement writes an external id. Ends with KB007 instead of waiting in a ring. Stands back while a dump is restored.';

CREATE FUNCTION coursebase.tg_users__forget()
RETURNS trigger
LANGUAGE c
VOLATILE
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_tg_users__forget';
COMMENT ON FUNCTION coursebase.tg_users__forget() IS
    'AFTER UPDATE of users that set deleted_at: removes everything personal from the other tables, as delete_user() does. Writes with the rights of the tables'' owner; stands back while a dump is restored.';

CREATE FUNCTION coursebase.admin_dashboard()
RETURNS json
LANGUAGE c
STABLE
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_admin_dashboard';
COMMENT ON FUNCTION coursebase.admin_dashboard() IS
    'Answers the figures that an administrator sees first. For administrators and the server; reads with the rights of the tables'' owner.

Answers {sales_in_cents, refunded_in_cents, net_sales_in_cents, purchases, refunded_purchases, net_purchases, customers (people with a purchase that was not refunded), students (people with a course by sale or grant), users (open accounts), products, courses, sections, lessons (how many there are), per_product [{product_id, name, status, sales_in_cents, refunded_in_cents, net_sales_in_cents, purchases, refunded_purchases, customers}], the product with the highest net sales first}. Sales are those of the table purchases, in minor units.

Source: the product''s page for administrators.
Raises: 42501 (the caller is no administrator and not the server).';
GRANT EXECUTE ON FUNCTION coursebase.admin_dashboard() TO end_user, server;

CREATE FUNCTION coursebase.delete_user(user_id uuid, at timestamptz DEFAULT now())
RETURNS timestamptz
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_delete_user';
COMMENT ON FUNCTION coursebase.delete_user(uuid, timestamptz) IS
    'Closes an account and removes everything personal: name, e-mail, profile, settings, contents of custom courses, logs; gives reservations, checkouts, links and memberships up; and frees the external id for a new person, after as many days as the setting closed_id_days says. What accounting needs stays under the bare id: purchases, receipts, payments, events of subscriptions, logs of credits, redemptions. Answers when the account was closed. Another call removes what has been written about the person since, and answers the first time. For the server; writes with the rights of the tables'' owner, under the lock of the user. An organisation''s last owner is refused (KBA01, by a trigger of memberships).

user_id: the person. at: when the account is closed. Neither may be NULL.

Source: the product''s rule that a person who leaves takes everything personal along.
Raises: 22004 (an argument is NULL), 22008 (at is not finite), KB106 (no such user).';
GRANT EXECUTE ON FUNCTION coursebase.delete_user(uuid, timestamptz) TO server;

CREATE FUNCTION coursebase.merge_users(
    keep uuid,
    gone uuid,
    at timestamptz DEFAULT now()
)
RETURNS timestamptz
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_merge_users';
COMMENT ON FUNCTION coursebase.merge_users(uuid, uuid, timestamptz) IS
    'Makes two accounts of one person one: purchases and rights, programs, progress with the earlier completion, credits (both banks, and the week''s use of both), subscriptions, receipts, documents, custom courses, discounts, memberships and what was brought by referral go to the account that is kept. The other is closed, and its id and external id lead to the kept one from then on: a token with the old subject acts as the kept person. A use of a discount code that both have used stays with the closed account; a credit for bringing the other is revoked. Answers when the account was closed. Another call moves what has been written about it since, and answers the first time. For the server; writes with the rights of the tables'' owner under the locks of both people, with triggers off, also those of the user, and is audited (account_merged).

keep: the account that stays; it must be open. gone: the one that is closed. at: when. No argument may be NULL.

Refused (KB402, with the reasons in the detail) where two truths cannot be one: one of them is an administrator; gone is the last owner of an organisation; their roles in an organisation differ; both have a checkout of one program under way, or one waits to pay for it and the other''s access was revoked; of one course in one voice both have a purchase, and one waits for its payment; together they chose more courses for slots than any entitlement gives; both have a subscription that its store did not name, such as one given by hand; both bought credits, and a refund waits for credits that are spent; each brought somebody who brought the other.

Source: the product''s rule that a person who signed up twice is one person.
Raises: 22004 (an argument is NULL), 22008 (at is not finite), 22023 (both are the same account), KB106 (there is no such account, or it is closed, or it was merged into another), KB402 (two truths cannot be one).';
GRANT EXECUTE ON FUNCTION coursebase.merge_users(uuid, uuid, timestamptz) TO server;

CREATE FUNCTION coursebase.merge_guests(
    keep uuid,
    gone uuid,
    at timestamptz DEFAULT now()
)
RETURNS timestamptz
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_merge_guests';
COMMENT ON FUNCTION coursebase.merge_guests(uuid, uuid, timestamptz) IS
    'Does with what organisations have of two people what merge_users() did with their accounts in the cell in which they live: memberships, payments, programs and progress go to the one that is kept. Called on home, after merge_users() in that cell. Until then a token with the old subject acts on home as the account that is closed. Answers when the guest was closed; another call moves what has been written about it since. For the server; writes with the rights of the tables'' owner under the locks of both people, with triggers off, also those of the user, and is audited (account_merged).

keep: the account that stays. gone: the one that was closed. at: when. No argument may be NULL.

Refused (KB402, with the reasons in the detail) where one of them lives on home; where gone is the last owner of an organisation, or their roles in one differ; where both have a checkout of one program under way, or one waits to pay for it and the other''s access was revoked.

Raises: 22004 (an argument is NULL), 22008 (at is not finite), 22023 (both are the same account), KB106 (there is no such person, or the guest is closed), KB402 (two truths cannot be one), KBC04 (this server is not home).';
GRANT EXECUTE ON FUNCTION coursebase.merge_guests(uuid, uuid, timestamptz) TO server;

CREATE FUNCTION coursebase.take_person(user_id uuid)
RETURNS json
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_take_person';
COMMENT ON FUNCTION coursebase.take_person(uuid) IS
    'Takes a person out of this cell, with the accounts that were merged into it: all rows leave the tables for one document, which stays in moving_people until release_person() deletes it. From then on every call about the person ends with KBC21. Called again it answers the same document. A referral of which the other person stays is one between two cells from then on (referral_deliveries). move_person() on home and put_person() in the cell that it answers follow; with this cell''s number the person stays. For the server; reads and writes with the rights of the tables'' owner, at READ COMMITTED.

user_id: the person. The answer has the members user_id, people (all accounts), from (number of this cell), move (number of the move), and tables: for each table the rows, each an object of its columns'' values as text.

Raises: 22004 (user_id is NULL), 25001 (another isolation level), 55000 (this server is the only one), KB106 (there is no such person, or it was merged into another), KBC01 (the person lives in another cell), KBC05 (the directory does not know the person yet), KBC21 (a consumer has not acknowledged events about the person, or somebody was brought by the person in this moment), KBC22 (rows of others, or of an organisation, are bound to rows of the person; the detail names the foreign key).';
GRANT EXECUTE ON FUNCTION coursebase.take_person(uuid) TO server;

CREATE FUNCTION coursebase.put_person(document json)
RETURNS text
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_put_person';
COMMENT ON FUNCTION coursebase.put_person(json) IS
    'Makes a person live in this cell whom take_person() took out of another, or of this one, once move_person() on home has decided for it. Writes the rows as they were, without the triggers that tell or derive; only a referral code that somebody here has already is replaced by a new one. Answers a receipt, for release_person(); called again it writes nothing and answers the same. For the server; writes with the rights of the tables'' owner, at READ COMMITTED.

document: what take_person() answered, byte for byte.

Raises: 22004 (document is NULL), 23505 (a key of the person is another row''s here), 25001 (another isolation level), 55000 (this server is the only one), KBC01 (home decided for another cell), KBC21 (the directory here does not say yet that the person moves here), KBC22 (the document is of an earlier move, has tables or columns that this server lacks, or has what no document of take_person() has: rows of others or of nobody, keys to rows of others, an account that was not merged into the person or has the external id of somebody else), KBC23 (the cell lacks a row to which rows of the person point: try again when home''s changes have come).';
GRANT EXECUTE ON FUNCTION coursebase.put_person(json) TO server;

CREATE FUNCTION coursebase.release_person(moved_user uuid, receipt text)
RETURNS boolean
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_release_person';
COMMENT ON FUNCTION coursebase.release_person(uuid, text) IS
    'Ends a move in the cell that the person left: deletes the document of take_person(), once the directory has the person in another cell and the receipt says that the other cell got this document. For the server; writes with the rights of the tables'' owner.

moved_user: the person. receipt: what put_person() answered. Answers whether there was a document.

Raises: 22004 (an argument is NULL), 25001 (another isolation level), 55000 (this server is the only one), KB106 (the account was merged: give the id of the person), KBC21 (the directory here does not have the person in another cell yet), KBC22 (the receipt is not that of the document).';
GRANT EXECUTE ON FUNCTION coursebase.release_person(uuid, text) TO server;

CREATE FUNCTION coursebase.export_user(user_id uuid DEFAULT NULL)
RETURNS json
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_export_user';
COMMENT ON FUNCTION coursebase.export_user(uuid) IS
    'Answers everything that is held about a person, as one JSON object: for each table a member of the table''s name, an array of the person''s rows, empty if there are none, without other people who stand in them. NULL for nobody. For users, each about the own account, administrators and the server; reads with the rights of the tables'' owner.

user_id: the person; NULL is the user who asks; only an administrator or the server may name another user.

Source: the product''s rule that a person may have a copy of what is held.
Raises: 42501 (user_id is another user).';
GRANT EXECUTE ON FUNCTION coursebase.export_user(uuid) TO end_user, server;

CREATE FUNCTION coursebase.export_guest(user_id uuid DEFAULT NULL)
RETURNS json
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_export_guest';
COMMENT ON FUNCTION coursebase.export_guest(uuid) IS
    'Answers what home has of a person who lives in another cell: what organisations have, with what was told and recorded of it, in the form of export_user(), which answers everything else in the person''s cell. NULL for nobody, and for who is no guest on home (users.is_guest). Called on home. For users, each about themselves, administrators and the server; reads with the rights of the tables'' owner.

user_id: the person; NULL is the user who asks; only an administrator or the server may name another user.

Source: the product''s rule that a person may have a copy of what is held.
Raises: 42501 (user_id is another user), KBC04 (this server is not home).';
GRANT EXECUTE ON FUNCTION coursebase.export_guest(uuid) TO end_user, server;

CREATE FUNCTION coursebase.my_courses(
    user_id uuid DEFAULT NULL,
    at timestamptz DEFAULT now()
)
RETURNS TABLE (
    kind text,
    id uuid,
    course_code text,
    title text,
    icon_url text,
    source text,
    since timestamptz,
    until timestamptz,
    lessons bigint,
    completed bigint,
    percent integer
)
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_my_courses';
COMMENT ON FUNCTION coursebase.my_courses(uuid, timestamptz) IS
    'Lists everything that a person may use at a time, one row each, what came last first: the courses of accessible_course_ids(), custom courses, and programs with an active entitlement. No row for nobody. For users, each about the own account, administrators and the server; reads with the rights of the tables'' owner.

user_id: the person; NULL is the user who asks; only an administrator or the server may name another user. at: the time asked about, which decides about premium and what has an end; NULL is now.

kind: course, custom_course or program. id: its key. course_code: its code, or NULL. title, icon_url: what to show. source: what gives it, of several what lasts longest: bought (a product, or a program), google_play, app_store, granted (by hand), admin (a gift of a store''s course), free, premium_slot, premium or administrator. since: when the person got it first; NULL where everybody has it, or premium gives it. until: when the access ends; NULL: never. lessons, completed, percent: the progress, as in course_progress(); of a program the places that are not rest, and those that are done; NULL for a custom course.

Source: the first screen of the apps.
Raises: 42501 (user_id is another user).';
GRANT EXECUTE ON FUNCTION coursebase.my_courses(uuid, timestamptz) TO end_user, server;

CREATE FUNCTION coursebase.purge_logs(before timestamptz, batch integer DEFAULT 10000)
RETURNS bigint
LANGUAGE c
VOLATILE
STRICT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_purge_logs';
COMMENT ON FUNCTION coursebase.purge_logs(timestamptz, integer) IS
    'Deletes entries of the app''s log, and then of the server''s, oldest first, then the counts of app_log_counts of days that are over, then events of access_events, whether or not every consumer has acknowledged them, then empties the bodies of notifications that were applied or noted (key and outcome stay), then deletes hashes of external ids that are not kept any more (setting closed_id_days, whatever before is), then deletes events of the audit trail that are older than the setting audit_retention_days says (with 0, none), and answers how many rows it changed. Partitions whose rows are all past are dropped as a whole, before anything else. Rows, and partitions, that another session holds are skipped. Call again until the answer is 0. For the server; logs are deleted with the caller''s rights, the rest with those of the tables'' owner. What it took from the audit trail is an event there, audit_purged.

before: entries with an earlier created_at, events with an earlier at, and notifications that came earlier, are taken. batch: at most so many rows in one call, besides those of dropped partitions, so that the transaction stays short. NULL for either answers NULL and deletes nothing.

Source: the product''s rule that logs and personal data are kept for a limited time.
Raises: 22023 (batch is negative), 42501 (the caller may not delete logs).';
GRANT EXECUTE ON FUNCTION coursebase.purge_logs(timestamptz, integer) TO server;

-- jit: the server would compile these statements anew at each call, for longer than most of them run.
CREATE FUNCTION coursebase.adopt(verify boolean DEFAULT true)
RETURNS TABLE (what text, made bigint, not_understood bigint, example text)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS 'MODULE_PATHNAME', 'coursebase_adopt';
COMMENT ON FUNCTION coursebase.adopt(boolean) IS
    'Makes what triggers would have made of rows that came while triggers were off (COPY or INSERT under session_replication_role = replica): profiles and referral codes of users, grants of purchases, direct grants of access that no purchase gives, access of grants, events of subscriptions that came as a state and lines of those that came as events, entries of credit accounts, when entitlements were completed, places that two rows share, checksums and sizes of documents, the record of roles and settings. In statements over whole tables; what is there stays, and another call makes nothing. Cached handshakes answer no more. For the owner of the tables alone; others may read meanwhile and wait to write. Triggers are off within, also those of the user.

verify: whether to end with check_integrity(), and to name what it finds. what: what was made, or check_integrity with the name of the check. made: rows that were made or put right. not_understood: findings of the check. example: one of them; NULL if there is none. No row: nothing was to be made, and nothing is wrong.

Source: a team that comes with data; doc/guide/migrate.md shows how.
Raises: 22004 (verify is NULL), 42501 (the caller is not the owner of the tables).';

CREATE FUNCTION coursebase.sample_rows(at timestamptz)
RETURNS TABLE (what text, made bigint)
LANGUAGE sql
VOLATILE
STRICT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    -- All keys begin with 5a5a5a5a: remove_sample_shop() finds the rows by them.
    INSERT INTO coursebase.users (id, clerk_user_id, name, email, created_at)
    SELECT p.id::uuid, p.subject, p.name, p.email, sample_rows.at - interval '40 days'
    FROM (VALUES
        ('5a5a5a5a-0000-4000-8000-0000000000a1', 'sample_olga', 'Olga Winter', 'olga@sample.example'),
        ('5a5a5a5a-0000-4000-8000-0000000000a2', 'sample_ada', 'Ada Moreau', 'ada@sample.example'),
        ('5a5a5a5a-0000-4000-8000-0000000000a3', 'sample_ben', 'Ben Okafor', 'ben@sample.example'),
        ('5a5a5a5a-0000-4000-8000-0000000000a4', 'sample_cleo', 'Cleo Lind', 'cleo@sample.example'))
        AS p (id, subject, name, email);
    SELECT coursebase.upsert_user(u.clerk_user_id, u.name, u.email,
        role => CASE u.clerk_user_id WHEN 'sample_olga' THEN 'admin' ELSE 'user' END,
        country => p.country)
    FROM (VALUES ('sample_olga', 'DE'), ('sample_ada', 'FR'), ('sample_ben', 'NG'),
        ('sample_cleo', 'SE')) AS p (subject, country)
    JOIN coursebase.users u ON u.clerk_user_id = p.subject;

    INSERT INTO coursebase.courses
        (id, course_code, title, description, price_in_cents, currency, is_free, in_premium)
    VALUES
        ('5a5a5a5a-0000-4000-8000-0000000000c1', 'sample-breath', 'First breaths',
            'Three minutes a day, for everybody.', NULL, NULL, true, false),
        ('5a5a5a5a-0000-4000-8000-0000000000c2', 'sample-sleep', 'Sleep well',
            'Ten evenings to a quiet night.', 4900, 'EUR', false, true),
        ('5a5a5a5a-0000-4000-8000-0000000000c3', 'sample-focus', 'Deep work',
            'Two hours without a telephone.', 3900, 'EUR', false, true);
    INSERT INTO coursebase.course_documents (course_id, data)
    SELECT c.id, json_build_object('course_code', c.course_code, 'title', c.title,
        'audio_files', json_build_array(json_build_object(
            'url', format('https://cdn.sample.example/%s/1.mp3', c.course_code), 'duration', 312)))
    FROM coursebase.courses c;
    INSERT INTO coursebase.course_sections (course_id, name, status, "order")
    SELECT c.id, s.name, 'public', s.place - 1
    FROM coursebase.courses c
    CROSS JOIN unnest(ARRAY['Arrive', 'Go on']) WITH ORDINALITY AS s (name, place);
    INSERT INTO coursebase.lessons (section_id, name, status, "order")
    SELECT s.id, l.name,
        CASE WHEN s."order" = 0 AND l.place = 1 THEN 'preview' ELSE 'public' END::coursebase.lesson_status,
        l.place - 1
    FROM coursebase.course_sections s
    CROSS JOIN unnest(ARRAY['Listen', 'Practise']) WITH ORDINALITY AS l (name, place);
    INSERT INTO coursebase.lesson_contents (lesson_id, video_ref, body)
    SELECT l.id, format('%s-%s-%s', c.course_code, s."order" + 1, l."order" + 1),
        format('%s: %s.', s.name, lower(l.name COLLATE "C"))
    FROM coursebase.lessons l
    JOIN coursebase.course_sections s ON s.id = l.section_id
    JOIN coursebase.courses c ON c.id = s.course_id;

    INSERT INTO coursebase.products (id, name, description, image_url, price_dollars) VALUES
        ('5a5a5a5a-0000-4000-8000-0000000000d1', 'Sleep well', 'The course, for ever.',
            '/sample/sleep.png', 49),
        ('5a5a5a5a-0000-4000-8000-0000000000d2', 'Everything', 'All courses, for a year.',
            '/sample/all.png', 79);
    SELECT coursebase.save_product(p.id, status => 'public',
        course_ids => ARRAY(SELECT c.id FROM coursebase.courses c
            WHERE p.name = 'Everything' OR c.course_code = 'sample-sleep'),
        access_days => CASE p.name WHEN 'Everything' THEN 365 END)
    FROM coursebase.products p;
    INSERT INTO coursebase.store_products (product_id, kind, course_id, price_in_cents, currency)
    VALUES ('sample_focus', 'course', '5a5a5a5a-0000-4000-8000-0000000000c3', 3900, 'EUR'),
        ('sample_monthly', 'subscription', NULL, 990, 'EUR');
    INSERT INTO coursebase.discount_codes (id, code, product_type, percent_off)
    VALUES ('5a5a5a5a-0000-4000-8000-0000000000e1', 'SAMPLE10', 'course', 10);
    INSERT INTO coursebase.master_manifests (id, name, content, is_default)
    VALUES ('5a5a5a5a-0000-4000-8000-0000000000f1', 'sample-shop.json',
        '{"title": "Sample shop", "currency": "EUR"}', true);

    -- Ada buys with the code, and begins. Ben buys everything, and has his money back.
    SELECT coursebase.redeem_discount('5a5a5a5a-0000-4000-8000-0000000000a2', 'SAMPLE10', 'course',
        4900, 'EUR', 'cs_sample_ada', at => sample_rows.at - interval '30 days');
    SELECT coursebase.complete_purchase(s.person::uuid, s.product::uuid, s.session, s.paid, 'paid',
        sample_rows.at - s.ago, currency => 'EUR')
    FROM (VALUES
        ('5a5a5a5a-0000-4000-8000-0000000000a2', '5a5a5a5a-0000-4000-8000-0000000000d1',
            'cs_sample_ada', 4410, interval '30 days'),
        ('5a5a5a5a-0000-4000-8000-0000000000a3', '5a5a5a5a-0000-4000-8000-0000000000d2',
            'cs_sample_ben', 7900, interval '20 days')) AS s (person, product, session, paid, ago);
    SELECT coursebase.complete_lesson(l.id, '5a5a5a5a-0000-4000-8000-0000000000a2')
    FROM coursebase.lessons l
    JOIN coursebase.course_sections s ON s.id = l.section_id AND s."order" = 0
    WHERE s.course_id = '5a5a5a5a-0000-4000-8000-0000000000c2';
    SELECT coursebase.refund_purchase(p.id, at => sample_rows.at - interval '18 days')
    FROM coursebase.purchases p WHERE p.stripe_session_id = 'cs_sample_ben';

    -- Then he buys a course in an app store. Cleo subscribes, and chooses a course.
    SELECT coursebase.validate_purchase('5a5a5a5a-0000-4000-8000-0000000000a3', json_build_object(
        'product_id', 'sample_focus', 'source', 'app_store', 'purchase_id', 'sample-1',
        'purchase_token', 'sample-receipt-1', 'transaction_date', sample_rows.at - interval '10 days'),
        sample_rows.at - interval '10 days');
    SELECT coursebase.apply_subscription_event('5a5a5a5a-0000-4000-8000-0000000000a4',
        json_build_object('store', 'google_play', 'environment', 'production',
            'store_event_id', 'sample-1', 'event_type', 'created',
            'event_time', sample_rows.at - interval '5 days',
            'original_transaction_id', 'GPA.sample', 'transaction_id', 'GPA.sample..0',
            'product_id', 'sample_monthly', 'period_end', sample_rows.at + interval '25 days'),
        sample_rows.at - interval '5 days');
    SELECT coursebase.choose_premium_course('5a5a5a5a-0000-4000-8000-0000000000a4',
        '5a5a5a5a-0000-4000-8000-0000000000c2', at => sample_rows.at - interval '4 days');

    SELECT 'people', count(*) FROM coursebase.users
    UNION ALL SELECT 'courses', count(*) FROM coursebase.courses
    UNION ALL SELECT 'documents', count(*) FROM coursebase.course_documents
    UNION ALL SELECT 'lessons', count(*) FROM coursebase.lessons
    UNION ALL SELECT 'products', count(*) FROM coursebase.products
    UNION ALL SELECT 'products of app stores', count(*) FROM coursebase.store_products
    UNION ALL SELECT 'codes', count(*) FROM coursebase.discount_codes
    UNION ALL SELECT 'sales', count(*) FROM coursebase.purchases
    UNION ALL SELECT 'receipts', count(*) FROM coursebase.store_receipts
    UNION ALL SELECT 'subscriptions', count(*) FROM coursebase.subscriptions
$$;
COMMENT ON FUNCTION coursebase.sample_rows(timestamptz) IS
    'Makes the rows of sample_shop(), which looks first whether the database is empty, by the functions that a server calls, and answers what there is then. For the owner of the tables; writes with the caller''s rights.

at, what, made: as for sample_shop().';

CREATE FUNCTION coursebase.sample_shop(at timestamptz DEFAULT now())
RETURNS TABLE (what text, made bigint)
LANGUAGE c
VOLATILE
CALLED ON NULL INPUT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_sample_shop';
COMMENT ON FUNCTION coursebase.sample_shop(timestamptz) IS
    'Fills an empty database with a small shop to look at: an administrator and three people; a free course and two that are sold, with documents, sections and lessons; products of Stripe and of app stores; a discount code; a sale with it, a sale that was refunded, a receipt of an app store, and a subscription with its slot. It is made by the functions that a server calls. Refused where there are people, courses, products, codes, manifests, cohorts or organisations already, so that a second call is. remove_sample_shop() takes it away. For the owner of the tables alone, also not for a superuser who is another role; writes with the caller''s rights.

at: the instant at which the shop is as described; its sales lie up to 40 days before. what: a kind of rows. made: how many there are.

Source: a newcomer who wants to see rows before the first own ones.
Raises: 22004 (at is NULL), 22008 (at is not finite), 25006 (the transaction is read-only), 42501 (the caller is not the owner of the tables), 55000 (the database has rows already), KB001 (the tables are missing).';

CREATE FUNCTION coursebase.remove_sample_shop()
RETURNS TABLE (what text, removed bigint)
LANGUAGE c
VOLATILE
STRICT
PARALLEL UNSAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'coursebase_remove_sample_shop';
COMMENT ON FUNCTION coursebase.remove_sample_shop() IS
    'Takes away what sample_shop() made, with what its people bought since. Rows of the business''s own stay; where one refers to the shop (somebody else bought its product, one of its people joined an organisation) nothing is removed. What audit_events tells stays. For the owner of the tables alone; writes with the caller''s rights.

what: a kind of rows. removed: how many went. No row: there was no sample shop.

Source: what was made to be looked at can be taken away.
Raises: 23503 (a row of the business''s own refers to the shop), 25006 (the transaction is read-only), 42501 (the caller is not the owner of the tables), KB001 (the tables are missing).';

-- Of events and consumers the planner expects millions, and would compile for half a minute what reads few rows.
CREATE FUNCTION coursebase.metrics(at timestamptz DEFAULT now())
RETURNS TABLE (name text, subject text, value double precision, kind text)
LANGUAGE c
STABLE
CALLED ON NULL INPUT
PARALLEL SAFE
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS 'MODULE_PATHNAME', 'coursebase_metrics';
COMMENT ON FUNCTION coursebase.metrics(timestamptz) IS
    'Figures for a monitoring program, such as an exporter for Prometheus. For the server, and for a role of its own that is granted EXECUTE and USAGE on the schema; reads with the rights of the tables'' owner, names no person, and answers on a standby too, where the figures of blocks, rows and the cache are those of that server.

at: the instant up to which what waits has waited. name: the figure. subject: what it is of. value: the number. kind: gauge, or counter, which only grows.

coursebase_waiting and coursebase_waiting_oldest_seconds: how many wait and for how many seconds the oldest has (0 when nothing waits), of notifications, refused notifications, acknowledgements, duplicate purchases, duplicate store purchases, duplicate subscriptions (people), transactions to refund, refunds to review, and events of each consumer. coursebase_notifications: how many the inbox holds, by outcome. coursebase_table_bytes: a table with its indexes. coursebase_table_rows: its rows, as the server estimates them. coursebase_table_blocks_hit and _read: blocks that the server found in its cache, or did not. coursebase_handshake_cache: how often an answer was looked for (asked), and how often one was computed and stored (computed).

The outcomes of notifications, duplicate purchases, duplicate subscriptions and transactions to refund are counted over all there are, so that each call costs what reading those tables costs: a minute between two calls is right there. purge_logs() empties notifications, and keeps them.

Raises: 22004 (at is NULL), 22008 (at is not finite), KB001 (the tables are missing).';
GRANT EXECUTE ON FUNCTION coursebase.metrics(timestamptz) TO server;
