/*
 * course_grant.c: keeps user_course_access equal to what course_grants gives.
 *
 * Invariant: a person has a row of user_course_access for a course exactly while a grant of
 * that course without an end counts. A direct grant (purchase_id NULL) always counts; the grant
 * of a purchase counts until the purchase is refunded in full. The invariant holds whichever of
 * the two tables is written: an INSERT into user_course_access that no grant explains records a
 * direct grant, and a DELETE from user_course_access deletes the grants that explained it. The
 * grants of a refunded purchase stay as a record. A TRUNCATE of either table is a DELETE of all
 * its rows. A grant with an end has no row, so that a query that knows no ends gives nothing by
 * it; grants_may_end of its course says that there is one.
 *
 * Locks: every decision is made under the lock of the person's row of users, and is read with a
 * snapshot taken after that lock, at every isolation level. An INSERT takes the lock in a
 * BEFORE trigger (tg_any__lock_user), before its own row is there. A plain UPDATE or DELETE
 * locks its own row first, in the opposite order, and then waits as core/lock_behind.h says.
 *
 * Rights: everything is locked, read and written with those of the tables' owner, because a
 * buyer may not write grants and row security hides those of other people.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "core/compat.h"
#include "core/datum.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/restore.h"
#include "core/row_trigger.h"
#include "identity/anchor.h"
#include "identity/audit.h"
#include "sales/access_end.h"
#include "sales/course_grant.h"
#include "sales/derive.h"

/* A grant that explains a row of user_course_access. */
#define EXPLAINS                                                                               \
	"g.expires_at IS NULL AND NOT EXISTS (SELECT FROM coursebase.purchases p"                  \
	" WHERE p.id = g.purchase_id AND p.refunded_at IS NOT NULL)"

static KeptPlan read_counting = {
	.sql = "SELECT FROM coursebase.course_grants g"
		   " WHERE g.user_id = $1 AND g.course_id = $2 AND " EXPLAINS,
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};
/*
 * Plain SQL that inserts a row of user_course_access gives the course for ever: a direct grant
 * that has an end loses it.
 */
