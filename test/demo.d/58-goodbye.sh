# A person takes what is held about them, and leaves.
# Needs: sale.
step 'Dora signs up, pays for the bundle, reports a fault, and asks what is held about her. She is given it, and nobody else is.'
sql_as app_server <<'SQL'
SELECT coursebase.upsert_user('user_2dora', 'Dora Klein', 'dora@example.org', phone_number => '+49 30 1234') \g /dev/null
SELECT status FROM coursebase.complete_purchase((SELECT id FROM coursebase.users WHERE clerk_user_id = 'user_2dora'),
    (SELECT id FROM coursebase.products), 'cs_live_2', 4900, 'paid');
SQL
value dora <<'SQL'
SELECT id FROM coursebase.users WHERE clerk_user_id = 'user_2dora';
SQL
sql_as app_user user_2dora <<'SQL'
SELECT coursebase.log_app('user_report', 'Dora hears no sound') \g /dev/null
SELECT key AS held, json_array_length(value) AS rows
FROM json_each(coursebase.export_user()) WHERE json_array_length(value) > 0;
SELECT coursebase.export_user() -> 'user_profile' -> 0 ->> 'phone_number' AS phone;
SQL
refused 42501 sql_as app_user user_2cleo <<SQL
SELECT coursebase.export_user('$dora');
SQL

step 'She closes her account in the app, whose server asks the database. It is asked twice; she left once.'
refused 42501 sql_as app_user user_2dora <<SQL
SELECT coursebase.delete_user('$dora');
SQL
sql_as app_server <<SQL
SELECT coursebase.delete_user('$dora', '2026-05-01 12:00+00') AS closed;
SELECT coursebase.delete_user('$dora', '2026-05-02 12:00+00') AS closed;
SELECT name, email, left(clerk_user_id, 8) AS clerk_user_id FROM coursebase.users WHERE id = '$dora';
SELECT log_type, message, user_id FROM coursebase.app_logs WHERE log_type = 'user_report';
SELECT price_paid_in_cents, stripe_session_id FROM coursebase.purchases WHERE user_id = '$dora';
SQL
sql_as app_user user_2dora <<'SQL'
SELECT coursebase.current_user_id(), (SELECT count(*) FROM coursebase.user_access) AS courses;
SQL
value traces <<SQL
SELECT (SELECT count(*) FROM coursebase.purchases WHERE user_id = '$dora') || ' '
    || (coursebase.export_user('$dora')::text ~* 'dora|klein|30 1234')::text;
SQL
proved 'who left is told of by nothing, and the books still balance' "$traces" = '1 false'

step 'A late notice about the account does not bring it back. Under another sign-in she is a new person at once, who has nothing of the first.'
refused KB106 sql_as app_server <<'SQL'
SELECT coursebase.upsert_user('user_2dora', 'Dora Klein', 'dora@example.org');
SQL
sql_as app_server <<SQL
SELECT coursebase.upsert_user('user_2dora2', 'Dora Klein', 'dora@example.org') <> '$dora' AS is_new;
SQL
sql_as app_user user_2dora2 <<'SQL'
SELECT count(*) AS purchases FROM coursebase.purchases;
SQL
