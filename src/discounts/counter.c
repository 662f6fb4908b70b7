/*
 * counter.c: the places of a code: one counter in its row or, for a code that many people use
 * at once, several shards whose sum is the count.
 *
 * Invariants: one UPDATE whose WHERE holds the limit takes a place, so that a call that waited
 * judges the row as the call before left it; the limits of the shards add up to the code's.
 * split_counter() holds the code's row FOR UPDATE; whoever takes or gives back a place holds it
 * at least FOR KEY SHARE, so that the counter is not split meanwhile.
 *
 * Where there are cells, each shard belongs to one of them, which alone takes its places; only
 * home writes limits, and moves free places from its own shards to those of another cell
 * (refill_counter()); a limit that is raised or lowered is home's places. What a cell counted
 * before the code was split stays in its row of the code. So the places of all cells add up to
 * the limit whenever each of them looks, and however late it hears of a move: a cell that has
 * not heard yet sells less. A limited code that is not split is home's alone.
 *
 * Locks: the quick way takes a shard that nobody holds (SKIP LOCKED) and waits for nothing;
 * when it finds none, it is undone with the locks that it took (shard_now()). A call that must
 * wait for shards locks the code's row first, then the shards in order, so that no two calls
 * wait for each other. Expired reservations are ended only when no place is left otherwise, and
 * those whose entry another call holds are skipped: that call may be waiting for the code.
 *
 * Rights: the statements run with the rights of the tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "cells/cell.h"
#include "core/args.h"
#include "core/attempt.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/row_trigger.h"
#include "core/schema.h"
#include "discounts/discount.h"

#define MAX_SHARDS 1024

static KeptPlan find_shards = {
	.sql = "SELECT FROM coursebase.discount_code_shards WHERE discount_code_id = $1 LIMIT 1",
	.nargs = 1,
	.types = {UUIDOID},
};
/* NULL for max_redemptions is any number. $2 and $3, here and below: cell and home, or NULL. */
static KeptPlan take_from_code = {
	.sql = "UPDATE coursebase.discount_codes SET redeemed_count = redeemed_count + 1"
		   " WHERE id = $1 AND (max_redemptions IS NULL"
		   "  OR redeemed_count < max_redemptions AND $2 IS NOT DISTINCT FROM $3)",
	.nargs = 3,
	.types = {UUIDOID, INT4OID, INT4OID},
};
/* In random order, so that buyers at once try different shards. */
static KeptPlan take_from_free_shard = {
	.sql = "UPDATE coursebase.discount_code_shards SET redeemed_count = redeemed_count + 1"
		   " WHERE discount_code_id = $1 AND shard = (SELECT s.shard"
		   "  FROM coursebase.discount_code_shards s WHERE s.discount_code_id = $1"
		   "  AND (s.max_redemptions IS NULL OR s.redeemed_count < s.max_redemptions)"
		   "  AND " DISCOUNT_SHARD_IS_OWN(
			   "$2", "$3") "  ORDER BY random() LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED)",
	.nargs = 3,
	.types = {UUIDOID, INT4OID, INT4OID},
};
/* In one order for all calls, so that two of them wait in turn. */
static KeptPlan lock_shards = {
	.sql = "SELECT FROM coursebase.discount_code_shards WHERE discount_code_id = $1"
		   " ORDER BY shard FOR NO KEY UPDATE",
	.nargs = 1,
	.types = {UUIDOID},
};
/* All shards are locked: the subquery sees what the calls before left. */
static KeptPlan take_from_locked_shard = {
	.sql = "UPDATE coursebase.discount_code_shards SET redeemed_count = redeemed_count + 1"
		   " WHERE discount_code_id = $1 AND shard = (SELECT s.shard"
		   "  FROM coursebase.discount_code_shards s WHERE s.discount_code_id = $1"
		   "  AND (s.max_redemptions IS NULL OR s.redeemed_count < s.max_redemptions)"
		   "  AND " DISCOUNT_SHARD_IS_OWN("$2", "$3") "  ORDER BY s.shard LIMIT 1)",
	.nargs = 3,
	.types = {UUIDOID, INT4OID, INT4OID},
};
/* Calls that found no place by the quick way take turns here. */
static KeptPlan lock_code = {
	.sql = "SELECT FROM coursebase.discount_codes WHERE id = $1 FOR NO KEY UPDATE",
	.nargs = 1,
	.types = {UUIDOID},
};
/* SKIP LOCKED against the order of locks: an entry after the code. */
static KeptPlan reclaim_expired = {
	.sql = "UPDATE coursebase.user_discounts"
		   " SET status = 'assigned', reserved_until = NULL, order_ref = NULL, quote = NULL"
		   " WHERE discount_code_id = $1 AND user_id = ANY (ARRAY(SELECT d.user_id"
		   "  FROM coursebase.user_discounts d WHERE d.discount_code_id = $1"
		   "  AND d.status = 'reserved' AND d.reserved_until <= $2"
		   "  ORDER BY d.user_id FOR NO KEY UPDATE SKIP LOCKED))",
	.nargs = 2,
	.types = {UUIDOID, TIMESTAMPTZOID},
};
/* A place that another cell counted, of a person who moved here, is counted here no more. */
static KeptPlan give_to_code = {
	.sql = "UPDATE coursebase.discount_codes"
		   " SET redeemed_count = redeemed_count - least(redeemed_count, $2),"
		   " moved_uses = moved_uses + $2 - least(redeemed_count, $2) WHERE id = $1",
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
/* Takes $2 off the counts, from the first shard on: f.rest is what the shards before left. */
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
/* The same where the shards have counted fewer than $2: what a cell counted before home split
 * the code stands beside them, and comes first. */
static KeptPlan give_beside_shards = {
	.sql = "UPDATE coursebase.discount_codes c"
		   " SET redeemed_count = c.redeemed_count - least(c.redeemed_count, $2 - s.counted),"
		   "  moved_uses = c.moved_uses + $2 - s.counted"
		   "   - least(c.redeemed_count, $2 - s.counted)"
		   " FROM (SELECT sum(t.redeemed_count)::bigint AS counted"
		   "  FROM coursebase.discount_code_shards t WHERE t.discount_code_id = $1) s"
		   " WHERE c.id = $1 AND s.counted < $2",
	.nargs = 2,
	.types = {UUIDOID, INT8OID},
};
/* FOR UPDATE waits for the FOR KEY SHARE of every use, and holds off every new one. */
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
/* Count and limit are spread evenly; the first shards take the remainders. */
static KeptPlan write_shards = {
	.sql = "INSERT INTO coursebase.discount_code_shards"
		   " (discount_code_id, shard, redeemed_count, max_redemptions)"
		   " SELECT $1, n, $3 / $2 + (n < $3 % $2)::integer, $4 / $2 + (n < $4 % $2)::integer"
		   " FROM generate_series(0, $2 - 1) n",
	.nargs = 4,
	.types = {UUIDOID, INT4OID, INT8OID, INT8OID},
};
/*
 * The same over cells: shard n belongs to cell n % $5. What is taken already was taken on home,
 * $6, whose first shard keeps it; the free places are spread evenly.
 */
static KeptPlan write_shards_of_cells = {
	.sql = "INSERT INTO coursebase.discount_code_shards"
		   " (discount_code_id, shard, redeemed_count, max_redemptions, cell)"
		   " SELECT $1, n, t.taken, ($4 - $3) / $2 + (n < ($4 - $3) % $2)::integer + t.taken,"
		   "  n % $5"
		   " FROM generate_series(0, $2 - 1) n"
		   " CROSS JOIN LATERAL (SELECT CASE n WHEN $6 THEN $3 ELSE 0 END AS taken) t",
	.nargs = 6,
	.types = {UUIDOID, INT4OID, INT8OID, INT8OID, INT4OID, INT4OID},
};
static KeptPlan find_shards_of_others = {
	.sql = "SELECT FROM coursebase.discount_code_shards WHERE discount_code_id = $1"
		   " AND cell <> $2 LIMIT 1",
	.nargs = 2,
	.types = {UUIDOID, INT4OID},
};
/*
 * Takes up to $3 free places off the limits of the shards of home, $2, from the first one on,
 * and answers how many.
 */
static KeptPlan lower_home = {
	.sql =
		"WITH free AS (SELECT s.shard, s.max_redemptions - s.redeemed_count AS places,"
		"  $3 - (sum(s.max_redemptions - s.redeemed_count) OVER (ORDER BY s.shard)"
		"   - (s.max_redemptions - s.redeemed_count))::bigint AS rest"
		"  FROM coursebase.discount_code_shards s"
		"  WHERE s.discount_code_id = $1 AND coalesce(s.cell, $2) = $2),"
		" moved AS (UPDATE coursebase.discount_code_shards t"
		"  SET max_redemptions = t.max_redemptions - least(f.places, f.rest) FROM free f"
		"  WHERE t.discount_code_id = $1 AND t.shard = f.shard AND f.rest > 0 AND f.places > 0"
		"  RETURNING least(f.places, f.rest) AS places)"
		" SELECT coalesce(sum(places), 0)::bigint FROM moved",
	.nargs = 3,
	.types = {UUIDOID, INT4OID, INT8OID},
};
/* The first shard of the cell, or one more shard for a cell that has none. */
static KeptPlan raise_cell = {
	.sql =
		"INSERT INTO coursebase.discount_code_shards AS s"
		" (discount_code_id, shard, max_redemptions, cell)"
		" SELECT $1, coalesce(min(o.shard) FILTER (WHERE o.cell = $2), max(o.shard) + 1), $3,"
		"  $2 FROM coursebase.discount_code_shards o WHERE o.discount_code_id = $1"
		" ON CONFLICT (discount_code_id, shard)"
		" DO UPDATE SET max_redemptions = s.max_redemptions + excluded.max_redemptions",
	.nargs = 3,
	.types = {UUIDOID, INT4OID, INT8OID},
};
static KeptPlan write_count = {
	.sql = "UPDATE coursebase.discount_codes SET redeemed_count = $2 WHERE id = $1",
	.nargs = 2,
	.types = {UUIDOID, INT8OID},
};

/* The columns of lock_code_whole. */
enum
{
	WHOLE_ID = 1,
	WHOLE_LIMIT,
	WHOLE_COUNT,
};

/* The quick way to a shard, and whether it found one. */
typedef struct QuickWay
{
	KeptPlan *plan;
	PlanValues *values;
	bool found;
} QuickWay;

static bool is_split(const pg_uuid_t *code_id);
static bool shard_now(KeptPlan *plan, PlanValues *values);
static bool shard_try(void *argument);
static bool take_from_shards(PlanValues *values);
static PlanValues code_and_cell(const pg_uuid_t *code_id);
static void code_lock(Datum code);
static void splitter_require(Cell *here, bool *cells, int shards);
static void refiller_require(Cell *here, int cell, int64 places);
static bool is_spread(const pg_uuid_t *code_id, int32 home);
static void split_require(const pg_uuid_t *code_id, const Cell *here);
static void home_limit_follow(TriggerData *data, const pg_uuid_t *code, int32 home);
static bool row_limit(TriggerData *data, HeapTuple row, int64 *limit);
static void give_back_locked(const pg_uuid_t *code_id, int64 places);
static int64 counter_split(int shards, const Cell *here);

PG_FUNCTION_INFO_V1(coursebase_split_counter);
PG_FUNCTION_INFO_V1(coursebase_refill_counter);
PG_FUNCTION_INFO_V1(coursebase_tg_discount_codes__keep_split);

bool
discount_place_take(const pg_uuid_t *code_id, TimestampTz at)
{
	PlanValues place = code_and_cell(code_id);
	Datum values[] = {UUIDPGetDatum(code_id), TimestampTzGetDatum(at)};
	bool split = is_split(code_id);
	uint64 expired;

	/* the quick way; when it fails, the places may only look taken: reservations have ended, or
	 * shards with places are locked */
	if (split ? shard_now(&take_from_free_shard, &place)
			  : owner_execute(&take_from_code, place.datums, place.nulls, false) > 0)
		return true;
	owner_execute(&lock_code, values, NULL, false);
	expired = owner_execute(&reclaim_expired, values, NULL, false);
	if (expired > 0)
		give_back_locked(code_id, expired);
	if (split)
		return take_from_shards(&place);
	return owner_execute(&take_from_code, place.datums, place.nulls, false) > 0;
}

void
discount_place_give_back(const pg_uuid_t *code_id)
{
	PlanValues values = {0};

	plan_bind_uuid(&values, code_id);
	if (is_split(code_id) && shard_now(&give_to_free_shard, &values))
		return;
	owner_execute(&lock_code, values.datums, NULL, false);
	give_back_locked(code_id, 1);
}

/*
 * SQL function: split_counter(code text, shards integer) returns bigint
 *
 * A limit smaller than the number of shards leaves some shards without a place: correct, and of
 * no use.
 */
PGDLLEXPORT Datum
coursebase_split_counter(PG_FUNCTION_ARGS)
{
	int64 count;
	Cell here;
	bool cells;

	args_require_all(fcinfo);
	schema_require_current();
	splitter_require(&here, &cells, PG_GETARG_INT32(1));
	SPI_connect();
	code_lock(PG_GETARG_DATUM(0));
	count = counter_split(PG_GETARG_INT32(1), cells ? &here : NULL);
	SPI_finish();
	PG_RETURN_INT64(count);
}

/*
 * SQL function: refill_counter(code text, cell integer, places bigint) returns bigint
 *
 * Both limits move in one transaction, which reaches the other cell as one.
 */
PGDLLEXPORT Datum
coursebase_refill_counter(PG_FUNCTION_ARGS)
{
	PlanValues values = {0};
	pg_uuid_t code;
	int64 moved;
	Cell here;

	args_require_all(fcinfo);
	schema_require_current();
	refiller_require(&here, PG_GETARG_INT32(1), PG_GETARG_INT64(2));
	SPI_connect();
	code_lock(PG_GETARG_DATUM(0));
	code = plan_uuid(0, WHOLE_ID);
	if (!is_split(&code))
		ereport(ERROR, (errcode(ERRCODE_CB_COUNTER_SPLIT),
						errmsg("the counter of the code is not split"),
						errdetail("All its places are home's."),
						errhint("Call coursebase.split_counter() first.")));
	plan_bind_uuid(&values, &code);
	plan_bind_int32(&values, here.home);
	plan_bind_int64(&values, PG_GETARG_INT64(2));
	owner_execute(&lower_home, values.datums, NULL, false);
	moved = plan_int64(0, 1);
	values.datums[1] = PG_GETARG_DATUM(1);
	values.datums[2] = Int64GetDatum(moved);
	if (moved > 0)
		owner_execute(&raise_cell, values.datums, NULL, false);
	SPI_finish();
	PG_RETURN_INT64(moved);
}

/* The code's row FOR UPDATE, which is the row that lock_code_whole gave. */
static void
code_lock(Datum code)
{
	if (owner_execute(&lock_code_whole, &code, NULL, false) != 1)
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such discount code"),
						errhint("Give the code of a row of discount_codes.")));
}

