# story.sh: the story of test/demo.d, told on the server of whoever sources this: test/demo, test/tools/dev and test/check.
#
# The story stands in test/demo.d/*.sh, in the order of their names. The name of a chapter is its file's without number
# and ending. Its first line is its title; a second line "# Needs: NAME NAME." names the chapters whose data and
# variables it uses. These are its words:
#   step TEXT             begins a numbered step: what happens, in plain words
#   sql                   runs the SQL on its standard input, prints it and the rows it gave
#   sql_as ROLE [SUB]     the same as another role, for an end user with the `sub` of the request's claims
#   on PLACE sql…         either of these at another place: the chapter has set at_PLACE to 'PORT DATABASE', and to
#                         'PORT DATABASE CLIENT' where another command than psql_demo reads the statements
#   refused CODE sql…     any of these, which must be refused with that SQLSTATE
#   value NAME            sets the variable NAME to the one value that the SQL gives, and prints nothing; an id
#                         in quotes is from then on :'NAME' in the SQL that is shown and run
#   outside COMMAND…      runs a command outside the database, prints it and what it gave
#   proved TEXT TEST…     keeps TEXT for the summary once `test TEST…` held; else the demo fails
#
# The variable story_database names the database that they mean. A chapter may make another one and set it; the next chapter
# is again told of the demo's.
#
# Sourced after lib.sh, POSIX sh. Descriptor 3 is where a story that stops says so, whatever its steps print to.

## The chapters

chapters()
{
	for part in "$tree"/test/demo.d/[0-9]*-*.sh; do
		part=$(basename "$part" .sh)
		say "${part#*-}"
	done
}

chapter_file()
{
	say "$tree/test/demo.d/"[0-9]*"-$1.sh"
}

chapter_title()
{
	sed -n '1s/^# *//; 1s/\.$//p' "$(chapter_file "$1")"
}

chapter_needs()
{
	sed -n '2s/^# Needs: \(.*\)\.$/\1/p' "$(chapter_file "$1")"
}

# What a chapter needs, and what that needs in turn.
chapter_needs_all()
{
	for need in $(chapter_needs "$1"); do
		# a subshell, because the loop within has the same variable
		(chapter_needs_all "$need")
		say "$need"
	done
}

is_among()
{
	case " $2 " in
		*" $1 "*) return 0 ;;
	esac
	return 1
}

# chapters_choose [NAME]…: sets told, the chapters to tell (all, where none is named), and prepared, those that
# they need and that are run without being shown.
chapters_choose()
{
	told=${*:-$(chapters | tr '\n' ' ')}
	prepared=
	for name in $told; do
		chapters | grep -qx -e "$name" || die "no chapter is called $name; test/demo --list names them"
		for need in $(chapter_needs_all "$name"); do
			is_among "$need" "$told $prepared" || prepared="$prepared $need"
		done
	done
}

# One line a chapter, and what becomes of it where some were chosen.
chapters_list()
{
	for name in $(chapters); do
		note=
		! is_among "$name" "$prepared" || note=' (not shown, but needed)'
		is_among "$name" "$told $prepared" || note=' (left out)'
		printf '  %-9s %s%s\n' "$name" "$(chapter_title "$name")" "$note"
	done
}

## The words of the story

number=0
step()
{
	number=$((number + 1))
	say
	printf '%2d. %s\n' "$number" "$1" | fold -s -w 92 | sed 's/ *$//; 2,$s/^/    /'
	last=step
}

# A blank line, but not between one command outside the database and the next.
gap()
{
	[ "$1$last" = outsideoutside ] || say
	last=$1
}

indented()
{
	sed 's/^\(.\)/    \1/'
}

stop()
{
	[ -z "$preparing" ] || tail -n 40 "$work/prepared" >&3
	say "The demo stopped at step $number of the chapter $telling: $1" >&3
	exit 1
}

psql_demo()
{
	psql -X -q -d "$story_database" -v ON_ERROR_STOP=1 -P null=- "$@"
}

