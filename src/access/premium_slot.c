/*
 * premium_slot.c: the courses that somebody with premium chose.
 *
 * A slot is a row of course_purchases and stays when premium ends: it gives nothing until
 * premium is back (access/course_rights.c). A slot is filled by a course; its voices share it.
 *
 * Slots of one person are counted under the lock of their row of users, with a snapshot taken
 * after it. An older snapshot (REPEATABLE READ) that cannot see the other slot stops at the
 * version of the user that a slot moves, and ends as a serialization failure. The count is the
 * trigger's, so that it holds whatever path a slot comes by; lowering the setting premium_slots
 * takes no slot away.
 *
 * Rights: one chooses for oneself, the server for anybody; the statements run with the owner's.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "access/course_rights.h"
#include "billing/premium.h"
#include "core/compat.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/restore.h"
#include "core/row_trigger.h"
#include "core/schema.h"
#include "core/setting.h"
#include "identity/anchor.h"
#include "identity/asking.h"

/* Of the setting premium_slots: every course in premium, chosen or not. */
#define EVERY_COURSE (-1)

/* Nobody reads a longer list of slots that are empty. */
#define EMPTY_SHOWN 100

#define LIVE_SLOTS                                                                             \
	"FROM coursebase.course_purchases p JOIN coursebase.courses c"                             \
	" ON c.id = p.course_id WHERE p.user_id = $1 AND p.source = 'premium_slot'"                \
	" AND p.status = 'valid'"

static KeptPlan read_chosen = {
	.sql = "SELECT p.id, p.purchased_at " LIVE_SLOTS
		   " AND p.course_id = $2 AND p.voice IS NOT DISTINCT FROM $3",
	.nargs = 3,
	.types = {UUIDOID, UUIDOID, TEXTOID},
};
static KeptPlan read_in_premium = {
	.sql = "SELECT c.in_premium FROM coursebase.courses c WHERE c.id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan read_subscriber = {
	.sql = "SELECT FROM coursebase.subscriptions s WHERE s.user_id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};
/* Without a voice it is the whole course; what a sandbox sold is something only where it
 * counts.
 */
static KeptPlan read_bought = {
	.sql = "SELECT FROM coursebase.course_purchases p WHERE p.user_id = $1"
		   " AND p.course_id = $2 AND p.source <> 'premium_slot' AND p.status = 'valid'"
		   " AND (p.environment = 'production' OR $4)"
		   " AND (p.voice = $3 OR p.voice IS NULL OR $3 IS NULL)",
	.nargs = 4,
	.types = {UUIDOID, UUIDOID, TEXTOID, BOOLOID},
};
/* Beside the row $3, which is being changed: which courses, and whether it is one of them. */
static KeptPlan read_filled = {
	.sql = "SELECT count(*), string_agg(coalesce(f.course_code, f.title), ', '"
		   " ORDER BY f.chosen_at, f.course_id), coalesce(bool_or(f.course_id = $2), false)"
		   " FROM (SELECT p.course_id, c.course_code, c.title, min(p.purchased_at) AS chosen_at"
		   " " LIVE_SLOTS " AND p.id IS DISTINCT FROM $3 GROUP BY 1, 2, 3) f",
	.nargs = 3,
	.types = {UUIDOID, UUIDOID, UUIDOID},
};
/* What an older snapshot does not see ends as a serialization failure, not at the key. */
static KeptPlan write_slot = {
	.sql = "INSERT INTO coursebase.course_purchases"
		   " (user_id, course_id, voice, source, status, purchased_at, validated_at)"
		   " VALUES ($1, $2, $3, 'premium_slot', 'valid', $4, $4)"
		   " ON CONFLICT DO NOTHING RETURNING id, purchased_at",
	.nargs = 4,
	.types = {UUIDOID, UUIDOID, TEXTOID, TIMESTAMPTZOID},
};
static KeptPlan read_slots = {
	.sql = "SELECT dense_rank() OVER (ORDER BY s.first_at, s.course_id)::integer, s.course_id,"
		   " s.course_code, s.title, s.voice, s.purchased_at FROM ("
		   " SELECT p.id, p.course_id, c.course_code, c.title, p.voice, p.purchased_at,"
		   " min(p.purchased_at) OVER (PARTITION BY p.course_id) AS first_at " LIVE_SLOTS
		   ") s ORDER BY s.first_at, s.course_id, s.purchased_at, s.voice, s.id",
	.nargs = 1,
	.types = {UUIDOID},
};

/* What a call says. */
typedef struct Choice
{
	pg_uuid_t user;
	pg_uuid_t course;
	const char *voice; /* NULL: the course has one */
	TimestampTz at;
} Choice;

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

static void choice_read(Choice *choice, FunctionCallInfo fcinfo);
static void choice_user(const pg_uuid_t *named, pg_uuid_t *user);
static bool choice_find(const Choice *choice, Datum *result);
static bool choice_needs_slot(const Choice *choice);
static bool choice_is_owned(const Choice *choice);
static void choice_write(const Choice *choice, Datum *result);
static void choice_datums(const Choice *choice, Datum *values, char *nulls);
static void user_lock(const pg_uuid_t *user);
static void course_require_in_premium(Datum course);
static void room_require(Datum user, Datum course, Datum row, int64 limit);
static uint64 slots_return(FunctionCallInfo fcinfo, const pg_uuid_t *user, TimestampTz at);
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
	Datum values[2] = {0};
	bool nulls[2] = {true, true};
	Choice choice;
	OwnerRights rights;

	schema_require_current();
	choice_read(&choice, fcinfo);
	compat_materialize(fcinfo);
	SPI_connect();
	rights = owner_enter();
	user_lock(&choice.user);
	PushActiveSnapshot(GetTransactionSnapshot());
	if (choice_find(&choice, values))
		nulls[0] = nulls[1] = false;
	else if (choice_needs_slot(&choice))
	{
		choice_write(&choice, values);
		nulls[0] = nulls[1] = false;
	}
	PopActiveSnapshot();
	owner_leave(rights);
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
	TimestampTz at =
		PG_ARGISNULL(1) ? GetCurrentTransactionStartTimestamp() : PG_GETARG_TIMESTAMPTZ(1);
	pg_uuid_t user;
	Premium premium;
	uint64 filled;

	compat_materialize(fcinfo);
	if (!identity_resolve_user(PG_ARGISNULL(0) ? NULL : PG_GETARG_UUID_P(0), &user))
		return (Datum) 0;
	premium_read(&premium, &user);
	SPI_connect();
	filled = slots_return(fcinfo, &user, at);
	SPI_finish();
	empty_return(fcinfo, filled + 1, setting_integer("premium_slots"),
				 premium_holds(&premium, at));
	return (Datum) 0;
}

