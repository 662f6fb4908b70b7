/*
 * counter.c: the places of a code: one counter in its row, or, when it is hot, several
 * shards whose sum is the count.
 *
 * Invariants: a place is taken by one UPDATE whose WHERE holds the limit, so that a waiter
 * looks again at the row it waited for; the sum of the shards' limits is the code's; whoever
 * changes how a counter is split holds the code's row FOR UPDATE, and whoever takes or gives
 * back a place holds it at least FOR KEY SHARE.
 *
 * Where a shard must be waited for, the code's row is locked first and shards are locked in
 * order; the quick way takes one that nobody holds and waits for nothing. So nothing here
 * deadlocks. Expired reservations are taken back only when there is no place without: nobody
 * else's entry is waited for, for who holds it may be waiting for the code.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "core/args.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/schema.h"
#include "discounts/discount.h"

#define MAX_SHARDS 1024

static KeptPlan find_shards = {
	.sql = "SELECT FROM coursebase.discount_code_shards WHERE discount_code_id = $1 LIMIT 1",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan take_from_code = {
	.sql = "UPDATE coursebase.discount_codes SET redeemed_count = redeemed_count + 1"
		   " WHERE id = $1 AND (max_redemptions IS NULL OR redeemed_count < max_redemptions)",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan take_from_free_shard = {
	.sql = "UPDATE coursebase.discount_code_shards SET redeemed_count = redeemed_count + 1"
		   " WHERE discount_code_id = $1 AND shard = (SELECT s.shard"
		   "  FROM coursebase.discount_code_shards s WHERE s.discount_code_id = $1"
		   "  AND (s.max_redemptions IS NULL OR s.redeemed_count < s.max_redemptions)"
		   "  ORDER BY random() LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED)",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan lock_shards = {
	.sql = "SELECT FROM coursebase.discount_code_shards WHERE discount_code_id = $1"
		   " ORDER BY shard FOR NO KEY UPDATE",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan take_from_locked_shard = {
	.sql = "UPDATE coursebase.discount_code_shards SET redeemed_count = redeemed_count + 1"
		   " WHERE discount_code_id = $1 AND shard = (SELECT s.shard"
		   "  FROM coursebase.discount_code_shards s WHERE s.discount_code_id = $1"
		   "  AND (s.max_redemptions IS NULL OR s.redeemed_count < s.max_redemptions)"
		   "  ORDER BY s.shard LIMIT 1)",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan lock_code = {
	.sql = "SELECT FROM coursebase.discount_codes WHERE id = $1 FOR NO KEY UPDATE",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan reclaim_expired = {
	.sql = "UPDATE coursebase.user_discounts"
		   " SET status = 'assigned', reserved_until = NULL, order_ref = NULL"
		   " WHERE discount_code_id = $1 AND user_id = ANY (ARRAY(SELECT d.user_id"
		   "  FROM coursebase.user_discounts d WHERE d.discount_code_id = $1"
		   "  AND d.status = 'reserved' AND d.reserved_until <= $2"
		   "  ORDER BY d.user_id FOR NO KEY UPDATE SKIP LOCKED))",
	.nargs = 2,
	.types = {UUIDOID, TIMESTAMPTZOID},
};
static KeptPlan give_to_code = {
	.sql = "UPDATE coursebase.discount_codes SET redeemed_count = redeemed_count - $2"
		   " WHERE id = $1",
	.nargs = 2,
	.types = {UUIDOID, INT8OID},
};
static KeptPlan give_to_free_shard = {
	.sql = "UPDATE coursebase.discount_code_shards SET redeemed_count = redeemed_count - 1"
		   " WHERE discount_code_id = $1 AND shard = (SELECT s.shard"
		   "  FROM coursebase.discount_code_shards s WHERE s.discount_code_id = $1"
		   "  AND s.redeemed_count > 0"
		   "  ORDER BY random() LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED)",
	.nargs = 1,
	.types = {UUIDOID},
};
/* Fills the gap from the first shard on. */
static KeptPlan give_to_locked_shards = {
	.sql = "UPDATE coursebase.discount_code_shards t"
		   " SET redeemed_count = t.redeemed_count - least(t.redeemed_count, f.rest)"
		   " FROM (SELECT s.shard, $2 - (sum(s.redeemed_count) OVER (ORDER BY s.shard)"
		   "   - s.redeemed_count)::bigint AS rest"
		   "  FROM coursebase.discount_code_shards s WHERE s.discount_code_id = $1) f"
		   " WHERE t.discount_code_id = $1 AND t.shard = f.shard"
		   " AND f.rest > 0 AND t.redeemed_count > 0",
	.nargs = 2,
	.types = {UUIDOID, INT8OID},
};
static KeptPlan lock_code_whole = {
	.sql = "SELECT id, max_redemptions, redeemed_count FROM coursebase.discount_codes"
		   " WHERE " DISCOUNT_CODE_IS("code", "$1") " FOR UPDATE",
	.nargs = 1,
	.types = {TEXTOID},
};
static KeptPlan delete_shards = {
	.sql = "WITH gone AS (DELETE FROM coursebase.discount_code_shards"
		   "  WHERE discount_code_id = $1 RETURNING redeemed_count)"
		   " SELECT coalesce(sum(redeemed_count), 0)::bigint FROM gone",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan write_shards = {
	.sql = "INSERT INTO coursebase.discount_code_shards"
		   " (discount_code_id, shard, redeemed_count, max_redemptions)"
		   " SELECT $1, n, $3 / $2 + (n < $3 % $2)::integer, $4 / $2 + (n < $4 % $2)::integer"
		   " FROM generate_series(0, $2 - 1) n",
	.nargs = 4,
	.types = {UUIDOID, INT4OID, INT8OID, INT8OID},
};
static KeptPlan write_count = {
	.sql = "UPDATE coursebase.discount_codes SET redeemed_count = $2 WHERE id = $1",
	.nargs = 2,
	.types = {UUIDOID, INT8OID},
};

static bool is_split(const pg_uuid_t *code_id);
static bool take_from_shards(Datum code);
static void give_back_locked(const pg_uuid_t *code_id, int64 places);
static int64 counter_split(Datum code, int shards, int64 count, Datum limit, bool unlimited);

PG_FUNCTION_INFO_V1(coursebase_split_counter);
PG_FUNCTION_INFO_V1(coursebase_tg_discount_codes__keep_split);

bool
discount_place_take(const pg_uuid_t *code_id, TimestampTz at)
{
	Datum values[] = {UUIDPGetDatum(code_id), TimestampTzGetDatum(at)};
	bool split = is_split(code_id);
	uint64 expired;

	if (owner_execute(split ? &take_from_free_shard : &take_from_code, values, NULL, false))
		return true;
	owner_execute(&lock_code, values, NULL, false);
	expired = owner_execute(&reclaim_expired, values, NULL, false);
	if (expired > 0)
		give_back_locked(code_id, expired);
	if (split)
		return take_from_shards(values[0]);
	return owner_execute(&take_from_code, values, NULL, false) > 0;
}

void
discount_place_give_back(const pg_uuid_t *code_id)
{
	Datum code = UUIDPGetDatum(code_id);

	if (is_split(code_id) && owner_execute(&give_to_free_shard, &code, NULL, false) > 0)
		return;
	owner_execute(&lock_code, &code, NULL, false);
	give_back_locked(code_id, 1);
}

/*
 * SQL function: split_counter(code text, shards integer) returns bigint
 *
 * A limit smaller than the number of shards leaves some of them without a place, which is right
 * and useless.
 */
PGDLLEXPORT Datum
coursebase_split_counter(PG_FUNCTION_ARGS)
{
	Datum code;
	Datum limit;
	int64 count;
	bool unlimited;
	bool null;

	args_require_all(fcinfo);
	schema_require_current();
	if (PG_GETARG_INT32(1) < 0 || PG_GETARG_INT32(1) > MAX_SHARDS)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("shards must be from 0 to %d", MAX_SHARDS)));
	SPI_connect();
	code = PG_GETARG_DATUM(0);
	if (owner_execute(&lock_code_whole, &code, NULL, false) != 1)
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such discount code"),
						errhint("Give the code of a row of discount_codes.")));
	code = plan_value(0, 1, &null);
	limit = plan_value(0, 2, &unlimited);
	count = DatumGetInt64(plan_value(0, 3, &null));
	count = counter_split(code, PG_GETARG_INT32(1), count, limit, unlimited);
	SPI_finish();
	PG_RETURN_INT64(count);
}

