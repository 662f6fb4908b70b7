/*
 * subscription.c: events of the stores become the state of a subscription.
 *
 * Invariants: a store's event counts once; a store's original transaction belongs to one user;
 * what is stored is the fold of the log, whatever the order in which the log was written. An
 * event that comes behind all others of its line is one step from the stored state; any other
 * one folds its line anew.
 *
 * Lock order: the user's row, then that of the subscription. Both are locked even where nothing
 * of them changes: under REPEATABLE READ a state that was read before somebody else's event is
 * then an error, and never the ground of a decision.
 *
 * Rights: the server's alone; statements run with those of the tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "billing/environment.h"
#include "billing/subscription.h"
#include "core/compat.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/schema.h"
#include "identity/anchor.h"

/* What is stored when an event comes. */
typedef struct Situation
{
	pg_uuid_t subscription;
	SubscriptionLine shown; /* its state and names; store NULL: none */
	bool has_line;
	bool line_is_own;
	SubscriptionLine line;
	bool has_event;
	bool event_is_same;
	SubscriptionAnswer first; /* the answer that the event got */
	bool transaction_seen;
} Situation;

static KeptPlan read_situation = {
	.sql = "SELECT s.id, s.status::text, s.expires_at, s.grace_until, s.store, s.environment, "
		   "coalesce(s.original_transaction_id, s.user_id::text), "
		   "l.user_id = $1, e.user_id = $1 AND e.payload = $6, e.answered_status, "
		   "e.answered_expires_at, e.answered_anomaly, "
		   "EXISTS (SELECT FROM coursebase.subscription_events p WHERE p.user_id = $1 "
		   "AND p.transaction_id = $7 AND p.store = $2 "
		   "AND coalesce(p.original_transaction_id, p.user_id::text) = $3), " LINE_COLUMNS
		   "FROM coursebase.subscriptions s "
		   "LEFT JOIN coursebase.subscription_lines l ON l.store = $2 "
		   "AND l.original_transaction_id = $3 "
		   "LEFT JOIN coursebase.subscription_events e ON e.store = $2 "
		   "AND e.environment = $4 AND e.store_event_id = $5 "
		   "WHERE s.user_id = $1 FOR NO KEY UPDATE OF s",
	.nargs = 7,
	.types = {UUIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, JSONBOID, TEXTOID},
};
#define SITUATION_LINE 14

PremiumListener premium_listener;

static void situation_read(Situation *situation, const SubscriptionNotice *notice,
						   const pg_uuid_t *user);
static bool situation_query(const SubscriptionNotice *notice, const pg_uuid_t *user);
static void answer_first(const Situation *situation, const SubscriptionNotice *notice,
						 SubscriptionAnswer *answer);
static void event_take(Situation *situation, SubscriptionNotice *notice, const pg_uuid_t *user,
					   TimestampTz at, SubscriptionAnswer *answer);
static void first_premium_tell(const SubscriptionLine *line, const Situation *situation,
							   const SubscriptionNotice *notice, const pg_uuid_t *user,
							   TimestampTz at);
static void line_require(const Situation *situation, const SubscriptionNotice *notice);
static FoldAnomaly line_advance(SubscriptionLine *line, Situation *situation,
								SubscriptionNotice *notice, const pg_uuid_t *user);
static FoldAnomaly line_refold(SubscriptionLine *line, const SubscriptionNotice *notice,
							   const pg_uuid_t *user);
static void shown_update(Situation *situation, const SubscriptionLine *line,
						 const pg_uuid_t *user);
static bool row_is_equal(const SubscriptionLine *a, const SubscriptionLine *b);
static bool lines_store(const SubscriptionLine *lines, int nlines, const pg_uuid_t *user);
static void answer_return(FunctionCallInfo fcinfo, const SubscriptionAnswer *answer,
						  bool third);
pg_noreturn static void raise_conflict(const SubscriptionNotice *notice);
pg_noreturn static void raise_taken(const SubscriptionNotice *notice);
pg_noreturn static void raise_refused(const SubscriptionNotice *notice,
									  const SubscriptionLine *line, FoldAnomaly anomaly);

PG_FUNCTION_INFO_V1(coursebase_apply_subscription_event);
PG_FUNCTION_INFO_V1(coursebase_rebuild_subscription);

