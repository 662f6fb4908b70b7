/*
 * subscription_test.c: the fold of subscriptions against the matrix of the documentation
 * (test/fixtures/subscription_matrix.txt, every cell) and a table of stories; the spans of
 * access that a log makes; instants.
 */
#include <stdlib.h>

#include "billing/fold.h"
#include "billing/paid.h"
#include "billing/refunds.h"
#include "json/instant.h"
#include "ledger.h"
#include "table.h"

#define NEVER FOLD_NEVER

/* The matrix */

static FoldState
state_of(SubscriptionStatus status)
{
	FoldState state;

	fold_begin(&state);
	state.now.status = status;
	state.now.expires_at = 100;
	state.before = (FoldTerm){SUBSCRIPTION_IN_GRACE, 90, 95, true};
	state.transaction = "t1";
	return state;
}

static FoldEvent
event_of(SubscriptionEvent type)
{
	return (FoldEvent){.type = type,
					   .time = 50,
					   .period_end = NEVER,
					   .grace_until = NEVER,
					   .auto_renew = -1,
					   .id = "e"};
}

/* The status that a word of the fixture stands for; note is what stands behind it. */
static int
cell_read(const char *word, const char **note)
{
	for (int s = 0; s < SUBSCRIPTION_STATUSES; s++)
	{
		size_t length = strlen(subscription_status_names[s]);

		if (strncmp(word, subscription_status_names[s], length) == 0)
		{
			*note = word + length;
			return s;
		}
	}
	*note = word;
	return -1;
}

static void
cell_check(SubscriptionStatus from, SubscriptionEvent by, const char *word, size_t row)
{
	const char *note;
	int status = cell_read(word, &note);
	int cell = fold_cell(from, by);
	FoldState state = state_of(from);
	FoldState before = state;
	FoldEvent event = event_of(by);
	const char *table = subscription_event_names[by];

	if (strcmp(note, "-") == 0)
	{
		table_check(cell == FOLD_IMPOSSIBLE, table, row, "impossible");
		table_check(fold_step(&state, &event) == FOLD_IMPOSSIBLE_TRANSITION, table, row,
					"anomaly");
		table_check(memcmp(&state, &before, sizeof(state)) == 0, table, row, "changes nothing");
		return;
	}
	if (strcmp(note, "before") == 0)
	{
		table_check(cell == FOLD_STATE_BEFORE_REFUND, table, row, "state before");
		table_check(fold_step(&state, &event) == FOLD_SOUND &&
						memcmp(&state.now, &before.before, sizeof(FoldTerm)) == 0,
					table, row, "gives it back");
		return;
	}
	table_check(status >= 0, table, row, "the fixture's word is a status");
	if (strcmp(note, "\xc2\xb3") == 0)
	{
		table_check(cell == FOLD_ACTIVE_IF_NEW, table, row, "only if new");
		table_check(fold_step(&state, &event) == FOLD_TRANSACTION_REFUNDED, table, row,
					"not without a transaction");
		event.transaction = "t1";
		event.transaction_seen = true;
		table_check(fold_step(&state, &event) == FOLD_TRANSACTION_REFUNDED, table, row,
					"not with an old one");
		event.transaction = "t2";
		event.transaction_seen = false;
	}
	else if (strcmp(note, "\xc2\xb9") == 0)
	{
		table_check(cell == FOLD_TRIAL_OR_ACTIVE, table, row, "trial or active");
		event.trial = true;
		table_check(fold_step(&state, &event) == FOLD_SOUND &&
						state.now.status == SUBSCRIPTION_TRIALING,
					table, row, "a trial");
		state = before;
		event.trial = false;
	}
	else if (strcmp(note, "\xe2\x81\xb4") == 0)
	{
		table_check(cell == FOLD_ACTIVE_IF_PAID, table, row, "only if paid");
		table_check(fold_step(&state, &event) == FOLD_IMPOSSIBLE_TRANSITION, table, row,
					"not without an end");
		event.period_end = 120;
	}
	else
		table_check(cell == status, table, row, "the status");
	table_check(fold_step(&state, &event) == FOLD_SOUND && (int) state.now.status == status,
				table, row, "the step");
}

static void
matrix_check(void)
{
	char path[4096];
	char line[1024];
	size_t rows = 0;
	FILE *file;
	char *slash;

	snprintf(path, sizeof(path), "%s", __FILE__);
	slash = strrchr(path, '/');
	snprintf(slash, sizeof(path) - (slash - path), "/../fixtures/subscription_matrix.txt");
	file = fopen(path, "r");
	if (!table_check(file != NULL, "matrix", 0, path))
		return;
	while (fgets(line, sizeof(line), file) != NULL)
	{
		SubscriptionStatus from;
		char *word = strtok(line, " \n");

		if (word == NULL || strcmp(word, "#") == 0)
			continue;
		if (strcmp(word, "from") == 0)
		{
			for (int e = 0; e < EVENT_MATRIX_COLUMNS; e++)
				table_check(strcmp(strtok(NULL, " \n"), subscription_event_names[e]) == 0,
							"matrix", e, "the column's name");
			continue;
		}
		rows++;
		if (!table_check(subscription_status_parse(word, &from), "matrix", rows, word))
			continue;
		for (int e = 0; e < EVENT_MATRIX_COLUMNS; e++)
		{
			word = strtok(NULL, " \n");
			if (table_check(word != NULL, "matrix", rows, "a cell is missing"))
				cell_check(from, (SubscriptionEvent) e, word, rows);
		}
	}
	fclose(file);
	table_check(rows == SUBSCRIPTION_STATUSES, "matrix", rows, "every status has a row");
}

/* extended, product_changed and noted never change the status. */
static void
quiet_check(void)
{
	for (int s = 0; s < SUBSCRIPTION_STATUSES; s++)
		for (int e = EVENT_EXTENDED; e < SUBSCRIPTION_EVENTS; e++)
		{
			FoldState state = state_of((SubscriptionStatus) s);
			FoldEvent event = event_of((SubscriptionEvent) e);

			event.period_end = e == EVENT_PRODUCT_CHANGED ? 80 : 120;
			table_check(fold_step(&state, &event) == FOLD_SOUND && (int) state.now.status == s,
						"quiet", s * 10 + e, "the status stays");
			table_check(state.now.expires_at == (e == EVENT_NOTED      ? 100
												 : e == EVENT_EXTENDED ? 120
																	   : 80),
						"quiet", s * 10 + e, "the end");
		}
}

