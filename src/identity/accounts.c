/*
 * accounts.c: stores the accounts that the authentication provider reports.
 *
 * Invariants: one subject (users.clerk_user_id) is one row of users. The provider may send a
 * report twice, late, or at the same time as another report about the same person: the first
 * call inserts the row, every other call waits for that insert and then updates only the
 * columns that differ. A closed account (deleted_at is set) never changes. Every change of a
 * role is audited.
 *
 * Locks: the row of users, FOR KEY SHARE. delete_user() takes that row FOR UPDATE, so it waits
 * until the call is over and then redacts what the call wrote as well.
 *
 * Rights: upsert_user() and assign_cohort() run with the caller's rights, the audit trigger
 * with those of the tables' owner.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/uuid.h"

#include "core/errors.h"
#include "core/plan.h"
#include "core/row_trigger.h"
#include "core/schema.h"
#include "identity/audit.h"
#include "identity/claims.h"

/*
 * The arguments of upsert_user(). Each statement of upsert_user() takes all of them as its
 * parameters, so that ACCOUNT_SUBJECT is $1 everywhere.
 */
enum
{
	ACCOUNT_SUBJECT,
	ACCOUNT_NAME,
	ACCOUNT_EMAIL,
	ACCOUNT_IMAGE,
	ACCOUNT_ROLE,
	ACCOUNT_FIRST_NAME,
	ACCOUNT_LAST_NAME,
	ACCOUNT_PHONE,
	ACCOUNT_COUNTRY,
	ACCOUNT_LEAD_SOURCE,
	ACCOUNT_TIME_ZONE,
	ACCOUNT_AT,
	ACCOUNT_ARGUMENTS,
};

/* The arguments as parameters of a statement; nulls holds 'n' for a null, ' ' otherwise. */
typedef struct Account
{
	Datum values[ACCOUNT_ARGUMENTS];
	char nulls[ACCOUNT_ARGUMENTS];
} Account;

#define ACCOUNT_TYPES                                                                          \
	.nargs = ACCOUNT_ARGUMENTS,                                                                \
	.types = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID,                            \
			  TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID}

/* The labels of user_role for the message, and whether $1 is one of them. */
static KeptPlan read_roles = {
	.sql = "SELECT string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder), "
		   "bool_or(e.enumlabel = $1) FROM pg_catalog.pg_enum e "
		   "WHERE e.enumtypid = 'coursebase.user_role'::pg_catalog.regtype",
	.nargs = 1,
	.types = {TEXTOID},
};

/* If another session is inserting the same subject, waits for its end; then writes nothing. */
static KeptPlan insert_user = {
	.sql = "INSERT INTO coursebase.users "
		   "(clerk_user_id, name, email, image_url, role, created_at, updated_at) "
		   "VALUES ($1, $2, $3, $4, coalesce($5, 'user')::coursebase.user_role, $12, $12) "
		   "ON CONFLICT (clerk_user_id) DO NOTHING",
	ACCOUNT_TYPES,
};

/*
 * A null argument leaves its column. The comparison of the whole row keeps a repeated report
 * from writing a new version of the row, and from firing its triggers.
 */
static KeptPlan update_user = {
	.sql = "UPDATE coursebase.users u SET name = coalesce($2, u.name), "
		   "email = coalesce($3, u.email), image_url = coalesce($4, u.image_url), "
		   "role = coalesce($5::coursebase.user_role, u.role) "
		   "WHERE u.clerk_user_id = $1 AND u.deleted_at IS NULL "
		   "AND (u.name, u.email, u.image_url, u.role) IS DISTINCT FROM "
		   "(coalesce($2, u.name), coalesce($3, u.email), coalesce($4, u.image_url), "
		   "coalesce($5::coursebase.user_role, u.role))",
	ACCOUNT_TYPES,
};

/* Locks the row, so that delete_user() waits and redacts the profile that follows as well. */
static KeptPlan read_user = {
	.sql = "SELECT u.id, u.deleted_at IS NULL, p.user_id IS NOT NULL FROM coursebase.users u "
		   "LEFT JOIN coursebase.user_profile p ON p.user_id = u.id WHERE u.clerk_user_id = $1 "
		   "FOR KEY SHARE OF u",
	ACCOUNT_TYPES,
};

