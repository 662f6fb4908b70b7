/*
 * credit_pack.c: packs of credits, bought and refunded.
 *
 * A purchase is known by source, environment and its number there; it is one person's. What all
 * packs hold is the bank's limit. The packs granted first are spent first, and a refund takes
 * what is unspent of its own pack.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "allowance/credit.h"
#include "core/compat.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/schema.h"

/* The arguments of grant_credit_pack(). */
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

static const char *const grant_names[] = {
	"user_id",     "product_id",  "credits",        "source",
	"environment", "purchase_id", "purchase_token",
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

static KeptPlan read_purchase = {
	.sql = "SELECT p.id, p.user_id, p.user_id = $1 AND p.product_id = $2 AND p.credits = $3 "
		   "FROM coursebase.ai_credit_purchases p "
		   "WHERE p.source = $4 AND p.environment = $5 AND p.purchase_id = $6",
	.nargs = 6,
	.types = {UUIDOID, TEXTOID, INT8OID, TEXTOID, TEXTOID, TEXTOID},
};

static KeptPlan mark_refunded = {
	.sql = "UPDATE coursebase.ai_credit_purchases p SET status = 'refunded' "
		   "WHERE p.id = $1 AND p.status = 'valid'",
	.nargs = 1,
	.types = {UUIDOID},
};

static KeptPlan read_packs = {
	.sql = "SELECT p.id, p.credits - p.refunded_credits, p.status = 'refunded' "
		   "FROM coursebase.ai_credit_purchases p JOIN coursebase.credit_log e "
		   "ON e.credit_purchase_id = p.id AND e.kind = 'pack' "
		   "WHERE p.user_id = $1 ORDER BY e.position",
	.nargs = 1,
	.types = {UUIDOID},
};

static KeptPlan take_back = {
	.sql = "UPDATE coursebase.ai_credit_purchases p "
		   "SET refunded_credits = p.refunded_credits + $2 WHERE p.id = $1",
	.nargs = 2,
	.types = {UUIDOID, INT8OID},
};

static void pack_grant(CreditEntry *entry, pg_uuid_t *purchase, FunctionCallInfo fcinfo);
static void pack_refund(CreditEntry *entry, pg_uuid_t *purchase, Datum *key, TimestampTz at);
static bool purchase_find(Datum *key, pg_uuid_t *purchase, pg_uuid_t *user, bool *same);
static void purchase_entry(CreditEntry *entry, const pg_uuid_t *purchase, const char *kind);
static void packs_write(const CreditPack *packs, const pg_uuid_t *ids, uint64 count);
static void entry_return(FunctionCallInfo fcinfo, const CreditEntry *entry);

PG_FUNCTION_INFO_V1(coursebase_grant_credit_pack);
PG_FUNCTION_INFO_V1(coursebase_refund_credit_pack);

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

	for (int i = 0; i < lengthof(grant_names); i++)
		credit_argument_require(fcinfo, i, grant_names[i]);
	credit_time_argument(fcinfo, GRANT_AT);
	schema_require_current();
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
 * timestamptz) returns table (credit_purchase_id uuid, bank_credits bigint, bank_left bigint)
 */
PGDLLEXPORT Datum
coursebase_refund_credit_pack(PG_FUNCTION_ARGS)
{
	CreditEntry entry = {.kind = "refund"};
	Datum key[6] = {0};
	pg_uuid_t purchase;
	OwnerRights rights;
	TimestampTz at;

	for (int i = 0; i < 3; i++)
	{
		credit_argument_require(fcinfo, i, grant_names[GRANT_SOURCE + i]);
		key[GRANT_SOURCE + i] = PG_GETARG_DATUM(i);
	}
	at = credit_time_argument(fcinfo, 3);
	schema_require_current();
	compat_materialize(fcinfo);
	SPI_connect();
	rights = owner_enter();
	pack_refund(&entry, &purchase, key, at);
	owner_leave(rights);
	entry_return(fcinfo, &entry);
	SPI_finish();
	return (Datum) 0;
}

