# Report.pm: what was measured, as a table for a terminal, a table for doc/bench.md and a drawing.
package Report;

use strict;
use warnings;
use utf8;
use List::Util qw(max min);
use Measure;

my %titles = (time => 'time', instructions => 'instructions', memory => 'peak memory');

# One line for each peer and measure, and one for each absolute figure of our own way.
sub lines
{
    my ($row, $figures) = @_;
    my ($ours, @peers) = @{$row->{ways}};
    my @lines;
    for my $measure (grep { $figures->{$_} } qw(time instructions memory))
    {
        my $of = $figures->{$measure};
        my %common = (row => $row, measure => $measure, ours => $ours,
            own => Measure::median(@{$of->{$ours->{name}}}));
        push @lines, verdict({%common, reach => $ours->{reach}{$measure}})
            if $measure eq 'memory' || defined $ours->{reach}{$measure};
        for my $peer (grep { $of->{$_->{name}} } @peers)
        {
            push @lines, verdict({%common, peer => $peer, reach => $peer->{reach}{$measure},
                its => Measure::median(@{$of->{$peer->{name}}}),
                ratios => ratios($of->{$peer->{name}}, $of->{$ours->{name}})});
        }
    }
    return @lines;
}

# The peer's figure over ours, repetition by repetition.
sub ratios
{
    my ($its, $own) = @_;
    return [map { $own->[$_] > 0 ? $its->[$_] / $own->[$_] : 'inf' } 0 .. $#$its];
}

sub verdict
{
    my ($line) = @_;
    my $figure = $line->{peer} ? Measure::median(@{$line->{ratios}}) : $line->{own};
    $line->{figure} = $figure;
    return $line if !defined $line->{reach};
    $line->{short} = $line->{peer} ? $figure < $line->{reach} : $figure > $line->{reach};
    return $line;
}

sub quantity
{
    my ($measure, $value) = @_;
    return sprintf '%.1f MB', $value / 1024 if $measure eq 'memory' && $value >= 1024;
    return sprintf '%d kB', $value if $measure eq 'memory';
    if ($measure eq 'instructions')
    {
        return $value >= 1e6 ? sprintf('%.1f M instr.', $value / 1e6)
            : $value >= 1e4 ? sprintf('%.1f k instr.', $value / 1e3) : sprintf('%d instr.', $value);
    }
    my ($unit, $factor) = $value >= 1 ? ('s', 1) : $value >= 1e-3 ? ('ms', 1e3)
        : $value >= 1e-6 ? ('µs', 1e6) : ('ns', 1e9);
    return short_number($value * $factor) . " $unit";
}

sub short_number
{
    my ($value) = @_;
    return '>10000' if $value > 10000;
    return sprintf $value >= 100 ? '%.0f' : $value >= 10 ? '%.1f' : '%.2f', $value;
}

sub reach
{
    my ($line) = @_;
    return '' if !defined $line->{reach};
    return $line->{peer} ? "≥ $line->{reach}×" : '≤ ' . quantity($line->{measure}, $line->{reach});
}

sub ratio
{
    my ($line) = @_;
    return $line->{peer} ? short_number($line->{figure}) . '×' : '';
}

sub spread
{
    my ($line) = @_;
    return '' if !$line->{peer} || @{$line->{ratios}} < 2 || min(@{$line->{ratios}}) > 10000;
    return short_number(min @{$line->{ratios}}) . '–' . short_number(max @{$line->{ratios}});
}

sub cells
{
    my ($line) = @_;
    return ($line->{row}{work}, $line->{ours}{label}, quantity($line->{measure}, $line->{own}),
        $line->{peer} ? $line->{peer}{label} : "($titles{$line->{measure}})",
        $line->{peer} ? quantity($line->{measure}, $line->{its}) : '',
        ratio($line), spread($line), reach($line),
        !defined $line->{reach} ? '' : $line->{short} ? 'SHORT' : 'ok');
}

sub table
{
    my (@lines) = @_;
    my @rows = (['work', 'ours', '', 'peer', '', 'ratio', 'from–to', 'reach', ''],
        map { [cells($_)] } @lines);
    my @widths = map { my $i = $_; max map { length $_->[$i] } @rows } 0 .. $#{$rows[0]};
    my ($text, $last) = ('', '');
    for my $row (@rows)
    {
        my @cells = @$row;
        @cells[0, 1] = ('', '') if "@cells[0, 1]" eq $last;
        $last = "@$row[0, 1]";
        my $printed = join '  ', map { sprintf $_ =~ /^(2|4|5|6|7)$/ ? "%*s" : "%-*s",
            $_ =~ /^(2|4|5|6|7)$/ ? ($widths[$_], $cells[$_]) : ($widths[$_], $cells[$_]) }
            0 .. $#cells;
        $text .= $printed =~ s/\s+$//r . "\n";
    }
    return $text;
}

sub markdown
{
    my ($circumstances, @lines) = @_;
    my $text = "$circumstances\n\n"
        . "| work | coursebase | the other way | | ratio | to reach |\n|---|---:|---|---:|---:|---:|\n";
    for my $line (@lines)
    {
        my ($work, undef, $own, $peer, $its, $ratio, undef, $reach, $verdict) = cells($line);
        $peer = "`$peer`" if $line->{peer} && $peer =~ /[(*]/;
        $ratio = "**$ratio** (short)" if $verdict eq 'SHORT';
        $text .= "| $work | $own | $peer | $its | $ratio | $reach |\n";
    }
    return $text;
}

# Bars of the ratios on a logarithmic scale, with a mark at the figure to reach.
sub svg
{
    my ($circumstances, @lines) = @_;
    @lines = grep { $_->{peer} } @lines;
    my ($step, $top, $left, $width) = (22, 74, 640, 420);
    my $height = $top + $step * @lines + 30;
    my $most = min(1000, max(10, map { ($_->{figure}, $_->{reach} // 1) } @lines));
    my $least = max(0.01, min(0.5, map { $_->{figure} } @lines));
    my $x = sub {
        my $at = max($least, min($most, $_[0]));
        return $left + $width * log($at / $least) / log($most / $least);
    };
    my $svg = sprintf qq{<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" }
        . qq{font-family="sans-serif" font-size="12">\n<rect width="100%%" height="100%%" fill="#fff"/>\n}
        . qq{<text x="12" y="20" font-size="15">The other way's cost over ours; a mark at the figure to reach</text>\n}
        . qq{<text x="12" y="38" fill="#555">%s;</text>\n<text x="12" y="54" fill="#555">%s</text>\n},
        $left + $width + 110, $height, map { escape($_) } $circumstances =~ /^(.*); (.*)$/;
    for my $tick (grep { $_ >= $least && $_ <= $most } map { 10**$_ } -3 .. 6)
    {
        $svg .= sprintf qq{<line x1="%.1f" x2="%1\$.1f" y1="%d" y2="%d" stroke="#ddd"/>}
            . qq{<text x="%1\$.1f" y="%d" text-anchor="middle" fill="#555">%s×</text>\n},
            $x->($tick), $top - 4, $height - 24, $height - 8, $tick;
    }
    my $y = $top;
    for my $line (@lines)
    {
        my ($from, $to) = sort { $a <=> $b } $x->(1), $x->($line->{figure});
        my $colour = $line->{short} ? '#c0392b' : defined $line->{reach} ? '#2e7d5b' : '#8a9ba8';
        my $what = $line->{measure} eq 'time' ? '' : " ($titles{$line->{measure}})";
        $svg .= sprintf qq{<text x="%d" y="%d" text-anchor="end">%s</text>}
            . qq{<rect x="%.1f" y="%d" width="%.1f" height="12" fill="%s"/>}
            . qq{<text x="%.1f" y="%2\$d">%s</text>\n}, $left - 8, $y + 11,
            escape("$line->{row}{work}: $line->{peer}{label}$what"), $from, $y, max(1, $to - $from),
            $colour, 6 + max($to, defined $line->{reach} ? $x->($line->{reach}) : 0),
            escape(ratio($line));
        $svg .= sprintf qq{<line x1="%.1f" x2="%1\$.1f" y1="%d" y2="%d" stroke="#000" stroke-width="2"/>\n},
            $x->($line->{reach}), $y - 3, $y + 15 if defined $line->{reach};
        $y += $step;
    }
    return "$svg</svg>\n";
}

# The lines of what grows: rows named X_growth_N, whose second way is ours with a thousand.
sub growth
{
    my ($figures, @rows) = @_;
    my (%lines, @names);
    for my $row (grep { $figures->{$_->{name}} } @rows)
    {
        my ($name, $people) = $row->{name} =~ /^(\w+)_growth_(\d+)$/ or next;
        my ($ours, $few) = map { $figures->{$row->{name}}{time}{$_->{name}} } @{$row->{ways}}[0, 1];
        push @names, $name if !$lines{$name};
        $lines{$name} //= {what => $row->{work} =~ s/:.*//r, points => [[1000, 1, Measure::median(@$few)]]};
        push @{$lines{$name}{points}}, [$people, Measure::median(@{ratios($ours, $few)}), Measure::median(@$ours)];
    }
    return @lines{@names};
}

# How a cost that is the logarithm of the number would have grown from a thousand.
sub logarithm
{
    return log($_[0]) / log(1000);
}

sub growth_text
{
    my (@text) = map {
        my $line = $_;
        ("$line->{what}: the cost with so many people over that with 1000; | were the logarithm's",
            (map {
                my ($people, $ratio, $cost) = @$_;
                my $bar = substr('#' x (20 * $ratio) . ' ' x 60, 0, 60);
                substr($bar, 20 * logarithm($people), 1) = '|';
                sprintf '%9d %8s %5.2f  %s', $people, quantity('time', $cost), $ratio, $bar =~ s/ +$//r;
            } @{$line->{points}}), '');
    } @_;
    return @text;
}

sub growth_svg
{
    my (@lines) = @_;
    my ($left, $top, $width, $height) = (60, 50, 420, 240);
    my $most = max(3, map { map { $_->[1] } @{$_->{points}} } @lines);
    my @people = map { 10**$_ } 3 .. max(map { log($_->{points}[-1][0]) / log(10) + 0.5 } @lines);
    my $x = sub { $left + $width * ($_[0] > 1000 ? log($_[0] / 1000) / log(max(@people) / 1000) : 0) };
    my $y = sub { $top + $height * (1 - $_[0] / $most) };
    my $path = sub { join ' ', map { sprintf '%.1f,%.1f', $x->($_->[0]), $y->($_->[1]) } @_ };
    my $svg = sprintf qq{<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">\n}
        . qq{<rect width="100%%" height="100%%" fill="#fff"/>\n<text x="12" y="20" font-size="15">Cost over the cost with 1000 people</text>\n},
        $left + $width + 240, $top + $height + 40;
    $svg .= sprintf qq{<text x="%.1f" y="%d" text-anchor="middle" fill="#555">%d</text>\n}, $x->($_), $top + $height + 18, $_ for @people;
    my @colours = ('#2e7d5b', '#2c5aa0', '#b8860b');
    for my $line ({what => 'the logarithm', points => [map { [$_, logarithm($_)] } @people]}, @lines)
    {
        my $colour = $line->{points}[0][2] ? shift @colours : '#8a9ba8';
        $svg .= sprintf qq{<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/><text x="%.1f" y="%.1f" fill="%2\$s">%s</text>\n},
            $path->(@{$line->{points}}), $colour, $x->($line->{points}[-1][0]) + 6, $y->($line->{points}[-1][1]) + 4, escape($line->{what});
    }
    return "$svg</svg>\n";
}

sub escape
{
    my ($text) = @_;
    $text =~ s/&/&amp;/g;
    $text =~ s/</&lt;/g;
    $text =~ s/>/&gt;/g;
    return $text;
}

1;
