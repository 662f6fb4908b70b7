/*
 * bounds.c: the SQL functions that say who is asking, and the bounds that policies compare
 * with.
 *
 * A policy says BETWEEN (SELECT own_from()) AND (SELECT own_to()), which an index serves. Both
 * bounds are the own id for a user, the smallest and the largest uuid for an administrator, and
 * NULL for nobody, which matches no row. An OR for administrators would cost the index.
 *
 * None of the functions needs a right of the caller beyond EXECUTE; each answers only about the
 * user who asks. They carry no SET search_path, because they resolve no name.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/snapmgr.h"
#include "utils/uuid.h"

#include "core/rows.h"
#include "identity/asking.h"

/* The byte that fills the lower and the upper bound of an administrator. */
#define LOWEST  0x00
#define HIGHEST 0xff

static RowsSource cohort_by_user = {
	.table = "user_cohorts",
	.index = "user_cohorts_pkey",
	.nkeys = 1,
	.keys = {{"user_id", UUIDOID}},
	.ncolumns = 1,
	.columns = {{"cohort_id", UUIDOID}},
};

static bool own_bound(pg_uuid_t *bound, int edge);
static bool own_cohort_bound(pg_uuid_t *bound, int edge);
static Datum uuid_result(FunctionCallInfo fcinfo, bool found, const pg_uuid_t *uuid);

PG_FUNCTION_INFO_V1(coursebase_current_user_id);
PG_FUNCTION_INFO_V1(coursebase_current_member_id);
PG_FUNCTION_INFO_V1(coursebase_is_admin);
PG_FUNCTION_INFO_V1(coursebase_has_account);
PG_FUNCTION_INFO_V1(coursebase_own_from);
PG_FUNCTION_INFO_V1(coursebase_own_to);
PG_FUNCTION_INFO_V1(coursebase_own_cohort_from);
PG_FUNCTION_INFO_V1(coursebase_own_cohort_to);

/* SQL function: current_user_id() returns uuid */
PGDLLEXPORT Datum
coursebase_current_user_id(PG_FUNCTION_ARGS)
{
	pg_uuid_t user;

	return uuid_result(fcinfo, identity_current_user(&user), &user);
}

/* SQL function: current_member_id() returns uuid */
PGDLLEXPORT Datum
coursebase_current_member_id(PG_FUNCTION_ARGS)
{
	const Asking *asking = identity_asking_anywhere();

	if (asking == NULL)
		PG_RETURN_NULL();
	return uuid_result(fcinfo, true, &asking->user);
}

/* SQL function: is_admin() returns boolean */
PGDLLEXPORT Datum
coursebase_is_admin(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(identity_is_admin());
}

/*
 * SQL function: has_account(user_id uuid) returns boolean
 *
 * For functions in SQL that answer about a person: KBC01 comes with it.
 */
PGDLLEXPORT Datum
coursebase_has_account(PG_FUNCTION_ARGS)
{
	bool admin;

	PG_RETURN_BOOL(!PG_ARGISNULL(0) && identity_user_read(PG_GETARG_UUID_P(0), &admin));
}

/* SQL function: own_from() returns uuid */
PGDLLEXPORT Datum
coursebase_own_from(PG_FUNCTION_ARGS)
{
	pg_uuid_t bound;

	return uuid_result(fcinfo, own_bound(&bound, LOWEST), &bound);
}

/* SQL function: own_to() returns uuid */
PGDLLEXPORT Datum
coursebase_own_to(PG_FUNCTION_ARGS)
{
	pg_uuid_t bound;

	return uuid_result(fcinfo, own_bound(&bound, HIGHEST), &bound);
}

/* SQL function: own_cohort_from() returns uuid */
PGDLLEXPORT Datum
coursebase_own_cohort_from(PG_FUNCTION_ARGS)
{
	pg_uuid_t bound;

	return uuid_result(fcinfo, own_cohort_bound(&bound, LOWEST), &bound);
}

/* SQL function: own_cohort_to() returns uuid */
PGDLLEXPORT Datum
coursebase_own_cohort_to(PG_FUNCTION_ARGS)
{
	pg_uuid_t bound;

	return uuid_result(fcinfo, own_cohort_bound(&bound, HIGHEST), &bound);
}

/* One bound of the user ids that the user who asks may see; false for nobody. */
static bool
own_bound(pg_uuid_t *bound, int edge)
{
	if (!identity_current_user(bound))
		return false;
	if (identity_is_admin())
		memset(bound->data, edge, UUID_LEN);
	return true;
}

/* The same of cohort ids; false also for a user in no cohort. */
static bool
own_cohort_bound(pg_uuid_t *bound, int edge)
{
	pg_uuid_t user;

	if (!identity_current_user(&user))
		return false;
	if (!identity_is_admin())
		return identity_cohort(&user, bound);
	memset(bound->data, edge, UUID_LEN);
	return true;
}

/* Reads past row security and grants: everybody may know the own cohort. */
bool
identity_cohort(const pg_uuid_t *user, pg_uuid_t *cohort)
{
	Datum key = UUIDPGetDatum(user);
	Rows rows;
	bool found;

	rows_open(&rows, &cohort_by_user, GetActiveSnapshot());
	rows_find(&rows, &key);
	found = rows_next(&rows);
	if (found)
		*cohort = *DatumGetUUIDP(rows_value(&rows, 0));
	rows_close(&rows);
	return found;
}

/* The result of the SQL function, copied into its memory context; NULL if not found. */
static Datum
uuid_result(FunctionCallInfo fcinfo, bool found, const pg_uuid_t *uuid)
{
	pg_uuid_t *result;

	if (!found)
		PG_RETURN_NULL();
	result = palloc(sizeof(*result));
	*result = *uuid;
	PG_RETURN_UUID_P(result);
}
