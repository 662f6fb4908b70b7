/*
 * rules.c: the rules of courses, whatever path a write takes.
 *
 * Invariants: a course's life goes draft, published, archived, published, or from draft to
 * archived; one that is published has a workout that is not rest; the preview stands in the
 * curriculum; no day lies beyond the course's duration; a day of rest is one row; no workout of
 * a curriculum is deleted, softly either; delivery_mode stays while the program is configured;
 * a plan's currency is its organisation's. A restored dump is taken as it is: its tables come
 * one after the other, so that no order of them keeps the rules between.
 *
 * Locks: rules over several rows are judged under a lock of the program, by what is committed
 * then, at any level of isolation. A statement of plain SQL has locked the rows it changes
 * before that, and no trigger before a statement knows which those are: against a function on
 * the same course, a mark of the place for one, it may end as a deadlock. A place in a
 * curriculum locks its workout against being deleted; a plan locks its organisation's currency.
 *
 * Rights: triggers run as who writes and look at other rows with the owner's. What goes
 * together with its program or organisation is let pass: their row is gone by then. A trigger
 * before the row comes before row security: what it says tells nothing of others' rows.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "core/compat.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/restore.h"
#include "core/row_trigger.h"
#include "identity/membership.h"
#include "programs/program.h"

#define BROKEN_DAY                                                                             \
	"SELECT 'day' FROM coursebase.course_configs c"                                            \
	" JOIN coursebase.course_workouts w ON w.program_id = c.program_id"                        \
	"  AND w.day_offset >= c.duration_days"
#define BROKEN_EMPTY                                                                           \
	"SELECT 'empty' FROM coursebase.course_configs c WHERE c.status = 'published'"             \
	" AND NOT EXISTS (SELECT FROM coursebase.course_workouts w"                                \
	"  WHERE w.program_id = c.program_id AND NOT w.is_rest)"
#define BROKEN_PREVIEW                                                                         \
	"SELECT 'preview' FROM coursebase.course_configs c"                                        \
	" WHERE c.preview_workout_id IS NOT NULL"                                                  \
	" AND NOT EXISTS (SELECT FROM coursebase.course_workouts w"                                \
	"  WHERE w.program_id = c.program_id AND w.workout_id = c.preview_workout_id)"

/*
 * What a statement changed, by program and day, with the workouts that are new there. Another
 * order within the day breaks nothing.
 */
