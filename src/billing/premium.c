/*
 * premium.c: whether a user has premium, and until when.
 *
 * The only place that reads the row of subscriptions for this question. fold_access_end() is
 * the rule. Rows are read past row security: the caller decided that the answer may be known.
 *
 * Takes no lock: the answer is that of the active snapshot, also on a standby.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "billing/environment.h"
#include "billing/premium.h"
#include "core/rows.h"

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
static RowsSource subscription_by_user = {
	.table = "subscriptions",
	.index = "subscriptions_user_id_key",
	.nkeys = 1,
	.keys = {{"user_id", UUIDOID}},
	.ncolumns = COLUMNS,
	.columns = {{"status", ROWS_ENUM},
				{"expires_at", TIMESTAMPTZOID, true},
				{"grace_until", TIMESTAMPTZOID, true},
				{"auto_renew", BOOLOID},
				{"environment", TEXTOID, true}},
};

static int64 time_or_never(Rows *rows, int column);

void
premium_read(Premium *premium, const pg_uuid_t *user)
{
	Datum key = UUIDPGetDatum(user);
	Rows rows;

	memset(premium, 0, sizeof(*premium));
	rows_open(&rows, &subscription_by_user, GetActiveSnapshot());
	rows_find(&rows, &key);
	if (rows_next(&rows))
	{
		bool no_environment;
		Datum environment = rows_value_or_null(&rows, COLUMN_ENVIRONMENT, &no_environment);

		/* a status that this release does not know is no subscription: it fails closed */
		premium->found =
			subscription_status_parse(rows_label(&rows, COLUMN_STATUS), &premium->term.status);
		premium->term.expires_at = time_or_never(&rows, COLUMN_EXPIRES_AT);
		premium->term.grace_until = time_or_never(&rows, COLUMN_GRACE_UNTIL);
		premium->term.auto_renew = DatumGetBool(rows_value(&rows, COLUMN_AUTO_RENEW));
		premium->sandbox =
			!no_environment && environment_is_sandbox(TextDatumGetCString(environment));
	}
	rows_close(&rows);
	/* the setting is read for a sandbox only: most people's row is of production */
	premium->counts = premium->found && (!premium->sandbox || environment_sandbox_counts(user));
	premium->end = premium->counts ? fold_access_end(&premium->term) : FOLD_NEVER;
}

/* A column that is null, as the fold writes a time that it does not know. */
static int64
time_or_never(Rows *rows, int column)
{
	bool null;
	Datum value = rows_value_or_null(rows, column, &null);

	return null ? FOLD_NEVER : DatumGetTimestampTz(value);
}
