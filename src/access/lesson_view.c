/*
 * lesson_view.c: may somebody view a lesson, and read the section that it stands in?
 *
 * A preview in a public section is for anybody, another public lesson of a public section for
 * who may use the course, and everything for an administrator. An administrator's right is not
 * looked for in what is kept of sections.
 *
 * Rights: reads past row security, after it was settled whom the caller may ask about. What is
 * not shown reads like what is not there.
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "access/course_rights.h"
#include "access/outline.h"
#include "core/compat.h"
#include "identity/asking.h"

typedef struct ViewFindings
{
	bool known; /* somebody is asked about */
	bool admin;
	bool exists;
	bool preview; /* in a public section */
	bool visible; /* public or preview, in a public section */
	bool usable;  /* the course; told only of what is visible */
} ViewFindings;

static void view_find(FunctionCallInfo fcinfo, ViewFindings *found);
static OutlineRights rights_at(const pg_uuid_t *user, const pg_uuid_t *section, TimestampTz at);
static void rule_return(FunctionCallInfo fcinfo, const char *rule, bool passed,
						const char *reason, const char *detail);

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
				found.visible ? "no_access" : "not_shown",
				"who may use the course, in a public section");
	return (Datum) 0;
}

static void
view_find(FunctionCallInfo fcinfo, ViewFindings *found)
{
	const pg_uuid_t *named = PG_ARGISNULL(1) ? NULL : PG_GETARG_UUID_P(1);
	TimestampTz now = GetCurrentTransactionStartTimestamp();
	TimestampTz at = PG_ARGISNULL(2) ? now : PG_GETARG_TIMESTAMPTZ(2);
	pg_uuid_t user;
	OutlineLesson lesson;
	OutlineRights rights;
	bool own;

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
		identity_resolve_user(named, &user);
		found->known = identity_user_read(&user, &found->admin);
		found->admin = found->admin && found->known;
	}
	if (PG_ARGISNULL(0))
		return;
	own = named == NULL && at == now;
	found->exists = own ? outline_lesson_rights(PG_GETARG_UUID_P(0), &lesson, &rights)
						: outline_lesson(PG_GETARG_UUID_P(0), &lesson);
	if (!found->exists || lesson.status == LESSON_PRIVATE)
		return;
	if (!own)
		rights = rights_at(found->known ? &user : NULL, &lesson.section, at);
	found->visible = rights.is_public;
	found->preview = rights.is_public && lesson.status == LESSON_PREVIEW;
	found->usable = rights.usable;
}

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

static void
rule_return(FunctionCallInfo fcinfo, const char *rule, bool passed, const char *reason,
			const char *detail)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum values[4] = {CStringGetTextDatum(rule), BoolGetDatum(passed),
					   CStringGetTextDatum(reason), CStringGetTextDatum(detail)};
	bool nulls[4] = {false, false, passed, false};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}
