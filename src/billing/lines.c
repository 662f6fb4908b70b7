/*
 * lines.c: lines as they are stored, and as the fold of the log has them.
 *
 * One fold for everything: what is stored, what rebuild_subscription() makes, what the history
 * shows and what check_integrity() compares come from lines_fold() and fold_step() alone.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "billing/subscription.h"
#include "core/owner.h"

static KeptPlan read_entries = {
	.sql = "SELECT e.id, e.store, coalesce(e.original_transaction_id, e.user_id::text), "
		   "e.environment, e.received_at, e.event_type, e.event_time, e.store_event_id, "
		   "e.period_end, e.grace_until, e.auto_renew, e.transaction_id, e.product_id, "
		   "e.payload ->> 'is_trial' = 'true', e.payload ->> 'base_plan_id', "
		   "e.payload ->> 'offer_id', e.payload ->> 'purchase_token' "
		   "FROM coursebase.subscription_events e WHERE e.user_id = $1 "
		   "AND ($2 IS NULL OR e.store = $2 "
		   "AND coalesce(e.original_transaction_id, e.user_id::text) = $3)",
	.nargs = 3,
	.types = {UUIDOID, TEXTOID, TEXTOID},
};
static KeptPlan read_lines = {
	.sql = "SELECT " LINE_COLUMNS "FROM coursebase.subscription_lines l WHERE l.user_id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};

static KeptPlan read_shown = {
	.sql = "SELECT s.plan, s.status::text, s.expires_at, s.grace_until, s.auto_renew, s.store, "
		   "s.environment, s.product_id, s.base_plan_id, s.offer_id, s.purchase_token, "
		   "coalesce(s.original_transaction_id, s.user_id::text) "
		   "FROM coursebase.subscriptions s WHERE s.user_id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};

static void entry_read(SubscriptionEntry *entry, uint64 row);
static void line_fold(SubscriptionLine *line, SubscriptionEntry *entries, int count);
static void transactions_mark(SubscriptionEntry *entries, int count);
static int entry_compare(const void *a, const void *b);
static int transaction_compare(const void *a, const void *b);
static int access_rank(const SubscriptionLine *line);
static bool term_equal(const FoldTerm *a, const FoldTerm *b);
static bool text_equal(const char *a, const char *b);
static int64 time_value(uint64 row, int column);
static bool flag_value(uint64 row, int column);

SubscriptionEntry *
entries_load(const pg_uuid_t *user, const char *store, const char *line, bool read_only,
			 int *count)
{
	Datum values[3] = {UUIDPGetDatum(user)};
	const char *nulls = store == NULL ? " nn" : "   ";
	SubscriptionEntry *entries;
	uint64 rows;

	if (store != NULL)
	{
		values[1] = CStringGetTextDatum(store);
		values[2] = CStringGetTextDatum(line);
	}
	rows = owner_execute(&read_entries, values, nulls, read_only);
	/* room for the one that is just coming */
	entries = palloc_extended((rows + 1) * sizeof(*entries), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (uint64 row = 0; row < rows; row++)
		entry_read(&entries[row], row);
	*count = (int) rows;
	return entries;
}

SubscriptionLine *
lines_fold(SubscriptionEntry *entries, int nentries, int *nlines)
{
	SubscriptionLine *lines = palloc((nentries + 1) * sizeof(*lines));
	int first = 0;

	*nlines = 0;
	if (nentries > 1)
		qsort(entries, nentries, sizeof(*entries), entry_compare);
	for (int i = 1; i <= nentries; i++)
	{
		if (i < nentries && strcmp(entries[first].store, entries[i].store) == 0 &&
			strcmp(entries[first].line, entries[i].line) == 0)
			continue;
		line_fold(&lines[(*nlines)++], entries + first, i - first);
		first = i;
	}
	return lines;
}

SubscriptionLine *
lines_load(const pg_uuid_t *user, bool read_only, int *count)
{
	Datum key = UUIDPGetDatum(user);
	uint64 rows = owner_execute(&read_lines, &key, NULL, read_only);
	SubscriptionLine *lines = palloc_extended((rows + 1) * sizeof(*lines), MCXT_ALLOC_HUGE);

	for (uint64 row = 0; row < rows; row++)
		line_read(&lines[row], row, 1);
	*count = (int) rows;
	return lines;
}

