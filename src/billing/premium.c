/*
 * premium.c: whether a user holds an entitlement at a time, and from when until when.
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
	COLUMN_PRODUCT_ID,
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
				{"last_event_time", TIMESTAMPTZOID},
				{"product_id", TEXTOID, true}},
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
static void limits_take(EntitlementLimits *limits, const Entitlement *entitlement);
static bool stored_read(Premium *premium, const EntitlementAsk *ask, const pg_uuid_t *user,
						TimestampTz at, bool then);
static bool row_gives(const Entitlements *known, const EntitlementAsk *ask, Rows *rows);
static bool term_read(FoldTerm *term, Rows *rows);
static void log_read(Premium *premium, const EntitlementAsk *ask, const pg_uuid_t *user,
					 TimestampTz at);
static void log_fold(Premium *premium, const EntitlementAsk *ask, const pg_uuid_t *user,
					 TimestampTz at);
static void events_bound(Premium *premium, const SubscriptionLine *line, TimestampTz at);
static void product_turns(Premium *premium, int64 moment, TimestampTz at);
static void validity_end(Premium *premium);
static LineAnswer line_answer(const SubscriptionLine *line, TimestampTz at);
static void answer_take(Premium *premium, const LineAnswer *answer, const pg_uuid_t *user,
						TimestampTz at);
static void term_turns(Premium *premium, int64 moment, TimestampTz at);
static void span_turns(Premium *premium, const PaidSpan *span, TimestampTz at);
static int64 time_or_never(Rows *rows, int column);

/* Whether it holds is the question: where the stored spans say so, nobody asks for the term
 * that an earlier event gave. */
void
premium_read(Premium *premium, const EntitlementAsk *ask, const pg_uuid_t *user, TimestampTz at)
{
	if (!stored_read(premium, ask, user, at, false))
		log_read(premium, ask, user, at);
}

/* The term is asked for as well, as it was then: an event that came later has overwritten the
 * stored one. */
void
premium_read_then(Premium *premium, const EntitlementAsk *ask, const pg_uuid_t *user,
				  TimestampTz at)
{
	if (!stored_read(premium, ask, user, at, true))
		log_read(premium, ask, user, at);
}

/* At the end of time no line holds any more, and the last span of each has begun. */
TimestampTz
premium_end(const EntitlementAsk *ask, const pg_uuid_t *user)
{
	Premium premium;

	premium_read(&premium, ask, user, DT_NOEND);
	return premium.from;
}

/* Where only premium is given, that is one read of the lines. */
void
entitlement_limits(EntitlementLimits *limits, const pg_uuid_t *user, TimestampTz at)
{
	const Entitlements *known = entitlements_known(GetActiveSnapshot());
	int count = known->only_premium ? 1 : known->count;
	Entitlement *asked = palloc(Max(count, 1) * sizeof(Entitlement));
	Premium premium;

	memset(limits, 0, sizeof(*limits));
	limits->valid_from = DT_NOBEGIN;
	limits->valid_until = DT_NOEND;
	/* copied at once: the session's may be read anew on the way */
	if (known->only_premium)
		asked[0] = known->premium != NULL ? *known->premium
										  : (Entitlement){.name = ENTITLEMENT_PREMIUM};
	else
		memcpy(asked, known->list, count * sizeof(Entitlement));
	for (int i = 0; i < count; i++)
		asked[i].name = pstrdup(asked[i].name);
	limits->names = palloc(Max(count, 1) * sizeof(char *));
	for (int i = 0; i < count; i++)
	{
		EntitlementAsk ask = {ENTITLEMENT_NAMED, asked[i].name};

		premium_read(&premium, &ask, user, at);
		limits->valid_from = Max(limits->valid_from, premium.valid_from);
		limits->valid_until = Min(limits->valid_until, premium.valid_until);
		if (!premium.holds)
			continue;
		limits_take(limits, &asked[i]);
		limits->names[limits->nnames++] = asked[i].name;
	}
}

/* Who holds nothing is told what premium would give: the app shows what there is to buy. */
int32
entitlement_slots(const EntitlementLimits *limits)
{
	const Entitlement *premium;

	if (limits->holds)
		return limits->every_course ? SLOTS_EVERY_COURSE : limits->course_slots;
	premium = entitlements_known(GetActiveSnapshot())->premium;
	if (premium == NULL)
		return 0;
	return premium->covers_every_course ? SLOTS_EVERY_COURSE : premium->course_slots;
}

/* Entitlements do not add up: of each limit the greatest counts. */
static void
limits_take(EntitlementLimits *limits, const Entitlement *entitlement)
{
	limits->holds = true;
	limits->weekly_credits = Max(limits->weekly_credits, entitlement->weekly_credits);
	limits->course_slots = Max(limits->course_slots, entitlement->course_slots);
	limits->every_course |= entitlement->covers_every_course;
}

/* Nothing is known: valid for ever, until a line says when it turns. */
static void
premium_begin(Premium *premium)
{
	memset(premium, 0, sizeof(*premium));
	premium->from = DT_NOBEGIN;
	premium->until = DT_NOEND;
	premium->valid_from = DT_NOBEGIN;
	premium->valid_until = DT_NOEND;
	premium->term_from = DT_NOBEGIN;
	premium->term_until = DT_NOEND;
	premium->term.expires_at = premium->term.grace_until = FOLD_NEVER;
}

