/*
 * machine.c: the statements that write the tables of the subscription machine, and the trigger
 * that refuses everybody else's.
 *
 * The mark machine_writes tells the machine's statements from all others, also from those of an
 * operator's trigger that fires within one (core/statement_mark.h). It is a variable of C and
 * not a setting, so that no SQL and no role can turn it on.
 *
 * Locks: the caller holds the row of users. Each statement locks the rows that it writes, those
 * of subscriptions after that of users (identity/anchor.h).
 *
 * Rights: the statements run with the rights of the tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "utils/rel.h"

#include "billing/machine.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/restore.h"
#include "core/row_kept.h"
#include "core/statement_mark.h"

/* Read by the trigger, which runs within the statement. */
static StatementMark machine_writes;

/* The columns of a line in the order of the table: line_bind(). */
#define LINE_ARGS                                                                              \
	.nargs = 24, .types = {TEXTOID,        TEXTOID,        UUIDOID,        TEXTOID,            \
						   TEXTOID,        TIMESTAMPTZOID, TIMESTAMPTZOID, BOOLOID,            \
						   TEXTOID,        TIMESTAMPTZOID, TIMESTAMPTZOID, BOOLOID,            \
						   TIMESTAMPTZOID, TEXTOID,        TEXTOID,        TEXTOID,            \
						   TEXTOID,        TEXTOID,        TIMESTAMPTZOID, TEXTOID,            \
						   TEXTOID,        TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID}

/*
 * A line belongs to one user for ever. ON CONFLICT waits for another transaction that inserts
 * the same line (another user's: the caller holds the lock of this one) and then does nothing,
 * so that line_insert() can report it.
 */
static KeptPlan insert_line = {
	.sql = "INSERT INTO coursebase.subscription_lines (store, original_transaction_id, "
		   "user_id, environment, status, expires_at, grace_until, auto_renew, "
		   "before_status, before_expires_at, before_grace_until, before_auto_renew, "
		   "first_premium_at, transaction_id, product_id, base_plan_id, offer_id, "
		   "purchase_token, last_event_time, last_event_type, last_store_event_id, "
		   "access_from, access_until, replaced_at) "
		   "VALUES ($1, $2, $3, $4, $5::coursebase.subscription_status, $6, $7, $8, "
		   "$9::coursebase.subscription_status, $10, $11, $12, $13, $14, $15, $16, $17, $18, "
		   "$19, $20, $21, $22, $23, $24) "
		   "ON CONFLICT (store, original_transaction_id) DO NOTHING",
	LINE_ARGS,
};
/*
 * $3 is the user of insert_line, and null here: an update never moves a line to another user.
 * The condition gives the parameter a type and a use, so that both plans have the same list.
 */
static KeptPlan update_line = {
	.sql = "UPDATE coursebase.subscription_lines SET environment = $4, "
		   "status = $5::coursebase.subscription_status, expires_at = $6, grace_until = $7, "
		   "auto_renew = $8, before_status = $9::coursebase.subscription_status, "
		   "before_expires_at = $10, before_grace_until = $11, before_auto_renew = $12, "
		   "first_premium_at = $13, transaction_id = $14, product_id = $15, "
		   "base_plan_id = $16, offer_id = $17, purchase_token = $18, last_event_time = $19, "
		   "last_event_type = $20, last_store_event_id = $21, access_from = $22, "
		   "access_until = $23, replaced_at = $24, updated_at = now() "
		   "WHERE store = $1 AND original_transaction_id = $2 AND ($3::uuid IS NULL)",
	LINE_ARGS,
};
/* rebuild_subscription() deletes a line that no event of the user names. */
static KeptPlan delete_line = {
	.sql = "DELETE FROM coursebase.subscription_lines "
		   "WHERE store = $1 AND original_transaction_id = $2",
	.nargs = 2,
	.types = {TEXTOID, TEXTOID},
};
/* Two calls for one user cannot come here at once: they wait for the row of users. */
static KeptPlan insert_subscription = {
	.sql = "INSERT INTO coursebase.subscriptions (user_id) VALUES ($1) "
		   "ON CONFLICT (user_id) DO NOTHING",
	.nargs = 1,
	.types = {UUIDOID},
};
/*
 * Changes nothing that the row shows. Under REPEATABLE READ the write makes a transaction fail
 * that has read the subscription before this event and would decide by what it has read.
 */
