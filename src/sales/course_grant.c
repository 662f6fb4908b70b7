/*
 * course_grant.c: keeps user_course_access equal to what course_grants gives.
 *
 * Invariant: a person has a row of user_course_access for a course exactly while a grant of
 * that course counts. A direct grant (purchase_id NULL) always counts; the grant of a purchase
 * counts until the purchase is refunded in full. The invariant holds whichever of the two
 * tables is written: an INSERT into user_course_access that no grant explains records a direct
 * grant, and a DELETE from user_course_access deletes the grants that counted. The grants of a
 * refunded purchase stay as a record. A TRUNCATE of either table is a DELETE of all its rows.
 *
 * Locks: every decision is made under the lock of the person's row of users, and is read with a
 * snapshot taken after that lock, at every isolation level. An INSERT takes the lock in a
 * BEFORE trigger (tg_any__lock_user), before its own row is there. A plain DELETE locks its own
 * row first, in the opposite order: a program that deletes while others sell and refund should
 * lock the person's row of users before, or be ready for a deadlock error.
 *
 * Rights: everything is locked, read and written with those of the tables' owner, because a
 * buyer may not write grants and row security hides those of other people.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/uuid.h"

#include "core/datum.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/restore.h"
#include "core/row_trigger.h"
#include "identity/anchor.h"
#include "identity/audit.h"

/* Whether a grant counts; the same condition stands in both statements that delete grants. */
static KeptPlan read_counting = {
	.sql = "SELECT FROM coursebase.course_grants g"
		   " WHERE g.user_id = $1 AND g.course_id = $2 AND NOT EXISTS ("
		   "  SELECT FROM coursebase.purchases p"
		   "  WHERE p.id = g.purchase_id AND p.refunded_at IS NOT NULL)",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};
static KeptPlan write_direct = {
	.sql = "INSERT INTO coursebase.course_grants (user_id, course_id) VALUES ($1, $2)"
		   " ON CONFLICT (user_id, course_id, purchase_id) DO NOTHING",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};
static KeptPlan delete_counting = {
	.sql = "DELETE FROM coursebase.course_grants g"
		   " WHERE g.user_id = $1 AND g.course_id = $2 AND NOT EXISTS ("
		   "  SELECT FROM coursebase.purchases p"
		   "  WHERE p.id = g.purchase_id AND p.refunded_at IS NOT NULL)",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};
/*
 * Not ON CONFLICT DO NOTHING: that would wait for another session that is deleting the same row
 * and itself waits for the lock of users. For NOT EXISTS the row is still there; the other
 * session's DELETE is decided after this transaction.
 */
static KeptPlan write_access = {
	.sql = "INSERT INTO coursebase.user_course_access (user_id, course_id)"
		   " SELECT $1, $2 WHERE NOT EXISTS (SELECT FROM coursebase.user_course_access a"
		   "  WHERE a.user_id = $1 AND a.course_id = $2)",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};
static KeptPlan delete_access = {
	.sql = "DELETE FROM coursebase.user_course_access WHERE user_id = $1 AND course_id = $2",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};
