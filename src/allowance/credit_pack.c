/*
 * credit_pack.c: packs of credits, bought and refunded.
 *
 * Invariants: a purchase is known by source, environment and its id there, and belongs to one
 * person. What all packs of a person hold is the bank's limit. The packs that were granted
 * first are spent first, and a refund takes what is unspent of its own pack and of no other, as
 * far as it claims it; what is spent or reserved it takes when it comes back. A reversal gives
 * back what its refund took.
 *
 * Lock order: the row of users, then the purchase, then account and log (credit_account.h).
 *
 * Rights: the server's alone (EXECUTE is granted to nobody else); the statements run with the
 * rights of the tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "allowance/credit_account.h"
#include "allowance/credit_pack.h"
#include "core/args.h"
#include "core/compat.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/schema.h"
#include "core/signed_only.h"

/* The arguments of grant_credit_pack(), which are $1, $2, … of insert_purchase. */
enum
{
	GRANT_USER,
	GRANT_PRODUCT,
	GRANT_CREDITS,
	GRANT_SOURCE,
	GRANT_ENVIRONMENT,
	GRANT_PURCHASE,
	GRANT_TOKEN,
	GRANT_AMOUNT,
	GRANT_CURRENCY,
	GRANT_AT,
	GRANT_ARGUMENTS,
};

/* The arguments of refund_credit_pack(). */
enum
{
	REFUND_SOURCE,
	REFUND_ENVIRONMENT,
	REFUND_PURCHASE,
	REFUND_AT,
	REFUND_CREDITS, /* also of reverse_credit_pack_refund() */
};

static KeptPlan insert_purchase = {
	.sql = "INSERT INTO coursebase.ai_credit_purchases (user_id, product_id, credits, source, "
		   "environment, purchase_id, purchase_token, amount_in_cents, currency, purchased_at) "
		   "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) "
		   "ON CONFLICT (source, environment, purchase_id) DO NOTHING RETURNING id",
	.nargs = GRANT_ARGUMENTS,
	.types = {UUIDOID, TEXTOID, INT8OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT8OID, TEXTOID,
			  TIMESTAMPTZOID},
};

/* The columns of read_purchase. */
enum
{
	PURCHASE_ID = 1,
	PURCHASE_USER,
	PURCHASE_PRODUCT,
	PURCHASE_CREDITS,
};

static KeptPlan read_purchase = {
	.sql = "SELECT p.id, p.user_id, p.product_id, p.credits "
		   "FROM coursebase.ai_credit_purchases p "
		   "WHERE p.source = $1 AND p.environment = $2 AND p.purchase_id = $3",
	.nargs = 3,
	.types = {TEXTOID, TEXTOID, TEXTOID},
};
/* Claims $2 credits, or all that no refund claims yet; changes no row where a refund in full is
 * repeated. */
static KeptPlan claim_credits = {
	.sql =
		"UPDATE coursebase.ai_credit_purchases p "
		"SET claimed_credits = least(p.credits, p.claimed_credits + coalesce($2, p.credits)), "
		"status = CASE WHEN p.claimed_credits + coalesce($2, p.credits) >= p.credits "
		"THEN 'refunded' ELSE p.status END "
		"WHERE p.id = $1 AND p.claimed_credits < p.credits",
	.nargs = 2,
	.types = {UUIDOID, INT8OID},
};
/* Of what a refund took comes back what the remaining claims do not hold. */
static KeptPlan release_claim = {
	.sql =
		"UPDATE coursebase.ai_credit_purchases p SET status = 'valid', "
		"claimed_credits = n.claimed, refunded_credits = least(p.refunded_credits, n.claimed) "
		"FROM (SELECT o.refunded_credits AS taken, "
		"greatest(o.claimed_credits - coalesce($2, o.claimed_credits), 0) AS claimed "
		"FROM coursebase.ai_credit_purchases o WHERE o.id = $1) n "
		"WHERE p.id = $1 AND p.claimed_credits > 0 "
		"RETURNING n.taken - p.refunded_credits",
	.nargs = 2,
	.types = {UUIDOID, INT8OID},
};

/* The columns of read_packs. */
enum
{
	PACK_ID = 1,
	PACK_HELD,
	PACK_CLAIMED,
};

