/*
 * subscription.c: an event of a store is taken into the log and becomes the state of a
 * subscription.
 *
 * Invariants: an event of a store counts once, and a repetition gets the first answer; an
 * original transaction of a store belongs to one user for ever; what is stored is the fold of
 * the log, whatever order the events came in. An event that stands behind all others of its
 * line is one step from the stored state; any other event folds its line anew.
 *
 * Lock order: the row of users, then the row of subscriptions, then that of the line. Each call
 * locks the first two, even if it changes nothing of them: under REPEATABLE READ a transaction
 * whose snapshot is older than another event of the user then fails, and decides nothing by a
 * state that is stale.
 *
 * Rights: apply_subscription_event() is the server's alone; all statements run with the rights
 * of the tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "billing/environment.h"
#include "billing/first_premium.h"
#include "billing/line.h"
#include "billing/machine.h"
#include "billing/notice.h"
#include "core/args.h"
#include "core/compat.h"
#include "core/datum.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/row_kept.h"
#include "core/schema.h"
#include "core/setting.h"
#include "identity/anchor.h"
#include "identity/audit.h"
#include "json/object_write.h"

/* An event on its way, and what is stored when it comes. */
typedef struct Situation
{
	SubscriptionNotice notice;
	const pg_uuid_t *user;
	TimestampTz at;
	const char *line_id; /* the original transaction; the user's id if the event names none */

	pg_uuid_t subscription;
	SubscriptionLine shown; /* what the row of subscriptions shows; store NULL: nothing yet */
	bool has_line;
	bool line_is_own;
	SubscriptionLine line; /* while there is none: one without an event */
	bool has_event;        /* the log has an event of this store, environment and id */
	bool transaction_seen;
	bool linked;   /* an event of the log says that another line takes the place of this one */
	bool refolded; /* the line was folded from the log: the event may have changed its past */
} Situation;

/*
 * Locks the row of subscriptions before the line and the log are trusted: anchor_user() already
 * keeps other events of this user out, and the lock makes a stale snapshot fail here.
 */
static KeptPlan read_situation = {
	.sql = "SELECT s.id, s.status::text, s.expires_at, s.grace_until, s.store, s.environment, "
		   "coalesce(s.original_transaction_id, s.user_id::text), "
		   "l.user_id = $1, EXISTS (SELECT FROM coursebase.subscription_events e "
		   "WHERE e.store = $2 AND e.environment = $4 AND e.store_event_id = $5), "
		   "EXISTS (SELECT FROM coursebase.subscription_events p WHERE p.user_id = $1 "
		   "AND p.transaction_id = $6 AND p.store = $2 "
		   "AND coalesce(p.original_transaction_id, p.user_id::text) = $3 "
		   "AND p.event_type = ANY ($8)), "
		   "EXISTS (SELECT FROM coursebase.subscription_events k "
		   "WHERE k.user_id = $1 AND k.store = $2 AND k.linked_purchase_token IS NOT NULL "
		   "AND k.linked_purchase_token IN ($3, $7)), " LINE_COLUMNS
		   "FROM coursebase.subscriptions s "
		   "LEFT JOIN coursebase.subscription_lines l ON l.store = $2 "
		   "AND l.original_transaction_id = $3 "
		   "WHERE s.user_id = $1 FOR NO KEY UPDATE OF s",
	.nargs = 8,
	.types = {UUIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTARRAYOID},
};
/* Of a payload what is read: a provider that tells an event again counts its deliveries, or
 * spells it otherwise. */
#define READ_MEMBERS(payload)                                                                  \
	"(SELECT jsonb_object_agg(k.key, k.value) FROM jsonb_each(" payload ") k "                 \
	"WHERE k.key = ANY ($7))"
