# bench.pl: measures the rows of rows/ on the server that the environment names (PGHOST, PGPORT,
# PGUSER, PGDATABASE), prints the table, and fails when a figure is short or a row could not be
# measured. test/bench/run starts such a server and calls this.
use strict;
use warnings;
use utf8;
use open qw(:std :encoding(UTF-8));
use FindBin;
use lib "$FindBin::Bin/lib";
use Getopt::Long;
use List::Util qw(any uniq);
use Measure;
use Report;
use Rows;
use Session;

my $usage = <<'END';
usage: test/bench/run [option ...] [ROW ...]

Measures the rows whose names begin with one of the given, or all.

  --list               name the rows
  --repetitions N      at least 5 (default 7)
  --milliseconds N     the least time of one execution (default 100)
  --no-instructions    leave callgrind out
  --counts             instructions alone: nothing is timed, and each way's count is printed
  --full               what grows is measured up to a million people, too
  --doc                keep the figures in test/bench/figures.tsv, and write doc/bench.md and its drawings;
                       with ROWs, the figures of the other rows stay
  --render             write doc/bench.md and its drawings from the figures that are kept; measure nothing
  --check              the same, but only say what differs, and fail if anything does

build/bench/bench.md holds the tables and drawings of this run.
END

my %option = (repetitions => 7, milliseconds => 100, instructions => 1, as => '',
    tree => "$FindBin::Bin/../..");
# What its caller typed: test/bench/run adds what begins so.
my $typed = "test/bench/run @ARGV" =~ s/ --(?:tree|as|data) \S+//gr;
GetOptions(\%option, 'list', 'repetitions=i', 'milliseconds=i', 'instructions!', 'counts', 'full', 'doc', 'render', 'check', 'tree=s',
    'as=s', 'data=s', 'help') or die $usage;
if ($option{help})
{
    print $usage;
    exit 0;
}
die "a median needs at least 5 repetitions\n" if $option{repetitions} < 5;

$ENV{BENCH_FULL} = 1 if $option{full};
my @rows = map { Rows::load($_) } sort glob "$FindBin::Bin/rows/*.sql";
Report::area_check($_) for @rows;
exit render() if $option{render} || $option{check};
my @chosen = @ARGV ? grep { my $row = $_; any { index($row->{name}, $_) == 0 } @ARGV } @rows : @rows;
die "no such row: @ARGV\n" if !@chosen;
if ($option{list})
{
    printf "%-28s %s\n", $_->{name}, $_->{work} for @chosen;
    exit 0;
}
@chosen = grep { Measure::wanted($_, 'instructions') } @chosen if $option{counts};
die "instructions are counted of none of these rows\n" if !@chosen;
die "counts alone are not kept\n" if $option{counts} && $option{doc};
my $out = "$option{tree}/build/bench";
exit main();

sub main
{
    my (%figures, %failure);
    my $settings = settings();
    my $circumstances = "$settings Printed by `$typed`.";
    print "$circumstances\n\n";
    run(slurp("$FindBin::Bin/peers.sql"));
    for my $file (uniq map { $_->{file} } @chosen)
    {
        measure_file(\%figures, \%failure, grep { $_->{file} eq $file } @chosen);
    }
    my $busy = $option{counts} ? 0 : (slurp('/proc/loadavg') =~ /^([\d.]+)/)[0];
    count_instructions(\%figures, \%failure);

    my @lines = map { Report::lines($_, $figures{$_->{name}}) } grep { $figures{$_->{name}} } @chosen;
    print "\n", Report::table(@lines), "\n";
    print map { "$_\n" } Report::growth_text(Report::growth(@lines));
    print "The machine was busy (load $busy): times lie further apart than they should.\n"
        if $busy > 1.5;
    my $pages = Report::pages($circumstances, [], @lines);
    write_file("$out/$_", $pages->{$_}) for sort keys %$pages;
    print "$out/bench.md and its drawings are written.\n";
    if ($option{doc})
    {
        keep("$settings Printed by `test/bench/run --repetitions $option{repetitions}`.", \%failure, @lines);
        render();
    }
    return verdict(\@lines, \%failure);
}

# What the figures depend on besides the code.
sub settings
{
    my $session = Session->new;
    my $version = $session->ask('SHOW server_version') =~ s/ .*//r;
    my $cores = () = slurp('/proc/cpuinfo') =~ /^processor\s*:/mg;
    my @settings = map { "$_ " . $session->ask("SHOW $_") } qw(shared_buffers fsync jit autovacuum
        max_parallel_workers_per_gather);
    $session->end;
    return "PostgreSQL $version on $cores cores; " . join(', ', @settings)
        . "; medians of $option{repetitions} interleaved repetitions, the empty loop subtracted.";
}

# Each file finds its tables fresh from the vacuum and no dirty page of anybody's.
sub measure_file
{
    my ($figures, $failure, @rows) = @_;
    my ($setup, $end, $needs) = @{$rows[0]}{qw(setup end needs)};
    return print map { "$_->{name} is left out: the server has no extension $needs.\n" } @rows if $needs && !is_available($needs);
    eval { run($setup) if $setup; 1 } or do {
        chomp(my $error = $@);
        $failure->{$_->{name}} = $error for @rows;
        return;
    };
    run('VACUUM (FREEZE, ANALYZE); CHECKPOINT');
    for my $row (@rows)
    {
        attempt($failure, $row, sub { $figures->{$row->{name}} = measure($row) });
    }
    run($end) if $end;
    return;
}

sub is_available
{
    my ($extension) = @_;
    my $session = Session->new;
    my $known = $session->ask("SELECT count(*) FROM pg_available_extensions WHERE name = '$extension'");
    $session->end;
    return $known;
}