/*
 * SQL function: apply_subscription_event(user_id uuid, event json, at timestamptz) returns
 * table (status text, expires_at timestamptz, applied boolean, anomaly text)
 */
PGDLLEXPORT Datum
coursebase_apply_subscription_event(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"user_id", "event", "at"};
	SubscriptionNotice notice;
	SubscriptionAnswer answer;
	Situation situation;
	pg_uuid_t *user;

	for (int i = 0; i < lengthof(names); i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("%s must not be null", names[i])));
	user = PG_GETARG_UUID_P(0);
	schema_require_current();
	compat_materialize(fcinfo);
	SPI_connect();
	notice_read(&notice, PG_GETARG_DATUM(1), user);
	anchor_user_require(user);
	situation_read(&situation, &notice, user);
	if (situation.has_event)
		answer_first(&situation, &notice, &answer);
	else
		event_take(&situation, &notice, user, PG_GETARG_TIMESTAMPTZ(2), &answer);
	answer_return(fcinfo, &answer, answer.anomaly == NULL);
	SPI_finish();
	return (Datum) 0;
}

/*
 * SQL function: rebuild_subscription(user_id uuid) returns table (status text, expires_at
 * timestamptz, changed boolean)
 */
PGDLLEXPORT Datum
coursebase_rebuild_subscription(PG_FUNCTION_ARGS)
{
	SubscriptionEntry *entries;
	SubscriptionLine *lines;
	const SubscriptionLine *shown;
	pg_uuid_t *user;
	int nentries, nlines;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("user_id must not be null")));
	user = PG_GETARG_UUID_P(0);
	schema_require_current();
	compat_materialize(fcinfo);
	SPI_connect();
	anchor_user_require(user);
	entries = entries_load(user, NULL, NULL, false, &nentries);
	lines = lines_fold(entries, nentries, &nlines);
	shown = lines_shown(lines, nlines);
	if (shown != NULL)
	{
		SubscriptionAnswer answer = {
			.status = subscription_status_names[shown->state.now.status],
			.expires_at = shown->state.now.expires_at,
		};

		answer_return(fcinfo, &answer, lines_store(lines, nlines, user));
	}
	SPI_finish();
	return (Datum) 0;
}

/* A closed account keeps its log: stores go on telling of it. */
static void
situation_read(Situation *situation, const SubscriptionNotice *notice, const pg_uuid_t *user)
{
	FoldTerm *shown = &situation->shown.state.now;
	bool null;
	Datum value;

	memset(situation, 0, sizeof(*situation));
	if (!situation_query(notice, user))
	{
		subscription_begin(user);
		if (!situation_query(notice, user))
			elog(ERROR, "a subscription that was made is not there");
	}
	situation->subscription = *DatumGetUUIDP(plan_value(0, 1, NULL));
	subscription_status_parse(plan_text_required(0, 2), &shown->status);
	value = plan_value(0, 3, &null);
	shown->expires_at = null ? FOLD_NEVER : DatumGetTimestampTz(value);
	value = plan_value(0, 4, &null);
	shown->grace_until = null ? FOLD_NEVER : DatumGetTimestampTz(value);
	situation->shown.store = plan_text(0, 5);
	situation->shown.environment = plan_text(0, 6);
	situation->shown.id = plan_text_required(0, 7);
	value = plan_value(0, 8, &null);
	situation->has_line = !null;
	situation->line_is_own = !null && DatumGetBool(value);
	situation->first.status = plan_text(0, 10);
	situation->has_event = situation->first.status != NULL;
	value = plan_value(0, 9, &null);
	situation->event_is_same = !null && DatumGetBool(value);
	value = plan_value(0, 11, &null);
	situation->first.expires_at = null ? FOLD_NEVER : DatumGetTimestampTz(value);
	situation->first.anomaly = plan_text(0, 12);
	situation->transaction_seen = DatumGetBool(plan_value(0, 13, &null));
	if (situation->has_line)
		line_read(&situation->line, 0, SITUATION_LINE);
}

static bool
situation_query(const SubscriptionNotice *notice, const pg_uuid_t *user)
{
	const SubscriptionEntry *entry = &notice->entry;
	const char *transaction = entry->event.transaction;
	Datum values[] = {
		UUIDPGetDatum(user),
		CStringGetTextDatum(entry->store),
		CStringGetTextDatum(entry->line),
		CStringGetTextDatum(entry->environment),
		CStringGetTextDatum(entry->event.id),
		notice->payload,
		transaction == NULL ? (Datum) 0 : CStringGetTextDatum(transaction),
	};

	return owner_execute(&read_situation, values, transaction == NULL ? "      n" : NULL,
						 false) == 1;
}