/* *cells: whether the shards are to be those of several cells, which each need one. */
static void
splitter_require(Cell *here, bool *cells, int shards)
{
	*cells = cell_here(here) && here->count > 1;
	if (*cells && here->number != here->home)
		cell_raise_not_home(here, "split_counter()");
	if (shards < 0 || shards > MAX_SHARDS)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("shards must be from 0 to %d", MAX_SHARDS)));
	if (*cells && shards > 0 && shards < here->count)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("there must be a shard for each of %d cells", here->count),
						errhint("Give so many shards, or a multiple.")));
}

/* Places go from home to another cell. */
static void
refiller_require(Cell *here, int cell, int64 places)
{
	if (!cell_here(here) || here->number != here->home)
		ereport(ERROR,
				(errcode(ERRCODE_CB_HOME_ONLY), errmsg("refill_counter() belongs on home"),
				 errhint("Call it on home, which has the free places.")));
	if (cell < 0 || cell >= here->count || cell == here->home)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("there is no cell %d beside home", cell),
						errdetail("Cells are numbered from 0 to %d; home is %d.",
								  here->count - 1, here->home)));
	if (places < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("places must not be negative"),
						errhint("What a cell got stays there.")));
}

/* Have other cells than home shards of the code? */
static bool
is_spread(const pg_uuid_t *code_id, int32 home)
{
	PlanValues values = {0};

	plan_bind_uuid(&values, code_id);
	plan_bind_int32(&values, home);
	return owner_execute(&find_shards_of_others, values.datums, NULL, false) > 0;
}

