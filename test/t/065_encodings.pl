# A database in another encoding than UTF8 works as the documentation says: documents come back as they were stored, a
# checksum is of the bytes that are stored, and lint() names the encoding. What a provider signed is checked in its bytes.
# Nor does the database's language matter.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use Digest::SHA qw(hmac_sha256_hex);
use Encode qw(encode);
use MIME::Base64;
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
	my $spelled = $text =~ s/\\/\\u/gr;
	is(query($node, $name, <<~SQL), "t\nt|t", "$encoding: what a phone spells with escapes is kept as its letters");
		SELECT coursebase.handshake('00000000-0000-4000-8000-0000000006a1', '{"analytics": {"voice": "$spelled", "audio_usage": {"$spelled": {"title": "\\n$spelled"}}}}') IS NOT NULL;
		SELECT a.voice = U&'$text', (u.audio_key, u.title) = (U&'$text', E'\\n' || U&'$text') FROM coursebase.analytics a JOIN coursebase.audio_usage u USING (user_id);
		SQL
	is(query($node, $name, "SELECT count(*) FROM coursebase.lint() WHERE rule = 'encoding_not_utf8'"), '1', "$encoding: lint names it");

	# A provider sends UTF-8: as it is, behind escapes, and in base64.
	my $utf8 = encode('UTF-8', $text =~ s/\\(....)/chr hex $1/ger);
	my $at = 1772445600;
	my $event = qq{{"id": "evt", "object": "event", "type": "product.created", "created": $at, "livemode": true, "data": {"object": {"id": "%s"}}}};
	my $header = "t=$at,v1=" . hmac_sha256_hex("$at." . sprintf($event, $utf8), 'whsec');
	my $push = encode_base64(qq({"version":"1.0","packageName":"p","eventTimeMillis":"${at}000","subscriptionNotification":{"version":"1.0","notificationType":4,"purchaseToken":"$utf8","subscriptionId":"s"}}), '');
	is(query($node, $name, <<~SQL), "noted\napplied|t\nwaiting\nt", "$encoding: a provider's UTF-8 is checked and read as such");
		SET client_min_messages = warning;
		DO \$\$ BEGIN PERFORM coursebase.set_store_key('stripe', 'signing_secret', 'whsec'); END \$\$;
		UPDATE coursebase.users SET clerk_user_id = U&'$text';
		SELECT outcome FROM coursebase.take_notification('stripe', format('${\ sprintf $event, '%s'}', U&'$text'), '$header', at => to_timestamp($at));
		SELECT outcome, user_id IS NOT NULL FROM coursebase.take_notification('revenuecat', '{"event": {"id": "r", "type": "INITIAL_PURCHASE", "event_timestamp_ms": ${at}000, "environment": "PRODUCTION",
			"app_user_id": "$spelled", "store": "APP_STORE", "product_id": "p", "original_transaction_id": "o", "transaction_id": "o", "purchased_at_ms": ${at}000, "expiration_at_ms": 1872445600000, "period_type": "NORMAL"}}');
		SELECT outcome FROM coursebase.take_notification('google_play', '{"message": {"messageId": "m", "data": "$push"}}');
		SELECT waits_for \@> ARRAY[U&'$text'] FROM coursebase.store_notifications WHERE provider = 'google_play';
		SQL
	is(query($node, $name, 'SELECT * FROM coursebase.check_integrity()'), '', "$encoding: nothing for check_integrity");
}

# In a Turkish database the capital of i has a dot, and the small form of I has none.
SKIP:
{
	my ($ok, undef, $err) = client($node, [ 'psql', '-Xq', '-d', 'postgres', '-c',
		"CREATE DATABASE turkish TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'tr-TR'" ]);
	skip 'note: in part: the server is built without ICU', 1 if !$ok && $err =~ /ICU is not supported/;
	is($err, '', 'Turkish: a database');
	is(query($node, 'turkish', <<~'SQL'), "info\@istanbul.example.org\nt\nt\nt\nt\nt\nt\nf|", 'Turkish: codes, addresses and countries are the same in either case');
		CREATE EXTENSION coursebase;
		SELECT coursebase.upsert_user('ada', 'Info', 'INFO@ISTANBUL.example.org', time_zone => 'EUROPE/ISTANBUL') AS ada \gset
		SELECT coursebase.upsert_user('bob', 'Bob', 'bob@example.org') AS bob \gset
		SELECT email FROM coursebase.user_profile WHERE user_id = :'ada';
		INSERT INTO coursebase.discount_codes (code, product_type, percent_off) VALUES ('SPRING10', 'course', 10);
		SELECT valid FROM coursebase.validate_discount(:'ada', ' spring10', 'course', 1000, 'inr');
		SELECT final_in_cents = 900 FROM coursebase.redeem_discount(:'ada', 'Spring10', 'course', 1000, 'inr', 'o', 'c10inb');
		SELECT final_in_cents = 900 FROM coursebase.redeem_discount(:'ada', 'SPRING10', 'course', 1000, 'INR', 'o', 'c10inb');
		UPDATE coursebase.user_profile SET referral_code = 'UAIIIIII' WHERE user_id = :'ada';
		SELECT coursebase.attach_referral(:'bob', 'uaiiiiii') IS NOT NULL;
		INSERT INTO coursebase.country_discounts (country, percent_off) VALUES ('IN', 50);
		INSERT INTO coursebase.courses (title, description) VALUES ('t', 'd') RETURNING id AS course \gset
		SELECT coursebase.save_product(NULL, 'P', 'd', '/i.png', 50, 'public', ARRAY[:'course']::uuid[]) AS product \gset
		SELECT coursebase.country_price(:'product', 'in') = 2500;
		SELECT count(*) > 0 FROM coursebase.help('INSTALL');
		-- what a program writes in place of a name tells nothing of the person
		UPDATE coursebase.users SET deleted_at = now(), name = 'deleted info', email = 'deleted-info@example.org' WHERE id = :'ada';
		SELECT name LIKE '%info%', email FROM coursebase.users WHERE id = :'ada';
		SELECT * FROM coursebase.check_integrity();
		SQL
}

$node->stop;
done_testing();
