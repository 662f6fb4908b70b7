/*
 * whoami.c: says whom the claims of a request are taken for, and which rights the role has.
 *
 * For whoever sets up a gateway: current_user_id() answers NULL for five reasons, and policies
 * then show no rows. Nothing about another person is told: of claims that name nobody only the
 * reason. Rights: the names of roles are read with those of the tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"
#include "utils/uuid.h"

#include "core/compat.h"
#include "core/owner.h"
#include "core/plan.h"
#include "identity/asking.h"

/* The columns of the answer. */
enum
{
	WHO_USER,
	WHO_REASON,
	WHO_IS_ADMIN,
	WHO_ROLE,
	WHO_RIGHTS,
	WHO_DETAIL,
	WHO_COLUMNS,
};

/* By AskingOutcome: the word, and what to look at. */
static const struct
{
	const char *reason;
	const char *detail;
} outcomes[] = {
	[ASKING_KNOWN] = {NULL, "The claims name an open account."},
	[ASKING_NO_CLAIMS] = {"no_claims",
						  "Neither request.jwt.claims nor request.jwt.claim.sub is set in this "
						  "transaction: the gateway passed no token on."},
	[ASKING_UNREADABLE] =
		{"unreadable_claims",
		 "The claims are no JSON object with a member sub that is a text of 1 "
		 "to 255 bytes."},
	[ASKING_UNKNOWN] = {"unknown_subject",
						"No row of users has the subject of the claims as clerk_user_id or id: "
						"upsert_user() makes one."},
	[ASKING_CLOSED] = {"closed_account", "The account that the claims name is closed."},
	[ASKING_ELSEWHERE] = {"other_cell",
						  "The directory has the person of the claims in another cell: the "
						  "gateway is to send the request there."},
};

/* The first part that the role plays itself or by a membership; the server's comes first. */
static KeptPlan read_part = {
	.sql = "SELECT g.part FROM coursebase.granted_roles g "
		   "JOIN pg_roles r ON r.rolname = g.role_name "
		   "WHERE pg_has_role($1, r.oid, 'USAGE') "
		   "ORDER BY array_position(ARRAY['server', 'end_user', 'anonymous'], g.part) LIMIT 1",
	.nargs = 1,
	.types = {OIDOID},
};

static const char *rights_of(Oid role);

PG_FUNCTION_INFO_V1(coursebase_whoami);

/*
 * SQL function: whoami() returns table (user_id uuid, reason text, is_admin boolean, role_name
 * text, rights text, detail text)
 *
 * One row. The role is asked for before anything runs with the owner's rights.
 */
PGDLLEXPORT Datum
coursebase_whoami(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *report = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum values[WHO_COLUMNS];
	bool nulls[WHO_COLUMNS] = {false};
	pg_uuid_t user;
	bool admin = false;
	AskingOutcome outcome = identity_explain(&user, &admin);
	Oid role = GetUserId();

	compat_materialize(fcinfo);
	nulls[WHO_USER] = outcome != ASKING_KNOWN;
	nulls[WHO_REASON] = outcome == ASKING_KNOWN;
	values[WHO_USER] = UUIDPGetDatum(&user);
	values[WHO_REASON] =
		nulls[WHO_REASON] ? (Datum) 0 : CStringGetTextDatum(outcomes[outcome].reason);
	values[WHO_IS_ADMIN] = BoolGetDatum(admin);
	values[WHO_ROLE] = CStringGetTextDatum(GetUserNameFromId(role, false));
	values[WHO_RIGHTS] = CStringGetTextDatum(rights_of(role));
	values[WHO_DETAIL] = CStringGetTextDatum(outcomes[outcome].detail);
	tuplestore_putvalues(report->setResult, report->setDesc, values, nulls);
	return (Datum) 0;
}

/* Superuser and owner come before the parts, for they have the rights of all. */
static const char *
rights_of(Oid role)
{
	Datum value = ObjectIdGetDatum(role);
	const char *part = "none";

	if (superuser_arg(role))
		return "superuser";
	if (role == owner_of_tables())
		return "owner";
	if (!OidIsValid(owner_of_tables()))
		return part;
	SPI_connect();
	if (owner_execute(&read_part, &value, NULL, true) > 0)
		part = plan_text(0, 1);
	SPI_finish();
	return part;
}
