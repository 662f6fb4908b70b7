# Measure.pm: compares the results of a row's ways, then measures them: time (interleaved, every way
# once a repetition, in an order that turns), memory (the peak of a fresh backend) and instructions
# (callgrind on a single-user server). A figure is never measured where results differ.
package Measure;

use strict;
use warnings;
use File::Temp;
use List::Util qw(max);
use Rows;
use Session;

# Where callgrind writes down what it has counted since the mark before.
my $mark = 'SELECT pg_backend_pid()';

sub median
{
    my @sorted = sort { $a <=> $b } @_;
    my $middle = int(@sorted / 2);
    return @sorted % 2 ? $sorted[$middle] : ($sorted[$middle - 1] + $sorted[$middle]) / 2;
}

sub wanted
{
    my ($row, $measure) = @_;
    return grep { exists $_->{reach}{$measure} } @{$row->{ways}};
}

sub compare
{
    my ($row) = @_;
    my $session = Session->new($row->{session});
    my ($ours, @others) = grep { $_->{kind} eq 'way' } @{$row->{ways}};
    for my $other (@others)
    {
        die "$ours->{label} and $other->{label} give different results\n"
            if $session->ask(Rows::comparison($row, $ours, $other)) ne 't';
    }
    if ($row->{same})
    {
        for my $way (grep { $_->{kind} eq 'statement' } @{$row->{ways}})
        {
            $session->ask($_) for grep { defined } Rows::before($row, $way), Rows::statement($row, $way, 1);
        }
        die "the results differ\n" if $session->ask($row->{same}) ne 't';
    }
    $session->end;
    return;
}

# The seconds of one call of each way, one figure a repetition: {way => [seconds, ...]}.
sub times
{
    my ($row, $repetitions, $least) = @_;
    my $session = Session->new($row->{session});
    my @ways = @{$row->{ways}};
    push @ways, empty_loop() if $row->{loop};
    my %n = map { $_->{name} => calls_for($session, $row, $_, $least) } @ways;
    my %seconds;
    for my $repetition (1 .. $repetitions)
    {
        for my $way (@ways)
        {
            my $once = execute($session, $row, $way, $n{$way->{name}}, $least);
            push @{$seconds{$way->{name}}}, $once;
        }
        push @ways, shift @ways;
    }
    $session->end;
    return without_the_loop($row, \%seconds);
}

sub empty_loop
{
    return {kind => 'way', name => '', label => 'the empty loop', body => '1'};
}

# The seconds of one call. What cannot say how often it runs is run until the clock has enough of it.
sub execute
{
    my ($session, $row, $way, $n, $least) = @_;
    return command($way) if $way->{kind} eq 'command';
    my $before = Rows::before($row, $way);
    my ($seconds, $executions) = (0, 0);
    do
    {
        $session->ask($before) if defined $before;
        $seconds += $session->seconds(Rows::statement($row, $way, $n));
        $executions++;
    } while ($seconds < $least && !Rows::repeats($row, $way));
    return $seconds / ($executions * $n * $row->{calls});
}

