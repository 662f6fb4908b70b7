/*
 * premium.c: whether a user has premium, and until when.
 *
 * The only place that reads the row of subscriptions for this question. fold_access_end() is
 * the rule. The row comes from a direct read of the index, or from a statement with the rights
 * of the tables' owner where fetch_open() refuses the direct read.
 *
 * Takes no lock: the answer is that of the active snapshot, also on a standby.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "billing/environment.h"
#include "billing/premium.h"
#include "core/fetch.h"
#include "core/owner.h"
#include "core/plan.h"

/* The columns that both ways of reading give, in this order. */
enum
{
	COLUMN_STATUS,
	COLUMN_EXPIRES_AT,
	COLUMN_GRACE_UNTIL,
	COLUMN_AUTO_RENEW,
	COLUMN_ENVIRONMENT,
	COLUMNS,
};

/* user_id is unique: there is one row, or none. */
static FetchSource subscription_by_user = {
	.table = "subscriptions",
	.index = "subscriptions_user_id_key",
	.nkeys = 1,
	.keys = {{"user_id", UUIDOID}},
	.ncolumns = COLUMNS,
	.columns = {{"status", FETCH_ANY_ENUM},
				{"expires_at", TIMESTAMPTZOID, true},
				{"grace_until", TIMESTAMPTZOID, true},
				{"auto_renew", BOOLOID},
				{"environment", TEXTOID, true}},
};

static KeptPlan query_subscription = {
	.sql = "SELECT s.status::pg_catalog.text, s.expires_at, s.grace_until, s.auto_renew,"
		   " s.environment"
		   " FROM coursebase.subscriptions s WHERE s.user_id OPERATOR(pg_catalog.=) $1",
	.nargs = 1,
	.types = {UUIDOID},
};

static void premium_query(Premium *premium, Datum user);
static void premium_set(Premium *premium, const char *status, const Datum *values,
						const bool *nulls);
static int64 time_or_never(Datum value, bool null);

void
premium_read(Premium *premium, const pg_uuid_t *user)
{
	Datum key = UUIDPGetDatum(user);
	Datum values[COLUMNS];
	bool nulls[COLUMNS];
	Fetch fetch;

	memset(premium, 0, sizeof(*premium));
	if (!fetch_open(&fetch, &subscription_by_user, GetActiveSnapshot()))
		premium_query(premium, key);
	else
	{
		fetch_find(&fetch, &key);
		if (fetch_next(&fetch))
		{
			for (int column = 0; column < COLUMNS; column++)
				values[column] = fetch_value(&fetch, column, &nulls[column]);
			premium_set(premium,
						DatumGetCString(DirectFunctionCall1(enum_out, values[COLUMN_STATUS])),
						values, nulls);
		}
		fetch_close(&fetch);
	}
	/* the setting is read for a sandbox only: most people's row is of production */
	premium->counts = premium->found && (!premium->sandbox || environment_sandbox_counts());
	premium->end = premium->counts ? fold_access_end(&premium->term) : FOLD_NEVER;
}

/* The same columns by a statement: read_only, so that it sees the active snapshot as well. */
static void
premium_query(Premium *premium, Datum user)
{
	Datum values[COLUMNS];
	bool nulls[COLUMNS];

	SPI_connect();
	if (owner_execute(&query_subscription, &user, NULL, true) == 1)
	{
		for (int column = 0; column < COLUMNS; column++)
			values[column] = plan_value(0, column + 1, &nulls[column]);
		premium_set(premium, plan_text_required(0, COLUMN_STATUS + 1), values, nulls);
	}
	SPI_finish();
}

/* A status that this release does not know is no subscription: the answer fails closed. */
static void
premium_set(Premium *premium, const char *status, const Datum *values, const bool *nulls)
{
	premium->found = subscription_status_parse(status, &premium->term.status);
	premium->term.expires_at =
		time_or_never(values[COLUMN_EXPIRES_AT], nulls[COLUMN_EXPIRES_AT]);
	premium->term.grace_until =
		time_or_never(values[COLUMN_GRACE_UNTIL], nulls[COLUMN_GRACE_UNTIL]);
	premium->term.auto_renew =
		!nulls[COLUMN_AUTO_RENEW] && DatumGetBool(values[COLUMN_AUTO_RENEW]);
	premium->sandbox = !nulls[COLUMN_ENVIRONMENT] &&
					   environment_is_sandbox(TextDatumGetCString(values[COLUMN_ENVIRONMENT]));
}

/* A column that is null, as the fold writes a time that it does not know. */
static int64
time_or_never(Datum value, bool null)
{
	return null ? FOLD_NEVER : DatumGetTimestampTz(value);
}
