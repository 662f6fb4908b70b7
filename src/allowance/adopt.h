/*
 * adopt.h: the log of credit accounts, for rows that came without it.
 */
#ifndef COURSEBASE_ALLOWANCE_ADOPT_H
#define COURSEBASE_ALLOWANCE_ADOPT_H

#include "core/adoption.h"

/* Accounts of packs, packs of banks, and the entries that lead to what the account says. */
extern const AdoptionPart allowance_adoption;

#endif
