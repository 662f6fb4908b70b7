/*
 * adopt.h: the profiles of people, and the record of roles, for rows that came without
 * triggers.
 */
#ifndef COURSEBASE_IDENTITY_ADOPT_H
#define COURSEBASE_IDENTITY_ADOPT_H

#include "core/adoption.h"

/* Profiles with referral codes, time zones as the server spells them, audit of roles. */
extern const AdoptionPart identity_adoption;

#endif
