#!/bin/sh
# contract.sh: each rule of test/tools/contract, and of the tools that it asks, notices a breach.
#
# A copy of the tree gets one breach of each rule; every sentence that stands behind "breach" in test/tools/contract must be
# said. A rule that is new needs a breach here. That the tree itself breaks none is the test contract. The tree is $tree.
# Run by test/check in an empty folder.
mkdir tree
(cd "$tree" && tar -cf - Makefile META.json LICENSE README.md coursebase.control doc packaging src sql test expected) | tar -C tree -xf -
cd tree || exit 1

: >planted.txt
echo '# -march=native' >>Makefile
{
	echo '#include <openssl/evp.h>'
	echo '#include "account/deletion.h"'
	echo '#if PG_VERSION_NUM >= 160000'
	echo '#endif'
	printf 'int planted(void)\n{\n'
	echo '	heap_getattr(1);'
	echo '	tuplestore_begin_heap(1);   '
	echo '	ereport(ERROR, (errmsg("planted")));'
	echo '	elog(ERROR, "naïve");'
	yes '	;' | head -n 100
	echo '}'
} >src/core/planted.c
: >src/account/deletion.h
sed -i 's/^#define ERRCODE_CB_.*/&\n#define ERRCODE_CB_PLANTED CB_SQLSTATE('"'1', '0', '6'"') \/* 404 planted *\//; t end; b; :end; n; b end' src/core/errors.h
printf '%s\n' "#define ERRCODE_CB_UNSEEN CB_SQLSTATE('Z', 'Z', 'Z') /* 404 unseen */" >>src/core/errors.h
{
	echo "-- LANGUAGE plpgsql"
	echo "-- naïve"
	echo "SELECT lower(x);"
	printf '\t-- a tab\n'
	printf '%0120d\n' 0
} >sql/core/planted.sql
{
	echo '-- Promise: WRITE HERE what holds'
	yes 'SELECT 1;' | head -n 121
} >test/sql/planted.sql
echo ' QUERY PLAN ' >expected/unplanted.out
: >"test/core/planted$$.c"
echo '[planted](planted.md)' >>doc/contributing.md
sed -i 's/KB824 (a body that was accepted can no longer be read)/nothing/' sql/notifications/functions.sql
ln -s /elsewhere/sql sql/sql
sed -i 's/"staff_insert_org", //' src/core/own_policies.c
sed -i 's/294000-01-01/294001-01-01/' sql/sales/checks.sql

! test/tools/contract . >../said || { echo "the contract is kept by a tree that breaks it"; exit 1; }
failed=0
# The sentences up to what a shell would put in, and what the tools say that contract only passes on.
{
	grep -o '[ 	]breach "[^"$]*' test/tools/contract | cut -d '"' -f 2 | grep -v '^RULE; '
	echo 'links to planted.md, which is not there'
	echo 'src/core/planted.c'
	echo 'replay_notifications: its COMMENT lacks "Raises: KB824"'
} >../rules
while IFS= read -r rule; do
	grep -qF -e "$rule" ../said || { echo "no breach is noticed: $rule"; failed=1; }
done <../rules
rules=$(wc -l <../rules)
[ "$rules" -gt 20 ] || { echo "few rules were found in test/tools/contract"; failed=1; }
[ "$failed" = 0 ] || cat ../said
echo "note: $rules rules"
exit $failed
