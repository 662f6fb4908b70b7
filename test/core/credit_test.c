/*
 * credit_test.c: the price of seconds, the burn order, what comes back, what a refund takes,
 * and when weeks turn, each against a table.
 */
#include "allowance/credit_burn.h"
#include "allowance/week.h"
#include "table.h"

static const struct
{
	const char *seconds;
	bool read;
	int64_t price;
} prices[] = {
	{"0", true, 0},
	{"0.000", true, 0},
	{"0.0001", true, 1},
	{"1", true, 1},
	{"59.999", true, 60},
	{"60.0", true, 60},
	{"9223372036854775807", true, INT64_MAX},
	{"9223372036854775806.1", true, INT64_MAX},
	{"9223372036854775807.1", false, 0},
	{"9223372036854775808", false, 0},
	{"99999999999999999999", false, 0},
	{"", false, 0},
	{".5", false, 0},
	{"5.", false, 0},
	{"-1", false, 0},
	{"+1", false, 0},
	{"1e3", false, 0},
	{"NaN", false, 0},
	{"Infinity", false, 0},
	{"1.2.3", false, 0},
	{" 1", false, 0},
};

static const struct
{
	CreditAccount account;
	int64_t price;
	bool burnt;
	CreditAmount amount;
} burns[] = {
	{{100, 0, 50, 0}, 0, true, {0, 0}},
	{{100, 0, 50, 0}, 100, true, {100, 0}},
	{{100, 40, 50, 0}, 61, true, {60, 1}},
	{{100, 40, 50, 10}, 100, true, {60, 40}},
	{{100, 40, 50, 10}, 101, false, {0, 0}},
	{{100, 100, 50, 50}, 1, false, {0, 0}},
	{{100, 100, 50, 50}, 0, true, {0, 0}},
	{{0, 0, 50, 0}, 50, true, {0, 50}},
	{{0, 0, 0, 0}, 1, false, {0, 0}},
	{{100, 0, 50, 0}, -1, false, {0, 0}},
	{{INT64_MAX, 0, INT64_MAX, 0}, INT64_MAX, true, {INT64_MAX, 0}},
	{{INT64_MAX, 1, INT64_MAX, 0}, INT64_MAX, true, {INT64_MAX - 1, 1}},
};

static const struct
{
	CreditAmount held;
	int64_t price;
	bool same_week;
	CreditAmount back;
} returns[] = {
	{{60, 40}, 100, true, {0, 0}}, {{60, 40}, 99, true, {0, 1}},  {{60, 40}, 60, true, {0, 40}},
	{{60, 40}, 59, true, {1, 40}}, {{60, 40}, 0, true, {60, 40}}, {{60, 40}, 0, false, {0, 40}},
	{{60, 40}, 99, false, {0, 1}}, {{0, 40}, 10, true, {0, 30}},  {{0, 0}, 0, true, {0, 0}},
};

static const struct
{
	int64_t used; /* of a bank that is what the packs hold */
	size_t count;
	CreditPack packs[3]; /* held, claimed, and taken and the rest as they should become */
} refunds[] = {
	{0, 1, {{100, 100, 100, 0}}},
	{30, 1, {{100, 100, 70, 0}}},
	{100, 1, {{100, 100, 0, 0}}},
	{0, 2, {{100, 100, 100, 0}, {50, 0, 0, 50}}},
	{30, 2, {{100, 0, 0, 70}, {50, 50, 50, 0}}},
	{120, 2, {{100, 100, 0, 0}, {50, 0, 0, 30}}},
	{120, 2, {{100, 0, 0, 0}, {50, 50, 30, 0}}},
	{120, 3, {{100, 100, 0, 0}, {50, 50, 30, 0}, {10, 10, 10, 0}}},
	{0, 0, {{0, 0, 0, 0}}},
	{0, 1, {{300, 100, 100, 200}}}, /* a third of the pack was paid back */
	{250, 1, {{300, 100, 50, 0}}},
	{300, 1, {{300, 100, 0, 0}}},
	{320, 2, {{300, 200, 0, 0}, {50, 0, 0, 30}}},
	{30, 2, {{0, 0, 0, 0}, {50, 50, 20, 0}}}, /* the first one is paid back in full */
};

