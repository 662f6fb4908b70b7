/*
 * access.c: may a user use a course, and why? The SQL functions that ask.
 *
 * Which sources give a course stands in course_rights.c; here it is decided who may ask about
 * whom. Anybody may ask about the own account, or about nobody; only an administrator or the
 * server may name another user, and everybody else is refused in the same words whether that
 * user exists or not.
 *
 * Policies use two forms. Where an index serves and the statement wants the rows of many
 * courses, or reads one row by its course (course_documents), the set of ids as an InitPlan,
 * which stays an index condition. Where a table is read as a whole or by a key of its own,
 * has_course_access() for each row, which costs less there than searching a list.
 *
 * What a user who is refused can learn all the same: how large a table is (the server's
 * statistics and the planner's estimates are public); how many rows a policy held back in a
 * sequential scan, from EXPLAIN ANALYZE (PostgREST gives no plans unless switched on, and an
 * index scan counts nothing); and, from many timings, whether a known id is a course's (a read
 * that finds a row takes some hundred nanoseconds more). Ids are random, and what they stand
 * for is never told, so this is accepted.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "access/course_rights.h"
#include "core/args.h"
#include "core/compat.h"
#include "core/datum.h"
#include "core/rule.h"
#include "identity/asking.h"

/*
 * The id of no course. A NULL is asked about as this id, so that a caller who may not ask about
 * the user is refused for a NULL too.
 */
static const pg_uuid_t no_course;

static ArrayType *ids_array(const CourseRights *rights);
static bool course_hold(FunctionCallInfo fcinfo, const pg_uuid_t *course);
static const pg_uuid_t *user_argument(FunctionCallInfo fcinfo, int argument, pg_uuid_t *user);
static const char *grant_words(const CourseFindings *findings);
static const char *premium_reason(const CourseFindings *findings);
static const char *premium_words(const Premium *premium);
static void source_return(FunctionCallInfo fcinfo, const CourseFindings *findings,
						  CourseSource source, const char *rule, const char *reason,
						  const char *words);
static const char *reason_words(const char *reason, const char *words);

PG_FUNCTION_INFO_V1(coursebase_has_course_access);
PG_FUNCTION_INFO_V1(coursebase_has_course_access_by_code);
PG_FUNCTION_INFO_V1(coursebase_accessible_course_ids);
PG_FUNCTION_INFO_V1(coursebase_explain_course_access);

/*
 * SQL function: has_course_access(course_id uuid, user_id uuid, at timestamptz) returns boolean
 */
PGDLLEXPORT Datum
coursebase_has_course_access(PG_FUNCTION_ARGS)
{
	/* the form in which policies ask for every row takes the shortest way */
	if (likely(PG_ARGISNULL(1) && !PG_ARGISNULL(0) && !PG_ARGISNULL(2)))
		PG_RETURN_BOOL(course_rights_hold_own(PG_GETARG_UUID_P(0), PG_GETARG_TIMESTAMPTZ(2),
											  COURSE_BY_ANY) != 0);
	PG_RETURN_BOOL(course_hold(fcinfo, PG_ARGISNULL(0) ? &no_course : PG_GETARG_UUID_P(0)));
}

/*
 * SQL function: has_course_access_by_code(course_code text, user_id uuid, at timestamptz)
 * returns boolean
 */
PGDLLEXPORT Datum
coursebase_has_course_access_by_code(PG_FUNCTION_ARGS)
{
	pg_uuid_t course = no_course;
	bool found = false;

	if (!PG_ARGISNULL(0))
	{
		text *code = PG_GETARG_TEXT_PP(0);

		found = course_by_code_find(VARDATA_ANY(code), VARSIZE_ANY_EXHDR(code), &course);
	}
	PG_RETURN_BOOL(course_hold(fcinfo, &course) && found);
}

/* SQL function: accessible_course_ids(user_id uuid, at timestamptz) returns uuid[] */
PGDLLEXPORT Datum
coursebase_accessible_course_ids(PG_FUNCTION_ARGS)
{
	pg_uuid_t user;
	CourseRights rights;

	course_rights_set(user_argument(fcinfo, 0, &user), args_time_or_now(fcinfo, 1), &rights);
	PG_RETURN_ARRAYTYPE_P(ids_array(&rights));
}

/*
 * SQL function: explain_course_access(course_id uuid, user_id uuid, at timestamptz) returns
 * table (rule text, passed boolean, reason text, detail text)
 *
 * A course that does not exist reads like one that no source gives.
 */
PGDLLEXPORT Datum
coursebase_explain_course_access(PG_FUNCTION_ARGS)
{
	CourseFindings found;
	pg_uuid_t user;

	compat_materialize(fcinfo);
	course_rights_explain(user_argument(fcinfo, 1, &user),
						  PG_ARGISNULL(0) ? &no_course : PG_GETARG_UUID_P(0),
						  args_time_or_now(fcinfo, 2), &found);
	source_return(fcinfo, &found, COURSE_BY_FREE, "free", "not_free", "free for everybody");
	source_return(fcinfo, &found, COURSE_BY_GRANT, "grant",
				  found.granted_until == DT_NOBEGIN ? "not_granted" : "ended",
				  grant_words(&found));
	source_return(fcinfo, &found, COURSE_BY_PURCHASE, "purchase",
				  found.purchase == NULL ? "not_purchased" : found.purchase,
				  "bought from a store, or entered by hand");
	source_return(fcinfo, &found, COURSE_BY_SLOT, "premium_slot",
				  found.slot ? "no_premium" : "not_chosen", premium_words(&found.premium));
	source_return(fcinfo, &found, COURSE_BY_PREMIUM, "premium", premium_reason(&found),
				  premium_words(found.every_in_premium ? &found.every : &found.premium));
	source_return(fcinfo, &found, COURSE_BY_ADMIN, "administrator",
				  found.admin ? "no_such_course" : "not_administrator",
				  "an administrator may use every course");
	return (Datum) 0;
}