static KeptPlan find_same_event = {
	.sql = "SELECT e.answered_status, e.answered_expires_at, e.answered_anomaly "
		   "FROM coursebase.subscription_events e WHERE e.store = $2 "
		   "AND e.environment = $3 AND e.store_event_id = $4 AND e.user_id = $1 "
		   "AND e.event_type = $5 "
		   "AND " READ_MEMBERS("e.payload") " = " READ_MEMBERS("$6"),
	.nargs = 7,
	.types = {UUIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, JSONBOID, TEXTARRAYOID},
};
enum
{
	SITUATION_ID = 1,
	SITUATION_STATUS,
	SITUATION_EXPIRES_AT,
	SITUATION_GRACE_UNTIL,
	SITUATION_STORE,
	SITUATION_ENVIRONMENT,
	SITUATION_LINE_ID,
	SITUATION_LINE_IS_OWN, /* null: there is no line */
	SITUATION_HAS_EVENT,
	SITUATION_TRANSACTION_SEEN,
	SITUATION_LINKED,
	SITUATION_LINE, /* from here on LINE_COLUMNS */
};
enum
{
	ANSWERED_STATUS = 1,
	ANSWERED_EXPIRES_AT,
	ANSWERED_ANOMALY,
};

/* What is promotional or entered by hand is never charged, and has no grace period. */
static const struct
{
	const char *store;
	const char *name;
} grace_settings[] = {
	{"app_store", "grace_days_app_store"},
	{"google_play", "grace_days_google_play"},
	{"stripe", "grace_days_stripe"},
	{"amazon", "grace_days_amazon"},
};
#define GRACE_DAYS_MAX 366

PremiumListener premium_listener;

static void grace_complete(SubscriptionNotice *notice);
static void situation_read(Situation *situation);
static bool situation_query(const Situation *situation);
static Datum telling_types(SubscriptionEvent type);
static void answer_again(const Situation *situation, SubscriptionAnswer *answer);
static void event_take(Situation *situation, SubscriptionAnswer *answer);
static bool lines_are_linked(const Situation *situation);
static FoldAnomaly lines_refold(Situation *situation, SubscriptionLine *line);
static void line_write(const Situation *situation, const SubscriptionLine *line,
					   FoldAnomaly anomaly);
static void first_premium_tell(const Situation *situation, const SubscriptionLine *line);
static void grant_audit(const Situation *situation);
static void line_require(const Situation *situation);
static FoldAnomaly line_advance(Situation *situation, SubscriptionLine *line);
static FoldAnomaly line_refold(Situation *situation, SubscriptionLine *line);
static void entry_add(const Situation *situation, SubscriptionEntry *entries, int *nentries);
static FoldAnomaly anomaly_of(const Situation *situation, const SubscriptionEntry *entries,
							  int nentries);
static void shown_update(Situation *situation, const SubscriptionLine *line);
static bool row_is_equal(const SubscriptionLine *a, const SubscriptionLine *b);
static void answer_return(FunctionCallInfo fcinfo, const SubscriptionAnswer *answer);
pg_noreturn static void raise_conflict(const SubscriptionNotice *notice);
pg_noreturn static void raise_taken(const Situation *situation);
pg_noreturn static void raise_refused(const Situation *situation, FoldAnomaly anomaly);

PG_FUNCTION_INFO_V1(coursebase_apply_subscription_event);

/*
 * SQL function: apply_subscription_event(user_id uuid, event json, at timestamptz) returns
 * table (status text, expires_at timestamptz, applied boolean, anomaly text)
 */
PGDLLEXPORT Datum
coursebase_apply_subscription_event(PG_FUNCTION_ARGS)
{
	SubscriptionNotice notice;
	SubscriptionAnswer answer;
	pg_uuid_t user;
	TimestampTz at;

	args_require_all(fcinfo);
	user = *PG_GETARG_UUID_P(0);
	at = args_time(fcinfo, 2);
	schema_require_current();
	compat_materialize(fcinfo);
	SPI_connect();
	notice_read(&notice, PG_GETARG_DATUM(1));
	/*
	 * Locks the user before anything is read, so that of two events of one user the second sees
	 * what the first stored. A closed account passes: its store goes on sending events.
	 */
	anchor_kept_user_require(&user);
	subscription_take(&notice, &user, at, &answer);
	answer_return(fcinfo, &answer);
	SPI_finish();
	return (Datum) 0;
}

