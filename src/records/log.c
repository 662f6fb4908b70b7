/*
 * log.c: stores the entries that apps and servers report.
 *
 * Invariants: an entry is about the user who asks; only the server names another user. Entries
 * are only ever added, with one exception: a person has at most one sign_up entry, and
 * reporting again updates that entry. Kinds and lengths are those of the table's
 * constraints.
 *
 * Locks: an end user's entry locks what quota.h says; a sign_up entry locks the person, so that
 * of two reports the second finds the first's entry. The unique index
 * app_logs_sign_up_user_id_idx says the same of plain SQL, and a table that is partitioned by
 * time cannot have it.
 *
 * Rights: the user is decided with the caller's rights, the entry is written with those of the
 * tables' owner, because end users cannot read or update the log.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"
#include "utils/uuid.h"

#include "core/args.h"
#include "core/datum.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/schema.h"
#include "identity/anchor.h"
#include "identity/asking.h"
#include "records/quota.h"

/* The arguments of log_app(), which are the parameters of its statement too. */
enum
{
	LOG_TYPE,
	LOG_MESSAGE,
	LOG_CONTEXT,
	LOG_ORIGIN,
	LOG_USER,
	LOG_AT,
	LOG_ARGS,
};

/* As app_logs_log_type_known_check has them. */
static const char *const log_types[] = {"sync_module", "billing",        "authentication",
										"sign_up",     "audio_playback", "ai_chat",
										"error",       "user_action",    "user_report"};

/* A time in the future would keep an entry from purge_logs(): it counts as now. */
static KeptPlan write_entry = {
	.sql = "INSERT INTO coursebase.app_logs "
		   "(log_type, message, context, origin, user_id, created_at) "
		   "VALUES ($1, $2, $3, $4, $5, least($6, now())) RETURNING id",
	.nargs = LOG_ARGS,
	.types = {TEXTOID, TEXTOID, JSONBOID, TEXTOID, UUIDOID, TIMESTAMPTZOID},
};

/* The same parameters; $6 is not asked for. */
static KeptPlan renew_sign_up = {
	.sql = "UPDATE coursebase.app_logs l SET message = $2, "
		   "context = coalesce($3, l.context), origin = $4 "
		   "WHERE l.user_id = $5 AND l.log_type = $1 RETURNING l.id",
	.nargs = LOG_USER + 1,
	.types = {TEXTOID, TEXTOID, JSONBOID, TEXTOID, UUIDOID},
};

/* The arguments of log_server(), which are the parameters of its statement too. */
enum
{
	SERVER_FUNCTION,
	SERVER_LEVEL,
	SERVER_MESSAGE,
	SERVER_CONTEXT,
	SERVER_USER,
	SERVER_DURATION,
	SERVER_AT,
	SERVER_ARGS,
};

/* As server_logs_level_known_check has them. */
static const char *const levels[] = {"debug", "info", "warning", "error"};

static KeptPlan write_server_entry = {
	.sql = "INSERT INTO coursebase.server_logs "
		   "(function_name, level, message, context, user_id, duration_ms, created_at) "
		   "VALUES ($1, $2, $3, $4, $5, $6, coalesce($7, now())) RETURNING id",
	.nargs = SERVER_ARGS,
	.types = {TEXTOID, TEXTOID, TEXTOID, JSONBOID, UUIDOID, NUMERICOID, TIMESTAMPTZOID},
};

static bool sign_up_renew(FunctionCallInfo fcinfo, const pg_uuid_t *user, PlanValues *values);
static void duration_check(Numeric duration);
static bool log_user(const pg_uuid_t *named, pg_uuid_t *user);

PG_FUNCTION_INFO_V1(coursebase_log_app);
PG_FUNCTION_INFO_V1(coursebase_log_server);

/*
 * SQL function: log_app(log_type text, message text, context jsonb, origin text, user_id uuid,
 * at timestamptz) returns uuid
 *
 * Answers the id of the entry, also of one that was updated.
 */