/* Stories: events in order, and what is true after the last. */

#define STORY_EVENTS 6

typedef struct Story
{
	const char *name;
	FoldEvent events[STORY_EVENTS];
	SubscriptionStatus status;
	int64_t expires_at;
	int64_t access_end;
	int anomalies;
} Story;

#define E(kind, at, end, grace, trans, seen)                                                   \
	{                                                                                          \
		.type = (kind), .time = (at), .period_end = (end), .grace_until = (grace),             \
		.transaction = (trans), .transaction_seen = (seen), .auto_renew = -1, .id = "e"        \
	}

static const Story stories[] = {
	{"cancel keeps what is paid",
	 {E(EVENT_CREATED, 1, 10, NEVER, "a", false), E(EVENT_CANCELED, 2, 3, NEVER, NULL, false)},
	 SUBSCRIPTION_CANCELED,
	 10,
	 10,
	 0},
	{"grace gives access to its own end and moves no other",
	 {E(EVENT_CREATED, 1, 10, NEVER, "a", false),
	  E(EVENT_GRACE_STARTED, 10, 15, 16, NULL, false)},
	 SUBSCRIPTION_IN_GRACE,
	 10,
	 16,
	 0},
	{"a cancel in grace leaves the grace",
	 {E(EVENT_CREATED, 1, 10, NEVER, "a", false),
	  E(EVENT_GRACE_STARTED, 10, NEVER, 16, NULL, false),
	  E(EVENT_CANCELED, 11, NEVER, NEVER, NULL, false)},
	 SUBSCRIPTION_CANCELED,
	 10,
	 16,
	 0},
	{"and taking it back leaves it too",
	 {E(EVENT_CREATED, 1, 10, NEVER, "a", false),
	  E(EVENT_GRACE_STARTED, 10, NEVER, 16, NULL, false),
	  E(EVENT_CANCELED, 11, NEVER, NEVER, NULL, false),
	  E(EVENT_UNCANCELED, 12, 10, NEVER, "a", true)},
	 SUBSCRIPTION_IN_GRACE,
	 10,
	 16,
	 0},
	{"unless the charge was made meanwhile",
	 {E(EVENT_CREATED, 1, 10, NEVER, "a", false),
	  E(EVENT_GRACE_STARTED, 10, NEVER, 16, NULL, false),
	  E(EVENT_CANCELED, 11, NEVER, NEVER, NULL, false),
	  E(EVENT_UNCANCELED, 12, 20, NEVER, "b", false)},
	 SUBSCRIPTION_ACTIVE,
	 20,
	 20,
	 0},
	{"a grace within what is paid is none to go back to",
	 {E(EVENT_CREATED, 1, 10, NEVER, "a", false),
	  E(EVENT_GRACE_STARTED, 8, NEVER, 9, "a", true),
	  E(EVENT_CANCELED, 8, NEVER, NEVER, NULL, false),
	  E(EVENT_UNCANCELED, 9, NEVER, NEVER, NULL, false)},
	 SUBSCRIPTION_ACTIVE,
	 10,
	 10,
	 0},
	{"nor is one that ends with it",
	 {E(EVENT_CREATED, 1, 10, NEVER, "a", false),
	  E(EVENT_GRACE_STARTED, 8, NEVER, 10, "a", true),
	  E(EVENT_CANCELED, 8, NEVER, NEVER, NULL, false),
	  E(EVENT_UNCANCELED, 9, NEVER, NEVER, NULL, false)},
	 SUBSCRIPTION_ACTIVE,
	 10,
	 10,
	 0},
	{"a renewal ends the grace",
	 {E(EVENT_CREATED, 1, 10, NEVER, "a", false),
	  E(EVENT_GRACE_STARTED, 10, NEVER, 16, NULL, false),
	  E(EVENT_RENEWED, 12, 14, NEVER, "b", false),
	  E(EVENT_CANCELED, 13, NEVER, NEVER, NULL, false)},
	 SUBSCRIPTION_CANCELED,
	 14,
	 14,
	 0},
	{"the later end wins",
	 {E(EVENT_CREATED, 1, 20, NEVER, "a", false), E(EVENT_RENEWED, 2, 10, NEVER, "b", false)},
	 SUBSCRIPTION_ACTIVE,
	 20,
	 20,
	 0},
	{"but not on a refund",
	 {E(EVENT_CREATED, 1, 20, NEVER, "a", false), E(EVENT_REVOKED, 2, 5, NEVER, "a", true)},
	 SUBSCRIPTION_REVOKED,
	 5,
	 NEVER,
	 0},
	{"nor on a change of product",
	 {E(EVENT_CREATED, 1, 20, NEVER, "a", false),
	  E(EVENT_PRODUCT_CHANGED, 2, 5, NEVER, NULL, false)},
	 SUBSCRIPTION_ACTIVE,
	 5,
	 5,
	 0},
	{"but not to the end of the payment that it left behind",
	 {E(EVENT_CREATED, 1, 10, NEVER, "a", false), E(EVENT_RENEWED, 5, 20, NEVER, "b", false),
	  E(EVENT_PRODUCT_CHANGED, 5, 10, NEVER, "a", true)},
	 SUBSCRIPTION_ACTIVE,
	 20,
	 20,
	 1},
	{"a refund of an earlier period ends nothing",
	 {E(EVENT_CREATED, 1, 10, NEVER, "a", false), E(EVENT_RENEWED, 10, 20, NEVER, "b", false),
	  E(EVENT_REVOKED, 12, NEVER, NEVER, "a", true)},
	 SUBSCRIPTION_ACTIVE,
	 20,
	 20,
	 1},
	{"nor does one of a payment that nobody told of",
	 {E(EVENT_CREATED, 1, 10, NEVER, "a", false), E(EVENT_RENEWED, 10, 20, NEVER, "c", false),
	  E(EVENT_REVOKED, 12, 5, NEVER, "b", false),
	  E(EVENT_REVOKED, 13, NEVER, NEVER, "d", false)},
	 SUBSCRIPTION_ACTIVE,
	 20,
	 20,
	 2},
	{"nor an end, a grace, a hold or a recovery of an earlier payment",
	 {E(EVENT_CREATED, 1, 10, NEVER, "a", false), E(EVENT_RENEWED, 9, 20, NEVER, "b", false),
	  E(EVENT_EXPIRED, 11, 10, NEVER, "a", true),
	  E(EVENT_GRACE_STARTED, 12, NEVER, 14, "a", true),
	  E(EVENT_HOLD_STARTED, 13, 10, NEVER, NULL, false),
	  E(EVENT_RECOVERED, 14, 10, NEVER, "a", true)},
	 SUBSCRIPTION_ACTIVE,
	 20,
	 20,
	 4},
	{"the order that the store failed to charge is no earlier one",
	 {E(EVENT_CREATED, 1, 10, NEVER, "a", false),
	  E(EVENT_GRACE_STARTED, 10, NEVER, 16, "b", false),
	  E(EVENT_HOLD_STARTED, 16, 16, NEVER, "b", true),
	  E(EVENT_RECOVERED, 18, 28, NEVER, "b", true), E(EVENT_EXPIRED, 28, 28, NEVER, "b", true)},
	 SUBSCRIPTION_EXPIRED,
	 28,
	 NEVER,
	 0},
	{"a failed charge cuts nothing that is paid",
	 {E(EVENT_CREATED, 1, 10, NEVER, "a", false),
	  E(EVENT_GRACE_STARTED, 8, NEVER, 9, "a", true)},
	 SUBSCRIPTION_IN_GRACE,
	 10,
	 10,
	 0},
	{"and pays for nothing, whatever end it names",
	 {E(EVENT_CREATED, 1, 10, NEVER, "a", false),
	  E(EVENT_HOLD_STARTED, 9, 40, NEVER, "a", true)},
	 SUBSCRIPTION_ON_HOLD,
	 10,
	 10,
	 0},
	{"a cancellation on hold keeps what is paid",
	 {E(EVENT_CREATED, 1, 10, NEVER, "a", false),
	  E(EVENT_HOLD_STARTED, 9, NEVER, NEVER, NULL, false),
	  E(EVENT_CANCELED, 9, NEVER, NEVER, NULL, false)},
	 SUBSCRIPTION_CANCELED,
	 10,
	 10,
	 0},
	{"a recovery begins a line that nothing was paid for",
	 {E(EVENT_RECOVERED, 1, 10, NEVER, "a", false)},
	 SUBSCRIPTION_ACTIVE,
	 10,
	 10,
	 0},
	{"what is told when its period has just ended says nothing of the one that runs",
	 {E(EVENT_CREATED, 1, 20, NEVER, "a", false),
	  E(EVENT_CANCELED, 5, NEVER, NEVER, NULL, false),
	  E(EVENT_RENEWED, 10, 10, NEVER, "b", false)},
	 SUBSCRIPTION_CANCELED,
	 20,
	 20,
	 1},
	{"an order that nobody told of ends the line when what is paid is over, and not before",
	 {E(EVENT_CREATED, 1, 10, NEVER, "a", false), E(EVENT_EXPIRED, 9, NEVER, NEVER, "b", false),
	  E(EVENT_EXPIRED, 10, NEVER, NEVER, "b", false)},
	 SUBSCRIPTION_EXPIRED,
	 10,
	 NEVER,
	 1},
	{"a refund of the current one ends it, and taken back restores it",
	 {E(EVENT_CREATED, 1, 10, NEVER, "a", false), E(EVENT_RENEWED, 10, 20, NEVER, "b", false),
	  E(EVENT_REVOKED, 12, NEVER, NEVER, "b", true),
	  E(EVENT_EXPIRED, 13, NEVER, NEVER, NULL, false),
	  E(EVENT_UNREVOKED, 14, NEVER, NEVER, "b", true)},
	 SUBSCRIPTION_ACTIVE,
	 20,
	 20,
	 0},
	{"a late notice of an earlier period does not become the current one",
	 {E(EVENT_CREATED, 1, 10, NEVER, "a", false), E(EVENT_RENEWED, 10, 20, NEVER, "b", false),
	  E(EVENT_RENEWED, 11, 10, NEVER, "a", true),
	  E(EVENT_REVOKED, 12, NEVER, NEVER, "b", true)},
	 SUBSCRIPTION_REVOKED,
	 12,
	 NEVER,
	 1},
	{"refunded stays refunded for the old transaction",
	 {E(EVENT_CREATED, 1, 10, NEVER, "a", false), E(EVENT_REVOKED, 2, NEVER, NEVER, "a", true),
	  E(EVENT_RENEWED, 3, 20, NEVER, "a", true)},
	 SUBSCRIPTION_REVOKED,
	 2,
	 NEVER,
	 1},
	{"and comes back with a new one",
	 {E(EVENT_CREATED, 1, 10, NEVER, "a", false), E(EVENT_REVOKED, 2, NEVER, NEVER, "a", true),
	  E(EVENT_CREATED, 3, 20, NEVER, "b", false)},
	 SUBSCRIPTION_ACTIVE,
	 20,
	 20,
	 0},
	{"a second refund does not forget what the first one took",
	 {E(EVENT_CREATED, 1, 10, NEVER, "a", false),
	  E(EVENT_REVOKED, 2, NEVER, NEVER, NULL, false),
	  E(EVENT_REVOKED, 3, NEVER, NEVER, NULL, false),
	  E(EVENT_UNREVOKED, 4, NEVER, NEVER, NULL, false)},
	 SUBSCRIPTION_ACTIVE,
	 10,
	 10,
	 0},
	{"what is extended during a refund stays extended",
	 {E(EVENT_CREATED, 1, 10, NEVER, "a", false),
	  E(EVENT_REVOKED, 2, NEVER, NEVER, NULL, false),
	  E(EVENT_EXTENDED, 3, 30, NEVER, NULL, false),
	  E(EVENT_UNREVOKED, 4, NEVER, NEVER, NULL, false)},
	 SUBSCRIPTION_ACTIVE,
	 30,
	 30,
	 0},
	{"a refund that names no payment but an end that is over is of that period",
	 {E(EVENT_CREATED, 1, 10, NEVER, "a", false), E(EVENT_RENEWED, 10, 20, NEVER, "b", false),
	  E(EVENT_REVOKED, 10, 10, NEVER, NULL, false),
	  E(EVENT_REVOKED, 12, 10, NEVER, NULL, false)},
	 SUBSCRIPTION_ACTIVE,
	 20,
	 20,
	 2},
	{"a hold behind the end gives nothing, recovery gives it back",
	 {E(EVENT_CREATED, 1, 10, NEVER, "a", false),
	  E(EVENT_HOLD_STARTED, 10, NEVER, NEVER, NULL, false),
	  E(EVENT_RECOVERED, 15, 25, NEVER, "b", false)},
	 SUBSCRIPTION_ACTIVE,
	 25,
	 25,
	 0},
	{"a pause keeps what is paid",
	 {E(EVENT_CREATED, 1, 10, NEVER, "a", false),
	  E(EVENT_PAUSED, 5, NEVER, NEVER, NULL, false)},
	 SUBSCRIPTION_PAUSED,
	 10,
	 10,
	 0},
	{"nothing expires that was refunded, nothing resumes that runs",
	 {E(EVENT_RESUMED, 1, 10, NEVER, NULL, false), E(EVENT_CREATED, 2, 10, NEVER, "a", false),
	  E(EVENT_RESUMED, 3, 99, NEVER, "b", false)},
	 SUBSCRIPTION_ACTIVE,
	 10,
	 10,
	 2},
};

