/*
 * access_end.h: until when purchases give their courses.
 *
 * A purchase whose access_days or access_until says so gives its courses until an end, which
 * stands in course_grants.expires_at. The days are counted from the sale, or from the end that
 * the buyer has of the course by then: buying again extends.
 */
#ifndef COURSEBASE_SALES_ACCESS_END_H
#define COURSEBASE_SALES_ACCESS_END_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* What a purchase says about its end, as it was sold. */
typedef struct AccessTerms
{
	TimestampTz sold_at;
	int32 days;        /* 0: without an end by days */
	TimestampTz until; /* DT_NOEND: without a last moment */
} AccessTerms;

/*
 * The end of a right that was sold on these terms to somebody whose access ended at `latest` by
 * then (DT_NOBEGIN: no access); DT_NOEND for ever. Inline, so that a test without a server has
 * it.
 */
static inline TimestampTz
access_end(const AccessTerms *terms, TimestampTz latest)
{
	TimestampTz end = DT_NOEND;

	if (terms->days > 0)
		end = Max(terms->sold_at, latest) + terms->days * USECS_PER_DAY;
	return Min(end, terms->until);
}

/*
 * Writes the ends of all grants of one person and course, as they follow from each other: for
 * the grants with an end in the transition table "made" of a trigger (registered with SPI); for
 * the buyer and each course of a purchase; for one person and course, two Datums; for every
 * course of a person, whom a merge has given the purchases of another account; and for
 * everybody whom a purchase with an end gave a course. Needs SPI_connect(), and the locks of
 * the people's rows of users. Overwrites SPI_tuptable. What the statement raises comes through.
 */
extern void access_ends_write_made(void);
extern void access_ends_write_purchase(Datum purchase);
extern void access_ends_write_pair(Datum *user_and_course);
extern void access_ends_write_person(Datum person);
extern void access_ends_write_all(void);

#endif
