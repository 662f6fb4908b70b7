/*
 * profile_made.c: the profile of a person whom plain SQL inserts.
 *
 * Invariants: an INSERT into users leaves no person without a profile, whoever inserts and how
 * many rows. A program that inserts the profile itself, in the same transaction or years later,
 * succeeds once: its row takes the place of the one that was made (is_placeholder) and keeps
 * what that one holds beyond: the referral code that others may know by now, who brought the
 * person, devices. A second INSERT is a duplicate, as for every table.
 *
 * Locks: the row of users comes before the profile, which is the order of identity/anchor.h:
 * the statement's own, or the person's FOR KEY SHARE, for which nobody waits but who closes the
 * account. Of two programs that insert one profile the second waits for the first,
 * finds no placeholder any more, and meets the primary key.
 *
 * Rights: the triggers run as who writes; an administrator may insert people and not profiles,
 * so that the statements run with the rights of the tables' owner. Both stand back while a dump
 * is restored: the rows come with it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"

#include "core/owner.h"
#include "core/plan.h"
#include "core/restore.h"
#include "core/row_kept.h"
#include "core/row_trigger.h"
#include "identity/profile_made.h"

/*
 * How many profiles are still missing afterwards: those whose referral code somebody else took
 * at the same moment. The profile of a closed account tells of nobody. $1 is the subject whose
 * profile follows (profile_made.h).
 */
static KeptPlan make_profiles = {
	.sql = "WITH missing AS ("
		   "  SELECT m.* FROM made m"
		   "  WHERE (m.clerk_user_id IS DISTINCT FROM $1 OR m.deleted_at IS NOT NULL)"
		   "  AND NOT EXISTS ("
		   "   SELECT FROM coursebase.user_profile p WHERE p.user_id = m.id)), written AS ("
		   "  INSERT INTO coursebase.user_profile"
		   "   (user_id, email, is_placeholder, created_at, updated_at)"
		   "  SELECT m.id, CASE WHEN m.deleted_at IS NULL THEN nullif(m.email, '') ELSE '' "
		   "END, true,"
		   "   m.created_at, m.updated_at FROM missing m ORDER BY m.id"
		   "  ON CONFLICT DO NOTHING RETURNING 1)"
		   " SELECT (SELECT count(*) FROM missing) - (SELECT count(*) FROM written)",
	.nargs = 1,
	.types = {TEXTOID},
};

/* What a row that takes the place keeps where it says nothing itself. A column that is NOT NULL
 * says nothing by its default. */
static const struct
{
	const char *column;
	const char *unsaid; /* NULL: a null */
} kept_columns[] = {
	{"first_name", NULL},  {"last_name", NULL},     {"phone_number", NULL}, {"country", NULL},
	{"lead_source", NULL}, {"referral_code", NULL}, {"referred_by", NULL},  {"email", NULL},
	{"time_zone", "UTC"},  {"devices", "{}"},       {"role", "user"},
};

/*
 * The lock that the foreign key takes once the row is there, taken before the placeholder goes:
 * delete_user() holds the person FOR UPDATE and then writes the profile.
 */
static KeptPlan lock_person = {
	.sql = "SELECT FROM coursebase.users u WHERE u.id = $1 FOR KEY SHARE",
	.nargs = 1,
	.types = {UUIDOID},
};

/* The columns in the order of kept_columns. */
static KeptPlan inheritholder = {
	.sql = "DELETE FROM coursebase.user_profile WHERE user_id = $1 AND is_placeholder"
		   " RETURNING first_name, last_name, phone_number, country, lead_source,"
		   " referral_code, referred_by, email, time_zone, devices, role",
	.nargs = 1,
	.types = {UUIDOID},
};

const char *profile_follows = NULL;

static HeapTuple row_fill(TriggerData *data, HeapTuple row);

PG_FUNCTION_INFO_V1(coursebase_tg_users__profile);
PG_FUNCTION_INFO_V1(coursebase_tg_user_profile__inherit);

/*
 * SQL function: tg_users__profile() returns trigger
 *
 * After each statement, with the new rows as table "made". A report of the authentication
 * provider about a known person inserts nothing, and then costs nothing.
 */
PGDLLEXPORT Datum
coursebase_tg_users__profile(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect_statement(fcinfo, "tg_users__profile");
	PlanValues values = {0};

	if (restore_under_way() || trigger_rows_written(data) == 0)
		return PointerGetDatum(NULL);
	SPI_connect();
	trigger_tables_show(data);
	plan_bind_text(&values, profile_follows);
	for (int tries = 0;; tries++)
	{
		CHECK_FOR_INTERRUPTS();
		owner_execute_latest(&make_profiles, values.datums, values.nulls);
		if (plan_int64(0, 1) == 0)
			break;
		if (tries == PROFILE_TRIES)
			row_kept_raise("user_profile", "an account has no profile");
	}
	SPI_finish();
	return PointerGetDatum(NULL);
}

/*
 * SQL function: tg_user_profile__inherit() returns trigger
 *
 * Fires before the trigger that makes a referral code, so that the code of the placeholder
 * stays.
 */
PGDLLEXPORT Datum
coursebase_tg_user_profile__inherit(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_user_profile__inherit", ROW_BEFORE_WRITE);
	HeapTuple row = trigger_written_row(data);
	pg_uuid_t user;
	Datum key = UUIDPGetDatum(&user);

	if (restore_under_way() || !trigger_uuid(data, row, "user_id", &user))
		return PointerGetDatum(row);
	SPI_connect();
	owner_execute_latest(&lock_person, &key, NULL);
	if (owner_execute_latest(&inheritholder, &key, NULL) > 0)
		row = row_fill(data, row);
	row = SPI_copytuple(row);
	SPI_finish();
	return PointerGetDatum(row);
}

/* The row with what the placeholder, which the last plan gave, says and the row does not. In
 * SPI's memory. */
static HeapTuple
row_fill(TriggerData *data, HeapTuple row)
{
	for (int i = 0; i < lengthof(kept_columns); i++)
	{
		const char *column = kept_columns[i].column;
		char *said = trigger_text_or_null(data, row, column);
		Oid type = SPI_gettypeid(SPI_tuptable->tupdesc, i + 1);
		bool null;
		Datum value = plan_value_as(0, i + 1, type, &null);

		if (said != NULL &&
			(kept_columns[i].unsaid == NULL || strcmp(said, kept_columns[i].unsaid) != 0))
			continue;
		if (!null)
			row = trigger_set_as(data, row, column, type, value, false);
	}
	return row;
}
