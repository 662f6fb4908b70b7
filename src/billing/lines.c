/*
 * lines.c: lines of subscription events, as they are stored and as the log makes them.
 *
 * lines_fold() and fold_step() are the only fold: apply_subscription_event() stores what they
 * make, rebuild_subscription() stores it again, subscription_history shows it, and
 * check_integrity() compares the tables with it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"

#include "billing/environment.h"
#include "billing/line.h"
#include "billing/refunds.h"
#include "core/owner.h"
#include "core/plan.h"

/* A log of before these members were read may hold anything by their names. */
#define PAYLOAD_SUM(name)                                                                      \
	"CASE jsonb_typeof(e.payload -> '" name "') WHEN 'number' THEN "                           \
	"(e.payload -> '" name "')::bigint END"

/*
 * $2 NULL: the entries of all lines of the user; else those of the line $3 of the store $2. An
 * event without an original transaction belongs to the line that is named by the user's id.
 * What the fold needs and the table has no column for is read from the payload.
 */
#define ENTRY_COLUMNS                                                                          \
	"e.id, e.store, coalesce(e.original_transaction_id, e.user_id::text), "                    \
	"e.environment, e.received_at, e.event_type, e.event_time, e.store_event_id, "             \
	"e.period_end, e.grace_until, e.auto_renew, e.transaction_id, e.product_id, "              \
	"e.payload ->> 'is_trial' = 'true', e.payload ->> 'base_plan_id', "                        \
	"e.payload ->> 'offer_id', e.payload ->> 'purchase_token', e.user_id, "                    \
	"e.period_start, e.linked_purchase_token, "                                                \
	"e.payload ->> 'refund_ref', e.payload ->> 'refund_kind', " PAYLOAD_SUM(                   \
		"refunded_in_cents") ", " PAYLOAD_SUM("paid_in_cents") " "                             \
															   "FROM "                         \
															   "coursebase.subscription_"      \
															   "events e "

static KeptPlan read_entries = {
	.sql = "SELECT " ENTRY_COLUMNS "WHERE e.user_id = $1 AND ($2 IS NULL OR e.store = $2 "
		   "AND coalesce(e.original_transaction_id, e.user_id::text) = $3)",
	.nargs = 3,
	.types = {UUIDOID, TEXTOID, TEXTOID},
};
/* All entries of the people whose ids lie between $1 and $2, person by person. */
static KeptPlan read_people = {
	.sql = "SELECT " ENTRY_COLUMNS "WHERE e.user_id BETWEEN $1 AND $2 "
		   "ORDER BY e.user_id",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};
enum
{
	ENTRY_ID = 1,
	ENTRY_STORE,
	ENTRY_LINE,
	ENTRY_ENVIRONMENT,
	ENTRY_RECEIVED_AT,
	ENTRY_EVENT_TYPE,
	ENTRY_EVENT_TIME,
	ENTRY_STORE_EVENT_ID,
	ENTRY_PERIOD_END,
	ENTRY_GRACE_UNTIL,
	ENTRY_AUTO_RENEW, /* null, as all from here on: the store did not say */
	ENTRY_TRANSACTION_ID,
	ENTRY_PRODUCT_ID,
	ENTRY_IS_TRIAL,
	ENTRY_BASE_PLAN_ID,
	ENTRY_OFFER_ID,
	ENTRY_PURCHASE_TOKEN,
	ENTRY_USER_ID,
	ENTRY_PERIOD_START,
	ENTRY_LINKED_TOKEN,
	ENTRY_REFUND, /* null, as the kind: the event is about no refund that has an id */
	ENTRY_REFUND_KIND,
	ENTRY_REFUNDED,
	ENTRY_PAID,
};