PGDLLEXPORT Datum
coursebase_log_app(PG_FUNCTION_ARGS)
{
	PlanValues values = {0};
	pg_uuid_t user;
	pg_uuid_t *id = palloc(sizeof(*id));
	bool about_user;

	schema_require_current();
	about_user = log_user(args_uuid_or_null(fcinfo, LOG_USER), &user);
	args_word(fcinfo, LOG_TYPE, log_types, lengthof(log_types));
	args_length(fcinfo, LOG_MESSAGE, 1, 10000);
	args_length(fcinfo, LOG_ORIGIN, 1, 100);
	args_jsonb_size(fcinfo, LOG_CONTEXT, 8192);
	/* what is to come counts as now, infinity too */
	if (!PG_ARGISNULL(LOG_AT) &&
		PG_GETARG_TIMESTAMPTZ(LOG_AT) < GetCurrentTransactionStartTimestamp())
		args_time(fcinfo, LOG_AT);
	for (int i = LOG_TYPE; i < LOG_USER; i++)
		args_bind(&values, fcinfo, i);
	plan_bind_uuid(&values, about_user ? &user : NULL);
	args_bind(&values, fcinfo, LOG_AT);
	SPI_connect();
	quota_take();
	if (!about_user || !sign_up_renew(fcinfo, &user, &values))
		owner_execute(&write_entry, values.datums, values.nulls, false);
	*id = plan_uuid(0, 1);
	SPI_finish();
	PG_RETURN_UUID_P(id);
}

/*
 * SQL function: log_server(function_name text, level text, message text, context jsonb, user_id
 * uuid, duration_ms numeric, at timestamptz) returns uuid
 *
 * Writes with the caller's rights.
 */
PGDLLEXPORT Datum
coursebase_log_server(PG_FUNCTION_ARGS)
{
	PlanValues values = {0};
	pg_uuid_t *id = palloc(sizeof(*id));

	args_length(fcinfo, SERVER_FUNCTION, 1, 200);
	args_word(fcinfo, SERVER_LEVEL, levels, lengthof(levels));
	args_length(fcinfo, SERVER_MESSAGE, 1, 10000);
	args_jsonb_size(fcinfo, SERVER_CONTEXT, 65536);
	if (!PG_ARGISNULL(SERVER_DURATION))
		duration_check(PG_GETARG_NUMERIC(SERVER_DURATION));
	if (!PG_ARGISNULL(SERVER_AT))
		args_time(fcinfo, SERVER_AT);
	schema_require_current();
	if (!PG_ARGISNULL(SERVER_USER))
		identity_require_here(PG_GETARG_UUID_P(SERVER_USER));
	for (int i = 0; i < SERVER_ARGS; i++)
		args_bind(&values, fcinfo, i);
	SPI_connect();
	plan_execute(&write_server_entry, values.datums, values.nulls, false);
	*id = plan_uuid(0, 1);
	SPI_finish();
	PG_RETURN_UUID_P(id);
}

/* False, and nothing done, for another entry than a sign_up, and for a person's first one. */
static bool
sign_up_renew(FunctionCallInfo fcinfo, const pg_uuid_t *user, PlanValues *values)
{
	char *type = args_text_or_null(fcinfo, LOG_TYPE);

	if (type == NULL || strcmp(type, "sign_up") != 0)
		return false;
	anchor_user(user);
	return owner_execute_latest(&renew_sign_up, values->datums, values->nulls) > 0;
}

/*
 * Writes to *user whom the entry is about; false for nobody, because an app also reports what
 * happens before its user has an account. Unlike identity_resolve_user(), an administrator may
 * not name another user: nobody but the server writes in another user's name.
 */
static bool
log_user(const pg_uuid_t *named, pg_uuid_t *user)
{
	bool known = identity_current_user(user);

	if (named == NULL)
		return known;
	if (has_bypassrls_privilege(GetUserId()) || (known && uuid_equal(named, user)))
	{
		*user = *named;
		identity_require_here(user);
		return true;
	}
	ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					errmsg("only the server writes another user's log"),
					errhint("Leave user_id out: the entry is about who is signed in.")));
}

/* NaN is greater than every number, and an infinite time adds up to no sum. */
static void
duration_check(Numeric duration)
{
	Datum zero = DirectFunctionCall1(int4_numeric, Int32GetDatum(0));

	if (numeric_is_nan(duration) || numeric_is_inf(duration))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("duration_ms must be a number of milliseconds"),
				 errdetail("The call has %s.", DatumGetCString(DirectFunctionCall1(
												   numeric_out, NumericGetDatum(duration))))));
	if (DatumGetBool(DirectFunctionCall2(numeric_lt, NumericGetDatum(duration), zero)))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("duration_ms must not be negative")));
}
