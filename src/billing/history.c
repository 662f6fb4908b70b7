/*
 * history.c: the log read through the fold, for people and for check_integrity().
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "billing/subscription.h"
#include "core/compat.h"
#include "core/owner.h"
#include "identity/asking.h"

static void step_return(FunctionCallInfo fcinfo, const SubscriptionEntry *entry);
static void lines_compare(FunctionCallInfo fcinfo, const pg_uuid_t *user,
						  const SubscriptionLine *lines, int nlines);
static void problem_return(FunctionCallInfo fcinfo, char *object, const char *problem);
static char *line_words(const SubscriptionLine *line);

PG_FUNCTION_INFO_V1(coursebase_subscription_steps);
PG_FUNCTION_INFO_V1(coursebase_compare_subscription);

/* SQL function: subscription_steps(user_id uuid) returns table (event_id uuid, …) */
PGDLLEXPORT Datum
coursebase_subscription_steps(PG_FUNCTION_ARGS)
{
	SubscriptionEntry *entries;
	int nentries, nlines;
	pg_uuid_t user;

	compat_materialize(fcinfo);
	if (!identity_resolve_user(PG_ARGISNULL(0) ? NULL : PG_GETARG_UUID_P(0), &user))
		return (Datum) 0;
	SPI_connect();
	entries = entries_load(&user, NULL, NULL, true, &nentries);
	lines_fold(entries, nentries, &nlines);
	for (int i = 0; i < nentries; i++)
		step_return(fcinfo, &entries[i]);
	SPI_finish();
	return (Datum) 0;
}

/* SQL function: compare_subscription(user_id uuid) returns table (object text, problem text) */
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
	lines = lines_fold(entries, nentries, &nlines);
	lines_compare(fcinfo, &user, lines, nlines);
	shown = lines_shown(lines, nlines);
	if (!subscription_shows(&user, shown, true))
		problem_return(
			fcinfo,
			psprintf("subscriptions of user %s",
					 DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&user)))),
			shown == NULL ? "there are no events"
						  : psprintf("the fold of the events is %s",
									 subscription_status_names[shown->state.now.status]));
	SPI_finish();
	return (Datum) 0;
}

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

static void
lines_compare(FunctionCallInfo fcinfo, const pg_uuid_t *user, const SubscriptionLine *lines,
			  int nlines)
{
	int nstored;
	SubscriptionLine *stored = lines_load(user, true, &nstored);

	for (int i = 0; i < nlines; i++)
	{
		const SubscriptionLine *found = NULL;

		for (int j = 0; j < nstored; j++)
			if (line_same(&stored[j], &lines[i]))
				found = &stored[j];
		if (found == NULL)
			problem_return(fcinfo, line_words(&lines[i]), "its events have no line");
		else if (!line_equal(found, &lines[i]))
			problem_return(fcinfo, line_words(&lines[i]),
						   psprintf("it is not the fold of its events, which is %s",
									subscription_status_names[lines[i].state.now.status]));
	}
	for (int j = 0; j < nstored; j++)
	{
		bool wanted = false;

		for (int i = 0; i < nlines; i++)
			wanted |= line_same(&stored[j], &lines[i]);
		if (!wanted)
			problem_return(fcinfo, line_words(&stored[j]), "it has no events of its user");
	}
}

static void
problem_return(FunctionCallInfo fcinfo, char *object, const char *problem)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum values[2] = {CStringGetTextDatum(object), CStringGetTextDatum(problem)};
	bool nulls[2] = {false};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static char *
line_words(const SubscriptionLine *line)
{
	return psprintf("subscription_lines %s %s", line->store, line->id);
}
