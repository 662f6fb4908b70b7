/*
 * week_fuzz.c: on whatever calendar, the week's end lies behind the time asked for, and whoever
 * looks often and whoever looks seldom see the same one.
 *
 * The bytes of the input are how many hours each week is longer or shorter.
 */
#include "fuzz.h"
#include "allowance/week.h"

#define HOUR INT64_C(3600000000)

typedef struct Calendar
{
	const uint8_t *hours;
	size_t size;
} Calendar;

/* The same instant always has the same next one, which may lie before it. */
static int64_t
step(void *arg, int64_t instant)
{
	const Calendar *calendar = arg;
	uint64_t week = (uint64_t) instant / (uint64_t) WEEK_OF_HOURS;

	return instant + WEEK_OF_HOURS +
		   ((int) calendar->hours[week % calendar->size] * 3 - 380) * HOUR;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Calendar calendar;
	int64_t at, often = 0, weeks, all = 0;

	if (size < 3)
		return 0;
	calendar = (Calendar){data + 2, size - 2};
	at = (data[0] * 256 + data[1]) * HOUR;
	for (int64_t look = 0; look < at; look += 50 * HOUR)
	{
		often = week_end(often, look, step, &calendar, &weeks);
		PROMISE(often > look && weeks >= 0);
		all += weeks;
	}
	often = week_end(often, at, step, &calendar, &weeks);
	PROMISE(often > at);
	PROMISE(week_end(0, at, step, &calendar, &all) == often);
	PROMISE(week_end(often, at, step, &calendar, &weeks) == often && weeks == 0);
	return 0;
}