static void
stories_check(void)
{
	for (size_t i = 0; i < LENGTH(stories); i++)
	{
		const Story *story = &stories[i];
		FoldState state;
		int anomalies = 0;

		fold_begin(&state);
		for (int e = 0; e < STORY_EVENTS && story->events[e].id != NULL; e++)
			anomalies += fold_step(&state, &story->events[e]) != FOLD_SOUND;
		table_check(state.now.status == story->status, story->name, i, "status");
		table_check(state.now.expires_at == story->expires_at, story->name, i, "expires_at");
		table_check(fold_access_end(&state.now) == story->access_end, story->name, i, "access");
		table_check(anomalies == story->anomalies, story->name, i, "anomalies");
	}
}

/*
 * The spans of access of whole logs. A payment is told at `time` for [start, end); start NEVER:
 * the store does not tell it.
 */
#define PAY(kind, at, start, end, trans)                                                       \
	{                                                                                          \
		.type = (kind), .time = (at), .period_start = (start), .period_end = (end),            \
		.grace_until = NEVER, .transaction = (trans), .auto_renew = -1, .id = "e"              \
	}
#define BACK(kind, at, trans) PAY(kind, at, NEVER, NEVER, trans)
#define SELL(kind, at, start, end, trans, product)                                             \
	{                                                                                          \
		.type = (kind), .time = (at), .period_start = (start), .period_end = (end),            \
		.grace_until = NEVER, .transaction = (trans), .auto_renew = -1, .id = "e",             \
		.product_id = (product)                                                                \
	}