/* What other cells took is not counted here: their places cannot be taken back. */
static void
split_require(const pg_uuid_t *code_id, const Cell *here)
{
	if (is_spread(code_id, here->home))
		ereport(ERROR, (errcode(ERRCODE_CB_COUNTER_SPLIT),
						errmsg("the places of the code are spread over the cells"),
						errdetail("What the other cells took is counted there."),
						errhint("Give a cell more places by coursebase.refill_counter(); raise "
								"the limit by an UPDATE of the code.")));
}

/*
 * SQL function: tg_discount_codes__keep_split() returns trigger
 *
 * The UPDATE holds the code's row, which comes before its shards: refill_counter() and
 * split_counter() wait. On home the free places of its own shards follow the limit, and reach
 * the other cells with it, in one transaction.
 */
PGDLLEXPORT Datum
coursebase_tg_discount_codes__keep_split(PG_FUNCTION_ARGS)
{
	TriggerData *data =
		trigger_expect(fcinfo, "tg_discount_codes__keep_split", ROW_BEFORE_UPDATE);
	pg_uuid_t code;
	Cell here;

	SPI_connect();
	if (trigger_uuid(data, data->tg_trigtuple, "id", &code) && is_split(&code))
	{
		if (!cell_here(&here) || here.number != here.home || !is_spread(&code, here.home))
			ereport(
				ERROR,
				(errcode(ERRCODE_CB_COUNTER_SPLIT),
				 errmsg("the limit of a code whose counter is split cannot change"),
				 errdetail("Each part of the counter has a limit of its own."),
				 errhint("Join the counter with coursebase.split_counter(code, 0) first, and "
						 "split it again afterwards.")));
		home_limit_follow(data, &code, here.home);
	}
	SPI_finish();
	return PointerGetDatum(data->tg_newtuple);
}