const SubscriptionLine *
lines_shown(const SubscriptionLine *lines, int count)
{
	const SubscriptionLine *shown = NULL;

	for (int i = 0; i < count; i++)
		if (shown == NULL || line_compare(&lines[i], shown) > 0)
			shown = &lines[i];
	return shown;
}

/*
 * Which line stands for the user: one that gives access, in production before a sandbox; then
 * the one whose access ends last, or ended last. Names break ties, so that the order of arrival
 * never does.
 */
int
line_compare(const SubscriptionLine *a, const SubscriptionLine *b)
{
	int order = access_rank(a) - access_rank(b);

	if (order == 0)
		order = fold_term_compare(&a->state.now, &b->state.now);
	if (order == 0)
		order = strcmp(b->store, a->store);
	return order != 0 ? order : strcmp(b->id, a->id);
}

bool
line_same(const SubscriptionLine *a, const SubscriptionLine *b)
{
	return strcmp(a->store, b->store) == 0 && strcmp(a->id, b->id) == 0;
}

bool
line_equal(const SubscriptionLine *a, const SubscriptionLine *b)
{
	const FoldState *s = &a->state;
	const FoldState *t = &b->state;

	return line_same(a, b) && strcmp(a->environment, b->environment) == 0 &&
		   term_equal(&s->now, &t->now) && term_equal(&s->before, &t->before) &&
		   s->first_premium_at == t->first_premium_at &&
		   text_equal(s->transaction, t->transaction) &&
		   text_equal(s->product_id, t->product_id) &&
		   text_equal(s->base_plan_id, t->base_plan_id) &&
		   text_equal(s->offer_id, t->offer_id) &&
		   text_equal(s->purchase_token, t->purchase_token) &&
		   fold_event_compare(&a->last, &b->last) == 0;
}

bool
subscription_shows(const pg_uuid_t *user, const SubscriptionLine *line, bool read_only)
{
	Datum key = UUIDPGetDatum(user);
	const FoldState *state;
	FoldTerm term;

	if (owner_execute(&read_shown, &key, NULL, read_only) == 0)
		return line == NULL;
	if (line == NULL)
		return false;
	state = &line->state;
	subscription_status_parse(plan_text_required(0, 2), &term.status);
	term.expires_at = time_value(0, 3);
	term.grace_until = time_value(0, 4);
	term.auto_renew = flag_value(0, 5);
	return term_equal(&term, &state->now) && text_equal(plan_text(0, 1), line_plan(line)) &&
		   text_equal(plan_text(0, 6), line->store) &&
		   text_equal(plan_text(0, 7), line->environment) &&
		   text_equal(plan_text(0, 8), state->product_id) &&
		   text_equal(plan_text(0, 9), state->base_plan_id) &&
		   text_equal(plan_text(0, 10), state->offer_id) &&
		   text_equal(plan_text(0, 11), state->purchase_token) &&
		   text_equal(plan_text(0, 12), line->id);
}

const char *
line_plan(const SubscriptionLine *line)
{
	return fold_access_end(&line->state.now) == FOLD_NEVER ? "free" : "premium";
}

void
line_read(SubscriptionLine *line, uint64 row, int column)
{
	FoldState *state = &line->state;

	memset(line, 0, sizeof(*line));
	line->store = plan_text_required(row, column);
	line->id = plan_text_required(row, column + 1);
	line->environment = plan_text_required(row, column + 2);
	subscription_status_parse(plan_text_required(row, column + 3), &state->now.status);
	state->now.expires_at = time_value(row, column + 4);
	state->now.grace_until = time_value(row, column + 5);
	state->now.auto_renew = flag_value(row, column + 6);
	subscription_status_parse(plan_text_required(row, column + 7), &state->before.status);
	state->before.expires_at = time_value(row, column + 8);
	state->before.grace_until = time_value(row, column + 9);
	state->before.auto_renew = flag_value(row, column + 10);
	state->first_premium_at = time_value(row, column + 11);
	state->transaction = plan_text(row, column + 12);
	state->product_id = plan_text(row, column + 13);
	state->base_plan_id = plan_text(row, column + 14);
	state->offer_id = plan_text(row, column + 15);
	state->purchase_token = plan_text(row, column + 16);
	line->last.time = time_value(row, column + 17);
	subscription_event_parse(plan_text_required(row, column + 18), &line->last.type);
	line->last.id = plan_text_required(row, column + 19);
}

