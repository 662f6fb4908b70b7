/*
 * credit_pack.c: packs of credits, bought, refunded, and gone to another person.
 *
 * Invariants: a purchase is known by source, environment and its id there, and one person has
 * it. A pack that goes to another person goes with what is unspent of it; what is spent or
 * reserved stays with who spent it. So several people may hold of a pack: what each holds is
 * the sum of the person's entries of it in the log, and all of them hold what refunds have left
 * of it. What a person holds of all packs is the limit of the person's bank.
 *
 * The packs that came to a person first are spent first, and one that comes back stands where
 * it stood. A refund takes what is unspent of its own pack and of no other, as far as it claims
 * it: of the person who has the pack, then of the others. What is spent or reserved it takes
 * when it comes back, whoever reserved it, and when credits of an earlier pack come, which pay
 * for what was laid on this one. A reversal gives what its refund took to the person who has
 * the pack.
 *
 * The receipt by which a store sold the pack follows a refund, and its reversal
 * (pack_receipt.h).
 *
 * Lock order: the rows of users who hold of the pack (people_lock.h), and whom its receipt
 * knows, with the receipt; then the purchase, then account and log (credit_account.h). Whoever
 * gives a reservation back locks one user alone, so the claims of refunds are read under the
 * lock of the purchase. One statement locks several purchases in the order of their ids. A
 * refund, its reversal and a transfer lock at once, before they write, all purchases that they
 * may come to: they settle one person after the other, or move one pack after the other, which
 * is no order of ids. Nothing is missing from what they lock, because a refund claims of a pack
 * only under the locks of all who hold of it.
 *
 * Rights: the server's alone (EXECUTE is granted to nobody else); the statements run with the
 * rights of the tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "allowance/credit_account.h"
#include "allowance/credit_pack.h"
#include "allowance/pack_receipt.h"
#include "core/args.h"
#include "core/compat.h"
#include "core/datum.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/schema.h"
#include "core/signed_only.h"
#include "identity/audit.h"
#include "identity/named.h"
#include "identity/people_lock.h"

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
	REFUND_CREDITS,
	REFUND_USER,
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
/*
 * Claims $2 credits, or all that no refund claims yet; changes no row where a refund in full is
 * repeated. Compares with what is left before it adds: the sum may be out of range. least()
 * passes over a NULL.
 */
static KeptPlan claim_credits = {
	.sql = "UPDATE coursebase.ai_credit_purchases p SET claimed_credits = "
		   "p.claimed_credits + least($2, p.credits - p.claimed_credits), "
		   "status = CASE WHEN $2 < p.credits - p.claimed_credits "
		   "THEN p.status ELSE 'refunded' END "
		   "WHERE p.id = $1 AND p.claimed_credits < p.credits",
	.nargs = 2,
	.types = {UUIDOID, INT8OID},
};
/* Gives back of what refunds took as much as the remaining claims do not cover. */
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

/* In the order in which packs are spent. The entries of a pack have credits where a refund took
 * of what a reservation gave back. */
static KeptPlan read_packs = {
	.sql = "SELECT h.id, h.held, p.claimed_credits - p.refunded_credits "
		   "FROM (SELECT l.credit_purchase_id AS id, min(l.position) AS position, "
		   "(sum(l.bank_credits) - coalesce(sum(l.credits), 0))::bigint AS held "
		   "FROM coursebase.credit_log l "
		   "WHERE l.user_id = $1 AND l.credit_purchase_id IS NOT NULL GROUP BY 1) h "
		   "JOIN coursebase.ai_credit_purchases p ON p.id = h.id ORDER BY h.position",
	.nargs = 1,
	.types = {UUIDOID},
};
/* Of the entries of one person and one pack: the person holds something of the pack. */
#define HOLDS "HAVING sum(l.bank_credits) > coalesce(sum(l.credits), 0)"
/*
 * Locks the rows in which refunds claim of what the person holds. read_packs is a statement of
 * its own, so that its snapshot is younger than these locks, and sees what others took while
 * this one waited.
 */
