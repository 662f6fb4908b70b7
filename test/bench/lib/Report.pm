# Report.pm: what was measured, as a table for a terminal, as lines of a file that is kept, and as doc/bench.md with
# its drawings.
package Report;

use strict;
use warnings;
use utf8;
use List::Util qw(any first max min uniq);
use Measure;

my %titles = (time => 'time', instructions => 'instructions', memory => 'peak memory');

# The headings of doc/bench.md in their order, with what is compared under each.
my @areas = (
    ['Course access' => 'May this person use this course? The check reads indexes directly and keeps its answer while the'
        . ' snapshot stays the same. The first check of a connection is the server\'s own work for the most part: of 1.93 M'
        . ' instructions with the library loaded 1.46 M build what the server keeps of the two tables and their indexes, and one'
        . ' SELECT of these two takes 2.66 M. Loading the library takes 2.5 M, of which 2.1 M define its settings: PostgreSQL 15'
        . ' sorts all settings again for each, later versions do not, and a library that does nothing else takes 3.06 M.'],
    ['Row security' => 'A table of a million notes on courses, read under a policy and by a hand-written condition that'
        . ' gives the same rows.'],
    ['Lessons' => 'The policies of lessons, their contents and their completions, against hand-written conditions. What an'
        . ' administrator reads as a whole falls short of no WHERE by the cost of a filter: the rows that count instructions show'
        . ' the policy beside no WHERE and beside the least filter that is asked of each row. Of completions the policy costs what any'
        . ' two bounds cost that an index would serve; the least filter is one that no index would.'],
    ['Documents' => 'JSON documents: appending, checksum, size. MD5 itself is most of the work for a small document, on'
        . ' both sides.'],
    ['Sync' => 'The handshake with which a phone starts. The first one of a connection takes 14.3 M instructions, computed and'
        . ' kept, with the library to load; one SELECT of the same 22 tables and the INSERT take 18.4 M. With 65 files sent'
        . ' an answer from the cache takes 266 k, a computed one 425 k, so that an older count of 269 k was very likely one from the'
        . ' cache. Count a row together with the same others: a hit takes 40.0 k beside handshake_miss and 42.3 k alone.'
        . ' Printed by `test/bench/run --counts handshake_hit_read`; two clusters lie 0.3 %'
        . ' apart (`test/bench/repeat 2 handshake_miss handshake_hit_read`).'],
    ['Credits and subscriptions' => 'Both ways keep the same log.'],
    ['Events' => 'A sale with the setting events_out on, against the same sale with it off.'],
    ['Cells' => 'A call that PL/Proxy, or a program with a connection to each cell, routes to the cell of its person, against the same call made in the cell; and a sale of one server, with and without the triggers that claim keys for cells.'],
    ['Programs' => 'Programs of organisations, against statements that check and write the same.'],
    ['Plain SQL' => 'Statements of other programs, on which triggers keep the rules, against the same statements on a table'
        . ' without triggers. The triggers write rows that the bare statement does not: the one who stood at a place, and of a'
        . ' refund the access, the version and the audit. In instructions, warm, a place takes 0.55 to 0.62 M, 0.61 M where one'
        . ' statement writes both rows by hand, and 0.17 M without the second; a refund 1.82 M, 1.42 M by hand, 0.56 M without.'],
    ['Coming with data' => 'Rows loaded while triggers are off and then `adopt()`, against the same rows and what is derived'
        . ' from them written without triggers, and against a call a row. The time of one row.'],
    ['Many at once' => '64 clients at once on pgbench, against PL/pgSQL functions that do the same: below which time half of the'
        . ' calls stayed (p50), and ninety-nine of a hundred (p99), among which are the first calls of all 64 sessions. Printed by `test/bench/run --repetitions 5 clients`.'],
    ['Growth' => 'The same call in databases with more people.'],
);

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

## What is kept: figures.tsv has the figures of the last run of each row, and rows/ has their names

sub kept_text
{
    my ($circumstances, @lines) = @_;
    return join '', map { "$_\n" } $circumstances, join("\t", qw(row measure way ours its ratio)), map {
        my $line = $_;
        join "\t", $line->{row}{name}, $line->{measure}, $line->{peer} ? $line->{peer}{name} : '-',
            map { defined $_ ? sprintf '%.6g', $_ : '-' } $line->{own}, $line->{its}, $line->{peer} ? $line->{figure} : undef;
    } @lines;
}

