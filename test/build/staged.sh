#!/bin/sh
# staged.sh: a server of PostgreSQL 18 or later uses the tree of packaging/stage where it lies, by its settings alone.
#
# The tree is $tree, what was built of it $build; a server is running, whose own copy of the extension the settings of these
# sessions hide. Run by test/check in an empty folder.
setting=$(psql -XAtq -d postgres -c "SELECT count(*) FROM pg_settings WHERE name = 'extension_control_path'")
if [ "$setting" != 1 ]; then
	echo "extension_control_path came with PostgreSQL 18"
	exit 77
fi
"$tree/packaging/stage" "$build" volume || exit 1
(cd volume && find . -type f | sort) >files
grep -qx ./lib/coursebase.so files && grep -qx ./share/extension/coursebase.control files && grep -qx ./licenses/coursebase/LICENSE files ||
	{ echo "the volume lacks something:"; cat files; exit 1; }

with()
{
	PGOPTIONS="-c extension_control_path=$1 -c dynamic_library_path=$2" psql -XAtq -v ON_ERROR_STOP=1 -d staged -c "$3"
}
psql -Xq -d postgres -c 'SET client_min_messages = warning' -c 'DROP DATABASE IF EXISTS staged' -c 'CREATE DATABASE staged' || exit 1
# These folders alone are searched: neither the files without the library serve nor the library without the files.
mkdir nothing
! with "$PWD/nothing" "$PWD/volume/lib" 'CREATE EXTENSION coursebase' 2>/dev/null || { echo "the server has another control file"; exit 1; }
! with "$PWD/volume/share" "$PWD/nothing" 'CREATE EXTENSION coursebase' 2>/dev/null || { echo "the server has another library"; exit 1; }
with "$PWD/volume/share" "$PWD/volume/lib" 'CREATE EXTENSION coursebase' || exit 1
found=$(with "$PWD/volume/share" "$PWD/volume/lib" \
	'SELECT count(*) FROM coursebase.lint(); SELECT count(*) FROM coursebase.check_integrity()')
psql -Xq -d postgres -c 'DROP DATABASE staged'
[ "$found" = "0
0" ] || { echo "lint and check_integrity say: $found"; exit 1; }