#define SPANS 3
typedef struct PaidStory
{
	const char *name;
	FoldEvent events[STORY_EVENTS];
	PaidSpan spans[SPANS]; /* the rest is empty */
} PaidStory;

static const PaidStory paid_stories[] = {
	{"what was paid stays paid after the end",
	 {PAY(EVENT_CREATED, 1, NEVER, 10, "a"), BACK(EVENT_EXPIRED, 10, "a"),
	  PAY(EVENT_CREATED, 20, NEVER, 30, "b")},
	 {{1, 10}, {20, 30}}},
	{"a start in the future begins then",
	 {PAY(EVENT_CREATED, 1, 5, 10, "a"), PAY(EVENT_RENEWED, 8, 15, 20, "b")},
	 {{5, 10}, {15, 20}}},
	{"a period that is told late was paid all the same",
	 {PAY(EVENT_CREATED, 1, NEVER, 10, "a"), BACK(EVENT_EXPIRED, 10, "a"),
	  PAY(EVENT_RENEWED, 13, 10, 20, "b"), PAY(EVENT_RECOVERED, 15, -9, 0, "z")},
	 {{-9, 0}, {1, 20}}},
	{"a period that is told when it is over brings no end back that was cut off",
	 {PAY(EVENT_CREATED, 1, 1, 50, "a"), BACK(EVENT_EXPIRED, 10, "a"),
	  PAY(EVENT_RENEWED, 30, 20, 25, "b")},
	 {{1, 10}, {20, 25}}},
	{"a refund acts from its time on, and leaves the payment before it",
	 {PAY(EVENT_CREATED, 1, NEVER, 10, "a"), PAY(EVENT_RENEWED, 8, NEVER, 20, "b"),
	  BACK(EVENT_REVOKED, 9, "b")},
	 {{1, 10}}},
	{"nor does it take the payment behind it",
	 {PAY(EVENT_CREATED, 1, NEVER, 10, "a"), PAY(EVENT_RENEWED, 5, 10, 20, "b"),
	  BACK(EVENT_REVOKED, 7, "a")},
	 {{1, 7}, {10, 20}}},
	{"each of two refunds takes its own payment",
	 {PAY(EVENT_CREATED, 1, NEVER, 10, "a"), BACK(EVENT_REVOKED, 3, "a"),
	  PAY(EVENT_RENEWED, 10, 10, 20, "b"), BACK(EVENT_REVOKED, 15, "b")},
	 {{1, 3}, {10, 15}}},
	{"a renewal that is charged before it is due begins when it is due",
	 {PAY(EVENT_CREATED, 1, NEVER, 10, "a"), PAY(EVENT_RENEWED, 5, NEVER, 20, "b"),
	  BACK(EVENT_REVOKED, 7, "a")},
	 {{1, 7}, {10, 20}}},
	{"one that ends with what is paid begins when it is told, and stays when the other goes",
	 {PAY(EVENT_CREATED, 1, NEVER, 10, "a"), PAY(EVENT_RENEWED, 5, NEVER, 10, "b"),
	  BACK(EVENT_REVOKED, 7, "a")},
	 {{1, 10}}},
	{"a reversal gives nothing before the payment's own beginning",
	 {PAY(EVENT_CREATED, 1, 5, 10, "a"), BACK(EVENT_REVOKED, 2, NULL),
	  BACK(EVENT_UNREVOKED, 3, NULL)},
	 {{5, 10}}},
	{"nor where the store names no payment",
	 {PAY(EVENT_CREATED, 1, 5, 10, NULL), BACK(EVENT_REVOKED, 2, NULL),
	  BACK(EVENT_UNREVOKED, 3, NULL)},
	 {{5, 10}}},
	{"what is taken back twice comes back twice, each from its time on",
	 {PAY(EVENT_CREATED, 1, NEVER, 20, "a"), BACK(EVENT_REVOKED, 3, "a"),
	  BACK(EVENT_UNREVOKED, 5, "a"), BACK(EVENT_REVOKED, 7, "a"),
	  BACK(EVENT_UNREVOKED, 9, "a")},
	 {{1, 3}, {5, 7}, {9, 20}}},
	{"a refund of all ends all",
	 {PAY(EVENT_CREATED, 1, NEVER, 10, "a"), PAY(EVENT_RENEWED, 5, 10, 20, "b"),
	  BACK(EVENT_REVOKED, 7, NULL)},
	 {{1, 7}}},
	{"a period within another takes its place, and is given back with it",
	 {PAY(EVENT_CREATED, 1, NEVER, 10, "a"), PAY(EVENT_PRODUCT_CHANGED, 4, 4, 40, "b"),
	  BACK(EVENT_REVOKED, 6, "b")},
	 {{1, 6}}},
	{"an extension that stands behind the end goes with the last payment",
	 {PAY(EVENT_CREATED, 1, NEVER, 10, "a"), PAY(EVENT_EXTENDED, 5, NEVER, 15, NULL),
	  BACK(EVENT_REVOKED, 7, "a")},
	 {{1, 7}}},
	{"a payment that a note named brings a refunded line back",
	 {PAY(EVENT_CREATED, 1, NEVER, 10, "a"), BACK(EVENT_REVOKED, 3, "a"),
	  PAY(EVENT_NOTED, 9, 10, 20, "b"), PAY(EVENT_RENEWED, 11, 10, 20, "b")},
	 {{1, 3}, {10, 20}}},
	{"so does one whose charge had failed",
	 {PAY(EVENT_CREATED, 1, NEVER, 10, "a"), BACK(EVENT_REVOKED, 3, "a"),
	  BACK(EVENT_GRACE_STARTED, 10, "b"), PAY(EVENT_RENEWED, 12, 10, 20, "b")},
	 {{1, 3}, {10, 20}}},
	{"one that was refunded does not",
	 {PAY(EVENT_CREATED, 1, NEVER, 20, "a"), BACK(EVENT_REVOKED, 3, "a"),
	  PAY(EVENT_RENEWED, 5, NEVER, 20, "a")},
	 {{1, 3}}},
	{"a line comes back for what is paid for then, whatever end the refund named",
	 {PAY(EVENT_CREATED, 1, 1, 100, "a"), PAY(EVENT_REVOKED, 3, NEVER, 100, "a"),
	  PAY(EVENT_CREATED, 5, 5, 15, "b")},
	 {{1, 3}, {5, 15}}},
	{"a shorter plan that is refunded leaves nothing of the longer one",
	 {PAY(EVENT_CREATED, 1, 1, 100, "a"), PAY(EVENT_PRODUCT_CHANGED, 5, 5, 15, "b"),
	  BACK(EVENT_REVOKED, 7, "b")},
	 {{1, 7}}},
	{"a payment of another product that ends sooner is a change of plan",
	 {SELL(EVENT_CREATED, 1, 1, 100, "a", "p"), SELL(EVENT_RENEWED, 6, 5, 15, "b", "q")},
	 {{1, 15}}},
	{"it is refunded as one",
	 {SELL(EVENT_CREATED, 1, 1, 100, "a", "p"), SELL(EVENT_RENEWED, 6, 5, 15, "b", "q"),
	  BACK(EVENT_REVOKED, 8, "b")},
	 {{1, 8}}},
	{"whether it is told as a renewal or as a beginning, from its first instant on",
	 {SELL(EVENT_CREATED, 1, 1, 100, "a", "p"), SELL(EVENT_CREATED, 5, 5, 15, "b", "q")},
	 {{1, 15}}},
	{"a payment of the same product is none, nor one of a period to come or past",
	 {SELL(EVENT_CREATED, 1, 1, 100, "a", "p"), SELL(EVENT_RENEWED, 6, 5, 15, "b", "p"),
	  SELL(EVENT_RENEWED, 7, 20, 30, "c", "q"), SELL(EVENT_RENEWED, 40, 30, 35, "d", "q")},
	 {{1, 100}}},
	{"a refund that is told before the payment takes it",
	 {BACK(EVENT_REVOKED, 1, "b"), PAY(EVENT_CREATED, 2, NEVER, 10, "a"),
	  PAY(EVENT_RENEWED, 3, NEVER, 20, "b")},
	 {{2, 10}}},
	{"days that were added to a period go with it when another takes its place",
	 {PAY(EVENT_CREATED, 1, 1, 10, "a"), PAY(EVENT_EXTENDED, 2, NEVER, 15, "a"),
	  PAY(EVENT_RENEWED, 5, 5, 40, "b"), BACK(EVENT_REVOKED, 7, "b")},
	 {{1, 7}}},
	{"a change of plan that was told before its payment leaves nothing of the old plan",
	 {PAY(EVENT_CREATED, 1, 1, 100, "a"), PAY(EVENT_PRODUCT_CHANGED, 5, NEVER, 15, NULL),
	  PAY(EVENT_RENEWED, 6, 5, 15, "b"), BACK(EVENT_REVOKED, 7, "b")},
	 {{1, 7}}},
	{"and ends nothing that is paid after it",
	 {PAY(EVENT_CREATED, 1, 1, 10, "a"), PAY(EVENT_PRODUCT_CHANGED, 3, NEVER, 8, NULL),
	  PAY(EVENT_RENEWED, 8, 8, 100, "b"), PAY(EVENT_RENEWED, 20, 20, 30, "c")},
	 {{1, 100}}},
	{"a refund that is taken back gives all back, whatever was paid meanwhile",
	 {PAY(EVENT_CREATED, 1, 1, 10, "a"), PAY(EVENT_RENEWED, 5, 10, 40, "b"),
	  BACK(EVENT_REVOKED, 6, "b"), PAY(EVENT_CREATED, 7, 7, 20, "c"),
	  BACK(EVENT_UNREVOKED, 8, "b")},
	 {{1, 40}}},
	{"of two periods of the past the one that is told later takes the place of the other",
	 {PAY(EVENT_CREATED, 1, 1, 20, "a"), PAY(EVENT_RENEWED, 2, 80, 100, "b"),
	  PAY(EVENT_RECOVERED, 50, 30, 60, "x"), PAY(EVENT_RECOVERED, 51, 30, 70, "z"),
	  BACK(EVENT_REVOKED, 52, "z")},
	 {{1, 20}, {30, 52}, {80, 100}}},
	{"but of nothing that begins behind it",
	 {PAY(EVENT_CREATED, 1, 1, 20, "a"), PAY(EVENT_RENEWED, 2, 20, 40, "b"),
	  PAY(EVENT_RENEWED, 3, 40, 60, "c"), PAY(EVENT_RECOVERED, 12, 10, 50, "z"),
	  BACK(EVENT_REVOKED, 13, "z")},
	 {{1, 60}}},
	{"a refund takes every period of its payment, whatever is told between them",
	 {PAY(EVENT_CREATED, 1, 1, 5, NULL), PAY(EVENT_RENEWED, 6, 20, 30, "a"),
	  PAY(EVENT_RENEWED, 7, 40, 50, NULL), PAY(EVENT_RENEWED, 8, 10, 15, "a"),
	  BACK(EVENT_REVOKED, 9, "a")},
	 {{1, 5}}},
	{"a payment that was given back gives nothing when it is told again",
	 {PAY(EVENT_CREATED, 1, 1, 20, "a"), PAY(EVENT_RENEWED, 5, 5, 20, "b"),
	  BACK(EVENT_REVOKED, 7, "a"), PAY(EVENT_RENEWED, 8, NEVER, 25, "a")},
	 {{1, 20}}},
	{"nor do days that are added to it",
	 {PAY(EVENT_CREATED, 1, 1, 20, "a"), PAY(EVENT_RENEWED, 5, 5, 20, "b"),
	  BACK(EVENT_REVOKED, 7, "a"), PAY(EVENT_EXTENDED, 8, NEVER, 25, "a")},
	 {{1, 20}}},
	{"a period that ends as it begins gives nothing",
	 {PAY(EVENT_CREATED, 1, 1, 5, "a"), PAY(EVENT_RENEWED, 4, 10, 20, "b"),
	  BACK(EVENT_EXPIRED, 10, "b")},
	 {{1, 5}}},
};

