/*
 * own_policies.h: policies that a business adds to our tables.
 */
#ifndef COURSEBASE_CORE_OWN_POLICIES_H
#define COURSEBASE_CORE_OWN_POLICIES_H

#include "postgres.h"

#include "utils/relcache.h"

/*
 * For triggers, which come before row security judges a row that is written: whether row
 * security binds the caller, and by policies of ours alone. Whom the business's own policy may
 * let write is not bound, for what ours refuse may be allowed.
 */
extern bool own_policies_bind(Relation table);

#endif
