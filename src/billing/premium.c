/*
 * premium.c: whether a user has premium at a time, and from when until when.
 *
 * The only place that reads subscriptions for this question. A line is stored with its last
 * span of access, which answers for every time from its beginning on: for the present one read
 * of the index is enough. What lies before it is asked of the log, folded anew.
 *
 * Rows are read past row security: the caller decided that the answer may be known. Takes no
 * lock: the answer is that of the active snapshot, also on a standby.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "billing/environment.h"
#include "billing/line.h"
#include "billing/premium.h"
#include "core/rows.h"

enum
{
	COLUMN_STATUS,
	COLUMN_EXPIRES_AT,
	COLUMN_GRACE_UNTIL,
	COLUMN_AUTO_RENEW,
	COLUMN_ENVIRONMENT,
	COLUMN_ACCESS_FROM,
	COLUMN_ACCESS_UNTIL,
	COLUMN_LAST_EVENT_TIME,
	COLUMNS,
};

/* A person has few lines, most of them one or none. */
static RowsSource lines_by_user = {
	.table = "subscription_lines",
	.index = "subscription_lines_user_id_idx",
	.nkeys = 1,
	.keys = {{"user_id", UUIDOID}},
	.ncolumns = COLUMNS,
	.columns = {{"status", ROWS_ENUM},
				{"expires_at", TIMESTAMPTZOID, true},
				{"grace_until", TIMESTAMPTZOID, true},
				{"auto_renew", BOOLOID},
				{"environment", TEXTOID},
				{"access_from", TIMESTAMPTZOID, true},
				{"access_until", TIMESTAMPTZOID, true},
				{"last_event_time", TIMESTAMPTZOID}},
};

/* What one line says of the time that is asked about. */
typedef struct LineAnswer
{
	bool sandbox;
	PaidSpan span; /* the last one that has begun by then; FOLD_NEVER: none */
	int64 next;    /* beginning of the one after it; FOLD_NEVER: none */
	FoldTerm term;
} LineAnswer;

static void premium_begin(Premium *premium);
static bool stored_read(Premium *premium, const pg_uuid_t *user, TimestampTz at, bool then);
static bool term_read(FoldTerm *term, Rows *rows);
static void log_read(Premium *premium, const pg_uuid_t *user, TimestampTz at);
static void log_fold(Premium *premium, const pg_uuid_t *user, TimestampTz at);
static LineAnswer line_answer(const SubscriptionLine *line, TimestampTz at);
static void answer_take(Premium *premium, const LineAnswer *answer, const pg_uuid_t *user,
						TimestampTz at);
static void term_turns(Premium *premium, int64 moment, TimestampTz at);
static void span_turns(Premium *premium, const PaidSpan *span, TimestampTz at);
static int64 time_or_never(Rows *rows, int column);

void
premium_read(Premium *premium, const pg_uuid_t *user, TimestampTz at)
{
	if (!stored_read(premium, user, at, false))
		log_read(premium, user, at);
}

void
premium_read_then(Premium *premium, const pg_uuid_t *user, TimestampTz at)
{
	if (!stored_read(premium, user, at, true))
		log_read(premium, user, at);
}

/* At the end of time no line holds any more, and the last span of each has begun. */
TimestampTz
premium_end(const pg_uuid_t *user)
{
	Premium premium;

	premium_read(&premium, user, DT_NOEND);
	return premium.from;
}

static void
premium_begin(Premium *premium)
{
	memset(premium, 0, sizeof(*premium));
	premium->from = DT_NOBEGIN;
	premium->until = DT_NOEND;
	premium->term_from = DT_NOBEGIN;
	premium->term_until = DT_NOEND;
	premium->term.expires_at = premium->term.grace_until = FOLD_NEVER;
}

/*
 * False if only the log can tell: no line gives access by its last span, and one of them may
 * have done so by an earlier one; or the term is wanted and an event came later.
 */
static bool
stored_read(Premium *premium, const pg_uuid_t *user, TimestampTz at, bool then)
{
	Datum key = UUIDPGetDatum(user);
	bool earlier = false;
	bool later = false;
	Rows rows;

	premium_begin(premium);
	rows_open(&rows, &lines_by_user, GetActiveSnapshot());
	rows_find(&rows, &key);
	while (rows_next(&rows))
	{
		LineAnswer answer = {.next = FOLD_NEVER};

		answer.sandbox =
			environment_is_sandbox(TextDatumGetCString(rows_value(&rows, COLUMN_ENVIRONMENT)));
		answer.span.from = time_or_never(&rows, COLUMN_ACCESS_FROM);
		answer.span.until = time_or_never(&rows, COLUMN_ACCESS_UNTIL);
		/* a status that this release does not know is no subscription: it fails closed */
		if (!term_read(&answer.term, &rows))
			continue;
		earlier |= at < answer.span.from;
		later |= at < DatumGetTimestampTz(rows_value(&rows, COLUMN_LAST_EVENT_TIME));
		term_turns(premium, DatumGetTimestampTz(rows_value(&rows, COLUMN_LAST_EVENT_TIME)), at);
		span_turns(premium, &answer.span, at);
		answer_take(premium, &answer, user, at);
	}
	rows_close(&rows);
	return then ? !earlier && !later : premium->holds || !earlier;
}