static KeptPlan delete_all_counting = {
	.sql = "DELETE FROM coursebase.course_grants g WHERE NOT EXISTS ("
		   " SELECT FROM coursebase.purchases p"
		   " WHERE p.id = g.purchase_id AND p.refunded_at IS NOT NULL)",
};
static KeptPlan delete_all_access = {
	.sql = "DELETE FROM coursebase.user_course_access",
};
static KeptPlan find_purchase = {
	.sql = "SELECT FROM coursebase.purchases WHERE id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};
/* Ordered, so that all calls write the rows of one person in the same order. */
static KeptPlan read_courses_of_purchase = {
	.sql = "SELECT g.course_id FROM coursebase.course_grants g"
		   " WHERE g.purchase_id = $1 AND g.user_id = $2 ORDER BY g.course_id",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};

static bool purchase_exists(const pg_uuid_t *purchase);
static bool truncated(FunctionCallInfo fcinfo, KeptPlan *plan);
static void access_project(Datum *user_and_course);
static bool grant_counts(Datum *user_and_course);

PG_FUNCTION_INFO_V1(coursebase_tg_course_grants__project);
PG_FUNCTION_INFO_V1(coursebase_tg_course_grants__audit);
PG_FUNCTION_INFO_V1(coursebase_tg_user_course_access__record);
PG_FUNCTION_INFO_V1(coursebase_tg_purchases__project);

/*
 * SQL function: tg_course_grants__project() returns trigger
 *
 * If the person's row of users is gone, do nothing: the cascade of the foreign keys deletes
 * both tables' rows.
 */
PGDLLEXPORT Datum
coursebase_tg_course_grants__project(PG_FUNCTION_ARGS)
{
	TriggerData *data;
	Datum keys[2];

	if (truncated(fcinfo, &delete_all_access))
		return PointerGetDatum(NULL);
	data = trigger_expect(fcinfo, "tg_course_grants__project", ROW_AFTER_CHANGE);
	if (restore_under_way())
		return PointerGetDatum(NULL);
	keys[0] = trigger_value(data, data->tg_trigtuple, "user_id");
	keys[1] = trigger_value(data, data->tg_trigtuple, "course_id");
	SPI_connect();
	if (anchor_user(DatumGetUUIDP(keys[0])) != ANCHORED_NONE)
		access_project(keys);
	SPI_finish();
	return PointerGetDatum(NULL);
}

/*
 * SQL function: tg_course_grants__audit() returns trigger
 *
 * For direct grants, and for a purchase's grant that is deleted by hand: purchases records who
 * bought what, but nothing else records who gave or took a course. A grant that is deleted with
 * its purchase is not audited.
 */
PGDLLEXPORT Datum
coursebase_tg_course_grants__audit(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_course_grants__audit", ROW_AFTER_CHANGE);
	HeapTuple row = trigger_written_row(data);
	bool given = TRIGGER_FIRED_BY_INSERT(data->tg_event);
	char *object = psprintf("course_grants/%s", trigger_text(data, row, "id"));
	pg_uuid_t purchase;
	char *content;

	if (restore_under_way())
		return PointerGetDatum(NULL);
	if (trigger_uuid(data, row, "purchase_id", &purchase))
	{
		if (!purchase_exists(&purchase))
			return PointerGetDatum(NULL);
		object = psprintf("purchases/%s", uuid_text(&purchase));
	}
	content =
		psprintf("{\"user_id\": \"%s\", \"course_id\": \"%s\"}",
				 trigger_text(data, row, "user_id"), trigger_text(data, row, "course_id"));
	audit_write(given ? "course_granted" : "course_grant_taken", object, given ? NULL : content,
				given ? content : NULL);
	return PointerGetDatum(NULL);
}

static bool
purchase_exists(const pg_uuid_t *purchase)
{
	Datum key = UUIDPGetDatum(purchase);
	bool exists;

	SPI_connect();
	exists = owner_execute_latest(&find_purchase, &key, NULL) > 0;
	SPI_finish();
	return exists;
}

/*
 * SQL function: tg_user_course_access__record() returns trigger
 *
 * The triggers of course_grants write user_course_access as well and so fire this trigger. A
 * row that they inserted has a grant that counts, and a row that they deleted has none left, so
 * that nothing is recorded or deleted twice.
 */
PGDLLEXPORT Datum
coursebase_tg_user_course_access__record(PG_FUNCTION_ARGS)
{
	TriggerData *data;
	Datum keys[2];

	if (truncated(fcinfo, &delete_all_counting))
		return PointerGetDatum(NULL);
	data = trigger_expect(fcinfo, "tg_user_course_access__record", ROW_AFTER_CHANGE);
	if (restore_under_way())
		return PointerGetDatum(NULL);
	keys[0] = trigger_value(data, data->tg_trigtuple, "user_id");
	keys[1] = trigger_value(data, data->tg_trigtuple, "course_id");
	SPI_connect();
	if (anchor_user(DatumGetUUIDP(keys[0])) != ANCHORED_NONE)
	{
		if (TRIGGER_FIRED_BY_DELETE(data->tg_event))
			owner_execute_latest(&delete_counting, keys, NULL);
		else if (!grant_counts(keys))
			owner_execute_latest(&write_direct, keys, NULL);
	}
	SPI_finish();
	return PointerGetDatum(NULL);
}

/*
 * SQL function: tg_purchases__project() returns trigger
 *
 * Fires when refunded_at changes. The courses are copied before anything is written, because
 * the next statement overwrites SPI_tuptable.
 */
PGDLLEXPORT Datum
coursebase_tg_purchases__project(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_purchases__project", ROW_AFTER_CHANGE);
	Datum keys[] = {trigger_value(data, data->tg_trigtuple, "id"),
					trigger_value(data, data->tg_trigtuple, "user_id")};
	pg_uuid_t *courses;
	uint64 count;

	if (restore_under_way())
		return PointerGetDatum(NULL);
	SPI_connect();
	anchor_user(DatumGetUUIDP(keys[1]));
	count = owner_execute(&read_courses_of_purchase, keys, NULL, false);
	courses = palloc_extended((count + 1) * sizeof(pg_uuid_t), MCXT_ALLOC_HUGE);
	for (uint64 i = 0; i < count; i++)
		courses[i] = plan_uuid(i, 1);
	for (uint64 i = 0; i < count; i++)
	{
		Datum user_and_course[] = {keys[1], UUIDPGetDatum(&courses[i])};

		access_project(user_and_course);
	}
	SPI_finish();
	return PointerGetDatum(NULL);
}

/*
 * Whether the trigger fired for a TRUNCATE. Then the plan, unless a restore is under way, has
 * deleted the rows of the other table.
 */
static bool
truncated(FunctionCallInfo fcinfo, KeptPlan *plan)
{
	TriggerData *data = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BY_TRUNCATE(data->tg_event) ||
		!TRIGGER_FIRED_AFTER(data->tg_event))
		return false;
	if (restore_under_way())
		return true;
	SPI_connect();
	owner_execute_latest(plan, NULL, NULL);
	SPI_finish();
	return true;
}

/* Inserts or deletes the row of user_course_access. The caller holds the lock of the person. */
static void
access_project(Datum *user_and_course)
{
	owner_execute_latest(grant_counts(user_and_course) ? &write_access : &delete_access,
						 user_and_course, NULL);
}

/* Whether a grant of the course counts, by a snapshot of this moment: the lock is held. */
static bool
grant_counts(Datum *user_and_course)
{
	return owner_execute_latest(&read_counting, user_and_course, NULL) > 0;
}
