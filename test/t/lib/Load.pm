# Load.pm: what the tests of many sessions at once share: a server that takes them, pgbench at each isolation level, and
# what must hold after each run.
package Load;

use strict;
use warnings FATAL => 'all';
use Coursebase;
use Exporter 'import';
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(load_node pgbench_script pgbench many_ok at_each_level no_deadlock);

# A running server with room for 64 sessions and the test's own.
sub load_node
{
	my ($name) = @_;
	my $node = node($name);

	$node->append_conf('postgresql.conf', 'max_connections = 100');
	$node->restart;
	return $node;
}

# pgbench_script NAME, SQL: the file that pgbench runs. What pgbench tries again after a serialization failure begins the
# script anew, with the variables as they are by then: a script that counts its turns goes on to the next.
sub pgbench_script
{
	my ($name, $sql) = @_;
	my $path = PostgreSQL::Test::Utils::tempdir() . "/$name.sql";

	append_to_file($path, $sql);
	return $path;
}

# pgbench NODE, DATABASE, sessions => N, turns => N, scripts => [FILE…] [, level => LEVEL, define => [NAME=VALUE…],
# words => [FURTHER ARGUMENT…]]: whether it ended without an error, and what it said. Serialization failures are tried
# again, as an application must.
sub pgbench
{
	my ($node, $database, %option) = @_;
	my @command = (
		'pgbench', '-n', '-c', $option{sessions}, '-j', 2, '-t', $option{turns}, '--max-tries=10000',
		(map { ('-D', $_) } @{ $option{define} // [] }), @{ $option{words} // [] }, (map { ('-f', $_) } @{ $option{scripts} }), $database);
	my %env = $option{level} ? (PGOPTIONS => '-c default_transaction_isolation=' . $option{level} =~ s/ /\\ /gr) : ();
	my ($ok, $out, $err) = client($node, \@command, env => \%env);

	return ($ok && $err !~ /error/i, "$out$err");
}

# The same as a test: many_ok NODE, DATABASE, NAME OF THE TEST, as above.
sub many_ok
{
	my ($node, $database, $name, %option) = @_;
	my ($good, $said) = pgbench($node, $database, %option);

	return ok($good, $name) || diag($said);
}

sub no_deadlock
{
	my ($node, $database, $name) = @_;

	return is(query($node, $database, 'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()'), '0', $name);
}

# at_each_level NODE, SQL, SUB: makes a database for each isolation level, prepares it with the SQL, calls SUB with its
# name and the level, and sees that the books balance and nobody met a deadlock.
sub at_each_level
{
	my ($node, $prepare, $run) = @_;

	for my $level ('read committed', 'repeatable read', 'serializable')
	{
		my $name = create_extension($node, $level =~ s/ /_/r);

		query($node, $name, $prepare);
		$run->($name, $level);
		is(query($node, $name, 'SELECT * FROM coursebase.check_integrity()'), '', "$level: nothing for check_integrity");
		no_deadlock($node, $name, "$level: no deadlock");
	}
	return;
}

1;