/* Each story makes its spans, and what is answered without the ledger is what it makes. */
static void
paid_stories_check(void)
{
	for (size_t i = 0; i < LENGTH(paid_stories); i++)
	{
		const PaidStory *story = &paid_stories[i];
		PaidSpan spans[ROOM_SPANS];
		FoldAnomaly anomaly;
		FoldState state;
		Room room;
		int count;

		room_begin(&room);
		fold_begin(&state);
		for (int e = 0; e < STORY_EVENTS && story->events[e].id != NULL; e++)
		{
			FoldEvent event = story->events[e];

			for (int f = 0; f < e; f++)
				event.transaction_seen |= event.transaction != NULL &&
										  story->events[f].transaction == event.transaction &&
										  fold_event_tells(story->events[f].type, event.type);
			room_take(&room, &state, &event, &anomaly, story->name, i);
		}
		count = room_spans(&room, spans, NEVER);
		for (int n = 0; n < SPANS; n++)
			table_check(n < count ? spans[n].from == story->spans[n].from &&
										spans[n].until == story->spans[n].until
								  : story->spans[n].until == 0,
						story->name, i, "spans");
	}
}

/* What begins without a renewal to come is canceled from the start, whatever it is. */
static void
unrenewed_check(void)
{
	static const SubscriptionEvent kinds[] = {EVENT_CREATED, EVENT_RENEWED, EVENT_RECOVERED,
											  EVENT_PRODUCT_CHANGED};

	for (size_t i = 0; i < LENGTH(kinds); i++)
	{
		FoldState state = state_of(SUBSCRIPTION_ACTIVE);
		FoldEvent event = event_of(kinds[i]);

		state.now.auto_renew = true;
		event.auto_renew = 0;
		event.trial = i % 2;
		table_check(fold_step(&state, &event) == FOLD_SOUND &&
						state.now.status == SUBSCRIPTION_CANCELED && !state.now.auto_renew &&
						fold_access_end(&state.now) == 100,
					"unrenewed", i, "canceled, with access to the end");
	}
}

