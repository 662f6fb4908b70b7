/*
 * access.c: tells what changes when somebody may use a course or a program.
 *
 * Invariant: an event of access compares when the access to one subject ends, over all sources,
 * before the statement and after it. A second source of a course that has one without an end
 * tells nothing, and neither does the loss of one of two: the last event that a consumer has of
 * a person and a subject is true until another event or access_turns() says otherwise. What
 * changes for everybody at once (a course becomes free, a setting) writes no event, and neither
 * does what only an administrator may use.
 *
 * Order: what other sources give is read with a snapshot of this moment. Example: two
 * transactions each take one of two sources away. The second waits at the person's row of users
 * or of user_versions, which triggers that fire before these have locked, and then sees that
 * the first source is gone: it tells that the access is lost. What was before the statement is
 * read with the same snapshot, but for what this transaction wrote from that statement on.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "access/course_rights.h"
#include "access/course_sources.h"
#include "billing/environment.h"
#include "billing/premium.h"
#include "core/compat.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/row_trigger.h"
#include "core/setting.h"
#include "events/access.h"
#include "events/changes.h"
#include "events/emptied.h"
#include "events/event.h"
#include "events/sale.h"
#include "identity/asking.h"
#include "sales/course_grant.h"

/* What a TRUNCATE takes from everybody: it has no transition tables. What it takes by other
 * tables as well, emptied.h knows. */
static KeptPlan read_every_access = {
	.sql = "SELECT a.user_id, a.course_id FROM coursebase.user_course_access a",
};
static KeptPlan read_every_entitlement = {
	.sql = "SELECT e.user_id, e.program_id FROM coursebase.course_entitlements e"
		   " WHERE e.status = 'active'",
};

/*
 * The courses that rows of one source (purchases, or slots) gave a person before the statement
 * and do not give after it, or the other way round. A course may have a row for each voice, so
 * that one row alone does not tell. $1: whether what a sandbox sold counts for everybody; $2:
 * the testers for whom it counts.
 */
#define GIVES(row)                                                                             \
	row ".status = 'valid' AND (" ENVIRONMENT_COUNTS(                                          \
		row ".environment", "$1") " OR position(" row                                          \
								  ".user_id::text IN lower($2 COLLATE \"C\")) > 0)"
#define TURNED(touched, gone, was_there)                                                       \
	"SELECT g.user_id, g.course_id, g.is_slot FROM (" gone                                     \
	" SELECT p.user_id, p.course_id, p.source = 'premium_slot' AS is_slot, " was_there         \
	"  AS was_there, true AS is_there FROM coursebase.course_purchases p"                      \
	"  WHERE (p.user_id, p.course_id) IN (" touched                                            \
	") AND " GIVES("p") ") g"                                                                  \
						" GROUP BY g.user_id, g.course_id, g.is_slot"                          \
						" HAVING bool_or(g.was_there) <> bool_or(g.is_there)"                  \
						" ORDER BY g.user_id, g.course_id, g.is_slot"
#define GONE                                                                                   \
	" SELECT o.user_id, o.course_id, o.source = 'premium_slot' AS is_slot, true AS was_there," \
	"  false AS is_there FROM was o WHERE " GIVES("o") " UNION ALL"
/*
 * A row of the table that the statement did not write: for such a row "before" is the same as
 * now.
 */
#define UNCHANGED "NOT EXISTS (SELECT FROM changed n WHERE n.id = p.id)"

