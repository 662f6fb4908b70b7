/*
 * adopt.h: progress in programs, for rows that came without triggers.
 */
#ifndef COURSEBASE_PROGRAMS_ADOPT_H
#define COURSEBASE_PROGRAMS_ADOPT_H

#include "core/adoption.h"

/* When entitlements were completed, by their completions and the curriculum. */
extern const AdoptionPart programs_adoption;

#endif
