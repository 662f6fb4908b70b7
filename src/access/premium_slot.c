/*
 * premium_slot.c: the courses that a user with premium chose.
 *
 * A slot is a row of course_purchases. The row stays when premium ends, and gives nothing until
 * premium is back (course_sources.c). A slot holds a course; the course's voices share the
 * slot.
 *
 * Lock order: the row of users first (identity/anchor.h), so that the slots of one user are
 * counted one after the other, with a snapshot that is taken under the lock. A transaction with
 * an older snapshot (REPEATABLE READ) does not see another transaction's slot; it stops at the
 * version of the user, which every slot moves, and ends as a serialization failure. The trigger
 * counts, so that the limit holds whatever way a slot is written. A lower number of
 * slots (entitlements.course_slots) takes no slot away.
 *
 * Rights: a user chooses for the own account, the server for anybody; the statements run with
 * the rights of the tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/uuid.h"

#include "access/course_rights.h"
#include "billing/environment.h"
#include "billing/premium.h"
#include "core/args.h"
#include "core/compat.h"
#include "core/datum.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/restore.h"
#include "core/row_kept.h"
#include "core/row_trigger.h"
#include "core/schema.h"
#include "identity/anchor.h"
#include "identity/asking.h"

/* premium_slots() shows at most so many empty slots, whatever the entitlement's number is. */
#define EMPTY_SHOWN 100

/* The slots of person $1 that are filled. They stay filled while there is no premium. */
#define LIVE_SLOTS                                                                             \
	"FROM coursebase.course_purchases p JOIN coursebase.courses c"                             \
	" ON c.id = p.course_id WHERE p.user_id = $1 AND p.source = 'premium_slot'"                \
	" AND p.status = 'valid'"

/* The columns of read_chosen and write_slot. */
enum
{
	CHOSEN_ID = 1,
	CHOSEN_AT,
};

static KeptPlan read_chosen = {
	.sql = "SELECT p.id, p.purchased_at " LIVE_SLOTS
		   " AND p.course_id = $2 AND p.voice IS NOT DISTINCT FROM $3",
	.nargs = 3,
	.types = {UUIDOID, UUIDOID, TEXTOID},
};

/*
 * DO NOTHING instead of a unique violation: what an older snapshot does not see is then a
 * serialization failure (40001), which callers know how to repeat.
 */
static KeptPlan write_slot = {
	.sql = "INSERT INTO coursebase.course_purchases"
		   " (user_id, course_id, voice, source, status, purchased_at, validated_at)"
		   " VALUES ($1, $2, $3, 'premium_slot', 'valid', $4, $4)"
		   " ON CONFLICT DO NOTHING RETURNING id, purchased_at",
	.nargs = 4,
	.types = {UUIDOID, UUIDOID, TEXTOID, TIMESTAMPTZOID},
};

