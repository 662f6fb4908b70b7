/*
 * week.h: when a week that began some time ago turns next.
 */
#ifndef COURSEBASE_ALLOWANCE_WEEK_H
#define COURSEBASE_ALLOWANCE_WEEK_H

#include <stdint.h>

/* A week of exactly 168 hours, in microseconds. */
#define WEEK_OF_HOURS (INT64_C(7) * 24 * 3600 * 1000000)

/* Seven days later on somebody's calendar: same time of day, where the clocks have it. */
typedef int64_t (*WeekStep)(void *calendar, int64_t instant);

/*
 * The end of the week in which `at` lies, for weeks that follow each other from the one that
 * ends at `end`: the first end behind `at`. Weeks are passed one by one, so that whoever looks
 * seldom and whoever looks often see the same ends. A calendar that does not go forward counts
 * as one of 168 hours. weeks (may be NULL) becomes how many weeks were passed.
 */
extern int64_t week_end(int64_t end, int64_t at, WeekStep step, void *calendar, int64_t *weeks);

#endif
