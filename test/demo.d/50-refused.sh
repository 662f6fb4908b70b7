# Nobody sees another's data.
# Needs: course.
step 'Cleo looks at the tables with the rights of a signed-in user. She sees herself and nobody else.'
sql_as app_user user_2cleo <<'SQL'
SELECT name, email FROM coursebase.users;
SELECT email, devices FROM coursebase.user_profile;
SQL
proved 'an end user sees no row of another' "$(grep -ci 'ben' "$work/out")" = 0

step "Ben's row is not hers to change, his course not hers to read, and she cannot make herself an administrator."
sql_as app_user user_2cleo <<'SQL'
UPDATE coursebase.users SET name = 'Nobody' WHERE name LIKE 'Ben%' RETURNING name;
SQL
refused 42501 sql_as app_user user_2cleo <<'SQL'
SELECT data FROM coursebase.custom_courses;
SQL
refused 42501 sql_as app_user user_2cleo <<'SQL'
UPDATE coursebase.users SET role = 'admin';
SQL
refused 42501 sql_as app_user user_2cleo <<SQL
SELECT coursebase.handshake('$ben', '{}');
SQL
value untouched <<'SQL'
SELECT count(*) FROM coursebase.users WHERE name = 'Ben Okafor' AND role = 'user';
SQL
proved "an end user is refused another's row, and a role that is not theirs" "$untouched" = 1
