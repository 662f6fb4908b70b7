/*
 * outline.h: what of a course is shown to whom: its sections and lessons.
 *
 * A section is read by anyone who may read its course while it is public. A course is read by
 * anyone when it is free, priced with a code or in a public product, and by those who may use
 * it. Everything is read with the active snapshot, past row security: who calls has decided
 * that the answer may be known. NULL for a user is nobody.
 */
#ifndef COURSEBASE_ACCESS_OUTLINE_H
#define COURSEBASE_ACCESS_OUTLINE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/uuid.h"

typedef enum LessonStatus
{
	LESSON_PUBLIC,
	LESSON_PRIVATE,
	LESSON_PREVIEW,
} LessonStatus;

typedef struct OutlineLesson
{
	LessonStatus status;
	pg_uuid_t section;
} OutlineLesson;

typedef struct OutlineSection
{
	bool is_public;
	pg_uuid_t course;
} OutlineSection;

/* False for one that is not there. */
extern bool outline_lesson(const pg_uuid_t *lesson, OutlineLesson *found);
extern bool outline_section(const pg_uuid_t *section, OutlineSection *found);

/* Whether the user may read the row of the course, but for an administrator's right to all. */
extern bool outline_course_readable(const pg_uuid_t *user, const pg_uuid_t *course,
									TimestampTz at);

/*
 * For who asks, at the transaction's time: is the section public, and may that user read its
 * course, and use it? Kept while nothing changes, which is what makes a policy of it.
 */
typedef struct OutlineRights
{
	bool is_public; /* the rest is false without */
	bool readable;
	bool usable;
} OutlineRights;

extern OutlineRights outline_rights(const pg_uuid_t *section);

/*
 * The lesson, and what outline_rights() has of its section, of which a private lesson asks
 * nothing; false for one that is not there. Lessons that follow are kept too: a policy asks for
 * one after the other.
 */
extern bool outline_lesson_rights(const pg_uuid_t *lesson, OutlineLesson *found,
								  OutlineRights *rights);

#endif
