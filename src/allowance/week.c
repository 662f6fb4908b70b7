/*
 * week.c: when a week that began some time ago turns next.
 *
 * Invariant: the end never goes back, and moves forward with every week that is passed,
 * whatever the calendar says: so the loop ends.
 */
#include "allowance/week.h"

#include <stddef.h>

/*
 * A calendar that does not move forward, as at a change of the zone's rules, is overruled by
 * seven times 24 hours.
 */
int64_t
week_end(int64_t end, int64_t at, WeekStep step, void *calendar, int64_t *weeks)
{
	int64_t passed = 0;

	while (end <= at)
	{
		int64_t next = step(calendar, end);

		if (next <= end)
			next = end > INT64_MAX - WEEK_OF_HOURS ? INT64_MAX : end + WEEK_OF_HOURS;
		passed++;
		if (next == INT64_MAX)
		{
			end = next;
			break;
		}
		end = next;
	}
	if (weeks != NULL)
		*weeks = passed;
	return end;
}
