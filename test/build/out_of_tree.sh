#!/bin/sh
# out_of_tree.sh: make -f …/Makefile VPATH=… in an empty folder builds, installs and tests the same as in the tree.
#
# Packagers build so, one folder a version of the server (pg_buildext), from the archive that make dist writes. What the
# tree is built from is in $tree, what was built of it in $build; a server in which that is installed is running. Run by
# test/check in an empty folder.
failed=0

fail()
{
	printf '%s\n' "$*"
	failed=1
}

files()
{
	(cd "$1" && find . ! -type d | sort)
}

# A tree in which somebody built before, another version at that: those files are newer than their sources, and must
# not pass for what this build makes.
mkdir out
"$tree/test/tools/dist" --to "$PWD" && perl "$tree/test/build/unpack.pl" coursebase-*.zip && rm coursebase-*.zip &&
	mv coursebase-* tree || exit 1
mkdir tree/build
for left in src/coursebase.o coursebase.so $(cd "$build" && echo build/*.sql); do
	echo "left by another build" >"tree/$left"
done
files tree >before

here=$PWD
in_out()
{
	make -C out -f ../tree/Makefile VPATH="$here/tree" COPT="-O0 -g0 -w" "$@"
}

in_out -s -j"$(nproc 2>/dev/null || echo 2)" || { fail "does not build"; exit 1; }
in_out -q || fail "is not up to date after the build"
make -C out -f ../tree/Makefile COPT="-O0 -g0 -w" -q || fail "the place of the Makefile alone does not serve as VPATH"
in_out -s install DESTDIR="$here/installed" || fail "does not install"
make -s -C "$build" with_llvm=no install DESTDIR="$here/usual" || fail "the usual build does not install"
files usual >usual.files
grep -q '/coursebase\.so$' usual.files && grep -q '/coursebase--.*\.sql$' usual.files || fail "the usual build installs no library or no script"
files installed | diff usual.files - || fail "installs other files than the usual build"
grep -E '\.(sql|control)$' usual.files | while read -r file; do
	cmp "usual/$file" "installed/$file" || exit 1
done || fail "installs other scripts than the usual build"

in_out installcheck REGRESS=checksum ISOLATION=identity_upsert || fail "installcheck fails"
[ -s out/results/checksum.out ] || fail "installcheck writes its results elsewhere"
in_out -s clean || fail "does not clean"
[ -z "$(files out)" ] || fail "leaves after make clean: $(files out | tr '\n' ' ')"
files tree | diff before - || fail "the tree has changed"
exit $failed
