/*
 * payment.h: what the files of checkouts and payments share.
 *
 * Lock order, everywhere: the buyer's row of users, the membership that the rows name (FOR KEY
 * SHARE: who leaves meanwhile would let go of the rows while they take hold of it), the
 * program, the entitlement, the transaction. A transaction that is only known by its id or
 * reference is found without a lock first; then the others are locked, then it, and it is read
 * again.
 */
#ifndef COURSEBASE_PROGRAMS_PAYMENT_H
#define COURSEBASE_PROGRAMS_PAYMENT_H

#include "postgres.h"

#include "utils/uuid.h"

#include "core/plan.h"

typedef struct Payment
{
	pg_uuid_t id;
	pg_uuid_t user;
	pg_uuid_t organization;
	pg_uuid_t program; /* all zero for a plan that sells none */
	bool is_charge;
	char *status;
	bool has_entitlement;
	pg_uuid_t entitlement;
	char *entitlement_status; /* NULL without one */
	bool is_source;           /* it is what the entitlement rests on */
} Payment;

/* What is known of a transaction by its id, unlocked; false when there is none. Needs SPI. */
extern bool payment_find(Datum id, Payment *payment);

/* The same, raising KB106. */
extern void payment_require(Datum id, Payment *payment);

/* Locks everything that a payment touches, in the order above, and reads it anew. */
extern void payment_lock(Payment *payment);

extern void payment_status_write(const Payment *payment, const char *status);

/* Ends an entitlement that is still pending; others stay. */
extern void payment_pending_end(const Payment *payment, Datum at);

/* The program, which is locked after the buyer and before everything that belongs to both. */
extern bool payment_program_share(const pg_uuid_t *program);

/*
 * The buyer's membership of the organisation, or where that is NULL of the program's; false
 * when there is none. membership may be NULL.
 */
extern bool payment_membership_share(const pg_uuid_t *user, const pg_uuid_t *organization,
									 const pg_uuid_t *program, pg_uuid_t *membership);

/* Copies the uuid that the last plan gave; NULL value: all zero, false. */
extern bool payment_uuid_read(uint64 row, int column, pg_uuid_t *id);

#endif
