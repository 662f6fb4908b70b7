#!/bin/sh
# docker.sh: what packaging/docker says holds as far as a machine without docker can show it: every RUN and COPY names what is
# in the tree, the compose file is one, and init.sql makes a database that its settings for PostgREST fit.
#
# That the scripts behind the RUN lines build and install is test/tools/package's. The tree is $tree; a server is running.
failed=0

fail()
{
	printf '%s\n' "$*"
	failed=1
}

cd "$tree/packaging/docker" || exit 1
for file in Dockerfile Dockerfile.volume; do
	sed -n 's/^RUN \([^ ]*\).*/\1/p' "$file" | while read -r program; do
		case $program in
			/src/packaging/* ) [ -x "$tree${program#/src}" ] ;;
			/packages/install) grep -q '^COPY packaging/debian/install /packages/install$' "$file" && [ -x "$tree/packaging/debian/install" ] ;;
			*) false ;;
		esac || echo "$file runs $program"
	done
	sed -n 's/^COPY \([^-. ][^ ]*\) .*/\1/p' "$file" | while read -r path; do
		[ -e "$tree/$path" ] || echo "$file copies $path"
	done
	grep -c '^RUN' "$file" | grep -qx 2 || echo "$file has other than two RUN lines"
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

# As the image does it, and then as PostgREST: it logs in, becomes the anonymous role, and reads the catalogue.
psql -Xq -d postgres -c 'SET client_min_messages = warning' -c 'DROP DATABASE IF EXISTS composed' -c 'CREATE DATABASE composed' || exit 1
GATEWAY_PASSWORD=secret psql -Xq -d composed -f init.sql >"$OLDPWD/init.log" 2>&1 || fail "init.sql fails: $(cat "$OLDPWD/init.log")"
seen=$(psql -XAtq -U "$gateway" -d composed -v ON_ERROR_STOP=1 -c "SET ROLE $anonymous" -c "SELECT count(*) FROM $schema.courses" 2>&1)
[ "$seen" = 0 ] || fail "as $gateway: $seen"
lint=$(psql -XAtq -d composed -c 'SELECT * FROM coursebase.lint()')
[ -z "$lint" ] || fail "lint says $lint"
psql -Xq -d postgres -c 'DROP DATABASE composed' -c 'DROP ROLE app_gateway, app_anonymous, app_user, app_server'
exit $failed
