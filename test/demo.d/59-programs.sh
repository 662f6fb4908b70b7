# Two organisations sell programs: one free, one paid; a member and a stranger buy.
# Needs: people.
step 'Two organisations in one database. Olga owns Iron, in Berlin; Otto owns Zen, in New York. Ben is a member of Iron.'
sql_as app_server <<SQL
SELECT coursebase.upsert_user('user_2olga', 'Olga Stein', 'olga@iron.example'),
    coursebase.upsert_user('user_2otto', 'Otto Reed', 'otto@zen.example') \\g /dev/null
SELECT coursebase.create_organization('Iron', 'iron', 'EUR', 'Europe/Berlin',
        (SELECT id FROM coursebase.users WHERE clerk_user_id = 'user_2olga')),
    coursebase.create_organization('Zen', 'zen', 'USD', 'America/New_York',
        (SELECT id FROM coursebase.users WHERE clerk_user_id = 'user_2otto')) \\g /dev/null
SELECT o.name, o.currency, o.time_zone, u.name AS owner
FROM coursebase.organizations o
JOIN coursebase.memberships m ON m.organization_id = o.id JOIN coursebase.users u ON u.id = m.user_id
ORDER BY o.name;
SQL
value cleo <<'SQL'
SELECT id FROM coursebase.users WHERE clerk_user_id = 'user_2cleo';
SQL
value iron <<'SQL'
SELECT id FROM coursebase.organizations WHERE slug = 'iron';
SQL
value zen <<'SQL'
SELECT id FROM coursebase.organizations WHERE slug = 'zen';
SQL
sql_as app_user user_2olga <<SQL
INSERT INTO coursebase.memberships (organization_id, user_id, role) VALUES ('$iron', '$ben', 'member');
INSERT INTO coursebase.workouts (organization_id, name) VALUES ('$iron', 'Squat'), ('$iron', 'Press');
SELECT coursebase.create_course('$iron', 'Strong in three days', 3) \\g /dev/null
SQL
sql_as app_user user_2otto <<SQL
INSERT INTO coursebase.workouts (organization_id, name) VALUES ('$zen', 'Breathe');
SELECT coursebase.create_course('$zen', 'Calm', 1) \\g /dev/null
SQL
value strong <<'SQL'
SELECT id FROM coursebase.programs WHERE name = 'Strong in three days';
SQL
value calm <<'SQL'
SELECT id FROM coursebase.programs WHERE name = 'Calm';
SQL

step 'Olga fills the days: a workout, a day of rest, two workouts. A course of nothing but rest could not be published.'
sql_as app_user user_2olga <<SQL
SELECT coursebase.set_day('$strong', 1, is_rest => true);
SQL
refused KBA04 sql_as app_user user_2olga <<SQL
SELECT coursebase.publish_course('$strong');
SQL
sql_as app_user user_2olga <<SQL
SELECT coursebase.set_day('$strong', 0, ARRAY(SELECT id FROM coursebase.workouts WHERE name = 'Squat')),
    coursebase.set_day('$strong', 2, ARRAY(SELECT id FROM coursebase.workouts ORDER BY name DESC)) \\g /dev/null
SELECT c.day_offset, c.sort_order, coalesce(w.name, 'rest') AS workout
FROM coursebase.course_workouts c LEFT JOIN coursebase.workouts w ON w.id = c.workout_id
ORDER BY c.day_offset, c.sort_order;
UPDATE coursebase.course_configs SET preview_type = 'first_day' WHERE program_id = '$strong';
SELECT coursebase.set_price('$strong', 4900), coursebase.publish_course('$strong') \\g /dev/null
SQL
sql_as app_user user_2otto <<SQL
SELECT coursebase.set_day('$calm', 0, ARRAY(SELECT id FROM coursebase.workouts)),
    coursebase.set_price('$calm', 0), coursebase.publish_course('$calm') \\g /dev/null
SQL

step 'Otto tries to change the price of Iron, and to use one of its workouts. He learns nothing of either. Last, a superuser tries to mix the two by hand: a foreign key forbids it.'
refused 42501 sql_as app_user user_2otto <<SQL
SELECT coursebase.set_price('$strong', 1);
SQL
value squat <<'SQL'
SELECT id FROM coursebase.workouts WHERE name = 'Squat';
SQL
refused KB106 sql_as app_user user_2otto <<SQL
SELECT coursebase.set_day('$calm', 0, ARRAY['$squat']::uuid[]);
SQL
refused 23503 sql <<SQL
INSERT INTO coursebase.course_workouts (program_id, day_offset, sort_order, workout_id)
VALUES ('$calm', 0, 1, '$squat');
SQL
value mixed <<'SQL'
SELECT count(*) FROM coursebase.course_workouts c JOIN coursebase.workouts w ON w.id = c.workout_id
JOIN coursebase.programs p ON p.id = c.program_id WHERE p.organization_id <> w.organization_id;
SQL
proved 'no row joins two organisations, not even by the hand of a superuser' "$mixed" = 0