static KeptPlan read_in_premium = {
	.sql = "SELECT coalesce(c.in_premium, false) FROM coursebase.courses c WHERE c.id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan read_subscriber = {
	.sql = "SELECT FROM coursebase.subscriptions s WHERE s.user_id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};

/* A purchase of the voice, or one without a voice, which is of the whole course. */
static KeptPlan read_bought = {
	.sql = "SELECT FROM coursebase.course_purchases p WHERE p.user_id = $1"
		   " AND p.course_id = $2 AND p.source <> 'premium_slot' AND p.status = 'valid'"
		   " AND " ENVIRONMENT_COUNTS("p.environment",
									  "$4") " AND (p.voice = $3 OR p.voice IS NULL"
											" OR $3 IS NULL)",
	.nargs = 4,
	.types = {UUIDOID, UUIDOID, TEXTOID, BOOLOID},
};

enum
{
	FILLED_COUNT = 1,
	FILLED_COURSES,
	FILLED_BY_COURSE,
};

/*
 * The courses in the user's slots, without the row $3 that is being written: how many they are,
 * their names for the error, and whether $2 is one of them. Grouped by course, because the
 * voices of a course share its slot.
 */
static KeptPlan read_filled = {
	.sql = "SELECT count(*), string_agg(coalesce(f.course_code, f.title), ', '"
		   " ORDER BY f.chosen_at, f.course_id), coalesce(bool_or(f.course_id = $2), false)"
		   " FROM (SELECT p.course_id, c.course_code, c.title, min(p.purchased_at) AS chosen_at"
		   " " LIVE_SLOTS " AND p.id IS DISTINCT FROM $3 GROUP BY 1, 2, 3) f",
	.nargs = 3,
	.types = {UUIDOID, UUIDOID, UUIDOID},
};

/* The columns of premium_slots(), and of read_slots but for the last one. */
typedef enum SlotColumn
{
	SLOT_NUMBER,
	SLOT_COURSE,
	SLOT_CODE,
	SLOT_TITLE,
	SLOT_VOICE,
	SLOT_CHOSEN_AT,
	SLOT_LIVE,
	SLOT_COLUMNS,
} SlotColumn;

static KeptPlan read_slots = {
	.sql = "SELECT dense_rank() OVER (ORDER BY s.first_at, s.course_id)::integer, s.course_id,"
		   " s.course_code, s.title, s.voice, s.purchased_at FROM ("
		   " SELECT p.id, p.course_id, c.course_code, c.title, p.voice, p.purchased_at,"
		   " min(p.purchased_at) OVER (PARTITION BY p.course_id) AS first_at " LIVE_SLOTS
		   ") s ORDER BY s.first_at, s.course_id, s.purchased_at, s.voice, s.id",
	.nargs = 1,
	.types = {UUIDOID},
};

/* What a call of choose_premium_course() says. */
typedef struct Choice
{
	pg_uuid_t user;
	pg_uuid_t course;
	const char *voice; /* NULL: the course has one voice */
	TimestampTz at;
	TimestampTz slots_at; /* when the slots are counted: now, unless the server names a time */
} Choice;

/* What the call answers; datums are in SPI's memory. */
typedef struct Chosen
{
	Datum id;
	Datum at;
} Chosen;

static int64 row_limit(TriggerData *data, HeapTuple row, const pg_uuid_t *user);
static void choice_read(Choice *choice, FunctionCallInfo fcinfo);
static void choice_user(const pg_uuid_t *named, pg_uuid_t *user);
static bool choice_make(const Choice *choice, Chosen *chosen);
static bool choice_find(const Choice *choice, Chosen *chosen);
static bool choice_needs_slot(const Choice *choice);
static bool choice_is_owned(const Choice *choice);
static void choice_write(const Choice *choice, Chosen *chosen);
static PlanValues choice_values(const Choice *choice);
static void course_require_in_premium(const pg_uuid_t *course);
static void room_require(const pg_uuid_t *user, const pg_uuid_t *course, const pg_uuid_t *row,
						 int64 limit);
static int64 filled_return(FunctionCallInfo fcinfo, const pg_uuid_t *user, TimestampTz at);
static void empty_return(FunctionCallInfo fcinfo, int64 first, int64 last, bool live);
pg_noreturn static void premium_raise(const char *detail);

PG_FUNCTION_INFO_V1(coursebase_choose_premium_course);
PG_FUNCTION_INFO_V1(coursebase_premium_slots);
PG_FUNCTION_INFO_V1(coursebase_tg_course_purchases__slot);

/*
 * SQL function: choose_premium_course(user_id uuid, course_id uuid, voice text, at timestamptz)
 * returns table (slot_id uuid, chosen_at timestamptz)
 */
PGDLLEXPORT Datum
coursebase_choose_premium_course(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Chosen chosen = {0};
	Datum values[2];
	bool nulls[2];
	Choice choice;
	OwnerRights rights;

	schema_require_current();
	choice_read(&choice, fcinfo);
	compat_materialize(fcinfo);
	SPI_connect();
	rights = owner_enter();
	/* the user's row is locked first, so that of two choices the second counts the first */
	anchor_open_user_require(&choice.user);
	/*
	 * the statement's own snapshot is older than the wait for the lock: a new one sees the
	 * choice of whoever had it
	 */
	PushActiveSnapshot(GetTransactionSnapshot());
	nulls[0] = nulls[1] = !choice_make(&choice, &chosen);
	PopActiveSnapshot();
	owner_leave(rights);
	values[0] = chosen.id;
	values[1] = chosen.at;
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	SPI_finish();
	return (Datum) 0;
}

/*
 * SQL function: premium_slots(user_id uuid, at timestamptz) returns table (slot integer,
 * course_id uuid, course_code text, title text, voice text, chosen_at timestamptz, live
 * boolean)
 */
PGDLLEXPORT Datum
coursebase_premium_slots(PG_FUNCTION_ARGS)
{
	TimestampTz at = args_time_or_now(fcinfo, 1);
	pg_uuid_t user;
	EntitlementLimits limits;
	Premium premium;
	int64 filled;

	compat_materialize(fcinfo);
	if (!identity_resolve_user(args_uuid_or_null(fcinfo, 0), &user))
		return (Datum) 0;
	premium_read(&premium, &entitlement_ask_slots, &user, at);
	entitlement_limits(&limits, &user, at);
	SPI_connect();
	filled = filled_return(fcinfo, &user, at);
	SPI_finish();
	empty_return(fcinfo, filled + 1, entitlement_slots(&limits), premium.holds);
	return (Datum) 0;
}

/*
 * SQL function: tg_course_purchases__slot() returns trigger
 *
 * The WHEN of the trigger says which rows become a slot. A row with a null is left to the NOT
 * NULL constraints; under a restore the slots were counted when they were written.
 */
PGDLLEXPORT Datum
coursebase_tg_course_purchases__slot(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_course_purchases__slot", ROW_BEFORE_WRITE);
	HeapTuple row = trigger_written_row(data);
	pg_uuid_t user, course, id;
	Datum key = UUIDPGetDatum(&user);
	int64 limit;

	if (restore_under_way() || !trigger_uuid(data, row, "user_id", &user) ||
		!trigger_uuid(data, row, "course_id", &course) || !trigger_uuid(data, row, "id", &id))
		return PointerGetDatum(row);
	SPI_connect();
	/* locked first and for plain SQL as well, so that two rows are not counted at once */
	anchor_user(&user);
	if (owner_execute(&read_subscriber, &key, NULL, false) == 0)
		premium_raise("There never was a subscription.");
	course_require_in_premium(&course);
	/* as in choose_premium_course(): a plan may have ended while the lock was awaited */
	PushActiveSnapshot(GetTransactionSnapshot());
	limit = row_limit(data, row, &user);
	PopActiveSnapshot();
	if (limit != SLOTS_EVERY_COURSE)
		room_require(&user, &course, &id, limit);
	SPI_finish();
	return PointerGetDatum(row);
}

/* How many slots the person has when the course is chosen. */
static int64
row_limit(TriggerData *data, HeapTuple row, const pg_uuid_t *user)
{
	bool never;
	Datum chosen_at = trigger_value_or_null(data, row, "purchased_at", TIMESTAMPTZOID, &never);
	EntitlementLimits limits;

	entitlement_limits(&limits, user,
					   never ? GetCurrentTransactionStartTimestamp()
							 : DatumGetTimestampTz(chosen_at));
	return entitlement_slots(&limits);
}

/*
 * The voice may be null for a course that has one voice; the time for "now". Everything else is
 * required. An end user who names a time of the past, with a larger plan, gets none of the
 * slots that the person had then.
 */
static void
choice_read(Choice *choice, FunctionCallInfo fcinfo)
{
	static const char *const voices[] = {"male", "female"};

	choice_user(args_uuid_or_null(fcinfo, 0), &choice->user);
	args_require(fcinfo, 1);
	choice->course = *PG_GETARG_UUID_P(1);
	choice->voice =
		PG_ARGISNULL(2) ? NULL : voices[args_word(fcinfo, 2, voices, lengthof(voices))];
	choice->at = PG_ARGISNULL(3) ? GetCurrentTransactionStartTimestamp() : args_time(fcinfo, 3);
	choice->slots_at =
		identity_is_server() ? choice->at : GetCurrentTransactionStartTimestamp();
}

/* Whose choice it is. A caller who may not name another user is refused in the same words
 * whether that user exists or not. */
static void
choice_user(const pg_uuid_t *named, pg_uuid_t *user)
{
	bool known = identity_current_user(user);

	if (named == NULL && !known)
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("nobody is signed in who could choose"),
						errhint("Sign in, or let the server name the user.")));
	if (named == NULL || (known && uuid_equal(named, user)))
		return;
	if (!identity_is_server())
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("only the server chooses for another user"),
						errhint("Leave user_id out to choose for the own account.")));
	*user = *named;
}

