/*
 * outline.h: the sections and lessons of a course, as rows, and who may read the course's row.
 *
 * A course is readable for everybody if it is free, has a code and a price, or is in a public
 * product, and for the users who may use it. What a policy asks about sections and lessons row
 * by row is answered by outline_rights.h, which keeps answers.
 *
 * Every function reads with the active snapshot, past row security: the caller has decided that
 * the answer may be known. A row with a null that only a dropped constraint lets in, and a
 * table that is missing, read like a row that does not exist. Errors are those of core/rows.h.
 * Results go into memory of the caller.
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

/* Read one row; false, with *found undefined, if there is none. */
extern bool outline_lesson(const pg_uuid_t *lesson, OutlineLesson *found);
extern bool outline_section(const pg_uuid_t *section, OutlineSection *found);

/*
 * Read rows in their order within the parent, and call take() with each until it returns true.
 * Return whether take() returned true. The pointers are good for the call only. Of sections,
 * the ids alone can be had from one of them on, which saves reading the rest of the rows.
 */
typedef bool (*OutlineIdTake)(const pg_uuid_t *id, void *into);
typedef bool (*OutlineSectionTake)(const pg_uuid_t *id, const OutlineSection *section,
								   void *into);
typedef bool (*OutlineLessonTake)(const pg_uuid_t *id, const OutlineLesson *lesson, void *into);

extern bool outline_section_ids(const pg_uuid_t *course, const pg_uuid_t *from,
								OutlineIdTake take, void *into);
extern bool outline_sections(const pg_uuid_t *course, OutlineSectionTake take, void *into);
extern bool outline_lessons(const pg_uuid_t *section, OutlineLessonTake take, void *into);

/* The same with every row of the table, in no order. */
extern bool outline_every_section(OutlineSectionTake take, void *into);
extern bool outline_every_lesson(OutlineLessonTake take, void *into);

/* About as many calls of outline_lesson() take as long as one of outline_every_lesson(). */
extern int64 outline_every_lesson_cost(void);

/* Whether everybody may read the row of the course. */
extern bool outline_course_offered(const pg_uuid_t *course);

/*
 * Whether the user (NULL: nobody) may read the row of the course at that time, administrators'
 * right to every row aside.
 */
extern bool outline_course_readable(const pg_uuid_t *user, const pg_uuid_t *course,
									TimestampTz at);

#endif
