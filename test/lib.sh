# lib.sh: what test/demo, test/check and the programs of test/tools share: packages, the build, and a server of their own.
#
# Two settings come from the environment, for test/tools. BUILD_VARIANT names a build of another kind
# (its flags are PGXS's own COPT), which gets a directory of its own; SERVER_PROGRAM is what the server is started
# with in place of postgres.
#
# Sourced, POSIX sh. Invariants:
# - Nothing outside $work (removed on every way out) and $tree/build is written, except packages
#   that are missing, which are installed when the caller is root.
# - The server stands in $place, which is $work unless the caller has set it, and listens on a socket there
#   alone, so that it meets no other PostgreSQL.
# - Nothing reads the caller's standard input, and nothing that stays alive holds their output.

self=$(cd "$(dirname "$0")" && pwd)/$(basename "$0") # the program that sources this, whichever directory is the current one later
umask 022
LC_ALL=C
export LC_ALL
# The caller's own connection settings (PGHOST, PGUSER, PGOPTIONS …) must not leak into the tests.
for name in $(env | sed -n 's/^\(PG[A-Z]*\)=.*/\1/p'); do
	unset "$name"
done

say()
{
	printf '%s\n' "$*"
}

die()
{
	printf '%s: %s\n' "$program" "$*" >&2
	exit 1
}

## The working directory and the way out

# Sockets have a name of at most 107 bytes, so that a long TMPDIR cannot hold them.
work_begin()
{
	parent=${TMPDIR:-/tmp}
	[ ${#parent} -le 60 ] && [ -w "$parent" ] || parent=/tmp
	work=$(mktemp -d "$parent/coursebase.XXXXXX") || die "cannot make a directory in $parent"
	chmod 755 "$work"
	place=${place:-$work}
	trap work_end EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 141' PIPE
	trap 'exit 143' TERM
	cd "$work" || exit 1
}

work_end()
{
	trap '' HUP INT TERM
	[ -z "$child" ] || kill_family "$child"
	[ -z "$watcher" ] || kill_family "$watcher"
	for pid in $beside; do
		kill_family "$pid"
	done
	server_stop
	cd /
	rm -rf "$work"
}
child=   # what attended runs
watcher= # what tells how a build gets on
beside=  # what runs while tests run: numbers of processes

kill_family()
{
	# shellcheck disable=SC2046 # a list of numbers
	set -- "$1" $(cat "/proc/$1/task/$1/children" 2>/dev/null)
	kill "$1" 2>/dev/null
	shift
	for pid in "$@"; do
		(kill_family "$pid")
	done
}

# Run a command so that a signal ends it at once: a shell in a foreground wait would be deaf.
attended()
{
	"$@" </dev/null &
	child=$!
	wait "$child"
	set -- $?
	child=
	return "$1"
}

## What the machine has, and what it lacks

is_root()
{
	[ "$(id -u)" = 0 ]
}

# The majors that the extension is made for, as src/core/compat.h says.
majors='19 18 17 16 15'

major_of()
{
	"$1" --version 2>/dev/null | sed -n 's/^PostgreSQL \([0-9]*\).*/\1/p'
}

# A pg_config serves when both the server and what extensions are built with stand behind it: Debian's package of the
# client has PGXS without the headers.
pg_config_serves()
{
	case " $majors " in
		*" $(major_of "$1") "*) ;;
		*) return 1 ;;
	esac
	[ -x "$("$1" --bindir)/postgres" ] && [ -f "$("$1" --pgxs)" ] && [ -f "$("$1" --includedir-server)/postgres.h" ]
}

pg_config_find()
{
	if [ -n "${PG_CONFIG:-}" ]; then
		pg_config=$(command -v "$PG_CONFIG") || die "PG_CONFIG names $PG_CONFIG, which is no program"
		major=$(major_of "$pg_config")
		pg_config_serves "$pg_config"
		return
	fi
	for pg_config in "$(command -v pg_config)" $(printf '/usr/lib/postgresql/%s/bin/pg_config ' $majors); do
		[ -n "$pg_config" ] && [ -x "$pg_config" ] && pg_config_serves "$pg_config" || continue
		major=$(major_of "$pg_config")
		return 0
	done
	pg_config=
	for major in $majors; do
		[ -x "/usr/lib/postgresql/$major/bin/postgres" ] && return 1
	done
	return 1
}

