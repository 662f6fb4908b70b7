/*
 * amount.c: what a discount takes off, and how an amount is spread over lines.
 *
 * Plain C. Products of two amounts are computed in 128 bits; the sum of as many lines as memory
 * holds fits into them too.
 */
#include <stdlib.h>

#include "discounts/amount.h"

typedef unsigned __int128 Wide;

static uint64_t magnitude(int64_t value);
static void part_begin(DiscountPart *part, size_t line, uint64_t weight, uint64_t total,
					   Wide sum);
static int by_remainder(const void *left, const void *right);
static int by_line(const void *left, const void *right);

/* Half of the divisor is added before the division, which rounds half away from zero once the
 * sign is put back. */
int64_t
discount_percentage(int64_t base, int32_t hundredths)
{
	uint64_t size = magnitude(base);
	uint64_t result;

	if (hundredths <= 0)
		return 0;
	if (hundredths >= DISCOUNT_WHOLE)
		return base;
	result = (uint64_t) (((Wide) size * (uint64_t) hundredths + DISCOUNT_WHOLE / 2) /
						 DISCOUNT_WHOLE);
	return base < 0 ? -(int64_t) result : (int64_t) result;
}

int64_t
discount_fixed(int64_t base, int64_t amount)
{
	if (base < 0 || amount < 0)
		return 0;
	return amount < base ? amount : base;
}

bool
discount_split(const int64_t *lines, size_t count, int64_t total, DiscountPart *parts)
{
	Wide sum = 0;
	uint64_t left = (uint64_t) total;

	if (total < 0 || (count == 0 && total > 0))
		return false;
	for (size_t i = 0; i < count; i++)
	{
		if (lines[i] < 0)
			return false;
		sum += (uint64_t) lines[i];
	}
	for (size_t i = 0; i < count; i++)
	{
		part_begin(&parts[i], i, sum > 0 ? (uint64_t) lines[i] : 1, (uint64_t) total,
				   sum > 0 ? sum : (Wide) count);
		left -= (uint64_t) parts[i].share;
	}
	/* the shares were rounded down, so that fewer units are left than lines have a remainder */
	qsort(parts, count, sizeof(DiscountPart), by_remainder);
	for (size_t i = 0; i < left; i++)
		parts[i].share++;
	qsort(parts, count, sizeof(DiscountPart), by_line);
	return true;
}

/* Defined for the least integer too, whose opposite no int64_t holds. */
static uint64_t
magnitude(int64_t value)
{
	return value < 0 ? -(uint64_t) value : (uint64_t) value;
}

/* The share rounded down, and what the rounding left. The remainder is kept in two halves,
 * because a 128-bit field would need an alignment that palloc() does not give. */
static void
part_begin(DiscountPart *part, size_t line, uint64_t weight, uint64_t total, Wide sum)
{
	Wide product = (Wide) total * weight;
	Wide remainder = product % sum;

	part->share = (int64_t) (product / sum);
	part->remainder_high = (uint64_t) (remainder >> 64);
	part->remainder_low = (uint64_t) remainder;
	part->line = line;
}

/* The largest first, the earlier line among equals: the order does not depend on qsort(). */
static int
by_remainder(const void *left, const void *right)
{
	const DiscountPart *a = left;
	const DiscountPart *b = right;

	if (a->remainder_high != b->remainder_high)
		return a->remainder_high > b->remainder_high ? -1 : 1;
	if (a->remainder_low != b->remainder_low)
		return a->remainder_low > b->remainder_low ? -1 : 1;
	return by_line(left, right);
}

/* Puts the parts back into the order of the lines. */
static int
by_line(const void *left, const void *right)
{
	const DiscountPart *a = left;
	const DiscountPart *b = right;

	return a->line < b->line ? -1 : a->line > b->line;
}
