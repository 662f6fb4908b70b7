# StoreKeys.pm: roots, keys and signed notifications of stores that a test makes for itself, with the program openssl.
#
# STORE_KEYS in the environment names a directory that keeps what was made, so that several programs sign with the same
# keys; without it the keys end with the program.
package StoreKeys;

use strict;
use warnings FATAL => 'all';
use Digest::SHA qw(hmac_sha256_hex);
use Exporter 'import';
use File::Temp qw(tempdir);
use JSON::PP;
use MIME::Base64;
use POSIX qw(strftime);

our @EXPORT = qw(apple_root apple_token apple_notification stripe_header rsa_key rsa_sign jwt base64url json_of);

my $folder = $ENV{STORE_KEYS} // tempdir(CLEANUP => 1);

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

# A chain as Apple's: root is its root in PEM, key the path of the leaf's key, x5c the three certificates. Options:
# leaf_marker and intermediate_marker (1), curve (prime256v1); from and until, the epochs between which the certificates
# are valid (a day ago, ten years from now), leaf_until.
sub apple_root
{
	my ($name, %option) = @_;
	my %marker = (leaf => '1.2.840.113635.100.6.11.1', intermediate => '1.2.840.113635.100.6.2.1');
	my $base = "$folder/$name";
	my $issuer = 'root';

	for my $what (-e "$base-leaf.pem" ? () : ('root', 'intermediate', 'leaf'))
	{
		my $curve = $what eq 'leaf' ? $option{curve} // 'prime256v1' : 'prime256v1';
		my $extensions = $what eq 'leaf' ? "basicConstraints=CA:FALSE\n" : "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n";
		$extensions .= "$marker{$what}=ASN1:NULL\n" if $marker{$what} && ($option{"${what}_marker"} // 1);
		my $until = $option{until} // time + 3650 * 86_400;
		$until = $option{leaf_until} // $until if $what eq 'leaf';
		run_openssl("ecparam -name $curve -genkey -noout -out $base-$what.key");
		run_openssl("req -new -key $base-$what.key -subj /CN=$name-$what -out $base-$what.csr");
		certify("$base-$what", "$base-$issuer", $extensions, $option{from} // time - 86_400, $until);
		$issuer = $what;
	}
	return {
		root => slurp("$base-root.pem"),
		key => "$base-leaf.key",
		x5c => [ map { der_of("$base-$_.pem") } 'leaf', 'intermediate', 'root' ],
	};
}

# The issuer signs the request of SUBJECT.csr. The program's `ca` alone takes the dates: `req` and `x509` begin now.
sub certify
{
	my ($subject, $issuer, $extensions, $from, $until) = @_;
	my ($start, $end) = map { strftime('%Y%m%d%H%M%SZ', gmtime $_) } $from, $until;

	spew("$subject.ext", $extensions);
	spew("$subject.index", '');
	spew("$subject.cnf", "[ca]\ndefault_ca=own\n[own]\ndatabase=$subject.index\nnew_certs_dir=$folder\nrand_serial=yes\n"
		  . "default_md=sha256\npolicy=names\n[names]\ncommonName=supplied\n");
	run_openssl("ca -batch -notext -config $subject.cnf -in $subject.csr -out $subject.pem -keyfile $issuer.key "
		  . ($subject eq $issuer ? '-selfsign' : "-cert $issuer.pem") . " -startdate $start -enddate $end -extfile $subject.ext");
}

sub der_of
{
	my ($file) = @_;
	my $text = slurp($file);
	$text =~ s/-----[^\n]*\n//g;
	$text =~ s/\n//g;
	return $text;
}

# A JWS of the payload (members, or bytes), by the chain's leaf. Options: header (members that replace those of the header), signature (its
# bytes), x5c.
sub apple_token
{
	my ($chain, $payload, %option) = @_;
	my $header = { alg => 'ES256', x5c => $option{x5c} // $chain->{x5c}, %{ $option{header} // {} } };
	my $signed = base64url($option{raw_header} // json_of($header)) . '.' . base64url(ref $payload ? json_of($payload) : $payload);

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
	run_openssl("genrsa -out $folder/$name.key 2048") unless -e "$folder/$name.key";
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
