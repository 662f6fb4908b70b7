/*
 * subscription_logs_test.c: logs of subscription events that are made up at random, always the
 * same ones. What each makes is compared with test/fixtures/subscription_logs.txt, and the
 * answer that is found without reading the log with the one of the whole log.
 *
 * The fixture has a line a log: the events, and behind "=>" what they make. A change of a rule
 * changes lines there: ACCEPT=yes as this program's environment writes them anew, and whoever
 * does that reads the difference as in the expected output of a regression test.
 */
#include <stdarg.h>
#include <stdlib.h>

#include "billing/fold.h"
#include "billing/paid.h"
#include "billing/refunds.h"
#include "ledger.h"
#include "table.h"

#define LOGS                 400
#define MORE_LOGS            20000
#define EVENTS               ROOM_EVENTS
#define NEVER                FOLD_NEVER
#define ONE_OF(state, array) ((array)[table_random(state) % LENGTH(array)])

typedef struct Log
{
	FoldEvent events[EVENTS];
	char ids[EVENTS][16];
	int count;
} Log;

typedef struct Line
{
	char text[4096];
	size_t size;
} Line;

static void
line_add(Line *line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	line->size +=
		vsnprintf(line->text + line->size, sizeof(line->text) - line->size, format, args);
	va_end(args);
}

static void
line_time(Line *line, const char *before, int64_t time)
{
	if (time != NEVER)
		line_add(line, "%s%ld", before, (long) time);
}

/* Times lie close together, so that ends, beginnings and events meet. */
static void
event_make(FoldEvent *event, uint64_t *state)
{
	static const char *const transactions[] = {"t1", "t1", "t2", "t2", "t3", NULL};
	static const char *const products[] = {"p", "q", NULL, NULL};
	static const char *const tokens[] = {"k", "l", NULL, NULL};
	static const char *const refunds[] = {"r", NULL, NULL};
	static const SubscriptionEvent likely[] = {EVENT_CREATED, EVENT_RENEWED, EVENT_RENEWED,
											   EVENT_REVOKED, EVENT_GRACE_STARTED};
	static const int said[] = {-1, 0, 1};

	event->type = table_random(state) % 3 == 0
					  ? ONE_OF(state, likely)
					  : (SubscriptionEvent) (table_random(state) % SUBSCRIPTION_EVENTS);
	event->time = 10 + table_random(state) % 40;
	event->transaction = ONE_OF(state, transactions);
	event->period_start = event->period_end = event->grace_until = NEVER;
	if (table_random(state) % 3 > 0)
		event->period_end = event->time + table_random(state) % 25 - 4;
	if (table_random(state) % 3 == 0)
		event->period_start = event->time + table_random(state) % 12 - 8;
	if (event->type == EVENT_GRACE_STARTED || table_random(state) % 8 == 0)
		event->grace_until = event->time + table_random(state) % 20;
	event->trial = ONE_OF(state, said);
	event->auto_renew = ONE_OF(state, said);
	event->product_id = ONE_OF(state, products);
	event->base_plan_id = ONE_OF(state, products);
	event->offer_id = ONE_OF(state, products);
	event->purchase_token = ONE_OF(state, tokens);
	if (event->type == EVENT_REVOKED || event->type == EVENT_UNREVOKED)
		event->refund = ONE_OF(state, refunds);
	if (event->refund != NULL)
	{
		event->refund_kind = (RefundKind) (table_random(state) % REFUND_KINDS);
		event->refunded = 3 * (1 + table_random(state) % 3);
	}
	else if (event->transaction != NULL && table_random(state) % 2 == 0)
		event->paid = 9;
}

static int
event_order(const void *a, const void *b)
{
	return fold_event_compare(a, b);
}

static void
log_make(Log *log, uint64_t *state)
{
	FoldEvent *all[EVENTS];
	RefundTold room[EVENTS];

	memset(log, 0, sizeof(*log));
	log->count = 1 + table_random(state) % EVENTS;
	for (int i = 0; i < log->count; i++)
	{
		snprintf(log->ids[i], sizeof(log->ids[i]), "e%d", i);
		log->events[i].id = log->ids[i];
		event_make(&log->events[i], state);
	}
	qsort(log->events, log->count, sizeof(FoldEvent), event_order);
	for (int i = 0; i < log->count; i++)
	{
		all[i] = &log->events[i];
		for (int k = 0; k < i; k++)
			if (log->events[i].transaction != NULL && log->events[k].transaction != NULL &&
				strcmp(log->events[i].transaction, log->events[k].transaction) == 0 &&
				fold_event_tells(log->events[k].type, log->events[i].type))
				log->events[i].transaction_seen = true;
	}
	refunds_mark(all, log->count, room);
}

