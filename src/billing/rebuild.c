/*
 * rebuild.c: the stored lines of a user, made from the log again.
 *
 * Invariant: for tables that were written by apply_subscription_event() alone there is nothing
 * to write. Something differs after a release changed the fold, or after the tables were
 * written with the triggers off.
 *
 * Locks: the row of users, then the rows that are written, as in subscription.c.
 *
 * Rights: the server's alone; statements run with those of the tables' owner.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "billing/line.h"
#include "billing/machine.h"
#include "core/args.h"
#include "core/compat.h"
#include "core/schema.h"
#include "identity/anchor.h"

static void rebuilt_return(FunctionCallInfo fcinfo, const FoldTerm *term, bool changed);

PG_FUNCTION_INFO_V1(coursebase_rebuild_subscription);

/*
 * SQL function: rebuild_subscription(user_id uuid) returns table (status text, expires_at
 * timestamptz, changed boolean)
 */
PGDLLEXPORT Datum
coursebase_rebuild_subscription(PG_FUNCTION_ARGS)
{
	SubscriptionEntry *entries;
	SubscriptionLine *lines;
	const SubscriptionLine *shown;
	pg_uuid_t *user;
	int nentries, nlines;

	args_require(fcinfo, 0);
	user = PG_GETARG_UUID_P(0);
	schema_require_current();
	compat_materialize(fcinfo);
	SPI_connect();
	/* no event may come between the reading of the log and the writing of what it makes */
	anchor_user_require(user);
	entries = entries_load(user, NULL, NULL, false, &nentries);
	lines = lines_fold(entries, nentries, &nlines);
	shown = lines_shown(lines, nlines);
	if (shown != NULL)
		rebuilt_return(fcinfo, &shown->state.now, lines_store(lines, nlines, shown, user));
	SPI_finish();
	return (Datum) 0;
}

static void
rebuilt_return(FunctionCallInfo fcinfo, const FoldTerm *term, bool changed)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum values[] = {CStringGetTextDatum(subscription_status_names[term->status]),
					  TimestampTzGetDatum(term->expires_at), BoolGetDatum(changed)};
	bool nulls[] = {false, term->expires_at == FOLD_NEVER, false};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}
