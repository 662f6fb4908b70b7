/*
 * amount.h: what a discount takes off, and how an amount is spread over lines.
 *
 * Plain C. Amounts are whole minor units; nothing here can overflow, whatever it is given.
 */
#ifndef COURSEBASE_DISCOUNTS_AMOUNT_H
#define COURSEBASE_DISCOUNTS_AMOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DISCOUNT_WHOLE 10000 /* hundredths of a percent */

/*
 * So many hundredths of a percent of base, rounded half away from zero; from 0 to the whole
 * base. A negative base gives the negative of what its opposite gives.
 */
extern int64_t discount_percentage(int64_t base, int32_t hundredths);

/* A fixed amount, no more than the base; 0 where one of them is negative. */
extern int64_t discount_fixed(int64_t base, int64_t amount);

typedef struct DiscountPart
{
	int64_t share;
	uint64_t remainder_high; /* of share, as a part of the sum of lines: 128 bits */
	uint64_t remainder_low;
	size_t line;
} DiscountPart;

/*
 * Spreads total over count lines in proportion to them, by largest remainder, the earlier line
 * first among equals; lines that are all 0 count as equal. parts[i].share is then line i's; the
 * shares add up to total, and none is above its line when total is not above their sum. False,
 * with parts undefined, when a number is negative or there is something to spread over nothing.
 */
extern bool discount_split(const int64_t *lines, size_t count, int64_t total,
						   DiscountPart *parts);

#endif
