# Audio is appended as it is made: three calls, one of them a retry.
# Needs: course.
step 'The first two recordings are ready. They are appended to the member audio_files; every other byte of the document stays where it was.'
sql_as app_server <<SQL
SELECT * FROM coursebase.update_json('$course',
    '[{"url": "https://media.example.org/stage-fright/1.mp3", "checksum": "6cd3556deb0da54bca060b4c39479839", "duration": 312.5},
      {"url": "https://media.example.org/stage-fright/2.mp3", "checksum": "f7fc6d1e44a9c2b3e0a8f5f1d1c2b3a4", "duration": 298}]');
SQL

step 'The third follows. The caller does not hear the answer, and tries again: the entry is there already, so nothing is appended twice and nothing changes.'
sql_as app_server <<SQL
SELECT * FROM coursebase.update_json('$course',
    '{"url": "https://media.example.org/stage-fright/3.mp3", "checksum": "0cc175b9c0f1b6a831c399e269772661", "duration": 305}');
SELECT * FROM coursebase.update_json('$course',
    '{"url": "https://media.example.org/stage-fright/3.mp3", "checksum": "0cc175b9c0f1b6a831c399e269772661", "duration": 305}');
SELECT json_array_length(data -> 'audio_files') AS recordings FROM coursebase.custom_courses;
SQL
value recordings <<'SQL'
SELECT json_array_length(data -> 'audio_files') FROM coursebase.custom_courses;
SQL
proved 'three appends, one of them a retry, leave three recordings' "$recordings" = 3

step 'What would make the document wrong is refused: the same recording with another checksum, an address that is none, and a change based on a version that is gone.'
refused KB102 sql_as app_server <<SQL
SELECT coursebase.update_json('$course',
    '{"url": "https://media.example.org/stage-fright/3.mp3", "checksum": "92eb5ffee6ae2fec3ad71c777531578f"}');
SQL
refused KB103 sql_as app_server <<SQL
SELECT coursebase.update_json('$course', '{"url": "4.mp3"}');
SQL
refused KB101 sql_as app_server <<SQL
SELECT coursebase.update_json('$course', '{"url": "https://media.example.org/stage-fright/4.mp3"}',
    expected_checksum => '$checksum');
SQL

step 'Is the checksum true? The stored bytes leave the database, and the tools of the operating system count for themselves.'
sql_as app_server <<'SQL'
SELECT checksum, file_size_bytes FROM coursebase.custom_courses;
SQL
value checksum <<'SQL'
SELECT checksum FROM coursebase.custom_courses;
SQL
value size <<'SQL'
SELECT file_size_bytes FROM coursebase.custom_courses;
SQL
outside "psql -d demo -XAtqc 'SELECT data FROM coursebase.custom_courses' | head -c -1 >document.json"
outside 'md5sum document.json'
outside_checksum=$(cut -d ' ' -f 1 "$work/out")
outside 'wc -c document.json'
outside_size=$(cut -d ' ' -f 1 "$work/out")
proved "md5sum says $checksum, as the database does" "$outside_checksum" = "$checksum"
proved "wc -c counts $size bytes, as the database does" "$outside_size" = "$size"