/*
 * SQL function: tg_course_purchases__slot() returns trigger
 *
 * The trigger's WHEN tells which rows become a slot.
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
		return PointerGetDatum(row); /* it was counted before; or the table refuses it */
	SPI_connect();
	anchor_user(&user);
	if (owner_execute(&read_subscriber, &key, NULL, false) == 0)
		premium_raise("There never was a subscription.");
	course_require_in_premium(UUIDPGetDatum(&course));
	limit = setting_integer("premium_slots");
	if (limit != EVERY_COURSE)
		room_require(key, UUIDPGetDatum(&course), UUIDPGetDatum(&id), limit);
	SPI_finish();
	return PointerGetDatum(row);
}

static void
choice_read(Choice *choice, FunctionCallInfo fcinfo)
{
	choice->voice = PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2));
	choice->at =
		PG_ARGISNULL(3) ? GetCurrentTransactionStartTimestamp() : PG_GETARG_TIMESTAMPTZ(3);
	choice_user(PG_ARGISNULL(0) ? NULL : PG_GETARG_UUID_P(0), &choice->user);
	if (PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("course_id must not be null")));
	choice->course = *PG_GETARG_UUID_P(1);
	if (choice->voice != NULL && strcmp(choice->voice, "male") != 0 &&
		strcmp(choice->voice, "female") != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("there is no such voice: \"%s\"", choice->voice),
						errhint("Give male or female, or NULL for a course with one voice.")));
	if (TIMESTAMP_NOT_FINITE(choice->at))
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("at must be a finite time")));
}

/* Whose choice it is: the words for another user are the same whether that one exists or not.
 */
static void
choice_user(const pg_uuid_t *named, pg_uuid_t *user)
{
	bool known = identity_current_user(user);

	if (named == NULL && !known)
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("nobody is signed in who could choose"),
						errhint("Sign in, or let the server name the user.")));
	if (named == NULL || (known && memcmp(named, user, sizeof(*user)) == 0))
		return;
	if (!identity_is_server())
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("only the server chooses for another user"),
						errhint("Leave user_id out: the choice is that of who is signed in.")));
	*user = *named;
}

static void
user_lock(const pg_uuid_t *user)
{
	if (anchor_user(user) != ANCHORED_LIVE)
		ereport(ERROR,
				(errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such user"),
				 errdetail("No user has the id %s, or the account was deleted.",
						   DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(user)))),
				 errhint("Call upsert_user() when a person signs up.")));
}