static KeptPlan find_turned_on_insert = {
	.sql = TURNED("SELECT n.user_id, n.course_id FROM changed n", "", UNCHANGED),
	.nargs = 2,
	.types = {BOOLOID, TEXTOID},
};
static KeptPlan find_turned_on_update = {
	.sql = TURNED("SELECT n.user_id, n.course_id FROM changed n"
				  " UNION SELECT o.user_id, o.course_id FROM was o",
				  GONE, UNCHANGED),
	.nargs = 2,
	.types = {BOOLOID, TEXTOID},
};
static KeptPlan find_turned_on_delete = {
	.sql = TURNED("SELECT o.user_id, o.course_id FROM was o", GONE, "true"),
	.nargs = 2,
	.types = {BOOLOID, TEXTOID},
};
static KeptPlan find_turned_on_truncate = {
	.sql = "SELECT DISTINCT p.user_id, p.course_id, p.source = 'premium_slot'"
		   " FROM coursebase.course_purchases p WHERE " GIVES("p"),
	.nargs = 2,
	.types = {BOOLOID, TEXTOID},
};

/* The columns of the four statements above. */
enum
{
	TURNED_USER = 1,
	TURNED_COURSE,
	TURNED_IS_SLOT,
};

/* When the access ends that a statement has told of, by person and course. */
typedef struct ToldKey
{
	pg_uuid_t user;
	pg_uuid_t course;
} ToldKey;

typedef struct Told
{
	ToldKey key;
	TimestampTz end;
	CommandId command; /* the current one when it was told */
	SubTransactionId subtransaction;
} Told;

static struct
{
	HTAB *ends; /* in the memory of its transaction */
	LocalTransactionId transaction;
	CommandId last; /* the greatest command of an entry */
} told;

/* Tells of one row of a table that is being emptied. */
typedef void (*RowLost)(const pg_uuid_t *user, const pg_uuid_t *subject);

static void all_lost(KeptPlan *read, RowLost lost);
static void grant_lost(const pg_uuid_t *user, const pg_uuid_t *course);
static void entitlement_lost(const pg_uuid_t *user, const pg_uuid_t *program);
static void turned_tell(KeptPlan *find, bool emptied);
static bool told_find(const pg_uuid_t *user, const pg_uuid_t *course, CommandId since,
					  TimestampTz *end);
static void told_keep(const pg_uuid_t *user, const pg_uuid_t *course, CommandId since,
					  TimestampTz end);
static TimestampTz others_end(const pg_uuid_t *user, const pg_uuid_t *course, uint32 others);
static TimestampTz granted_until(const pg_uuid_t *user, const pg_uuid_t *course);
static const char *access_kind(TimestampTz was, TimestampTz is, TimestampTz now);
static void program_tell(const pg_uuid_t *user, const pg_uuid_t *program, bool was, bool is);
static bool is_active(TupleTableSlot *row, int status);
static bool is_set(TupleTableSlot *row, int time);

PG_FUNCTION_INFO_V1(coursebase_tg_user_course_access__tell);
PG_FUNCTION_INFO_V1(coursebase_tg_course_purchases__tell);
PG_FUNCTION_INFO_V1(coursebase_tg_course_entitlements__tell);

/*
 * SQL function: tg_user_course_access__tell() returns trigger
 *
 * A row of user_course_access is access without an end; grant.c tells of grants that end.
 */
PGDLLEXPORT Datum
coursebase_tg_user_course_access__tell(PG_FUNCTION_ARGS)
{
	Changes changes;

	if (changes_is_truncate(fcinfo))
	{
		all_lost(&read_every_access, grant_lost);
		emptied_add(EMPTIED_ACCESS);
		return PointerGetDatum(NULL);
	}
	emptied_forget();
	if (changes_begin(&changes, fcinfo, "tg_user_course_access__tell", CHANGES_ANY))
	{
		int user = changes_column(&changes, "user_id", UUIDOID);
		int course = changes_column(&changes, "course_id", UUIDOID);
		CommandId since = access_snapshot_push();

		while (changes_next(&changes))
		{
			TupleTableSlot *row = changes.is != NULL ? changes.is : changes.was;

			course_changed_tell(row_uuid(row, user), row_uuid(row, course), since,
								SOURCE_GRANT);
		}
		PopActiveSnapshot();
		changes_end(&changes);
	}
	return PointerGetDatum(NULL);
}

