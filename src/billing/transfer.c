/*
 * transfer.c: a line of renewals goes to another person, with its events.
 *
 * Invariant: a line belongs to one person, and what is stored of both people afterwards is the
 * fold of their events. Nobody is paid for bringing a person by a payment that came along: the
 * line's first premium was told of already.
 *
 * Locks: the two rows of users, the lesser uuid first, then as in subscription.c.
 *
 * Rights: the server's alone; the statements run with the rights of the tables' owner. Audited.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"

#include "billing/machine.h"
#include "core/args.h"
#include "core/datum.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "core/schema.h"
#include "identity/anchor.h"
#include "identity/asking.h"
#include "identity/audit.h"
#include "json/object_write.h"

static KeptPlan find_line = {
	.sql = "SELECT l.user_id FROM coursebase.subscription_lines l "
		   "WHERE l.store = $1 AND l.original_transaction_id = $2",
	.nargs = 2,
	.types = {TEXTOID, TEXTOID},
};
static KeptPlan fold_again = {
	.sql = "SELECT FROM coursebase.rebuild_subscription($1)",
	.nargs = 1,
	.types = {UUIDOID},
};

static void transfer_audit(const char *store, const char *line, const pg_uuid_t *from,
						   const pg_uuid_t *to);

PG_FUNCTION_INFO_V1(coursebase_transfer_subscription);

/*
 * SQL function: transfer_subscription(store text, original_transaction_id text, to_user uuid)
 * returns boolean
 */
PGDLLEXPORT Datum
coursebase_transfer_subscription(PG_FUNCTION_ARGS)
{
	const char *store, *line;
	const pg_uuid_t *to;
	PlanValues values = {0};
	pg_uuid_t from;
	bool moved = false;

	args_require_all(fcinfo);
	store = args_text_or_null(fcinfo, 0);
	line = args_text_or_null(fcinfo, 1);
	to = PG_GETARG_UUID_P(2);
	schema_require_current();
	identity_require_here(to);
	SPI_connect();
	plan_bind_text(&values, store);
	plan_bind_text(&values, line);
	if (owner_execute(&find_line, values.datums, values.nulls, false) == 0)
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such subscription"),
						errdetail("Store %s has no line \"%s\".", store, line)));
	from = plan_uuid(0, 1);
	anchor_transfer_require(&from, to);
	if (memcmp(&from, to, UUID_LEN) != 0)
	{
		Datum people[] = {UUIDPGetDatum(&from), UUIDPGetDatum(to)};

		/* another transfer may have come first: then the line is not this person's any more */
		moved = line_move(store, line, &from, to);
		for (int i = 0; moved && i < lengthof(people); i++)
			owner_execute(&fold_again, &people[i], NULL, false);
		if (moved)
			transfer_audit(store, line, &from, to);
	}
	SPI_finish();
	PG_RETURN_BOOL(moved);
}

static void
transfer_audit(const char *store, const char *line, const pg_uuid_t *from, const pg_uuid_t *to)
{
	StringInfoData before, after;

	object_begin(&before);
	object_text(&before, "user_id", uuid_text(from));
	object_begin(&after);
	object_text(&after, "user_id", uuid_text(to));
	audit_write("subscription_transferred", psprintf("subscription_lines/%s/%s", store, line),
				object_end(&before), object_end(&after));
}