static void
answer_first(const Situation *situation, const SubscriptionNotice *notice,
			 SubscriptionAnswer *answer)
{
	if (!situation->event_is_same)
		raise_conflict(notice);
	*answer = situation->first;
}

static void
event_take(Situation *situation, SubscriptionNotice *notice, const pg_uuid_t *user,
		   TimestampTz at, SubscriptionAnswer *answer)
{
	SubscriptionLine line;
	FoldAnomaly anomaly;

	line_require(situation, notice);
	anomaly = line_advance(&line, situation, notice, user);
	if (anomaly != FOLD_SOUND && notice->manual)
		raise_refused(notice, &situation->line, anomaly);
	if (situation->has_line)
		line_update(&line);
	else if (!line_insert(&line, user))
		raise_taken(notice);
	shown_update(situation, &line, user);
	answer->status = subscription_status_names[situation->shown.state.now.status];
	answer->expires_at = situation->shown.state.now.expires_at;
	answer->anomaly = fold_anomaly_names[anomaly];
	if (!event_insert(notice, user, UUIDPGetDatum(&situation->subscription), answer, at))
		raise_conflict(notice);
	if (anomaly == FOLD_SOUND)
		first_premium_tell(&line, situation, notice, user, at);
}

/*
 * Tells the listener that a person's first premium began, or was refunded. A sandbox where it
 * gives nothing is not told. The beginning is told before the refund: a refund may have come
 * before what it refunds.
 */
static void
first_premium_tell(const SubscriptionLine *line, const Situation *situation,
				   const SubscriptionNotice *notice, const pg_uuid_t *user, TimestampTz at)
{
	int64 earlier = situation->has_line ? situation->line.state.first_premium_at : FOLD_NEVER;
	bool begins = line->state.first_premium_at != FOLD_NEVER && earlier == FOLD_NEVER;
	bool ends = line->state.now.status == SUBSCRIPTION_REVOKED &&
				(begins || notice->entry.event.type == EVENT_REVOKED);

	if (!begins && !ends)
		return;
	if (!environment_counts(line->environment))
		return;
	if (premium_listener == NULL)
		return;
	if (begins)
		premium_listener(PREMIUM_BEGAN, user, at);
	if (ends)
		premium_listener(PREMIUM_REFUNDED, user, at);
}

static void
line_require(const Situation *situation, const SubscriptionNotice *notice)
{
	if (!situation->has_line)
		return;
	if (!situation->line_is_own)
		raise_taken(notice);
	if (strcmp(situation->line.environment, notice->entry.environment) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_CB_EVENT_CONFLICT),
				 errmsg("the subscription is one of another environment"),
				 errdetail("Earlier events of it were of %s.", situation->line.environment),
				 errhint("Keep the original transactions of sandboxes apart.")));
}

/* line becomes what the line is with the event in it. */
static FoldAnomaly
line_advance(SubscriptionLine *line, Situation *situation, SubscriptionNotice *notice,
			 const pg_uuid_t *user)
{
	SubscriptionEntry *entry = &notice->entry;

	if (situation->has_line && fold_event_compare(&entry->event, &situation->line.last) < 0)
		return line_refold(line, notice, user);
	if (situation->has_line)
		*line = situation->line;
	else
	{
		line->store = entry->store;
		line->id = entry->line;
		line->environment = entry->environment;
		fold_begin(&line->state);
		situation->line = *line;
	}
	entry->event.transaction_seen = situation->transaction_seen;
	line->last = entry->event;
	return fold_step(&line->state, &entry->event);
}

static FoldAnomaly
line_refold(SubscriptionLine *line, const SubscriptionNotice *notice, const pg_uuid_t *user)
{
	int nentries, nlines;
	SubscriptionEntry *entries =
		entries_load(user, notice->entry.store, notice->entry.line, false, &nentries);

	entries[nentries++] = notice->entry;
	*line = *lines_fold(entries, nentries, &nlines);
	for (int i = 0; i < nentries; i++)
		if (strcmp(entries[i].event.id, notice->entry.event.id) == 0)
			return entries[i].anomaly;
	elog(ERROR, "an event is lost in its line");
}

