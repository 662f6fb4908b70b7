# The data outlives the code, the server, and a hurried hand.
# Needs: people.
step 'No command takes the tables away by mistake.'
refused KB002 sql <<'SQL'
DROP EXTENSION coursebase CASCADE;
SQL
refused KB002 sql <<'SQL'
DROP SCHEMA coursebase CASCADE;
SQL

step 'An ordinary dump, restored in two ways. A fingerprint of a database lists all that it is: rows, grants, policies, triggers, owners, comments. The copies have the same.'
outside 'createdb copy && pg_dump demo | psql -Xq -v ON_ERROR_STOP=1 -d copy >/dev/null'
outside 'createdb second && pg_dump -Fd -j 4 -f dump demo && pg_restore --exit-on-error -j 4 -d second dump'
for database in demo copy second; do
	outside "psql -XAtq -d $database -f '$tree/test/tools/fingerprint.sql' >$database.txt"
done
outside 'wc -l demo.txt && cmp demo.txt copy.txt && cmp demo.txt second.txt && echo the same'
proved 'both restored copies are the same database, fact by fact' "$(tail -n 1 "$work/out")" = 'the same'

step 'The installation and the data are examined by the database itself. No rows: all is well.'
sql <<'SQL'
SELECT * FROM coursebase.check_integrity();
SELECT * FROM coursebase.lint();
SQL
value problems <<'SQL'
SELECT (SELECT count(*) FROM coursebase.check_integrity()) + (SELECT count(*) FROM coursebase.lint());
SQL
proved 'check_integrity() and lint() find nothing' "$problems" = 0