/* In the order in which packs are spent. */
static KeptPlan read_packs = {
	.sql = "SELECT p.id, p.credits - p.refunded_credits, "
		   "p.claimed_credits - p.refunded_credits "
		   "FROM coursebase.ai_credit_purchases p JOIN coursebase.credit_log e "
		   "ON e.credit_purchase_id = p.id AND e.kind = 'pack' "
		   "WHERE p.user_id = $1 ORDER BY e.position",
	.nargs = 1,
	.types = {UUIDOID},
};
/* Adds up, for a pack may be taken from twice: when refunded, and when a reservation ends. */
static KeptPlan take_back = {
	.sql = "UPDATE coursebase.ai_credit_purchases p "
		   "SET refunded_credits = p.refunded_credits + $2 WHERE p.id = $1",
	.nargs = 2,
	.types = {UUIDOID, INT8OID},
};

/* A purchase as stored; texts are copies. */
typedef struct Purchase
{
	pg_uuid_t id;
	pg_uuid_t user;
	const char *product;
	int64 credits;
} Purchase;

static void pack_grant(CreditEntry *entry, pg_uuid_t *id, FunctionCallInfo fcinfo);
static void pack_grant_again(CreditEntry *entry, pg_uuid_t *id, FunctionCallInfo fcinfo);
static void pack_refund(CreditEntry *entry, pg_uuid_t *id, FunctionCallInfo fcinfo,
						TimestampTz at);
static void pack_reverse(CreditEntry *entry, pg_uuid_t *id, FunctionCallInfo fcinfo,
						 TimestampTz at);
static void pack_require(Purchase *purchase, FunctionCallInfo fcinfo);
static void claim_require(FunctionCallInfo fcinfo);
static bool purchase_find(Purchase *purchase, FunctionCallInfo fcinfo, int source);
static void purchase_entry(CreditEntry *entry, const pg_uuid_t *purchase, const char *kind);
static void packs_write(const CreditPack *packs, const pg_uuid_t *ids, uint64 count);
static void entry_return(FunctionCallInfo fcinfo, const CreditEntry *entry);

PG_FUNCTION_INFO_V1(coursebase_grant_credit_pack);
PG_FUNCTION_INFO_V1(coursebase_refund_credit_pack);
PG_FUNCTION_INFO_V1(coursebase_reverse_credit_pack_refund);

/*
 * SQL function: grant_credit_pack(user_id uuid, product_id text, credits bigint, source text,
 * environment text, purchase_id text, purchase_token text, amount_in_cents bigint, currency
 * text, at timestamptz) returns table (credit_purchase_id uuid, bank_credits bigint, bank_left
 * bigint)
 */
PGDLLEXPORT Datum
coursebase_grant_credit_pack(PG_FUNCTION_ARGS)
{
	CreditEntry entry = {.kind = "pack"};
	pg_uuid_t purchase;
	OwnerRights rights;

	args_require_first(fcinfo, GRANT_AMOUNT);
	if (!PG_ARGISNULL(GRANT_AMOUNT))
		args_money(fcinfo, GRANT_AMOUNT);
	args_time(fcinfo, GRANT_AT);
	schema_require_current();
	signed_only_require(args_text_or_null(fcinfo, GRANT_SOURCE));
	compat_materialize(fcinfo);
	SPI_connect();
	rights = owner_enter();
	pack_grant(&entry, &purchase, fcinfo);
	owner_leave(rights);
	entry_return(fcinfo, &entry);
	SPI_finish();
	return (Datum) 0;
}

/*
 * SQL function: refund_credit_pack(source text, environment text, purchase_id text, at
 * timestamptz, credits bigint) returns table (credit_purchase_id uuid, bank_credits bigint,
 * bank_left bigint)
 */
PGDLLEXPORT Datum
coursebase_refund_credit_pack(PG_FUNCTION_ARGS)
{
	CreditEntry entry = {.kind = "refund"};
	pg_uuid_t purchase;
	OwnerRights rights;
	TimestampTz at;

	args_require_first(fcinfo, REFUND_AT);
	at = args_time(fcinfo, REFUND_AT);
	claim_require(fcinfo);
	schema_require_current();
	compat_materialize(fcinfo);
	SPI_connect();
	rights = owner_enter();
	pack_refund(&entry, &purchase, fcinfo, at);
	owner_leave(rights);
	entry_return(fcinfo, &entry);
	SPI_finish();
	return (Datum) 0;
}

