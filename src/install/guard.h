/*
 * guard.h: no command takes a table or a column of the business away unless it is allowed to.
 */
#ifndef COURSEBASE_INSTALL_GUARD_H
#define COURSEBASE_INSTALL_GUARD_H

/* Defines coursebase.allow_drop and hangs the guard into the server; called once, at load. */
extern void guard_init(void);

#endif
