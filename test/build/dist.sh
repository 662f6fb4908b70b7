#!/bin/sh
# dist.sh: META.json is what PGXN takes and agrees with the tree; the archive of make dist has the files of the tree and no
# other; and everything that names PostgreSQL's majors names those that src/core/compat.h accepts.
#
# That the archive builds and installs is build/out_of_tree's. The tree is $tree. Run by test/check in an empty folder.
failed=0

fail()
{
	printf '%s\n' "$*"
	failed=1
}

(cd "$tree" && test/tools/dist --check) || fail "META.json is refused"
! command -v validate_pgxn_meta >/dev/null || validate_pgxn_meta "$tree/META.json" || fail "PGXN's own program refuses META.json"

# Twice the same, and the files as they are.
"$tree/test/tools/dist" --to "$PWD/one" && SOURCE_DATE_EPOCH=1700000000 "$tree/test/tools/dist" --to "$PWD/two" || exit 1
version=$(sed -n 's/^    "version": "\(.*\)",/\1/p' "$tree/META.json")
perl "$tree/test/build/unpack.pl" "one/coursebase-$version.zip" || exit 1
unpacked=coursebase-$version
(cd "$unpacked" && find . -type f | sort) >unpacked.files
while read -r file; do
	cmp "$unpacked/$file" "$tree/$file" || fail "differs in the archive: $file"
	[ ! -x "$tree/$file" ] || [ -x "$unpacked/$file" ] || fail "is no program any more in the archive: $file"
done <unpacked.files
for needed in META.json Makefile LICENSE README.md coursebase.control doc/changelog.md doc/security.md src/coursebase.c \
	sql/script.awk test/check test/sql/lint.sql expected/lint.out; do
	grep -qx "\./$needed" unpacked.files || fail "is not in the archive: $needed"
done
grep -E '\.(o|so|bc|part)$|^\./(build|results|\.git)/' unpacked.files && fail "has no place in the archive"

# The unpacked tree, which has no git, makes the same archive; and what contradicts is refused.
SOURCE_DATE_EPOCH=1700000000 "$unpacked/test/tools/dist" --to "$PWD/three" || fail "the archive does not make itself again"
cmp "two/coursebase-$version.zip" "three/coursebase-$version.zip" || fail "an archive of the archive is another"
refused()
{
	cp -R "$unpacked" "refused-$1" && sed -i "$2" "refused-$1/$3" || exit 1
	! (cd "refused-$1" && test/tools/dist --check) || fail "takes a $3 with another $1"
	rm -rf "refused-$1"
}
refused version 's/"version": "[0-9]/&9/' META.json
refused license '/"license"/d' META.json
refused docfile 's/"docfile": "/&no/' META.json
refused default "s/^default_version = '/&9/" coursebase.control

head -n 1 "$tree/packaging/debian/changelog" | grep -q "^coursebase ($version-[0-9]*) " || fail "packaging/debian/changelog does not begin with $version"
grep -qx "$(sed -n 's/.*PG_VERSION_NUM < \([0-9]*\)0000 .*/\1/p' "$tree/src/core/compat.h")+" "$tree/packaging/debian/pgversions" ||
	fail "packaging/debian/pgversions names another oldest major"

# Who names the majors, and which.
oldest=$(sed -n 's/.*PG_VERSION_NUM < \([0-9]*\)0000 .*/\1/p' "$tree/src/core/compat.h")
newest=$(($(sed -n 's/.*PG_VERSION_NUM >= \([0-9]*\)0000$/\1/p' "$tree/src/core/compat.h" | head -n 1) - 1))
[ "$oldest" -lt "$newest" ] || fail "src/core/compat.h names no majors"
for file in Makefile src/core/compat.h test/lib.sh doc/contributing.md; do
	grep -q "PostgreSQL $oldest to $newest" "$tree/$file" || fail "$file does not say PostgreSQL $oldest to $newest"
done
list=$(seq -s ', ' "$oldest" $((newest - 1)))
grep -q "PostgreSQL $list and $newest\." "$tree/README.md" || fail "README.md does not say PostgreSQL $list and $newest"
grep -q "PostgreSQL $list or $newest " "$tree/doc/guide/start.md" || fail "doc/guide/start.md does not say PostgreSQL $list or $newest"
[ "$(sed -n "s/^majors='\(.*\)'/\1/p" "$tree/test/lib.sh")" = "$(seq -s ' ' "$newest" -1 "$oldest")" ] || fail "test/lib.sh has other majors"
exit $failed