# Errors come with their SQLSTATE; where in the source they were raised is nothing for a reader.
run_told()
{
	sed -f "$work/names" >"$work/statement"
	gap sql
	[ -z "$told_of" ] || heading="on $told_of${heading:+, $heading}"
	[ -z "$heading" ] || say "    -- $heading"
	indented <"$work/statement"
	cat "$work/ids" "$work/preamble" "$work/statement" | $story_client -v VERBOSITY=verbose >"$work/out" 2>&1
	status=$?
	# psql ends every table with a blank line
	[ ! -s "$work/out" ] || say
	grep -v '^LOCATION:' "$work/out" | indented | sed '${/^$/d}'
	if [ -z "$expected" ]; then
		[ "$status" = 0 ] || stop "the statement above failed"
	else
		grep -q "^ERROR:  $expected: " "$work/out" || stop "it was to be refused with $expected"
		expected=
	fi
}
expected=

sql()
{
	: >"$work/preamble"
	heading=
	run_told
}

sql_as()
{
	{
		say "SET ROLE $1;"
		[ -z "${2:-}" ] ||
			say "SELECT set_config('request.jwt.claims', '{\"sub\": \"$2\"}', false) \\g /dev/null"
	} >"$work/preamble"
	heading="as the role $1${2:+, with the claim sub = $2}"
	run_told
}

# The words of one line are about one place; the next line is again about the demo's own.
on()
{
	told_of=$1
	eval "at=\$at_$1"
	shift
	# shellcheck disable=SC2086 # a list of words
	on_at $at
	"$@"
	told_of=
	on_at 5432 "$database_before"
}
told_of=
story_client=psql_demo

on_at()
{
	database_before=$story_database
	PGPORT=$1 story_database=$2 story_client=${3:-psql_demo}
}

refused()
{
	expected=$1
	shift
	"$@"
}

# A variable of the story's own must not change: the list of chapters would end there.
value()
{
	! is_among "$1" "$story_variables" || stop "$1 is a variable of the story's own, which no value can have"
	found=$(psql_demo -A -t) || stop "the value of $1 could not be read"
	eval "$1=\$found"
	case $found in
		????????-????-????-????-????????????)
			say "s/'$found'/:'$1'/g" >>"$work/names"
			say "\\set $1 $found" >>"$work/ids"
			;;
	esac
}

outside()
{
	gap outside
	say "    \$ $*"
	(cd "$work/outside" && eval "$*") >"$work/out" 2>&1 </dev/null || { indented <"$work/out"; stop "that command failed"; }
	indented <"$work/out"
}

proved()
{
	fact=$1
	shift
	test "$@" || stop "not true: $fact ($*)"
	[ -n "$preparing" ] || say "  - $fact" >>"$work/facts"
}

## The telling

# Needs a server that runs. Makes the database in which the story happens.
story_begin()
{
	mkdir -p "$work/outside" "$work/stores"
	: >"$work/names" >"$work/ids"
	: >"$work/facts" >"$work/prepared"
	PGOPTIONS='-c client_min_messages=warning'
	PATH=$tree/test/demo.d:$PATH
	DEMO=$tree/test/demo.d
	STORE_KEYS=$work/stores
	story_database=demo
	export PATH PGOPTIONS DEMO STORE_KEYS story_database
	exec 3>&2
	story_variables=$(grep -ohE '(^|[[:space:];(])([a-z_]+=|for [a-z_]+ in )' "$tree/test/lib.sh" "$tree/test/story.sh" "$self" |
		sed 's/^[[:space:];(]*//; s/^for //; s/ in $//; s/=$//' | tr '\n' ' ')
	createdb demo || die "the database could not be made"
}

# The chapters that were chosen, in the story's order. The title of one stands over its steps, and over its facts in
# the summary; what only prepares is named in one line.
story_tell()
{
	# a chapter that sets one of these, however it does, ends the shell that sources it, with its name and not in silence
	readonly told prepared work tree
	[ -z "$prepared" ] || printf 'preparing:'
	for telling in $(chapters); do
		if is_among "$telling" "$prepared"; then
			printf ' %s' "$telling"
			preparing=yes
			story_database=demo
			. "$(chapter_file "$telling")" >"$work/prepared" 2>&1
			preparing=
		fi
	done
	[ -z "$prepared" ] || say
	number=0
	for telling in $(chapters); do
		is_among "$telling" "$told" || continue
		title=$(chapter_title "$telling")
		printf '\n\n== %s\n' "$title"
		printf '\n%s\n' "$title" >>"$work/facts"
		story_database=demo
		. "$(chapter_file "$telling")"
	done
}
preparing=
