/*
 * takeup.c: what waits is found by the names of what it is about.
 *
 * A refund may come before its sale, and an event of a subscription before the event or the
 * transfer that says whose it is. Such a notification keeps the names that it was sent with.
 * Whatever takes effect later has names too, and notifications that wait for one of them are
 * tried again in the same transaction.
 *
 * Locks: the names, mapped to a thousand advisory locks, so that a long import holds no more
 * locks than these. They are taken after the row of the inbox and the person, by who brings a
 * name shared with others who do. Two imports at once of what waits may deadlock on them; the
 * provider sends again. Who wakes a notification brings a name and does not lock it again: the
 * notification itself has a lock, of another thousand, by which who wakes it waits for those
 * who found it and could not have it. RevenueCat's accounts have a class of locks of their own,
 * taken between the row of the inbox and the person; who wakes has a person already, and leaves
 * waiting what another one's accounts are.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "core/datum.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/restore.h"
#include "core/row_trigger.h"
#include "notifications/members.h"
#include "notifications/takeup.h"

#define TAKEUP_COLUMNS 8
#define ACCOUNTS_MAX   (2 * NOTICE_ACCOUNTS)
/* How often, once a millisecond, a lock is tried whose holder has ended. */
#define ENDING_TRIES 100

/* The place of a hash among 1024: a lock for each name would fill the server's table. */
#define IN_PLACES " & 1023"
/* The places of the names $1. */
#define PLACES                                                                                 \
	"SELECT DISTINCT pg_catalog.hashtext(n.name)" IN_PLACES " AS place"                        \
	" FROM pg_catalog.unnest($1) n (name)"

/* The class of the locks: 'cbtu' in hexadecimal. Sorted, so that two callers take them in one
 * order. */
#define LOCK_NAMES(function)                                                                   \
	"SELECT pg_catalog." function "(1667396725, k.place) FROM (" PLACES " ORDER BY 1) k"
static KeptPlan lock_names = {
	.sql = LOCK_NAMES("pg_advisory_xact_lock"),
	.nargs = 1,
	.types = {TEXTARRAYOID},
};
static KeptPlan share_names = {
	.sql = LOCK_NAMES("pg_advisory_xact_lock_shared"),
	.nargs = 1,
	.types = {TEXTARRAYOID},
};
/* 'cbtn': the notification $1. */
#define LOCK_NOTIFICATION(function)                                                            \
	"SELECT pg_catalog." function "(1667396718, pg_catalog.uuid_hash($1)" IN_PLACES ")"
