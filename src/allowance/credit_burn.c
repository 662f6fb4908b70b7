/*
 * credit_burn.c: which credits are spent first, what comes back, and what a refund takes.
 *
 * A sum that could pass the range of an int64 is never computed: it is compared as a difference
 * of numbers that are not negative. Plain C without the server's headers, so that
 * test/core/credit_test.c tries it by tables of cases.
 */
#include "allowance/credit_burn.h"

static int64_t min(int64_t a, int64_t b);

/* Digits, and perhaps a point with digits behind it, of which any but 0 makes one credit more.
 */
bool
credit_price(const char *seconds, size_t size, int64_t *price)
{
	int64_t whole = 0;
	bool part = false;
	size_t at = 0;

	for (; at < size && seconds[at] != '.'; at++)
	{
		int digit = seconds[at] - '0';

		if (digit < 0 || digit > 9 || whole > (INT64_MAX - digit) / 10)
			return false;
		whole = whole * 10 + digit;
	}
	if (at == 0 || at + 1 == size)
		return false;
	for (at++; at < size; at++)
	{
		if (seconds[at] < '0' || seconds[at] > '9')
			return false;
		part |= seconds[at] != '0';
	}
	if (part && whole == INT64_MAX)
		return false;
	*price = whole + part;
	return true;
}

/* Never negative: used ≤ limit. */
CreditAmount
credit_left(const CreditAccount *account)
{
	return (CreditAmount){account->weekly_limit - account->weekly_used,
						  account->bank_limit - account->bank_used};
}

/* Bounded instead of wrong: both parts may be as large as an int64. */
int64_t
credit_available(const CreditAccount *account)
{
	CreditAmount left = credit_left(account);

	return left.weekly > INT64_MAX - left.bank ? INT64_MAX : left.weekly + left.bank;
}

/* Changes the account only once both parts are known to fit. */
bool
credit_burn(CreditAccount *account, int64_t price, CreditAmount *burnt)
{
	CreditAmount left = credit_left(account);
	CreditAmount part;

	if (price < 0)
		return false;
	part.weekly = min(price, left.weekly);
	part.bank = price - part.weekly;
	if (part.bank > left.bank)
		return false;
	account->weekly_used += part.weekly;
	account->bank_used += part.bank;
	*burnt = part;
	return true;
}

/* The price is laid on the week first, as credit_burn() would have done with it alone. */
void
credit_give_back(CreditAccount *account, CreditAmount held, int64_t price, bool same_week,
				 CreditAmount *back)
{
	int64_t weekly = min(price, held.weekly);

	back->weekly = same_week ? held.weekly - weekly : 0;
	back->bank = held.bank - (price - weekly);
	account->weekly_used -= back->weekly;
	account->bank_used -= back->bank;
}

/* Rule: the unused rest of a week lapses; the bank is not touched. */
void
credit_turn(CreditAccount *account, int64_t allowance)
{
	account->weekly_limit = allowance;
	account->weekly_used = 0;
}

/* A lower allowance waits for credit_turn(). */
bool
credit_raise(CreditAccount *account, int64_t allowance)
{
	if (allowance <= account->weekly_limit)
		return false;
	account->weekly_limit = allowance;
	return true;
}

/* Compares before it adds, because a sum out of range must not be computed. */
bool
credit_bank_add(CreditAccount *account, int64_t credits)
{
	if (credits > INT64_MAX - account->bank_limit)
		return false;
	account->bank_limit += credits;
	return true;
}

/*
 * First the check, so that nothing is changed if the packs are not the bank; then every pack in
 * turn, as long as there are used credits to lay on it.
 */
bool
credit_packs_settle(CreditAccount *account, CreditPack *packs, size_t count, int64_t *taken)
{
	int64_t used = account->bank_used; /* not yet found in a pack */
	int64_t all = 0;

	for (size_t i = 0; i < count; i++)
	{
		if (packs[i].held < 0 || packs[i].held > account->bank_limit - all)
			return false;
		all += packs[i].held;
	}
	if (all != account->bank_limit)
		return false;
	*taken = 0;
	for (size_t i = 0; i < count; i++)
	{
		int64_t spent = min(packs[i].held, used);

		used -= spent;
		packs[i].taken = min(packs[i].claimed, packs[i].held - spent);
		packs[i].claimed -= packs[i].taken;
		packs[i].held -= packs[i].taken;
		packs[i].rest = packs[i].held - spent;
		*taken += packs[i].taken;
	}
	account->bank_limit -= *taken;
	return true;
}

static int64_t
min(int64_t a, int64_t b)
{
	return a < b ? a : b;
}
