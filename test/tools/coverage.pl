# coverage.pl: adds up what gcov says of each object and prints a table of files.
#
#   coverage.pl LIST TREE   LIST holds the names of gcov's files of counts, one a line
#
# A file that is compiled several times is counted once: a line is reached when any object reached it. After
# the line "not reached" follow the lines that none did. Exits 1 when a figure falls short.
use strict;
use warnings FATAL => 'all';
use JSON::PP;

my ($list, $tree) = @ARGV;
my $lines_due    = 95;
my $branches_due = 85;
my (%lines, %branches);

sub counts_read
{
	my ($file) = @_;
	open(my $gcov, '-|', 'gcov', '--json-format', '--stdout', '--branch-probabilities', $file)
	  or die "gcov: $!\n";
	local $/;
	my $text = <$gcov>;
	close $gcov or die "gcov does not read $file\n";
	return decode_json($text);
}

sub counts_add
{
	my ($file) = @_;
	for my $source (@{ counts_read($file)->{files} })
	{
		my ($name) = $source->{file} =~ m{(?:^|/)(src/(?:\w+/)?[^/]+\.[ch])$} or next;
		next unless -f "$tree/$name";
		for my $line (@{ $source->{lines} })
		{
			$lines{$name}{ $line->{line_number} } += $line->{count};
			my @branch = @{ $line->{branches} };
			my $place = join ':', $line->{line_number}, $line->{function_name} // '', scalar @branch;
			$branches{$name}{"$place:$_"} += $branch[$_]{count} for 0 .. $#branch;
		}
	}
}

sub reached
{
	return scalar grep { $_ > 0 } values %{ $_[0] };
}

sub percent
{
	my ($part, $whole) = @_;
	return $whole ? sprintf('%.1f', 100 * $part / $whole) : '-';
}

sub row
{
	my ($name, $lines, $lines_reached, $branches, $branches_reached) = @_;
	printf "%-34s %6d %7s   %6d %7s\n", $name, $lines, percent($lines_reached, $lines), $branches,
	  percent($branches_reached, $branches);
}

# Whether a source, or the source that a header belongs to, needs no server.
sub is_plain
{
	my ($name) = @_;
	my $owner = $name =~ s/\.h$/.c/r;
	$name = $owner if -f "$tree/$owner";
	open(my $source, '<', "$tree/$name") or die "$name: $!\n";
	return !grep { /^#include "postgres\.h"/ } <$source>;
}

open(my $names, '<', $list) or die "$list: $!\n";
chomp(my @files = <$names>);
die "no counts were written\n" unless @files;
counts_add($_) for @files;

my (@all, @plain) = ();
printf "%-34s %6s %7s   %6s %7s\n", 'file', 'lines', '%', 'branch', '%';
for my $name (sort keys %lines)
{
	my @figures = map { (scalar(keys %{ $_ // {} }), reached($_ // {})) } $lines{$name}, $branches{$name};
	row($name, @figures);
	my $plain = is_plain($name);
	for my $i (0 .. 3)
	{
		$all[$i] += $figures[$i];
		$plain[$i] += $figures[$i] if $plain;
	}
}
row('all', @all);
row('cores without server headers', @plain);

my $good = $all[1] * 100 >= $all[0] * $lines_due && $plain[3] * 100 >= $plain[2] * $branches_due;
printf "%s: %s %% of lines (%d due), %s %% of the branches of cores without server headers (%d due)\n",
  $good ? 'enough' : 'short', percent(@all[ 1, 0 ]), $lines_due, percent(@plain[ 3, 2 ]), $branches_due;

print "not reached\n";
for my $name (sort keys %lines)
{
	open(my $source, '<', "$tree/$name") or die "$name: $!\n";
	my @text = <$source>;
	for my $line (grep { $lines{$name}{$_} == 0 } sort { $a <=> $b } keys %{ $lines{$name} })
	{
		print "$name:$line: $text[$line - 1]";
	}
	my %short;
	$short{ (split /:/)[0] }++ for grep { $branches{$name}{$_} == 0 } keys %{ $branches{$name} // {} };
	next unless is_plain($name);
	print "$name:$_: $short{$_} branches not taken: $text[$_ - 1]"
	  for grep { $lines{$name}{$_} > 0 } sort { $a <=> $b } keys %short;
}
exit($good ? 0 : 1);
