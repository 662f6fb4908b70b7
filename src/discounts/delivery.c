/*
 * delivery.c: referrals between two people who live in two cells.
 *
 * The cell of the person brought keeps one row of referral_deliveries for that person: who the
 * referrer is, and the state of the credit. Each change of the state counts its version up. The
 * server delivers the whole state to the referrer's cell, as often as it likes and in any
 * order: there the credit is one row with the key of the person brought, and a state that is
 * not newer than the one which the row has changes nothing. So a credit is paid once, and a
 * revocation that arrives before what it revokes stands.
 *
 * Invariants: a person has one referrer, here or elsewhere; version counts the states that were
 * told, delivered_version is one that arrived and never above it.
 *
 * Locks: the person brought, in the one cell, and the referrer, in the other; never both.
 * Rights: only the server calls the functions; the statements run with the rights of the
 * tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "cells/cell.h"
#include "core/args.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/schema.h"
#include "discounts/delivery.h"
#include "identity/anchor.h"

/* Arguments of receive_referral(). */
enum
{
	RECEIVE_USER,
	RECEIVE_REFERRED,
	RECEIVE_VERSION,
	RECEIVE_AMOUNT,
	RECEIVE_CURRENCY,
	RECEIVE_EARNED_AT,
	RECEIVE_AVAILABLE_AT,
	RECEIVE_EXPIRES_AT,
	RECEIVE_REVOKED_AT,
	RECEIVE_ARGUMENTS,
};

static KeptPlan read_referrer = {
	.sql = "SELECT d.referrer_id FROM coursebase.referral_deliveries d WHERE d.user_id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan write_referrer = {
	.sql = "INSERT INTO coursebase.referral_deliveries (referred, user_id, referrer_id)"
		   " VALUES ($1, $1, $2)",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};
/* Once a person, whoever calls: a second premium earns nothing. */
static KeptPlan write_earned = {
	.sql = "UPDATE coursebase.referral_deliveries SET version = version + 1,"
		   " earned_at = $2, amount_in_cents = $3, currency = $4,"
		   " available_at = $2 + $5 * interval '24 hours',"
		   " expires_at = CASE WHEN $6 > 0 THEN $2 + ($5 + $6) * interval '24 hours' END"
		   " WHERE user_id = $1 AND earned_at IS NULL AND NOT EXISTS ("
		   "  SELECT FROM coursebase.user_profile p"
		   "  WHERE p.user_id = $1 AND p.referred_by IS NOT NULL)",
	.nargs = 6,
	.types = {UUIDOID, TIMESTAMPTZOID, INT4OID, TEXTOID, INT4OID, INT4OID},
};
/* By the time of the refund and not of the delivery: the hold is as long as in one cell. */
static KeptPlan revoke_earned = {
	.sql = "UPDATE coursebase.referral_deliveries SET version = version + 1, revoked_at = $2"
		   " WHERE user_id = $1 AND revoked_at IS NULL AND $2 < available_at",
	.nargs = 2,
	.types = {UUIDOID, TIMESTAMPTZOID},
};
/* Not a state that the referrer's cell has: it is not told. */
static KeptPlan mark_refunded = {
	.sql = "UPDATE coursebase.referral_deliveries SET revoked_by_refund = true"
		   " WHERE user_id = $1 AND revoked_at = $2",
	.nargs = 2,
	.types = {UUIDOID, TIMESTAMPTZOID},
};
static KeptPlan give_back = {
	.sql = "UPDATE coursebase.referral_deliveries SET version = version + 1,"
		   " revoked_at = NULL, revoked_by_refund = false"
		   " WHERE user_id = $1 AND revoked_by_refund",
	.nargs = 1,
	.types = {UUIDOID},
};
/*
 * The key on referred_elsewhere lets one credit a person be written; of two states the one with
 * the greater version stands, whichever arrives first. What was spent stays. Whose account and
 * whose referrer have become one person since is not paid for bringing oneself.
 */
