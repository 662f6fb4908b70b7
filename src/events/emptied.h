/*
 * emptied.h: which tables that give courses the running TRUNCATE empties.
 *
 * A TRUNCATE of several tables fires the triggers before it for one table after the other,
 * while the rows of all of them can still be read. Who tells of the second table asks here what
 * the first one gives no more.
 */
#ifndef COURSEBASE_EVENTS_EMPTIED_H
#define COURSEBASE_EVENTS_EMPTIED_H

#include "postgres.h"

/* The tables, as bits. */
typedef enum EmptiedTable
{
	EMPTIED_ACCESS = 1 << 0,    /* user_course_access */
	EMPTIED_GRANTS = 1 << 1,    /* course_grants: what ends */
	EMPTIED_PURCHASES = 1 << 2, /* course_purchases, slots among them */
} EmptiedTable;

/* In a trigger before a TRUNCATE, when all was told of the table. */
extern void emptied_add(EmptiedTable table);

/* The tables of which the same statement's triggers have told. */
extern uint32 emptied_tables(void);

/* In a trigger of another statement: the tables may have rows again. */
extern void emptied_forget(void);

#endif