/* Finds the slot or fills one; false where premium is every course, which takes no slot. */
static bool
choice_make(const Choice *choice, Chosen *chosen)
{
	if (choice_find(choice, chosen))
		return true;
	if (!choice_needs_slot(choice))
		return false;
	choice_write(choice, chosen);
	return true;
}

/* A course that is chosen already answers its slot: the same call again changes nothing. */
static bool
choice_find(const Choice *choice, Chosen *chosen)
{
	PlanValues values = choice_values(choice);

	if (plan_execute(&read_chosen, values.datums, values.nulls, true) == 0)
		return false;
	*chosen = (Chosen){plan_value_as(0, CHOSEN_ID, UUIDOID, NULL),
					   plan_value_as(0, CHOSEN_AT, TIMESTAMPTZOID, NULL)};
	return true;
}

/* Raises KB811 to KB814 if the course may not be chosen; false if premium is every course. */
static bool
choice_needs_slot(const Choice *choice)
{
	EntitlementLimits limits;
	Premium premium;

	premium_read(&premium, &entitlement_ask_slots, &choice->user, choice->at);
	if (!premium.holds)
		premium_raise(psprintf("There is no premium at %s.", time_text(choice->at)));
	course_require_in_premium(&choice->course);
	if (choice_is_owned(choice))
		ereport(ERROR, (errcode(ERRCODE_CB_SLOT_NOT_NEEDED),
						errmsg("the course can be used without a premium slot"),
						errdetail("The course was bought or given, or it is free."),
						errhint("Keep the slot for another course.")));
	entitlement_limits(&limits, &choice->user, choice->slots_at);
	if (limits.every_course)
		return false;
	room_require(&choice->user, &choice->course, NULL, limits.course_slots);
	return true;
}

