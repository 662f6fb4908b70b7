/*
 * write.c: the only writers of the machine's tables, and the triggers that keep
 * everybody else out.
 *
 * What tells the machine's statements from anybody's is a variable of this session that is set
 * for the time of one of them; no setting, no role and no SQL can set it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/rel.h"

#include "billing/subscription.h"
#include "core/errors.h"
#include "core/owner.h"

static bool machine_writes = false;

#define LINE_ARGS                                                                              \
	.nargs = 21, .types = {TEXTOID,        TEXTOID,        UUIDOID,        TEXTOID,            \
						   TEXTOID,        TIMESTAMPTZOID, TIMESTAMPTZOID, BOOLOID,            \
						   TEXTOID,        TIMESTAMPTZOID, TIMESTAMPTZOID, BOOLOID,            \
						   TIMESTAMPTZOID, TEXTOID,        TEXTOID,        TEXTOID,            \
						   TEXTOID,        TEXTOID,        TIMESTAMPTZOID, TEXTOID,            \
						   TEXTOID}

static KeptPlan insert_line = {
	.sql = "INSERT INTO coursebase.subscription_lines (store, original_transaction_id, "
		   "user_id, environment, status, expires_at, grace_until, auto_renew, "
		   "before_status, before_expires_at, before_grace_until, before_auto_renew, "
		   "first_premium_at, transaction_id, product_id, base_plan_id, offer_id, "
		   "purchase_token, last_event_time, last_event_type, last_store_event_id) "
		   "VALUES ($1, $2, $3, $4, $5::coursebase.subscription_status, $6, $7, $8, "
		   "$9::coursebase.subscription_status, $10, $11, $12, $13, $14, $15, $16, $17, $18, "
		   "$19, $20, $21) ON CONFLICT (store, original_transaction_id) DO NOTHING",
	LINE_ARGS,
};
static KeptPlan update_line = {
	.sql = "UPDATE coursebase.subscription_lines SET environment = $4, "
		   "status = $5::coursebase.subscription_status, expires_at = $6, grace_until = $7, "
		   "auto_renew = $8, before_status = $9::coursebase.subscription_status, "
		   "before_expires_at = $10, before_grace_until = $11, before_auto_renew = $12, "
		   "first_premium_at = $13, transaction_id = $14, product_id = $15, "
		   "base_plan_id = $16, offer_id = $17, purchase_token = $18, last_event_time = $19, "
		   "last_event_type = $20, last_store_event_id = $21, updated_at = now() "
		   "WHERE store = $1 AND original_transaction_id = $2 AND ($3::uuid IS NULL)",
	LINE_ARGS,
};
static KeptPlan delete_line = {
	.sql = "DELETE FROM coursebase.subscription_lines "
		   "WHERE store = $1 AND original_transaction_id = $2",
	.nargs = 2,
	.types = {TEXTOID, TEXTOID},
};
static KeptPlan insert_subscription = {
	.sql = "INSERT INTO coursebase.subscriptions (user_id) VALUES ($1) "
		   "ON CONFLICT (user_id) DO NOTHING",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan touch_subscription = {
	.sql = "UPDATE coursebase.subscriptions SET updated_at = now() WHERE user_id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};
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
static KeptPlan insert_event = {
	.sql = "INSERT INTO coursebase.subscription_events (subscription_id, user_id, event_type, "
		   "store, environment, store_event_id, original_transaction_id, transaction_id, "
		   "product_id, event_time, received_at, period_end, grace_until, auto_renew, "
		   "payload, answered_status, answered_expires_at, answered_anomaly) "
		   "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, "
		   "$17, $18) ON CONFLICT (store, environment, store_event_id) DO NOTHING",
	.nargs = 18,
	.types = {UUIDOID, UUIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID,
			  TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID, BOOLOID, JSONBOID,
			  TEXTOID, TIMESTAMPTZOID, TEXTOID},
};

static uint64 machine_execute(KeptPlan *plan, Datum *values, const char *nulls);
static void line_values(const SubscriptionLine *line, const pg_uuid_t *user, Datum *values,
						char *nulls);
static Datum text_datum(const char *text, char *null);

PG_FUNCTION_INFO_V1(coursebase_tg_any__machine_only);

/*
 * SQL function: tg_any__machine_only() returns trigger
 *
 * What a foreign key does stands within its own trigger; a statement of anybody's does not.
 */
PGDLLEXPORT Datum
coursebase_tg_any__machine_only(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(data->tg_event))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("coursebase.tg_any__machine_only() works only as a trigger "
							   "before a change")));
	if (!machine_writes)
		ereport(ERROR,
				(errcode(ERRCODE_CB_MACHINE_ONLY),
				 errmsg("table \"%s\" is written only by the machine of subscriptions",
						RelationGetRelationName(data->tg_relation)),
				 errdetail("Its rows are what the events of the stores amount to."),
				 errhint("Call coursebase.apply_subscription_event(); for a correction by "
						 "hand with store \"manual\".")));
	return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(data->tg_event) ? data->tg_newtuple
																   : data->tg_trigtuple);
}

bool
line_insert(const SubscriptionLine *line, const pg_uuid_t *user)
{
	Datum values[21];
	char nulls[21];

	line_values(line, user, values, nulls);
	return machine_execute(&insert_line, values, nulls) == 1;
}

void
line_update(const SubscriptionLine *line)
{
	Datum values[21];
	char nulls[21];

	line_values(line, NULL, values, nulls);
	if (machine_execute(&update_line, values, nulls) != 1)
		elog(ERROR, "a line that was read is not there");
}