/* The array of construct_array(), which takes ten times as long for each uuid. */
static ArrayType *
ids_array(const CourseRights *rights)
{
	Size size = ARR_OVERHEAD_NONULLS(1) + (Size) rights->count * UUID_LEN;
	ArrayType *array;
	char *next;

	if (rights->count == 0)
		return construct_empty_array(UUIDOID);
	if (size > MaxAllocSize)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("there are too many courses for one array")));
	array = palloc0(size);
	SET_VARSIZE(array, size);
	array->ndim = 1;
	array->elemtype = UUIDOID;
	ARR_DIMS(array)[0] = rights->count;
	ARR_LBOUND(array)[0] = 1;
	next = ARR_DATA_PTR(array);
	for (int i = 0; i < rights->count; i++, next += UUID_LEN)
		memcpy(next, &rights->rights[i].course, UUID_LEN);
	return array;
}

/* The answer of functions whose arguments are a course, user_id and at. */
static bool
course_hold(FunctionCallInfo fcinfo, const pg_uuid_t *course)
{
	TimestampTz at = args_time_or_now(fcinfo, 2);
	pg_uuid_t user;

	if (PG_ARGISNULL(1))
		return course_rights_hold_own(course, at, COURSE_BY_ANY) != 0;
	identity_resolve_user(PG_GETARG_UUID_P(1), &user);
	return course_rights_hold(&user, course, at, COURSE_BY_ANY) != 0;
}

/* The user that the call is about, in *user; NULL for nobody. Raises 42501 as
 * identity_resolve_user() does. */
static const pg_uuid_t *
user_argument(FunctionCallInfo fcinfo, int argument, pg_uuid_t *user)
{
	return identity_resolve_user(args_uuid_or_null(fcinfo, argument), user) ? user : NULL;
}

/* The end is shown only if it is finite: for ever, or no grant at all, has no date. */
static const char *
grant_words(const CourseFindings *findings)
{
	const char *words = "given, or in a product that was bought";

	if (TIMESTAMP_NOT_FINITE(findings->granted_until))
		return words;
	if ((findings->sources & COURSE_BY_GRANT) != 0)
		return psprintf("%s, until %s", words, time_text(findings->granted_until));
	return psprintf("given or bought until %s", time_text(findings->granted_until));
}

/* Whether a course is in premium is told only to users who could use it by that. */
static const char *
premium_reason(const CourseFindings *findings)
{
	if (!findings->has_premium)
		return "no_premium";
	return findings->every_in_premium ? "not_in_premium" : "slots_only";
}

/*
 * The first of these that is true, from "nothing was ever bought" to the status alone; times
 * are in the session's zone, as explain functions show them.
 */
static const char *
premium_words(const Premium *premium)
{
	if (!premium->found)
		return premium->other ? "the subscription gives no courses" : "no subscription";
	if (!premium->counts || (premium->barred && !premium->holds))
		return "a sandbox sold the subscription; see the setting accept_sandbox";
	if (premium->holds)
		return psprintf("premium until %s", time_text(premium->until));
	if (premium->from != DT_NOBEGIN)
		return psprintf("premium ended at %s", time_text(premium->from));
	if (premium->until != DT_NOEND)
		return psprintf("premium begins at %s", time_text(premium->until));
	return psprintf("the subscription is %s", subscription_status_names[premium->term.status]);
}

/* The row of one source. words describe the source where it passes; otherwise the detail says
 * what is missing. */
static void
source_return(FunctionCallInfo fcinfo, const CourseFindings *findings, CourseSource source,
			  const char *rule, const char *reason, const char *words)
{
	bool passed = (findings->sources & source) != 0;

	if (source != COURSE_BY_FREE && !findings->known)
		reason = "no_user";
	rule_return(fcinfo, rule, passed, reason, passed ? words : reason_words(reason, words));
}

/* The sentence of a reason. Those of premium, and the end of a grant, are not listed: words has
 * them, with the time. */
static const char *
reason_words(const char *reason, const char *words)
{
	static const char *const meanings[][2] = {
		{"no_user", "nobody is signed in, or the account was closed"},
		{"not_free", "not free"},
		{"not_granted", "neither given nor in a product that was bought"},
		{"not_purchased", "no purchase"},
		{"pending", "a purchase that was not validated yet"},
		{"invalid", "a purchase that the store does not know"},
		{"refunded", "a purchase that was refunded"},
		{"sandbox", "bought in a sandbox; see the setting accept_sandbox"},
		{"not_chosen", "chosen for no premium slot"},
		{"not_administrator", "not an administrator"},
		{"no_such_course", "there is no such course"},
	};

	for (int i = 0; i < lengthof(meanings); i++)
		if (strcmp(meanings[i][0], reason) == 0)
			return meanings[i][1];
	return words;
}
