/*
 * organization.c: organisations and their memberships.
 *
 * Invariants: an organisation has at least one owner as long as the organisation exists, even
 * if two owners leave at the same time. Only an owner gives or takes the role owner. Every
 * change of who is staff is audited. (The rules about an organisation's currency are those of
 * its plans: src/programs/.)
 *
 * Locks: the row of the organisation anchors the question whether an owner is left.
 * create_organization() locks the row of users before it inserts anything.
 *
 * Organisations live on home, their people in any cell: who is inserted as a member and lives
 * elsewhere becomes a guest (guest.h).
 *
 * Rights: create_organization() is executed by the server alone and writes with the rights of
 * the tables' owner. The functions for policies answer only about the user who asks. Triggers
 * run as the user who writes, and read and lock other rows with the rights of the tables'
 * owner, because row security would hide those rows.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/uuid.h"

#include "core/args.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/restore.h"
#include "core/row_trigger.h"
#include "core/schema.h"
#include "identity/anchor.h"
#include "identity/asking.h"
#include "identity/audit.h"
#include "identity/guest.h"
#include "identity/membership.h"

/* Arguments of create_organization(); those before the owner are the statement's as well. */
enum
{
	CREATE_NAME,
	CREATE_SLUG,
	CREATE_CURRENCY,
	CREATE_TIME_ZONE,
	CREATE_OWNER,
};

static KeptPlan write_organization = {
	.sql = "INSERT INTO coursebase.organizations (name, slug, currency, time_zone)"
		   " VALUES ($1, $2, $3, $4) RETURNING id",
	.nargs = 4,
	.types = {TEXTOID, TEXTOID, TEXTOID, TEXTOID},
};
static KeptPlan write_owner = {
	.sql = "INSERT INTO coursebase.memberships (organization_id, user_id, role)"
		   " VALUES ($1, $2, 'owner')",
	.nargs = 2,
	.types = {UUIDOID, UUIDOID},
};
static KeptPlan read_all = {
	.sql = "SELECT ARRAY(SELECT id FROM coursebase.organizations)",
};
/* Finds no row if the organisation is being deleted together with its memberships. */
static KeptPlan lock_organization = {
	.sql = "SELECT FROM coursebase.organizations WHERE id = $1 FOR NO KEY UPDATE",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan read_owners = {
	.sql = "SELECT FROM coursebase.memberships WHERE organization_id = $1 AND role = 'owner'"
		   " LIMIT 1",
	.nargs = 1,
	.types = {UUIDOID},
};
/* After a TRUNCATE of memberships: any organisation at all has lost its owners. */
static KeptPlan find_organization = {
	.sql = "SELECT FROM coursebase.organizations LIMIT 1",
};

static Datum organizations_read(MembershipRole least);
static bool role_is_owner(TriggerData *data, HeapTuple row);
static char *staff_json(TriggerData *data, HeapTuple row);

PG_FUNCTION_INFO_V1(coursebase_create_organization);
PG_FUNCTION_INFO_V1(coursebase_member_organization_ids);
PG_FUNCTION_INFO_V1(coursebase_staff_organization_ids);
PG_FUNCTION_INFO_V1(coursebase_organization_ids_as);
PG_FUNCTION_INFO_V1(coursebase_organizations_are_here);
PG_FUNCTION_INFO_V1(coursebase_tg_memberships__only_owners);
PG_FUNCTION_INFO_V1(coursebase_tg_memberships__keep_owner);
PG_FUNCTION_INFO_V1(coursebase_tg_memberships__audit);

/*
 * SQL function: create_organization(name text, slug text, currency text, time_zone text,
 * owner_id uuid) returns uuid
 *
 * Writes with the rights of the tables' owner.
 */
PGDLLEXPORT Datum
coursebase_create_organization(PG_FUNCTION_ARGS)
{
	const pg_uuid_t *owner;
	PlanValues values = {0};
	Datum ids[2];
	pg_uuid_t *id = palloc(sizeof(*id));

	args_require_all(fcinfo);
	args_currency(fcinfo, CREATE_CURRENCY, false);
	owner = PG_GETARG_UUID_P(CREATE_OWNER);
	for (int i = 0; i < CREATE_OWNER; i++)
		args_bind(&values, fcinfo, i);
	schema_require_current();
	SPI_connect();
	/* locked first, so that nobody closes the account before the membership is written */
	anchor_open_user_anywhere_require(owner);
	owner_execute(&write_organization, values.datums, values.nulls, false);
	*id = plan_uuid(0, 1);
	ids[0] = UUIDPGetDatum(id);
	ids[1] = UUIDPGetDatum(owner);
	owner_execute(&write_owner, ids, NULL, false);
	SPI_finish();
	PG_RETURN_UUID_P(id);
}

/* SQL function: member_organization_ids() returns uuid[] */
PGDLLEXPORT Datum
coursebase_member_organization_ids(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(organizations_read(MEMBERSHIP_MEMBER));
}

/* SQL function: staff_organization_ids() returns uuid[] */
PGDLLEXPORT Datum
coursebase_staff_organization_ids(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(organizations_read(MEMBERSHIP_COACH));
}

/*
 * SQL function: organizations_are_here() returns boolean
 *
 * IMMUTABLE, though it reads which cell this is: so the planner runs it, once a plan, and takes
 * the true that it answers out of the policy. A cell's tables of organisations are empty, and
 * an executor that finds no row asks no policy.
 */
PGDLLEXPORT Datum
coursebase_organizations_are_here(PG_FUNCTION_ARGS)
{
	organizations_require_home();
	PG_RETURN_BOOL(true);
}

/* SQL function: organization_ids_as(role text) returns uuid[] */
PGDLLEXPORT Datum
coursebase_organization_ids_as(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(membership_organizations(
		(MembershipRole) args_word(fcinfo, 0, membership_role_names, MEMBERSHIP_ROLES)));
}

/*
 * SQL function: tg_memberships__only_owners() returns trigger
 *
 * Refuses an end user who gives or takes the role owner and is no owner. The server and the
 * tables' owner, to whom row security does not apply, may do both.
 *
 * Locks the organisation before an owner ceases to be one, because keep_owner decides under
 * that lock. Locking there, after the row of memberships is locked, would be the opposite order
 * of the functions for staff, which lock the organisation first, and could deadlock with them.
 */
PGDLLEXPORT Datum
coursebase_tg_memberships__only_owners(PG_FUNCTION_ARGS)
{
	TriggerData *data =
		trigger_expect(fcinfo, "tg_memberships__only_owners", ROW_BEFORE_CHANGE);
	HeapTuple row = trigger_written_row(data);
	bool was = role_is_owner(data, trigger_row_before(data));
	bool is = role_is_owner(data, trigger_row_after(data));
	Datum organization = trigger_value_as(data, row, "organization_id", UUIDOID);

	if (was != is &&
		check_enable_rls(RelationGetRelid(data->tg_relation), InvalidOid, true) ==
			RLS_ENABLED &&
		!membership_holds(DatumGetUUIDP(organization), MEMBERSHIP_OWNER))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("only an owner of the organisation makes or unmakes owners"),
						errhint("Ask one of its owners.")));
	if (was && !is)
	{
		SPI_connect();
		owner_execute(&lock_organization, &organization, NULL, false);
		SPI_finish();
	}
	if (TRIGGER_FIRED_BY_INSERT(data->tg_event))
		guest_make_of_row(data, row);
	return PointerGetDatum(row);
}