/* Waits like insert_user. Without a target, so that a taken referral code is no error either.
 */
static KeptPlan insert_profile = {
	.sql = "INSERT INTO coursebase.user_profile (user_id, email, first_name, last_name, "
		   "phone_number, country, lead_source, time_zone, created_at, updated_at) "
		   "SELECT u.id, u.email, $6, $7, $8, $9, $10, coalesce($11, 'UTC'), $12, $12 "
		   "FROM coursebase.users u WHERE u.clerk_user_id = $1 ON CONFLICT DO NOTHING",
	ACCOUNT_TYPES,
};

static KeptPlan update_profile = {
	.sql =
		"UPDATE coursebase.user_profile p SET email = coalesce(lower($3), p.email), "
		"first_name = coalesce($6, p.first_name), last_name = coalesce($7, p.last_name), "
		"phone_number = coalesce($8, p.phone_number), country = coalesce($9, p.country), "
		"lead_source = coalesce($10, p.lead_source), time_zone = coalesce($11, p.time_zone) "
		"FROM coursebase.users u WHERE u.clerk_user_id = $1 AND p.user_id = u.id "
		"AND (p.email, p.first_name, p.last_name, p.phone_number, p.country, p.lead_source, "
		"p.time_zone) IS DISTINCT FROM "
		"(coalesce(lower($3), p.email), coalesce($6, p.first_name), coalesce($7, p.last_name), "
		"coalesce($8, p.phone_number), coalesce($9, p.country), coalesce($10, p.lead_source), "
		"coalesce($11, p.time_zone))",
	ACCOUNT_TYPES,
};

/* Locks the cohort, so that nobody deletes it before the row that points to it is written. */
static KeptPlan read_cohort = {
	.sql = "SELECT c.id FROM coursebase.cohorts c WHERE c.code = $1 FOR KEY SHARE",
	.nargs = 1,
	.types = {TEXTOID},
};

/* Locks the row, as read_user does. */
static KeptPlan read_open_account = {
	.sql = "SELECT FROM coursebase.users u WHERE u.id = $1 AND u.deleted_at IS NULL "
		   "FOR KEY SHARE",
	.nargs = 1,
	.types = {UUIDOID},
};

/* A person is in one cohort at most: the new one replaces the old. */
static KeptPlan write_cohort = {
	.sql = "INSERT INTO coursebase.user_cohorts AS c (user_id, cohort_id) VALUES ($1, $2) "
		   "ON CONFLICT (user_id) DO UPDATE SET cohort_id = EXCLUDED.cohort_id "
		   "WHERE c.cohort_id <> EXCLUDED.cohort_id",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};

static void account_read(FunctionCallInfo fcinfo, Account *account);
static void account_check(Account *account);
static void subject_check(Account *account);
static void role_check(Datum role);
static void require_value(Account *account, int argument, const char *name);
static pg_uuid_t *account_store(Account *account);
static pg_uuid_t *account_row(Account *account, bool *open, bool *profile);
static void profile_store(Account *account);
static pg_uuid_t *cohort_of_code(Datum code);
static char *role_of(TriggerData *data, HeapTuple row);

PG_FUNCTION_INFO_V1(coursebase_upsert_user);
PG_FUNCTION_INFO_V1(coursebase_assign_cohort);
PG_FUNCTION_INFO_V1(coursebase_tg_users__audit);

/*
 * SQL function: upsert_user(clerk_user_id text, name text, email text, …) returns uuid
 *
 * Writes the row of users first and the profile second, each with the caller's rights. A null
 * argument leaves what is stored.
 */
PGDLLEXPORT Datum
coursebase_upsert_user(PG_FUNCTION_ARGS)
{
	Account account;
	pg_uuid_t *user;

	schema_require_current();
	account_read(fcinfo, &account);
	SPI_connect();
	account_check(&account);
	user = account_store(&account);
	SPI_finish();
	PG_RETURN_UUID_P(user);
}