static void
entry_read(SubscriptionEntry *entry, uint64 row)
{
	FoldEvent *event = &entry->event;
	bool null;
	Datum flag;

	entry->id = *DatumGetUUIDP(plan_value(row, 1, NULL));
	entry->store = plan_text_required(row, 2);
	entry->line = plan_text_required(row, 3);
	entry->environment = plan_text_required(row, 4);
	entry->received_at = DatumGetTimestampTz(plan_value(row, 5, &null));
	subscription_event_parse(plan_text_required(row, 6), &event->type);
	event->time = time_value(row, 7);
	event->id = plan_text_required(row, 8);
	event->period_end = time_value(row, 9);
	event->grace_until = time_value(row, 10);
	flag = plan_value(row, 11, &null);
	event->auto_renew = null ? -1 : DatumGetBool(flag);
	event->transaction = plan_text(row, 12);
	event->product_id = plan_text(row, 13);
	event->trial = flag_value(row, 14);
	event->base_plan_id = plan_text(row, 15);
	event->offer_id = plan_text(row, 16);
	event->purchase_token = plan_text(row, 17);
}

/* The entries of one line, in order. */
static void
line_fold(SubscriptionLine *line, SubscriptionEntry *entries, int count)
{
	memset(line, 0, sizeof(*line));
	line->store = entries->store;
	line->id = entries->line;
	line->environment = entries->environment;
	fold_begin(&line->state);
	transactions_mark(entries, count);
	for (int i = 0; i < count; i++)
	{
		SubscriptionEntry *entry = &entries[i];

		CHECK_FOR_INTERRUPTS();
		entry->before = line->state.now.status;
		entry->anomaly = fold_step(&line->state, &entry->event);
		entry->after = line->state.now.status;
		entry->expires_at = line->state.now.expires_at;
	}
	line->last = entries[count - 1].event;
}

/* Of the entries of one transaction all but the first have seen it. */
static void
transactions_mark(SubscriptionEntry *entries, int count)
{
	SubscriptionEntry **sorted = palloc(count * sizeof(*sorted));
	int named = 0;

	for (int i = 0; i < count; i++)
	{
		entries[i].event.transaction_seen = false;
		if (entries[i].event.transaction != NULL)
			sorted[named++] = &entries[i];
	}
	qsort(sorted, named, sizeof(*sorted), transaction_compare);
	for (int i = 1; i < named; i++)
		sorted[i]->event.transaction_seen =
			strcmp(sorted[i - 1]->event.transaction, sorted[i]->event.transaction) == 0;
	pfree(sorted);
}

static int
entry_compare(const void *a, const void *b)
{
	const SubscriptionEntry *left = a;
	const SubscriptionEntry *right = b;
	int order = strcmp(left->store, right->store);

	if (order == 0)
		order = strcmp(left->line, right->line);
	return order != 0 ? order : fold_event_compare(&left->event, &right->event);
}

static int
transaction_compare(const void *a, const void *b)
{
	const SubscriptionEntry *const *left = a;
	const SubscriptionEntry *const *right = b;
	int order = strcmp((*left)->event.transaction, (*right)->event.transaction);

	return order != 0 ? order : fold_event_compare(&(*left)->event, &(*right)->event);
}

static int
access_rank(const SubscriptionLine *line)
{
	if (fold_access_end(&line->state.now) == FOLD_NEVER)
		return 0;
	return strcmp(line->environment, "production") == 0 ? 2 : 1;
}

static bool
term_equal(const FoldTerm *a, const FoldTerm *b)
{
	return a->status == b->status && a->expires_at == b->expires_at &&
		   a->grace_until == b->grace_until && a->auto_renew == b->auto_renew;
}

static bool
text_equal(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static int64
time_value(uint64 row, int column)
{
	bool null;
	Datum value = plan_value(row, column, &null);

	return null ? FOLD_NEVER : DatumGetTimestampTz(value);
}

static bool
flag_value(uint64 row, int column)
{
	bool null;
	Datum value = plan_value(row, column, &null);

	return !null && DatumGetBool(value);
}
