#!/bin/sh
# docker.sh: what packaging/docker says holds as far as a machine without docker can show it: every RUN and COPY names what is
# in the tree, the compose file is one, init.sql makes a database that its settings for PostgREST fit, and supabase-install lays
# all files where a server built by Nix, and any other, looks for them.
#
# That the scripts behind the RUN lines build and install is test/tools/package's. The tree is $tree; a server is running.
failed=0

fail()
{
	printf '%s\n' "$*"
	failed=1
}

cd "$tree/packaging/docker" || exit 1
for file in Dockerfile Dockerfile.supabase Dockerfile.volume; do
	sed -n 's/^RUN \([^ ]*\).*/\1/p' "$file" | while read -r program; do
		case $program in
			/staged/install) grep -q '^COPY packaging/docker/supabase-install /staged/install$' "$file" && [ -x supabase-install ] ;;
			/src/packaging/* ) [ -x "$tree${program#/src}" ] ;;
			/packages/install) grep -q '^COPY packaging/debian/install /packages/install$' "$file" && [ -x "$tree/packaging/debian/install" ] ;;
			*) false ;;
		esac || echo "$file runs $program"
	done
	sed -n 's/^COPY \([^-. ][^ ]*\) .*/\1/p' "$file" | while read -r path; do
		[ -e "$tree/$path" ] || echo "$file copies $path"
	done
	lines=2
	[ "$file" != Dockerfile.supabase ] || lines=3
	grep -c '^RUN' "$file" | grep -qx "$lines" || echo "$file has other than $lines RUN lines"
done >"$OLDPWD/wrong"
cat "$OLDPWD/wrong"
[ ! -s "$OLDPWD/wrong" ] || failed=1

perl -MCPAN::Meta::YAML -e '
	my $compose = CPAN::Meta::YAML->read("compose.yaml")->[0] or die CPAN::Meta::YAML->errstr;
	my ($db, $rest) = @{ $compose->{services} }{qw(db rest)};
	-f "$db->{build}{context}/$db->{build}{dockerfile}" or die "no Dockerfile at $db->{build}{dockerfile}\n";
	for my $mount (@{ $db->{volumes} })
	{
		my ($from) = split /:/, $mount;
		$from =~ m{/} ? -f $from : exists $compose->{volumes}{$from} or die "no $from to mount\n";
	}
	print join(" ", @{ $rest->{environment} }{qw(PGRST_DB_SCHEMAS PGRST_DB_ANON_ROLE)}, $rest->{environment}{PGRST_DB_URI} =~ m{//(\w+):}), "\n";
' >"$OLDPWD/compose" || fail "compose.yaml is not right"
read -r schema anonymous gateway <"$OLDPWD/compose"

# Supabase's server: a script that names its folder of libraries, beside a pg_config that names another.
"$tree/packaging/stage" "$build" "$OLDPWD/staged" || exit 1
mkdir -p "$OLDPWD/nix/bin" "$OLDPWD/nix/lib" "$OLDPWD/nix/other" "$OLDPWD/nix/share/extension"
printf '#!/bin/sh\nexport NIX_PGLIBDIR=%s\nexec /nix/store/postgres "$@"\n' "'$OLDPWD/nix/lib'" >"$OLDPWD/nix/bin/postgres"
printf '#!/bin/sh\ncase $1 in --pkglibdir) echo %s/other ;; --sharedir) echo %s/share ;; esac\n' "$OLDPWD/nix" "$OLDPWD/nix" >"$OLDPWD/nix/bin/pg_config"
chmod +x "$OLDPWD/nix/bin/postgres" "$OLDPWD/nix/bin/pg_config"
PATH=$OLDPWD/nix/bin:$PATH ./supabase-install "$OLDPWD/staged" || fail "supabase-install fails"
cmp -s "$OLDPWD/staged/lib/coursebase.so" "$OLDPWD/nix/lib/coursebase.so" || fail "the library is not where a server built by Nix looks"
diff -r "$OLDPWD/staged/share/extension" "$OLDPWD/nix/share/extension" || fail "not all files of the extension were laid"
printf '#!/bin/sh\nexec /usr/lib/postgresql/bin/postgres "$@"\n' >"$OLDPWD/nix/bin/postgres"
PATH=$OLDPWD/nix/bin:$PATH ./supabase-install "$OLDPWD/staged" || fail "supabase-install fails where no script names a folder"
cmp -s "$OLDPWD/staged/lib/coursebase.so" "$OLDPWD/nix/other/coursebase.so" || fail "the library is not where pg_config says"
# What the server, which is linked with OpenSSL, has loaded by itself: no library of Debian's must come along.
needed=$(readelf -d "$OLDPWD/staged/lib/coursebase.so" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -v '^ld-linux' | sort | tr '\n' ' ')
case $needed in
	'libc.so.6 libcrypto.so.3 ' | 'libc.so.6 libcrypto.so.1.1 ') ;;
	*) fail "the library needs $needed" ;;
esac

# As the image does it, and then as PostgREST: it logs in, becomes the anonymous role, and reads the catalogue.
psql -Xq -d postgres -c 'SET client_min_messages = warning' -c 'DROP DATABASE IF EXISTS composed' -c 'CREATE DATABASE composed' || exit 1
GATEWAY_PASSWORD=secret psql -Xq -d composed -f init.sql >"$OLDPWD/init.log" 2>&1 || fail "init.sql fails: $(cat "$OLDPWD/init.log")"
seen=$(psql -XAtq -U "$gateway" -d composed -v ON_ERROR_STOP=1 -c "SET ROLE $anonymous" -c "SELECT count(*) FROM $schema.courses" 2>&1)
[ "$seen" = 0 ] || fail "as $gateway: $seen"
lint=$(psql -XAtq -d composed -c 'SELECT * FROM coursebase.lint()')
[ -z "$lint" ] || fail "lint says $lint"
psql -Xq -d postgres -c 'DROP DATABASE composed' -c 'DROP ROLE app_gateway, app_anonymous, app_user, app_server'
exit $failed
