/*
 * person.c: tells what a person has completed and spent, and that an account was closed.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"

#include "core/owner.h"
#include "core/plan.h"
#include "core/row_trigger.h"
#include "core/setting.h"
#include "events/changes.h"
#include "events/event.h"

/*
 * Courses of which a lesson that is shown was completed now, and none that is shown is left: as
 * course_progress() counts. The last one of several that a statement brings tells once.
 */
static KeptPlan find_completed = {
	.sql = "SELECT DISTINCT n.user_id, s.course_id FROM changed n"
		   " JOIN coursebase.lessons l ON l.id = n.lesson_id AND l.status <> 'private'"
		   " JOIN coursebase.course_sections s ON s.id = l.section_id AND s.status = 'public'"
		   " WHERE NOT EXISTS (SELECT FROM coursebase.course_sections o"
		   "  JOIN coursebase.lessons k ON k.section_id = o.id AND k.status <> 'private'"
		   "  WHERE o.course_id = s.course_id AND o.status = 'public' AND NOT EXISTS ("
		   "   SELECT FROM coursebase.user_lesson_complete c"
		   "   WHERE c.user_id = n.user_id AND c.lesson_id = k.id))"
		   " ORDER BY n.user_id, s.course_id",
};

/* What a row of ai_usage says. */
typedef struct Credits
{
	int64 left;
	bool used; /* something of the week's or the bank's is spent */
	TimestampTz week_end;
} Credits;

typedef struct CreditColumns
{
	int weekly_limit;
	int weekly_used;
	int bank_limit;
	int bank_used;
	int week_end;
} CreditColumns;

static Credits credits_read(TupleTableSlot *row, const CreditColumns *columns);
static bool credits_fell(const Credits *was, const Credits *is, int64 low);

PG_FUNCTION_INFO_V1(coursebase_tg_user_lesson_complete__tell);
PG_FUNCTION_INFO_V1(coursebase_tg_ai_usage__tell);
PG_FUNCTION_INFO_V1(coursebase_tg_users__tell);

/*
 * SQL function: tg_user_lesson_complete__tell() returns trigger
 *
 * One statement over the transition table answers for all rows: a load of many completions asks
 * once, and not once a row.
 */
PGDLLEXPORT Datum
coursebase_tg_user_lesson_complete__tell(PG_FUNCTION_ARGS)
{
	Changes changes;
	SPITupleTable *rows;
	uint64 count;

	if (!changes_begin(&changes, fcinfo, "tg_user_lesson_complete__tell", CHANGES_INSERT))
		return PointerGetDatum(NULL);
	/* the name "changed" in the statement is that of the transition table */
	trigger_tables_show(changes.data);
	count = owner_execute_latest(&find_completed, NULL, NULL);
	rows = SPI_tuptable;
	for (uint64 row = 0; row < count; row++)
	{
		pg_uuid_t user, course;

		SPI_tuptable = rows; /* the statement that writes an event has set its own */
		user = plan_uuid(row, 1);
		course = plan_uuid(row, 2);
		event_write("course_completed", &user, event_subject("courses", &course), NULL,
					DT_NOEND);
	}
	changes_end(&changes);
	return PointerGetDatum(NULL);
}

/* SQL function: tg_ai_usage__tell() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_ai_usage__tell(PG_FUNCTION_ARGS)
{
	Changes changes;
	CreditColumns columns;
	int user;
	int64 low;

	if (!changes_begin(&changes, fcinfo, "tg_ai_usage__tell", CHANGES_UPDATE))
		return PointerGetDatum(NULL);
	user = changes_column(&changes, "user_id", UUIDOID);
	columns = (CreditColumns){
		.weekly_limit = changes_column(&changes, "weekly_limit_credits", INT8OID),
		.weekly_used = changes_column(&changes, "weekly_used_credits", INT8OID),
		.bank_limit = changes_column(&changes, "bank_limit_credits", INT8OID),
		.bank_used = changes_column(&changes, "bank_used_credits", INT8OID),
		.week_end = changes_column(&changes, "weekly_reset_date", TIMESTAMPTZOID),
	};
	low = setting_integer("events_credits_low");
	while (changes_next(&changes))
	{
		Credits was = credits_read(changes.was, &columns);
		Credits is = credits_read(changes.is, &columns);
		const pg_uuid_t *whose = row_uuid(changes.is, user);

		if (credits_fell(&was, &is, low))
			event_write("credits_low", whose, event_subject("ai_usage", whose), NULL,
						is.week_end);
	}
	changes_end(&changes);
	return PointerGetDatum(NULL);
}

/*
 * SQL function: tg_users__tell() returns trigger
 *
 * Deleting an account sets deleted_at and keeps the row, so that an UPDATE is what closes it.
 */
PGDLLEXPORT Datum
coursebase_tg_users__tell(PG_FUNCTION_ARGS)
{
	Changes changes;

	if (changes_begin(&changes, fcinfo, "tg_users__tell", CHANGES_UPDATE))
	{
		int id = changes_column(&changes, "id", UUIDOID);
		int deleted_at = changes_column(&changes, "deleted_at", TIMESTAMPTZOID);

		while (changes_next(&changes))
			if (row_time(changes.was, deleted_at, DT_NOBEGIN) == DT_NOBEGIN &&
				row_time(changes.is, deleted_at, DT_NOBEGIN) != DT_NOBEGIN)
				event_write("account_closed", row_uuid(changes.is, id),
							event_subject("users", row_uuid(changes.is, id)), NULL, DT_NOEND);
		changes_end(&changes);
	}
	return PointerGetDatum(NULL);
}

/* What is left over both pots, as credit_balance() adds it up. */
static Credits
credits_read(TupleTableSlot *row, const CreditColumns *columns)
{
	int64 weekly_used = row_int64(row, columns->weekly_used, 0);
	int64 bank_used = row_int64(row, columns->bank_used, 0);

	return (Credits){
		.left = row_int64(row, columns->weekly_limit, 0) - weekly_used +
				row_int64(row, columns->bank_limit, 0) - bank_used,
		.used = weekly_used > 0 || bank_used > 0,
		.week_end = row_time(row, columns->week_end, DT_NOEND),
	};
}

/*
 * Whether the statement made the credits fall below the limit. In a new week they may fall
 * again, and are told again. Somebody who never used any has few because none were given, which
 * is not worth an event.
 */
static bool
credits_fell(const Credits *was, const Credits *is, int64 low)
{
	return is->used && is->left < low && (was->left >= low || was->week_end != is->week_end);
}