void
subscription_take(const SubscriptionNotice *notice, const pg_uuid_t *user, TimestampTz at,
				  SubscriptionAnswer *answer)
{
	Situation situation = {.notice = *notice, .user = user, .at = at};

	if (notice->payload == (Datum) 0)
		situation.notice.payload = notice_payload(notice);
	situation.line_id = notice->original_transaction_id != NULL
							? notice->original_transaction_id
							: uuid_text(user);
	/* behind the payload, which stays what was sent: a repetition is compared with it */
	grace_complete(&situation.notice);
	situation_read(&situation);
	if (situation.has_event)
		answer_again(&situation, answer);
	else
		event_take(&situation, answer);
}

/*
 * A grace period whose end the store does not tell lasts as long as the setting of the store
 * says, from the failed charge. The end goes into the log, so that a later change of the
 * setting leaves the fold of what came before as it was.
 */
static void
grace_complete(SubscriptionNotice *notice)
{
	FoldEvent *event = &notice->event;

	if (event->type != EVENT_GRACE_STARTED || event->grace_until != FOLD_NEVER)
		return;
	for (int i = 0; i < lengthof(grace_settings); i++)
		if (strcmp(notice->store, grace_settings[i].store) == 0)
		{
			int64 days = Min(setting_integer(grace_settings[i].name), GRACE_DAYS_MAX);

			if (days > 0)
				event->grace_until = event->time + days * USECS_PER_DAY;
		}
}

/* Makes the row of subscriptions if the user has none, so that there is one to lock. */
static void
situation_read(Situation *situation)
{
	FoldTerm *shown = &situation->shown.state.now;
	bool no_line;

	/* the second query has a new snapshot, which sees the row that was just made */
	if (!situation_query(situation))
	{
		subscription_begin(situation->user);
		if (!situation_query(situation))
			row_kept_raise("subscriptions", "the subscription was not recorded");
	}
	situation->subscription = plan_uuid(0, SITUATION_ID);
	shown->status = line_status(0, SITUATION_STATUS);
	shown->expires_at = plan_time_or(0, SITUATION_EXPIRES_AT, FOLD_NEVER);
	shown->grace_until = plan_time_or(0, SITUATION_GRACE_UNTIL, FOLD_NEVER);
	situation->shown.store = plan_text(0, SITUATION_STORE);
	situation->shown.environment = plan_text(0, SITUATION_ENVIRONMENT);
	situation->shown.id = plan_text_required(0, SITUATION_LINE_ID);
	plan_value_as(0, SITUATION_LINE_IS_OWN, BOOLOID, &no_line);
	situation->has_line = !no_line;
	situation->line_is_own = plan_bool_or(0, SITUATION_LINE_IS_OWN, false);
	situation->has_event = plan_bool(0, SITUATION_HAS_EVENT);
	situation->transaction_seen = plan_bool(0, SITUATION_TRANSACTION_SEEN);
	situation->linked = plan_bool(0, SITUATION_LINKED);
	if (situation->has_line)
		line_read(&situation->line, 0, SITUATION_LINE);
}

static bool
situation_query(const Situation *situation)
{
	const SubscriptionNotice *notice = &situation->notice;
	PlanValues values = {0};

	plan_bind_uuid(&values, situation->user);
	plan_bind_text(&values, notice->store);
	plan_bind_text(&values, situation->line_id);
	plan_bind_text(&values, notice->environment);
	plan_bind_text(&values, notice->event.id);
	plan_bind_text(&values, notice->event.transaction);
	plan_bind_text(&values, notice->event.purchase_token);
	plan_bind(&values, telling_types(notice->event.type));
	return owner_execute(&read_situation, values.datums, values.nulls, false) == 1;
}

/* By which types of earlier events an event of this one knows its transaction, as text[]. */
static Datum
telling_types(SubscriptionEvent type)
{
	Datum names[SUBSCRIPTION_EVENTS];
	int count = 0;

	for (SubscriptionEvent earlier = 0; earlier < SUBSCRIPTION_EVENTS; earlier++)
		if (fold_event_tells(earlier, type))
			names[count++] = CStringGetTextDatum(subscription_event_names[earlier]);
	return array_of(TEXTOID, names, NULL, count);
}

