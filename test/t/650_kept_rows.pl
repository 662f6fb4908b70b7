# A customer's own trigger that keeps rows away (returns NULL, or puts them elsewhere) or gives them other keys, on every
# table in turn: no function that writes loops or says 40001 at READ COMMITTED, which a gateway would repeat for ever;
# all end in time, with an SQLSTATE that says what it is; and once the trigger is gone the calls work.
#
# The tables are the catalogue's, the calls those of test/tools/memory.calls, where every function needs a line: what is
# new joins by itself. Each table is also emptied first, so that calls which only repeat a fixture insert.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use Test::More;

my $node = node('kept_rows');
create_extension($node, 'app');
fixture($node, 'app');
query($node, 'app', 'CREATE ROLE memory_anonymous; CREATE ROLE memory_user; CREATE ROLE memory_server BYPASSRLS');
query($node, 'app', <<~'SQL');
	CREATE TABLE public.elsewhere (relation text, row jsonb);
	-- TG_ARGV: what to do. It says that it fired, for whoever asks which calls reach the table.
	CREATE FUNCTION public.own_keep() RETURNS trigger LANGUAGE plpgsql AS $$
	DECLARE changed jsonb;
	BEGIN
	    PERFORM set_config('own.fired', 'yes', true);
	    IF TG_ARGV[0] = 'keep' THEN
	        INSERT INTO public.elsewhere VALUES (TG_TABLE_NAME, to_jsonb(CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END));
	        RETURN NULL;
	    END IF;
	    SELECT jsonb_object_agg(a.attname, CASE WHEN a.atttypid = 'uuid'::regtype THEN gen_random_uuid()::text
	        ELSE upper(to_jsonb(NEW) ->> a.attname) || 'Q' END) INTO changed
	    FROM pg_attribute a WHERE a.attrelid = TG_RELID AND a.atttypid IN ('uuid'::regtype, 'text'::regtype) AND to_jsonb(NEW) ->> a.attname IS NOT NULL
	        AND EXISTS (SELECT FROM pg_index i WHERE i.indrelid = TG_RELID AND i.indisunique AND a.attnum = ANY (i.indkey))
	        AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conrelid = TG_RELID AND c.contype = 'f' AND a.attnum = ANY (c.conkey));
	    RETURN jsonb_populate_record(NEW, coalesce(changed, '{}'));
	END $$;
	CREATE TABLE public.tried (relation text, way text, name text, call text, state text, message text, fired boolean, took interval);
	-- What a call ends with; what it did is taken back.
	CREATE FUNCTION public.try(call text, OUT state text, OUT message text, OUT fired boolean, OUT took interval) LANGUAGE plpgsql AS $$
	DECLARE begun timestamptz := clock_timestamp();
	BEGIN
	    PERFORM set_config('own.fired', 'no', true);
	    BEGIN
	        EXECUTE format('DO $do$ DECLARE i int := 1; BEGIN %s; END $do$', call);
	        SET CONSTRAINTS ALL IMMEDIATE;
	        fired := current_setting('own.fired') = 'yes';
	        RAISE EXCEPTION USING ERRCODE = 'UNDO1';
	    EXCEPTION WHEN query_canceled OR OTHERS THEN
	        GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
	    END;
	    state := CASE state WHEN 'UNDO1' THEN '00000' ELSE state END;
	    fired := coalesce(fired, true);
	    took := clock_timestamp() - begun;
	END $$;
	CREATE TABLE public.touched (call text, relation text);
	-- The tables of which a call takes a lock; of a call that fails, and so gives its locks back, all.
	CREATE FUNCTION public.touch(call text) RETURNS void LANGUAGE plpgsql AS $$
	DECLARE relations text[]; failed boolean := false;
	BEGIN
	    BEGIN
	        BEGIN
	            EXECUTE format('DO $do$ DECLARE i int := 1; BEGIN %s; END $do$', call);
	            SET CONSTRAINTS ALL IMMEDIATE;
	        EXCEPTION WHEN OTHERS THEN failed := true;
	        END;
	        SELECT array_agg(c.relname) INTO relations FROM pg_class c
	        WHERE (failed OR c.oid IN (SELECT l.relation FROM pg_locks l WHERE l.pid = pg_backend_pid())) AND c.relnamespace = 'coursebase'::regnamespace AND c.relkind IN ('r', 'p');
	        RAISE EXCEPTION USING ERRCODE = 'UNDO1';
	    EXCEPTION WHEN SQLSTATE 'UNDO1' THEN NULL;
	    END;
	    INSERT INTO public.touched SELECT call, unnest(relations);
	END $$;
	SQL

