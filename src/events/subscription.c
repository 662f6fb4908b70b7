/*
 * subscription.c: tells the state of a subscription, and what lines give of entitlements.
 *
 * The row of subscriptions tells the state that it shows. Access to each entitlement as a
 * whole, and to each course that the person chose for a slot, is told by the lines: each line
 * may give it (billing/premium.h). Where an entitlement covers every course in premium, its
 * event stands for all of them. Time alone changes no row: access_turns() tells what it ends.
 *
 * Order: the machine of subscriptions holds the person's row of users before it writes, and
 * writes each line by a statement of its own, so that the lines that a trigger reads are those
 * before the next change.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/snapmgr.h"

#include "access/course_rights.h"
#include "billing/environment.h"
#include "billing/fold.h"
#include "billing/premium.h"
#include "core/datum.h"
#include "core/owner.h"
#include "core/plan.h"
#include "events/access.h"
#include "events/changes.h"
#include "events/event.h"
#include "identity/asking.h"

static KeptPlan read_slots = {
	.sql = "SELECT DISTINCT p.course_id FROM coursebase.course_purchases p"
		   " WHERE p.user_id = $1 AND p.source = 'premium_slot' AND p.status = 'valid'"
		   " ORDER BY p.course_id",
	.nargs = 1,
	.types = {UUIDOID},
};

/* A person's lines but one, of those that count. $4: whether sandboxes count. */
static KeptPlan read_others = {
	.sql = "SELECT l.access_until, l.product_id FROM coursebase.subscription_lines l"
		   " WHERE l.user_id = $1 AND (l.store, l.original_transaction_id) <> ($2, $3)"
		   "  AND l.access_until IS NOT NULL AND " ENVIRONMENT_COUNTS("l.environment", "$4"),
	.nargs = 4,
	.types = {UUIDOID, TEXTOID, TEXTOID, BOOLOID},
};

enum
{
	OTHERS_UNTIL = 1,
	OTHERS_PRODUCT,
};

/* The columns of subscription_lines that events are made from. */
typedef struct LineColumns
{
	int user;
	int store;
	int line;
	int environment;
	int access_until;
	int product;
} LineColumns;

/* A line that gives access, or what there was before a change and is after it. */
typedef struct LineGift
{
	TimestampTz until; /* DT_NOBEGIN: it gives nothing */
	const char *product;
} LineGift;

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

/* What a row says; pending and without access for a row that is not there. */
typedef struct State
{
	FoldTerm term;
	const char *store;
	const char *product;
	TimestampTz until; /* the end of access by this state */
} State;

static Columns columns_find(Changes *changes);
static State state_read(TupleTableSlot *row, const Columns *columns);
static bool state_same(const State *was, const State *is);
static LineGift line_gift(TupleTableSlot *row, const LineColumns *columns);
static void line_tell(TupleTableSlot *row, const LineColumns *columns, const LineGift *was,
					  const LineGift *is);
static LineGift *others_read(TupleTableSlot *row, const LineColumns *columns, int *count);
static TimestampTz gifts_end(const EntitlementAsk *ask, const LineGift *line,
							 const LineGift *others, int count);
static TimestampTz gift_end(const EntitlementAsk *ask, const LineGift *gift);
static void slots_tell(const pg_uuid_t *user, TimestampTz was, TimestampTz is);

PG_FUNCTION_INFO_V1(coursebase_tg_subscriptions__tell);
PG_FUNCTION_INFO_V1(coursebase_tg_subscription_lines__tell);

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
					is.store, is.until == DT_NOBEGIN ? DT_NOEND : is.until);
	}
	changes_end(&changes);
	return PointerGetDatum(NULL);
}

/* SQL function: tg_subscription_lines__tell() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_subscription_lines__tell(PG_FUNCTION_ARGS)
{
	static const LineGift nothing = {DT_NOBEGIN, NULL};
	Changes changes;
	LineColumns columns;

	if (!changes_begin(&changes, fcinfo, "tg_subscription_lines__tell", CHANGES_ANY))
		return PointerGetDatum(NULL);
	columns = (LineColumns){
		.user = changes_column(&changes, "user_id", UUIDOID),
		.store = changes_column(&changes, "store", TEXTOID),
		.line = changes_column(&changes, "original_transaction_id", TEXTOID),
		.environment = changes_column(&changes, "environment", TEXTOID),
		.access_until = changes_column(&changes, "access_until", TIMESTAMPTZOID),
		.product = changes_column(&changes, "product_id", TEXTOID),
	};
	while (changes_next(&changes))
	{
		LineGift was = line_gift(changes.was, &columns);
		LineGift is = line_gift(changes.is, &columns);

		if (changes.was != NULL && changes.is != NULL &&
			uuid_equal(row_uuid(changes.was, columns.user), row_uuid(changes.is, columns.user)))
			line_tell(changes.is, &columns, &was, &is);
		else
		{
			/* a transfer takes the line from one person and gives it to another */
			if (changes.was != NULL)
				line_tell(changes.was, &columns, &was, &nothing);
			if (changes.is != NULL)
				line_tell(changes.is, &columns, &nothing, &is);
		}
	}
	changes_end(&changes);
	return PointerGetDatum(NULL);
}