static KeptPlan write_state = {
	.sql =
		"INSERT INTO coursebase.referral_credits AS c (user_id, referred_elsewhere,"
		" delivery_version, amount_in_cents, currency, source, earned_at, available_at,"
		" expires_at, revoked_at)"
		" SELECT u.id, $2, $3, $4, $5, 'first_premium', $6, $7, $8, $9"
		" FROM coursebase.users u WHERE u.id = $1 AND NOT u.is_guest AND (u.deleted_at IS NULL"
		"  OR EXISTS (SELECT FROM coursebase.referral_credits k"
		"   WHERE k.referred_elsewhere = $2))"
		"  AND NOT EXISTS (SELECT FROM coursebase.users r"
		"   WHERE r.id = $2 AND coalesce(r.merged_into, r.id) = u.id)"
		" ON CONFLICT (referred_elsewhere) DO UPDATE"
		" SET revoked_at = excluded.revoked_at, delivery_version = excluded.delivery_version"
		" WHERE c.delivery_version < excluded.delivery_version",
	.nargs = RECEIVE_ARGUMENTS,
	.types = {UUIDOID, UUIDOID, INT4OID, INT4OID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID,
			  TIMESTAMPTZOID, TIMESTAMPTZOID},
};
/* A version that is not told yet, or is older than what arrived, says nothing new. */
static KeptPlan acknowledge = {
	.sql = "UPDATE coursebase.referral_deliveries SET delivered_version = $2"
		   " WHERE referred = $1 AND delivered_version < $2 AND $2 <= version",
	.nargs = 2,
	.types = {UUIDOID, INT4OID},
};

static void receive_check(FunctionCallInfo fcinfo);

PG_FUNCTION_INFO_V1(coursebase_receive_referral);
PG_FUNCTION_INFO_V1(coursebase_acknowledge_referral);

/*
 * SQL function: receive_referral(user_id uuid, referred uuid, version integer, amount_in_cents
 * integer, currency text, earned_at timestamptz, available_at timestamptz, expires_at
 * timestamptz, revoked_at timestamptz) returns boolean
 *
 * A referrer whose account was merged is the person who was kept.
 */
PGDLLEXPORT Datum
coursebase_receive_referral(PG_FUNCTION_ARGS)
{
	PlanValues values = {0};
	pg_uuid_t referrer;
	bool news;

	receive_check(fcinfo);
	schema_require_current();
	referrer = *PG_GETARG_UUID_P(RECEIVE_USER);
	SPI_connect();
	anchor_kept_user_require(&referrer);
	plan_bind_uuid(&values, &referrer);
	for (int i = RECEIVE_REFERRED; i < RECEIVE_ARGUMENTS; i++)
		args_bind(&values, fcinfo, i);
	news = owner_execute(&write_state, values.datums, values.nulls, false) > 0;
	SPI_finish();
	PG_RETURN_BOOL(news);
}

/* SQL function: acknowledge_referral(referred uuid, version integer) returns boolean */
PGDLLEXPORT Datum
coursebase_acknowledge_referral(PG_FUNCTION_ARGS)
{
	Datum values[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	bool news;

	args_require_all(fcinfo);
	schema_require_current();
	SPI_connect();
	news = owner_execute(&acknowledge, values, NULL, false) > 0;
	SPI_finish();
	PG_RETURN_BOOL(news);
}

bool
delivery_referrer(Datum user, pg_uuid_t *referrer)
{
	Cell here;

	if (!cell_here(&here) || owner_execute(&read_referrer, &user, NULL, false) == 0)
		return false;
	*referrer = plan_uuid(0, 1);
	return true;
}

void
delivery_attach(Datum user, Datum referrer)
{
	Datum values[] = {user, referrer};

	owner_execute(&write_referrer, values, NULL, false);
}

bool
delivery_earn(Datum *values)
{
	Cell here;

	return cell_here(&here) && owner_execute(&write_earned, values, NULL, false) > 0;
}

bool
delivery_revoke(Datum *values)
{
	Cell here;

	return cell_here(&here) && owner_execute(&revoke_earned, values, NULL, false) > 0;
}

void
delivery_mark_refunded(Datum *values)
{
	Cell here;

	if (cell_here(&here))
		owner_execute(&mark_refunded, values, NULL, false);
}

void
delivery_return(Datum *values)
{
	Cell here;

	if (cell_here(&here))
		owner_execute(&give_back, values, NULL, false);
}

/* Raises for what no row of referral_credits could be. */
static void
receive_check(FunctionCallInfo fcinfo)
{
	args_require_first(fcinfo, RECEIVE_EXPIRES_AT);
	args_currency(fcinfo, RECEIVE_CURRENCY, false);
	args_time(fcinfo, RECEIVE_EARNED_AT);
	args_time(fcinfo, RECEIVE_AVAILABLE_AT);
	if (PG_GETARG_INT32(RECEIVE_VERSION) < 1 || PG_GETARG_INT32(RECEIVE_AMOUNT) < 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("version and amount_in_cents must be above 0"),
						errhint("Pass what pending_referrals() answered.")));
	if (PG_GETARG_TIMESTAMPTZ(RECEIVE_AVAILABLE_AT) < PG_GETARG_TIMESTAMPTZ(RECEIVE_EARNED_AT))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("available_at is before earned_at"),
						errhint("Pass what pending_referrals() answered.")));
}
