/*
 * lesson_progress.c: what a person has completed, how far that is, and what comes next.
 *
 * Invariant: whoever completes a lesson may use its course by something else than being an
 * administrator, and the lesson is shown; a preview that anybody may view is not enough. It
 * holds for functions and for plain writes of those whom row security binds; a role that it
 * does not bind may bring completions from elsewhere. What was completed stays when access
 * ends, in whichever order the two come.
 *
 * Rights: reads and writes with the owner's, after it was settled whom the caller may speak of.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "access/course_rights.h"
#include "access/outline.h"
#include "core/compat.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/row_trigger.h"
#include "core/schema.h"
#include "identity/asking.h"

static KeptPlan write_completion = {
	.sql = "INSERT INTO coursebase.user_lesson_complete (user_id, lesson_id) VALUES ($1, $2)"
		   " ON CONFLICT (user_id, lesson_id) DO NOTHING",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};
static KeptPlan delete_completion = {
	.sql = "DELETE FROM coursebase.user_lesson_complete"
		   " WHERE user_id = $1 AND lesson_id = $2",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};
static KeptPlan read_progress = {
	.sql = "SELECT count(*), count(c.lesson_id), max(c.created_at)"
		   " FROM coursebase.course_sections s"
		   " JOIN coursebase.lessons l ON l.section_id = s.id AND l.status <> 'private'"
		   " LEFT JOIN coursebase.user_lesson_complete c"
		   "  ON c.lesson_id = l.id AND c.user_id = $2"
		   " WHERE s.course_id = $1 AND s.status = 'public'",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};

/* $2: the private ones too. */
#define NEIGHBOUR_QUERY(beyond, direction)                                                     \
	"SELECT l.id FROM coursebase.lessons h"                                                    \
	" JOIN coursebase.course_sections hs ON hs.id = h.section_id"                              \
	" JOIN coursebase.course_sections s ON s.course_id = hs.course_id"                         \
	" JOIN coursebase.lessons l ON l.section_id = s.id"                                        \
	" WHERE h.id = $1 AND (s.\"order\", l.\"order\") " beyond " (hs.\"order\", h.\"order\")"   \
	" AND ($2 OR s.status = 'public' AND l.status <> 'private')"                               \
	" ORDER BY s.\"order\" " direction ", l.\"order\" " direction " LIMIT 1"

static KeptPlan read_next = {
	.sql = NEIGHBOUR_QUERY(">", "ASC"),
	.nargs = 2,
	.types = {UUIDOID, BOOLOID},
};
static KeptPlan read_previous = {
	.sql = NEIGHBOUR_QUERY("<", "DESC"),
	.nargs = 2,
	.types = {UUIDOID, BOOLOID},
};

static Datum completion_set(FunctionCallInfo fcinfo, KeptPlan *plan);
static pg_uuid_t user_required(FunctionCallInfo fcinfo);
static void real_access_require(const pg_uuid_t *user, const pg_uuid_t *lesson);
static bool lesson_shown(const pg_uuid_t *lesson, pg_uuid_t *course);
static bool course_readable(const pg_uuid_t *user, const pg_uuid_t *course, TimestampTz at);
static Datum neighbour(FunctionCallInfo fcinfo, KeptPlan *plan);

PG_FUNCTION_INFO_V1(coursebase_complete_lesson);
PG_FUNCTION_INFO_V1(coursebase_uncomplete_lesson);
PG_FUNCTION_INFO_V1(coursebase_tg_user_lesson_complete__real_access);
PG_FUNCTION_INFO_V1(coursebase_course_progress);
PG_FUNCTION_INFO_V1(coursebase_next_lesson);
PG_FUNCTION_INFO_V1(coursebase_previous_lesson);

/* SQL function: complete_lesson(lesson_id uuid, user_id uuid) returns boolean */
PGDLLEXPORT Datum
coursebase_complete_lesson(PG_FUNCTION_ARGS)
{
	return completion_set(fcinfo, &write_completion);
}

/* SQL function: uncomplete_lesson(lesson_id uuid, user_id uuid) returns boolean */
PGDLLEXPORT Datum
coursebase_uncomplete_lesson(PG_FUNCTION_ARGS)
{
	return completion_set(fcinfo, &delete_completion);
}

/*
 * SQL function: tg_user_lesson_complete__real_access() returns trigger
 *
 * Of a row of somebody else's the policy speaks: to answer for that person would tell of them.
 */
PGDLLEXPORT Datum
coursebase_tg_user_lesson_complete__real_access(PG_FUNCTION_ARGS)
{
	TriggerData *data =
		trigger_expect(fcinfo, "tg_user_lesson_complete__real_access", ROW_BEFORE_CHANGE);
	pg_uuid_t user, caller, lesson;

	if (check_enable_rls(RelationGetRelid(data->tg_relation), InvalidOid, true) ==
			RLS_ENABLED &&
		trigger_uuid(data, data->tg_trigtuple, "user_id", &user) &&
		trigger_uuid(data, data->tg_trigtuple, "lesson_id", &lesson) &&
		identity_current_user(&caller) && memcmp(&user, &caller, UUID_LEN) == 0)
		real_access_require(&user, &lesson);
	return PointerGetDatum(trigger_written_row(data));
}

/*
 * SQL function: course_progress(course_id uuid, user_id uuid) returns table (lessons bigint,
 * completed bigint, percent integer, completed_at timestamptz)
 */
