/*
 * folded.c: the lines of all people as the log makes them, for adopt().
 *
 * People are taken a thousand at a time, so that the memory does not grow with the log.
 *
 * Rights: the function reads with those of its caller.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "billing/line.h"
#include "core/compat.h"
#include "core/datum.h"
#include "core/plan.h"

/* The first and the last of each thousand people that have events, in the order of ids. */
static KeptPlan read_thousands = {
	.sql = "SELECT t.ids[1], t.ids[cardinality(t.ids)] FROM ("
		   " SELECT array_agg(n.user_id ORDER BY n.user_id) AS ids FROM ("
		   "  SELECT d.user_id, row_number() OVER (ORDER BY d.user_id) - 1 AS place"
		   "  FROM (SELECT DISTINCT e.user_id FROM coursebase.subscription_events e) d) n"
		   " GROUP BY n.place / 1000) t",
};
enum
{
	THOUSAND_FIRST = 1,
	THOUSAND_LAST,
};

/* Two ids and the people between them. */
typedef struct People
{
	pg_uuid_t first;
	pg_uuid_t last;
} People;

/* The columns of the answer: those of subscription_lines, then what the person's row needs. */
enum
{
	FOLDED_USER,
	FOLDED_STORE,
	FOLDED_LINE,
	FOLDED_ENVIRONMENT,
	FOLDED_TERM,                      /* status, end, grace, renewal */
	FOLDED_BEFORE = FOLDED_TERM + 4,  /* the same of the term before a refund */
	FOLDED_FIRST = FOLDED_BEFORE + 4, /* when access began */
	FOLDED_TEXTS,                     /* transaction, product, base plan, offer, token */
	FOLDED_LAST_TIME = FOLDED_TEXTS + 5,
	FOLDED_LAST_TYPE,
	FOLDED_LAST_ID,
	FOLDED_TIMES, /* access from and until, replaced */
	FOLDED_PLAN = FOLDED_TIMES + 3,
	FOLDED_IS_SHOWN,
	FOLDED_COLUMNS,
};

static People *thousands_read(uint64 *count);
static void people_fold(ReturnSetInfo *result, const People *people);
static void person_return(ReturnSetInfo *result, SubscriptionEntry *entries, int count);
static void line_return(ReturnSetInfo *result, const pg_uuid_t *user,
						const SubscriptionLine *line, bool shown);
static void term_put(Datum *values, bool *nulls, const FoldTerm *term);
static void text_put(Datum *value, bool *null, const char *text);

PG_FUNCTION_INFO_V1(coursebase_folded_lines);

/* SQL function: folded_lines() returns table (user_id uuid, store text, …) */
PGDLLEXPORT Datum
coursebase_folded_lines(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext memory;
	MemoryContext before;
	People *thousands;
	uint64 count;

	compat_materialize(fcinfo);
	thousands = thousands_read(&count);
	/*
	 * a thousand people at a time: the log of everybody may not fit into memory, and a
	 * statement for each would cost more than the folding
	 */
	memory = AllocSetContextCreate(CurrentMemoryContext, "coursebase folded lines",
								   ALLOCSET_DEFAULT_SIZES);
	before = MemoryContextSwitchTo(memory);
	for (uint64 i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		/* connected anew each time: texts are copied to where SPI_connect() was called */
		SPI_connect();
		people_fold(result, &thousands[i]);
		SPI_finish();
		MemoryContextReset(memory);
	}
	MemoryContextSwitchTo(before);
	MemoryContextDelete(memory);
	return (Datum) 0;
}

/* Read before the first thousand is folded: the folding connects anew, and would take the
 * answer away. */
static People *
thousands_read(uint64 *count)
{
	People *thousands;

	SPI_connect();
	*count = plan_execute(&read_thousands, NULL, NULL, true);
	thousands = SPI_palloc((*count + 1) * sizeof(*thousands));
	for (uint64 row = 0; row < *count; row++)
	{
		thousands[row].first = plan_uuid(row, THOUSAND_FIRST);
		thousands[row].last = plan_uuid(row, THOUSAND_LAST);
	}
	SPI_finish();
	return thousands;
}