static KeptPlan lock_woken = {
	.sql = LOCK_NOTIFICATION("pg_advisory_xact_lock"),
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan share_missed = {
	.sql = LOCK_NOTIFICATION("pg_advisory_xact_lock_shared"),
	.nargs = 1,
	.types = {UUIDOID},
};
/* 'cbta': another class, for these are taken before the person. */
#define ACCOUNTS_CLASS          "1667396705"
#define LOCK_ACCOUNTS(function) "pg_catalog." function "(" ACCOUNTS_CLASS ", k.place)"
static KeptPlan lock_accounts = {
	.sql = "SELECT " LOCK_ACCOUNTS("pg_advisory_xact_lock") " FROM (" PLACES " ORDER BY 1) k",
	.nargs = 1,
	.types = {TEXTARRAYOID},
};
static KeptPlan try_accounts = {
	.sql = "SELECT pg_catalog.bool_and(" LOCK_ACCOUNTS(
		"pg_try_advisory_xact_lock") ") FROM (" PLACES ") k",
	.nargs = 1,
	.types = {TEXTARRAYOID},
};
/* Whether one of the locks is held within a transaction. One that has ended, and is about to
 * let its locks go, has the number 0. */
static KeptPlan are_accounts_held = {
	.sql = "SELECT EXISTS (SELECT FROM pg_catalog.pg_locks l JOIN (" PLACES ") k"
		   "  ON l.objid = k.place::pg_catalog.oid"
		   " WHERE l.locktype = 'advisory' AND l.granted"
		   "  AND l.classid = " ACCOUNTS_CLASS " AND l.objsubid = 2"
		   "  AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d"
		   "   WHERE d.datname = pg_catalog.current_database())"
		   "  AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()"
		   "  AND NOT l.virtualtransaction LIKE '%/0')",
	.nargs = 1,
	.types = {TEXTARRAYOID},
};
/*
 * Oldest first, as replay_notifications() goes: what is taken up first may be what the next one
 * needs.
 */
static KeptPlan find_waiting = {
	.sql = "SELECT n.id FROM coursebase.store_notifications n"
		   " WHERE n.outcome IN ('waiting', 'refused') AND n.waits_for && $1"
		   " ORDER BY n.happened_at, n.received_at, n.id",
	.nargs = 1,
	.types = {TEXTARRAYOID},
};

static int accounts_of(const StoreNotice *notice, Datum *texts);

PG_FUNCTION_INFO_V1(coursebase_tg_any__take_up);

/*
 * Every name that the notice has, whatever its subject: what waits names only one of them.
 * Numbers become text, as everywhere.
 */
Datum
takeup_names(const StoreNotice *notice)
{
	const JsonSlice names[] = {
		notice->payment,     notice->charge, notice->invoice, notice->original_transaction,
		notice->transaction, notice->token,  notice->order,
	};
	Datum texts[lengthof(names) + ACCOUNTS_MAX];
	int count = 0;

	for (int i = 0; i < lengthof(names); i++)
		if (names[i].size > 0)
			texts[count++] = CStringGetTextDatum(notice_text(names[i]));
	count += accounts_of(notice, &texts[count]);
	return array_of(TEXTOID, texts, NULL, count);
}

/* RevenueCat alone transfers from account to account: a transfer says whose it is by now that
 * waits for one of them. Answers how many texts it wrote, at most ACCOUNTS_MAX. */
static int
accounts_of(const StoreNotice *notice, Datum *texts)
{
	int count = 0;

	if (notice->store.size > 0 || notice->subject == NOTICE_TRANSFER)
		for (int i = 0; i < notice->naccounts; i++)
			texts[count++] = CStringGetTextDatum(notice_text(notice->accounts[i]));
	for (int i = 0; i < notice->ntransferred; i++)
		texts[count++] = CStringGetTextDatum(notice_text(notice->transferred_from[i]));
	return count;
}

/* Locks the accounts of RevenueCat that the notice names; nothing for any other provider's. */
void
takeup_accounts_lock(const StoreNotice *notice)
{
	Datum texts[ACCOUNTS_MAX];
	int count = accounts_of(notice, texts);
	Datum names;

	if (count == 0)
		return;
	names = array_of(TEXTOID, texts, NULL, count);
	owner_execute(&lock_accounts, &names, NULL, false);
}

/*
 * The same for who has locked a person already: false if another transaction has it, which is
 * not waited for. That of one which has just ended is: its locks go one by one, and who waited
 * for one of them may be here before the next has gone.
 */
bool
takeup_accounts_try(const StoreNotice *notice)
{
	Datum texts[ACCOUNTS_MAX];
	int count = accounts_of(notice, texts);
	Datum names;

	if (count == 0)
		return true;
	names = array_of(TEXTOID, texts, NULL, count);
	/* a session that has the lock outside a transaction, which is none of ours, keeps it */
	for (int tries = 0; tries < ENDING_TRIES; tries++)
	{
		owner_execute(&try_accounts, &names, NULL, false);
		if (plan_bool(0, 1))
			return true;
		owner_execute(&are_accounts_held, &names, NULL, false);
		if (plan_bool(0, 1))
			return false;
		CHECK_FOR_INTERRUPTS();
		pg_usleep(1000);
	}
	return false;
}

/* Taken by who is about to wait for a name: either it sees who brings the name, or is seen. */
void
takeup_lock(Datum names)
{
	owner_execute(&lock_names, &names, NULL, false);
}

/* Taken by who brings the name. Two who bring names do not wait for each other: each may bring
 * hundreds in one transaction, in any order. */
void
takeup_share(Datum names)
{
	owner_execute(&share_names, &names, NULL, false);
}

/*
 * Taken by who woke a notification that waits all the same, before it looks again. It shares
 * the names with others who bring one: alone with them it would wait for one of these, who may
 * wait for it.
 */
void
takeup_woken_lock(const pg_uuid_t *id)
{
	Datum key = UUIDPGetDatum(id);

	owner_execute(&lock_woken, &key, NULL, false);
}

/* Taken by who brought a name of a notification whose row another session has: that session
 * looks again after this one's end, or has ended. */
void
takeup_missed_share(const pg_uuid_t *id)
{
	Datum key = UUIDPGetDatum(id);

	owner_execute(&share_missed, &key, NULL, false);
}

/*
 * The ids are copied, in the current context: settling the first row runs statements that
 * overwrite the list.
 */
pg_uuid_t *
takeup_find(Datum names, uint64 *count)
{
	pg_uuid_t *ids;

	*count = owner_execute(&find_waiting, &names, NULL, false);
	ids = palloc(sizeof(pg_uuid_t) * (*count + 1));
	for (uint64 i = 0; i < *count; i++)
		ids[i] = plan_uuid(i, 1);
	return ids;
}

/*
 * SQL function: tg_any__take_up() returns trigger
 *
 * After a row got a name by which notifications may wait for it; the arguments are the columns.
 * The time is that of the transaction, as where a notification comes by itself.
 */
PGDLLEXPORT Datum
coursebase_tg_any__take_up(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_any__take_up", ROW_AFTER_CHANGE);
	HeapTuple row = trigger_row_after(data);
	Datum texts[TAKEUP_COLUMNS];
	int count = 0;

	if (restore_under_way() || row == NULL)
		return PointerGetDatum(NULL);
	for (int i = 0; i < data->tg_trigger->tgnargs && count < TAKEUP_COLUMNS; i++)
	{
		char *name = trigger_text_or_null(data, row, data->tg_trigger->tgargs[i]);

		if (name != NULL)
			texts[count++] = CStringGetTextDatum(name);
	}
	if (count == 0)
		return PointerGetDatum(NULL);
	SPI_connect();
	takeup_names_came(array_of(TEXTOID, texts, NULL, count),
					  GetCurrentTransactionStartTimestamp());
	SPI_finish();
	return PointerGetDatum(NULL);
}