/* What the limit grows or shrinks by is places of home. */
static void
home_limit_follow(TriggerData *data, const pg_uuid_t *code, int32 home)
{
	int64 before;
	int64 after;
	PlanValues values = {0};

	if (!row_limit(data, data->tg_trigtuple, &before) ||
		!row_limit(data, data->tg_newtuple, &after))
		ereport(
			ERROR,
			(errcode(ERRCODE_CB_COUNTER_SPLIT),
			 errmsg("a code that is spread over the cells neither gets a limit nor loses it"),
			 errdetail("What the other cells took is counted there."),
			 errhint("Make another code, and this one inactive.")));
	plan_bind_uuid(&values, code);
	plan_bind_int32(&values, home);
	plan_bind_int64(&values, Max(after, before) - Min(after, before));
	if (after >= before)
	{
		owner_execute(&raise_cell, values.datums, NULL, false);
		return;
	}
	owner_execute(&lower_home, values.datums, NULL, false);
	if (plan_int64(0, 1) < before - after)
		ereport(ERROR, (errcode(ERRCODE_CB_COUNTER_SPLIT),
						errmsg("home has not so many free places of the code"),
						errdetail("Of " INT64_FORMAT " places less, home has " INT64_FORMAT
								  " to give; what other cells have got stays there.",
								  before - after, plan_int64(0, 1)),
						errhint("Lower the limit by what is free on home.")));
}

