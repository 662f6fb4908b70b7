/*
 * my_courses.c: everything that a person may use, for the first screen of a phone.
 *
 * Which courses these are is asked of access/course_rights.h, so that the list and
 * has_course_access() cannot differ; the statement adds what each source tells of itself. A
 * custom course is the person's as in the handshake, a program as in course_library().
 *
 * Locks: none. Rights: the statement runs with the rights of the tables' owner, once
 * identity_resolve_user() has decided about whom the caller may ask.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "access/course_rights.h"
#include "billing/environment.h"
#include "billing/premium.h"
#include "core/args.h"
#include "core/compat.h"
#include "core/datum.h"
#include "core/owner.h"
#include "core/plan.h"
#include "identity/asking.h"

/*
 * $1 the person; $2 and $3 the courses and what gives each, in the bits of CourseSource; $4 the
 * time; $5 whether sandboxes count; $6 the end of what gives slots; then the bits of slot,
 * premium, free, administrator and grant; $12 the end of what gives every course in premium.
 *
 * given: a row for each source that gives a course. Of these the one that lasts longest is
 * shown, of several the one that was paid for, and of those the first: what the order of the
 * rows decided would change with the plan. A row of user_course_access without its grant gives
 * its course, too.
 */
static KeptPlan read_courses = {
	.sql =
		"WITH mine AS ("
		" SELECT * FROM unnest($2, $3) AS m (course_id, sources)"
		"), given AS ("
		" SELECT m.course_id, CASE WHEN s.id IS NULL THEN 'granted' ELSE 'bought' END AS "
		"source,"
		"  CASE WHEN s.id IS NULL THEN 3 ELSE 1 END AS place,"
		"  coalesce(s.created_at, g.created_at) AS since, g.expires_at AS until"
		" FROM mine m JOIN coursebase.course_grants g"
		"  ON g.user_id = $1 AND g.course_id = m.course_id"
		" LEFT JOIN coursebase.purchases s ON s.id = g.purchase_id"
		" WHERE m.sources & $11 <> 0 AND s.refunded_at IS NULL"
		"  AND (g.expires_at IS NULL OR g.expires_at > $4)"
		" UNION ALL SELECT m.course_id, 'granted', 4, a.created_at, NULL"
		" FROM mine m JOIN coursebase.user_course_access a"
		"  ON a.user_id = $1 AND a.course_id = m.course_id WHERE m.sources & $11 <> 0"
		" UNION ALL SELECT m.course_id, p.source, CASE p.source WHEN 'premium_slot' THEN 6"
		"  WHEN 'admin' THEN 3 ELSE 2 END, p.purchased_at,"
		"  CASE p.source WHEN 'premium_slot' THEN $6 END"
		" FROM mine m JOIN coursebase.course_purchases p"
		"  ON p.user_id = $1 AND p.course_id = m.course_id AND p.status = 'valid'"
		" WHERE " ENVIRONMENT_COUNTS(
			"p.environment",
			"$5") "  AND (p.source <> 'premium_slot' OR m.sources & $7 <> 0)"
				  " UNION ALL SELECT m.course_id, 'premium', 7, NULL, $12 FROM mine m"
				  "  WHERE m.sources & $8 <> 0"
				  " UNION ALL SELECT m.course_id, 'free', 5, NULL, NULL FROM mine m"
				  "  WHERE m.sources & $9 <> 0"
				  " UNION ALL SELECT m.course_id, 'administrator', 8, NULL, NULL FROM mine m"
				  "  WHERE m.sources & $10 <> 0"
				  "), shown AS ("
				  " SELECT v.course_id, min(v.since) AS since,"
				  "  (array_agg(v.source ORDER BY v.until DESC NULLS FIRST, v.place, v.since, "
				  "v.source))[1] AS source,"
				  "  CASE WHEN count(*) = count(v.until) THEN max(v.until) END AS until"
				  " FROM given v GROUP BY v.course_id"
				  "), things AS ("
				  " SELECT 'course' AS kind, c.id, c.course_code, c.title, c.icon_url, "
				  "w.source, w.since,"
				  "  w.until, n.lessons, n.completed"
				  " FROM shown w JOIN coursebase.courses c ON c.id = w.course_id"
				  " CROSS JOIN LATERAL ("
				  "  SELECT count(*) AS lessons, count(d.lesson_id) AS completed"
				  "  FROM coursebase.course_sections s"
				  "  JOIN coursebase.lessons l ON l.section_id = s.id AND l.status <> 'private'"
				  "  LEFT JOIN coursebase.user_lesson_complete d ON d.lesson_id = l.id AND "
				  "d.user_id = $1"
				  "  WHERE s.course_id = c.id AND s.status = 'public') n"
				  " UNION ALL SELECT 'custom_course', c.id, c.course_code, c.title, NULL,"
				  "  coalesce(b.source, 'granted'), coalesce(b.created_at, c.created_at), "
				  "NULL, NULL, NULL"
				  " FROM coursebase.custom_courses c"
				  " LEFT JOIN LATERAL (SELECT p.source, p.created_at"
				  "  FROM coursebase.custom_course_purchases p"
				  "  WHERE p.course_id = c.id AND p.status = 'active'"
				  "  ORDER BY p.created_at, p.id LIMIT 1) b ON true"
				  " WHERE c.user_id = $1 AND (b.source IS NOT NULL OR NOT EXISTS ("
				  "  SELECT FROM coursebase.custom_course_purchases p WHERE p.course_id = "
				  "c.id))"
				  " UNION ALL SELECT 'program', p.id, NULL, p.name, NULL,"
				  "  CASE WHEN e.source_payment_transaction_id IS NULL THEN 'granted' ELSE "
				  "'bought' END,"
				  "  e.created_at, NULL, n.places, n.done"
				  " FROM coursebase.course_entitlements e"
				  " JOIN coursebase.course_configs g ON g.program_id = e.program_id AND "
				  "g.status <> 'draft'"
				  " JOIN coursebase.programs p ON p.id = e.program_id"
				  " CROSS JOIN LATERAL ("
				  "  SELECT count(*) AS places, count(d.id) AS done FROM "
				  "coursebase.course_workouts w"
				  "  LEFT JOIN coursebase.course_workout_completions d"
				  "   ON d.course_workout_id = w.id AND d.entitlement_id = e.id"
				  "  WHERE w.program_id = e.program_id AND NOT w.is_rest) n"
				  " WHERE e.user_id = $1 AND e.status = 'active')"
				  "SELECT t.kind, t.id, t.course_code, t.title, t.icon_url, t.source, t.since, "
				  "t.until,"
				  " t.lessons, t.completed,"
				  " CASE WHEN t.lessons > 0 THEN t.completed * 100 / t.lessons"
				  "  WHEN t.lessons = 0 THEN 0 END::integer"
				  " FROM things t ORDER BY t.since DESC NULLS LAST, t.title, t.id",
	.nargs = 12,
	.types = {UUIDOID, UUIDARRAYOID, INT4ARRAYOID, TIMESTAMPTZOID, BOOLOID, TIMESTAMPTZOID,
			  INT4OID, INT4OID, INT4OID, INT4OID, INT4OID, TIMESTAMPTZOID},
};