/*
 * SQL function: assign_cohort(user_id uuid, cohort_code text) returns uuid
 *
 * Locks the account before the cohort, which is the order of locks in anchor.h. Runs with the
 * caller's rights.
 */
PGDLLEXPORT Datum
coursebase_assign_cohort(PG_FUNCTION_ARGS)
{
	Datum values[2];
	pg_uuid_t *cohort;

	schema_require_current();
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("assign_cohort() needs a user and a cohort"),
						errdetail("%s is null.", PG_ARGISNULL(0) ? "user_id" : "cohort_code"),
						errhint("Pass both arguments.")));
	values[0] = PG_GETARG_DATUM(0);
	SPI_connect();
	if (plan_execute(&read_open_account, values, NULL, false) == 0)
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("no such user"),
						errdetail("No open account has the id %s.",
								  DatumGetCString(DirectFunctionCall1(uuid_out, values[0]))),
						errhint("Take the id that upsert_user() returned.")));
	cohort = cohort_of_code(PG_GETARG_DATUM(1));
	values[1] = UUIDPGetDatum(cohort);
	plan_execute(&write_cohort, values, NULL, false);
	SPI_finish();
	PG_RETURN_UUID_P(cohort);
}

/*
 * SQL function: tg_users__audit() returns trigger
 *
 * Records an UPDATE that changes the role, and an INSERT whose role is not the default 'user':
 * such an account has rights from the start. Writes with the rights of the tables' owner.
 */
PGDLLEXPORT Datum
coursebase_tg_users__audit(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_users__audit", ROW_AFTER_WRITE);
	HeapTuple row = trigger_written_row(data);
	bool update = TRIGGER_FIRED_BY_UPDATE(data->tg_event);
	char *before;
	char *after;
	char *id;

	before = update ? role_of(data, data->tg_trigtuple) : pstrdup("user");
	after = role_of(data, row);
	if (strcmp(before, after) == 0)
		return PointerGetDatum(NULL);
	id = SPI_getvalue(row, RelationGetDescr(data->tg_relation),
					  SPI_fnumber(RelationGetDescr(data->tg_relation), "id"));
	audit_write("role_changed", psprintf("users/%s", id),
				update ? psprintf("{\"role\": \"%s\"}", before) : NULL,
				psprintf("{\"role\": \"%s\"}", after));
	return PointerGetDatum(NULL);
}

/* Takes the arguments over; without a time of its own the account was made now. */
static void
account_read(FunctionCallInfo fcinfo, Account *account)
{
	for (int i = 0; i < ACCOUNT_ARGUMENTS; i++)
	{
		account->values[i] = PG_GETARG_DATUM(i);
		account->nulls[i] = PG_ARGISNULL(i) ? 'n' : ' ';
	}
	if (PG_ARGISNULL(ACCOUNT_AT))
	{
		account->values[ACCOUNT_AT] =
			TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
		account->nulls[ACCOUNT_AT] = ' ';
	}
}

/* Raises 22004 without a subject, 22023 for a subject or role that cannot be stored. */
static void
account_check(Account *account)
{
	require_value(account, ACCOUNT_SUBJECT, "clerk_user_id");
	subject_check(account);
	if (account->nulls[ACCOUNT_ROLE] != 'n')
		role_check(account->values[ACCOUNT_ROLE]);
}

/* claims.c reads no longer subject from a token, so a longer one would never be found again. */
static void
subject_check(Account *account)
{
	char *subject = TextDatumGetCString(account->values[ACCOUNT_SUBJECT]);

	if (subject[strspn(subject, " \t\r\n")] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("clerk_user_id is empty"),
				 errdetail("No token could ever name the account."),
				 errhint("Pass the subject that the authentication provider gives.")));
	if (strlen(subject) > SUBJECT_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("clerk_user_id is too long"),
				 errdetail("The argument has %zu bytes; a token's subject has at most %d.",
						   strlen(subject), SUBJECT_MAX),
				 errhint("Pass the subject that the authentication provider gives.")));
}

