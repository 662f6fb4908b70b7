# script.awk: makes the extension script, or an update script, from the slices.
#
# Arguments: every functions.sql, checks.sql, tables.sql and policies.sql, each kind in slice order.
# What functions.sql and checks.sql say runs in the script itself, for members of the extension; what tables.sql and
# policies.sql say becomes the rows of coursebase.steps(), which install() runs. GRANTs name the parts
# anonymous, end_user and server, which are no roles: they become steps for grant_roles() to fill in.
#
# A statement ends with a semicolon at the end of a line outside of $$ quotes.

function object_of(statement,    words, n, i) {
    gsub(/[ \t\n]+/, " ", statement); sub(/^ /, "", statement); gsub(/coursebase\./, "", statement)
    n = split(statement, words, " ")
    for (i = 1; i <= n; i++) sub(/[(;].*$/, "", words[i])
    if (statement ~ /^CREATE UNIQUE INDEX/) return "index " words[4]
    if (statement ~ /^CREATE CONSTRAINT TRIGGER/) return "trigger " words[4] " on " after(statement, " ON ")
    if (statement ~ /^CREATE TRIGGER/) return "trigger " words[3] " on " after(statement, " ON ")
    if (statement ~ /^CREATE POLICY/) return "policy " words[3] " on " after(statement, " ON ")
    if (statement ~ /^CREATE /) return tolower(words[2]) " " words[3]
    if (statement ~ /^COMMENT ON /) { sub(/^COMMENT ON /, "", statement); sub(/ IS .*$/, "", statement); return "comment on " tolower(statement) }
    if (statement ~ /^INSERT INTO/) return "rows of " words[3]
    if (statement ~ /^ALTER TABLE/) return "setting of " words[3]
    if (statement ~ /^GRANT/) return "grant on " after(statement, " ON ")
    return tolower(words[1] " " words[2])
}

function after(text, word,    rest) {
    rest = substr(text, index(text, word) + length(word))
    sub(/^(TABLE|FUNCTION|SCHEMA) /, "", rest); sub(/[ (;].*$/, "", rest)
    return rest
}

function add_step(statement) {
    sub(/;[ \t\n]*$/, "", statement)
    steps[++nsteps] = "('" object_of(statement) "', $ddl$" statement "$ddl$)"
}

function finish(statement, kind) {
    if ((kind == "functions" || kind == "checks") && statement !~ /^GRANT/) {
        if (from != "" && statement ~ /^CREATE EVENT TRIGGER/) return
        if (from != "") sub(/^CREATE FUNCTION/, "CREATE OR REPLACE FUNCTION", statement)
        print statement
    } else if (statement ~ /^GRANT/) grants[++ngrants] = statement
    else add_step(statement)
}

BEGIN {
    if (from == "") print "\\echo Use \"CREATE EXTENSION coursebase\" to load this file. \\quit"
    else print "\\echo Use \"ALTER EXTENSION coursebase UPDATE TO '" version "'\" to load this file. \\quit"
    if (from != "") {
        file = "sql/update/" from ".sql"
        while ((getline line < file) > 0) print line
    }
}

FNR == 1 { kind = FILENAME; sub(/^.*\//, "", kind); sub(/\.sql$/, "", kind) }
statement == "" && (/^[ \t]*--/ || /^[ \t]*$/) { next }
{
    statement = statement $0 "\n"
    quotes = $0; quoted += gsub(/\$[a-z]*\$/, "", quotes)
    if (quoted % 2 == 0 && $0 ~ /;[ \t]*$/) { finish(statement, kind); statement = "" }
}

END {
    if (statement != "") { print "script.awk: unfinished statement: " statement > "/dev/stderr"; exit 1 }
    for (i = 1; i <= ngrants; i++) add_step(grants[i])
    printf "CREATE %sFUNCTION coursebase.steps()\nRETURNS TABLE (object text, ddl text)\n", from == "" ? "" : "OR REPLACE "
    print "LANGUAGE sql\nIMMUTABLE\nPARALLEL SAFE\nSECURITY INVOKER\nSET search_path = pg_catalog, pg_temp\nAS $steps$\nVALUES"
    print "('version', '" version "'),"
    for (i = 1; i <= nsteps; i++) print steps[i] (i < nsteps ? "," : "")
    print "$steps$;"
    print "COMMENT ON FUNCTION coursebase.steps() IS 'The steps of install(): each object of the schema with its DDL, in the order in which they are made.';"
    print "REVOKE ALL ON FUNCTION coursebase.steps() FROM PUBLIC;"
    print "SELECT coursebase.install();"
}