static void question_bind(PlanValues *values, const pg_uuid_t *user, TimestampTz at);
static void end_bind(PlanValues *values, const Premium *premium);
static void rights_bind(PlanValues *values, const CourseRights *rights);

PG_FUNCTION_INFO_V1(coursebase_my_courses);

/* SQL function: my_courses(user_id uuid, at timestamptz) returns table (…) */
PGDLLEXPORT Datum
coursebase_my_courses(PG_FUNCTION_ARGS)
{
	pg_uuid_t user;
	bool admin;
	bool known = identity_resolve_user(args_uuid_or_null(fcinfo, 0), &user);

	compat_materialize(fcinfo);
	if (known && identity_user_read(&user, &admin))
	{
		PlanValues values = {0};

		question_bind(&values, &user, args_time_or_now(fcinfo, 1));
		SPI_connect();
		plan_rows_return(fcinfo,
						 owner_execute(&read_courses, values.datums, values.nulls, true));
		SPI_finish();
	}
	return (Datum) 0;
}

static void
question_bind(PlanValues *values, const pg_uuid_t *user, TimestampTz at)
{
	static const CourseSource bits[] = {COURSE_BY_SLOT, COURSE_BY_PREMIUM, COURSE_BY_FREE,
										COURSE_BY_ADMIN, COURSE_BY_GRANT};
	CourseRights rights;
	Premium premium;

	course_rights_set(user, at, &rights);
	plan_bind_uuid(values, user);
	/* copied at once: the set is the session's, and goes with the next question */
	rights_bind(values, &rights);
	premium_read(&premium, &entitlement_ask_slots, user, at);
	plan_bind_time(values, at);
	plan_bind_bool(values, environment_sandbox_counts(user));
	end_bind(values, &premium);
	for (int i = 0; i < lengthof(bits); i++)
		plan_bind_int32(values, bits[i]);
	premium_read(&premium, &entitlement_ask_every_course, user, at);
	end_bind(values, &premium);
}

/* Asked of only where it holds. */
static void
end_bind(PlanValues *values, const Premium *premium)
{
	plan_bind_nullable(values, TimestampTzGetDatum(premium->until),
					   TIMESTAMP_NOT_FINITE(premium->until));
}

static void
rights_bind(PlanValues *values, const CourseRights *rights)
{
	Datum *ids = palloc_extended((rights->count + 1) * sizeof(Datum), MCXT_ALLOC_HUGE);
	Datum *sources = palloc_extended((rights->count + 1) * sizeof(Datum), MCXT_ALLOC_HUGE);

	for (int i = 0; i < rights->count; i++)
	{
		ids[i] = UUIDPGetDatum(&rights->rights[i].course);
		sources[i] = Int32GetDatum(rights->rights[i].sources);
	}
	plan_bind(values, array_of(UUIDOID, ids, NULL, rights->count));
	plan_bind(values, array_of(INT4OID, sources, NULL, rights->count));
}
