/*
 * course_rights.h: which courses may a user use?
 *
 * What gives a course is known to course_sources.c alone. What is recorded holds whatever the
 * time; time alone takes away only premium and what was given or sold with an end, so that `at`
 * decides on which side of these ends the question is.
 *
 * Everything is read with the active snapshot, past row security: the caller has decided that
 * the answer may be known. A user who is NULL, unknown or closed is nobody, who may use free
 * courses. The functions need no SPI_connect(). A session keeps what it read for as long as it
 * must be the same. Errors are those of core/rows.h and core/setting.h.
 */
#ifndef COURSEBASE_ACCESS_COURSE_RIGHTS_H
#define COURSEBASE_ACCESS_COURSE_RIGHTS_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/uuid.h"

#include "access/course_sources.h"
#include "billing/premium.h"

/*
 * Whether one of these sources gives the user the course at that time: some of the bits that
 * do, not all of them; 0 for none, and for a course that does not exist.
 */
extern uint32 course_rights_hold(const pg_uuid_t *user, const pg_uuid_t *course, TimestampTz at,
								 uint32 sources);

/* The same for the user who asks (nobody without one), which is quicker. */
extern uint32 course_rights_hold_own(const pg_uuid_t *course, TimestampTz at, uint32 sources);

/*
 * When what these sources give the user of the course ends, by what is known now: DT_NOEND for
 * never, DT_NOBEGIN where they give nothing at any time. Whether the account is closed is not
 * asked, and an administrator's right is no source. Nothing is kept.
 */
extern TimestampTz course_rights_end(const pg_uuid_t *user, const pg_uuid_t *course,
									 uint32 sources);

typedef struct CourseRights
{
	int count;
	CourseRight *rights;    /* by course, each once */
	TimestampTz valid_from; /* of the answer: [from, until), as far as time decides */
	TimestampTz valid_until;
} CourseRights;

/*
 * Every course that the user may use at that time; an administrator's with all others. The
 * memory is the session's: good until a function of this header is called again, or the
 * transaction ends.
 */
extern void course_rights_set(const pg_uuid_t *user, TimestampTz at, CourseRights *rights);

/* Why: what was found on the way to one course. */
typedef struct CourseFindings
{
	uint32 sources; /* all that give the course */
	bool known;     /* there is such a user */
	bool admin;
	bool slot;            /* a slot holds the course, whether or not there is premium */
	const char *purchase; /* why the purchase that comes nearest gives nothing; NULL: none */
	TimestampTz granted_until; /* the latest end of a grant; DT_NOBEGIN: there is no grant */
	bool has_premium;
	bool every_in_premium; /* premium is every course in premium; looked for under premium */
	Premium premium;       /* of what gives slots */
	Premium every;         /* of what gives every course in premium; looked for under premium */
} CourseFindings;

/* Fills *findings; purchase points to constants. */
extern void course_rights_explain(const pg_uuid_t *user, const pg_uuid_t *course,
								  TimestampTz at, CourseFindings *findings);

#endif
