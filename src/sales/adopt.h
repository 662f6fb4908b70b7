/*
 * adopt.h: grants of purchases and access, for rows that came without triggers.
 */
#ifndef COURSEBASE_SALES_ADOPT_H
#define COURSEBASE_SALES_ADOPT_H

#include "core/adoption.h"

/* Grants of purchases, direct grants of access that no purchase gives, access of grants. */
extern const AdoptionPart sales_adoption;

#endif
