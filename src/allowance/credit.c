/*
 * credit.c: spending credits, at once or by a reservation, and the rule of the weekly limit.
 *
 * Invariants: a key names one use of a person. The same call again answers what the first one
 * did and writes nothing; the same key for another use is refused. What a reservation holds
 * counts as used. A reservation ends once, and its end never takes or gives more than the
 * difference between what it held and what the use cost.
 *
 * Rights: the server's alone (EXECUTE is granted to nobody else); the statements run with the
 * rights of the tables' owner, under the lock of the user (credit_account.h).
 */
#include "postgres.h"

#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/uuid.h"

#include "allowance/credit_account.h"
#include "allowance/credit_merge.h"
#include "allowance/credit_pack.h"
#include "allowance/seconds.h"
#include "core/args.h"
#include "core/compat.h"
#include "core/datum.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/row_trigger.h"
#include "core/schema.h"
#include "identity/anchor.h"

#define KEY_MAX_CHARACTERS 200

/* What a call says. */
typedef struct Use
{
	const pg_uuid_t *user;
	char *key;
	char *seconds; /* without trailing zeros; NULL: none */
	int64 price;
	TimestampTz at;
} Use;

static Datum spend(FunctionCallInfo fcinfo, const char *kind);
static Datum end_reservation(FunctionCallInfo fcinfo, Use *use, const char *kind);
static int entries_find(CreditEntry *entries, const pg_uuid_t *kept, Use *use);
static void use_read(Use *use, FunctionCallInfo fcinfo, int key, int seconds, int at);
static CreditEntry entry_repeated(const CreditEntry *entry, const char *kind, const Use *use);
static int reservation_settle(CreditState *state, const CreditEntry *reserved, int64 price,
							  PackShare **taken);
static CreditEntry reservation_find(const CreditEntry *entries, int count, const Use *use);
pg_noreturn static void not_enough_raise(const CreditState *state, int64 needed);
pg_noreturn static void conflict_raise(const Use *use, const CreditEntry *entry);
static void entry_return(FunctionCallInfo fcinfo, const CreditEntry *entry);

PG_FUNCTION_INFO_V1(coursebase_tg_ai_usage__weekly_limit);
PG_FUNCTION_INFO_V1(coursebase_consume_credits);
PG_FUNCTION_INFO_V1(coursebase_reserve_credits);
PG_FUNCTION_INFO_V1(coursebase_commit_credits);
PG_FUNCTION_INFO_V1(coursebase_release_credits);

/*
 * SQL function: tg_ai_usage__weekly_limit() returns trigger
 *
 * The WHEN of the trigger says which updates it is called for; it refuses each of them.
 */
PGDLLEXPORT Datum
coursebase_tg_ai_usage__weekly_limit(PG_FUNCTION_ARGS)
{
	trigger_expect(fcinfo, "tg_ai_usage__weekly_limit", ROW_BEFORE_UPDATE);
	ereport(ERROR, (errcode(ERRCODE_CB_WEEKLY_LIMIT),
					errmsg("the weekly limit falls only when the week turns"),
					errdetail("A week does not turn back either.")));
}

/*
 * SQL function: consume_credits(user_id uuid, seconds numeric, idempotency_key text, at
 * timestamptz) returns table (credits bigint, weekly_credits bigint, bank_credits bigint,
 * weekly_left bigint, bank_left bigint, next_reset timestamptz)
 */
PGDLLEXPORT Datum
coursebase_consume_credits(PG_FUNCTION_ARGS)
{
	return spend(fcinfo, "consume");
}

/*
 * SQL function: reserve_credits(user_id uuid, seconds numeric, idempotency_key text, at
 * timestamptz) returns table (as consume_credits)
 */
PGDLLEXPORT Datum
coursebase_reserve_credits(PG_FUNCTION_ARGS)
{
	return spend(fcinfo, "reserve");
}

/*
 * SQL function: commit_credits(user_id uuid, idempotency_key text, seconds numeric, at
 * timestamptz) returns table (as consume_credits)
 */
