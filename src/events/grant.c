/*
 * grant.c: tells of grants that have an end: sold for a time, or given until one.
 *
 * Grants without an end stand in user_course_access, whose trigger (access.c) tells what
 * changes between having no end and having one. The statements here find only people and
 * courses whose grants all had an end before the statement and all have one after it, or that
 * have no grant at all on one side. A grant counts while its purchase is not refunded. Nearly
 * all grants have no end, and a statement that wrote no other starts none of these, which takes
 * longer than the rest of what is told of a sale.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/snapmgr.h"

#include "access/course_rights.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/row_trigger.h"
#include "events/access.h"
#include "events/changes.h"
#include "events/emptied.h"
#include "events/event.h"
#include "events/grant.h"

#define COUNTS(grant)                                                                          \
	"NOT EXISTS (SELECT FROM coursebase.purchases s WHERE s.id = " grant ".purchase_id"        \
	"  AND s.refunded_at IS NOT NULL)"

/* Of each person and course: the latest end before and after, and that of the other grants. */
#define MOVED(moved, others, but)                                                              \
	"SELECT m.user_id, m.course_id, max(m.was), max(m.is_now),"                                \
	"  (SELECT max(g.expires_at) FROM coursebase.course_grants g"                              \
	"   WHERE g.user_id = m.user_id AND g.course_id = m.course_id AND " COUNTS("g") others     \
		")"                                                                                    \
		" FROM (" moved ") m"                                                                  \
		" WHERE NOT EXISTS (SELECT FROM coursebase.user_course_access a"                       \
		"   WHERE a.user_id = m.user_id AND a.course_id = m.course_id)"                        \
		" GROUP BY m.user_id, m.course_id"                                                     \
		" HAVING bool_and(m.ends) AND max(m.was) IS DISTINCT FROM max(m.is_now)" but           \
		" ORDER BY m.user_id, m.course_id"
#define MADE                                                                                   \
	"SELECT n.user_id, n.course_id, NULL::timestamptz AS was, n.expires_at AS is_now,"         \
	"  n.expires_at IS NOT NULL AS ends FROM changed n WHERE " COUNTS("n")
#define GONE                                                                                   \
	"SELECT o.user_id, o.course_id, o.expires_at AS was, NULL::timestamptz AS is_now,"         \
	"  o.expires_at IS NOT NULL AS ends FROM was o WHERE " COUNTS("o")
/* A DELETE of purchases takes their grants, and no longer shows which were refunded ($1). */
#define GONE_FOR_GOOD                                                                          \
	GONE " AND (o.purchase_id IS NULL OR o.purchase_id NOT IN (SELECT unnest($1)))"
#define UNCHANGED " AND NOT EXISTS (SELECT FROM changed n WHERE n.id = g.id)"

/*
 * The rows as they are now: triggers before this one let what is bought again begin at the end
 * of what was bought before (sales/access_end.h). Of a person and course whose rows they have
 * all moved the UPDATE told that did it; to whom nothing else gives the course by now it told
 * an extension of what only begins here.
 */
static KeptPlan find_made = {
	.sql =
		MOVED("SELECT n.user_id, n.course_id, NULL::timestamptz AS was,"
			  "  g.expires_at AS is_now, g.expires_at IS NOT NULL AS ends,"
			  "  g.expires_at IS DISTINCT FROM n.expires_at AS told"
			  " FROM changed n JOIN coursebase.course_grants g ON g.id = n.id"
			  " WHERE " COUNTS("n"),
			  UNCHANGED,
			  " AND (NOT bool_and(m.told) OR NOT EXISTS (SELECT FROM coursebase.course_grants g"
			  "  WHERE g.user_id = m.user_id AND g.course_id = m.course_id"
			  "  AND g.expires_at > now() AND " COUNTS("g") UNCHANGED "))"),
};
static KeptPlan find_moved = {.sql = MOVED(MADE " UNION ALL " GONE, UNCHANGED, "")};
static KeptPlan find_gone = {
	.sql = MOVED(GONE_FOR_GOOD, "", ""),
	.nargs = 1,
	.types = {UUIDARRAYOID},
};

/* Read as the statement saw them, for by now they may be deleted. */
static KeptPlan find_refunded_before = {
	.sql =
		"SELECT coalesce(array_agg(o.purchase_id), '{}') FROM was o"
		" WHERE (SELECT s.refunded_at FROM coursebase.purchases s WHERE s.id = o.purchase_id)"
		"  IS NOT NULL",
};

/* A refund takes away what the purchase gave until an end, its reversal gives it again. */
static KeptPlan find_refunded = {
	.sql = MOVED(
		"SELECT g.user_id, g.course_id,"
		"  CASE WHEN o.refunded_at IS NULL THEN g.expires_at END AS was,"
		"  CASE WHEN n.refunded_at IS NULL THEN g.expires_at END AS is_now,"
		"  true AS ends FROM changed n JOIN was o ON o.id = n.id"
		" JOIN coursebase.course_grants g ON g.purchase_id = n.id AND g.user_id = n.user_id"
		" WHERE g.expires_at IS NOT NULL"
		"  AND (o.refunded_at IS NULL) <> (n.refunded_at IS NULL)",
		" AND NOT EXISTS (SELECT FROM changed n WHERE n.id = g.purchase_id)", ""),
};