/* A slot would be wasted on a course that the person can use without premium. */
static bool
choice_is_owned(const Choice *choice)
{
	PlanValues values = choice_values(choice);

	if (course_rights_hold(&choice->user, &choice->course, choice->at,
						   COURSE_BY_GRANT | COURSE_BY_FREE) != 0)
		return true;
	plan_bind_bool(&values, environment_sandbox_counts(&choice->user));
	return plan_execute(&read_bought, values.datums, values.nulls, true) > 0;
}

/*
 * The lock keeps other choices out; without a row a trigger kept it away, or an older snapshot
 * hid it (row_kept.h says which).
 */
static void
choice_write(const Choice *choice, Chosen *chosen)
{
	PlanValues values = choice_values(choice);

	plan_bind_time(&values, choice->at);
	if (plan_execute(&write_slot, values.datums, values.nulls, false) != 1)
		row_kept_raise("course_purchases", "the slot was not filled");
	*chosen = (Chosen){plan_value_as(0, CHOSEN_ID, UUIDOID, NULL),
					   plan_value_as(0, CHOSEN_AT, TIMESTAMPTZOID, NULL)};
}

/* $1 to $3 of the statements about a choice. */
static PlanValues
choice_values(const Choice *choice)
{
	PlanValues values = {0};

	plan_bind_uuid(&values, &choice->user);
	plan_bind_uuid(&values, &choice->course);
	plan_bind_text(&values, choice->voice);
	return values;
}

