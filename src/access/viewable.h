/*
 * viewable.h: every lesson that the user who asks may view, read at once.
 */
#ifndef COURSEBASE_ACCESS_VIEWABLE_H
#define COURSEBASE_ACCESS_VIEWABLE_H

#include "postgres.h"

#include "utils/uuid.h"

typedef struct ViewableLessons ViewableLessons;

/*
 * Reads the sections and lessons that the active snapshot sees, as of the transaction's time:
 * preview lessons of public sections, and public ones where the user may use the course.
 * Administrators' right to everything is not looked at. The result lies in the context; the
 * errors are those of core/rows.h.
 */
extern ViewableLessons *viewable_lessons_read(MemoryContext context);

/* Whether the lesson is one of them; false, with *viewable undefined, for one of which that is
 * not known, because there were more than are kept. */
extern bool viewable_lessons_know(const ViewableLessons *lessons, const pg_uuid_t *lesson,
								  bool *viewable);

#endif
