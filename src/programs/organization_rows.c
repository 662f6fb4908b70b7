/*
 * organization_rows.c: how many rows of a table an organisation may have, so that one token of
 * its staff cannot fill the disk that all organisations share.
 *
 * Invariant: an end user's statement leaves no organisation with more rows of the table than
 * the table's setting allows. What the storefront lists, for whoever asks, has a smaller bound.
 * The server and the tables' owner are not bound.
 *
 * Locks: none, for a lock of the organisation would make its staff wait for one another. Of
 * sessions that insert at once each counts what is committed and its own: together they can
 * pass the bound by as much as each of them may insert.
 *
 * Rights: counts with those of the tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/rel.h"
#include "utils/rls.h"

#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/restore.h"
#include "core/row_trigger.h"
#include "core/setting.h"

/* "made" is the transition table. No more is counted than decides. */
#define FIND_FULL(table)                                                                       \
	"SELECT o.id FROM (SELECT DISTINCT m.organization_id AS id FROM made m) o"                 \
	" WHERE (SELECT count(*) FROM (SELECT FROM coursebase." table " t"                         \
	"  WHERE t.organization_id = o.id LIMIT $1 + 1) c) > $1 LIMIT 1"

typedef struct Bound
{
	const char *table;
	const char *setting;
	KeptPlan find_full;
} Bound;

#define ROWS     "rows_an_organization"
#define PROGRAMS "programs_an_organization"

static Bound bounds[] = {
	{"memberships", ROWS, {.sql = FIND_FULL("memberships"), .nargs = 1, .types = {INT8OID}}},
	{"workouts", ROWS, {.sql = FIND_FULL("workouts"), .nargs = 1, .types = {INT8OID}}},
	{"course_workouts",
	 ROWS,
	 {.sql = FIND_FULL("course_workouts"), .nargs = 1, .types = {INT8OID}}},
	{"programs", PROGRAMS, {.sql = FIND_FULL("programs"), .nargs = 1, .types = {INT8OID}}},
	{"plans", PROGRAMS, {.sql = FIND_FULL("plans"), .nargs = 1, .types = {INT8OID}}},
};

static Bound *bound_of(Relation table);
static bool writer_is_bound(Relation table);

PG_FUNCTION_INFO_V1(coursebase_tg_any__rows_an_organization);

/*
 * SQL function: tg_any__rows_an_organization() returns trigger
 *
 * After each INSERT, with the new rows as table "made".
 */
PGDLLEXPORT Datum
coursebase_tg_any__rows_an_organization(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect_statement(fcinfo, "tg_any__rows_an_organization");
	Bound *bound = bound_of(data->tg_relation);
	PlanValues values = {0};
	int64 allowed;
	bool full;

	if (!writer_is_bound(data->tg_relation) || restore_under_way() ||
		trigger_rows_written(data) == 0 || (allowed = setting_integer(bound->setting)) <= 0)
		return PointerGetDatum(NULL);
	plan_bind_int64(&values, allowed);
	SPI_connect();
	trigger_tables_show(data);
	full = owner_execute_latest(&bound->find_full, values.datums, values.nulls) > 0;
	SPI_finish();
	if (full)
		ereport(ERROR,
				(errcode(ERRCODE_CB_ORGANIZATION_FULL),
				 errmsg("the organisation has too many rows of table \"%s\"", bound->table),
				 errdetail("The setting %s allows " INT64_FORMAT ".", bound->setting, allowed),
				 errhint("Delete what is no longer used, or let the server write it.")));
	return PointerGetDatum(NULL);
}

static Bound *
bound_of(Relation table)
{
	for (int i = 0; i < (int) lengthof(bounds); i++)
		if (strcmp(RelationGetRelationName(table), bounds[i].table) == 0)
			return &bounds[i];
	ereport(ERROR, (errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
					errmsg("tg_any__rows_an_organization: table \"%s\" is none of those of "
						   "organisations",
						   RelationGetRelationName(table))));
}

/*
 * By the role that the session took, and not by the one whose rights count now: create_course()
 * and set_day() write for staff with the rights of the tables' owner.
 */
static bool
writer_is_bound(Relation table)
{
	return check_enable_rls(RelationGetRelid(table), GetOuterUserId(), true) == RLS_ENABLED;
}