static void
burn_check(void)
{
	for (size_t i = 0; i < LENGTH(prices); i++)
	{
		int64_t price = -1;
		bool read = credit_price(prices[i].seconds, strlen(prices[i].seconds), &price);

		table_check(read == prices[i].read, "prices", i, "is read or refused");
		table_check(!read || price == prices[i].price, "prices", i, "price");
	}
	for (size_t i = 0; i < LENGTH(burns); i++)
	{
		CreditAccount account = burns[i].account;
		CreditAmount burnt = {0, 0};

		table_check(burns[i].price < 0 ||
						(credit_available(&account) >= burns[i].price) == burns[i].burnt,
					"burns", i, "what is available is enough, or not");
		table_check(credit_burn(&account, burns[i].price, &burnt) == burns[i].burnt, "burns", i,
					"enough");
		table_check(burnt.weekly == burns[i].amount.weekly &&
						burnt.bank == burns[i].amount.bank,
					"burns", i, "amounts");
		table_check(account.weekly_used == burns[i].account.weekly_used + burnt.weekly &&
						account.bank_used == burns[i].account.bank_used + burnt.bank,
					"burns", i, "account");
	}
}

static void
return_check(void)
{
	for (size_t i = 0; i < LENGTH(returns); i++)
	{
		CreditAccount account = {100, returns[i].held.weekly, 100, returns[i].held.bank};
		CreditAmount back;

		credit_give_back(&account, returns[i].held, returns[i].price, returns[i].same_week,
						 &back);
		table_check(back.weekly == returns[i].back.weekly && back.bank == returns[i].back.bank,
					"returns", i, "amounts");
		table_check(account.weekly_used == returns[i].held.weekly - back.weekly &&
						account.bank_used == returns[i].held.bank - back.bank,
					"returns", i, "account");
	}
	for (size_t i = 0; i < LENGTH(refunds); i++)
	{
		CreditAccount account = {0, 0, 0, refunds[i].used};
		CreditPack packs[3] = {{0, 0, 0, 0}};
		int64_t taken, all = 0, expected = 0;

		for (size_t p = 0; p < refunds[i].count; p++)
		{
			packs[p] = refunds[i].packs[p];
			all += packs[p].held;
			expected += packs[p].taken;
		}
		account.bank_limit = all;
		table_check(credit_packs_settle(&account, packs, refunds[i].count, &taken), "refunds",
					i, "settled");
		table_check(taken == expected && account.bank_limit == all - expected, "refunds", i,
					"sum");
		for (size_t p = 0; p < refunds[i].count; p++)
			table_check(packs[p].taken == refunds[i].packs[p].taken &&
							packs[p].rest == refunds[i].packs[p].rest,
						"refunds", i, "pack");
		account.bank_limit++;
		table_check(!credit_packs_settle(&account, packs, refunds[i].count, &taken), "refunds",
					i, "a bank that is not what its packs hold");
	}
}

/* Packs of which one holds less than nothing, or more than the bank, are not the bank's. */
static void
packs_check(void)
{
	static const int64_t held[][2] = {
		{-10, 60}, {60, -10}, {INT64_MIN, INT64_MAX}, {51, 0}, {50, 1}};

	for (size_t i = 0; i < LENGTH(held); i++)
	{
		CreditAccount account = {0, 0, 50, 20};
		CreditPack packs[2] = {{held[i][0], held[i][0], 0, 0}, {held[i][1], 0, 0, 0}};
		int64_t taken = -1;

		table_check(!credit_packs_settle(&account, packs, 2, &taken), "packs", i, "refused");
		table_check(taken == -1 && account.bank_limit == 50 && account.bank_used == 20, "packs",
					i, "nothing is changed");
	}
}

/* The sum of two packs is beyond what can be said, and no bank's. */
static void
packs_wide_check(void)
{
	CreditAccount account = {0, 0, INT64_MAX, 0};
	CreditPack packs[2] = {{INT64_MAX, 0, 0, 0}, {1, 0, 0, 0}};
	int64_t taken = -1;

	table_check(!credit_packs_settle(&account, packs, 2, &taken) && taken == -1, "packs", 0,
				"out of range");
	table_check(credit_packs_settle(&account, packs, 1, &taken) && taken == 0, "packs", 1,
				"a full bank");
}