/* The first premium is the first payment that gave access. */
static void
first_premium_check(void)
{
	static const FoldEvent trial = {.type = EVENT_CREATED,
									.trial = 1,
									.auto_renew = -1,
									.time = 1,
									.period_end = 8,
									.grace_until = NEVER,
									.id = "e",
									.transaction = "a"};
	FoldEvent paid = trial;
	FoldState state;

	fold_begin(&state);
	fold_step(&state, &trial);
	table_check(state.first_premium_at == NEVER, "first premium", 0, "not of a trial");
	paid.type = EVENT_RENEWED;
	paid.trial = 0;
	paid.transaction = "b";
	paid.time = 8;
	paid.period_end = 38;
	fold_step(&state, &paid);
	table_check(state.first_premium_at == 8, "first premium", 1, "of what was paid");
	paid.time = 9;
	fold_step(&state, &paid);
	table_check(state.first_premium_at == 8, "first premium", 2, "once");
}

/*
 * Refunds of one payment of 900, and of another one of 9000: those that make or unmake the
 * whole are not idle.
 */
#define R(kind, how, ref_name, sum, expected) OF("a", kind, how, ref_name, sum, expected)
#define OF(payment, kind, how, ref_name, sum, expected)                                        \
	{                                                                                          \
		{.type = (kind),                                                                       \
		 .transaction = (payment),                                                             \
		 .refund = (ref_name),                                                                 \
		 .refund_kind = (how),                                                                 \
		 .refunded = (sum),                                                                    \
		 .id = "e"},                                                                           \
			(expected)                                                                         \
	}