/* The log's event of this store, environment and id must be this one, told again. */
static void
answer_again(const Situation *situation, SubscriptionAnswer *answer)
{
	const SubscriptionNotice *notice = &situation->notice;
	PlanValues values = {0};

	plan_bind_uuid(&values, situation->user);
	plan_bind_text(&values, notice->store);
	plan_bind_text(&values, notice->environment);
	plan_bind_text(&values, notice->event.id);
	plan_bind_text(&values, subscription_event_names[notice->event.type]);
	plan_bind(&values, notice->payload);
	plan_bind(&values, notice_read_members());
	if (owner_execute(&find_same_event, values.datums, values.nulls, false) != 1)
		raise_conflict(notice);
	answer->status = plan_text_required(0, ANSWERED_STATUS);
	answer->expires_at = plan_time_or(0, ANSWERED_EXPIRES_AT, FOLD_NEVER);
	answer->anomaly = plan_text(0, ANSWERED_ANOMALY);
}

/* Writes line, subscription and log, in this order, and tells of a first premium at last. */
static void
event_take(Situation *situation, SubscriptionAnswer *answer)
{
	SubscriptionLine line;
	FoldAnomaly anomaly;

	line_require(situation);
	if (lines_are_linked(situation))
		anomaly = lines_refold(situation, &line);
	else
	{
		anomaly = line_advance(situation, &line);
		line_write(situation, &line, anomaly);
		shown_update(situation, &line);
	}
	answer->status = subscription_status_names[situation->shown.state.now.status];
	answer->expires_at = situation->shown.state.now.expires_at;
	answer->anomaly = fold_anomaly_names[anomaly];
	if (!event_insert(&situation->notice, situation->user, &situation->subscription, answer,
					  situation->at))
		raise_conflict(&situation->notice);
	grant_audit(situation);
	first_premium_tell(situation, &line);
}

/* Whether the event, or one before it, puts one line of the user into the place of another. */
static bool
lines_are_linked(const Situation *situation)
{
	const FoldEvent *event = &situation->notice.event;

	return situation->linked || (event->linked_token != NULL && event->type != EVENT_NOTED) ||
		   (situation->has_line && situation->line.replaced_at != FOLD_NEVER);
}

/* All lines of the user, because the event reaches beyond its own. Seldom: by a link alone. */
static FoldAnomaly
lines_refold(Situation *situation, SubscriptionLine *line)
{
	int nentries, nlines;
	SubscriptionEntry *entries = entries_load(situation->user, NULL, NULL, false, &nentries);
	SubscriptionLine *lines;
	FoldAnomaly anomaly;
	const SubscriptionLine *shown;

	entry_add(situation, entries, &nentries);
	lines = lines_fold(entries, nentries, &nlines);
	anomaly = anomaly_of(situation, entries, nentries);
	line->store = situation->notice.store;
	line->id = situation->line_id;
	*line = *lines_find(lines, nlines, line);
	line_write(situation, line, anomaly);
	shown = lines_shown(lines, nlines);
	/* the row is written in any case: a transaction with an older snapshot fails */
	if (!lines_store(lines, nlines, shown, situation->user))
		subscription_show(situation->user, shown);
	situation->shown = *shown;
	return anomaly;
}

/* The insert fails only if another user's call has made the line since line_require(). */
static void
line_write(const Situation *situation, const SubscriptionLine *line, FoldAnomaly anomaly)
{
	if (anomaly != FOLD_SOUND && situation->notice.manual)
		raise_refused(situation, anomaly);
	if (situation->has_line)
		line_update(line);
	else if (!line_insert(line, situation->user))
		raise_taken(situation);
}

/* What no store sold is somebody's decision, which the trail must name: with a stolen server
 * key it stays possible. */
static void
grant_audit(const Situation *situation)
{
	const SubscriptionNotice *notice = &situation->notice;
	StringInfoData out;

	if (strcmp(notice->store, "manual") != 0 && strcmp(notice->store, "promotional") != 0)
		return;
	object_begin(&out);
	object_text(&out, "store", notice->store);
	object_text(&out, "event_type", subscription_event_names[notice->event.type]);
	object_text(&out, "store_event_id", notice->event.id);
	object_time(&out, "period_end", notice->event.period_end);
	audit_write("subscription_granted", psprintf("users/%s", uuid_text(situation->user)), NULL,
				object_end(&out));
}

