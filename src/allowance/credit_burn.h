/*
 * credit_burn.h: which credits are spent first, what comes back, and what a refund takes.
 *
 * The functions only count: they look at no clock and no table, allocate nothing and raise
 * nothing. In every account 0 ≤ used ≤ limit, for the week and for the bank; the functions keep
 * that, and change nothing when they answer false.
 */
#ifndef COURSEBASE_ALLOWANCE_CREDIT_BURN_H
#define COURSEBASE_ALLOWANCE_CREDIT_BURN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct CreditAccount
{
	int64_t weekly_limit;
	int64_t weekly_used;
	int64_t bank_limit;
	int64_t bank_used;
} CreditAccount;

typedef struct CreditAmount
{
	int64_t weekly;
	int64_t bank;
} CreditAmount;

/*
 * The price of a use: the seconds, a decimal number such as 12.5, rounded up to whole credits.
 * False for anything else: a sign, NaN, an exponent, more than an int64 holds.
 */
extern bool credit_price(const char *seconds, size_t size, int64_t *price);

/* What is left of the week, of the bank, and in all (at most INT64_MAX). */
extern CreditAmount credit_left(const CreditAccount *account);
extern int64_t credit_available(const CreditAccount *account);

/* Spends of the week first, then of the bank. False when both together do not hold the price.
 */
extern bool credit_burn(CreditAccount *account, int64_t price, CreditAmount *burnt);

/*
 * Ends a reservation that held this much, with a price of at most that. What was not needed
 * comes back, the bank's credits first, as if only the price had been spent. What was held of a
 * week that has passed since (same_week false) lapsed with the week.
 */
extern void credit_give_back(CreditAccount *account, CreditAmount held, int64_t price,
							 bool same_week, CreditAmount *back);

/* Begins a week: nothing is used of it, and its limit is the allowance (not negative). */
extern void credit_turn(CreditAccount *account, int64_t allowance);

/* Within a week a higher allowance counts at once, a lower one not. False: nothing changed. */
extern bool credit_raise(CreditAccount *account, int64_t allowance);

/* Adds the credits (not negative) of a pack. False when the bank would pass an int64. */
extern bool credit_bank_add(CreditAccount *account, int64_t credits);

/* A pack; the packs of an account stand in the order in which they came to it. */
typedef struct CreditPack
{
	int64_t held;    /* what the person got of it, less what went or was taken back */
	int64_t claimed; /* what refunds claim of it, and have not taken yet */
	int64_t taken;   /* by credit_packs_settle() */
	int64_t rest;    /* neither spent nor taken, set by credit_packs_settle() */
} CreditPack;

/*
 * The credits of the oldest pack are spent first. Takes of what is not spent as much as refunds
 * claim of each pack, and of no other pack, off the packs and off the account's bank, and gives
 * the sum. False unless the packs together hold the bank's limit.
 */
extern bool credit_packs_settle(CreditAccount *account, CreditPack *packs, size_t count,
								int64_t *taken);

#endif