PGDLLEXPORT Datum
coursebase_course_progress(PG_FUNCTION_ARGS)
{
	pg_uuid_t user;
	bool known = identity_resolve_user(PG_ARGISNULL(1) ? NULL : PG_GETARG_UUID_P(1), &user);
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum keys[] = {PG_GETARG_DATUM(0), UUIDPGetDatum(&user)};
	Datum values[4] = {Int64GetDatum(0), Int64GetDatum(0), Int32GetDatum(0), (Datum) 0};
	bool nulls[4] = {false, false, false, true};

	compat_materialize(fcinfo);
	if (!PG_ARGISNULL(0) && course_readable(known ? &user : NULL, PG_GETARG_UUID_P(0),
											GetCurrentTransactionStartTimestamp()))
	{
		int64 lessons, completed;

		SPI_connect();
		owner_execute(&read_progress, keys, known ? NULL : " n", true);
		lessons = DatumGetInt64(plan_value(0, 1, NULL));
		completed = DatumGetInt64(plan_value(0, 2, NULL));
		values[0] = Int64GetDatum(lessons);
		values[1] = Int64GetDatum(completed);
		values[2] = Int32GetDatum(lessons == 0 ? 0 : (int32) (completed * 100 / lessons));
		nulls[3] = lessons == 0 || completed < lessons;
		if (!nulls[3])
			values[3] = plan_value(0, 3, NULL);
		SPI_finish();
	}
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	return (Datum) 0;
}

/* SQL function: next_lesson(lesson_id uuid, user_id uuid, at timestamptz) returns uuid */
PGDLLEXPORT Datum
coursebase_next_lesson(PG_FUNCTION_ARGS)
{
	return neighbour(fcinfo, &read_next);
}

/* SQL function: previous_lesson(lesson_id uuid, user_id uuid, at timestamptz) returns uuid */
PGDLLEXPORT Datum
coursebase_previous_lesson(PG_FUNCTION_ARGS)
{
	return neighbour(fcinfo, &read_previous);
}

static Datum
completion_set(FunctionCallInfo fcinfo, KeptPlan *plan)
{
	pg_uuid_t user;
	Datum keys[2];
	bool changed;

	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("lesson_id must not be null")));
	user = user_required(fcinfo);
	keys[0] = UUIDPGetDatum(&user);
	keys[1] = PG_GETARG_DATUM(0);
	schema_require_current();
	real_access_require(&user, PG_GETARG_UUID_P(0));
	SPI_connect();
	changed = owner_execute(plan, keys, NULL, false) > 0;
	SPI_finish();
	PG_RETURN_BOOL(changed);
}

static pg_uuid_t
user_required(FunctionCallInfo fcinfo)
{
	pg_uuid_t user;
	bool admin;

	if (!identity_resolve_user(PG_ARGISNULL(1) ? NULL : PG_GETARG_UUID_P(1), &user))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("lessons are completed by somebody who is signed in"),
						errhint("Sign in, or name a user_id as the server.")));
	if (!identity_user_read(&user, &admin))
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such user"),
						errhint("Pass the id of a row of users.")));
	return user;
}

/* Reads what was committed until now: the statement that writes may have begun before. */
static void
real_access_require(const pg_uuid_t *user, const pg_uuid_t *lesson)
{
	TimestampTz now = GetCurrentTransactionStartTimestamp();
	pg_uuid_t course;
	bool shown;
	bool usable;

	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	shown = lesson_shown(lesson, &course);
	usable = shown && course_rights_hold(user, &course, now, COURSE_BY_REAL) != 0;
	/* a lesson of a course that nobody shows is not there */
	shown = usable || (shown && course_readable(user, &course, now));
	PopActiveSnapshot();
	if (!shown)
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such lesson"),
						errdetail("It is not there, or not shown.")));
	if (!usable)
		ereport(ERROR, (errcode(ERRCODE_CB_NO_REAL_ACCESS),
						errmsg("the lesson is of a course that the user may not use"),
						errdetail("A preview may be viewed, not completed, and an "
								  "administrator's right to view is no course of their own."),
						errhint("Call explain_course_access() to see what would give it.")));
}

static bool
lesson_shown(const pg_uuid_t *lesson, pg_uuid_t *course)
{
	OutlineLesson found;
	OutlineSection section;

	if (!outline_lesson(lesson, &found) || found.status == LESSON_PRIVATE ||
		!outline_section(&found.section, &section) || !section.is_public)
		return false;
	*course = section.course;
	return true;
}

/* Who may read every course may ask about one that the user may not. */
static bool
course_readable(const pg_uuid_t *user, const pg_uuid_t *course, TimestampTz at)
{
	return identity_is_admin() || has_bypassrls_privilege(GetUserId()) ||
		   outline_course_readable(user, course, at);
}

static Datum
neighbour(FunctionCallInfo fcinfo, KeptPlan *plan)
{
	pg_uuid_t user;
	bool known = identity_resolve_user(PG_ARGISNULL(1) ? NULL : PG_GETARG_UUID_P(1), &user);
	TimestampTz at =
		PG_ARGISNULL(2) ? GetCurrentTransactionStartTimestamp() : PG_GETARG_TIMESTAMPTZ(2);
	bool admin = false;
	Datum values[2] = {PG_GETARG_DATUM(0)};
	Datum found = (Datum) 0;
	OutlineLesson lesson;
	OutlineSection section;

	known = known && identity_user_read(&user, &admin);
	if (PG_ARGISNULL(0) || !outline_lesson(PG_GETARG_UUID_P(0), &lesson) ||
		!outline_section(&lesson.section, &section) ||
		!outline_course_readable(known ? &user : NULL, &section.course, at))
		PG_RETURN_NULL();
	values[1] = BoolGetDatum(known && admin);
	SPI_connect();
	if (owner_execute(plan, values, NULL, true) > 0)
		found = SPI_datumTransfer(plan_value(0, 1, NULL), false, UUID_LEN);
	SPI_finish();
	if (found == (Datum) 0)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(found);
}
