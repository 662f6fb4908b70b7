# A bundle is sold on the storefront, and refunded.
# Needs: people.
step 'An administrator makes a bundle of two courses and puts it on the storefront, in one call. A product without a course could not be there.'
sql_as app_server <<'SQL'
SELECT coursebase.upsert_user('user_2root', 'Rosa Lind', 'rosa@example.org', role => 'admin') \g /dev/null
INSERT INTO coursebase.courses (title, description) VALUES
    ('Breathing', 'The first step'), ('Speaking', 'The second step'), ('Drafts', 'Not to be seen yet');
INSERT INTO coursebase.country_discounts (country, percent_off) VALUES ('NG', 40);
SQL
sql_as app_user user_2root <<'SQL'
INSERT INTO coursebase.course_sections (course_id, name, status)
SELECT id, unnest(ARRAY['Basics', 'Notes']), unnest(ARRAY['public', 'private']::coursebase.course_section_status[])
FROM coursebase.courses WHERE title = 'Speaking';
INSERT INTO coursebase.lessons (section_id, name, status)
SELECT id, unnest(ARRAY['Welcome', 'First words', 'To be filmed']), unnest(ARRAY['preview', 'public', 'private']::coursebase.lesson_status[])
FROM coursebase.course_sections WHERE name = 'Basics';
INSERT INTO coursebase.lesson_contents (lesson_id, video_ref) SELECT id, 'video of ' || name FROM coursebase.lessons;
SQL
sql_as app_user user_2root <<'SQL'
SELECT coursebase.save_product(NULL, 'Calm on stage', 'Both courses', '/calm.png', 49, 'public',
    ARRAY(SELECT id FROM coursebase.courses WHERE title IN ('Breathing', 'Speaking'))) \g /dev/null
SELECT name, price_dollars, cardinality(course_ids) AS courses FROM coursebase.storefront_products;
SQL
refused KB901 sql_as app_user user_2root <<'SQL'
SELECT coursebase.save_product(NULL, 'Nothing', '', '/nothing.png', 9, 'public', '{}');
SQL
value bundle <<'SQL'
SELECT id FROM coursebase.products;
SQL

step 'A visitor sees what is on the storefront, and what it costs in Nigeria. The draft is the administrator'"'"'s alone.'
sql_as app_visitor <<'SQL'
SELECT p.name, coursebase.country_price(p.id, 'NG') AS cents_in_nigeria, c.title
FROM coursebase.products p
JOIN coursebase.course_products l ON l.product_id = p.id JOIN coursebase.courses c ON c.id = l.course_id
ORDER BY c.title;
SELECT count(*) AS drafts FROM coursebase.courses WHERE title = 'Drafts';
SQL
sql_as app_user user_2root <<'SQL'
SELECT count(*) AS drafts FROM coursebase.courses WHERE title = 'Drafts';
SQL

step 'Ben pays. His browser comes back, and Stripe'"'"'s webhook tells of the same session: one purchase. The product gets another name afterwards; the purchase keeps the one it was sold by.'
sql_as app_server <<SQL
SELECT status, already_owned, cardinality(course_ids) AS courses
FROM coursebase.complete_purchase('$ben', '$bundle', 'cs_live_1', 2940, 'paid');
SELECT status, already_owned, cardinality(course_ids) AS courses
FROM coursebase.complete_purchase('$ben', '$bundle', 'cs_live_1', 2940, 'paid');
SELECT count(*) AS purchases FROM coursebase.purchases;
UPDATE coursebase.products SET name = 'Calmer on stage';
SQL
value sold <<'SQL'
SELECT count(*) || ' ' || min(product_details ->> 'name') FROM coursebase.purchases;
SQL
proved 'a session that is told twice is one purchase, under the name it was sold by' "$sold" = '1 Calm on stage'