static void
limit_check(void)
{
	CreditAccount account = {10, 10, INT64_MAX - 1, 0};

	table_check(!credit_raise(&account, 10) && !credit_raise(&account, 9) &&
					account.weekly_limit == 10,
				"limits", 0, "does not fall within a week");
	table_check(credit_raise(&account, 11) && account.weekly_limit == 11, "limits", 1, "rises");
	credit_turn(&account, 5);
	table_check(account.weekly_limit == 5 && account.weekly_used == 0, "limits", 2, "turns");
	table_check(!credit_bank_add(&account, 2) && account.bank_limit == INT64_MAX - 1, "limits",
				3, "a bank out of range");
	table_check(credit_bank_add(&account, 1) && account.bank_limit == INT64_MAX, "limits", 4,
				"a full bank");
	table_check(credit_available(&account) == INT64_MAX, "limits", 5, "more than can be said");
}

#define H INT64_C(3600000000)

/* A zone: until `change` weeks have 168 hours; the one across it has `shift` hours more. */
typedef struct Zone
{
	int64_t change;
	int64_t shift;
} Zone;

static int64_t
zone_step(void *calendar, int64_t instant)
{
	const Zone *zone = calendar;
	int64_t next = instant + WEEK_OF_HOURS;

	return instant < zone->change && next >= zone->change ? next + zone->shift : next;
}

static int64_t
still_step(void *calendar, int64_t instant)
{
	(void) calendar;
	return instant;
}

/* The first week ends at 0. */
static const struct
{
	Zone zone;
	int64_t at, end, weeks;
} turns[] = {
	{{0, 0}, -1, 0, 0},
	{{0, 0}, 0, WEEK_OF_HOURS, 1},
	{{0, 0}, WEEK_OF_HOURS - 1, WEEK_OF_HOURS, 1},
	{{0, 0}, WEEK_OF_HOURS, 2 * WEEK_OF_HOURS, 2},
	{{H, -H}, 0, WEEK_OF_HOURS - H, 1},
	{{H, -H}, WEEK_OF_HOURS - H - 1, WEEK_OF_HOURS - H, 1},
	{{H, -H}, WEEK_OF_HOURS - H, 2 * WEEK_OF_HOURS - H, 2},
	{{H, H}, WEEK_OF_HOURS, WEEK_OF_HOURS + H, 1},
	{{H, H}, WEEK_OF_HOURS + H, 2 * WEEK_OF_HOURS + H, 2},
	{{H, H}, 52 * WEEK_OF_HOURS, 52 * WEEK_OF_HOURS + H, 52},
};

static void
week_check(void)
{
	int64_t weeks;

	for (size_t i = 0; i < LENGTH(turns); i++)
	{
		Zone zone = turns[i].zone;
		int64_t end = week_end(0, turns[i].at, zone_step, &zone, &weeks);
		int64_t seldom = 0;

		table_check(end == turns[i].end, "turns", i, "end");
		table_check(weeks == turns[i].weeks, "turns", i, "weeks");
		for (int64_t at = 0; at <= turns[i].at; at += 7 * H)
			seldom = week_end(seldom, at, zone_step, &zone, NULL);
		seldom = week_end(seldom, turns[i].at, zone_step, &zone, NULL);
		table_check(end == seldom, "turns", i, "who looks often sees the same");
	}
	table_check(week_end(0, 5 * WEEK_OF_HOURS, still_step, NULL, &weeks) == 6 * WEEK_OF_HOURS &&
					weeks == 6,
				"still", 0, "a calendar that stands still has 168 hours");
	table_check(week_end(INT64_MAX - 1, INT64_MAX, still_step, NULL, NULL) == INT64_MAX,
				"still", 1, "the end of time");
}

int
main(void)
{
	burn_check();
	return_check();
	packs_check();
	packs_wide_check();
	limit_check();
	week_check();
	return table_end();
}
