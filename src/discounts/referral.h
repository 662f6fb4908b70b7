/*
 * referral.h: what the root of the library calls for referrals.
 */
#ifndef COURSEBASE_DISCOUNTS_REFERRAL_H
#define COURSEBASE_DISCOUNTS_REFERRAL_H

/* Registers with billing, so that a person's first premium credits the referrer and its refund
 * revokes the credit. Called once, when the library is loaded; raises nothing. */
extern void referral_init(void);

#endif