# Names of Debian's packages for what is missing. The first argument says for whom: demo or check.
packages_missing()
{
	if ! pg_config_find; then
		[ -x "/usr/lib/postgresql/$major/bin/postgres" ] || say "postgresql-$major"
		say "postgresql-server-dev-$major"
	fi
	command -v gcc >/dev/null || say gcc
	command -v make >/dev/null || say make
	[ -f /usr/include/stdio.h ] || say libc6-dev
	[ -f /usr/include/openssl/evp.h ] || say libssl-dev
	command -v openssl >/dev/null || say openssl
	perl -MJSON::PP -MTest::More -e 1 2>/dev/null || say perl
	[ "$1" = demo ] || perl -MIPC::Run -e 1 2>/dev/null || say libipc-run-perl
}

clang_format_find()
{
	for clang_format in clang-format-14 clang-format; do
		"$clang_format" --version 2>/dev/null | grep -q 'version 14\.' && return 0
	done
	clang_format=
	return 1
}

clang_fuzzes()
{
	command -v clang >/dev/null || return 1
	say 'int LLVMFuzzerTestOneInput(const char *d, long n) { return d == 0 && n; }' >"$work/probe.c"
	clang -fsanitize=fuzzer "$work/probe.c" -o "$work/probe" 2>/dev/null
}

# Debian's Node, TypeScript and pg.
edge_packaged()
{
	tsc=/usr/share/nodejs/typescript/bin/tsc
	command -v node >/dev/null && [ -x "$tsc" ] && [ -d /usr/share/nodejs/pg ] && [ -d /usr/share/nodejs/@types/node ]
}

# npm_install DIRECTORY PACKAGE…: what test/edge and test/clients import, as the directory's node_modules. They stay there, so
# that a second run with the same packages needs no network.
npm_install()
{
	modules=$1
	shift
	tsc=$modules/node_modules/.bin/tsc
	command -v npm >/dev/null || return 1
	mkdir -p "$modules"
	[ "$(cat "$modules/installed" 2>/dev/null)" != "$*" ] || return 0
	HOME=$work/home attended npm install --prefix "$modules" --no-audit --no-fund \
		--no-package-lock --no-update-notifier --loglevel=error --fetch-retries=1 --fetch-retry-mintimeout=1000 "$@" || return 1
	say "$*" >"$modules/installed"
}

# The types and the compiler that go with any package that npm brings.
npm_base='pg@8.13.1 typescript@5.6.3 @types/pg@8.11.10 @types/node@20.17.6'

