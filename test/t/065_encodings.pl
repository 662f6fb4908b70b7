# A database in another encoding than UTF8 works as the documentation says: documents come back as they were stored, a
# checksum is of the bytes that are stored, and lint() names the encoding.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use Test::More;

my $node = node('encodings');

for my $case ([ 'LATIN1', '\00e9\00fc' ], [ 'EUC_JP', '\3042\6f22' ])
{
	my ($encoding, $text) = @$case;
	my $name = lc $encoding;

	query($node, 'postgres', "CREATE DATABASE $name TEMPLATE template0 ENCODING '$encoding' LC_COLLATE 'C' LC_CTYPE 'C'");
	query($node, $name, <<~SQL);
		CREATE EXTENSION coursebase;
		INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES ('00000000-0000-4000-8000-0000000006a1', 'ada', U&'$text', 'ada\@example.org');
		INSERT INTO coursebase.custom_courses (id, user_id, course_code, title, description, data)
		VALUES ('00000000-0000-4000-8000-0000000006f1', '00000000-0000-4000-8000-0000000006a1', 'X01AAA', 't', 'd', json_build_object('audio_files', '[]'::json, 'name', U&'$text'));
		SQL
	is(query($node, $name, "SELECT data ->> 'name' = U&'$text' FROM coursebase.custom_courses"), 't', "$encoding: a document comes back");
	is(query($node, $name, "SELECT checksum = md5(convert_to(data::text, '$encoding')) FROM coursebase.custom_courses"), 't', "$encoding: a checksum is of the bytes that are stored");
	is(query($node, $name, "SELECT checksum <> md5(convert_to(data::text, 'UTF8')) FROM coursebase.custom_courses"), 't', "$encoding: and not of those in UTF-8");
	is(query($node, $name, <<~SQL), 't|t', "$encoding: a handshake brings the document and the checksum");
		SELECT m.value ->> 'content' LIKE '%' || U&'$text' || '%', m.value ->> 'checksum' = (SELECT checksum FROM coursebase.custom_courses)
		FROM json_each(coursebase.handshake('00000000-0000-4000-8000-0000000006a1', '{}') -> 'json_manifest') m WHERE m.key LIKE 'X01AAA%'
		SQL
	is(query($node, $name, "SELECT count(*) FROM coursebase.lint() WHERE rule = 'encoding_not_utf8'"), '1', "$encoding: lint names it");
	is(query($node, $name, 'SELECT * FROM coursebase.check_integrity()'), '', "$encoding: nothing for check_integrity");
}

$node->stop;
done_testing();
