/*
 * access_end.c: until when purchases give their courses.
 *
 * Invariant: the end of a purchase's grant follows from the terms of all purchases of the buyer
 * that give the course and count, and from the direct grants with an end, in the order in which
 * they began. It is the same whichever of them was recorded first, and when one of them is
 * refunded, the later ones are counted as if it had never been.
 *
 * Locks: the caller holds the buyers' rows of users. Rights: those of the tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "utils/timestamp.h"

#include "core/datum.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/row_trigger.h"
#include "core/statement_mark.h"
#include "identity/anchor.h"
#include "sales/access_end.h"

/* The columns of the statements that read a chain. */
enum
{
	CHAIN_GRANT = 1,
	CHAIN_USER,
	CHAIN_COURSE,
	CHAIN_EXPIRES_AT,
	CHAIN_SOLD,
	CHAIN_BEGAN_AT,
	CHAIN_DAYS,
	CHAIN_UNTIL,
};

/*
 * The chain of each pair of person and course: its grants that count and have an end, or whose
 * purchase says that they should, in the order in which they began. A grant whose purchase says
 * so no more is among them by the end that it still has.
 */
#define CHAIN_OF(pairs)                                                                        \
	"SELECT g.id, g.user_id, g.course_id, g.expires_at, s.id IS NOT NULL,"                     \
	" coalesce(s.created_at, g.created_at) AS began_at, s.access_days, s.access_until"         \
	" FROM coursebase.course_grants g"                                                         \
	" LEFT JOIN coursebase.purchases s ON s.id = g.purchase_id"                                \
	" WHERE (g.user_id, g.course_id) IN (" pairs ")"                                           \
	" AND s.refunded_at IS NULL AND (g.expires_at IS NOT NULL"                                 \
	"  OR s.access_days IS NOT NULL OR s.access_until IS NOT NULL)"                            \
	" ORDER BY g.user_id, g.course_id, began_at, s.id NULLS FIRST"

