/*
 * session.h: who is told of a payment of Stripe's that was made, failed or was given back.
 *
 * The slice programs sells by sessions and payment intents too. It stands to the right of
 * notifications, which must not call it by name: programs sets the listener when the library is
 * loaded.
 */
#ifndef COURSEBASE_NOTIFICATIONS_SESSION_H
#define COURSEBASE_NOTIFICATIONS_SESSION_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/uuid.h"

typedef struct PaidSession
{
	/* what the session says; texts may be NULL */
	const char *session; /* NULL: a payment intent alone */
	const char *payment_intent;
	const char *charge;
	bool failed;
	int64 amount; /* NOTICE_NO_AMOUNT: none, of one that failed */
	const char *currency;
	const char *environment;
	TimestampTz at;
	/* what the listener answers, in the current context */
	pg_uuid_t user;
	const char *refusal; /* begins with the SQLSTATE; NULL: it is not refused */
	const char *answer;  /* JSON; NULL: it does not count here */
} PaidSession;

/* False: it is no session of the listener's. Called between SPI_connect() and SPI_finish(); may
 * raise. */
typedef bool (*SessionListener)(PaidSession *session);

/* A refund or a dispute, of a payment that neither sales nor lines know. */
typedef struct PaymentReturn
{
	/* what was told; texts may be NULL */
	const char *payment_intent;
	const char *charge;
	const char *ref;  /* the provider's id of the refund or dispute; of a sum the charge's */
	const char *kind; /* refund, dispute, or total: the sum of the charge's refunds so far */
	bool review;      /* a question whose it is, and nothing was given back */
	bool reversed;    /* the refund failed, or the dispute was won */
	int64 amount;     /* given back */
	const char *environment;
	TimestampTz at;
	/* what the listener answers, in the current context: one of these at most is set */
	pg_uuid_t user;
	const char *refusal; /* begins with the SQLSTATE */
	const char *note;    /* why nothing was done */
	const char *answer;  /* JSON */
} PaymentReturn;

/* As SessionListener: false for a payment that is none of the listener's. */
typedef bool (*ReturnListener)(PaymentReturn *given_back);

/* NULL: nobody is told. Set once, by _PG_init(). */
extern SessionListener session_listener;
extern ReturnListener return_listener;

#endif
