/*
 * session.h: who is told of a session of Stripe's checkout that was paid or failed.
 *
 * The slice programs sells by sessions too. It stands to the right of notifications, which must
 * not call it by name: programs sets the listener when the library is loaded.
 */
#ifndef COURSEBASE_NOTIFICATIONS_SESSION_H
#define COURSEBASE_NOTIFICATIONS_SESSION_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/uuid.h"

typedef struct PaidSession
{
	/* what the session says; texts may be NULL */
	const char *session;
	const char *payment_intent;
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

/* NULL: nobody is told. Set once, by _PG_init(). */
extern SessionListener session_listener;

#endif