step 'The storefront, as anybody sees it, with the day that is shown of the paid course.'
sql_as app_visitor <<SQL
SELECT organization_name, name, duration_days, price_in_cents, currency
FROM coursebase.storefront_courses ORDER BY name;
SELECT d ->> 'day_offset' AS day, d ->> 'name' AS workout
FROM json_array_elements(coursebase.storefront_course('$strong') -> 'preview') d;
SQL

step 'Ben, the member, buys the paid course; Cleo, a stranger to both, takes the free one. His payment is first reported under the wrong organisation: refused, logged, and nothing changed.'
sql_as app_server <<SQL
SELECT b.status, coursebase.attach_payment_reference(b.transaction_id, 'stripe', 'pi_1')
FROM coursebase.begin_checkout('$ben', '$strong') b;
SELECT status FROM coursebase.begin_checkout('$cleo', '$calm');
SELECT status, reason FROM coursebase.apply_payment_event('$zen', 'stripe', 'pi_1', 'completed');
SELECT function_name, level, message FROM coursebase.server_logs ORDER BY created_at DESC LIMIT 1;
SQL
value early <<SQL
SELECT coursebase.has_program_access('$strong', '$ben');
SQL
sql_as app_server <<SQL
SELECT status FROM coursebase.apply_payment_event('$iron', 'stripe', 'pi_1', 'completed');
SELECT status, reason FROM coursebase.apply_payment_event('$iron', 'stripe', 'pi_1', 'completed');
SQL
value late <<SQL
SELECT coursebase.has_program_access('$strong', '$ben');
SQL
proved 'a payment counts only for the organisation that was paid, and once' "$early$late" = ft

step 'Ben starts on a Friday evening in Berlin; 25 hours later it is Sunday there, the third day, numbered 2. There are three workouts to do: the day of rest counts for none. He begins anew, and what he did is cleared.'
value entitlement <<SQL
SELECT id FROM coursebase.course_entitlements WHERE program_id = '$strong';
SQL
sql_as app_user user_2ben <<SQL
SELECT coursebase.start_course('$entitlement', '2026-03-27 23:30+01');
SELECT coursebase.current_day('$entitlement', '2026-03-29 00:30+01') AS day_after_25_hours;
SELECT count(c.*) AS done
FROM coursebase.course_workouts w, coursebase.mark_workout_complete('$entitlement', w.id) c
WHERE NOT w.is_rest;
SELECT name, status, workouts, completed, completed_at IS NOT NULL AS complete FROM coursebase.course_library();
SELECT restart_count FROM coursebase.restart_course('$entitlement', '2026-04-01 12:00+02');
SELECT name, workouts, completed, completed_at IS NOT NULL AS complete FROM coursebase.course_library();
SQL

step 'Olga archives the course. It leaves the storefront and is sold no more; Ben keeps it. Each sees what is theirs: Olga her buyers, a member among them; Otto his program and its buyer, a stranger; Ben and Cleo their courses.'
sql_as app_user user_2olga <<SQL
SELECT coursebase.archive_course('$strong') \\g /dev/null
SELECT name, membership_id IS NOT NULL AS member, status, completed FROM coursebase.course_enrolments('$strong');
SELECT name FROM coursebase.organizations;
SQL
sql_as app_visitor <<'SQL'
SELECT organization_name, name FROM coursebase.storefront_courses;
SQL
sql_as app_user user_2ben <<'SQL'
SELECT name, usable FROM coursebase.course_library();
SQL
sql_as app_user user_2otto <<SQL
SELECT name, membership_id IS NOT NULL AS member, status, completed FROM coursebase.course_enrolments('$calm');
SELECT name FROM coursebase.programs;
SELECT count(*) AS enrolments FROM coursebase.course_entitlements;
SQL
sql_as app_user user_2cleo <<'SQL'
SELECT name, usable FROM coursebase.course_library();
SQL
value kept <<SQL
SELECT coursebase.has_program_access('$strong', '$ben');
SQL
proved 'an archived course is off the storefront and stays with its buyers' "$kept" = t
