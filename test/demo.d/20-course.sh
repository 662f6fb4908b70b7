# A custom course: bought, described by its owner, written, and stored byte for byte.
# Needs: people.
step 'Ben buys a custom course in the app store. The edge function asked the store; the database makes the placeholder and a link to the form, once, however often the receipt comes.'
sql_as app_server <<SQL
SELECT * FROM coursebase.create_custom_course('$ben', 'app_store', 'production', '200001', 'receipt-200001');
SELECT count(*) AS courses FROM coursebase.create_custom_course('$ben', 'app_store', 'production', '200001', 'receipt-200001');
SELECT title, data, checksum, file_size_bytes FROM coursebase.custom_courses;
SQL
value course <<'SQL'
SELECT id FROM coursebase.custom_courses;
SQL
value form_link <<'SQL'
SELECT link_token FROM coursebase.custom_course_purchases;
SQL

step 'He fills in the form behind the link. The database checks every answer, and hands over what generation needs. A second submission of the same link is refused.'
answers="'{\"issue\": \"I freeze when I have to speak before people.\", \"goal\": \"I want to speak calmly before a full room.\",
  \"feel\": \"steady and at ease\", \"why\": \"My work depends on it.\", \"title\": \"Stage fright\",
  \"scripts\": [{\"number\": 1, \"technique\": \"breathing\"}, {\"number\": 2, \"technique\": \"imagery\"},
              {\"number\": 3, \"technique\": \"anchoring\"}]}'"
sql_as app_server <<SQL
SELECT s ->> 'course_code' AS code, s ->> 'title' AS title, s ->> 'goal' AS goal, s -> 'scripts' -> 2 AS third_script
FROM coursebase.submit_custom_course('$form_link', 'generate_audio', $answers) s;
SQL
refused KB203 sql_as app_server <<SQL
SELECT coursebase.submit_custom_course('$form_link', 'generate_audio', $answers);
SQL

step 'The scripts are written and stored. The document stays as it came, with its spacing, its member order and the spelling of its numbers; checksum and size are those of its bytes.'
sql_as app_server <<SQL
\\set document \`cat "\$DEMO/stage-fright.json"\`
UPDATE coursebase.custom_courses SET data = :'document' WHERE id = '$course'
RETURNING title, checksum, file_size_bytes;
SQL
value checksum <<'SQL'
SELECT checksum FROM coursebase.custom_courses;
SQL
outside 'md5sum <"$DEMO/stage-fright.json"'
proved "a stored document has the checksum of the file it came from" "$checksum  -" = "$(cat "$work/out")"
