# What README.md and the guides show is what happens: each ```sql block runs without an error, and each session (a block
# with prompts) prints what the page says. The pages of doc/guide go on in the database that start.md leaves; every
# page has a database of its own.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use PostgreSQL::Test::Utils;
use Test::More;

my $prompt = 'app=# ';
my $tree = "$FindBin::RealBin/../..";
my $start = "$tree/doc/guide/start.md";
my $node = node('documents');
my %found = (sql => 0, session => 0);

for my $page ("$tree/README.md", sort(glob("$tree/doc/guide/*.md"), glob("$tree/doc/explain/*.md")))
{
	my @blocks = blocks($page);
	my $first = @blocks;
	next unless @blocks;
	unshift @blocks, blocks($start) if $page ne $start && $page !~ /README\.md$/;
	run_page($page =~ s{^\Q$tree\E/}{}r, @blocks - $first, @blocks);
}
cmp_ok($found{session}, '>=', 5, 'sessions are shown');
cmp_ok($found{sql}, '>=', 20, 'and blocks of SQL');
done_testing();

# The blocks of a page that run, in their order: {kind, line, text}.
sub blocks
{
	my ($file) = @_;
	my $text = slurp_file($file);
	my @blocks;
	while ($text =~ /^```(\w*)\n(.*?)^```$/gms)
	{
		my ($language, $inner, $line) = ($1, $2, 1 + (substr($text, 0, $-[0]) =~ tr/\n//));
		my $kind = $language eq 'sql' ? 'sql' : $language eq '' && $inner =~ /^\Q$prompt\E/m ? 'session' : next;
		push @blocks, { kind => $kind, line => $line, text => $inner };
	}
	return @blocks;
}

# Runs all the blocks in one session of psql, and tests those after the first FROM, which are another page's.
sub run_page
{
	my ($page, $from, @blocks) = @_;
	my $script = "\\set QUIET off\n\\pset pager off\n";
	$script .= "\\echo begin $_\n" . script_of($blocks[$_]) . "\\echo end $_\n" for 0 .. $#blocks;
	create_database($node, 'app');
	my (undef, $out) = client($node, [ 'sh', '-c', 'exec psql -X -d app 2>&1' ], stdin => $script);
	for my $n ($from .. $#blocks)
	{
		my ($block, $name) = ($blocks[$n], "$page:$blocks[$n]{line}");
		my ($said) = $out =~ /^begin $n\n(.*?)^end $n$/ms;
		$found{ $block->{kind} }++;
		if (!defined $said)
		{
			fail("$name runs");
			diag($out =~ /^begin $n\n(.*)/ms ? $1 : 'an earlier block ended the session');
		}
		elsif ($block->{kind} eq 'session')
		{
			is($said, $block->{text}, "$name prints what the page says");
		}
		else
		{
			pass("$name runs");
		}
	}
	query($node, 'postgres', 'DROP DATABASE app');
	query($node, 'postgres', q(SELECT format('DROP ROLE %I', rolname) FROM pg_roles
		WHERE rolname LIKE 'app\_%' OR rolname IN ('anon', 'authenticated', 'service_role', 'authenticator', 'studio') \gexec));
	return;
}

# psql shows no prompts when it reads a file, so that each statement of a session is announced before it runs. A
# session may show errors; SQL may not raise one.
sub script_of
{
	my ($block) = @_;
	return "\\set ON_ERROR_STOP on\n\\o /dev/null\n$block->{text}\\o\n" if $block->{kind} eq 'sql';
	my $script = "\\set ON_ERROR_STOP off\n";
	for my $statement ($block->{text} =~ /^\Q$prompt\E(.*)$/mg)
	{
		my $quoted = $statement =~ s/([\\'])/$1 eq "'" ? "''" : "\\\\"/egr;
		$script .= "\\echo '$prompt$quoted'\n$statement\n";
	}
	return $script;
}
