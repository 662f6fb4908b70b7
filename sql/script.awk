# script.awk: makes the extension script, or an update script, from the slices.
#
#   awk -v version=VERSION [-v from=VERSION] -f script.awk [UPDATE.sql] FILE…
#
# Each FILE is a functions.sql, checks.sql, tables.sql or policies.sql; its name says which kinds of statement it
# takes (BEGIN lists them). Statements of functions.sql and checks.sql go into the script itself, because functions
# are members of the extension; statements of tables.sql and policies.sql become the rows of coursebase.steps(),
# which install() runs. A GRANT names the parts anonymous, end_user and server, which are no roles: it becomes a
# step as well, for grant_roles() to fill in. UPDATE.sql (in a folder "update") is copied as it is. The folder of a
# function's FILE is its topic: coursebase.topics() lists them for help(), and coursebase.definitions() how each
# function is made, for lint().
#
# The build writes REVOKE ALL ... FROM PUBLIC after every CREATE FUNCTION, so that no function can go without.
# It refuses, with file and line, what the server would report at a line of the generated script, or not at all:
# a kind of statement that install() was not made for, an object without COMMENT, an object made twice.
#
# POSIX awk: runs under mawk, gawk, the one true awk and busybox.

BEGIN {
    members = "CREATE FUNCTION|COMMENT ON FUNCTION|GRANT EXECUTE ON FUNCTION"
    kinds["functions"] = members "|CREATE EVENT TRIGGER|ALTER EVENT TRIGGER|COMMENT ON EVENT TRIGGER|" \
        "COMMENT ON SCHEMA|GRANT USAGE ON SCHEMA|SELECT"
    kinds["checks"] = members
    kinds["tables"] = "CREATE TYPE|CREATE TABLE|CREATE VIEW|CREATE INDEX|CREATE UNIQUE INDEX|CREATE TRIGGER|" \
        "CREATE CONSTRAINT TRIGGER|ALTER TABLE|ALTER INDEX|INSERT INTO|COMMENT ON TYPE|COMMENT ON TABLE|COMMENT ON COLUMN|" \
        "COMMENT ON VIEW|GRANT"
    kinds["policies"] = "CREATE POLICY|CREATE VIEW|COMMENT ON POLICY|COMMENT ON VIEW|COMMENT ON COLUMN|GRANT"
    # An e that stands alone before a quote gives backslashes a meaning in it, and in its continuation on a later line.
    escaped = "(^|[^A-Za-z0-9_$])[eE](''[ \t]*\n[ \t\n]*)*$"

    if (from == "") print "\\echo Use \"CREATE EXTENSION coursebase\" to load this file. \\quit"
    else print "\\echo Use \"ALTER EXTENSION coursebase UPDATE TO '" version "'\" to load this file. \\quit"
}

