/*
 * turns.c: what time alone ends.
 *
 * No row is written when a moment passes, so that no event can tell of it. access_turns() finds
 * what might end within the time asked about by the columns that hold ends. Whether and when it
 * really ends is then asked of the rights (course_rights_end(), premium_end()), which know
 * every other source, renewal and setting. A new source of access that ends is one more part of
 * find_ending.
 *
 * Rights: reads with the owner's; only the server may call. Locks: none.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "access/course_rights.h"
#include "billing/premium.h"
#include "core/args.h"
#include "core/compat.h"
#include "core/owner.h"
#include "core/plan.h"
#include "events/access.h"
#include "events/event.h"

#define LINE_ENDS "s.access_until >= $1 AND s.access_until < $2"

/* Each course once a person, by whichever source was found; without a course: what
 * the line itself gives.
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

/* Those that end in [from, to). */
typedef struct Turns
{
	TimestampTz from;
	TimestampTz to;
	Turn *list;
	int count;
} Turns;

static Turns turns_find(TimestampTz from, TimestampTz to);
static void entitlement_turns(Turns *turns, const EntitlementNames *names,
							  const pg_uuid_t *user, char *source);
static void turn_add(Turns *turns, TimestampTz end, const pg_uuid_t *user, char *subject,
					 char *source);
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
	Turns turns;

	args_require_all(fcinfo);
	compat_materialize(fcinfo);
	turns = turns_find(PG_GETARG_TIMESTAMPTZ(0), PG_GETARG_TIMESTAMPTZ(1));
	qsort(turns.list, turns.count, sizeof(Turn), turn_compare);
	for (int i = 0; i < turns.count; i++)
		turn_return(fcinfo, &turns.list[i]);
	return (Datum) 0;
}

/*
 * Finds the turns, in no order. The list is in the caller's memory, because SPI_finish() frees
 * what is allocated meanwhile. It has room for one turn a course and one for each entitlement
 * of a line: entitlement_names() names at least one. It may pass 1 GB where a whole shop ends
 * at once.
 */
static Turns
turns_find(TimestampTz from, TimestampTz to)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum window[] = {TimestampTzGetDatum(from), TimestampTzGetDatum(to)};
	EntitlementNames names = entitlement_names();
	Turns turns = {.from = from, .to = to};
	SPITupleTable *rows;
	uint64 found;

	SPI_connect();
	found = owner_execute(&find_ending, window, NULL, true);
	rows = SPI_tuptable;
	turns.list = MemoryContextAllocExtended(caller, (found * names.count + 1) * sizeof(Turn),
											MCXT_ALLOC_HUGE);
	for (uint64 row = 0; row < found; row++)
	{
		pg_uuid_t user, course;
		char *source;

		CHECK_FOR_INTERRUPTS();
		/* the rights run statements of their own, which overwrite it */
		SPI_tuptable = rows;
		user = plan_uuid(row, ENDING_USER);
		source = plan_text(row, ENDING_SOURCE);
		MemoryContextSwitchTo(caller);
		/* when the access that was found ends, over all sources */
		if (plan_uuid_or_null(row, ENDING_COURSE, &course))
			turn_add(&turns, course_rights_end(&user, &course, COURSE_BY_REAL), &user,
					 event_subject("courses", &course), source);
		else
			entitlement_turns(&turns, &names, &user, source);
	}
	SPI_finish();
	return turns;
}

static void
entitlement_turns(Turns *turns, const EntitlementNames *names, const pg_uuid_t *user,
				  char *source)
{
	for (int i = 0; i < names->count; i++)
	{
		EntitlementAsk ask = {ENTITLEMENT_NAMED, names->names[i]};

		turn_add(turns, premium_end(&ask, user), user,
				 psprintf(SUBJECT_OF_ENTITLEMENT "%s", names->names[i]), source);
	}
}

/*
 * Keeps an end within [from, to). What was found by its column may end elsewhere: another
 * source lasts longer, or nothing is given at all (DT_NOBEGIN).
 */
static void
turn_add(Turns *turns, TimestampTz end, const pg_uuid_t *user, char *subject, char *source)
{
	if (end != DT_NOBEGIN && end >= turns->from && end < turns->to)
		turns->list[turns->count++] = (Turn){end, *user, subject, source};
}

/* By time, then person, then subject: the same call gives the same order. */
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
