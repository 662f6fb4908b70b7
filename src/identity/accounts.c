/*
 * accounts.c: stores the accounts that the authentication provider reports.
 *
 * Invariants: one subject (users.clerk_user_id) is one row of users. The provider may send a
 * report twice, late, or at the same time as another report about the same person: the first
 * call inserts the row, every other call waits for that insert and then updates only the
 * columns that differ. A closed account (deleted_at is set) never changes, and a late report
 * about it makes no new one (closed_id.h). Every change of a role is audited.
 *
 * Locks: the row of users, FOR KEY SHARE; assign_cohort() locks it as every decision about a
 * person does (anchor.h). delete_user() takes that row FOR UPDATE, so it waits
 * until the call is over and then redacts what the call wrote as well.
 *
 * Rights: upsert_user() and assign_cohort() run with the caller's rights, the audit trigger
 * with those of the tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "cells/cell.h"
#include "cells/directory.h"
#include "core/args.h"
#include "core/datum.h"
#include "core/errors.h"
#include "core/plan.h"
#include "core/restore.h"
#include "core/row_kept.h"
#include "core/row_trigger.h"
#include "core/schema.h"
#include "identity/anchor.h"
#include "identity/audit.h"
#include "identity/claims.h"
#include "identity/closed_id.h"
#include "identity/profile_made.h"

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
	ACCOUNT_ID,
	ACCOUNT_ARGUMENTS,
};

/* What is stored of an account, as of after the lock of its row. */
typedef struct StoredAccount
{
	pg_uuid_t id;     /* of a merged account that of the person who was kept */
	pg_uuid_t own_id; /* users.id */
	bool open;
	bool has_profile;
} StoredAccount;

static const char *const role_names[] = {"admin", "user"};

#define ACCOUNT_TYPES                                                                          \
	.nargs = ACCOUNT_ARGUMENTS,                                                                \
	.types = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID,        TEXTOID, TEXTOID,            \
			  TEXTOID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, UUIDOID}

