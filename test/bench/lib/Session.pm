# Session.pm: one psql, and so one backend, that is asked one statement after another. Times are the
# server's own: the execution time of EXPLAIN ANALYZE, in which no client and no network takes part.
package Session;

use strict;
use warnings;
use File::Temp;
use IPC::Open3;

my $mark = '-- end of answer --';

sub new
{
    my ($class, @statements) = @_;
    my $errors = File::Temp->new;
    my $pid = open3(my $in, my $out, '>&' . fileno($errors),
        qw(psql --no-psqlrc --quiet --no-align --tuples-only --set=ON_ERROR_STOP=1));
    my $self = bless {pid => $pid, in => $in, out => $out, errors => $errors}, $class;
    $self->ask("SET client_min_messages = warning; $_") for grep { defined } '', @statements;
    return $self;
}

# The rows a statement answers, as one text without its last newline.
sub ask
{
    my ($self, $sql) = @_;
    local $SIG{PIPE} = 'IGNORE';
    print {$self->{in}} "$sql\n;\n\\echo $mark\n";
    $self->{in}->flush;
    my $answer = '';
    my $out = $self->{out};
    while (my $line = <$out>)
    {
        if ($line eq "$mark\n")
        {
            chomp $answer;
            return $answer;
        }
        $answer .= $line;
    }
    die $self->failure . "\n";
}

sub failure
{
    my ($self) = @_;
    open my $in, '<', $self->{errors}->filename or die "psql's errors: $!\n";
    my @lines = <$in>;
    my ($first) = grep { /ERROR|FATAL|PANIC|error:/ } @lines;
    $first //= $lines[0] // 'the session ended';
    $first =~ s/^psql:.*?:\d+:\s*//;
    chomp $first;
    return $first;
}

# The seconds a statement took to execute.
sub seconds
{
    my ($self, $sql) = @_;
    my $plan = $self->ask("EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF, SUMMARY ON) $sql");
    my ($milliseconds) = $plan =~ /^\s*Execution Time: ([\d.]+) ms/m
        or die "EXPLAIN gave no execution time\n";
    return $milliseconds / 1000;
}

sub backend
{
    my ($self) = @_;
    return $self->{backend} //= $self->ask('SELECT pg_backend_pid()');
}

# A figure of the backend's memory in kB, by the kernel's account.
sub kilobytes
{
    my ($self, $name) = @_;
    my $file = '/proc/' . $self->backend . '/status';
    open my $in, '<', $file or die "$file: $!\n";
    while (my $line = <$in>)
    {
        return $1 if $line =~ /^$name:\s+(\d+) kB/;
    }
    die "$file does not tell $name\n";
}

sub end
{
    my ($self) = @_;
    close $self->{in};
    close $self->{out};
    waitpid $self->{pid}, 0;
    return;
}

1;
