/*
 * anchor.c: locks the row of users that every decision about a person begins with.
 *
 * Why this row, and which locks may follow it: anchor.h. The lock is taken with the rights of
 * the tables' owner, because a person may be forbidden to update the own row.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"

#include "cells/directory.h"
#include "core/compat.h"
#include "core/datum.h"
#include "core/errors.h"
#include "core/lock_behind.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/restore.h"
#include "core/row_trigger.h"
#include "identity/anchor.h"
#include "identity/asking.h"
#include "identity/guest.h"

#define OF(condition) " FROM coursebase.users u WHERE u.id = $1" condition
#define LOCK(condition)                                                                        \
	"SELECT u.deleted_at IS NULL, u.merged_into" OF(condition) " FOR NO KEY UPDATE"
/* Whoever lives in this cell; a guest lives in another one. */
#define PERSON   " AND NOT u.is_guest"
#define ANYBODY  ""
#define ONE_USER .nargs = 1, .types = {UUIDOID}

static KeptPlan lock_user = {.sql = LOCK(PERSON), ONE_USER};
static KeptPlan lock_anybody = {.sql = LOCK(ANYBODY), ONE_USER};
#define BEHIND(condition)                                                                      \
	{                                                                                          \
		.wait = {.sql = LOCK(condition), ONE_USER},                                            \
		.skip = {.sql = LOCK(condition) " SKIP LOCKED", ONE_USER},                             \
		.there = {.sql = "SELECT u.tableoid, u.ctid" OF(condition), ONE_USER},                 \
		.mode = LockTupleNoKeyExclusive, .single = true,                                       \
	}
static LockBehind lock_user_behind = BEHIND(PERSON);
static LockBehind lock_anybody_behind = BEHIND(ANYBODY);

StatementMark anchor_held;

/* Who was locked last, for anchor_holds(). A rollback to an earlier savepoint frees the lock,
 * and changes the subtransaction. */
static struct
{
	LocalTransactionId transaction;
	SubTransactionId subtransaction;
	pg_uuid_t user;
} last_locked;

/* The greatest uuid of all who were locked in a transaction, or were and are free again after a
 * rollback: who is less comes against the order of locks. */
static struct
{
	LocalTransactionId transaction;
	pg_uuid_t user;
} greatest_locked;

/* The transaction of anchor_go_back(). */
static LocalTransactionId goes_back;

static uint64 anybody_lock_behind(const pg_uuid_t *user);
static Anchored anchored(const pg_uuid_t *user, uint64 rows);
pg_noreturn static void raise_missing(const pg_uuid_t *user, const pg_uuid_t *kept);

PG_FUNCTION_INFO_V1(coursebase_tg_any__lock_user);

/*
 * SQL function: tg_any__lock_user() returns trigger
 *
 * Locks the person before the row is written. The functions lock the person first and write
 * rows afterwards; a plain INSERT that locked only in its AFTER trigger would hold its row
 * first and could deadlock with them. Rows of several people come in any order: somebody whose
 * uuid is less than that of one who is locked is locked as lock_behind.h says. So is the person
 * of the row as it was where an UPDATE or DELETE holds its row already. An argument names
 * another column than user_id; then the person whom the row is to name is locked. Under a
 * restore nobody decides anything, so nothing is locked; nor is anybody for whom row security
 * will refuse the row, who could hold up anybody.
 */
PGDLLEXPORT Datum
coursebase_tg_any__lock_user(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_any__lock_user", ROW_BEFORE_CHANGE);
	bool named = data->tg_trigger->tgnargs > 0;
	HeapTuple row = named ? trigger_written_row(data) : data->tg_trigtuple;
	HeapTuple answer = trigger_written_row(data);
	pg_uuid_t user;

	if (statement_mark_fires(&anchor_held) || restore_under_way() ||
		!trigger_uuid(data, row, named ? data->tg_trigger->tgargs[0] : "user_id", &user) ||
		anchor_holds(&user))
		return PointerGetDatum(answer);
	/* of an UPDATE or DELETE row security has let the row through already */
	if (TRIGGER_FIRED_BY_INSERT(data->tg_event) && !identity_writes_as_admin(data->tg_relation))
		return PointerGetDatum(answer);
	SPI_connect();
	if (TRIGGER_FIRED_BY_INSERT(data->tg_event))
		anchor_user_of_row(&user);
	else
		/* the row stands, and so does its person, who may be a guest where it is a payment */
		anchored(&user, anybody_lock_behind(&user));
	SPI_finish();
	return PointerGetDatum(answer);
}

Anchored
anchor_user(const pg_uuid_t *user)
{
	Datum key = UUIDPGetDatum(user);

	if (anchor_goes_back())
		return anchor_user_behind(user);
	return anchored(user, owner_execute(&lock_user, &key, NULL, false));
}

