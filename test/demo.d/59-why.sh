# One person, every source of access: why may she use this, why not, and until when.
# Needs: sale month programs.
step 'Ines has something of every kind: a free course, one that Rosa gave her, one bought in the store, one in a premium slot, one that was refunded, a program. Premium lasts for May.'
sql_as app_server <<'SQL'
SELECT coursebase.upsert_user('user_2ines', 'Ines Braga', 'ines@example.org', at => '2026-05-01 08:00+00') \g /dev/null
INSERT INTO coursebase.store_products (product_id, kind, course_id)
SELECT lower(course_code), 'course', id FROM coursebase.courses WHERE course_code IN ('C22ENB', 'C23ENB');
SQL
value ines <<'SQL'
SELECT id FROM coursebase.users WHERE clerk_user_id = 'user_2ines';
SQL
sql_as app_user user_2root <<SQL
INSERT INTO coursebase.course_grants (user_id, course_id)
SELECT '$ines', id FROM coursebase.courses WHERE title = 'Breathing';
SQL
receipt()
{
	say "{\"product_id\": \"$1\", \"source\": \"app_store\", \"purchase_id\": \"$2\", \"purchase_token\": \"receipt-$2\", \"transaction_date\": \"2026-05-01T09:00:00Z\"$3}"
}
sql_as app_server <<SQL
SELECT r ->> 'status' AS status FROM coursebase.validate_purchase('$ines', '$(receipt c23enb i-1 ', "voice": "female"')', '2026-05-01 09:00+00') r;
SELECT r ->> 'status' AS status FROM coursebase.validate_purchase('$ines', '$(receipt c22enb i-2 ', "voice": "female"')', '2026-05-01 09:00+00') r;
SELECT status, detail FROM coursebase.refund_store_purchase('app_store', 'production', 'i-2', '2026-05-02 09:00+00');
SELECT r ->> 'status' AS status FROM coursebase.validate_purchase('$ines', '$(receipt hypnoelp_subscriptions i-3 ', "original_transaction_id": "i-3", "period_end": "2026-06-01T09:00:00Z"')', '2026-05-01 09:00+00') r;
SELECT status FROM coursebase.begin_checkout('$ines', '$calm', '2026-05-03 09:00+00');
SELECT chosen_at FROM coursebase.courses c, coursebase.choose_premium_course('$ines', c.id, 'female', '2026-05-02 10:00+00') s
WHERE c.course_code = 'C21ENB';
SQL

step 'She asks, a microsecond before premium ends and when it has ended. The instant is an argument: nothing is written between the two, as the transaction could not.'
sql_as app_user user_2ines <<'SQL'
BEGIN READ ONLY;
SELECT c.title, before.may AS may_before, before.because, at_the_end.may AS may_at_the_end, at_the_end.because
FROM (SELECT id, title, course_code FROM coursebase.courses) c
CROSS JOIN LATERAL (SELECT bool_or(passed) AS may, string_agg(rule, ', ') FILTER (WHERE passed) AS because
    FROM coursebase.explain_course_access(c.id, at => '2026-06-01 08:59:59.999999+00')) before
CROSS JOIN LATERAL (SELECT bool_or(passed) AS may, string_agg(rule, ', ') FILTER (WHERE passed) AS because
    FROM coursebase.explain_course_access(c.id, at => '2026-06-01 09:00+00')) at_the_end
ORDER BY c.course_code, c.title;
COMMIT;
SQL

step 'Why can she see this? The course of her slot, while premium lasts: every source, and what it says. Why not? The same course at the end.'
value slot <<'SQL'
SELECT id FROM coursebase.courses WHERE course_code = 'C21ENB';
SQL
sql_as app_user user_2ines <<SQL
SELECT * FROM coursebase.explain_course_access('$slot', at => '2026-06-01 08:59:59.999999+00');
SELECT * FROM coursebase.explain_course_access('$slot', at => '2026-06-01 09:00+00');
SQL
value border <<SQL
SELECT coursebase.has_course_access('$slot', '$ines', '2026-06-01 08:59:59.999999+00') || ' ' || coursebase.has_course_access('$slot', '$ines', '2026-06-01 09:00+00');
SQL
proved 'a course that premium gives ends with premium, to the microsecond, and no row is written for it' "$border" = 'true false'

step 'The course whose price she got back, asked about in May.'
sql_as app_user user_2ines <<'SQL'
SELECT e.* FROM coursebase.courses c, coursebase.explain_course_access(c.id, at => '2026-05-20 12:00+00') e WHERE c.course_code = 'C22ENB';
SQL

step 'And the programs: one that she began, one that she did not buy. Olga may use the second, being of its organisation.'
sql_as app_user user_2ines <<SQL
SELECT * FROM coursebase.explain_program_access('$calm');
SELECT * FROM coursebase.explain_program_access('$strong');
SQL
sql_as app_user user_2olga <<SQL
SELECT rule, passed, reason FROM coursebase.explain_program_access('$strong');
SQL

step 'The set, the single question and the explanation are one answer. About another person an end user asks in vain, and is not told whether there is such a person.'
sql_as app_server <<SQL
SELECT m.at, cardinality(coursebase.accessible_course_ids('$ines', m.at)) AS courses,
    (SELECT count(*) FROM coursebase.courses c WHERE coursebase.has_course_access(c.id, '$ines', m.at)) AS asked_singly,
    (SELECT count(DISTINCT c.id) FROM coursebase.courses c, coursebase.explain_course_access(c.id, '$ines', m.at) e WHERE e.passed) AS explained
FROM (VALUES (timestamptz '2026-05-20 12:00+00'), ('2026-06-20 12:00+00')) m (at);
SQL
refused 42501 sql_as app_user user_2ben <<SQL
SELECT * FROM coursebase.explain_course_access('$slot', '$ines');
SQL
cp "$work/out" "$work/told"
nobody=00000000-0000-4000-8000-000000000000
refused 42501 sql_as app_user user_2ben <<SQL
SELECT * FROM coursebase.explain_course_access('$slot', '$nobody');
SQL
proved 'a question about another person is refused in the same words whether there is one or not' \
	"$(cat "$work/out")" = "$(cat "$work/told")"
