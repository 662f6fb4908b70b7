/*
 * discount_fuzz.c: a percentage lies between nothing and the base, and is the nearest unit; a
 * split gives the total and no line more than itself.
 */
#include "discounts/amount.h"
#include "fuzz.h"

typedef __int128 Wide;

static void
percentage_try(int64_t base, int32_t hundredths)
{
	int64_t amount = discount_percentage(base, hundredths);
	Wide error = (Wide) amount * DISCOUNT_WHOLE * 2 - (Wide) base * hundredths * 2;

	if (hundredths <= 0)
		PROMISE(amount == 0);
	else if (hundredths >= DISCOUNT_WHOLE)
		PROMISE(amount == base);
	else
	{
		PROMISE(base < 0 ? amount <= 0 && amount >= base : amount >= 0 && amount <= base);
		PROMISE(base < 0 ? error > -(Wide) DISCOUNT_WHOLE - 1 && error < DISCOUNT_WHOLE
						 : error <= DISCOUNT_WHOLE && error > -(Wide) DISCOUNT_WHOLE);
	}
	amount = discount_fixed(base, hundredths);
	PROMISE(amount >= 0 && (amount == 0 || (amount <= base && amount <= hundredths)));
}

static void
split_try(const int64_t *lines, size_t count, int64_t total)
{
	DiscountPart *parts = malloc((count + 1) * sizeof(DiscountPart));
	Wide sum = 0, shares = 0;
	bool negative = total < 0;

	for (size_t i = 0; i < count; i++)
	{
		negative = negative || lines[i] < 0;
		sum += lines[i];
	}
	PROMISE(discount_split(lines, count, total, parts) ==
			(!negative && (count > 0 || total == 0)));
	if (!negative && count > 0)
	{
		for (size_t i = 0; i < count; i++)
		{
			shares += parts[i].share;
			PROMISE(parts[i].share >= 0 && (total > sum || parts[i].share <= lines[i]));
		}
		PROMISE(shares == total);
	}
	free(parts);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t count = size / sizeof(int64_t);
	int64_t *numbers = malloc(size + sizeof(int64_t));
	int64_t first = 0;

	memcpy(numbers, data, count * sizeof(int64_t));
	if (count > 0)
		first = numbers[0];
	percentage_try(first, (int32_t) (count > 1 ? numbers[1] : 0));
	percentage_try(first, (int32_t) ((uint64_t) first % DISCOUNT_WHOLE));
	for (size_t i = 1; i < count; i += 2)
		numbers[i] &= INT64_MAX;
	if (count > 0)
		split_try(numbers + 1, count - 1, first);
	free(numbers);
	return 0;
}
