#!/bin/sh
# headers.sh: a header that changes makes just those objects stale whose sources include it, however indirectly.
#
# Compares the compiler's lists, which the Makefile includes, with the #include lines, for each header; and for every
# twentieth what make would compile if the header were new, which takes it a third of a second. What was built is in
# $build. Run by test/check.
failed=0
cd "$build" || exit 1

fail()
{
	printf '%s\n' "$*"
	failed=1
}

# The objects that make would compile if the file were new.
stale()
{
	make -n -W "$1" with_llvm=no "WERROR=${WERROR:-}" | sed -n 's/.* -c .* -o \([^ ]*\.o\) .*/\1/p' | sort
}

# One line an #include: the header and the file that includes it, found as the compiler finds it.
find src -name '*.[ch]' | sort | while read -r file; do
	sed -n 's/^# *include "\(.*\)"/\1/p' "$file" | while read -r name; do
		for folder in "$(dirname "$file")" src; do
			if [ -f "$folder/$name" ]; then
				printf '%s %s\n' "$folder/$name" "$file"
				break
			fi
		done
	done
done >"$work/includes"

# The objects of all files that include the header, or a header that does.
includers()
{
	awk -v header="$1" '
		{ of[NR] = $1; by[NR] = $2 }
		END {
			reached[header] = grown = 1
			while (grown) {
				grown = 0
				for (i = 1; i <= NR; i++)
					if (of[i] in reached && !(by[i] in reached)) reached[by[i]] = grown = 1
			}
			for (file in reached) if (sub(/\.c$/, ".o", file)) print file
		}' "$work/includes" | sort
}

# One line an entry of the compiler's lists: the header and the object. A header that is found by two ways stands there twice.
find src -name '*.d' | while read -r list; do
	sed -n "s,^\(src/.*\.h\):$,\1 ${list%.d}.o,p" "$list"
done | sort -u >"$work/listed"

make -q with_llvm=no "WERROR=${WERROR:-}" || fail "make after make would do something"
all=$(find src -name '*.c' | wc -l)
fewest=$all
n=0
for header in $(find src -name '*.h' | sort); do
	includers "$header" >"$work/expected"
	awk -v header="$header" '$1 == header { print $2 }' "$work/listed" | diff "$work/expected" - ||
		fail "$header: the compiler lists other objects (right) than include it (left)"
	[ $((n % 20)) != 0 ] || stale "$header" | diff "$work/expected" - ||
		fail "$header: make compiles other objects (right) than include it (left)"
	n=$((n + 1))
	count=$(wc -l <"$work/expected")
	[ "$count" -ge "$fewest" ] || fewest=$count
done
[ "$n" -gt 20 ] || fail "few headers were found"
[ -s "$work/includes" ] && [ -s "$work/listed" ] || fail "no #include, or no list of the compiler, was read"
[ "$fewest" -lt "$all" ] || fail "every header is included everywhere: nothing was tested"

# The release is in the control file, and few objects know it.
grep -rl COURSEBASE_VERSION src | sed -n 's/\.c$/.o/p' | sort >"$work/expected"
stale coursebase.control | diff "$work/expected" - || fail "coursebase.control: make compiles other objects (right) than use it (left)"
exit $failed
