/*
 * adopt.h: subscriptions, their lines and their log, for rows that came without triggers.
 */
#ifndef COURSEBASE_BILLING_ADOPT_H
#define COURSEBASE_BILLING_ADOPT_H

#include "core/adoption.h"

/* Events of subscriptions that came without; lines and subscriptions as the fold of events. */
extern const AdoptionPart billing_adoption;

#endif
