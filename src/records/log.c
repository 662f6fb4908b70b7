/*
 * log.c: what apps report.
 *
 * An entry is about the one who asks; only the server names somebody else. Entries are added,
 * except a person's sign_up entry: there is one, and reporting again updates it in place (the
 * key is app_logs_sign_up_user_id_idx). Lengths and kinds are constraints of the table.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "core/owner.h"
#include "core/plan.h"
#include "core/schema.h"
#include "identity/asking.h"

#define LOG_ARGS 6

typedef enum LogArg
{
	LOG_TYPE,
	LOG_MESSAGE,
	LOG_CONTEXT,
	LOG_ORIGIN,
	LOG_USER,
	LOG_AT,
} LogArg;

static KeptPlan write_entry = {
	.sql = "INSERT INTO coursebase.app_logs AS l "
		   "(log_type, message, context, origin, user_id, created_at) "
		   "VALUES ($1, $2, $3, $4, $5, least($6, now())) "
		   "ON CONFLICT (user_id) WHERE log_type = 'sign_up' DO UPDATE SET "
		   "message = EXCLUDED.message, context = coalesce(EXCLUDED.context, l.context), "
		   "origin = EXCLUDED.origin "
		   "RETURNING id",
	.nargs = LOG_ARGS,
	.types = {TEXTOID, TEXTOID, JSONBOID, TEXTOID, UUIDOID, TIMESTAMPTZOID},
};

static bool log_user(pg_uuid_t *named, pg_uuid_t *user);

PG_FUNCTION_INFO_V1(coursebase_log_app);

/*
 * SQL function: log_app(log_type text, message text, context jsonb, origin text, user_id uuid,
 * at timestamptz) returns uuid
 *
 * Decides with the caller's rights whose entry it is, and writes it with the owner's.
 */
PGDLLEXPORT Datum
coursebase_log_app(PG_FUNCTION_ARGS)
{
	Datum values[LOG_ARGS];
	char nulls[LOG_ARGS];
	pg_uuid_t user;
	pg_uuid_t *id = palloc(sizeof(pg_uuid_t));

	schema_require_current();
	for (int arg = 0; arg < LOG_ARGS; arg++)
	{
		values[arg] = PG_GETARG_DATUM(arg);
		nulls[arg] = PG_ARGISNULL(arg) ? 'n' : ' ';
	}
	nulls[LOG_USER] =
		log_user(PG_ARGISNULL(LOG_USER) ? NULL : PG_GETARG_UUID_P(LOG_USER), &user) ? ' ' : 'n';
	values[LOG_USER] = UUIDPGetDatum(&user);
	SPI_connect();
	owner_execute(&write_entry, values, nulls, false);
	*id = *DatumGetUUIDP(plan_value(0, 1, NULL));
	SPI_finish();
	PG_RETURN_UUID_P(id);
}

/* Whose entry it is; false for nobody's: the account may not be known yet. */
static bool
log_user(pg_uuid_t *named, pg_uuid_t *user)
{
	bool known = identity_current_user(user);

	if (named == NULL)
		return known;
	if (has_bypassrls_privilege(GetUserId()) ||
		(known && memcmp(named, user, sizeof(pg_uuid_t)) == 0))
	{
		*user = *named;
		return true;
	}
	ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					errmsg("only the server writes another user's log"),
					errhint("Leave user_id out: the entry is about who is signed in.")));
}