sub run
{
    my ($sql) = @_;
    my $session = Session->new;
    $session->ask($sql);
    $session->end;
    return;
}

sub attempt
{
    my ($failure, $row, $what) = @_;
    eval { $what->(); 1 } or chomp($failure->{$row->{name}} = $@);
    return;
}

sub measure
{
    my ($row) = @_;
    print STDERR "$row->{name}\n";
    Measure::compare($row);
    return {} if $option{counts};
    my %figures;
    $figures{time} = Measure::times($row, $option{repetitions}, $option{milliseconds} / 1000)
        if Measure::wanted($row, 'time') || !Measure::wanted($row, 'memory');
    $figures{memory} = Measure::memory($row) if Measure::wanted($row, 'memory');
    return \%figures;
}

sub count_instructions
{
    my ($figures, $failure) = @_;
    my @counted = grep { $figures->{$_->{name}} && Measure::wanted($_, 'instructions') } @chosen;
    return if !@counted;
    if (!$option{instructions} || !$option{data} || system('command -v valgrind >/dev/null 2>&1'))
    {
        print 'Instructions are not counted: '
            . ($option{instructions} ? "valgrind is not installed.\n" : "--no-instructions.\n");
        return;
    }
    run('VACUUM (FREEZE, ANALYZE)');
    system("$option{as} pg_ctl -D '$option{data}' -m fast -w stop >/dev/null") == 0
        or die "the server did not stop\n";
    my $single = {as => $option{as}, command => "postgres --single -j -D '$option{data}' $ENV{PGDATABASE}"};
    for my $row (@counted)
    {
        print STDERR "$row->{name}: instructions\n";
        attempt($failure, $row, sub {
            my $counts = $figures->{$row->{name}}{instructions} = Measure::instructions($row, $single);
            return if !$option{counts};
            printf "COUNT: %s %s %.0f\n", $row->{name}, $_, $counts->{$_}[0] for sort keys %$counts;
        });
    }
    return;
}

sub verdict
{
    my ($lines, $failure) = @_;
    my @short = grep { $_->{short} } @$lines;
    for my $line (@short)
    {
        my $what = $line->{peer} ? "$line->{measure} against $line->{peer}{label}" : $line->{measure};
        my $figure = $line->{peer} ? Report::ratio($line)
            : Report::quantity($line->{measure}, $line->{own});
        print "SHORT: $line->{row}{name}, $what: $figure, to reach " . Report::reach($line) . "\n";
    }
    print "FAILED: $_: $failure->{$_}\n" for sort keys %$failure;
    my $reached = grep { defined $_->{reach} && !$_->{short} } @$lines;
    printf "%d figures reached, %d short, %d rows failed.\n", $reached, scalar @short,
        scalar keys %$failure;
    return @short || %$failure ? 1 : 0;
}

sub slurp
{
    my ($file) = @_;
    open my $in, '<', $file or die "$file: $!\n";
    local $/;
    return scalar <$in>;
}

sub write_file
{
    my ($file, $text) = @_;
    my $folder = $file =~ s{/[^/]*$}{}r;
    system('mkdir', '-p', $folder) == 0 or die "$folder cannot be made\n";
    open my $out, '>', $file or die "$file: $!\n";
    print {$out} $text;
    close $out or die "$file: $!\n";
    return;
}

# The figures of the rows that were measured replace those that were kept; those of other rows stay, if they were measured
# under the same circumstances. A row that failed keeps none.
sub keep
{
    my ($circumstances, $failure, @lines) = @_;
    my %measured = map { $_->{row}{name} => 1 } @lines;
    my ($before, @others) = -f kept_file() ? Report::kept_lines(slurp(kept_file()), every_row()) : ($circumstances);
    @others = grep { !$measured{$_->{row}{name}} && !$failure->{$_->{row}{name}} } @others;
    @others = () if @chosen == @rows;
    die "the figures that are kept were measured otherwise: $before\n" if @others && $before ne $circumstances;
    write_file(kept_file(), Report::kept_text($circumstances, @others, @lines));
    return;
}

# Rows that grow to a million are there after --full.
sub every_row
{
    local $ENV{BENCH_FULL} = 1;
    return map { Rows::load($_) } sort glob "$FindBin::Bin/rows/*.sql";
}

sub kept_file
{
    return "$option{tree}/test/bench/figures.tsv";
}

# doc/bench.md and its drawings from the figures that are kept.
sub render
{
    my ($circumstances, @lines) = Report::kept_lines(slurp(kept_file()), every_row());
    my %measured = map { $_->{row}{name} => 1 } @lines;
    # rows that only --full measures may be missing
    local $ENV{BENCH_FULL};
    my @unmeasured = grep { !$measured{$_} } map { $_->{name} } map { Rows::load($_) } sort glob "$FindBin::Bin/rows/*.sql";
    my $pages = Report::pages($circumstances, \@unmeasured, @lines);
    my @differ = grep { !-f "$option{tree}/doc/$_" || slurp("$option{tree}/doc/$_") ne $pages->{$_} } sort keys %$pages;
    for my $file (@differ)
    {
        write_file("$option{tree}/doc/$file", $pages->{$file}) if !$option{check};
        print "doc/$file ", $option{check} ? "is out of date; make docs writes it\n" : "is written\n";
    }
    my @idle = grep { !$pages->{s{^\Q$option{tree}\E/doc/}{}r} } glob "$option{tree}/doc/bench/*";
    print "$_: nothing draws it\n" for @idle;
    return $option{check} && (@differ || @idle) ? 1 : 0;
}