/*
 * The line that is shown stays so unless the event took from it or gave more to another one:
 * only then the others are read.
 */
static void
shown_update(Situation *situation, const SubscriptionLine *line, const pg_uuid_t *user)
{
	const SubscriptionLine *shown = line;
	bool same = situation->shown.store != NULL && line_same(&situation->shown, line);
	bool lower = situation->shown.store != NULL && line_compare(line, &situation->shown) < 0;

	if (!same && lower)
	{
		subscription_touch(user);
		return;
	}
	if (same && lower)
	{
		int nlines;
		SubscriptionLine *lines = lines_load(user, false, &nlines);

		shown = lines_shown(lines, nlines);
	}
	if (!same || !row_is_equal(shown, &situation->line))
		subscription_show(user, shown);
	situation->shown = *shown;
}

/* Whether the row that shows the one shows the other. */
static bool
row_is_equal(const SubscriptionLine *a, const SubscriptionLine *b)
{
	SubscriptionLine of_a = *a;

	if (!line_same(a, b))
		return false;
	of_a.state.before = b->state.before;
	of_a.state.first_premium_at = b->state.first_premium_at;
	of_a.state.transaction = b->state.transaction;
	of_a.last = b->last;
	return line_equal(&of_a, b);
}

/* Writes what differs; whether anything did. */
static bool
lines_store(const SubscriptionLine *lines, int nlines, const pg_uuid_t *user)
{
	const SubscriptionLine *shown = lines_shown(lines, nlines);
	int nstored;
	SubscriptionLine *stored = lines_load(user, false, &nstored);
	bool changed = !subscription_shows(user, shown, false);

	for (int i = 0; i < nstored; i++)
	{
		bool wanted = false;

		for (int j = 0; j < nlines; j++)
			wanted |= line_same(&stored[i], &lines[j]);
		if (!wanted)
			line_delete(&stored[i]);
		changed |= !wanted;
	}
	for (int i = 0; i < nlines; i++)
	{
		const SubscriptionLine *found = NULL;

		for (int j = 0; j < nstored; j++)
			if (line_same(&stored[j], &lines[i]))
				found = &stored[j];
		if (found == NULL)
			line_insert(&lines[i], user);
		else if (!line_equal(found, &lines[i]))
			line_update(&lines[i]);
		changed |= found == NULL || !line_equal(found, &lines[i]);
	}
	if (changed)
		subscription_show(user, shown);
	return changed;
}

/* third is the last column of rebuild_subscription(), the third of apply_subscription_event().
 */
static void
answer_return(FunctionCallInfo fcinfo, const SubscriptionAnswer *answer, bool third)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum values[4] = {CStringGetTextDatum(answer->status),
					   TimestampTzGetDatum(answer->expires_at), BoolGetDatum(third)};
	bool nulls[4] = {false, answer->expires_at == FOLD_NEVER, false, answer->anomaly == NULL};

	if (answer->anomaly != NULL)
		values[3] = CStringGetTextDatum(answer->anomaly);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static void
raise_conflict(const SubscriptionNotice *notice)
{
	ereport(ERROR, (errcode(ERRCODE_CB_EVENT_CONFLICT),
					errmsg("the event came before, with other content"),
					errdetail("Store %s, environment %s, event %s.", notice->entry.store,
							  notice->entry.environment, notice->entry.event.id),
					errhint("Send an event again as it was, for the same user; give another "
							"event an id of its own.")));
}

static void
raise_taken(const SubscriptionNotice *notice)
{
	ereport(ERROR,
			(errcode(ERRCODE_CB_LINE_TAKEN), errmsg("the subscription is another user's"),
			 errdetail("Store %s, original transaction %s.", notice->entry.store,
					   notice->entry.line),
			 errhint("A store's subscription stays with the account that brought it first.")));
}

static void
raise_refused(const SubscriptionNotice *notice, const SubscriptionLine *line,
			  FoldAnomaly anomaly)
{
	ereport(ERROR,
			(errcode(ERRCODE_CB_TRANSITION_REFUSED),
			 errmsg("the subscription does not allow the event \"%s\"",
					subscription_event_names[notice->entry.event.type]),
			 errdetail("It is %s: %s.", subscription_status_names[line->state.now.status],
					   fold_anomaly_names[anomaly]),
			 errhint("See the view subscription_history for what came before.")));
}
