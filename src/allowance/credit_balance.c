/*
 * credit_balance.c: what credits a person has, at any time. Nothing here writes.
 *
 * Weeks that have passed since the last change are turned in the answer only.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "allowance/credit.h"
#include "core/compat.h"
#include "core/owner.h"
#include "identity/asking.h"

static bool user_look(CreditState *state, FunctionCallInfo fcinfo, int user, int at);
static void state_look(CreditState *state, const pg_uuid_t *user, TimestampTz at);

PG_FUNCTION_INFO_V1(coursebase_check_credits);
PG_FUNCTION_INFO_V1(coursebase_credit_balance);
PG_FUNCTION_INFO_V1(coursebase_ai_usage_member);

/*
 * SQL function: check_credits(seconds numeric, user_id uuid, at timestamptz) returns table
 * (allowed boolean, reason text, needed bigint, available bigint, next_reset timestamptz)
 */
PGDLLEXPORT Datum
coursebase_check_credits(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	int64 needed;
	CreditState state;
	int64 available;

	credit_seconds_argument(fcinfo, 0, &needed);
	compat_materialize(fcinfo);
	if (user_look(&state, fcinfo, 1, 2))
	{
		bool nulls[5] = {false};
		Datum values[5] = {0};

		available = credit_available(&state.account);
		values[0] = BoolGetDatum(needed <= available);
		values[1] = CStringGetTextDatum("not_enough_credits");
		values[2] = Int64GetDatum(needed);
		values[3] = Int64GetDatum(available);
		values[4] = TimestampTzGetDatum(state.reset);
		nulls[1] = needed <= available;
		nulls[4] = !state.begun;
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/*
 * SQL function: credit_balance(user_id uuid, at timestamptz) returns table
 * (weekly_limit_credits bigint, weekly_used_credits bigint, weekly_reset_date timestamptz,
 * bank_limit_credits bigint, bank_used_credits bigint, available bigint)
 */
PGDLLEXPORT Datum
coursebase_credit_balance(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	CreditState state;

	compat_materialize(fcinfo);
	if (user_look(&state, fcinfo, 0, 1))
	{
		Datum values[] = {
			Int64GetDatum(state.account.weekly_limit),
			Int64GetDatum(state.account.weekly_used),
			TimestampTzGetDatum(state.reset),
			Int64GetDatum(state.account.bank_limit),
			Int64GetDatum(state.account.bank_used),
			Int64GetDatum(credit_available(&state.account)),
		};
		bool nulls[lengthof(values)] = {false};

		nulls[2] = !state.begun;
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/*
 * SQL function: ai_usage_member(user_id uuid, at timestamptz) returns table (member text,
 * valid_from timestamptz, valid_until timestamptz)
 *
 * Of the account as it is, not of the log: before the current week it is the same answer. What
 * a subscription changes by time alone is the business of the member that tells of it.
 */
PGDLLEXPORT Datum
coursebase_ai_usage_member(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	CreditState state;
	StringInfoData member;
	Datum values[3];
	bool nulls[3] = {false};

	credit_argument_require(fcinfo, 0, "user_id");
	compat_materialize(fcinfo);
	credit_state_look(&state, PG_GETARG_UUID_P(0), credit_time_argument(fcinfo, 1));
	initStringInfo(&member);
	credit_state_write(&member, &state);
	values[0] = CStringGetTextDatum(member.data);
	values[1] = TimestampTzGetDatum(state.from);
	values[2] = TimestampTzGetDatum(state.reset);
	nulls[1] = state.from == DT_NOBEGIN;
	nulls[2] = !state.begun;
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	return (Datum) 0;
}

/* False, no row, for nobody. */
static bool
user_look(CreditState *state, FunctionCallInfo fcinfo, int user, int at)
{
	TimestampTz time = credit_time_argument(fcinfo, at);
	pg_uuid_t id;

	if (!identity_resolve_user(PG_ARGISNULL(user) ? NULL : PG_GETARG_UUID_P(user), &id))
		return false;
	state_look(state, &id, time);
	return true;
}

static void
state_look(CreditState *state, const pg_uuid_t *user, TimestampTz at)
{
	OwnerRights rights;

	SPI_connect();
	rights = owner_enter();
	credit_look(state, user, at);
	owner_leave(rights);
	SPI_finish();
}