Anchored
anchor_user_anywhere(const pg_uuid_t *user)
{
	Datum key = UUIDPGetDatum(user);
	uint64 rows = anchor_goes_back() ? anybody_lock_behind(user)
									 : owner_execute(&lock_anybody, &key, NULL, false);

	/* another session may have made the guest: a new snapshot sees the row */
	if (rows == 0 && guest_make(user))
		rows = owner_execute_latest(&lock_anybody, &key, NULL);
	return anchored(user, rows);
}

static uint64
anybody_lock_behind(const pg_uuid_t *user)
{
	Datum key = UUIDPGetDatum(user);

	return lock_behind(&lock_anybody_behind, &key);
}

Anchored
anchor_user_behind(const pg_uuid_t *user)
{
	Datum key = UUIDPGetDatum(user);

	return anchored(user, lock_behind(&lock_user_behind, &key));
}

Anchored
anchor_user_of_row(const pg_uuid_t *user)
{
	bool backwards = greatest_locked.transaction == compat_local_transaction() &&
					 memcmp(user, &greatest_locked.user, UUID_LEN) < 0;

	return backwards ? anchor_user_behind(user) : anchor_user(user);
}

/* What the row is that a lock gave, if it gave one. */
static Anchored
anchored(const pg_uuid_t *user, uint64 rows)
{
	if (rows == 0)
	{
		directory_require_here(user);
		return ANCHORED_NONE;
	}
	last_locked.transaction = compat_local_transaction();
	last_locked.subtransaction = GetCurrentSubTransactionId();
	last_locked.user = *user;
	if (greatest_locked.transaction != last_locked.transaction ||
		memcmp(user, &greatest_locked.user, UUID_LEN) > 0)
	{
		greatest_locked.transaction = last_locked.transaction;
		greatest_locked.user = *user;
	}
	return plan_bool(0, 1) ? ANCHORED_LIVE : ANCHORED_CLOSED;
}

bool
anchor_holds(const pg_uuid_t *user)
{
	return last_locked.transaction == compat_local_transaction() &&
		   last_locked.subtransaction == GetCurrentSubTransactionId() &&
		   uuid_equal(&last_locked.user, user);
}

void
anchor_go_back(void)
{
	goes_back = compat_local_transaction();
}

bool
anchor_goes_back(void)
{
	return goes_back == compat_local_transaction();
}

void
anchor_user_require(const pg_uuid_t *user)
{
	if (anchor_user(user) == ANCHORED_NONE)
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such user"),
						errdetail("None has the id %s.", uuid_text(user)),
						errhint("Give the id of a row of users.")));
}

/*
 * The row that was locked first stays locked: a merged account changes no more. The person who
 * was kept is locked behind it, and may be closing just now, which takes the merged row along.
 */
void
anchor_kept_user_require(pg_uuid_t *user)
{
	pg_uuid_t kept;

	/* most are found here, before anything is locked */
	identity_follow(user);
	anchor_user_require(user);
	while (plan_uuid_or_null(0, 2, &kept))
	{
		*user = kept;
		if (anchor_user_behind(user) == ANCHORED_NONE)
			anchor_raise_missing(user);
	}
}

void
anchor_open_user_require(const pg_uuid_t *user)
{
	if (anchor_user(user) != ANCHORED_LIVE)
		anchor_raise_missing(user);
}

void
anchor_transfer_require(const pg_uuid_t *from, const pg_uuid_t *to)
{
	if (memcmp(from, to, UUID_LEN) < 0)
		anchor_user_require(from);
	anchor_open_user_require(to);
	if (memcmp(from, to, UUID_LEN) > 0)
		anchor_user_require(from);
}

void
anchor_open_user_anywhere_require(const pg_uuid_t *user)
{
	Anchored state = anchor_user_anywhere(user);
	pg_uuid_t kept;

	if (state != ANCHORED_LIVE)
		raise_missing(user, state == ANCHORED_CLOSED && plan_uuid_or_null(0, 2, &kept) ? &kept
																					   : NULL);
}

void
anchor_raise_missing(const pg_uuid_t *user)
{
	pg_uuid_t kept = *user;

	/* refuses a person who lives in another cell */
	raise_missing(user, identity_follow(&kept) ? &kept : NULL);
}

static void
raise_missing(const pg_uuid_t *user, const pg_uuid_t *kept)
{
	if (kept != NULL)
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("the account was merged"),
						errdetail("What %s had is %s's.", uuid_text(user), uuid_text(kept)),
						errhint("Give the id %s.", uuid_text(kept))));
	ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such user"),
					errdetail("None has the id %s.", uuid_text(user)),
					errhint("Give the id of a row of users that is not closed.")));
}
