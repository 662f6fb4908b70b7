/*
 * credit_pack.h: what comes back to packs of credits that were refunded meanwhile.
 */
#ifndef COURSEBASE_ALLOWANCE_CREDIT_PACK_H
#define COURSEBASE_ALLOWANCE_CREDIT_PACK_H

#include "allowance/credit_state.h"

/*
 * Takes what is unspent of refunded packs off the packs, and off state->account, which the
 * caller saves. The account must be open (credit_account.h). Raises XX001 if the bank is not
 * what its packs hold.
 */
extern void credit_packs_take(CreditState *state);

#endif