sub command
{
    my ($way) = @_;
    my @lines = `$way->{body}`;
    my ($seconds) = ($lines[-1] // '') =~ /^\s*([\d.]+(?:e-?\d+)?)\s*$/
        or die "$way->{label} gave no figure\n";
    return $seconds;
}

# How often a way's call is made so that one execution takes as long as the clock needs.
sub calls_for
{
    my ($session, $row, $way, $least) = @_;
    return 1 if $way->{kind} eq 'command' || !Rows::repeats($row, $way);
    my $n = 1;
    while (1)
    {
        my $seconds = execute($session, $row, $way, $n, 0) * $n * $row->{calls};
        return $n if $seconds >= $least;
        my $factor = $seconds > 0 ? 1.1 * $least / $seconds : 10;
        $n = int($n * ($factor > 10 ? 10 : $factor)) + 1;
    }
}

# Takes the empty loop off. What cannot be told from it keeps it, if it is our way: the figure is then
# more than the truth. A peer's would flatter us.
sub without_the_loop
{
    my ($row, $seconds) = @_;
    my $empty = delete $seconds->{''} or return $seconds;
    my $loop = median(@$empty);
    my $ours = $row->{ways}[0];
    for my $way (grep { $_->{kind} eq 'way' } @{$row->{ways}})
    {
        my $its = $seconds->{$way->{name}};
        my $tiny = grep { $_ < 1.2 * $loop } @$its;
        die "$way->{label} cannot be told from the empty loop\n" if $tiny && $way != $ours;
        $_ -= $loop for $tiny ? () : @$its;
    }
    return $seconds;
}

# The most memory in kB that one call of each way took above what the backend had: {way => [kB]}.
# Pages of shared memory count as the backend's when it first touches them: another session has
# brought them into the cache, and "touch" reads them in this one before.
sub memory
{
    my ($row) = @_;
    my %kilobytes;
    for my $way (grep { $_->{kind} eq 'way' } @{$row->{ways}})
    {
        my $statement = Rows::statement($row, $way, 1);
        my $other = Session->new($row->{session});
        $other->ask($statement);
        $other->end;
        my $session = Session->new($row->{session});
        $session->ask($row->{touch}) if $row->{touch};
        my $before = $session->kilobytes('VmRSS');
        $session->ask($statement);
        $kilobytes{$way->{name}} = [max(0, $session->kilobytes('VmHWM') - $before)];
        $session->end;
    }
    return \%kilobytes;
}

# The instructions of one call of each way: {way => [count]}. A single-user server runs the work under
# callgrind, between marks at which callgrind writes down what it has counted. So the start of a server, its
# checkpoint at the end, and the first calls, which fill caches and set hints, are in no figure.
sub instructions
{
    my ($row, $server) = @_;
    my @ways = grep { $_->{kind} ne 'command' } @{$row->{ways}};
    push @ways, empty_loop() if $row->{loop};
    my %instructions = map { $_->{name} => counted($row, $server, $_) } @ways;
    my $loop = delete $instructions{''} // 0;
    $_->{kind} eq 'way' and $instructions{$_->{name}} -= $loop for @{$row->{ways}};
    $_ = [$_] for values %instructions;
    return \%instructions;
}

# One call, the median of rounds. In a round the work is done a few and many times, of which the difference
# is the calls alone; a statement that says not how often is done once, and a mark's own count is taken off.
# Before the rounds plans become generic, caches are filled, and pages get their hints.
sub counted
{
    my ($row, $server, $way) = @_;
    my $before = Rows::before($row, $way);
    my ($few, $many) = (10, 60);
    my @warm = map { ($before, Rows::statement($row, $way, $few)) } 1 .. 2;
    my @counts;
    if (Rows::repeats($row, $way))
    {
        my @round = map { ($before, $mark, Rows::statement($row, $way, $_), $mark) } $few, $many;
        my @between = between_marks($server, $way, $row->{session}, @warm, (@round) x 3);
        # after each of the two: what was counted in it, and what ran before the next
        @counts = map { ($between[4 * $_ + 2] - $between[4 * $_]) / ($many - $few) } 0 .. 2;
    }
    else
    {
        my @round = ($before, $mark, Rows::statement($row, $way, 1), $mark, $mark);
        my @between = between_marks($server, $way, $row->{session}, (@warm) x 3, (@round) x 5);
        @counts = map { $between[3 * $_] - $between[3 * $_ + 1] } 0 .. 4;
    }
    return median(@counts) / $row->{calls};
}

# What was counted from each mark to the next.
sub between_marks
{
    my ($server, $way, @statements) = @_;
    my $folder = File::Temp->newdir;
    # the server may belong to another user
    chmod 0777, $folder;
    my $input = File::Temp->new;
    # An empty line after a semicolon ends a statement, and nothing else may look like it.
    print {$input} map { s/\n+/\n/gr =~ s/;\n/;\n\n/gr . ";\n\n" } grep { defined } @statements;
    $input->flush;
    my $output = `$server->{as} valgrind --tool=callgrind --dump-before=pg_backend_pid --callgrind-out-file=$folder/counts $server->{command} <$input 2>&1`;
    die "$way->{label} failed under callgrind: $1\n" if $output =~ /(ERROR:.*|FATAL:.*)/;
    my $marks = grep { defined && $_ eq $mark } @statements;
    # the first holds what ran before any mark
    return map { total("$folder/counts.$_") } 2 .. $marks;
}

sub total
{
    my ($file) = @_;
    open my $in, '<', $file or die "callgrind gave no count: $file: $!\n";
    while (my $line = <$in>)
    {
        return $1 if $line =~ /^(?:summary|totals): (\d+)/;
    }
    die "callgrind gave no count\n";
}

1;