step 'What Ben may use, and what Cleo may.'
sql_as app_user user_2ben <<'SQL'
SELECT title, is_bought, is_granted FROM coursebase.user_access ORDER BY title;
SELECT product_name, price_paid_in_cents FROM coursebase.purchase_history;
SQL
sql_as app_user user_2cleo <<'SQL'
SELECT count(*) AS courses, (SELECT count(*) FROM coursebase.purchases) AS purchases FROM coursebase.user_access;
SQL

step 'One course, as a visitor sees it, as Ben does, who bought it, and as the administrator does. What a lesson holds is its video. The outline is for everybody, and a preview with its video; the other videos are for buyers; private lessons and sections are for the administrator.'
outline='SELECT s.name AS section, l.name AS lesson, l.status, c.video_ref
FROM coursebase.course_sections s LEFT JOIN coursebase.lessons l ON l.section_id = s.id
LEFT JOIN coursebase.lesson_contents c ON c.lesson_id = l.id ORDER BY s."order", l."order";'
for reader in 'app_visitor' 'app_user user_2ben' 'app_user user_2root'; do
	# shellcheck disable=SC2086 # a role and a claim
	sql_as $reader <<SQL
$outline
SQL
done

step 'Ben completes a lesson. Cleo, who has not bought the course, completes nothing, not even the preview that she may watch.'
sql_as app_user user_2ben <<'SQL'
SELECT coursebase.complete_lesson(id) FROM coursebase.lessons WHERE name = 'First words';
SELECT * FROM coursebase.course_progress((SELECT id FROM coursebase.courses WHERE title = 'Speaking'));
SQL
refused KB904 sql_as app_user user_2cleo <<'SQL'
SELECT coursebase.complete_lesson(id) FROM coursebase.lessons WHERE name = 'Welcome';
SQL

step 'Ben gets a part of it back, and keeps the courses. Rosa gives him one of them. Then all is refunded: what she gave stays, the other goes, and with it the video; the lesson that he completed stays on record. The session told once more gives nothing.'
sql_as app_server <<SQL
SELECT refunded_in_cents, refunded_at, cardinality(revoked_course_ids) AS taken
FROM coursebase.refund_purchase((SELECT id FROM coursebase.purchases), 1000);
SQL
sql_as app_user user_2root <<SQL
INSERT INTO coursebase.course_grants (user_id, course_id)
SELECT '$ben', id FROM coursebase.courses WHERE title = 'Breathing';
SQL
sql_as app_server <<SQL
SELECT refunded_in_cents, refunded_at IS NOT NULL AS in_full, cardinality(revoked_course_ids) AS taken
FROM coursebase.refund_purchase((SELECT id FROM coursebase.purchases));
SELECT status, course_ids FROM coursebase.complete_purchase('$ben', '$bundle', 'cs_live_1', 2940, 'paid');
SQL
sql_as app_user user_2ben <<SQL
SELECT title, is_bought, is_granted FROM coursebase.user_access;
$outline
SELECT count(*) AS completions FROM coursebase.user_lesson_complete;
SQL
value left <<'SQL'
SELECT string_agg(title, ' ') FROM coursebase.user_access;
SQL
proved 'a refund takes what nothing else gives' "$left" = Breathing
value kept <<'SQL'
SELECT count(*) FROM coursebase.user_lesson_complete;
SQL
proved 'what was completed stays when access is gone' "$kept" = 1

step 'The administrator'"'"'s dashboard, which Ben may not see.'
sql_as app_user user_2root <<'SQL'
SELECT d ->> 'sales_in_cents' AS sales, d ->> 'refunded_in_cents' AS refunded, d ->> 'net_sales_in_cents' AS net,
    d ->> 'students' AS students, d -> 'per_product' -> 0 ->> 'name' AS product
FROM coursebase.admin_dashboard() d;
SQL
refused 42501 sql_as app_user user_2ben <<'SQL'
SELECT coursebase.admin_dashboard();
SQL
