/*
 * lesson_progress.c: which lessons a user completed, how far the user is in a course, and which
 * lesson comes next.
 *
 * Invariant: a user who completes a lesson may use its course by a source other than being an
 * administrator, and the lesson is shown; that everybody may view a preview is not enough. The
 * rule holds for the functions and for plain writes of roles that row security binds. A role
 * that row security does not bind may bring completions from elsewhere. Completions stay when
 * access ends.
 *
 * Locks: the person, before a completion is inserted, by complete_lesson() always and by plain
 * SQL where events are wanted.
 *
 * Rights: reads and writes with those of the tables' owner, after it was decided about whom the
 * caller may speak.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/uuid.h"

#include "access/course_rights.h"
#include "access/outline.h"
#include "core/args.h"
#include "core/compat.h"
#include "core/datum.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/restore.h"
#include "core/row_trigger.h"
#include "core/schema.h"
#include "core/setting.h"
#include "identity/anchor.h"
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

/* The columns of read_progress. */
enum
{
	PROGRESS_LESSONS = 1,
	PROGRESS_COMPLETED,
	PROGRESS_LAST,
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

/* The nearest lesson beyond $1 in that direction; $2: hidden lessons count too. */
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
static void completer_lock(const pg_uuid_t *user);
static void real_access_require(const pg_uuid_t *user, const pg_uuid_t *lesson);
static bool lesson_shown(const pg_uuid_t *lesson, pg_uuid_t *course);
static void progress_read(Datum *values, bool *nulls, const pg_uuid_t *course,
						  const pg_uuid_t *user);
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
 * A row of another user is left to the policy, which refuses it: an answer about that user's
 * access would tell the caller something about that user.
 */
PGDLLEXPORT Datum
coursebase_tg_user_lesson_complete__real_access(PG_FUNCTION_ARGS)
{
	TriggerData *data =
		trigger_expect(fcinfo, "tg_user_lesson_complete__real_access", ROW_BEFORE_CHANGE);
	bool bound =
		check_enable_rls(RelationGetRelid(data->tg_relation), InvalidOid, true) == RLS_ENABLED;
	pg_uuid_t user, caller, lesson;

	if (trigger_uuid(data, data->tg_trigtuple, "user_id", &user) &&
		trigger_uuid(data, data->tg_trigtuple, "lesson_id", &lesson) &&
		(!bound || (identity_current_user(&caller) && uuid_equal(&user, &caller))))
	{
		if (TRIGGER_FIRED_BY_INSERT(data->tg_event))
			completer_lock(&user);
		if (bound)
			real_access_require(&user, &lesson);
	}
	return PointerGetDatum(trigger_written_row(data));
}

/*
 * complete_lesson() has locked the person; plain SQL does it here, before its row is there. Of
 * two transactions that complete the last lessons of a course the second then sees what the
 * first one did, and its event tells of the course. Where no event is wanted nothing is locked.
 */
static void
completer_lock(const pg_uuid_t *user)
{
	if (anchor_holds(user) || restore_under_way() || !setting_boolean("events_out"))
		return;
	SPI_connect();
	anchor_user_of_row(user);
	SPI_finish();
}

/*
 * SQL function: course_progress(course_id uuid, user_id uuid) returns table (lessons bigint,
 * completed bigint, percent integer, completed_at timestamptz)
 */
PGDLLEXPORT Datum
coursebase_course_progress(PG_FUNCTION_ARGS)
{
	pg_uuid_t named;
	const pg_uuid_t *user =
		identity_resolve_user(args_uuid_or_null(fcinfo, 1), &named) ? &named : NULL;
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum values[] = {Int64GetDatum(0), Int64GetDatum(0), Int32GetDatum(0), (Datum) 0};
	bool nulls[lengthof(values)] = {false, false, false, true};

	compat_materialize(fcinfo);
	if (!PG_ARGISNULL(0) &&
		course_readable(user, PG_GETARG_UUID_P(0), GetCurrentTransactionStartTimestamp()))
		progress_read(values, nulls, PG_GETARG_UUID_P(0), user);
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

/* Writes or deletes the completion of (lesson_id, user_id); answers whether that changed it. */
static Datum
completion_set(FunctionCallInfo fcinfo, KeptPlan *plan)
{
	PlanValues values = {0};
	pg_uuid_t user;
	bool changed;

	args_require(fcinfo, 0);
	user = user_required(fcinfo);
	schema_require_current();
	real_access_require(&user, PG_GETARG_UUID_P(0));
	plan_bind_uuid(&values, &user);
	plan_bind_uuid(&values, PG_GETARG_UUID_P(0));
	SPI_connect();
	anchor_user(&user);
	changed = owner_execute(plan, values.datums, values.nulls, false) > 0;
	SPI_finish();
	PG_RETURN_BOOL(changed);
}

/*
 * Raises 42501 for nobody, and KB106 without an open account. An administrator reads what
 * others completed and marks nothing for them, as the policies of the table have it.
 */
static pg_uuid_t
user_required(FunctionCallInfo fcinfo)
{
	const pg_uuid_t *named = args_uuid_or_null(fcinfo, 1);
	pg_uuid_t user;
	bool admin;

	if (named != NULL && !identity_is_server() &&
		!(identity_current_user(&user) && uuid_equal(named, &user)))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("only the server marks lessons for another user"),
						errhint("Leave user_id out: the mark is for who is signed in.")));
	if (!identity_resolve_user(named, &user))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("lessons are completed by somebody who is signed in"),
						errhint("Sign in, or name a user_id as the server.")));
	if (!identity_user_read(&user, &admin))
		anchor_raise_missing(&user);
	return user;
}