/* SQL function: tg_discount_codes__keep_split() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_discount_codes__keep_split(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	TupleDesc columns;
	Datum code;
	bool null;
	bool split;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_FOR_ROW(data->tg_event) ||
		!TRIGGER_FIRED_BY_UPDATE(data->tg_event))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("coursebase.tg_discount_codes__keep_split() works only as a "
							   "trigger for each row of an update")));
	columns = RelationGetDescr(data->tg_relation);
	code = SPI_getbinval(data->tg_trigtuple, columns, SPI_fnumber(columns, "id"), &null);
	SPI_connect();
	split = is_split(DatumGetUUIDP(code));
	SPI_finish();
	if (split)
		ereport(ERROR,
				(errcode(ERRCODE_CB_COUNTER_SPLIT),
				 errmsg("the limit of a code whose counter is split cannot change"),
				 errdetail("Each part of the counter has a limit of its own."),
				 errhint("Join the counter with coursebase.split_counter(code, 0) first, and "
						 "split it again afterwards.")));
	return PointerGetDatum(data->tg_newtuple);
}

static bool
is_split(const pg_uuid_t *code_id)
{
	Datum code = UUIDPGetDatum(code_id);

	return owner_execute(&find_shards, &code, NULL, false) > 0;
}

/* Under the lock of the code. */
static bool
take_from_shards(Datum code)
{
	owner_execute(&lock_shards, &code, NULL, false);
	return owner_execute(&take_from_locked_shard, &code, NULL, false) > 0;
}

/* Under the lock of the code. */
static void
give_back_locked(const pg_uuid_t *code_id, int64 places)
{
	Datum values[] = {UUIDPGetDatum(code_id), Int64GetDatum(places)};

	if (!is_split(code_id))
	{
		owner_execute(&give_to_code, values, NULL, false);
		return;
	}
	owner_execute(&lock_shards, values, NULL, false);
	owner_execute(&give_to_locked_shards, values, NULL, false);
}

/* Under the whole lock of the code. Answers the count, parts included. */
static int64
counter_split(Datum code, int shards, int64 count, Datum limit, bool unlimited)
{
	Datum values[] = {code, Int32GetDatum(shards), (Datum) 0, limit};
	Datum written[] = {code, Int64GetDatum(0)};
	bool null;

	owner_execute(&delete_shards, &code, NULL, false);
	count += DatumGetInt64(plan_value(0, 1, &null));
	values[2] = Int64GetDatum(count);
	if (shards > 0)
		owner_execute(&write_shards, values, unlimited ? "   n" : NULL, false);
	else
		written[1] = Int64GetDatum(count);
	owner_execute(&write_count, written, NULL, false);
	return count;
}
