/*
 * session.h: what the root of the library calls for payments of programs.
 */
#ifndef COURSEBASE_PROGRAMS_SESSION_H
#define COURSEBASE_PROGRAMS_SESSION_H

/* Registers with notifications, so that a session of Stripe's checkout settles the payment that
 * it is of, and a refund gives it back. Called once, when the library is loaded; raises
 * nothing. */
extern void session_init(void);

#endif