FNR == 1 {
    unfinished()
    file = FILENAME
    kind = file; sub(/\.sql$/, "", kind); sub(/^.*\//, "", kind)
    copied = file ~ /(^|\/)update\/[^\/]*$/
    if (!copied && !(kind in kinds)) complain(1, "no slice has a file of this name")
}
copied { print; next }
kind in kinds { read_line($0 "\n") }

END {
    unfinished()
    if (nsteps + nobjects == 0 && !failed) complain_at("script.awk", "there are no slices")
    if (failed) exit 1
    for (i = 1; i <= nobjects; i++)
        if (!(objects[i] in commented)) complain_at(places[objects[i]], objects[i] " has no COMMENT")
    if (failed) exit 1
    if (ntopics) write_topics()
    if (ndefinitions) write_definitions()
    # check_integrity() asks which tables there ought to be, with the caller's rights
    grants[++ngrants] = "GRANT EXECUTE ON FUNCTION coursebase.steps() TO server;"
    grant_names[ngrants] = "grant on steps"
    for (i = 1; i <= ngrants; i++) add_step(grants[i], grant_names[i])
    write_steps()
}

# ---- Reading: where a statement ends --------------------------------------------------------------------------------
#
# statement  as it is written
# plain      the same without what is in comments and between quotes, which is neither name nor keyword
# begun      the line of its first word
# quote      what the reader is within: "" (nothing), ' " or E (a string with backslashes), $tag$, or / (a comment)

function read_line(line) {
    if (line ~ /^\\echo|@extschema|@extowner/)
        complain(FNR, "CREATE EXTENSION reads \\echo, @extschema@ and @extowner@ itself, in quotes as well")
    if (quote == "" && plain != "" && line ~ /^(CREATE|COMMENT ON|GRANT|REVOKE|ALTER|INSERT INTO) /) {
        complain(begun, "the statement does not end in a semicolon before line " FNR)
        forget()
    }
    rest = line
    while (rest != "")
        if (quote == "") read_plain()
        else if (quote == "/") read_comment()
        else read_quoted()
}

# Moves n characters of the line into the statement; shown stands for them in plain. Blanks between statements are
# dropped, and so are comments, because they show as blanks.
function take(n, shown,    text) {
    text = substr(rest, 1, n)
    rest = substr(rest, n + 1)
    if (plain == "") {
        if (shown ~ /^[ \t\n]*$/) return
        sub(/^[ \t]+/, "", text)
        begun = FNR
    }
    statement = statement text
    plain = plain shown
}

function read_plain(    n) {
    n = match(rest, /['"$;]|--|\/\*/)
    if (n != 1) {
        n = n ? n - 1 : length(rest)
        take(n, substr(rest, 1, n))
    } else if (rest ~ /^;/) {
        take(1, ";")
        finish()
        forget()
    } else if (rest ~ /^--/) take(length(rest) - 1, " ")
    else if (rest ~ /^\//) open("/", 2, " ")
    else if (rest ~ /^"/) open("\"", 1, "\"")
    else if (rest ~ /^'/) open(plain ~ escaped ? "E" : "'", 1, "'")
    else if (plain !~ /[A-Za-z0-9_$]$/ && match(rest, /^\$([A-Za-z_][A-Za-z0-9_]*)?\$/))
        open(substr(rest, 1, RLENGTH), RLENGTH, "'")
    else take(1, "$")
}

function open(what, n, shown) {
    quote = what
    quoted_from = FNR
    depth = 1
    take(n, shown)
}

# A doubled quote needs no rule of its own in ' and ": it ends one string and begins the next.
function read_quoted(    n, length_of) {
    if (quote == "E") { n = match(rest, /\\(.|\n)|''|'/); length_of = RLENGTH }
    else { n = index(rest, quote); length_of = length(quote) }
    if (n == 0) take(length(rest), quote == "\"" ? rest : "")
    else if (quote == "E" && length_of == 2) take(n + 1, "")
    else {
        take(n + length_of - 1, quote == "\"" ? substr(rest, 1, n) : "'")
        quote = ""
    }
}

# A comment may hold others.
function read_comment(    n) {
    n = match(rest, /\/\*|\*\//)
    if (n == 0) { take(length(rest), ""); return }
    depth += substr(rest, n, 1) == "/" ? 1 : -1
    take(n + 1, depth == 0 ? " " : "")
    if (depth == 0) quote = ""
}

function forget() {
    statement = plain = quote = ""
}

# At the end of a file: a statement does not go on in the next one.
function unfinished() {
    if (quote != "") complain(quoted_from, "what begins here with " (quote == "/" ? "/*" : quote) " is never closed")
    else if (plain != "") complain(begun, "the statement does not end in a semicolon")
    forget()
}

function complain(line, text) {
    complain_at(file ":" line, text)
}

function complain_at(place, text) {
    print place ": " text > "/dev/stderr"
    failed = 1
}

# ---- One statement --------------------------------------------------------------------------------------------------

function finish(    words, step) {
    words = plain
    gsub(/[ \t\n]+/, " ", words); sub(/^ /, "", words); gsub(/coursebase\./, "", words)
    if (!known(words)) return
    if (gsub(/[(]/, "(", words) != gsub(/[)]/, ")", words)) complain(begun, "the statement does not close its brackets")
    if (statement ~ /[$](ddl|steps)[$]/) complain(begun, "$ddl$ and $steps$ quote the steps")
    step = object_of(words)
    if (words ~ /^CREATE FUNCTION /) { made(step = "function " signature(words)); topic(words); definition(words, step) }
    else if (words ~ /^CREATE /) made(step)
    if (words ~ /^CREATE TABLE / && words !~ / PARTITION OF /) table_columns(words)
    if (words ~ /^COMMENT ON /) comment(words)

    if (words ~ /^GRANT /) { grants[++ngrants] = statement; grant_names[ngrants] = step }
    else if (kind == "functions" || kind == "checks") write_member(words, step)
    else add_step(statement, step)
}

function known(words,    i, n, allowed, list) {
    n = split(kinds[kind], allowed, "|")
    for (i = 1; i <= n; i++) {
        if (index(words, allowed[i] " ") == 1) return 1
        list = list (i > 1 ? ", " : "") allowed[i]
    }
    sub(/ *[(;].*$/, "", words)
    if (words ~ /^REVOKE ALL ON FUNCTION /) list = "the build writes it after CREATE FUNCTION"
    else list = "it takes " list
    complain(begun, "\"" words "\" does not belong in " kind ".sql; " list)
    return 0
}

# The name that the step has in coursebase.steps().
function object_of(words,    word) {
    sub(/^CREATE (UNIQUE|CONSTRAINT) /, "CREATE ", words)
    split(words, word, " ")
    sub(/[(;].*$/, "", word[3]); gsub(/"/, "", word[3])
    if (words ~ /^(CREATE|ALTER) EVENT TRIGGER /) return "event trigger " word[4]
    if (words ~ /^CREATE (TRIGGER|POLICY) /) return tolower(word[2]) " " word[3] " on " on_what(words)
    if (words ~ /^CREATE /) return tolower(word[2]) " " word[3]
    if (words ~ /^COMMENT ON /) { sub(/ IS .*$/, "", words); return tolower(words) }
    if (words ~ /^INSERT INTO /) return "rows of " word[3]
    if (words ~ /^ALTER (TABLE|INDEX) /) return "setting of " word[3]
    return "grant on " on_what(words)
}

function on_what(words) {
    words = substr(words, index(words, " ON ") + 4)
    sub(/^(TABLE|FUNCTION|SCHEMA) /, "", words); sub(/[ (;].*$/, "", words)
    return words
}

# A function as the server names it: its name and the types of its arguments.
function signature(words,    name, i, n, argument, type, mode, list) {
    name = words; sub(/^CREATE FUNCTION /, "", name); sub(/ *[(].*$/, "", name)
    n = split_list(words, argument)
    for (i = 1; i <= n; i++) {
        type = argument[i]
        sub(/ (DEFAULT |=).*$/, "", type)
        mode = sub(/^(IN|OUT|INOUT|VARIADIC) /, "", type)
        if (!sub(/^[^ ]+ /, "", type) || mode)
            complain(begun, "an argument is a name and a type, and an answer RETURNS TABLE: \"" argument[i] "\"")
        list = list (i > 1 ? ", " : "") type
    }
    return name "(" list ")"
}

# Functions of one name are of one slice, and listed once.
function topic(words,    part, n) {
    sub(/^CREATE FUNCTION /, "", words); sub(/ *[(].*$/, "", words)
    n = split(file, part, "/")
    if (n < 2 || part[n - 1] == "." || words in topic_of) return
    topic_of[words] = part[n - 1]
    topics[++ntopics] = "('" part[n - 1] "', '" words "')"
}

# How a function is made, but for its arguments and its answer, which CREATE OR REPLACE cannot change, and for what lint()
# has rules of its own for. What is left out is the default.
function definition(words, step,    attributes, source) {
    attributes = words; sub(/^.* LANGUAGE /, "LANGUAGE ", attributes); sub(/ AS '.*$/, "", attributes)
    gsub(/ (CALLED ON NULL INPUT|SECURITY INVOKER|ROWS [0-9]+|SET search_path = pg_catalog, pg_temp)/, "", attributes)
    match(statement, /[ \n]AS [$']/)
    source = substr(statement, RSTART + 4); sub(/;$/, "", source)
    if (sub(/^[$][A-Za-z_]*[$]/, "", source)) sub(/[$][A-Za-z_]*[$]$/, "", source)
    sub(/^function /, "", step)
    definitions[++ndefinitions] = "('" step "', '" attributes "', $ddl$" source "$ddl$)"
}

function table_columns(words,    table, i, n, element, word) {
    table = object_of(words); sub(/^table /, "", table)
    n = split_list(words, element)
    for (i = 1; i <= n; i++) {
        split(element[i], word, " ")
        if (word[1] !~ /^(CONSTRAINT|PRIMARY|UNIQUE|FOREIGN|CHECK|EXCLUDE|LIKE)$/) made("column " table "." word[1])
    }
}

# What stands between the first bracket and its own closing one, cut at the commas that are in no other bracket.
function split_list(words, list,    n, at, inner, element) {
    words = substr(words, index(words, "(") + 1)
    for (inner = 0; inner >= 0 && (at = match(words, /[(),]/)); words = substr(words, at + 1)) {
        element = element substr(words, 1, at - 1)
        if (substr(words, at, 1) == "(") inner++
        if (substr(words, at, 1) == ")") inner--
        if (inner < 0 || (inner == 0 && substr(words, at, 1) == ",")) {
            gsub(/^ +| +$/, "", element)
            if (element != "") list[++n] = element
            element = ""
        } else element = element substr(words, at, 1)
    }
    return n + 0
}

# An object stands once in the slices: install() would fill up the first table from a second one, without a word.
function made(object) {
    if (object in places) { complain(begun, object " is made at " places[object] " already"); return }
    places[object] = file ":" begun
    if (object !~ /^(index|trigger) /) objects[++nobjects] = object
}

function comment(words,    object, said, of_view) {
    object = words; sub(/^COMMENT ON /, "", object); sub(/ IS .*$/, "", object)
    said = substr(words, length("COMMENT ON " object " IS ") + 1)
    match(object, /^(EVENT TRIGGER|[A-Z]+) /)
    object = tolower(substr(object, 1, RLENGTH)) substr(object, RLENGTH + 1)
    sub(/ ON /, " on ", object)
    # Which columns a view has stands in its query: the tests ask the server for them.
    of_view = object; sub(/^column /, "view ", of_view); sub(/\.[^.]*$/, "", of_view)
    if (object != "schema coursebase" && !(object in places || of_view in places))
        complain(begun, "COMMENT on " object ", which is not made before it")
    if (said !~ /^[eE]?('' ?)+;$/) complain(begun, "what a COMMENT says is one string in quotes")
    else if (statement ~ /IS[ \t\n]+''[ \t\n]*;$/) complain(begun, "the COMMENT says nothing")
    commented[object] = 1
}

# ---- Writing --------------------------------------------------------------------------------------------------------

function write_member(words, object,    text) {
    # an update finds the event trigger there, and CREATE EVENT TRIGGER knows no OR REPLACE
    if (from != "" && words ~ /^CREATE EVENT TRIGGER /) return
    text = statement
    if (from != "") sub(/^CREATE FUNCTION/, "CREATE OR REPLACE FUNCTION", text)
    print text
    # at once: a new function may be executed by everybody until the server is told otherwise
    if (sub(/^function /, "", object)) print "REVOKE ALL ON FUNCTION coursebase." object " FROM PUBLIC;"
}

function add_step(text, object) {
    sub(/;$/, "", text)
    steps[++nsteps] = "('" object "', $ddl$" text "$ddl$)"
}

function write_topics(    i) {
    print "CREATE " (from == "" ? "" : "OR REPLACE ") "FUNCTION coursebase.topics()"
    print "RETURNS TABLE (topic text, function text)\nLANGUAGE sql\nIMMUTABLE\nPARALLEL SAFE\nSECURITY INVOKER"
    print "SET search_path = pg_catalog, pg_temp\nAS $steps$\nVALUES"
    for (i = 1; i <= ntopics; i++) print topics[i] (i < ntopics ? "," : "")
    print "$steps$;"
    print "COMMENT ON FUNCTION coursebase.topics() IS 'The topic of each function, for help(): the slice that makes it, in " \
        "the order of the slices. Anybody may call it.';"
    print "REVOKE ALL ON FUNCTION coursebase.topics() FROM PUBLIC;"
    grants[++ngrants] = "GRANT EXECUTE ON FUNCTION coursebase.topics() TO anonymous, end_user, server;"
    grant_names[ngrants] = "grant on topics"
}

function write_definitions(    i) {
    print "CREATE " (from == "" ? "" : "OR REPLACE ") "FUNCTION coursebase.definitions()"
    print "RETURNS TABLE (function text, attributes text, source text)\nLANGUAGE sql\nIMMUTABLE\nPARALLEL SAFE"
    print "SECURITY INVOKER\nSET search_path = pg_catalog, pg_temp\nAS $steps$\nVALUES"
    for (i = 1; i <= ndefinitions; i++) print definitions[i] (i < ndefinitions ? "," : "")
    print "$steps$;"
    print "COMMENT ON FUNCTION coursebase.definitions() IS 'How the release makes each function: attributes and source, for " \
        "lint(). For the owner of the tables.';"
    print "REVOKE ALL ON FUNCTION coursebase.definitions() FROM PUBLIC;"
}

function write_steps(    i) {
    print "CREATE " (from == "" ? "" : "OR REPLACE ") "FUNCTION coursebase.steps()"
    print "RETURNS TABLE (object text, ddl text)\nLANGUAGE sql\nIMMUTABLE\nPARALLEL SAFE\nSECURITY INVOKER"
    print "SET search_path = pg_catalog, pg_temp\nAS $steps$\nVALUES"
    print "('version', '" version "'),"
    for (i = 1; i <= nsteps; i++) print steps[i] (i < nsteps ? "," : "")
    print "$steps$;"
    print "COMMENT ON FUNCTION coursebase.steps() IS 'The steps of install(): each object of the schema with its DDL, in " \
        "the order in which they are made. For the server, whose checks compare with them.';"
    print "REVOKE ALL ON FUNCTION coursebase.steps() FROM PUBLIC;"
    # what default privileges gave when the functions were made; later grants are the user's
    if (from == "" && ("function close_functions()" in places)) print "SELECT coursebase.close_functions();"
    print "SELECT coursebase.install();"
}