my @calls;

# Those of the calls that a query lists.
sub chosen
{
	my ($sql) = @_;
	my %listed = map { $_ => 1 } split /\n/, query($node, 'app', $sql);

	return grep { $listed{ $_->[1] } } @calls;
}

# try_on TABLE, WAY, EMPTIED, CALL…: a script that says all under the trigger, in a transaction that leaves only what was seen.
sub try_on
{
	my ($table, $way, $emptied, @calls) = @_;
	my ($events, $do) = split /: /, $way;
	my $script = "BEGIN;\n" . "SET LOCAL statement_timeout = '${PostgreSQL::Test::Utils::timeout_default}s';\nSET LOCAL request.jwt.claims = '{\"sub\": \"fixture_ada\"}';\n"
	  . "CREATE TEMP TABLE seen (LIKE public.tried) ON COMMIT PRESERVE ROWS;\n";

	$script .= "SET LOCAL session_replication_role = replica;\nDELETE FROM coursebase.$table;\nSET LOCAL session_replication_role = origin;\n" if $emptied;
	$script .= "CREATE TRIGGER own_keep BEFORE $events ON coursebase.$table FOR EACH ROW EXECUTE FUNCTION public.own_keep('$do');\n";
	$script .= "INSERT INTO seen SELECT '$table', '$way" . ($emptied ? ', emptied' : '') . "', '$_->[0]', \$c\$$_->[1]\$c\$, t.* FROM public.try(\$c\$$_->[1]\$c\$) t;\n" for @calls;
	return $script . "\\copy seen TO '$node->{_kept}'\nROLLBACK;\n\\copy public.tried FROM '$node->{_kept}'\n";
}

$node->{_kept} = PostgreSQL::Test::Utils::tempdir() . '/seen';
my @tables = tables($node, 'app');
my %writes = map { $_ => 1 } split /\n/, query($node, 'app', "SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'coursebase'::regnamespace AND provolatile = 'v' AND prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)");
# What is made of DDL takes its time, and is tried on the tables of the installation alone.
my %installs = map { $_ => 1 } qw(install grant_roles hand_over make_api);
my @installation = qw(schema_version granted_roles settings);
@calls = grep { $writes{ $_->[0] } } calls();
cmp_ok(scalar(@calls), '>', 50, 'functions that write: ' . @calls . ' calls');

# A call that takes no lock of a table neither reads nor writes it.
my $touched = join ";\n", "SET request.jwt.claims = '{\"sub\": \"fixture_ada\"}'",
  map { "SELECT public.touch(\$c\$$_->[1]\$c\$)" } @calls;
query($node, 'app', $touched);

# A table is tried as it is and emptied; without its settings no installation is one.
my %states = map { my $table = $_; $table => [ (grep { $_ eq $table } @installation) ? 0 : (0, 1) ] } @tables;
# keep: whatever the table would get. One session says it for all tables: what it has planned once serves the next, where a
# new one would begin anew.
my @scripts;
for my $table (@tables)
{
	my @touch = grep { @{ $states{$table} } == 1 || !$installs{ $_->[0] } } chosen("SELECT call FROM public.touched WHERE relation = '$table'") or next;
	push @scripts, map { try_on($table, 'INSERT OR UPDATE OR DELETE: keep', $_, @touch) } @{ $states{$table} };
}
query($node, 'app', join '', @scripts);