/*
 * Tells the listener if the event began the line's first premium that was paid for, and where
 * it may have changed which payment is the person's first, or whether that is given back: what
 * comes late does so too, and a refund that the line has left behind. The listener is not told
 * of a sandbox that does not count.
 */
static void
first_premium_tell(const Situation *situation, const SubscriptionLine *line)
{
	SubscriptionEvent type = situation->notice.event.type;
	int64 earlier = situation->has_line ? situation->line.state.first_premium_at : FOLD_NEVER;
	bool begins = line->state.first_premium_at != FOLD_NEVER && earlier == FOLD_NEVER;
	bool turns =
		begins || type == EVENT_REVOKED || type == EVENT_UNREVOKED || situation->refolded;

	if (!turns || premium_listener == NULL)
		return;
	/* a tester pays nothing, and so nobody is paid for bringing one */
	if (!environment_counts(line->environment, NULL))
		return;
	/* nobody paid for what was given */
	if (begins && strcmp(line->store, "promotional") != 0 && strcmp(line->store, "manual") != 0)
		premium_listener(PREMIUM_BEGAN, situation->user, situation->at);
	premium_listener(PREMIUM_TURNED, situation->user, situation->at);
}

/* A line that is there must be this user's, and of the environment of the event. */
static void
line_require(const Situation *situation)
{
	if (!situation->has_line)
		return;
	if (!situation->line_is_own)
		raise_taken(situation);
	if (strcmp(situation->line.environment, situation->notice.environment) != 0)
		ereport(ERROR, (errcode(ERRCODE_CB_EVENT_CONFLICT),
						errmsg("the subscription is one of another environment"),
						errdetail("Its earlier events are of the environment %s.",
								  situation->line.environment),
						errhint("Keep the original transactions of sandboxes apart.")));
}

/* Sets line to the stored line with the event in it, and answers what the fold said of it. */
static FoldAnomaly
line_advance(Situation *situation, SubscriptionLine *line)
{
	const SubscriptionNotice *notice = &situation->notice;
	FoldEvent event = notice->event;
	FoldAnomaly anomaly;

	if (situation->has_line && fold_event_compare(&event, &situation->line.last) < 0)
		return line_refold(situation, line);
	/* what a refund does follows from the other refunds of its payment, and from its sum */
	if (event.refund != NULL || (event.paid > 0 && situation->transaction_seen))
		return line_refold(situation, line);
	if (!situation->has_line)
	{
		situation->line.store = notice->store;
		situation->line.id = situation->line_id;
		situation->line.environment = notice->environment;
		situation->line.access = (PaidSpan){FOLD_NEVER, FOLD_NEVER};
		situation->line.replaced_at = FOLD_NEVER;
		fold_begin(&situation->line.state);
	}
	/* the log was asked for the transaction in read_situation: the line knows only its last */
	*line = situation->line;
	event.transaction_seen = situation->transaction_seen;
	line->last = event;
	anomaly = fold_step(&line->state, &event);
	if (!paid_step(&line->access, &situation->line.state, &line->state, &event, anomaly))
		return line_refold(situation, line);
	return anomaly;
}

/* For an event that others of its line stand behind, or that reaches back into the line. */
static FoldAnomaly
line_refold(Situation *situation, SubscriptionLine *line)
{
	int nentries, nlines;
	SubscriptionEntry *entries = entries_load(situation->user, situation->notice.store,
											  situation->line_id, false, &nentries);

	situation->refolded = true;
	entry_add(situation, entries, &nentries);
	*line = *lines_fold(entries, nentries, &nlines);
	return anomaly_of(situation, entries, nentries);
}

/* The event as an entry: entries_load() leaves room for it. */
static void
entry_add(const Situation *situation, SubscriptionEntry *entries, int *nentries)
{
	SubscriptionEntry *entry = &entries[(*nentries)++];

	entry->event = situation->notice.event;
	entry->store = situation->notice.store;
	entry->line = situation->line_id;
	entry->environment = situation->notice.environment;
}

/* lines_fold() sorts the array: the event is found by its id again, which is one of a store and
 * environment. */
