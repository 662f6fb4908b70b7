/*
 * adopt.h: the record of settings, for rows that came without triggers.
 */
#ifndef COURSEBASE_RECORDS_ADOPT_H
#define COURSEBASE_RECORDS_ADOPT_H

#include "core/adoption.h"

/* The audit of settings whose value nobody recorded. */
extern const AdoptionPart records_adoption;

#endif