static KeptPlan read_inserted = {
	.sql = "SELECT n.program_id, n.day_offset, array_agg(n.workout_id) FROM changed n"
		   " GROUP BY n.program_id, n.day_offset ORDER BY n.program_id, n.day_offset",
};
static KeptPlan read_updated = {
	.sql = "SELECT n.program_id, n.day_offset, array_agg(n.workout_id)"
		   " FROM changed n JOIN former o ON o.id = n.id"
		   " WHERE (o.day_offset, o.workout_id, o.is_rest)"
		   "  IS DISTINCT FROM (n.day_offset, n.workout_id, n.is_rest)"
		   " GROUP BY n.program_id, n.day_offset ORDER BY n.program_id, n.day_offset",
};
static KeptPlan read_deleted = {
	.sql = "SELECT DISTINCT o.program_id FROM former o ORDER BY o.program_id",
};
static KeptPlan find_emptied = {
	.sql = "SELECT CASE c.status WHEN 'published' THEN 'empty' ELSE 'preview' END"
		   " FROM coursebase.course_configs c"
		   " WHERE c.status = 'published' OR c.preview_workout_id IS NOT NULL LIMIT 1",
};
static KeptPlan read_course = {
	.sql = "SELECT c.duration_days, c.status = 'published', c.preview_workout_id"
		   " FROM coursebase.course_configs c WHERE c.program_id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan find_workout = {
	.sql = "SELECT FROM coursebase.course_workouts w"
		   " WHERE w.program_id = $1 AND NOT w.is_rest LIMIT 1",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan find_preview = {
	.sql = "SELECT FROM coursebase.course_workouts w"
		   " WHERE w.program_id = $1 AND w.workout_id = $2 LIMIT 1",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};
static KeptPlan find_mixed_rest = {
	.sql = "SELECT 'rest' FROM coursebase.course_workouts w"
		   " WHERE w.program_id = $1 AND w.day_offset = $2"
		   " HAVING bool_or(w.is_rest) AND count(*) > 1",
	.nargs = 2,
	.types = {UUIDOID, INT4OID},
};
static KeptPlan share_workouts = {
	.sql = "SELECT w.deleted_at IS NOT NULL FROM coursebase.workouts w WHERE w.id = ANY ($1)"
		   " ORDER BY w.id FOR SHARE",
	.nargs = 1,
	.types = {UUIDARRAYOID},
};
static KeptPlan find_broken_config = {
	.sql = BROKEN_DAY " WHERE c.program_id = $1"
					  " UNION ALL " BROKEN_EMPTY " AND c.program_id = $1"
					  " UNION ALL " BROKEN_PREVIEW " AND c.program_id = $1"
					  " LIMIT 1",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan find_tier = {
	.sql = "SELECT 'tier' FROM coursebase.organizations"
		   " WHERE id = $1 AND platform_tier = 'lite'",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan read_organization = {
	.sql = "SELECT organization_id FROM coursebase.programs WHERE id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan find_config = {
	.sql = "SELECT 'configured' FROM coursebase.course_configs WHERE program_id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan find_contents = {
	.sql = "(SELECT 'curriculum' FROM coursebase.course_workouts WHERE program_id = $1 LIMIT 1)"
		   " UNION ALL"
		   " (SELECT 'sold' FROM coursebase.course_entitlements WHERE program_id = $1 LIMIT 1)",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan find_use = {
	.sql = "SELECT p.name FROM coursebase.course_workouts w"
		   " JOIN coursebase.programs p ON p.id = w.program_id"
		   " WHERE w.workout_id = $1 ORDER BY p.id LIMIT 1",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan share_currency = {
	.sql = "SELECT currency::text FROM coursebase.organizations WHERE id = $1 FOR SHARE",
	.nargs = 1,
	.types = {UUIDOID},
};

/* A rule that a statement found broken, and what is said of it. */
typedef struct Rule
{
	const char *name;
	int code;
	const char *message;
	const char *hint;
} Rule;

static const Rule rules[] = {
	{"unconfigured", ERRCODE_CB_COURSE_CONFIGURED, "the program is not configured as a course",
	 "Make courses with create_course()."},
	{"configured", ERRCODE_CB_COURSE_CONFIGURED,
	 "the program is configured as a course and stays one",
	 "Make another program for another way of delivery."},
	{"live", ERRCODE_CB_COURSE_CONFIGURED,
	 "only a program that is a course is configured as one",
	 "Make courses with create_course()."},
	{"curriculum", ERRCODE_CB_COURSE_CONFIGURED, "the course has a curriculum",
	 "Empty its days first, or delete the program."},
	{"sold", ERRCODE_CB_COURSE_CONFIGURED, "the course has buyers",
	 "Archive a course that is not to be sold; its buyers keep it."},
	{"day", ERRCODE_CB_CURRICULUM_INVALID, "a day of the curriculum lies beyond the course",
	 "Use days from 0 to duration_days - 1, or give the course more days."},
	{"rest", ERRCODE_CB_CURRICULUM_INVALID, "a day of rest has nothing else",
	 "Take the rest or the workouts away."},
	{"deleted", ERRCODE_CB_CURRICULUM_INVALID, "the workout is deleted",
	 "Use another, or set its deleted_at to null first."},
	{"empty", ERRCODE_CB_COURSE_EMPTY, "a published course has a workout that is not rest",
	 "Add workouts, or archive the course."},
	{"preview", ERRCODE_CB_WORKOUT_IN_USE, "the preview workout stands in the curriculum",
	 "Choose another preview first, or one of the curriculum's workouts."},
	{"tier", ERRCODE_CB_TIER_REFUSED, "organisations on tier lite cannot sell courses",
	 "Move the organisation to pro or elite."},
};

static void plan_program_require(TriggerData *data, HeapTuple row);
static void organization_require(TriggerData *data, HeapTuple row,
								 const pg_uuid_t *organization);
static bool newly_published(TriggerData *data);
static int32 course_require(Datum program, bool deletion);
static void day_require(SPITupleTable *days, uint64 row, int32 duration);
static Datum value_of(SPITupleTable *table, uint64 row, int column);
static void rules_require(KeptPlan *plan, Datum *values);
pg_noreturn static void rule_raise(const char *name);
static bool program_lock_once(const pg_uuid_t *id, Program *program);
static HeapTuple status_moved(TriggerData *data, HeapTuple row, const char *from);
static HeapTuple time_set(TriggerData *data, HeapTuple row, const char *name, bool now);
static HeapTuple organization_set(TriggerData *data, HeapTuple row, Program *program);
static bool column_read(TriggerData *data, HeapTuple row, const char *name, Datum *value);
static char *column_text(TriggerData *data, HeapTuple row, const char *name);
static HeapTuple column_set(TriggerData *data, HeapTuple row, const char *name, Datum value,
							bool null);
static int column_number(TriggerData *data, const char *name);
static HeapTuple row_new(TriggerData *data);

PG_FUNCTION_INFO_V1(coursebase_tg_course_workouts__program);
PG_FUNCTION_INFO_V1(coursebase_tg_course_workouts__rules);
PG_FUNCTION_INFO_V1(coursebase_tg_course_configs__guard);
PG_FUNCTION_INFO_V1(coursebase_tg_course_configs__rules);
PG_FUNCTION_INFO_V1(coursebase_tg_programs__delivery_mode);
PG_FUNCTION_INFO_V1(coursebase_tg_workouts__in_use);
PG_FUNCTION_INFO_V1(coursebase_tg_plans__currency);

/*
 * SQL function: tg_course_workouts__program() returns trigger
 *
 * An organisation that was named and is another's is left to the keys, a program that is not
 * there to them as well.
 */
PGDLLEXPORT Datum
coursebase_tg_course_workouts__program(PG_FUNCTION_ARGS)
{
	TriggerData *data =
		trigger_expect(fcinfo, "tg_course_workouts__program", ROW_BEFORE_CHANGE);
	HeapTuple row = row_new(data);
	Program program;
	Datum id;
	bool found;

	if (!column_read(data, row, "program_id", &id))
		return PointerGetDatum(row);
	SPI_connect();
	found = program_lock_once(DatumGetUUIDP(id), &program);
	SPI_finish();
	organization_require(data, row, found ? &program.organization : NULL);
	return PointerGetDatum(organization_set(data, row, found ? &program : NULL));
}

/*
 * SQL function: tg_course_workouts__rules() returns trigger
 *
 * Once a statement: a day that is written anew is judged as it is in the end. A TRUNCATE leaves
 * nothing of any course.
 */
PGDLLEXPORT Datum
coursebase_tg_course_workouts__rules(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	SPITupleTable *days;
	Program program;
	int32 duration = 0;
	bool there = false;
	bool deletion;
	uint64 rows;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(data->tg_event) ||
		!TRIGGER_FIRED_FOR_STATEMENT(data->tg_event))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("coursebase.tg_course_workouts__rules() works only as a "
							   "trigger after a statement")));
	if (restore_under_way())
		return PointerGetDatum(NULL);
	deletion = TRIGGER_FIRED_BY_DELETE(data->tg_event);
	SPI_connect();
	if (TRIGGER_FIRED_BY_TRUNCATE(data->tg_event))
	{
		rules_require(&find_emptied, NULL);
		SPI_finish();
		return PointerGetDatum(NULL);
	}
	if (SPI_register_trigger_data(data) < 0)
		elog(ERROR, "could not see what the statement changed");
	rows = owner_execute(deletion                                  ? &read_deleted
						 : TRIGGER_FIRED_BY_UPDATE(data->tg_event) ? &read_updated
																   : &read_inserted,
						 NULL, NULL, false);
	days = SPI_tuptable;
	for (uint64 i = 0; i < rows; i++)
	{
		Datum id = value_of(days, i, 1);

		if (i == 0 ||
			memcmp(DatumGetUUIDP(id), DatumGetUUIDP(value_of(days, i - 1, 1)), UUID_LEN) != 0)
		{
			there = program_lock(DatumGetUUIDP(id), &program);
			duration = there ? course_require(id, deletion) : 0;
		}
		if (there && !deletion)
			day_require(days, i, duration);
	}
	SPI_finish();
	return PointerGetDatum(NULL);
}

/* SQL function: tg_course_configs__guard() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_course_configs__guard(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_course_configs__guard", ROW_BEFORE_CHANGE);
	bool insert = TRIGGER_FIRED_BY_INSERT(data->tg_event);
	HeapTuple row = row_new(data);
	Program program;
	Datum id;
	bool found;

	if (restore_under_way() || !column_read(data, row, "program_id", &id))
		return PointerGetDatum(row);
	SPI_connect();
	found = program_lock(DatumGetUUIDP(id), &program);
	SPI_finish();
	if (insert)
	{
		organization_require(data, row, found ? &program.organization : NULL);
		row = organization_set(data, row, found ? &program : NULL);
	}
	return PointerGetDatum(status_moved(
		data, row, insert ? "draft" : column_text(data, data->tg_trigtuple, "status")));
}

/* SQL function: tg_course_configs__rules() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_course_configs__rules(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_course_configs__rules", ROW_AFTER_CHANGE);
	Program program;
	Datum id;

	if (restore_under_way())
		return PointerGetDatum(NULL);
	if (!column_read(data, row_new(data), "program_id", &id))
		elog(ERROR, "a configuration without a program");
	SPI_connect();
	if (program_lock(DatumGetUUIDP(id), &program))
	{
		Datum organization = UUIDPGetDatum(&program.organization);

		if (TRIGGER_FIRED_BY_INSERT(data->tg_event) && !program.is_course)
			rule_raise("live");
		if (newly_published(data))
			rules_require(&find_tier, &organization);
		rules_require(TRIGGER_FIRED_BY_DELETE(data->tg_event) ? &find_contents
															  : &find_broken_config,
					  &id);
	}
	SPI_finish();
	return PointerGetDatum(NULL);
}

/* SQL function: tg_programs__delivery_mode() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_programs__delivery_mode(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_programs__delivery_mode", ROW_BEFORE_CHANGE);
	HeapTuple row = row_new(data);
	Datum id;

	SPI_connect();
	if (column_read(data, row, "id", &id))
		rules_require(&find_config, &id);
	SPI_finish();
	return PointerGetDatum(row);
}

/* SQL function: tg_workouts__in_use() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_workouts__in_use(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_workouts__in_use", ROW_BEFORE_CHANGE);
	Datum id;

	SPI_connect();
	if (column_read(data, data->tg_trigtuple, "id", &id) &&
		owner_execute_latest(&find_use, &id, NULL) > 0)
		ereport(ERROR, (errcode(ERRCODE_CB_WORKOUT_IN_USE),
						errmsg("a workout of a curriculum cannot be deleted"),
						errdetail("It stands in \"%s\".", plan_text_required(0, 1)),
						errhint("Take it out of the curriculum first.")));
	SPI_finish();
	return PointerGetDatum(row_new(data));
}

/* SQL function: tg_plans__currency() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_plans__currency(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_plans__currency", ROW_BEFORE_CHANGE);
	HeapTuple row = row_new(data);
	const char *currency = "XXX"; /* of none; the key refuses the organisation */
	Datum id;

	if (!column_read(data, row, "organization_id", &id))
		return PointerGetDatum(row);
	plan_program_require(data, row);
	SPI_connect();
	if (owner_execute(&share_currency, &id, NULL, false) > 0)
		currency = plan_text_required(0, 1);
	SPI_finish();
	return PointerGetDatum(column_set(data, row, "currency",
									  DirectFunctionCall3(bpcharin, CStringGetDatum(currency),
														  ObjectIdGetDatum(InvalidOid),
														  Int32GetDatum(VARHDRSZ + 3)),
									  false));
}

/* A plan may sell no program, or what it sells is its organisation's. */
static void
plan_program_require(TriggerData *data, HeapTuple row)
{
	pg_uuid_t organization;
	bool found;
	Datum id;

	if (!column_read(data, row, "program_id", &id))
		return;
	SPI_connect();
	found = owner_execute_latest(&read_organization, &id, NULL) == 1;
	if (found)
		organization = *DatumGetUUIDP(value_of(SPI_tuptable, 0, 1));
	SPI_finish();
	organization_require(data, row, found ? &organization : NULL);
}

/*
 * The keys refuse an organisation that is not the program's, but a unique key speaks first, and
 * would tell staff of one organisation what another's program has.
 */
static void
organization_require(TriggerData *data, HeapTuple row, const pg_uuid_t *organization)
{
	Datum named;

	if (!column_read(data, row, "organization_id", &named) ||
		(organization != NULL && memcmp(DatumGetUUIDP(named), organization, UUID_LEN) == 0) ||
		check_enable_rls(RelationGetRelid(data->tg_relation), InvalidOid, true) !=
			RLS_ENABLED ||
		!membership_holds(DatumGetUUIDP(named), MEMBERSHIP_COACH))
		return;
	ereport(ERROR, (errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
					errmsg("the organisation has no such program"),
					errhint("Give a program with its own organisation, or none.")));
}

/* Judges a program whose curriculum changed; gives its days. Its row is locked. */
static int32
course_require(Datum program, bool deletion)
{
	SPITupleTable *course;
	Datum place[] = {program, 0};
	bool no_preview;

	if (owner_execute_latest(&read_course, &program, NULL) == 0)
	{
		if (!deletion)
			rule_raise("unconfigured");
		return 0;
	}
	course = SPI_tuptable;
	place[1] = SPI_getbinval(course->vals[0], course->tupdesc, 3, &no_preview);
	if (DatumGetBool(value_of(course, 0, 2)) &&
		owner_execute_latest(&find_workout, &program, NULL) == 0)
		rule_raise("empty");
	if (!no_preview && owner_execute_latest(&find_preview, place, NULL) == 0)
		rule_raise("preview");
	return DatumGetInt32(value_of(course, 0, 1));
}

/* Judges a day to which something was added. */
static void
day_require(SPITupleTable *days, uint64 row, int32 duration)
{
	Datum place[] = {value_of(days, row, 1), value_of(days, row, 2)};
	Datum workouts = value_of(days, row, 3);
	uint64 count;

	if (DatumGetInt32(place[1]) >= duration)
		rule_raise("day");
	rules_require(&find_mixed_rest, place);
	count = owner_execute(&share_workouts, &workouts, NULL, false);
	for (uint64 i = 0; i < count; i++)
		if (DatumGetBool(plan_value(i, 1, NULL)))
			rule_raise("deleted");
}

/* A column that holds no nulls of an earlier result, which stays until SPI_finish(). */
static Datum
value_of(SPITupleTable *table, uint64 row, int column)
{
	bool null;

	return SPI_getbinval(table->vals[row], table->tupdesc, column, &null);
}

/* What the statement names, if anything, is broken. */
static void
rules_require(KeptPlan *plan, Datum *values)
{
	if (owner_execute_latest(plan, values, NULL) > 0)
		rule_raise(plan_text_required(0, 1));
}

static void
rule_raise(const char *name)
{
	for (int i = 0; i < lengthof(rules); i++)
		if (strcmp(name, rules[i].name) == 0)
			ereport(ERROR, (errcode(rules[i].code), errmsg("%s", rules[i].message),
							errhint("%s", rules[i].hint)));
	elog(ERROR, "unknown rule %s", name);
}

/* A day has many places: what this subtransaction has locked stays locked. */
static bool
program_lock_once(const pg_uuid_t *id, Program *program)
{
	static LocalTransactionId transaction = InvalidLocalTransactionId;
	static SubTransactionId subtransaction;
	static pg_uuid_t locked;
	static Program kept;

	if (transaction != compat_local_transaction() ||
		subtransaction != GetCurrentSubTransactionId() || memcmp(&locked, id, UUID_LEN) != 0)
	{
		transaction = InvalidLocalTransactionId;
		if (!program_lock(id, &kept))
			return false;
		locked = *id;
		subtransaction = GetCurrentSubTransactionId();
		transaction = compat_local_transaction();
	}
	*program = kept;
	return true;
}

/* The times follow the status; one that is sent along with a change of it is taken. */
static HeapTuple
status_moved(TriggerData *data, HeapTuple row, const char *from)
{
	const char *to = column_text(data, row, "status");
	bool moved = to != NULL && strcmp(from, to) != 0;
	bool published = moved && strcmp(to, "published") == 0;

	if (moved && strcmp(to, "draft") == 0)
		ereport(ERROR, (errcode(ERRCODE_CB_STATUS_REFUSED), errmsg("nothing returns to draft"),
						errdetail("The course is %s.", from),
						errhint("Archive a course that is not to be sold.")));
	row = time_set(data, row, "published_at", published);
	if (published)
		return column_set(data, row, "archived_at", (Datum) 0, true);
	return time_set(data, row, "archived_at", moved && strcmp(to, "archived") == 0);
}

/* By the write that the trigger comes after. */
static bool
newly_published(TriggerData *data)
{
	return !TRIGGER_FIRED_BY_DELETE(data->tg_event) &&
		   strcmp(column_text(data, row_new(data), "status"), "published") == 0 &&
		   (TRIGGER_FIRED_BY_INSERT(data->tg_event) ||
			strcmp(column_text(data, data->tg_trigtuple, "status"), "published") != 0);
}

/* Now, unless another time than before was sent; what is not to change stays. */
static HeapTuple
time_set(TriggerData *data, HeapTuple row, const char *name, bool now)
{
	bool update = TRIGGER_FIRED_BY_UPDATE(data->tg_event);
	Datum sent;
	Datum before = 0;
	bool was_sent = column_read(data, row, name, &sent);
	bool was = update && column_read(data, data->tg_trigtuple, name, &before);

	if (!now)
		return column_set(data, row, name, before, !was);
	if (was_sent && (!was || DatumGetTimestampTz(sent) != DatumGetTimestampTz(before)))
		return row;
	return column_set(data, row, name,
					  TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()), false);
}