static KeptPlan read_made = {
	.sql = CHAIN_OF("SELECT m.user_id, m.course_id FROM made m WHERE m.expires_at IS NOT NULL"),
};
static KeptPlan read_purchase = {
	.sql = CHAIN_OF("SELECT b.user_id, b.course_id FROM coursebase.course_grants b"
					" WHERE b.purchase_id = $1"),
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan read_pair = {
	.sql = CHAIN_OF("SELECT $1, $2"),
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};
static KeptPlan read_person = {
	.sql = CHAIN_OF("SELECT b.user_id, b.course_id FROM coursebase.course_grants b"
					" WHERE b.user_id = $1"),
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan read_all = {
	.sql = CHAIN_OF("SELECT b.user_id, b.course_id FROM coursebase.course_grants b"
					" JOIN coursebase.purchases o ON o.id = b.purchase_id"
					" WHERE num_nonnulls(o.access_days, o.access_until) > 0"),
};
/* A null is the end of a grant that is for ever. */
static KeptPlan write_ends = {
	.sql = "UPDATE coursebase.course_grants g SET expires_at = n.expires_at"
		   " FROM unnest($1, $2) AS n (id, expires_at) WHERE g.id = n.id",
	.nargs = 2,
	.types = {UUIDARRAYOID, TIMESTAMPTZARRAYOID},
};

/* The grants whose end is another one than is stored. */
typedef struct EndChanges
{
	int count;
	Datum *grants;
	Datum *ends;
	bool *for_ever;
} EndChanges;

/* Marks the statement of this file that writes ends: everybody else is refused. */
static StatementMark writing;

static void ends_write(uint64 rows);
static TimestampTz row_end(uint64 row, TimestampTz latest);
static void changes_write(const EndChanges *changes);

PG_FUNCTION_INFO_V1(coursebase_tg_course_grants__keep_end);

/* Of the grants that the statement has just made, which its trigger sees as "made". */
void
access_ends_write_made(void)
{
	ends_write(owner_execute_latest(&read_made, NULL, NULL));
}

/* Of each course that the purchase gave: a refund moves the ends of what was bought later. */
void
access_ends_write_purchase(Datum purchase)
{
	ends_write(owner_execute_latest(&read_purchase, &purchase, NULL));
}

/* Of one person and course, whose direct grant has changed. */
void
access_ends_write_pair(Datum *user_and_course)
{
	/*
	 * changes_write() below writes grants, whose trigger comes back here: the whole chain is
	 * being written already
	 */
	if (!statement_mark_fires(&writing))
		ends_write(owner_execute_latest(&read_pair, user_and_course, NULL));
}

/* Of every course of a person, who has the purchases of two accounts from now on. */
void
access_ends_write_person(Datum person)
{
	ends_write(owner_execute_latest(&read_person, &person, NULL));
}

/* Of everything that was sold for a time, after rows were loaded without triggers. */
void
access_ends_write_all(void)
{
	ends_write(owner_execute_latest(&read_all, NULL, NULL));
}

/*
 * SQL function: tg_course_grants__keep_end() returns trigger
 *
 * Ends are computed: one that somebody wrote by hand would be gone at the next refund.
 */
PGDLLEXPORT Datum
coursebase_tg_course_grants__keep_end(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_course_grants__keep_end", ROW_BEFORE_UPDATE);

	if (!statement_mark_fires(&writing))
		ereport(ERROR, (errcode(ERRCODE_CB_SET_ONCE),
						errmsg("the end of a purchase's grant follows from the purchase"),
						errdetail("The grant %s belongs to the purchase %s.",
								  trigger_text(data, data->tg_trigtuple, "id"),
								  trigger_text(data, data->tg_trigtuple, "purchase_id")),
						errhint("Change access_days or access_until of the purchase.")));
	return PointerGetDatum(data->tg_newtuple);
}

/* Goes through the rows of SPI_tuptable, and writes the ends that differ from what is stored.
 */
static void
ends_write(uint64 rows)
{
	EndChanges changes = {
		.grants = palloc_extended((rows + 1) * sizeof(Datum), MCXT_ALLOC_HUGE),
		.ends = palloc_extended((rows + 1) * sizeof(Datum), MCXT_ALLOC_HUGE),
		.for_ever = palloc_extended((rows + 1) * sizeof(bool), MCXT_ALLOC_HUGE),
	};
	TimestampTz latest = DT_NOBEGIN;

	for (uint64 row = 0; row < rows; row++)
	{
		TimestampTz end;
		pg_uuid_t user = plan_uuid(row, CHAIN_USER);
		pg_uuid_t course = plan_uuid(row, CHAIN_COURSE);

		if (row > 0)
		{
			pg_uuid_t user_before = plan_uuid(row - 1, CHAIN_USER);
			pg_uuid_t course_before = plan_uuid(row - 1, CHAIN_COURSE);

			if (!uuid_equal(&user, &user_before) || !uuid_equal(&course, &course_before))
				latest = DT_NOBEGIN;
		}
		end = row_end(row, latest);
		/* what never ends is extended by nothing, and extends nothing */
		if (end != DT_NOEND)
			latest = Max(latest, end);
		if (end == plan_time_or(row, CHAIN_EXPIRES_AT, DT_NOEND))
			continue;
		changes.grants[changes.count] = plan_value_as(row, CHAIN_GRANT, UUIDOID, NULL);
		changes.ends[changes.count] = TimestampTzGetDatum(end);
		changes.for_ever[changes.count++] = end == DT_NOEND;
	}
	if (changes.count > 0)
		changes_write(&changes);
}

/* The end that a row of the chain should have; a direct grant has the one that it was given. */
static TimestampTz
row_end(uint64 row, TimestampTz latest)
{
	AccessTerms terms = {.until = DT_NOEND};
	bool no_days;
	Datum days;

	if (!plan_bool(row, CHAIN_SOLD))
		return plan_time_or(row, CHAIN_EXPIRES_AT, DT_NOEND);
	terms.sold_at = plan_time(row, CHAIN_BEGAN_AT);
	days = plan_value_as(row, CHAIN_DAYS, INT4OID, &no_days);
	terms.days = no_days ? 0 : DatumGetInt32(days);
	terms.until = plan_time_or(row, CHAIN_UNTIL, DT_NOEND);
	return access_end(&terms, latest);
}

/* One statement for all rows, whose people are locked. The marks go back on every way out, so
 * that an error leaves no door open. */
static void
changes_write(const EndChanges *changes)
{
	Datum values[] = {
		array_of(UUIDOID, changes->grants, NULL, changes->count),
		array_of(TIMESTAMPTZOID, changes->ends, changes->for_ever, changes->count),
	};
	StatementMark outer = statement_mark_set(&writing);
	StatementMark held = statement_mark_set(&anchor_held);

	PG_TRY();
	{
		owner_execute_latest(&write_ends, values, NULL);
	}
	PG_FINALLY();
	{
		writing = outer;
		anchor_held = held;
	}
	PG_END_TRY();
}
