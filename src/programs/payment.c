/*
 * payment.c: payments of organisations' providers: found, locked and written.
 *
 * Invariant: whoever changes a payment holds its row, and before it the rows that the payment
 * touches, in the order of payment.h. What an unlocked look found is only used for columns that
 * never change (t300_set_once).
 *
 * Rights: the statements run with the rights of the tables' owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/uuid.h"

#include "core/datum.h"
#include "core/errors.h"
#include "core/owner.h"
#include "core/plan.h"
#include "identity/anchor.h"
#include "identity/guest.h"
#include "programs/payment.h"
#include "programs/program.h"

/* The columns of find_payment. */
enum
{
	PAYMENT_ID = 1,
	PAYMENT_USER,
	PAYMENT_ORGANIZATION,
	PAYMENT_PROGRAM,
};

static KeptPlan find_payment = {
	.sql = "SELECT id, user_id, organization_id, program_id"
		   " FROM coursebase.payment_transactions WHERE id = $1",
	.nargs = 1,
	.types = {UUIDOID},
};
/*
 * The membership in the organisation that is named ($2), or else in that of the program ($3).
 * KEY SHARE holds off its deletion and nothing else.
 */
static KeptPlan share_membership = {
	.sql = "SELECT m.id FROM coursebase.memberships m WHERE m.user_id = $1"
		   " AND m.organization_id = coalesce($2,"
		   "  (SELECT p.organization_id FROM coursebase.programs p WHERE p.id = $3))"
		   " FOR KEY SHARE",
	.nargs = 3,
	.types = {UUIDOID, UUIDOID, UUIDOID},
};

/* The columns of lock_entitlement. */
enum
{
	ENTITLEMENT_ID = 1,
	ENTITLEMENT_STATUS,
	ENTITLEMENT_IS_OF_PAYMENT,
};

static KeptPlan lock_entitlement = {
	.sql = "SELECT id, status::text, source_payment_transaction_id = $3"
		   " FROM coursebase.course_entitlements WHERE user_id = $1 AND program_id = $2"
		   " FOR NO KEY UPDATE",
	.nargs = 3,
	.types = {UUIDOID, UUIDOID, UUIDOID},
};

/* The columns of lock_payment. */
enum
{
	LOCKED_STATUS = 1,
	LOCKED_IS_CHARGE,
};

/*
 * The last of the locks (payment.h). The webhook and the return page of one payment take turns
 * here.
 */
static KeptPlan lock_payment = {
	.sql = "SELECT status::text, type = 'charge' FROM coursebase.payment_transactions"
		   " WHERE id = $1 FOR NO KEY UPDATE",
	.nargs = 1,
	.types = {UUIDOID},
};
static KeptPlan write_status = {
	.sql = "UPDATE coursebase.payment_transactions"
		   " SET status = $2::coursebase.transaction_status WHERE id = $1",
	.nargs = 2,
	.types = {UUIDOID, TEXTOID},
};
/* An entitlement that was active before a new checkout is not pending, and stays. */
static KeptPlan end_pending = {
	.sql = "UPDATE coursebase.course_entitlements"
		   " SET status = 'revoked', access_revoked_at = $2"
		   " WHERE id = $1 AND status = 'pending'",
	.nargs = 2,
	.types = {UUIDOID, TIMESTAMPTZOID},
};

/*
 * Reads what is committed, so that a webhook finds the charge of a checkout that was committed
 * a moment ago at any level of isolation.
 */
bool
payment_find(const pg_uuid_t *id, Payment *payment)
{
	Datum key = UUIDPGetDatum(id);

	memset(payment, 0, sizeof(*payment));
	if (owner_execute_latest(&find_payment, &key, NULL) != 1)
		return false;
	payment->id = plan_uuid(0, PAYMENT_ID);
	payment->user = plan_uuid(0, PAYMENT_USER);
	payment->organization = plan_uuid(0, PAYMENT_ORGANIZATION);
	plan_uuid_or_null(0, PAYMENT_PROGRAM, &payment->program);
	return true;
}

void
payment_require(const pg_uuid_t *id, Payment *payment)
{
	if (!payment_find(id, payment))
	{
		organizations_require_home();
		ereport(ERROR, (errcode(ERRCODE_CB_NOT_FOUND), errmsg("there is no such transaction"),
						errdetail("None has the id %s.", uuid_text(id)),
						errhint("Give the id that begin_checkout() answered.")));
	}
}

/*
 * The order of payment.h. The entitlement is locked before the payment, because a payment of
 * the same program may be under way.
 */
void
payment_lock(Payment *payment)
{
	Datum entitlement[] = {UUIDPGetDatum(&payment->user), UUIDPGetDatum(&payment->program),
						   UUIDPGetDatum(&payment->id)};

	payment->is_closed = anchor_user_anywhere(&payment->user) == ANCHORED_CLOSED;
	payment_membership_share(&payment->user, &payment->organization, NULL, NULL);
	program_share(&payment->program);
	if (owner_execute(&lock_entitlement, entitlement, NULL, false) == 1)
	{
		payment->has_entitlement = true;
		payment->entitlement = plan_uuid(0, ENTITLEMENT_ID);
		payment->entitlement_status = plan_text_required(0, ENTITLEMENT_STATUS);
		payment->is_source = plan_bool_or(0, ENTITLEMENT_IS_OF_PAYMENT, false);
	}
	/* payment_find() saw the row: the transaction's snapshot is older */
	if (owner_execute(&lock_payment, &entitlement[2], NULL, false) != 1)
		program_raise_newer("payment_transactions", "the payment");
	payment->status = plan_text_required(0, LOCKED_STATUS);
	payment->is_charge = plan_bool(0, LOCKED_IS_CHARGE);
}

void
payment_status_write(const Payment *payment, const char *status)
{
	PlanValues values = {0};

	plan_bind_uuid(&values, &payment->id);
	plan_bind_text(&values, status);
	owner_execute(&write_status, values.datums, NULL, false);
}

/*
 * The statement's condition leaves an active entitlement, which another payment gave, as it is.
 */
void
payment_pending_end(const Payment *payment, Datum at)
{
	Datum values[] = {UUIDPGetDatum(&payment->entitlement), at};

	if (payment->has_entitlement)
		owner_execute(&end_pending, values, NULL, false);
}

/* FOR KEY SHARE waits for a membership that is being deleted, and holds such a deletion off. */
bool
payment_membership_share(const pg_uuid_t *user, const pg_uuid_t *organization,
						 const pg_uuid_t *program, pg_uuid_t *membership)
{
	PlanValues values = {0};
	bool found;

	plan_bind_uuid(&values, user);
	plan_bind_uuid(&values, organization);
	plan_bind_uuid(&values, program);
	found = owner_execute(&share_membership, values.datums, values.nulls, false) == 1;
	if (found && membership != NULL)
		*membership = plan_uuid(0, 1);
	return found;
}