PGDLLEXPORT Datum
coursebase_commit_credits(PG_FUNCTION_ARGS)
{
	Use use;

	use_read(&use, fcinfo, 1, 2, 3);
	return end_reservation(fcinfo, &use, "commit");
}

/*
 * SQL function: release_credits(user_id uuid, idempotency_key text, at timestamptz) returns
 * table (as consume_credits)
 */
PGDLLEXPORT Datum
coursebase_release_credits(PG_FUNCTION_ARGS)
{
	Use use;

	use_read(&use, fcinfo, 1, -1, 2);
	return end_reservation(fcinfo, &use, "release");
}

/* A use that begins: all of it (consume), or what it may cost at most (reserve). */
static Datum
spend(FunctionCallInfo fcinfo, const char *kind)
{
	Use use;
	CreditState state;
	CreditEntry entries[2] = {0};
	CreditEntry entry = {.kind = kind};
	CreditAmount burnt;
	OwnerRights rights;

	use_read(&use, fcinfo, 2, 1, 3);
	args_id(fcinfo, 2);
	schema_require_current();
	compat_materialize(fcinfo);
	SPI_connect();
	rights = owner_enter();
	/* the lock before the look at the key: of two equal calls the second one finds the first */
	credit_open(&state, use.user, use.at, false);
	if (credit_entries(entries, use.user, use.key) > 0)
		entry = entry_repeated(&entries[0], kind, &use);
	else
	{
		if (!credit_burn(&state.account, use.price, &burnt))
			not_enough_raise(&state, use.price);
		entry.key = use.key;
		entry.seconds = use.seconds;
		entry.price = use.price;
		credit_save(&state, &entry);
	}
	owner_leave(rights);
	entry_return(fcinfo, &entry);
	SPI_finish();
	return (Datum) 0;
}

/*
 * The end of a reservation, of a closed account too: what it holds must not hang for ever. Who
 * made it may know the account by an id that was merged into another since.
 */
static Datum
end_reservation(FunctionCallInfo fcinfo, Use *use, const char *kind)
{
	CreditState state;
	CreditEntry entries[2] = {0};
	CreditEntry reserved;
	CreditEntry entry = {.kind = kind, .seconds = use->seconds};
	OwnerRights rights;
	pg_uuid_t kept = *use->user;
	int count;

	schema_require_current();
	compat_materialize(fcinfo);
	SPI_connect();
	rights = owner_enter();
	/* the lock before the look at the key, as in spend() */
	anchor_kept_user_require(&kept);
	credit_open(&state, &kept, use->at, true);
	count = entries_find(entries, &kept, use);
	entry.key = use->key;
	reserved = reservation_find(entries, count, use);
	if (count == 2)
		entry = entry_repeated(&entries[1], kind, use);
	else
	{
		PackShare *taken;
		int packs;

		entry.price = use->price;
		packs = reservation_settle(&state, &reserved, use->price, &taken);
		credit_save(&state, &entry);
		credit_packs_log(&state, taken, packs);
	}
	owner_leave(rights);
	entry_return(fcinfo, &entry);
	SPI_finish();
	return (Datum) 0;
}

/* The entries of the key, which merging may have made longer: the key of the use then is, too.
 */
static int
entries_find(CreditEntry *entries, const pg_uuid_t *kept, Use *use)
{
	int count = 0;

	if (!uuid_equal(kept, use->user))
	{
		char *key = credit_key_merged(use->key, use->user);

		count = credit_entries(entries, kept, key);
		if (count > 0)
			use->key = key;
	}
	return count > 0 ? count : credit_entries(entries, kept, use->key);
}

/* The arguments, by their numbers; seconds below 0: the function has none, and the use costs
 * nothing. */
