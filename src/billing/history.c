/*
 * history.c: the log read through the fold, for the view subscription_history and for
 * check_integrity().
 *
 * Only reads: STABLE and parallel safe, with the snapshot of the calling statement.
 *
 * Rights: subscription_steps() checks whom the caller may ask about (identity/asking.h), and
 * compare_subscription() is the server's alone; both then read with the rights of the tables'
 * owner.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "billing/line.h"
#include "cells/directory.h"
#include "core/args.h"
#include "core/compat.h"
#include "core/datum.h"
#include "identity/asking.h"

static void step_return(FunctionCallInfo fcinfo, const SubscriptionEntry *entry);
static void lines_compare(FunctionCallInfo fcinfo, const pg_uuid_t *user,
						  const SubscriptionLine *lines, int nlines);
static void problem_return(FunctionCallInfo fcinfo, char *object, const char *problem);
static char *line_words(const SubscriptionLine *line);

PG_FUNCTION_INFO_V1(coursebase_subscription_steps);
PG_FUNCTION_INFO_V1(coursebase_compare_subscription);

/*
 * SQL function: subscription_steps(user_id uuid) returns table (event_id uuid, event_type text,
 * store text, environment text, event_time timestamptz, received_at timestamptz, status_before
 * text, status_after text, expires_at timestamptz, anomaly text)
 */
PGDLLEXPORT Datum
coursebase_subscription_steps(PG_FUNCTION_ARGS)
{
	SubscriptionEntry *entries;
	int nentries, nlines;
	pg_uuid_t user;

	compat_materialize(fcinfo);
	if (!identity_resolve_user(args_uuid_or_null(fcinfo, 0), &user))
		return (Datum) 0;
	SPI_connect();
	entries = entries_load(&user, NULL, NULL, true, &nentries);
	lines_fold(entries, nentries, &nlines);
	for (int i = 0; i < nentries; i++)
		step_return(fcinfo, &entries[i]);
	SPI_finish();
	return (Datum) 0;
}

/*
 * check_billing() calls this function for every person that has a row in one of the tables.
 *
 * SQL function: compare_subscription(user_id uuid) returns table (object text, problem
 * text)
 */
PGDLLEXPORT Datum
coursebase_compare_subscription(PG_FUNCTION_ARGS)
{
	SubscriptionEntry *entries;
	SubscriptionLine *lines;
	const SubscriptionLine *shown;
	int nentries, nlines;
	pg_uuid_t user;

	compat_materialize(fcinfo);
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	user = *PG_GETARG_UUID_P(0);
	SPI_connect();
	entries = entries_load(&user, NULL, NULL, true, &nentries);
	if (nentries == 0)
		directory_require_here(&user);
	lines = lines_fold(entries, nentries, &nlines);
	lines_compare(fcinfo, &user, lines, nlines);
	shown = lines_shown(lines, nlines);
	if (!subscription_shows(&user, shown, true))
		problem_return(fcinfo, psprintf("subscriptions of user %s", uuid_text(&user)),
					   shown == NULL
						   ? "there are no events"
						   : psprintf("the fold of the events is %s",
									  subscription_status_names[shown->state.now.status]));
	SPI_finish();
	return (Datum) 0;
}

/* One row of the view: an event, and the status of its line before and after it. */
static void
step_return(FunctionCallInfo fcinfo, const SubscriptionEntry *entry)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	const char *anomaly = fold_anomaly_names[entry->anomaly];
	Datum values[10] = {
		UUIDPGetDatum(&entry->id),
		CStringGetTextDatum(subscription_event_names[entry->event.type]),
		CStringGetTextDatum(entry->store),
		CStringGetTextDatum(entry->environment),
		TimestampTzGetDatum(entry->event.time),
		TimestampTzGetDatum(entry->received_at),
		CStringGetTextDatum(subscription_status_names[entry->before]),
		CStringGetTextDatum(subscription_status_names[entry->after]),
		TimestampTzGetDatum(entry->expires_at),
	};
	bool nulls[10] = {false};

	nulls[8] = entry->expires_at == FOLD_NEVER;
	nulls[9] = anomaly == NULL;
	if (anomaly != NULL)
		values[9] = CStringGetTextDatum(anomaly);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* Each line that the events make must be stored as they make it, and no other. */
static void
lines_compare(FunctionCallInfo fcinfo, const pg_uuid_t *user, const SubscriptionLine *lines,
			  int nlines)
{
	int nstored;
	SubscriptionLine *stored = lines_load(user, true, &nstored);

	for (int i = 0; i < nlines; i++)
	{
		const SubscriptionLine *found = lines_find(stored, nstored, &lines[i]);

		if (found == NULL)
			problem_return(fcinfo, line_words(&lines[i]), "its events have no line");
		else if (!line_equal(found, &lines[i]))
			problem_return(fcinfo, line_words(&lines[i]),
						   psprintf("it is not the fold of its events, which is %s",
									subscription_status_names[lines[i].state.now.status]));
	}
	for (int i = 0; i < nstored; i++)
		if (lines_find(lines, nlines, &stored[i]) == NULL)
			problem_return(fcinfo, line_words(&stored[i]), "it has no events of its user");
}

static void
problem_return(FunctionCallInfo fcinfo, char *object, const char *problem)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum values[2] = {CStringGetTextDatum(object), CStringGetTextDatum(problem)};
	bool nulls[2] = {false};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* How check_integrity() names a line. */
static char *
line_words(const SubscriptionLine *line)
{
	return psprintf("subscription_lines %s %s", line->store, line->id);
}