/* Asked here, because the cast to the enum would name neither the argument nor the roles. */
static void
role_check(Datum role)
{
	bool null;

	plan_execute(&read_roles, &role, NULL, true);
	if (DatumGetBool(plan_value(0, 2, &null)) && !null)
		return;
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("unknown role \"%s\"", TextDatumGetCString(role)),
					errdetail("The roles are: %s.", plan_text(0, 1)),
					errhint("Pass one of them, or null to leave the role as it is.")));
}

/* Raises 22004, naming the argument: a stored account may leave it out, a new one may not. */
static void
require_value(Account *account, int argument, const char *name)
{
	if (account->nulls[argument] == 'n')
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", name),
				 errdetail("A new account needs clerk_user_id, name and email."),
				 errhint("Pass what the authentication provider reports.")));
}

/*
 * Stores the account and answers its id, in the caller's memory.
 *
 * The insert waits for a concurrent insert of the same subject, so every statement after it
 * must take a new snapshot to see that row: they are all writing plans. A report without name
 * or email can only update; only if there is no row yet do those arguments count as missing.
 */
static pg_uuid_t *
account_store(Account *account)
{
	bool open;
	bool profile;
	pg_uuid_t *user = NULL;

	if (account->nulls[ACCOUNT_NAME] == 'n' || account->nulls[ACCOUNT_EMAIL] == 'n')
	{
		user = account_row(account, &open, &profile);
		if (user == NULL)
		{
			require_value(account, ACCOUNT_NAME, "name");
			require_value(account, ACCOUNT_EMAIL, "email");
		}
	}
	if (user != NULL || plan_execute(&insert_user, account->values, account->nulls, false) == 0)
		plan_execute(&update_user, account->values, account->nulls, false);
	user = account_row(account, &open, &profile);
	/* somebody deleted the row between the insert that met it and the lock */
	if (user == NULL)
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("the account was removed while it was being stored"),
						errhint("Call again.")));
	if (open)
		profile_store(account);
	return user;
}

/*
 * Locks the account and answers its id in the caller's memory, or NULL if no row has the
 * subject. *open and *profile say whether the account is open and has a profile; they are set
 * only if there is an id.
 */
static pg_uuid_t *
account_row(Account *account, bool *open, bool *profile)
{
	pg_uuid_t *user;
	bool null;

	if (plan_execute(&read_user, account->values, account->nulls, false) == 0)
		return NULL;
	user = SPI_palloc(sizeof(*user));
	*user = *DatumGetUUIDP(plan_value(0, 1, NULL));
	*open = DatumGetBool(plan_value(0, 2, &null));
	*profile = DatumGetBool(plan_value(0, 3, &null));
	return user;
}

/*
 * Inserts or updates the profile. An insert that wrote nothing met either a profile that
 * another session just made, or a referral code that is taken: looking again tells which, and
 * only the second case inserts again, with a new code.
 */
static void
profile_store(Account *account)
{
	bool open;
	bool profile;

	while (account_row(account, &open, &profile) != NULL && !profile)
	{
		if (plan_execute(&insert_profile, account->values, account->nulls, false) > 0)
			return;
	}
	plan_execute(&update_profile, account->values, account->nulls, false);
}

/* Locks the cohort and answers its id in the caller's memory; KB106 if there is none. */
static pg_uuid_t *
cohort_of_code(Datum code)
{
	pg_uuid_t *cohort;

	if (plan_execute(&read_cohort, &code, NULL, false) == 0)
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("no such cohort"),
						errdetail("No cohort has the code \"%s\".", TextDatumGetCString(code)),
						errhint("Pass a code of coursebase.cohorts, spelt as there.")));
	cohort = SPI_palloc(sizeof(*cohort));
	*cohort = *DatumGetUUIDP(plan_value(0, 1, NULL));
	return cohort;
}

/* The role of a row; an empty text for a null, which only a dropped constraint lets in. */
static char *
role_of(TriggerData *data, HeapTuple row)
{
	TupleDesc columns = RelationGetDescr(data->tg_relation);
	char *role = SPI_getvalue(row, columns, SPI_fnumber(columns, "role"));

	return role != NULL ? role : pstrdup("");
}
