/*
 * anchor.c: locks the row of users that every decision about a person begins with.
 *
 * Why this row, and which locks may follow it: anchor.h. The lock is taken with the rights of
 * the tables' owner, because a person may be forbidden to update the own row.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"

#include "cells/directory.h"
#include "core/datum.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/restore.h"
#include "core/row_trigger.h"
#include "identity/anchor.h"
#include "identity/asking.h"

static KeptPlan lock_user = {
	.sql = "SELECT u.deleted_at IS NULL, u.merged_into FROM coursebase.users u WHERE u.id = $1"
		   " FOR NO KEY UPDATE",
	.nargs = 1,
	.types = {UUIDOID},
};

bool anchor_held;

PG_FUNCTION_INFO_V1(coursebase_tg_any__lock_user);

/*
 * SQL function: tg_any__lock_user() returns trigger
 *
 * Locks the person before the row is inserted. The functions lock the person first and write
 * rows afterwards; a plain INSERT that locked only in its AFTER trigger would hold its row
 * first and could deadlock with them. Under a restore nobody decides anything, so nothing is
 * locked.
 */
PGDLLEXPORT Datum
coursebase_tg_any__lock_user(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_any__lock_user", ROW_BEFORE_WRITE);
	pg_uuid_t user;

	if (anchor_held || restore_under_way() ||
		!trigger_uuid(data, trigger_written_row(data), "user_id", &user))
		return PointerGetDatum(trigger_written_row(data));
	SPI_connect();
	anchor_user(&user);
	SPI_finish();
	return PointerGetDatum(trigger_written_row(data));
}

Anchored
anchor_user(const pg_uuid_t *user)
{
	Datum key = UUIDPGetDatum(user);

	if (owner_execute(&lock_user, &key, NULL, false) == 0)
	{
		directory_require_here(user);
		return ANCHORED_NONE;
	}
	return plan_bool(0, 1) ? ANCHORED_LIVE : ANCHORED_CLOSED;
}

void
anchor_user_require(const pg_uuid_t *user)
{
	if (anchor_user(user) == ANCHORED_NONE)
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such user"),
						errdetail("None has the id %s.", uuid_text(user)),
						errhint("Give the id of a row of users.")));
}

/* The row that was locked first stays locked: a merged account changes no more. */
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
		anchor_user_require(user);
	}
}

void
anchor_open_user_require(const pg_uuid_t *user)
{
	if (anchor_user(user) != ANCHORED_LIVE)
		anchor_raise_missing(user);
}

void
anchor_raise_missing(const pg_uuid_t *user)
{
	pg_uuid_t kept = *user;

	/* refuses a person who lives in another cell */
	if (identity_follow(&kept))
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("the account was merged"),
						errdetail("What %s had is %s's.", uuid_text(user), uuid_text(&kept)),
						errhint("Give the id %s.", uuid_text(&kept))));
	ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such user"),
					errdetail("None has the id %s.", uuid_text(user)),
					errhint("Give the id of a row of users that is not closed.")));
}
