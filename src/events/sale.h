/*
 * sale.h: events that tell of money: what was sold, and what was taken back.
 */
#ifndef COURSEBASE_EVENTS_SALE_H
#define COURSEBASE_EVENTS_SALE_H

#include "postgres.h"

#include "events/changes.h"

/* Tells of the rows of course_purchases that a store sold or took back; reads the changes to
 * their end. */
extern void course_sales_tell(Changes *changes);

#endif