/*
 * Of a program that is not there the row says its own id: the keys refuse it, in the same words
 * as one of another organisation.
 */
static HeapTuple
organization_set(TriggerData *data, HeapTuple row, Program *program)
{
	Datum value;

	if (column_read(data, row, "organization_id", &value))
		return row;
	if (program != NULL)
		value = UUIDPGetDatum(&program->organization);
	else
		column_read(data, row, "program_id", &value);
	return column_set(data, row, "organization_id", value, false);
}

/* False for a null. */
static bool
column_read(TriggerData *data, HeapTuple row, const char *name, Datum *value)
{
	bool null;

	*value = SPI_getbinval(row, RelationGetDescr(data->tg_relation), column_number(data, name),
						   &null);
	return !null;
}

static char *
column_text(TriggerData *data, HeapTuple row, const char *name)
{
	return SPI_getvalue(row, RelationGetDescr(data->tg_relation), column_number(data, name));
}

static HeapTuple
column_set(TriggerData *data, HeapTuple row, const char *name, Datum value, bool null)
{
	int column = column_number(data, name);

	return heap_modify_tuple_by_cols(row, RelationGetDescr(data->tg_relation), 1, &column,
									 &value, &null);
}

static int
column_number(TriggerData *data, const char *name)
{
	int column = SPI_fnumber(RelationGetDescr(data->tg_relation), name);

	if (column <= 0)
		elog(ERROR, "table \"%s\" has no column %s", RelationGetRelationName(data->tg_relation),
			 name);
	return column;
}

/* The row that is to be, or that is going. */
static HeapTuple
row_new(TriggerData *data)
{
	return TRIGGER_FIRED_BY_UPDATE(data->tg_event) ? data->tg_newtuple : data->tg_trigtuple;
}