static void
event_write(Line *line, const FoldEvent *event)
{
	static const char *const trials[] = {"", " paid", " trial"};
	static const char *const renews[] = {"", " ends", " renews"};
	static const char *const kinds[] = {"", "sum ", "dispute "};

	line_add(line, "%s %ld", subscription_event_names[event->type], (long) event->time);
	line_add(line, event->transaction != NULL ? " %s" : "", event->transaction);
	line_time(line, " from ", event->period_start);
	line_time(line, " to ", event->period_end);
	line_time(line, " grace ", event->grace_until);
	line_add(line, "%s%s", trials[event->trial + 1], renews[event->auto_renew + 1]);
	line_add(line, " %s%s%s%s", event->product_id != NULL ? event->product_id : "-",
			 event->base_plan_id != NULL ? event->base_plan_id : "-",
			 event->offer_id != NULL ? event->offer_id : "-",
			 event->purchase_token != NULL ? event->purchase_token : "-");
	if (event->refund != NULL)
		line_add(line, " refund %s%ld%s", kinds[event->refund_kind], (long) event->refunded,
				 event->idle ? " idle" : "");
	else if (event->paid != 0)
		line_add(line, " of %ld", (long) event->paid);
}

static void
term_write(Line *line, const FoldTerm *term)
{
	line_add(line, "%s", subscription_status_names[term->status]);
	line_time(line, " to ", term->expires_at);
	line_time(line, " grace ", term->grace_until);
	line_time(line, " gives to ", fold_access_end(term));
	line_add(line, term->auto_renew ? " renews" : "");
}

static void
state_write(Line *line, const FoldState *state)
{
	term_write(line, &state->now);
	if (state->now.status == SUBSCRIPTION_REVOKED)
	{
		line_add(line, " (was ");
		term_write(line, &state->before);
		line_add(line, ")");
	}
	line_time(line, " first ", state->first_premium_at);
	line_add(line, " %s %s%s%s%s", state->transaction != NULL ? state->transaction : "-",
			 state->product_id != NULL ? state->product_id : "-",
			 state->base_plan_id != NULL ? state->base_plan_id : "-",
			 state->offer_id != NULL ? state->offer_id : "-",
			 state->purchase_token != NULL ? state->purchase_token : "-");
}

static void
spans_write(Line *line, const Room *room, int64_t end)
{
	PaidSpan spans[ROOM_SPANS];
	int count = room_spans(room, spans, end);

	line_add(line, " |");
	for (int i = 0; i < count; i++)
		line_add(line, " %ld..%ld", (long) spans[i].from, (long) spans[i].until);
}

/* What the log makes, how it ends where another line takes its place, and how the two compare.
 */
static void
log_fold(const Log *log, size_t row, Line *line, unsigned long *answered)
{
	FoldState state;
	FoldTerm term;
	Room room;
	int64_t end = log->events[log->count - 1].time + (int64_t) row % 5;

	room_begin(&room);
	fold_begin(&state);
	for (int i = 0; i < log->count; i++)
	{
		const FoldEvent *event = &log->events[i];
		FoldAnomaly anomaly;

		*answered += room_take(&room, &state, event, &anomaly, "logs", row);
		event_write(line, event);
		line_add(line, "%s%s; ", anomaly != FOLD_SOUND ? " " : "",
				 anomaly != FOLD_SOUND ? fold_anomaly_names[anomaly] : "");
	}
	line_add(line, "=> ");
	state_write(line, &state);
	spans_write(line, &room, NEVER);
	term = state.now;
	fold_replace(&state, end);
	line_add(line, " | replaced %ld ", (long) end);
	term_write(line, &state.now);
	spans_write(line, &room, end);
	line_add(line, " %d", fold_term_compare(&term, &state.now));
}

static void
fixture_path(char *path, size_t size)
{
	char *slash;

	snprintf(path, size, "%s", __FILE__);
	slash = strrchr(path, '/');
	snprintf(slash, size - (slash - path), "/../fixtures/subscription_logs.txt");
}

