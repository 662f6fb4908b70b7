# unpack.pl ARCHIVE: unpacks a zip here by its central directory, with the modes that stand there, for tests on machines that
# have no program for it.
use strict;
use warnings;
use Compress::Raw::Zlib;
use File::Basename qw(dirname);
use File::Path qw(make_path);

open(my $in, '<:raw', $ARGV[0]) or die "$ARGV[0]: $!\n";
my $zip = do { local $/; <$in> };
my ($count, $at) = unpack 'x8 v x2 x4 V', substr $zip, rindex($zip, "PK\005\006");
for (1 .. $count)
{
	my ($magic, $method, $crc, $packed, $size, $name, $extra, $comment, $mode, $offset) = unpack 'a4 x6 v x4 V3 v3 x4 V V', substr $zip, $at, 46;
	die "no entry at $at\n" if $magic ne "PK\001\002";
	my $path = substr $zip, $at + 46, $name;
	my ($name_there, $extra_there) = unpack 'x26 v v', substr $zip, $offset, 30;
	my $bytes = substr $zip, $offset + 30 + $name_there + $extra_there, $packed;
	if ($method != 0)
	{
		my ($inflater) = Compress::Raw::Zlib::Inflate->new(-WindowBits => -MAX_WBITS);
		my $status = $inflater->inflate($bytes, my $text = '');
		die "$path: $status\n" if $status != Z_STREAM_END;
		$bytes = $text;
	}
	die "$path is damaged\n" if length $bytes != $size || crc32($bytes) != $crc;
	make_path(dirname($path));
	open(my $out, '>:raw', $path) or die "$path: $!\n";
	print $out $bytes;
	close $out or die "$path: $!\n";
	chmod $mode >> 16 & 0777, $path;
	$at += 46 + $name + $extra + $comment;
}