/* The limit in a row of the code; false for none. */
static bool
row_limit(TriggerData *data, HeapTuple row, int64 *limit)
{
	bool null;
	Datum value = trigger_value_or_null(data, row, "max_redemptions", INT8OID, &null);

	if (!null)
		*limit = DatumGetInt64(value);
	return !null;
}

/* The caller's lock of the code, or the row's own UPDATE, keeps the answer true. */
static bool
is_split(const pg_uuid_t *code_id)
{
	Datum code = UUIDPGetDatum(code_id);

	return owner_execute(&find_shards, &code, NULL, false) > 0;
}

/*
 * Changes a shard that nobody holds. A shard that fills up while this call comes to it is
 * locked by the time that the server sees so, and would stay locked while this call waits for
 * the code, whose holder waits for the shards: where no shard was found, all of it is undone.
 */
static bool
shard_now(KeptPlan *plan, PlanValues *values)
{
	QuickWay way = {.plan = plan, .values = values};

	attempt(shard_try, &way, NULL);
	return way.found;
}

static bool
shard_try(void *argument)
{
	QuickWay *way = argument;

	way->found = owner_execute(way->plan, way->values->datums, way->values->nulls, false) > 0;
	return way->found;
}

/* The caller has locked the code. */
static bool
take_from_shards(PlanValues *values)
{
	owner_execute(&lock_shards, values->datums, NULL, false);
	return owner_execute(&take_from_locked_shard, values->datums, values->nulls, false) > 0;
}