static KeptPlan lock_claims = {
	.sql = "SELECT FROM coursebase.ai_credit_purchases p "
		   "WHERE p.claimed_credits > p.refunded_credits AND p.id IN ("
		   "SELECT l.credit_purchase_id FROM coursebase.credit_log l "
		   "WHERE l.user_id = $1 AND l.credit_purchase_id IS NOT NULL GROUP BY 1 " HOLDS ") "
		   "ORDER BY p.id FOR NO KEY UPDATE",
	.nargs = 1,
	.types = {UUIDOID},
};
/* Everybody who holds of the pack, and who has it. */
#define PEOPLE_OF_PACK                                                                         \
	"SELECT p.user_id FROM coursebase.ai_credit_purchases p WHERE p.id = $1 UNION "            \
	"SELECT l.user_id FROM coursebase.credit_log l WHERE l.credit_purchase_id = $1 "           \
	"GROUP BY l.user_id " HOLDS
static KeptPlan list_people = {
	.sql = PEOPLE_OF_PACK " ORDER BY 1",
	.nargs = 1,
	.types = {UUIDOID},
};
/* The pack that is refunded, and those of which refunds claim what the same people hold. */
static KeptPlan lock_refunded = {
	.sql = "SELECT FROM coursebase.ai_credit_purchases p WHERE p.id IN (SELECT $1 UNION "
		   "SELECT c.id FROM (" PEOPLE_OF_PACK ") h "
		   "JOIN coursebase.credit_log l ON l.user_id = h.user_id "
		   "JOIN coursebase.ai_credit_purchases c ON c.id = l.credit_purchase_id "
		   "WHERE c.claimed_credits > c.refunded_credits GROUP BY h.user_id, c.id " HOLDS ") "
		   "ORDER BY p.id FOR NO KEY UPDATE",
	.nargs = 1,
	.types = {UUIDOID},
};
/*
 * All that the giver has, for the next to move may be one of them, and all of which the
 * receiver holds: refunds may claim of them.
 */
static KeptPlan lock_moved = {
	.sql = "SELECT FROM coursebase.ai_credit_purchases p WHERE p.id IN ("
		   "SELECT o.id FROM coursebase.ai_credit_purchases o WHERE o.user_id = $1 UNION "
		   "SELECT l.credit_purchase_id FROM coursebase.credit_log l "
		   "WHERE l.user_id = $2 AND l.credit_purchase_id IS NOT NULL) "
		   "ORDER BY p.id FOR NO KEY UPDATE",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};
static KeptPlan move_purchase = {
	.sql = "UPDATE coursebase.ai_credit_purchases p SET user_id = $5 "
		   "WHERE p.source = $1 AND p.environment = $2 AND p.purchase_id = $3 "
		   "AND p.user_id = $4 RETURNING p.id",
	.nargs = 5,
	.types = {TEXTOID, TEXTOID, TEXTOID, UUIDOID, UUIDOID},
};
/*
 * Adds to what was taken before: a refund takes from a pack at once, and again when a
 * reservation ends.
 */
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

/* What a person holds of each pack, in the order in which packs are spent. */
typedef struct Packs
{
	CreditPack *packs;
	pg_uuid_t *ids;
	uint64 count;
} Packs;

/* What people_find() gets: where the purchase is written, and the arguments that name it. */
typedef struct Search
{
	Purchase *purchase;
	FunctionCallInfo fcinfo;
} Search;

/* Takes the credits of a refunded pack, or gives them back, and answers whether anything was
 * written; entry->purchase points to *id, which must live as long. */
typedef bool (*PackTurn)(CreditEntry *entry, pg_uuid_t *id, FunctionCallInfo fcinfo,
						 TimestampTz at);

const PackReceiptKeeper *pack_receipt_keeper;

static bool pack_grant(CreditEntry *entry, pg_uuid_t *id, FunctionCallInfo fcinfo);
static void pack_grant_again(CreditEntry *entry, pg_uuid_t *id, FunctionCallInfo fcinfo);
static bool pack_refund(CreditEntry *entry, pg_uuid_t *id, FunctionCallInfo fcinfo,
						TimestampTz at);
static bool pack_reverse(CreditEntry *entry, pg_uuid_t *id, FunctionCallInfo fcinfo,
						 TimestampTz at);
static Datum pack_turn(FunctionCallInfo fcinfo, const char *kind, const char *action,
					   PackTurn turn);
