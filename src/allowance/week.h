/*
 * week.h: when a week that began some time ago turns next.
 */
#ifndef COURSEBASE_ALLOWANCE_WEEK_H
#define COURSEBASE_ALLOWANCE_WEEK_H

#include <stdint.h>

/* A week of exactly 168 hours, in microseconds. */
#define WEEK_OF_HOURS (INT64_C(7) * 24 * 3600 * 1000000)

/* The instant seven days later on a calendar: the same time of day, if the clocks show it. */
typedef int64_t (*WeekStep)(void *calendar, int64_t instant);

/*
 * The end of the week in which `at` lies, if weeks follow each other from the one that ends at
 * `end`: the first end after `at`. Weeks are passed one by one, so that a caller who looks
 * seldom and one who looks often see the same ends. A step that does not go forward counts as
 * 168 hours. weeks (may be NULL) becomes how many weeks were passed. Plain C: the step alone
 * may raise errors.
 */
extern int64_t week_end(int64_t end, int64_t at, WeekStep step, void *calendar, int64_t *weeks);

#endif