static void
logs_check(void)
{
	bool accept = getenv("ACCEPT") != NULL;
	uint64_t state = 20261129;
	unsigned long answered = 0;
	char path[4096];
	FILE *file;

	fixture_path(path, sizeof(path));
	file = fopen(path, accept ? "w" : "r");
	if (!table_check(file != NULL, "logs", 0, path))
		return;
	for (size_t row = 0; row < LOGS; row++)
	{
		char recorded[4096] = "";
		Line line = {.size = 0};
		Log log;

		log_make(&log, &state);
		log_fold(&log, row, &line, &answered);
		if (accept)
			fprintf(file, "%s\n", line.text);
		else if (fgets(recorded, sizeof(recorded), file) != NULL)
			recorded[strcspn(recorded, "\n")] = '\0';
		table_check(accept || strcmp(recorded, line.text) == 0, "logs", row, line.text);
	}
	fclose(file);
	table_check(answered > LOGS, "logs", LOGS, "most events are answered without the log");
}

/* Many more logs, of which nothing is recorded: what is answered without the log is of the log.
 */
static void
answers_check(void)
{
	uint64_t state = 20261130;
	unsigned long answered = 0, asked = 0;

	for (size_t row = 0; row < MORE_LOGS; row++)
	{
		FoldState folded;
		Room room;
		Log log;

		log_make(&log, &state);
		room_begin(&room);
		fold_begin(&folded);
		for (int i = 0; i < log.count; i++)
		{
			FoldAnomaly anomaly;

			answered += room_take(&room, &folded, &log.events[i], &anomaly, "answers", row);
		}
		asked += log.count;
	}
	/* the log is read for few of them */
	table_check(answered > asked * 2 / 3, "answers", MORE_LOGS,
				"most are answered without the log");
}

/* A subscription that is renewed in time reads its log never. */
static void
renewals_check(void)
{
	static const char *const transactions[] = {"t0", "t1", "t2", "t3", "t4"};
	FoldState state;
	PaidSpan last = {NEVER, NEVER};

	fold_begin(&state);
	for (int i = 0; i < (int) LENGTH(transactions); i++)
	{
		FoldState before = state;
		FoldEvent event = {.type = i == 0 ? EVENT_CREATED : EVENT_RENEWED,
						   .time = 100 * i,
						   .period_start = 100 * i,
						   .period_end = 100 * i + 100,
						   .grace_until = NEVER,
						   .trial = 0,
						   .auto_renew = 1,
						   .id = "e",
						   .transaction = transactions[i]};
		FoldAnomaly anomaly = fold_step(&state, &event);

		table_check(paid_step(&last, &before, &state, &event, anomaly), "renewals", i,
					"answered");
		event.time++;
		event.transaction_seen = true;
		before = state;
		anomaly = fold_step(&state, &event);
		table_check(paid_step(&last, &before, &state, &event, anomaly), "renewals", i,
					"answered when it is told again");
		table_check(last.from == 0 && last.until == 100 * i + 100, "renewals", i, "one span");
	}
}

static void
names_check(void)
{
	SubscriptionStatus status = SUBSCRIPTION_STATUSES;
	SubscriptionEvent event = SUBSCRIPTION_EVENTS;
	RefundKind kind = REFUND_KINDS;

	for (int i = 0; i < SUBSCRIPTION_STATUSES; i++)
		table_check(subscription_status_parse(subscription_status_names[i], &status) &&
						(int) status == i,
					"statuses", i, "parsed");
	for (int i = 0; i < SUBSCRIPTION_EVENTS; i++)
		table_check(subscription_event_parse(subscription_event_names[i], &event) &&
						(int) event == i,
					"events", i, "parsed");
	for (int i = 0; i < REFUND_KINDS; i++)
		table_check(refund_kind_parse(refund_kind_names[i], &kind) && (int) kind == i,
					"refunds", i, "parsed");
	table_check(!subscription_status_parse("gone", &status), "statuses", 0, "no such word");
	table_check(!subscription_event_parse("", &event), "events", 0, "no such word");
	table_check(!refund_kind_parse("on", &kind), "refunds", 0, "no such word");
}

int
main(void)
{
	logs_check();
	answers_check();
	renewals_check();
	names_check();
	return table_end();
}