/*
 * SQL function: reverse_credit_pack_refund(source text, environment text, purchase_id text, at
 * timestamptz, credits bigint) returns table (credit_purchase_id uuid, bank_credits bigint,
 * bank_left bigint)
 */
PGDLLEXPORT Datum
coursebase_reverse_credit_pack_refund(PG_FUNCTION_ARGS)
{
	CreditEntry entry = {.kind = "reversal"};
	pg_uuid_t purchase;
	OwnerRights rights;
	TimestampTz at;

	args_require_first(fcinfo, REFUND_AT);
	at = args_time(fcinfo, REFUND_AT);
	claim_require(fcinfo);
	schema_require_current();
	compat_materialize(fcinfo);
	SPI_connect();
	rights = owner_enter();
	pack_reverse(&entry, &purchase, fcinfo, at);
	owner_leave(rights);
	entry_return(fcinfo, &entry);
	SPI_finish();
	return (Datum) 0;
}

/* How many credits the refund is of; NULL: all. */
static void
claim_require(FunctionCallInfo fcinfo)
{
	if (!PG_ARGISNULL(REFUND_CREDITS) && PG_GETARG_INT64(REFUND_CREDITS) <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("credits must be above 0"),
				 errhint("Pass null for all credits of the pack.")));
}

/* entry->purchase points to *id, which must live as long. */
static void
pack_grant(CreditEntry *entry, pg_uuid_t *id, FunctionCallInfo fcinfo)
{
	PlanValues values = {0};
	CreditState state;

	/* the user's row before the purchase, so that of two equal calls the second one waits here
	 */
	credit_open(&state, PG_GETARG_UUID_P(GRANT_USER), PG_GETARG_TIMESTAMPTZ(GRANT_AT), false);
	for (int i = 0; i < GRANT_ARGUMENTS; i++)
		args_bind(&values, fcinfo, i);
	if (plan_execute(&insert_purchase, values.datums, values.nulls, false) == 0)
	{
		pack_grant_again(entry, id, fcinfo);
		return;
	}
	*id = plan_uuid(0, 1);
	if (!credit_bank_add(&state.account, PG_GETARG_INT64(GRANT_CREDITS)))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("the bank of credits would be out of range")));
	entry->purchase = id;
	credit_save(&state, entry);
}

/* What the first call with that purchase wrote; raises KB205 if that call was another one. */
static void
pack_grant_again(CreditEntry *entry, pg_uuid_t *id, FunctionCallInfo fcinfo)
{
	Purchase purchase;

	if (!purchase_find(&purchase, fcinfo, GRANT_SOURCE) ||
		memcmp(&purchase.user, PG_GETARG_UUID_P(GRANT_USER), UUID_LEN) != 0 ||
		strcmp(purchase.product, args_text_or_null(fcinfo, GRANT_PRODUCT)) != 0 ||
		purchase.credits != PG_GETARG_INT64(GRANT_CREDITS))
		ereport(ERROR,
				(errcode(ERRCODE_CB_RECEIPT_USED),
				 errmsg("the purchase is that of another user or product"),
				 errdetail("The purchase was granted already, and with other content.")));
	*id = purchase.id;
	purchase_entry(entry, id, "pack");
}

/* entry->purchase points to *id, which must live as long. A refund in full that is repeated
 * answers its entry. */
static void
pack_refund(CreditEntry *entry, pg_uuid_t *id, FunctionCallInfo fcinfo, TimestampTz at)
{
	CreditState state;
	Purchase purchase;
	PlanValues values = {0};

	pack_require(&purchase, fcinfo);
	*id = purchase.id;
	/* whose purchase it is never changes, so that the user's row may be locked after the look
	 */
	credit_open(&state, &purchase.user, at, true);
	plan_bind_uuid(&values, id);
	args_bind(&values, fcinfo, REFUND_CREDITS);
	if (plan_execute(&claim_credits, values.datums, values.nulls, false) == 0)
	{
		purchase_entry(entry, id, "refund");
		return;
	}
	credit_packs_take(&state);
	entry->purchase = id;
	credit_save(&state, entry);
}

