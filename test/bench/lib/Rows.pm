# Rows.pm: reads the row files of the benchmark. A row is what is measured: ways of doing the same
# work, the first of them ours, and the figures to reach. Nothing here talks to a server.
#
# A row file is SQL between directives, each a line of its own that begins with "--#":
#
#   --# setup                 SQL run once for the file, before its rows
#   --# end                   SQL run once for the file, after its rows were timed
#   --# session               SQL run at the start of every session that measures
#   --# needs: EXTENSION      the file is left out, in words, where the server has no such extension
#   --# row: NAME             begins a row; what stands before the first row holds for every row
#   --# each X: a b +c        the row once for each value; @X@ is replaced everywhere in it; a value
#                             behind a plus only with BENCH_FULL in the environment
#   --# name X: a = TEXT; …   what @X:name@ stands for where @X@ stands for a: plain words for the text of the work
#   --# area: TEXT            under which heading of doc/bench.md it stands (Report.pm has them in their order)
#   --# work: TEXT            what the table calls it
#   --# loop                  a query with @expression@ and @n@: each way's expression is put in, and the
#                             same query with a constant is timed beside it and subtracted
#   --# calls: N              calls that one execution of the loop makes for each @n@ (default 1)
#   --# equal: EXPRESSION     true when @a@ and @b@ are the same result; the default compares the text
#   --# same                  a query that is true when the results agree, where no expression can say it
#   --# way NAME: LABEL | time >= 1.3, instructions >= 8
#                             a way and what our way must reach against it: time and instructions are
#                             ratios of the peer's to ours. On our own way: memory <= KILOBYTES,
#                             time <= SECONDS, instructions <= COUNT. logarithm(N) is that of 1000 over N's
#   --# statement NAME: ...   a way that is a whole statement and not an expression of the loop
#   --# command NAME: ...     a way that is a shell command whose last line is the seconds of one call
#   --# before                SQL run before each timed execution, and not timed; @way@ is the way's name
#   --# touch                 SQL that brings the shared memory a measure of memory must not count into
#                             the backend first
package Rows;

use strict;
use warnings;

my %sections = map { $_ => 1 } qw(setup end session loop same before touch);
my %values = map { $_ => 1 } qw(area work calls equal needs);
my %measures = map { $_ => 1 } qw(time instructions memory);