static void
use_read(Use *use, FunctionCallInfo fcinfo, int key, int seconds, int at)
{
	memset(use, 0, sizeof(*use));
	args_require(fcinfo, 0);
	use->user = PG_GETARG_UUID_P(0);
	args_length(fcinfo, key, 1, KEY_MAX_CHARACTERS);
	use->key = text_to_cstring(PG_GETARG_TEXT_PP(key));
	if (seconds >= 0)
		use->seconds = seconds_argument(fcinfo, seconds, &use->price);
	use->at = args_time(fcinfo, at);
}

/* The entry, if the call that made it was the same as this one; else raises KB702. */
static CreditEntry
entry_repeated(const CreditEntry *entry, const char *kind, const Use *use)
{
	if (strcmp(entry->kind, kind) != 0 || (entry->seconds == NULL) != (use->seconds == NULL) ||
		(use->seconds != NULL && strcmp(entry->seconds, use->seconds) != 0))
		conflict_raise(use, entry);
	return *entry;
}

/* The first entry of the key. Raises KB106 if there is none, KB702 if it is no reservation. */
static CreditEntry
reservation_find(const CreditEntry *entries, int count, const Use *use)
{
	if (count == 0)
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such reservation"),
						errdetail("The user has none with the key \"%s\".", use->key),
						errhint("Call reserve_credits() first.")));
	if (strcmp(entries[0].kind, "reserve") != 0)
		conflict_raise(use, &entries[0]);
	return entries[0];
}

/*
 * Spends what the use cost beyond the reservation, or gives back what it did not need. Answers
 * from how many packs refunds took of what came back.
 *
 * An entry that came by a merge shows no more what it took of the week (credit_merge.c): that
 * is what its price has beyond the bank's part, and none of it comes back, as of a week that
 * has passed.
 */
static int
reservation_settle(CreditState *state, const CreditEntry *reserved, int64 price,
				   PackShare **taken)
{
	CreditAmount held = {reserved->price + reserved->change.bank, -reserved->change.bank};
	bool same_week = reserved->reset == state->reset && held.weekly == -reserved->change.weekly;
	CreditAmount moved;

	if (price > reserved->price)
	{
		if (!credit_burn(&state->account, price - reserved->price, &moved))
			not_enough_raise(state, price - reserved->price);
		return 0;
	}
	credit_give_back(&state->account, held, price, same_week, &moved);
	/* credits that come back to a pack that was refunded meanwhile go with the pack */
	return moved.bank > 0 ? credit_packs_take(state, taken) : 0;
}

/* Nothing was written: the app shows what is missing and when the week turns. */
static void
not_enough_raise(const CreditState *state, int64 needed)
{
	ereport(ERROR,
			(errcode(ERRCODE_CB_NOT_ENOUGH_CREDITS), errmsg("not enough credits"),
			 errdetail("Needed: " INT64_FORMAT ", available: " INT64_FORMAT ", next reset: %s.",
					   needed, credit_available(&state->account),
					   state->begun ? time_utc_text(state->reset) : "none"),
			 errhint("Buy a pack of credits, or wait for the week to turn.")));
}

/* Rule: the same key for another use is refused, whatever became of the first. */
static void
conflict_raise(const Use *use, const CreditEntry *entry)
{
	ereport(ERROR, (errcode(ERRCODE_CB_CREDIT_KEY_CONFLICT),
					errmsg("the key \"%s\" was used for something else", use->key),
					entry->seconds != NULL ? errdetail("The key's entry is: %s, %s seconds.",
													   entry->kind, entry->seconds)
										   : errdetail("The key's entry is: %s.", entry->kind),
					errhint("Give every use a key of its own.")));
}

static void
entry_return(FunctionCallInfo fcinfo, const CreditEntry *entry)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	CreditAmount left = credit_left(&entry->account);
	Datum values[] = {
		Int64GetDatum(entry->price),        Int64GetDatum(-entry->change.weekly),
		Int64GetDatum(-entry->change.bank), Int64GetDatum(left.weekly),
		Int64GetDatum(left.bank),           TimestampTzGetDatum(entry->reset),
	};
	bool nulls[lengthof(values)] = {false};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}