/* A course that does not exist reads like one that is not in premium. */
static void
course_require_in_premium(const pg_uuid_t *course)
{
	Datum key = UUIDPGetDatum(course);

	if (owner_execute(&read_in_premium, &key, NULL, false) == 0 || !plan_bool(0, 1))
		ereport(ERROR,
				(errcode(ERRCODE_CB_NOT_IN_PREMIUM), errmsg("the course is not in premium"),
				 errdetail("No course in premium has the id %s.", uuid_text(course)),
				 errhint("Choose a course whose in_premium is true.")));
}

/*
 * Raises KB813 unless a slot is free or holds the course already, in another voice. row is the
 * row that is being written; NULL for one that has not been made. The caller holds the lock of
 * the user; the statement takes a new snapshot, so that it sees what was written before the
 * lock was free.
 */
static void
room_require(const pg_uuid_t *user, const pg_uuid_t *course, const pg_uuid_t *row, int64 limit)
{
	PlanValues values = {0};
	const char *filled;

	plan_bind_uuid(&values, user);
	plan_bind_uuid(&values, course);
	plan_bind_uuid(&values, row);
	owner_execute(&read_filled, values.datums, values.nulls, false);
	if (plan_int64(0, FILLED_COUNT) < limit || plan_bool(0, FILLED_BY_COURSE))
		return;
	filled = plan_text(0, FILLED_COURSES);
	ereport(ERROR,
			(errcode(ERRCODE_CB_SLOTS_FULL), errmsg("every premium slot is filled"),
			 errdetail("Slots: " INT64_FORMAT ", filled by: %s.", limit,
					   filled == NULL ? "none" : filled),
			 errhint("A course that is chosen stays chosen. Buy this course to use it too.")));
}

/* Adds the rows of the filled slots; returns how many slots they are. */
static int64
filled_return(FunctionCallInfo fcinfo, const pg_uuid_t *user, TimestampTz at)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum key = UUIDPGetDatum(user);
	Datum values[SLOT_COLUMNS];
	bool nulls[SLOT_COLUMNS];
	uint64 rows = owner_execute(&read_slots, &key, NULL, true);
	SPITupleTable *slots = SPI_tuptable;
	int32 filled = 0;

	for (uint64 row = 0; row < rows; row++)
	{
		SPI_tuptable = slots; /* course_rights_hold() below may run statements of its own */
		for (int column = 0; column < SLOT_LIVE; column++)
			values[column] =
				plan_value_as(row, column + 1, TupleDescAttr(result->setDesc, column)->atttypid,
							  &nulls[column]);
		values[SLOT_LIVE] =
			BoolGetDatum(course_rights_hold(user, DatumGetUUIDP(values[SLOT_COURSE]), at,
											COURSE_BY_SLOT) != 0);
		nulls[SLOT_LIVE] = false;
		filled = DatumGetInt32(values[SLOT_NUMBER]);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return filled;
}

/*
 * The columns of an empty slot are null but for its number and whether it would give something
 * now. last is -1 where premium is every course: then there is no empty slot.
 */
static void
empty_return(FunctionCallInfo fcinfo, int64 first, int64 last, bool live)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum values[SLOT_COLUMNS] = {0};
	bool nulls[SLOT_COLUMNS];

	memset(nulls, true, sizeof(nulls));
	nulls[SLOT_NUMBER] = nulls[SLOT_LIVE] = false;
	values[SLOT_LIVE] = BoolGetDatum(live);
	for (int64 number = first; number <= last && number < first + EMPTY_SHOWN; number++)
	{
		values[SLOT_NUMBER] = Int32GetDatum((int32) number);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

static void
premium_raise(const char *detail)
{
	ereport(ERROR, (errcode(ERRCODE_CB_PREMIUM_NEEDED),
					errmsg("choosing a course takes premium"), errdetail("%s", detail),
					errhint("Subscribe or renew; what was chosen before counts again then.")));
}
