/*
 * grant.c: tells of grants that have an end: sold for a time, or given until one.
 *
 * Grants without an end stand in user_course_access, whose trigger (access.c) tells of them.
 * The statements here find the people and courses whose grants may have moved an end; when the
 * access ended before and ends now is read from all rows (course_changed_tell()). A grant
 * counts while its purchase is not refunded. Nearly all grants have no end, and a statement
 * that wrote no other starts none of these, which takes longer than the rest of what is told of
 * a sale.
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

/* People and courses of grants that have an end, or had one. */
#define MADE "SELECT n.user_id, n.course_id FROM changed n WHERE n.expires_at IS NOT NULL"
#define GONE "SELECT o.user_id, o.course_id FROM was o WHERE o.expires_at IS NOT NULL"
#define EACH_ONCE(rows)                                                                        \
	"SELECT DISTINCT m.user_id, m.course_id FROM (" rows ") m ORDER BY m.user_id, m.course_id"

static KeptPlan find_made = {.sql = EACH_ONCE(MADE)};
static KeptPlan find_moved = {.sql = EACH_ONCE(MADE " UNION ALL " GONE)};
static KeptPlan find_gone = {.sql = EACH_ONCE(GONE)};

/* A refund takes away what the purchase gave until an end, its reversal gives it again. */
static KeptPlan find_refunded = {
	.sql = EACH_ONCE("SELECT g.user_id, g.course_id FROM changed n JOIN was o ON o.id = n.id"
					 " JOIN coursebase.course_grants g"
					 "  ON g.purchase_id = n.id AND g.user_id = n.user_id"
					 " WHERE g.expires_at IS NOT NULL"
					 "  AND (o.refunded_at IS NULL) <> (n.refunded_at IS NULL)"),
};

/*
 * What a TRUNCATE takes, which has no transition tables. Of who also has a grant without an end
 * the trigger of user_course_access tells, unless it has told already that this one goes ($1).
 */
static KeptPlan find_emptied = {
	.sql = "SELECT g.user_id, g.course_id, max(g.expires_at) FROM coursebase.course_grants g"
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
	MOVED_WAS, /* of find_emptied alone */
};

static bool some_ends(Changes *changes);
static void moved_tell(KeptPlan *find);
static void emptied_tell(Datum *values);

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
		emptied_tell(&access_emptied);
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
		moved_tell(TRIGGER_FIRED_BY_INSERT(data->tg_event)   ? &find_made
				   : TRIGGER_FIRED_BY_UPDATE(data->tg_event) ? &find_moved
															 : &find_gone);
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
	moved_tell(&find_refunded);
}

static void
moved_tell(KeptPlan *find)
{
	uint64 count = owner_execute_latest(find, NULL, NULL);
	SPITupleTable *rows = SPI_tuptable;
	CommandId since = access_snapshot_push();

	for (uint64 row = 0; row < count; row++)
	{
		pg_uuid_t user, course;

		SPI_tuptable = rows; /* the statement that writes an event has set its own */
		user = plan_uuid(row, MOVED_USER);
		course = plan_uuid(row, MOVED_COURSE);
		course_changed_tell(&user, &course, since, SOURCE_GRANT);
	}
	PopActiveSnapshot();
}

static void
emptied_tell(Datum *values)
{
	uint64 count = owner_execute_latest(&find_emptied, values, NULL);
	SPITupleTable *rows = SPI_tuptable;

	access_snapshot_push();
	for (uint64 row = 0; row < count; row++)
	{
		pg_uuid_t user, course;
		TimestampTz was;

		SPI_tuptable = rows; /* the statement that writes an event has set its own */
		user = plan_uuid(row, MOVED_USER);
		course = plan_uuid(row, MOVED_COURSE);
		was = plan_time(row, MOVED_WAS);
		course_tell(&user, &course, COURSE_BY_REAL & ~COURSE_BY_GRANT, was, DT_NOBEGIN,
					SOURCE_GRANT);
	}
	PopActiveSnapshot();
}