/*
 * What a TRUNCATE takes, which has no transition tables. Of who also has a grant without an end
 * the trigger of user_course_access tells, unless it has told already that this one goes ($1).
 */
static KeptPlan find_emptied = {
	.sql = "SELECT g.user_id, g.course_id, max(g.expires_at), NULL::timestamptz,"
		   "  NULL::timestamptz FROM coursebase.course_grants g"
		   " WHERE g.expires_at IS NOT NULL AND " COUNTS(
			   "g") " AND ($1 OR NOT EXISTS (SELECT FROM coursebase.user_course_access a"
					"  WHERE a.user_id = g.user_id AND a.course_id = g.course_id))"
					" GROUP BY g.user_id, g.course_id ORDER BY g.user_id, g.course_id",
	.nargs = 1,
	.types = {BOOLOID},
};

enum
{
	MOVED_USER = 1,
	MOVED_COURSE,
	MOVED_WAS,
	MOVED_IS,
	MOVED_OTHERS,
};

static bool some_ends(Changes *changes);
static void gone_tell(void);
static void moved_tell(KeptPlan *find, Datum *values);
static TimestampTz end_or_none(uint64 row, int column);

PG_FUNCTION_INFO_V1(coursebase_tg_course_grants__tell);

/* SQL function: tg_course_grants__tell() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_course_grants__tell(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	Datum access_emptied;
	Changes changes;

	if (changes_is_truncate(fcinfo))
	{
		if (!events_wanted())
			return PointerGetDatum(NULL);
		SPI_connect();
		/* before the TRUNCATE, while the rows can still be read */
		access_emptied = BoolGetDatum((emptied_tables() & EMPTIED_ACCESS) != 0);
		moved_tell(&find_emptied, &access_emptied);
		SPI_finish();
		emptied_add(EMPTIED_GRANTS);
		return PointerGetDatum(NULL);
	}
	emptied_forget();
	if (!changes_begin(&changes, fcinfo, "tg_course_grants__tell", CHANGES_ANY))
		return PointerGetDatum(NULL);
	if (some_ends(&changes))
	{
		trigger_tables_show(data);
		if (TRIGGER_FIRED_BY_DELETE(data->tg_event))
			gone_tell();
		else
			moved_tell(TRIGGER_FIRED_BY_INSERT(data->tg_event) ? &find_made : &find_moved,
					   NULL);
	}
	changes_end(&changes);
	return PointerGetDatum(NULL);
}

/* Whether a row has an end, or had one: of others the statements above find nothing. */
static bool
some_ends(Changes *changes)
{
	int end = changes_column(changes, "expires_at", TIMESTAMPTZOID);
	bool some = false;

	while (changes_next(changes))
		some = some ||
			   (changes->is != NULL && row_time(changes->is, end, DT_NOEND) != DT_NOEND) ||
			   (changes->was != NULL && row_time(changes->was, end, DT_NOEND) != DT_NOEND);
	return some;
}

/*
 * Called by the trigger of purchases, whose transition tables say which purchases were refunded
 * or are so no more; no grant is written then.
 */
void
grants_refunded_tell(TriggerData *data)
{
	trigger_tables_show(data);
	moved_tell(&find_refunded, NULL);
}

/* A grant whose purchase was refunded gave nothing, and takes nothing away when it goes. */
static void
gone_tell(void)
{
	Datum refunded;
	bool none;

	owner_execute(&find_refunded_before, NULL, NULL, true);
	refunded = plan_value_as(0, 1, UUIDARRAYOID, &none);
	moved_tell(&find_gone, &refunded);
}

/*
 * "others" are grants that the statement did not touch: the later end counts on both sides, so
 * that a grant that was never the last one tells nothing.
 */
static void
moved_tell(KeptPlan *find, Datum *values)
{
	uint64 count = owner_execute_latest(find, values, NULL);
	SPITupleTable *rows = SPI_tuptable;

	access_snapshot_push();
	for (uint64 row = 0; row < count; row++)
	{
		pg_uuid_t user, course;
		TimestampTz was, is, others;

		SPI_tuptable = rows; /* the statement that writes an event has set its own */
		user = plan_uuid(row, MOVED_USER);
		course = plan_uuid(row, MOVED_COURSE);
		was = end_or_none(row, MOVED_WAS);
		is = end_or_none(row, MOVED_IS);
		others = end_or_none(row, MOVED_OTHERS);
		course_tell(&user, &course, COURSE_BY_REAL & ~COURSE_BY_GRANT, Max(was, others),
					Max(is, others), SOURCE_GRANT);
	}
	PopActiveSnapshot();
}

/* A null means that there is no grant: the access ended before all time. */
static TimestampTz
end_or_none(uint64 row, int column)
{
	bool none;
	Datum end = plan_value_as(row, column, TIMESTAMPTZOID, &none);

	return none ? DT_NOBEGIN : DatumGetTimestampTz(end);
}