/* Nothing is written where no refund claims anything: a reversal that is repeated. */
static void
pack_reverse(CreditEntry *entry, pg_uuid_t *id, FunctionCallInfo fcinfo, TimestampTz at)
{
	CreditState state;
	Purchase purchase;
	PlanValues values = {0};

	pack_require(&purchase, fcinfo);
	*id = purchase.id;
	credit_open(&state, &purchase.user, at, true);
	entry->purchase = id;
	entry->account = state.account;
	plan_bind_uuid(&values, id);
	args_bind(&values, fcinfo, REFUND_CREDITS);
	if (plan_execute(&release_claim, values.datums, values.nulls, false) == 0)
		return;
	if (!credit_bank_add(&state.account, plan_int64(0, 1)))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("the bank of credits would be out of range")));
	credit_save(&state, entry);
}

/* The purchase that a refund or its reversal names; KB106 if there is none. */
static void
pack_require(Purchase *purchase, FunctionCallInfo fcinfo)
{
	if (!purchase_find(purchase, fcinfo, REFUND_SOURCE))
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such purchase"),
						errdetail("No pack of credits was granted for \"%s\" of %s, %s.",
								  args_text_or_null(fcinfo, REFUND_PURCHASE),
								  args_text_or_null(fcinfo, REFUND_SOURCE),
								  args_text_or_null(fcinfo, REFUND_ENVIRONMENT))));
}

/* The purchase whose key begins at the argument `source`: source, environment, purchase_id. */
static bool
purchase_find(Purchase *purchase, FunctionCallInfo fcinfo, int source)
{
	PlanValues values = {0};

	for (int i = 0; i < 3; i++)
		args_bind(&values, fcinfo, source + i);
	if (plan_execute(&read_purchase, values.datums, values.nulls, false) == 0)
		return false;
	purchase->id = plan_uuid(0, PURCHASE_ID);
	purchase->user = plan_uuid(0, PURCHASE_USER);
	purchase->product = plan_text_required(0, PURCHASE_PRODUCT);
	purchase->credits = plan_int64(0, PURCHASE_CREDITS);
	return true;
}

/* The latest entry of that kind of the purchase: the one that a repeated call repeats. */
static void
purchase_entry(CreditEntry *entry, const pg_uuid_t *purchase, const char *kind)
{
	if (!credit_purchase_entry(entry, purchase, kind))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED), errmsg("the log of credits lacks a purchase"),
				 errhint("Run SELECT * FROM coursebase.check_integrity().")));
}

void
credit_packs_take(CreditState *state)
{
	Datum user = UUIDPGetDatum(&state->user);
	uint64 count = plan_execute(&read_packs, &user, NULL, false);
	CreditPack *packs =
		palloc_extended((count + 1) * sizeof(CreditPack), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	pg_uuid_t *ids = palloc_extended((count + 1) * sizeof(pg_uuid_t), MCXT_ALLOC_HUGE);
	int64_t taken;

	for (uint64 row = 0; row < count; row++)
	{
		ids[row] = plan_uuid(row, PACK_ID);
		packs[row].held = plan_int64(row, PACK_HELD);
		packs[row].claimed = plan_int64(row, PACK_CLAIMED);
	}
	if (!credit_packs_settle(&state->account, packs, count, &taken))
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
						errmsg("the bank of credits is not what its packs hold"),
						errhint("Run SELECT * FROM coursebase.check_integrity().")));
	packs_write(packs, ids, count);
}

/* Writes only what changed, in the order of the packs, which every refund of the person has. */
static void
packs_write(const CreditPack *packs, const pg_uuid_t *ids, uint64 count)
{
	for (uint64 i = 0; i < count; i++)
	{
		Datum values[] = {UUIDPGetDatum(&ids[i]), Int64GetDatum(packs[i].taken)};

		if (packs[i].taken > 0)
			plan_execute(&take_back, values, NULL, false);
	}
}

/* The columns of both functions: the purchase, what the entry changed in the bank, the rest. */
static void
entry_return(FunctionCallInfo fcinfo, const CreditEntry *entry)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum values[] = {
		UUIDPGetDatum(entry->purchase),
		Int64GetDatum(entry->change.bank),
		Int64GetDatum(credit_left(&entry->account).bank),
	};
	bool nulls[lengthof(values)] = {false};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}
