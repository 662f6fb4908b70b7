/*
 * course_rights.h: which courses may a user use?
 *
 * The one place that knows what gives a course. What is recorded holds whatever the time; what
 * time alone takes away is premium, so that `at` decides between two sides of its end.
 *
 * Everything is read with the active snapshot, past row security: who calls has decided that
 * the answer may be known. NULL for a user is nobody, as is one who is unknown or soft-deleted:
 * what is free remains. Goes without SPI where the indexes can be read directly, and connects
 * by itself where they cannot. What was read is kept by the session for as long as it must be
 * the same.
 */
#ifndef COURSEBASE_ACCESS_COURSE_RIGHTS_H
#define COURSEBASE_ACCESS_COURSE_RIGHTS_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/uuid.h"

#include "billing/premium.h"

/* What gives a course, as bits. */
typedef enum CourseSource
{
	COURSE_BY_GRANT = 1 << 0, /* user_course_access: given, or in a product that was bought */
	COURSE_BY_PURCHASE = 1 << 1, /* a valid purchase: of a store, or entered by hand */
	COURSE_BY_SLOT = 1 << 2,     /* chosen for a premium slot, while there is premium */
	COURSE_BY_PREMIUM = 1 << 3,  /* in premium, where premium is every such course */
	COURSE_BY_FREE = 1 << 4,     /* free for everybody */
	COURSE_BY_ADMIN = 1 << 5,    /* every course, for an administrator */
} CourseSource;

#define COURSE_BY_ANY  ((1 << 6) - 1)
#define COURSE_BY_REAL (COURSE_BY_ANY & ~COURSE_BY_ADMIN)

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

typedef struct CourseRight
{
	pg_uuid_t course;
	uint32 sources; /* all that give it */
} CourseRight;

typedef struct CourseRights
{
	int count;
	CourseRight *rights;    /* by course, each once */
	TimestampTz valid_from; /* of the answer: [from, until), as far as time decides */
	TimestampTz valid_until;
} CourseRights;

/*
 * Every course that the user may use at that time, an administrator's with all others. The
 * memory is the session's: good until course_rights is asked again, or the transaction ends.
 */
extern void course_rights_set(const pg_uuid_t *user, TimestampTz at, CourseRights *rights);

/* The course that has the code, in whatever case it is written; false when there is none. */
extern bool course_rights_find(const char *code, int size, pg_uuid_t *course);

/* Why: what was found on the way to one course. */
typedef struct CourseFindings
{
	uint32 sources; /* all that give it */
	bool known;     /* there is such a user */
	bool admin;
	bool slot;            /* a slot holds the course, whether or not there is premium */
	const char *purchase; /* why the purchase that is nearest to it gives nothing; NULL: none */
	bool has_premium;
	bool every_in_premium; /* premium is every course in premium; asked only under premium */
	Premium premium;
} CourseFindings;

extern void course_rights_explain(const pg_uuid_t *user, const pg_uuid_t *course,
								  TimestampTz at, CourseFindings *findings);

#endif