static KeptPlan touch_subscription = {
	.sql = "UPDATE coursebase.subscriptions SET updated_at = now() WHERE user_id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};
/* A line without an original transaction has the user's id for one: the row shows NULL then. */
static KeptPlan update_subscription = {
	.sql = "UPDATE coursebase.subscriptions SET plan = $2, "
		   "status = $3::coursebase.subscription_status, expires_at = $4, grace_until = $5, "
		   "auto_renew = $6, store = $7, environment = $8, product_id = $9, "
		   "base_plan_id = $10, offer_id = $11, purchase_token = $12, "
		   "original_transaction_id = nullif($13, $1::text), updated_at = now() "
		   "WHERE user_id = $1",
	.nargs = 13,
	.types = {UUIDOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID, BOOLOID, TEXTOID,
			  TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID},
};
/* ON CONFLICT waits as for insert_line: two users may be sent the same event at once. */
static KeptPlan insert_event = {
	.sql = "INSERT INTO coursebase.subscription_events (subscription_id, user_id, event_type, "
		   "store, environment, store_event_id, original_transaction_id, transaction_id, "
		   "product_id, event_time, received_at, period_end, grace_until, auto_renew, "
		   "payload, answered_status, answered_expires_at, answered_anomaly, period_start, "
		   "linked_purchase_token) "
		   "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, "
		   "$17, $18, $19, $20) ON CONFLICT (store, environment, store_event_id) DO NOTHING",
	.nargs = 20,
	.types = {UUIDOID,        UUIDOID,        TEXTOID,        TEXTOID,        TEXTOID,
			  TEXTOID,        TEXTOID,        TEXTOID,        TEXTOID,        TIMESTAMPTZOID,
			  TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID, BOOLOID,        JSONBOID,
			  TEXTOID,        TIMESTAMPTZOID, TEXTOID,        TIMESTAMPTZOID, TEXTOID},
};

/* The log and the line go together, so that the fold of each person stays what is stored. */
static KeptPlan move_events = {
	.sql = "UPDATE coursebase.subscription_events e SET user_id = $4, subscription_id = s.id "
		   "FROM coursebase.subscriptions s WHERE s.user_id = $4 AND e.user_id = $3 "
		   "AND e.store = $1 AND e.original_transaction_id = $2",
	.nargs = 4,
	.types = {TEXTOID, TEXTOID, UUIDOID, UUIDOID},
};
static KeptPlan move_line = {
	.sql = "UPDATE coursebase.subscription_lines SET user_id = $4, updated_at = now() "
		   "WHERE store = $1 AND original_transaction_id = $2 AND user_id = $3",
	.nargs = 4,
	.types = {TEXTOID, TEXTOID, UUIDOID, UUIDOID},
};
static KeptPlan delete_subscription = {
	.sql = "DELETE FROM coursebase.subscriptions s WHERE s.user_id = $1 AND NOT EXISTS "
		   "(SELECT FROM coursebase.subscription_events e WHERE e.user_id = $1)",
	.nargs = 1,
	.types = {UUIDOID},
};

static uint64 machine_execute(KeptPlan *plan, PlanValues *values);
static void line_bind(PlanValues *values, const SubscriptionLine *line, const pg_uuid_t *user);

PG_FUNCTION_INFO_V1(coursebase_tg_any__machine_only);

/* SQL function: tg_any__machine_only() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_any__machine_only(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(data->tg_event))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("coursebase.tg_any__machine_only() works only as a trigger "
							   "before a change")));
	if (!statement_mark_fires(&machine_writes) && !restore_under_way())
		ereport(ERROR,
				(errcode(ERRCODE_CB_MACHINE_ONLY),
				 errmsg("table \"%s\" is written only by the machine of subscriptions",
						RelationGetRelationName(data->tg_relation)),
				 errdetail("Its rows come from the events of the stores."),
				 errhint("Call coursebase.apply_subscription_event(); for a correction by "
						 "hand with store \"manual\".")));
	return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(data->tg_event) ? data->tg_newtuple
																   : data->tg_trigtuple);
}

/* False where another person has the line: the caller says whose it is, or that nobody may
 * know. */
bool
line_insert(const SubscriptionLine *line, const pg_uuid_t *user)
{
	PlanValues values = {0};

	line_bind(&values, line, user);
	return machine_execute(&insert_line, &values) == 1;
}

/* The caller has read the line under the lock: a row that is not there was kept away by a
 * trigger of the operator's. */
void
line_update(const SubscriptionLine *line)
{
	PlanValues values = {0};

	line_bind(&values, line, NULL);
	if (machine_execute(&update_line, &values) != 1)
		row_kept_raise("subscription_lines", "the subscription was not recorded");
}

void
line_delete(const SubscriptionLine *line)
{
	PlanValues values = {0};

	plan_bind_text(&values, line->store);
	plan_bind_text(&values, line->id);
	machine_execute(&delete_line, &values);
}

/* Writes what differs and nothing else: a repair of a person whose rows are right leaves no
 * trace. */
bool
lines_store(const SubscriptionLine *lines, int nlines, const SubscriptionLine *shown,
			const pg_uuid_t *user)
{
	int nstored;
	SubscriptionLine *stored = lines_load(user, false, &nstored);
	bool changed = !subscription_shows(user, shown, false);

	for (int i = 0; i < nstored; i++)
		if (lines_find(lines, nlines, &stored[i]) == NULL)
		{
			line_delete(&stored[i]);
			changed = true;
		}
	for (int i = 0; i < nlines; i++)
	{
		const SubscriptionLine *found = lines_find(stored, nstored, &lines[i]);

		if (found != NULL && line_equal(found, &lines[i]))
			continue;
		if (found == NULL)
			line_insert(&lines[i], user);
		else
			line_update(&lines[i]);
		changed = true;
	}
	if (changed)
		subscription_show(user, shown);
	return changed;
}

/* The line goes before its events: a person who does not have it loses nothing. It also goes
 * before a subscription is made for who gets it, because it moves the versions of both in their
 * order. */
bool
line_move(const char *store, const char *line, const pg_uuid_t *from, const pg_uuid_t *to)
{
	PlanValues values = {0};
	PlanValues rest = {0};

	plan_bind_text(&values, store);
	plan_bind_text(&values, line);
	plan_bind_uuid(&values, from);
	plan_bind_uuid(&values, to);
	if (machine_execute(&move_line, &values) == 0)
		return false;
	subscription_begin(to);
	machine_execute(&move_events, &values);
	/* who has no event left has no subscription: the row would go on showing the line */
	plan_bind_uuid(&rest, from);
	machine_execute(&delete_subscription, &rest);
	return true;
}

/* A row for everybody who had an event, so that event_insert() has a subscription to point to.
 */
void
subscription_begin(const pg_uuid_t *user)
{
	PlanValues values = {0};

	plan_bind_uuid(&values, user);
	machine_execute(&insert_subscription, &values);
}

/* For an event that changes no line, and yet may have been decided by. */
void
subscription_touch(const pg_uuid_t *user)
{
	PlanValues values = {0};

	plan_bind_uuid(&values, user);
	machine_execute(&touch_subscription, &values);
}

/* The row repeats columns of the line, for clients that read one table. */
void
subscription_show(const pg_uuid_t *user, const SubscriptionLine *line)
{
	const FoldState *state = &line->state;
	PlanValues values = {0};

	plan_bind_uuid(&values, user);
	plan_bind_text(&values, line_plan(line));
	plan_bind_text(&values, subscription_status_names[state->now.status]);
	plan_bind_time_unless(&values, state->now.expires_at, FOLD_NEVER);
	plan_bind_time_unless(&values, state->now.grace_until, FOLD_NEVER);
	plan_bind_bool(&values, state->now.auto_renew);
	plan_bind_text(&values, line->store);
	plan_bind_text(&values, line->environment);
	plan_bind_text(&values, state->product_id);
	plan_bind_text(&values, state->base_plan_id);
	plan_bind_text(&values, state->offer_id);
	plan_bind_text(&values, state->purchase_token);
	plan_bind_text(&values, line->id);
	machine_execute(&update_subscription, &values);
}

/* False for an event that is there already. The answer is kept beside it: a repetition is
 * answered the same, whatever came since. */
bool
event_insert(const SubscriptionNotice *notice, const pg_uuid_t *user,
			 const pg_uuid_t *subscription, const SubscriptionAnswer *answer, TimestampTz at)
{
	const FoldEvent *event = &notice->event;
	PlanValues values = {0};

	plan_bind_uuid(&values, subscription);
	plan_bind_uuid(&values, user);
	plan_bind_text(&values, subscription_event_names[event->type]);
	plan_bind_text(&values, notice->store);
	plan_bind_text(&values, notice->environment);
	plan_bind_text(&values, event->id);
	plan_bind_text(&values, notice->original_transaction_id);
	plan_bind_text(&values, event->transaction);
	plan_bind_text(&values, event->product_id);
	plan_bind_time(&values, event->time);
	plan_bind_time(&values, at);
	plan_bind_time_unless(&values, event->period_end, FOLD_NEVER);
	plan_bind_time_unless(&values, event->grace_until, FOLD_NEVER);
	plan_bind_nullable(&values, BoolGetDatum(event->auto_renew == 1), event->auto_renew < 0);
	plan_bind(&values, notice->payload);
	plan_bind_text(&values, answer->status);
	plan_bind_time_unless(&values, answer->expires_at, FOLD_NEVER);
	plan_bind_text(&values, answer->anomaly);
	plan_bind_time_unless(&values, event->period_start, FOLD_NEVER);
	plan_bind_text(&values, event->linked_token);
	return machine_execute(&insert_event, &values) == 1;
}

/* The variable is turned off on every way out, so that an error leaves no door open. */
static uint64
machine_execute(KeptPlan *plan, PlanValues *values)
{
	StatementMark outer = statement_mark_set(&machine_writes);
	uint64 rows;

	PG_TRY();
	{
		rows = owner_execute(plan, values->datums, values->nulls, false);
	}
	PG_FINALLY();
	{
		machine_writes = outer;
	}
	PG_END_TRY();
	return rows;
}

/* The arguments of LINE_ARGS. user NULL: an update, which leaves the line with its user. */
static void
line_bind(PlanValues *values, const SubscriptionLine *line, const pg_uuid_t *user)
{
	const FoldState *state = &line->state;

	plan_bind_text(values, line->store);
	plan_bind_text(values, line->id);
	plan_bind_uuid(values, user);
	plan_bind_text(values, line->environment);
	plan_bind_text(values, subscription_status_names[state->now.status]);
	plan_bind_time_unless(values, state->now.expires_at, FOLD_NEVER);
	plan_bind_time_unless(values, state->now.grace_until, FOLD_NEVER);
	plan_bind_bool(values, state->now.auto_renew);
	plan_bind_text(values, subscription_status_names[state->before.status]);
	plan_bind_time_unless(values, state->before.expires_at, FOLD_NEVER);
	plan_bind_time_unless(values, state->before.grace_until, FOLD_NEVER);
	plan_bind_bool(values, state->before.auto_renew);
	plan_bind_time_unless(values, state->first_premium_at, FOLD_NEVER);
	plan_bind_text(values, state->transaction);
	plan_bind_text(values, state->product_id);
	plan_bind_text(values, state->base_plan_id);
	plan_bind_text(values, state->offer_id);
	plan_bind_text(values, state->purchase_token);
	plan_bind_time(values, line->last.time);
	plan_bind_text(values, subscription_event_names[line->last.type]);
	plan_bind_text(values, line->last.id);
	plan_bind_time_unless(values, line->access.from, FOLD_NEVER);
	plan_bind_time_unless(values, line->access.until, FOLD_NEVER);
	plan_bind_time_unless(values, line->replaced_at, FOLD_NEVER);
}