/* Looked up once a statement, and not once a row. */
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

/* A row that is not there is read as pending, with nothing that a change could differ from by
 * chance. */
static State
state_read(TupleTableSlot *row, const Columns *columns)
{
	State state = {.term = {.expires_at = FOLD_NEVER, .grace_until = FOLD_NEVER},
				   .until = DT_NOBEGIN};
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
		state.until = fold_access_end(&state.term);
	return state;
}

/* Compares what an event tells: a change of anything else is none. */
static bool
state_same(const State *was, const State *is)
{
	return was->term.status == is->term.status && was->until == is->until &&
		   was->term.expires_at == is->term.expires_at &&
		   was->term.grace_until == is->term.grace_until &&
		   was->term.auto_renew == is->term.auto_renew && texts_equal(was->store, is->store) &&
		   texts_equal(was->product, is->product);
}

/* What the line gives; a sandbox that does not count gives nothing. */
static LineGift
line_gift(TupleTableSlot *row, const LineColumns *columns)
{
	if (row == NULL ||
		!environment_counts(row_text(row, columns->environment), row_uuid(row, columns->user)))
		return (LineGift){DT_NOBEGIN, NULL};
	return (LineGift){row_time(row, columns->access_until, DT_NOBEGIN),
					  row_text(row, columns->product)};
}

/* Tells what the row's person has of each entitlement, and of the slots, by the change. */
static void
line_tell(TupleTableSlot *row, const LineColumns *columns, const LineGift *was,
		  const LineGift *is)
{
	const pg_uuid_t *user = row_uuid(row, columns->user);
	EntitlementNames names;
	TimestampTz ended, ends;
	LineGift *others;
	int count;
	bool admin;

	if (was->until == is->until && texts_equal(was->product, is->product))
		return;
	others = others_read(row, columns, &count);
	access_snapshot_push();
	if (!identity_user_read(user, &admin))
	{
		/* the account is closed, and may use nothing, whatever its lines go on to say */
		PopActiveSnapshot();
		return;
	}
	names = entitlement_names();
	for (int i = 0; i < names.count; i++)
	{
		EntitlementAsk ask = {ENTITLEMENT_NAMED, names.names[i]};

		ended = gifts_end(&ask, was, others, count);
		ends = gifts_end(&ask, is, others, count);
		if (ended != ends)
			access_tell(user, psprintf(SUBJECT_OF_ENTITLEMENT "%s", names.names[i]), ended,
						ends, row_text(row, columns->store));
	}
	ended = gifts_end(&entitlement_ask_slots, was, others, count);
	ends = gifts_end(&entitlement_ask_slots, is, others, count);
	PopActiveSnapshot();
	if (ended != ends)
		slots_tell(user, ended, ends);
}

/*
 * The lines that the change did not touch, in the current context (the row's, Changes.row). The
 * caller compares them with the line before and after.
 */
static LineGift *
others_read(TupleTableSlot *row, const LineColumns *columns, int *count)
{
	const pg_uuid_t *user = row_uuid(row, columns->user);
	PlanValues values = {0};
	LineGift *others;

	plan_bind_uuid(&values, user);
	plan_bind_text(&values, row_text(row, columns->store));
	plan_bind_text(&values, row_text(row, columns->line));
	plan_bind_bool(&values, environment_sandbox_counts(user));
	*count = (int) owner_execute_latest(&read_others, values.datums, values.nulls);
	others = palloc((*count + 1) * sizeof(*others));
	for (int i = 0; i < *count; i++)
		others[i] = (LineGift){plan_time(i, OTHERS_UNTIL), plan_text(i, OTHERS_PRODUCT)};
	return others;
}

/* When what is asked about ends, by one line and the others. */
static TimestampTz
gifts_end(const EntitlementAsk *ask, const LineGift *line, const LineGift *others, int count)
{
	TimestampTz end = gift_end(ask, line);

	for (int i = 0; i < count; i++)
		end = Max(end, gift_end(ask, &others[i]));
	return end;
}

/*
 * DT_NOBEGIN where the line gives no access or its product does not give what is asked about:
 * it is smaller than every end.
 */
static TimestampTz
gift_end(const EntitlementAsk *ask, const LineGift *gift)
{
	const Entitlements *known = entitlements_known(GetActiveSnapshot());

	if (gift->until == DT_NOBEGIN || !entitlement_given(known, ask, gift->product))
		return DT_NOBEGIN;
	return gift->until;
}

/*
 * Tells of each course that the person chose for a slot: all of them come and go with the right
 * to slots.
 */
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
		/*
		 * COURSE_BY_PREMIUM is left out too: what premium gives besides slots ends with the
		 * same lines, and would otherwise keep the course
		 */
		course_tell(user, &course, COURSE_BY_REAL & ~(COURSE_BY_SLOT | COURSE_BY_PREMIUM), was,
					is, SOURCE_SLOT);
	}
	PopActiveSnapshot();
}