/* SQL function: tg_course_purchases__tell() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_course_purchases__tell(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	Changes changes;

	if (changes_is_truncate(fcinfo))
	{
		if (!events_wanted())
			return PointerGetDatum(NULL);
		SPI_connect();
		/* before the TRUNCATE, while the rows can still be read */
		turned_tell(&find_turned_on_truncate, true);
		SPI_finish();
		emptied_add(EMPTIED_PURCHASES);
		return PointerGetDatum(NULL);
	}
	emptied_forget();
	if (changes_begin(&changes, fcinfo, "tg_course_purchases__tell", CHANGES_ANY))
	{
		course_sales_tell(&changes);
		trigger_tables_show(data);
		turned_tell(TRIGGER_FIRED_BY_INSERT(data->tg_event)   ? &find_turned_on_insert
					: TRIGGER_FIRED_BY_UPDATE(data->tg_event) ? &find_turned_on_update
															  : &find_turned_on_delete,
					false);
		changes_end(&changes);
	}
	return PointerGetDatum(NULL);
}

/* SQL function: tg_course_entitlements__tell() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_course_entitlements__tell(PG_FUNCTION_ARGS)
{
	Changes changes;

	if (changes_is_truncate(fcinfo))
		all_lost(&read_every_entitlement, entitlement_lost);
	else if (changes_begin(&changes, fcinfo, "tg_course_entitlements__tell", CHANGES_ANY))
	{
		int user = changes_column(&changes, "user_id", UUIDOID);
		int program = changes_column(&changes, "program_id", UUIDOID);
		int status = changes_column(&changes, "status", CHANGES_ENUM);
		int completed_at = changes_column(&changes, "completed_at", TIMESTAMPTZOID);

		while (changes_next(&changes))
		{
			TupleTableSlot *row = changes.is != NULL ? changes.is : changes.was;

			program_tell(row_uuid(row, user), row_uuid(row, program),
						 is_active(changes.was, status), is_active(changes.is, status));
			if (is_set(changes.is, completed_at) && !is_set(changes.was, completed_at))
				event_write("course_completed", row_uuid(row, user),
							event_subject("programs", row_uuid(row, program)), NULL, DT_NOEND);
		}
		changes_end(&changes);
	}
	return PointerGetDatum(NULL);
}

/*
 * Max(): the access ends when the last of all sources ends. A source whose end lies before that
 * of the others leaves both ends equal, and access_tell() then writes nothing.
 */
void
course_tell(const pg_uuid_t *user, const pg_uuid_t *course, uint32 others, TimestampTz was,
			TimestampTz is, const char *source)
{
	TimestampTz end = others_end(user, course, others);

	access_tell(user, event_subject("courses", course), Max(was, end), Max(is, end), source);
}

/*
 * What was told in the same statement counts as what was before: a statement may write several
 * tables (WITH), and triggers write more, and each trigger that tells sees all of it. What has
 * not been told is read as it was before the statement's first row.
 */
void
course_changed_tell(const pg_uuid_t *user, const pg_uuid_t *course, CommandId since,
					const char *source)
{
	TimestampTz is = course_rights_end(user, course, COURSE_BY_REAL);
	TimestampTz was;
	bool admin;

	if (!told_find(user, course, since, &was))
	{
		/* the same moment, without what this transaction wrote from that command on */
		PushCopiedSnapshot(GetActiveSnapshot());
		GetActiveSnapshot()->curcid = since;
		was = course_rights_end(user, course, COURSE_BY_REAL);
		PopActiveSnapshot();
	}
	/*
	 * where the person was deleted, and the rows by the foreign keys, there is nobody left to
	 * tell of
	 */
	if (was == is || !identity_user_read(user, &admin))
		return;
	told_keep(user, course, since, is);
	access_tell(user, event_subject("courses", course), was, is, source);
}

/*
 * The end that was told of the course in this statement, which began with the command. What an
 * earlier statement of the transaction told is of earlier commands, and what was rolled back is
 * of a subtransaction that is no longer active. So is what was told before a savepoint was
 * released within the statement: that is told again, which is true and once too often.
 */
