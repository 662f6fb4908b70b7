#!/bin/sh
# examples.sh: what doc/contributing.md tells a newcomer to write is accepted: the SQL by sql/script.awk, the C by the
# compiler, both by the rules of the source.
#
# A block whose fence names a file after its language is added to that file: in a header before its last line, else at
# the end. What the tree is made of is in $tree. Run by test/check in an empty folder.
mkdir tree
(cd "$tree" && tar -cf - Makefile README.md LICENSE coursebase.control doc src sql test expected) | tar -C tree -xf -
cd tree || exit 1

perl -CSD -0777 -ne '
	while (/^( *)```\w+ (\S+)\n(.*?)^\1```$/gms)
	{
		my ($indent, $file, $text) = ($1, $2, $3);
		$text =~ s/^$indent//gm;
		my $old = "";
		if (open(my $in, "<", $file)) { local $/; $old = <$in>; }
		my $last = $file =~ /\.h$/ && $old =~ s/([^\n]+\n)\z// ? $1 : "";
		$old .= "\n" if $old ne "" && $last eq "";
		$text = "$old$text$last";
		open(my $out, ">", $file) or die "$file: $!\n";
		print $out $text;
		close $out;
		print "$file\n";
	}' doc/contributing.md >../written
cat ../written
for file in sql/access/tables.sql sql/access/policies.sql sql/access/functions.sql src/access/lesson_note.c src/core/errors.h; do
	grep -qx "$file" ../written || { echo "doc/contributing.md has no block for $file"; exit 1; }
done

version=$(sed -n "s/^default_version = '\(.*\)'/\1/p" coursebase.control)
make -s with_llvm=no WERROR=-Werror src/access/lesson_note.o "build/coursebase--$version.sql" || exit 1
grep -q 'coursebase_write_note' "build/coursebase--$version.sql" || { echo "the script has no write_note()"; exit 1; }
test/tools/arrows . && test/tools/raises . || exit 1
# the example's own error is seen behind it, so that its COMMENT was compared with something
test/tools/raises --of write_note . | grep '^KB907: '