void
line_delete(const SubscriptionLine *line)
{
	Datum values[] = {CStringGetTextDatum(line->store), CStringGetTextDatum(line->id)};

	machine_execute(&delete_line, values, NULL);
}

void
subscription_begin(const pg_uuid_t *user)
{
	Datum key = UUIDPGetDatum(user);

	machine_execute(&insert_subscription, &key, NULL);
}

void
subscription_touch(const pg_uuid_t *user)
{
	Datum key = UUIDPGetDatum(user);

	machine_execute(&touch_subscription, &key, NULL);
}

void
subscription_show(const pg_uuid_t *user, const SubscriptionLine *line)
{
	const FoldState *state = &line->state;
	Datum values[13];
	char nulls[13];

	memset(nulls, ' ', sizeof(nulls));
	values[0] = UUIDPGetDatum(user);
	values[1] = CStringGetTextDatum(line_plan(line));
	values[2] = CStringGetTextDatum(subscription_status_names[state->now.status]);
	values[3] = time_datum(state->now.expires_at, &nulls[3]);
	values[4] = time_datum(state->now.grace_until, &nulls[4]);
	values[5] = BoolGetDatum(state->now.auto_renew);
	values[6] = CStringGetTextDatum(line->store);
	values[7] = CStringGetTextDatum(line->environment);
	values[8] = text_datum(state->product_id, &nulls[8]);
	values[9] = text_datum(state->base_plan_id, &nulls[9]);
	values[10] = text_datum(state->offer_id, &nulls[10]);
	values[11] = text_datum(state->purchase_token, &nulls[11]);
	values[12] = CStringGetTextDatum(line->id);
	machine_execute(&update_subscription, values, nulls);
}

bool
event_insert(const SubscriptionNotice *notice, const pg_uuid_t *user, Datum subscription,
			 const SubscriptionAnswer *answer, TimestampTz at)
{
	const SubscriptionEntry *entry = &notice->entry;
	const FoldEvent *event = &entry->event;
	Datum values[18];
	char nulls[18];

	memset(nulls, ' ', sizeof(nulls));
	values[0] = subscription;
	values[1] = UUIDPGetDatum(user);
	values[2] = CStringGetTextDatum(subscription_event_names[event->type]);
	values[3] = CStringGetTextDatum(entry->store);
	values[4] = CStringGetTextDatum(entry->environment);
	values[5] = CStringGetTextDatum(event->id);
	values[6] = text_datum(notice->original_transaction_id, &nulls[6]);
	values[7] = text_datum(event->transaction, &nulls[7]);
	values[8] = text_datum(event->product_id, &nulls[8]);
	values[9] = TimestampTzGetDatum(event->time);
	values[10] = TimestampTzGetDatum(at);
	values[11] = time_datum(event->period_end, &nulls[11]);
	values[12] = time_datum(event->grace_until, &nulls[12]);
	values[13] = BoolGetDatum(event->auto_renew == 1);
	nulls[13] = event->auto_renew < 0 ? 'n' : ' ';
	values[14] = notice->payload;
	values[15] = CStringGetTextDatum(answer->status);
	values[16] = time_datum(answer->expires_at, &nulls[16]);
	values[17] = text_datum(answer->anomaly, &nulls[17]);
	return machine_execute(&insert_event, values, nulls) == 1;
}

static uint64
machine_execute(KeptPlan *plan, Datum *values, const char *nulls)
{
	uint64 rows;

	machine_writes = true;
	PG_TRY();
	{
		rows = owner_execute(plan, values, nulls, false);
	}
	PG_FINALLY();
	{
		machine_writes = false;
	}
	PG_END_TRY();
	return rows;
}

static void
line_values(const SubscriptionLine *line, const pg_uuid_t *user, Datum *values, char *nulls)
{
	const FoldState *state = &line->state;

	memset(nulls, ' ', 21);
	values[0] = CStringGetTextDatum(line->store);
	values[1] = CStringGetTextDatum(line->id);
	values[2] = UUIDPGetDatum(user);
	nulls[2] = user == NULL ? 'n' : ' ';
	values[3] = CStringGetTextDatum(line->environment);
	values[4] = CStringGetTextDatum(subscription_status_names[state->now.status]);
	values[5] = time_datum(state->now.expires_at, &nulls[5]);
	values[6] = time_datum(state->now.grace_until, &nulls[6]);
	values[7] = BoolGetDatum(state->now.auto_renew);
	values[8] = CStringGetTextDatum(subscription_status_names[state->before.status]);
	values[9] = time_datum(state->before.expires_at, &nulls[9]);
	values[10] = time_datum(state->before.grace_until, &nulls[10]);
	values[11] = BoolGetDatum(state->before.auto_renew);
	values[12] = time_datum(state->first_premium_at, &nulls[12]);
	values[13] = text_datum(state->transaction, &nulls[13]);
	values[14] = text_datum(state->product_id, &nulls[14]);
	values[15] = text_datum(state->base_plan_id, &nulls[15]);
	values[16] = text_datum(state->offer_id, &nulls[16]);
	values[17] = text_datum(state->purchase_token, &nulls[17]);
	values[18] = TimestampTzGetDatum(line->last.time);
	values[19] = CStringGetTextDatum(subscription_event_names[line->last.type]);
	values[20] = CStringGetTextDatum(line->last.id);
}

static Datum
text_datum(const char *text, char *null)
{
	*null = text == NULL ? 'n' : ' ';
	return text == NULL ? (Datum) 0 : CStringGetTextDatum(text);
}
