/*
 * referral.h: referrals, as the root of the library knows them.
 */
#ifndef COURSEBASE_DISCOUNTS_REFERRAL_H
#define COURSEBASE_DISCOUNTS_REFERRAL_H

/* Makes the first premium of a person pay whoever brought them. Called once, when the library
 * is loaded. */
extern void referral_init(void);

#endif
