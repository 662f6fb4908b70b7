/*
 * grant.h: events that tell of grants that have an end.
 */
#ifndef COURSEBASE_EVENTS_GRANT_H
#define COURSEBASE_EVENTS_GRANT_H

#include "postgres.h"

#include "commands/trigger.h"

/* Tells of the courses that purchases gave until an end and that a refund took away, or its
 * reversal gave again: within SPI, in a trigger after an UPDATE of purchases with both
 * transition tables. Errors are those of event_write(). */
extern void grants_refunded_tell(TriggerData *data);

#endif