/* If another session is inserting the same subject, waits for its end; then writes nothing. */
static KeptPlan insert_user = {
	.sql = "INSERT INTO coursebase.users "
		   "(clerk_user_id, name, email, image_url, role, created_at, updated_at, id) "
		   "VALUES ($1, $2, coalesce($3, ''), $4, coalesce($5, 'user')::coursebase.user_role, "
		   "$12, $12, coalesce($13, gen_random_uuid())) "
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

/* The columns of read_user. USER_ID is the person who was kept, of a merged account. */
enum
{
	USER_ID = 1,
	USER_OPEN,
	USER_HAS_PROFILE,
	USER_OWN_ID,
};

/* Locks the row, so that delete_user() waits and redacts the profile that follows as well. */
static KeptPlan read_user = {
	.sql = "SELECT coalesce(u.merged_into, u.id), u.deleted_at IS NULL, p.user_id IS NOT NULL, "
		   "u.id FROM coursebase.users u "
		   "LEFT JOIN coursebase.user_profile p ON p.user_id = u.id WHERE u.clerk_user_id = $1 "
		   "FOR KEY SHARE OF u",
	ACCOUNT_TYPES,
};

/*
 * Waits like insert_user. Without a target, so that a taken referral code is no error either. A
 * placeholder, as what the trigger of users makes: a program may insert the profile as well.
 */
static KeptPlan insert_profile = {
	.sql = "INSERT INTO coursebase.user_profile (user_id, email, first_name, last_name, "
		   "phone_number, country, lead_source, time_zone, is_placeholder, created_at, "
		   "updated_at) "
		   "SELECT u.id, nullif(u.email, ''), $6, $7, $8, $9, $10, coalesce($11, 'UTC'), true, "
		   "$12, $12 "
		   "FROM coursebase.users u WHERE u.clerk_user_id = $1 ON CONFLICT DO NOTHING",
	ACCOUNT_TYPES,
};

static KeptPlan update_profile = {
	.sql =
		"UPDATE coursebase.user_profile p SET email = nullif(lower(translate(coalesce($3, "
		"p.email), 'I', 'i')), "
		"''), "
		"first_name = coalesce($6, p.first_name), last_name = coalesce($7, p.last_name), "
		"phone_number = coalesce($8, p.phone_number), country = coalesce($9, p.country), "
		"lead_source = coalesce($10, p.lead_source), time_zone = coalesce($11, p.time_zone) "
		"FROM coursebase.users u WHERE u.clerk_user_id = $1 AND p.user_id = u.id "
		"AND (p.email, p.first_name, p.last_name, p.phone_number, p.country, p.lead_source, "
		"p.time_zone) IS DISTINCT FROM "
		"(nullif(lower(translate(coalesce($3, p.email), 'I', 'i')), ''), coalesce($6, "
		"p.first_name), coalesce($7, "
		"p.last_name), "
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

/* A person is in one cohort at most: the new one replaces the old. */
static KeptPlan write_cohort = {
	.sql = "INSERT INTO coursebase.user_cohorts AS c (user_id, cohort_id) VALUES ($1, $2) "
		   "ON CONFLICT (user_id) DO UPDATE SET cohort_id = EXCLUDED.cohort_id "
		   "WHERE c.cohort_id <> EXCLUDED.cohort_id",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};

static void account_bind(PlanValues *account, FunctionCallInfo fcinfo);
static void subject_check(const char *subject);
static pg_uuid_t account_store(PlanValues *account);
static void account_place(PlanValues *account, const Cell *here, Residence *residence);
static void id_check(const PlanValues *account, const StoredAccount *stored);
static bool user_insert(PlanValues *account);
static bool account_lock(PlanValues *account, StoredAccount *stored);
static void require_of_new(const PlanValues *account, int argument, const char *name);
static void profile_store(PlanValues *account);
static pg_uuid_t cohort_of_code(Datum code);
static char *role_json(TriggerData *data, HeapTuple row);

PG_FUNCTION_INFO_V1(coursebase_upsert_user);
PG_FUNCTION_INFO_V1(coursebase_assign_cohort);
PG_FUNCTION_INFO_V1(coursebase_tg_users__audit);
PG_FUNCTION_INFO_V1(coursebase_tg_users__email);
PG_FUNCTION_INFO_V1(coursebase_tg_users__merged);

/*
 * SQL function: upsert_user(clerk_user_id text, name text, email text, …) returns uuid
 *
 * Writes the row of users first and the profile second, each with the caller's rights. A null
 * argument leaves what is stored.
 */
PGDLLEXPORT Datum
coursebase_upsert_user(PG_FUNCTION_ARGS)
{
	PlanValues account = {0};
	pg_uuid_t *user = palloc(sizeof(*user));

	schema_require_current();
	args_require(fcinfo, ACCOUNT_SUBJECT);
	subject_check(text_to_cstring(PG_GETARG_TEXT_PP(ACCOUNT_SUBJECT)));
	if (!PG_ARGISNULL(ACCOUNT_ROLE))
		args_word(fcinfo, ACCOUNT_ROLE, role_names, lengthof(role_names));
	if (!PG_ARGISNULL(ACCOUNT_AT))
		args_time(fcinfo, ACCOUNT_AT);
	account_bind(&account, fcinfo);
	SPI_connect();
	*user = account_store(&account);
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
	PlanValues values = {0};
	pg_uuid_t *cohort = palloc(sizeof(*cohort));
	const pg_uuid_t *user;

	schema_require_current();
	args_require_all(fcinfo);
	user = PG_GETARG_UUID_P(0);
	plan_bind_uuid(&values, user);
	SPI_connect();
	if (anchor_user(user) != ANCHORED_LIVE)
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("no such user"),
						errdetail("No open account has the id %s.", uuid_text(user)),
						errhint("Take the id that upsert_user() returned.")));
	*cohort = cohort_of_code(PG_GETARG_DATUM(1));
	plan_bind_uuid(&values, cohort);
	plan_execute(&write_cohort, values.datums, values.nulls, false);
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
	HeapTuple before = trigger_row_before(data);

	/* of a dump the record comes along */
	if (!restore_under_way() &&
		(before != NULL || strcmp(trigger_text(data, row, "role"), "user") != 0))
		audit_write_change("role_changed", psprintf("users/%s", trigger_text(data, row, "id")),
						   before != NULL ? role_json(data, before) : NULL,
						   role_json(data, row));
	return PointerGetDatum(NULL);
}