static bool pack_receipt_turn(CreditEntry *entry, pg_uuid_t *id, FunctionCallInfo fcinfo,
							  TimestampTz at, PackTurn turn);
static void pack_audit(const char *action, const CreditEntry *entry);
static void pack_require(Purchase *purchase, FunctionCallInfo fcinfo);
static void claim_require(FunctionCallInfo fcinfo);
static bool purchase_find(Purchase *purchase, FunctionCallInfo fcinfo, int source);
static void pack_lock(Purchase *purchase, FunctionCallInfo fcinfo);
static bool people_find(People *people, bool locked, void *argument);
static uint64 people_list(const pg_uuid_t *pack, pg_uuid_t **people);
static void claims_take(CreditState *state, CreditEntry *own);
static void others_take(const Purchase *purchase, TimestampTz at);
static void packs_settle(Packs *packs, CreditAccount *account, const pg_uuid_t *user);
static int64 pack_rest(const CreditState *state, const pg_uuid_t *pack);
static void bank_add(CreditAccount *account, int64 credits);
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
	bool within = owner_is_entered();
	bool granted;
	pg_uuid_t purchase;
	OwnerRights rights;

	args_require_first(fcinfo, GRANT_AMOUNT);
	args_id(fcinfo, GRANT_PURCHASE);
	if (!PG_ARGISNULL(GRANT_AMOUNT))
		args_money(fcinfo, GRANT_AMOUNT);
	args_environment(fcinfo, GRANT_ENVIRONMENT);
	if (PG_ARGISNULL(GRANT_AMOUNT) != PG_ARGISNULL(GRANT_CURRENCY))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("amount_in_cents and currency go together"),
						errhint("Pass both, or neither.")));
	if (!PG_ARGISNULL(GRANT_CURRENCY))
		args_currency(fcinfo, GRANT_CURRENCY, false);
	args_time(fcinfo, GRANT_AT);
	schema_require_current();
	signed_only_require(args_text_or_null(fcinfo, GRANT_SOURCE));
	compat_materialize(fcinfo);
	SPI_connect();
	rights = owner_enter();
	granted = pack_grant(&entry, &purchase, fcinfo);
	owner_leave(rights);
	if (granted && !within)
		pack_audit("credit_pack_granted", &entry);
	entry_return(fcinfo, &entry);
	SPI_finish();
	return (Datum) 0;
}

/*
 * SQL function: refund_credit_pack(source text, environment text, purchase_id text, at
 * timestamptz, credits bigint, user_id uuid) returns table (credit_purchase_id uuid,
 * bank_credits bigint, bank_left bigint)
 */
PGDLLEXPORT Datum
coursebase_refund_credit_pack(PG_FUNCTION_ARGS)
{
	return pack_turn(fcinfo, "refund", "credit_pack_refunded", pack_refund);
}

/*
 * SQL function: reverse_credit_pack_refund(source text, environment text, purchase_id text, at
 * timestamptz, credits bigint, user_id uuid) returns table (credit_purchase_id uuid,
 * bank_credits bigint, bank_left bigint)
 */
PGDLLEXPORT Datum
coursebase_reverse_credit_pack_refund(PG_FUNCTION_ARGS)
{
	schema_require_current();
	/* it gives: a stolen server key must not take refunds back */
	signed_only_require(args_text_or_null(fcinfo, REFUND_SOURCE));
	return pack_turn(fcinfo, "reversal", "credit_pack_refund_reversed", pack_reverse);
}

/* The call of a refund or of its reversal, whose arguments are the same: what it writes is an
 * entry of the kind. */
static Datum
pack_turn(FunctionCallInfo fcinfo, const char *kind, const char *action, PackTurn turn)
{
	CreditEntry entry = {.kind = kind};
	bool within = owner_is_entered();
	bool turned;
	pg_uuid_t purchase;
	OwnerRights rights;
	TimestampTz at;

	args_require_first(fcinfo, REFUND_AT);
	args_id(fcinfo, REFUND_PURCHASE);
	at = args_time(fcinfo, REFUND_AT);
	claim_require(fcinfo);
	schema_require_current();
	compat_materialize(fcinfo);
	SPI_connect();
	rights = owner_enter();
	turned = within ? turn(&entry, &purchase, fcinfo, at)
					: pack_receipt_turn(&entry, &purchase, fcinfo, at, turn);
	owner_leave(rights);
	if (turned && !within)
		pack_audit(action, &entry);
	entry_return(fcinfo, &entry);
	SPI_finish();
	return (Datum) 0;
}

