/*
 * organization.c: organisations and who belongs to them.
 *
 * Invariants: an organisation keeps an owner as long as it exists, however two leave at once;
 * only an owner makes or unmakes owners; who becomes or ceases to be staff is
 * audited; the currency of an organisation stays once one of its
 * plans has a price, and is that of all its plans.
 *
 * Locks: the row of the organisation anchors its owners and its currency.
 *
 * Rights: create_organization() is the server's and writes with the owner's rights. The
 * functions for policies tell people about themselves, with the owner's. Triggers run as who
 * writes and look at other rows with the owner's.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/uuid.h"

#include "core/args.h"
#include "core/compat.h"
#include "core/datum.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/restore.h"
#include "core/row_trigger.h"
#include "core/schema.h"
#include "identity/anchor.h"
#include "identity/asking.h"
#include "identity/audit.h"
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
PG_FUNCTION_INFO_V1(coursebase_tg_memberships__only_owners);
PG_FUNCTION_INFO_V1(coursebase_tg_memberships__keep_owner);
PG_FUNCTION_INFO_V1(coursebase_tg_memberships__audit);

/*
 * SQL function: create_organization(name text, slug text, currency text, time_zone text,
 * owner_id uuid) returns uuid
 */
PGDLLEXPORT Datum
coursebase_create_organization(PG_FUNCTION_ARGS)
{
	const pg_uuid_t *owner;
	PlanValues values = {0};
	Datum ids[2];
	pg_uuid_t *id = palloc(sizeof(*id));

	args_require_all(fcinfo);
	owner = PG_GETARG_UUID_P(CREATE_OWNER);
	for (int i = 0; i < CREATE_OWNER; i++)
		args_bind(&values, fcinfo, i);
	schema_require_current();
	SPI_connect();
	if (anchor_user(owner) != ANCHORED_LIVE)
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such user"),
						errdetail("None has the id %s.", uuid_text(owner)),
						errhint("Give the id of a row of users that is not closed.")));
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
 * For people; the server, to whom row security does not apply, may do it all. The organisation
 * is locked here: after the row, what the membership is taken out of is locked already, and
 * staff's functions lock the other way round.
 */
PGDLLEXPORT Datum
coursebase_tg_memberships__only_owners(PG_FUNCTION_ARGS)
{
	TriggerData *data =
		trigger_expect(fcinfo, "tg_memberships__only_owners", ROW_BEFORE_CHANGE);
	HeapTuple row =
		TRIGGER_FIRED_BY_UPDATE(data->tg_event) ? data->tg_newtuple : data->tg_trigtuple;
	bool was =
		!TRIGGER_FIRED_BY_INSERT(data->tg_event) && role_is_owner(data, data->tg_trigtuple);
	bool is = !TRIGGER_FIRED_BY_DELETE(data->tg_event) && role_is_owner(data, row);
	Datum organization = trigger_value(data, row, "organization_id");

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
	return PointerGetDatum(row);
}

/*
 * SQL function: tg_memberships__keep_owner() returns trigger
 *
 * Lets pass what goes together with the organisation. A TRUNCATE leaves no owner anywhere.
 */
PGDLLEXPORT Datum
coursebase_tg_memberships__keep_owner(PG_FUNCTION_ARGS)
{
	bool truncate = CALLED_AS_TRIGGER(fcinfo) &&
					TRIGGER_FIRED_BY_TRUNCATE(((TriggerData *) fcinfo->context)->tg_event);
	TriggerData *data =
		truncate ? NULL
				 : trigger_expect(fcinfo, "tg_memberships__keep_owner", ROW_AFTER_CHANGE);
	Datum organization =
		truncate ? 0 : trigger_value(data, data->tg_trigtuple, "organization_id");

	SPI_connect();
	if (truncate ? owner_execute_latest(&find_organization, NULL, NULL) > 0
				 : owner_execute(&lock_organization, &organization, NULL, false) > 0 &&
					   owner_execute_latest(&read_owners, &organization, NULL) == 0)
		ereport(ERROR, (errcode(ERRCODE_CB_LAST_OWNER),
						errmsg("an organisation keeps an owner as long as it exists"),
						errdetail("This is the last one."),
						errhint("Make somebody else an owner first.")));
	SPI_finish();
	return PointerGetDatum(NULL);
}

/* SQL function: tg_memberships__audit() returns trigger */
PGDLLEXPORT Datum
coursebase_tg_memberships__audit(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_expect(fcinfo, "tg_memberships__audit", ROW_AFTER_CHANGE);
	bool insert = TRIGGER_FIRED_BY_INSERT(data->tg_event);
	HeapTuple row =
		TRIGGER_FIRED_BY_UPDATE(data->tg_event) ? data->tg_newtuple : data->tg_trigtuple;
	char *before = insert ? NULL : staff_json(data, data->tg_trigtuple);
	char *after = TRIGGER_FIRED_BY_DELETE(data->tg_event) ? NULL : staff_json(data, row);

	if (restore_under_way() || before == after ||
		(before != NULL && after != NULL && strcmp(before, after) == 0))
		return PointerGetDatum(NULL);
	audit_write(
		"staff_changed",
		psprintf("memberships/%s", uuid_text(DatumGetUUIDP(trigger_value(data, row, "id")))),
		before, after);
	return PointerGetDatum(NULL);
}

/* For reading, administrators of the installation belong everywhere. */
static Datum
organizations_read(MembershipRole least)
{
	Datum ids;

	if (!identity_is_admin())
		return membership_organizations(least);
	SPI_connect();
	owner_execute(&read_all, NULL, NULL, true);
	ids = SPI_datumTransfer(plan_value(0, 1, NULL), false, -1);
	SPI_finish();
	return ids;
}

static bool
role_is_owner(TriggerData *data, HeapTuple row)
{
	char *role = SPI_getvalue(row, RelationGetDescr(data->tg_relation),
							  SPI_fnumber(RelationGetDescr(data->tg_relation), "role"));

	return role != NULL && strcmp(role, "owner") == 0;
}

/* What the audit trail says of who works there; NULL for a member, who does not. */
static char *
staff_json(TriggerData *data, HeapTuple row)
{
	char *role = SPI_getvalue(row, RelationGetDescr(data->tg_relation),
							  SPI_fnumber(RelationGetDescr(data->tg_relation), "role"));
	const pg_uuid_t *organization = DatumGetUUIDP(trigger_value(data, row, "organization_id"));
	const pg_uuid_t *user = DatumGetUUIDP(trigger_value(data, row, "user_id"));

	if (role == NULL || strcmp(role, "member") == 0)
		return NULL;
	return psprintf("{\"organization_id\": \"%s\", \"user_id\": \"%s\", \"role\": \"%s\"}",
					uuid_text(organization), uuid_text(user), role);
}
