/*
 * transfer.c: a line of renewals goes to another person, with its events.
 *
 * Invariant: a line belongs to one person, and what is stored of both people afterwards is the
 * fold of their events. Nobody is paid for bringing a person by a payment that came along: the
 * line's first premium was told of already. The receipts of its payments are the caller's
 * (store/transfer.c): no line goes without them.
 *
 * Locks: the two rows of users, the lesser uuid first, then as in subscription.c.
 *
 * Rights: the statements run with the rights of the tables' owner. Audited.
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "billing/machine.h"
#include "billing/transfer.h"
#include "core/datum.h"
#include "core/owner.h"
#include "core/plan.h"
#include "identity/anchor.h"
#include "identity/audit.h"
#include "json/object_write.h"

/* Without the line that no event names: its name is the person's id (lines.c), and its events
 * would make it anew with every other person. */
static KeptPlan find_line = {
	.sql = "SELECT l.user_id FROM coursebase.subscription_lines l "
		   "WHERE l.store = $1 AND l.original_transaction_id = $2 "
		   "AND l.original_transaction_id <> l.user_id::text",
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

LineTransfer
subscription_transfer(const char *store, const char *line, const pg_uuid_t *to)
{
	PlanValues values = {0};
	Datum people[2];
	pg_uuid_t from;

	plan_bind_text(&values, store);
	plan_bind_text(&values, line);
	if (owner_execute(&find_line, values.datums, values.nulls, false) == 0)
		return LINE_UNKNOWN;
	from = plan_uuid(0, 1);
	if (uuid_equal(&from, to))
		return LINE_STAYS;
	anchor_transfer_require(&from, to);
	/* another transfer may have come first: then the line is not this person's any more */
	if (!line_move(store, line, &from, to))
		return LINE_STAYS;
	people[0] = UUIDPGetDatum(&from);
	people[1] = UUIDPGetDatum(to);
	for (int i = 0; i < lengthof(people); i++)
		owner_execute(&fold_again, &people[i], NULL, false);
	transfer_audit(store, line, &from, to);
	return LINE_MOVED;
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
