# StoreKeys.pm: roots, keys and signed notifications of stores that a test makes for itself, with the program openssl.
package StoreKeys;

use strict;
use warnings FATAL => 'all';
use Digest::SHA qw(hmac_sha256_hex);
use Exporter 'import';
use File::Temp qw(tempdir);
use JSON::PP;
use MIME::Base64;

our @EXPORT = qw(apple_root apple_token apple_notification stripe_header rsa_key rsa_sign jwt base64url json_of);

my $folder = tempdir(CLEANUP => 1);
my $serial = 100;

sub run_openssl
{
	my (@arguments) = @_;
	my $log = "$folder/log";
	system("openssl @arguments >$log 2>&1") == 0 or die "openssl @arguments: " . slurp($log);
}

sub slurp
{
	my ($file) = @_;
	open(my $handle, '<:raw', $file) or die "$file: $!";
	local $/;
	return scalar <$handle>;
}

sub spew
{
	my ($file, $bytes) = @_;
	open(my $handle, '>:raw', $file) or die "$file: $!";
	print $handle $bytes;
	close $handle;
	return $file;
}

sub base64url
{
	my ($bytes) = @_;
	my $text = encode_base64($bytes, '');
	$text =~ tr{+/}{-_};
	$text =~ s/=+$//;
	return $text;
}

sub json_of
{
	my ($value) = @_;
	return JSON::PP->new->canonical->encode($value);
}

# A chain as Apple's: NAME => the paths of its three certificates and the leaf's key. Options: leaf_marker and
# intermediate_marker (1), curve (prime256v1), leaf_days (365).
sub apple_root
{
	my ($name, %option) = @_;
	my %marker = (leaf => '1.2.840.113635.100.6.11.1', intermediate => '1.2.840.113635.100.6.2.1');
	my $base = "$folder/$name";

	run_openssl("ecparam -name prime256v1 -genkey -noout -out $base-root.key");
	run_openssl("req -x509 -new -key $base-root.key -subj /CN=$name-root -days 3650 -out $base-root.pem"
		  . " -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign");
	my $issuer = 'root';
	for my $what ('intermediate', 'leaf')
	{
		my $curve = $what eq 'leaf' ? $option{curve} // 'prime256v1' : 'prime256v1';
		my $days = $what eq 'leaf' ? $option{leaf_days} // 3650 : 3650;
		my $extensions = $what eq 'leaf' ? "basicConstraints=CA:FALSE\n" : "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n";
		$extensions .= "$marker{$what}=ASN1:NULL\n" if $option{"${what}_marker"} // 1;
		spew("$base-$what.ext", $extensions);
		run_openssl("ecparam -name $curve -genkey -noout -out $base-$what.key");
		run_openssl("req -new -key $base-$what.key -subj /CN=$name-$what -out $base-$what.csr");
		run_openssl("x509 -req -in $base-$what.csr -CA $base-$issuer.pem -CAkey $base-$issuer.key -days $days"
			  . " -set_serial " . $serial++ . " -extfile $base-$what.ext -out $base-$what.pem");
		$issuer = $what;
	}
	return {
		root => slurp("$base-root.pem"),
		key => "$base-leaf.key",
		x5c => [ map { der_of("$base-$_.pem") } 'leaf', 'intermediate', 'root' ],
	};
}

sub der_of
{
	my ($file) = @_;
	my $text = slurp($file);
	$text =~ s/-----[^\n]*\n//g;
	$text =~ s/\n//g;
	return $text;
}

# A JWS of the payload, by the chain's leaf. Options: header (members that replace those of the header), signature (its
# bytes), x5c.
sub apple_token
{
	my ($chain, $payload, %option) = @_;
	my $header = { alg => 'ES256', x5c => $option{x5c} // $chain->{x5c}, %{ $option{header} // {} } };
	my $signed = base64url($option{raw_header} // json_of($header)) . '.' . base64url(json_of($payload));

	spew("$folder/signed", $signed);
	run_openssl("dgst -sha256 -sign $chain->{key} -out $folder/signature $folder/signed");
	return "$signed." . base64url($option{signature} // raw_signature(slurp("$folder/signature")));
}

# DER's two integers as 32 bytes each.
sub raw_signature
{
	my ($der) = @_;
	my ($r, $s) = unpack('x2 x1 C/a x1 C/a', $der);
	($r, $s) = unpack('x3 x1 C/a x1 C/a', $der) if ord(substr($der, 1, 1)) & 0x80;
	return join '', map { substr(("\0" x 32) . $_, -32) } $r, $s;
}

# apple_notification CHAIN, TYPE, SUBTYPE, DATA…: the body of a notification. transaction and renewal are payloads.
sub apple_notification
{
	my ($chain, %data) = @_;
	my %inner = map { $_ => $data{$_} ? apple_token($data{"${_}_chain"} // $chain, $data{$_}) : undef } 'transaction', 'renewal';
	my $payload = {
		notificationType => $data{type},
		($data{subtype} ? (subtype => $data{subtype}) : ()),
		notificationUUID => $data{id},
		version => '2.0',
		signedDate => $data{signed_at},
		data => {
			bundleId => $data{bundle} // 'org.example.app',
			environment => $data{environment} // 'Production',
			($inner{transaction} ? (signedTransactionInfo => $inner{transaction}) : ()),
			($inner{renewal} ? (signedRenewalInfo => $inner{renewal}) : ()),
		},
	};
	return json_of({ signedPayload => apple_token($chain, $payload) });
}

sub stripe_header
{
	my ($secret, $time, $body) = @_;
	return "t=$time,v1=" . hmac_sha256_hex("$time.$body", $secret);
}

# An RSA key: its file and its public key in PEM.
sub rsa_key
{
	my ($name) = @_;
	run_openssl("genrsa -out $folder/$name.key 2048");
	run_openssl("rsa -in $folder/$name.key -pubout -out $folder/$name.pub");
	return { key => "$folder/$name.key", public => slurp("$folder/$name.pub") };
}

sub rsa_sign
{
	my ($key, $hash, $bytes) = @_;
	spew("$folder/signed", $bytes);
	run_openssl("dgst -$hash -sign $key->{key} -out $folder/signature $folder/signed");
	return slurp("$folder/signature");
}

# A JWT by RS256.
sub jwt
{
	my ($key, $claims, %option) = @_;
	my $header = { alg => 'RS256', typ => 'JWT', kid => $option{kid} // 'k1', %{ $option{header} // {} } };
	my $signed = base64url(json_of($header)) . '.' . base64url(json_of($claims));
	return "$signed." . base64url(rsa_sign($key, 'sha256', $signed));
}

1;