/*
 * Raises KB106 for a lesson that is not shown, KB904 for one of a course that the user may not
 * use. Reads with a new snapshot, because the statement that writes may have begun before a
 * change that was committed, or made by this transaction, since.
 */
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
	/* a lesson of a course that the user cannot even read is refused like a missing one */
	shown = usable || (shown && course_readable(user, &course, now));
	PopActiveSnapshot();
	if (!shown)
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such lesson"),
						errdetail("The lesson does not exist, or is not shown.")));
	if (!usable)
		ereport(ERROR, (errcode(ERRCODE_CB_NO_REAL_ACCESS),
						errmsg("the lesson is of a course that the user may not use"),
						errdetail("A preview may be viewed, not completed, and an "
								  "administrator's right to view is no course of their own."),
						errhint("Call explain_course_access() to see what would give it.")));
}

/* Whether the lesson is public or a preview, in a public section; gives its course. */
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

/* The columns of course_progress(); nobody (user NULL) completed nothing. */
static void
progress_read(Datum *values, bool *nulls, const pg_uuid_t *course, const pg_uuid_t *user)
{
	PlanValues keys = {0};
	int64 lessons, completed;

	plan_bind_uuid(&keys, course);
	plan_bind_uuid(&keys, user);
	SPI_connect();
	owner_execute(&read_progress, keys.datums, keys.nulls, true);
	lessons = plan_int64(0, PROGRESS_LESSONS);
	completed = plan_int64(0, PROGRESS_COMPLETED);
	values[0] = Int64GetDatum(lessons);
	values[1] = Int64GetDatum(completed);
	values[2] = Int32GetDatum(lessons == 0 ? 0 : (int32) (completed * 100 / lessons));
	nulls[3] = lessons == 0 || completed < lessons;
	if (!nulls[3])
		values[3] = TimestampTzGetDatum(plan_time(0, PROGRESS_LAST));
	SPI_finish();
}

/* A caller who may read every course may ask about one that the user may not read. */
static bool
course_readable(const pg_uuid_t *user, const pg_uuid_t *course, TimestampTz at)
{
	return identity_is_admin() || has_bypassrls_privilege(GetUserId()) ||
		   outline_course_readable(user, course, at);
}

/*
 * The answer of functions whose arguments are a lesson, user_id and at. A lesson that the user
 * cannot see has no neighbours: they would tell that it is there, and where.
 */
static Datum
neighbour(FunctionCallInfo fcinfo, KeptPlan *plan)
{
	pg_uuid_t user;
	bool admin = false;
	bool known = identity_resolve_user(args_uuid_or_null(fcinfo, 1), &user) &&
				 identity_user_read(&user, &admin);
	PlanValues values = {0};
	pg_uuid_t course;
	pg_uuid_t *found = NULL;

	if (PG_ARGISNULL(0) ||
		!((known && admin) || (lesson_shown(PG_GETARG_UUID_P(0), &course) &&
							   outline_course_readable(known ? &user : NULL, &course,
													   args_time_or_now(fcinfo, 2)))))
		PG_RETURN_NULL();
	plan_bind_uuid(&values, PG_GETARG_UUID_P(0));
	plan_bind_bool(&values, known && admin); /* administrators see hidden lessons too */
	SPI_connect();
	if (owner_execute(plan, values.datums, values.nulls, true) > 0)
		found = DatumGetUUIDP(plan_transfer_as(0, 1, UUIDOID));
	SPI_finish();
	if (found == NULL)
		PG_RETURN_NULL();
	PG_RETURN_UUID_P(found);
}