/*
 * SQL function: tg_users__email() returns trigger
 *
 * Who signs up by telephone or anonymously has no address, and a provider's trigger passes the
 * NULL on that it was given.
 */
PGDLLEXPORT Datum
coursebase_tg_users__email(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_users__email", ROW_BEFORE_WRITE);
	HeapTuple row = trigger_written_row(data);

	if (trigger_text_or_null(data, row, "email") == NULL)
		row = trigger_set_as(data, row, "email", TEXTOID, CStringGetTextDatum(""), false);
	return PointerGetDatum(row);
}

/*
 * SQL function: tg_users__merged() returns trigger
 *
 * merge_users() writes the column while triggers are off: whatever comes here is refused.
 */
PGDLLEXPORT Datum
coursebase_tg_users__merged(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_users__merged", ROW_BEFORE_WRITE);

	if (!restore_under_way())
		ereport(
			ERROR,
			(errcode(ERRCODE_CB_SET_ONCE),
			 errmsg("column \"merged_into\" of table \"users\" is not to be written"),
			 errdetail("A merged account leads to another person, and is never opened again."),
			 errhint("Call coursebase.merge_users().")));
	return PointerGetDatum(trigger_written_row(data));
}

/* Takes the arguments over; without a time of its own the account was made now. */
static void
account_bind(PlanValues *account, FunctionCallInfo fcinfo)
{
	for (int i = 0; i < ACCOUNT_AT; i++)
		args_bind(account, fcinfo, i);
	plan_bind_time(account, args_time_or_now(fcinfo, ACCOUNT_AT));
	args_bind(account, fcinfo, ACCOUNT_ID);
}

/*
 * Raises 22023 for an empty subject, and for one that claims.c would not read from a token: no
 * request could ever find its account again.
 */