/* The code, and which cell and home are: NULL and NULL where there is one server. */
static PlanValues
code_and_cell(const pg_uuid_t *code_id)
{
	PlanValues values = {0};

	plan_bind_uuid(&values, code_id);
	cell_bind(&values);
	return values;
}

/* The caller has locked the code. */
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
	owner_execute(&give_beside_shards, values, NULL, false);
	owner_execute(&give_to_locked_shards, values, NULL, false);
}

/*
 * Spreads the counter of the code that lock_code_whole gave over so many shards, 0 for none,
 * and answers the count. The code counts nothing beside its shards. here is NULL unless there
 * are other cells.
 */
static int64
counter_split(int shards, const Cell *here)
{
	pg_uuid_t code = plan_uuid(0, WHOLE_ID);
	int64 count = plan_int64(0, WHOLE_COUNT);
	PlanValues values = {0};
	PlanValues written = {0};
	bool unlimited;
	Datum limit = plan_value_as(0, WHOLE_LIMIT, INT8OID, &unlimited);

	if (here != NULL)
		split_require(&code, here);
	plan_bind_uuid(&values, &code);
	owner_execute(&delete_shards, values.datums, NULL, false);
	count += plan_int64(0, 1);
	plan_bind_int32(&values, shards);
	plan_bind_int64(&values, count);
	plan_bind_nullable(&values, limit, unlimited);
	if (here != NULL)
	{
		plan_bind_int32(&values, here->count);
		plan_bind_int32(&values, here->home);
	}
	if (shards > 0)
		owner_execute(here != NULL ? &write_shards_of_cells : &write_shards, values.datums,
					  values.nulls, false);
	plan_bind_uuid(&written, &code);
	plan_bind_int64(&written, shards > 0 ? 0 : count);
	owner_execute(&write_count, written.datums, NULL, false);
	return count;
}
