/*
 * lesson_view.c: may a user view a lesson, and see the section in which it stands?
 *
 * Everybody may view a preview lesson of a public section, users who may use the course a
 * public lesson of a public section, administrators every lesson. The right of administrators
 * is decided here, not in what outline_rights.c keeps.
 *
 * Rights: reads past row security, after it was decided about whom the caller may ask. A
 * lesson that is not shown reads like one that does not exist.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "access/course_rights.h"
#include "access/outline.h"
#include "access/outline_rights.h"
#include "core/args.h"
#include "core/compat.h"
#include "core/rule.h"
#include "identity/asking.h"

typedef struct ViewFindings
{
	bool known; /* the question is about a user, not about nobody */
	bool admin;
	bool exists;
	bool preview;      /* in a public section */
	bool visible;      /* public or preview, in a public section */
	bool usable;       /* the course; looked for only if the lesson is visible */
	pg_uuid_t section; /* of a lesson that is visible */
} ViewFindings;

static void view_find(FunctionCallInfo fcinfo, ViewFindings *found);
static bool section_listed(const pg_uuid_t *section);
static OutlineRights rights_at(const pg_uuid_t *user, const pg_uuid_t *section, TimestampTz at);

PG_FUNCTION_INFO_V1(coursebase_can_read_section);
PG_FUNCTION_INFO_V1(coursebase_can_view_lesson);
PG_FUNCTION_INFO_V1(coursebase_explain_can_view_lesson);

/* SQL function: can_read_section(section_id uuid) returns boolean */
PGDLLEXPORT Datum
coursebase_can_read_section(PG_FUNCTION_ARGS)
{
	OutlineSection section;

	if (outline_rights(PG_GETARG_UUID_P(0)).readable)
		PG_RETURN_BOOL(true);
	PG_RETURN_BOOL(identity_is_admin() && outline_section(PG_GETARG_UUID_P(0), &section));
}

/*
 * SQL function: can_view_lesson(lesson_id uuid, user_id uuid, at timestamptz) returns boolean
 */
PGDLLEXPORT Datum
coursebase_can_view_lesson(PG_FUNCTION_ARGS)
{
	ViewFindings found;

	/* what the policy of lesson_contents asks for every row */
	if (!PG_ARGISNULL(0) && PG_ARGISNULL(1) &&
		(PG_ARGISNULL(2) || PG_GETARG_TIMESTAMPTZ(2) == GetCurrentTransactionStartTimestamp()))
	{
		const Asking *asking = identity_asking();

		if (asking == NULL || !asking->admin)
			PG_RETURN_BOOL(outline_lesson_viewable(asking, PG_GETARG_UUID_P(0)));
	}
	view_find(fcinfo, &found);
	PG_RETURN_BOOL((found.admin && found.exists) || found.preview ||
				   (found.visible && found.usable));
}

/*
 * SQL function: explain_can_view_lesson(lesson_id uuid, user_id uuid, at timestamptz) returns
 * table (rule text, passed boolean, reason text, detail text)
 */
PGDLLEXPORT Datum
coursebase_explain_can_view_lesson(PG_FUNCTION_ARGS)
{
	ViewFindings found;

	compat_materialize(fcinfo);
	view_find(fcinfo, &found);
	rule_return(fcinfo, "administrator", found.admin && found.exists,
				found.admin   ? "no_such_lesson"
				: found.known ? "not_administrator"
							  : "no_user",
				"every lesson");
	rule_return(fcinfo, "preview", found.preview, "not_preview",
				"for anybody, in a public section");
	rule_return(fcinfo, "access", found.visible && found.usable,
				found.visible && section_listed(&found.section) ? "no_access" : "not_shown",
				"who may use the course, in a public section");
	return (Datum) 0;
}

/*
 * Finds all that the three entry points decide by. Without user_id it is about the one who
 * asks, whose answers are kept for the transaction.
 */
static void
view_find(FunctionCallInfo fcinfo, ViewFindings *found)
{
	const pg_uuid_t *named = args_uuid_or_null(fcinfo, 1);
	TimestampTz now = GetCurrentTransactionStartTimestamp();
	TimestampTz at = PG_ARGISNULL(2) ? now : PG_GETARG_TIMESTAMPTZ(2);
	pg_uuid_t user;
	OutlineLesson lesson;
	OutlineRights rights;
	bool from_kept;

	memset(found, 0, sizeof(*found));
	if (named == NULL)
	{
		const Asking *asking = identity_asking();

		found->known = asking != NULL;
		found->admin = asking != NULL && asking->admin;
		if (asking != NULL)
			user = asking->user;
	}
	else
	{
		/* raises 42501 if the caller may not ask about that user */
		identity_resolve_user(named, &user);
		found->known = identity_user_read(&user, &found->admin);
		found->admin = found->admin && found->known;
	}
	if (PG_ARGISNULL(0))
		return;
	/* outline_rights.c keeps answers of the user who asks, at the transaction's time */
	from_kept = named == NULL && at == now;
	found->exists = from_kept ? outline_lesson_rights(PG_GETARG_UUID_P(0), &lesson, &rights)
							  : outline_lesson(PG_GETARG_UUID_P(0), &lesson);
	if (!found->exists || lesson.status == LESSON_PRIVATE)
		return;
	if (!from_kept)
		rights = rights_at(found->known ? &user : NULL, &lesson.section, at);
	found->visible = rights.is_public;
	found->preview = rights.is_public && lesson.status == LESSON_PREVIEW;
	found->usable = rights.usable;
	found->section = lesson.section;
}

/*
 * Whether the caller may know of a public section: not that of a course which is not on offer.
 * Whomever the question is about, the answer goes to the caller.
 */
static bool
section_listed(const pg_uuid_t *section)
{
	return identity_is_server() || identity_is_admin() || outline_rights(section).readable;
}

/* The rights of any user at any time, of which nothing is kept. readable is not looked for. */
static OutlineRights
rights_at(const pg_uuid_t *user, const pg_uuid_t *section, TimestampTz at)
{
	OutlineRights rights = {false};
	OutlineSection found;

	if (!outline_section(section, &found) || !found.is_public)
		return rights;
	rights.is_public = true;
	rights.usable = course_rights_hold(user, &found.course, at, COURSE_BY_ANY) != 0;
	return rights;
}