# Then each command alone, and new keys, of the calls that reach the table.
@scripts = ();
for my $table (@tables)
{
	my @reach = chosen("SELECT call FROM public.tried WHERE relation = '$table' AND fired") or next;
	for my $way ('INSERT: keep', 'INSERT OR UPDATE: rewrite')
	{
		push @scripts, map { try_on($table, $way, $_, @reach) } @{ $states{$table} };
	}
	# an emptied table has little to update or delete
	push @scripts, map { try_on($table, $_, 0, @reach) } 'UPDATE: keep', 'DELETE: keep';
}
query($node, 'app', join '', @scripts);

note(query($node, 'app', 'SELECT state, count(*), count(DISTINCT name), max(took) FROM public.tried GROUP BY 1 ORDER BY 1'));
note('tables that a call reaches: ' . query($node, 'app', 'SELECT count(DISTINCT relation) FROM public.tried WHERE fired'));
is(query($node, 'app', "SELECT DISTINCT relation, way, name, state, message FROM public.tried WHERE state ~ '^40' ORDER BY 1, 2, 3"), '', 'no call says 40001');
is(query($node, 'app', "SELECT DISTINCT relation, way, name, state, message FROM public.tried WHERE state ~ '^57' ORDER BY 1, 2, 3"), '', 'every call ends in time');
is(query($node, 'app', "SELECT DISTINCT relation, way, name, state, message FROM public.tried WHERE state ~ '^(XX000|21|42[^5])' ORDER BY 1, 2, 3"), '', 'what ends a call is no fault of the code');
cmp_ok(query($node, 'app', "SELECT count(DISTINCT name) FROM public.tried WHERE state = 'KB006'"), '>', 10, 'KB006 says what it is');

# What is refused while the trigger is there works when it is gone.
sub kept
{
	my ($name, $table, $do, $call, $state) = @_;
	my $trigger = "CREATE TRIGGER own_keep BEFORE INSERT ON coursebase.$table FOR EACH ROW EXECUTE FUNCTION public.own_keep('$do')";

	query($node, 'app', $trigger);
	is(sqlstate($node, 'app', $call), 'KB006', "$name: KB006");
	my (undef, undef, $err) = client($node, [ 'psql', '-XAtq', '-d', 'app', '-c', $call ]);
	like($err, qr/DETAIL: .*own_keep/, "$name: the DETAIL names the trigger");
	is(sqlstate($node, 'app', "SET LOCAL transaction_isolation = 'repeatable read'; $call"), '40001', "$name: 40001 at REPEATABLE READ")
	  if ($state // '') eq '40001';
	query($node, 'app', "DROP TRIGGER own_keep ON coursebase.$table");
	is(sqlstate($node, 'app', $call), '00000', "$name: it works when the trigger is gone");
}
kept('a sale', 'purchases', 'keep',
	"SELECT coursebase.complete_purchase('00000000-0000-4000-a000-00000000000a', '00000000-0000-4000-a000-0000000000e1', 'cs_kept', 4900, 'paid')", '40001');
kept('a sale with another key', 'purchases', 'rewrite',
	"SELECT coursebase.complete_purchase('00000000-0000-4000-a000-00000000000a', '00000000-0000-4000-a000-0000000000e1', 'cs_kept', 4900, 'paid')");
kept('an account', 'users', 'rewrite', "SELECT coursebase.upsert_user('user_Kept', 'Kept', 'kept\@example.org')");
kept('a profile', 'user_profile', 'keep', "SELECT coursebase.upsert_user('user_kept', 'Kept', 'kept\@example.org')");
kept('a profile that a trigger makes', 'user_profile', 'keep', "INSERT INTO coursebase.users (clerk_user_id, name, email) VALUES ('user_kept', 'Kept', 'kept\@example.org')");

$node->stop;
done_testing();
