/*
 * currency.c: how many decimals the minor unit of a currency has (ISO 4217).
 *
 * Source: ISO 4217, list one, minor units. Plain C: nothing allocates or raises.
 */
#include "core/currency.h"

#include <string.h>

/* Every code whose exponent is not 2. */
static const struct
{
	const char code[4];
	int exponent;
} exceptions[] = {
	{"BIF", 0}, {"CLP", 0}, {"DJF", 0}, {"GNF", 0}, {"ISK", 0}, {"JPY", 0}, {"KMF", 0},
	{"KRW", 0}, {"PYG", 0}, {"RWF", 0}, {"UGX", 0}, {"UYI", 0}, {"VND", 0}, {"VUV", 0},
	{"XAF", 0}, {"XOF", 0}, {"XPF", 0}, {"BHD", 3}, {"IQD", 3}, {"JOD", 3}, {"KWD", 3},
	{"LYD", 3}, {"OMR", 3}, {"TND", 3}, {"CLF", 4}, {"UYW", 4},
};

int
currency_exponent(const char *code)
{
	for (size_t i = 0; i < sizeof(exceptions) / sizeof(exceptions[0]); i++)
		if (strcmp(code, exceptions[i].code) == 0)
			return exceptions[i].exponent;
	return 2;
}

bool
currency_minor_units(int64_t amount, int64_t scale, const char *code, int64_t *minor)
{
	int64_t factor = 1;
	int64_t half = scale / 2;

	for (int i = currency_exponent(code); i > 0; i--)
		factor *= 10;
	/* room for the factor and for the half that rounds: neither may overflow */
	if (amount > (INT64_MAX - half) / factor || amount < -((INT64_MAX - half) / factor))
		return false;
	amount *= factor;
	*minor = (amount + (amount < 0 ? -half : half)) / scale;
	return true;
}
