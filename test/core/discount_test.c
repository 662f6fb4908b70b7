/*
 * discount_test.c: what a discount takes off and how an amount is spread, against tables of
 * cases, and against its promises on generated ones.
 */
#include <stdlib.h>

#include "discounts/amount.h"
#include "table.h"

#define MAX_LINES 6

static const struct
{
	int64_t base;
	int32_t hundredths;
	int64_t result;
} percentages[] = {
	{0, 5000, 0},
	{1, 4999, 0},
	{1, 5000, 1},
	{-1, 5000, -1},
	{-1, 4999, 0},
	{3, 5000, 2},
	{-3, 5000, -2},
	{999, 1, 0},
	{5000, 1, 1},
	{4999, 1, 0},
	{1999, 1250, 250},
	{1004, 1250, 126},
	{100, 3333, 33},
	{150, 3333, 50},
	{100, 0, 0},
	{100, -1, 0},
	{100, 10000, 100},
	{100, 10001, 100},
	{INT64_MAX, 10000, INT64_MAX},
	{INT64_MAX, 9999, INT64_C(9222449699651090329)},
	{INT64_MAX, 5000, INT64_C(4611686018427387904)},
	{INT64_MIN, 10000, INT64_MIN},
	{INT64_MIN, 5000, INT64_MIN / 2},
};

static const struct
{
	int64_t base;
	int64_t amount;
	int64_t result;
} amounts[] = {
	{1000, 500, 500}, {500, 500, 500}, {499, 500, 499}, {0, 500, 0},
	{500, 0, 0},      {-1, 500, 0},    {500, -1, 0},    {INT64_MAX, INT64_MAX, INT64_MAX},
};

static const struct
{
	size_t count;
	int64_t lines[MAX_LINES];
	int64_t total;
	bool possible;
	int64_t shares[MAX_LINES];
} splits[] = {
	{0, {0}, 0, true, {0}},
	{0, {0}, 1, false, {0}},
	{1, {7}, 5, true, {5}},
	{3, {1, 1, 1}, 100, true, {34, 33, 33}},
	{3, {333, 333, 334}, 10, true, {3, 3, 4}},
	{3, {0, 0, 0}, 4, true, {2, 1, 1}},
	{3, {0, 5, 0}, 5, true, {0, 5, 0}},
	{4, {100, 200, 300, 400}, 99, true, {10, 20, 30, 39}},
	{2, {1, -1}, 1, false, {0}},
	{2, {1, 1}, -1, false, {0}},
	/* what the rounding left is above 64 bits in three lines, and below in the second */
	{4, {INT64_MAX, INT64_MAX / 4, INT64_MAX, INT64_MAX}, 3, true, {1, 0, 1, 1}},
	{2,
	 {INT64_MAX, INT64_MAX},
	 INT64_MAX,
	 true,
	 {INT64_C(4611686018427387904), INT64_C(4611686018427387903)}},
};

static void
percentages_test(void)
{
	for (size_t i = 0; i < LENGTH(percentages); i++)
		table_check(discount_percentage(percentages[i].base, percentages[i].hundredths) ==
						percentages[i].result,
					"percentages", i, "the amount");
	for (size_t i = 0; i < LENGTH(amounts); i++)
		table_check(discount_fixed(amounts[i].base, amounts[i].amount) == amounts[i].result,
					"amounts", i, "the amount");
}

static void
splits_test(void)
{
	for (size_t i = 0; i < LENGTH(splits); i++)
	{
		DiscountPart parts[MAX_LINES];
		bool possible =
			discount_split(splits[i].lines, splits[i].count, splits[i].total, parts);

		table_check(possible == splits[i].possible, "splits", i, "whether it can be");
		for (size_t line = 0; possible && line < splits[i].count; line++)
			table_check(parts[line].share == splits[i].shares[line], "splits", i, "a share");
	}
}

/* The total exactly, no line above itself, and equal lines never more than one apart. */
static void
generated_test(void)
{
	uint64_t seed = 1;

	for (size_t round = 0; round < 20000; round++)
	{
		int64_t lines[MAX_LINES], sum = 0, shares = 0, total;
		DiscountPart parts[MAX_LINES];
		size_t count = 1 + table_random(&seed) % MAX_LINES;
		bool within = true, even = true;

		for (size_t i = 0; i < count; i++)
			sum += lines[i] = table_random(&seed) % (round % 2 ? 4 : 100000);
		total = sum > 0 ? table_random(&seed) % (sum + 1) : 0;
		if (!table_check(discount_split(lines, count, total, parts), "generated", round,
						 "it can be"))
			continue;
		for (size_t i = 0; i < count; i++)
		{
			shares += parts[i].share;
			within = within && parts[i].share >= 0 && parts[i].share <= lines[i];
			for (size_t j = 0; j < i; j++)
				even = even &&
					   (lines[i] != lines[j] || (parts[j].share - parts[i].share) / 2 == 0);
		}
		table_check(shares == total, "generated", round, "the sum");
		table_check(within, "generated", round, "no share above its line");
		table_check(even, "generated", round, "equal lines");
	}
}

int
main(void)
{
	percentages_test();
	splits_test();
	generated_test();
	return table_end();
}
