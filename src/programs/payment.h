/*
 * payment.h: a payment of an organisation's provider, and the locks that every change of a
 * payment takes.
 *
 * Lock order, everywhere: the buyer's row of users; the membership that the new rows will name
 * (FOR KEY SHARE: a member who leaves meanwhile would otherwise change these rows from the
 * other end); the program FOR SHARE; the entitlement; the payment. A payment of which only the
 * id or the reference is known is found without a lock first; then the others are locked, then
 * the payment, and its state is read under the lock.
 */
#ifndef COURSEBASE_PROGRAMS_PAYMENT_H
#define COURSEBASE_PROGRAMS_PAYMENT_H

#include "postgres.h"

#include "utils/uuid.h"

#include "core/statement_mark.h"

typedef struct Payment
{
	/* what never changes: known from payment_find() on */
	pg_uuid_t id;
	pg_uuid_t user;
	pg_uuid_t organization;
	pg_uuid_t program; /* all zeros for a plan that sells none */
	/* the state: known from payment_lock() on */
	bool is_charge;
	const char *status;
	bool has_entitlement;
	pg_uuid_t entitlement;
	const char *entitlement_status; /* NULL without an entitlement */
	bool is_source;                 /* the entitlement rests on this payment */
	bool is_closed;                 /* the buyer's account is */
} Payment;

/* All functions need SPI_connect(); texts are the caller's, in the context from before. */

/* Finds a payment by its id, unlocked; false when there is none. */
extern bool payment_find(const pg_uuid_t *id, Payment *payment);

/* The same; raises KB106 when there is none. */
extern void payment_require(const pg_uuid_t *id, Payment *payment);

/* Locks all that the payment touches, in the order above, and reads its state. Raises 40001
 * when the payment is newer than the snapshot. */
extern void payment_lock(Payment *payment);

/* Writes the status; the trigger t300_status refuses a change that it does not list. */
extern void payment_status_write(const Payment *payment, const char *status);

/* Revokes the payment's entitlement if it is still pending. */
extern void payment_pending_end(const Payment *payment, Datum at);

/*
 * Makes a charge that was refunded a completed one again, whose rows payment_lock() has locked:
 * the refund is no payment any more, and the entitlement that it revoked is active. What
 * another charge gave since stays.
 */
extern void payment_refund_reverse(const Payment *payment);

/* Marks the statement by which a refunded charge may become completed: that of
 * payment_refund_reverse() alone. */
extern StatementMark payment_reverses;

/*
 * Locks the buyer's membership of the organisation FOR KEY SHARE, or with a NULL organisation
 * that of the program's organisation; false when there is none. membership may be NULL.
 */
extern bool payment_membership_share(const pg_uuid_t *user, const pg_uuid_t *organization,
									 const pg_uuid_t *program, pg_uuid_t *membership);

#endif