static void
pack_grant(CreditEntry *entry, pg_uuid_t *purchase, FunctionCallInfo fcinfo)
{
	Datum values[GRANT_ARGUMENTS];
	char nulls[GRANT_ARGUMENTS];
	CreditState state;
	pg_uuid_t owner;
	bool same;
	bool null;

	for (int i = 0; i < GRANT_ARGUMENTS; i++)
	{
		nulls[i] = PG_ARGISNULL(i) ? 'n' : ' ';
		values[i] = PG_ARGISNULL(i) ? (Datum) 0 : PG_GETARG_DATUM(i);
	}
	credit_open(&state, DatumGetUUIDP(values[GRANT_USER]),
				DatumGetTimestampTz(values[GRANT_AT]), false);
	if (plan_execute(&insert_purchase, values, nulls, false) == 0)
	{
		if (!purchase_find(values, purchase, &owner, &same) || !same)
			ereport(ERROR, (errcode(ERRCODE_CB_RECEIPT_USED),
							errmsg("the purchase is that of another user or product"),
							errdetail("It was granted already, and with other content.")));
		purchase_entry(entry, purchase, "pack");
		return;
	}
	*purchase = *DatumGetUUIDP(plan_value(0, 1, UUIDOID, &null));
	if (!credit_bank_add(&state.account, DatumGetInt64(values[GRANT_CREDITS])))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("the bank of credits would be out of range")));
	entry->purchase = purchase;
	credit_save(&state, entry);
}

static void
pack_refund(CreditEntry *entry, pg_uuid_t *purchase, Datum *key, TimestampTz at)
{
	CreditState state;
	pg_uuid_t user;
	Datum id;
	bool same;

	if (!purchase_find(key, purchase, &user, &same))
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such purchase"),
						errdetail("No pack of credits was granted for \"%s\" of %s, %s.",
								  TextDatumGetCString(key[GRANT_PURCHASE]),
								  TextDatumGetCString(key[GRANT_SOURCE]),
								  TextDatumGetCString(key[GRANT_ENVIRONMENT]))));
	credit_open(&state, &user, at, true);
	id = UUIDPGetDatum(purchase);
	if (plan_execute(&mark_refunded, &id, NULL, false) == 0)
	{
		purchase_entry(entry, purchase, "refund");
		return;
	}
	credit_packs_take(&state);
	entry->purchase = purchase;
	credit_save(&state, entry);
}

/* key: the arguments of grant_credit_pack() up to the purchase; without a user same is false.
 */
static bool
purchase_find(Datum *key, pg_uuid_t *purchase, pg_uuid_t *user, bool *same)
{
	char nulls[6] = {' ', ' ', ' ', ' ', ' ', ' '};
	bool null;

	if (key[GRANT_USER] == (Datum) 0)
		nulls[GRANT_USER] = nulls[GRANT_PRODUCT] = nulls[GRANT_CREDITS] = 'n';
	if (plan_execute(&read_purchase, key, nulls, false) == 0)
		return false;
	*purchase = *DatumGetUUIDP(plan_value(0, 1, UUIDOID, &null));
	*user = *DatumGetUUIDP(plan_value(0, 2, UUIDOID, &null));
	*same = DatumGetBool(plan_value(0, 3, BOOLOID, &null)) && !null;
	return true;
}

/* What the first call wrote. */
static void
purchase_entry(CreditEntry *entry, const pg_uuid_t *purchase, const char *kind)
{
	CreditEntry entries[2] = {0};
	int count = credit_entries(entries, NULL, NULL, purchase);

	for (int i = 0; i < count; i++)
		if (strcmp(entries[i].kind, kind) == 0)
		{
			*entry = entries[i];
			return;
		}
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
	bool null;

	for (uint64 row = 0; row < count; row++)
	{
		ids[row] = *DatumGetUUIDP(plan_value(row, 1, UUIDOID, &null));
		packs[row].held = DatumGetInt64(plan_value(row, 2, INT8OID, &null));
		packs[row].refunded = DatumGetBool(plan_value(row, 3, BOOLOID, &null));
	}
	if (!credit_packs_settle(&state->account, packs, count, &taken))
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
						errmsg("the bank of credits is not what its packs hold"),
						errhint("Run SELECT * FROM coursebase.check_integrity().")));
	packs_write(packs, ids, count);
}

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
