/*
 * turns.c: what time alone ends.
 *
 * Nothing is written when a time comes, so that no event tells of it. What might end within the
 * time asked about is found by the columns that hold ends; whether and when it ends is asked of
 * the rights, which know every other source, renewal and setting. A further source of access
 * that ends is one more part of find_ending.
 *
 * Rights: reads with the owner's; only the server may call.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "access/course_rights.h"
#include "billing/premium.h"
#include "core/args.h"
#include "core/compat.h"
#include "core/datum.h"
#include "core/owner.h"
#include "core/plan.h"
#include "events/access.h"
#include "events/event.h"

#define LINE_ENDS "s.access_until >= $1 AND s.access_until < $2"

/* Each course once a person, by whichever source was found; without a course: premium itself.
 */
static KeptPlan find_ending = {
	.sql = "SELECT DISTINCT ON (f.user_id, f.course_id) f.user_id, f.course_id, f.source"
		   " FROM (SELECT s.user_id, NULL::uuid AS course_id, s.store AS source"
		   "   FROM coursebase.subscription_lines s WHERE " LINE_ENDS " UNION ALL"
		   "  SELECT s.user_id, p.course_id, '" SOURCE_SLOT "'"
		   "   FROM coursebase.subscription_lines s JOIN coursebase.course_purchases p"
		   "    ON p.user_id = s.user_id AND p.source = 'premium_slot' AND p.status = 'valid'"
		   "   WHERE " LINE_ENDS " UNION ALL"
		   "  SELECT g.user_id, g.course_id, '" SOURCE_GRANT "' FROM coursebase.course_grants g"
		   "   WHERE g.expires_at >= $1 AND g.expires_at < $2) f"
		   " JOIN coursebase.users u ON u.id = f.user_id AND u.deleted_at IS NULL"
		   " ORDER BY f.user_id, f.course_id, f.source",
	.nargs = 2,
	.types = {TIMESTAMPTZOID, TIMESTAMPTZOID},
};

enum
{
	ENDING_USER = 1,
	ENDING_COURSE,
	ENDING_SOURCE,
};

enum
{
	TURN_AT,
	TURN_KIND,
	TURN_USER,
	TURN_SUBJECT,
	TURN_SOURCE,
	TURN_UNTIL,
	TURN_COLUMNS,
};

typedef struct Turn
{
	TimestampTz at;
	pg_uuid_t user;
	char *subject;
	char *source; /* NULL: the subscription names no store */
} Turn;

static Turn *turns_find(TimestampTz from, TimestampTz to, int *count);
static TimestampTz ending_end(uint64 row, const pg_uuid_t *user, char **subject);
static int turn_compare(const void *a, const void *b);
static void turn_return(FunctionCallInfo fcinfo, const Turn *turn);

PG_FUNCTION_INFO_V1(coursebase_access_turns);

/*
 * SQL function: access_turns(from_time timestamptz, to_time timestamptz) returns table (at
 * timestamptz, kind text, user_id uuid, subject text, source text, until timestamptz)
 */
PGDLLEXPORT Datum
coursebase_access_turns(PG_FUNCTION_ARGS)
{
	Turn *turns;
	int count;

	args_require_all(fcinfo);
	compat_materialize(fcinfo);
	turns = turns_find(PG_GETARG_TIMESTAMPTZ(0), PG_GETARG_TIMESTAMPTZ(1), &count);
	qsort(turns, count, sizeof(Turn), turn_compare);
	for (int i = 0; i < count; i++)
		turn_return(fcinfo, &turns[i]);
	return (Datum) 0;
}

/* In the caller's memory. */
static Turn *
turns_find(TimestampTz from, TimestampTz to, int *count)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum window[] = {TimestampTzGetDatum(from), TimestampTzGetDatum(to)};
	SPITupleTable *rows;
	uint64 found;
	Turn *turns;

	*count = 0;
	SPI_connect();
	found = owner_execute(&find_ending, window, NULL, true);
	rows = SPI_tuptable;
	turns = MemoryContextAllocExtended(caller, (found + 1) * sizeof(Turn), MCXT_ALLOC_HUGE);
	for (uint64 row = 0; row < found; row++)
	{
		Turn *turn = &turns[*count];

		CHECK_FOR_INTERRUPTS();
		SPI_tuptable = rows; /* the rights may have read others */
		turn->user = plan_uuid(row, ENDING_USER);
		turn->source = plan_text(row, ENDING_SOURCE);
		MemoryContextSwitchTo(caller);
		turn->at = ending_end(row, &turn->user, &turn->subject);
		/* what gives nothing has no end either */
		if (turn->at != DT_NOBEGIN && turn->at >= from && turn->at < to)
			(*count)++;
	}
	SPI_finish();
	return turns;
}

/* When the access that was found ends, over all sources. */
static TimestampTz
ending_end(uint64 row, const pg_uuid_t *user, char **subject)
{
	pg_uuid_t course;

	if (plan_uuid_or_null(row, ENDING_COURSE, &course))
	{
		*subject = event_subject("courses", &course);
		return course_rights_end(user, &course, COURSE_BY_REAL);
	}
	*subject = SUBJECT_PREMIUM;
	return premium_end(user);
}

static int
turn_compare(const void *a, const void *b)
{
	const Turn *left = a;
	const Turn *right = b;
	int order = left->at < right->at ? -1 : left->at > right->at;

	if (order == 0)
		order = memcmp(&left->user, &right->user, UUID_LEN);
	return order != 0 ? order : strcmp(left->subject, right->subject);
}

static void
turn_return(FunctionCallInfo fcinfo, const Turn *turn)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum values[TURN_COLUMNS] = {0};
	bool nulls[TURN_COLUMNS] = {0};

	values[TURN_AT] = TimestampTzGetDatum(turn->at);
	values[TURN_KIND] = CStringGetTextDatum("access_lost");
	values[TURN_USER] = UUIDPGetDatum(&turn->user);
	values[TURN_SUBJECT] = CStringGetTextDatum(turn->subject);
	nulls[TURN_SOURCE] = turn->source == NULL;
	if (turn->source != NULL)
		values[TURN_SOURCE] = CStringGetTextDatum(turn->source);
	nulls[TURN_UNTIL] = true;
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}
