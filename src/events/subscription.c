/*
 * subscription.c: tells the state of a subscription, and what that changes for premium.
 *
 * One change of a person's row of subscriptions is up to three kinds of events: the state of
 * the subscription, access to premium as a whole, and access to each course that the person
 * chose for a premium slot. Where premium is every course in premium (setting premium_slots
 * -1), the event of premium stands for all of them. Time alone changes no row: access_turns()
 * tells what it ends.
 *
 * The machine of subscriptions holds the person's row of users before it writes.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/snapmgr.h"

#include "access/course_rights.h"
#include "billing/environment.h"
#include "billing/fold.h"
#include "core/owner.h"
#include "core/plan.h"
#include "events/access.h"
#include "events/changes.h"
#include "events/event.h"

static KeptPlan read_slots = {
	.sql = "SELECT DISTINCT p.course_id FROM coursebase.course_purchases p"
		   " WHERE p.user_id = $1 AND p.source = 'premium_slot' AND p.status = 'valid'"
		   " ORDER BY p.course_id",
	.nargs = 1,
	.types = {UUIDOID},
};

/* The columns of subscriptions that events are made from. */
typedef struct Columns
{
	int id;
	int user;
	int status;
	int expires_at;
	int grace_until;
	int auto_renew;
	int environment;
	int store;
	int product;
} Columns;

/* What a row says; pending and without premium for a row that is not there. */
typedef struct State
{
	FoldTerm term;
	const char *store;
	const char *product;
	TimestampTz premium; /* its end */
} State;

static Columns columns_find(Changes *changes);
static State state_read(TupleTableSlot *row, const Columns *columns);
static bool state_same(const State *was, const State *is);
static void slots_tell(const pg_uuid_t *user, TimestampTz was, TimestampTz is);

PG_FUNCTION_INFO_V1(coursebase_tg_subscriptions__tell);

/*
 * SQL function: tg_subscriptions__tell() returns trigger
 *
 * The machine begins with a row that is pending, which tells nothing.
 */
PGDLLEXPORT Datum
coursebase_tg_subscriptions__tell(PG_FUNCTION_ARGS)
{
	Changes changes;
	Columns columns;

	if (!changes_begin(&changes, fcinfo, "tg_subscriptions__tell", CHANGES_WRITE))
		return PointerGetDatum(NULL);
	columns = columns_find(&changes);
	while (changes_next(&changes))
	{
		State was = state_read(changes.was, &columns);
		State is = state_read(changes.is, &columns);
		const pg_uuid_t *user;

		if (state_same(&was, &is))
			continue;
		user = row_uuid(changes.is, columns.user);
		event_write(psprintf("subscription_%s", subscription_status_names[is.term.status]),
					user, event_subject("subscriptions", row_uuid(changes.is, columns.id)),
					is.store, is.premium == DT_NOBEGIN ? DT_NOEND : is.premium);
		access_tell(user, SUBJECT_PREMIUM, was.premium, is.premium, is.store);
		if (was.premium != is.premium)
			slots_tell(user, was.premium, is.premium);
	}
	changes_end(&changes);
	return PointerGetDatum(NULL);
}

static Columns
columns_find(Changes *changes)
{
	return (Columns){
		.id = changes_column(changes, "id", UUIDOID),
		.user = changes_column(changes, "user_id", UUIDOID),
		.status = changes_column(changes, "status", CHANGES_ENUM),
		.expires_at = changes_column(changes, "expires_at", TIMESTAMPTZOID),
		.grace_until = changes_column(changes, "grace_until", TIMESTAMPTZOID),
		.auto_renew = changes_column(changes, "auto_renew", BOOLOID),
		.environment = changes_column(changes, "environment", TEXTOID),
		.store = changes_column(changes, "store", TEXTOID),
		.product = changes_column(changes, "product_id", TEXTOID),
	};
}

static State
state_read(TupleTableSlot *row, const Columns *columns)
{
	State state = {.term = {.expires_at = FOLD_NEVER, .grace_until = FOLD_NEVER},
				   .premium = DT_NOBEGIN};
	char *status;

	if (row == NULL)
		return state;
	status = row_label(row, columns->status);
	if (status == NULL || !subscription_status_parse(status, &state.term.status))
		return state; /* a label of the operator's own gives nothing, as in premium_read() */
	state.term.expires_at = row_time(row, columns->expires_at, FOLD_NEVER);
	state.term.grace_until = row_time(row, columns->grace_until, FOLD_NEVER);
	state.term.auto_renew = row_bool(row, columns->auto_renew, false);
	state.store = row_text(row, columns->store);
	state.product = row_text(row, columns->product);
	if (environment_counts(row_text(row, columns->environment), row_uuid(row, columns->user)))
		state.premium = fold_access_end(&state.term);
	return state;
}

static bool
state_same(const State *was, const State *is)
{
	return was->term.status == is->term.status && was->premium == is->premium &&
		   was->term.expires_at == is->term.expires_at &&
		   was->term.grace_until == is->term.grace_until &&
		   was->term.auto_renew == is->term.auto_renew && texts_equal(was->store, is->store) &&
		   texts_equal(was->product, is->product);
}

static void
slots_tell(const pg_uuid_t *user, TimestampTz was, TimestampTz is)
{
	Datum key = UUIDPGetDatum(user);
	uint64 count = owner_execute_latest(&read_slots, &key, NULL);
	SPITupleTable *rows = SPI_tuptable;

	access_snapshot_push();
	for (uint64 row = 0; row < count; row++)
	{
		pg_uuid_t course;

		SPI_tuptable = rows; /* the statement that writes an event has set its own */
		course = plan_uuid(row, 1);
		/* What premium gives besides its slots ends with it, and so is no other source. */
		course_tell(user, &course, COURSE_BY_REAL & ~(COURSE_BY_SLOT | COURSE_BY_PREMIUM), was,
					is, SOURCE_SLOT);
	}
	PopActiveSnapshot();
}