/*
 * False if only the log can tell: no line gives access by its last span, and one of them may
 * have done so by an earlier one; or the term is wanted and an event came later. Where products
 * give different things, a line's product before its last event is asked of the log, too.
 */
static bool
stored_read(Premium *premium, const EntitlementAsk *ask, const pg_uuid_t *user, TimestampTz at,
			bool then)
{
	Datum key = UUIDPGetDatum(user);
	const Entitlements *known = entitlements_known(GetActiveSnapshot());
	bool only_premium = known->only_premium;
	bool earlier = false;
	bool later = false;
	Rows rows;

	premium_begin(premium);
	rows_open(&rows, &lines_by_user, GetActiveSnapshot());
	rows_find(&rows, &key);
	while (rows_next(&rows))
	{
		TimestampTz last = DatumGetTimestampTz(rows_value(&rows, COLUMN_LAST_EVENT_TIME));
		LineAnswer answer = {.next = FOLD_NEVER};

		later |= at < last;
		if (!only_premium)
			product_turns(premium, last, at);
		if (!row_gives(known, ask, &rows))
		{
			premium->other = true;
			continue;
		}
		answer.sandbox =
			environment_is_sandbox(TextDatumGetCString(rows_value(&rows, COLUMN_ENVIRONMENT)));
		answer.span.from = time_or_never(&rows, COLUMN_ACCESS_FROM);
		answer.span.until = time_or_never(&rows, COLUMN_ACCESS_UNTIL);
		/* a status that this release does not know is no subscription: it fails closed */
		if (!term_read(&answer.term, &rows))
			continue;
		earlier |= at < answer.span.from;
		term_turns(premium, last, at);
		span_turns(premium, &answer.span, at);
		answer_take(premium, &answer, user, at);
	}
	rows_close(&rows);
	validity_end(premium);
	if (only_premium || ask->kind == ENTITLEMENT_ANY)
		return then ? !earlier && !later : premium->holds || !earlier;
	/* before its last event a line may have been of another product */
	return !later;
}

/* Texts of products are read only where products give different things. */
static bool
row_gives(const Entitlements *known, const EntitlementAsk *ask, Rows *rows)
{
	bool none = true;
	Datum product = (Datum) 0;

	if (!known->only_premium && ask->kind != ENTITLEMENT_ANY)
		product = rows_value_or_null(rows, COLUMN_PRODUCT_ID, &none);
	return entitlement_given(known, ask, none ? NULL : TextDatumGetCString(product));
}

/* False for a status that this release does not know: a later release may have written it. */
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
log_read(Premium *premium, const EntitlementAsk *ask, const pg_uuid_t *user, TimestampTz at)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "coursebase premium", ALLOCSET_SMALL_SIZES);
	MemoryContext outside = MemoryContextSwitchTo(context);

	SPI_connect();
	log_fold(premium, ask, user, at);
	SPI_finish();
	MemoryContextSwitchTo(outside);
	MemoryContextDelete(context);
}

/* The same question as stored_read(), line by line of what the log makes of itself. */
static void
log_fold(Premium *premium, const EntitlementAsk *ask, const pg_uuid_t *user, TimestampTz at)
{
	int nentries, nlines;
	SubscriptionEntry *entries = entries_load(user, NULL, NULL, true, &nentries);
	SubscriptionLine *lines = lines_fold(entries, nentries, &nlines);
	const Entitlements *known = entitlements_known(GetActiveSnapshot());

	premium_begin(premium);
	for (int i = 0; i < nlines; i++)
	{
		LineAnswer answer = line_answer(&lines[i], at);
		bool gives = entitlement_given(known, ask, line_product_at(&lines[i], at));

		for (int e = 0; e < lines[i].nentries; e++)
			term_turns(premium, lines[i].entries[e].event.time, at);
		/* at each event the product may be another one */
		if (!known->only_premium && ask->kind != ENTITLEMENT_ANY)
			events_bound(premium, &lines[i], at);
		if (!gives)
		{
			premium->other = true;
			continue;
		}
		for (int n = 0; n < lines[i].nspans; n++)
			span_turns(premium, &lines[i].spans[n], at);
		answer_take(premium, &answer, user, at);
	}
	validity_end(premium);
}

/*
 * The answer about the past may change at each event of the line, because the product may: the
 * answer holds between the two events around the time.
 */
static void
events_bound(Premium *premium, const SubscriptionLine *line, TimestampTz at)
{
	for (int e = 0; e < line->nentries; e++)
		product_turns(premium, line->entries[e].event.time, at);
}

/* At this moment a line may become one of another product. */
static void
product_turns(Premium *premium, int64 moment, TimestampTz at)
{
	if (moment > at)
		premium->valid_until = Min(premium->valid_until, moment);
	else
		premium->valid_from = Max(premium->valid_from, moment);
}

/* An answer is no longer valid than the access that it tells of. */
static void
validity_end(Premium *premium)
{
	premium->valid_from = Max(premium->valid_from, premium->from);
	premium->valid_until = Min(premium->valid_until, premium->until);
}

/* Of all spans of a line those around the time that is asked about. */
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

/* Both ends of a span: at one access begins, at the other it ends. */
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