#define REFUNDS 6

static const struct
{
	const char *name;
	struct
	{
		FoldEvent event;
		bool idle;
	} told[REFUNDS];
} refunds[] = {
	{"one of the whole", {R(EVENT_REVOKED, REFUND_ONE, "r", 900, false)}},
	{"two parts, told twice, and one of them taken back twice",
	 {R(EVENT_REVOKED, REFUND_ONE, "r", 400, true),
	  R(EVENT_REVOKED, REFUND_ONE, "s", 500, false),
	  R(EVENT_REVOKED, REFUND_ONE, "r", 400, true),
	  R(EVENT_UNREVOKED, REFUND_ONE, "r", 400, false),
	  R(EVENT_UNREVOKED, REFUND_ONE, "r", 400, true),
	  R(EVENT_REVOKED, REFUND_ONE, "r", 400, true)}},
	{"taken back before it is told",
	 {R(EVENT_UNREVOKED, REFUND_ONE, "r", 900, true),
	  R(EVENT_REVOKED, REFUND_ONE, "r", 900, true)}},
	{"a refund and the sum of its charge, in both orders",
	 {R(EVENT_REVOKED, REFUND_TOTAL, "c", 400, true),
	  R(EVENT_REVOKED, REFUND_ONE, "r", 400, true),
	  R(EVENT_REVOKED, REFUND_ONE, "s", 500, false),
	  R(EVENT_REVOKED, REFUND_TOTAL, "c", 900, true),
	  R(EVENT_UNREVOKED, REFUND_ONE, "s", 500, false),
	  R(EVENT_REVOKED, REFUND_TOTAL, "c", 900, false)}},
	{"the sums alone",
	 {R(EVENT_REVOKED, REFUND_TOTAL, "c", 400, true),
	  R(EVENT_REVOKED, REFUND_TOTAL, "c", 900, false),
	  R(EVENT_UNREVOKED, REFUND_ONE, "r", 500, false)}},
	{"a dispute stands beside the refunds",
	 {R(EVENT_REVOKED, REFUND_ONE, "r", 400, true),
	  R(EVENT_REVOKED, REFUND_TOTAL, "c", 400, true),
	  R(EVENT_REVOKED, REFUND_DISPUTE, "d", 500, false),
	  R(EVENT_UNREVOKED, REFUND_DISPUTE, "d", 500, false),
	  R(EVENT_UNREVOKED, REFUND_DISPUTE, "f", 900, true)}},
	{"a refund that the sum of its charge holds takes nothing of that sum",
	 {R(EVENT_REVOKED, REFUND_TOTAL, "c", 500, true),
	  R(EVENT_REVOKED, REFUND_ONE, "r", 400, true),
	  R(EVENT_REVOKED, REFUND_DISPUTE, "d", 400, false)}},
	{"a reversal takes its refund out of the sum, and once",
	 {R(EVENT_REVOKED, REFUND_TOTAL, "c", 900, false),
	  R(EVENT_UNREVOKED, REFUND_ONE, "r", 400, false),
	  R(EVENT_UNREVOKED, REFUND_ONE, "r", 400, true),
	  R(EVENT_REVOKED, REFUND_DISPUTE, "d", 400, false)}},
	{"and takes nothing of another refund",
	 {R(EVENT_REVOKED, REFUND_ONE, "r", 400, true),
	  R(EVENT_REVOKED, REFUND_ONE, "s", 500, false),
	  R(EVENT_UNREVOKED, REFUND_ONE, "s", 500, false),
	  R(EVENT_REVOKED, REFUND_DISPUTE, "d", 500, false)}},
	{"nor of the sum of another payment",
	 {OF("b", EVENT_REVOKED, REFUND_TOTAL, "c", 5000, true),
	  R(EVENT_UNREVOKED, REFUND_ONE, "r", 400, true),
	  OF("b", EVENT_REVOKED, REFUND_DISPUTE, "d", 4000, false)}},
	{"sums beyond all numbers",
	 {R(EVENT_REVOKED, REFUND_ONE, "r", INT64_MAX, false),
	  R(EVENT_REVOKED, REFUND_ONE, "s", INT64_MAX, true),
	  R(EVENT_REVOKED, REFUND_DISPUTE, "d", INT64_MAX, true)}},
};

static void
refunds_check(void)
{
	for (size_t i = 0; i < LENGTH(refunds); i++)
	{
		FoldEvent payment = {.type = EVENT_RENEWED, .transaction = "a", .paid = 900, .id = "e"};
		FoldEvent other = {.type = EVENT_RENEWED, .transaction = "b", .paid = 9000, .id = "e"};
		FoldEvent events[REFUNDS];
		FoldEvent *all[REFUNDS + 2];
		RefundTold room[REFUNDS];
		int count = 0;

		/* names nothing: what was not told must not be read */
		for (int r = 0; r < REFUNDS; r++)
			room[r] = (RefundTold){.kind = REFUND_TOTAL};
		while (count < REFUNDS && refunds[i].told[count].event.id != NULL)
		{
			events[count] = refunds[i].told[count].event;
			all[count] = &events[count];
			count++;
		}
		/* the payment is told last, and at the same instant: the sum counts */
		all[count] = &other;
		all[count + 1] = &payment;
		refunds_mark(all, count + 2, room);
		for (int e = 0; e < count; e++)
			table_check(events[e].idle == refunds[i].told[e].idle, refunds[i].name, e, "idle");
	}
}

