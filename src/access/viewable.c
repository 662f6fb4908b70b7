/*
 * viewable.c: every lesson that the user who asks may view, read at once.
 *
 * Whoever reads the contents of most lessons, in whatever order, is answered from one pass over
 * course_sections and lessons: what a join of these tables costs. Only lessons that may be
 * viewed are kept, 17 bytes each in a hash table, so that a reader who may view little keeps
 * little.
 */
#include "postgres.h"

#include "access/xact.h"

#include "access/course_rights.h"
#include "access/outline.h"
#include "access/viewable.h"
#include "core/datum.h"

/* As many as fit into a table of 2^21 places, 35 MB. Of the rest it is not known. */
#define VIEWABLE_KEPT 1800000

/* A public section. */
typedef struct ViewableSection
{
	pg_uuid_t id;
	char status; /* simplehash's */
	bool usable; /* the course */
} ViewableSection;

typedef struct ViewableLesson
{
	pg_uuid_t id;
	char status; /* simplehash's */
} ViewableLesson;

#define SH_PREFIX       public_sections
#define SH_ELEMENT_TYPE ViewableSection
#include "core/uuid_table.h"

#define SH_PREFIX       viewable
#define SH_ELEMENT_TYPE ViewableLesson
#include "core/uuid_table.h"

struct ViewableLessons
{
	viewable_hash *lessons;
	bool all; /* there are no others */
};

/* While the tables are read: what the row before was about, which mostly is that of this one.
 */
typedef struct Reading
{
	public_sections_hash *sections;
	viewable_hash *lessons;
	bool any; /* the next two are of a section */
	pg_uuid_t course;
	bool usable;
	bool known; /* the next two are of a lesson */
	pg_uuid_t section;
	const ViewableSection *found;
} Reading;

static bool section_take(const pg_uuid_t *id, const OutlineSection *section, void *into);
static bool lesson_take(const pg_uuid_t *id, const OutlineLesson *lesson, void *into);

/*
 * Two passes: sections first, because a lesson is judged by its section. "all" is false where
 * the second pass ended early, and then an absent lesson may be viewable after all.
 */
ViewableLessons *
viewable_lessons_read(MemoryContext context)
{
	ViewableLessons *read = MemoryContextAlloc(context, sizeof(*read));
	Reading reading = {
		.sections = public_sections_create(context, 256, NULL),
		.lessons = viewable_create(context, 1024, NULL),
	};

	outline_every_section(section_take, &reading);
	read->all = !outline_every_lesson(lesson_take, &reading);
	read->lessons = reading.lessons;
	public_sections_destroy(reading.sections);
	return read;
}

/* False means "ask about this lesson by itself". */
bool
viewable_lessons_know(const ViewableLessons *lessons, const pg_uuid_t *lesson, bool *viewable)
{
	*viewable = viewable_lookup(lessons->lessons, *lesson) != NULL;
	return *viewable || lessons->all;
}

static bool
section_take(const pg_uuid_t *id, const OutlineSection *section, void *into)
{
	Reading *reading = into;
	bool found;

	if (!section->is_public)
		return false;
	if (!reading->any || !uuid_equal(&reading->course, &section->course))
	{
		reading->usable =
			course_rights_hold_own(&section->course, GetCurrentTransactionStartTimestamp(),
								   COURSE_BY_ANY) != 0;
		reading->course = section->course;
		reading->any = true;
	}
	public_sections_insert(reading->sections, *id, &found)->usable = reading->usable;
	return false;
}

/* True once there are as many as are kept, and one more. */
static bool
lesson_take(const pg_uuid_t *id, const OutlineLesson *lesson, void *into)
{
	Reading *reading = into;
	bool found;

	if (lesson->status == LESSON_PRIVATE)
		return false;
	if (!reading->known || !uuid_equal(&reading->section, &lesson->section))
	{
		reading->found = public_sections_lookup(reading->sections, lesson->section);
		reading->section = lesson->section;
		reading->known = true;
	}
	if (reading->found == NULL || !(lesson->status == LESSON_PREVIEW || reading->found->usable))
		return false;
	if (reading->lessons->members >= VIEWABLE_KEPT)
		return true;
	viewable_insert(reading->lessons, *id, &found);
	return false;
}