/* The entries come in the order of people, so that a person is a run of them. */
static void
people_fold(ReturnSetInfo *result, const People *people)
{
	int count;
	int first = 0;
	SubscriptionEntry *entries = entries_load_people(&people->first, &people->last, &count);

	for (int i = 1; i <= count; i++)
	{
		if (i < count && uuid_equal(&entries[i].user, &entries[first].user))
			continue;
		person_return(result, entries + first, i - first);
		first = i;
	}
}

/* The fold sorts the person's entries; whose they are was read before. */
static void
person_return(ReturnSetInfo *result, SubscriptionEntry *entries, int count)
{
	pg_uuid_t user = entries->user;
	int nlines;
	SubscriptionLine *lines = lines_fold(entries, count, &nlines);
	const SubscriptionLine *shown = lines_shown(lines, nlines);

	for (int i = 0; i < nlines; i++)
		line_return(result, &user, &lines[i], &lines[i] == shown);
}

/* The columns follow those of subscription_lines, which adopt() fills from this answer. */
static void
line_return(ReturnSetInfo *result, const pg_uuid_t *user, const SubscriptionLine *line,
			bool shown)
{
	const FoldState *state = &line->state;
	const char *texts[] = {state->transaction, state->product_id, state->base_plan_id,
						   state->offer_id, state->purchase_token};
	int64 times[] = {line->access.from, line->access.until, line->replaced_at};
	Datum values[FOLDED_COLUMNS];
	bool nulls[FOLDED_COLUMNS] = {false};

	values[FOLDED_USER] = UUIDPGetDatum(user);
	values[FOLDED_STORE] = CStringGetTextDatum(line->store);
	values[FOLDED_LINE] = CStringGetTextDatum(line->id);
	values[FOLDED_ENVIRONMENT] = CStringGetTextDatum(line->environment);
	term_put(&values[FOLDED_TERM], &nulls[FOLDED_TERM], &state->now);
	term_put(&values[FOLDED_BEFORE], &nulls[FOLDED_BEFORE], &state->before);
	values[FOLDED_FIRST] = TimestampTzGetDatum(state->first_premium_at);
	nulls[FOLDED_FIRST] = state->first_premium_at == FOLD_NEVER;
	for (int i = 0; i < lengthof(texts); i++)
		text_put(&values[FOLDED_TEXTS + i], &nulls[FOLDED_TEXTS + i], texts[i]);
	values[FOLDED_LAST_TIME] = TimestampTzGetDatum(line->last.time);
	values[FOLDED_LAST_TYPE] = CStringGetTextDatum(subscription_event_names[line->last.type]);
	values[FOLDED_LAST_ID] = CStringGetTextDatum(line->last.id);
	for (int i = 0; i < lengthof(times); i++)
	{
		values[FOLDED_TIMES + i] = TimestampTzGetDatum(times[i]);
		nulls[FOLDED_TIMES + i] = times[i] == FOLD_NEVER;
	}
	values[FOLDED_PLAN] = CStringGetTextDatum(line_plan(line));
	values[FOLDED_IS_SHOWN] = BoolGetDatum(shown);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* Four columns of a term. */
static void
term_put(Datum *values, bool *nulls, const FoldTerm *term)
{
	values[0] = CStringGetTextDatum(subscription_status_names[term->status]);
	values[1] = TimestampTzGetDatum(term->expires_at);
	nulls[1] = term->expires_at == FOLD_NEVER;
	values[2] = TimestampTzGetDatum(term->grace_until);
	nulls[2] = term->grace_until == FOLD_NEVER;
	values[3] = BoolGetDatum(term->auto_renew);
}

/* A text that is not there is NULL. */
static void
text_put(Datum *value, bool *null, const char *text)
{
	*null = text == NULL;
	*value = text == NULL ? (Datum) 0 : CStringGetTextDatum(text);
}
