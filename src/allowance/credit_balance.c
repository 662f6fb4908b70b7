/*
 * credit_balance.c: what credits a user has at a time. Nothing here writes.
 *
 * Weeks that have passed since the last change are turned in the answer only, so that questions
 * may be asked on a standby. Rights: identity_resolve_user() decides about whom the caller may
 * ask; the statements run with the rights of the tables' owner.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "allowance/credit_account.h"
#include "allowance/seconds.h"
#include "cells/directory.h"
#include "core/args.h"
#include "core/compat.h"
#include "core/owner.h"
#include "identity/asking.h"

static bool account_look(CreditState *state, FunctionCallInfo fcinfo, int user, int at);

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

	seconds_argument(fcinfo, 0, &needed);
	compat_materialize(fcinfo);
	if (account_look(&state, fcinfo, 1, 2))
	{
		int64 available = credit_available(&state.account);
		bool allowed = needed <= available;
		Datum values[] = {
			BoolGetDatum(allowed),
			CStringGetTextDatum("not_enough_credits"),
			Int64GetDatum(needed),
			Int64GetDatum(available),
			TimestampTzGetDatum(state.reset),
		};
		bool nulls[lengthof(values)] = {false, allowed, false, false, !state.begun};

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
	if (account_look(&state, fcinfo, 0, 1))
	{
		Datum values[] = {
			Int64GetDatum(state.account.weekly_limit),
			Int64GetDatum(state.account.weekly_used),
			TimestampTzGetDatum(state.reset),
			Int64GetDatum(state.account.bank_limit),
			Int64GetDatum(state.account.bank_used),
			Int64GetDatum(credit_available(&state.account)),
		};
		bool nulls[lengthof(values)] = {false, false, !state.begun, false, false, false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/*
 * SQL function: ai_usage_member(user_id uuid, at timestamptz) returns table (member text,
 * valid_from timestamptz, valid_until timestamptz)
 *
 * Answers from the stored account and not from the log: before the current week the answer is
 * the same. valid_from and valid_until say how long week and account leave the member as it is;
 * what a subscription changes by time alone bounds the subscription's own member.
 */
PGDLLEXPORT Datum
coursebase_ai_usage_member(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	CreditState state;
	StringInfoData member;
	Datum values[3];
	bool nulls[3] = {false};

	args_require(fcinfo, 0);
	compat_materialize(fcinfo);
	credit_state_look(&state, PG_GETARG_UUID_P(0), args_time(fcinfo, 1));
	if (!state.begun)
		directory_require_here(PG_GETARG_UUID_P(0));
	initStringInfo(&member);
	credit_state_write(&member, &state);
	values[0] = CStringGetTextDatum(member.data);
	values[1] = TimestampTzGetDatum(state.from);
	nulls[1] = state.from == DT_NOBEGIN;
	values[2] = TimestampTzGetDatum(state.reset);
	nulls[2] = !state.begun;
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	return (Datum) 0;
}

/* The account of the user that the arguments name; false, and no row, for nobody. Raises 42501
 * if the caller may not ask about that user. */
static bool
account_look(CreditState *state, FunctionCallInfo fcinfo, int user, int at)
{
	TimestampTz time = args_time(fcinfo, at);
	OwnerRights rights;
	pg_uuid_t id;

	if (!identity_resolve_user(args_uuid_or_null(fcinfo, user), &id))
		return false;
	SPI_connect();
	rights = owner_enter();
	credit_look(state, &id, time);
	owner_leave(rights);
	SPI_finish();
	return true;
}