/*
 * SQL function: tg_memberships__keep_owner() returns trigger
 *
 * Refuses to take the last owner away. The organisation is locked and the owners are read with
 * a snapshot of this moment, so that of two owners who leave at once the second sees that the
 * first is gone. If the organisation itself is deleted, the lock finds no row and the
 * membership may go. A TRUNCATE takes the owners of every organisation, and is refused unless
 * there is none.
 */
PGDLLEXPORT Datum
coursebase_tg_memberships__keep_owner(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	Datum organization;
	bool none_left;

	SPI_connect();
	if (CALLED_AS_TRIGGER(fcinfo) && TRIGGER_FIRED_BY_TRUNCATE(data->tg_event))
		none_left = owner_execute_latest(&find_organization, NULL, NULL) > 0;
	else
	{
		data = trigger_expect(fcinfo, "tg_memberships__keep_owner", ROW_AFTER_CHANGE);
		organization = trigger_value_as(data, data->tg_trigtuple, "organization_id", UUIDOID);
		/* the lock first: only then is it certain that no other owner is leaving */
		none_left = owner_execute(&lock_organization, &organization, NULL, false) > 0 &&
					owner_execute_latest(&read_owners, &organization, NULL) == 0;
	}
	SPI_finish();
	if (none_left)
		ereport(ERROR, (errcode(ERRCODE_CB_LAST_OWNER),
						errmsg("an organisation keeps an owner as long as it exists"),
						errdetail("This is the last one."),
						errhint("Make somebody else an owner first.")));
	return PointerGetDatum(NULL);
}

/*
 * SQL function: tg_memberships__audit() returns trigger
 *
 * Records every change of who is staff, and as what: staff may read what is their members'.
 * Writes with the rights of the tables' owner.
 */
PGDLLEXPORT Datum
coursebase_tg_memberships__audit(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_memberships__audit", ROW_AFTER_CHANGE);
	char *id = trigger_text(data, trigger_written_row(data), "id");

	if (!restore_under_way())
		audit_write_change("staff_changed", psprintf("memberships/%s", id),
						   staff_json(data, trigger_row_before(data)),
						   staff_json(data, trigger_row_after(data)));
	return PointerGetDatum(NULL);
}

/* The ids for policies that read: an administrator of the installation reads all of them. */
static Datum
organizations_read(MembershipRole least)
{
	const Asking *asking = identity_asking_anywhere();
	Datum ids;

	if (asking == NULL || !asking->admin)
		return membership_organizations(least);
	SPI_connect();
	owner_execute(&read_all, NULL, NULL, true);
	ids = SPI_datumTransfer(plan_value_as(0, 1, UUIDARRAYOID, NULL), false, -1);
	SPI_finish();
	if (ARR_NDIM(DatumGetArrayTypeP(ids)) == 0)
		organizations_require_home();
	return ids;
}

/* Whether the row of memberships is that of an owner; a null role is for NOT NULL to report. */
static bool
role_is_owner(TriggerData *data, HeapTuple row)
{
	char *role = row != NULL ? trigger_text_or_null(data, row, "role") : NULL;

	return role != NULL && strcmp(role, "owner") == 0;
}

/*
 * What the audit trail holds of one membership, as JSON; NULL for a member, who is not staff,
 * and for a row that is not there.
 */
static char *
staff_json(TriggerData *data, HeapTuple row)
{
	const char *role = row != NULL ? trigger_text(data, row, "role") : "member";

	if (strcmp(role, "member") == 0)
		return NULL;
	return psprintf("{\"organization_id\": \"%s\", \"user_id\": \"%s\", \"role\": \"%s\"}",
					trigger_text(data, row, "organization_id"),
					trigger_text(data, row, "user_id"), role);
}