static FoldAnomaly
anomaly_of(const Situation *situation, const SubscriptionEntry *entries, int nentries)
{
	const SubscriptionNotice *notice = &situation->notice;

	for (int i = 0; i < nentries; i++)
		if (strcmp(entries[i].event.id, notice->event.id) == 0 &&
			strcmp(entries[i].store, notice->store) == 0 &&
			strcmp(entries[i].environment, notice->environment) == 0)
			return entries[i].anomaly;
	row_kept_raise("subscription_events", "the event was not recorded");
}

/*
 * Makes the row of subscriptions show the line that stands for the user now. The other lines
 * are read only if the shown line fell: otherwise the shown line still stands before them, or
 * the line of this event has passed it. An event of a line that is not shown writes the row
 * too, so that a transaction with an older snapshot fails; so does an event that changes the
 * past alone, because handshakes of the past are cached under the version that the row moves.
 */
static void
shown_update(Situation *situation, const SubscriptionLine *line)
{
	const SubscriptionLine *shown = line;
	bool same = situation->shown.store != NULL && line_same(&situation->shown, line);
	bool lower = situation->shown.store != NULL && line_compare(line, &situation->shown) < 0;

	if (!same && lower)
	{
		subscription_touch(situation->user);
		return;
	}
	if (same && lower)
	{
		int nlines;
		SubscriptionLine *lines = lines_load(situation->user, false, &nlines);

		shown = lines_shown(lines, nlines);
	}
	if (!same || !row_is_equal(shown, &situation->line))
		subscription_show(situation->user, shown);
	else if (situation->refolded)
		subscription_touch(situation->user);
	situation->shown = *shown;
}

/* Whether the row of subscriptions is the same for both: it has fewer columns than a line. */
static bool
row_is_equal(const SubscriptionLine *a, const SubscriptionLine *b)
{
	SubscriptionLine of_a = *a;

	/* the plan looks at the last event too, which the row does not show */
	if (!line_same(a, b) || strcmp(line_plan(a), line_plan(b)) != 0)
		return false;
	of_a.state.before = b->state.before;
	of_a.state.first_premium_at = b->state.first_premium_at;
	of_a.state.transaction = b->state.transaction;
	of_a.last = b->last;
	return line_equal(&of_a, b);
}

static void
answer_return(FunctionCallInfo fcinfo, const SubscriptionAnswer *answer)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	bool applied = answer->anomaly == NULL;
	Datum values[] = {
		CStringGetTextDatum(answer->status),
		TimestampTzGetDatum(answer->expires_at),
		BoolGetDatum(applied),
		applied ? (Datum) 0 : CStringGetTextDatum(answer->anomaly),
	};
	bool nulls[] = {false, answer->expires_at == FOLD_NEVER, false, applied};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* Rule: the same key with other content is an error, never a silent "seen already". */
static void
raise_conflict(const SubscriptionNotice *notice)
{
	ereport(ERROR, (errcode(ERRCODE_CB_EVENT_CONFLICT),
					errmsg("the event came before, with other content"),
					errdetail("Store %s, environment %s, event %s.", notice->store,
							  notice->environment, notice->event.id),
					errhint("Send an event again as it was, for the same user; give another "
							"event an id of its own.")));
}

/*
 * Names the transaction, which the caller sent, and not its owner: no message leaks whose it
 * is.
 */
static void
raise_taken(const Situation *situation)
{
	ereport(ERROR,
			(errcode(ERRCODE_CB_LINE_TAKEN), errmsg("the subscription is another user's"),
			 errdetail("Store %s, original transaction %s.", situation->notice.store,
					   situation->line_id),
			 errhint("A store's subscription stays with the account that brought it first.")));
}

/*
 * Only for an event that a person entered by hand. A store's impossible event is kept as an
 * anomaly and answered: the store would send it again and again.
 */
static void
raise_refused(const Situation *situation, FoldAnomaly anomaly)
{
	ereport(ERROR, (errcode(ERRCODE_CB_TRANSITION_REFUSED),
					errmsg("the subscription does not allow the event \"%s\"",
						   subscription_event_names[situation->notice.event.type]),
					errdetail("The subscription is %s: %s.",
							  subscription_status_names[situation->line.state.now.status],
							  fold_anomaly_names[anomaly]),
					errhint("See the view subscription_history for what came before.")));
}