static KeptPlan write_direct_made = {
	.sql = "INSERT INTO coursebase.course_grants (user_id, course_id)"
		   " SELECT m.user_id, m.course_id FROM made m WHERE NOT EXISTS ("
		   "  SELECT FROM coursebase.course_grants g"
		   "  WHERE g.user_id = m.user_id AND g.course_id = m.course_id AND " EXPLAINS ")"
		   " ORDER BY m.user_id, m.course_id"
		   " ON CONFLICT (user_id, course_id, purchase_id) DO UPDATE SET expires_at = NULL",
};
static KeptPlan delete_counting = {
	.sql = "DELETE FROM coursebase.course_grants g"
		   " WHERE g.user_id = $1 AND g.course_id = $2 AND " EXPLAINS,
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
/* The same for all grants that a statement inserted, in the order of the rows' locks. */
static KeptPlan write_access_made = {
	.sql = "INSERT INTO coursebase.user_course_access (user_id, course_id)"
		   " SELECT DISTINCT g.user_id, g.course_id FROM made g WHERE " EXPLAINS
		   " AND NOT EXISTS (SELECT FROM coursebase.user_course_access a"
		   "  WHERE a.user_id = g.user_id AND a.course_id = g.course_id)"
		   " ORDER BY g.user_id, g.course_id",
};
static KeptPlan find_made_end = {
	.sql = "SELECT FROM made m WHERE m.expires_at IS NOT NULL LIMIT 1",
};
/* Locked in the order of the ids, so that two sales that are the first of their courses wait
 * for each other. */
static KeptPlan write_may_end_made = {
	.sql = "UPDATE coursebase.courses c SET grants_may_end = true FROM ("
		   "  SELECT k.id FROM coursebase.courses k WHERE NOT k.grants_may_end AND k.id IN ("
		   "   SELECT m.course_id FROM made m WHERE m.expires_at IS NOT NULL)"
		   "  ORDER BY k.id FOR NO KEY UPDATE) l WHERE c.id = l.id",
};
static KeptPlan write_may_end = {
	.sql = "UPDATE coursebase.courses c SET grants_may_end = true"
		   " WHERE NOT c.grants_may_end AND c.id = $2",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};
static KeptPlan delete_access = {
	.sql = "DELETE FROM coursebase.user_course_access WHERE user_id = $1 AND course_id = $2",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};
static KeptPlan delete_all_counting = {
	.sql = "DELETE FROM coursebase.course_grants g WHERE " EXPLAINS,
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

/*
 * The statement whose triggers are writing what follows from it. No trigger that failed leaves
 * it behind: its subtransaction is active no longer.
 */
static struct
{
	bool under_way;
	LocalTransactionId transaction;
	SubTransactionId subtransaction;
	CommandId since;
} derived;

static bool has_end(TriggerData *data, HeapTuple row);
static bool derived_begin(void);
static void derived_end(bool outermost);
static void audit_content(StringInfo out, TriggerData *data, HeapTuple row);
static bool purchase_exists(const pg_uuid_t *purchase);
static bool has_terms(TriggerData *data, HeapTuple row);
static bool truncated(FunctionCallInfo fcinfo, KeptPlan *plan);
static void access_project(Datum *user_and_course);
static bool grant_counts(Datum *user_and_course);

PG_FUNCTION_INFO_V1(coursebase_tg_course_grants__project);
PG_FUNCTION_INFO_V1(coursebase_tg_course_grants__project_made);
PG_FUNCTION_INFO_V1(coursebase_tg_course_grants__audit);
PG_FUNCTION_INFO_V1(coursebase_tg_user_course_access__record);
PG_FUNCTION_INFO_V1(coursebase_tg_user_course_access__record_made);
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
	bool outermost;

	if (truncated(fcinfo, &delete_all_access))
		return PointerGetDatum(NULL);
	data = trigger_expect(fcinfo, "tg_course_grants__project", ROW_AFTER_CHANGE);
	if (restore_under_way())
		return PointerGetDatum(NULL);
	keys[0] = trigger_value_as(data, data->tg_trigtuple, "user_id", UUIDOID);
	keys[1] = trigger_value_as(data, data->tg_trigtuple, "course_id", UUIDOID);
	outermost = derived_begin();
	SPI_connect();
	if (anchor_user_behind(DatumGetUUIDP(keys[0])) != ANCHORED_NONE)
	{
		HeapTuple after = trigger_row_after(data);

		if (has_end(data, after))
			owner_execute_latest(&write_may_end, keys, NULL);
		if (has_end(data, data->tg_trigtuple) || has_end(data, after))
			access_ends_write_pair(keys);
		access_project(keys);
	}
	SPI_finish();
	derived_end(outermost);
	return PointerGetDatum(NULL);
}

/*
 * SQL function: tg_course_grants__project_made() returns trigger
 *
 * After each INSERT, with the new rows as table "made". The people were locked before their
 * rows were inserted (tg_any__lock_user).
 */
PGDLLEXPORT Datum
coursebase_tg_course_grants__project_made(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect_statement(fcinfo, "tg_course_grants__project_made");
	bool outermost;

	if (restore_under_way() || trigger_rows_written(data) == 0)
		return PointerGetDatum(NULL);
	outermost = derived_begin();
	SPI_connect();
	trigger_tables_show(data);
	if (owner_execute_latest(&find_made_end, NULL, NULL) > 0)
	{
		owner_execute_latest(&write_may_end_made, NULL, NULL);
		access_ends_write_made();
	}
	derive_execute(&write_access_made, NULL);
	SPI_finish();
	derived_end(outermost);
	return PointerGetDatum(NULL);
}

/* Whether the row has an end; false for no row. */
static bool
has_end(TriggerData *data, HeapTuple row)
{
	return row != NULL && trigger_text_or_null(data, row, "expires_at") != NULL;
}

/*
 * SQL function: tg_course_grants__audit() returns trigger
 *
 * For direct grants and their ends, and for a purchase's grant that is deleted by hand:
 * purchases records who bought what, but nothing else records who gave or took a course. A
 * grant that is deleted with its purchase is not audited.
 */
PGDLLEXPORT Datum
coursebase_tg_course_grants__audit(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_course_grants__audit", ROW_AFTER_CHANGE);
	HeapTuple row = data->tg_trigtuple;
	HeapTuple before = trigger_row_before(data);
	HeapTuple after = trigger_row_after(data);
	char *object = psprintf("course_grants/%s", trigger_text(data, row, "id"));
	pg_uuid_t purchase;
	StringInfoData old, new;

	if (restore_under_way())
		return PointerGetDatum(NULL);
	if (trigger_uuid(data, row, "purchase_id", &purchase))
	{
		if (!purchase_exists(&purchase))
			return PointerGetDatum(NULL);
		object = psprintf("purchases/%s", uuid_text(&purchase));
	}
	audit_content(&old, data, before);
	audit_content(&new, data, after);
	audit_write(before == NULL  ? "course_granted"
				: after == NULL ? "course_grant_taken"
								: "course_grant_changed",
				object, before == NULL ? NULL : old.data, after == NULL ? NULL : new.data);
	return PointerGetDatum(NULL);
}

/* What the audit tells of a row, if there is one. */
static void
audit_content(StringInfo out, TriggerData *data, HeapTuple row)
{
	char *end;

	if (row == NULL)
		return;
	initStringInfo(out);
	appendStringInfo(out, "{\"user_id\": \"%s\", \"course_id\": \"%s\"",
					 trigger_text(data, row, "user_id"), trigger_text(data, row, "course_id"));
	end = trigger_time(data, row, "expires_at");
	if (end != NULL)
		appendStringInfo(out, ", \"expires_at\": \"%s\"", end);
	appendStringInfoChar(out, '}');
}

/*
 * With the newest snapshot: the foreign key deletes grants after the purchase is gone, in the
 * same command.
 */
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
 * The triggers of course_grants delete from user_course_access as well and so fire this
 * trigger. A row that they deleted has no grant left that counts, so that nothing is deleted
 * twice.
 */
PGDLLEXPORT Datum
coursebase_tg_user_course_access__record(PG_FUNCTION_ARGS)
{
	TriggerData *data;
	Datum keys[2];

	if (truncated(fcinfo, &delete_all_counting))
		return PointerGetDatum(NULL);
	data = trigger_expect(fcinfo, "tg_user_course_access__record", ROW_AFTER_CHANGE);
	if (derive_under_way() || restore_under_way())
		return PointerGetDatum(NULL);
	keys[0] = trigger_value_as(data, data->tg_trigtuple, "user_id", UUIDOID);
	keys[1] = trigger_value_as(data, data->tg_trigtuple, "course_id", UUIDOID);
	SPI_connect();
	if (anchor_user_behind(DatumGetUUIDP(keys[0])) != ANCHORED_NONE)
		owner_execute_latest(&delete_counting, keys, NULL);
	SPI_finish();
	return PointerGetDatum(NULL);
}

/*
 * SQL function: tg_user_course_access__record_made() returns trigger
 *
 * After each INSERT, with the new rows as table "made". The people were locked before their
 * rows were inserted (tg_any__lock_user). A row that the triggers of course_grants inserted has
 * a grant that counts, so that nothing is recorded twice.
 */
PGDLLEXPORT Datum
coursebase_tg_user_course_access__record_made(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect_statement(fcinfo, "tg_user_course_access__record_made");

	if (restore_under_way() || trigger_rows_written(data) == 0)
		return PointerGetDatum(NULL);
	SPI_connect();
	trigger_tables_show(data);
	owner_execute_latest(&write_direct_made, NULL, NULL);
	SPI_finish();
	return PointerGetDatum(NULL);
}

/*
 * SQL function: tg_purchases__project() returns trigger
 *
 * Fires when refunded_at or the terms of the end change. The courses are copied before anything
 * is written, because the next statement overwrites SPI_tuptable.
 */
PGDLLEXPORT Datum
coursebase_tg_purchases__project(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_purchases__project", ROW_AFTER_UPDATE);
	Datum keys[] = {trigger_value_as(data, data->tg_trigtuple, "id", UUIDOID),
					trigger_value_as(data, data->tg_trigtuple, "user_id", UUIDOID)};
	pg_uuid_t *courses;
	uint64 count;
	bool outermost;

	if (restore_under_way())
		return PointerGetDatum(NULL);
	outermost = derived_begin();
	SPI_connect(); /* tg_any__lock_user() has locked the person */
	if (has_terms(data, data->tg_trigtuple) || has_terms(data, data->tg_newtuple))
		access_ends_write_purchase(keys[0]);
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
	derived_end(outermost);
	return PointerGetDatum(NULL);
}

/* Whether the purchase gives its courses until an end. */
static bool
has_terms(TriggerData *data, HeapTuple row)
{
	return trigger_text_or_null(data, row, "access_days") != NULL ||
		   trigger_text_or_null(data, row, "access_until") != NULL;
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

/* The caller is a trigger whose statement's snapshot is active. Returns whether no other
 * statement is under way, for derived_end(). */
static bool
derived_begin(void)
{
	CommandId since;

	if (course_grant_derived_since(&since))
		return false;
	derived.under_way = true;
	derived.transaction = compat_local_transaction();
	derived.subtransaction = GetCurrentSubTransactionId();
	derived.since = GetActiveSnapshot()->curcid;
	return true;
}

static void
derived_end(bool outermost)
{
	if (outermost)
		derived.under_way = false;
}

bool
course_grant_derived_since(CommandId *since)
{
	if (!derived.under_way || derived.transaction != compat_local_transaction() ||
		!SubTransactionIsActive(derived.subtransaction))
		return false;
	*since = derived.since;
	return true;
}

/* Whether a grant of the course counts, by a snapshot of this moment: the lock is held. */
static bool
grant_counts(Datum *user_and_course)
{
	return owner_execute_latest(&read_counting, user_and_course, NULL) > 0;
}