static bool
choice_find(const Choice *choice, Datum *result)
{
	Datum values[4];
	char nulls[4];

	choice_datums(choice, values, nulls);
	if (plan_execute(&read_chosen, values, nulls, true) == 0)
		return false;
	result[0] = plan_value(0, 1, NULL);
	result[1] = plan_value(0, 2, NULL);
	return true;
}

/* Raises where it may not be chosen; false where there is nothing to choose. */
static bool
choice_needs_slot(const Choice *choice)
{
	int64 limit = setting_integer("premium_slots");
	Premium premium;

	premium_read(&premium, &choice->user);
	if (!premium_holds(&premium, choice->at))
		premium_raise(psprintf("There is no premium at %s.", timestamptz_to_str(choice->at)));
	course_require_in_premium(UUIDPGetDatum(&choice->course));
	if (choice_is_owned(choice))
		ereport(ERROR, (errcode(ERRCODE_CB_SLOT_NOT_NEEDED),
						errmsg("the course can be used without a premium slot"),
						errdetail("It was bought or given, or it is free."),
						errhint("Keep the slot for another course.")));
	if (limit == EVERY_COURSE)
		return false;
	room_require(UUIDPGetDatum(&choice->user), UUIDPGetDatum(&choice->course), (Datum) 0,
				 limit);
	return true;
}

static bool
choice_is_owned(const Choice *choice)
{
	Datum values[4];
	char nulls[4];

	if (course_rights_hold(&choice->user, &choice->course, choice->at,
						   COURSE_BY_GRANT | COURSE_BY_FREE) != 0)
		return true;
	choice_datums(choice, values, nulls);
	values[3] = BoolGetDatum(setting_boolean("accept_sandbox"));
	return plan_execute(&read_bought, values, nulls, true) > 0;
}

static void
choice_write(const Choice *choice, Datum *result)
{
	Datum values[4];
	char nulls[4];

	choice_datums(choice, values, nulls);
	if (plan_execute(&write_slot, values, nulls, false) != 1)
		elog(ERROR, "a slot was there that was not found under the lock of its user");
	result[0] = plan_value(0, 1, NULL);
	result[1] = plan_value(0, 2, NULL);
}

static void
choice_datums(const Choice *choice, Datum *values, char *nulls)
{
	memset(nulls, ' ', 4);
	values[0] = UUIDPGetDatum(&choice->user);
	values[1] = UUIDPGetDatum(&choice->course);
	values[2] = (Datum) 0;
	if (choice->voice == NULL)
		nulls[2] = 'n';
	else
		values[2] = CStringGetTextDatum(choice->voice);
	values[3] = TimestampTzGetDatum(choice->at);
}

/* A course that does not exist reads like one that is not in premium. */
static void
course_require_in_premium(Datum course)
{
	bool null;

	if (owner_execute(&read_in_premium, &course, NULL, false) == 0 ||
		!DatumGetBool(plan_value(0, 1, &null)))
		ereport(ERROR,
				(errcode(ERRCODE_CB_NOT_IN_PREMIUM), errmsg("the course is not in premium"),
				 errdetail("No course in premium has the id %s.",
						   DatumGetCString(DirectFunctionCall1(uuid_out, course))),
				 errhint("Choose a course whose in_premium is true.")));
}

/* The course fills no slot anew by a further voice. row is 0 for one that is not there yet. */
static void
room_require(Datum user, Datum course, Datum row, int64 limit)
{
	Datum values[] = {user, course, row};
	const char *filled;

	owner_execute(&read_filled, values, row == 0 ? "  n" : NULL, false);
	if (DatumGetInt64(plan_value(0, 1, NULL)) < limit || DatumGetBool(plan_value(0, 3, NULL)))
		return;
	filled = plan_text(0, 2);
	ereport(ERROR,
			(errcode(ERRCODE_CB_SLOTS_FULL), errmsg("every premium slot is filled"),
			 errdetail("Slots: " INT64_FORMAT ", filled by: %s.", limit,
					   filled == NULL ? "none" : filled),
			 errhint("A course that is chosen stays chosen: buy this one to use it as well.")));
}

/* How many slots are filled. */
static uint64
slots_return(FunctionCallInfo fcinfo, const pg_uuid_t *user, TimestampTz at)
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
		SPI_tuptable = slots; /* the question for one may have read others */
		for (int column = 0; column < SLOT_LIVE; column++)
			values[column] = plan_value(row, column + 1, &nulls[column]);
		values[SLOT_LIVE] =
			BoolGetDatum(course_rights_hold(user, DatumGetUUIDP(values[SLOT_COURSE]), at,
											COURSE_BY_SLOT) != 0);
		nulls[SLOT_LIVE] = false;
		filled = DatumGetInt32(values[SLOT_NUMBER]);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return filled;
}

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
					errhint("Subscribe, or renew: what was chosen before counts again then.")));
}