# edge_modules DIRECTORY [PACKAGE]…: Debian's modules, or npm's where Node is another's or where packages are named, which
# Debian has not and whose types its TypeScript cannot read.
edge_modules()
{
	if [ $# = 1 ] && edge_packaged; then
		mkdir -p "$1"
		ln -sfn /usr/share/nodejs "$1/node_modules"
		return
	fi
	# shellcheck disable=SC2086 # a list of words
	npm_install "$@" $npm_base
}

# typescript_compile DIRECTORY FILE: compiles a file that stands there, and what it imports, into out.
typescript_compile()
{
	env -C "$1" "$tsc" --strict --noUnusedLocals --noEmitOnError --skipLibCheck --types node \
		--target es2020 --module commonjs --moduleResolution node --outDir out "$2"
}

# apt_unpack DIRECTORY PACKAGE…: Debian's packages and what they need and is not here, unpacked there instead of installed:
# nothing of them is started, and nobody has to be root. They stay there as npm's do.
apt_unpack()
{
	unpacked=$1
	shift
	[ "$(cat "$unpacked/unpacked" 2>/dev/null)" != "$*" ] || return 0
	command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
	mkdir -p "$unpacked/archives/partial" "$unpacked/root"
	if is_root; then
		apt_update || return 1
	fi
	attended apt-get install -y -qq --download-only --reinstall --no-install-recommends -o Debug::NoLocking=1 \
		-o APT::Sandbox::User= -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o Dir::Cache::archives="$unpacked/archives" "$@" || return 1
	for archive in "$unpacked"/archives/*.deb; do
		dpkg-deb -x "$archive" "$unpacked/root" || return 1
	done
	# Java, for one, finds its settings by links to /etc: there is nothing of it there.
	find "$unpacked/root/usr/lib" -type l -lname '/etc/*' -exec sh -c '
		root=$0
		for link in "$@"; do
			ln -sfnr "$root$(readlink "$link")" "$link"
		done' "$unpacked/root" {} +
	say "$*" >"$unpacked/unpacked"
}

# Tools without which a step of test/check is skipped, in words, instead of failing.
packages_useful()
{
	clang_format_find || say clang-format
	command -v clang >/dev/null || say clang
	clang_fuzzes || say libclang-rt-dev
	edge_packaged || command -v npm >/dev/null || printf '%s\n' nodejs node-typescript node-pg
	command -v npm >/dev/null || say npm
	[ -e "$("${pg_config:-pg_config}" --sharedir 2>/dev/null)/extension/plproxy.control" ] || say "postgresql-$major-plproxy"
}

# Debian's package of the server makes a cluster and starts it; a test has no business to leave
# one behind. The directory is one that postgresql-common's own configuration includes.
apt_install()
{
	conf=/etc/postgresql-common/createcluster.d
	[ -d "$conf" ] && conf_was=yes || conf_was=
	mkdir -p "$conf" && say "create_main_cluster = off" >"$conf/coursebase-test.conf"
	DEBIAN_FRONTEND=noninteractive attended apt-get install -y -qq --no-install-recommends \
		-o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" >"$work/apt.log" 2>&1
	set -- $?
	rm -f "$conf/coursebase-test.conf"
	[ -n "$conf_was" ] || rmdir "$conf" /etc/postgresql-common 2>/dev/null
	return "$1"
}

apt_update()
{
	[ -z "${apt_updated:-}" ] || return 0
	attended apt-get update -qq -o DPkg::Lock::Timeout=300 >"$work/apt.log" 2>&1
	apt_updated=yes
}

# Of the majors the one that is here, else 15, else the newest that the system offers.
server_version_choose()
{
	case $1 in
		*postgresql-15*) ;;
		*) return ;;
	esac
	for major in 15 $majors; do
		[ -z "$(apt-cache search --names-only "^postgresql-server-dev-$major\$")" ] || return 0
	done
	die "this system offers no package of PostgreSQL 15 to 19"
}

packages_say_and_leave()
{
	if command -v apt-get >/dev/null; then
		die "these packages are missing: $1
Install them as root and run test/$program again:

    apt-get install $1"
	fi
	die "the server and the headers of PostgreSQL 15 to 19, a C compiler, make, OpenSSL's headers
and Perl with IPC::Run are needed (on Debian: $1).
If PostgreSQL stands in a place of its own, name its pg_config: PG_CONFIG=/path/to/pg_config"
}

packages_ensure()
{
	major=15
	missing=$(packages_missing "$program" | tr '\n' ' ')
	pg_config_find || :
	if [ -n "$missing" ]; then
		missing=${missing% }
		is_root && command -v apt-get >/dev/null || packages_say_and_leave "$missing"
		apt_update || { tail -n 20 "$work/apt.log" >&2; die "apt-get update failed"; }
		server_version_choose "$missing"
		missing=$(packages_missing "$program" | sed "s/^\(postgresql.*-\)15$/\1$major/" | tr '\n' ' ')
		say "installing ${missing% }"
		# shellcheck disable=SC2086 # a list of words
		apt_install $missing || { tail -n 20 "$work/apt.log" >&2; die "apt-get install failed"; }
	fi
	if [ "$program" = check ] && is_root && command -v apt-get >/dev/null; then
		useful=$(packages_useful | tr '\n' ' ')
		if [ -n "$useful" ] && apt_update; then
			say "installing ${useful% }"
			# shellcheck disable=SC2086 # a list of words
			apt_install $useful || say "(not to be had here: some steps will be skipped)"
		fi
	fi
	pg_config_find || die "PostgreSQL's server and headers were not found; name its pg_config:
    PG_CONFIG=/path/to/pg_config test/$program"
	bindir=$("$pg_config" --bindir)
	PATH=$bindir:$PATH
	PG_CONFIG=$pg_config
	export PATH PG_CONFIG
}

## The build

# The build stands in a copy of the tree, so that the tree stays free of what a build leaves, root
# leaves nothing that its owner cannot remove, and a tree that cannot be written serves as well.
build_sync()
{
	mkdir -p "$build"
	(
		cd "$tree" || exit 1
		for top in Makefile coursebase.control README.md .clang-format src sql test expected; do
			[ ! -e "$top" ] || find "$top" -type f ! -name '*.[od]' ! -name '*.bc' ! -name '*.so' \
				! -name '*.gcno' ! -name '*.gcda'
		done | sort
	) >"$work/files"
	rebuild=
	while read -r file; do
		cmp -s "$tree/$file" "$build/$file" && continue
		mkdir -p "$build/$(dirname "$file")"
		cp "$tree/$file" "$build/$file"
		[ ! -x "$tree/$file" ] || chmod +x "$build/$file"
	done <"$work/files"
	[ ! -f "$build/.files" ] || comm -23 "$build/.files" "$work/files" | while read -r file; do
		rm -f "$build/$file"
	done
	# an object must not outlive its source, nor what was compiled with a header that is gone
	comm -23 "$build/.files" "$work/files" 2>/dev/null | grep -q '^src/' && rebuild=yes
	cp "$work/files" "$build/.files"
	build_kind "$@" >"$work/kind"
	if build_stricter "$@"; then
		[ -z "$rebuild" ] && make -sq -C "$build" with_llvm=no >/dev/null 2>&1 || cp "$work/kind" "$build/.kind"
	else
		cmp -s "$work/kind" "$build/.kind" || rebuild=yes
		cp "$work/kind" "$build/.kind"
	fi
	if [ -n "$rebuild" ]; then
		# the library too: while it is there, make does not miss the objects
		find "$build/src" \( -name '*.o' -o -name '*.gc??' \) -exec rm -f {} +
		rm -f "$build"/*.so
	fi
}

# What objects depend on besides their sources: the server they are for, as it was built, and the flags. An
# update of the server or of its headers in place makes them stale as well.
build_kind()
{
	"$pg_config"
	cat "$(dirname "$("$pg_config" --pgxs)")/../Makefile.global"
	say "${COPT:-} $*"
}

# Objects that were made where a warning is an error serve who does not ask for that as well. Once one of them is made
# anew they serve nobody else.
build_stricter()
{
	[ $# = 0 ] && build_kind WERROR=-Werror | cmp -s - "$build/.kind"
}

# build_extension NAME [MAKE ARGUMENT]…: programs that may run at the same time name different directories.
build_extension()
{
	build=$tree/build/$1${BUILD_VARIANT:+-$BUILD_VARIANT}-$major
	shift
	mkdir -p "$build" 2>/dev/null && [ -w "$build" ] || build=$work/build
	build_sync "$@"
	[ -z "${shows_progress:-}" ] || build_watch "$@"
	attended make -s -C "$build" -j"$(cpus)" with_llvm=no "$@" >"$work/build.log" 2>&1
	set -- $?
	[ -z "${shows_progress:-}" ] || build_watched
	[ "$build" = "$work/build" ] || ! is_root || chown -R --reference="$tree" "$build" 2>/dev/null
	return "$1"
}

# Says how far a build is, in one line that a terminal overwrites, elsewhere in a line now and then; a program that
# wants it sets shows_progress. What is to be compiled is known from what make would do.
build_watch()
{
	due=$(make -n -C "$build" with_llvm=no "$@" 2>/dev/null | grep -c ' -o [^ ]*\.o\b')
	: >"$work/build.begun"
	[ "$due" != 0 ] || { say "building: everything has been compiled already"; return; }
	say "building: $due files to compile"
	[ -t 1 ] && pause=1 || pause=5
	while sleep "$pause"; do
		build_compiled
		[ "$pause" = 5 ] && say || printf '\r'
	done &
	watcher=$!
}

build_compiled()
{
	printf '  %s of %s compiled' "$(find "$build/src" -name '*.o' -newer "$work/build.begun" | wc -l)" "$due"
}

build_watched()
{
	[ -n "$watcher" ] || return 0
	kill_family "$watcher"
	wait "$watcher" 2>/dev/null
	watcher=
	build_compiled
	say
}

cpus()
{
	nproc 2>/dev/null || say 2
}

## The cores that need no server

# Those that do not include its header.
plain_cores()
{
	grep -L '"postgres.h"' "$tree"/src/*/*.c
}

# What the cores are compiled for: this processor (the flag changes nothing), one without AVX2, one without SSE2.
core_variants='-UJSON_PORTABLE -DJSON_NO_AVX2 -DJSON_PORTABLE'

# The object of a core is named for its slice and its file.
core_object()
{
	say "$(basename "$(dirname "$1")")-$(basename "$1" .c).o"
}

# cores_compile DIRECTORY COMPILER [FLAG]…: an object of each core, or of those in $some_cores, as many at a time as there are
# processors.
cores_compile()
{
	objects=$1
	shift
	mkdir -p "$objects" || return 1
	# shellcheck disable=SC2016 # the inner shell's words
	say "${some_cores:-$(plain_cores)}" | objects=$objects xargs -P "$(cpus)" -I CORE sh -c '
		slice=$(basename "$(dirname "$0")")
		"$@" -c "$0" -o "$objects/$slice-$(basename "$0" .c).o" || exit 255' CORE "$@" -I"$tree/src"
}

# Install below $place and say in extension.conf how a server finds it there: Debian's servers
# before 18 know extension_destdir, those from 18 on extension_control_path.
extension_stage()
{
	libdir=$("$pg_config" --pkglibdir)
	share=$("$pg_config" --sharedir)
	postgres --describe-config 2>/dev/null | cut -f 1 >"$work/settings"
	stage=$place/stage
	paths="dynamic_library_path = '$stage$libdir:\$libdir'"
	if grep -qx extension_destdir "$work/settings"; then
		printf "extension_destdir = '%s'\n%s\n" "$stage" "$paths" >"$place/extension.conf"
	elif grep -qx extension_control_path "$work/settings"; then
		printf "extension_control_path = '%s:\$system'\n%s\n" "$stage$share" "$paths" \
			>"$place/extension.conf"
	else
		say "this server knows no place for extensions but its own: installing into $share"
		stage=
		: >"$place/extension.conf"
	fi
	attended make -C "$build" with_llvm=no install DESTDIR="$stage" >"$work/install.log" 2>&1
}

## The server

# A server refuses to run as root. Debian's package brings the user postgres; nobody is everywhere.
runner_find()
{
	runner=$(id -un 2>/dev/null || id -u)
	if is_root; then
		runner=postgres
		id "$runner" >/dev/null 2>&1 || runner=nobody
		chown "$runner" "$work" "$place"
	fi
	mkdir -p "$work/home"
	! is_root || chown "$runner" "$work/home"
}

as_runner()
{
	if ! is_root; then
		"$@"
	elif command -v setpriv >/dev/null; then
		HOME=$work/home setpriv --reuid="$runner" --regid="$(id -g "$runner")" --init-groups "$@"
	else
		HOME=$work/home su -s /bin/sh "$runner" -c 'exec "$0" "$@"' -- "$@"
	fi
}

server_start()
{
	runner_find
	data=$place/data
	# shellcheck disable=SC2086 # a list of words
	as_runner initdb -D "$data" -U postgres --auth=trust --encoding=UTF8 --locale=C --no-sync ${initdb_words:-} \
		>"$work/initdb.log" 2>&1 </dev/null || { cat "$work/initdb.log" >&2; die "initdb failed"; }
	cat >"$place/server.conf" <<-END
		listen_addresses = ''
		unix_socket_directories = '$place'
		max_connections = 120
		fsync = off
		full_page_writes = off
		synchronous_commit = off
		include '$place/extension.conf'
	END
	say "include '$place/server.conf'" | as_runner sh -c 'cat >>"$0"' "$data/postgresql.conf"
	server_runs=yes
	as_runner pg_ctl -D "$data" -l "$place/server.log" -w -t 120 ${SERVER_PROGRAM:+-p "$SERVER_PROGRAM"} start >"$work/pg_ctl.log" 2>&1 </dev/null ||
		{ cat "$work/pg_ctl.log" "$place/server.log" >&2; die "the server did not start"; }
	PGHOST=$place PGPORT=5432 PGUSER=postgres
	export PGHOST PGPORT PGUSER
}
server_runs=

server_stop()
{
	servers_beside_stop
	[ -n "$server_runs" ] || return 0
	server_runs=
	as_runner pg_ctl -D "$data" -m immediate -w stop >/dev/null 2>&1 </dev/null
}

# Servers beside it, each in a folder of $place with its name, on the same socket directory and a port of its own.

# server_beside_make NAME PORT [FOLDER]: a fresh one, or a copy of another that does not run. A copy takes a fraction of the
# time, and whatever was created there is in it.
server_beside_make()
{
	mkdir -p "$place/beside" && { ! is_root || chown "$runner" "$place/beside"; }
	if [ $# = 3 ]; then
		as_runner cp -R "$place/beside/$3" "$place/beside/$1"
	else
		as_runner initdb -D "$place/beside/$1" -U postgres --auth=trust --encoding=UTF8 --locale=C --no-sync >"$work/initdb.log" 2>&1 </dev/null
	fi && as_runner sh -c 'cat >"$0"' "$place/beside/$1/postgresql.conf" <<-END
		include '$place/server.conf'
		port = $2
		max_connections = 30
		shared_buffers = 32MB
		wal_level = logical
		wal_retrieve_retry_interval = 200ms
		synchronous_commit = on
	END
}

server_beside_start()
{
	servers_beside="$servers_beside $1"
	as_runner pg_ctl -D "$place/beside/$1" -l "$place/$1.log" -w -t 120 start >"$work/pg_ctl.log" 2>&1 </dev/null
}

# server_beside_stop NAME [MODE]
server_beside_stop()
{
	as_runner pg_ctl -D "$place/beside/$1" -m "${2:-fast}" -w stop >/dev/null 2>&1 </dev/null
}

servers_beside_stop()
{
	for beside_name in $servers_beside; do
		server_beside_stop "$beside_name" immediate
	done
	servers_beside=
}
servers_beside=