/* A call of the server's own: the receipt of the pack follows. refund_store_purchase() and its
 * reversal, which call within, write the receipt themselves. */
static bool
pack_receipt_turn(CreditEntry *entry, pg_uuid_t *id, FunctionCallInfo fcinfo, TimestampTz at,
				  PackTurn turn)
{
	const char *source = args_text_or_null(fcinfo, REFUND_SOURCE);
	const char *environment = args_text_or_null(fcinfo, REFUND_ENVIRONMENT);
	const char *purchase = args_text_or_null(fcinfo, REFUND_PURCHASE);
	bool turned;

	if (pack_receipt_keeper != NULL)
		pack_receipt_keeper->lock(source, environment, purchase);
	turned = turn(entry, id, fcinfo, at);
	if (turned && pack_receipt_keeper != NULL)
		pack_receipt_keeper->settle(source, environment, purchase, at);
	return turned;
}

/* Of a call of the server's own: a receipt, or its refund, that calls within is audited as one.
 */
static void
pack_audit(const char *action, const CreditEntry *entry)
{
	audit_write(action, psprintf("ai_credit_purchases/%s", uuid_text(entry->purchase)), NULL,
				psprintf("{\"bank_credits\": " INT64_FORMAT "}", entry->change.bank));
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

/* entry->purchase points to *id, which must live as long. False for a purchase that was granted
 * before. */
static bool
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
		return false;
	}
	*id = plan_uuid(0, 1);
	bank_add(&state.account, PG_GETARG_INT64(GRANT_CREDITS));
	entry->purchase = id;
	credit_save(&state, entry);
	return true;
}

/* What the first call with that purchase wrote, or how the pack came to the person; raises
 * KB205 if the first call was another one, or the pack is another person's by now. */
static void
pack_grant_again(CreditEntry *entry, pg_uuid_t *id, FunctionCallInfo fcinfo)
{
	Purchase purchase;

	if (!purchase_find(&purchase, fcinfo, GRANT_SOURCE) ||
		!uuid_equal(&purchase.user, PG_GETARG_UUID_P(GRANT_USER)) ||
		strcmp(purchase.product, args_text_or_null(fcinfo, GRANT_PRODUCT)) != 0 ||
		purchase.credits != PG_GETARG_INT64(GRANT_CREDITS))
		ereport(ERROR,
				(errcode(ERRCODE_CB_RECEIPT_USED),
				 errmsg("the purchase is that of another user or product"),
				 errdetail("The purchase was granted already, and with other content.")));
	*id = purchase.id;
	if (!credit_purchase_entry(entry, &purchase.user, id, "pack") &&
		!credit_purchase_entry(entry, &purchase.user, id, "moved_in"))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED), errmsg("the log of credits lacks a purchase"),
				 errhint("Run SELECT * FROM coursebase.check_integrity().")));
}

/* entry->purchase points to *id, which must live as long. A refund in full that is repeated
 * answers its entry, and nothing where the pack went to another person since. */
static bool
pack_refund(CreditEntry *entry, pg_uuid_t *id, FunctionCallInfo fcinfo, TimestampTz at)
{
	CreditState state;
	Purchase purchase;
	PlanValues values = {0};

	pack_lock(&purchase, fcinfo);
	*id = purchase.id;
	credit_open(&state, &purchase.user, at, true);
	entry->purchase = id;
	entry->account = state.account;
	plan_bind_uuid(&values, id);
	args_bind(&values, fcinfo, REFUND_CREDITS);
	if (plan_execute(&claim_credits, values.datums, values.nulls, false) == 0)
	{
		credit_purchase_entry(entry, &purchase.user, id, "refund");
		return false;
	}
	claims_take(&state, entry);
	others_take(&purchase, at);
	return true;
}

/*
 * The refund claims more than the one who has the pack holds of it. Others may hold a rest: the
 * pack went on while a reservation of theirs was open, and the reservation gave it back to
 * them. That rest is taken from them.
 */
