#!/bin/sh
# script.sh: sql/script.awk makes the script of good slices, and refuses bad ones by file and line.
#
# The good slice is test/build/shop, and shop/script.expected is what it makes. Run by test/check under every awk
# that is found, because make takes whichever the machine has; the tree is in $tree.
failed=0

fail()
{
	printf '%s: %s\n' "$awk" "$*"
	failed=1
}

# script [FROM]: the script of the slice in this folder, or the update from that version.
script()
{
	$awk -v version=9.9 -v from="${1:-}" -f "$tree/sql/script.awk" ${1:+"update/$1.sql"} ./*.sql >out 2>err </dev/null
	set -- $?
	sed 's,\./,,g' err >said
	return "$1"
}

good()
{
	cp "$tree"/test/build/shop/*.sql .
	if ! script; then
		fail "refuses a good slice"
		cat said
	else
		diff "$tree/test/build/shop/script.expected" out || fail "makes another script of the good slice"
	fi
}

# An update is what its own file says, then the same code over the old, without the event trigger that is there.
update()
{
	mkdir update
	printf -- "-- From 9.8: 'as it is\n" >update/9.8.sql
	script 9.8 || fail "refuses a good update"
	sed -n 2p out | grep -qx -- "-- From 9.8: 'as it is" || fail "does not copy what the update says"
	[ "$(grep -c '^CREATE OR REPLACE FUNCTION' out)" = 5 ] || fail "an update replaces functions"
	! grep -q 'CREATE EVENT TRIGGER' out || fail "an update makes the event trigger again"
	rm -r update
}

# refused FILE MESSAGE: standard input as FILE is refused with the message, which names the file and the line.
refused()
{
	rm -f ./*.sql
	cat >"$1"
	if script; then
		fail "takes what should be refused: $2"
	elif [ "$2" != "$(cat said)" ]; then
		fail "refuses it in other words: $(cat said)
instead of: $2"
	fi
}

bad()
{
	refused functions.sql \
		'functions.sql:3: "CREATE PROCEDURE buy" does not belong in functions.sql; it takes CREATE FUNCTION, COMMENT ON FUNCTION, GRANT EXECUTE ON FUNCTION, CREATE EVENT TRIGGER, ALTER EVENT TRIGGER, COMMENT ON EVENT TRIGGER, COMMENT ON SCHEMA, GRANT USAGE ON SCHEMA, SELECT' <<-'END'
		-- A comment; then

		CREATE PROCEDURE coursebase.buy() LANGUAGE c AS 'x', 'y';
	END
	refused checks.sql \
		'checks.sql:1: "SELECT 1" does not belong in checks.sql; it takes CREATE FUNCTION, COMMENT ON FUNCTION, GRANT EXECUTE ON FUNCTION' <<-'END'
		SELECT 1;
	END
	refused tables.sql \
		'tables.sql:2: "CREATE FUNCTION buy" does not belong in tables.sql; it takes CREATE TYPE, CREATE TABLE, CREATE VIEW, CREATE INDEX, CREATE UNIQUE INDEX, CREATE TRIGGER, CREATE CONSTRAINT TRIGGER, ALTER TABLE, ALTER INDEX, INSERT INTO, COMMENT ON TYPE, COMMENT ON TABLE, COMMENT ON COLUMN, COMMENT ON VIEW, GRANT' <<-'END'
		ALTER TABLE coursebase.wares ENABLE ROW LEVEL SECURITY;
		CREATE FUNCTION coursebase.buy() RETURNS int LANGUAGE c AS 'x', 'y';
	END
	refused policies.sql \
		'policies.sql:1: "DROP POLICY old ON wares" does not belong in policies.sql; it takes CREATE POLICY, CREATE VIEW, COMMENT ON POLICY, COMMENT ON VIEW, COMMENT ON COLUMN, GRANT' <<-'END'
		DROP POLICY old ON coursebase.wares;
	END
	refused functions.sql \
		'functions.sql:3: "REVOKE ALL ON FUNCTION buy" does not belong in functions.sql; the build writes it after CREATE FUNCTION' <<-'END'
		CREATE FUNCTION coursebase.buy() RETURNS int LANGUAGE c AS 'x', 'y';
		COMMENT ON FUNCTION coursebase.buy() IS 'Buys.';
		REVOKE ALL ON FUNCTION coursebase.buy() FROM PUBLIC;
	END
	refused wares.sql 'wares.sql:1: no slice has a file of this name' <<-'END'
		CREATE TABLE coursebase.wares ();
	END

	# Without COMMENT.
	refused functions.sql 'functions.sql:4: function buy(text) has no COMMENT' <<-'END'
		CREATE FUNCTION coursebase.buy(a int) RETURNS int LANGUAGE c AS 'x', 'y';
		COMMENT ON FUNCTION coursebase.buy(int) IS 'Buys.';

		CREATE FUNCTION coursebase.buy(a text) RETURNS int LANGUAGE c AS 'x', 'y';
	END
	refused functions.sql 'functions.sql:1: event trigger guard has no COMMENT' <<-'END'
		CREATE EVENT TRIGGER guard ON ddl_command_start EXECUTE FUNCTION coursebase.guard();
	END
	refused tables.sql 'tables.sql:1: type colour has no COMMENT
tables.sql:2: table wares has no COMMENT
tables.sql:2: column wares.id has no COMMENT
tables.sql:2: column wares.price has no COMMENT
tables.sql:8: view cheap has no COMMENT' <<-'END'
		CREATE TYPE coursebase.colour AS ENUM ('red');
		CREATE TABLE coursebase.wares (
		    id uuid,
		    price numeric(10, 2),
		    CONSTRAINT wares_pkey PRIMARY KEY (id, price)
		);
		-- A view.
		CREATE VIEW coursebase.cheap AS SELECT 1;
	END
	refused policies.sql 'policies.sql:1: policy p on wares has no COMMENT' <<-'END'
		CREATE POLICY p ON coursebase.wares USING (true);
		CREATE POLICY p ON coursebase.orders USING (true);
		COMMENT ON POLICY p ON coursebase.orders IS 'Orders.';
	END
	refused tables.sql 'tables.sql:2: what a COMMENT says is one string in quotes' <<-'END'
		CREATE TYPE coursebase.colour AS ENUM ('red');
		COMMENT ON TYPE coursebase.colour IS 'It's a colour;
	END
	refused functions.sql 'functions.sql:2: the COMMENT says nothing' <<-'END'
		CREATE FUNCTION coursebase.buy() RETURNS int LANGUAGE c AS 'x', 'y';
		COMMENT ON FUNCTION coursebase.buy() IS '';
	END
	refused tables.sql 'tables.sql:4: COMMENT on column wares.prize, which is not made before it' <<-'END'
		CREATE TABLE coursebase.wares (price int);
		COMMENT ON TABLE coursebase.wares IS 'Wares.';
		COMMENT ON COLUMN coursebase.wares.price IS 'Price.';
		COMMENT ON COLUMN coursebase.wares.prize IS 'Price.';
	END
	refused functions.sql 'functions.sql:2: COMMENT on function buy(integer), which is not made before it' <<-'END'
		CREATE FUNCTION coursebase.buy(a int) RETURNS int LANGUAGE c AS 'x', 'y';
		COMMENT ON FUNCTION coursebase.buy(integer) IS 'Buys.';
	END

	# Where a statement ends.
	refused tables.sql 'tables.sql:3: what begins here with '\'' is never closed' <<-'END'
		CREATE TYPE coursebase.colour AS ENUM ('red');
		COMMENT ON TYPE coursebase.colour IS
		    'A colour;
		-- no comment
	END
	refused functions.sql 'functions.sql:3: what begins here with $body$ is never closed' <<-'END'

		CREATE FUNCTION coursebase.buy() RETURNS int LANGUAGE sql
		AS $body$ SELECT 1; $BODY$ $$;
	END
	refused tables.sql 'tables.sql:1: what begins here with /* is never closed' <<-'END'
		/* /* */
	END
	refused tables.sql 'tables.sql:2: the statement does not end in a semicolon' <<-'END'

		ALTER TABLE coursebase.wares ENABLE ROW LEVEL SECURITY -- ;
	END
	refused tables.sql 'tables.sql:2: the statement does not end in a semicolon before line 4' <<-'END'
		CREATE TYPE coursebase.colour AS ENUM ('red');
		COMMENT ON TYPE coursebase.colour IS
		    'Colours.'
		ALTER TABLE coursebase.wares ENABLE ROW LEVEL SECURITY;
	END
	refused tables.sql 'tables.sql:1: the statement does not close its brackets' <<-'END'
		CREATE INDEX wares_idx ON coursebase.wares ((price;
	END

	# What the server would take, and nobody mean.
	refused functions.sql 'functions.sql:3: function buy(text) is made at functions.sql:1 already' <<-'END'
		CREATE FUNCTION coursebase.buy(a text) RETURNS int LANGUAGE c AS 'x', 'y';
		COMMENT ON FUNCTION coursebase.buy(text) IS 'Buys.';
		CREATE FUNCTION coursebase.buy(b text) RETURNS int LANGUAGE c AS 'x', 'y';
	END
	refused tables.sql 'tables.sql:2: index i is made at tables.sql:1 already' <<-'END'
		CREATE INDEX i ON coursebase.wares (a);
		CREATE UNIQUE INDEX i ON coursebase.wares (b);
	END
	for argument in uuid 'OUT a uuid' 'VARIADIC a uuid[]'; do
		refused functions.sql "functions.sql:1: an argument is a name and a type, and an answer RETURNS TABLE: \"$argument\"" <<-END
			CREATE FUNCTION coursebase.buy($argument) RETURNS int LANGUAGE c AS 'x', 'y';
			COMMENT ON FUNCTION coursebase.buy(${argument##* a }) IS 'Buys.';
		END
	done
	refused tables.sql 'tables.sql:2: $ddl$ and $steps$ quote the steps' <<-'END'

		INSERT INTO coursebase.wares VALUES ($ddl$x$ddl$);
	END
	refused tables.sql 'tables.sql:2: CREATE EXTENSION reads \echo, @extschema@ and @extowner@ itself, in quotes as well' <<-'END'
		INSERT INTO coursebase.wares VALUES ('
		\echo');
	END
}

# No file at all is no slice, as when a path is wrong.
nothing()
{
	rm -f ./*.sql
	: >tables.sql
	! script || fail "makes a script of nothing"
	[ "$(cat said)" = 'script.awk: there are no slices' ] || fail "says of nothing: $(cat said)"
}

for awk in mawk gawk original-awk 'busybox awk'; do
	# shellcheck disable=SC2086 # a command and its argument
	command -v ${awk% *} >/dev/null && $awk 'BEGIN { exit }' </dev/null 2>/dev/null || continue
	ran="${ran:+$ran, }$awk"
	good
	update
	bad
	nothing
done
[ -n "${ran:-}" ] || { printf 'no awk is known by its name\n'; failed=1; }
printf 'note: %s\n' "$ran"
exit $failed
