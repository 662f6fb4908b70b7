/*
 * closed_id.c: external ids of closed accounts, which make no new account for a while.
 *
 * Invariants: no row of users is inserted under an id that is kept, by whomever and however
 * many at once. Of the id there is only an HMAC (SHA-256), whose key is made when it is first
 * needed and never leaves the database but in a dump: nobody who reads the table alone can try
 * ids on it.
 *
 * HMAC is SHA-256 twice, each over the key with another padding and then the message (RFC
 * 2104). The two padded keys are what is stored, so that SQL can compute it over many rows.
 *
 * Locks: none but those of the rows that are written. The trigger looks after its INSERT, with
 * the latest snapshot: an INSERT that waited for the transaction that closes the account sees
 * what that one kept.
 *
 * Rights: only the owner of the tables reads and writes both tables; the statements run as it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"

#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/restore.h"
#include "core/row_trigger.h"
#include "core/setting.h"
#include "identity/closed_id.h"

/* 64 bytes, of which 488 bits are random; the paddings are those of RFC 2104. Of two sessions
 * that make the key at once the second waits and does nothing. */
#define PADDED(padding)                                                                        \
	"string_agg(set_byte(decode('00', 'hex'), 0, get_byte(r.bytes, i) # " padding              \
	"), '' ORDER BY i)"
static KeptPlan make_key = {
	.sql =
		"INSERT INTO coursebase.closed_id_key (inner_key, outer_key)"
		" SELECT " PADDED("54") ", " PADDED(
			"92") " FROM (SELECT"
				  "  uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())"
				  "  || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) AS bytes"
				  "  WHERE NOT EXISTS (SELECT FROM coursebase.closed_id_key)) r,"
				  " generate_series(0, 63) i HAVING count(*) > 0 ON CONFLICT DO NOTHING",
};
static KeptPlan keep_id = {
	.sql = "INSERT INTO coursebase.closed_ids AS c (id_hash, closed_at)"
		   " SELECT " CLOSED_ID_HASH(
			   "$1") ", now() FROM coursebase.closed_id_key k"
					 " ON CONFLICT (id_hash) DO UPDATE SET closed_at = excluded.closed_at"
					 " WHERE c.closed_at < excluded.closed_at",
	.nargs = 1,
	.types = {TEXTOID},
};
static KeptPlan find_id = {
	.sql = "SELECT $1 FROM coursebase.closed_id_key k JOIN coursebase.closed_ids c"
		   " ON c.id_hash = " CLOSED_ID_HASH("$1") " WHERE c.closed_at > $2",
	.nargs = 2,
	.types = {TEXTOID, TIMESTAMPTZOID},
};
/* The new rows of the statement; a row that comes closed makes nobody. Where nothing is kept,
 * no hash is computed. */
static KeptPlan find_made = {
	.sql = "SELECT m.clerk_user_id FROM (SELECT k.* FROM coursebase.closed_id_key k"
		   "  WHERE EXISTS (SELECT FROM coursebase.closed_ids o WHERE o.closed_at > $1)) k"
		   " CROSS JOIN made m JOIN coursebase.closed_ids c"
		   " ON c.id_hash = " CLOSED_ID_HASH(
			   "m.clerk_user_id") " WHERE c.closed_at > $1 AND m.deleted_at IS NULL LIMIT 1",
	.nargs = 1,
	.types = {TIMESTAMPTZOID},
};
static KeptPlan delete_old = {
	.sql = "DELETE FROM coursebase.closed_ids WHERE id_hash = ANY (ARRAY("
		   "SELECT c.id_hash FROM coursebase.closed_ids c WHERE c.closed_at <= $1"
		   " ORDER BY c.closed_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED))",
	.nargs = 2,
	.types = {TIMESTAMPTZOID, INT8OID},
};

static TimestampTz kept_since(void);
pg_noreturn static void kept_raise(const char *subject);

PG_FUNCTION_INFO_V1(coursebase_tg_users__closed_id);
PG_FUNCTION_INFO_V1(coursebase_tg_people__closed_id);

/*
 * SQL function: tg_users__closed_id() returns trigger
 *
 * After each statement, with the new rows as table "made".
 */
PGDLLEXPORT Datum
coursebase_tg_users__closed_id(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect_statement(fcinfo, "tg_users__closed_id");
	PlanValues values = {0};

	if (restore_under_way() || trigger_rows_written(data) == 0)
		return PointerGetDatum(NULL);
	SPI_connect();
	trigger_tables_show(data);
	plan_bind_time(&values, kept_since());
	if (owner_execute_latest(&find_made, values.datums, values.nulls) > 0)
		kept_raise(plan_text_required(0, 1));
	SPI_finish();
	return PointerGetDatum(NULL);
}

/*
 * SQL function: tg_people__closed_id() returns trigger
 *
 * Home places everybody, so that home remembers for all cells: the late notice would be placed
 * in another cell than the one that closed the account.
 */
PGDLLEXPORT Datum
coursebase_tg_people__closed_id(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_people__closed_id", ROW_AFTER_WRITE);
	bool placed = TRIGGER_FIRED_BY_INSERT(data->tg_event);
	const char *subject = trigger_text(data, data->tg_trigtuple, "external_id");

	if (restore_under_way())
		return PointerGetDatum(NULL);
	SPI_connect();
	if (placed)
		closed_id_refuse(subject);
	else
		closed_id_keep(subject);
	SPI_finish();
	return PointerGetDatum(NULL);
}

void
closed_id_keep(const char *subject)
{
	PlanValues values = {0};

	if (kept_since() == DT_NOEND)
		return;
	owner_execute_latest(&make_key, NULL, NULL);
	plan_bind_text(&values, subject);
	owner_execute_latest(&keep_id, values.datums, values.nulls);
}

void
closed_id_refuse(const char *subject)
{
	PlanValues values = {0};

	plan_bind_text(&values, subject);
	plan_bind_time(&values, kept_since());
	if (owner_execute_latest(&find_id, values.datums, values.nulls) > 0)
		kept_raise(subject);
}

int64
closed_ids_purge(int64 limit)
{
	PlanValues values = {0};

	plan_bind_time(&values, kept_since());
	plan_bind_int64(&values, limit);
	return owner_execute(&delete_old, values.datums, values.nulls, false);
}

/* What was closed later is kept: nothing, where the setting is 0. */
static TimestampTz
kept_since(void)
{
	if (setting_integer("closed_id_days") <= 0)
		return DT_NOEND;
	return setting_kept_since("closed_id_days");
}

static void
kept_raise(const char *subject)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_CB_NOT_FOUND), errmsg("the account is closed"),
		 errdetail(
			 "\"%s\" is the external id of an account that was closed less than " INT64_FORMAT
			 " days ago (setting closed_id_days): a late notice makes no new account.",
			 subject, setting_integer("closed_id_days")),
		 errhint("A person who signs up anew does so under another id, or later.")));
}