sub load
{
    my ($file) = @_;
    open my $in, '<:encoding(UTF-8)', $file or die "$file: $!\n";
    my %common = (file => $file, calls => 1, ways => [],
        equal => '(@a@)::text IS NOT DISTINCT FROM (@b@)::text');
    my ($row, @rows, $text);
    $row = \%common;
    while (my $line = <$in>)
    {
        if ($line !~ s/^--#\s*//)
        {
            $$text .= $line if defined $text && $line !~ /^\s*--/;
            next;
        }
        chomp $line;
        if ($line =~ /^row:\s*(\w\S*)$/)
        {
            $row = {%common, name => $1, ways => [], each => {}, names => {}};
            push @rows, $row;
            undef $text;
        }
        else
        {
            $text = directive($row, $line) // die "$file:$.: no such directive: $line\n";
        }
    }
    my @all = map { expand($_) } @rows;
    check($_) for @all;
    return @all;
}

# The place where the lines that follow belong, or undef where the directive is not known.
sub directive
{
    my ($row, $line) = @_;
    if ($line =~ /^(\w+)$/ && $sections{$1})
    {
        $row->{$1} = '';
        return \$row->{$1};
    }
    if ($line =~ /^(\w+):\s*(.+)$/ && $values{$1})
    {
        $row->{$1} = $2;
        return \my $ignored;
    }
    if ($line =~ /^each (\w+):\s*(.+)$/ && $row->{each})
    {
        $row->{each}{$1} = [map { s/^\+// && !$ENV{BENCH_FULL} ? () : $_ } split ' ', $2];
        return \my $ignored;
    }
    if ($line =~ /^name (\w+):\s*(.+)$/ && $row->{names})
    {
        my ($of, $pairs) = ($1, $2);
        $row->{names}{$of} = {map { my ($value, $name) = split /\s*=\s*/, $_, 2; $value => $name } split /\s*;\s*/, $pairs};
        return \my $ignored;
    }
    if ($line =~ /^(way|statement|command) (\w+):\s*([^|]+?)\s*(?:\|\s*(.+))?$/)
    {
        my $way = {kind => $1, name => $2, label => $3, body => ''};
        ($way->{reach}, my $sign) = reaches($4 // '');
        die "what is ours is at most, a ratio at least: $line\n"
            if defined $sign && ($sign eq '<=') != !@{$row->{ways}};
        push @{$row->{ways}}, $way;
        return \$way->{body};
    }
    return;
}

sub reaches
{
    my ($text) = @_;
    my (%reach, %signs);
    for my $part (split /\s*,\s*/, $text)
    {
        my ($measure, $sign, $figure) = $part =~ /^(\w+)\s*(>=|<=)\s*([\d.]+(?:e-?\d+)?|logarithm\(@?\w+@?\))$/
            or die "not a figure to reach: $part\n";
        $measures{$measure} or die "no such measure: $measure\n";
        die "memory is reached with <=\n" if $measure eq 'memory' && $sign eq '>=';
        $reach{$measure} = $figure;
        $signs{$sign} = 1;
    }
    die "a figure is either our own or a ratio: $text\n" if keys %signs > 1;
    return (\%reach, (keys %signs)[0]);
}

sub expand
{
    my ($row) = @_;
    my @rows = ($row);
    for my $name (sort keys %{$row->{each}})
    {
        @rows = map {
            my $one = $_;
            map { substitute(substitute($one, "\@$name:name\@", $row->{names}{$name}{$_} // $_), "\@$name\@", $_) }
                @{$row->{each}{$name}}
        } @rows;
    }
    return @rows;
}

sub substitute
{
    my ($item, $from, $to) = @_;
    if (ref $item eq 'HASH')
    {
        return {map { $_ => substitute($item->{$_}, $from, $to) } keys %$item};
    }
    return [map { substitute($_, $from, $to) } @$item] if ref $item eq 'ARRAY';
    $item =~ s/\Q$from\E/$to/g if defined $item;
    return $item;
}

sub check
{
    my ($row) = @_;
    my $where = "$row->{file}: $row->{name}";
    die "$where: no work\n" if !$row->{work};
    die "$where: no area\n" if !$row->{area};
    die "$where: no ways\n" if !@{$row->{ways}};
    for my $way (@{$row->{ways}})
    {
        $way->{body} =~ s/^\s+|\s*;?\s*$//g;
        s/^logarithm\((\d+)\)$/log(1000) \/ log($1)/e for values %{$way->{reach}};
        die "$where: $way->{name} is empty\n" if $way->{body} eq '';
        die "$where: $way->{name} needs a loop\n" if $way->{kind} eq 'way' && !$row->{loop};
    }
    $row->{$_} =~ s/^\s+|\s*;?\s*$//g for grep { defined $row->{$_} } keys %sections;
    my $compared = grep { $_->{kind} eq 'way' } @{$row->{ways}};
    die "$where: nothing compares the results\n" if $compared < @{$row->{ways}} && !$row->{same};
}

# The statement that makes a way's calls, n times over.
sub statement
{
    my ($row, $way, $n) = @_;
    my $sql = $way->{kind} eq 'way' ? $row->{loop} : $way->{body};
    $sql =~ s/\@expression\@/$way->{body}/g if $way->{kind} eq 'way';
    $sql =~ s/\@n\@/$n/g;
    return $sql;
}

# What runs before each execution of a way; @way@ is its name.
sub before
{
    my ($row, $way) = @_;
    return defined $row->{before} ? $row->{before} =~ s/\@way\@/$way->{name}/gr : undef;
}

# A query that is true when two expressions give the same result everywhere in the loop.
sub comparison
{
    my ($row, $a, $b) = @_;
    my $equal = $row->{equal};
    $equal =~ s/\@a\@/$a->{body}/g;
    $equal =~ s/\@b\@/$b->{body}/g;
    my $same = statement($row, {kind => 'way', body => "nullif(($equal), false)"}, 1);
    my $all = statement($row, {kind => 'way', body => '1'}, 1);
    return "SELECT same = whole AND whole > 0 FROM ($same) AS s (same), ($all) AS w (whole)";
}

sub repeats
{
    my ($row, $way) = @_;
    return ($way->{kind} eq 'way' ? $row->{loop} : $way->{body}) =~ /\@n\@/;
}

1;