static void
others_take(const Purchase *purchase, TimestampTz at)
{
	pg_uuid_t *people;
	uint64 count = people_list(&purchase->id, &people);

	for (uint64 i = 0; i < count; i++)
	{
		CreditState state;

		if (uuid_equal(&people[i], &purchase->user))
			continue;
		credit_open(&state, &people[i], at, true);
		claims_take(&state, NULL);
	}
}

/*
 * Takes what refunds claim and the person has not spent, with an entry for each pack of which
 * it takes: first that of own, which is written for nothing too, unless it is NULL.
 */
static void
claims_take(CreditState *state, CreditEntry *own)
{
	PackShare *taken;
	int count = credit_packs_take(state, &taken);

	/* back on the account: each entry takes the part of its pack */
	for (int i = 0; i < count; i++)
		state->account.bank_limit += taken[i].credits;
	for (int i = 0; own != NULL && i < count; i++)
		if (uuid_equal(&taken[i].pack, own->purchase))
		{
			state->account.bank_limit -= taken[i].credits;
			taken[i].credits = 0;
		}
	if (own != NULL)
		credit_save(state, own);
	for (int i = 0; i < count; i++)
	{
		CreditEntry entry = {.kind = "refund", .purchase = &taken[i].pack};

		if (taken[i].credits == 0)
			continue;
		state->account.bank_limit -= taken[i].credits;
		credit_save(state, &entry);
	}
}

/* A reversal that is repeated finds no claim to release, and writes nothing. */
static bool
pack_reverse(CreditEntry *entry, pg_uuid_t *id, FunctionCallInfo fcinfo, TimestampTz at)
{
	CreditState state;
	Purchase purchase;
	PlanValues values = {0};

	pack_lock(&purchase, fcinfo);
	*id = purchase.id;
	credit_open(&state, &purchase.user, at, true);
	entry->purchase = id;
	entry->account = state.account;
	plan_bind_uuid(&values, id);
	args_bind(&values, fcinfo, REFUND_CREDITS);
	if (plan_execute(&release_claim, values.datums, values.nulls, false) == 0)
		return false;
	bank_add(&state.account, plan_int64(0, 1));
	credit_save(&state, entry);
	claims_take(&state, NULL);
	return true;
}

/* The bank is an int64: a pack that would pass it is refused before anything is written. */
static void
bank_add(CreditAccount *account, int64 credits)
{
	if (!credit_bank_add(account, credits))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("the bank of credits would be out of range")));
}

/*
 * The entry of the giver and that of the receiver have the same time, so that at every time
 * both banks together hold what the packs hold.
 */
void
credit_pack_move(const char *source, const char *environment, const char *purchase_id,
				 const pg_uuid_t *from, const pg_uuid_t *to, TimestampTz at)
{
	PlanValues values = {0}, moved = {0};
	CreditState giver, receiver;
	pg_uuid_t id;
	CreditEntry gone = {.kind = "moved_out", .purchase = &id};
	CreditEntry come = {.kind = "moved_in", .purchase = &id};
	int64 rest;

	plan_bind_uuid(&moved, from);
	plan_bind_uuid(&moved, to);
	plan_bind_text(&values, source);
	plan_bind_text(&values, environment);
	plan_bind_text(&values, purchase_id);
	plan_bind_uuid(&values, from);
	plan_bind_uuid(&values, to);
	/* the purchases before the accounts, as everybody locks them */
	plan_execute(&lock_moved, moved.datums, moved.nulls, false);
	if (plan_execute(&move_purchase, values.datums, values.nulls, false) == 0)
		return;
	id = plan_uuid(0, 1);
	credit_open(&giver, from, at, true);
	credit_open(&receiver, to, giver.at, false);
	if (receiver.at > giver.at)
		credit_open(&giver, from, receiver.at, true);
	rest = pack_rest(&giver, &id);
	giver.account.bank_limit -= rest;
	credit_save(&giver, &gone);
	bank_add(&receiver.account, rest);
	credit_save(&receiver, &come);
	claims_take(&receiver, NULL);
}

/* Finds the purchase that a refund or its reversal names, and locks all who hold of it: nobody
 * is left who could give it on. Then the purchases of which these people's credits may be
 * taken. */