/* An index on user_id serves it: a person has few lines, however long the log is. */
static KeptPlan read_lines = {
	.sql = "SELECT " LINE_COLUMNS "FROM coursebase.subscription_lines l WHERE l.user_id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};
/* The place of each of LINE_COLUMNS, counted from the first of them. */
enum
{
	LINE_STORE,
	LINE_ID,
	LINE_ENVIRONMENT,
	LINE_STATUS,
	LINE_EXPIRES_AT,
	LINE_GRACE_UNTIL,
	LINE_AUTO_RENEW,
	LINE_BEFORE_STATUS, /* from here to LINE_BEFORE_AUTO_RENEW: the term before a refund */
	LINE_BEFORE_EXPIRES_AT,
	LINE_BEFORE_GRACE_UNTIL,
	LINE_BEFORE_AUTO_RENEW,
	LINE_FIRST_PREMIUM_AT,
	LINE_TRANSACTION_ID,
	LINE_PRODUCT_ID,
	LINE_BASE_PLAN_ID,
	LINE_OFFER_ID,
	LINE_PURCHASE_TOKEN,
	LINE_LAST_EVENT_TIME, /* from here on: the key of the last event in the order of the fold */
	LINE_LAST_EVENT_TYPE,
	LINE_LAST_STORE_EVENT_ID,
	LINE_ACCESS_FROM,
	LINE_ACCESS_UNTIL,
	LINE_REPLACED_AT,
};

/* What a row of subscriptions shows of a line: fewer columns than the line itself has. */
static KeptPlan read_shown = {
	.sql = "SELECT s.plan, s.status::text, s.expires_at, s.grace_until, s.auto_renew, s.store, "
		   "s.environment, s.product_id, s.base_plan_id, s.offer_id, s.purchase_token, "
		   "coalesce(s.original_transaction_id, s.user_id::text) "
		   "FROM coursebase.subscriptions s WHERE s.user_id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};
enum
{
	SHOWN_PLAN = 1,
	SHOWN_STATUS,
	SHOWN_EXPIRES_AT,
	SHOWN_GRACE_UNTIL,
	SHOWN_AUTO_RENEW,
	SHOWN_STORE,
	SHOWN_ENVIRONMENT,
	SHOWN_PRODUCT_ID,
	SHOWN_BASE_PLAN_ID,
	SHOWN_OFFER_ID,
	SHOWN_PURCHASE_TOKEN,
	SHOWN_LINE, /* the user's id, if the line has no original transaction */
};

static SubscriptionEntry *entries_read(uint64 rows);
static SubscriptionEvent event_type(uint64 row, int column);
static void entry_read(SubscriptionEntry *entry, uint64 row);
static int flag_read(uint64 row, int column);
static int links_gather(SubscriptionEntry *entries, int nentries,
						const SubscriptionEntry ***links);
static int64 line_replaced_at(const SubscriptionEntry *entries, int count,
							  const SubscriptionEntry **links, int nlinks);
static bool line_has_token(const SubscriptionEntry *entries, int count, const char *token);
static void line_fold(SubscriptionLine *line, SubscriptionEntry *entries, int count,
					  int64 replaced_at);
static void entry_step(SubscriptionLine *line, SubscriptionEntry *entry, PaidLedger *ledger);
static void ledger_init(PaidLedger *ledger, int nevents);
static void spans_take(SubscriptionLine *line, PaidLedger *ledger);
static void transactions_mark(SubscriptionEntry *entries, int count);
static void entries_mark_refunds(SubscriptionEntry *entries, int count);
static int entry_compare(const void *a, const void *b);
static int transaction_compare(const void *a, const void *b);
static bool line_gives_access(const SubscriptionLine *line);
static int access_rank(const SubscriptionLine *line);
static bool term_equal(const FoldTerm *a, const FoldTerm *b);
static bool text_equal(const char *a, const char *b);

/*
 * plan_text() copies every text out of SPI's result, so that the entries outlive the statements
 * that follow.
 */
SubscriptionEntry *
entries_load(const pg_uuid_t *user, const char *store, const char *line, bool read_only,
			 int *count)
{
	PlanValues values = {0};
	uint64 rows;

	plan_bind_uuid(&values, user);
	plan_bind_text(&values, store);
	plan_bind_text(&values, line);
	rows = owner_execute(&read_entries, values.datums, values.nulls, read_only);
	*count = (int) rows;
	return entries_read(rows);
}

SubscriptionEntry *
entries_load_people(const pg_uuid_t *first, const pg_uuid_t *last, int *count)
{
	Datum values[] = {UUIDPGetDatum(first), UUIDPGetDatum(last)};
	uint64 rows = plan_execute(&read_people, values, NULL, true);

	*count = (int) rows;
	return entries_read(rows);
}

/* The rows of the last plan. A long log may pass the 1 GB of an ordinary allocation. */
static SubscriptionEntry *
entries_read(uint64 rows)
{
	SubscriptionEntry *entries =
		palloc_extended((rows + 1) * sizeof(*entries), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

	for (uint64 row = 0; row < rows; row++)
		entry_read(&entries[row], row);
	return entries;
}

/*
 * A token that another line names as its predecessor ends the line that has it (stores: an
 * upgrade). So the links are gathered over all entries before the first line is folded.
 */
SubscriptionLine *
lines_fold(SubscriptionEntry *entries, int nentries, int *nlines)
{
	SubscriptionLine *lines = palloc_extended((nentries + 1) * sizeof(*lines), MCXT_ALLOC_HUGE);
	const SubscriptionEntry **links;
	int nlinks;
	int first = 0;

	*nlines = 0;
	/* sorting puts the entries of a line side by side, in the order of the fold */
	if (nentries > 1)
		qsort(entries, nentries, sizeof(*entries), entry_compare);
	nlinks = links_gather(entries, nentries, &links);
	/* a line ends where the next entry is another line's, and behind the last entry */
	for (int i = 1; i <= nentries; i++)
	{
		if (i < nentries && strcmp(entries[first].store, entries[i].store) == 0 &&
			strcmp(entries[first].line, entries[i].line) == 0)
			continue;
		line_fold(&lines[(*nlines)++], entries + first, i - first,
				  line_replaced_at(entries + first, i - first, links, nlinks));
		first = i;
	}
	return lines;
}

/* Room for one more, as in entries_load(): a person without lines has an array too. */
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

/*
 * A line that gives access stands before one that gives none, and one of production before one
 * of a sandbox; then the line whose access ends last, or ended last. Store and id break ties,
 * so that the answer never depends on the order in which the events arrived.
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

/* line_compare() has no ties, so that the order of the array does not matter. */
const SubscriptionLine *
lines_shown(const SubscriptionLine *lines, int count)
{
	const SubscriptionLine *shown = NULL;

	for (int i = 0; i < count; i++)
		if (shown == NULL || line_compare(&lines[i], shown) > 0)
			shown = &lines[i];
	return shown;
}

const SubscriptionLine *
lines_find(const SubscriptionLine *lines, int count, const SubscriptionLine *line)
{
	for (int i = 0; i < count; i++)
		if (line_same(&lines[i], line))
			return &lines[i];
	return NULL;
}

/* Store and id are the key of subscription_lines; the user follows from them. */
bool
line_same(const SubscriptionLine *a, const SubscriptionLine *b)
{
	return strcmp(a->store, b->store) == 0 && strcmp(a->id, b->id) == 0;
}

/* Every stored column but those that say when the row was written. */
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
		   a->access.from == b->access.from && a->access.until == b->access.until &&
		   a->replaced_at == b->replaced_at && fold_event_compare(&a->last, &b->last) == 0;
}

/* For rebuild_subscription() and check_integrity(): an event knows already what the row shows.
 */
bool
subscription_shows(const pg_uuid_t *user, const SubscriptionLine *line, bool read_only)
{
	Datum key = UUIDPGetDatum(user);
	const FoldState *state;
	FoldTerm term;

	/* a row without a line, or a line without a row, is a difference too */
	if (owner_execute(&read_shown, &key, NULL, read_only) == 0)
		return line == NULL;
	if (line == NULL)
		return false;
	state = &line->state;
	term.status = line_status(0, SHOWN_STATUS);
	term.expires_at = plan_time_or(0, SHOWN_EXPIRES_AT, FOLD_NEVER);
	term.grace_until = plan_time_or(0, SHOWN_GRACE_UNTIL, FOLD_NEVER);
	term.auto_renew = plan_bool_or(0, SHOWN_AUTO_RENEW, false);
	return term_equal(&term, &state->now) &&
		   text_equal(plan_text(0, SHOWN_PLAN), line_plan(line)) &&
		   text_equal(plan_text(0, SHOWN_STORE), line->store) &&
		   text_equal(plan_text(0, SHOWN_ENVIRONMENT), line->environment) &&
		   text_equal(plan_text(0, SHOWN_PRODUCT_ID), state->product_id) &&
		   text_equal(plan_text(0, SHOWN_BASE_PLAN_ID), state->base_plan_id) &&
		   text_equal(plan_text(0, SHOWN_OFFER_ID), state->offer_id) &&
		   text_equal(plan_text(0, SHOWN_PURCHASE_TOKEN), state->purchase_token) &&
		   text_equal(plan_text(0, SHOWN_LINE), line->id);
}

/* Does not look at the clock: the row must be the same whenever it is written. */
const char *
line_plan(const SubscriptionLine *line)
{
	return line_gives_access(line) ? "premium" : "free";
}

SubscriptionStatus
line_status(uint64 row, int column)
{
	return (SubscriptionStatus) plan_word(row, column, subscription_status_names,
										  SUBSCRIPTION_STATUSES);
}

static SubscriptionEvent
event_type(uint64 row, int column)
{
	return (SubscriptionEvent) plan_word(row, column, subscription_event_names,
										 SUBSCRIPTION_EVENTS);
}

void
line_read(SubscriptionLine *line, uint64 row, int column)
{
	FoldState *state = &line->state;
	FoldTerm *now = &state->now;
	FoldTerm *before = &state->before;

	/* zeros, because of the last event only time, type and id are stored */
	memset(line, 0, sizeof(*line));
	line->store = plan_text_required(row, column + LINE_STORE);
	line->id = plan_text_required(row, column + LINE_ID);
	line->environment = plan_text_required(row, column + LINE_ENVIRONMENT);
	now->status = line_status(row, column + LINE_STATUS);
	now->expires_at = plan_time_or(row, column + LINE_EXPIRES_AT, FOLD_NEVER);
	now->grace_until = plan_time_or(row, column + LINE_GRACE_UNTIL, FOLD_NEVER);
	now->auto_renew = plan_bool(row, column + LINE_AUTO_RENEW);
	before->status = line_status(row, column + LINE_BEFORE_STATUS);
	before->expires_at = plan_time_or(row, column + LINE_BEFORE_EXPIRES_AT, FOLD_NEVER);
	before->grace_until = plan_time_or(row, column + LINE_BEFORE_GRACE_UNTIL, FOLD_NEVER);
	before->auto_renew = plan_bool(row, column + LINE_BEFORE_AUTO_RENEW);
	state->first_premium_at = plan_time_or(row, column + LINE_FIRST_PREMIUM_AT, FOLD_NEVER);
	state->transaction = plan_text(row, column + LINE_TRANSACTION_ID);
	state->product_id = plan_text(row, column + LINE_PRODUCT_ID);
	state->base_plan_id = plan_text(row, column + LINE_BASE_PLAN_ID);
	state->offer_id = plan_text(row, column + LINE_OFFER_ID);
	state->purchase_token = plan_text(row, column + LINE_PURCHASE_TOKEN);
	line->last.time = plan_time(row, column + LINE_LAST_EVENT_TIME);
	line->last.type = event_type(row, column + LINE_LAST_EVENT_TYPE);
	line->last.id = plan_text_required(row, column + LINE_LAST_STORE_EVENT_ID);
	line->access.from = plan_time_or(row, column + LINE_ACCESS_FROM, FOLD_NEVER);
	line->access.until = plan_time_or(row, column + LINE_ACCESS_UNTIL, FOLD_NEVER);
	line->replaced_at = plan_time_or(row, column + LINE_REPLACED_AT, FOLD_NEVER);
}

/* A row of read_entries. What lines_fold() sets stays zero. */
static void
entry_read(SubscriptionEntry *entry, uint64 row)
{
	FoldEvent *event = &entry->event;
	const char *kind;

	entry->id = plan_uuid(row, ENTRY_ID);
	entry->user = plan_uuid(row, ENTRY_USER_ID);
	entry->store = plan_text_required(row, ENTRY_STORE);
	entry->line = plan_text_required(row, ENTRY_LINE);
	entry->environment = plan_text_required(row, ENTRY_ENVIRONMENT);
	entry->received_at = plan_time(row, ENTRY_RECEIVED_AT);
	event->type = event_type(row, ENTRY_EVENT_TYPE);
	event->time = plan_time(row, ENTRY_EVENT_TIME);
	event->id = plan_text_required(row, ENTRY_STORE_EVENT_ID);
	event->period_end = plan_time_or(row, ENTRY_PERIOD_END, FOLD_NEVER);
	event->grace_until = plan_time_or(row, ENTRY_GRACE_UNTIL, FOLD_NEVER);
	event->auto_renew = flag_read(row, ENTRY_AUTO_RENEW);
	event->transaction = plan_text(row, ENTRY_TRANSACTION_ID);
	event->product_id = plan_text(row, ENTRY_PRODUCT_ID);
	event->trial = flag_read(row, ENTRY_IS_TRIAL);
	event->base_plan_id = plan_text(row, ENTRY_BASE_PLAN_ID);
	event->offer_id = plan_text(row, ENTRY_OFFER_ID);
	event->purchase_token = plan_text(row, ENTRY_PURCHASE_TOKEN);
	event->period_start = plan_time_or(row, ENTRY_PERIOD_START, FOLD_NEVER);
	event->linked_token = plan_text(row, ENTRY_LINKED_TOKEN);
	event->refund = plan_text(row, ENTRY_REFUND);
	kind = plan_text(row, ENTRY_REFUND_KIND);
	/*
	 * an event of before kinds were read, or of a kind that no release knows, counts as a
	 * refund of the whole
	 */
	if (kind == NULL || !refund_kind_parse(kind, &event->refund_kind))
		event->refund = NULL;
	event->refunded = plan_int64_or(row, ENTRY_REFUNDED, 0);
	event->paid = plan_int64_or(row, ENTRY_PAID, 0);
}

/* 1 or 0; -1 for a null, as in FoldEvent. */
static int
flag_read(uint64 row, int column)
{
	bool null;
	Datum value = plan_value_as(row, column, BOOLOID, &null);

	return null ? -1 : DatumGetBool(value);
}

/* The entries that say that their line takes the place of another; most people have none. */
static int
links_gather(SubscriptionEntry *entries, int nentries, const SubscriptionEntry ***links)
{
	int count = 0;

	*links = NULL;
	for (int i = 0; i < nentries; i++)
	{
		const FoldEvent *event = &entries[i].event;

		if (event->linked_token == NULL || event->type == EVENT_NOTED)
			continue;
		if (*links == NULL)
			*links = palloc_extended(nentries * sizeof(**links), MCXT_ALLOC_HUGE);
		(*links)[count++] = &entries[i];
	}
	return count;
}

/*
 * When another line first took the place of the line of these entries: with its event, or when
 * the period begins that the event paid for. The link counts whatever became of the new line.
 */
static int64
line_replaced_at(const SubscriptionEntry *entries, int count, const SubscriptionEntry **links,
				 int nlinks)
{
	int64 first = FOLD_NEVER;

	for (int i = 0; i < nlinks; i++)
	{
		const SubscriptionEntry *link = links[i];
		int64 at = Max(link->event.time, link->event.period_start);

		CHECK_FOR_INTERRUPTS();
		if (strcmp(link->store, entries->store) != 0 ||
			strcmp(link->line, entries->line) == 0 ||
			strcmp(link->environment, entries->environment) != 0 ||
			!line_has_token(entries, count, link->event.linked_token))
			continue;
		first = first == FOLD_NEVER ? at : Min(first, at);
	}
	return first;
}

/* Google Play names a line by its token; a receipt names it by the order, and has the token. */
static bool
line_has_token(const SubscriptionEntry *entries, int count, const char *token)
{
	if (strcmp(entries->line, token) == 0)
		return true;
	for (int i = 0; i < count; i++)
		if (text_equal(entries[i].event.purchase_token, token))
			return true;
	return false;
}

/* The entries are those of one line, at least one, in the order of the fold. */
static void
line_fold(SubscriptionLine *line, SubscriptionEntry *entries, int count, int64 replaced_at)
{
	PaidLedger ledger;
	bool replaced = false;

	memset(line, 0, sizeof(*line));
	line->store = entries->store;
	line->id = entries->line;
	line->environment = entries->environment;
	line->replaced_at = replaced_at;
	line->entries = entries;
	line->nentries = count;
	fold_begin(&line->state);
	ledger_init(&ledger, count);
	/*
	 * before the first step: the fold asks of each event whether its transaction is new and
	 * whether its refund is idle
	 */
	transactions_mark(entries, count);
	entries_mark_refunds(entries, count);
	for (int i = 0; i < count; i++)
	{
		/* a line may hold as many events as its user's store cares to send */
		CHECK_FOR_INTERRUPTS();
		/*
		 * from the moment of the replacement on no event moves the line: each gets the anomaly
		 * line_replaced and is kept
		 */
		if (!replaced && replaced_at != FOLD_NEVER && entries[i].event.time >= replaced_at)
		{
			fold_replace(&line->state, replaced_at);
			replaced = true;
		}
		entry_step(line, &entries[i], replaced ? NULL : &ledger);
	}
	/* the line may have been replaced after its last event */
	if (!replaced && replaced_at != FOLD_NEVER)
		fold_replace(&line->state, replaced_at);
	if (replaced_at != FOLD_NEVER)
		paid_end_all(&ledger, replaced_at);
	spans_take(line, &ledger);
	/* where an event that comes in order goes on */
	line->last = entries[count - 1].event;
}

/* One event; ledger NULL: another line has taken the place of this one. */
static void
entry_step(SubscriptionLine *line, SubscriptionEntry *entry, PaidLedger *ledger)
{
	FoldState before = line->state;

	entry->before = before.now.status;
	if (ledger == NULL)
		entry->anomaly = entry->event.type == EVENT_NOTED ? FOLD_SOUND : FOLD_LINE_REPLACED;
	else
	{
		entry->anomaly = fold_step(&line->state, &entry->event);
		paid_take(ledger, &before, &line->state, &entry->event, entry->anomaly);
	}
	entry->after = line->state.now.status;
	entry->expires_at = line->state.now.expires_at;
}

/* Room for what so many events can bring, and for the end of the line. */
static void
ledger_init(PaidLedger *ledger, int nevents)
{
	Size n = nevents;

	memset(ledger, 0, sizeof(*ledger));
	ledger->items =
		palloc_extended(PAID_ITEMS_AN_EVENT * n * sizeof(PaidItem), MCXT_ALLOC_HUGE);
	ledger->returns = palloc_extended(n * sizeof(PaidReturn), MCXT_ALLOC_HUGE);
	ledger->cuts = palloc_extended((n + 1) * sizeof(PaidCut), MCXT_ALLOC_HUGE);
}

/*
 * The ledger is freed here: whoever folds thousands of people needs its room again. The last
 * span is stored with the line, so that most questions need no ledger.
 */
static void
spans_take(SubscriptionLine *line, PaidLedger *ledger)
{
	Size room = (Size) ledger->nitems + ledger->nreturns + 1;
	PaidSpan *spans = palloc_extended(room * sizeof(PaidSpan), MCXT_ALLOC_HUGE);

	line->nspans = paid_spans(ledger, spans);
	line->spans = spans;
	line->access =
		line->nspans > 0 ? spans[line->nspans - 1] : (PaidSpan){FOLD_NEVER, FOLD_NEVER};
	pfree(ledger->items);
	pfree(ledger->returns);
	pfree(ledger->cuts);
}

/* The fold of the entries that had happened by then: transactions_mark() has seen them. */
FoldTerm
line_term_at(const SubscriptionLine *line, int64 at)
{
	FoldState state;

	fold_begin(&state);
	for (int i = 0; i < line->nentries && line->entries[i].event.time <= at; i++)
		if (line->entries[i].anomaly != FOLD_LINE_REPLACED)
			fold_step(&state, &line->entries[i].event);
	if (line->replaced_at != FOLD_NEVER && at >= line->replaced_at)
		fold_replace(&state, line->replaced_at);
	return state.now;
}

/* Anomalies and notes name products that were never sold, and count for nothing. */
const char *
line_product_at(const SubscriptionLine *line, int64 at)
{
	const char *product = NULL;

	for (int i = 0; i < line->nentries; i++)
	{
		const FoldEvent *event = &line->entries[i].event;

		if (product != NULL && event->time > at)
			break;
		if (event->product_id != NULL && line->entries[i].anomaly == FOLD_SOUND &&
			event->type != EVENT_NOTED)
			product = event->product_id;
	}
	return product;
}

/*
 * Sets transaction_seen of the entries. Sorted pointers make it n log n: a search among the
 * entries before each one would be quadratic.
 */
static void
transactions_mark(SubscriptionEntry *entries, int count)
{
	SubscriptionEntry **sorted = palloc(count * sizeof(*sorted));
	/* of the entries so far that name one transaction, the one that tells the most events of it
	 */
	const SubscriptionEntry *told = NULL;
	int named = 0;

	for (int i = 0; i < count; i++)
	{
		entries[i].event.transaction_seen = false;
		if (entries[i].event.transaction != NULL)
			sorted[named++] = &entries[i];
	}
	qsort(sorted, named, sizeof(*sorted), transaction_compare);
	for (int i = 0; i < named; i++)
	{
		FoldEvent *event = &sorted[i]->event;

		/* a run of equal transactions begins */
		if (told != NULL && strcmp(told->event.transaction, event->transaction) != 0)
			told = NULL;
		event->transaction_seen =
			told != NULL && fold_event_tells(told->event.type, event->type);
		/* a failure tells failures alone, so that any later entry but a note takes its place */
		if (event->type != EVENT_NOTED &&
			(told == NULL || !fold_event_tells(told->event.type, EVENT_CREATED)))
			told = sorted[i];
	}
	pfree(sorted);
}

/* Sets idle of the entries that name a refund, which few lines have. */
static void
entries_mark_refunds(SubscriptionEntry *entries, int count)
{
	FoldEvent **events;
	RefundTold *room;
	int named = 0;

	for (int i = 0; i < count; i++)
		named += entries[i].event.refund != NULL;
	if (named == 0)
		return;
	events = palloc(count * sizeof(*events));
	room = palloc(named * sizeof(*room));
	for (int i = 0; i < count; i++)
		events[i] = &entries[i].event;
	refunds_mark(events, count, room);
	pfree(room);
	pfree(events);
}

/* By line, and within a line by the order of the fold. */
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

/* By transaction, and within a transaction by the order of the fold. */
static int
transaction_compare(const void *a, const void *b)
{
	const SubscriptionEntry *const *left = a;
	const SubscriptionEntry *const *right = b;
	int order = strcmp((*left)->event.transaction, (*right)->event.transaction);

	return order != 0 ? order : fold_event_compare(&(*left)->event, &(*right)->event);
}

/* 0: the line gives no access; a line of production stands before one of a sandbox. */
static int
access_rank(const SubscriptionLine *line)
{
	if (fold_access_end(&line->state.now) == FOLD_NEVER)
		return 0;
	return environment_is_sandbox(line->environment) ? 1 : 2;
}

/* By its status, or by a payment before the one that was given back. */
static bool
line_gives_access(const SubscriptionLine *line)
{
	return fold_access_end(&line->state.now) != FOLD_NEVER ||
		   line->access.until > line->last.time;
}

/* The members one by one: padding makes memcmp() of two equal terms differ. */
static bool
term_equal(const FoldTerm *a, const FoldTerm *b)
{
	return a->status == b->status && a->expires_at == b->expires_at &&
		   a->grace_until == b->grace_until && a->auto_renew == b->auto_renew;
}

/* NULL is equal to NULL alone. */
static bool
text_equal(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}