static bool
term_read(FoldTerm *term, Rows *rows)
{
	term->expires_at = time_or_never(rows, COLUMN_EXPIRES_AT);
	term->grace_until = time_or_never(rows, COLUMN_GRACE_UNTIL);
	term->auto_renew = DatumGetBool(rows_value(rows, COLUMN_AUTO_RENEW));
	return subscription_status_parse(rows_label(rows, COLUMN_STATUS), &term->status);
}

/* In a memory of its own, because the log of a person may be long. */
static void
log_read(Premium *premium, const pg_uuid_t *user, TimestampTz at)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "coursebase premium", ALLOCSET_SMALL_SIZES);
	MemoryContext outside = MemoryContextSwitchTo(context);

	SPI_connect();
	log_fold(premium, user, at);
	SPI_finish();
	MemoryContextSwitchTo(outside);
	MemoryContextDelete(context);
}

static void
log_fold(Premium *premium, const pg_uuid_t *user, TimestampTz at)
{
	int nentries, nlines;
	SubscriptionEntry *entries = entries_load(user, NULL, NULL, true, &nentries);
	SubscriptionLine *lines = lines_fold(entries, nentries, &nlines);

	premium_begin(premium);
	for (int i = 0; i < nlines; i++)
	{
		LineAnswer answer = line_answer(&lines[i], at);

		for (int e = 0; e < lines[i].nentries; e++)
			term_turns(premium, lines[i].entries[e].event.time, at);
		for (int n = 0; n < lines[i].nspans; n++)
			span_turns(premium, &lines[i].spans[n], at);
		answer_take(premium, &answer, user, at);
	}
}

static LineAnswer
line_answer(const SubscriptionLine *line, TimestampTz at)
{
	LineAnswer answer = {.span = {FOLD_NEVER, FOLD_NEVER}, .next = FOLD_NEVER};
	int n = 0;

	/* the spans are in order and apart from each other */
	while (n < line->nspans && line->spans[n].from <= at)
		n++;
	if (n > 0)
		answer.span = line->spans[n - 1];
	if (n < line->nspans)
		answer.next = line->spans[n].from;
	answer.sandbox = environment_is_sandbox(line->environment);
	answer.term = line_term_at(line, at);
	return answer;
}

/*
 * Premium holds while any line that counts gives access. The term is of the line whose access
 * lasts longest, or ended last; a line that does not count is told only if no other is there.
 */
static void
answer_take(Premium *premium, const LineAnswer *answer, const pg_uuid_t *user, TimestampTz at)
{
	/* the setting is read for a sandbox only: most people's lines are of production */
	bool counts = !answer->sandbox || environment_sandbox_counts(user);
	bool holds = counts && answer->span.from <= at && at < answer->span.until;
	int64 ended = counts && !holds && answer->span.from <= at ? answer->span.until : FOLD_NEVER;
	int64 next = counts && answer->span.from > at ? answer->span.from : answer->next;
	bool first = !premium->found || (counts && !premium->counts);

	if (first || (counts && (holds ? !premium->holds || answer->span.until > premium->until
								   : !premium->holds && ended > premium->from)))
	{
		premium->term = answer->term;
		premium->sandbox = answer->sandbox;
	}
	premium->found = true;
	premium->counts |= counts;
	premium->barred |= !counts && answer->span.from <= at && at < answer->span.until;
	if (holds && !premium->holds)
	{
		/* of the lines that do not hold nothing counts any more */
		premium->holds = true;
		premium->from = answer->span.from;
		premium->until = answer->span.until;
	}
	else if (holds)
	{
		premium->from = Min(premium->from, answer->span.from);
		premium->until = Max(premium->until, answer->span.until);
	}
	else if (!premium->holds && counts)
	{
		premium->from = Max(premium->from, ended);
		if (next != FOLD_NEVER)
			premium->until = Min(premium->until, next);
	}
}

/* At this moment the term may change: by an event, or because another line gives the answer. */
static void
term_turns(Premium *premium, int64 moment, TimestampTz at)
{
	if (moment > at)
		premium->term_until = Min(premium->term_until, moment);
	else
		premium->term_from = Max(premium->term_from, moment);
}

static void
span_turns(Premium *premium, const PaidSpan *span, TimestampTz at)
{
	term_turns(premium, span->from, at);
	term_turns(premium, span->until, at);
}

/* A column that is null, as the fold writes a time that it does not know. */
static int64
time_or_never(Rows *rows, int column)
{
	bool null;
	Datum value = rows_value_or_null(rows, column, &null);

	return null ? FOLD_NEVER : DatumGetTimestampTz(value);
}