static void
subject_check(const char *subject)
{
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

/*
 * Stores the account and answers its id.
 *
 * The insert waits for a concurrent insert of the same subject, so every statement after it
 * must take a new snapshot to see that row: they are all writing plans. A report without name
 * can only update; only if there is no row yet does that argument count as missing.
 */
static pg_uuid_t
account_store(PlanValues *account)
{
	StoredAccount stored;
	Residence residence; /* owns the id that the directory gives */
	Cell here;
	bool spread = cell_here(&here);
	bool known = false;

	if (spread || account->nulls[ACCOUNT_NAME] == 'n')
		known = account_lock(account, &stored);
	if (spread && !known)
		account_place(account, &here, &residence);
	if (!known && account->nulls[ACCOUNT_NAME] == 'n')
	{
		closed_id_refuse(TextDatumGetCString(account->datums[ACCOUNT_SUBJECT]));
		require_of_new(account, ACCOUNT_NAME, "name");
	}
	if (known || !user_insert(account))
		plan_execute(&update_user, account->datums, account->nulls, false);
	/* none: the row was kept away, or it went between the insert that met it and the lock */
	if (!account_lock(account, &stored))
		row_kept_raise("users", "the account was not stored");
	id_check(account, &stored);
	if (stored.open)
		profile_store(account);
	return stored.id;
}

/*
 * Gives a new account the id under which the directory has the person. Raises KBC01 for a
 * person who lives in another cell, KBC21 for one who is moving, and KBC05 where neither the
 * directory nor the caller has an id for the person: each of two cells would make an account.
 * On home the trigger of users places them.
 */
static void
account_place(PlanValues *account, const Cell *here, Residence *residence)
{
	const char *subject = TextDatumGetCString(account->datums[ACCOUNT_SUBJECT]);

	if (directory_find_subject(subject, residence))
	{
		if (!directory_is_here(here, residence))
			directory_raise_elsewhere(here, residence);
		if (account->nulls[ACCOUNT_ID] != 'n')
			return; /* id_check() compares them */
		account->datums[ACCOUNT_ID] = UUIDPGetDatum(&residence->user);
		account->nulls[ACCOUNT_ID] = ' ';
	}
	else if (here->number != here->home && account->nulls[ACCOUNT_ID] == 'n')
		ereport(ERROR,
				(errcode(ERRCODE_CB_NOT_PLACED), errmsg("no cell was chosen for the person"),
				 errdetail("The directory does not know the external id \"%s\".", subject),
				 errhint("Call place_person() in cell %d, and then upsert_user() in the cell "
						 "that it answers, with the user_id that it answers.",
						 here->home)));
}

/* Raises KB401 if the caller has another id for the person. Of a merged account the id of the
 * person who was kept will do. */
static void
id_check(const PlanValues *account, const StoredAccount *stored)
{
	const pg_uuid_t *id = DatumGetUUIDP(account->datums[ACCOUNT_ID]);

	if (account->nulls[ACCOUNT_ID] == 'n' || uuid_equal(id, &stored->own_id) ||
		uuid_equal(id, &stored->id))
		return;
	ereport(ERROR, (errcode(ERRCODE_CB_SET_ONCE), errmsg("the person has another id"),
					errdetail("The account has the id %s, the call says %s.",
							  uuid_text(&stored->own_id), uuid_text(id)),
					errhint("Leave user_id out, or give the id that the account has.")));
}

/* False if the account is there. The profile follows with all that was reported, so that it is
 * written once and not made first. */
static bool
user_insert(PlanValues *account)
{
	uint64 made;

	profile_follows = TextDatumGetCString(account->datums[ACCOUNT_SUBJECT]);
	PG_TRY();
	{
		made = plan_execute(&insert_user, account->datums, account->nulls, false);
	}
	PG_FINALLY();
	{
		profile_follows = NULL;
	}
	PG_END_TRY();
	return made > 0;
}

/* Locks the account and reads what is stored of it; false if no row has the subject. */
static bool
account_lock(PlanValues *account, StoredAccount *stored)
{
	if (plan_execute(&read_user, account->datums, account->nulls, false) == 0)
		return false;
	stored->id = plan_uuid(0, USER_ID);
	stored->own_id = plan_uuid(0, USER_OWN_ID);
	stored->open = plan_bool(0, USER_OPEN);
	stored->has_profile = plan_bool(0, USER_HAS_PROFILE);
	return true;
}

/* Raises 22004, naming the argument: a stored account may leave it out, a new one may not. */
static void
require_of_new(const PlanValues *account, int argument, const char *name)
{
	if (account->nulls[argument] == 'n')
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", name),
				 errdetail("A new account needs clerk_user_id and name."),
				 errhint("Pass what the authentication provider reports.")));
}

/*
 * Inserts or updates the profile. An insert that wrote nothing met either a profile that
 * another session just made, or a referral code that is taken: looking again tells which, and
 * only the second case inserts again, with a new code. Where none of PROFILE_TRIES new codes
 * helps, it is no code that is taken: the row is kept away.
 */
static void
profile_store(PlanValues *account)
{
	StoredAccount stored;

	for (int tries = 0; account_lock(account, &stored) && !stored.has_profile; tries++)
	{
		if (tries == PROFILE_TRIES)
			row_kept_raise("user_profile", "the account has no profile");
		if (plan_execute(&insert_profile, account->datums, account->nulls, false) > 0)
			return;
	}
	plan_execute(&update_profile, account->datums, account->nulls, false);
}

/* Locks the cohort and answers its id; KB106 if there is none. */
static pg_uuid_t
cohort_of_code(Datum code)
{
	if (plan_execute(&read_cohort, &code, NULL, false) == 0)
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("no such cohort"),
						errdetail("No cohort has the code \"%s\".", TextDatumGetCString(code)),
						errhint("Pass a code of coursebase.cohorts, spelt as there.")));
	return plan_uuid(0, 1);
}

/* What the audit trail holds of a row. */
static char *
role_json(TriggerData *data, HeapTuple row)
{
	return psprintf("{\"role\": \"%s\"}", trigger_text(data, row, "role"));
}