static void
pack_lock(Purchase *purchase, FunctionCallInfo fcinfo)
{
	NamedUser named = named_user_read(fcinfo, REFUND_USER);
	Datum id = UUIDPGetDatum(&purchase->id);

	people_lock(people_find, &(Search){.purchase = purchase, .fcinfo = fcinfo},
				args_text_or_null(fcinfo, REFUND_PURCHASE));
	named_user_require(&named, &purchase->user);
	/* after the people, whom nobody gives another pack while they are locked */
	plan_execute(&lock_refunded, &id, NULL, false);
}

/* Everybody who holds of the pack, of which the purchase is read anew each time. */
static bool
people_find(People *people, bool locked, void *argument)
{
	const Search *search = argument;
	pg_uuid_t *found;
	uint64 count;

	pack_require(search->purchase, search->fcinfo);
	count = people_list(&search->purchase->id, &found);
	for (uint64 i = 0; i < count; i++)
		people_add(people, &found[i]);
	return true;
}

/* Allocates the people in the current context. */
static uint64
people_list(const pg_uuid_t *pack, pg_uuid_t **people)
{
	Datum id = UUIDPGetDatum(pack);
	uint64 count = plan_execute(&list_people, &id, NULL, false);

	*people = palloc_extended((count + 1) * sizeof(pg_uuid_t), MCXT_ALLOC_HUGE);
	for (uint64 i = 0; i < count; i++)
		(*people)[i] = plan_uuid(i, 1);
	return count;
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

/* Writes only what changed, in the order of the packs. */
int
credit_packs_take(CreditState *state, PackShare **taken)
{
	Datum user = UUIDPGetDatum(&state->user);
	Packs packs;
	int count = 0;

	plan_execute(&lock_claims, &user, NULL, false);
	packs_settle(&packs, &state->account, &state->user);
	*taken = palloc_extended((packs.count + 1) * sizeof(PackShare), MCXT_ALLOC_HUGE);
	for (uint64 i = 0; i < packs.count; i++)
	{
		Datum values[] = {UUIDPGetDatum(&packs.ids[i]), Int64GetDatum(packs.packs[i].taken)};

		if (packs.packs[i].taken == 0)
			continue;
		plan_execute(&take_back, values, NULL, false);
		(*taken)[count++] = (PackShare){packs.ids[i], packs.packs[i].taken};
	}
	return count;
}

/* An entry a pack, so that the log says of which pack the credits were. */
void
credit_packs_log(CreditState *state, const PackShare *taken, int count)
{
	for (int i = 0; i < count; i++)
	{
		CreditEntry entry = {
			.kind = "taken",
			.price = taken[i].credits,
			.purchase = &taken[i].pack,
		};

		credit_save(state, &entry);
	}
}

/* What is unspent of the pack, and no refund claims. */
static int64
pack_rest(const CreditState *state, const pg_uuid_t *pack)
{
	CreditAccount account = state->account;
	Packs packs;

	packs_settle(&packs, &account, &state->user);
	for (uint64 i = 0; i < packs.count; i++)
		if (uuid_equal(&packs.ids[i], pack))
			return packs.packs[i].rest;
	return 0;
}

/* Reads the packs, and what refunds take of them and of the account by now. */
static void
packs_settle(Packs *packs, CreditAccount *account, const pg_uuid_t *user)
{
	Datum person = UUIDPGetDatum(user);
	uint64 count = plan_execute(&read_packs, &person, NULL, false);
	int64_t taken;

	packs->count = count;
	packs->packs =
		palloc_extended((count + 1) * sizeof(CreditPack), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	packs->ids = palloc_extended((count + 1) * sizeof(pg_uuid_t), MCXT_ALLOC_HUGE);
	for (uint64 row = 0; row < count; row++)
	{
		packs->ids[row] = plan_uuid(row, PACK_ID);
		packs->packs[row].held = plan_int64(row, PACK_HELD);
		packs->packs[row].claimed = plan_int64(row, PACK_CLAIMED);
	}
	if (!credit_packs_settle(account, packs->packs, count, &taken))
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
						errmsg("the bank of credits is not what its packs hold"),
						errhint("Run SELECT * FROM coursebase.check_integrity().")));
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