# The circumstances and the lines, in the order of the rows. A figure whose row or way is gone is left out.
sub kept_lines
{
    my ($text, @rows) = @_;
    my ($circumstances, undef, @kept) = split /\n/, $text;
    my %of;
    for (@kept)
    {
        my ($name, $measure, $way, $own, $its, $figure) = split /\t/;
        push @{$of{$name}}, {measure => $measure, way => $way, own => $own, its => $its, figure => $figure};
    }
    return ($circumstances, map { kept_lines_of($_, @{$of{$_->{name}} // []}) } @rows);
}

sub kept_lines_of
{
    my ($row, @kept) = @_;
    my ($ours, @peers) = @{$row->{ways}};
    my @lines;
    for my $kept (@kept)
    {
        my %line = (row => $row, measure => $kept->{measure}, ours => $ours, own => $kept->{own});
        if ($kept->{way} ne '-')
        {
            my $peer = first { $_->{name} eq $kept->{way} } @peers or next;
            $line{peer} = $peer;
            $line{its} = $kept->{its};
            $line{ratios} = [$kept->{figure}];
        }
        $line{reach} = ($line{peer} // $ours)->{reach}{$kept->{measure}};
        push @lines, verdict(\%line);
    }
    return @lines;
}

## doc/bench.md and its drawings: {file => text}, files named from the folder that holds bench.md

sub pages
{
    my ($circumstances, $unmeasured, @lines) = @_;
    my %pages;
    my $text = "<!-- Generated by make bench-doc, which measures; make docs writes it anew from test/bench/figures.tsv. -->\n"
        . introduction($circumstances, @lines);
    for my $area (@areas)
    {
        my ($title, $says) = @$area;
        my @of = grep { $_->{row}{area} eq $title } @lines or next;
        my $file = 'bench/' . (lc($title) =~ s/ /-/gr) . '.svg';
        my @growth = growth(@of);
        $pages{$file} = @growth ? growth_svg(@growth) : bars_svg(@of);
        $text .= "\n## $title\n\n$says\n\n![$title]($file)\n\n" . markdown(@of);
    }
    $text .= "\n## Not measured yet\n\nAdded since the run above: " . join(', ', map { "`$_`" } @$unmeasured) . ".\n"
        if @$unmeasured;
    $pages{'bench.md'} = $text;
    return \%pages;
}

# A row whose area has no heading would be shown nowhere.
sub area_check
{
    my ($row) = @_;
    die "$row->{file}: Report.pm has no area $row->{area}\n" unless any { $_->[0] eq $row->{area} } @areas;
    return;
}

sub introduction
{
    my ($circumstances, @lines) = @_;
    my $aims = grep { defined $_->{reach} } @lines;
    my $short = grep { $_->{short} } @lines;
    return <<"END";
# Benchmark

Two ways of doing the same work, coursebase's and another, interleaved in one run of the row. Before anything is timed the results
of both are compared. The **ratio** is the other way's cost over that of coursebase: at 4× the other way costs four times as
much, at 1× the same. Of $aims figures that were to be reached, $short fall short and are shown as they are.

    make bench        # measures and prints; test/bench/run --help says more
    make bench-doc    # measures everything and writes this page; test/bench/run --doc ROW measures a row anew

Times on a busy machine lie far apart; counts of instructions do not, for they leave out how a server starts: each is the
median of rounds within one backend, after its plans and caches are warm, on tables that are vacuumed; the rows of the
handshake have the same ids in every run. `test/bench/repeat 5 ROW` counts a row on five clusters and fails where the counts lie more than 2 % apart.

$circumstances
END
}

sub markdown
{
    my (@lines) = @_;
    my $text = "| work | coursebase | another way | its cost | ratio | to reach |\n|---|---:|---|---:|---:|---:|\n";
    for my $line (@lines)
    {
        my ($work, undef, $own, $peer, $its, $ratio, undef, $reach, $verdict) = cells($line);
        $peer = "`$peer`" if $line->{peer} && $peer =~ /[(*]/ && $peer !~ /`/;
        ($line->{peer} ? $ratio : $own) .= ' **short**' if $verdict eq 'SHORT';
        $text .= "| $work | $own | $peer | $its | $ratio | $reach |\n";
    }
    return $text;
}

# Text in a drawing is as wide as the browser's font makes it: room for the widest of them.
sub width_of
{
    my ($text, $size) = @_;
    return 0.58 * $size * length $text;
}

sub colour_of
{
    my ($line) = @_;
    return $line->{short} ? '#c0392b' : defined $line->{reach} ? '#2e7d5b' : '#8a9ba8';
}

# A group of bars for each work, a bar for each other way and measure, on a logarithmic scale.
sub bars_svg
{
    my @lines = grep { $_->{peer} } @_;
    my @works = uniq map { $_->{row}{work} } @lines;
    my ($step, $top, $width) = (20, 64, 440);
    my $left = 24 + max map { (width_of($_->{row}{work}, 12) * 1.06, 12 + width_of(bar_label($_), 12)) } @lines;
    my $height = $top + $step * (@lines + 1.4 * @works) + 34;
    my $most = max(2, map { min($_->{figure}, 1e4) } @lines) * 1.05;
    my $least = min(0.5, map { ($_->{figure}, $_->{reach} // 1) } @lines) * 0.95;
    my $x = sub {
        my $at = max($least, min($most, $_[0]));
        return $left + $width * log($at / $least) / log($most / $least);
    };
    my $svg = svg_begin($left + $width + 90, $height)
        . svg_text(12, 22, 'Cost of the other way over that of coursebase', 'font-size="15"')
        . legend(12, 42);
    for my $tick (grep { $_ >= $least && $_ <= $most } ticks($most / $least))
    {
        $svg .= svg_line($x->($tick), $top, $x->($tick), $height - 30, $tick == 1 ? '#888' : '#ddd')
            . svg_text($x->($tick), $height - 14, "$tick×", 'text-anchor="middle" fill="#555"');
    }
    my $y = $top;
    for my $work (@works)
    {
        $y += 1.4 * $step;
        $svg .= svg_text(12, $y - 6, $work, 'font-weight="bold"');
        for my $line (grep { $_->{row}{work} eq $work } @lines)
        {
            $svg .= bar($line, $x, $left, $y);
            $y += $step;
        }
    }
    return "$svg</svg>\n";
}

sub bar_label
{
    my ($line) = @_;
    return $line->{peer}{label} . ($line->{measure} eq 'time' ? '' : " ($titles{$line->{measure}})");
}

sub bar
{
    my ($line, $x, $left, $y) = @_;
    my ($from, $to) = sort { $a <=> $b } $x->(1), $x->($line->{figure});
    my $mark = defined $line->{reach} ? $x->($line->{reach}) : 0;
    my $svg = svg_text($left - 10, $y + 11, bar_label($line), 'text-anchor="end"')
        . sprintf(qq{<rect x="%.1f" y="%.1f" width="%.1f" height="12" fill="%s"/>\n}, $from, $y + 1, max(1, $to - $from),
            colour_of($line))
        . svg_text(6 + max($to, $mark), $y + 11, ratio($line), '');
    return $svg . ($mark ? svg_line($mark, $y - 2, $mark, $y + 16, '#000', 2) : '');
}

# Numbers for a logarithmic scale: more of them where it is short.
sub ticks
{
    my ($span) = @_;
    return map { my $ten = 10**$_; map { $ten * $_ } $span > 200 ? (1) : $span > 8 ? (1, 2, 5) : (1, 1.5, 2, 3, 5, 7) } -3 .. 5;
}

sub legend
{
    my ($x, $y) = @_;
    my $svg = '';
    for (['#2e7d5b', 'reached'], ['#c0392b', 'short'], ['#8a9ba8', 'nothing to reach'])
    {
        my ($colour, $text) = @$_;
        $svg .= sprintf(qq{<rect x="%d" y="%d" width="12" height="12" fill="%s"/>\n}, $x, $y - 10, $colour)
            . svg_text($x + 18, $y, $text, 'fill="#555"');
        $x += 40 + width_of($text, 12);
    }
    return $svg . svg_line($x, $y - 12, $x, $y + 4, '#000', 2) . svg_text($x + 8, $y, 'to reach', 'fill="#555"');
}

sub svg_begin
{
    my ($width, $height) = @_;
    return sprintf qq{<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %1\$d %2\$d" }
        . qq{font-family="sans-serif" font-size="12">\n<rect width="100%%" height="100%%" fill="#fff"/>\n}, $width, $height;
}

sub svg_text
{
    my ($x, $y, $text, $how) = @_;
    return sprintf qq{<text x="%.1f" y="%.1f"%s>%s</text>\n}, $x, $y, $how eq '' ? '' : " $how", escape($text);
}

sub svg_line
{
    my ($x1, $y1, $x2, $y2, $colour, $width) = @_;
    return sprintf qq{<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" stroke-width="%d"/>\n}, $x1, $y1, $x2, $y2,
        $colour, $width // 1;
}

## What grows: rows named X_growth_N, one of whose other ways, "few", is ours with a thousand people

# {what, points [people, cost over that with a thousand, seconds]} for each X.
sub growth
{
    my (%of, @names);
    for my $line (grep { $_->{peer} && $_->{peer}{name} eq 'few' } @_)
    {
        my ($name, $people) = $line->{row}{name} =~ /^(\w+)_growth_(\d+)$/ or next;
        push @names, $name if !$of{$name};
        $of{$name} //= {what => $line->{row}{work} =~ s/ with [\d,]+ people$//r, points => [[1000, 1, $line->{its}]]};
        push @{$of{$name}{points}}, [$people, 1 / $line->{figure}, $line->{own}];
    }
    return @of{@names};
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
        ("$line->{what}: the cost with so many people over that with 1,000; | is where a logarithm would be",
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
    my ($left, $top, $width, $height) = (84, 64, 460, 260);
    my $most = 0.5 * int(2 * max(2, map { map { $_->[1] } @{$_->{points}} } @lines) + 1.2);
    my $last = max(map { $_->{points}[-1][0] } @lines);
    my @people = grep { $_ <= $last } map { 10**$_ } 3 .. 9;
    my $x = sub { $left + $width * ($_[0] > 1000 ? log($_[0] / 1000) / log($last / 1000) : 0) };
    my $y = sub { $top + $height * (1 - $_[0] / $most) };
    my $svg = svg_begin($left + $width + 230, $top + $height + 56)
        . svg_text(12, 22, 'Cost with more people over the cost with 1,000', 'font-size="15"')
        . svg_text(12, 42, 'Beside each point stands the time of one call.', 'fill="#555"');
    for my $tick (map { $_ / 2 } 0 .. 2 * $most)
    {
        $svg .= svg_line($left, $y->($tick), $left + $width, $y->($tick), $tick == 1 ? '#888' : '#ddd')
            . svg_text($left - 44, $y->($tick) + 4, "$tick×", 'text-anchor="end" fill="#555"');
    }
    for my $people (@people)
    {
        $svg .= svg_line($x->($people), $top, $x->($people), $top + $height, '#ddd')
            . svg_text($x->($people), $top + $height + 18, grouped($people), 'text-anchor="middle" fill="#555"');
    }
    $svg .= svg_text($left + $width / 2, $top + $height + 42, 'people in the database', 'text-anchor="middle" fill="#555"')
        . curve('#8a9ba8', 'stroke-dasharray="5 4"', 0, map { [$x->($_), $y->(logarithm($_))] } @people);
    my @names = ([$y->(logarithm($last)), '#8a9ba8', 'as a logarithm would grow']);
    my @colours = ('#2e7d5b', '#2c5aa0', '#b8860b');
    for my $line (@lines)
    {
        my ($colour, $end) = (shift @colours, $line->{points}[-1]);
        push @names, [$y->($end->[1]), $colour, $line->{what}];
        $svg .= curve($colour, '', @names % 2 ? 16 : -8,
            map { [$x->($_->[0]), $y->($_->[1]), quantity('time', $_->[2])] } @{$line->{points}});
    }
    return $svg . names_beside($left + $width + 14, @names) . "</svg>\n";
}

# Points are [x, y] or [x, y, what stands beside it, so far below].
sub curve
{
    my ($colour, $how, $below, @points) = @_;
    my $svg = sprintf qq{<polyline points="%s" fill="none" stroke="%s" stroke-width="2" %s/>\n},
        join(' ', map { sprintf '%.1f,%.1f', @$_[0, 1] } @points), $colour, $how;
    for my $point (grep { defined $_->[2] } @points)
    {
        $svg .= sprintf(qq{<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"/>\n}, @$point[0, 1], $colour)
            . svg_text($point->[0] - 4, $point->[1] + $below, $point->[2], qq{fill="$colour" font-size="11" text-anchor="end"});
    }
    return $svg;
}

# The names of curves [y, colour, name] at their ends, moved down where they would meet.
sub names_beside
{
    my ($x, @names) = @_;
    my ($svg, $free) = ('', 0);
    for my $name (sort { $a->[0] <=> $b->[0] } @names)
    {
        my ($y, $colour, $text) = @$name;
        $y = max($y + 4, $free);
        $svg .= svg_text($x, $y, $text, qq{fill="$colour"});
        $free = $y + 15;
    }
    return $svg;
}

sub grouped
{
    my ($number) = @_;
    1 while $number =~ s/^(\d+)(\d{3})/$1,$2/;
    return $number;
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
