/*
 * currency.h: how many decimals the minor unit of a currency has (ISO 4217).
 */
#ifndef COURSEBASE_CORE_CURRENCY_H
#define COURSEBASE_CORE_CURRENCY_H

#include <stdbool.h>
#include <stdint.h>

/* 2 for a code that is not in the list of exceptions. */
extern int currency_exponent(const char *code);

/*
 * An amount in parts of the major unit (scale 1000: thousandths, 1000000: millionths) in minor
 * units, rounded half away from zero. False for one whose result is no int64.
 */
extern bool currency_minor_units(int64_t amount, int64_t scale, const char *code,
								 int64_t *minor);

#endif