static bool
told_find(const pg_uuid_t *user, const pg_uuid_t *course, CommandId since, TimestampTz *end)
{
	ToldKey key = {*user, *course};
	Told *found;

	if (told.ends == NULL || told.transaction != compat_local_transaction())
		return false;
	found = hash_search(told.ends, &key, HASH_FIND, NULL);
	if (found == NULL || found->command < since ||
		!SubTransactionIsActive(found->subtransaction))
		return false;
	*end = found->end;
	return true;
}

/* A new outermost statement begins with an empty table: one of a million rows keeps as many
 * entries for itself alone. */
static void
told_keep(const pg_uuid_t *user, const pg_uuid_t *course, CommandId since, TimestampTz end)
{
	ToldKey key = {*user, *course};
	Told *entry;

	if (told.transaction != compat_local_transaction())
		told.ends = NULL; /* it went with its transaction */
	if (told.ends != NULL && trigger_depth() == 1 && told.last < since)
	{
		hash_destroy(told.ends);
		told.ends = NULL;
	}
	if (told.ends == NULL)
	{
		HASHCTL control = {.keysize = sizeof(ToldKey),
						   .entrysize = sizeof(Told),
						   .hcxt = TopTransactionContext};

		told.ends = hash_create("coursebase told ends", 64, &control,
								HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
		told.transaction = compat_local_transaction();
	}
	entry = hash_search(told.ends, &key, HASH_ENTER, NULL);
	entry->end = end;
	entry->command = told.last = GetCurrentCommandId(false);
	entry->subtransaction = GetCurrentSubTransactionId();
}

/* When what other sources give the course ends. What they give by a table that the same
 * TRUNCATE empties can still be read, and is given no more. */
static TimestampTz
others_end(const pg_uuid_t *user, const pg_uuid_t *course, uint32 others)
{
	uint32 tables = emptied_tables();
	TimestampTz end;

	if ((tables & EMPTIED_PURCHASES) != 0)
		others &= ~(COURSE_BY_PURCHASE | COURSE_BY_SLOT);
	if ((others & COURSE_BY_GRANT) == 0 || (tables & (EMPTIED_ACCESS | EMPTIED_GRANTS)) == 0)
		return course_rights_end(user, course, others);
	end = course_rights_end(user, course, others & ~COURSE_BY_GRANT);
	if ((tables & EMPTIED_ACCESS) == 0 &&
		course_rights_end(user, course, COURSE_BY_GRANT) == DT_NOEND)
		return DT_NOEND;
	return Max(end, granted_until(user, course));
}

/* The latest end of the grants of the course that have one. */
static TimestampTz
granted_until(const pg_uuid_t *user, const pg_uuid_t *course)
{
	if ((emptied_tables() & EMPTIED_GRANTS) != 0)
		return DT_NOBEGIN;
	return course_sources_granted_until(user, course);
}

/*
 * A loss is written by event_write_gone(), which checks the foreign key to users itself: the
 * row that named the person may have been deleted.
 */
void
access_tell(const pg_uuid_t *user, const char *subject, TimestampTz was, TimestampTz is,
			const char *source)
{
	const char *kind = access_kind(was, is, GetCurrentTransactionStartTimestamp());

	if (kind == NULL)
		return;
	if (is > was)
		event_write(kind, user, subject, source, is);
	else /* of a shortened access the event says until when it lasts, of a lost one nothing */
		event_write_gone(kind, user, subject, source, is == DT_NOBEGIN ? DT_NOEND : is);
}

CommandId
access_snapshot_push(void)
{
	CommandId since = GetActiveSnapshot()->curcid;

	(void) course_grant_derived_since(&since);
	/*
	 * the command counter moves first: a snapshot shows rows of this transaction that earlier
	 * commands wrote, and the statement that fired the trigger is the current one
	 */
	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
	return since;
}

/*
 * Runs before the TRUNCATE, and tells of each row as of a loss. What a person keeps by other
 * sources course_tell() still finds.
 */
static void
all_lost(KeptPlan *read, RowLost lost)
{
	SPITupleTable *rows;
	uint64 count;

	if (!events_wanted())
		return;
	SPI_connect();
	count = owner_execute_latest(read, NULL, NULL);
	rows = SPI_tuptable;
	access_snapshot_push();
	for (uint64 row = 0; row < count; row++)
	{
		pg_uuid_t user, subject;

		SPI_tuptable = rows; /* the statement that writes an event has set its own */
		user = plan_uuid(row, 1);
		subject = plan_uuid(row, 2);
		lost(&user, &subject);
	}
	PopActiveSnapshot();
	SPI_finish();
}

static void
grant_lost(const pg_uuid_t *user, const pg_uuid_t *course)
{
	course_tell(user, course, COURSE_BY_REAL & ~COURSE_BY_GRANT, DT_NOEND,
				granted_until(user, course), SOURCE_GRANT);
}

static void
entitlement_lost(const pg_uuid_t *user, const pg_uuid_t *program)
{
	program_tell(user, program, true, false);
}

/*
 * Tells of the courses that the statement finds. Of what a TRUNCATE takes the rows can still be
 * read: a purchase lasts for ever, a slot as long as the premium that gives it, and the source
 * of the row itself is left out of "others", because before and after say what it gives.
 */
static void
turned_tell(KeptPlan *find, bool emptied)
{
	Datum values[] = {BoolGetDatum(environment_sandbox_counts(NULL)),
					  CStringGetTextDatum(setting_text("sandbox_testers"))};
	uint64 count = owner_execute_latest(find, values, NULL);
	SPITupleTable *rows = SPI_tuptable;
	CommandId since = access_snapshot_push();

	for (uint64 row = 0; row < count; row++)
	{
		pg_uuid_t user, course;
		bool slot;

		SPI_tuptable = rows; /* the statement that writes an event has set its own */
		user = plan_uuid(row, TURNED_USER);
		course = plan_uuid(row, TURNED_COURSE);
		slot = plan_bool(row, TURNED_IS_SLOT);
		if (!emptied)
			course_changed_tell(&user, &course, since, slot ? SOURCE_SLOT : SOURCE_PURCHASE);
		else if (slot)
			course_tell(&user, &course, COURSE_BY_REAL & ~COURSE_BY_SLOT,
						premium_end(&entitlement_ask_slots, &user), DT_NOBEGIN, SOURCE_SLOT);
		else
			course_tell(&user, &course, COURSE_BY_REAL & ~COURSE_BY_PURCHASE, DT_NOEND,
						DT_NOBEGIN, SOURCE_PURCHASE);
	}
	PopActiveSnapshot();
}

/*
 * The label of the event; NULL when both ends are past or equal: nothing that is true now, or
 * will be, has changed. An end that is past counts as no access, however long ago it was.
 */
static const char *
access_kind(TimestampTz was, TimestampTz is, TimestampTz now)
{
	if (was == is || (was <= now && is <= now))
		return NULL;
	if (was <= now)
		return "access_gained";
	if (is <= now)
		return "access_lost";
	return is > was ? "access_extended" : "access_shortened";
}

/* Every access policy of a program lasts for ever, so that an active entitlement has no end. */
static void
program_tell(const pg_uuid_t *user, const pg_uuid_t *program, bool was, bool is)
{
	access_tell(user, event_subject("programs", program), was ? DT_NOEND : DT_NOBEGIN,
				is ? DT_NOEND : DT_NOBEGIN, SOURCE_ENTITLEMENT);
}

static bool
is_active(TupleTableSlot *row, int status)
{
	return row != NULL && texts_equal(row_label(row, status), "active");
}

static bool
is_set(TupleTableSlot *row, int time)
{
	return row != NULL && row_time(row, time, DT_NOBEGIN) != DT_NOBEGIN;
}
