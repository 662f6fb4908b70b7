# A yoga school, which sells for 90 days: sale, phone, buying again, the end.
# Needs: people.
# It began to sell 30 days ago; what comes later is asked about at its instant.
step 'A yoga school in Leeds. It has nothing to do with the business before, so that it has a database of its own. The three roles are those of this server, and get their parts here as well. No default names the products of anybody.'
outside 'createdb school'
story_database=school
sql <<'SQL'
CREATE EXTENSION coursebase;
SELECT coursebase.grant_roles('app_visitor', 'app_user', 'app_server');
SELECT name, default_value FROM coursebase.settings WHERE name LIKE 'store%prefix%';
SQL

step 'Its courses have codes in its own manner. A code is the name of a file on phones: it is unique ignoring case, and is no name that the app needs for another file.'
sql_as app_server <<'SQL'
SELECT coursebase.upsert_user('school_tess', 'Tess Hall', 'tess@school.example', role => 'admin') \g /dev/null
INSERT INTO coursebase.courses (course_code, title, description) VALUES
    ('yoga-101', 'First steps', 'Ten poses'), ('yoga-102', 'Flow', 'From pose to pose'), ('breath.basics', 'Breathing', 'Five minutes a day');
INSERT INTO coursebase.course_documents (course_id, data)
SELECT id, format('{"course": "%s", "audio": ["1.mp3", "2.mp3"]}', course_code)::json FROM coursebase.courses;
SQL
refused 23505 sql_as app_server <<'SQL'
INSERT INTO coursebase.courses (course_code, title, description) VALUES ('Yoga-101', 'First steps again', '');
SQL
refused 23505 sql_as app_server <<'SQL'
INSERT INTO coursebase.courses (course_code, title, description) VALUES ('shop', 'How to run a shop', '');
SQL

step 'Tess offers three plans: one course for 90 days, all courses for 90 days with whatever is added meanwhile, and one course for ever.'
sql_as app_user school_tess <<'SQL'
SELECT coursebase.save_product(NULL, 'First steps, 90 days', '', '/steps.png', 29, 'public',
    ARRAY(SELECT id FROM coursebase.courses WHERE course_code = 'yoga-101'), access_days => 90) \g /dev/null
SELECT coursebase.save_product(NULL, 'Everything, 90 days', '', '/all.png', 79, 'public',
    ARRAY(SELECT id FROM coursebase.courses), access_days => 90, gives_later_courses => true) \g /dev/null
SELECT coursebase.save_product(NULL, 'Breathing, for ever', '', '/breath.png', 49, 'public',
    ARRAY(SELECT id FROM coursebase.courses WHERE course_code = 'breath.basics')) \g /dev/null
SQL
sql_as app_visitor <<'SQL'
SELECT name, price_dollars, access_days, cardinality(course_ids) AS courses FROM coursebase.storefront_products ORDER BY price_dollars;
SQL
value steps <<'SQL'
SELECT id FROM coursebase.products WHERE price_dollars = 29;
SQL
value all_for_90_days <<'SQL'
SELECT id FROM coursebase.products WHERE price_dollars = 79;
SQL
value breathing <<'SQL'
SELECT id FROM coursebase.products WHERE price_dollars = 49;
SQL

value sold <<'SQL'
SELECT (current_date - 30) || ' 09:00+00';
SQL
value again <<SQL
SELECT (date '$sold' + 80) || ' 18:00+00';
SQL
value ended <<SQL
SELECT (date '$sold' + 90) || ' 09:00+00';
SQL
value last_moment <<SQL
SELECT (date '$sold' + 90) || ' 08:59:59.999999+00';
SQL
step '30 days ago. Lia buys the first steps, and Breathing for ever; Mo buys everything. Stripe tells of each session twice. Lia sees on her first screen what she may use, and until when.'
sql_as app_server <<SQL
SELECT coursebase.upsert_user('school_lia', 'Lia Moore', 'lia@example.org', at => '$sold'),
    coursebase.upsert_user('school_mo', 'Mo Aziz', 'mo@example.org', at => '$sold') \\g /dev/null
SELECT u.name, s.status, s.already_owned, cardinality(s.course_ids) AS courses
FROM (VALUES ('school_lia', uuid '$steps', 'cs_1', 2900), ('school_lia', '$steps', 'cs_1', 2900), ('school_lia', '$breathing', 'cs_2', 4900),
    ('school_mo', '$all_for_90_days', 'cs_3', 7900), ('school_mo', '$all_for_90_days', 'cs_3', 7900)) AS told (who, product, session, cents)
