# Slices.pm: the slices of the source and what each of them makes, as Makefile and sql/ have it. For tools that run at
# the top of the tree.
package Slices;

use strict;
use warnings;
use Exporter 'import';

our @EXPORT_OK = qw(slices sql_files sql_code objects introduction slurp);

# The value of SLICES in the Makefile, which may go on over lines that end in a backslash.
sub slices
{
	my $makefile = slurp('Makefile');
	$makefile =~ s/\\\n//g;
	$makefile =~ /^SLICES\s*=\s*(.*)$/m or die "Makefile: no SLICES\n";
	return split ' ', $1;
}

sub slurp
{
	my ($file) = @_;
	open(my $handle, '<:encoding(UTF-8)', $file) or die "$file: $!\n";
	local $/;
	return scalar <$handle>;
}

# The SQL of the slices, one after the other.
sub sql_files
{
	return map { glob("sql/$_/*.sql") } slices();
}

# Comments and quoted prose name objects without using them: blanked, line for line.
sub sql_code
{
	my ($sql) = @_;
	$sql =~ s{^(COMMENT ON .*?\bIS\b)(.*?);$}{ $1 . "\n" x ($2 =~ tr/\n//) . ';' }gemsx;
	$sql =~ s{--[^\n]*}{}g;
	return $sql;
}

# Each function, table, view and type => the slice whose SQL makes it. Dies when two slices make one.
sub objects
{
	my %owner;
	for my $file (sql_files())
	{
		my $slice = (split m{/}, $file)[1];
		my $sql = sql_code(slurp($file));
		while ($sql =~ /^CREATE (?:OR REPLACE )?(?:FUNCTION|TABLE|VIEW|TYPE) coursebase\.(\w+)/gm)
		{
			die "$file: $1 is made in $owner{$1} as well\n" if exists $owner{$1} && $owner{$1} ne $slice;
			$owner{$1} = $slice;
		}
	}
	return %owner;
}

# What a slice is for: the comment that opens its functions.sql.
sub introduction
{
	my ($slice) = @_;
	my ($comment) = slurp("sql/$slice/functions.sql") =~ /\A((?:--[^\n]*\n)+)\n/
		or die "sql/$slice/functions.sql: begins with a comment that says what the slice is for, then an empty line\n";
	$comment =~ s/^-- ?//mg;
	$comment =~ s/\s+/ /g;
	return $comment =~ s/ $//r;
}

1;
