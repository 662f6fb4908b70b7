# A phone: everything, nothing, and only what is new.
# Needs: audio.
step "Ben's phone starts for the first time. It calls handshake() and gets every document it may have, whole. (phone is a small program beside this story; it keeps files as an app would.)"
outside "phone $ben ben-phone"
value named <<SQL
SELECT 'X99ENB_$course.json';
SQL
proved 'a new phone ends with the exact bytes of the custom course' \
	"$(md5sum <"$work/outside/ben-phone/$named")" = "$checksum  -"

step 'It starts again. It tells the digest of what it has, and the answer is empty: no document was read.'
outside "phone $ben ben-phone"
proved 'an unchanged phone is sent no document' "$(grep -c '^nothing to do' "$work/out")" = 1

step 'It is restored from a backup that lacks a file. The digest of the files that are there is another one, and the file comes again.'
rm "$work/outside/ben-phone/$named"
outside "phone $ben ben-phone"
proved 'a phone that lost a file is sent that file alone' "$(grep -v '^keep' "$work/out" | grep -c '^add')" = 1
proved 'and has its exact bytes again' "$(md5sum <"$work/outside/ben-phone/$named")" = "$checksum  -"

step 'A fourth recording is made. At its next start the phone is sent only the bytes that are new, puts them where they belong, and has the whole document.'
sql_as app_server <<SQL
SELECT checksum, file_size_bytes, appended FROM coursebase.update_json('$course',
    '{"url": "https://media.example.org/stage-fright/4.mp3", "duration": 120, "title": "Zugabe – für später"}');
SQL
outside "phone $ben ben-phone"
grep '^append' "$work/out" >"$work/append" || :
value checksum <<'SQL'
SELECT checksum FROM coursebase.custom_courses;
SQL
outside "md5sum ben-phone/$named"
proved 'a phone that had an earlier version is sent only the new bytes' -s "$work/append"
proved 'and ends with the exact bytes of the new one' "$(cut -d ' ' -f 1 "$work/out")" = "$checksum"