JOIN coursebase.users u ON u.clerk_user_id = told.who
CROSS JOIN LATERAL coursebase.complete_purchase(u.id, told.product, told.session, told.cents, 'paid', '$sold') s;
SQL
value lia <<'SQL'
SELECT id FROM coursebase.users WHERE clerk_user_id = 'school_lia';
SQL
value mo <<'SQL'
SELECT id FROM coursebase.users WHERE clerk_user_id = 'school_mo';
SQL
sql_as app_user school_lia <<SQL
SELECT course_code, title, source, since, until FROM coursebase.my_courses(at => '$sold');
SQL

step 'Her phone syncs and gets a file for each of her courses, named by its code.'
outside "phone $lia lia-phone '$sold'"
proved 'a phone gets the file of a course, named by its code' -s "$work/outside/lia-phone/yoga-101.json"
proved 'and no file of a course that was not bought' ! -e "$work/outside/lia-phone/yoga-102.json"

step 'Today. A course is added to the plan that gives everything. Mo, who bought before, has it at once, until his 90 days are over; Lia does not.'
sql_as app_server <<SQL
INSERT INTO coursebase.courses (course_code, title, description) VALUES ('yoga-103', 'Balance', 'On one foot') RETURNING id AS balance \\gset
INSERT INTO coursebase.course_products (product_id, course_id) VALUES ('$all_for_90_days', :'balance');
SELECT u.name, c.course_code, c.until FROM coursebase.users u CROSS JOIN LATERAL coursebase.my_courses(u.id) c
WHERE u.role = 'user' ORDER BY u.name, c.course_code;
SQL
value later <<SQL
SELECT string_agg(u.name, ' ') FROM coursebase.users u WHERE u.role = 'user' AND coursebase.has_course_access_by_code('yoga-103', u.id);
SQL
proved 'a course that is added to a plan reaches those who bought the plan before' "$later" = 'Mo Aziz'

step 'In 50 days Lia buys the first steps again, ten days before they end. The 90 days are added to the end that she has: she loses none. A day later she has changed her mind. The money goes back, and the end is the former one.'
sql_as app_server <<SQL
SELECT status, already_owned FROM coursebase.complete_purchase('$lia', '$steps', 'cs_4', 2900, 'paid', '$again');
SELECT course_code, until FROM coursebase.my_courses('$lia', '$again') ORDER BY course_code;
SELECT refunded_in_cents, refunded_at FROM coursebase.refund_purchase(
    (SELECT id FROM coursebase.purchases WHERE stripe_session_id = 'cs_4'), at => timestamptz '$again' + interval '1 day');
SELECT course_code, until FROM coursebase.my_courses('$lia', timestamptz '$again' + interval '1 day') ORDER BY course_code;
SQL

step 'In 60 days her 90 days are over. Nothing runs at that moment, and nobody has to do anything: every question is decided at the time that it asks about. In the last microsecond she may, and then she may not; the function, the list and the explanation agree.'
sql_as app_server <<SQL
SELECT at, coursebase.has_course_access_by_code('yoga-101', '$lia', at) AS first_steps,
    coursebase.has_course_access_by_code('breath.basics', '$lia', at) AS breathing,
    (SELECT string_agg(course_code, ' ') FROM coursebase.my_courses('$lia', at)) AS list
FROM (VALUES (timestamptz '$last_moment'), ('$ended')) AS moments (at);
SELECT rule, passed, reason, detail FROM coursebase.explain_course_access(
    (SELECT id FROM coursebase.courses WHERE course_code = 'yoga-101'), '$lia', '$ended') WHERE rule = 'grant';
SQL
value before_and_after <<SQL
SELECT string_agg(coursebase.has_course_access_by_code('yoga-101', '$lia', at)::text, ' ' ORDER BY at)
FROM (VALUES (timestamptz '$last_moment'), ('$ended')) AS moments (at);
SQL
proved 'a right for 90 days ends at its microsecond, with no job to end it' "$before_and_after" = 'true false'

step 'Her phone syncs again and takes the file away. What she has for ever stays.'
outside "phone $lia lia-phone '$ended'"
proved 'a phone loses the file of a course that ended' ! -e "$work/outside/lia-phone/yoga-101.json"
proved 'and keeps that of one that does not end' -s "$work/outside/lia-phone/breath.basics.json"

step 'What ended by time alone, for whoever sends letters: Tess writes to Lia and to Mo.'
sql_as app_server <<SQL
SELECT u.name, u.email, t.kind, c.course_code, t.at FROM coursebase.access_turns('$last_moment', timestamptz '$ended' + interval '1 day') t
JOIN coursebase.users u ON u.id = t.user_id JOIN coursebase.courses c ON t.subject = 'courses/' || c.id ORDER BY u.name, c.course_code;
SELECT * FROM coursebase.check_integrity();
SQL
value unsound <<'SQL'
SELECT count(*) FROM coursebase.check_integrity();
SQL
proved 'the school'"'"'s data is sound' "$unsound" = 0
