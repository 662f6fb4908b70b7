/*
 * course_sources.h: what gives a user a course: the rows, and what each of them is worth.
 *
 * Only course_rights.c and access.c use this header: everybody else asks course_rights.h, which
 * keeps answers. The functions read with the active snapshot, past row security. Errors are
 * those of core/rows.h, core/setting.h and billing/premium.h.
 */
#ifndef COURSEBASE_ACCESS_COURSE_SOURCES_H
#define COURSEBASE_ACCESS_COURSE_SOURCES_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/uuid.h"

#include "billing/premium.h"

/* What gives a course, as bits. */
typedef enum CourseSource
{
	COURSE_BY_GRANT = 1 << 0,    /* given, or in a product that was bought, and not ended */
	COURSE_BY_PURCHASE = 1 << 1, /* a valid purchase: of a store, or entered by hand */
	COURSE_BY_SLOT = 1 << 2,    /* chosen for a slot, while an entitlement with slots is held */
	COURSE_BY_PREMIUM = 1 << 3, /* in premium, by an entitlement to every such course */
	COURSE_BY_FREE = 1 << 4,    /* free for everybody */
	COURSE_BY_ADMIN = 1 << 5,   /* every course, for an administrator */
} CourseSource;

#define COURSE_BY_ANY  ((1 << 6) - 1)
#define COURSE_BY_REAL (COURSE_BY_ANY & ~COURSE_BY_ADMIN)

/*
 * A question, and what was found out on the way to its answer. The caller sets what stands
 * before premium_known, and zeros the rest.
 */
typedef struct CourseQuestion
{
	const pg_uuid_t *user; /* NULL: nobody */
	bool admin;            /* the user is an administrator */
	TimestampTz at;
	bool all; /* every source is wanted, not only the first that gives the course */
	/* narrowed by the ends of grants; the caller begins with DT_NOBEGIN and DT_NOEND */
	TimestampTz valid_from;
	TimestampTz valid_until;
	TimestampTz granted_until; /* the latest end of a grant; the caller sets DT_NOBEGIN */
	bool premium_known;
	Premium premium; /* of the entitlements that give slots or every course */
	bool every_known;
	Premium every; /* of those that give every course in premium */
	bool sandbox_known;
	bool sandbox_counts;
	bool may_end;         /* the course has, or had, grants with an end */
	bool slot;            /* a slot holds the course, whether or not there is premium */
	const char *purchase; /* why the purchase that comes nearest gives nothing; NULL: none */
} CourseQuestion;

typedef struct CourseRight
{
	pg_uuid_t course;
	uint32 sources; /* all that give the course */
} CourseRight;

/* The sources that give the user one course, among these; without `all`, some of them. */
extern uint32 course_sources_find(CourseQuestion *question, const pg_uuid_t *course,
								  uint32 sources);

/*
 * The rights to all courses that the user may use, ordered by course, each course once. *rights
 * is allocated in the context; NULL for none. Returns their number.
 */
extern int course_sources_gather(CourseQuestion *question, MemoryContext context,
								 CourseRight **rights);

/*
 * Whether the user holds an entitlement that gives slots or more at the time; one that gives
 * every course in premium. course_premium_bound() tells for how long.
 */
extern bool course_premium_holds(CourseQuestion *question);
extern bool course_premium_is_every(CourseQuestion *question);

/* Narrows [*from, *until) to where what was asked of entitlements has the same answer. */
extern void course_premium_bound(const CourseQuestion *question, TimestampTz *from,
								 TimestampTz *until);

/* The course that has the code, in either case and with blanks around; false if none has. */
extern bool course_by_code_find(const char *code, int size, pg_uuid_t *course);

/* The latest end of the user's grants of the course that have one; DT_NOBEGIN for none. */
extern TimestampTz course_sources_granted_until(const pg_uuid_t *user, const pg_uuid_t *course);

#endif
