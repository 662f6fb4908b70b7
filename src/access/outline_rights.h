/*
 * outline_rights.h: what the user who asks may do with a section or lesson, for policies.
 *
 * Policies ask for one row after the other, so answers are kept for as long as they must be the
 * same. The time is the transaction's. Administrators' right to everything is not looked at:
 * the policies and functions that call ask for it themselves.
 */
#ifndef COURSEBASE_ACCESS_OUTLINE_RIGHTS_H
#define COURSEBASE_ACCESS_OUTLINE_RIGHTS_H

#include "postgres.h"

#include "utils/uuid.h"

#include "access/outline.h"
#include "identity/asking.h"

typedef struct OutlineRights
{
	bool is_public; /* the section; if not, the rest is false */
	bool readable;  /* the user may read the course's row */
	bool usable;    /* the user may use the course */
} OutlineRights;

/*
 * The rights of the user who asks (or of nobody) to a section. A section that does not exist
 * is not public. The memory is the session's; errors are those of core/rows.h.
 */
extern OutlineRights outline_rights(const pg_uuid_t *section);

/*
 * The lesson, and the rights to its section; false if there is no such lesson. The rights to a
 * private lesson are none, and are not looked for. From the second lesson of a course on, the
 * lessons that follow are read ahead.
 */
extern bool outline_lesson_rights(const pg_uuid_t *lesson, OutlineLesson *found,
								  OutlineRights *rights);

/*
 * Whether the user who asks (identity_asking() of this moment) may view the lesson, as a
 * preview or by access. False for a lesson that does not exist. Once as many lessons were read
 * as make it worth while, every lesson is read.
 */
extern bool outline_lesson_viewable(const Asking *asking, const pg_uuid_t *lesson);

#endif