/* A sum that is told later changes nothing of what a refund did, and its reversal counts. */
static void
refunds_past_check(void)
{
	FoldEvent events[] = {
		{.type = EVENT_REVOKED, .transaction = "a", .refund = "r", .refunded = 300, .id = "e"},
		{.type = EVENT_RENEWED, .transaction = "a", .paid = 900, .id = "e"},
		{.type = EVENT_REVOKED, .transaction = "a", .refund = "s", .refunded = 300, .id = "e"},
		{.type = EVENT_UNREVOKED,
		 .transaction = "a",
		 .refund = "r",
		 .refunded = 300,
		 .id = "e"},
		{.type = EVENT_UNREVOKED,
		 .transaction = "a",
		 .refund = "s",
		 .refunded = 300,
		 .id = "e"},
	};
	bool idle[] = {false, false, true, false, true};
	FoldEvent *all[LENGTH(events)];
	RefundTold room[LENGTH(events)];

	for (size_t i = 0; i < LENGTH(events); i++)
	{
		events[i].time = (int64_t) i;
		all[i] = &events[i];
	}
	for (size_t count = 1; count <= LENGTH(events); count++)
	{
		refunds_mark(all, (int) count, room);
		for (size_t i = 0; i < count; i++)
			table_check(events[i].idle == idle[i], "a sum that is told later", (int) i, "idle");
	}
}

/* The order is total, and a later instant is always later. */
static void
order_check(void)
{
	FoldEvent events[3 * SUBSCRIPTION_EVENTS];
	size_t n = 0;

	for (int e = 0; e < SUBSCRIPTION_EVENTS; e++)
		for (int k = 0; k < 3; k++)
		{
			events[n] = event_of((SubscriptionEvent) e);
			events[n].time = 50 + (k == 2);
			events[n++].id = k == 0 ? "x" : "y";
		}
	for (size_t a = 0; a < n; a++)
		for (size_t b = 0; b < n; b++)
		{
			int ab = fold_event_compare(&events[a], &events[b]);

			table_check((ab == 0) == (a == b), "order", a * n + b, "total");
			table_check((ab < 0) == (fold_event_compare(&events[b], &events[a]) > 0), "order",
						a * n + b, "symmetric");
			if (events[a].time != events[b].time)
				table_check((ab < 0) == (events[a].time < events[b].time), "order", a * n + b,
							"time first");
		}
	events[0] = event_of(EVENT_EXPIRED);
	events[1] = event_of(EVENT_RENEWED);
	events[2] = event_of(EVENT_REVOKED);
	table_check(fold_event_compare(&events[0], &events[1]) < 0, "order", 0,
				"an end goes before the beginning of the same instant");
	table_check(fold_event_compare(&events[1], &events[2]) < 0, "order", 1,
				"a refund comes behind what it refunds");
}

/* Instants */

static const struct
{
	const char *text;
	bool sound;
	int64_t instant;
} instants[] = {
	{"2000-01-01T00:00:00Z", true, 0},
	{"2000-01-01 00:00:00+00", true, 0},
	{"2000-01-01T00:00:00.000001Z", true, 1},
	{"2000-01-01T00:00:00.1234567Z", true, 123456},
	{"2000-01-01T01:00:00+01:00", true, 0},
	{"1999-12-31T19:30:00-0430", true, 0},
	{"1970-01-01T00:00:00Z", true, INT64_C(-946684800000000)},
	{"2024-02-29T23:59:60Z", true, INT64_C(762566400000000)},
	{"9999-12-31T23:59:59Z", true, INT64_C(252455615999000000)},
	{"946684800000", true, 0},
	{"946684800001", true, 1000},
	{"0", true, INT64_C(-946684800000000)},
	{"253402300799999", true, INT64_C(252455615999999000)},
	{"253402300800000", false, 0},
	{"99999999999999999999999999", false, 0},
	{"2000-01-01T00:00:00", false, 0},
	{"2000-01-01", false, 0},
	{"2000-02-30T00:00:00Z", false, 0},
	{"1900-01-01T00:00:00Z", false, 0},
	{"2001-02-29T00:00:00Z", false, 0},
	{"2100-02-29T00:00:00Z", false, 0},
	{"2000-13-01T00:00:00Z", false, 0},
	{"2000-00-01T00:00:00Z", false, 0},
	{"2000-01-01T24:00:00Z", false, 0},
	{"2000-01-01T00:60:00Z", false, 0},
	{"2000-01-01T00:00:61Z", false, 0},
	{"2000-01-01T00:00:00.Z", false, 0},
	{"2000-01-01T00:00:00Z ", false, 0},
	{"2000-01-01T00:00:00+16", false, 0},
	{"2000-01-01T00:00:00+01:", false, 0},
	{"2000-01-01T00:00:00+1", false, 0},
	{"2000-01-01T00:00:00+15:59", true, INT64_C(-57540000000)},
	{"2000-01-01T00:00:00-15:60", false, 0},
	/* the bytes on both sides of the digits */
	{"2000-0:-01T00:00:00Z", false, 0},
	{"2000-0/-01T00:00:00Z", false, 0},
	{"94668480000:", false, 0},
	{"94668480000/", false, 0},
	{"-5", false, 0},
	{"1e3", false, 0},
	{"now", false, 0},
	{"", false, 0},
};

static void
instants_check(void)
{
	for (size_t i = 0; i < LENGTH(instants); i++)
	{
		size_t size = strlen(instants[i].text);
		char *copy = malloc(size > 0 ? size : 1);
		int64_t instant = 0;

		memcpy(copy, instants[i].text, size);
		table_check(instant_parse(copy, size, &instant) == instants[i].sound, instants[i].text,
					i, "sound");
		table_check(!instants[i].sound || instant == instants[i].instant, instants[i].text, i,
					"instant");
		free(copy);
	}
}

int
main(void)
{
	matrix_check();
	quiet_check();
	stories_check();
	paid_stories_check();
	unrenewed_check();
	refunds_check();
	refunds_past_check();
	first_premium_check();
	order_check();
	instants_check();
	return table_end();
}
