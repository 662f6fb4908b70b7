# 32 sessions append to 4 documents at once: every entry is there, once; at every moment that a reader looks,
# checksum and size are those of the document; and the record of versions leads from the first to the last.
#
# COURSEBASE_LOAD multiplies the 250 appends of a session (4 for the thousand of the long form).
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Coursebase;
use Load;
use Test::More;

my $sessions = 32;
my $appends  = 250 * ($ENV{COURSEBASE_LOAD} // 1);
my $total    = $sessions * $appends;

my $node = load_node('append_load');
create_extension($node, 'load');
query($node, 'load', <<~'SQL');
	INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
	    ('00000000-0000-4000-8000-000000000000', 'load', 'Ada', 'ada@example.org');
	INSERT INTO coursebase.custom_courses (id, user_id, course_code, title, description, data)
	SELECT format('00000000-0000-4000-8000-00000000000%s', n)::uuid, '00000000-0000-4000-8000-000000000000',
	       'X99ENB', 't', '', CASE WHEN n < 3 THEN '{"audio_files":[]}'::json ELSE '{"audio_files":{}}' END
	FROM generate_series(1, 4) n;
	SQL

# Two of the documents hold lists, two are keyed. Every seventh append comes twice, as after a lost answer.
my $script = pgbench_script('append', <<~'SQL');
	\set n :n + 1
	\set document (:client_id + :n) % 4 + 1
	\set again :n % 7
	\set look :n % 50
	\if :document < 3
	SELECT * FROM coursebase.update_json(('00000000-0000-4000-8000-00000000000' || :document)::uuid, json_build_object('url', format('https://a/%s/%s', :client_id, :n), 'duration', :n));
	\if :again = 0
	SELECT * FROM coursebase.update_json(('00000000-0000-4000-8000-00000000000' || :document)::uuid, json_build_object('url', format('https://a/%s/%s', :client_id, :n), 'duration', :n));
	\endif
	\else
	SELECT * FROM coursebase.update_json(('00000000-0000-4000-8000-00000000000' || :document)::uuid, json_build_object(format('%s/%s', :client_id, :n), json_build_object('url', format('https://a/%s/%s', :client_id, :n))));
	\if :again = 0
	SELECT * FROM coursebase.update_json(('00000000-0000-4000-8000-00000000000' || :document)::uuid, json_build_object(format('%s/%s', :client_id, :n), json_build_object('url', format('https://a/%s/%s', :client_id, :n))));
	\endif
	\endif
	\if :look = 0
	SELECT 1 / (count(*) = 4)::integer FROM coursebase.custom_courses WHERE checksum = md5(data::text) AND file_size_bytes = octet_length(data::text);
	\endif
	SQL
many_ok($node, 'load', "$sessions sessions append $appends times each, and readers see only what is sound",
	sessions => $sessions, turns => $appends, define => [ 'n=0' ], scripts => [$script]);

is(query($node, 'load', <<~'SQL'), "$total|$total", 'every entry is there, once');
	SELECT count(*), count(DISTINCT url) FROM (
	    SELECT e ->> 'url' AS url FROM coursebase.custom_courses, json_array_elements(data -> 'audio_files') e
	    WHERE json_typeof(data -> 'audio_files') = 'array'
	    UNION ALL
	    SELECT e.value ->> 'url' FROM coursebase.custom_courses, json_each(data -> 'audio_files') e
	    WHERE json_typeof(data -> 'audio_files') = 'object') AS entries
	SQL
is(query($node, 'load', <<~'SQL'), 't|t', 'checksums and sizes are those of the documents');
	SELECT bool_and(checksum = md5(data::text)), bool_and(file_size_bytes = octet_length(data::text))
	FROM coursebase.custom_courses
	SQL
is(query($node, 'load', <<~'SQL'), "$total|t|t", 'the versions lead from the empty documents to the last ones');
	WITH RECURSIVE chain AS (
	    SELECT c.id, md5(d) AS checksum, octet_length(d) AS size, 0 AS steps
	    FROM coursebase.custom_courses c,
	         LATERAL (SELECT CASE json_typeof(c.data -> 'audio_files') WHEN 'array' THEN '{"audio_files":[]}'
	                                                                  ELSE '{"audio_files":{}}' END AS d) AS first
	    UNION ALL
	    SELECT c.id, v.checksum, c.size + v.insert_length, c.steps + 1
	    FROM chain c JOIN coursebase.custom_course_versions v
	         ON v.custom_course_id = c.id AND v.base_checksum = c.checksum
	)
	SELECT sum(last.steps), bool_and(last.checksum = c.checksum), bool_and(last.size = c.file_size_bytes)
	FROM (SELECT DISTINCT ON (id) * FROM chain ORDER BY id, steps DESC) AS last
	JOIN coursebase.custom_courses c USING (id)
	SQL

$node->stop;
done_testing();
